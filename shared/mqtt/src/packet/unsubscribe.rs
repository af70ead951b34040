//! UNSUBSCRIBE: a client no longer asks for messages.

use super::{PacketId, Properties};
use crate::topic::TopicFilter;

/// A client no longer asks for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    /// Packet Identifier.
    pub packet_id: PacketId,
    /// What is no longer asked for; at least one.
    pub filters: Vec<TopicFilter>,
    /// User Properties; none in 3.1.1.
    pub properties: Properties,
}
