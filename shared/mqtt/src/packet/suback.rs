//! SUBACK: the server's answer to SUBSCRIBE. UNSUBACK has the same form, and takes it from here.

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

const RULES: CodeRules = CodeRules {
    empty: Rule::SubackEmpty,
    code: Rule::SubackCode,
    is_allowed,
};

impl Suback {
    #[inline(always)]
    pub(super) fn decode(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let packet_id = reader.packet_id(|| Rule::PacketIdZeroInSuback)?;
        let properties = reader.properties(PROPERTIES)?;
        let reason_codes = reason_codes(&mut reader);
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

impl Body for Suback {
    fn check(&self, version: ProtocolVersion, _packet: PacketType) -> Result<(), EncodeError> {
        writer::check_properties(version, &self.properties, PROPERTIES)?;
        match RULES.broken_by(&self.reason_codes, version) {
            Some((rule, field)) => Err(EncodeError::Breaks { rule, field }),
            None => Ok(()),
        }
    }

    fn remaining_len(&self, version: ProtocolVersion) -> usize {
        remaining_len(version, &self.properties, &self.reason_codes)
    }

    fn write(&self, version: ProtocolVersion, out: &mut BytesMut) {
        write(self.packet_id, version, &self.properties, &self.reason_codes, out);
    }
}

/// All that is left, one Reason Code a byte.
#[inline(always)]
pub(super) fn reason_codes(reader: &mut Reader<'_>) -> Vec<ReasonCode> {
    reader.rest().iter().copied().map(ReasonCode).collect()
}

/// What a list of Reason Codes must be.
pub(super) struct CodeRules {
    /// Broken by none at all.
    pub(super) empty: Rule,
    /// Broken by one that may not stand there.
    pub(super) code: Rule,
    /// Which may stand there.
    pub(super) is_allowed: fn(ProtocolVersion, ReasonCode) -> bool,
}

impl CodeRules {
    /// The broken rule, and the field that breaks it.
    #[inline(always)]
    pub(super) fn broken_by(
        &self,
        codes: &[ReasonCode],
        version: ProtocolVersion,
    ) -> Option<(Rule, &'static str)> {
        if codes.is_empty() {
            return Some((self.empty, "Payload"));
        }
        let allowed = codes.iter().all(|code| (self.is_allowed)(version, *code));
        (!allowed).then_some((self.code, "Reason Code"))
    }
}

pub(super) fn remaining_len(
    version: ProtocolVersion,
    properties: &Properties,
    reason_codes: &[ReasonCode],
) -> usize {
    2 + writer::properties_len(version, properties) + reason_codes.len()
}

pub(super) fn write(
    packet_id: PacketId,
    version: ProtocolVersion,
    properties: &Properties,
    reason_codes: &[ReasonCode],
    out: &mut BytesMut,
) {
    out.put_u16(packet_id.get());
    out.put_properties(version, properties);
    for code in reason_codes {
        out.put_reason_code(*code);
    }
}
