//! PUBACK, PUBREC, PUBREL and PUBCOMP: four packets of one shape.

use super::{PacketId, Properties, ReasonCode};

/// What PUBACK, PUBREC, PUBREL and PUBCOMP carry. 3.1.1 has the Packet Identifier only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Which PUBLISH this is about.
    pub packet_id: PacketId,
    /// How it went; always Success in 3.1.1.
    pub reason_code: ReasonCode,
    /// Reason String and User Properties; none in 3.1.1.
    pub properties: Properties,
}

impl Ack {
    /// Success, without properties: the short form on the wire.
    #[must_use]
    pub fn success(packet_id: PacketId) -> Self {
        Self::with_reason(packet_id, ReasonCode::SUCCESS)
    }

    /// `reason_code`, without properties.
    #[must_use]
    pub fn with_reason(packet_id: PacketId, reason_code: ReasonCode) -> Self {
        Self {
            packet_id,
            reason_code,
            properties: Properties::new(),
        }
    }
}
