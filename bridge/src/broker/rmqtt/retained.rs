//! Retained messages: in memory, ordered by topic, bounded.

use crate::auth::filter;
use async_trait::async_trait;
use bytes::Bytes;
use rmqtt::{
    Result,
    retain::RetainStorage,
    types::{Retain, TopicFilter, TopicName},
};
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// A retained message and when it expires, if ever.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) retain: Retain,
    pub(super) expires_at: Option<SystemTime>,
}

#[derive(Default)]
struct Messages {
    by_topic: BTreeMap<String, Kept>,
    bytes: usize,
}

/// Cheap to clone; clones share the messages.
#[derive(Clone)]
pub(super) struct Retained {
    messages: Arc<Mutex<Messages>>,
    messages_max: usize,
    bytes_max: usize,
    not_kept: Arc<AtomicU64>,
}

impl Retained {
    pub(super) fn new(messages_max: usize, bytes_max: usize) -> Self {
        Self {
            messages: Arc::default(),
            messages_max,
            bytes_max,
            not_kept: Arc::default(),
        }
    }

    pub(super) fn not_kept(&self) -> u64 {
        self.not_kept.load(Ordering::Relaxed)
    }

    pub(super) fn all(&self, now: SystemTime) -> Vec<Kept> {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages
            .by_topic
            .values()
            .filter(|kept| is_live(kept, now))
            .cloned()
            .collect()
    }

    /// Keeps the message, or removes the one of its topic if its payload is empty.
    pub(super) fn keep(&self, kept: Kept) {
        let topic = kept.retain.publish.topic.to_string();
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = messages.by_topic.remove(&topic);
        messages.bytes = messages.bytes.saturating_sub(replaced.as_ref().map_or(0, size));
        if kept.retain.publish.payload.is_empty() {
            return;
        }
        let bytes = messages.bytes + size(&kept);
        if messages.by_topic.len() >= self.messages_max || bytes > self.bytes_max {
            drop_expired(&mut messages, SystemTime::now());
        }
        let bytes = messages.bytes + size(&kept);
        if messages.by_topic.len() >= self.messages_max || bytes > self.bytes_max {
            // The old value of the topic is gone too: better none than one that is no longer true.
            self.not_kept.fetch_add(1, Ordering::Relaxed);
            return;
        }
        messages.bytes = bytes;
        messages.by_topic.insert(topic, kept);
    }

    fn matching(&self, asked: &str, now: SystemTime) -> Vec<(TopicName, Retain)> {
        // Topics with the filter's literal beginning stand together.
        let prefix = asked.split(['+', '#']).next().unwrap_or_default();
        // `a/#` also matches `a`.
        let prefix = if prefix.len() < asked.len() {
            prefix.trim_end_matches('/')
        } else {
            prefix
        };
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages
            .by_topic
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(|(topic, _)| topic.starts_with(prefix))
            .filter(|(topic, kept)| is_live(kept, now) && filter::covers(asked, topic))
            .map(|(_, kept)| (kept.retain.publish.topic.clone(), with_time_left(kept, now)))
            .collect()
    }
}

/// Topic, payload and what the properties of 5.0 hold.
fn size(kept: &Kept) -> usize {
    let publish = &kept.retain.publish;
    let properties = publish.properties.as_ref().map_or(0, |properties| {
        let text = |text: &Option<TopicName>| text.as_ref().map_or(0, |text| text.len());
        let users = properties.user_properties.iter();
        text(&properties.content_type)
            + text(&properties.response_topic)
            + properties.correlation_data.as_ref().map_or(0, Bytes::len)
            + users.map(|(name, value)| name.len() + value.len()).sum::<usize>()
    });
    publish.topic.len() + publish.payload.len() + properties
}

fn is_live(kept: &Kept, now: SystemTime) -> bool {
    kept.expires_at.is_none_or(|at| at > now)
}

fn drop_expired(messages: &mut Messages, now: SystemTime) {
    messages.by_topic.retain(|_, kept| is_live(kept, now));
    messages.bytes = messages.by_topic.values().map(size).sum();
}

/// [MQTT5-3.3.2-6]: the receiver is told the time that is left, not the time that was.
fn with_time_left(kept: &Kept, now: SystemTime) -> Retain {
    let mut retain = kept.retain.clone();
    if let (Some(at), Some(properties)) = (kept.expires_at, retain.publish.inner.properties.as_mut()) {
        let left = at.duration_since(now).unwrap_or_default().as_secs();
        properties.message_expiry_interval = u32::try_from(left.max(1))
            .ok()
            .and_then(|left| left.try_into().ok());
    }
    retain
}

/// When a message that came now expires: by its own property only, never by a default of the library.
pub(super) fn expires_at(retain: &Retain, now: SystemTime) -> Option<SystemTime> {
    let interval = retain.publish.properties.as_ref()?.message_expiry_interval?;
    now.checked_add(Duration::from_secs(u64::from(interval.get())))
}

#[async_trait]
impl RetainStorage for Retained {
    fn enable(&self) -> bool {
        true
    }

    async fn set(&self, _topic: &TopicName, retain: Retain, _expiry: Option<Duration>) -> Result<()> {
        let expires_at = expires_at(&retain, SystemTime::now());
        self.keep(Kept { retain, expires_at });
        Ok(())
    }

    async fn get(&self, asked: &TopicFilter) -> Result<Vec<(TopicName, Retain)>> {
        Ok(self.matching(asked, SystemTime::now()))
    }

    async fn count(&self) -> isize {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        isize::try_from(messages.by_topic.len()).unwrap_or(isize::MAX)
    }

    async fn max(&self) -> isize {
        self.count().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmqtt::{
        codec::{
            types::{Publish as CodecPublish, QoS},
            v5::PublishProperties,
        },
        types::{From, Id, Publish},
    };

    fn kept(topic: &'static str, user_property: &'static str) -> Kept {
        let properties = PublishProperties {
            user_properties: vec![("".into(), user_property.into())],
            ..PublishProperties::default()
        };
        let publish = CodecPublish {
            dup: false,
            retain: true,
            qos: QoS::AtMostOnce,
            topic: topic.into(),
            packet_id: None,
            payload: "x".into(),
            properties: Some(properties),
        };
        let retain = Retain {
            msg_id: None,
            from: From::from_custom(Id::from(1, "publisher".into())),
            publish: Publish::from(publish),
        };
        Kept {
            retain,
            expires_at: None,
        }
    }

    #[test]
    fn properties_count_as_bytes_too() {
        let retained = Retained::new(10, 100);
        for topic in ["a", "b", "c"] {
            retained.keep(kept(topic, "0123456789012345678901234567890123456789"));
        }
        assert_eq!(retained.all(SystemTime::now()).len(), 2);
        assert_eq!(retained.not_kept(), 1);
    }
}
