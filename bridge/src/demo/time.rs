//! The time, as devices are told it.

/// A moment in the simulated home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the home was started, real ones: how often something is published hangs on these.
    pub since_start_ms: u64,
    /// Milliseconds since 1970 in the home, where days may pass faster: how warm it is hangs on these.
    pub home_ms: u64,
}

const DAY_MS: u64 = 86_400_000;

impl Moment {
    /// Hours since midnight, 0 to 24.
    #[must_use]
    pub fn hour_of_day(self) -> f64 {
        to_f64(self.home_ms % DAY_MS) / 3_600_000.0
    }

    /// Days since 1970.
    #[must_use]
    pub fn day(self) -> u64 {
        self.home_ms / DAY_MS
    }

    /// How far the year is, 0 to 1.
    #[must_use]
    pub fn part_of_year(self) -> f64 {
        (to_f64(self.home_ms) / to_f64(DAY_MS) / 365.2425).fract()
    }

    /// The same moment, hours ago in the home.
    #[must_use]
    pub fn hours_ago(self, hours: u64) -> Self {
        Self {
            home_ms: self.home_ms.saturating_sub(hours * 3_600_000),
            ..self
        }
    }

    /// `2026-11-21T22:40:05` in UTC, as Tasmota writes it.
    #[must_use]
    pub fn date_time(self) -> String {
        let (year, month, day) = civil(self.day());
        let seconds = self.home_ms % DAY_MS / 1_000;
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

/// Year, month and day of a day since 1970 (Howard Hinnant's `civil_from_days`).
fn civil(day: u64) -> (u64, u64, u64) {
    let shifted = day + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// Exact up to 2^53 ms, which is the year 287396.
#[expect(
    clippy::cast_precision_loss,
    reason = "exact for every moment that will come up"
)]
pub(super) fn to_f64(ms: u64) -> f64 {
    ms as f64
}

/// Says when something is due that happens every so often.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Every {
    next_ms: u64,
}

impl Every {
    /// Is it due? If so, it is due again after `period_ms` real milliseconds.
    pub(super) fn is_due(&mut self, now: Moment, period_ms: u64) -> bool {
        let due = now.since_start_ms >= self.next_ms;
        if due {
            self.next_ms = now.since_start_ms + period_ms;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (home_ms, expected) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399_000, "2000-02-28T23:59:59"),
            (951_782_400_000, "2000-02-29T00:00:00"),
            (1_795_300_805_000, "2026-11-21T22:40:05"),
        ] {
            let moment = Moment {
                since_start_ms: 0,
                home_ms,
            };
            assert_eq!(moment.date_time(), expected);
        }
    }
}
