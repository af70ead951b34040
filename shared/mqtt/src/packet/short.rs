//! The packets that say no more than their kind and perhaps a Packet Identifier: nearly all that are no PUBLISH.

use super::{Ack, Disconnect, Packet, PacketId, PacketType, ReasonCode};
use crate::version::{ProtocolVersion, Role};

/// Acknowledgements of two bytes after the fixed header, which mean success, and packets that end with it.
///
/// They are the same in both versions, and never wrong.
#[derive(Clone, Copy)]
pub(crate) enum Short {
    Puback(PacketId),
    Pubrec(PacketId),
    Pubrel(PacketId),
    Pubcomp(PacketId),
    Pingreq,
    Pingresp,
    Disconnect,
}

/// The first byte of a packet.
const fn first_byte(packet: PacketType) -> u8 {
    (packet as u8) << 4 | packet.reserved_flags()
}

impl Short {
    /// The short packet at the front of `bytes`; `None` says that one must look closer.
    #[inline(always)]
    pub(crate) fn read(bytes: &[u8], version: ProtocolVersion, receiver: Role) -> Option<Self> {
        const PUBACK: u8 = first_byte(PacketType::Puback);
        const PUBREC: u8 = first_byte(PacketType::Pubrec);
        const PUBREL: u8 = first_byte(PacketType::Pubrel);
        const PUBCOMP: u8 = first_byte(PacketType::Pubcomp);
        const PINGREQ: u8 = first_byte(PacketType::Pingreq);
        const PINGRESP: u8 = first_byte(PacketType::Pingresp);
        const DISCONNECT: u8 = first_byte(PacketType::Disconnect);
        match *bytes {
            [first_byte, 2, high, low, ..] => {
                let id = PacketId::new(u16::from_be_bytes([high, low]))?;
                match first_byte {
                    PUBACK => Some(Self::Puback(id)),
                    PUBREC => Some(Self::Pubrec(id)),
                    PUBREL => Some(Self::Pubrel(id)),
                    PUBCOMP => Some(Self::Pubcomp(id)),
                    _ => None,
                }
            }
            [PINGRESP, 0, ..] if receiver == Role::Client => Some(Self::Pingresp),
            [PINGREQ, 0, ..] if receiver == Role::Server => Some(Self::Pingreq),
            // In 3.1.1 only clients disconnect with a packet.
            [DISCONNECT, 0, ..] if receiver == Role::Server || version.is_v5() => Some(Self::Disconnect),
            _ => None,
        }
    }

    /// How many bytes it takes.
    #[inline(always)]
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Puback(_) | Self::Pubrec(_) | Self::Pubrel(_) | Self::Pubcomp(_) => 4,
            Self::Pingreq | Self::Pingresp | Self::Disconnect => 2,
        }
    }

    #[inline(always)]
    pub(crate) fn into_packet(self) -> Packet {
        match self {
            Self::Puback(id) => Packet::Puback(Ack::success(id)),
            Self::Pubrec(id) => Packet::Pubrec(Ack::success(id)),
            Self::Pubrel(id) => Packet::Pubrel(Ack::success(id)),
            Self::Pubcomp(id) => Packet::Pubcomp(Ack::success(id)),
            Self::Pingreq => Packet::Pingreq,
            Self::Pingresp => Packet::Pingresp,
            Self::Disconnect => Packet::Disconnect(Disconnect::with_reason(ReasonCode::SUCCESS)),
        }
    }
}
