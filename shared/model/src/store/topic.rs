//! What is known about one topic.

use super::alike::Spelling;
use super::history::{History, MessageRef};
use super::tree::NodeId;
use crate::payload::BinaryWord;
use crate::series::Series;

/// A field of a topic's payloads, either its numbers or its states, and the samples.
#[derive(Clone, Debug)]
pub struct Field {
    /// As [`crate::json::NumberField::path`]; empty when the payload itself is the value.
    pub path: Box<str>,
    /// The words of a state, whose samples are 1 (on, open, …) and 0; `None` for numbers.
    pub word: Option<BinaryWord>,
    /// Every sample kept. What the broker had kept is none: nobody knows when it was measured.
    pub series: Series,
    /// The number of a message that the broker had kept, when nothing came after it.
    pub kept: Option<f64>,
    pub(super) spelling: Spelling,
}

/// The newest message, in buffers that are used again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Last {
    pub(crate) received_at_ms: u64,
    pub(crate) payload: Vec<u8>,
    pub(crate) payload_len: usize,
    pub(crate) properties: Vec<u8>,
    pub(crate) qos: u8,
    pub(crate) retain: bool,
    pub(crate) dup: bool,
}

impl Last {
    pub(crate) fn message(&self) -> MessageRef<'_> {
        MessageRef {
            received_at_ms: self.received_at_ms,
            payload: &self.payload,
            payload_len: self.payload_len,
            properties: &self.properties,
            qos: self.qos,
            retain: self.retain,
            dup: self.dup,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.payload.capacity() + self.properties.capacity()
    }
}

/// What the broker is believed to keep for a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retained {
    /// No message came with the RETAIN flag.
    #[default]
    Unknown,
    /// A message came with the RETAIN flag and has not been cleared since.
    Kept,
    /// An empty payload removed the retained message.
    Cleared,
}

/// One topic: its newest message, older ones, its numbers over time, and counts.
#[derive(Clone, Debug)]
pub struct Topic {
    pub(crate) node: NodeId,
    pub(crate) last: Last,
    pub(crate) count: u64,
    pub(crate) first_at_ms: u64,
    pub(crate) retained: Retained,
    pub(crate) duplicates: u64,
    pub(crate) payload_bytes: u64,
    pub(crate) history: History,
    pub(crate) fields: Vec<Field>,
    /// So many of `fields` are what the newest payload says, in their order and each once, where their spelling tells;
    /// 0 when that is not known.
    pub(super) spelled: usize,
    pub(crate) fields_refused: u64,
    pub(crate) samples_dropped: u64,
}

impl Topic {
    pub(crate) fn new(node: NodeId, now_ms: u64) -> Self {
        Self {
            node,
            last: Last::default(),
            count: 0,
            first_at_ms: now_ms,
            retained: Retained::Unknown,
            duplicates: 0,
            payload_bytes: 0,
            history: History::default(),
            fields: Vec::new(),
            spelled: 0,
            fields_refused: 0,
            samples_dropped: 0,
        }
    }

    /// The node in the tree.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The newest message; always kept.
    #[must_use]
    pub fn last(&self) -> MessageRef<'_> {
        self.last.message()
    }

    /// Messages received.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Messages received with the DUP flag.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Bytes of all payloads received.
    #[must_use]
    pub fn payload_bytes(&self) -> u64 {
        self.payload_bytes
    }

    /// When the first message was received, ms since epoch.
    #[must_use]
    pub fn first_at_ms(&self) -> u64 {
        self.first_at_ms
    }

    /// What the broker is believed to keep.
    #[must_use]
    pub fn retained(&self) -> Retained {
        self.retained
    }

    /// Mean time between messages, in ms; `None` before the second message.
    #[must_use]
    pub fn mean_interval_ms(&self) -> Option<u64> {
        let span = self.last.received_at_ms.saturating_sub(self.first_at_ms);
        self.count
            .checked_sub(1)
            .and_then(|intervals| span.checked_div(intervals))
    }

    /// Messages kept, the newest included.
    #[must_use]
    pub fn history_len(&self) -> usize {
        self.history.len() + 1
    }

    /// Messages that were received but are no longer kept.
    #[must_use]
    pub fn history_dropped(&self) -> u64 {
        self.history.dropped
    }

    /// Messages kept from place `from` on, oldest first, the newest message last.
    pub fn history_from(&self, from: usize) -> impl Iterator<Item = MessageRef<'_>> {
        let newest = (from <= self.history.len()).then(|| self.last());
        self.history.iter_from(from).chain(newest)
    }

    /// The messages from this number on, oldest first; the first that came is number 1. Those no longer kept are left out: see
    /// [`Self::oldest`].
    pub fn messages_from(&self, number: u64) -> impl Iterator<Item = MessageRef<'_>> {
        let place = number.saturating_sub(self.oldest());
        self.history_from(usize::try_from(place).unwrap_or(usize::MAX))
    }

    /// The number of the oldest message that is kept.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        (self.count + 1).saturating_sub(self.history_len() as u64)
    }

    /// Numbers and states in the order they were first seen.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The numbers of a field.
    #[must_use]
    pub fn series(&self, path: &str) -> Option<&Series> {
        self.field(path, false).map(|field| &field.series)
    }

    /// The numbers or the states of a field: a sensor that says `21.5` and `unavailable` has both.
    #[must_use]
    pub fn field(&self, path: &str, is_state: bool) -> Option<&Field> {
        self.fields
            .iter()
            .find(|field| &*field.path == path && field.word.is_some() == is_state)
    }

    /// Numbers that were not followed because the topic has too many fields.
    #[must_use]
    pub fn fields_refused(&self) -> u64 {
        self.fields_refused
    }

    /// Samples that were received but are no longer kept.
    #[must_use]
    pub fn samples_dropped(&self) -> u64 {
        self.samples_dropped
    }
}
