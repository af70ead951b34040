//! The bounded topic store: every topic by level with its newest message, older messages and numbers over time, under
//! one memory budget.
//!
//! What goes when memory is short: the oldest history first (messages and samples alike), never the newest message
//! of a topic. Everything that goes, is cut or is refused is counted in [`Counters`] and per topic. Nothing here
//! reads a clock, a socket or the page.

mod alike;
mod budget;
mod history;
mod rate;
mod same;
mod search;
mod topic;
mod tree;
mod view;

use crate::json::{Found, NumberLimits, NumberScan};
use crate::payload::BinaryWord;
use crate::series::{Pushed, Sample};
use alike::{Layout, Spelling};
use budget::{Block, Budget};
use history::HistoryLimits;
use tree::Tree;

pub use history::MessageRef;
pub use search::{Hit, Query, SEARCHED_PAYLOAD_BYTES};
pub use topic::{Field, Retained, Topic};
pub use tree::{MAXIMUM_LEVELS, NodeId, compare_levels};
pub use view::{Anchor, Busiest, Sort, TreeRow, TreeView, TreeWindow, Unfold};

/// The caps of a store; each is counted when it bites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Memory for everything together, in bytes. Default 128 MiB: a phone's tab survives it.
    pub memory_budget_bytes: usize,
    /// Topics beyond this many are refused. Default 200,000: twice the largest home we know of.
    pub maximum_topics: usize,
    /// Longer payloads are cut, in bytes. Default 1 MiB.
    pub payload_cap_bytes: usize,
    /// Older messages kept per topic. Default 1,000, so that a fast topic does not push out the slow ones.
    pub history_per_topic: usize,
    /// Bytes of older messages kept per topic. Default 8 MiB.
    pub history_bytes_per_topic: usize,
    /// Samples kept per numeric field. Default 100,000: a day of one per second.
    pub samples_per_field: usize,
    /// Longer payloads are not searched for numbers, in bytes. Default 64 KiB.
    pub scan_cap_bytes: usize,
    /// Depth and number of numeric fields followed per topic.
    pub numbers: NumberLimits,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            memory_budget_bytes: 128 * 1024 * 1024,
            maximum_topics: 200_000,
            payload_cap_bytes: 1024 * 1024,
            history_per_topic: 1000,
            history_bytes_per_topic: 8 * 1024 * 1024,
            samples_per_field: 100_000,
            scan_cap_bytes: 64 * 1024,
            numbers: NumberLimits::default(),
        }
    }
}

/// A message as it arrives.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The topic name.
    pub topic: &'a str,
    /// The payload; copied, so that the received buffer is free to go.
    pub payload: &'a [u8],
    /// Quality of service, 0 to 2.
    pub qos: u8,
    /// The RETAIN flag as received.
    pub retain: bool,
    /// The DUP flag as received.
    pub dup: bool,
    /// Encoded MQTT 5 properties; empty when there were none.
    pub properties: &'a [u8],
}

impl<'a> Arrival<'a> {
    /// A plain message: QoS 0, no flags, no properties.
    #[must_use]
    pub fn new(topic: &'a str, payload: &'a [u8]) -> Self {
        Self {
            topic,
            payload,
            qos: 0,
            retain: false,
            dup: false,
            properties: &[],
        }
    }
}

/// What a message changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A topic that was known.
    Updated(NodeId),
    /// A topic that was not known.
    Added(NodeId),
    /// A new topic beyond the cap on topics or on memory; counted in [`Counters::topics_refused`].
    Refused,
}

impl Change {
    /// The node of the topic, unless it was refused.
    #[must_use]
    pub fn id(self) -> Option<NodeId> {
        match self {
            Self::Updated(id) | Self::Added(id) => Some(id),
            Self::Refused => None,
        }
    }
}

/// What the store has taken, dropped, cut and refused since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages taken, those of refused topics included.
    pub messages: u64,
    /// Older messages no longer kept.
    pub history_dropped: u64,
    /// Samples no longer kept.
    pub samples_dropped: u64,
    /// Messages of topics beyond the cap.
    pub topics_refused: u64,
    /// Payloads longer than is kept.
    pub payloads_cut: u64,
    /// Numbers of fields beyond the cap.
    pub fields_refused: u64,
}

/// The bounded topic store.
#[derive(Debug)]
pub struct Store {
    options: StoreOptions,
    tree: Tree,
    topics: Vec<Topic>,
    counters: Counters,
    budget: Budget,
    scan: NumberScan,
    numbers: Vec<(usize, f64)>,
    now_ms: u64,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(options: StoreOptions) -> Self {
        let tree = Tree::new(0);
        let budget = Budget::new(options.memory_budget_bytes);
        Self {
            options,
            tree,
            topics: Vec::new(),
            counters: Counters::default(),
            budget,
            scan: NumberScan::default(),
            numbers: Vec::new(),
            now_ms: 0,
        }
    }

    /// Takes a message received at `now_ms` (ms since epoch; a clock that steps back counts as standing still).
    pub fn apply(&mut self, now_ms: u64, arrival: &Arrival<'_>) -> Change {
        let now_ms = now_ms.max(self.now_ms);
        self.now_ms = now_ms;
        self.counters.messages += 1;
        let hash = self.tree.hash(arrival.topic);
        let (id, is_new) = match self.tree.find(hash, arrival.topic) {
            Some(id) => (id, false),
            None => match self.add_topic(hash, arrival.topic, now_ms) {
                Some(id) => (id, true),
                None => {
                    self.counters.topics_refused += 1;
                    return Change::Refused;
                }
            },
        };
        self.tree.count_message(id, now_ms);
        if let Some(index) = self.tree.node(id).and_then(tree::Node::topic) {
            self.remember_last(index);
            let is_alike = self
                .topics
                .get_mut(index)
                .is_some_and(|topic| topic.read_alike(arrival.payload, &mut self.numbers));
            self.replace_last(index, now_ms, arrival);
            if self.is_sampled(arrival.payload) && (is_alike || self.scan(index, arrival.payload)) {
                self.sample(index, now_ms, arrival.retain);
            }
            self.make_room(0);
        }
        if is_new {
            Change::Added(id)
        } else {
            Change::Updated(id)
        }
    }

    fn add_topic(&mut self, hash: u64, topic: &str, now_ms: u64) -> Option<NodeId> {
        if self.topics.len() >= self.options.maximum_topics {
            return None;
        }
        let cost = self.tree.insert_cost(topic) + TOPIC_BYTES;
        if !self.make_room(cost) {
            return None;
        }
        let index = u32::try_from(self.topics.len()).ok()?;
        let before = self.tree.bytes();
        let id = self.tree.insert(hash, topic, index, now_ms);
        self.budget.base += self.tree.bytes() - before + TOPIC_BYTES;
        self.budget.streams += 1;
        self.topics.push(Topic::new(id, now_ms));
        Some(id)
    }

    /// Moves what is still the newest message into history.
    fn remember_last(&mut self, index: usize) {
        let Some(topic) = self.topics.get_mut(index) else {
            return;
        };
        if topic.count == 0 {
            return;
        }
        if self.budget.is_full_of_last_values() {
            topic.history.dropped += 1;
            self.counters.history_dropped += 1;
            return;
        }
        let limits = HistoryLimits {
            messages: self.options.history_per_topic,
            bytes: self
                .options
                .history_bytes_per_topic
                .min(self.budget.capacity() / 4),
            page_bytes: self.budget.block_bytes(),
        };
        let pushed = topic.history.push(&topic.last.message(), limits);
        self.budget.add_kept(pushed.bytes);
        self.counters.history_dropped += u64::from(pushed.dropped);
        for _ in 0..pushed.pages_dropped {
            self.budget.note_stale();
        }
        if let Some(serial) = pushed.sealed {
            self.budget.seal(Block::history(index, serial));
        }
    }

    fn replace_last(&mut self, index: usize, now_ms: u64, arrival: &Arrival<'_>) {
        let mut kept = self.options.payload_cap_bytes.min(arrival.payload.len());
        let mut properties = arrival.properties;
        let Some(topic) = self.topics.get(index) else {
            return;
        };
        let held = topic.last.bytes();
        let wanted = capacity_after(&topic.last.payload, kept)
            + capacity_after(&topic.last.properties, properties.len());
        if wanted > held && !self.make_room(wanted - held) {
            // Newest messages alone fill the budget: this one gets what is left.
            let room = self.budget.room() + held;
            if properties.len() > room {
                properties = &[];
            }
            kept = kept.min(room - properties.len());
            if let Some(topic) = self.topics.get_mut(index) {
                topic.last = topic::Last::default();
            }
        }
        let Some(topic) = self.topics.get_mut(index) else {
            return;
        };
        let last = &mut topic.last;
        refill(&mut last.payload, arrival.payload.get(..kept).unwrap_or_default());
        refill(&mut last.properties, properties);
        self.budget.base = self.budget.base - held + last.bytes();
        last.received_at_ms = now_ms;
        last.payload_len = arrival.payload.len();
        last.qos = arrival.qos;
        last.retain = arrival.retain;
        last.dup = arrival.dup;
        if kept < arrival.payload.len() {
            self.counters.payloads_cut += 1;
        }
        topic.count += 1;
        topic.duplicates += u64::from(arrival.dup);
        topic.payload_bytes += arrival.payload.len() as u64;
        topic.retained = match (arrival.payload.is_empty(), arrival.retain, topic.retained) {
            (false, true, _) => Retained::Kept,
            // A broker hands an empty retained payload to subscribers without the flag, unless asked to keep it.
            (true, true, _) | (true, false, Retained::Kept) => Retained::Cleared,
            (_, false, known) => known,
        };
    }

    fn is_sampled(&self, payload: &[u8]) -> bool {
        payload.len() <= self.options.scan_cap_bytes && !self.budget.is_full_of_last_values()
    }

    /// Finds the number of every field in a payload, known or new; `false` when the payload has no such thing.
    fn scan(&mut self, index: usize, payload: &[u8]) -> bool {
        let Some(topic) = self.topics.get_mut(index) else {
            return false;
        };
        let limits = self.options.numbers;
        let (numbers, fields) = (&mut self.numbers, &mut topic.fields);
        let known = fields.len();
        let room = self.budget.capacity().saturating_sub(self.budget.base);
        numbers.clear();
        let mut layout = Layout::of(payload);
        let (mut expected, mut refused, mut added_bytes) = (0, 0, 0);
        let whole = self.scan.scan(payload, &limits, |found| {
            let Found {
                path,
                number,
                word,
                text,
            } = found;
            let place = find_field(fields, expected, path, word).or_else(|| {
                let bytes = FIELD_BYTES + path.len();
                if !has_room(fields, limits.fields, word) || added_bytes + bytes > room {
                    refused += 1;
                    return None;
                }
                let path = std::str::from_utf8(path).ok()?;
                added_bytes += bytes;
                fields.push(Field {
                    path: path.into(),
                    word,
                    series: crate::series::Series::new(),
                    kept: None,
                    spelling: Spelling::default(),
                });
                Some(fields.len() - 1)
            });
            match place.and_then(|place| Some((place, fields.get_mut(place)?))) {
                Some((place, field)) => {
                    layout.note(place, field, number, text);
                    numbers.push((place, number));
                    expected = place + 1;
                }
                None => layout.miss(),
            }
        });
        if !whole {
            // The payload was broken after all: what it seemed to hold is not kept.
            fields.truncate(known);
            return false;
        }
        self.budget.base += added_bytes;
        self.budget.streams += fields.len() - known;
        topic.fields_refused += refused;
        self.counters.fields_refused += refused;
        topic.spelled = layout.spelled();
        true
    }

    /// Adds a sample for every number and every state that was found, unless the broker had kept them for who knows how
    /// long.
    fn sample(&mut self, index: usize, now_ms: u64, is_retained: bool) {
        let Some(topic) = self.topics.get_mut(index) else {
            return;
        };
        let chunk_samples = self.budget.block_bytes() / crate::series::SAMPLE_BYTES;
        for &(field, number) in &self.numbers {
            let Some(found) = topic.fields.get_mut(field) else {
                continue;
            };
            found.kept = is_retained.then_some(number);
            if is_retained {
                continue;
            }
            let sample = Sample {
                at_ms: now_ms,
                number,
            };
            let Pushed {
                bytes,
                sealed,
                dropped,
            } = found
                .series
                .push_counted(sample, self.options.samples_per_field, chunk_samples);
            self.budget.add_kept(bytes);
            topic.samples_dropped += u64::from(dropped);
            self.counters.samples_dropped += u64::from(dropped);
            if dropped > 0 {
                self.budget.note_stale();
            }
            if let Some(serial) = sealed {
                self.budget.seal(Block::series(index, field, serial));
            }
        }
    }

    /// Drops the oldest history until `bytes` more fit; `false` when even without history they do not.
    fn make_room(&mut self, bytes: usize) -> bool {
        self.budget.make_room(bytes, &mut self.topics, &mut self.counters)
    }

    /// The caps.
    #[must_use]
    pub fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// Sets the caps. Beyond a smaller memory budget history goes at once; the other caps hold for what comes.
    pub fn set_options(&mut self, options: StoreOptions) {
        self.options = options;
        self.budget.set_capacity(options.memory_budget_bytes);
        for topic in &mut self.topics {
            // Another scan may find more or less than that of before.
            topic.spelled = 0;
        }
        self.make_room(0);
    }

    /// The broker said what it keeps for a topic now, other than by a message.
    pub fn set_retained(&mut self, id: NodeId, retained: Retained) {
        let topic = self.tree.node(id).and_then(tree::Node::topic);
        if let Some(topic) = topic.and_then(|topic| self.topics.get_mut(topic)) {
            topic.retained = retained;
        }
    }

    /// What was taken, dropped, cut and refused.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Memory held, as accounted, in bytes; never more than the budget (unless the budget was made smaller than the
    /// newest messages alone).
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.budget.used()
    }

    /// Number of topics.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.topics.len()
    }

    /// Messages per second over the last ten seconds.
    #[must_use]
    pub fn rate(&self, now_ms: u64) -> f64 {
        self.rate_of(NodeId::ROOT, now_ms)
    }

    /// Messages per second of a topic or a branch over the last ten seconds.
    #[must_use]
    pub fn rate_of(&self, id: NodeId, now_ms: u64) -> f64 {
        self.tree
            .node(id)
            .map_or(0.0, |node| node.rate.per_second(now_ms))
    }

    /// The topic at a node; `None` when the node is only a level above others.
    #[must_use]
    pub fn topic(&self, id: NodeId) -> Option<&Topic> {
        self.topics.get(self.tree.node(id)?.topic()?)
    }

    /// The node of a whole name, be it a topic or a level above some.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.tree.find_node(name)
    }

    /// The whole name of a node.
    #[must_use]
    pub fn name(&self, id: NodeId) -> String {
        self.tree.name(id)
    }

    /// Every topic at a node and below it, in the order they were first seen.
    pub fn topics_below(&self, id: NodeId) -> impl Iterator<Item = &Topic> {
        self.topics
            .iter()
            .filter(move |topic| self.tree.is_below(topic.node, id))
    }

    /// Every topic, in the order they were first seen.
    pub fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.topics.iter()
    }
}

/// Fixed cost of a topic and of a field, in bytes, with their places in the tables.
const TOPIC_BYTES: usize = size_of::<Topic>() * 3 / 2 + 16;
const FIELD_BYTES: usize = size_of::<Field>() * 2;

/// Numbers and states have a cap each, so that many switches of a payload leave room for its numbers.
fn has_room(fields: &[Field], cap: usize, word: Option<BinaryWord>) -> bool {
    let alike = |field: &&Field| field.word.is_some() == word.is_some();
    fields.len() < cap || fields.iter().filter(alike).count() < cap
}

/// Fields mostly come in the same order, so the one after the last found is looked at first.
#[inline]
fn find_field(fields: &[Field], expected: usize, path: &[u8], word: Option<BinaryWord>) -> Option<usize> {
    let is_it = |field: &Field| field.path.as_bytes() == path && field.word.is_some() == word.is_some();
    if fields.get(expected).is_some_and(is_it) {
        return Some(expected);
    }
    fields.iter().position(is_it)
}

/// Replaces the contents, keeping the buffer unless it is far too large.
fn refill(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.clear();
    if capacity_after(buffer, bytes.len()) != buffer.capacity() {
        *buffer = Vec::with_capacity(bytes.len());
    }
    if !bytes.is_empty() {
        buffer.extend_from_slice(bytes);
    }
}

/// The capacity a buffer has after [`refill`].
fn capacity_after(buffer: &Vec<u8>, len: usize) -> usize {
    let capacity = buffer.capacity();
    if len > capacity || capacity > 256 + len * 4 {
        len
    } else {
        capacity
    }
}

#[cfg(test)]
mod tests;
