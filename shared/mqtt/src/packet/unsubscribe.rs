//! UNSUBSCRIBE: a client no longer asks for messages.

use bytes::{BufMut, BytesMut};

use super::{Body, Filters, PacketId, PacketType, Properties, property::allowed_in};
use crate::{
    codec::{
        reader::Reader,
        writer::{self, Writer},
    },
    error::{DecodeError, EncodeError, Rule},
    topic::TopicFilter,
    version::ProtocolVersion,
};

/// A client no longer asks for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    /// Packet Identifier.
    pub packet_id: PacketId,
    /// What is no longer asked for; at least one.
    pub filters: Filters<TopicFilter>,
    /// User Properties; none in 3.1.1.
    pub properties: Properties,
}

const PROPERTIES: u64 = allowed_in(PacketType::Unsubscribe);

impl Unsubscribe {
    #[inline(always)]
    pub(super) fn decode(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let packet_id = reader.packet_id(|| Rule::PacketIdZero)?;
        let properties = reader.properties(PROPERTIES)?;
        Ok(Self {
            packet_id,
            filters: Filters::decode(reader, Rule::UnsubscribeEmpty)?,
            properties,
        })
    }
}

impl Body for Unsubscribe {
    fn check(&self, version: ProtocolVersion, _packet: PacketType) -> Result<(), EncodeError> {
        writer::check_properties(version, &self.properties, PROPERTIES)?;
        self.filters.check(version, Rule::UnsubscribeEmpty)
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
