//! Whether the certificate of a broker is believed: what rustls asks of every one, and what people do with their own.

use std::sync::Arc;

use hearth_model::doctor::TlsFault;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        VerifierBuilderError, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer, x509::X509Version};

use crate::certificate::{Age, Validity};

/// What makes a certificate no good for a server, where rustls has no name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("the certificate is that of an authority")]
    Authority,
    #[error("the certificate is of X.509 version 1")]
    Version1,
}

impl Unfit {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        match certificate.version() {
            X509Version::V3 => certificate.is_ca().then_some(Self::Authority),
            _ => Some(Self::Version1),
        }
    }

    pub(super) fn fault(self) -> TlsFault {
        match self {
            Self::Authority => TlsFault::Authority,
            Self::Version1 => TlsFault::Version1,
        }
    }
}

/// Asks as rustls does, and takes one more: a self-signed certificate that says it is an authority's, as `openssl req -x509` makes
/// it, when `ca_file` holds it itself. Mosquitto's programs and browsers take such a one too.
#[derive(Debug)]
pub(super) struct Verifier {
    usual: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl Verifier {
    /// Trusts who is signed by `roots`, and whose certificate is one of `named`.
    pub(super) fn new(
        roots: RootCertStore,
        named: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        Ok(Self {
            usual: WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?,
            named,
        })
    }

    /// Nobody has to vouch for it; all else is asked of it as of any other. That its key is there shows in the handshake.
    fn verify_named(
        certificate: &CertificateDer<'_>,
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        let validity = Validity::of(certificate).ok_or(CertificateError::BadEncoding)?;
        match validity.age(i64::try_from(now.as_secs()).unwrap_or(i64::MAX)) {
            Age::Early => return Err(CertificateError::NotValidYet.into()),
            Age::Over => return Err(CertificateError::Expired.into()),
            Age::Good | Age::Near => {}
        }
        if !is_for_servers(certificate) {
            return Err(CertificateError::InvalidPurpose.into());
        }
        verify_server_name(&parsed, server_name)?;
        Ok(ServerCertVerified::assertion())
    }
}

/// A certificate that says nothing of its purpose is for any.
fn is_for_servers(certificate: &CertificateDer<'_>) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return false;
    };
    match certificate.extended_key_usage() {
        Ok(usage) => usage.is_none_or(|usage| usage.value.server_auth),
        Err(_) => false,
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.usual
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if !matches!(
            verified,
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
        ) {
            return verified;
        }
        match Unfit::of(end_entity) {
            Some(Unfit::Authority) if self.named.iter().any(|named| **named == **end_entity) => {
                Self::verify_named(end_entity, server_name, now)
            }
            Some(unfit) => Err(CertificateError::Other(OtherError(Arc::new(unfit))).into()),
            None => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd};
    use rustls::crypto::ring;

    use super::*;

    /// 2030.
    const NOW_S: u64 = 1_900_000_000;

    fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    fn verify(
        shown: &CertificateDer<'static>,
        named: &CertificateDer<'static>,
        name: &'static str,
    ) -> Result<(), Error> {
        let mut roots = RootCertStore::empty();
        roots.add(named.clone()).unwrap();
        let verifier = Verifier::new(roots, vec![named.clone()], Arc::new(ring::default_provider()));
        let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW_S));
        let name = ServerName::try_from(name).unwrap();
        let verified = verifier.unwrap().verify_server_cert(shown, &[], &name, &[], now);
        verified.map(drop)
    }

    fn refusal(certificate: &CertificateDer<'static>, name: &'static str) -> CertificateError {
        match verify(certificate, certificate, name) {
            Err(Error::InvalidCertificate(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_self_signed_certificate_is_taken_where_it_is_named_itself() {
        let own = self_signed(|_| {});
        assert_eq!(verify(&own, &own, "localhost"), Ok(()));
        // Another one of the same name is not it.
        let Err(Error::InvalidCertificate(CertificateError::Other(OtherError(cause)))) =
            verify(&self_signed(|_| {}), &own, "localhost")
        else {
            panic!("taken");
        };
        assert_eq!(cause.downcast_ref::<Unfit>(), Some(&Unfit::Authority));
    }

    #[test]
    fn name_time_and_purpose_of_a_named_certificate_are_asked_for() {
        let own = self_signed(|_| {});
        assert!(matches!(
            refusal(&own, "elsewhere"),
            CertificateError::NotValidForNameContext { presented, .. } if presented.len() == 1
        ));
        let expired = self_signed(|params| params.not_after = date_time_ymd(2020, 1, 1));
        assert!(matches!(
            refusal(&expired, "localhost"),
            CertificateError::Expired | CertificateError::ExpiredContext { .. }
        ));
        let early = self_signed(|params| params.not_before = date_time_ymd(3000, 1, 1));
        assert!(matches!(
            refusal(&early, "localhost"),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }
        ));
        let for_clients = self_signed(|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        });
        assert!(matches!(
            refusal(&for_clients, "localhost"),
            CertificateError::InvalidPurpose
        ));
    }
}
