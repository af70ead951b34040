//! TLS towards brokers: whom to trust, and who we are.

use std::{
    fs, io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rustls::{
    ClientConfig, Error, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName,
        pem::{self, PemObject},
    },
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio_rustls::TlsConnector;

use super::verify::{Unfit, Verifier};
use crate::{
    certificate::{self, Age, Validity},
    config::{AlpnProtocol, BrokerAddress, PemSource, SecretBytes, TlsConfig},
};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be read or holds something else.
    #[error("{source_name}: {reason}")]
    File {
        /// The file, or what it is called.
        source_name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No certificates are trusted, so no broker could be.
    #[error("the system has no trusted certificates; name a ca_file")]
    NoRoots,
    /// The broker's name cannot stand in a certificate.
    #[error("\"{0}\" is not a name that a certificate can hold; set server_name, such as \"broker.example\"")]
    ServerName(String),
    /// rustls refused to begin.
    #[error("TLS cannot be set up: {0}")]
    Refused(#[from] Error),
}

/// TLS to one broker. Its files are read again at each dial, and used if they changed.
pub(super) struct Tls {
    config: TlsConfig,
    name: ServerName<'static>,
    loaded: Mutex<Loaded>,
    reloads: AtomicU64,
    reload_failures: AtomicU64,
}

struct Loaded {
    connector: TlsConnector,
    /// The bridge's own certificate, where it shows one.
    own: Option<CertificateDer<'static>>,
    /// Where in its time that was when it was last said.
    told: Age,
    /// What the connector was made from.
    material: Material,
    /// What could not be used, so that it is logged once.
    refused: Option<Material>,
}

/// How often the files of one broker changed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reloads {
    /// What was new is used.
    pub(crate) done: u64,
    /// What was new cannot be used; what was there before is.
    pub(crate) failed: u64,
}

impl Tls {
    pub(super) fn new(config: &TlsConfig, address: &BrokerAddress) -> Result<Self, TlsError> {
        let name = config.server_name.as_ref().unwrap_or(&address.host);
        let server_name =
            ServerName::try_from(name.clone()).map_err(|_| TlsError::ServerName(name.clone()))?;
        let material = Material::read(config)?;
        Ok(Self {
            config: config.clone(),
            name: server_name,
            loaded: Mutex::new(Loaded::of(config, material)?),
            reloads: AtomicU64::new(0),
            reload_failures: AtomicU64::new(0),
        })
    }

    pub(super) fn name(&self) -> ServerName<'static> {
        self.name.clone()
    }

    pub(super) fn reloads(&self) -> Reloads {
        Reloads {
            done: self.reloads.load(Ordering::Relaxed),
            failed: self.reload_failures.load(Ordering::Relaxed),
        }
    }

    /// What the bridge shows of itself.
    pub(super) fn own_certificate(&self) -> Option<CertificateDer<'static>> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.own.clone()
    }

    /// The connector for the files as they are now, or were when they were last usable. Reads files: call it where blocking is allowed.
    pub(super) fn connector(&self) -> TlsConnector {
        let found = Material::read(&self.config);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        self.take(found, &mut loaded);
        loaded.tell_of_time(&self.name);
        loaded.connector.clone()
    }

    /// Uses what was read, if it is another and can be used.
    fn take(&self, found: Result<Material, TlsError>, loaded: &mut Loaded) {
        let made = match found {
            Ok(material) if material == loaded.material => {
                loaded.refused = None;
                return;
            }
            // Said already.
            Ok(material) if loaded.refused.as_ref() == Some(&material) => return,
            Ok(material) => Loaded::of(&self.config, material.clone()).map_err(|error| (error, material)),
            Err(error) => Err((error, Material::default())),
        };
        match made {
            Ok(fresh) => {
                tracing::info!(server = %self.name.to_str(), "certificates have changed and are used from now on");
                self.reloads.fetch_add(1, Ordering::Relaxed);
                *loaded = fresh;
            }
            Err((error, material)) => {
                if loaded.refused.as_ref() != Some(&material) {
                    tracing::error!(server = %self.name.to_str(), %error, "certificates have changed and cannot be used; those from before are kept");
                    self.reload_failures.fetch_add(1, Ordering::Relaxed);
                    loaded.refused = Some(material);
                }
            }
        }
    }
}

impl Loaded {
    fn of(config: &TlsConfig, material: Material) -> Result<Self, TlsError> {
        let own = match (&config.cert, &material.cert) {
            (Some(source), Some(pem)) => certificates(source, pem)?.into_iter().next(),
            _ => None,
        };
        Ok(Self {
            connector: material.connector(config)?,
            own,
            told: Age::Good,
            material,
            refused: None,
        })
    }

    /// Says it when the bridge's own certificate comes to another time of its life.
    fn tell_of_time(&mut self, server: &ServerName<'_>) {
        let Some(validity) = self.own.as_ref().and_then(Validity::of) else {
            return;
        };
        let now_s = certificate::now_s();
        let age = validity.age(now_s);
        let server = server.to_str();
        if age != self.told {
            let left_s = validity.until_s.saturating_sub(now_s);
            match age {
                Age::Good => {}
                Age::Early => tracing::warn!(%server, "the bridge's own certificate is not valid yet"),
                Age::Near => {
                    tracing::warn!(
                        %server,
                        left_s,
                        "the bridge's own certificate nears its end, and no new one is there yet"
                    );
                }
                Age::Over => tracing::warn!(%server, "the bridge's own certificate has expired"),
            }
            self.told = age;
        }
    }
}

/// The PEM files as they were read.
#[derive(Clone, Default, PartialEq, Eq)]
struct Material {
    ca: Option<SecretBytes>,
    cert: Option<SecretBytes>,
    key: Option<SecretBytes>,
}

impl Material {
    fn read(config: &TlsConfig) -> Result<Self, TlsError> {
        let read = |source: &Option<PemSource>| source.as_ref().map(read_source).transpose();
        Ok(Self {
            ca: read(&config.ca)?,
            cert: read(&config.cert)?,
            key: read(&config.key)?,
        })
    }

    fn connector(&self, config: &TlsConfig) -> Result<TlsConnector, TlsError> {
        // The provider is named: another crate of the program may have brought a second one.
        let provider = Arc::new(ring::default_provider());
        let verifier = self.verifier(config, Arc::clone(&provider))?;
        // What is called dangerous asks no less than the usual way: see there.
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut client = match (&config.cert, &self.cert, &config.key, &self.key) {
            (Some(cert_source), Some(cert), Some(key_source), Some(key)) => {
                let own = fitting((cert_source, cert), (key_source, key))?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own)))
            }
            _ => builder.with_no_client_auth(),
        };
        let protocols = config.alpn.iter().map(AlpnProtocol::as_str);
        client.alpn_protocols = protocols.map(|name| name.as_bytes().to_vec()).collect();
        Ok(TlsConnector::from(Arc::new(client)))
    }

    fn verifier(&self, config: &TlsConfig, provider: Arc<CryptoProvider>) -> Result<Verifier, TlsError> {
        let (roots, named) = match (&config.ca, &self.ca) {
            (Some(source), Some(pem)) => named_roots(source, pem)?,
            _ => (system_roots(), Vec::new()),
        };
        Verifier::new(roots, named, provider).map_err(|_| TlsError::NoRoots)
    }
}

/// Can these be trusted? Looks for mistakes only.
pub(crate) fn check_authorities(ca_file: &Path) -> Result<(), TlsError> {
    let source = PemSource::File(ca_file.into());
    named_roots(&source, &read_source(&source)?).map(drop)
}

fn named_roots(
    source: &PemSource,
    pem: &SecretBytes,
) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), TlsError> {
    let named = certificates(source, pem)?;
    let mut store = RootCertStore::empty();
    for certificate in &named {
        store.add(certificate.clone()).map_err(|_| TlsError::File {
            source_name: source.to_string(),
            reason: "holds a certificate that cannot be used: it is damaged, or not of X.509".to_owned(),
        })?;
    }
    Ok((store, named))
}

fn system_roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate of the system cannot be read");
    }
    store.add_parsable_certificates(found.certs);
    store
}

/// Stands in the head of a key that has a passphrase, of either kind.
const ENCRYPTED: &[u8] = b"ENCRYPTED";

/// A certificate chain with its key, for whoever shows one.
pub(crate) fn key_pair(cert_file: &Path, key_file: &Path) -> Result<CertifiedKey, TlsError> {
    let (cert, key) = (
        PemSource::File(cert_file.into()),
        PemSource::File(key_file.into()),
    );
    fitting((&cert, &read_source(&cert)?), (&key, &read_source(&key)?))
}

/// Certificate and key, if the one belongs to the other.
fn fitting(
    (cert_source, cert): (&PemSource, &SecretBytes),
    (key_source, key): (&PemSource, &SecretBytes),
) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(cert_source, cert)?;
    let unfit = chain.first().and_then(Unfit::of);
    let key = private_key(key_source, key)?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
        let (source, reason) = match error {
            Error::InconsistentKeys(_) => (
                key_source,
                format!("holds the key of another certificate than {cert_source}; name the one that it was made with"),
            ),
            Error::InvalidCertificate(_) if unfit == Some(Unfit::Version1) => (
                cert_source,
                "holds a certificate of X.509 version 1, which can hold no names; make one of version 3 with `openssl x509 -req … -extfile FILE`, where a line of FILE says subjectAltName=DNS:home.example".to_owned(),
            ),
            Error::InvalidCertificate(_) => (
                cert_source,
                "holds a certificate that cannot be used: it is damaged, or not of X.509".to_owned(),
            ),
            _ => (
                key_source,
                "holds a key of a kind that cannot be used; RSA with 2048 bits or more, ECDSA (P-256, P-384) and Ed25519 can".to_owned(),
            ),
        };
        TlsError::File {
            source_name: source.to_string(),
            reason,
        }
    })
}

fn private_key(source: &PemSource, pem: &SecretBytes) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = pem.expose();
    PrivateKeyDer::from_pem_slice(text).map_err(|error| {
        if !text.windows(ENCRYPTED.len()).any(|part| part == ENCRYPTED) {
            return pem_error(source, &error, "private key", "PRIVATE KEY");
        }
        TlsError::File {
            source_name: source.to_string(),
            reason:
                "holds a key under a passphrase, which nobody is there to type; `openssl pkey` takes it off"
                    .to_owned(),
        }
    })
}

fn read_source(source: &PemSource) -> Result<SecretBytes, TlsError> {
    match source {
        PemSource::Text { pem, .. } => Ok(pem.clone()),
        PemSource::File(file) => fs::read(file)
            .map(SecretBytes::new)
            .map_err(|error| unreadable(file, &error)),
    }
}

fn certificates(source: &PemSource, pem: &SecretBytes) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(pem.expose()).collect();
    let failed = |error| pem_error(source, &error, "certificate", "CERTIFICATE");
    match found {
        Ok(certificates) if certificates.is_empty() => Err(failed(pem::Error::NoItemsFound)),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(failed(error)),
    }
}

fn unreadable(file: &Path, error: &io::Error) -> TlsError {
    TlsError::File {
        source_name: file.display().to_string(),
        reason: match error.kind() {
            io::ErrorKind::NotFound => "does not exist".to_owned(),
            io::ErrorKind::IsADirectory => "is a folder, not a file".to_owned(),
            _ => error.to_string(),
        },
    }
}

/// What is missing is a `kind`, which begins with a line that has `label` in it.
fn pem_error(source: &PemSource, error: &pem::Error, kind: &str, label: &str) -> TlsError {
    let reason = match error {
        pem::Error::NoItemsFound => format!("holds no {kind} in PEM form (-----BEGIN {label}-----)"),
        pem::Error::MissingSectionEnd { .. } => {
            "is cut off: it has a line -----BEGIN …-----, and no -----END …----- for it".to_owned()
        }
        pem::Error::IllegalSectionStart { .. } => {
            "has a line that begins as -----BEGIN …----- does, and does not end so".to_owned()
        }
        pem::Error::Base64Decode(_) => {
            "holds something else than base64 between -----BEGIN …----- and -----END …-----".to_owned()
        }
        pem::Error::Io(error) => error.to_string(),
        _ => "is too large".to_owned(),
    };
    TlsError::File {
        source_name: source.to_string(),
        reason,
    }
}
