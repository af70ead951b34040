//! What can be set on the embedded broker.

use crate::auth::{Password, Permissions};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// Options of the embedded broker, `[broker.embedded]` in the configuration.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// Where it listens for MQTT over TCP. Port 0 takes any free port. Default `127.0.0.1:1883`.
    pub listen: SocketAddr,
    /// Folder for sessions and retained messages. `None` forgets them when the broker stops.
    pub data_dir: Option<PathBuf>,
    /// How often what changed is written while the broker runs: what a power cut can lose at most, against the wear
    /// of a memory card. A clean stop writes everything. Default 30 s.
    pub snapshot_interval: Duration,
    /// May clients without a user name come in? `None`: only when `listen` is a loopback address.
    pub anonymous: Option<bool>,
    /// What clients without a user name may do.
    pub anonymous_permissions: Permissions,
    /// Users by name.
    pub users: BTreeMap<String, UserOptions>,
    /// Caps.
    pub limits: Limits,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 1883)),
            data_dir: None,
            snapshot_interval: Duration::from_secs(30),
            anonymous: None,
            anonymous_permissions: Permissions::default(),
            users: BTreeMap::new(),
            limits: Limits::default(),
        }
    }
}

impl EmbeddedOptions {
    /// Whether clients without a user name may come in, the default resolved.
    #[must_use]
    pub fn anonymous_allowed(&self) -> bool {
        self.anonymous.unwrap_or_else(|| self.listen.ip().is_loopback())
    }
}

/// One user of the embedded broker.
#[derive(Clone, Debug)]
pub struct UserOptions {
    /// The password, plain or as an argon2 hash.
    pub password: Password,
    /// What the user may do.
    pub permissions: Permissions,
}

/// What the embedded broker holds at most.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Clients that are connected at a time. One more is refused, unless it takes over a connection of its own client identifier.
    /// Of their CONNECTs 100 are worked on at a time; the others wait, for at most 10 s. Default 1,000.
    pub connections: usize,
    /// Sessions, connected or not. Default 10,000.
    pub sessions: usize,
    /// Largest packet in bytes, either way. Default 1 MiB of payload and 128 KiB for topic and properties.
    pub maximum_packet_size: u32,
    /// Levels of a topic filter. Default 128.
    pub topic_levels: usize,
    /// Subscriptions of one client. Default 1,000.
    pub subscriptions: usize,
    /// Messages that wait for one client. QoS 0 messages beyond are dropped, QoS 1 and 2 push out the oldest.
    /// Default 20,000.
    pub queued_messages: usize,
    /// Unacknowledged QoS 1 and 2 messages per client and direction (Receive Maximum). Default 100.
    pub in_flight: u16,
    /// Retained messages. New topics beyond are delivered, but not kept. Default 100,000.
    pub retained_messages: usize,
    /// Bytes of all retained payloads and topics together. Default 256 MiB.
    pub retained_bytes: usize,
    /// How long a session is kept for a client that is away, whatever it asked for. Default 30 days.
    pub session_expiry: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_000,
            sessions: 10_000,
            maximum_packet_size: 1_048_576 + 131_072,
            topic_levels: 128,
            subscriptions: 1_000,
            queued_messages: 20_000,
            in_flight: 100,
            retained_messages: 100_000,
            retained_bytes: 256 * 1_048_576,
            session_expiry: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}
