//! When something that changed may be shown.

use hearth_mqtt::MonoTime;

/// What is shown again and again is shown on this beat, ms: each frame that changes anything costs the page several
/// milliseconds, so numbers, charts and cards change in the same ones.
const BEAT_MS: u64 = 250;

/// Remembers that something changed, and when it may be shown next.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    changed: bool,
    not_before: MonoTime,
}

impl Pace {
    /// Something that has to be shown now.
    #[must_use]
    pub fn due_at_once() -> Self {
        Self {
            changed: true,
            not_before: MonoTime::ZERO,
        }
    }

    /// It changed.
    pub fn note_change(&mut self) {
        self.changed = true;
    }

    /// Looks again at `at`, whether or not it changed.
    pub fn look_again(&mut self, at: MonoTime) {
        self.changed = true;
        self.not_before = at;
    }

    /// As if it had been shown now, with this interval.
    pub fn rest(&mut self, now: MonoTime, interval_ms: u64) {
        self.not_before = beat_after(now, interval_ms);
    }

    /// It is not due before `at`, whatever changes.
    pub fn rest_until(&mut self, at: MonoTime) {
        self.not_before = at;
    }

    /// When it is due, if it changed.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<MonoTime> {
        self.changed.then_some(self.not_before)
    }

    /// Whether it is due; then the next showing is on the last beat of the next `interval_ms`.
    pub fn take_due(&mut self, now: MonoTime, interval_ms: u64) -> bool {
        let due = self.changed && now >= self.not_before;
        if due {
            *self = Self {
                changed: false,
                not_before: beat_after(now, interval_ms),
            };
        }
        due
    }
}

/// The last beat within the interval from now on.
pub(super) fn beat_after(now: MonoTime, interval_ms: u64) -> MonoTime {
    let at = now + interval_ms;
    MonoTime::from_ms(at.ms - at.ms % interval_ms.clamp(1, BEAT_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_changes_are_shown_once_per_interval() {
        let mut pace = Pace::default();
        let shown = (0..1_000).filter(|ms| {
            pace.note_change();
            pace.take_due(MonoTime::from_ms(*ms), 250)
        });
        assert_eq!(shown.collect::<Vec<_>>(), [0, 250, 500, 750]);
    }

    #[test]
    fn the_last_change_is_shown_when_its_time_comes() {
        let mut pace = Pace::due_at_once();
        assert!(pace.take_due(MonoTime::from_ms(10), 250));
        assert_eq!(pace.poll_timeout(), None);
        pace.note_change();
        assert!(!pace.take_due(MonoTime::from_ms(249), 250));
        assert_eq!(pace.poll_timeout(), Some(MonoTime::from_ms(250)));
        assert!(pace.take_due(MonoTime::from_ms(250), 250));
    }

    #[test]
    fn what_began_at_different_times_changes_together() {
        for begun in [1_000, 1_001, 1_137, 1_249] {
            let mut pace = Pace::due_at_once();
            assert!(pace.take_due(MonoTime::from_ms(begun), 1_000), "at once");
            pace.note_change();
            assert_eq!(pace.poll_timeout(), Some(MonoTime::from_ms(2_000)));
        }
    }
}
