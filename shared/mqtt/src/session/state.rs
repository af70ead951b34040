//! Where a session stands: one enum, each state with what only it has.

use crate::{Framer, MonoTime, ProtocolVersion};

use super::{
    inbound::InboundAliases,
    keep_alive::KeepAlive,
    limits::{Limits, OutboundAliases},
};

/// Where a session stands.
#[derive(Debug)]
pub(crate) enum State {
    /// There is no network connection.
    Offline,
    /// CONNECT was sent.
    AwaitingConnack(Box<Opening>),
    /// The server accepted us.
    Connected(Box<Connection>),
    /// It is over, and the owner was told; the network connection may still be there.
    Closed,
}

/// Between CONNECT and CONNACK.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) version: ProtocolVersion,
    /// What CONNECT said.
    pub(crate) clean_start: bool,
    pub(crate) framer: Framer,
    pub(crate) deadline: MonoTime,
    pub(crate) last_sent: MonoTime,
    /// Whether the server said anything.
    pub(crate) answered: bool,
    pub(crate) auth: AuthExchange,
}

/// From CONNACK to the end.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) framer: Framer,
    pub(crate) limits: Limits,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) connected_at: MonoTime,
    pub(crate) aliases_in: InboundAliases,
    pub(crate) aliases_out: OutboundAliases,
    pub(crate) auth: AuthExchange,
    /// Until when the next step of an authentication may take, while one is under way.
    pub(crate) auth_deadline: Option<MonoTime>,
    /// PUBACK, PUBCOMP and refusing PUBREC packets that did not leave yet: the server may not send more than our Receive
    /// Maximum before they do.
    pub(crate) unsent_ends_of_flows: usize,
}

/// Whose turn it is in an enhanced authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthExchange {
    /// CONNECT named no method.
    None,
    /// None is under way.
    Idle,
    /// We wait for the server.
    Server,
    /// The server waits for the application.
    Application,
}

/// Where a session stands, for its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// There is no network connection.
    Offline,
    /// CONNECT was sent.
    AwaitingConnack,
    /// The server accepted us.
    Connected,
    /// It is over; the owner closes the network connection.
    Closed,
}

impl State {
    pub(crate) fn summary(&self) -> SessionState {
        match self {
            Self::Offline => SessionState::Offline,
            Self::AwaitingConnack(_) => SessionState::AwaitingConnack,
            Self::Connected(_) => SessionState::Connected,
            Self::Closed => SessionState::Closed,
        }
    }
}
