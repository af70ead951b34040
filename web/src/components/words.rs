//! How times, sizes and counts are said. Pure: `now` is an argument.

use super::text::visible;
use crate::platform::locale;
use hearth_model::decimal;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What a device says, and of a moment when it is.
pub(crate) fn told(text: &str) -> String {
    locale::moment_of(text).map_or_else(|| visible(text), locale::date_and_time)
}

/// "20 s ago": changes in steps of 10 s, then 1 min, then 1 h; past a day it is a date.
pub(crate) fn ago(at: u64, now: u64) -> String {
    if at == 0 {
        return "not yet heard".to_owned();
    }
    match now.saturating_sub(at) {
        age if age < 10 * SECOND => "just now".to_owned(),
        age if age < MINUTE => format!("{} s ago", age / (10 * SECOND) * 10),
        age if age < HOUR => format!("{} min ago", age / MINUTE),
        age if age < DAY => format!("{} h ago", age / HOUR),
        _ => locale::date_and_time(at),
    }
}

/// "8 min", "3 h 12 min", "2 days": how long something has lasted.
pub(crate) fn lasting(ms: u64) -> String {
    match ms {
        ms if ms < SECOND => "less than 1 s".to_owned(),
        ms if ms < 10 * SECOND => format!("{} s", ms / SECOND),
        ms if ms < MINUTE => format!("{} s", ms / (10 * SECOND) * 10),
        ms if ms < HOUR => format!("{} min", ms / MINUTE),
        ms if ms < DAY => match (ms / HOUR, ms % HOUR / MINUTE) {
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        },
        ms => match ms / DAY {
            1 => "1 day".to_owned(),
            days => format!("{days} days"),
        },
    }
}

/// "40 s", "1.5 s", "250 ms": an exact interval.
pub(crate) fn interval(ms: u64) -> String {
    match ms {
        ms if ms < SECOND => format!("{ms} ms"),
        ms if ms < 10 * SECOND => format!("{}.{} s", ms / SECOND, ms % SECOND / 100),
        ms if ms < 2 * MINUTE => format!("{} s", ms / SECOND),
        ms => lasting(ms),
    }
}

/// "since 11:06" within a day, "for 8 min" within an hour when it is urgent.
pub(crate) fn since(at: u64, now: u64) -> String {
    match now.saturating_sub(at) {
        age if age < DAY => format!("since {}", locale::time_short(at)),
        _ => format!("since {}", locale::date_and_time(at)),
    }
}

/// "197 bytes", "48.2 kB", "1.0 MB".
pub(crate) fn bytes(count: u64) -> String {
    let scaled = |unit: u64, name: &str| {
        let tenths = count.saturating_mul(10) / unit;
        format!(
            "{} {name}",
            locale::number(&format!("{}.{}", tenths / 10, tenths % 10))
        )
    };
    match count {
        1 => "1 byte".to_owned(),
        0..=999 => format!("{count} bytes"),
        1_000..=999_999 => scaled(1_000, "kB"),
        1_000_000..=999_999_999 => scaled(1_000_000, "MB"),
        _ => scaled(1_000_000_000, "GB"),
    }
}

/// "1 device", "3 devices".
pub(crate) fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 {
        return format!("1 {one}");
    }
    format!("{} {many}", locale::number(&n.to_string()))
}

/// "0.4", "12", for messages per second.
pub(crate) fn rate(per_second: f32) -> String {
    if per_second >= 99.95 {
        return locale::number(&decimal::fixed(f64::from(per_second), 0));
    }
    locale::number(&decimal::fixed(f64::from(per_second), 1))
}

/// `now` in steps of what an age of `at` is shown in, so that a component changes only when its words do.
pub(crate) fn step_now(at: u64, now: u64) -> u64 {
    let step = if now.saturating_sub(at) < MINUTE {
        10 * SECOND
    } else {
        MINUTE
    };
    at + now.saturating_sub(at) / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_that_a_device_says_is_told_as_the_locale_has_it() {
        for (text, said) in [
            ("2026-11-23T06:30:00+01:00", "2026-11-23, 05:30"),
            ("2026-11-23T05:30:00Z", "2026-11-23, 05:30"),
            ("2026-11-23T05:30:00.250Z", "2026-11-23, 05:30"),
            ("2026-11-23", "2026-11-23"),
            ("2026-11-23Talk", "2026-11-23Talk"),
            ("2026-13-45T99:99:99Z", "2026-13-45T99:99:99Z"),
            ("at 2026-11-23T05:30:00Z", "at 2026-11-23T05:30:00Z"),
            ("Türöffnung", "Türöffnung"),
            ("", ""),
        ] {
            assert_eq!(told(text), said, "{text}");
        }
    }

    #[test]
    fn an_age_changes_in_steps_and_past_a_day_is_a_date() {
        let now = 100 * DAY;
        assert_eq!(ago(now - 3_000, now), "just now");
        assert_eq!(ago(now - 29_000, now), "20 s ago");
        assert_eq!(ago(now - 8 * MINUTE - 59_000, now), "8 min ago");
        assert_eq!(ago(now - 3 * HOUR - 12 * MINUTE, now), "3 h ago");
        assert!(ago(now - 2 * DAY, now).contains("1970"));
        assert_eq!(ago(now + 5_000, now), "just now", "clocks may differ");
        assert_eq!(ago(0, now), "not yet heard");
    }

    #[test]
    fn durations_name_two_units_at_most() {
        assert_eq!(lasting(40_000), "40 s");
        assert_eq!(lasting(3 * HOUR + 12 * MINUTE), "3 h 12 min");
        assert_eq!(lasting(2 * HOUR), "2 h");
        assert_eq!(lasting(DAY), "1 day");
        assert_eq!(interval(1_540), "1.5 s");
        assert_eq!(interval(40_000), "40 s");
    }

    #[test]
    fn sizes_and_counts_read_as_sentences() {
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(197), "197 bytes");
        assert_eq!(bytes(48_230), "48.2 kB");
        assert_eq!(bytes(1_048_576), "1.0 MB");
        assert_eq!(count(1, "device", "devices"), "1 device");
        assert_eq!(count(1_284, "topic", "topics"), "1,284 topics");
        assert_eq!(rate(0.04), "0.0");
        assert_eq!(rate(31.04), "31.0");
        assert_eq!(rate(12_345.0), "12,345");
    }

    #[test]
    fn the_stepped_clock_stands_still_between_two_wordings() {
        let at = 1_000_000;
        assert_eq!(step_now(at, at + 12_000), step_now(at, at + 19_999));
        assert_ne!(step_now(at, at + 19_999), step_now(at, at + 20_000));
        assert_eq!(ago(at, step_now(at, at + 47_000)), "40 s ago");
        assert_eq!(step_now(at, at + 130_000), at + 120_000);
    }
}
