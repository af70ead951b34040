//! [`TopicTrie`]: many filters, one look for all that match a name.

use std::collections::BTreeMap;

use super::{TopicFilter, TopicName};

/// The root's place in the arena.
const ROOT: usize = 0;

/// Filters with values, stored level by level, so that the filters that match a name are found without
/// looking at the others.
///
/// Shared filters are kept under their own text and matched by their last part. Every node is visited at most
/// once, and nothing here recurses: deep or hostile filters cost time in proportion to their size.
#[derive(Debug, Clone)]
pub struct TopicTrie<V> {
    /// All nodes; the root is first.
    nodes: Vec<Node<V>>,
    /// Places in `nodes` that are not in use.
    free: Vec<usize>,
    len: usize,
}

/// One level.
#[derive(Debug, Clone)]
struct Node<V> {
    children: BTreeMap<Box<str>, usize>,
    /// The child for `+`.
    single: Option<usize>,
    /// Filters that end here.
    here: Vec<(TopicFilter, V)>,
    /// Filters that end with `#` below here.
    multi: Vec<(TopicFilter, V)>,
}

impl<V> Node<V> {
    const fn new() -> Self {
        Self {
            children: BTreeMap::new(),
            single: None,
            here: Vec::new(),
            multi: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.children.is_empty() && self.single.is_none() && self.here.is_empty() && self.multi.is_empty()
    }

    fn child(&self, level: &str) -> Option<usize> {
        if level == "+" {
            self.single
        } else {
            self.children.get(level).copied()
        }
    }
}

/// The levels of a filter that lead to its node, and whether `#` follows.
fn path(filter: &TopicFilter) -> (std::str::Split<'_, char>, bool) {
    let text = filter.matched_part();
    match text.strip_suffix("/#") {
        Some(parent) => (parent.split('/'), true),
        None => (text.split('/'), false),
    }
}

impl<V> Default for TopicTrie<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> TopicTrie<V> {
    /// No filters.
    #[must_use]
    pub fn new() -> Self {
        Self {
            nodes: vec![Node::new()],
            free: Vec::new(),
            len: 0,
        }
    }

    /// How many filters there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts a filter in; gives back the value it had, if it was there.
    pub fn insert(&mut self, filter: TopicFilter, value: V) -> Option<V> {
        let mut at = ROOT;
        let (levels, multi) = path(&filter);
        // A lone `#` has no levels before it.
        let multi = multi || filter.matched_part() == "#";
        if filter.matched_part() != "#" {
            for level in levels {
                at = self.child_or_new(at, level);
            }
        }
        let node = self.nodes.get_mut(at)?;
        let entries = if multi { &mut node.multi } else { &mut node.here };
        if let Some((_, old)) = entries.iter_mut().find(|(known, _)| *known == filter) {
            return Some(std::mem::replace(old, value));
        }
        entries.push((filter, value));
        self.len += 1;
        None
    }

    /// The child for a level; made if it is not there.
    fn child_or_new(&mut self, at: usize, level: &str) -> usize {
        if let Some(known) = self.nodes.get(at).and_then(|node| node.child(level)) {
            return known;
        }
        let child = if let Some(place) = self.free.pop() {
            place
        } else {
            self.nodes.push(Node::new());
            self.nodes.len() - 1
        };
        if let Some(node) = self.nodes.get_mut(at) {
            if level == "+" {
                node.single = Some(child);
            } else {
                node.children.insert(level.into(), child);
            }
        }
        child
    }

    /// The nodes from the root to the one that holds the filter, and whether it is among those with `#`.
    fn trail(&self, filter: &TopicFilter) -> Option<(Vec<usize>, bool)> {
        let mut trail = vec![ROOT];
        if filter.matched_part() == "#" {
            return Some((trail, true));
        }
        let (levels, multi) = path(filter);
        let mut at = ROOT;
        for level in levels {
            at = self.nodes.get(at)?.child(level)?;
            trail.push(at);
        }
        Some((trail, multi))
    }

    /// The value of a filter.
    #[must_use]
    pub fn get(&self, filter: &TopicFilter) -> Option<&V> {
        let (trail, multi) = self.trail(filter)?;
        let node = self.nodes.get(*trail.last()?)?;
        let entries = if multi { &node.multi } else { &node.here };
        entries
            .iter()
            .find(|(known, _)| known == filter)
            .map(|(_, value)| value)
    }

    /// Takes a filter out; gives back its value.
    pub fn remove(&mut self, filter: &TopicFilter) -> Option<V> {
        let (mut trail, multi) = self.trail(filter)?;
        let node = self.nodes.get_mut(*trail.last()?)?;
        let entries = if multi { &mut node.multi } else { &mut node.here };
        let at = entries.iter().position(|(known, _)| known == filter)?;
        let (_, value) = entries.swap_remove(at);
        self.len -= 1;
        self.prune(&mut trail);
        Some(value)
    }

    /// Lets go of the nodes at the trail's end that hold nothing any more.
    fn prune(&mut self, trail: &mut Vec<usize>) {
        while let Some(at) = trail.pop() {
            let Some(parent) = trail.last() else { return };
            if !self.nodes.get(at).is_some_and(Node::is_empty) {
                return;
            }
            self.free.push(at);
            if let Some(parent) = self.nodes.get_mut(*parent) {
                if parent.single == Some(at) {
                    parent.single = None;
                } else {
                    parent.children.retain(|_, child| *child != at);
                }
            }
        }
    }

    /// Calls `found` with every filter that matches `name`, and its value; in no order that matters.
    pub fn for_each_match<'a>(&'a self, name: &TopicName, mut found: impl FnMut(&'a TopicFilter, &'a V)) {
        let mut report = |entries: &'a [(TopicFilter, V)]| {
            for (filter, value) in entries {
                found(filter, value);
            }
        };
        // Where to go on, and with which levels; `None` when all levels are used up.
        let mut todo = vec![(ROOT, Some(name.as_str()))];
        while let Some((at, rest)) = todo.pop() {
            let Some(node) = self.nodes.get(at) else { continue };
            // [MQTT5-4.7.2-1] a wildcard at the start does not match a name that starts with `$`.
            let wildcards = at != ROOT || !name.is_dollar();
            if wildcards {
                report(&node.multi);
            }
            let Some(rest) = rest else {
                report(&node.here);
                continue;
            };
            let (level, rest) = match rest.split_once('/') {
                Some((level, rest)) => (level, Some(rest)),
                None => (rest, None),
            };
            if let Some(child) = node.children.get(level) {
                todo.push((*child, rest));
            }
            if let Some(child) = node.single.filter(|_| wildcards) {
                todo.push((child, rest));
            }
        }
    }

    /// The values of all filters that match `name`.
    #[must_use]
    pub fn matches(&self, name: &TopicName) -> Vec<(&TopicFilter, &V)> {
        let mut all = Vec::new();
        self.for_each_match(name, |filter, value| all.push((filter, value)));
        all
    }

    /// All filters with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&TopicFilter, &V)> {
        self.nodes
            .iter()
            .flat_map(|node| node.here.iter().chain(&node.multi))
            .map(|(filter, value)| (filter, value))
    }
}
