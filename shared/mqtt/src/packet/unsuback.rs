//! UNSUBACK: the server's answer to UNSUBSCRIBE.

use super::{PacketId, Properties, ReasonCode};

/// The server's answer to UNSUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsuback {
    /// Which UNSUBSCRIBE this answers.
    pub packet_id: PacketId,
    /// One per filter, in the same order; none in 3.1.1.
    pub reason_codes: Vec<ReasonCode>,
    /// Reason String and User Properties; none in 3.1.1.
    pub properties: Properties,
}
