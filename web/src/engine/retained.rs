//! Deletes retained messages and brings them back, so many a second.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use hearth_model::store::{MessageRef, NodeId, Retained as Kept, Store};
use hearth_mqtt::{
    MonoTime, Properties, Property, ProtocolVersion, Qos, TopicName,
    session::{ApiMisuse, ApplicationMessage, Event, PublishId, Session},
};

use super::{connection::Connection, input::Now};
use crate::wire::{JobState, RetainedJob, RetainedPlan};

/// Messages without the broker's answer, at most: so many go on after a stop.
const MOST_UNDER_WAY: usize = 64;
/// Deleted messages are kept for bringing them back up to so many bytes; the plan says how many are beyond it.
const UNDO_BYTES: usize = 32 << 20;
/// A job that is further behind than this, in ms, goes on at its rate and does not catch up.
const CATCH_UP_MS: u64 = 100;

/// A message as it was before it was deleted.
#[derive(Debug)]
struct Removed {
    payload: Bytes,
    properties: Properties,
    qos: Qos,
}

impl Removed {
    fn of(message: &MessageRef<'_>) -> Self {
        // These two belong to the way it came [MQTT5-3.3.4-6].
        let own = Properties::read(message.properties).filter(|property| {
            !matches!(
                property,
                Property::TopicAlias(_) | Property::SubscriptionIdentifier(_)
            )
        });
        Self {
            payload: Bytes::copy_from_slice(message.payload),
            // They were read from a packet, so they can be written into one.
            properties: Properties::of(&own.collect::<Vec<_>>()).unwrap_or_default(),
            qos: Qos::from_bits(message.qos).unwrap_or_default(),
        }
    }

    fn cost(&self) -> usize {
        self.payload.len() + self.properties.as_bytes().len()
    }
}

/// What a message costs while it can be brought back.
fn cost(message: &MessageRef<'_>) -> usize {
    message.payload.len() + message.properties.len()
}

#[derive(Debug)]
struct Job {
    shown: RetainedJob,
    todo: VecDeque<NodeId>,
    /// Since when it runs without a break, and how many left since then.
    began: Option<MonoTime>,
    sent: u64,
}

impl Job {
    fn new(todo: VecDeque<NodeId>, per_second: u32, is_undo: bool) -> Self {
        let shown = RetainedJob {
            is_undo,
            all: u32::try_from(todo.len()).unwrap_or(u32::MAX),
            per_second: per_second.max(1),
            ..RetainedJob::default()
        };
        Self {
            shown,
            todo,
            began: None,
            sent: 0,
        }
    }

    /// When the next message may leave.
    fn due_at(&self) -> Option<MonoTime> {
        let began = self.began.filter(|_| !self.todo.is_empty())?;
        Some(began + self.sent * 1_000 / u64::from(self.shown.per_second))
    }

    fn fail(&mut self, why: String) {
        self.shown.failed += 1;
        if self.shown.why.is_empty() {
            self.shown.why = why;
        }
    }
}

/// What is planned, under way and can be brought back.
#[derive(Debug, Default)]
pub struct Retained {
    plan: Option<(Vec<NodeId>, RetainedPlan)>,
    job: Option<Job>,
    under_way: HashMap<PublishId, (NodeId, Option<Removed>)>,
    removed: HashMap<NodeId, Removed>,
    /// With those that are under way.
    removed_bytes: usize,
    changed: bool,
}

impl Retained {
    /// What deleting these would do.
    pub fn plan(&mut self, store: &Store, found: Vec<NodeId>) {
        let mut plan = RetainedPlan {
            count: u32::try_from(found.len()).unwrap_or(u32::MAX),
            ..RetainedPlan::default()
        };
        let mut kept = self.removed_bytes;
        for topic in found.iter().filter_map(|id| store.topic(*id)) {
            let message = topic.last();
            plan.bytes += message.payload_len as u64;
            plan.newer += u32::from(!message.retain);
            if message.is_cut() || kept + cost(&message) > UNDO_BYTES {
                plan.lost += 1;
            } else {
                kept += cost(&message);
            }
        }
        self.plan = Some((found, plan));
        self.changed = true;
    }

    /// Forgets the plan.
    pub fn cancel(&mut self) {
        self.plan = None;
        self.changed = true;
    }

    /// Deletes what was planned, unless something else is under way.
    pub fn delete(&mut self, per_second: u32) {
        if let Some((found, _)) = self.plan.take().filter(|_| !self.is_busy()) {
            self.job = Some(Job::new(found.into(), per_second, false));
        }
        self.changed = true;
    }

    /// Publishes what was deleted again, unless something else is under way.
    pub fn undo(&mut self, per_second: u32) {
        if !self.is_busy() {
            let mut todo: Vec<_> = self.removed.keys().copied().collect();
            hearth_model::order::sort_by_key(&mut todo, |id| *id);
            self.job = Some(Job::new(todo.into(), per_second, true));
        }
        self.changed = true;
    }

    /// Sends no more; what is under way is still counted.
    pub fn stop(&mut self) {
        if let Some(job) = self.job.as_mut().filter(|job| !job.todo.is_empty()) {
            job.todo.clear();
            job.shown.state = JobState::Stopped;
            self.changed = true;
        }
    }

    /// The session is another one: nothing more will be heard of what is under way.
    pub fn leave_session(&mut self) {
        self.stop();
        for (_, before) in std::mem::take(&mut self.under_way).into_values() {
            self.give_back(before);
        }
    }

    fn give_back(&mut self, gone: Option<Removed>) {
        let bytes = gone.map_or(0, |gone| gone.cost());
        self.removed_bytes = self.removed_bytes.saturating_sub(bytes);
    }

    fn is_busy(&self) -> bool {
        let is_running = self.job.as_ref().is_some_and(|job| !job.todo.is_empty());
        is_running || !self.under_way.is_empty()
    }

    /// When the next message is due.
    pub fn poll_timeout(&self) -> Option<MonoTime> {
        let job = self.job.as_ref()?;
        job.due_at().filter(|_| self.under_way.len() < MOST_UNDER_WAY)
    }

    /// Sends what is due.
    pub fn advance(&mut self, now: Now, connection: &mut Connection, store: &mut Store) {
        if self.job.as_ref().is_some_and(|job| !job.todo.is_empty()) {
            self.send_due(now, connection, store);
        }
    }

    #[inline(never)]
    fn send_due(&mut self, now: Now, connection: &mut Connection, store: &mut Store) {
        let is_connected = connection.is_connected();
        let Some(job) = &mut self.job else { return };
        let state = if is_connected {
            JobState::Running
        } else {
            JobState::Waiting
        };
        self.changed |= job.shown.state != state;
        job.shown.state = state;
        if !is_connected {
            job.began = None;
            return;
        }
        if job.due_at().is_none_or(|at| at + CATCH_UP_MS < now.mono) {
            (job.began, job.sent) = (Some(now.mono), 0);
        }
        while self.under_way.len() < MOST_UNDER_WAY {
            let Some(job) = self.job.as_mut() else { return };
            let Some(id) = job
                .due_at()
                .filter(|at| *at <= now.mono)
                .and_then(|_| job.todo.pop_front())
            else {
                break;
            };
            job.sent += 1;
            let Some(session) = connection.session() else {
                return;
            };
            if !self.send(now, session, store, id) {
                break;
            }
            self.changed = true;
        }
        self.note_end();
    }

    /// `false`: not now.
    fn send(&mut self, now: Now, session: &mut Session, store: &Store, id: NodeId) -> bool {
        let Some(job) = &mut self.job else { return false };
        let is_undo = job.shown.is_undo;
        let topic = store.topic(id);
        let is_kept = topic.is_some_and(|topic| topic.retained() == Kept::Kept);
        let (Ok(name), true) = (TopicName::parse(&store.name(id)), is_kept != is_undo) else {
            job.shown.skipped += 1;
            return true;
        };
        let (message, before) = if is_undo {
            let Some(removed) = self.removed.get(&id) else {
                return true;
            };
            let message = ApplicationMessage::new(name, removed.payload.clone())
                .with_properties(removed.properties.clone())
                .with_qos(removed.qos);
            (message, None)
        } else {
            let before = topic
                .map(|topic| topic.last())
                .filter(|message| !message.is_cut() && self.removed_bytes + cost(message) <= UNDO_BYTES);
            let message = ApplicationMessage::new(name, Bytes::new()).with_qos(Qos::AtLeastOnce);
            (message, before.as_ref().map(Removed::of))
        };
        match publish(now, session, message.with_retain(true)) {
            Ok(sent) => {
                self.removed_bytes += before.as_ref().map_or(0, Removed::cost);
                self.under_way.insert(sent, (id, before));
            }
            Err(ApiMisuse::QueueFull { .. } | ApiMisuse::NotConnected) => {
                job.todo.push_front(id);
                (job.began, job.sent) = (Some(now.mono + CATCH_UP_MS), 0);
                return false;
            }
            Err(error) => job.fail(error.to_string()),
        }
        true
    }

    fn note_end(&mut self) {
        let is_over = self.under_way.is_empty();
        if let Some(job) = self.job.as_mut().filter(|job| is_over && job.todo.is_empty())
            && job.shown.state != JobState::Stopped
        {
            self.changed |= job.shown.state != JobState::Done;
            job.shown.state = JobState::Done;
        }
    }

    /// What became of a message of ours.
    pub fn handle_event(&mut self, event: &Event, version: ProtocolVersion, store: &mut Store) {
        let (Event::Published { id, .. } | Event::PublishFailed { id, .. }) = event else {
            return;
        };
        if let Some((topic, before)) = self.under_way.remove(id) {
            self.settle(event, version, store, (topic, before));
        }
    }

    #[inline(never)]
    fn settle(
        &mut self,
        event: &Event,
        version: ProtocolVersion,
        store: &mut Store,
        (topic, before): (NodeId, Option<Removed>),
    ) {
        let Some(job) = &mut self.job else { return };
        self.changed = true;
        if let Event::PublishFailed { reason, .. } = event {
            job.fail(reason.to_string());
            self.give_back(before);
            return self.note_end();
        }
        job.shown.done += 1;
        let is_undo = job.shown.is_undo;
        // A broker of 3.1.1 acknowledges also what it does not allow: there its echo tells.
        if version == ProtocolVersion::V5 {
            store.set_retained(topic, if is_undo { Kept::Kept } else { Kept::Cleared });
        }
        let gone = match before {
            Some(before) => self.removed.insert(topic, before),
            None if is_undo => self.removed.remove(&topic),
            None => None,
        };
        self.give_back(gone);
        self.note_end();
    }

    /// Whether something changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// What is planned.
    #[must_use]
    pub fn planned(&self) -> Option<RetainedPlan> {
        self.plan.as_ref().map(|(_, plan)| *plan)
    }

    /// What is or was done last.
    #[must_use]
    pub fn job(&self) -> Option<RetainedJob> {
        self.job.as_ref().map(|job| job.shown.clone())
    }

    /// How many can be brought back.
    #[must_use]
    pub fn undoable(&self) -> u32 {
        u32::try_from(self.removed.len()).unwrap_or(u32::MAX)
    }
}

/// With the QoS that the broker takes.
fn publish(now: Now, session: &mut Session, message: ApplicationMessage) -> Result<PublishId, ApiMisuse> {
    match session.publish(now.mono, message.clone()) {
        Err(ApiMisuse::QosNotSupported { maximum }) => session.publish(now.mono, message.with_qos(maximum)),
        result => result,
    }
}
