//! PUBACK, PUBREC, PUBREL and PUBCOMP: four packets of one shape.

use bytes::{BufMut, BytesMut};

use super::{Body, PacketId, PacketType, Properties, ReasonCode, property::allowed_in};
use crate::{
    codec::{
        reader::Reader,
        writer::{self, Writer},
    },
    error::{DecodeError, EncodeError, Rule},
    version::{ProtocolVersion, Role},
};

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

/// All four allow the same properties.
const PROPERTIES: u64 = allowed_in(PacketType::Puback);

/// The rule about the reason codes of one of the four.
const fn code_rule(packet: PacketType) -> Rule {
    match packet {
        PacketType::Pubrec => Rule::PubrecCode,
        PacketType::Pubrel => Rule::PubrelCode,
        PacketType::Pubcomp => Rule::PubcompCode,
        _ => Rule::PubackCode,
    }
}

/// The set for one of the four, which errors tell apart.
const fn properties_of(packet: PacketType) -> u64 {
    match packet {
        PacketType::Pubrec => const { allowed_in(PacketType::Pubrec) },
        PacketType::Pubrel => const { allowed_in(PacketType::Pubrel) },
        PacketType::Pubcomp => const { allowed_in(PacketType::Pubcomp) },
        _ => PROPERTIES,
    }
}

impl Ack {
    /// Success, without properties: the short form on the wire.
    #[must_use]
    #[inline]
    pub fn success(packet_id: PacketId) -> Self {
        Self::with_reason(packet_id, ReasonCode::SUCCESS)
    }

    /// `reason_code`, without properties.
    #[must_use]
    #[inline]
    pub fn with_reason(packet_id: PacketId, reason_code: ReasonCode) -> Self {
        Self {
            packet_id,
            reason_code,
            properties: Properties::new(),
        }
    }

    #[inline]
    pub(super) fn decode(
        mut reader: Reader<'_>,
        packet: PacketType,
        receiver: Role,
    ) -> Result<Self, DecodeError> {
        let packet_id = reader.packet_id(|| Rule::PacketIdZeroInAck)?;
        let mut ack = Self::success(packet_id);
        if reader.version().is_v5() && !reader.is_empty() {
            ack.reason_code = reader.reason_code()?;
            if !ack.reason_code.may_reach(packet, receiver) {
                return Err(reader.breaks(code_rule(packet), "Reason Code"));
            }
            // With a Remaining Length of 3 the Property Length is left out.
            if !reader.is_empty() {
                ack.properties = reader.properties(properties_of(packet))?;
            }
        }
        reader.finish(packet.name())?;
        Ok(ack)
    }

    /// Whether it says no more than that all went well: two bytes in both versions, and never wrong.
    pub(super) fn is_short(&self) -> bool {
        self.reason_code == ReasonCode::SUCCESS && self.properties.is_empty()
    }

    /// Appends all of a packet that is short.
    pub(super) fn write_short(&self, first_byte: u8, out: &mut BytesMut) {
        let [high, low] = self.packet_id.get().to_be_bytes();
        out.put_slice(&[first_byte, 2, high, low]);
    }

    /// Whether the Reason Code and the Property Length are there.
    fn parts(&self, version: ProtocolVersion) -> (bool, bool) {
        let properties = version.is_v5() && !self.properties.is_empty();
        (
            properties || (version.is_v5() && self.reason_code != ReasonCode::SUCCESS),
            properties,
        )
    }
}

impl Body for Ack {
    fn check(&self, version: ProtocolVersion, packet: PacketType) -> Result<(), EncodeError> {
        writer::v5_only(version, self.reason_code != ReasonCode::SUCCESS, "a reason code")?;
        writer::check_properties(version, &self.properties, PROPERTIES)?;
        self.reason_code.check(packet, code_rule(packet))
    }

    fn remaining_len(&self, version: ProtocolVersion) -> usize {
        let (code, properties) = self.parts(version);
        let properties = if properties {
            writer::properties_len(version, &self.properties)
        } else {
            0
        };
        2 + usize::from(code) + properties
    }

    fn write(&self, version: ProtocolVersion, out: &mut BytesMut) {
        let (code, properties) = self.parts(version);
        out.put_u16(self.packet_id.get());
        if code {
            out.put_reason_code(self.reason_code);
        }
        if properties {
            out.put_properties(version, &self.properties);
        }
    }
}
