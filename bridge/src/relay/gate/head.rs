//! The fixed header of a packet.

use hearth_mqtt::{FixedHeader, PacketType};

/// What the first bytes of a packet say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    Whole {
        header: FixedHeader,
        /// Bytes of the fixed header.
        len: usize,
    },
    /// More bytes are needed to know.
    Incomplete,
    /// A Remaining Length of more than four bytes.
    TooLong,
}

impl Head {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let Some((first_byte, rest)) = bytes.split_first() else {
            return Self::Incomplete;
        };
        match variable_byte_integer(rest) {
            Integer::Whole { value, len } => Self::Whole {
                header: FixedHeader {
                    first_byte: *first_byte,
                    remaining_length: value,
                    shortest_form: len == 1 || value >> (7 * (len - 1)) != 0,
                },
                len: 1 + len,
            },
            Integer::Incomplete => Self::Incomplete,
            Integer::TooLong => Self::TooLong,
        }
    }
}

/// A Variable Byte Integer at the beginning of some bytes.
pub(super) enum Integer {
    Whole { value: u32, len: usize },
    Incomplete,
    TooLong,
}

pub(super) fn variable_byte_integer(bytes: &[u8]) -> Integer {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Integer::Whole { value, len: at + 1 };
        }
    }
    if bytes.len() < 4 {
        Integer::Incomplete
    } else {
        Integer::TooLong
    }
}

/// Is this the packet type of the first byte?
pub(super) fn is(first_byte: u8, packet: PacketType) -> bool {
    first_byte >> 4 == packet as u8
}
