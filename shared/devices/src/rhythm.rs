//! How often a device usually speaks, learned from its own messages.

use hearth_model::order::sort_by_key;

/// Intervals remembered.
const REMEMBERED: usize = 15;
/// Intervals needed before anything is said.
const NEEDED: usize = 4;
/// Messages closer than this belong together: one device speaks on several topics at once.
const TOGETHER_MS: u64 = 1000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Rhythm {
    last_ms: Option<u64>,
    intervals: Vec<u64>,
    next: usize,
    /// [`Self::median_ms`] of these intervals.
    usual_ms: Option<u64>,
}

impl Rhythm {
    /// Takes a live message.
    pub(crate) fn heard(&mut self, now_ms: u64) {
        let Some(last) = self.last_ms else {
            self.last_ms = Some(now_ms);
            return;
        };
        let interval = now_ms.saturating_sub(last);
        if interval < TOGETHER_MS {
            return;
        }
        self.last_ms = Some(now_ms);
        if self.intervals.len() < REMEMBERED {
            self.intervals.push(interval);
        } else if let Some(oldest) = self.intervals.get_mut(self.next) {
            *oldest = interval;
        }
        self.next = (self.next + 1) % REMEMBERED;
        self.usual_ms = self.median_ms();
    }

    /// The median interval in ms, when there is a rhythm: most intervals are near it.
    pub(crate) fn usual_ms(&self) -> Option<u64> {
        self.usual_ms
    }

    fn median_ms(&self) -> Option<u64> {
        if self.intervals.len() < NEEDED {
            return None;
        }
        let mut sorted = self.intervals.clone();
        sort_by_key(&mut sorted, |interval| *interval);
        let median = sorted.get(sorted.len() / 2).copied()?;
        let near = sorted
            .iter()
            .filter(|interval| (median / 2..=median * 2).contains(interval))
            .count();
        (near * 4 >= sorted.len() * 3).then_some(median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(times: &[u64]) -> Option<u64> {
        let mut rhythm = Rhythm::default();
        for time in times {
            rhythm.heard(*time);
        }
        rhythm.usual_ms()
    }

    #[test]
    fn a_steady_device_has_a_rhythm() {
        assert_eq!(after(&[0, 30_000, 60_000, 90_000, 120_000]), Some(30_000));
        assert_eq!(
            after(&[0, 10, 30_000, 30_020, 61_000, 90_000, 120_000]),
            Some(30_000)
        );
        assert_eq!(after(&[0, 30_000, 60_000]), None);
    }

    #[test]
    fn what_is_usual_is_that_of_the_newest_intervals() {
        let mut rhythm = Rhythm::default();
        let mut now_ms = 0;
        let mut told = Vec::new();
        for (messages, interval_ms) in [(6, 30_000), (20, 10), (20, 5_000), (3, 400_000), (20, 70_000)] {
            for _ in 0..messages {
                now_ms += interval_ms;
                rhythm.heard(now_ms);
                assert_eq!(rhythm.usual_ms(), rhythm.median_ms());
            }
            told.push(rhythm.usual_ms());
        }
        assert_eq!(
            told,
            [Some(30_000), Some(30_000), Some(5_000), Some(5_000), Some(70_000)]
        );
    }

    #[test]
    fn a_door_has_none() {
        assert_eq!(
            after(&[0, 5_000, 9_000_000, 9_004_000, 30_000_000, 30_500_000]),
            None
        );
    }
}
