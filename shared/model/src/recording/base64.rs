//! Base64 (RFC 4648).

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes as text with padding; with a line feed after so many characters (a multiple of four), if any.
#[must_use]
pub fn base64(bytes: &[u8], line: Option<usize>) -> String {
    let mut out = String::with_capacity(bytes.len() / 3 * 4 + bytes.len() / 57 + 4);
    for (group, three) in bytes.chunks(3).enumerate() {
        if line.is_some_and(|line| group > 0 && (group * 4).is_multiple_of(line)) {
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

/// Back from text; `None` when it is not Base64. Padding may be left out.
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').as_bytes();
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for four in text.chunks(4) {
        let mut value = 0_u32;
        for at in 0..4 {
            let digit = match four.get(at) {
                Some(digit) => DIGITS.iter().position(|known| known == digit)?,
                None => 0,
            };
            value = value << 6 | u32::try_from(digit).ok()?;
        }
        let bytes = value.to_be_bytes();
        let (full, rest) = (four.len() * 6 / 8, four.len() * 6 % 8);
        // One character alone is no byte, and bits that belong to none are 0.
        if full == 0 || rest > 0 && value >> (24 - full * 8 - rest) & ((1 << rest) - 1) != 0 {
            return None;
        }
        out.extend(bytes.iter().skip(1).take(full));
    }
    Some(out)
}
