//! The arena of topic levels: nodes by number, level names shared, children sorted when someone looks.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::rate::Rate;
use super::same::without_end;
use crate::letters::lower_char;
use crate::order::sort_by;

/// Levels beyond this many stay together in the last name, slashes included.
pub const MAXIMUM_LEVELS: usize = 128;

const NONE: u32 = u32::MAX;

/// A level of the topic tree; stays the same for the life of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// The unnamed node above all first levels.
    pub const ROOT: Self = Self(0);

    /// As a number, to cross a border.
    #[must_use]
    pub fn to_u32(self) -> u32 {
        self.0
    }

    /// Back from a number; one that names no node finds nothing.
    #[must_use]
    pub fn from_u32(number: u32) -> Self {
        Self(number)
    }

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) parent: NodeId,
    symbol: u32,
    pub(crate) depth: u32,
    topic: u32,
    children: Vec<NodeId>,
    /// How many of `children`, from the start, are in order.
    sorted: u32,
    pub(crate) topics: u32,
    pub(crate) messages: u64,
    /// When the newest message on this node or below came.
    pub(crate) last_at_ms: u64,
    pub(crate) rate: Rate,
}

impl Node {
    /// A level that nothing was heard on or below.
    fn new(parent: NodeId, symbol: u32, depth: u32, now_ms: u64) -> Self {
        Self {
            parent,
            symbol,
            depth,
            topic: NONE,
            children: Vec::new(),
            sorted: 0,
            topics: 0,
            messages: 0,
            last_at_ms: 0,
            rate: Rate::new(now_ms),
        }
    }

    pub(crate) fn topic(&self) -> Option<usize> {
        (self.topic != NONE).then_some(self.topic as usize)
    }
}

/// Fixed cost of a level and of a name, in bytes, with its place in the tables.
const NODE_BYTES: usize = size_of::<Node>() * 3 / 2 + 32;
const SYMBOL_BYTES: usize = size_of::<Box<str>>() * 2 + 32;

#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    symbols: Vec<Box<str>>,
    symbol_table: HashTable<u32>,
    /// Children by parent and name.
    edges: HashTable<NodeId>,
    /// Topics by whole name; compared level by level, so that the name is not stored again.
    topics: HashTable<NodeId>,
    hasher: DefaultHashBuilder,
    unsorted: Vec<NodeId>,
    bytes: usize,
    /// Counts up whenever a row may have appeared.
    version: u64,
}

impl Tree {
    pub(crate) fn new(now_ms: u64) -> Self {
        let root = Node::new(NodeId::ROOT, 0, 0, now_ms);
        Self {
            nodes: vec![root],
            symbols: vec!["".into()],
            symbol_table: HashTable::new(),
            edges: HashTable::new(),
            topics: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            unsorted: Vec::new(),
            bytes: NODE_BYTES,
            version: 1,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.index())
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn level(&self, id: NodeId) -> &str {
        self.node(id)
            .and_then(|node| self.symbols.get(node.symbol as usize))
            .map_or("", |name| name)
    }

    pub(crate) fn hash(&self, topic: &str) -> u64 {
        self.hasher.hash_one(topic)
    }

    #[inline]
    pub(crate) fn find(&self, hash: u64, topic: &str) -> Option<NodeId> {
        self.topics.find(hash, |id| self.is_named(*id, topic)).copied()
    }

    /// Whether the node's whole name is `topic`, read from the last level to the first.
    #[inline]
    fn is_named(&self, id: NodeId, topic: &str) -> bool {
        let mut rest = topic.as_bytes();
        let mut at = id;
        loop {
            let Some(node) = self.node(at) else { return false };
            let Some(name) = self.symbols.get(node.symbol as usize) else {
                return false;
            };
            let Some(before) = without_end(rest, name.as_bytes()) else {
                return false;
            };
            if node.parent == NodeId::ROOT {
                return before.is_empty();
            }
            let Some(before) = before.strip_suffix(b"/") else {
                return false;
            };
            rest = before;
            at = node.parent;
        }
    }

    /// Whether it is `above` or below it.
    pub(crate) fn is_below(&self, id: NodeId, above: NodeId) -> bool {
        let mut at = id;
        while at != above {
            match self.node(at) {
                Some(node) if at != NodeId::ROOT => at = node.parent,
                _ => return false,
            }
        }
        true
    }

    /// The whole name of a node.
    pub(crate) fn name(&self, id: NodeId) -> String {
        let mut levels = Vec::new();
        let mut at = id;
        while at != NodeId::ROOT {
            levels.push(self.level(at));
            let Some(node) = self.node(at) else { break };
            at = node.parent;
        }
        levels.reverse();
        levels.join("/")
    }

    /// The node with this whole name, whether or not a message came on it.
    pub(crate) fn find_node(&self, name: &str) -> Option<NodeId> {
        if let Some(id) = self.find(self.hash(name), name) {
            return Some(id);
        }
        let mut at = NodeId::ROOT;
        for level in levels(name) {
            let symbol = self.find_symbol(level)?;
            at = self.find_child(at, symbol)?;
        }
        Some(at)
    }

    /// Bytes that [`Tree::insert`] would add.
    pub(crate) fn insert_cost(&self, topic: &str) -> usize {
        let mut cost = 0;
        let mut at = Some(NodeId::ROOT);
        for level in levels(topic) {
            let symbol = self.find_symbol(level);
            at = at
                .zip(symbol)
                .and_then(|(at, symbol)| self.find_child(at, symbol));
            cost += if at.is_none() { NODE_BYTES } else { 0 };
            cost += if symbol.is_none() {
                SYMBOL_BYTES + level.len()
            } else {
                0
            };
        }
        cost
    }

    /// Makes the levels of a topic that are missing and marks the last as topic number `topic_index`.
    pub(crate) fn insert(&mut self, hash: u64, topic: &str, topic_index: u32, now_ms: u64) -> NodeId {
        let mut at = NodeId::ROOT;
        for level in levels(topic) {
            let symbol = self.intern(level);
            at = match self.find_child(at, symbol) {
                Some(child) => child,
                None => self.add_child(at, symbol, now_ms),
            };
        }
        if let Some(node) = self.nodes.get_mut(at.index()) {
            node.topic = topic_index;
        }
        let (nodes, symbols, hasher) = (&self.nodes, &self.symbols, &self.hasher);
        self.topics
            .insert_unique(hash, at, |id| hasher.hash_one(whole_name(nodes, symbols, *id)));
        self.version += 1;
        self.each_ancestor(at, |node| node.topics += 1);
        at
    }

    /// Counts a message on a node and all above it.
    #[inline]
    pub(crate) fn count_message(&mut self, id: NodeId, now_ms: u64) {
        let window = Rate::window(now_ms);
        self.each_ancestor(id, |node| {
            node.messages += 1;
            node.last_at_ms = now_ms;
            node.rate.count(window);
        });
    }

    #[inline]
    fn each_ancestor(&mut self, id: NodeId, mut change: impl FnMut(&mut Node)) {
        let mut at = id;
        while let Some(node) = self.nodes.get_mut(at.index()) {
            change(node);
            if at == NodeId::ROOT {
                return;
            }
            at = node.parent;
        }
    }

    fn find_symbol(&self, level: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(level);
        self.symbol_table
            .find(hash, |id| {
                self.symbols
                    .get(*id as usize)
                    .is_some_and(|name| &**name == level)
            })
            .copied()
    }

    fn intern(&mut self, level: &str) -> u32 {
        if let Some(symbol) = self.find_symbol(level) {
            return symbol;
        }
        let symbol = u32::try_from(self.symbols.len()).unwrap_or(NONE);
        self.symbols.push(level.into());
        self.bytes += SYMBOL_BYTES + level.len();
        let (symbols, hasher) = (&self.symbols, &self.hasher);
        self.symbol_table
            .insert_unique(hasher.hash_one(level), symbol, |id| {
                hasher.hash_one(symbols.get(*id as usize).map_or("", |name| name))
            });
        symbol
    }

    fn find_child(&self, parent: NodeId, symbol: u32) -> Option<NodeId> {
        let hash = self.hasher.hash_one((parent.0, symbol));
        self.edges
            .find(hash, |id| {
                self.node(*id)
                    .is_some_and(|node| node.parent == parent && node.symbol == symbol)
            })
            .copied()
    }

    fn add_child(&mut self, parent: NodeId, symbol: u32, now_ms: u64) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(NONE));
        let depth = self.node(parent).map_or(0, |node| node.depth) + 1;
        self.nodes.push(Node::new(parent, symbol, depth, now_ms));
        self.bytes += NODE_BYTES;
        if let Some(above) = self.nodes.get_mut(parent.index()) {
            if above.sorted as usize == above.children.len() {
                self.unsorted.push(parent);
            }
            above.children.push(id);
        }
        let (nodes, hasher) = (&self.nodes, &self.hasher);
        self.edges
            .insert_unique(hasher.hash_one((parent.0, symbol)), id, |id| {
                hasher.hash_one(
                    nodes
                        .get(id.index())
                        .map(|node| (node.parent.0, node.symbol))
                        .unwrap_or_default(),
                )
            });
        id
    }

    /// Puts new children into their places; to be called before rows are read.
    pub(crate) fn settle(&mut self) {
        for parent in std::mem::take(&mut self.unsorted) {
            let Some(node) = self.nodes.get_mut(parent.index()) else {
                continue;
            };
            let mut children = std::mem::take(&mut node.children);
            // Those that were sorted already are a run, which the sort merges at the cost of one pass.
            sort_by(&mut children, |a, b| self.order(*a, *b));
            if let Some(node) = self.nodes.get_mut(parent.index()) {
                node.sorted = u32::try_from(children.len()).unwrap_or(NONE);
                node.children = children;
            }
        }
    }

    /// Children in order of name, as of the last [`Tree::settle`].
    pub(crate) fn children(&self, id: NodeId) -> &[NodeId] {
        self.node(id).map_or(&[], |node| &node.children)
    }

    fn order(&self, a: NodeId, b: NodeId) -> Ordering {
        compare_levels(self.level(a), self.level(b))
    }
}

fn whole_name(nodes: &[Node], symbols: &[Box<str>], id: NodeId) -> String {
    let mut levels: Vec<&str> = Vec::new();
    let mut at = id;
    while at != NodeId::ROOT {
        let Some(node) = nodes.get(at.index()) else { break };
        levels.push(symbols.get(node.symbol as usize).map_or("", |name| name));
        at = node.parent;
    }
    levels.reverse();
    levels.join("/")
}

fn levels(topic: &str) -> impl Iterator<Item = &str> {
    topic.splitn(MAXIMUM_LEVELS, '/')
}

/// The order of rows: `$SYS` and its like last, letters without regard to case, numbers by value; never equal for
/// different names.
#[must_use]
pub fn compare_levels(a: &str, b: &str) -> Ordering {
    let system = |name: &str| name.starts_with('$');
    system(a)
        .cmp(&system(b))
        .then_with(|| compare_natural(a, b))
        .then_with(|| a.cmp(b))
}

fn compare_natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (leading_number(a), leading_number(b)) {
            (Some((number_a, rest_a)), Some((number_b, rest_b))) => {
                let order = number_a
                    .len()
                    .cmp(&number_b.len())
                    .then_with(|| number_a.cmp(number_b));
                if order.is_ne() {
                    return order;
                }
                (a, b) = (rest_a, rest_b);
            }
            _ => {
                let (mut rest_a, mut rest_b) = (a.chars(), b.chars());
                match (rest_a.next(), rest_b.next()) {
                    (None, None) => return Ordering::Equal,
                    (x, y) => {
                        let order = x.map(fold).cmp(&y.map(fold));
                        if order.is_ne() {
                            return order;
                        }
                    }
                }
                (a, b) = (rest_a.as_str(), rest_b.as_str());
            }
        }
    }
}

/// Digits at the start without leading zeros, and what follows.
fn leading_number(text: &str) -> Option<(&str, &str)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(len).filter(|_| len > 0)?;
    Some((digits.trim_start_matches('0'), rest))
}

fn fold(character: char) -> char {
    lower_char(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_people_read_them() {
        let mut names = [
            "$SYS",
            "sensor10",
            "Büro",
            "sensor2",
            "b",
            "A",
            "a",
            "아이 방",
            "sensor02",
            "",
        ];
        names.sort_by(|a, b| compare_levels(a, b));
        assert_eq!(
            names,
            [
                "",
                "A",
                "a",
                "b",
                "Büro",
                "sensor02",
                "sensor2",
                "sensor10",
                "아이 방",
                "$SYS"
            ]
        );
    }

    #[test]
    fn a_topic_is_found_by_its_whole_name_only() {
        let mut tree = Tree::new(0);
        for (index, topic) in ["a/b", "a/b/c", "/a/b", "a//b", "a/b/", "ab"].iter().enumerate() {
            let hash = tree.hash(topic);
            assert_eq!(tree.find(hash, topic), None, "{topic}");
            let id = tree.insert(hash, topic, index as u32, 0);
            assert_eq!(tree.find(hash, topic), Some(id));
            assert_eq!(tree.name(id), *topic);
        }
        assert_eq!(tree.find(tree.hash("a"), "a"), None);
        assert!(tree.find_node("a").is_some());
        assert_eq!(tree.node(NodeId::ROOT).map(|node| node.topics), Some(6));
    }

    #[test]
    fn endless_levels_are_kept_together() {
        let mut tree = Tree::new(0);
        let topic = "/".repeat(65_535);
        let id = tree.insert(tree.hash(&topic), &topic, 0, 0);
        assert_eq!(tree.len(), MAXIMUM_LEVELS + 1);
        assert_eq!(tree.name(id), topic);
        assert_eq!(tree.find(tree.hash(&topic), &topic), Some(id));
    }

    #[test]
    fn the_cost_of_a_topic_is_known_before() {
        let mut tree = Tree::new(0);
        for (index, topic) in ["a/b", "a/c", "x/b/c", "a/b/c"].iter().enumerate() {
            let (before, cost) = (tree.bytes(), tree.insert_cost(topic));
            tree.insert(tree.hash(topic), topic, index as u32, 0);
            assert_eq!(tree.bytes(), before + cost, "{topic}");
        }
    }
}
