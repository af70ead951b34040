//! Rows of the topic tree as someone looks at it: what is expanded, what is searched for, in which order.
//!
//! The list of visible nodes is rebuilt only when a topic appeared or the look changed; a window of it costs what is
//! in the window. Rows never jump: the caller names the row at the top, and the window stays on it.

use std::cmp::Reverse;

use hashbrown::{HashMap, HashSet};

use super::Store;
use super::search::{Hit, Query, Search};
use super::topic::Retained;
use super::tree::NodeId;
use crate::order::{sort_by, sort_by_key};
use crate::payload::preview;
use crate::text::safe_short;

/// Longest name and preview in a row, in characters.
const NAME_CHARACTERS: usize = 200;
const PREVIEW_CHARACTERS: usize = 120;

/// How rows below the same parent are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By name: the order never changes, new topics take their place in it.
    #[default]
    Name,
    /// Newest message first, as it was when the order was chosen; new topics come last until it is renewed.
    Newest,
    /// Most messages per second first, as it was when the order was chosen.
    Rate,
}

/// What is opened at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfold {
    /// One level more than now.
    Level,
    /// Everything, also what comes later.
    All,
    /// Nothing.
    Nothing,
}

/// The branch that brings most of the messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Busiest {
    /// Whole name.
    pub name: String,
    /// Messages per second.
    pub rate: f64,
    /// Of all messages but those of `$` topics, 0 to 1.
    pub share: f64,
}

/// Where a window begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At a place, from 0.
    Place(usize),
    /// At a row; when it is no longer visible, at the nearest level above it that is, else at `place`.
    Row {
        /// The row at the top of the page.
        id: NodeId,
        /// Where it was last.
        place: usize,
    },
}

/// One visible row.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeRow {
    /// The node.
    pub id: NodeId,
    /// Levels above, 0 for the first.
    pub depth: u32,
    /// Name of the level, safe to show.
    pub level: String,
    /// Whole name as it is, for commands and identity; not safe to show.
    pub name: String,
    /// Whether messages came on exactly this name.
    pub is_topic: bool,
    /// Whether there are levels below.
    pub expandable: bool,
    /// Whether they are shown.
    pub expanded: bool,
    /// Topics here and below.
    pub topics: u32,
    /// Messages here and below.
    pub messages: u64,
    /// Messages per second here and below.
    pub rate: f64,
    /// Share of all messages per second but those of `$` topics, 0 to 1; 0 for a `$` topic.
    pub share: f64,
    /// Where the search found it.
    pub hit: Hit,
    /// The newest payload in a few words; empty for a node that is no topic.
    pub preview: String,
    /// What the broker is believed to keep.
    pub retained: Retained,
    /// When the newest message here or below was received, ms since epoch.
    pub last_at_ms: u64,
}

/// Some rows of the view.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeWindow {
    /// Place of the first row given.
    pub first: usize,
    /// How many rows there are in all.
    pub total: usize,
    /// Topics that match the search; all when there is none.
    pub matching: usize,
    /// Topics that the search has not looked at yet.
    pub unsearched: usize,
    /// The rows.
    pub rows: Vec<TreeRow>,
}

/// What is open: levels down to a depth but for those closed by hand, and those opened by hand.
#[derive(Clone, Debug, Default)]
struct Open {
    depth: u32,
    expanded: HashSet<NodeId>,
    collapsed: HashSet<NodeId>,
}

/// What is shown while everything else goes on.
#[derive(Clone, Debug)]
struct Held {
    at_ms: u64,
    /// Nodes from here on came later.
    until: usize,
    /// Rows as they were first shown.
    rows: HashMap<NodeId, TreeRow>,
}

/// The order of one parent's children at the moment it was chosen.
#[derive(Clone, Debug)]
struct Frozen {
    children: Vec<NodeId>,
    /// Nodes from here on came later.
    until: usize,
}

/// How someone looks at the tree.
#[derive(Clone, Debug, Default)]
pub struct TreeView {
    open: Open,
    /// The same while something is searched for: everything is open at first.
    open_found: Open,
    search: Option<Search>,
    sort: Sort,
    frozen: HashMap<NodeId, Frozen>,
    held: Option<Held>,
    rows: Vec<NodeId>,
    matching: usize,
    built_for: u64,
}

impl TreeView {
    /// Everything closed, no search, by name.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn open(&mut self) -> &mut Open {
        self.built_for = 0;
        if self.search.is_some() {
            &mut self.open_found
        } else {
            &mut self.open
        }
    }

    /// Shows or hides the levels below a node.
    pub fn set_expanded(&mut self, id: NodeId, expanded: bool) {
        let open = self.open();
        let (to, from) = if expanded {
            (&mut open.expanded, &mut open.collapsed)
        } else {
            (&mut open.collapsed, &mut open.expanded)
        };
        from.remove(&id);
        to.insert(id);
    }

    /// Shows or hides everything below a node.
    pub fn set_expanded_below(&mut self, store: &Store, id: NodeId, expanded: bool) {
        let mut todo = vec![id];
        while let Some(id) = todo.pop() {
            let children = store.tree.children(id);
            if !children.is_empty() {
                self.set_expanded(id, expanded);
                todo.extend_from_slice(children);
            }
        }
    }

    /// Opens a node and all beside it.
    pub fn expand_siblings(&mut self, store: &Store, id: NodeId) {
        let parent = store.tree.node(id).map_or(NodeId::ROOT, |node| node.parent);
        for sibling in store.tree.children(parent) {
            self.set_expanded(*sibling, true);
        }
    }

    /// Opens levels everywhere, or closes all.
    pub fn unfold(&mut self, unfold: Unfold) {
        let open = self.open();
        let depth = match unfold {
            // From "everything" there is nothing more to open.
            Unfold::Level => open.depth.saturating_add(1),
            Unfold::All => u32::MAX,
            Unfold::Nothing => 0,
        };
        *open = Open {
            depth,
            ..Open::default()
        };
    }

    fn is_expanded(&self, id: NodeId, depth: u32) -> bool {
        let open = if self.search.is_some() {
            &self.open_found
        } else {
            &self.open
        };
        if depth <= open.depth {
            !open.collapsed.contains(&id)
        } else {
            open.expanded.contains(&id)
        }
    }

    /// Opens every level above a node, so that it is visible.
    pub fn reveal(&mut self, store: &Store, id: NodeId) {
        let mut at = id;
        while let Some(node) = store.tree.node(at).filter(|_| at != NodeId::ROOT) {
            at = node.parent;
            self.set_expanded(at, true);
        }
    }

    /// Shows only the topics that are found, in their names or also in their newest payloads. `None` shows all.
    pub fn search(&mut self, query: Option<Query>, payloads: bool) {
        self.search = query.map(|query| Search::new(query, payloads));
        self.open_found = Open {
            depth: u32::MAX,
            ..Open::default()
        };
        self.built_for = 0;
    }

    /// Holds rows and values as they are at `at_ms`; holding again goes on to the present.
    pub fn hold(&mut self, store: &Store, at_ms: u64) {
        self.held = Some(Held {
            at_ms,
            until: store.tree.len(),
            rows: HashMap::new(),
        });
        self.built_for = 0;
    }

    /// Shows the present again.
    pub fn release(&mut self) {
        self.held = None;
        self.built_for = 0;
    }

    /// Orders anew by what is newest or fastest now.
    pub fn renew_order(&mut self) {
        if self.sort != Sort::Name {
            self.frozen.clear();
            self.built_for = 0;
        }
    }

    /// Chooses the order; choosing the same again renews it.
    pub fn sort(&mut self, sort: Sort) {
        self.sort = sort;
        self.frozen.clear();
        self.built_for = 0;
    }

    /// The place of a node among the visible rows.
    pub fn place_of(&mut self, store: &mut Store, id: NodeId) -> Option<usize> {
        self.build(store);
        self.rows.iter().position(|row| *row == id)
    }

    /// The rows from an anchor on.
    pub fn window(&mut self, store: &mut Store, now_ms: u64, anchor: Anchor, count: usize) -> TreeWindow {
        self.build(store);
        let first = match anchor {
            Anchor::Place(place) => place,
            Anchor::Row { id, place } => self.nearest(store, id).unwrap_or(place),
        };
        let first = first.min(self.rows.len());
        let end = first.saturating_add(count).min(self.rows.len());
        let ids = self.rows.get(first..end).unwrap_or_default();
        let total = traffic(store, now_ms);
        let ids = ids.to_vec();
        let rows = ids
            .into_iter()
            .filter_map(|id| self.shown_row(store, now_ms, total, id))
            .collect();
        TreeWindow {
            first,
            total: self.rows.len(),
            matching: self.matching,
            unsearched: self
                .search
                .as_ref()
                .map_or(0, |search| store.topics().saturating_sub(search.known)),
            rows,
        }
    }

    /// The next or the previous topic that was found, from a place on and around the end: its place, and which of the
    /// found ones it is, from 1.
    pub fn next_hit(
        &mut self,
        store: &mut Store,
        from: Option<usize>,
        backward: bool,
    ) -> Option<(usize, usize)> {
        self.build(store);
        let search = self.search.as_ref()?;
        let hits = self.rows.iter().enumerate();
        let hits = hits.filter(|(_, id)| search.matches(store, **id));
        let hits: Vec<usize> = hits.map(|(place, _)| place).collect();
        let nth = match (from, backward) {
            (None, false) => 0,
            (None, true) => hits.len().checked_sub(1)?,
            (Some(from), false) => hits.iter().position(|place| *place > from).unwrap_or(0),
            (Some(from), true) => hits
                .iter()
                .rposition(|place| *place < from)
                .or(hits.len().checked_sub(1))?,
        };
        Some((*hits.get(nth)?, nth + 1))
    }

    /// The branch that brings most of the messages: the deepest one that brings more than half of them, or else the
    /// busiest first level.
    #[must_use]
    pub fn busiest(store: &Store, now_ms: u64) -> Option<Busiest> {
        let total = traffic(store, now_ms);
        let (mut at, mut best) = (NodeId::ROOT, None);
        loop {
            let below = store
                .tree
                .children(at)
                .iter()
                .filter(|id| !is_system(store, **id));
            let found = below
                .map(|id| (*id, in_view(store, now_ms, *id)))
                .max_by(|a, b| a.1.total_cmp(&b.1));
            match found {
                Some((id, count)) if count > 0.0 && (best.is_none() || count * 2.0 > total) => {
                    (at, best) = (id, Some(count));
                }
                Some(_) | None => break,
            }
        }
        Some(Busiest {
            name: store.name(at),
            rate: store.tree.node(at)?.rate.per_second(now_ms),
            share: (best? / total).min(1.0),
        })
    }

    /// A row as it is now, or as it was when everything was held.
    fn shown_row(&mut self, store: &Store, now_ms: u64, total: f64, id: NodeId) -> Option<TreeRow> {
        let Some(held) = &self.held else {
            return self.row(store, now_ms, total, id);
        };
        let depth = store.tree.node(id)?.depth;
        if let Some(row) = held.rows.get(&id) {
            return Some(TreeRow {
                expanded: self.is_expanded(id, depth),
                ..row.clone()
            });
        }
        let mut row = self.row(store, held.at_ms, total, id)?;
        let (at_ms, until) = (held.at_ms, held.until);
        row.expandable = store.tree.children(id).iter().any(|child| child.index() < until);
        if let Some(topic) = store
            .topic(id)
            .filter(|topic| topic.last().received_at_ms > at_ms)
        {
            // It came into sight later, and the newest message then is in its history, if it is still kept.
            let then = topic
                .history_from(0)
                .take_while(|message| message.received_at_ms <= at_ms);
            row.preview = then.last().map_or_else(String::new, |message| {
                preview(message.payload, message.payload_len, PREVIEW_CHARACTERS)
            });
        }
        if let Some(held) = &mut self.held {
            held.rows.insert(id, row.clone());
        }
        Some(row)
    }

    pub(crate) fn row(&self, store: &Store, now_ms: u64, total: f64, id: NodeId) -> Option<TreeRow> {
        let node = store.tree.node(id)?;
        let topic = store.topic(id);
        let rate = node.rate.per_second(now_ms);
        Some(TreeRow {
            id,
            depth: node.depth.saturating_sub(1),
            level: safe_short(store.tree.level(id), NAME_CHARACTERS),
            name: store.name(id),
            is_topic: topic.is_some(),
            expandable: !store.tree.children(id).is_empty(),
            expanded: self.is_expanded(id, node.depth),
            topics: node.topics,
            messages: node.messages,
            rate,
            share: if total > 0.0 && !is_system_below(store, id) {
                (node.rate.in_view(now_ms) / total).min(1.0)
            } else {
                0.0
            },
            hit: self
                .search
                .as_ref()
                .map_or_else(Hit::default, |search| search.hit(store, id)),
            preview: topic.map_or_else(String::new, |topic| {
                preview(topic.last().payload, topic.last().payload_len, PREVIEW_CHARACTERS)
            }),
            retained: topic.map_or(Retained::Unknown, super::Topic::retained),
            last_at_ms: node.last_at_ms,
        })
    }

    fn nearest(&self, store: &Store, id: NodeId) -> Option<usize> {
        let mut at = id;
        while at != NodeId::ROOT {
            if let Some(place) = self.rows.iter().position(|row| *row == at) {
                return Some(place);
            }
            at = store.tree.node(at)?.parent;
        }
        None
    }

    fn build(&mut self, store: &mut Store) {
        store.tree.settle();
        let changed = match &mut self.search {
            // What is held stays found, too; only what was never asked is.
            Some(search) if self.held.is_none() || search.known < store.topics.len() => search.turn(store),
            Some(_) | None => false,
        };
        let current = self.held.is_some() || self.built_for == store.tree.version();
        if self.built_for != 0 && current && !changed {
            return;
        }
        self.built_for = store.tree.version();
        self.rows.clear();
        self.matching = 0;
        self.add_children(store, NodeId::ROOT, true);
        if self.search.is_none() {
            self.matching = store.topics();
        }
    }

    /// Adds the visible rows below a node; gives whether any topic there matches. The depth is bounded by
    /// [`super::MAXIMUM_LEVELS`].
    fn add_children(&mut self, store: &Store, parent: NodeId, visible: bool) -> bool {
        let until = self.held.as_ref().map_or(usize::MAX, |held| held.until);
        let depth = store.tree.node(parent).map_or(0, |node| node.depth) + 1;
        let mut any = false;
        for child in self.ordered(store, parent) {
            if child.index() >= until {
                continue;
            }
            let place = self.rows.len();
            if visible {
                self.rows.push(child);
            }
            let own = self
                .search
                .as_ref()
                .is_none_or(|search| search.matches(store, child));
            self.matching += usize::from(own);
            let open = visible && self.is_expanded(child, depth);
            let below = (open || self.search.is_some()) && self.add_children(store, child, open);
            if self.search.is_some() && !own && !below {
                self.rows.truncate(place);
            } else {
                any = true;
            }
        }
        any
    }

    fn ordered(&mut self, store: &Store, parent: NodeId) -> Vec<NodeId> {
        let by_name = store.tree.children(parent);
        if self.sort == Sort::Name || by_name.is_empty() {
            return by_name.to_vec();
        }
        let sort = self.sort;
        let frozen = self.frozen.entry(parent).or_insert_with(|| {
            let mut children = by_name.to_vec();
            let node = |id: &NodeId| store.tree.node(*id);
            match sort {
                Sort::Name => {}
                Sort::Newest => {
                    sort_by_key(&mut children, |id| {
                        (
                            is_system(store, *id),
                            Reverse(node(id).map_or(0, |node| node.last_at_ms)),
                        )
                    });
                }
                Sort::Rate => {
                    let rate = |id: &NodeId| node(id).map_or(0.0, |node| node.rate.per_second(store.now_ms));
                    sort_by(&mut children, |a, b| {
                        let system = is_system(store, *a).cmp(&is_system(store, *b));
                        system.then_with(|| rate(b).total_cmp(&rate(a)))
                    });
                }
            }
            Frozen {
                children,
                until: store.tree.len(),
            }
        });
        let later = by_name.iter().copied().filter(|id| id.index() >= frozen.until);
        frozen.children.iter().copied().chain(later).collect()
    }
}

/// Whether a node is a first level that begins with `$`: what a broker says of itself stands apart.
fn is_system(store: &Store, id: NodeId) -> bool {
    let first = store.tree.node(id).is_some_and(|node| node.depth == 1);
    first && store.tree.level(id).starts_with('$')
}

fn is_system_below(store: &Store, id: NodeId) -> bool {
    let mut at = id;
    while let Some(node) = store.tree.node(at).filter(|node| node.depth > 1) {
        at = node.parent;
    }
    is_system(store, at)
}

fn in_view(store: &Store, now_ms: u64, id: NodeId) -> f64 {
    store.tree.node(id).map_or(0.0, |node| node.rate.in_view(now_ms))
}

/// Messages of the last seconds but those of `$` topics.
fn traffic(store: &Store, now_ms: u64) -> f64 {
    // They are the last ones in the order of names.
    let first_levels = store.tree.children(NodeId::ROOT).iter().rev();
    let system = first_levels.take_while(|id| is_system(store, **id));
    in_view(store, now_ms, NodeId::ROOT) - system.map(|id| in_view(store, now_ms, *id)).sum::<f64>()
}

#[cfg(test)]
mod tests;
