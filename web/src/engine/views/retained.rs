//! The list of retained messages.

use hearth_model::{
    payload::preview,
    store::{NodeId, Query, Retained as Kept, Store, Topic},
};
use hearth_mqtt::MonoTime;

use super::{pace::Pace, tree::query};
use crate::{
    engine::{input::Now, retained::Retained},
    wire::{Patch, RETAINED_ROWS, RetainedRow, RetainedView, RetainedWindow},
};

/// Every topic is asked, so not too often.
const INTERVAL_MS: u64 = 2_000;
/// A job shows how far it is.
const JOB_INTERVAL_MS: u64 = 250;
/// Longest preview of a message, in characters.
const PREVIEW_CHARACTERS: usize = 120;

/// What the page shows of retained messages.
#[derive(Debug, Default)]
pub(super) struct RetainedScreen {
    window: Option<RetainedWindow>,
    query: Option<Query>,
    search_error: Option<String>,
    pace: Pace,
    /// The job or the plan changed, not the messages.
    job_pace: Pace,
    found: Vec<NodeId>,
    sent: Option<RetainedView>,
}

impl RetainedScreen {
    pub(super) fn open(&mut self, window: RetainedWindow) {
        match query(&window.search, window.pattern) {
            Ok(query) => (self.query, self.search_error) = (query, None),
            Err(error) => self.search_error = Some(error),
        }
        self.window = Some(window);
        self.show_again();
    }

    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    pub(super) fn show_again(&mut self) {
        self.sent = None;
        self.pace = Pace::due_at_once();
    }

    pub(super) fn note_change(&mut self) {
        self.pace.note_change();
    }

    pub(super) fn note_job(&mut self) {
        self.job_pace.note_change();
    }

    pub(super) fn poll_timeout(&self) -> Option<MonoTime> {
        self.window.as_ref()?;
        let due = self
            .pace
            .poll_timeout()
            .into_iter()
            .chain(self.job_pace.poll_timeout());
        due.min()
    }

    /// All that is found now; nothing while the expression is wrong.
    pub(super) fn found(&self, store: &mut Store) -> Vec<NodeId> {
        if self.window.is_none() || self.search_error.is_some() {
            return Vec::new();
        }
        store.retained(self.query.as_ref())
    }

    pub(super) fn patch(&mut self, now: Now, store: &mut Store, retained: &Retained) -> Option<Patch> {
        self.window.as_ref()?;
        self.open_patch(now, store, retained)
    }

    #[inline(never)]
    fn open_patch(&mut self, now: Now, store: &mut Store, retained: &Retained) -> Option<Patch> {
        let first_row = self.window.as_ref()?.first_row;
        let is_due = self.pace.take_due(now.mono, INTERVAL_MS);
        if !self.job_pace.take_due(now.mono, JOB_INTERVAL_MS) && !is_due {
            return None;
        }
        if is_due {
            self.found = self.found(store);
        } else {
            let is_kept = |id: &NodeId| store.topic(*id).map(Topic::retained) == Some(Kept::Kept);
            self.found.retain(is_kept);
        }
        let count = u32::try_from(self.found.len()).unwrap_or(u32::MAX);
        // Rows may have gone.
        let first_row = first_row.min(count.saturating_sub(1) / RETAINED_ROWS * RETAINED_ROWS);
        let topics = || self.found.iter().filter_map(|id| Some((*id, store.topic(*id)?)));
        let rows = topics().skip(first_row as usize).take(RETAINED_ROWS as usize);
        let view = RetainedView {
            found: count,
            bytes: topics().map(|(_, topic)| topic.last().payload_len as u64).sum(),
            search_error: self.search_error.clone(),
            first_row,
            rows: rows
                .map(|(id, topic)| {
                    let message = topic.last();
                    RetainedRow {
                        topic: store.name(id),
                        preview: preview(message.payload, message.payload_len, PREVIEW_CHARACTERS),
                        bytes: message.payload_len as u64,
                        qos: message.qos,
                        received_at: message.received_at_ms,
                        newer: !message.retain,
                    }
                })
                .collect(),
            plan: retained.planned(),
            job: retained.job(),
            undoable: retained.undoable(),
        };
        (self.sent.as_ref() != Some(&view)).then(|| {
            self.sent = Some(view.clone());
            Patch::Retained(view)
        })
    }
}
