//! The packets of MQTT 3.1.1 and 5.0: one model, the version is an argument.

mod ack;
mod auth;
mod connack;
mod connect;
mod disconnect;
mod filters;
mod ping;
mod properties;
mod properties_ref;
mod property;
mod publish;
mod reason_code;
mod short;
mod suback;
mod subscribe;
mod unsuback;
mod unsubscribe;

use std::{fmt, num::NonZeroU16};

use bytes::{Bytes, BytesMut};

pub use ack::Ack;
pub use auth::Auth;
pub use connack::Connack;
pub use connect::{Connect, Will};
pub use disconnect::Disconnect;
pub use filters::{FilterEntry, Filters};
pub use properties::Properties;
pub use properties_ref::PropertiesRef;
pub use property::{DataType, Property, PropertyId};
pub use publish::{Publish, PublishParts};
pub use reason_code::ReasonCode;
pub(crate) use short::Short;
pub use suback::Suback;
pub use subscribe::{RetainHandling, Subscribe, SubscriptionOptions};
pub use unsuback::Unsuback;
pub use unsubscribe::Unsubscribe;

use crate::{
    codec::{reader::Reader, writer},
    error::{DecodeError, EncodeError, Rule},
    frame::{FixedHeader, Frame, Framer},
    version::{ProtocolVersion, Role},
};

/// The kind of a control packet: the upper four bits of its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PacketType {
    /// Client asks for a session.
    Connect = 1,
    /// Server answers.
    Connack = 2,
    /// An Application Message.
    Publish = 3,
    /// QoS 1 is done.
    Puback = 4,
    /// QoS 2, first answer.
    Pubrec = 5,
    /// QoS 2, release.
    Pubrel = 6,
    /// QoS 2 is done.
    Pubcomp = 7,
    /// Client subscribes.
    Subscribe = 8,
    /// Server answers.
    Suback = 9,
    /// Client unsubscribes.
    Unsubscribe = 10,
    /// Server answers.
    Unsuback = 11,
    /// Client asks whether the server is there.
    Pingreq = 12,
    /// It is.
    Pingresp = 13,
    /// The network connection is about to end.
    Disconnect = 14,
    /// Enhanced authentication, 5.0 only.
    Auth = 15,
}

impl PacketType {
    /// The type for a number; 0 and numbers above 15 stand for none.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            1 => Self::Connect,
            2 => Self::Connack,
            3 => Self::Publish,
            4 => Self::Puback,
            5 => Self::Pubrec,
            6 => Self::Pubrel,
            7 => Self::Pubcomp,
            8 => Self::Subscribe,
            9 => Self::Suback,
            10 => Self::Unsubscribe,
            11 => Self::Unsuback,
            12 => Self::Pingreq,
            13 => Self::Pingresp,
            14 => Self::Disconnect,
            15 => Self::Auth,
            _ => return None,
        })
    }

    /// The name as the specification writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Connack => "CONNACK",
            Self::Publish => "PUBLISH",
            Self::Puback => "PUBACK",
            Self::Pubrec => "PUBREC",
            Self::Pubrel => "PUBREL",
            Self::Pubcomp => "PUBCOMP",
            Self::Subscribe => "SUBSCRIBE",
            Self::Suback => "SUBACK",
            Self::Unsubscribe => "UNSUBSCRIBE",
            Self::Unsuback => "UNSUBACK",
            Self::Pingreq => "PINGREQ",
            Self::Pingresp => "PINGRESP",
            Self::Disconnect => "DISCONNECT",
            Self::Auth => "AUTH",
        }
    }
}

/// Packets that only clients send.
const TO_SERVER: u16 = set(&[
    PacketType::Connect,
    PacketType::Subscribe,
    PacketType::Unsubscribe,
    PacketType::Pingreq,
]);

/// Packets that only servers send.
const TO_CLIENT: u16 = set(&[
    PacketType::Connack,
    PacketType::Suback,
    PacketType::Unsuback,
    PacketType::Pingresp,
]);

/// One bit per type.
const fn set(types: &[PacketType]) -> u16 {
    let mut set = 0;
    let mut rest = types;
    while let [first, others @ ..] = rest {
        set |= 1 << *first as u8;
        rest = others;
    }
    set
}

impl PacketType {
    const fn is_in(self, set: u16) -> bool {
        set >> self as u8 & 1 != 0
    }

    /// The flags that all packets of this type but PUBLISH have.
    const fn reserved_flags(self) -> u8 {
        const TWO: u16 = set(&[PacketType::Pubrel, PacketType::Subscribe, PacketType::Unsubscribe]);
        (self.is_in(TWO) as u8) << 1
    }

    /// The rule that other flags break.
    #[cold]
    const fn flags_rule(self) -> Rule {
        match self {
            Self::Pubrel => Rule::FlagsPubrel,
            Self::Subscribe => Rule::FlagsSubscribe,
            Self::Unsubscribe => Rule::FlagsUnsubscribe,
            Self::Disconnect => Rule::FlagsDisconnect,
            Self::Auth => Rule::FlagsAuth,
            _ => Rule::Flags,
        }
    }

    /// Whether packets of this type are sent to `receiver`.
    #[inline]
    const fn may_reach(self, version: ProtocolVersion, receiver: Role) -> bool {
        match receiver {
            Role::Server => !self.is_in(TO_CLIENT),
            // In 3.1.1 only clients disconnect with a packet.
            Role::Client => !self.is_in(TO_SERVER) && (version.is_v5() || !matches!(self, Self::Disconnect)),
        }
    }
}

impl fmt::Display for PacketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Quality of Service: how surely a message arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Qos {
    /// QoS 0: at most once.
    #[default]
    AtMostOnce = 0,
    /// QoS 1: at least once.
    AtLeastOnce = 1,
    /// QoS 2: exactly once.
    ExactlyOnce = 2,
}

impl Qos {
    /// The QoS for its number; `None` above 2.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::AtMostOnce,
            1 => Self::AtLeastOnce,
            2 => Self::ExactlyOnce,
            _ => return None,
        })
    }

    /// The number on the wire.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

/// A Packet Identifier: never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(NonZeroU16);

impl PacketId {
    /// The first identifier.
    pub const FIRST: Self = Self(NonZeroU16::MIN);
    /// The last identifier.
    pub const LAST: Self = Self(NonZeroU16::MAX);

    /// The identifier with this number; `None` for zero.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        match NonZeroU16::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0.get()
    }

    /// The identifier after this one; after the last comes the first.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.0.checked_add(1) {
            Some(number) => Self(number),
            None => Self::FIRST,
        }
    }
}

impl fmt::Display for PacketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One whole packet, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// CONNECT.
    Connect(Box<Connect>),
    /// CONNACK.
    Connack(Connack),
    /// PUBLISH.
    Publish(Publish),
    /// PUBACK.
    Puback(Ack),
    /// PUBREC.
    Pubrec(Ack),
    /// PUBREL.
    Pubrel(Ack),
    /// PUBCOMP.
    Pubcomp(Ack),
    /// SUBSCRIBE.
    Subscribe(Subscribe),
    /// SUBACK.
    Suback(Suback),
    /// UNSUBSCRIBE.
    Unsubscribe(Unsubscribe),
    /// UNSUBACK.
    Unsuback(Unsuback),
    /// PINGREQ.
    Pingreq,
    /// PINGRESP.
    Pingresp,
    /// DISCONNECT.
    Disconnect(Disconnect),
    /// AUTH.
    Auth(Auth),
}

impl Packet {
    /// The kind of this packet.
    #[must_use]
    pub const fn packet_type(&self) -> PacketType {
        match self {
            Self::Connect(_) => PacketType::Connect,
            Self::Connack(_) => PacketType::Connack,
            Self::Publish(_) => PacketType::Publish,
            Self::Puback(_) => PacketType::Puback,
            Self::Pubrec(_) => PacketType::Pubrec,
            Self::Pubrel(_) => PacketType::Pubrel,
            Self::Pubcomp(_) => PacketType::Pubcomp,
            Self::Subscribe(_) => PacketType::Subscribe,
            Self::Suback(_) => PacketType::Suback,
            Self::Unsubscribe(_) => PacketType::Unsubscribe,
            Self::Unsuback(_) => PacketType::Unsuback,
            Self::Pingreq => PacketType::Pingreq,
            Self::Pingresp => PacketType::Pingresp,
            Self::Disconnect(_) => PacketType::Disconnect,
            Self::Auth(_) => PacketType::Auth,
        }
    }

    /// Decodes a frame that `receiver` received. The frame is taken by value: its buffer moves into the packet.
    ///
    /// `version` is the one agreed on; a server that speaks both asks [`Connect::version_of`] first.
    /// [`Framer::poll_packet`] does both steps at once and faster.
    ///
    /// # Errors
    /// A rule that the packet breaks. Of several broken rules any one may be named.
    #[inline]
    pub fn decode(version: ProtocolVersion, receiver: Role, frame: Frame) -> Result<Self, DecodeError> {
        let Frame { header, body } = frame;
        if header.is_publish() {
            check_length(version, header)?;
            let layout = Publish::read(version, receiver, header.flags(), &body)?;
            return Ok(Self::Publish(layout.over(body)));
        }
        let packet = Self::decode_other(version, receiver, header, &body, &body)?;
        packet.ok_or_else(|| DecodeError::new(version, Rule::ReservedType, "Packet Type"))
    }

    /// Decodes one packet that is all of `bytes`, for tools and tests; a connection uses a [`Framer`].
    ///
    /// # Errors
    /// As [`Packet::decode`]; too few and too many bytes are malformed.
    pub fn decode_exact(version: ProtocolVersion, receiver: Role, bytes: Bytes) -> Result<Self, DecodeError> {
        let mut framer = Framer::new(u32::MAX);
        framer.push(bytes);
        let frame = framer.poll_frame().map_err(|error| error.in_version(version))?;
        let Some(frame) = frame else {
            return Err(DecodeError::new(version, Rule::Truncated, "Packet"));
        };
        if !framer.is_empty() {
            return Err(DecodeError::new(version, Rule::TrailingBytes, "Packet"));
        }
        Self::decode(version, receiver, frame)
    }

    /// All but PUBLISH, from a body that is a part of `source`. It is never `None`: the type is what a framer gives out, so that the
    /// packet is made in its place and moved no more.
    #[inline(never)]
    pub(crate) fn decode_other(
        version: ProtocolVersion,
        receiver: Role,
        header: FixedHeader,
        source: &Bytes,
        body: &[u8],
    ) -> Result<Option<Self>, DecodeError> {
        let reader = Reader::within(version, source, body);
        check_length(version, header)?;
        let packet = match header.packet_type() {
            Some(PacketType::Auth) if !version.is_v5() => None,
            known => known,
        };
        let Some(packet) = packet else {
            return Err(reader.breaks(Rule::ReservedType, "Packet Type"));
        };
        if header.flags() != packet.reserved_flags() {
            return Err(reader.breaks(packet.flags_rule(), "Fixed Header flags"));
        }
        if !packet.may_reach(version, receiver) {
            return Err(reader.breaks(Rule::Direction, packet.name()));
        }
        match packet {
            PacketType::Connect => Ok(Some(Self::Connect(Connect::decode(reader)?))),
            PacketType::Connack => Ok(Some(Self::Connack(Connack::decode(reader)?))),
            PacketType::Publish => {
                let layout = Publish::read(version, receiver, header.flags(), body)?;
                Ok(Some(Self::Publish(layout.over(reader.into_bytes()))))
            }
            PacketType::Puback => Ok(Some(Self::Puback(Ack::decode(reader, packet, receiver)?))),
            PacketType::Pubrec => Ok(Some(Self::Pubrec(Ack::decode(reader, packet, receiver)?))),
            PacketType::Pubrel => Ok(Some(Self::Pubrel(Ack::decode(reader, packet, receiver)?))),
            PacketType::Pubcomp => Ok(Some(Self::Pubcomp(Ack::decode(reader, packet, receiver)?))),
            PacketType::Subscribe => Ok(Some(Self::Subscribe(Subscribe::decode(reader)?))),
            PacketType::Suback => Ok(Some(Self::Suback(Suback::decode(reader)?))),
            PacketType::Unsubscribe => Ok(Some(Self::Unsubscribe(Unsubscribe::decode(reader)?))),
            PacketType::Unsuback => Ok(Some(Self::Unsuback(Unsuback::decode(reader)?))),
            PacketType::Pingreq => ping::decode(reader, packet.name()).map(|()| Some(Self::Pingreq)),
            PacketType::Pingresp => ping::decode(reader, packet.name()).map(|()| Some(Self::Pingresp)),
            PacketType::Disconnect => Ok(Some(Self::Disconnect(Disconnect::decode(reader, receiver)?))),
            PacketType::Auth => Ok(Some(Self::Auth(Auth::decode(reader, receiver)?))),
        }
    }

    /// Appends this packet to `out`, reserving exactly what it takes. On an error nothing is appended.
    ///
    /// # Errors
    /// The packet holds what `version` cannot say, or what no receiver would accept.
    #[inline(always)]
    pub fn encode(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        if let Self::Publish(publish) = self {
            return publish.encode(version, out);
        }
        self.encode_other(version, out)
    }

    /// All but PUBLISH, which writes itself whole.
    #[inline(never)]
    fn encode_other(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        let packet = self.packet_type();
        match self {
            Self::Connect(connect) => append(&**connect, packet, version, out),
            Self::Connack(connack) => append(connack, packet, version, out),
            Self::Publish(publish) => publish.encode(version, out),
            Self::Puback(ack) | Self::Pubrec(ack) | Self::Pubrel(ack) | Self::Pubcomp(ack) => {
                if ack.is_short() {
                    ack.write_short((packet as u8) << 4 | packet.reserved_flags(), out);
                    return Ok(());
                }
                append(ack, packet, version, out)
            }
            Self::Subscribe(subscribe) => append(subscribe, packet, version, out),
            Self::Suback(suback) => append(suback, packet, version, out),
            Self::Unsubscribe(unsubscribe) => append(unsubscribe, packet, version, out),
            Self::Unsuback(unsuback) => append(unsuback, packet, version, out),
            Self::Pingreq | Self::Pingresp => append(&ping::Ping, packet, version, out),
            Self::Disconnect(disconnect) => append(disconnect, packet, version, out),
            Self::Auth(auth) => append(auth, packet, version, out),
        }
    }

    /// How many bytes [`Packet::encode`] will append, fixed header included.
    #[must_use]
    pub fn encoded_len(&self, version: ProtocolVersion) -> usize {
        writer::packet_len(self.remaining_len(version))
    }

    /// The Remaining Length.
    fn remaining_len(&self, version: ProtocolVersion) -> usize {
        match self {
            Self::Publish(publish) => publish.remaining_len(version),
            Self::Connect(connect) => connect.remaining_len(version),
            Self::Connack(connack) => connack.remaining_len(version),
            Self::Puback(ack) | Self::Pubrec(ack) | Self::Pubrel(ack) | Self::Pubcomp(ack) => {
                ack.remaining_len(version)
            }
            Self::Subscribe(subscribe) => subscribe.remaining_len(version),
            Self::Suback(suback) => suback.remaining_len(version),
            Self::Unsubscribe(unsubscribe) => unsubscribe.remaining_len(version),
            Self::Unsuback(unsuback) => unsuback.remaining_len(version),
            Self::Pingreq | Self::Pingresp => 0,
            Self::Disconnect(disconnect) => disconnect.remaining_len(version),
            Self::Auth(auth) => auth.remaining_len(version),
        }
    }
}

/// What follows the fixed header of a packet to be written.
trait Body {
    /// Fails when the packet cannot be said in `version`, or breaks a rule.
    fn check(&self, version: ProtocolVersion, packet: PacketType) -> Result<(), EncodeError>;
    /// The Remaining Length.
    fn remaining_len(&self, version: ProtocolVersion) -> usize;
    /// Appends it.
    fn write(&self, version: ProtocolVersion, out: &mut BytesMut);
}

/// Appends a whole packet, or nothing.
#[inline]
fn append<B: Body>(
    body: &B,
    packet: PacketType,
    version: ProtocolVersion,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    body.check(version, packet)?;
    let remaining_length = writer::reserve(body.remaining_len(version), out)?;
    let first_byte = (packet as u8) << 4 | packet.reserved_flags();
    writer::put_fixed_header(first_byte, remaining_length, out);
    body.write(version, out);
    Ok(())
}

/// 5.0 demands the shortest form of the Remaining Length.
#[inline]
fn check_length(version: ProtocolVersion, header: FixedHeader) -> Result<(), DecodeError> {
    if header.shortest_form || !version.is_v5() {
        return Ok(());
    }
    Err(DecodeError::new(version, Rule::Overlong, "Remaining Length"))
}
