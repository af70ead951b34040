//! The brokers: started once, at the same time, and ended after the last test.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, bail};
use e2e::aedes::Aedes;
use e2e::amqtt::Amqtt;
use e2e::bridge::Bridge;
use e2e::mosquitto::{Mosquitto, PASSWORD, USER};
use e2e::rabbitmq::RabbitMq;
use hearth_mqtt::ProtocolVersion;

/// A broker that is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Mosquitto,
    Aedes,
    Amqtt,
    /// The broker inside the bridge, through the bridge.
    Embedded,
    RabbitMq,
}

impl Kind {
    /// In the order in which they are up.
    pub(crate) const ALL: [Self; 5] = [
        Self::Mosquitto,
        Self::Aedes,
        Self::Amqtt,
        Self::Embedded,
        Self::RabbitMq,
    ];

    /// As it stands in the names of the tests.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Mosquitto => "mosquitto",
            Self::Aedes => "aedes",
            Self::Amqtt => "amqtt",
            Self::Embedded => "embedded",
            Self::RabbitMq => "rabbitmq",
        }
    }

    fn start(self) -> Result<Broker> {
        Ok(match self {
            Self::Mosquitto => {
                let settings = "max_packet_size 1000000\nmax_keepalive 60\nmax_topic_alias 4\nmax_queued_messages 5000\n";
                let broker = Mosquitto::with_password_and(settings)?;
                let version = e2e::mosquitto::version()?;
                Broker::new(broker.websocket_url(), version, broker)
            }
            Self::Aedes => {
                let broker = Aedes::start()?;
                Broker::new(broker.websocket_url(), broker.version.clone(), broker)
            }
            Self::Amqtt => {
                let broker = Amqtt::start()?;
                Broker::new(broker.websocket_url(), broker.version.clone(), broker)
            }
            Self::Embedded => {
                let users =
                    format!("[[broker.embedded.users]]\nname = \"{USER}\"\npassword = \"{PASSWORD}\"\n");
                let settings = "listen = \"127.0.0.1:0\"\nallow_anonymous = false\n";
                let bridge = Bridge::without_page(&format!("[broker.embedded]\n{settings}{users}"))?;
                let url = format!("ws://127.0.0.1:{}/mqtt", bridge.port);
                Broker::new(url, env!("CARGO_PKG_VERSION").into(), bridge)
            }
            Self::RabbitMq => {
                let broker = RabbitMq::start()?;
                Broker::new(broker.websocket_url(), broker.version.clone(), broker)
            }
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mosquitto => "Mosquitto",
            Self::Aedes => "aedes",
            Self::Amqtt => "amqtt",
            Self::Embedded => "Hearth's own",
            Self::RabbitMq => "RabbitMQ",
        })
    }
}

/// A running broker; dropping it ends it.
pub(crate) struct Broker {
    pub(crate) url: String,
    pub(crate) version: String,
    /// A bridge that reaches it as a client does, by its WebSocket listener.
    bridge: OnceLock<Result<Bridge>>,
    _running: Box<dyn Any + Send + Sync>,
}

impl Broker {
    fn new(url: String, version: String, running: impl Any + Send + Sync) -> Self {
        Self {
            url,
            version,
            bridge: OnceLock::new(),
            _running: Box::new(running),
        }
    }

    /// The address of a bridge in front of it.
    pub(crate) fn url_through_bridge(&self) -> Result<String> {
        let start = || Bridge::without_page(&format!("[broker.main]\nurl = \"{}\"\n", self.url));
        match self.bridge.get_or_init(start) {
            Ok(bridge) => Ok(format!("ws://127.0.0.1:{}/mqtt", bridge.port)),
            Err(error) => bail!("the bridge in front of it did not start: {error:#}"),
        }
    }
}

/// amqtt ends a connection when another one subscribes while it is being set up: a case has one of these for itself.
const INSTANCES_OF_AMQTT: usize = 4;

/// All brokers; each is started when it is first asked for.
#[derive(Default)]
pub(crate) struct Brokers {
    shared: [OnceLock<Result<Broker>>; Kind::ALL.len()],
    alone: [Mutex<Option<Broker>>; INSTANCES_OF_AMQTT],
}

impl Brokers {
    /// Waits until the broker is up, and lets `ask` ask it.
    pub(crate) fn with<T>(
        &self,
        kind: Kind,
        turn: usize,
        ask: impl FnOnce(&Broker) -> Result<T>,
    ) -> Result<T> {
        let not_started = || format!("{kind} did not start");
        if kind == Kind::Amqtt {
            let slot = self
                .alone
                .get(turn % INSTANCES_OF_AMQTT)
                .context("no such broker")?;
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            let broker = match slot.take() {
                Some(broker) => broker,
                None => kind.start().with_context(not_started)?,
            };
            return ask(slot.insert(broker));
        }
        let slot = self.shared.get(kind as usize).context("no such broker")?;
        match slot.get_or_init(|| kind.start()) {
            Ok(broker) => ask(broker),
            Err(error) => bail!("{}: {error:#}", not_started()),
        }
    }

    /// Starts a broker in the background, so that those that are up early are tested while it starts.
    pub(crate) fn warm_up(self: &Arc<Self>, kind: Kind) {
        let brokers = Arc::clone(self);
        std::thread::spawn(move || brokers.with(kind, 0, |_| Ok(())));
    }
}

/// The versions that a broker may speak.
pub(crate) const VERSIONS: [ProtocolVersion; 2] = [ProtocolVersion::V5, ProtocolVersion::V311];
