//! CONNECT: a client asks for a session.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use super::{
    Body, PacketType, Properties, PropertyId, Qos,
    property::{ALLOWED_IN_WILL, allowed_in},
};
use crate::{
    codec::{
        reader::Reader,
        writer::{self, Writer},
    },
    error::{DecodeError, EncodeError, Rule},
    frame::Frame,
    topic::TopicName,
    version::ProtocolVersion,
};

/// A client asks for a session. The password does not show in `Debug` output.
#[derive(Clone, PartialEq, Eq)]
pub struct Connect {
    /// The protocol level asked for.
    pub version: ProtocolVersion,
    /// Clean Start; Clean Session in 3.1.1.
    pub clean_start: bool,
    /// The longest time between two packets of the client, in seconds; a server gives up after one and a half times that
    /// (5.0, 3.1.2.10). 0 is off.
    pub keep_alive: u16,
    /// Client Identifier; empty asks the server for one.
    pub client_id: ByteString,
    /// What the server publishes when the client is gone.
    pub will: Option<Will>,
    /// User Name.
    pub username: Option<ByteString>,
    /// Password.
    pub password: Option<Bytes>,
    /// Session Expiry Interval and so on; none in 3.1.1.
    pub properties: Properties,
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("version", &self.version)
            .field("clean_start", &self.clean_start)
            .field("keep_alive", &self.keep_alive)
            .field("client_id", &self.client_id)
            .field("will", &self.will)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "…"))
            .field("properties", &self.properties)
            .finish()
    }
}

/// The Will Message: what the server publishes when the client is gone without a DISCONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Will Topic.
    pub topic: TopicName,
    /// Will Payload (Will Message in 3.1.1).
    pub payload: Bytes,
    /// Will QoS.
    pub qos: Qos,
    /// Will Retain.
    pub retain: bool,
    /// Will Properties; none in 3.1.1.
    pub properties: Properties,
}

const PROPERTIES: u64 = allowed_in(PacketType::Connect);
const PROTOCOL_NAME: &[u8] = b"MQTT";
const PROTOCOL_NAME_FIELD: &str = "Protocol Name";

/// The Connect Flags byte, taken apart.
#[derive(Clone, Copy)]
struct ConnectFlags(u8);

impl ConnectFlags {
    const CLEAN_START: u8 = 1 << 1;
    const PASSWORD: u8 = 1 << 6;
    const RESERVED: u8 = 1;
    const USER_NAME: u8 = 1 << 7;
    const WILL: u8 = 1 << 2;
    const WILL_RETAIN: u8 = 1 << 5;

    fn of(connect: &Connect) -> Self {
        let flag = |set, bit| if set { bit } else { 0 };
        let will = connect.will.as_ref().map_or(0, |will| {
            Self::WILL | will.qos.bits() << 3 | flag(will.retain, Self::WILL_RETAIN)
        });
        Self(
            flag(connect.username.is_some(), Self::USER_NAME)
                | flag(connect.password.is_some(), Self::PASSWORD)
                | will
                | flag(connect.clean_start, Self::CLEAN_START),
        )
    }

    fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    fn will_qos_bits(self) -> u8 {
        self.0 >> 3 & 0b11
    }

    fn check(self, reader: &Reader<'_>) -> Result<(), DecodeError> {
        let broken = if self.has(Self::RESERVED) {
            Some((Rule::ConnectReservedFlag, "reserved flag"))
        } else if !self.has(Self::WILL) && self.will_qos_bits() != 0 {
            Some((Rule::WillQosWithoutWill, "Will QoS"))
        } else if self.will_qos_bits() == 3 {
            Some((Rule::WillQos, "Will QoS"))
        } else if !self.has(Self::WILL) && self.has(Self::WILL_RETAIN) {
            Some((Rule::WillRetainWithoutWill, "Will Retain"))
        } else if !reader.version().is_v5() && self.has(Self::PASSWORD) && !self.has(Self::USER_NAME) {
            Some((Rule::PasswordWithoutUserName, "Password Flag"))
        } else {
            None
        };
        broken.map_or(Ok(()), |(rule, field)| Err(reader.breaks(rule, field)))
    }
}

impl Connect {
    /// The version that a CONNECT asks for, without decoding it: for a server that speaks both.
    ///
    /// `None` when the frame is no CONNECT or asks for what this crate does not speak.
    #[must_use]
    pub fn version_of(frame: &Frame) -> Option<ProtocolVersion> {
        if frame.header.packet_type() != Some(PacketType::Connect) {
            return None;
        }
        let level = frame
            .body
            .strip_prefix(&[0, 4])
            .and_then(|rest| rest.strip_prefix(PROTOCOL_NAME))?
            .first()?;
        ProtocolVersion::from_level(*level)
    }

    /// Boxed, so that it is made where it stays.
    #[inline(always)]
    pub(super) fn decode(mut reader: Reader<'_>) -> Result<Box<Self>, DecodeError> {
        let version = reader.version();
        if reader.checked_string(PROTOCOL_NAME_FIELD)? != PROTOCOL_NAME {
            return Err(reader.breaks(Rule::ProtocolName, PROTOCOL_NAME_FIELD));
        }
        const LEVEL: &str = "Protocol Version";
        if reader.byte(LEVEL)? != version.level() {
            return Err(reader.breaks(Rule::ProtocolLevel, LEVEL));
        }
        let flags = ConnectFlags(reader.byte("Connect Flags")?);
        flags.check(&reader)?;
        let clean_start = flags.has(ConnectFlags::CLEAN_START);
        let keep_alive = reader.two_byte_integer("Keep Alive")?;
        let properties = reader.properties(PROPERTIES)?;
        if has_lonely_authentication_data(&properties) {
            return Err(reader.breaks(Rule::AuthenticationDataAlone, "Authentication Data"));
        }
        const CLIENT_ID: &str = "Client Identifier";
        expect(&reader, Rule::ClientIdMissing, CLIENT_ID)?;
        let client_id = reader.utf8_string(CLIENT_ID)?;
        if !version.is_v5() && client_id.is_empty() && !clean_start {
            return Err(reader.breaks(Rule::ClientIdEmpty, CLIENT_ID));
        }
        let will = if flags.has(ConnectFlags::WILL) {
            Some(Will::decode(&mut reader, flags)?)
        } else {
            None
        };
        let username = flags
            .has(ConnectFlags::USER_NAME)
            .then(|| {
                expect(&reader, Rule::UserNameMissing, "User Name")?;
                reader.utf8_string("User Name")
            })
            .transpose()?;
        let password = flags
            .has(ConnectFlags::PASSWORD)
            .then(|| {
                expect(&reader, Rule::PasswordMissing, "Password")?;
                reader.binary_data("Password")
            })
            .transpose()?;
        reader.finish("CONNECT")?;
        Ok(Box::new(Self {
            version,
            clean_start,
            keep_alive,
            client_id,
            will,
            username,
            password,
            properties,
        }))
    }
}

/// 5.0, 3.1.2.11.10: data without a method means nothing.
fn has_lonely_authentication_data(properties: &Properties) -> bool {
    properties.contains(PropertyId::AuthenticationData)
        && !properties.contains(PropertyId::AuthenticationMethod)
}

/// A field that is not there at all breaks a statement of its own; one that is cut short does not.
fn expect(reader: &Reader<'_>, rule: Rule, field: &'static str) -> Result<(), DecodeError> {
    if reader.is_empty() {
        return Err(reader.breaks(rule, field));
    }
    Ok(())
}

impl Will {
    fn decode(reader: &mut Reader<'_>, flags: ConnectFlags) -> Result<Self, DecodeError> {
        expect(reader, Rule::WillMissing, "Will")?;
        Ok(Self {
            properties: reader.properties(ALLOWED_IN_WILL)?,
            topic: will_topic(reader)?,
            payload: will_payload(reader)?,
            qos: reader.qos(flags.will_qos_bits(), Rule::WillQos, "Will QoS")?,
            retain: flags.has(ConnectFlags::WILL_RETAIN),
        })
    }
}

/// The Will Topic, whose wildcards break another statement than those of a Topic Name in PUBLISH.
fn will_topic(reader: &mut Reader<'_>) -> Result<TopicName, DecodeError> {
    const FIELD: &str = "Will Topic";
    expect(reader, Rule::WillMissing, FIELD)?;
    reader.topic_name(FIELD).map_err(|error| match error.rule() {
        Rule::TopicWildcard => reader.breaks(Rule::WillTopicWildcard, FIELD),
        _ => error,
    })
}

fn will_payload(reader: &mut Reader<'_>) -> Result<Bytes, DecodeError> {
    const FIELD: &str = "Will Payload";
    expect(reader, Rule::WillMissing, FIELD)?;
    reader.binary_data(FIELD)
}

impl Body for Connect {
    fn check(&self, version: ProtocolVersion, _packet: PacketType) -> Result<(), EncodeError> {
        let breaks = |rule, field| Err(EncodeError::Breaks { rule, field });
        if self.version != version {
            return Err(EncodeError::NotInVersion {
                version,
                what: "CONNECT for another version",
            });
        }
        writer::check_properties(version, &self.properties, PROPERTIES)?;
        if has_lonely_authentication_data(&self.properties) {
            return breaks(Rule::AuthenticationDataAlone, "Authentication Data");
        }
        writer::check_string("Client Identifier", &self.client_id)?;
        if !version.is_v5() && self.client_id.is_empty() && !self.clean_start {
            return breaks(Rule::ClientIdEmpty, "Client Identifier");
        }
        if let Some(will) = &self.will {
            writer::check_properties(version, &will.properties, ALLOWED_IN_WILL)?;
            writer::check_binary("Will Payload", &will.payload)?;
        }
        if let Some(username) = &self.username {
            writer::check_string("User Name", username)?;
        }
        if let Some(password) = &self.password {
            writer::check_binary("Password", password)?;
            if !version.is_v5() && self.username.is_none() {
                return breaks(Rule::PasswordWithoutUserName, "Password Flag");
            }
        }
        Ok(())
    }

    fn remaining_len(&self, version: ProtocolVersion) -> usize {
        let will = self.will.as_ref().map_or(0, |will| {
            let properties = writer::properties_len(version, &will.properties);
            properties + 2 + will.topic.as_str().len() + 2 + will.payload.len()
        });
        // Protocol Name 6, Protocol Version 1, Connect Flags 1, Keep Alive 2.
        10 + writer::properties_len(version, &self.properties)
            + 2
            + self.client_id.len()
            + will
            + self.username.as_ref().map_or(0, |username| 2 + username.len())
            + self.password.as_ref().map_or(0, |password| 2 + password.len())
    }

    fn write(&self, version: ProtocolVersion, out: &mut BytesMut) {
        out.put_prefixed(PROTOCOL_NAME);
        out.put_u8(version.level());
        out.put_u8(ConnectFlags::of(self).0);
        out.put_u16(self.keep_alive);
        out.put_properties(version, &self.properties);
        out.put_prefixed(self.client_id.as_bytes());
        if let Some(will) = &self.will {
            out.put_properties(version, &will.properties);
            out.put_prefixed(will.topic.as_str().as_bytes());
            out.put_prefixed(&will.payload);
        }
        if let Some(username) = &self.username {
            out.put_prefixed(username.as_bytes());
        }
        if let Some(password) = &self.password {
            out.put_prefixed(password);
        }
    }
}
