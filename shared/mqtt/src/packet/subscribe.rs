//! SUBSCRIBE: a client asks for messages.

use bytes::{BufMut, BytesMut};

use super::{Body, PacketId, PacketType, Properties, Qos, property::allowed_in};
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
    pub filters: Vec<(TopicFilter, SubscriptionOptions)>,
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
        let packet_id = reader.packet_id()?;
        let properties = reader.properties(PROPERTIES)?;
        if reader.is_empty() {
            return Err(reader.breaks(Rule::SubscribeEmpty, "Payload"));
        }
        let mut filters = Vec::new();
        while !reader.is_empty() {
            let filter = reader.topic_filter("Topic Filter")?;
            let options = SubscriptionOptions::decode(&mut reader)?;
            if options.no_local && filter.is_shared() {
                return Err(reader.breaks(Rule::NoLocalShared, "No Local"));
            }
            filters.push((filter, options));
        }
        Ok(Self {
            packet_id,
            filters,
            properties,
        })
    }
}

/// 5.0 has rules for `$share/…` that 3.1.1 has not.
pub(super) fn check_filter(version: ProtocolVersion, filter: &TopicFilter) -> Result<(), EncodeError> {
    match filter.sharing_error() {
        Some(error) if version.is_v5() => Err(EncodeError::Breaks {
            rule: error.rule(),
            field: "Topic Filter",
        }),
        Some(_) | None => Ok(()),
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

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if !reader.version().is_v5() {
            const FIELD: &str = "Requested QoS";
            let byte = reader.byte(FIELD)?;
            let maximum_qos =
                Qos::from_bits(byte).ok_or_else(|| reader.breaks(Rule::SubscribeReservedBits, FIELD))?;
            return Ok(Self::at_most(maximum_qos));
        }
        const FIELD: &str = "Subscription Options";
        let byte = reader.byte(FIELD)?;
        if byte & 0b1100_0000 != 0 {
            return Err(reader.breaks(Rule::SubscribeReservedBits, FIELD));
        }
        let maximum_qos = reader.qos(byte, Rule::SubscribeQos, "Maximum QoS")?;
        let retain_handling = match byte >> 4 {
            0 => RetainHandling::SendAtSubscribe,
            1 => RetainHandling::SendAtSubscribeIfNew,
            2 => RetainHandling::DoNotSend,
            _ => return Err(reader.breaks(Rule::RetainHandling, "Retain Handling")),
        };
        Ok(Self {
            maximum_qos,
            no_local: byte & 0b100 != 0,
            retain_as_published: byte & 0b1000 != 0,
            retain_handling,
        })
    }

    fn to_byte(self) -> u8 {
        self.maximum_qos.bits()
            | u8::from(self.no_local) << 2
            | u8::from(self.retain_as_published) << 3
            | (self.retain_handling as u8) << 4
    }
}

impl Body for Subscribe {
    fn check(&self, version: ProtocolVersion, _packet: PacketType) -> Result<(), EncodeError> {
        writer::check_properties(version, &self.properties, PROPERTIES)?;
        if self.filters.is_empty() {
            return Err(EncodeError::Breaks {
                rule: Rule::SubscribeEmpty,
                field: "Payload",
            });
        }
        for (filter, options) in &self.filters {
            check_filter(version, filter)?;
            let plain = SubscriptionOptions::at_most(options.maximum_qos);
            writer::v5_only(version, *options != plain, "subscription options other than QoS")?;
            if options.no_local && filter.is_shared() {
                return Err(EncodeError::Breaks {
                    rule: Rule::NoLocalShared,
                    field: "No Local",
                });
            }
        }
        Ok(())
    }

    fn remaining_len(&self, version: ProtocolVersion) -> usize {
        let filters: usize = self
            .filters
            .iter()
            .map(|(filter, _)| 3 + filter.as_str().len())
            .sum();
        2 + writer::properties_len(version, &self.properties) + filters
    }

    fn write(&self, version: ProtocolVersion, out: &mut BytesMut) {
        out.put_u16(self.packet_id.get());
        out.put_properties(version, &self.properties);
        for (filter, options) in &self.filters {
            out.put_prefixed(filter.as_str().as_bytes());
            out.put_u8(options.to_byte());
        }
    }
}
