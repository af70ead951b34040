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
#[inline(always)]
pub(crate) fn read(bytes: &[u8]) -> Read {
    match *bytes {
        [value @ 0..=0x7F, ..] => Read::Whole {
            value: u32::from(value),
            len: 1,
            shortest_form: true,
        },
        [low, high @ 0..=0x7F, ..] => Read::Whole {
            value: u32::from(low & 0x7F) | u32::from(high) << 7,
            len: 2,
            shortest_form: high != 0,
        },
        _ => read_long(bytes),
    }
}

/// Three bytes and more, and what is no integer.
#[inline(never)]
fn read_long(bytes: &[u8]) -> Read {
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

/// The shortest form of `value` in the low bytes of a word, first byte lowest, and how many bytes it takes.
#[inline(always)]
pub(crate) const fn packed(value: u32) -> (u32, usize) {
    match value {
        0..=0x7F => (value, 1),
        0x80..=0x3FFF => (value & 0x7F | 0x80 | (value >> 7) << 8, 2),
        0x4000..=0x1F_FFFF => (
            value & 0x7F | 0x80 | (value >> 7 & 0x7F | 0x80) << 8 | (value >> 14) << 16,
            3,
        ),
        _ => {
            let low = value & 0x7F | 0x80 | (value >> 7 & 0x7F | 0x80) << 8;
            (
                low | (value >> 14 & 0x7F | 0x80) << 16 | (value >> 21 & 0x7F) << 24,
                4,
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_bytes_are_the_written_ones() {
        for value in [
            0,
            1,
            127,
            128,
            300,
            16_383,
            16_384,
            2_097_151,
            2_097_152,
            200_000_001,
            MAX,
        ] {
            let mut out = BytesMut::new();
            write(value, &mut out);
            let (word, len) = packed(value);
            assert_eq!(&word.to_le_bytes()[..len], &out[..]);
            assert_eq!(len, encoded_len(value));
            assert_eq!(
                read(&out),
                Read::Whole {
                    value,
                    len,
                    shortest_form: true
                }
            );
        }
    }
}
