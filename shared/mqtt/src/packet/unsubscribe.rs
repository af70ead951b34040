//! UNSUBSCRIBE: a client no longer asks for messages.

use bytes::{BufMut, BytesMut};

use super::{Body, PacketId, PacketType, Properties, property::allowed_in, subscribe};
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
    pub filters: Vec<TopicFilter>,
    /// User Properties; none in 3.1.1.
    pub properties: Properties,
}

const PROPERTIES: u64 = allowed_in(PacketType::Unsubscribe);

impl Unsubscribe {
    #[inline(always)]
    pub(super) fn decode(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let packet_id = reader.packet_id()?;
        let properties = reader.properties(PROPERTIES)?;
        if reader.is_empty() {
            return Err(reader.breaks(Rule::UnsubscribeEmpty, "Payload"));
        }
        let mut filters = Vec::new();
        while !reader.is_empty() {
            filters.push(reader.topic_filter("Topic Filter")?);
        }
        Ok(Self {
            packet_id,
            filters,
            properties,
        })
    }
}

impl Body for Unsubscribe {
    fn check(&self, version: ProtocolVersion, _packet: PacketType) -> Result<(), EncodeError> {
        writer::check_properties(version, &self.properties, PROPERTIES)?;
        if self.filters.is_empty() {
            return Err(EncodeError::Breaks {
                rule: Rule::UnsubscribeEmpty,
                field: "Payload",
            });
        }
        self.filters
            .iter()
            .try_for_each(|filter| subscribe::check_filter(version, filter))
    }

    fn remaining_len(&self, version: ProtocolVersion) -> usize {
        let filters: usize = self.filters.iter().map(|filter| 2 + filter.as_str().len()).sum();
        2 + writer::properties_len(version, &self.properties) + filters
    }

    fn write(&self, version: ProtocolVersion, out: &mut BytesMut) {
        out.put_u16(self.packet_id.get());
        out.put_properties(version, &self.properties);
        for filter in &self.filters {
            out.put_prefixed(filter.as_str().as_bytes());
        }
    }
}
