//! When something that changed may be shown.

use hearth_mqtt::MonoTime;

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

    /// It is not due before `at`, whatever changes.
    pub fn rest_until(&mut self, at: MonoTime) {
        self.not_before = at;
    }

    /// When it is due, if it changed.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<MonoTime> {
        self.changed.then_some(self.not_before)
    }

    /// Whether it is due; then the next showing is `interval_ms` away.
    pub fn take_due(&mut self, now: MonoTime, interval_ms: u64) -> bool {
        let due = self.changed && now >= self.not_before;
        if due {
            *self = Self {
                changed: false,
                not_before: now + interval_ms,
            };
        }
        due
    }
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
        assert!(!pace.take_due(MonoTime::from_ms(259), 250));
        assert_eq!(pace.poll_timeout(), Some(MonoTime::from_ms(260)));
        assert!(pace.take_due(MonoTime::from_ms(260), 250));
    }
}
