//! What the server sends: QoS 2 exchanges under way, and topic aliases.

use std::collections::BTreeMap;

use crate::{PacketId, TopicName};

use super::misbehaviour::SessionRule;

/// When the PUBLISH of an unreleased QoS 2 message was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// On an earlier network connection; the server's quota started anew since.
    Earlier,
    /// The same, and the server may have started a new session since, which knows nothing of it.
    Doubtful,
    /// On this one.
    Here,
}

/// What to do with a QoS 2 PUBLISH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reception {
    /// Deliver it.
    New,
    /// It was delivered; acknowledge it again ([MQTT5-4.3.3-10]).
    Duplicate,
}

/// QoS 2 messages of the server that were delivered and not yet released: part of the session state.
#[derive(Debug, Default)]
pub(crate) struct Inbound {
    unreleased: BTreeMap<PacketId, Seen>,
    /// Of these, the ones that count against our Receive Maximum.
    seen_here: usize,
}

impl Inbound {
    pub(crate) fn unreleased(&self) -> impl ExactSizeIterator<Item = PacketId> {
        self.unreleased.keys().copied()
    }

    pub(crate) fn contains(&self, id: PacketId) -> bool {
        self.unreleased.contains_key(&id)
    }

    /// Messages that count against our Receive Maximum.
    pub(crate) fn open_flows(&self) -> usize {
        self.seen_here
    }

    /// A QoS 2 PUBLISH.
    pub(crate) fn handle_publish(&mut self, id: PacketId) -> Reception {
        match self.unreleased.insert(id, Seen::Here) {
            Some(Seen::Here) => Reception::Duplicate,
            Some(Seen::Earlier | Seen::Doubtful) => {
                self.seen_here += 1;
                Reception::Duplicate
            }
            None => {
                self.seen_here += 1;
                Reception::New
            }
        }
    }

    /// A PUBREL; false when there was nothing to release.
    pub(crate) fn handle_pubrel(&mut self, id: PacketId) -> bool {
        match self.unreleased.remove(&id) {
            Some(Seen::Here) => {
                self.seen_here = self.seen_here.saturating_sub(1);
                true
            }
            Some(Seen::Earlier | Seen::Doubtful) => true,
            None => false,
        }
    }

    pub(crate) fn restore(&mut self, id: PacketId) {
        self.unreleased.insert(id, Seen::Earlier);
    }

    /// The network connection ended: quotas start anew at the next.
    pub(crate) fn handle_closed(&mut self) {
        self.seen_here = 0;
        for seen in self.unreleased.values_mut() {
            if *seen == Seen::Here {
                *seen = Seen::Earlier;
            }
        }
    }

    /// The session that the server goes on with may be a new one.
    pub(crate) fn doubt(&mut self) {
        self.unreleased
            .values_mut()
            .for_each(|seen| *seen = Seen::Doubtful);
    }

    /// Whether there are messages of which the server may know nothing.
    pub(crate) fn has_doubtful(&self) -> bool {
        self.unreleased.values().any(|seen| *seen == Seen::Doubtful)
    }

    /// Whether this PUBLISH proves that the server started a new session: the old one would have sent the message again
    /// with DUP ([MQTT5-3.3.1-1]), and would not have given an identifier in use to another ([MQTT5-2.2.1-4]).
    ///
    /// With DUP it may be the old message or a new one that got lost on its first way; [MQTT5-4.3.3-10] takes it for the old.
    pub(crate) fn proves_new_session(&self, id: PacketId, dup: bool) -> bool {
        !dup && self.unreleased.get(&id) == Some(&Seen::Doubtful)
    }

    /// The server did start a new session; hands out the identifiers that are void now.
    pub(crate) fn take_doubtful(&mut self) -> Vec<PacketId> {
        let void: Vec<_> = self
            .unreleased
            .iter()
            .filter(|(_, seen)| **seen == Seen::Doubtful)
            .map(|(id, _)| *id)
            .collect();
        self.unreleased.retain(|_, seen| *seen != Seen::Doubtful);
        void
    }

    /// The server forgot the session; hands out the identifiers that are void now.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = PacketId> + use<> {
        self.seen_here = 0;
        std::mem::take(&mut self.unreleased).into_keys()
    }
}

/// Topic aliases of the server on one network connection ([MQTT5-3.3.2-7]: never carried to another).
#[derive(Debug)]
pub(crate) struct InboundAliases {
    maximum: u16,
    topics: Vec<Option<TopicName>>,
}

impl InboundAliases {
    /// `maximum` is what we said in CONNECT; memory is taken as aliases come.
    pub(crate) fn new(maximum: u16) -> Self {
        Self {
            maximum,
            topics: Vec::new(),
        }
    }

    /// The topic of a PUBLISH, from its topic name, its alias or both.
    pub(crate) fn resolve(
        &mut self,
        topic: Option<TopicName>,
        alias: Option<u16>,
    ) -> Result<TopicName, SessionRule> {
        let Some(alias) = alias else {
            return topic.ok_or(SessionRule::TopicMissing);
        };
        if self.maximum == 0 {
            return Err(SessionRule::TopicAliasUnasked);
        }
        if alias == 0 || alias > self.maximum {
            return Err(SessionRule::TopicAliasInvalid);
        }
        let index = usize::from(alias) - 1;
        let Some(topic) = topic else {
            return self
                .topics
                .get(index)
                .cloned()
                .flatten()
                .ok_or(SessionRule::TopicAliasUnknown);
        };
        if self.topics.len() <= index {
            self.topics.resize(index + 1, None);
        }
        if let Some(slot) = self.topics.get_mut(index) {
            *slot = Some(detached(&topic));
        }
        Ok(topic)
    }
}

/// A copy with a buffer of its own: an alias must not keep 64 KiB of received bytes alive.
fn detached(topic: &TopicName) -> TopicName {
    TopicName::parse(topic.as_str()).unwrap_or_else(|_| topic.clone())
}
