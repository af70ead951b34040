//! CONNECT: a client asks for a session.

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;

use super::{Properties, Qos};
use crate::{topic::TopicName, version::ProtocolVersion};

/// A client asks for a session. The password does not show in `Debug` output.
#[derive(Clone, PartialEq, Eq)]
pub struct Connect {
    /// The protocol level asked for.
    pub version: ProtocolVersion,
    /// Clean Start; Clean Session in 3.1.1.
    pub clean_start: bool,
    /// Seconds of silence after which the other end may be given up on; 0 is off.
    pub keep_alive: u16,
    /// Client Identifier; empty asks the server for one.
    pub client_id: ByteString,
    /// What the server publishes when the client is gone.
    pub will: Option<Will>,
    /// User Name.
    pub username: Option<ByteString>,
    /// Password.
    pub password: Option<Bytes>,
    /// Session Expiry Interval and so on; none in 3.1.1.
    pub properties: Properties,
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("version", &self.version)
            .field("clean_start", &self.clean_start)
            .field("keep_alive", &self.keep_alive)
            .field("client_id", &self.client_id)
            .field("will", &self.will)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "…"))
            .field("properties", &self.properties)
            .finish()
    }
}

/// The Will Message: what the server publishes when the client is gone without a DISCONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Will Topic.
    pub topic: TopicName,
    /// Will Payload (Will Message in 3.1.1).
    pub payload: Bytes,
    /// Will QoS.
    pub qos: Qos,
    /// Will Retain.
    pub retain: bool,
    /// Will Properties; none in 3.1.1.
    pub properties: Properties,
}
