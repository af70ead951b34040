//! The time axis in local time, right also on the days when the clocks change.

use super::plan::part;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Between two ticks; days count from midnight to midnight.
const STEPS: [i64; 24] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    91 * DAY,
    365 * DAY,
];

/// How often the offset is looked at; nowhere do the clocks change twice within this time.
const PROBE_MS: u64 = 10 * 24 * 3_600 * 1_000;
/// At most so often, whatever the span.
const PROBES: u64 = 400;

/// What local clocks say: from when on they are how many ms ahead of UTC.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Zone(Vec<(u64, i64)>);

impl Zone {
    /// The changes between two moments, found by asking for the offset at some.
    pub(crate) fn between(from_ms: u64, to_ms: u64, offset_at: impl Fn(u64) -> i64) -> Self {
        let mut changes = vec![(from_ms, offset_at(from_ms))];
        let step = PROBE_MS.max(to_ms.saturating_sub(from_ms) / PROBES).max(1);
        let (mut at, mut offset) = (from_ms, offset_at(from_ms));
        while at < to_ms {
            let next = (at + step).min(to_ms);
            let there = offset_at(next);
            if there != offset {
                let (mut before, mut after) = (at, next);
                while after - before > 1 {
                    let middle = before + (after - before) / 2;
                    if offset_at(middle) == offset {
                        before = middle;
                    } else {
                        after = middle;
                    }
                }
                offset = offset_at(after);
                changes.push((after, offset));
                at = after;
            } else {
                at = next;
            }
        }
        Self(changes)
    }

    /// Whether the clocks change in this time: then the same hour may come twice.
    pub(crate) fn changes(&self) -> bool {
        self.0.len() > 1
    }

    /// "UTC+2", "UTC−3:30" at a moment.
    pub(crate) fn name(&self, at_ms: u64) -> String {
        let offset = self
            .0
            .iter()
            .rev()
            .find(|(from, _)| *from <= at_ms)
            .or(self.0.first())
            .map_or(0, |(_, offset)| *offset);
        let sign = if offset < 0 { '−' } else { '+' };
        let minutes = offset.abs() / MINUTE;
        match minutes % 60 {
            0 => format!("UTC{sign}{}", minutes / 60),
            rest => format!("UTC{sign}{}:{rest:02}", minutes / 60),
        }
    }

    /// Since when each offset holds, until when, and the offset.
    fn spans(&self, to_ms: u64) -> impl Iterator<Item = (u64, u64, i64)> {
        let ends = self.0.iter().skip(1).map(|(from, _)| *from).chain([to_ms]);
        self.0
            .iter()
            .zip(ends)
            .map(|((from, offset), to)| (*from, to, *offset))
    }
}

/// What a tick says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// "14:30:05"
    Second,
    /// "14:30"
    Minute,
    /// "Wed, 19 Nov": midnight.
    Day,
}

/// A line of the time axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tick {
    pub(crate) at_ms: u64,
    /// 0 to 1 from the left.
    pub(crate) place: f32,
    pub(crate) says: Says,
}

impl Tick {
    /// Whether a label so wide, as a part of the axis, would stand out at the right: then it ends at its tick.
    pub(crate) fn is_at_end(&self, label: f64) -> bool {
        1.0 - f64::from(self.place) < label / 2.0
    }
}

/// Without the label before the last, where the last would lie over it.
pub(crate) fn apart(mut ticks: Vec<Tick>, label: f64) -> Vec<Tick> {
    if let [rest @ .., before, last] = ticks.as_slice()
        && last.is_at_end(label)
        && f64::from(before.place) + label / 2.0 > f64::from(last.place) - label
    {
        let place = rest.len();
        ticks.remove(place);
    }
    ticks
}

/// Round local times between two moments, at most about `most`.
pub(crate) fn ticks(from_ms: u64, to_ms: u64, most: u32, zone: &Zone) -> Vec<Tick> {
    let span = i64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(i64::MAX);
    let rough = span / i64::from(most.max(1));
    let step = STEPS.into_iter().find(|step| *step >= rough).unwrap_or(365 * DAY);
    let mut ticks: Vec<Tick> = Vec::new();
    for (start, end, offset) in zone.spans(to_ms + 1) {
        let local = |at: u64| i64::try_from(at).unwrap_or(i64::MAX).saturating_add(offset);
        let end = local(end.min(to_ms + 1));
        let mut at = (local(start.max(from_ms)) + step - 1).div_euclid(step) * step;
        while at < end {
            let utc = u64::try_from(at - offset).unwrap_or(0);
            // An hour that comes twice would crowd longer steps.
            let crowded = step > HOUR
                && ticks
                    .last()
                    .is_some_and(|last| (utc - last.at_ms) < step.unsigned_abs() * 3 / 4);
            if !crowded {
                ticks.push(Tick {
                    at_ms: utc,
                    place: part(utc, from_ms, to_ms),
                    says: match at {
                        at if at % DAY == 0 => Says::Day,
                        _ if step < MINUTE => Says::Second,
                        _ => Says::Minute,
                    },
                });
            }
            at += step;
        }
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "at the first ms of 1970 +0, from these moments on so many hours".
    fn zone(from: u64, to: u64, changes: &[(u64, i64)]) -> Zone {
        Zone::between(from, to, |at| {
            let held = changes.iter().rev().find(|(since, _)| *since <= at);
            held.map_or(0, |(_, hours)| hours * HOUR)
        })
    }

    /// Spring and autumn of 2025 with the days before.
    const BERLIN: &[(u64, i64)] = &[(0, 1), (1_743_296_400_000, 2), (1_761_440_400_000, 1)];
    const NEW_YORK: &[(u64, i64)] = &[(0, -5), (1_741_503_600_000, -4), (1_762_063_200_000, -5)];
    const SEOUL: &[(u64, i64)] = &[(0, 9)];

    fn local(tick: &Tick, zone: &Zone) -> String {
        let offset = zone
            .spans(u64::MAX)
            .find(|(from, to, _)| (*from..*to).contains(&tick.at_ms))
            .unwrap()
            .2;
        let minutes = (tick.at_ms as i64 + offset) / MINUTE;
        format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
    }

    fn labels(from: u64, to: u64, most: u32, changes: &[(u64, i64)]) -> Vec<String> {
        let zone = zone(from, to, changes);
        ticks(from, to, most, &zone)
            .iter()
            .map(|tick| local(tick, &zone))
            .collect()
    }

    const HOUR_MS: u64 = 3_600_000;

    #[test]
    fn spring_has_no_third_hour_in_berlin_and_new_york() {
        // 00:00 to 06:00 local time of the day.
        let berlin = 1_743_289_200_000;
        assert_eq!(
            labels(berlin, berlin + 5 * HOUR_MS, 6, BERLIN),
            ["00:00", "01:00", "03:00", "04:00", "05:00", "06:00"]
        );
        let new_york = 1_741_496_400_000;
        assert_eq!(
            labels(new_york, new_york + 5 * HOUR_MS, 6, NEW_YORK),
            ["00:00", "01:00", "03:00", "04:00", "05:00", "06:00"]
        );
    }

    #[test]
    fn autumn_has_an_hour_twice_in_berlin_and_new_york() {
        let berlin = 1_761_429_600_000;
        assert_eq!(
            labels(berlin, berlin + 6 * HOUR_MS, 7, BERLIN),
            ["00:00", "01:00", "02:00", "02:00", "03:00", "04:00", "05:00"]
        );
        let new_york = 1_762_056_000_000;
        assert_eq!(
            labels(new_york, new_york + 4 * HOUR_MS, 5, NEW_YORK),
            ["00:00", "01:00", "01:00", "02:00", "03:00"]
        );
        let zone = zone(berlin, berlin + 6 * HOUR_MS, BERLIN);
        assert!(zone.changes());
        assert_eq!(zone.name(berlin), "UTC+2");
        assert_eq!(zone.name(berlin + 5 * HOUR_MS), "UTC+1");
    }

    #[test]
    fn a_day_of_23_or_25_hours_begins_at_midnight() {
        for (midnight, changes, hours) in [
            (1_743_289_200_000_u64, BERLIN, 23),
            (1_761_429_600_000, BERLIN, 25),
            (1_741_496_400_000, NEW_YORK, 23),
            (1_762_056_000_000, NEW_YORK, 25),
            (1_743_260_400_000, SEOUL, 24),
        ] {
            let (from, to) = (midnight - 24 * HOUR_MS, midnight + 48 * HOUR_MS);
            let zone = zone(from, to, changes);
            let days: Vec<_> = ticks(from, to, 4, &zone)
                .into_iter()
                .filter(|tick| tick.says == Says::Day)
                .collect();
            assert!(days.iter().all(|tick| local(tick, &zone) == "00:00"));
            let at: Vec<_> = days.iter().map(|tick| tick.at_ms).collect();
            assert!(
                at.contains(&midnight) && at.contains(&(midnight + hours * HOUR_MS)),
                "{at:?}"
            );
        }
    }

    #[test]
    fn six_hours_apart_stays_round_over_the_change() {
        let from = 1_761_429_600_000;
        assert_eq!(
            labels(from, from + 25 * HOUR_MS, 5, BERLIN),
            ["00:00", "06:00", "12:00", "18:00", "00:00"]
        );
        assert_eq!(
            labels(1_743_260_400_000, 1_743_260_400_000 + 24 * HOUR_MS, 5, SEOUL),
            ["00:00", "06:00", "12:00", "18:00", "00:00"]
        );
    }

    #[test]
    fn changes_of_years_are_found_to_the_moment() {
        let zone = zone(1_700_000_000_000, 1_780_000_000_000, BERLIN);
        let found: Vec<_> = zone.0.iter().skip(1).map(|(at, _)| *at).collect();
        assert_eq!(found, [1_743_296_400_000, 1_761_440_400_000]);
    }

    #[test]
    fn every_span_gets_a_handful_of_ticks_in_order() {
        let mut span = 2_000;
        while span < 200_000_000_000 {
            let from = 1_743_280_123_456_u64;
            let zone = zone(from, from + span, BERLIN);
            let ticks = ticks(from, from + span, 6, &zone);
            assert!(ticks.len() <= 9, "{span}: {}", ticks.len());
            assert!(ticks.is_sorted_by_key(|tick| tick.at_ms));
            assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.place)));
            span = span * 3 / 2;
        }
    }

    #[test]
    fn the_last_label_does_not_lie_over_the_one_before() {
        let ticks = |places: &[f32]| {
            let tick = |place: &f32| Tick {
                at_ms: 0,
                place: *place,
                says: Says::Minute,
            };
            places.iter().map(tick).collect::<Vec<_>>()
        };
        let kept = |places: &[f32]| -> Vec<f32> {
            let apart = apart(ticks(places), 0.15);
            apart.iter().map(|tick| tick.place).collect()
        };
        assert_eq!(kept(&[0.2, 0.6, 0.98]), [0.2, 0.6, 0.98]);
        assert_eq!(
            kept(&[0.2, 0.8, 0.96]),
            [0.2, 0.96],
            "the last one ends at its tick"
        );
        assert_eq!(
            kept(&[0.2, 0.74, 0.94]),
            [0.2, 0.94],
            "that is before the axis ends"
        );
        assert_eq!(
            kept(&[0.2, 0.75, 0.92]),
            [0.2, 0.75, 0.92],
            "its middle is at its tick"
        );
        assert_eq!((kept(&[0.99]).len(), kept(&[]).len()), (1, 0));
    }

    #[test]
    fn zones_of_half_hours_have_their_name() {
        let zone = Zone::between(0, 10, |_| -(3 * HOUR + 30 * MINUTE));
        assert_eq!(zone.name(5), "UTC−3:30");
        assert!(!zone.changes());
    }
}
