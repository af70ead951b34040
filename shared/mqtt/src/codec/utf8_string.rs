//! UTF-8 Encoded Strings: one pass over the bytes, eight at a time.

/// What a pass over a string's bytes found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scan {
    /// A byte of 0x80 or more: the text is not plain ASCII.
    pub(crate) non_ascii: bool,
    /// U+0000, or a byte that was asked for.
    pub(crate) special: bool,
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Nonzero exactly when one of the eight bytes is zero.
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word & HIGH
}

/// Eight copies of a byte.
const fn repeat(byte: u8) -> u64 {
    LOW.wrapping_mul(byte as u64)
}

#[inline]
fn scan_by(bytes: &[u8], special: impl Fn(u64) -> u64) -> Scan {
    let (mut high, mut found) = (0, 0);
    let mut feed = |word: u64| {
        high |= word & HIGH;
        found |= special(word);
    };
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        feed(u64::from_le_bytes(*word));
    }
    if let Some(last) = bytes.last_chunk::<8>() {
        // The last eight bytes overlap those already seen, which saves a loop over single bytes.
        feed(u64::from_le_bytes(*last));
    } else {
        let mut word = *b"........";
        for (to, from) in word.iter_mut().zip(rest) {
            *to = *from;
        }
        feed(u64::from_le_bytes(word));
    }
    Scan {
        non_ascii: high != 0,
        special: found != 0,
    }
}

/// Looks for U+0000 and for bytes that are not ASCII.
#[inline]
pub(crate) fn scan(bytes: &[u8]) -> Scan {
    scan_by(bytes, zero_bytes)
}

/// Looks for U+0000, `+` and `#`, and for bytes that are not ASCII.
#[inline]
pub(crate) fn scan_topic(bytes: &[u8]) -> Scan {
    scan_by(bytes, |word| {
        zero_bytes(word) | zero_bytes(word ^ repeat(b'+')) | zero_bytes(word ^ repeat(b'#'))
    })
}
