//! The caps that refuse a client something: what was refused is counted, and logged when it is news.
//!
//! The library would make these checks before it asks a hook, and tell nobody; so they are made here. Only how large a packet is,
//! the library judges.

use super::places::{Place, Places};
use crate::broker::{Limits, Refused};
use rmqtt::{
    codec::v5::SubscribeAckReason,
    session::Session,
    types::{ClientId, Id, Reason, TopicFilter},
};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// How the library's reason begins when a packet was too large.
const TOO_LARGE: &str = "Max size exceeded";

/// Decides what is too much.
pub(super) struct Caps {
    limits: Limits,
    places: Arc<Places>,
    connections: Shared,
    sessions: Shared,
    packets: OfOne,
    subscriptions: OfOne,
    topic_levels: OfOne,
    /// Of messages that were left out because their client takes only smaller ones. The broker counts them with what it drops.
    small_clients: OfOne,
}

/// A cap that all clients share.
#[derive(Default)]
struct Shared {
    refused: AtomicU64,
    was_logged: AtomicBool,
}

/// A cap that each client has for itself.
#[derive(Default)]
struct OfOne {
    refused: AtomicU64,
    /// Who met it last: a device asks for the same again and again.
    last: Mutex<Option<ClientId>>,
}

impl Caps {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            places: Arc::new(Places::new(limits.connections)),
            limits: limits.clone(),
            connections: Shared::default(),
            sessions: Shared::default(),
            packets: OfOne::default(),
            subscriptions: OfOne::default(),
            topic_levels: OfOne::default(),
            small_clients: OfOne::default(),
        }
    }

    /// What was refused so far.
    pub(super) fn refused(&self) -> Refused {
        Refused {
            connections: self.connections.refused.load(Ordering::Relaxed),
            sessions: self.sessions.refused.load(Ordering::Relaxed),
            packets: self.packets.refused.load(Ordering::Relaxed),
            subscriptions: self.subscriptions.refused.load(Ordering::Relaxed),
            topic_levels: self.topic_levels.refused.load(Ordering::Relaxed),
        }
    }

    /// Lets a client in that may come in, if there is room for its connection, and for its session among this many if it has none.
    pub(super) fn enter(&self, id: &Id, has_session: bool, sessions: usize) -> Option<Place> {
        let (connections, client_id) = (self.places.taken(), &*id.client_id);
        let Some(place) = self.places.take(id) else {
            if self.connections.refuse() {
                let limit = self.limits.connections;
                tracing::warn!(
                    client_id,
                    limit,
                    "clients are refused: broker.embedded.max_connections is reached (said again after a tenth of them was free)"
                );
            }
            return None;
        };
        if !has_session && sessions >= self.limits.sessions {
            if self.sessions.refuse() {
                let limit = self.limits.sessions;
                tracing::warn!(
                    client_id,
                    limit,
                    "clients are refused: broker.embedded.max_sessions is reached (said again after a tenth of them was free)"
                );
            }
            return None;
        }
        self.connections.let_in(connections, self.limits.connections);
        self.sessions.let_in(sessions, self.limits.sessions);
        Some(place)
    }

    /// Whether a client may subscribe to this; if not, what it is told.
    pub(super) async fn subscribe(
        &self,
        session: &Session,
        filter: &TopicFilter,
    ) -> Result<(), SubscribeAckReason> {
        let client_id = &session.id.client_id;
        if filter.split('/').count() > self.limits.topic_levels {
            if self.topic_levels.refuse(client_id) {
                let limit = self.limits.topic_levels;
                tracing::warn!(
                    client_id = &**client_id,
                    limit,
                    "a topic filter is refused: it has more levels than broker.embedded.max_topic_levels (said once for each client in turn)"
                );
            }
            return Err(SubscribeAckReason::TopicFilterInvalid);
        }
        // The library keeps them in memory: this does not fail.
        let Ok(subscriptions) = session.subscriptions().await else {
            return Ok(());
        };
        let subscriptions = subscriptions.read().await;
        // One that is there already takes no more room.
        if subscriptions.len() >= self.limits.subscriptions && !subscriptions.contains_key(filter) {
            if self.subscriptions.refuse(client_id) {
                let limit = self.limits.subscriptions;
                tracing::warn!(
                    client_id = &**client_id,
                    limit,
                    "a subscription is refused: the client has broker.embedded.max_subscriptions (said once for each client in turn)"
                );
            }
            return Err(SubscribeAckReason::QuotaExceeded);
        }
        Ok(())
    }

    /// Who is connected now.
    pub(super) fn connected(&self) -> Vec<Id> {
        self.places.connected()
    }

    /// A message was left out for a client that takes so many bytes at once.
    pub(super) fn left_out(&self, client_id: &ClientId, maximum: u32) {
        if self.small_clients.refuse(client_id) {
            tracing::warn!(
                client_id = &**client_id,
                maximum,
                "a message is left out: it is larger than the Maximum Packet Size of the client (said once for each client in turn)"
            );
        }
    }

    /// A connection has ended, for this reason.
    pub(super) fn ended(&self, id: &Id, reason: &Reason) {
        self.places.leave(id);
        if is_too_large(reason) && self.packets.refuse(&id.client_id) {
            let limit = self.limits.maximum_packet_size;
            tracing::warn!(
                client_id = &*id.client_id,
                limit,
                "disconnected: a packet is larger than broker.embedded.max_packet_bytes (said once for each client in turn)"
            );
        }
    }
}

impl Shared {
    /// Counts one more that is refused, and says whether that is news.
    fn refuse(&self) -> bool {
        self.refused.fetch_add(1, Ordering::Relaxed);
        !self.was_logged.swap(true, Ordering::Relaxed)
    }

    /// A client was let in where so many were. At the brink they come and go all the time; that is no news.
    fn let_in(&self, used: usize, max: usize) {
        if max.saturating_sub(used) > max / 10 {
            self.was_logged.store(false, Ordering::Relaxed);
        }
    }
}

impl OfOne {
    /// Counts one more that is refused, and says whether that is news.
    fn refuse(&self, client_id: &ClientId) -> bool {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref() == Some(client_id) {
            return false;
        }
        *last = Some(client_id.clone());
        true
    }
}

fn is_too_large(reason: &Reason) -> bool {
    match reason {
        Reason::Error(text) => text.starts_with(TOO_LARGE),
        Reason::Reasons(reasons) => reasons.iter().any(is_too_large),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_news_again_after_a_tenth_was_free() {
        let cap = Shared::default();
        assert!(cap.refuse() && !cap.refuse());
        // One left, and one came.
        cap.let_in(99, 100);
        assert!(!cap.refuse());
        cap.let_in(89, 100);
        assert!(cap.refuse());
        // Who takes its own connection over takes no free place.
        cap.let_in(1, 1);
        assert!(!cap.refuse());
        cap.let_in(0, 1);
        assert!(cap.refuse());
        assert_eq!(cap.refused.load(Ordering::Relaxed), 6);
    }

    #[test]
    fn a_client_that_asks_for_too_much_again_is_no_news() {
        let cap = OfOne::default();
        let (one, other) = (ClientId::from("one"), ClientId::from("other"));
        assert!(cap.refuse(&one) && !cap.refuse(&one) && cap.refuse(&other) && cap.refuse(&one));
        assert_eq!(cap.refused.load(Ordering::Relaxed), 4);
    }
}
