//! How long ago, in steps that do not flicker.

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// An age in the step it is shown in: 10 s below a minute, then minutes, then hours; past a day it is a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Age {
    /// Less than ten seconds.
    Now,
    /// 10, 20, … 50 s.
    Seconds(u8),
    /// 1 to 59 min.
    Minutes(u8),
    /// 1 to 23 h.
    Hours(u8),
    /// A day or more: the page shows the date.
    Date,
}

impl Age {
    /// The age of `then_ms` at `now_ms`; a moment in the future counts as now.
    #[must_use]
    pub fn new(now_ms: u64, then_ms: u64) -> Self {
        let age = now_ms.saturating_sub(then_ms);
        let small = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
        match age {
            0..10_000 => Self::Now,
            _ if age < MINUTE => Self::Seconds(small(age / (10 * SECOND) * 10)),
            _ if age < HOUR => Self::Minutes(small(age / MINUTE)),
            _ if age < DAY => Self::Hours(small(age / HOUR)),
            _ => Self::Date,
        }
    }

    /// `now`, `20 s ago`, `4 min ago`, `3 h ago`; `None` when a date is to be shown.
    #[must_use]
    pub fn words(self) -> Option<String> {
        match self {
            Self::Now => Some("now".to_owned()),
            Self::Seconds(seconds) => Some(format!("{seconds} s ago")),
            Self::Minutes(minutes) => Some(format!("{minutes} min ago")),
            Self::Hours(hours) => Some(format!("{hours} h ago")),
            Self::Date => None,
        }
    }

    /// After how many ms from `now_ms` the words change, for a timer; `None` when they no longer do.
    #[must_use]
    pub fn next_step_ms(now_ms: u64, then_ms: u64) -> Option<u64> {
        let age = now_ms.saturating_sub(then_ms);
        let step = match Self::new(now_ms, then_ms) {
            Self::Now | Self::Seconds(_) => 10 * SECOND,
            Self::Minutes(_) => MINUTE,
            Self::Hours(_) => HOUR,
            Self::Date => return None,
        };
        Some(step - age % step)
    }
}

/// A length of time: `40 s`, `8 min`, `3 h 12 min`, `2 d 4 h`.
#[must_use]
pub fn duration_words(ms: u64) -> String {
    let pair = |large: u64, large_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    };
    match ms {
        _ if ms < MINUTE => format!("{} s", ms / SECOND),
        _ if ms < HOUR => format!("{} min", ms / MINUTE),
        _ if ms < DAY => pair(ms / HOUR, "h", ms % HOUR / MINUTE, "min"),
        _ => pair(ms / DAY, "d", ms % DAY / HOUR, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_change_in_steps() {
        for (age_ms, words) in [
            (0, Some("now")),
            (9_999, Some("now")),
            (10_000, Some("10 s ago")),
            (29_999, Some("20 s ago")),
            (59_999, Some("50 s ago")),
            (60_000, Some("1 min ago")),
            (3_599_999, Some("59 min ago")),
            (3_600_000, Some("1 h ago")),
            (86_399_999, Some("23 h ago")),
            (86_400_000, None),
        ] {
            assert_eq!(
                Age::new(1_000_000_000 + age_ms, 1_000_000_000).words().as_deref(),
                words,
                "{age_ms}"
            );
        }
        assert_eq!(Age::new(5, 10), Age::Now);
    }

    #[test]
    fn the_next_step_is_when_the_words_change() {
        for age in [
            0, 1, 9_999, 10_000, 45_000, 59_999, 60_000, 100_000, 3_600_000, 50_000_000,
        ] {
            let step = Age::next_step_ms(age, 0).unwrap();
            assert_eq!(Age::new(age + step - 1, 0), Age::new(age, 0), "{age}");
            assert_ne!(Age::new(age + step, 0), Age::new(age, 0), "{age}");
        }
        assert_eq!(Age::next_step_ms(90_000_000, 0), None);
    }

    #[test]
    fn durations_have_two_units_at_most() {
        for (ms, words) in [
            (40_000, "40 s"),
            (480_000, "8 min"),
            (11_520_000, "3 h 12 min"),
            (3_600_000, "1 h"),
            (187_200_000, "2 d 4 h"),
        ] {
            assert_eq!(duration_words(ms), words);
        }
    }
}
