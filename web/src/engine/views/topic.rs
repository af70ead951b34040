//! One topic in full.

use hearth_model::{
    format::{Decimals, format_number},
    payload::preview,
    series::Series,
    store::{MessageRef, NodeId, Store, Topic},
};
use hearth_mqtt::{MonoTime, Properties, Property};

use super::pace::Pace;
use crate::{
    engine::input::Now,
    wire::{HistoryRow, Patch, Spark, TopicView},
};

/// Four times a second: a payload that changes faster cannot be read.
const INTERVAL_MS: u64 = 250;
/// Rows of history that are sent.
const HISTORY_ROWS: usize = 200;
/// Longest preview of a message, in characters.
const PREVIEW_CHARACTERS: usize = 160;
/// Columns of the small chart.
const SPARK_COLUMNS: usize = 96;
/// What the small chart shows at most, in ms.
const SPARK_SPAN_MS: u64 = 24 * 60 * 60 * 1_000;

/// The topic that the page shows.
#[derive(Debug, Default)]
pub(super) struct TopicScreen {
    topic: Option<String>,
    node: Option<NodeId>,
    pace: Pace,
}

impl TopicScreen {
    pub(super) fn open(&mut self, topic: String) {
        *self = Self {
            topic: Some(topic),
            node: None,
            pace: Pace::due_at_once(),
        };
    }

    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    pub(super) fn forget(&mut self) {
        self.node = None;
        self.show_again();
    }

    pub(super) fn show_again(&mut self) {
        self.pace = Pace::due_at_once();
    }

    /// A message changed this topic.
    pub(super) fn note_change(&mut self, changed: Option<NodeId>) {
        // While nothing is known of the topic every message might be its first.
        if self.node.is_none() || self.node == changed {
            self.pace.note_change();
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<MonoTime> {
        self.topic.as_ref().and_then(|_| self.pace.poll_timeout())
    }

    pub(super) fn patch(&mut self, now: Now, store: &Store) -> Option<Patch> {
        let name = self.topic.as_ref()?;
        if !self.pace.take_due(now.mono, INTERVAL_MS) {
            return None;
        }
        let first_look = self.node.is_none();
        let found = store.find(name).and_then(|id| Some((id, store.topic(id)?)));
        self.node = found.map(|(id, _)| id);
        if let Some((_, topic)) = found {
            return Some(Patch::Topic {
                topic: name.clone(),
                view: Some(Box::new(topic_view(topic))),
            });
        }
        first_look.then(|| Patch::Topic {
            topic: name.clone(),
            view: None,
        })
    }
}

fn topic_view(topic: &Topic) -> TopicView {
    let last = topic.last();
    let kept = topic.history_len();
    let mut history: Vec<_> = topic.history_from(kept.saturating_sub(HISTORY_ROWS)).collect();
    history.reverse();
    let fields = |is_state: bool| {
        let alike = topic.fields().iter().filter(move |field| field.word.is_some() == is_state);
        alike.map(move |field| (field.path.to_string(), is_state))
    };
    TopicView {
        qos: last.qos,
        retained: last.retain,
        duplicate: last.dup,
        received_at: last.received_at_ms,
        count: topic.count(),
        mean_interval_ms: topic.mean_interval_ms(),
        payload_bytes: last.payload_len as u64,
        payload: last.payload.to_vec(),
        previous: history.get(1).map(|message| message.payload.to_vec()),
        properties: Properties::read(last.properties).map(property_row).collect(),
        fields: fields(false).chain(fields(true)).collect(),
        history: history.iter().map(history_row).collect(),
        history_dropped: topic.history_dropped(),
    }
}

/// A property in words. User Properties keep their own name.
fn property_row(property: Property<'_>) -> (String, String) {
    let name = property.id().name().to_owned();
    match property {
        Property::UserProperty(name, text) => (name.to_owned(), text.to_owned()),
        Property::PayloadFormatIndicator(0) => (name, "0, any bytes".to_owned()),
        Property::PayloadFormatIndicator(1) => (name, "1, UTF-8 text".to_owned()),
        Property::MessageExpiryInterval(seconds) => (name, format!("{seconds} s")),
        Property::ContentType(text) | Property::ResponseTopic(text) => (name, text.to_owned()),
        Property::CorrelationData(data) => (name, preview(data, data.len(), PREVIEW_CHARACTERS)),
        Property::SubscriptionIdentifier(id) => (name, id.to_string()),
        other => (name, format!("{other:?}")),
    }
}

fn history_row(message: &MessageRef<'_>) -> HistoryRow {
    HistoryRow {
        received_at: message.received_at_ms,
        preview: preview(message.payload, message.payload_len, PREVIEW_CHARACTERS),
        qos: message.qos,
        retained: message.retain,
        bytes: message.payload_len as u64,
    }
}

/// A small chart of the recent past; `None` when there are not two samples.
pub(in crate::engine) fn spark(series: &Series, now_ms: u64) -> Option<Spark> {
    let first = series.first().filter(|_| series.len() > 1)?;
    let to_ms = now_ms.max(series.last()?.at_ms) + 1;
    let from_ms = first.at_ms.max(to_ms.saturating_sub(SPARK_SPAN_MS));
    let columns = series.columns(from_ms, to_ms, SPARK_COLUMNS);
    let (mut low, mut high, mut decimals) = (f64::INFINITY, f64::NEG_INFINITY, Decimals::new());
    let mut points = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        let Some(column) = column else { continue };
        (low, high) = (low.min(column.minimum.number), high.max(column.maximum.number));
        decimals.push(column.last.number);
        points.push((
            place as f32 / (SPARK_COLUMNS - 1) as f32,
            Some(column.last.number as f32),
        ));
    }
    let shown = |number: f64| format_number(number, decimals.count());
    let span_s = u32::try_from((to_ms - from_ms) / 1_000).unwrap_or(u32::MAX);
    (points.len() > 1).then(|| Spark {
        points,
        low: shown(low),
        high: shown(high),
        span_s,
    })
}
