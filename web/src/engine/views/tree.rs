//! A window of the topic tree.

use std::collections::HashSet;

use hearth_model::{
    pattern::Pattern,
    store::{self, Anchor, Query, Retained, Sort, Store, Unfold},
    text::safe_text,
};
use hearth_mqtt::MonoTime;

use super::pace::Pace;
use crate::{
    engine::input::Now,
    wire::{BusiestBranch, FoundRow, Patch, TreeCommand, TreeRow, TreeSort, TreeView, TreeWindow},
};

/// Values of the tree change once a second at most: rows are for reading, not for flicker.
const INTERVAL_MS: u64 = 1_000;
/// Rows in a window at most.
const ROWS: u32 = 500;
/// Rows that one frame changes, as long as they stay in their places: a page draws as many in two milliseconds, most of which any
/// frame costs that changes something.
const ROWS_AT_ONCE: usize = 8;
/// Rows that are new to the page in one frame: each costs it as much as ten that change.
const NEW_ROWS_AT_ONCE: usize = 20;
/// Branches to be opened when they are heard of, at most.
const WAITING_BRANCHES: usize = 500;

/// What the page shows of the tree.
#[derive(Debug, Default)]
pub(super) struct TreeScreen {
    /// Remembers what is expanded, also while closed.
    view: store::TreeView,
    window: Option<TreeWindow>,
    /// What `view` was told of search and order.
    told: TreeWindow,
    search_error: Option<String>,
    pace: Pace,
    sent: Option<TreeView>,
    /// What the rows become that did not fit into the frames so far.
    rest: Option<TreeView>,
    /// The place after the last row that changed: the next part begins there, or a page that paints seldom would never
    /// come to the end of its rows.
    next_place: usize,
    /// Topics that nothing was heard of yet, such as one that an address asks for.
    to_reveal: Vec<String>,
    /// Messages taken when the pause began or the present was shown.
    paused_at: Option<u64>,
    must_step: bool,
    must_resort: bool,
    order: u32,
    to_find: Option<(Option<u32>, bool)>,
    found: Option<FoundRow>,
    /// Whether somebody pointed at rows, and the order may be out of date.
    is_out_of_order: bool,
}

impl TreeScreen {
    #[inline(never)]
    pub(super) fn open(&mut self, window: TreeWindow) {
        let told = &self.told;
        let is_same_search =
            (&told.search, told.pattern, told.payloads) == (&window.search, window.pattern, window.payloads);
        if !is_same_search {
            self.search(&window);
        }
        if self.told.sort != window.sort {
            self.view.sort(match window.sort {
                TreeSort::Name => Sort::Name,
                TreeSort::Newest => Sort::Newest,
                TreeSort::Rate => Sort::Rate,
            });
            self.order += 1;
        }
        self.must_step |= window.paused && self.paused_at.is_none();
        if !window.paused && self.paused_at.take().is_some() {
            self.view.release();
        }
        self.told = window.clone();
        self.window = Some(window);
        // Scrolling cannot wait for the next second.
        self.pace = Pace::due_at_once();
    }

    #[inline(never)]
    fn search(&mut self, window: &TreeWindow) {
        self.found = None;
        let query = query(&window.search, window.pattern);
        self.search_error = query.as_ref().err().cloned();
        // While an expression is being typed it is often wrong: what was found stays.
        if let Ok(query) = query {
            self.view.search(query, window.payloads);
        }
    }

    pub(super) fn command(&mut self, store: &Store, command: TreeCommand) {
        match command {
            TreeCommand::Toggle(topic, open) => {
                if let Some(id) = store.find(&topic) {
                    self.view.set_expanded(id, open);
                }
            }
            TreeCommand::ToggleBelow(topic, open) => {
                if let Some(id) = store.find(&topic) {
                    self.view.set_expanded_below(store, id, open);
                }
            }
            TreeCommand::OpenSiblings(topic) => {
                if let Some(id) = store.find(&topic) {
                    self.view.expand_siblings(store, id);
                }
            }
            TreeCommand::OpenLevel => self.view.unfold(Unfold::Level),
            TreeCommand::OpenAll => self.view.unfold(Unfold::All),
            TreeCommand::CloseAll => self.view.unfold(Unfold::Nothing),
            TreeCommand::Reveal(topic) => {
                if self.to_reveal.len() < WAITING_BRANCHES {
                    self.to_reveal.push(topic);
                }
            }
            TreeCommand::Resort => self.must_resort = true,
            TreeCommand::Step => self.must_step = self.paused_at.is_some(),
            TreeCommand::Find { from, backward } => self.to_find = Some((from, backward)),
        }
        self.pace = Pace::due_at_once();
    }

    pub(super) fn close(&mut self) {
        (self.window, self.sent, self.paused_at) = (None, None, None);
        self.view.release();
    }

    /// The nodes that were expanded are gone; search and window stay.
    pub(super) fn forget(&mut self) {
        let told = std::mem::take(&mut self.told);
        self.view = store::TreeView::default();
        self.to_reveal.clear();
        self.paused_at = None;
        if let Some(window) = self.window.take() {
            self.open(window);
        } else {
            if !told.search.is_empty() {
                self.search(&told);
            }
            self.told = TreeWindow {
                sort: TreeSort::Name,
                ..told
            };
        }
        self.show_again();
    }

    pub(super) fn show_again(&mut self) {
        self.sent = None;
        self.pace = Pace::due_at_once();
    }

    pub(super) fn note_change(&mut self) {
        self.pace.note_change();
    }

    /// Whether everything is to be held as it is; not while the present is shown once.
    pub(super) fn is_paused(&self) -> bool {
        self.paused_at.is_some() && !self.must_step
    }

    pub(super) fn poll_timeout(&self) -> Option<MonoTime> {
        self.window.as_ref()?;
        let rest = self.rest.as_ref().map(|_| MonoTime::ZERO);
        rest.or_else(|| self.pace.poll_timeout())
    }

    pub(super) fn patch(&mut self, now: Now, store: &mut Store) -> Option<Patch> {
        self.window.as_ref()?;
        self.open_patch(now, store)
    }

    #[inline(never)]
    fn open_patch(&mut self, now: Now, store: &mut Store) -> Option<Patch> {
        let rest = self.rest.take();
        if !self.pace.take_due(now.mono, INTERVAL_MS) {
            return rest.map(|view| self.next_part(view));
        }
        self.prepare(now, store);
        let window = self.window.as_ref()?;
        let place = window.first_row as usize;
        let anchor = match window.anchor.as_deref().and_then(|topic| store.find(topic)) {
            Some(id) => Anchor::Row { id, place },
            None => Anchor::Place(place),
        };
        let count = window.rows.min(ROWS) as usize;
        let found = self.view.window(store, now.wall_ms, anchor, count);
        let mut view = self.tree_view(found, store);
        if let Some(paused_at) = self.paused_at {
            view.held_back = store.counters().messages.saturating_sub(paused_at);
            view.busiest = self.sent.as_ref().and_then(|sent| sent.busiest.clone());
        } else {
            view.busiest = store::TreeView::busiest(store, now.wall_ms).map(|busiest| BusiestBranch {
                topic: busiest.name,
                rate: busiest.rate as f32,
                share: busiest.share as f32,
            });
        }
        if view.unsearched > 0 {
            self.pace.look_again(now.mono);
        } else if self.paused_at.is_none() && view.rows.iter().any(|row| row.rate > 0.0) {
            self.pace.note_change();
        }
        if self.sent.as_ref() == Some(&view) {
            return None;
        }
        Some(self.next_part(view))
    }

    /// The view, but for rows that have to wait for the next frame.
    fn next_part(&mut self, view: TreeView) -> Patch {
        let mut part = view.clone();
        let mut sent = self.sent.take().unwrap_or_default();
        if has_same_rows(&sent, &view) {
            let mut different = 0;
            let begin = self.next_place;
            for place in (begin..part.rows.len()).chain(0..begin) {
                let (Some(row), Some(before)) = (part.rows.get_mut(place), sent.rows.get_mut(place)) else {
                    continue;
                };
                if row == before {
                    continue;
                }
                different += 1;
                if different > ROWS_AT_ONCE {
                    std::mem::swap(row, before);
                } else {
                    self.next_place = place + 1;
                }
            }
            self.rest = (different > ROWS_AT_ONCE).then_some(view);
        } else if let Some(fitting) = rows_that_fit(&sent, &view) {
            part.rows.truncate(fitting);
            self.rest = Some(view);
        }
        self.sent = Some(part.clone());
        Patch::Tree(part)
    }

    /// What has to be done before rows are read.
    fn prepare(&mut self, now: Now, store: &mut Store) {
        let view = &mut self.view;
        self.to_reveal.retain(|topic| match store.find(topic) {
            Some(id) => {
                view.reveal(store, id);
                false
            }
            None => true,
        });
        if std::mem::take(&mut self.must_step) {
            self.view.hold(store, now.wall_ms);
            self.paused_at = Some(store.counters().messages);
        }
        let holds = self.told.hold_order || self.paused_at.is_some();
        if self.told.sort != TreeSort::Name && (!holds || self.must_resort) {
            self.view.renew_order();
            self.order += 1;
        }
        self.is_out_of_order = self.told.sort != TreeSort::Name && self.told.hold_order && !self.must_resort;
        self.must_resort = false;
        if let Some((from, backward)) = self.to_find.take() {
            let from = from.map(|row| row as usize);
            if let Some((row, nth)) = self.view.next_hit(store, from, backward) {
                let serial = self.found.map_or(1, |found| found.serial.wrapping_add(1));
                self.found = Some(FoundRow {
                    serial,
                    row: number(row),
                    nth: number(nth),
                });
            }
        }
    }

    fn tree_view(&self, found: store::TreeWindow, store: &Store) -> TreeView {
        TreeView {
            first_row: number(found.first),
            total_rows: number(found.total),
            rows: found.rows.into_iter().map(tree_row).collect(),
            topics: number(store.topics()),
            matching: number(found.matching),
            order: self.order,
            order_held: self.is_out_of_order,
            unsearched: number(found.unsearched),
            search_error: self.search_error.clone(),
            found: self.found,
            ..TreeView::default()
        }
    }
}

/// What is searched for, or what is wrong with the regular expression.
pub(super) fn query(search: &str, is_pattern: bool) -> Result<Option<Query>, String> {
    if is_pattern && !search.is_empty() {
        let pattern = Pattern::parse(search).map_err(|error| error.to_string())?;
        return Ok(Some(Query::Pattern(pattern)));
    }
    Ok(Query::plain(search))
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
        share: row.share as f32,
        hit: (row.hit.name, row.hit.payload),
    }
}

/// How many of the first rows go out together, if not all.
fn rows_that_fit(sent: &TreeView, view: &TreeView) -> Option<usize> {
    let is_there: HashSet<&str> = sent.rows.iter().map(|row| &*row.topic).collect();
    let new = |(_, row): &(usize, &TreeRow)| !is_there.contains(&*row.topic);
    let mut places = view.rows.iter().enumerate().filter(new).map(|(place, _)| place);
    places.nth(NEW_ROWS_AT_ONCE)
}

/// Whether the same topics stand in the same places.
fn has_same_rows(a: &TreeView, b: &TreeView) -> bool {
    a.first_row == b.first_row
        && a.rows.len() == b.rows.len()
        && a.rows.iter().zip(&b.rows).all(|(a, b)| a.topic == b.topic)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
