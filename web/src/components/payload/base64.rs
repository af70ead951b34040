//! Bytes as Base64 (RFC 4648), in lines of 76 as mail has them. Pure.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LINE: usize = 76;

/// The text, with line feeds.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() / 3 * 4 + bytes.len() / 57 + 4);
    for (group, three) in bytes.chunks(3).enumerate() {
        if group > 0 && group % (LINE / 4) == 0 {
            out.push('\n');
        }
        let value = (0..3).fold(0, |value, at| {
            value << 8 | usize::from(three.get(at).copied().unwrap_or_default())
        });
        for place in 0..4 {
            let digit = DIGITS
                .get(value >> (18 - 6 * place) & 63)
                .copied()
                .unwrap_or_default();
            out.push(if place > three.len() {
                '='
            } else {
                char::from(digit)
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_standard_come_out() {
        for (plain, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(plain.as_bytes()), expected);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
        let long = base64(&[0; 100]);
        assert_eq!(long.lines().map(str::len).collect::<Vec<_>>(), [76, 60]);
    }
}
