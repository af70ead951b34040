//! Messages on their way to the server: the queue, what is in flight, and when the next may leave.

use std::collections::VecDeque;

use crate::{
    MonoTime, Packet, PacketId, Properties, Property, ProtocolVersion, PublishParts, Qos, ReasonCode,
};

use super::{
    Session,
    event::{ApplicationMessage, Event, PublishFailure, PublishId},
    in_flight::{InFlight, InFlightList, Outgoing, WaitsFor},
    persist::PersistKey,
    state::State,
    timer::earliest,
};

/// Messages on their way to the server.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    queue: VecDeque<Outgoing>,
    queued_bytes: usize,
    queued_qos0: usize,
    next_expiry: Option<MonoTime>,
    next_id: u64,
    next_order: u64,
    pub(crate) in_flight: InFlightList,
}

impl Outbound {
    pub(crate) fn queue(&self) -> impl ExactSizeIterator<Item = &Outgoing> {
        self.queue.iter()
    }

    /// What is held of messages until the server has them: in the queue and in flight.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.queued_bytes + self.in_flight.bytes()
    }

    /// Whether nothing waits to be sent.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.in_flight.next_resend().is_none()
    }

    pub(crate) fn has_queued_qos0(&self) -> bool {
        self.queued_qos0 > 0
    }

    /// When the next queued message expires, or earlier.
    pub(crate) fn next_expiry(&self) -> Option<MonoTime> {
        self.next_expiry
    }

    pub(crate) fn take_id(&mut self) -> PublishId {
        self.next_id = self.next_id.saturating_add(1);
        PublishId(self.next_id)
    }

    /// The highest identifier given out so far.
    pub(crate) fn last_id(&self) -> u64 {
        self.next_id
    }

    /// Identifiers up to this one were given out by an earlier run.
    pub(crate) fn skip_ids(&mut self, last: u64) {
        self.next_id = self.next_id.max(last);
    }

    /// Counts a PUBREC.
    pub(crate) fn take_order(&mut self) -> u64 {
        self.next_order = self.next_order.saturating_add(1);
        self.next_order
    }

    pub(crate) fn skip_orders(&mut self, last: u64) {
        self.next_order = self.next_order.max(last);
    }

    pub(crate) fn push_back(&mut self, outgoing: Outgoing) {
        self.note_queued(&outgoing);
        self.queue.push_back(outgoing);
    }

    fn push_front(&mut self, outgoing: Outgoing) {
        self.note_queued(&outgoing);
        self.queue.push_front(outgoing);
    }

    fn note_queued(&mut self, outgoing: &Outgoing) {
        self.queued_bytes += outgoing.message.cost();
        self.queued_qos0 += usize::from(outgoing.message.qos == Qos::AtMostOnce);
        self.next_expiry = earliest(self.next_expiry, outgoing.expires_at);
    }

    fn note_left(&mut self, outgoing: &Outgoing) {
        self.queued_bytes = self.queued_bytes.saturating_sub(outgoing.message.cost());
        let qos0 = usize::from(outgoing.message.qos == Qos::AtMostOnce);
        self.queued_qos0 = self.queued_qos0.saturating_sub(qos0);
    }

    pub(crate) fn pop_front(&mut self) -> Option<Outgoing> {
        let outgoing = self.queue.pop_front()?;
        self.note_left(&outgoing);
        Some(outgoing)
    }

    /// Takes one message out of the queue.
    pub(crate) fn take_queued(&mut self, id: PublishId) -> Option<Outgoing> {
        let index = self.queue.iter().position(|outgoing| outgoing.id == id)?;
        let outgoing = self.queue.remove(index)?;
        self.note_left(&outgoing);
        Some(outgoing)
    }

    /// Takes all messages out of the queue whose time is over.
    fn take_expired(&mut self, now: MonoTime) -> Vec<Outgoing> {
        if self.next_expiry.is_none_or(|at| now < at) {
            return Vec::new();
        }
        self.next_expiry = None;
        let mut expired = Vec::new();
        for outgoing in std::mem::take(&mut self.queue) {
            if outgoing.expires_at.is_some_and(|at| now >= at) {
                self.note_left(&outgoing);
                expired.push(outgoing);
                continue;
            }
            self.next_expiry = earliest(self.next_expiry, outgoing.expires_at);
            self.queue.push_back(outgoing);
        }
        expired
    }
}

/// The PUBLISH for a message. Properties that 3.1.1 cannot say are left out.
fn publish_for(
    outgoing: &Outgoing,
    packet_id: Option<PacketId>,
    dup: bool,
    version: ProtocolVersion,
) -> PublishParts {
    let ApplicationMessage {
        topic,
        payload,
        qos,
        retain,
        dup: _,
        properties,
    } = &outgoing.message;
    let properties = match version {
        ProtocolVersion::V5 => properties.clone(),
        ProtocolVersion::V311 => Properties::new(),
    };
    PublishParts {
        dup,
        qos: *qos,
        retain: *retain,
        topic: Some(topic.clone()),
        packet_id,
        properties,
        payload: payload.clone(),
    }
}

/// The properties with the Message Expiry Interval that is left after waiting.
fn with_time_left(properties: &Properties, expires_at: MonoTime, now: MonoTime) -> Option<Properties> {
    let asked = properties.message_expiry_interval()?;
    let left = u32::try_from(now.ms_until(expires_at).div_ceil(1000)).unwrap_or(u32::MAX);
    if left >= asked {
        return None;
    }
    let mut rewritten = Properties::new();
    for property in properties {
        let property = match property {
            Property::MessageExpiryInterval(_) => Property::MessageExpiryInterval(left),
            other => other,
        };
        rewritten.push(&property).ok()?;
    }
    Some(rewritten)
}

impl Session {
    /// Sends everything that may leave now: requests, then what is sent again, then what waits.
    pub(crate) fn pump(&mut self, now: MonoTime) {
        self.drop_expired(now);
        self.send_what_may_leave(now);
    }

    /// The same without a look at what has expired: a message may leave at the very moment its time is over.
    pub(crate) fn send_what_may_leave(&mut self, now: MonoTime) {
        while self.may_write() && self.send_next_request(now) {}
        while self.may_write() && self.resend_next(now) {}
        while self.may_write() && self.send_next_queued(now) {}
    }

    fn may_write(&self) -> bool {
        matches!(self.state, State::Connected(_)) && self.transmit.len() < self.options.transmit_bytes_maximum
    }

    /// Drops queued messages whose Message Expiry Interval is over.
    pub(crate) fn drop_expired(&mut self, now: MonoTime) {
        for outgoing in self.outbound.take_expired(now) {
            self.fail_publish(outgoing.id, PublishFailure::Expired);
        }
    }

    /// Ends a message that will not be delivered.
    pub(crate) fn fail_publish(&mut self, id: PublishId, reason: PublishFailure) {
        self.counters.messages_failed += 1;
        self.forget_message(id);
        self.pending_requests.forget(id);
        self.events.push_back(Event::PublishFailed { id, reason });
    }

    /// The message needs no record any more.
    pub(crate) fn forget_message(&mut self, id: PublishId) {
        self.log.touch(PersistKey::message(id));
        self.log.touch(PersistKey::flow(id));
    }

    /// Sends one message again that was in flight when the last network connection ended ([MQTT5-4.4.0-1]).
    fn resend_next(&mut self, now: MonoTime) -> bool {
        let State::Connected(connection) = &self.state else {
            return false;
        };
        // [MQTT5-3.3.4-7] the quota starts anew on every network connection, for what is sent again as well.
        if self.outbound.in_flight.open_flows() >= usize::from(connection.limits.receive_maximum) {
            return false;
        }
        let Some((index, packet_id, outgoing)) = self.outbound.in_flight.next_resend() else {
            return false;
        };
        let id = outgoing.id;
        // [MQTT5-3.3.1-1] DUP says that it was sent before.
        let publish = publish_for(outgoing, Some(packet_id), true, self.version);
        if let Some(reason) = connection.limits.refusal(&publish) {
            self.outbound.in_flight.abandon(index);
            self.fail_publish(id, reason);
            return true;
        }
        if !self.write_parts(now, &publish) {
            self.outbound.in_flight.abandon(index);
            self.fail_publish(id, PublishFailure::TooLarge);
            return true;
        }
        self.outbound.in_flight.mark_resent(index);
        self.counters.messages_resent += 1;
        true
    }

    /// Sends the first message of the queue, if it may leave.
    fn send_next_queued(&mut self, now: MonoTime) -> bool {
        if self.outbound.in_flight.next_resend().is_some() {
            return false;
        }
        let Some(front) = self.outbound.queue.front() else {
            return false;
        };
        if front.message.qos > Qos::AtMostOnce && !self.has_send_quota() {
            return false;
        }
        let Some(outgoing) = self.outbound.pop_front() else {
            return false;
        };
        let id = outgoing.id;
        if outgoing.message.qos == Qos::AtMostOnce {
            // It has a record because it waited; one that leaves at once costs no change of what is stored.
            self.log.touch(PersistKey::message(id));
        }
        match self.send_new(now, outgoing) {
            Sent::Gone => true,
            Sent::NoPacketId(outgoing) => {
                self.outbound.push_front(outgoing);
                false
            }
        }
    }

    /// Whether one more QoS 1 or 2 message may be in flight ([MQTT5-4.9.0-2]).
    fn has_send_quota(&self) -> bool {
        let State::Connected(connection) = &self.state else {
            return false;
        };
        self.outbound.in_flight.open_flows() < usize::from(connection.limits.receive_maximum)
    }

    /// Sends a message for the first time.
    pub(crate) fn send_new(&mut self, now: MonoTime, outgoing: Outgoing) -> Sent {
        let State::Connected(connection) = &self.state else {
            return Sent::NoPacketId(outgoing);
        };
        let id = outgoing.id;
        // [MQTT5-4.3.2-2] [MQTT5-4.3.3-2] DUP is 0 at the first attempt.
        let mut publish = publish_for(&outgoing, PacketId::new(1), false, self.version);
        if let (Some(expires_at), ProtocolVersion::V5) = (outgoing.expires_at, self.version)
            && let Some(rewritten) = with_time_left(&publish.properties, expires_at, now)
        {
            publish.properties = rewritten;
        }
        if publish.qos == Qos::AtMostOnce {
            publish.packet_id = None;
        }
        if let Some(reason) = connection.limits.refusal(&publish) {
            self.fail_publish(id, reason);
            return Sent::Gone;
        }
        let dropped = self.version == ProtocolVersion::V311 && !outgoing.message.properties.is_empty();
        self.counters.properties_left_out += u64::from(dropped);
        if publish.qos == Qos::AtMostOnce {
            self.finish_qos0(now, id, &publish);
            return Sent::Gone;
        }
        let keep = outgoing.clone();
        let Some(packet_id) = self.outbound.in_flight.push(WaitsFor::sent(outgoing)) else {
            return Sent::NoPacketId(keep);
        };
        publish.packet_id = Some(packet_id);
        self.log.touch(PersistKey::flow(id));
        if !self.write_publish(now, &publish) {
            self.outbound.in_flight.undo_push();
            self.fail_publish(id, PublishFailure::TooLarge);
            return Sent::Gone;
        }
        self.counters.messages_sent += 1;
        self.events.push_back(Event::PublishSent { id });
        Sent::Gone
    }

    fn finish_qos0(&mut self, now: MonoTime, id: PublishId, publish: &PublishParts) {
        if !self.write_publish(now, publish) {
            self.fail_publish(id, PublishFailure::TooLarge);
            return;
        }
        self.counters.messages_sent += 1;
        self.events.push_back(Event::Published {
            id,
            reason_code: ReasonCode::SUCCESS,
        });
    }

    /// Writes a PUBLISH, with a topic alias where that is possible.
    fn write_publish(&mut self, now: MonoTime, publish: &PublishParts) -> bool {
        if let State::Connected(connection) = &mut self.state
            && let Some(short) = connection.aliases_out.apply(publish)
            && connection.limits.fits(short.encoded_len(self.version))
            && self.write_parts(now, &short)
        {
            self.note_alias(&short);
            return true;
        }
        self.write_parts(now, publish)
    }

    fn note_alias(&mut self, publish: &PublishParts) {
        if let State::Connected(connection) = &mut self.state {
            connection.aliases_out.note_sent(publish);
        }
    }

    /// The server still has the session: PUBREL again, in the order of the PUBREC packets ([MQTT5-4.6.0-4]); the
    /// messages follow as the quota allows.
    pub(crate) fn resume_flows(&mut self, now: MonoTime) {
        let released = self
            .outbound
            .in_flight
            .iter()
            .filter_map(|entry| match entry.waits_for {
                WaitsFor::Pubcomp { .. } => Some(entry.packet_id),
                _ => None,
            });
        let released: Vec<_> = released.collect();
        for packet_id in released {
            self.write_ack(now, Packet::Pubrel, packet_id, ReasonCode::SUCCESS);
            if !matches!(self.state, State::Connected(_)) {
                return;
            }
        }
    }

    /// The server has no session: what it did not acknowledge is published anew, as new messages.
    pub(crate) fn restart_flows(&mut self) {
        let entries = self.outbound.in_flight.take_all();
        for InFlight {
            packet_id: _,
            waits_for,
        } in entries.into_iter().rev()
        {
            match waits_for {
                WaitsFor::Resend(outgoing) | WaitsFor::Puback(outgoing) | WaitsFor::Pubrec(outgoing) => {
                    self.log.touch(PersistKey::flow(outgoing.id));
                    self.counters.messages_republished += 1;
                    self.outbound.push_front(outgoing);
                }
                // [MQTT5-4.3.3-6] a released message is never sent again.
                WaitsFor::Pubcomp { id, .. } => self.fail_publish(id, PublishFailure::SessionLost),
                WaitsFor::Suback(..) | WaitsFor::Unsuback(..) => {}
            }
        }
    }
}

/// What came of sending a message for the first time.
pub(crate) enum Sent {
    /// It left, or failed with an event.
    Gone,
    /// All packet identifiers are in use, or there is no connection: it must wait.
    NoPacketId(Outgoing),
}
