//! How long a battery will last, from what it said of itself; said only when that can be known.

use crate::order::sort_by;
use crate::series::{Column, Sample, Series};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Points that the slope is taken from: a thousand pairs.
const POINTS: usize = 48;
/// A rise by so many % is another battery, or a charged one: what was before says nothing about this one.
const ANOTHER: f64 = 5.0;
/// What is enough to see a slope: a fall of so many % over at least that long. Less is the weather: cold batteries say less.
const ENOUGH: [(f64, u64); 2] = [(3.0, 12 * HOUR_MS), (2.0, 3 * DAY_MS)];
/// Nobody plans for longer, and no slope seen in days says so much.
const LONGEST_MS: f64 = 365.0 * DAY_MS as f64;

/// How long a battery lasts from `now_ms` on, in ms, by the charges that it told, in %.
///
/// The slope is the median of those between all pairs of points (Theil and Sen), so that single wrong readings do not
/// count. `None` without enough of a fall, when the charge goes up and down, and for what would last for years. The oldest
/// sample may be a retained one, said long before it came, and is left out.
#[must_use]
pub fn lasts_ms(series: &Series, now_ms: u64) -> Option<u64> {
    let (first, last) = since_change(series)?;
    let points = points(&series.columns(first.at_ms, last.at_ms + 1, POINTS));
    let (oldest, newest) = (points.first()?, points.last()?);
    let fall = oldest.1 - newest.1;
    let span = last.at_ms - first.at_ms;
    if !ENOUGH
        .iter()
        .any(|(percent, time)| fall >= *percent && span >= *time)
    {
        return None;
    }
    let left = -last.number / slope(&points)? - now_ms.saturating_sub(last.at_ms) as f64;
    // `as` ends at the bounds of what it makes.
    (left > 0.0 && left <= LONGEST_MS).then_some(left as u64)
}

/// The oldest sample of the battery that is in it now, and the newest.
fn since_change(series: &Series) -> Option<(Sample, Sample)> {
    let mut samples = series.samples().skip(1);
    let mut first = samples.next()?;
    let (mut least, mut last) = (first.number, first);
    for sample in samples {
        if sample.number >= least + ANOTHER {
            (first, least) = (sample, sample.number);
        }
        least = least.min(sample.number);
        last = sample;
    }
    Some((first, last))
}

/// When and how much, of the columns that have samples.
fn points(columns: &[Option<Column>]) -> Vec<(f64, f64)> {
    let columns = columns.iter().flatten();
    columns
        .map(|column| {
            let middle = (column.first.at_ms + column.last.at_ms) / 2;
            (middle as f64, column.mean())
        })
        .collect()
}

/// % per ms, when it clearly falls.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let mut slopes = Vec::new();
    for (at, (early, more)) in points.iter().enumerate() {
        let later = points.iter().skip(at + 1);
        slopes.extend(later.map(|(late, less)| (less - more) / (late - early)));
    }
    let falling = slopes.iter().filter(|slope| **slope < 0.0).count();
    let rising = slopes.iter().filter(|slope| **slope > 0.0).count();
    if falling < rising + slopes.len() / 2 {
        return None;
    }
    sort_by(&mut slopes, f64::total_cmp);
    slopes.get(slopes.len() / 2).copied().filter(|slope| *slope < 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All series here are made up: a charge every hour from day 0 on, rounded as devices round it.
    fn series(days: u64, charge: impl Fn(f64) -> f64) -> Series {
        let mut series = Series::new();
        for hour in 0..days * 24 {
            let sample = Sample {
                at_ms: hour * HOUR_MS,
                number: charge(hour as f64 / 24.0).round(),
            };
            series.push(sample, 10_000);
        }
        series
    }

    fn days_left(series: &Series) -> Option<f64> {
        let now = series.last().map_or(0, |last| last.at_ms);
        lasts_ms(series, now).map(|ms| ms as f64 / DAY_MS as f64)
    }

    #[test]
    fn a_steady_fall_says_when_it_ends() {
        for (days, a_day) in [(14, 1.0), (5, 1.0), (2, 3.0), (1, 8.0), (10, 0.5)] {
            let made_up = series(days, |day| 17.0 - a_day * day);
            let left = days_left(&made_up).unwrap();
            let truly = made_up.last().unwrap().number / a_day;
            assert!(
                (left - truly).abs() <= truly * 0.2,
                "{days} days at {a_day} % a day: {left} instead of {truly}"
            );
        }
    }

    #[test]
    fn too_little_says_nothing() {
        assert_eq!(days_left(&Series::new()), None);
        assert_eq!(days_left(&series(30, |_| 8.0)), None, "no fall");
        assert_eq!(days_left(&series(2, |day| 10.0 - day)), None, "two days, 2 %");
        assert_eq!(days_left(&series(30, |day| 10.0 - day / 20.0)), None, "one step");
        let quick = |day: f64| 60.0 - day * 100.0;
        let mut hours = Series::new();
        for minute in 0..300_u64 {
            let number = quick(minute as f64 / 1440.0).round();
            hours.push(
                Sample {
                    at_ms: minute * 60_000,
                    number,
                },
                10_000,
            );
        }
        assert_eq!(days_left(&hours), None, "five hours");
    }

    #[test]
    fn what_goes_up_and_down_says_nothing() {
        // By day warm, at night cold.
        let weather = |day: f64| 12.0 - 3.0 * (day * std::f64::consts::TAU).sin();
        assert_eq!(days_left(&series(4, weather)), None);
        let odd = |day: f64| {
            if ((day * 24.0) as u64).is_multiple_of(2) {
                12.0
            } else {
                8.0
            }
        };
        assert_eq!(days_left(&series(4, odd)), None);
    }

    #[test]
    fn what_was_before_another_battery_does_not_count() {
        let changed = |day: f64| if day < 10.0 { 14.0 - day } else { 100.0 };
        assert_eq!(days_left(&series(12, changed)), None);
        // Ten days of the new one at 2 % a day.
        let later = |day: f64| {
            if day < 10.0 {
                14.0 - day
            } else {
                100.0 - 2.0 * (day - 10.0)
            }
        };
        let left = days_left(&series(20, later)).unwrap();
        assert!((left - 40.0).abs() < 4.0, "{left}");
    }

    #[test]
    fn single_wrong_readings_do_not_count() {
        let mut made_up = series(10, |day| 18.0 - day);
        let left = days_left(&made_up).unwrap();
        assert!((left - 8.0).abs() < 1.5, "{left}");
        // One glitch downwards: taken for another battery when it is over, so nothing is said until enough is known again.
        made_up.push(
            Sample {
                at_ms: 240 * HOUR_MS,
                number: 0.0,
            },
            10_000,
        );
        made_up.push(
            Sample {
                at_ms: 241 * HOUR_MS,
                number: 8.0,
            },
            10_000,
        );
        assert_eq!(days_left(&made_up), None);
    }

    #[test]
    fn the_first_word_may_be_old_and_does_not_count() {
        let mut made_up = Series::new();
        for (at_ms, number) in [(0, 30.0), (HOUR_MS, 9.0), (24 * HOUR_MS, 9.0)] {
            made_up.push(Sample { at_ms, number }, 100);
        }
        assert_eq!(days_left(&made_up), None);
    }

    #[test]
    fn silence_counts_and_what_should_be_empty_is_not_said_to_last() {
        let made_up = series(10, |day| 18.0 - day);
        let last = made_up.last().unwrap().at_ms;
        let left = lasts_ms(&made_up, last + 2 * DAY_MS).unwrap() as f64 / DAY_MS as f64;
        assert!((left - 6.0).abs() < 1.5, "{left}");
        assert_eq!(lasts_ms(&made_up, last + 30 * DAY_MS), None);
    }
}
