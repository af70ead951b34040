//! CONNACK: the server's answer to CONNECT.

use bytes::{BufMut, BytesMut};

use super::{Body, Packet, PacketType, Properties, ReasonCode, property::allowed_in};
use crate::{
    codec::{
        reader::Reader,
        writer::{self, Writer},
    },
    error::{DecodeError, EncodeError, Rule},
    frame::Frame,
    version::{ProtocolVersion, Role},
};

/// The server's answer to CONNECT.
///
/// The return codes 1 to 5 of 3.1.1 are mapped to the reason codes of 5.0 that mean the same, and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connack {
    /// Whether the server holds Session State from an earlier network connection.
    pub session_present: bool,
    /// Success, or why not.
    pub reason_code: ReasonCode,
    /// What the server grants; none in 3.1.1.
    pub properties: Properties,
}

const PROPERTIES: u64 = allowed_in(PacketType::Connack);

/// The code's name in both versions.
const fn code_field(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::V5 => "Reason Code",
        ProtocolVersion::V311 => "Connect Return code",
    }
}

impl Connack {
    /// Why a server of 3.1.1 refuses a CONNECT of 5.0, which it does not know ([MQTT311-3.1.2-2]). Its CONNACK has no Property
    /// Length, so that it is malformed as a packet of 5.0: this is asked first, or when decoding failed.
    ///
    /// `None` when the frame is anything else.
    #[must_use]
    pub fn older_refusal(frame: &Frame) -> Option<ReasonCode> {
        if frame.header.packet_type() != Some(PacketType::Connack) {
            return None;
        }
        match Packet::decode(ProtocolVersion::V311, Role::Client, frame.clone()) {
            Ok(Packet::Connack(connack)) if connack.reason_code.is_error() => Some(connack.reason_code),
            Ok(_) | Err(_) => None,
        }
    }

    #[inline(always)]
    pub(super) fn decode(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        const FLAGS: &str = "Connect Acknowledge Flags";
        let field = code_field(reader.version());
        let flags = reader.byte(FLAGS)?;
        let code = reader.byte(field)?;
        let properties = reader.properties(PROPERTIES)?;
        if flags & 0xFE != 0 {
            return Err(reader.breaks(Rule::ConnackFlags, FLAGS));
        }
        let reason_code = match reader.version() {
            ProtocolVersion::V5 => {
                Some(ReasonCode(code)).filter(|code| code.is_allowed_in(PacketType::Connack))
            }
            ProtocolVersion::V311 => ReasonCode::from_connect_return_code(code),
        };
        let Some(reason_code) = reason_code else {
            return Err(reader.breaks(Rule::ConnackCode, field));
        };
        let session_present = flags == 1;
        if session_present && reason_code != ReasonCode::SUCCESS {
            return Err(reader.breaks(Rule::SessionPresentWithError, "Session Present"));
        }
        reader.finish("CONNACK")?;
        Ok(Self {
            session_present,
            reason_code,
            properties,
        })
    }
}

impl Body for Connack {
    fn check(&self, version: ProtocolVersion, _packet: PacketType) -> Result<(), EncodeError> {
        writer::check_properties(version, &self.properties, PROPERTIES)?;
        if self.session_present && self.reason_code != ReasonCode::SUCCESS {
            return Err(EncodeError::Breaks {
                rule: Rule::SessionPresentWithError,
                field: "Session Present",
            });
        }
        let sayable = version.is_v5() || self.reason_code.connect_return_code().is_some();
        writer::v5_only(version, !sayable, "this reason code in CONNACK")?;
        self.reason_code.check(PacketType::Connack, Rule::ConnackCode)
    }

    fn remaining_len(&self, version: ProtocolVersion) -> usize {
        2 + writer::properties_len(version, &self.properties)
    }

    fn write(&self, version: ProtocolVersion, out: &mut BytesMut) {
        out.put_u8(u8::from(self.session_present));
        out.put_u8(match version {
            ProtocolVersion::V5 => self.reason_code.0,
            ProtocolVersion::V311 => self
                .reason_code
                .connect_return_code()
                .unwrap_or(self.reason_code.0),
        });
        out.put_properties(version, &self.properties);
    }
}
