//! Numbers as text in a box that keeps its width: decimals fixed per value, thousands grouped.

use crate::decimal;

/// Most decimals ever shown.
const MAXIMUM_DECIMALS: u8 = 3;

/// How many decimals the values of one field are shown with: the most seen lately, so that digits change and the
/// box does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimals {
    shown: u8,
    /// Most decimals in the run of values being looked at, and how many values it has.
    lately: u8,
    values: u8,
}

impl Decimals {
    /// Values after which fewer decimals are believed.
    const RUN: u8 = 50;

    /// Nothing seen yet: whole numbers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a value as a number.
    pub fn push(&mut self, number: f64) {
        self.push_count(decimals_of(number));
    }

    /// Takes a value as it was spelled, such as `21.50`.
    pub fn push_text(&mut self, text: &str) {
        let fraction = text.trim().split_once('.').map_or("", |(_, fraction)| fraction);
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        self.push_count(u8::try_from(digits).unwrap_or(MAXIMUM_DECIMALS));
    }

    fn push_count(&mut self, decimals: u8) {
        let decimals = decimals.min(MAXIMUM_DECIMALS);
        self.lately = self.lately.max(decimals);
        self.shown = self.shown.max(decimals);
        self.values += 1;
        if self.values >= Self::RUN {
            self.shown = self.lately;
            self.lately = 0;
            self.values = 0;
        }
    }

    /// Decimals to show, 0 to 3.
    #[must_use]
    pub fn count(self) -> u8 {
        self.shown
    }
}

/// Decimals needed to say a number, at most three; the noise of binary fractions (of 32 bits too) is not counted.
#[must_use]
pub fn decimals_of(number: f64) -> u8 {
    let close = |scaled: f64| (scaled - scaled.round()).abs() < (1e-7 * scaled.abs()).clamp(1e-7, 0.01);
    let mut scale = 1.0;
    for decimals in 0..MAXIMUM_DECIMALS {
        if close(number * scale) {
            return decimals;
        }
        scale *= 10.0;
    }
    MAXIMUM_DECIMALS
}

/// A number with fixed decimals, a comma between thousands: `2,184`, `21.5`, `-0.25`. Very large and very small
/// ones in powers of ten, `1.5e21`.
#[must_use]
pub fn format_number(number: f64, decimals: u8) -> String {
    if !number.is_finite() {
        return "–".to_owned();
    }
    if number.abs() >= 1e15 {
        return in_powers_of_ten(number);
    }
    let plain = decimal::fixed(number, usize::from(decimals));
    let (sign, digits) = plain.strip_prefix('-').map_or(("", &*plain), |rest| ("-", rest));
    let (whole, fraction) = digits
        .split_once('.')
        .map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let mut out = String::with_capacity(plain.len() + whole.len() / 3 + 1);
    out.push_str(if zero { "" } else { sign });
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Four significant digits at most, `1.235e300`: all seventeen fit into no card.
fn in_powers_of_ten(number: f64) -> String {
    let text = decimal::scientific(number, 4);
    let Some((digits, exponent)) = text.split_once('e') else {
        return text;
    };
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{digits}e{exponent}")
}

/// A count with a comma between thousands: `1,284`.
#[must_use]
pub fn format_count(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A size: `197 B`, `48.2 kB`, `1.4 MB` (powers of ten).
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub fn format_bytes(bytes: u64) -> String {
    let size = bytes as f64;
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => decimal::fixed(size / 1e3, 1) + " kB",
        1_000_000..1_000_000_000 => decimal::fixed(size / 1e6, 1) + " MB",
        _ => decimal::fixed(size / 1e9, 1) + " GB",
    }
}

/// Messages per second for a row: `44.7/s`, `0.1/s`, `1,250/s`; a dash when there were none lately.
#[must_use]
pub fn format_rate(per_second: f64) -> String {
    if !per_second.is_finite() || per_second < 0.05 {
        return "–".to_owned();
    }
    let decimals = u8::from(per_second < 100.0);
    format!("{}/s", format_number(per_second, decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_fixed_decimals_and_grouped_thousands() {
        for (number, decimals, text) in [
            (2184.0, 0, "2,184"),
            (21.5, 1, "21.5"),
            (21.0, 1, "21.0"),
            (-1234.567, 2, "-1,234.57"),
            (-0.01, 1, "0.0"),
            (0.0, 0, "0"),
            (999.0, 0, "999"),
            (1_000_000.0, 0, "1,000,000"),
            (1.5e21, 0, "1.5e21"),
            (1e26, 2, "1e26"),
            (1.111_111_111_111_111_2e308, 0, "1.111e308"),
            (-9.223_372_036_854_776e18, 0, "-9.223e18"),
            (f64::NAN, 0, "–"),
        ] {
            assert_eq!(format_number(number, decimals), text);
        }
        assert_eq!(format_count(1_284), "1,284");
        assert_eq!(format_count(12), "12");
        assert_eq!(
            (&*format_bytes(197), &*format_bytes(48_200)),
            ("197 B", "48.2 kB")
        );
        assert_eq!(
            (&*format_rate(44.71), &*format_rate(0.01), &*format_rate(1250.4)),
            ("44.7/s", "–", "1,250/s")
        );
    }

    #[test]
    fn decimals_are_the_most_seen_lately() {
        let mut decimals = Decimals::new();
        for number in [21.0, 21.5, 22.0] {
            decimals.push(number);
        }
        assert_eq!(decimals.count(), 1);
        decimals.push(0.1 + 0.2);
        assert_eq!(decimals.count(), 1);
        decimals.push_text("21.123456");
        assert_eq!(decimals.count(), 3);
        for _ in 0..100 {
            decimals.push_text("21.5");
        }
        assert_eq!(decimals.count(), 1);
    }

    #[test]
    fn binary_fractions_do_not_add_decimals() {
        for (number, decimals) in [
            (21.3, 1),
            (0.07, 2),
            (1013.2, 1),
            (1e9, 0),
            (4_187_302.4, 1),
            (1.0 / 3.0, 3),
            (-2.25, 2),
            (f64::from(22.2_f32), 1),
        ] {
            assert_eq!(decimals_of(number), decimals, "{number}");
        }
    }
}
