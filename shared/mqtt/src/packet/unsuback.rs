//! UNSUBACK: the server's answer to UNSUBSCRIBE.

use bytes::{BufMut, BytesMut};

use super::{Body, PacketId, PacketType, Properties, ReasonCode, property::allowed_in};
use crate::{
    codec::{
        reader::Reader,
        writer::{self, Writer},
    },
    error::{DecodeError, EncodeError, Rule},
    version::ProtocolVersion,
};

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

const PROPERTIES: u64 = allowed_in(PacketType::Unsuback);

impl Unsuback {
    #[inline(always)]
    pub(super) fn decode(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let packet_id = reader.packet_id()?;
        let properties = reader.properties(PROPERTIES)?;
        if !reader.version().is_v5() {
            reader.finish("UNSUBACK")?;
            return Ok(Self {
                packet_id,
                reason_codes: Vec::new(),
                properties,
            });
        }
        let reason_codes: Vec<_> = reader.rest().iter().copied().map(ReasonCode).collect();
        if reason_codes.is_empty() {
            return Err(reader.breaks(Rule::UnsubackEmpty, "Payload"));
        }
        if !reason_codes
            .iter()
            .all(|code| code.is_allowed_in(PacketType::Unsuback))
        {
            return Err(reader.breaks(Rule::UnsubackCode, "Reason Code"));
        }
        Ok(Self {
            packet_id,
            reason_codes,
            properties,
        })
    }
}

impl Body for Unsuback {
    fn check(&self, version: ProtocolVersion, _packet: PacketType) -> Result<(), EncodeError> {
        writer::check_properties(version, &self.properties, PROPERTIES)?;
        writer::v5_only(version, !self.reason_codes.is_empty(), "reason codes in UNSUBACK")?;
        if version.is_v5() && self.reason_codes.is_empty() {
            return Err(EncodeError::Breaks {
                rule: Rule::UnsubackEmpty,
                field: "Payload",
            });
        }
        for code in &self.reason_codes {
            code.check(PacketType::Unsuback, Rule::UnsubackCode)?;
        }
        Ok(())
    }

    fn remaining_len(&self, version: ProtocolVersion) -> usize {
        2 + writer::properties_len(version, &self.properties) + self.reason_codes.len()
    }

    fn write(&self, version: ProtocolVersion, out: &mut BytesMut) {
        out.put_u16(self.packet_id.get());
        out.put_properties(version, &self.properties);
        for code in &self.reason_codes {
            out.put_reason_code(*code);
        }
    }
}
