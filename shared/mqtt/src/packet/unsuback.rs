//! UNSUBACK: the server's answer to UNSUBSCRIBE.

use bytes::BytesMut;

use super::{
    Body, PacketId, PacketType, Properties, ReasonCode,
    property::allowed_in,
    suback::{self, CodeRules},
};
use crate::{
    codec::{reader::Reader, writer},
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

/// For 5.0; 3.1.1 has no codes here.
const RULES: CodeRules = CodeRules {
    empty: Rule::UnsubackEmpty,
    code: Rule::UnsubackCode,
    is_allowed: |_, code| code.is_allowed_in(PacketType::Unsuback),
};

impl Unsuback {
    #[inline(always)]
    pub(super) fn decode(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let packet_id = reader.packet_id(|| Rule::PacketIdZeroInSuback)?;
        let properties = reader.properties(PROPERTIES)?;
        if !reader.version().is_v5() {
            reader.finish("UNSUBACK")?;
            return Ok(Self {
                packet_id,
                reason_codes: Vec::new(),
                properties,
            });
        }
        let reason_codes = suback::reason_codes(&mut reader);
        if let Some((rule, field)) = RULES.broken_by(&reason_codes, reader.version()) {
            return Err(reader.breaks(rule, field));
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
        if !version.is_v5() {
            return Ok(());
        }
        match RULES.broken_by(&self.reason_codes, version) {
            Some((rule, field)) => Err(EncodeError::Breaks { rule, field }),
            None => Ok(()),
        }
    }

    fn remaining_len(&self, version: ProtocolVersion) -> usize {
        suback::remaining_len(version, &self.properties, &self.reason_codes)
    }

    fn write(&self, version: ProtocolVersion, out: &mut BytesMut) {
        suback::write(self.packet_id, version, &self.properties, &self.reason_codes, out);
    }
}
