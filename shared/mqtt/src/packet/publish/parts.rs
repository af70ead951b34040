//! A PUBLISH from its fields.

use bytes::{BufMut, Bytes, BytesMut};

use super::{LENGTH, PROPERTIES};
use crate::{
    codec::writer::{self, Writer},
    error::{EncodeError, Rule},
    packet::{PacketId, PacketType, Properties, PropertiesRef, PropertyId, Qos},
    topic::TopicName,
    version::ProtocolVersion,
};

/// What stands before the payload of nearly every message fits in here.
const HEAD: usize = 64;

/// The payload of nearly every sensor fits in here.
const SHORT_PAYLOAD: usize = 64;

/// Both together.
const SHORT_PACKET: usize = HEAD + SHORT_PAYLOAD;

/// The fields of a [`Publish`](crate::Publish), one by one: to make one, or to take one apart.
///
/// It can be encoded as it is, which copies the payload once; a `Publish` made from it is for those who handle
/// packets of all kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishParts {
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

impl PublishParts {
    /// Appends the packet to `out`, as [`Packet::encode`](crate::Packet::encode) does.
    ///
    /// # Errors
    /// The packet holds what `version` cannot say, or what no receiver would accept.
    #[inline(always)]
    pub fn encode(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        let room = self.payload.len();
        if room <= SHORT_PAYLOAD {
            if self.put_in_place::<SHORT_PACKET>(version, &self.payload, 0, out) {
                return Ok(());
            }
            self.encode_any(version, room, out)?;
        } else {
            self.encode_with_room(version, room, out)?;
        }
        out.put_slice(&self.payload);
        Ok(())
    }

    /// Appends the packet but for its payload, and returns that: it follows as it is. Who can write from two places, as
    /// `writev` does, need not copy a message of megabytes.
    ///
    /// # Errors
    /// Those of [`PublishParts::encode`].
    #[inline(always)]
    pub fn encode_head(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<&Bytes, EncodeError> {
        self.encode_with_room(version, 0, out)?;
        Ok(&self.payload)
    }

    /// Appends all that stands before the payload, with `room` bytes to spare behind it.
    #[inline(always)]
    fn encode_with_room(
        &self,
        version: ProtocolVersion,
        room: usize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        if self.put_in_place::<HEAD>(version, &[], room, out) {
            return Ok(());
        }
        self.encode_any(version, room, out)
    }

    /// Appends all that stands before the payload and `payload`, if it is what nearly every message is: a topic of ordinary
    /// length, no properties, and a buffer that is kept, with room for `PLACE` bytes and `room` more. It is put together in
    /// place, because each append to a buffer waits for the length that the one before it left.
    #[inline(always)]
    fn put_in_place<const PLACE: usize>(
        &self,
        version: ProtocolVersion,
        payload: &[u8],
        room: usize,
        out: &mut BytesMut,
    ) -> bool {
        let head = self.head();
        let topic = self.topic_bytes();
        let empty_properties = usize::from(version.is_v5());
        let before = LENGTH + topic.len() + head.packet_id_len() + empty_properties;
        let remaining_len = before + self.payload.len();
        let at = out.len();
        if !head.is_sound()
            || topic.is_empty()
            || !self.properties.is_empty()
            || before > HEAD - writer::SHORT_HEADER
            || remaining_len > writer::SHORT
            || out.capacity() - at < PLACE + room
        {
            return false;
        }
        out.put_slice(&[0; PLACE]);
        let Some(place) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut) else {
            out.truncate(at);
            return false;
        };
        let (first, low) = (head.first_byte(), remaining_len as u8);
        let [high, low_len] = (topic.len() as u16).to_be_bytes();
        let mut end = if remaining_len < 0x80 {
            self.put_together::<4, PLACE>(version, [first, low, high, low_len], topic, place)
        } else {
            let second = (remaining_len >> 7) as u8;
            self.put_together::<5, PLACE>(version, [first, low | 0x80, second, high, low_len], topic, place)
        };
        if let Some(place) = place.get_mut(end..end + payload.len()) {
            writer::copy_short(payload, place);
            end += payload.len();
        }
        out.truncate(at + end);
        true
    }

    /// Writes `start`, topic, packet identifier and the length of no properties; how many bytes they are.
    #[inline(always)]
    fn put_together<const START: usize, const PLACE: usize>(
        &self,
        version: ProtocolVersion,
        start: [u8; START],
        topic: &[u8],
        place: &mut [u8; PLACE],
    ) -> usize {
        let mut end = START + topic.len();
        if let Some(place) = place.first_chunk_mut() {
            *place = start;
        }
        if let Some(place) = place.get_mut(START..end) {
            writer::copy_short(topic, place);
        }
        if let (Some(packet_id), Some(place)) = (self.packet_id, place.get_mut(end..end + LENGTH)) {
            place.copy_from_slice(&packet_id.get().to_be_bytes());
            end += LENGTH;
        }
        // The length of no properties is there: it is zero.
        end + usize::from(version.is_v5())
    }

    /// The same for every message.
    #[inline(never)]
    fn encode_any(
        &self,
        version: ProtocolVersion,
        room: usize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let head = self.head();
        head.check(version, self.topic.is_some(), self.properties.as_view())?;
        let remaining_len = self.remaining_len(version);
        let remaining_length = writer::remaining_length(remaining_len)?;
        out.reserve(writer::packet_len(remaining_len) - self.payload.len() + room);
        let topic = self.topic_bytes();
        writer::put_fixed_header_and_len(head.first_byte(), remaining_length, topic.len() as u16, out);
        out.put_slice(topic);
        if let Some(packet_id) = self.packet_id {
            out.put_u16(packet_id.get());
        }
        out.put_properties(version, &self.properties);
        Ok(())
    }

    /// How many bytes [`PublishParts::encode`] will append, fixed header included.
    #[must_use]
    pub fn encoded_len(&self, version: ProtocolVersion) -> usize {
        writer::packet_len(self.remaining_len(version))
    }

    pub(super) fn remaining_len(&self, version: ProtocolVersion) -> usize {
        let properties = writer::properties_len(version, &self.properties);
        LENGTH + self.topic_bytes().len() + self.head().packet_id_len() + properties + self.payload.len()
    }

    pub(super) fn topic_bytes(&self) -> &[u8] {
        self.topic.as_ref().map_or(&[], |topic| topic.as_str().as_bytes())
    }

    pub(super) fn head(&self) -> Head {
        Head {
            dup: self.dup,
            qos: self.qos,
            retain: self.retain,
            packet_id: self.packet_id,
        }
    }
}

/// What a PUBLISH says beside its contents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) dup: bool,
    pub(super) qos: Qos,
    pub(super) retain: bool,
    pub(super) packet_id: Option<PacketId>,
}

impl Head {
    #[inline(always)]
    pub(super) fn check(
        self,
        version: ProtocolVersion,
        has_topic: bool,
        properties: PropertiesRef<'_>,
    ) -> Result<(), EncodeError> {
        let breaks = |rule, field| Err(EncodeError::Breaks { rule, field });
        if self.packet_id.is_some() != (self.qos != Qos::AtMostOnce) {
            return breaks(Rule::PacketIdAndQos, "Packet Identifier");
        }
        if !self.is_sound() {
            return breaks(Rule::DupWithQos0, "DUP");
        }
        if !has_topic && !properties.contains(PropertyId::TopicAlias) {
            return breaks(Rule::TopicMissing, "Topic Name");
        }
        writer::check_properties_ref(version, properties, PROPERTIES)
    }

    /// Whether Packet Identifier and DUP go with the QoS.
    #[inline(always)]
    fn is_sound(self) -> bool {
        match self.qos {
            Qos::AtMostOnce => self.packet_id.is_none() && !self.dup,
            Qos::AtLeastOnce | Qos::ExactlyOnce => self.packet_id.is_some(),
        }
    }

    pub(super) fn first_byte(self) -> u8 {
        (PacketType::Publish as u8) << 4
            | u8::from(self.dup) << 3
            | self.qos.bits() << 1
            | u8::from(self.retain)
    }

    pub(super) fn packet_id_len(self) -> usize {
        if self.packet_id.is_some() { 2 } else { 0 }
    }
}
