//! SUBSCRIBE: a client asks for messages.

use super::{PacketId, Properties, Qos};
use crate::topic::TopicFilter;

/// A client asks for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// Packet Identifier.
    pub packet_id: PacketId,
    /// What is asked for; at least one.
    pub filters: Vec<(TopicFilter, SubscriptionOptions)>,
    /// Subscription Identifier and User Properties; none in 3.1.1.
    pub properties: Properties,
}

/// How one subscription wants its messages. 3.1.1 has the maximum QoS only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SubscriptionOptions {
    /// The highest QoS at which the server may send.
    pub maximum_qos: Qos,
    /// Do not send back what this client published.
    pub no_local: bool,
    /// Keep the RETAIN flag as the publisher set it.
    pub retain_as_published: bool,
    /// Whether retained messages are sent when the subscription is made.
    pub retain_handling: RetainHandling,
}

impl SubscriptionOptions {
    /// Up to this QoS, all else at its default.
    #[must_use]
    pub fn at_most(maximum_qos: Qos) -> Self {
        Self {
            maximum_qos,
            ..Self::default()
        }
    }
}

/// Whether retained messages are sent when a subscription is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum RetainHandling {
    /// Send them.
    #[default]
    SendAtSubscribe = 0,
    /// Send them if the subscription did not exist.
    SendAtSubscribeIfNew = 1,
    /// Do not send them.
    DoNotSend = 2,
}
