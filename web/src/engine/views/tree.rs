//! A window of the topic tree.

use hearth_model::{
    store::{self, Anchor, Retained, Store},
    text::safe_text,
};
use hearth_mqtt::MonoTime;

use super::pace::Pace;
use crate::{
    engine::input::Now,
    wire::{Patch, TreeRow, TreeView, TreeWindow},
};

/// Values of the tree change once a second at most: rows are for reading, not for flicker.
const INTERVAL_MS: u64 = 1_000;
/// Rows in a window at most.
const ROWS: u32 = 500;

/// What the page shows of the tree.
#[derive(Debug, Default)]
pub(super) struct TreeScreen {
    /// Remembers what is expanded, also while closed.
    view: store::TreeView,
    search: String,
    window: Option<TreeWindow>,
    pace: Pace,
    sent: Option<TreeView>,
    /// Toggles of branches that nothing was heard of yet, such as those that an address asks for.
    early_toggles: Vec<(String, bool)>,
    /// Messages taken when the pause began.
    paused_at: Option<u64>,
}

impl TreeScreen {
    pub(super) fn open(&mut self, store: &Store, mut window: TreeWindow) {
        if window.search != self.search {
            self.view.search(&window.search);
            self.search.clone_from(&window.search);
        }
        for (topic, expanded) in std::mem::take(&mut window.toggles) {
            match store.find(&topic) {
                Some(id) => self.view.set_expanded(id, expanded),
                None if self.early_toggles.len() < ROWS as usize => {
                    self.early_toggles.push((topic, expanded));
                }
                None => {}
            }
        }
        self.paused_at = window
            .paused
            .then(|| self.paused_at.unwrap_or_else(|| store.counters().messages));
        self.window = Some(window);
        // Scrolling cannot wait for the next second.
        self.pace = Pace::due_at_once();
    }

    pub(super) fn close(&mut self) {
        (self.window, self.sent, self.paused_at) = (None, None, None);
    }

    /// The nodes that were expanded are gone; search and window stay.
    pub(super) fn forget(&mut self) {
        self.view = store::TreeView::default();
        self.view.search(&self.search);
        self.early_toggles.clear();
        self.paused_at = self.paused_at.map(|_| 0);
        self.show_again();
    }

    pub(super) fn show_again(&mut self) {
        self.sent = None;
        self.pace = Pace::due_at_once();
    }

    pub(super) fn note_change(&mut self) {
        self.pace.note_change();
    }

    pub(super) fn poll_timeout(&self) -> Option<MonoTime> {
        self.window.as_ref().and_then(|_| self.pace.poll_timeout())
    }

    pub(super) fn patch(&mut self, now: Now, store: &mut Store) -> Option<Patch> {
        let window = self.window.as_ref()?;
        if !self.pace.take_due(now.mono, INTERVAL_MS) {
            return None;
        }
        let view = match (self.paused_at, &self.sent) {
            // Held as it is: only the number of messages that came meanwhile goes on.
            (Some(paused_at), Some(held)) if shows(held, window) => TreeView {
                held_back: store.counters().messages.saturating_sub(paused_at),
                ..held.clone()
            },
            _ => {
                self.early_toggles
                    .retain(|(topic, expanded)| match store.find(topic) {
                        Some(id) => {
                            self.view.set_expanded(id, *expanded);
                            false
                        }
                        None => true,
                    });
                let place = window.first_row as usize;
                let anchor = match window.anchor.as_deref().and_then(|topic| store.find(topic)) {
                    Some(id) => Anchor::Row { id, place },
                    None => Anchor::Place(place),
                };
                let found = self
                    .view
                    .window(store, now.wall_ms, anchor, window.rows.min(ROWS) as usize);
                tree_view(found, store.topics())
            }
        };
        if view.rows.iter().any(|row| row.rate > 0.0) {
            self.pace.look_again(now.mono + INTERVAL_MS);
        }
        if self.sent.as_ref() == Some(&view) {
            return None;
        }
        self.sent = Some(view.clone());
        Some(Patch::Tree(view))
    }
}

/// Whether the rows wanted are the rows held.
fn shows(held: &TreeView, window: &TreeWindow) -> bool {
    held.first_row == window.first_row
        && held.rows.len() >= window.rows.min(held.total_rows.saturating_sub(held.first_row)) as usize
}

fn tree_view(found: store::TreeWindow, topics: usize) -> TreeView {
    TreeView {
        first_row: number(found.first),
        total_rows: number(found.total),
        rows: found.rows.into_iter().map(tree_row).collect(),
        topics: number(topics),
        matching: number(found.matching),
        held_back: 0,
    }
}

fn tree_row(row: store::TreeRow) -> TreeRow {
    TreeRow {
        name: safe_text(&row.level).into_owned(),
        topic: row.name,
        level: u16::try_from(row.depth).unwrap_or(u16::MAX),
        expanded: row.expandable.then_some(row.expanded),
        topics_below: row.topics.saturating_sub(u32::from(row.is_topic)),
        is_topic: row.is_topic,
        retained: row.retained == Retained::Kept,
        preview: row.preview,
        rate: row.rate as f32,
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
