//! Numbers, times and dates as the user's locale writes them, by the browser's `Intl`.
//!
//! Off the browser (native tests) it is English in UTC.

/// The two marks of a locale's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Marks {
    decimal: String,
    group: String,
}

/// "2184.5" as "2,184.5" or "2.184,5"; what is not a plain decimal number stays as it is.
pub fn number(text: &str) -> String {
    with_marks(text, &marks())
}

fn with_marks(text: &str, marks: &Marks) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("\u{2212}", rest),
        None => ("", text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !fraction.is_none_or(plain) {
        return text.to_owned();
    }
    let mut out = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push_str(&marks.group);
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push_str(&marks.decimal);
        out.push_str(fraction);
    }
    out
}

/// The language that an address asks for with `lang`: language, script and region, such as `de`, `en-GB`,
/// `zh-Hant-TW`. Browsers throw at anything that is no tag.
#[cfg(any(target_arch = "wasm32", test))]
fn asked_language(query: &str) -> Option<&str> {
    let (_, tag) = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == "lang")?;
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let mut parts = tag.split('-').peekable();
    let language = parts.next()?;
    let script = |part: &&str| part.len() == 4 && letters(part);
    let region = |part: &&str| part.len() == 2 && letters(part);
    parts.next_if(script);
    parts.next_if(region);
    let whole = matches!(language.len(), 2 | 3) && letters(language) && parts.next().is_none();
    whole.then_some(tag)
}

#[cfg(not(target_arch = "wasm32"))]
mod source {
    use super::Marks;

    pub(super) fn marks() -> Marks {
        Marks {
            decimal: ".".to_owned(),
            group: ",".to_owned(),
        }
    }

    pub(super) fn time(ms: u64, seconds: bool) -> String {
        let second = ms / 1_000;
        let (h, m, s) = (second / 3_600 % 24, second / 60 % 60, second % 60);
        if seconds {
            format!("{h:02}:{m:02}:{s:02}")
        } else {
            format!("{h:02}:{m:02}")
        }
    }

    /// Civil date from days since 1970 (Hinnant's algorithm).
    pub(super) fn date(ms: u64) -> String {
        let days = i64::try_from(ms / 86_400_000).unwrap_or(0) + 719_468;
        let era = days / 146_097;
        let doe = days % 146_097;
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let (day, month) = (
            doy - (153 * mp + 2) / 5 + 1,
            if mp < 10 { mp + 3 } else { mp - 9 },
        );
        let year = yoe + era * 400 + i64::from(month <= 2);
        format!("{year}-{month:02}-{day:02}")
    }

    pub(super) fn time_exact(ms: u64) -> String {
        format!("{}.{:03}", time(ms, true), ms % 1_000)
    }

    pub(super) fn long_date(ms: u64) -> String {
        date(ms)
    }

    pub(super) fn short_date(ms: u64) -> String {
        date(ms)
    }

    pub(super) fn iso(ms: u64) -> String {
        format!("{}T{}.{:03}Z", date(ms), time(ms, true), ms % 1_000)
    }

    pub(super) fn offset(_ms: u64) -> i64 {
        0
    }

    pub(super) fn parse(text: &str) -> Option<u64> {
        hearth_model::recording::parse_time(text)
    }
}

#[cfg(target_arch = "wasm32")]
mod source {
    use js_sys::{Array, Date, Intl, Object, Reflect};
    use wasm_bindgen::{JsCast, JsValue};

    use super::{Marks, asked_language};
    use crate::platform::page;

    thread_local! {
        static MARKS: Marks = read_marks();
        static TIME: Intl::DateTimeFormat = formatter(&[("hour", "2-digit"), ("minute", "2-digit")]);
        static TIME_S: Intl::DateTimeFormat =
            formatter(&[("hour", "2-digit"), ("minute", "2-digit"), ("second", "2-digit")]);
        static TIME_MS: Intl::DateTimeFormat =
            formatter(&[("hour", "2-digit"), ("minute", "2-digit"), ("second", "2-digit"), ("fractionalSecondDigits", "3")]);
        static DATE: Intl::DateTimeFormat = formatter(&[("dateStyle", "medium")]);
        static LONG_DATE: Intl::DateTimeFormat =
            formatter(&[("weekday", "long"), ("day", "numeric"), ("month", "long")]);
        static SHORT_DATE: Intl::DateTimeFormat = formatter(&[("weekday", "short"), ("day", "numeric"), ("month", "short")]);
    }

    fn formatter(options: &[(&str, &str)]) -> Intl::DateTimeFormat {
        let object = Object::new();
        for (name, value) in options {
            // Setting a property of a fresh plain object cannot fail.
            drop(Reflect::set(
                &object,
                &JsValue::from_str(name),
                &JsValue::from_str(value),
            ));
        }
        Intl::DateTimeFormat::new(&locales(), &object)
    }

    /// What the address asks for, the route before the page; empty leaves it to the browser.
    fn locales() -> Array {
        let (of_page, of_route) = page::queries();
        let asked = asked_language(&of_route).or_else(|| asked_language(&of_page));
        asked.map(JsValue::from_str).into_iter().collect()
    }

    fn read_marks() -> Marks {
        let parts = Intl::NumberFormat::new(&locales(), &Object::new()).format_to_parts(1_234_567.8);
        let part = |kind: &str| {
            parts.iter().find_map(|part| {
                let get = |name: &str| Reflect::get(&part, &JsValue::from_str(name)).ok()?.as_string();
                (get("type")? == kind).then(|| get("value"))?
            })
        };
        Marks {
            decimal: part("decimal").unwrap_or_else(|| ".".to_owned()),
            group: part("group").unwrap_or_default(),
        }
    }

    fn moment(ms: u64) -> Date {
        #[expect(clippy::cast_precision_loss, reason = "ms since epoch stay far below 2^53")]
        Date::new(&JsValue::from_f64(ms as f64))
    }

    fn format(with: &Intl::DateTimeFormat, ms: u64) -> String {
        with.format()
            .call1(&JsValue::UNDEFINED, moment(ms).unchecked_ref())
            .ok()
            .and_then(|text| text.as_string())
            .unwrap_or_default()
    }

    pub(super) fn marks() -> Marks {
        MARKS.with(Clone::clone)
    }

    pub(super) fn time(ms: u64, seconds: bool) -> String {
        if seconds {
            TIME_S.with(|with| format(with, ms))
        } else {
            TIME.with(|with| format(with, ms))
        }
    }

    pub(super) fn date(ms: u64) -> String {
        DATE.with(|with| format(with, ms))
    }

    pub(super) fn time_exact(ms: u64) -> String {
        TIME_MS.with(|with| format(with, ms))
    }

    pub(super) fn long_date(ms: u64) -> String {
        LONG_DATE.with(|with| format(with, ms))
    }

    pub(super) fn short_date(ms: u64) -> String {
        SHORT_DATE.with(|with| format(with, ms))
    }

    pub(super) fn iso(ms: u64) -> String {
        moment(ms).to_iso_string().into()
    }

    pub(super) fn offset(ms: u64) -> i64 {
        (moment(ms).get_timezone_offset() * -60_000.0) as i64
    }

    pub(super) fn parse(text: &str) -> Option<u64> {
        let ms = Date::parse(text);
        (ms >= 0.0).then_some(ms as u64)
    }
}

fn marks() -> Marks {
    source::marks()
}

/// A moment as ISO 8601 has it, `2026-11-23T06:30:00+01:00`, in ms since epoch; of anything else `None`.
pub fn moment_of(text: &str) -> Option<u64> {
    let date = text.get(..11)?.bytes().enumerate();
    let is_date = date.into_iter().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        _ => byte.is_ascii_digit(),
    });
    let time = text.get(11..)?;
    let fits = |byte: u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'+' | b'-' | b'Z');
    let is_time = time.len() >= 5 && time.len() <= 24 && time.bytes().all(fits);
    (is_date && is_time).then(|| source::parse(text)).flatten()
}

/// "14:31"
pub fn time_short(ms: u64) -> String {
    source::time(ms, false)
}

/// "14:31:58"
pub fn time_long(ms: u64) -> String {
    source::time(ms, true)
}

/// "14:31:58.042"
pub fn time_exact(ms: u64) -> String {
    source::time_exact(ms)
}

/// "3 Nov 2025"
pub fn day_and_year(ms: u64) -> String {
    source::date(ms)
}

/// Days since 1970 of the local calendar.
pub fn day_number(ms: u64) -> i64 {
    (i64::try_from(ms).unwrap_or(0) + offset_ms(ms)).div_euclid(86_400_000)
}

/// "3 Nov 2025, 14:31"
pub fn date_and_time(ms: u64) -> String {
    format!("{}, {}", source::date(ms), source::time(ms, false))
}

/// "Wednesday 19 November, 14:32"
pub fn day_and_time(ms: u64) -> String {
    format!("{}, {}", source::long_date(ms), source::time(ms, false))
}

/// "Wed, 19 Nov"
pub fn day_short(ms: u64) -> String {
    source::short_date(ms)
}

/// "2025-11-19T14:32:07.000Z", whatever the locale.
pub fn iso(ms: u64) -> String {
    source::iso(ms)
}

/// How far local clocks were ahead of UTC at a moment, ms.
pub fn offset_ms(ms: u64) -> i64 {
    source::offset(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_marks_of_the_locale() {
        let german = Marks {
            decimal: ",".into(),
            group: ".".into(),
        };
        assert_eq!(with_marks("2184.5", &german), "2.184,5");
        assert_eq!(with_marks("1234567", &german), "1.234.567");
        assert_eq!(number("-7.9"), "\u{2212}7.9");
        assert_eq!(number("999"), "999");
    }

    #[test]
    fn an_address_asks_for_a_language_and_not_for_nonsense() {
        for tag in ["de", "en-GB", "zh-Hant", "zh-Hant-TW", "gsw"] {
            assert_eq!(asked_language(&format!("connect=1&lang={tag}")), Some(tag));
        }
        for query in [
            "",
            "lang",
            "lang=",
            "lang=x",
            "lang=en_GB",
            "lang=de-",
            "lang=de-DE-x",
            "lang=%64e",
        ] {
            assert_eq!(asked_language(query), None, "{query}");
        }
    }

    #[test]
    fn what_is_not_a_plain_number_stays_as_it_is() {
        for text in ["–", "1e9", "2 open", "1.2.3", "", "-", "."] {
            assert_eq!(number(text), text);
        }
    }

    #[test]
    fn a_native_date_is_utc() {
        assert_eq!(date_and_time(1_763_562_727_000), "2025-11-19, 14:32");
        assert_eq!(time_long(1_763_562_727_000), "14:32:07");
        assert_eq!(time_exact(1_763_562_727_042), "14:32:07.042");
        assert_eq!(day_and_year(1_763_562_727_000), "2025-11-19");
        assert_eq!(day_number(1_763_596_799_999) + 1, day_number(1_763_596_800_000));
        assert_eq!(iso(1_763_562_727_005), "2025-11-19T14:32:07.005Z");
    }
}
