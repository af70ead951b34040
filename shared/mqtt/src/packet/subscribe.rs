//! SUBSCRIBE: a client asks for messages.

use bytes::{BufMut, BytesMut};

use super::{Body, Filters, PacketId, PacketType, Properties, Qos, property::allowed_in};
use crate::{
    codec::{
        reader::Reader,
        writer::{self, Writer},
    },
    error::{DecodeError, EncodeError, Rule},
    topic::TopicFilter,
    version::ProtocolVersion,
};

/// A client asks for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// Packet Identifier.
    pub packet_id: PacketId,
    /// What is asked for; at least one.
    pub filters: Filters<(TopicFilter, SubscriptionOptions)>,
    /// Subscription Identifier and User Properties; none in 3.1.1.
    pub properties: Properties,
}

/// How one subscription wants its messages. 3.1.1 has the maximum QoS only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SubscriptionOptions {
    /// The highest QoS at which the server may send.
    pub maximum_qos: Qos,
    /// Do not send back what this client published.
    pub no_local: bool,
    /// Keep the RETAIN flag as the publisher set it.
    pub retain_as_published: bool,
    /// Whether retained messages are sent when the subscription is made.
    pub retain_handling: RetainHandling,
}

/// Whether retained messages are sent when a subscription is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum RetainHandling {
    /// Send them.
    #[default]
    SendAtSubscribe = 0,
    /// Send them if the subscription did not exist.
    SendAtSubscribeIfNew = 1,
    /// Do not send them.
    DoNotSend = 2,
}

const PROPERTIES: u64 = allowed_in(PacketType::Subscribe);

impl Subscribe {
    #[inline(always)]
    pub(super) fn decode(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let packet_id = reader.packet_id(|| Rule::PacketIdZero)?;
        let properties = reader.properties(PROPERTIES)?;
        Ok(Self {
            packet_id,
            filters: Filters::decode(reader, Rule::SubscribeEmpty)?,
            properties,
        })
    }
}

impl SubscriptionOptions {
    /// Up to this QoS, all else at its default.
    #[must_use]
    pub fn at_most(maximum_qos: Qos) -> Self {
        Self {
            maximum_qos,
            ..Self::default()
        }
    }

    #[inline(always)]
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if !reader.version().is_v5() {
            const FIELD: &str = "Requested QoS";
            let byte = reader.byte(FIELD)?;
            if Qos::from_bits(byte).is_none() {
                return Err(reader.breaks(Rule::SubscribeReservedBits, FIELD));
            }
            return Ok(Self::from_byte(byte));
        }
        const FIELD: &str = "Subscription Options";
        let byte = reader.byte(FIELD)?;
        if byte & 0b1100_0000 != 0 {
            return Err(reader.breaks(Rule::SubscribeReservedBits, FIELD));
        }
        reader.qos(byte, Rule::SubscribeQos, "Maximum QoS")?;
        if byte >> 4 == 3 {
            return Err(reader.breaks(Rule::RetainHandling, "Retain Handling"));
        }
        Ok(Self::from_byte(byte))
    }

    /// The bits of the maximum QoS.
    pub(super) const QOS: u8 = 0b11;
    /// The bit of No Local.
    pub(super) const NO_LOCAL: u8 = 0b100;
    const RETAIN_AS_PUBLISHED: u8 = 0b1000;

    /// From a byte that has been checked.
    #[inline]
    pub(super) fn from_byte(byte: u8) -> Self {
        Self {
            maximum_qos: Qos::from_bits(byte & Self::QOS).unwrap_or_default(),
            no_local: byte & Self::NO_LOCAL != 0,
            retain_as_published: byte & Self::RETAIN_AS_PUBLISHED != 0,
            retain_handling: match byte >> 4 {
                1 => RetainHandling::SendAtSubscribeIfNew,
                2 => RetainHandling::DoNotSend,
                _ => RetainHandling::SendAtSubscribe,
            },
        }
    }

    pub(super) fn to_byte(self) -> u8 {
        let flag = |set, bit| if set { bit } else { 0 };
        self.maximum_qos.bits()
            | flag(self.no_local, Self::NO_LOCAL)
            | flag(self.retain_as_published, Self::RETAIN_AS_PUBLISHED)
            | (self.retain_handling as u8) << 4
    }
}

impl Body for Subscribe {
    fn check(&self, version: ProtocolVersion, _packet: PacketType) -> Result<(), EncodeError> {
        writer::check_properties(version, &self.properties, PROPERTIES)?;
        self.filters.check(version, Rule::SubscribeEmpty)
    }

    fn remaining_len(&self, version: ProtocolVersion) -> usize {
        2 + writer::properties_len(version, &self.properties) + self.filters.as_bytes().len()
    }

    fn write(&self, version: ProtocolVersion, out: &mut BytesMut) {
        out.put_u16(self.packet_id.get());
        out.put_properties(version, &self.properties);
        out.put_slice(self.filters.as_bytes());
    }
}
