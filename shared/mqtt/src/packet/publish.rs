//! PUBLISH: an Application Message on its way.

mod parts;

use std::fmt;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use parts::Head;
pub use parts::PublishParts;

use super::{PacketId, PacketType, Properties, PropertiesRef, PropertyId, Qos, property::allowed_in};
use crate::{
    codec::{
        reader::Reader,
        writer::{self, Writer},
    },
    error::{DecodeError, EncodeError, Rule},
    topic::TopicName,
    version::{ProtocolVersion, Role},
};

const PROPERTIES: u64 = allowed_in(PacketType::Publish);

/// An Application Message on its way, as one piece of memory.
///
/// A received one is a slice of the buffer it came in: one reference count, whatever it holds. Topic, properties and
/// payload are read in place; [`Publish::into_parts`] takes them apart for those who keep them. One to be sent is made
/// from [`PublishParts`].
#[derive(Clone)]
pub struct Publish {
    /// Perhaps a fixed header for what follows; Topic Length, topic, perhaps a Packet Identifier, perhaps Property Length
    /// and properties, payload.
    body: Bytes,
    /// Which properties are there, as in [`Properties`].
    present: u64,
    /// Where the payload starts.
    payload_at: usize,
    /// Where the Property Length starts; the same as `payload_at` when there is none.
    rest_at: u32,
    topic_len: u16,
    /// How many bytes the fixed header takes; 0 when it is not there.
    header_len: u8,
    /// The version in which `body` is a whole packet that may be sent, but for the fields below.
    whole_in: Option<ProtocolVersion>,
    /// Packet Identifier; `None` exactly with QoS 0.
    pub packet_id: Option<PacketId>,
    /// How many bytes the Property Length takes.
    length_len: u8,
    /// Quality of Service.
    pub qos: Qos,
    /// Sent again after an earlier attempt; never with QoS 0.
    pub dup: bool,
    /// From the sender: keep this message for later subscribers. To a subscriber: it was kept.
    pub retain: bool,
}

/// The length before the topic.
const LENGTH: usize = 2;

impl Publish {
    /// The Topic Name. `None` only in 5.0, when a Topic Alias stands for it.
    ///
    /// What is kept or matched better comes from [`Publish::topic_name`]: this looks through the bytes anew.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        match self.topic_bytes() {
            [] => None,
            // Checked when it was received or made.
            topic => std::str::from_utf8(topic).ok(),
        }
    }

    /// The Topic Name, sharing this packet's memory. `None` only in 5.0, when a Topic Alias stands for it.
    #[must_use]
    #[inline]
    pub fn topic_name(&self) -> Option<TopicName> {
        if self.topic_len == 0 {
            return None;
        }
        let bytes = self.body.slice(self.topic_at()..self.topic_end());
        ByteString::try_from(bytes).ok().map(TopicName::from_checked)
    }

    /// The properties; none in 3.1.1.
    #[must_use]
    #[inline]
    pub fn properties(&self) -> PropertiesRef<'_> {
        let bytes = self.body.get(self.properties_at()..self.payload_at);
        PropertiesRef::from_validated(bytes.unwrap_or_default(), self.present)
    }

    /// The message itself.
    #[must_use]
    #[inline]
    pub fn payload(&self) -> &[u8] {
        self.body.get(self.payload_at..).unwrap_or_default()
    }

    /// The fields one by one, each sharing this packet's memory.
    #[must_use]
    #[inline]
    pub fn into_parts(self) -> PublishParts {
        let properties = if self.present == 0 {
            Properties::new()
        } else {
            let bytes = self.body.slice(self.properties_at()..self.payload_at);
            Properties::from_validated(bytes, self.present)
        };
        let topic = self.topic_name();
        let mut payload = self.body;
        payload.advance(self.payload_at);
        PublishParts {
            dup: self.dup,
            qos: self.qos,
            retain: self.retain,
            topic,
            packet_id: self.packet_id,
            properties,
            payload,
        }
    }

    /// Whether the payload is what the Payload Format Indicator says: well-formed UTF-8 if that is 1.
    ///
    /// Receivers may check this (5.0, section 3.3.2.3.2); decoding does not.
    #[must_use]
    pub fn payload_matches_format_indicator(&self) -> bool {
        self.properties().payload_format_indicator() != Some(1) || std::str::from_utf8(self.payload()).is_ok()
    }

    fn topic_bytes(&self) -> &[u8] {
        self.body
            .get(self.topic_at()..self.topic_end())
            .unwrap_or_default()
    }

    fn topic_at(&self) -> usize {
        usize::from(self.header_len) + LENGTH
    }

    fn topic_end(&self) -> usize {
        self.topic_at() + usize::from(self.topic_len)
    }

    fn properties_at(&self) -> usize {
        self.rest_at as usize + usize::from(self.length_len)
    }

    /// Checks a received packet; [`Layout::over`] then makes it, without an allocation.
    #[inline(always)]
    pub(crate) fn read(
        version: ProtocolVersion,
        receiver: Role,
        flags: u8,
        body: &[u8],
    ) -> Result<Layout, DecodeError> {
        let mut reader = Reader::borrowing(version, body);
        let (dup, retain) = (flags & 0b1000 != 0, flags & 1 != 0);
        let qos = reader.qos(flags >> 1, Rule::QosBits, "QoS")?;
        if dup && qos == Qos::AtMostOnce {
            return Err(reader.breaks(Rule::DupWithQos0, "DUP"));
        }
        let topic_len = reader.check_topic_name_or_empty("Topic Name")?;
        let packet_id = if qos == Qos::AtMostOnce {
            None
        } else {
            Some(reader.packet_id(|| match receiver {
                Role::Server => Rule::PacketIdZero,
                Role::Client => Rule::PacketIdZeroFromServer,
            })?)
        };
        let rest_at = body.len() - reader.remaining();
        let (properties, present) = reader.check_properties(PROPERTIES)?;
        if topic_len == 0 && present & PropertyId::TopicAlias.bit() == 0 {
            return Err(no_topic(&reader));
        }
        if receiver == Role::Server && present & PropertyId::SubscriptionIdentifier.bit() != 0 {
            return Err(reader.breaks(Rule::SubscriptionIdFromClient, "Subscription Identifier"));
        }
        let payload_at = body.len() - reader.remaining();
        Ok(Layout {
            present,
            payload_at,
            // A topic of at most 65,535 bytes and two short fields.
            rest_at: rest_at as u32,
            topic_len,
            packet_id,
            length_len: (payload_at - rest_at - properties) as u8,
            qos,
            dup,
            retain,
        })
    }

    fn head(&self) -> Head {
        Head {
            dup: self.dup,
            qos: self.qos,
            retain: self.retain,
            packet_id: self.packet_id,
        }
    }

    /// What is written of the body after topic and Packet Identifier, and whether an empty Property Length is missing.
    #[inline(always)]
    fn rest(&self, version: ProtocolVersion) -> (usize, bool) {
        if version.is_v5() {
            (self.rest_at as usize, self.length_len == 0)
        } else {
            (self.payload_at, false)
        }
    }

    #[inline(always)]
    pub(super) fn remaining_len(&self, version: ProtocolVersion) -> usize {
        let (rest_at, no_length) = self.rest(version);
        LENGTH
            + usize::from(self.topic_len)
            + self.head().packet_id_len()
            + usize::from(no_length)
            + self.body.len()
            - rest_at
    }

    /// Whether `body` is this packet as `version` writes it, but for the number of the Packet Identifier.
    #[inline(always)]
    fn is_whole(&self, version: ProtocolVersion) -> bool {
        self.whole_in == Some(version)
            && self.body.first() == Some(&self.head().first_byte())
            && self.packet_id.is_some() == (self.qos != Qos::AtMostOnce)
    }

    /// Appends the whole packet, or nothing.
    #[inline(always)]
    pub(super) fn encode(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        if self.is_whole(version) {
            let start = out.len();
            out.put_slice(&self.body);
            if let Some(packet_id) = self.packet_id
                && let Some(written) = out.get_mut(start + self.topic_end()..)
                && let Some(written) = written.first_chunk_mut()
            {
                *written = packet_id.get().to_be_bytes();
            }
            return Ok(());
        }
        self.encode_in_pieces(version, out)
    }

    /// The same where the bytes have another form than is wanted.
    #[inline(never)]
    fn encode_in_pieces(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        let head = self.head();
        head.check(version, self.topic_len != 0, self.properties())?;
        let remaining_length = writer::reserve(self.remaining_len(version), out)?;
        writer::put_fixed_header(head.first_byte(), remaining_length, out);
        let (rest_at, no_length) = self.rest(version);
        let topic = self.body.get(usize::from(self.header_len)..self.topic_end());
        out.put_slice(topic.unwrap_or_default());
        if let Some(packet_id) = self.packet_id {
            out.put_u16(packet_id.get());
        }
        if no_length {
            out.put_u8(0);
        }
        out.put_slice(self.body.get(rest_at..).unwrap_or_default());
        Ok(())
    }
}

#[cold]
fn no_topic(reader: &Reader<'_>) -> DecodeError {
    let rule = if reader.version().is_v5() {
        Rule::TopicMissing
    } else {
        Rule::TopicEmpty
    };
    reader.breaks(rule, "Topic Name")
}

impl PartialEq for Publish {
    fn eq(&self, other: &Self) -> bool {
        self.head() == other.head()
            && self.topic_bytes() == other.topic_bytes()
            && self.properties() == other.properties()
            && self.payload() == other.payload()
    }
}

impl Eq for Publish {}

impl fmt::Debug for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish")
            .field("dup", &self.dup)
            .field("qos", &self.qos)
            .field("retain", &self.retain)
            .field("topic", &self.topic())
            .field("packet_id", &self.packet_id)
            .field("properties", &self.properties())
            .field("payload", &format_args!("b\"{}\"", self.payload().escape_ascii()))
            .finish()
    }
}

impl From<PublishParts> for Publish {
    /// Copies topic, properties and payload into one piece.
    fn from(parts: PublishParts) -> Self {
        let topic = parts.topic_bytes();
        let properties = parts.properties.as_bytes();
        let version = if properties.is_empty() {
            ProtocolVersion::V311
        } else {
            ProtocolVersion::V5
        };
        let mut body = BytesMut::new();
        let head = parts.head();
        let sound = head.check(version, parts.topic.is_some(), parts.properties.as_view());
        // What is wrong, or too long for any packet, is refused when it is encoded.
        let mut whole_in = None;
        if let (Ok(()), Ok(remaining_length)) =
            (sound, writer::reserve(parts.remaining_len(version), &mut body))
        {
            writer::put_fixed_header(head.first_byte(), remaining_length, &mut body);
            whole_in = Some(version);
        }
        let header_len = body.len();
        body.put_prefixed(topic);
        if let Some(packet_id) = parts.packet_id {
            body.put_u16(packet_id.get());
        }
        let rest_at = body.len();
        if !properties.is_empty() {
            body.put_properties(ProtocolVersion::V5, &parts.properties);
        }
        let payload_at = body.len();
        body.put_slice(&parts.payload);
        Self {
            present: parts.properties.present(),
            payload_at,
            rest_at: rest_at as u32,
            topic_len: topic.len() as u16,
            header_len: header_len as u8,
            whole_in,
            packet_id: parts.packet_id,
            length_len: (payload_at - rest_at - properties.len()) as u8,
            qos: parts.qos,
            dup: parts.dup,
            retain: parts.retain,
            body: body.freeze(),
        }
    }
}

/// Where the fields of a received PUBLISH are, all checked.
pub(crate) struct Layout {
    present: u64,
    payload_at: usize,
    rest_at: u32,
    topic_len: u16,
    packet_id: Option<PacketId>,
    length_len: u8,
    qos: Qos,
    dup: bool,
    retain: bool,
}

impl Layout {
    /// The packet over the bytes that were checked.
    pub(crate) fn over(self, body: Bytes) -> Publish {
        self.over_all(body, 0, None)
    }

    /// The packet over the bytes that were checked with the `header_len` bytes of its fixed header before them, which is
    /// written as `version` writes it.
    #[inline(always)]
    pub(crate) fn over_whole(self, packet: Bytes, header_len: usize, version: ProtocolVersion) -> Publish {
        self.over_all(packet, header_len, Some(version))
    }

    #[inline(always)]
    fn over_all(self, body: Bytes, header_len: usize, whole_in: Option<ProtocolVersion>) -> Publish {
        Publish {
            body,
            whole_in,
            present: self.present,
            payload_at: header_len + self.payload_at,
            rest_at: header_len as u32 + self.rest_at,
            topic_len: self.topic_len,
            header_len: header_len as u8,
            packet_id: self.packet_id,
            length_len: self.length_len,
            qos: self.qos,
            dup: self.dup,
            retain: self.retain,
        }
    }
}
