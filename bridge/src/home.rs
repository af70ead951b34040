//! The embedded broker with the simulated home in it, when they are wanted.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::{
    auth::{Password, Permissions, random_bytes},
    broker::{self, BrokerError, CounterReader, EmbeddedOptions, RunningBroker, UserOptions},
    config::{DemoConfig, EmbeddedBrokerConfig},
    demo::{self, DemoOptions, RunningDemo},
};

/// The account of the simulated devices, where accounts are needed.
const DEMO_USER: &str = "simulated-home";

pub(crate) struct Home {
    broker: RunningBroker,
    demo: Option<RunningDemo>,
}

impl Home {
    pub(crate) async fn start(
        config: &EmbeddedBrokerConfig,
        demo: Option<&DemoConfig>,
    ) -> Result<Self, BrokerError> {
        let mut options = config.options.clone();
        let credentials = demo.and_then(|_| demo_account(&mut options));
        let broker = broker::start(options).await?;
        let mut home = Self { broker, demo: None };
        home.demo = demo.map(|demo| {
            let options = DemoOptions {
                broker: home.dial_address(),
                credentials,
                speed: demo.speed,
                ..DemoOptions::default()
            };
            demo::start(&options)
        });
        Ok(home)
    }

    /// Where the broker listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.broker.address()
    }

    /// Reads what the broker counted.
    pub(crate) fn counter_reader(&self) -> CounterReader {
        self.broker.counter_reader()
    }

    /// Where to dial it, also when it listens everywhere.
    pub(crate) fn dial_address(&self) -> SocketAddr {
        let mut address = self.address();
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() {
                Ipv4Addr::LOCALHOST.into()
            } else {
                Ipv6Addr::LOCALHOST.into()
            });
        }
        address
    }

    /// The devices say goodbye before the broker does.
    pub(crate) async fn stop(self) -> Result<(), BrokerError> {
        if let Some(demo) = self.demo {
            demo.stop().await;
        }
        self.broker.stop().await
    }
}

/// Adds an account with a password that nobody knows, if nobody may come in without one.
fn demo_account(options: &mut EmbeddedOptions) -> Option<(String, String)> {
    if options.anonymous_allowed() {
        return None;
    }
    let random: [u8; 16] = random_bytes()
        .inspect_err(|error| tracing::error!("{error}: the simulated home has no account"))
        .ok()?;
    let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let account = UserOptions {
        password: Password::Plain(password.clone()),
        permissions: Permissions::default(),
    };
    options.users.insert(DEMO_USER.to_owned(), account);
    Some((DEMO_USER.to_owned(), password))
}
