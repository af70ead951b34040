//! What the owner of a session can do wrong; only commands return it.

use thiserror::Error;

use crate::Qos;

/// The caller asked for something that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ApiMisuse {
    /// Only possible while connected.
    #[error("there is no connection to the server")]
    NotConnected,
    /// The server does not support this QoS.
    #[error("the server supports at most QoS {}", .maximum.bits())]
    QosNotSupported {
        /// What it supports.
        maximum: Qos,
    },
    /// The server keeps no retained messages.
    #[error("the server does not support retained messages")]
    RetainNotSupported,
    /// The packet is larger than the server accepts.
    #[error("the packet has {bytes} bytes, the server accepts {maximum}")]
    PacketTooLarge {
        /// Size of the whole packet, in bytes.
        bytes: usize,
        /// What the server accepts, in bytes.
        maximum: u32,
    },
    /// The queue of messages for the server is full.
    #[error("the queue is full: {messages} messages, {bytes} bytes wait for the server")]
    QueueFull {
        /// Messages that wait.
        messages: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// Too many subscriptions, or too many requests without an answer.
    #[error("more than {maximum} subscriptions")]
    TooManySubscriptions {
        /// The limit of the options.
        maximum: usize,
    },
    /// SUBSCRIBE and UNSUBSCRIBE need at least one filter ([MQTT5-3.8.3-2], [MQTT5-3.10.3-2]).
    #[error("no topic filter was given")]
    NoFilters,
    /// No Local may not be set on a shared subscription ([MQTT5-3.8.3-4]).
    #[error("a shared subscription cannot have No Local")]
    NoLocalOnShared,
    /// A Subscription Identifier is 1..=268,435,455.
    #[error("subscription identifier {0} is not in 1..=268,435,455")]
    SubscriptionIdentifier(u32),
    /// This property is not the caller's to set in this packet.
    #[error("the property {0} cannot be set by the caller")]
    PropertyNotAllowed(&'static str),
    /// Too many requests wait for their response.
    #[error("more than {maximum} requests without a response")]
    TooManyRequests {
        /// The limit of the options.
        maximum: usize,
    },
    /// No subscription matches the Response Topic, so no response could arrive.
    #[error("the response topic is not subscribed")]
    ResponseTopicNotSubscribed,
    /// Enhanced authentication is not under way, or the options name no method ([MQTT5-4.12.0-7]).
    #[error("no authentication is under way")]
    NoAuthentication,
    /// An authentication is under way: one at a time ([MQTT5-4.12.1-1]).
    #[error("an authentication is under way")]
    AuthenticationUnderWay,
    /// A session without expiry cannot be given one when it ends (5.0, 3.14.2.2.2).
    #[error("the session expiry cannot be changed from 0")]
    ExpiryNotAllowed,
    /// It cannot be said in MQTT.
    #[error("{0}")]
    CannotEncode(crate::EncodeError),
}
