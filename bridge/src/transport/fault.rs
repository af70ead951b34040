//! What an error of TLS means, in terms that lead to something to do.

use std::io;

use hearth_model::doctor::TlsFault;
use rustls::{AlertDescription, CertificateError, Error};

use super::verify::Unfit;

pub(crate) fn tls_fault(error: &io::Error) -> TlsFault {
    let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return match error.kind() {
            // Somebody who expects another language hangs up.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                TlsFault::NotTls
            }
            _ => TlsFault::Other(error.to_string()),
        };
    };
    match inner {
        Error::InvalidMessage(_) => TlsFault::NotTls,
        Error::InvalidCertificate(reason) => certificate_fault(reason),
        Error::AlertReceived(alert) => alert_fault(*alert),
        Error::PeerIncompatible(_) => TlsFault::NoCommonGround,
        Error::NoApplicationProtocol => TlsFault::Other(NO_PROTOCOL.to_owned()),
        Error::NoCertificatesPresented => TlsFault::Other("the other side shows no certificate".to_owned()),
        // The others say it in the names of rustls, which mean nothing to who reads this.
        other => {
            tracing::debug!(error = %other, "TLS failed");
            TlsFault::Other("the other side does not keep to the rules of TLS".to_owned())
        }
    }
}

const NO_PROTOCOL: &str = "the other side knows none of the protocols that are offered (alpn)";

fn certificate_fault(reason: &CertificateError) -> TlsFault {
    let other = |words: &str| TlsFault::Other(words.to_owned());
    match reason {
        CertificateError::UnknownIssuer => TlsFault::UnknownIssuer,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsFault::NotYetValid,
        CertificateError::NotValidForName => TlsFault::WrongName { names: Vec::new() },
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            TlsFault::NoNames
        }
        CertificateError::NotValidForNameContext { presented, .. } => TlsFault::WrongName {
            names: presented.iter().map(|name| bare(name)).collect(),
        },
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            TlsFault::WrongPurpose
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => TlsFault::Weak,
        CertificateError::BadSignature => {
            other("a signature is wrong, or its key is too short (RSA has 2048 bits or more)")
        }
        CertificateError::BadEncoding => other("the certificate cannot be read"),
        CertificateError::UnhandledCriticalExtension => {
            other("the certificate has a critical extension that is not known here")
        }
        CertificateError::Other(cause) => match cause.0.downcast_ref::<Unfit>() {
            Some(unfit) => unfit.fault(),
            None => unnamed(reason),
        },
        _ => unnamed(reason),
    }
}

fn unnamed(reason: &CertificateError) -> TlsFault {
    tracing::debug!(%reason, "a certificate is refused");
    TlsFault::Other("the certificate, or that of who signed it, breaks a rule of X.509".to_owned())
}

/// rustls writes `DnsName("broker.example")`.
fn bare(name: &str) -> String {
    match name.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"')) {
        Some((name, _)) => name.to_owned(),
        None => name.to_owned(),
    }
}

fn alert_fault(alert: AlertDescription) -> TlsFault {
    match alert {
        AlertDescription::CertificateRequired => TlsFault::ClientCertificateWanted,
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => TlsFault::ClientCertificateRefused {
            alert: alert_name(alert),
        },
        AlertDescription::ProtocolVersion | AlertDescription::InsufficientSecurity => {
            TlsFault::NoCommonGround
        }
        AlertDescription::NoApplicationProtocol => TlsFault::Other(NO_PROTOCOL.to_owned()),
        other => TlsFault::Other(format!("the other side gave up: {}", alert_name(other))),
    }
}

/// As the standard writes it, and the broker's log: `UnknownCA` is `unknown_ca`.
fn alert_name(alert: AlertDescription) -> String {
    let Some(name) = alert.as_str() else {
        return format!("alert {}", u8::from(alert));
    };
    let mut words = String::with_capacity(name.len() + 4);
    let mut was_small = false;
    for c in name.chars() {
        if c.is_uppercase() && was_small {
            words.push('_');
        }
        was_small = c.is_lowercase();
        words.push(c.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{OtherError, PeerIncompatible, PeerMisbehaved};

    use super::*;

    fn fault(error: Error) -> TlsFault {
        tls_fault(&io::Error::other(error))
    }

    fn refused(reason: CertificateError) -> TlsFault {
        fault(Error::InvalidCertificate(reason))
    }

    #[test]
    fn what_is_wrong_with_home_made_certificates_has_names() {
        let unfit = |unfit: Unfit| refused(CertificateError::Other(OtherError(Arc::new(unfit))));
        assert_eq!(unfit(Unfit::Authority), TlsFault::Authority);
        assert_eq!(unfit(Unfit::Version1), TlsFault::Version1);
        assert_eq!(refused(CertificateError::InvalidPurpose), TlsFault::WrongPurpose);
        let nameless = CertificateError::NotValidForNameContext {
            expected: "localhost".try_into().unwrap(),
            presented: Vec::new(),
        };
        assert_eq!(refused(nameless), TlsFault::NoNames);
        let old = Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13);
        assert_eq!(fault(old), TlsFault::NoCommonGround);
    }

    /// The names of rustls are written together: `OtherError(CaUsedAsEndEntity)`.
    #[test]
    fn no_fault_is_told_in_the_names_of_a_library() {
        let unknown: Arc<dyn std::error::Error + Send + Sync> =
            Arc::new(io::Error::other("CaUsedAsEndEntity"));
        for error in [
            Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::clone(&unknown)))),
            Error::InvalidCertificate(CertificateError::BadSignature),
            Error::InvalidCertificate(CertificateError::BadEncoding),
            Error::InvalidCertificate(CertificateError::Revoked),
            Error::InvalidCertificate(CertificateError::UnhandledCriticalExtension),
            Error::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyDataReceived),
            Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
            Error::AlertReceived(AlertDescription::HandshakeFailure),
            Error::AlertReceived(AlertDescription::UnknownCA),
            Error::AlertReceived(AlertDescription::from(200)),
            Error::NoApplicationProtocol,
            Error::DecryptError,
            Error::Other(OtherError(unknown)),
        ] {
            let said = fault(error).to_string();
            let words = said.split(|c: char| !c.is_ascii_alphanumeric());
            let is_camel = |word: &str| {
                let mut letters = word.chars();
                letters.any(char::is_lowercase) && letters.any(char::is_uppercase)
            };
            for word in words {
                assert!(!is_camel(word), "{word} in: {said}");
            }
        }
    }

    #[test]
    fn alerts_are_called_as_in_the_standard() {
        for (alert, name) in [
            (AlertDescription::UnknownCA, "unknown_ca"),
            (AlertDescription::CertificateExpired, "certificate_expired"),
            (AlertDescription::HandshakeFailure, "handshake_failure"),
            (AlertDescription::from(200), "alert 200"),
        ] {
            assert_eq!(alert_name(alert), name);
        }
    }
}
