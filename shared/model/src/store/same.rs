//! Comparing bytes eight at a time: `memcmp` compares them one by one in WebAssembly, and every message is compared.

/// `bytes` without `start`, which they begin with.
#[inline]
pub(super) fn without_start<'a>(bytes: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = bytes.split_at_checked(start.len())?;
    same(first, start).then_some(rest)
}

/// `bytes` without `end`, which they end with.
#[inline]
pub(super) fn without_end<'a>(bytes: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let (rest, last) = bytes.split_at_checked(bytes.len().checked_sub(end.len())?)?;
    same(last, end).then_some(rest)
}

#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        // The last eight may be compared twice in part.
        (Some(last_a), Some(last_b)) => {
            let (a, _) = a.as_chunks::<8>();
            let (b, _) = b.as_chunks::<8>();
            last_a == last_b && a.iter().zip(b).all(|(a, b)| a == b)
        }
        _ => a.iter().zip(b).all(|(a, b)| a == b),
    }
}

#[cfg(test)]
mod tests {
    use super::{same, without_end, without_start};
    use proptest::prelude::*;

    #[test]
    fn a_start_and_an_end_are_taken_away_only_whole() {
        assert_eq!(without_start(b"home/lamp", b"home"), Some(&b"/lamp"[..]));
        assert_eq!(without_start(b"home", b"home"), Some(&b""[..]));
        assert_eq!(without_start(b"hom", b"home"), None);
        assert_eq!(without_start(b"hall/lamp", b"home"), None);
        assert_eq!(
            without_end(b"home/temperature", b"temperature"),
            Some(&b"home/"[..])
        );
        assert_eq!(without_end(b"temperature", b"/temperature"), None);
        assert_eq!(without_end(b"home/Temperature", b"temperature"), None);
    }

    proptest! {
        #[test]
        fn the_same_is_what_is_equal(bytes in prop::collection::vec(any::<u8>(), 0..40), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            prop_assert!(same(&bytes, &bytes.clone()));
            prop_assert!(!same(&bytes, &[&bytes[..], b"x"].concat()));
            if !bytes.is_empty() {
                let mut other = bytes.clone();
                other[at.index(bytes.len())] ^= 1_u8 << bit;
                prop_assert!(!same(&bytes, &other));
            }
        }
    }
}
