//! AUTH: enhanced authentication, 5.0 only.

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

/// One step of an enhanced authentication exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// Success, Continue authentication or Re-authenticate.
    pub reason_code: ReasonCode,
    /// Authentication Method and Data, Reason String, User Properties.
    pub properties: Properties,
}

const PROPERTIES: u64 = allowed_in(PacketType::Auth);

impl Auth {
    /// Success without properties is the one AUTH that needs no Authentication Method: 3.15.2.1 lets both
    /// Reason Code and Property Length be left out, 3.15.2.2.2 asks for the method in all others.
    pub(crate) fn is_short(&self) -> bool {
        self.reason_code == ReasonCode::SUCCESS && self.properties.is_empty()
    }

    #[inline]
    pub(super) fn decode(mut reader: Reader<'_>, receiver: Role) -> Result<Self, DecodeError> {
        if reader.is_empty() {
            let short = Self {
                reason_code: ReasonCode::SUCCESS,
                properties: Properties::new(),
            };
            return short.reach(&reader, receiver);
        }
        let reason_code = reader.reason_code()?;
        let auth = Self {
            reason_code,
            properties: reader.properties(PROPERTIES)?,
        };
        if !auth.properties.contains(PropertyId::AuthenticationMethod) {
            return Err(reader.breaks(Rule::AuthenticationMethodMissing, "Authentication Method"));
        }
        let auth = auth.reach(&reader, receiver)?;
        reader.finish("AUTH")?;
        Ok(auth)
    }

    /// Fails when the sender may not use this code.
    fn reach(self, reader: &Reader<'_>, receiver: Role) -> Result<Self, DecodeError> {
        if self.reason_code.may_reach(PacketType::Auth, receiver) {
            Ok(self)
        } else {
            Err(reader.breaks(Rule::AuthCode, "Reason Code"))
        }
    }
}

impl Body for Auth {
    fn check(&self, version: ProtocolVersion, _packet: PacketType) -> Result<(), EncodeError> {
        writer::v5_only(version, true, "AUTH")?;
        writer::check_properties(version, &self.properties, PROPERTIES)?;
        if !self.is_short() && !self.properties.contains(PropertyId::AuthenticationMethod) {
            let rule = Rule::AuthenticationMethodMissing;
            return Err(EncodeError::Breaks {
                rule,
                field: "Authentication Method",
            });
        }
        self.reason_code.check(PacketType::Auth, Rule::AuthCode)
    }

    fn remaining_len(&self, version: ProtocolVersion) -> usize {
        if self.is_short() {
            0
        } else {
            1 + writer::properties_len(version, &self.properties)
        }
    }

    fn write(&self, version: ProtocolVersion, out: &mut BytesMut) {
        if !self.is_short() {
            out.put_reason_code(self.reason_code);
            out.put_properties(version, &self.properties);
        }
    }
}
