//! Session state out to records and back.

use std::collections::BinaryHeap;

use bytes::Bytes;

use crate::{MonoTime, Qos};

use super::{
    Held, Session, SessionOptions,
    event::PublishId,
    in_flight::{Outgoing, WaitsFor},
    persist::{
        FlowRecord, HeaderRecord, MessageRecord, PersistBatch, PersistChange, PersistKey, Record,
        RestoreError, SubscriptionRecord,
    },
    state::State,
};

/// Sorted by a heap: a session is restored once, and the standard library's sort is 5 KB of the page for each type.
fn in_order<T: Ord>(items: Vec<T>) -> Vec<T> {
    BinaryHeap::from(items).into_sorted_vec()
}

impl Session {
    /// Changes to store, in one transaction, before the packets that rely on them may leave.
    ///
    /// Handle all of [`Session::poll_event`] first, and store what came of it in the same transaction: then a killed
    /// program neither loses nor repeats a QoS 2 message. Confirm with [`Session::handle_persisted`].
    pub fn poll_persist(&mut self) -> Option<PersistBatch> {
        let (token, changed) = self.log.close_batch()?;
        // What is not there any more is to be deleted.
        let mut changes: Vec<_> = changed.into_iter().map(PersistChange::Delete).collect();
        self.collect(&mut |key, record| {
            if let Ok(at) = changes.binary_search_by_key(&key, PersistChange::key)
                && let (Some(change), Some(bytes)) = (changes.get_mut(at), record().encode())
            {
                *change = PersistChange::Put(key, bytes);
            }
        });
        Some(PersistBatch { token, changes })
    }

    /// All records as they are now, for a first store or a move.
    #[must_use]
    pub fn export(&self) -> Vec<(PersistKey, Bytes)> {
        let mut all = Vec::new();
        self.collect(&mut |key, record| all.extend(record().encode().map(|bytes| (key, bytes))));
        in_order(all)
    }

    /// Names every record there is, with a way to make it.
    fn collect(&self, put: &mut dyn FnMut(PersistKey, &dyn Fn() -> Record)) {
        put(PersistKey::HEADER, &|| Record::Header(self.header()));
        for outgoing in self.outbound.queue() {
            put(PersistKey::message(outgoing.id), &|| {
                self.message_record(outgoing)
            });
        }
        for entry in self.outbound.in_flight.iter() {
            match &entry.waits_for {
                WaitsFor::Resend(it) | WaitsFor::Puback(it) | WaitsFor::Pubrec(it) => {
                    put(PersistKey::message(it.id), &|| self.message_record(it));
                    let flow = FlowRecord::Acknowledgement(entry.packet_id);
                    put(PersistKey::flow(it.id), &|| Record::Flow(it.id.0, flow));
                }
                WaitsFor::Pubcomp { id, order } => {
                    let flow = FlowRecord::Completion(entry.packet_id, *order);
                    put(PersistKey::flow(*id), &|| Record::Flow(id.0, flow));
                }
                WaitsFor::Suback(..) | WaitsFor::Unsuback(..) => {}
            }
        }
        for id in self.inbound.unreleased() {
            put(PersistKey::received(id), &|| Record::Received(id));
        }
        for known in self.subscriptions.remembered() {
            put(PersistKey::subscription(known.slot), &|| {
                let record = SubscriptionRecord::Wanted(known.subscription.clone(), known.status);
                Record::Subscription(known.slot, record)
            });
        }
        for (slot, filter) in self.subscriptions.leaving() {
            put(PersistKey::subscription(slot), &|| {
                Record::Subscription(slot, SubscriptionRecord::Leaving(filter.clone()))
            });
        }
    }

    fn header(&self) -> HeaderRecord {
        HeaderRecord {
            client_id: self.client_id().to_owned(),
            assigned: self.options.client_id.is_empty(),
            held: self.held.is_some(),
            // A program that ends here does not hear the answer either.
            doubtful: self.held == Held::Doubtful || matches!(self.state, State::AwaitingConnack(_)),
            left_over: self.inbound.has_doubtful(),
            last_id: self.outbound.last_id(),
        }
    }

    fn message_record(&self, outgoing: &Outgoing) -> Record {
        let expires_at_ms = outgoing
            .expires_at
            .map(|at| self.timeline.to_caller(at).ms)
            .map(|ms| ms.saturating_add(self.options.calendar_at_zero_ms));
        let message = MessageRecord {
            message: outgoing.message.clone(),
            expires_at_ms,
        };
        Record::Message(outgoing.id.0, message)
    }

    /// A session that goes on where the one that wrote these records stopped.
    ///
    /// No records make a new session.
    ///
    /// # Errors
    /// The records are damaged, of a newer format, or of another client. Nothing of them is used then; the caller
    /// decides whether to start anew.
    pub fn restore(
        options: SessionOptions,
        records: impl IntoIterator<Item = (PersistKey, Bytes)>,
    ) -> Result<Self, RestoreError> {
        let mut session = Self::new(options);
        let mut header = None;
        let (mut messages, mut flows) = (Vec::new(), Vec::new());
        // Messages and flows come in the order of their ids then.
        let records = in_order(records.into_iter().collect());
        let any = !records.is_empty();
        for (key, bytes) in records {
            match Record::decode(key, &bytes)? {
                Record::Header(record) => header = Some(record),
                Record::Message(id, record) => messages.push((id, Some(record))),
                Record::Flow(id, record) => flows.push((id, record)),
                Record::Received(id) => session.inbound.restore(id),
                Record::Subscription(slot, SubscriptionRecord::Wanted(subscription, status)) => {
                    session.subscriptions.restore(slot, subscription, status);
                }
                Record::Subscription(slot, SubscriptionRecord::Leaving(filter)) => {
                    session.subscriptions.restore_leaving(slot, filter);
                }
            }
        }
        match header {
            Some(header) => session.restore_header(header)?,
            None if any => return Err(RestoreError::NoHeader),
            None => return Ok(session),
        }
        session.restore_messages(messages, flows)?;
        session.subscriptions.finish_restore();
        Ok(session)
    }

    fn restore_header(&mut self, header: HeaderRecord) -> Result<(), RestoreError> {
        let ours = &self.options.client_id;
        let same = if header.assigned {
            ours.is_empty()
        } else {
            *ours == header.client_id
        };
        if !same {
            return Err(RestoreError::OtherClient);
        }
        if header.assigned && !header.client_id.is_empty() {
            self.assigned_client_id = Some(header.client_id);
        }
        self.held = match (header.held, header.doubtful) {
            (true, true) => Held::Doubtful,
            (true, false) => Held::State,
            (false, _) => Held::Unknown,
        };
        if header.left_over {
            self.inbound.doubt();
        }
        self.outbound.skip_ids(header.last_id);
        Ok(())
    }

    fn restore_messages(
        &mut self,
        mut messages: Vec<(u64, Option<MessageRecord>)>,
        flows: Vec<(u64, FlowRecord)>,
    ) -> Result<(), RestoreError> {
        let last_message = messages.last().map_or(0, |(id, _)| *id);
        let last_flow = flows.last().map_or(0, |(id, _)| *id);
        self.outbound.skip_ids(last_message.max(last_flow));
        let mut released = Vec::new();
        for (id, flow) in flows {
            let id = PublishId(id);
            let damaged = RestoreError::Damaged(PersistKey::flow(id).as_u64());
            match flow {
                FlowRecord::Acknowledgement(packet_id) => {
                    let at = messages.binary_search_by_key(&id.0, |(id, _)| *id);
                    let message = at.ok().and_then(|at| messages.get_mut(at)?.1.take());
                    let outgoing = self.outgoing(id, message.ok_or(damaged)?);
                    if outgoing.message.qos == Qos::AtMostOnce
                        || !self
                            .outbound
                            .in_flight
                            .restore(packet_id, WaitsFor::Resend(outgoing))
                    {
                        return Err(damaged);
                    }
                }
                FlowRecord::Completion(packet_id, order) => released.push((order, packet_id, id)),
            }
        }
        // PUBREL goes out in the order of the PUBREC packets ([MQTT5-4.6.0-4]).
        for (order, packet_id, id) in in_order(released) {
            self.outbound.skip_orders(order);
            if !self
                .outbound
                .in_flight
                .restore(packet_id, WaitsFor::Pubcomp { id, order })
            {
                return Err(RestoreError::Damaged(PersistKey::flow(id).as_u64()));
            }
        }
        for (id, record) in messages {
            if let Some(record) = record {
                let outgoing = self.outgoing(PublishId(id), record);
                self.outbound.push_back(outgoing);
            }
        }
        Ok(())
    }

    fn outgoing(&self, id: PublishId, record: MessageRecord) -> Outgoing {
        let zero = self.options.calendar_at_zero_ms;
        let expires_at = record
            .expires_at_ms
            .map(|at| MonoTime::from_ms(at.saturating_sub(zero)));
        Outgoing {
            id,
            message: record.message,
            expires_at,
        }
    }
}
