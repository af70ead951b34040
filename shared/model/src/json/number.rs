//! Decimal text to `f64`.

use crate::decimal;

/// Powers of ten that an `f64` holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// A finite number in decimal notation, such as `21.5`, `-3`, `+0.4` or `1e3`, with white space around it allowed.
///
/// `None` for everything else: words, `NaN`, hexadecimal, numbers too large for an `f64`.
#[must_use]
pub fn parse_number(bytes: &[u8]) -> Option<f64> {
    let bytes = bytes.trim_ascii();
    match bytes.first()? {
        b'0'..=b'9' | b'-' | b'+' | b'.' => {}
        _ => return None,
    }
    match short_decimal(bytes) {
        Some(number) => Some(number),
        None => decimal::parse(bytes),
    }
}

/// The usual case without the cost of the general one: at most 15 digits and a small power of ten are exact when
/// multiplied or divided once (Clinger 1990).
#[inline]
fn short_decimal(bytes: &[u8]) -> Option<f64> {
    let (negative, digits) = match bytes.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, bytes),
    };
    if digits.len() > 16 {
        return None;
    }
    let mut mantissa = 0_u64;
    let mut count = 0_usize;
    let mut fraction = None;
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                count += 1;
                fraction = fraction.map(|places: usize| places + 1);
            }
            b'.' if fraction.is_none() => fraction = Some(0),
            _ => return None,
        }
    }
    if count == 0 || count > LONGEST {
        return None;
    }
    scaled(negative, mantissa, fraction.unwrap_or_default())
}

/// The short number that begins a piece of JSON, and its length in bytes: what [`parse_number`] gives for the token there.
/// `None` for everything that is no number or needs the general way.
#[inline]
pub(crate) fn leading_number(text: &[u8]) -> Option<(f64, usize)> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    let mut mantissa = 0_u64;
    let (mut len, mut count) = (0_usize, 0_usize);
    let mut point = None;
    for &byte in digits {
        match byte {
            b'0'..=b'9' if count < LONGEST => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b'.' if point.is_none() => point = Some(count),
            b'0'..=b'9' | b'.' | b'e' | b'E' => return None,
            _ => break,
        }
        len += 1;
    }
    let whole = point.unwrap_or(count);
    let has_leading_zero = whole > 1 && digits.first() == Some(&b'0');
    if whole == 0 || point == Some(count) || has_leading_zero {
        return None;
    }
    let number = scaled(negative, mantissa, count - whole)?;
    Some((number, len + usize::from(negative)))
}

/// Digits that are exact in an `f64` however they are spelled.
const LONGEST: usize = 15;

#[inline]
fn scaled(negative: bool, mantissa: u64, places: usize) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "15 digits fit the 53 bits of an f64")]
    let mut number = mantissa as f64;
    if places > 0 {
        number /= EXACT_POWERS.get(places)?;
    }
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::{leading_number, parse_number};
    use crate::json::{Lexer, Token};

    #[test]
    fn decimal_text_is_a_number_and_the_rest_is_not() {
        for (text, number) in [
            ("21.5", Some(21.5)),
            (" -3\n", Some(-3.0)),
            ("+0.4", Some(0.4)),
            ("1e3", Some(1000.0)),
            ("007", Some(7.0)),
            (".5", Some(0.5)),
            ("12345678901234567890", Some(12_345_678_901_234_567_890.0)),
            ("0.1234567890123456789", Some(0.123_456_789_012_345_68)),
            ("1e999", None),
            ("", None),
            ("-", None),
            (".", None),
            ("1.2.3", None),
            ("NaN", None),
            ("inf", None),
            ("0x10", None),
            ("12 W", None),
            ("192.168.0.1", None),
        ] {
            assert_eq!(parse_number(text.as_bytes()), number, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn short_and_long_way_agree_with_the_standard_library(text in r"-?[0-9]{1,17}(\.[0-9]{0,17})?") {
            assert_eq!(parse_number(text.as_bytes()), text.parse().ok());
        }
    }

    #[test]
    fn a_number_ends_where_its_token_does() {
        for (text, found) in [
            ("21.5,", Some((21.5, 4))),
            ("-3}", Some((-3.0, 2))),
            ("0 ,", Some((0.0, 1))),
            ("0.25]", Some((0.25, 4))),
            ("7", Some((7.0, 1))),
            ("123456789012345}", Some((123_456_789_012_345.0, 15))),
            ("1234567890123456}", None),
            ("01,", None),
            ("1.,", None),
            (".5,", None),
            ("+1,", None),
            ("-,", None),
            ("-", None),
            ("", None),
            ("1.2.3,", None),
            ("1e3,", None),
            ("true", None),
        ] {
            assert_eq!(leading_number(text.as_bytes()), found, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_number_is_what_the_scan_finds(text in r"-?[0-9.eE+\-]{0,18}[,} \]0]?") {
            if let Some((number, len)) = leading_number(text.as_bytes()) {
                let in_list = format!("[{}]", &text[..len]);
                let mut lexer = Lexer::new(in_list.as_bytes());
                lexer.next_token().unwrap();
                assert_eq!(lexer.next_token(), Ok(Some(Token::Number(1..len + 1))));
                assert_eq!(parse_number(&text.as_bytes()[..len]).map(f64::to_bits), Some(number.to_bits()));
                let next = text.as_bytes().get(len);
                assert!(next.is_none_or(|next| !next.is_ascii_digit() && !b".eE".contains(next)));
            }
        }
    }
}
