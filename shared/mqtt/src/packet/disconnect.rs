//! DISCONNECT: the last packet of a network connection.

use bytes::BytesMut;

use super::{Body, PacketType, Properties, PropertyId, ReasonCode, property::allowed_in};
use crate::{
    codec::{
        reader::Reader,
        writer::{self, Writer},
    },
    error::{DecodeError, EncodeError, Rule},
    version::{ProtocolVersion, Role},
};

/// The network connection is about to end. Only clients send it in 3.1.1, and without a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnect {
    /// Why; [`ReasonCode::SUCCESS`] is a normal disconnection.
    pub reason_code: ReasonCode,
    /// Reason String and so on; none in 3.1.1.
    pub properties: Properties,
}

const PROPERTIES: u64 = allowed_in(PacketType::Disconnect);

impl Disconnect {
    /// `reason_code`, without properties.
    #[must_use]
    pub fn with_reason(reason_code: ReasonCode) -> Self {
        Self {
            reason_code,
            properties: Properties::new(),
        }
    }

    #[inline]
    pub(super) fn decode(mut reader: Reader<'_>, receiver: Role) -> Result<Self, DecodeError> {
        let mut disconnect = Self::with_reason(ReasonCode::SUCCESS);
        if reader.version().is_v5() && !reader.is_empty() {
            disconnect.reason_code = reader.reason_code()?;
            if !disconnect.reason_code.may_reach(PacketType::Disconnect, receiver) {
                return Err(reader.breaks(Rule::DisconnectCode, "Reason Code"));
            }
            // With a Remaining Length of 1 the Property Length is left out.
            if !reader.is_empty() {
                disconnect.properties = reader.properties(PROPERTIES)?;
            }
        }
        let id = PropertyId::SessionExpiryInterval;
        if receiver == Role::Client && disconnect.properties.contains(id) {
            return Err(reader.breaks(Rule::SessionExpiryFromServer, id.name()));
        }
        reader.finish("DISCONNECT")?;
        Ok(disconnect)
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

impl Body for Disconnect {
    fn check(&self, version: ProtocolVersion, _packet: PacketType) -> Result<(), EncodeError> {
        writer::v5_only(
            version,
            self.reason_code != ReasonCode::SUCCESS,
            "a reason code in DISCONNECT",
        )?;
        writer::check_properties(version, &self.properties, PROPERTIES)?;
        self.reason_code
            .check(PacketType::Disconnect, Rule::DisconnectCode)
    }

    fn remaining_len(&self, version: ProtocolVersion) -> usize {
        let (code, properties) = self.parts(version);
        let properties = if properties {
            writer::properties_len(version, &self.properties)
        } else {
            0
        };
        usize::from(code) + properties
    }

    fn write(&self, version: ProtocolVersion, out: &mut BytesMut) {
        let (code, properties) = self.parts(version);
        if code {
            out.put_reason_code(self.reason_code);
        }
        if properties {
            out.put_properties(version, &self.properties);
        }
    }
}
