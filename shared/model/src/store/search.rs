//! Searching the topics: verdicts are kept, and asked for in turns that are short whatever is searched for.

use super::{NodeId, Retained, Store, Topic};
use crate::letters::lower;
use crate::pattern::Pattern;

/// A payload is searched this far, in bytes.
pub const SEARCHED_PAYLOAD_BYTES: usize = 4096;
/// Bytes that one turn looks at, times the work per byte: about ten milliseconds.
const TURN: usize = 2 * 1024 * 1024;

/// What is searched for.
#[derive(Clone, Debug)]
pub enum Query {
    /// Anywhere, without regard to case; lower case.
    Text(String),
    /// An MQTT topic filter.
    Filter(Box<str>),
    /// A regular expression.
    Pattern(Pattern),
}

impl Query {
    /// Text, or a topic filter when it has a wildcard level `+` or `#`; `None` when it is empty.
    #[must_use]
    pub fn plain(text: &str) -> Option<Self> {
        let is_filter = text.split('/').any(|level| matches!(level, "+" | "#"));
        match (text.is_empty(), is_filter) {
            (true, _) => None,
            (false, true) => Some(Self::Filter(text.into())),
            (false, false) => Some(Self::Text(lower(text))),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Text(wanted) => lower(text).contains(&**wanted),
            Self::Filter(filter) => filter_matches(filter, text),
            Self::Pattern(pattern) => pattern.is_match(text),
        }
    }

    /// Work per byte.
    fn cost(&self) -> usize {
        match self {
            Self::Text(_) | Self::Filter(_) => 1,
            Self::Pattern(pattern) => 8 + pattern.steps(),
        }
    }
}

impl Store {
    /// Topics of which a retained message was seen and is not known to be cleared, in order of name. Those that begin
    /// with `$` are the broker's own [MQTT5-4.7.2-1] and left out.
    pub fn retained(&mut self, query: Option<&Query>) -> Vec<NodeId> {
        self.tree.settle();
        let (mut found, mut todo) = (Vec::new(), vec![NodeId::ROOT]);
        while let Some(id) = todo.pop() {
            let is_kept = self
                .topic(id)
                .is_some_and(|topic| topic.retained == Retained::Kept);
            if is_kept && query.is_none_or(|query| query.matches(&self.name(id))) {
                found.push(id);
            }
            let children = self.tree.children(id).iter().rev();
            todo.extend(
                children.filter(|child| id != NodeId::ROOT || !self.tree.level(**child).starts_with('$')),
            );
        }
        found
    }
}

/// Where a topic was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hit {
    /// In its name.
    pub name: bool,
    /// In its newest payload.
    pub payload: bool,
}

impl Hit {
    fn any(self) -> bool {
        self.name || self.payload
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Verdict {
    /// Messages of the topic when its payload was asked; 0: nothing was asked.
    asked: u64,
    hit: Hit,
}

/// A search under way.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    query: Query,
    payloads: bool,
    /// By the topics' order in the store.
    verdicts: Vec<Verdict>,
    next: usize,
    /// Every topic was asked at least once.
    pub(crate) known: usize,
}

impl Search {
    pub(crate) fn new(query: Query, payloads: bool) -> Self {
        Self {
            // A filter is for names.
            payloads: payloads && !matches!(query, Query::Filter(_)),
            query,
            verdicts: Vec::new(),
            next: 0,
            known: 0,
        }
    }

    pub(crate) fn hit(&self, store: &Store, id: NodeId) -> Hit {
        let topic = store.tree.node(id).and_then(super::tree::Node::topic);
        let verdict = topic.and_then(|topic| self.verdicts.get(topic));
        verdict.map_or_else(Hit::default, |verdict| verdict.hit)
    }

    pub(crate) fn matches(&self, store: &Store, id: NodeId) -> bool {
        self.hit(store, id).any()
    }

    /// Asks topics that are new or have a new payload, as many as one turn allows; whether a verdict changed.
    pub(crate) fn turn(&mut self, store: &Store) -> bool {
        self.verdicts.resize(store.topics.len(), Verdict::default());
        let (mut changed, mut left) = (false, TURN);
        if self.next >= store.topics.len() {
            self.next = 0;
        }
        while let (Some(topic), Some(verdict)) =
            (store.topics.get(self.next), self.verdicts.get_mut(self.next))
        {
            if verdict.asked == 0 || (self.payloads && verdict.asked != topic.count) {
                if left == 0 {
                    return changed;
                }
                self.known += usize::from(verdict.asked == 0);
                let (hit, cost) = ask(&self.query, self.payloads, store, topic, *verdict);
                changed |= hit.any() != verdict.hit.any();
                *verdict = Verdict {
                    asked: topic.count.max(1),
                    hit,
                };
                left = left.saturating_sub(cost);
            }
            self.next += 1;
        }
        changed
    }
}

fn ask(query: &Query, payloads: bool, store: &Store, topic: &Topic, verdict: Verdict) -> (Hit, usize) {
    let mut cost = 64;
    let name = if verdict.asked == 0 {
        let name = store.name(topic.node);
        cost += name.len();
        query.matches(&name)
    } else {
        verdict.hit.name
    };
    let mut payload = false;
    if payloads {
        let bytes = topic.last().payload;
        let bytes = bytes.get(..SEARCHED_PAYLOAD_BYTES).unwrap_or(bytes);
        cost += bytes.len();
        payload = query.matches(&String::from_utf8_lossy(bytes));
    }
    (Hit { name, payload }, cost * query.cost())
}

/// Whether an MQTT topic filter matches a name; names that begin with `$` are not matched by a wildcard first level
/// [MQTT5-4.7.2-1].
pub(crate) fn filter_matches(filter: &str, name: &str) -> bool {
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
