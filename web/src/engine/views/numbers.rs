//! The numbers of the header.

use hearth_model::store::Store;
use hearth_mqtt::MonoTime;

use super::{Facts, pace::Pace};
use crate::{
    engine::input::Now,
    wire::{Counters, Patch},
};

/// Four times a second, and half as often when more than [`MANY`] messages come in a second: digits that change faster cannot be read.
const INTERVAL_MS: u64 = 250;
const MANY_INTERVAL_MS: u64 = 500;
const MANY: f32 = 20.0;

/// The numbers of the header.
#[derive(Debug)]
pub struct Numbers {
    pace: Pace,
    sent: Option<Counters>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            pace: Pace::due_at_once(),
            sent: None,
        }
    }
}

impl Numbers {
    pub(super) fn note_change(&mut self) {
        self.pace.note_change();
    }

    pub(super) fn show_again(&mut self) {
        *self = Self::default();
    }

    pub(super) fn poll_timeout(&self) -> Option<MonoTime> {
        self.pace.poll_timeout()
    }

    pub(super) fn patch(&mut self, now: Now, store: &Store, facts: &Facts<'_>) -> Option<Patch> {
        if !self.pace.take_due(now.mono, INTERVAL_MS) {
            return None;
        }
        let kept = store.counters();
        let counters = Counters {
            received: facts.received,
            dropped: kept.history_dropped + kept.topics_refused,
            cut: kept.payloads_cut,
            samples_dropped: kept.samples_dropped,
            readings_refused: kept.fields_refused
                + facts.devices.devices_refused
                + facts.devices.entities_refused,
            rate: store.rate(now.wall_ms) as f32,
            queued: facts.queued,
            discardable: facts.discardable,
            topics: u32::try_from(store.topics()).unwrap_or(u32::MAX),
            store_bytes: store.memory_bytes() as u64,
            store_budget: store.options().memory_budget_bytes as u64,
        };
        if counters.rate > MANY {
            self.pace.rest(now.mono, MANY_INTERVAL_MS);
        }
        if counters.rate > 0.0 {
            // Silence lowers the rate: it has to be looked at again although nothing comes.
            self.pace.note_change();
        }
        let changed = self.sent != Some(counters);
        self.sent = Some(counters);
        changed.then_some(Patch::Counters(counters))
    }
}
