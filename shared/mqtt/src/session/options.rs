//! What the owner decides about a session before it starts.

use std::fmt;

use bytes::Bytes;

use crate::{ProtocolVersion, Will};

use super::backoff::BackoffOptions;

/// Which version of MQTT to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VersionChoice {
    /// 3.1.1 only.
    V311,
    /// 5.0 only.
    V5,
    /// 5.0, and 3.1.1 when the server does not speak 5.0.
    #[default]
    Auto,
}

impl VersionChoice {
    /// The version of the first CONNECT.
    pub(crate) fn first(self) -> ProtocolVersion {
        match self {
            Self::V311 => ProtocolVersion::V311,
            Self::V5 | Self::Auto => ProtocolVersion::V5,
        }
    }
}

/// Bytes that nobody may read by accident: neither `Debug` nor an error prints them.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Bytes);

impl Secret {
    /// Wraps a password or token.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves, for the wire.
    #[must_use]
    pub fn expose(&self) -> &Bytes {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Enhanced authentication (5.0 only): a method and the data of its first step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentication {
    /// The name of the method, such as `SCRAM-SHA-256` or `K8S-SAT`.
    pub method: String,
    /// What the first step sends, if it sends anything.
    pub data: Option<Secret>,
}

/// Everything the owner decides about a session.
///
/// All fields are public; start from [`SessionOptions::default`] and change what matters.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// Which version of MQTT to speak; [`VersionChoice::Auto`] by default.
    pub version: VersionChoice,
    /// Client Identifier; empty asks the server for one.
    pub client_id: String,
    /// User name.
    pub username: Option<String>,
    /// Password or token.
    pub password: Option<Secret>,
    /// Will Message, published by the server when the client vanishes.
    pub will: Option<Will>,
    /// Enhanced authentication (5.0 only; not sent in 3.1.1).
    pub authentication: Option<Authentication>,
    /// Asks for a new session at the first connection; later ones resume. True by default. Without it and without stored
    /// state, a server of 5.0 that has a session breaks [MQTT5-3.2.2-4] for us: the connection ends, and the next one
    /// starts clean.
    pub clean_start: bool,
    /// In 3.1.1, where a session that is kept never expires, every connection starts with Clean Session; false by
    /// default. Meant for clients whose ids are not used again: their sessions would stay at the server for ever.
    pub clean_session_v311: bool,
    /// How long the server keeps the session after the network connection closed, in seconds; 0 by default (not at
    /// all), `u32::MAX` for ever. In 3.1.1 anything but 0 keeps it until the server forgets.
    pub session_expiry_interval: u32,
    /// Longest silence of the client, in seconds; 30 by default, below the idle limits of common proxies (60 s).
    /// 0 switches the keep-alive off.
    pub keep_alive: u16,
    /// How long a PINGRESP may take, in ms; by default as long as the keep-alive.
    pub ping_timeout_ms: Option<u64>,
    /// How long a CONNACK or the next step of an authentication may take, also of one anew, in ms; 10,000 by default.
    pub connack_timeout_ms: u64,
    /// How many QoS 1 and 2 messages the server may have in flight towards us; 1..=65,535, 1,024 by default. 0 is
    /// read as 1.
    pub receive_maximum: u16,
    /// How many QoS 1 and 2 messages we have in flight at most, whatever the server allows; 1,024 by default.
    /// 0 is read as 1.
    pub in_flight_maximum: u16,
    /// The same for 3.1.1, where the server cannot say what it takes; 20 by default, as Mosquitto's own client does:
    /// Mosquitto 2.0.11 acknowledges more QoS 2 messages than its `max_inflight_messages` (20) and loses them. 0 is
    /// read as 1.
    pub in_flight_maximum_v311: u16,
    /// Largest packet we accept, in bytes; 16 MiB by default. 0 is read as 1, which lets nothing in.
    pub maximum_packet_size: u32,
    /// How many topic aliases the server may use towards us; 128 by default, 0 forbids them.
    pub topic_alias_maximum: u16,
    /// How many topic aliases we use towards the server when it allows them; 32 by default, 0 uses none.
    pub topic_alias_out_maximum: u16,
    /// Asks for Response Information in CONNACK (5.0).
    pub request_response_information: bool,
    /// Refuses messages that claim to be UTF-8 by their Payload Format Indicator and are not, with Payload format
    /// invalid (5.0); false by default: the page shows such a message rather than nothing.
    pub refuse_wrong_payload_format: bool,
    /// User Properties of CONNECT (5.0).
    pub user_properties: Vec<(String, String)>,
    /// Keeps QoS 0 messages published while offline; false by default: a light switched on ten minutes late is
    /// worse than an error.
    pub queue_qos0_offline: bool,
    /// Most messages that wait for the server; 10,000 by default.
    pub queued_messages_maximum: usize,
    /// Most bytes (topic, payload, properties) of messages that the server does not have yet, in the queue and in flight;
    /// 8 MiB by default.
    pub queued_bytes_maximum: usize,
    /// Most subscriptions that are remembered; 10,000 by default.
    pub subscriptions_maximum: usize,
    /// Most requests that wait for their response; 1,000 by default.
    pub requests_maximum: usize,
    /// When bytes for the network pile up above this, QoS 0 messages are refused and others wait; 4 MiB by default.
    /// Acknowledgements cannot wait: when they alone pile up above this, the connection ends.
    pub transmit_bytes_maximum: usize,
    /// Writes a change log that [`poll_persist`](super::Session::poll_persist) hands out, and holds packets back
    /// until the changes they rely on are stored. Off by default.
    pub persistent: bool,
    /// The caller's calendar time at `MonoTime::ZERO`, in ms since 1970; only so that messages stored by one run
    /// expire on time in the next. 0 when nothing is stored.
    pub calendar_at_zero_ms: u64,
    /// The waits between tries to connect.
    pub backoff: BackoffOptions,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            version: VersionChoice::Auto,
            client_id: String::new(),
            username: None,
            password: None,
            will: None,
            authentication: None,
            clean_start: true,
            clean_session_v311: false,
            session_expiry_interval: 0,
            keep_alive: 30,
            ping_timeout_ms: None,
            connack_timeout_ms: 10_000,
            receive_maximum: 1_024,
            in_flight_maximum: 1_024,
            in_flight_maximum_v311: 20,
            maximum_packet_size: 16 * 1024 * 1024,
            topic_alias_maximum: 128,
            topic_alias_out_maximum: 32,
            request_response_information: false,
            refuse_wrong_payload_format: false,
            user_properties: Vec::new(),
            queue_qos0_offline: false,
            queued_messages_maximum: 10_000,
            queued_bytes_maximum: 8 * 1024 * 1024,
            subscriptions_maximum: 10_000,
            requests_maximum: 1_000,
            transmit_bytes_maximum: 4 * 1024 * 1024,
            persistent: false,
            calendar_at_zero_ms: 0,
            backoff: BackoffOptions::default(),
        }
    }
}
