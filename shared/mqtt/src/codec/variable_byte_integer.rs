//! The Variable Byte Integer: seven bits a byte, lowest first, at most four bytes.

use bytes::{BufMut, BytesMut};

/// The greatest value that four bytes can hold.
pub const MAX: u32 = 268_435_455;

/// How many bytes the shortest form of `value` takes; values above [`MAX`] have none and count as four.
#[must_use]
pub const fn encoded_len(value: u32) -> usize {
    match value {
        0..=0x7F => 1,
        0x80..=0x3FFF => 2,
        0x4000..=0x1F_FFFF => 3,
        _ => 4,
    }
}

/// What the first bytes of `bytes` are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// A whole integer.
    Whole {
        /// The value.
        value: u32,
        /// How many bytes it takes.
        len: usize,
        /// Whether fewer bytes could not hold it.
        shortest_form: bool,
    },
    /// The last byte says that more follow.
    Incomplete,
    /// The fourth byte says that more follow.
    TooLong,
}

/// Reads the integer at the start of `bytes`.
#[inline]
pub(crate) fn read(bytes: &[u8]) -> Read {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Read::Whole {
                value,
                len: index + 1,
                shortest_form: index == 0 || *byte != 0,
            };
        }
    }
    if bytes.len() < 4 {
        Read::Incomplete
    } else {
        Read::TooLong
    }
}

/// Appends the shortest form of `value`, which must not be greater than [`MAX`].
#[inline]
pub(crate) fn write(value: u32, out: &mut BytesMut) {
    debug_assert!(value <= MAX, "no variable byte integer holds {value}");
    let mut rest = value;
    while rest > 0x7F {
        out.put_u8((rest & 0x7F) as u8 | 0x80);
        rest >>= 7;
    }
    out.put_u8(rest as u8);
}
