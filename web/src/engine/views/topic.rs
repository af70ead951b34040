//! One topic in full.

use hearth_model::{
    format::{Decimals, format_number},
    payload::preview,
    series::Series,
    store::{MessageRef, NodeId, Retained, Store, Topic},
};
use hearth_mqtt::{MonoTime, Properties, Property};

use super::pace::Pace;
use crate::{
    engine::{input::Now, subscriptions::Subscriptions},
    wire::{Arrivals, HistoryRow, Patch, Spark, TopicSeen, TopicView},
};

/// Four times a second: a payload that changes faster cannot be read.
const INTERVAL_MS: u64 = 250;
/// How often a rate that falls is looked at.
const FALL_MS: u64 = 1_000;
/// How often the list of messages goes on: it moves all its rows, which costs the page more than all the rest.
const LIST_MS: u64 = 1_000;
/// Rows of history that are sent: several screens of the list.
const HISTORY_ROWS: usize = 40;
/// The newest intervals between messages that are looked at.
const INTERVALS: usize = 200;
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
    seen: TopicSeen,
    node: Option<NodeId>,
    pace: Pace,
    /// When the rate has to be looked at although nothing comes.
    falls_at: Option<MonoTime>,
    /// The newest message of the list while it goes along, and when it may go on.
    listed: Option<(u64, MonoTime)>,
}

impl TopicScreen {
    pub(super) fn open(&mut self, topic: String, seen: TopicSeen) {
        *self = Self {
            topic: Some(topic),
            seen,
            node: None,
            pace: Pace::due_at_once(),
            falls_at: None,
            listed: None,
        };
    }

    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    pub(super) fn forget(&mut self) {
        self.node = None;
        self.listed = None;
        self.show_again();
    }

    pub(super) fn show_again(&mut self) {
        self.pace = Pace::due_at_once();
    }

    /// Whether the page has it on the screen.
    pub(super) fn is_shown(&self) -> bool {
        self.node.is_some()
    }

    /// A message changed this topic.
    pub(super) fn note_change(&mut self, changed: Option<NodeId>) {
        // While nothing is known of the topic every message might be its first.
        if self.node.is_none() || self.node == changed {
            self.pace.note_change();
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<MonoTime> {
        let due = self.pace.poll_timeout().into_iter().chain(self.falls_at);
        due.min().filter(|_| self.topic.is_some())
    }

    pub(super) fn patch(&mut self, now: Now, store: &Store, subscriptions: &Subscriptions) -> Option<Patch> {
        self.topic.as_ref()?;
        self.open_patch(now, store, subscriptions)
    }

    #[inline(never)]
    fn open_patch(&mut self, now: Now, store: &Store, subscriptions: &Subscriptions) -> Option<Patch> {
        let name = self.topic.as_ref()?;
        if self.falls_at.is_some_and(|at| at <= now.mono) {
            self.falls_at = None;
            self.pace.note_change();
        }
        if !self.pace.take_due(now.mono, INTERVAL_MS) {
            return None;
        }
        let first_look = self.node.is_none();
        let found = store.find(name).and_then(|id| Some((id, store.topic(id)?)));
        self.node = found.map(|(id, _)| id);
        if let Some((id, topic)) = found {
            let rate = store.rate_of(id, now.wall_ms) as f32;
            if rate > 0.0 {
                // Silence lowers the rate.
                self.falls_at = Some(now.mono + FALL_MS);
            }
            // Of a flood the end of the list may be gone before its second is over.
            let dropped = topic.count().saturating_sub(topic.history_len() as u64);
            let listed = self
                .listed
                .filter(|(number, until)| now.mono < *until && *number > dropped);
            let listed = listed.unwrap_or_else(|| (topic.count(), now.mono + LIST_MS));
            self.listed = Some(listed);
            let seen = TopicSeen {
                until: self.seen.until.or(Some(listed.0)),
                ..self.seen
            };
            return Some(Patch::Topic {
                topic: name.clone(),
                view: Some(Box::new(topic_view(topic, seen, rate, subscriptions))),
            });
        }
        first_look.then(|| Patch::Topic {
            topic: name.clone(),
            view: None,
        })
    }
}

fn topic_view(topic: &Topic, seen: TopicSeen, rate: f32, subscriptions: &Subscriptions) -> TopicView {
    let (count, kept) = (topic.count(), topic.history_len());
    // The number of the oldest message kept, and the place of a number among those kept.
    let oldest = (count + 1).saturating_sub(kept as u64);
    let place = |number: u64| {
        usize::try_from(number.checked_sub(oldest)?)
            .ok()
            .filter(|place| *place < kept)
    };
    let message = |number: u64| topic.history_from(place(number)?).next();
    let newest = topic.last();
    let (shown, message_shown) = seen
        .shown
        .and_then(|number| Some((number, message(number)?)))
        .unwrap_or((count, newest));
    let against = seen
        .against
        .filter(|number| place(*number).is_some())
        .unwrap_or(shown - 1);
    let until = seen.until.and_then(place).unwrap_or_default();
    let first_row = (until + 1).saturating_sub(HISTORY_ROWS);
    let rows = topic.history_from(first_row).take(until + 1 - first_row);
    let mut history: Vec<_> = rows.zip(oldest + first_row as u64..).map(history_row).collect();
    history.reverse();
    let fields = |is_state: bool| {
        let alike = topic
            .fields()
            .iter()
            .filter(move |field| field.word.is_some() == is_state);
        alike.map(move |field| (field.path.to_string(), is_state))
    };
    TopicView {
        shown,
        qos: message_shown.qos,
        retained: message_shown.retain,
        duplicate: message_shown.dup,
        received_at: message_shown.received_at_ms,
        count,
        mean_interval_ms: topic.mean_interval_ms(),
        payload_bytes: message_shown.payload_len as u64,
        payload: message_shown.payload.to_vec(),
        previous: message(against).map(|message| message.payload.to_vec()),
        against,
        properties: Properties::read(message_shown.properties)
            .map(|property| property_row(property, subscriptions))
            .collect(),
        fields: fields(false).chain(fields(true)).collect(),
        history,
        arrivals: arrivals(topic, rate),
    }
}

fn arrivals(topic: &Topic, rate: f32) -> Arrivals {
    let from = topic.history_len().saturating_sub(INTERVALS + 1);
    let times: Vec<u64> = topic
        .history_from(from)
        .map(|message| message.received_at_ms)
        .collect();
    let intervals = || {
        times
            .iter()
            .zip(times.iter().skip(1))
            .map(|(a, b)| b.saturating_sub(*a))
    };
    let count = times.len().saturating_sub(1) as u64;
    let mean = intervals().sum::<u64>().checked_div(count);
    Arrivals {
        rate,
        // Of one interval nothing can be said.
        jitter_ms: mean
            .filter(|_| count > 1)
            .map(|mean| intervals().map(|interval| interval.abs_diff(mean)).sum::<u64>() / count),
        longest_ms: intervals().max(),
        duplicates: topic.duplicates(),
        retained: match topic.retained() {
            Retained::Unknown => None,
            Retained::Kept => Some(true),
            Retained::Cleared => Some(false),
        },
        payload_bytes: topic.payload_bytes(),
        first_at: topic.first_at_ms(),
        messages_dropped: topic.history_dropped(),
        samples_dropped: topic.samples_dropped(),
        fields_refused: topic.fields_refused(),
    }
}

/// A property in words. User Properties keep their own name.
fn property_row(property: Property<'_>, subscriptions: &Subscriptions) -> (String, String) {
    let name = property.id().name().to_owned();
    match property {
        Property::UserProperty(name, text) => (name.to_owned(), text.to_owned()),
        Property::PayloadFormatIndicator(0) => (name, "0, any bytes".to_owned()),
        Property::PayloadFormatIndicator(1) => (name, "1, UTF-8 text".to_owned()),
        Property::MessageExpiryInterval(seconds) => (name, format!("{seconds} s")),
        Property::ContentType(text) | Property::ResponseTopic(text) => (name, text.to_owned()),
        Property::CorrelationData(data) => (name, bytes_in_words(data)),
        Property::SubscriptionIdentifier(id) => match subscriptions.filter_of(id) {
            Some(filter) => (name, format!("{id}, {filter}")),
            None => (name, id.to_string()),
        },
        other => (name, format!("{other:?}")),
    }
}

/// Text as it is, other bytes in hex; of many the first.
fn bytes_in_words(data: &[u8]) -> String {
    const MOST: usize = 1_024;
    if let Ok(text) = std::str::from_utf8(data)
        && !text.chars().any(char::is_control)
        && text.len() <= MOST
    {
        return text.to_owned();
    }
    let mut out = String::from("hex");
    for byte in data.iter().take(MOST) {
        out.push_str(&format!(" {byte:02x}"));
    }
    if data.len() > MOST {
        out.push_str(&format!(" … of {} bytes", data.len()));
    }
    out
}

fn history_row((message, number): (MessageRef<'_>, u64)) -> HistoryRow {
    HistoryRow {
        number,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_data_is_text_or_hex_and_says_what_is_left_out() {
        assert_eq!(bytes_in_words("é 1".as_bytes()), "é 1");
        assert_eq!(bytes_in_words(b""), "");
        assert_eq!(bytes_in_words(&[0xff, 0x00, 0x41]), "hex ff 00 41");
        assert_eq!(bytes_in_words(b"a\n"), "hex 61 0a");
        assert!(bytes_in_words(&[0; 2_000]).ends_with(" 00 … of 2000 bytes"));
    }
}
