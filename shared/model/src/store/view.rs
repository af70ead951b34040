//! Rows of the topic tree as someone looks at it: what is expanded, what is searched for, in which order.
//!
//! The list of visible nodes is rebuilt only when a topic appeared or the look changed; a window of it costs what is
//! in the window. Rows never jump: the caller names the row at the top, and the window stays on it.

use crate::letters::lower;
use std::cmp::Reverse;

use hashbrown::{HashMap, HashSet};

use super::Store;
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
    /// Newest message first, as it was when the order was chosen; new topics come last until it is chosen again.
    Newest,
    /// Most messages per second first, as it was when the order was chosen.
    Rate,
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
    /// The rows.
    pub rows: Vec<TreeRow>,
}

/// What is searched for.
#[derive(Clone, Debug)]
enum Search {
    /// Lower case, anywhere in the name.
    Text(String),
    /// An MQTT topic filter.
    Filter(Box<str>),
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
    expanded: HashSet<NodeId>,
    /// Closed by hand while a search opens everything.
    collapsed: HashSet<NodeId>,
    search: Option<Search>,
    sort: Sort,
    frozen: HashMap<NodeId, Frozen>,
    /// Per node: not yet asked, no, yes.
    verdicts: Vec<Option<bool>>,
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

    /// Shows or hides the levels below a node.
    pub fn set_expanded(&mut self, id: NodeId, expanded: bool) {
        if expanded {
            self.collapsed.remove(&id);
            self.expanded.insert(id);
        } else {
            self.expanded.remove(&id);
            self.collapsed.insert(id);
        }
        self.built_for = 0;
    }

    /// Whether the levels below a node are shown.
    #[must_use]
    pub fn is_expanded(&self, id: NodeId) -> bool {
        if self.search.is_some() {
            !self.collapsed.contains(&id)
        } else {
            self.expanded.contains(&id)
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

    /// Shows only topics whose name holds `text` (without regard to case) or, when it has a wildcard level `+` or
    /// `#`, that an MQTT topic filter matches. Empty shows all.
    pub fn search(&mut self, text: &str) {
        let is_filter = text.split('/').any(|level| matches!(level, "+" | "#"));
        self.search = match (text.is_empty(), is_filter) {
            (true, _) => None,
            (false, true) => Some(Search::Filter(text.into())),
            (false, false) => Some(Search::Text(lower(text))),
        };
        self.collapsed.clear();
        self.verdicts.clear();
        self.built_for = 0;
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
        let rows = ids.iter().filter_map(|id| self.row(store, now_ms, *id)).collect();
        TreeWindow {
            first,
            total: self.rows.len(),
            matching: self.matching,
            rows,
        }
    }

    /// The facts of one node as a row.
    #[must_use]
    pub fn row(&self, store: &Store, now_ms: u64, id: NodeId) -> Option<TreeRow> {
        let node = store.tree.node(id)?;
        let topic = store.topic(id);
        Some(TreeRow {
            id,
            depth: node.depth.saturating_sub(1),
            level: safe_short(store.tree.level(id), NAME_CHARACTERS),
            name: store.name(id),
            is_topic: topic.is_some(),
            expandable: !store.tree.children(id).is_empty(),
            expanded: self.is_expanded(id),
            topics: node.topics,
            messages: node.messages,
            rate: node.rate.per_second(now_ms),
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
        if self.built_for == store.tree.version() {
            return;
        }
        self.built_for = store.tree.version();
        self.verdicts.resize(store.tree.len(), None);
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
        let mut any = false;
        for child in self.ordered(store, parent) {
            let place = self.rows.len();
            if visible {
                self.rows.push(child);
            }
            let own = self.matches(store, child);
            let open = visible && self.is_expanded(child);
            let below = (open || self.search.is_some()) && self.add_children(store, child, open);
            if self.search.is_some() && !own && !below {
                self.rows.truncate(place);
            } else {
                any = true;
            }
        }
        any
    }

    fn matches(&mut self, store: &Store, id: NodeId) -> bool {
        let Some(search) = &self.search else { return true };
        if store.topic(id).is_none() {
            return false;
        }
        let verdict = match self.verdicts.get(id.index()) {
            Some(Some(verdict)) => *verdict,
            _ => {
                let name = store.name(id);
                let verdict = match search {
                    Search::Text(text) => lower(&name).contains(&**text),
                    Search::Filter(filter) => filter_matches(filter, &name),
                };
                if let Some(held) = self.verdicts.get_mut(id.index()) {
                    *held = Some(verdict);
                }
                verdict
            }
        };
        self.matching += usize::from(verdict);
        verdict
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
                        Reverse(node(id).map_or(0, |node| node.last_at_ms))
                    });
                }
                Sort::Rate => {
                    let rate = |id: &NodeId| node(id).map_or(0.0, |node| node.rate.per_second(store.now_ms));
                    sort_by(&mut children, |a, b| rate(b).total_cmp(&rate(a)));
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

/// Whether an MQTT topic filter matches a name; names that begin with `$` are not matched by a wildcard first level
/// [MQTT5-4.7.2-1].
fn filter_matches(filter: &str, name: &str) -> bool {
    if name.starts_with('$') && !filter.starts_with('$') {
        return false;
    }
    let mut levels = name.split('/');
    let mut wanted = filter.split('/');
    loop {
        match (wanted.next(), levels.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(level), Some(found)) if level == found => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Arrival, StoreOptions};
    use super::*;
    use proptest::prelude::*;

    fn store(topics: &[&str]) -> Store {
        let mut store = Store::new(StoreOptions::default());
        for topic in topics {
            store.apply(1000, &Arrival::new(topic, b"1"));
        }
        store
    }

    fn names(window: &TreeWindow) -> Vec<&str> {
        window.rows.iter().map(|row| row.name.as_str()).collect()
    }

    fn shown(view: &mut TreeView, store: &mut Store) -> Vec<String> {
        let window = view.window(store, 1000, Anchor::Place(0), usize::MAX);
        names(&window).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn closed_levels_hide_what_is_below() {
        let mut store = store(&["b/x", "a/2", "a/10", "a", "$SYS/up"]);
        let mut view = TreeView::new();
        assert_eq!(shown(&mut view, &mut store), ["a", "b", "$SYS"]);
        view.set_expanded(store.find("a").unwrap(), true);
        assert_eq!(shown(&mut view, &mut store), ["a", "a/2", "a/10", "b", "$SYS"]);
    }

    #[test]
    fn the_window_stays_on_its_row_when_topics_appear_above() {
        let mut store = store(&["m", "n", "o"]);
        let mut view = TreeView::new();
        let top = view.window(&mut store, 0, Anchor::Place(1), 2);
        let anchor = Anchor::Row {
            id: top.rows[0].id,
            place: top.first,
        };
        for topic in ["a", "b", "z"] {
            store.apply(2000, &Arrival::new(topic, b""));
        }
        let after = view.window(&mut store, 0, anchor, 2);
        assert_eq!((names(&after), after.first, after.total), (vec!["n", "o"], 3, 6));
    }

    #[test]
    fn an_anchor_that_went_out_of_sight_gives_way_to_the_level_above() {
        let mut store = store(&["a/b/c", "x"]);
        let mut view = TreeView::new();
        let deep = store.find("a/b/c").unwrap();
        view.reveal(&store, deep);
        assert_eq!(view.place_of(&mut store, deep), Some(2));
        view.set_expanded(store.find("a").unwrap(), false);
        let window = view.window(&mut store, 0, Anchor::Row { id: deep, place: 2 }, 1);
        assert_eq!(names(&window), ["a"]);
    }

    #[test]
    fn a_search_shows_matches_and_the_way_to_them() {
        let mut store = store(&[
            "home/Küche/temp",
            "home/bad/temp",
            "home/bad/door",
            "x/TEMPO",
            "$SYS/temp",
        ]);
        let mut view = TreeView::new();
        for (text, expected, matching) in [
            ("küche", vec!["home", "home/Küche", "home/Küche/temp"], 1),
            ("tempo", vec!["x", "x/TEMPO"], 1),
            ("home/+/door", vec!["home", "home/bad", "home/bad/door"], 1),
            ("nothing", vec![], 0),
            ("+/temp", vec![], 0),
            ("$SYS/#", vec!["$SYS", "$SYS/temp"], 1),
        ] {
            view.search(text);
            assert_eq!(shown(&mut view, &mut store), expected, "{text}");
            assert_eq!(
                view.window(&mut store, 0, Anchor::Place(0), 0).matching,
                matching,
                "{text}"
            );
        }
    }

    #[test]
    fn an_order_by_news_stands_still_until_it_is_chosen_again() {
        let mut store = store(&["a", "b", "c"]);
        store.apply(2000, &Arrival::new("b", b"1"));
        let mut view = TreeView::new();
        view.sort(Sort::Newest);
        assert_eq!(shown(&mut view, &mut store), ["b", "a", "c"]);
        store.apply(3000, &Arrival::new("c", b"1"));
        store.apply(3000, &Arrival::new("aa", b"1"));
        assert_eq!(shown(&mut view, &mut store), ["b", "a", "c", "aa"]);
        view.sort(Sort::Newest);
        assert_eq!(shown(&mut view, &mut store), ["aa", "c", "b", "a"]);
    }

    /// Visible names by the plainest means: all levels of all topics, sorted, those with every level above open.
    fn naive(topics: &[String], open: &[String]) -> Vec<String> {
        let mut paths: Vec<Vec<&str>> = Vec::new();
        for topic in topics {
            let levels: Vec<&str> = topic.split('/').collect();
            for len in 1..=levels.len() {
                paths.push(levels[..len].to_vec());
            }
        }
        paths.sort_by(|a, b| {
            let unequal = a
                .iter()
                .zip(b)
                .map(|(a, b)| super::super::compare_levels(a, b))
                .find(|order| order.is_ne());
            unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
        });
        paths.dedup();
        let is_open = |path: &[&str]| (1..path.len()).all(|len| open.contains(&path[..len].join("/")));
        paths
            .iter()
            .filter(|path| is_open(path))
            .map(|path| path.join("/"))
            .collect()
    }

    proptest! {
        #[test]
        fn rows_are_those_of_a_naive_tree(
            topics in prop::collection::vec("[aB$1]{0,2}(/[ab1]{0,2}){0,3}", 0..60),
            open in prop::collection::vec("[aB$1]{0,2}(/[ab1]{0,2}){0,2}", 0..30),
            cut in 0_usize..60, first in 0_usize..40, count in 0_usize..20,
        ) {
            let mut store = Store::new(StoreOptions::default());
            let mut view = TreeView::new();
            let (early, late) = topics.split_at(cut.min(topics.len()));
            for part in [early, late] {
                for topic in part {
                    store.apply(0, &Arrival::new(topic, b"x"));
                }
                for name in &open {
                    if let Some(id) = store.find(name) {
                        view.set_expanded(id, true);
                    }
                }
                shown(&mut view, &mut store);
            }
            let expected = naive(&topics, &open);
            let window = view.window(&mut store, 0, Anchor::Place(first), count);
            let end = (first + count).min(expected.len());
            prop_assert_eq!(window.total, expected.len());
            let found: Vec<String> = window.rows.iter().map(|row| row.name.clone()).collect();
            prop_assert_eq!(&found[..], expected.get(first..end).unwrap_or_default());
        }
    }
}
