//! TLS towards brokers: whom to trust, and who we are.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName,
        pem::{self, PemObject},
    },
};

use crate::config::{BrokerAddress, TlsConfig};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be read or holds something else.
    #[error("{}: {reason}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No certificates are trusted, so no broker could be.
    #[error("the system has no trusted certificates; name a ca_file")]
    NoRoots,
    /// The broker's name cannot stand in a certificate.
    #[error("\"{0}\" is not a name that a certificate can hold; set server_name")]
    ServerName(String),
    /// rustls refused certificate or key.
    #[error("certificate and key do not fit: {0}")]
    Refused(#[from] rustls::Error),
}

pub(super) fn client_config(config: &TlsConfig) -> Result<ClientConfig, TlsError> {
    // The provider is named: another crate of the program may have brought a second one.
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(config.ca_file.as_deref())?);
    match (&config.cert_file, &config.key_file) {
        (Some(cert_file), Some(key_file)) => {
            let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| file_error(key_file, &error))?;
            Ok(builder.with_client_auth_cert(certificates(cert_file)?, key)?)
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

pub(super) fn server_name(
    config: &TlsConfig,
    address: &BrokerAddress,
) -> Result<ServerName<'static>, TlsError> {
    let name = config.server_name.as_ref().unwrap_or(&address.host);
    ServerName::try_from(name.clone()).map_err(|_| TlsError::ServerName(name.clone()))
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match ca_file {
        Some(file) => {
            for certificate in certificates(file)? {
                store.add(certificate)?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(%error, "a certificate of the system cannot be read");
            }
            store.add_parsable_certificates(found.certs);
        }
    }
    if store.is_empty() {
        Err(TlsError::NoRoots)
    } else {
        Ok(store)
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(file_error(file, &pem::Error::NoItemsFound)),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(file_error(file, &error)),
    }
}

fn file_error(file: &Path, error: &pem::Error) -> TlsError {
    let reason = match error {
        pem::Error::NoItemsFound => "holds nothing in PEM form of the kind that is needed".to_owned(),
        pem::Error::Io(error) if error.kind() == io::ErrorKind::NotFound => "does not exist".to_owned(),
        other => other.to_string(),
    };
    TlsError::File {
        file: file.to_owned(),
        reason,
    }
}
