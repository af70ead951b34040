//! The embedded broker: MQTT 3.1.1 and 5.0 on one TCP port, for a home that has no broker yet.
//!
//! The protocol is done by `rmqtt`, which is named in the module `rmqtt` only. The rest of the bridge sees
//! [`start`], [`RunningBroker`] and the two small traits [`Engine`] (a broker that runs) and [`AccessControl`]
//! (who may come in, who may do what), so that another library can take its place.
//!
//! ```no_run
//! # async fn example() -> Result<(), hearth::broker::BrokerError> {
//! use hearth::broker::{self, EmbeddedOptions};
//!
//! let broker = broker::start(EmbeddedOptions::default()).await?;
//! println!("MQTT on {}", broker.address());
//! broker.stop().await?;
//! # Ok(())
//! # }
//! ```

mod access;
mod options;
mod rmqtt;
mod store;

pub use access::{AccessControl, Action, Client, Denied, Login, Users};
pub use options::{EmbeddedOptions, Limits, UserOptions};
pub use store::{Counters, Refused};

use crate::auth::PasswordError;
use async_trait::async_trait;
use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

/// Why the embedded broker could not start, or not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// Another program listens there already.
    #[error(
        "the embedded broker cannot listen on {address}: the port is taken; \
         stop the other broker or choose another address with `listen` under [broker.embedded]"
    )]
    PortTaken {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("the embedded broker cannot listen on {address} (`listen` under [broker.embedded]): {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The folder that keeps sessions and retained messages cannot be used.
    #[error("the embedded broker cannot use {path} (`storage_dir` under [broker.embedded]): {source}")]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A running broker uses the same folder.
    #[error(
        "another broker already keeps its data in {path}; choose another folder with `storage_dir` under \
         [broker.embedded]"
    )]
    DataDirInUse {
        /// The folder.
        path: PathBuf,
    },
    /// A user's password hash cannot be read.
    #[error("the password of user {user:?} under [broker.embedded]: {source}")]
    Password {
        /// Whose password.
        user: String,
        /// What is wrong with it.
        source: PasswordError,
    },
    /// A topic permission is not a topic filter.
    #[error("the permission {filter:?} of {who} under [broker.embedded] is not a topic filter: {reason}")]
    Permission {
        /// Whose permission.
        who: String,
        /// What was written.
        filter: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The library refused to start.
    #[error("the embedded broker did not start: {0}")]
    Engine(String),
    /// It has ended, and what it knew is lost.
    #[error(
        "the embedded broker's last snapshot was not written: what sessions and retained messages have become since the one before it is lost"
    )]
    NotSaved,
}

/// Reads the counters of a broker.
pub type CounterReader = Arc<dyn Fn() -> Counters + Send + Sync>;

/// A broker that runs.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Where it listens; the port is the real one when port 0 was asked for.
    fn address(&self) -> SocketAddr;
    /// Reads what it counted, also after it stopped.
    fn counter_reader(&self) -> CounterReader;
    /// Says goodbye to every client, writes sessions and retained messages, frees the port and its threads.
    async fn stop(self: Box<Self>) -> Result<(), BrokerError>;
}

/// The embedded broker while it runs. Dropping it without [`stop`](RunningBroker::stop) stops it too, in the
/// background.
pub struct RunningBroker {
    engine: Box<dyn Engine>,
}

impl RunningBroker {
    /// Where it listens; the port is the real one when port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.engine.address()
    }

    /// What it counted since it started.
    #[must_use]
    pub fn counters(&self) -> Counters {
        (self.counter_reader())()
    }

    /// Reads what it counted, for those who outlive it.
    #[must_use]
    pub fn counter_reader(&self) -> CounterReader {
        self.engine.counter_reader()
    }

    /// Says goodbye to every client, writes sessions and retained messages, frees the port and its threads.
    ///
    /// # Errors
    /// It has ended all the same, but what was to be written is not.
    pub async fn stop(self) -> Result<(), BrokerError> {
        self.engine.stop().await
    }
}

impl std::fmt::Debug for RunningBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunningBroker")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

/// Starts the embedded broker and returns when it takes connections.
pub async fn start(options: EmbeddedOptions) -> Result<RunningBroker, BrokerError> {
    let access = Arc::new(Users::new(&options)?);
    start_with(options, access).await
}

/// As [`start`], with another say in who may do what than the configured users.
pub async fn start_with(
    options: EmbeddedOptions,
    access: Arc<dyn AccessControl>,
) -> Result<RunningBroker, BrokerError> {
    let engine = rmqtt::start(options, access).await?;
    Ok(RunningBroker {
        engine: Box::new(engine),
    })
}
