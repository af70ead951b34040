//! PUBLISH: an Application Message on its way.

use bytes::Bytes;

use super::{PacketId, Properties, Qos};
use crate::topic::TopicName;

/// An Application Message on its way. Topic, properties and payload are slices of the received buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Sent again after an earlier attempt; never with QoS 0.
    pub dup: bool,
    /// Quality of Service.
    pub qos: Qos,
    /// From the sender: keep this message for later subscribers. To a subscriber: it was kept.
    pub retain: bool,
    /// Topic Name. `None` only in 5.0, when a Topic Alias stands for it.
    pub topic: Option<TopicName>,
    /// Packet Identifier; `None` exactly with QoS 0.
    pub packet_id: Option<PacketId>,
    /// Properties; none in 3.1.1.
    pub properties: Properties,
    /// The message itself.
    pub payload: Bytes,
}
