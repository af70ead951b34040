//! SUBACK: the server's answer to SUBSCRIBE.

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

const PROPERTIES: u64 = allowed_in(PacketType::Suback);

/// Whether SUBACK of this version has the code; 3.1.1 knows one failure only, 0x80.
fn is_allowed(version: ProtocolVersion, code: ReasonCode) -> bool {
    match version {
        ProtocolVersion::V5 => code.is_allowed_in(PacketType::Suback),
        ProtocolVersion::V311 => matches!(code.0, 0..=2 | 0x80),
    }
}

impl Suback {
    #[inline(always)]
    pub(super) fn decode(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let packet_id = reader.packet_id()?;
        let properties = reader.properties(PROPERTIES)?;
        let reason_codes: Vec<_> = reader.rest().iter().copied().map(ReasonCode).collect();
        if reason_codes.is_empty() {
            return Err(reader.breaks(Rule::SubackEmpty, "Payload"));
        }
        if !reason_codes
            .iter()
            .all(|code| is_allowed(reader.version(), *code))
        {
            return Err(reader.breaks(Rule::SubackCode, "Reason Code"));
        }
        Ok(Self {
            packet_id,
            reason_codes,
            properties,
        })
    }
}

impl Body for Suback {
    fn check(&self, version: ProtocolVersion, _packet: PacketType) -> Result<(), EncodeError> {
        writer::check_properties(version, &self.properties, PROPERTIES)?;
        if self.reason_codes.is_empty() {
            return Err(EncodeError::Breaks {
                rule: Rule::SubackEmpty,
                field: "Payload",
            });
        }
        if !self.reason_codes.iter().all(|code| is_allowed(version, *code)) {
            return Err(EncodeError::Breaks {
                rule: Rule::SubackCode,
                field: "Reason Code",
            });
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
