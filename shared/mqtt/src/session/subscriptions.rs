//! What the owner subscribed to, and the requests that wait for an answer.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
};

use crate::{ReasonCode, SubscriptionOptions, TopicFilter};

use super::{
    event::{Event, SubscribeId},
    persist::{ChangeLog, PersistKey},
};

/// One subscription as the owner asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Which topics.
    pub filter: TopicFilter,
    /// How.
    pub options: SubscriptionOptions,
    /// Comes back with every message that matches (5.0): 1..=268,435,455.
    pub subscription_id: Option<u32>,
}

impl Subscription {
    /// A subscription without a Subscription Identifier.
    #[must_use]
    pub fn new(filter: TopicFilter, options: SubscriptionOptions) -> Self {
        Self {
            filter,
            options,
            subscription_id: None,
        }
    }
}

/// How a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionStatus {
    /// The server has not answered yet.
    Requested,
    /// The server granted it, with this QoS.
    Granted(ReasonCode),
    /// The server refused it; it is not asked for again by itself.
    Refused(ReasonCode),
}

/// A remembered subscription.
#[derive(Debug, Clone)]
pub struct RememberedSubscription {
    /// What was asked for.
    pub subscription: Subscription,
    /// What came of it.
    pub status: SubscriptionStatus,
    /// Names the record that stores it.
    pub(crate) slot: u64,
    /// The last request that asked for it.
    asked: u64,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    Subscribe,
    /// Asked by the session itself after the server forgot.
    Resubscribe,
    Unsubscribe,
}

/// One call of the owner: sent as one or several packets, answered as one event.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: SubscribeId,
    pub(crate) kind: RequestKind,
    pub(crate) filters: Vec<Subscription>,
    results: Vec<Option<ReasonCode>>,
    unanswered: usize,
    next_unsent: usize,
}

/// The registry of subscriptions, and the requests under way.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    remembered: BTreeMap<TopicFilter, RememberedSubscription>,
    requests: VecDeque<Request>,
    /// Filters that were unsubscribed while nobody could be told, by the slot of their record.
    leaving: BTreeMap<u64, TopicFilter>,
    next_id: u64,
    next_slot: u64,
}

impl Subscriptions {
    pub(crate) fn remembered(&self) -> impl ExactSizeIterator<Item = &RememberedSubscription> {
        self.remembered.values()
    }

    pub(crate) fn is_remembered(&self, filter: &TopicFilter) -> bool {
        self.remembered.contains_key(filter)
    }

    pub(crate) fn leaving(&self) -> impl Iterator<Item = (u64, &TopicFilter)> {
        self.leaving.iter().map(|(slot, filter)| (*slot, filter))
    }

    /// Filters in requests without an answer.
    pub(crate) fn pending(&self) -> usize {
        self.requests.iter().map(|request| request.filters.len()).sum()
    }

    /// Remembers subscriptions and asks for them.
    pub(crate) fn subscribe(&mut self, subscriptions: Vec<Subscription>, log: &mut ChangeLog) -> SubscribeId {
        for subscription in &subscriptions {
            self.remember(subscription.clone(), SubscriptionStatus::Requested, log);
        }
        self.ask(RequestKind::Subscribe, subscriptions)
    }

    fn remember(&mut self, subscription: Subscription, status: SubscriptionStatus, log: &mut ChangeLog) {
        let slot = match self.remembered.get(&subscription.filter) {
            Some(known) => known.slot,
            None => self.take_slot(),
        };
        log.touch(PersistKey::subscription(slot));
        let filter = subscription.filter.clone();
        self.remembered.insert(
            filter,
            RememberedSubscription {
                subscription,
                status,
                slot,
                // The one that is about to be made.
                asked: self.next_id + 1,
            },
        );
    }

    fn take_slot(&mut self) -> u64 {
        self.next_slot += 1;
        self.next_slot
    }

    /// Forgets subscriptions and asks the server to.
    pub(crate) fn unsubscribe(&mut self, filters: Vec<TopicFilter>, log: &mut ChangeLog) -> SubscribeId {
        let subscriptions = filters.into_iter().map(|filter| {
            let slot = match self.remembered.remove(&filter) {
                Some(known) => known.slot,
                None => self.take_slot(),
            };
            self.leaving.insert(slot, filter.clone());
            log.touch(PersistKey::subscription(slot));
            Subscription::new(filter, SubscriptionOptions::default())
        });
        let subscriptions = subscriptions.collect();
        self.ask(RequestKind::Unsubscribe, subscriptions)
    }

    fn ask(&mut self, kind: RequestKind, filters: Vec<Subscription>) -> SubscribeId {
        self.next_id += 1;
        let id = SubscribeId(self.next_id);
        let results = vec![None; filters.len()];
        let unanswered = filters.len();
        self.requests.push_back(Request {
            id,
            kind,
            filters,
            results,
            unanswered,
            next_unsent: 0,
        });
        id
    }

    /// A subscription of an earlier run.
    pub(crate) fn restore(&mut self, slot: u64, subscription: Subscription, status: SubscriptionStatus) {
        self.next_slot = self.next_slot.max(slot);
        let filter = subscription.filter.clone();
        self.remembered.insert(
            filter,
            RememberedSubscription {
                subscription,
                status,
                slot,
                asked: 0,
            },
        );
    }

    /// A filter that an earlier run unsubscribed without an answer.
    pub(crate) fn restore_leaving(&mut self, slot: u64, filter: TopicFilter) {
        self.next_slot = self.next_slot.max(slot);
        self.leaving.insert(slot, filter);
    }

    /// Asks for what an earlier run had asked for without an answer.
    pub(crate) fn finish_restore(&mut self) {
        let leaving: Vec<_> = self.leaving.values().cloned().collect();
        if !leaving.is_empty() {
            let filters = leaving
                .into_iter()
                .map(|it| Subscription::new(it, SubscriptionOptions::default()));
            let filters = filters.collect();
            self.ask(RequestKind::Unsubscribe, filters);
        }
        let requested = self.unrequested(|status| matches!(status, SubscriptionStatus::Requested));
        if !requested.is_empty() {
            self.ask(RequestKind::Resubscribe, requested);
        }
    }

    /// The server has no session: everything granted is asked for again.
    pub(crate) fn handle_session_lost(&mut self, log: &mut ChangeLog) {
        let lost = self.unrequested(|status| matches!(status, SubscriptionStatus::Granted(_)));
        for subscription in &lost {
            self.remember(subscription.clone(), SubscriptionStatus::Requested, log);
        }
        if !lost.is_empty() {
            self.ask(RequestKind::Resubscribe, lost);
        }
    }

    fn unrequested(&self, wanted: impl Fn(SubscriptionStatus) -> bool) -> Vec<Subscription> {
        let wanted = self.remembered.values().filter(|known| wanted(known.status));
        wanted.map(|known| known.subscription.clone()).collect()
    }

    /// The network connection ended: what has no answer is asked again at the next.
    pub(crate) fn handle_closed(&mut self) {
        for request in &mut self.requests {
            request.next_unsent = 0;
        }
    }

    /// Whether a request may have a part that was not sent.
    pub(crate) fn has_unsent(&self) -> bool {
        let is_unsent = |request: &Request| request.next_unsent < request.filters.len();
        self.requests.iter().any(is_unsent)
    }

    /// The next part of a request to send: filters without an answer that share a Subscription Identifier.
    ///
    /// Nothing is marked as sent: call [`Self::mark_sent`] with what fitted into a packet.
    pub(crate) fn next_unsent(&mut self) -> Option<(&Request, Range<usize>)> {
        for request in &mut self.requests {
            while request
                .results
                .get(request.next_unsent)
                .is_some_and(Option::is_some)
            {
                request.next_unsent += 1;
            }
        }
        let request = self
            .requests
            .iter()
            .find(|request| request.next_unsent < request.filters.len())?;
        let start = request.next_unsent;
        let identifier = request.filters.get(start)?.subscription_id;
        let rest = request.filters.iter().zip(&request.results).skip(start);
        let length = rest
            .take_while(|(it, result)| result.is_none() && it.subscription_id == identifier)
            .count();
        Some((request, start..start + length))
    }

    pub(crate) fn mark_sent(&mut self, id: SubscribeId, sent: &Range<usize>) {
        if let Some(request) = self.requests.iter_mut().find(|request| request.id == id) {
            request.next_unsent = sent.end;
        }
    }

    /// Results for a part of a request; the event when it was the last part.
    pub(crate) fn handle_results(
        &mut self,
        id: SubscribeId,
        range: Range<usize>,
        codes: impl IntoIterator<Item = ReasonCode>,
        log: &mut ChangeLog,
    ) -> Option<Event> {
        let index = self.requests.iter().position(|request| request.id == id)?;
        let request = self.requests.get_mut(index)?;
        let mut answered = Vec::new();
        for (at, code) in range.zip(codes) {
            if let (Some(result), Some(asked)) = (request.results.get_mut(at), request.filters.get(at))
                && result.is_none()
            {
                *result = Some(code);
                request.unanswered = request.unanswered.saturating_sub(1);
                answered.push((asked.filter.clone(), code));
            }
        }
        let (kind, done) = (request.kind, request.unanswered == 0);
        self.note(id, kind, answered, log);
        if !done {
            return None;
        }
        let request = self.requests.remove(index)?;
        let results = request.filters.into_iter().zip(request.results);
        let results = results
            .filter_map(|(it, code)| Some((it.filter, code?)))
            .collect();
        Some(match kind {
            RequestKind::Subscribe => Event::Subscribed { id, results },
            RequestKind::Resubscribe => Event::Resubscribed { results },
            RequestKind::Unsubscribe => Event::Unsubscribed { id, results },
        })
    }

    fn note(
        &mut self,
        id: SubscribeId,
        kind: RequestKind,
        answered: Vec<(TopicFilter, ReasonCode)>,
        log: &mut ChangeLog,
    ) {
        for (filter, code) in answered {
            match kind {
                RequestKind::Subscribe | RequestKind::Resubscribe => {
                    // What was asked for again is as the later answer says.
                    if let Some(known) = self.remembered.get_mut(&filter)
                        && known.asked <= id.0
                    {
                        known.status = match code.is_error() {
                            true => SubscriptionStatus::Refused(code),
                            false => SubscriptionStatus::Granted(code),
                        };
                        log.touch(PersistKey::subscription(known.slot));
                    }
                }
                RequestKind::Unsubscribe => {
                    let slot = self
                        .leaving
                        .iter()
                        .find(|(_, left)| **left == filter)
                        .map(|(slot, _)| *slot);
                    if let Some(slot) = slot {
                        self.leaving.remove(&slot);
                        log.touch(PersistKey::subscription(slot));
                    }
                }
            }
        }
    }
}
