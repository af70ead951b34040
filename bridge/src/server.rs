//! The one port: starts and stops everything behind it.

mod accept;
mod connection;
mod crowd;
mod places;
mod probe;
mod redirect;
mod stream;
mod tls;

use std::{collections::BTreeMap, io, iter, net::SocketAddr, sync::Arc, time::Duration};

use hearth_model::api::{AuthMode, BridgeBroker, BridgeConfig};
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, AppState},
    auth::{
        Auth,
        accounts::{AccountsError, AccountsFile},
    },
    broker::BrokerError,
    config::{BrokerAddress, BrokerConfig, BrokerId, Config, WebScheme},
    credentials::CredentialSource,
    home::Home,
    metrics::HttpMetrics,
    relay::Relays,
    routes::{assets::Assets, health::Readiness, login::Arrivals},
    transport::{Dialer, TlsError},
};

use self::{accept::Listeners, crowd::Crowd, tls::Tls};
pub(crate) use self::{
    places::{Place, Places},
    stream::{BrowserStream, Heard},
};

/// Why the bridge cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another program has the port.
    #[error(
        "cannot listen on {address}: the port is taken; stop the program that has it, or choose another with --listen, such as --listen 127.0.0.1:9002 (port 0: any free one)"
    )]
    PortTaken {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// HTTPS cannot be set up.
    #[error("[http.tls]: {0}")]
    Https(#[source] TlsError),
    /// TLS to a broker cannot be set up.
    #[error("[broker.{broker}]: {source}")]
    Tls {
        /// Which broker.
        broker: BrokerId,
        /// What is wrong.
        source: TlsError,
    },
    /// The accounts of the bridge cannot be read.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The embedded broker does not start.
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

impl StartError {
    /// The address that somebody listens on already: perhaps a bridge of the same settings that runs.
    pub fn taken(&self) -> Option<SocketAddr> {
        match self {
            Self::PortTaken { address } | Self::Broker(BrokerError::PortTaken { address }) => Some(*address),
            Self::Listen { .. } | Self::Https(_) | Self::Tls { .. } | Self::Accounts(_) | Self::Broker(_) => {
                None
            }
        }
    }
}

/// Who is at the other end of a connection, and which address of ours it came to.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) scheme: WebScheme,
    pub(crate) permit: Permit,
}

/// A place among the HTTP connections; free again when the last clone is dropped.
pub(crate) type Permit = Arc<Place>;

/// A bridge that serves.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use hearth::{config::{Config, Overrides}, server::Server};
///
/// let flags = Overrides { listen: Some("127.0.0.1:0".into()), ..Overrides::default() };
/// let config = Config::load(None, &Default::default(), &flags).unwrap();
/// let server = Server::start(config).await.unwrap();
/// assert_ne!(server.address().port(), 0);
/// server.stop().await.unwrap();
/// # });
/// ```
pub struct Server {
    address: SocketAddr,
    redirect_address: Option<SocketAddr>,
    https: bool,
    home: Option<Home>,
    stop: CancellationToken,
    relays: Arc<Relays>,
    accepting: JoinHandle<()>,
    crowd: Arc<Crowd>,
    drain: Duration,
}

impl Server {
    /// What would keep the bridge from starting with these settings, now and on this machine: the files that they name, the
    /// addresses and the broker's folder are tried, and left as they were.
    pub fn faults(config: &Config) -> Vec<StartError> {
        let mut faults = Vec::new();
        let https = config.http.tls.as_ref();
        let redirect = https.and_then(|tls| tls.redirect_listen);
        for address in iter::once(config.listen).chain(redirect) {
            let tried = probe::listen(address);
            faults.extend(tried.err().map(|source| listen_error(address, source)));
        }
        faults.extend(https.and_then(|tls| Tls::new(tls).err()).map(StartError::Https));
        faults.extend(config.brokers.iter().filter_map(|broker| dialer(broker).err()));
        if let Some(embedded) = &config.embedded {
            let found = probe::embedded(&embedded.options);
            faults.extend(found.into_iter().map(StartError::Broker));
        }
        if config.auth.mode == AuthMode::Users {
            let read = AccountsFile::new(&config.auth.accounts_file).read();
            faults.extend(read.err().map(StartError::Accounts));
        }
        faults
    }

    /// Starts the embedded broker if it is wanted, and serves.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        // The ports first: they fail at once, and a broker that was started must be stopped.
        let (listener, address) = bind(config.listen).await?;
        let https = config.http.tls.as_ref();
        let tls = https.map(Tls::new).transpose().map_err(StartError::Https)?;
        let redirect = match https.and_then(|tls| tls.redirect_listen) {
            Some(wanted) => Some(bind(wanted).await?),
            None => None,
        };
        let mut dialers = BTreeMap::new();
        for broker in &config.brokers {
            let dialer = dialer(broker)?.with_quick_acks(config.relay.quick_ack_writes);
            dialers.insert(broker.id.clone(), Arc::new(dialer));
        }
        let home = match &config.embedded {
            Some(embedded) => Some(Home::start(embedded, config.demo.as_ref()).await?),
            None => None,
        };
        if let Some(home) = &home {
            let dialer = Dialer::new(BrokerAddress::from(home.dial_address()), None).map_err(|source| {
                StartError::Tls {
                    broker: BrokerId::embedded(),
                    source,
                }
            })?;
            let dialer = dialer.with_quick_acks(config.relay.quick_ack_writes);
            dialers.insert(BrokerId::embedded(), Arc::new(dialer));
        }
        let relays = Arc::new(Relays::new(
            &config.relay,
            config.auth.client_id_prefix.as_deref(),
        ));
        let auth = Auth::start(&config.auth)?;
        let app = App::new(AppState {
            auth,
            access: config.access.clone(),
            http: config.http.clone(),
            requests: Semaphore::new(config.http.max_requests),
            places: Arc::new(Places::new(&config.http, &config.access)),
            forms: Arrivals::default(),
            readiness: Readiness::default(),
            assets: Assets::new(config.dist.as_deref()),
            api_config: api_config(&config),
            dialers,
            credentials: credential_sources(&config),
            default_broker: config.default_broker.clone(),
            relays: Arc::clone(&relays),
            metrics: HttpMetrics::default(),
            broker_counters: home.as_ref().map(Home::counter_reader),
        });
        if let Some(folder) = app.assets.missing_page() {
            tracing::warn!(folder = %folder.display(), "there is no page to serve; build it with `cargo xtask run`, or name its folder with --dist");
        }
        warn_if_open(&config, address);
        let stop = CancellationToken::new();
        let redirect_address = redirect.as_ref().map(|(_, address)| *address);
        let listeners = Listeners {
            main: listener,
            https_port: address.port(),
            redirect: redirect.map(|(listener, _)| listener),
            tls,
        };
        let https = listeners.tls.is_some();
        let crowd = Arc::new(Crowd::new(
            config.worker_threads,
            config.crowd_threads,
            config.crowd_connections,
        ));
        let accepting = tokio::spawn(listeners.serve(app, stop.clone(), config.drain, Arc::clone(&crowd)));
        Ok(Self {
            address,
            redirect_address,
            https,
            home,
            stop,
            relays,
            accepting,
            crowd,
            drain: config.drain,
        })
    }

    /// Where it listens; the port is the real one when port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where plain HTTP is led to HTTPS, if a second address does that.
    pub fn redirect_address(&self) -> Option<SocketAddr> {
        self.redirect_address
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// Where the embedded broker listens, if there is one.
    pub fn broker_address(&self) -> Option<SocketAddr> {
        self.home.as_ref().map(Home::address)
    }

    /// Takes no more connections, closes every WebSocket with 1001, and returns when everything has ended or the drain time is over.
    ///
    /// # Errors
    /// The embedded broker could not write what it should keep; everything has ended all the same.
    pub async fn stop(self) -> Result<(), BrokerError> {
        let until = Instant::now() + self.drain;
        // Its threads serve WebSockets that still have to be told.
        let _crowd = self.crowd;
        self.stop.cancel();
        let left = self.relays.shut_down(self.drain).await;
        if left > 0 {
            tracing::warn!(relays = left, "gave up waiting for WebSockets to end");
        }
        let _ended = timeout_at(until, self.accepting).await;
        match self.home {
            Some(home) => home.stop().await,
            None => Ok(()),
        }
    }
}

/// The embedded broker's own port may be closed to other machines: the relay to it is not.
fn warn_if_open(config: &Config, address: SocketAddr) {
    let open = config
        .embedded
        .as_ref()
        .is_some_and(|embedded| embedded.options.anonymous_allowed());
    if open && config.auth.mode == AuthMode::PassThrough && !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "whoever reaches this address can use the embedded broker without a user name; list [[broker.embedded.users]] to change that"
        );
    }
    for broker in &config.brokers {
        if broker.shows_credentials_in_plain() {
            tracing::warn!(
                broker = %broker.id,
                "the bridge's credentials can be read on their way to this broker; give it TLS and write mqtts:// or wss://"
            );
        }
    }
    let plain = config.http.tls.is_none() && config.access.trusted_proxies.is_empty();
    if plain && config.auth.mode == AuthMode::Users && !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "passwords and sessions can be read on their way over plain HTTP; set [http.tls], or put a proxy with HTTPS in front and name it in access.trusted_proxies"
        );
    }
}

fn dialer(broker: &BrokerConfig) -> Result<Dialer, StartError> {
    Dialer::of_broker(broker).map_err(|source| StartError::Tls {
        broker: broker.id.clone(),
        source,
    })
}

async fn bind(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = TcpListener::bind(wanted)
        .await
        .map_err(|source| listen_error(wanted, source))?;
    let address = listener
        .local_addr()
        .map_err(|source| listen_error(wanted, source))?;
    Ok((listener, address))
}

fn listen_error(address: SocketAddr, source: io::Error) -> StartError {
    match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken { address },
        _ => StartError::Listen { address, source },
    }
}

fn credential_sources(config: &Config) -> BTreeMap<BrokerId, CredentialSource> {
    let sources = config.brokers.iter().filter_map(|broker| {
        let credentials = broker.credentials.clone()?;
        Some((broker.id.clone(), CredentialSource::watched(credentials)))
    });
    sources.collect()
}

fn api_config(config: &Config) -> BridgeConfig {
    let brokers = config.broker_names().map(|(id, name)| BridgeBroker {
        injects_credentials: config.injects_credentials(&id),
        name: name.to_owned(),
        default: config.default_broker.as_ref() == Some(&id),
        path: format!("mqtt/{id}"),
        id: id.to_string(),
    });
    BridgeConfig {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        brokers: brokers.collect(),
        simulated: config.demo.is_some(),
        auth: config.auth.mode,
        user: None,
        maximum_packet_size: config.relay.max_message_bytes,
    }
}
