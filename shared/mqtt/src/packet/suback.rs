//! SUBACK: the server's answer to SUBSCRIBE.

use super::{PacketId, Properties, ReasonCode};

/// The server's answer to SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suback {
    /// Which SUBSCRIBE this answers.
    pub packet_id: PacketId,
    /// One per filter, in the same order: the granted QoS, or why not.
    pub reason_codes: Vec<ReasonCode>,
    /// Reason String and User Properties; none in 3.1.1.
    pub properties: Properties,
}
