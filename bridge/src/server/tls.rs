//! HTTPS: certificate and key from files, read again when they change.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::ring,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use sha2::{Digest, Sha256};
use tokio::{
    net::TcpStream,
    time::{MissedTickBehavior, interval},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    app::App,
    certificate::{self, Age, Validity},
    config::HttpTlsConfig,
    transport::{TlsError, key_pair},
};

/// How often the files are looked at. They may be links that are swapped as a whole, so their content is compared.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// What ALPN calls HTTP/2 and HTTP/1.1; the first that the browser knows is taken.
const H2: &[u8] = b"h2";
const HTTP_11: &[u8] = b"http/1.1";

/// Makes TLS of TCP.
#[derive(Clone)]
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    keys: Arc<Keys>,
    seen: [u8; 32],
}

/// The certificate that is shown, and where it comes from.
#[derive(Debug)]
struct Keys {
    cert_file: PathBuf,
    key_file: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Keys {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(
            &self.current.read().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

impl Tls {
    pub(super) fn new(config: &HttpTlsConfig) -> Result<Self, TlsError> {
        // Before they are read: what changes from here on is seen as a change.
        let seen = digest(&config.cert_file, &config.key_file);
        let current = key_pair(&config.cert_file, &config.key_file)?;
        let keys = Arc::new(Keys {
            cert_file: config.cert_file.clone(),
            key_file: config.key_file.clone(),
            current: RwLock::new(Arc::new(current)),
        });
        // The provider is named: another crate of the program may have brought a second one.
        let mut tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Keys>::clone(&keys));
        tls.alpn_protocols = vec![H2.to_vec(), HTTP_11.to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(tls)),
            keys,
            seen,
        })
    }

    /// The handshake; the caller bounds the time.
    pub(super) async fn accept(&self, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(tcp).await
    }

    /// Looks at the files for ever. What cannot be used is said and counted once, and the last good certificate stays.
    pub(super) async fn keep_fresh(self, app: App) {
        let mut seen = self.seen;
        let mut told = Age::Good;
        let mut ticks = interval(LOOK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            told = self.keys.tell_of_time(&app, told);
            ticks.tick().await;
            let keys = Arc::clone(&self.keys);
            let looked = tokio::task::spawn_blocking(move || keys.look(seen)).await;
            let Ok(Some((digest, loaded))) = looked else {
                continue;
            };
            seen = digest;
            app.metrics.certificate_read(loaded.is_ok());
            match loaded {
                Ok(()) => {
                    tracing::info!(file = %self.keys.cert_file.display(), "the new certificate is in use");
                }
                Err(error) => {
                    tracing::warn!(%error, "the changed certificate or key cannot be used; the last good one stays in use");
                }
            }
        }
    }
}

/// Did the connection agree on HTTP/2?
pub(super) fn is_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(H2)
}

impl Keys {
    /// Says it when the certificate in use comes to another time of its life than the one that was told last.
    fn tell_of_time(&self, app: &App, told: Age) -> Age {
        let current = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        let Some(validity) = current.end_entity_cert().ok().and_then(Validity::of) else {
            return told;
        };
        app.metrics.certificate_ends_at(validity.until_s);
        let now_s = certificate::now_s();
        let age = validity.age(now_s);
        let (file, left_s) = (self.cert_file.display(), validity.until_s.saturating_sub(now_s));
        if age != told {
            match age {
                Age::Good => {}
                Age::Early => {
                    tracing::warn!(%file, "the certificate of HTTPS is not valid yet: browsers refuse it");
                }
                Age::Near => {
                    tracing::warn!(%file, left_s, "the certificate of HTTPS nears its end, and no new one is there yet");
                }
                Age::Over => {
                    tracing::warn!(%file, "the certificate of HTTPS has expired: browsers refuse it");
                }
            }
        }
        age
    }

    fn load(&self) -> Result<CertifiedKey, TlsError> {
        key_pair(&self.cert_file, &self.key_file)
    }

    /// Takes the files into use if they hold something else than what was seen last.
    fn look(&self, seen: [u8; 32]) -> Option<([u8; 32], Result<(), TlsError>)> {
        let digest = digest(&self.cert_file, &self.key_file);
        let take = |fresh| *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        (digest != seen).then(|| (digest, self.load().map(take)))
    }
}

/// What the files hold; a file that cannot be read holds nothing.
fn digest(cert_file: &Path, key_file: &Path) -> [u8; 32] {
    let mut digest = Sha256::new();
    for file in [cert_file, key_file] {
        digest.update(Sha256::digest(std::fs::read(file).unwrap_or_default()));
    }
    digest.finalize().into()
}
