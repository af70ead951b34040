//! What could not be read, for people: bounded, newest kept.

use std::collections::VecDeque;

/// Problems kept.
const KEPT: usize = 100;
/// Longest reason, in characters.
const REASON_CHARACTERS: usize = 300;

/// Something that was announced or said and could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it came from.
    pub topic: String,
    /// What is wrong, a sentence without a full stop.
    pub reason: String,
    /// When it was last met, ms since epoch.
    pub at_ms: u64,
    /// How often.
    pub count: u64,
}

/// The problems of a home.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    kept: VecDeque<Problem>,
    forgotten: u64,
}

impl Problems {
    /// One more; the same at the same topic is counted once more.
    pub fn push(&mut self, now_ms: u64, topic: &str, reason: &str) {
        let reason: String = reason.chars().take(REASON_CHARACTERS).collect();
        let known = self
            .kept
            .iter_mut()
            .find(|known| known.topic == topic && known.reason == reason);
        if let Some(known) = known {
            known.count += 1;
            known.at_ms = now_ms;
            return;
        }
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
            self.forgotten += 1;
        }
        self.kept.push_back(Problem {
            topic: topic.to_owned(),
            reason,
            at_ms: now_ms,
            count: 1,
        });
    }

    /// What came on this topic is read anew.
    pub fn forget(&mut self, topic: &str) {
        self.kept.retain(|known| known.topic != topic);
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Problem> {
        self.kept.iter()
    }

    /// How many are no longer kept.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}
