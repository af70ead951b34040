//! PUBLISH: an Application Message on its way.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{PacketId, PacketType, Properties, PropertyId, Qos, property::allowed_in};
use crate::{
    codec::{
        reader::Reader,
        variable_byte_integer,
        writer::{self, Writer},
    },
    error::{DecodeError, EncodeError, Rule},
    frame::Frame,
    topic::TopicName,
    version::{ProtocolVersion, Role},
};

/// An Application Message on its way. Topic, properties and payload are slices of the received buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Sent again after an earlier attempt; never with QoS 0.
    pub dup: bool,
    /// Quality of Service.
    pub qos: Qos,
    /// From the sender: keep this message for later subscribers. To a subscriber: it was kept.
    pub retain: bool,
    /// Topic Name. `None` only in 5.0, when a Topic Alias stands for it.
    pub topic: Option<TopicName>,
    /// Packet Identifier; `None` exactly with QoS 0.
    pub packet_id: Option<PacketId>,
    /// Properties; none in 3.1.1.
    pub properties: Properties,
    /// The message itself.
    pub payload: Bytes,
}

const PROPERTIES: u64 = allowed_in(PacketType::Publish);

impl Publish {
    /// Whether the payload is what the Payload Format Indicator says: well-formed UTF-8 if that is 1.
    ///
    /// Receivers may check this (5.0, section 3.3.2.3.2); decoding does not.
    #[must_use]
    pub fn payload_matches_format_indicator(&self) -> bool {
        self.properties.payload_format_indicator() != Some(1) || std::str::from_utf8(&self.payload).is_ok()
    }

    /// The packet is made without an allocation: every field is a slice of the frame's buffer.
    #[inline]
    pub(super) fn decode(
        version: ProtocolVersion,
        receiver: Role,
        mut frame: Frame,
    ) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(version, &frame.body);
        let flags = frame.header.flags();
        let (dup, retain) = (flags & 0b1000 != 0, flags & 1 != 0);
        let qos = reader.qos(flags >> 1, Rule::QosBits, "QoS")?;
        if dup && qos == Qos::AtMostOnce {
            return Err(reader.breaks(Rule::DupWithQos0, "DUP"));
        }
        let topic = reader.topic_name_or_empty("Topic Name")?;
        let packet_id = if qos == Qos::AtMostOnce {
            None
        } else {
            Some(reader.packet_id()?)
        };
        let properties = reader.properties(PROPERTIES)?;
        if topic.is_none() && !properties.contains(PropertyId::TopicAlias) {
            let rule = if version.is_v5() {
                Rule::TopicMissing
            } else {
                Rule::TopicEmpty
            };
            return Err(reader.breaks(rule, "Topic Name"));
        }
        if receiver == Role::Server && properties.contains(PropertyId::SubscriptionIdentifier) {
            return Err(reader.breaks(Rule::SubscriptionIdFromClient, "Subscription Identifier"));
        }
        let header_len = frame.body.len() - reader.remaining();
        frame.body.advance(header_len);
        Ok(Self {
            dup,
            qos,
            retain,
            topic,
            packet_id,
            properties,
            payload: frame.body,
        })
    }

    #[inline]
    pub(super) fn check(&self, version: ProtocolVersion) -> Result<(), EncodeError> {
        let breaks = |rule, field| Err(EncodeError::Breaks { rule, field });
        if self.packet_id.is_some() != (self.qos != Qos::AtMostOnce) {
            return breaks(Rule::PacketIdAndQos, "Packet Identifier");
        }
        if self.dup && self.qos == Qos::AtMostOnce {
            return breaks(Rule::DupWithQos0, "DUP");
        }
        if self.topic.is_none() && !self.properties.contains(PropertyId::TopicAlias) {
            return breaks(Rule::TopicMissing, "Topic Name");
        }
        writer::check_properties(version, &self.properties, PROPERTIES)
    }

    fn topic_bytes(&self) -> &[u8] {
        self.topic.as_ref().map_or(&[], |topic| topic.as_str().as_bytes())
    }

    /// The lower four bits of the first byte.
    fn flags(&self) -> u8 {
        u8::from(self.dup) << 3 | self.qos.bits() << 1 | u8::from(self.retain)
    }

    #[inline]
    pub(super) fn remaining_len(&self, version: ProtocolVersion) -> usize {
        let packet_id = if self.packet_id.is_some() { 2 } else { 0 };
        let properties = writer::properties_len(version, &self.properties);
        2 + self.topic_bytes().len() + packet_id + properties + self.payload.len()
    }

    /// Writes the whole packet; [`Publish::check`] has passed and `remaining_length` is right.
    #[inline]
    pub(super) fn write(&self, version: ProtocolVersion, remaining_length: u32, out: &mut BytesMut) {
        let topic = self.topic_bytes();
        // First byte, Remaining Length and the topic's length go out as one: each append checks the capacity.
        let (length, length_len) = variable_byte_integer::packed(remaining_length);
        let first_byte = (PacketType::Publish as u8) << 4 | self.flags();
        let topic_len = u16::try_from(topic.len()).unwrap_or(u16::MAX).swap_bytes();
        let head =
            u64::from(first_byte) | u64::from(length) << 8 | u64::from(topic_len) << (8 + 8 * length_len);
        out.put_slice(head.to_le_bytes().get(..3 + length_len).unwrap_or_default());
        out.put_slice(topic);
        if let Some(packet_id) = self.packet_id {
            out.put_u16(packet_id.get());
        }
        out.put_properties(version, &self.properties);
        out.put_slice(&self.payload);
    }
}
