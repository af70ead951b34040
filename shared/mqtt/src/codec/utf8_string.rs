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

/// Puts all bytes through `feed`, eight at a time; some more than once, and some that are `.`.
#[inline(always)]
fn for_each_word(bytes: &[u8], mut feed: impl FnMut(u64)) {
    // The last bytes overlap those already seen, which saves a loop over single bytes.
    if let Some(last) = bytes.last_chunk::<8>() {
        for word in bytes.as_chunks::<8>().0 {
            feed(u64::from_le_bytes(*word));
        }
        feed(u64::from_le_bytes(*last));
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        feed(u64::from(first) | u64::from(last) << 32);
    } else if let (Some(first), Some(middle), Some(last)) =
        (bytes.first(), bytes.get(bytes.len() / 2), bytes.last())
    {
        feed(u64::from_le_bytes([
            *first, *middle, *last, b'.', b'.', b'.', b'.', b'.',
        ]));
    }
}

/// Whether all bytes are ASCII and none is zero: what nearly every string is. If not, one must look closer.
#[inline]
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    let mut found = 0;
    // Subtracting sets a byte's high bit if it was zero; what it borrows only reaches further when one was.
    for_each_word(bytes, |word| found |= word | word.wrapping_sub(LOW));
    found & HIGH == 0
}

/// The same for a topic, in which `+` and `#` do not count as plain.
#[inline(always)]
pub(crate) fn is_plain_topic(bytes: &[u8]) -> bool {
    const DIFFERENCE: u8 = b'+' ^ b'#';
    let mut found = 0;
    for_each_word(bytes, |word| {
        // The two wildcards differ in one bit; with that bit set both are `+`.
        let wildcards = (word | repeat(DIFFERENCE)) ^ repeat(b'+' | DIFFERENCE);
        found |= word | word.wrapping_sub(LOW) | wildcards.wrapping_sub(LOW);
    });
    found & HIGH == 0
}

#[inline]
fn scan_by(bytes: &[u8], special: impl Fn(u64) -> u64) -> Scan {
    let (mut high, mut found) = (0, 0);
    for_each_word(bytes, |word| {
        high |= word & HIGH;
        found |= special(word);
    });
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place of strings of every length up to 40.
    #[test]
    fn what_is_plain_is_what_byte_by_byte_would_say() {
        for len in 0..40 {
            assert!(is_plain(&vec![b'a'; len]) && is_plain_topic(&vec![b'a'; len]));
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'a'; len];
                    text[at] = byte;
                    let plain = byte != 0 && byte < 0x80;
                    assert_eq!(is_plain(&text), plain, "{byte:#x} at {at} of {len}");
                    let wildcard = byte == b'+' || byte == b'#';
                    assert_eq!(
                        is_plain_topic(&text),
                        plain && !wildcard,
                        "{byte:#x} at {at} of {len}"
                    );
                    assert_eq!(scan_topic(&text).special, byte == 0 || wildcard);
                    assert_eq!(scan(&text).non_ascii, byte >= 0x80);
                }
            }
        }
    }
}
