//! The topic tree and one topic in full, as they are shown.

use serde::{Deserialize, Serialize};

/// A window of the topic tree.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TreeView {
    /// Index of `rows[0]` (may differ from the asked one because of the anchor).
    pub first_row: u32,
    /// Rows in the whole (filtered, expanded) tree.
    pub total_rows: u32,
    pub rows: Vec<TreeRow>,
    /// Topics in the store, and how many match the search.
    pub topics: u32,
    pub matching: u32,
    /// Messages that came while paused.
    pub held_back: u64,
    /// Counts up when the rows were ordered anew.
    pub order: u32,
    /// The order is kept although it may be out of date.
    pub order_held: bool,
    /// Topics that the search has not looked at yet.
    pub unsearched: u32,
    /// What is wrong with the regular expression.
    pub search_error: Option<String>,
    /// Where [`TreeCommand::Find`](super::TreeCommand::Find) leads.
    pub found: Option<FoundRow>,
    /// Who floods.
    pub busiest: Option<BusiestBranch>,
}

/// A topic that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRow {
    /// Counts up with every search for the next one.
    pub serial: u32,
    pub row: u32,
    /// Which of the found ones, from 1.
    pub nth: u32,
}

/// The branch that brings most of the messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BusiestBranch {
    pub topic: String,
    pub rate: f32,
    /// 0 to 1, `$` topics left out.
    pub share: f32,
}

/// One row of the tree.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TreeRow {
    /// Full topic (or branch) from the root.
    pub topic: String,
    /// The last level, safe to show.
    pub name: String,
    /// From 0.
    pub level: u16,
    pub expanded: Option<bool>,
    /// Topics below, for a branch.
    pub topics_below: u32,
    /// Whether the row itself is a topic with a message.
    pub is_topic: bool,
    /// The last message came from the broker's retained store.
    pub retained: bool,
    /// One line.
    pub preview: String,
    /// Messages per second of the topic and all below.
    pub rate: f32,
    /// Its part of all messages per second, 0 to 1; `$` topics have none.
    pub share: f32,
    /// Found by the search: in its name, in its payload.
    pub hit: (bool, bool),
}

/// One topic in full.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TopicView {
    /// Number of the message that is shown: the first that came is 1, the newest is `count`.
    pub shown: u64,
    pub qos: u8,
    pub retained: bool,
    pub duplicate: bool,
    /// ms since epoch.
    pub received_at: u64,
    /// Messages on this topic since the page was opened.
    pub count: u64,
    /// Mean interval, ms.
    pub mean_interval_ms: Option<u64>,
    /// Size of the payload as received, bytes; larger than `payload.len()` if it was cut.
    pub payload_bytes: u64,
    pub payload: Vec<u8>,
    /// The payload that it is compared with, and the number of its message.
    pub previous: Option<Vec<u8>>,
    pub against: u64,
    /// MQTT 5.0 properties in words: name and value.
    pub properties: Vec<(String, String)>,
    /// Fields that can be charted, numbers first, and whether they are states.
    pub fields: Vec<(String, bool)>,
    /// Newest first, at most 40. While no end of the list is asked for, it goes on once a second.
    pub history: Vec<HistoryRow>,
    pub arrivals: Arrivals,
}

/// How the messages of a topic arrived.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Arrivals {
    /// Messages per second over the last ten seconds.
    pub rate: f32,
    /// Of the newest 200 intervals: how far they are from their mean on average, and the longest, ms.
    pub jitter_ms: Option<u64>,
    pub longest_ms: Option<u64>,
    /// Messages with the DUP flag.
    pub duplicates: u64,
    /// Whether the broker keeps a retained message, as far as we have seen.
    pub retained: Option<bool>,
    /// Bytes of all payloads.
    pub payload_bytes: u64,
    /// When the first message came, ms since epoch.
    pub first_at: u64,
    /// Messages and samples no longer kept, and values of fields beyond the limit.
    pub messages_dropped: u64,
    pub samples_dropped: u64,
    pub fields_refused: u64,
}

/// One message of a topic's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// As in [`TopicView::shown`].
    pub number: u64,
    pub received_at: u64,
    pub preview: String,
    pub qos: u8,
    pub retained: bool,
    pub bytes: u64,
}
