//! Shared subscriptions: the members of a group take turns.

use async_trait::async_trait;
use rmqtt::{
    context::ServerContext,
    subscribe::SharedSubscription,
    types::{
        ClientId, Id, IsOnline, NodeId, SharedGroup, SubscriptionIdentifier, SubscriptionOptions, TopicName,
    },
};
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Default)]
pub(super) struct TakeTurns {
    next: AtomicUsize,
}

#[async_trait]
impl SharedSubscription for TakeTurns {
    fn is_supported(&self) -> bool {
        true
    }

    async fn choice(
        &self,
        scx: &ServerContext,
        _group: &SharedGroup,
        _publisher: &Id,
        _topic: &TopicName,
        members: &[(
            NodeId,
            ClientId,
            SubscriptionOptions,
            Option<Vec<SubscriptionIdentifier>>,
            Option<IsOnline>,
        )],
    ) -> Option<(usize, IsOnline)> {
        if members.is_empty() {
            return None;
        }
        let first = self.next.fetch_add(1, Ordering::Relaxed) % members.len();
        for turn in 0..members.len() {
            let index = (first + turn) % members.len();
            let Some((node, client_id, _, _, online)) = members.get(index) else {
                continue;
            };
            let online = match online {
                Some(online) => *online,
                None => scx.extends.router().await.is_online(*node, client_id).await,
            };
            if online {
                return Some((index, true));
            }
        }
        Some((first, false))
    }
}
