//! Decimal text to `f64` and back, exact in both directions, by long multiplication and division.
//!
//! The standard library's way is quicker for numbers of more than 15 digits, and its tables of powers of ten, which do
//! not compress, are 20 KB of the page. So in what the page runs, no `f64` goes through `parse`, `{}` or `{:.1}`.

/// Values of one limb of a number that is to be written: nine decimal digits.
const BILLION: u64 = 1_000_000_000;
/// Digits of a text that are looked at: the middle between two `f64` has at most 767.
const MAXIMUM_DIGITS: usize = 800;

/// The digits of a finite number, and how many of them stand behind the point.
fn expand(number: f64) -> (Vec<u8>, usize) {
    let bits = number.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7FF) as i32, bits & ((1 << 52) - 1));
    let (mantissa, exponent) = match exponent {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, exponent - 1075),
    };
    // What is even is halved, so that the usual number has few digits.
    let halved = mantissa
        .trailing_zeros()
        .min(exponent.min(0).unsigned_abs())
        .min(52);
    let (mut limbs, mantissa) = (Vec::new(), mantissa >> halved);
    let behind = exponent.min(0).unsigned_abs() - halved;
    for limb in [mantissa % BILLION, mantissa / BILLION] {
        limbs.push(limb);
    }
    multiply(&mut limbs, 2, exponent.max(0).unsigned_abs(), 29);
    // x / 2^n = x * 5^n / 10^n
    multiply(&mut limbs, 5, behind, 12);
    let mut digits = Vec::with_capacity(limbs.len() * 9);
    for limb in &limbs {
        let mut limb = *limb;
        for _ in 0..9 {
            digits.push(b'0' + (limb % 10) as u8);
            limb /= 10;
        }
    }
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    digits.reverse();
    (digits, behind as usize)
}

/// Limbs, least first, times `base` to the power of `times`, at most `step` of them at once.
fn multiply(limbs: &mut Vec<u64>, base: u64, times: u32, step: u32) {
    let mut left = times;
    while left > 0 {
        let now = left.min(step);
        let factor = base.pow(now);
        let mut carry = 0;
        for limb in limbs.iter_mut() {
            let product = *limb * factor + carry;
            (*limb, carry) = (product % BILLION, product / BILLION);
        }
        if carry > 0 {
            limbs.push(carry);
        }
        left -= now;
    }
}

/// What becomes of a half.
#[derive(Clone, Copy, PartialEq)]
enum Half {
    Up,
    ToEven,
}

/// Keeps so many digits, the last one rounded. Says whether a digit came in front.
fn round(digits: &mut Vec<u8>, keep: usize, half: Half) -> bool {
    let Some(next) = digits.get(keep).copied() else {
        return false;
    };
    let beyond = digits.iter().skip(keep + 1).any(|digit| *digit != b'0');
    let odd = keep
        .checked_sub(1)
        .and_then(|last| digits.get(last))
        .is_some_and(|digit| digit % 2 == 1);
    digits.truncate(keep);
    if next < b'5' || (next == b'5' && !beyond && !odd && half == Half::ToEven) {
        return false;
    }
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return false;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
    true
}

/// With so many decimals, as `{:.N}` writes it.
#[must_use]
pub fn fixed(number: f64, decimals: usize) -> String {
    if !number.is_finite() {
        return special(number).to_owned();
    }
    let (mut digits, behind) = expand(number);
    // At least one digit in front of the point, and the one to round at.
    let zeros = (behind + 1).saturating_sub(digits.len());
    digits.splice(0..0, std::iter::repeat_n(b'0', zeros));
    let whole = digits.len() - behind;
    let whole = whole + usize::from(round(&mut digits, whole + decimals, Half::ToEven));
    digits.resize(whole + decimals, b'0');
    let mut out = String::with_capacity(digits.len() + 2);
    if number.is_sign_negative() {
        out.push('-');
    }
    push_with_point(&mut out, &digits, whole);
    out
}

fn push_with_point(out: &mut String, digits: &[u8], whole: usize) {
    for (place, digit) in digits.iter().enumerate() {
        if place == whole {
            out.push('.');
        }
        out.push(char::from(*digit));
    }
}

/// With so many digits in all, in powers of ten, as `{:e}` writes it: `1.235e300`.
#[must_use]
pub fn scientific(number: f64, significant: usize) -> String {
    if !number.is_finite() {
        return special(number).to_owned();
    }
    let (mut digits, behind) = expand(number);
    let mut exponent = if digits.is_empty() {
        0
    } else {
        digits.len() as i32 - behind as i32 - 1
    };
    exponent += i32::from(round(&mut digits, significant, Half::ToEven));
    digits.resize(significant, b'0');
    let mut out = String::new();
    if number.is_sign_negative() {
        out.push('-');
    }
    push_with_point(&mut out, &digits, 1);
    out.push('e');
    out.push_str(&exponent.to_string());
    out
}

/// As short as it can be without being another number, as `{}` writes it (of some powers of two one digit longer).
#[must_use]
pub fn shortest(number: f64) -> String {
    if !number.is_finite() {
        return special(number).to_owned();
    }
    let mut out = String::new();
    if number.is_sign_negative() {
        out.push('-');
    }
    let (exact, behind) = expand(number);
    if exact.is_empty() {
        out.push('0');
        return out;
    }
    // No `f64` needs more than 17 digits.
    for keep in 1..=17 {
        let mut digits = exact.clone();
        let more = usize::from(round(&mut digits, keep, Half::Up));
        let power = exact.len() as i32 - behind as i32 + more as i32 - digits.len() as i32;
        if keep < 17 && to_f64(&digits, power) != Some(number.abs()) {
            continue;
        }
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let whole = exact.len() as i32 - behind as i32 + more as i32;
        let ahead = usize::try_from(1 - whole).unwrap_or_default();
        digits.splice(0..0, std::iter::repeat_n(b'0', ahead));
        let whole = usize::try_from(whole.max(1)).unwrap_or_default();
        digits.resize(digits.len().max(whole), b'0');
        push_with_point(&mut out, &digits, whole);
        break;
    }
    out
}

fn special(number: f64) -> &'static str {
    match (number.is_nan(), number > 0.0) {
        (true, _) => "NaN",
        (false, true) => "inf",
        (false, false) => "-inf",
    }
}

/// A text of sign, digits, point and power of ten; `None` for everything else and what no `f64` is large enough for.
pub(crate) fn parse(text: &[u8]) -> Option<f64> {
    let (negative, text) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let mut digits = Vec::new();
    let (mut power, mut any, mut point) = (0_i32, false, false);
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'0'..=b'9' => {
                any = true;
                // Beyond the digits that are kept it only matters whether there is anything.
                let kept = digits.len() < MAXIMUM_DIGITS;
                match digits.last_mut() {
                    Some(last) if !kept => *last |= u8::from(*byte != b'0'),
                    None if *byte == b'0' => {}
                    _ => digits.push(*byte),
                }
                power = power.saturating_add(i32::from(!kept) - i32::from(point));
            }
            b'.' if !point => point = true,
            b'e' | b'E' => {
                power = power.saturating_add(exponent(rest.as_slice())?);
                break;
            }
            _ => return None,
        }
    }
    let number = to_f64(&digits, power).filter(|_| any)?;
    Some(if negative { -number } else { number })
}

/// What stands behind the `e`.
fn exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i32::from(byte - b'0'));
    let value = digits.iter().try_fold(0_i32, |value, byte| {
        Some(value.saturating_mul(10).saturating_add(digit(byte)?))
    })?;
    (!digits.is_empty()).then_some(if negative { -value } else { value })
}

/// `digits` × 10^`power`, rounded to the nearest; `None` when it is too large.
fn to_f64(digits: &[u8], power: i32) -> Option<f64> {
    let len = i32::try_from(digits.len()).ok()?;
    if len == 0 || power.saturating_add(len) < -400 {
        return Some(0.0);
    }
    if power.saturating_add(len) > 400 {
        return None;
    }
    // Limbs of 32 bits, least first.
    let mut limbs: Vec<u64> = Vec::new();
    for digit in digits {
        times(&mut limbs, 10, u64::from(digit - b'0'));
    }
    let mut left = power.unsigned_abs();
    let mut shifted = 0;
    let mut more = false;
    if power < 0 {
        // Room for 64 bits of the quotient.
        shifted = left as usize / 9 + 3;
        limbs.splice(0..0, std::iter::repeat_n(0, shifted));
    }
    while left > 0 {
        let now = left.min(9);
        let factor = 10_u64.pow(now);
        if power < 0 {
            more |= divide(&mut limbs, factor) != 0;
        } else {
            times(&mut limbs, factor, 0);
        }
        left -= now;
    }
    round_to_f64(&limbs, -32 * i32::try_from(shifted).ok()?, more)
}

/// Limbs times a factor plus a number.
fn times(limbs: &mut Vec<u64>, factor: u64, plus: u64) {
    let mut carry = plus;
    for limb in limbs.iter_mut() {
        let product = *limb * factor + carry;
        (*limb, carry) = (product & 0xFFFF_FFFF, product >> 32);
    }
    if carry > 0 {
        limbs.push(carry);
    }
}

/// Limbs divided by a number; gives the rest.
fn divide(limbs: &mut Vec<u64>, by: u64) -> u64 {
    let mut rest = 0;
    for limb in limbs.iter_mut().rev() {
        let value = rest << 32 | *limb;
        (*limb, rest) = (value / by, value % by);
    }
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
    rest
}

/// Limbs × 2^`power`, and whether there is a fraction `more` behind them.
fn round_to_f64(limbs: &[u64], power: i32, more: bool) -> Option<f64> {
    let Some(top) = limbs.last() else {
        return Some(0.0);
    };
    let bits = 32 * i32::try_from(limbs.len()).ok()? - (top.leading_zeros() as i32 - 32);
    // The power of two of the last bit that the number has room for.
    let last = (power + bits - 53).max(-1074);
    let bit = |at: i32| {
        let at = usize::try_from(at).ok();
        at.and_then(|at| limbs.get(at / 32).map(|limb| limb >> (at % 32) & 1))
            .unwrap_or_default()
    };
    let mut mantissa = (0..53)
        .rev()
        .fold(0_u64, |value, at| value << 1 | bit(last - power + at));
    let half = bit(last - power - 1) == 1;
    let beyond = more || (0..last - power - 1).any(|at| bit(at) == 1);
    mantissa += u64::from(half && (beyond || mantissa % 2 == 1));
    // A mantissa that became one bit longer carries into the exponent, as it should.
    let exponent = u64::try_from(last + 1074)
        .ok()
        .filter(|exponent| *exponent < 2046)?;
    let bits = (exponent << 52) + mantissa;
    Some(f64::from_bits(bits)).filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(number: f64) {
        assert_eq!(shortest(number), format!("{number}"));
        check_all_digits(number);
    }

    fn check_all_digits(number: f64) {
        assert_eq!(parse(format!("{number}").as_bytes()), Some(number));
        assert_eq!(parse(format!("{number:e}").as_bytes()), Some(number));
        for decimals in [0, 1, 2, 3, 7] {
            assert_eq!(fixed(number, decimals), format!("{number:.decimals$}"));
        }
        for significant in [1, 4, 17] {
            let places = significant - 1;
            assert_eq!(scientific(number, significant), format!("{number:.places$e}"));
        }
    }

    #[test]
    fn numbers_at_the_edges_are_written_and_read_as_the_standard_library_does() {
        for number in [
            0.0,
            -0.0,
            0.5,
            1.5,
            2.5,
            0.05,
            0.25,
            9.995,
            999.95,
            21.3,
            1e21,
            1e-7,
            0.1 + 0.2,
            5e-324,
            2.225_073_858_507_201e-308,
            f64::MIN_POSITIVE,
            f64::MAX,
            f64::MIN,
            f64::EPSILON,
            9_007_199_254_740_993.0,
            123_456_789.125,
        ] {
            check(number);
        }
        assert_eq!(
            (shortest(f64::NAN), fixed(f64::NEG_INFINITY, 1)),
            ("NaN".to_owned(), "-inf".to_owned())
        );
    }

    #[test]
    fn powers_of_two_are_written_and_read_as_the_standard_library_does() {
        for exponent in -1074..1024 {
            let number = 2_f64.powi(exponent);
            check_all_digits(number);
            let (ours, theirs) = (shortest(number), format!("{number}"));
            assert_eq!(ours.parse(), Ok(number));
            assert!(ours.len() <= theirs.len() + 1, "{ours} for {theirs}");
        }
    }

    #[test]
    fn long_texts_are_read_to_the_last_digit() {
        let half = "0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000011102230246251565404236316680908203125";
        let long = format!("9007199254740993{}1", "0".repeat(900));
        let long_fraction = format!("9007199254740993.{}1", "0".repeat(900));
        for text in [
            half,
            "2.4703282292062327208e-324",
            "2.4703282292062328e-324",
            "1.7976931348623158e308",
            &long,
            &long_fraction,
        ] {
            let expected = text.parse::<f64>().ok().filter(|number| number.is_finite());
            assert_eq!(parse(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in [
            "",
            "-",
            "+",
            ".",
            "e1",
            "1e",
            "1e+",
            "1.2.3",
            "--1",
            "1e1.5",
            "1e999",
            "1e99999999999",
            "NaN",
            "0x1",
            "1 ",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        for (text, number) in [
            ("1.", 1.0),
            (".5", 0.5),
            ("0e999999", 0.0),
            ("1e-99999999999", 0.0),
            ("000", 0.0),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(number), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_number_is_written_and_read_as_the_standard_library_does(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            if number.is_finite() {
                check(number);
            }
        }

        #[test]
        fn everyday_numbers_too(whole in -100_000_i32..100_000, divisor in prop::sample::select(vec![1.0, 3.0, 7.0, 8.0, 10.0, 100.0, 1000.0])) {
            check(f64::from(whole) / divisor);
        }

        #[test]
        fn texts_are_read_as_the_standard_library_does(text in r"[+-]?[0-9]{0,30}\.?[0-9]{0,30}([eE][+-]?[0-9]{1,3})?") {
            prop_assert_eq!(parse(text.as_bytes()), text.parse::<f64>().ok().filter(|number| number.is_finite()));
        }
    }
}
