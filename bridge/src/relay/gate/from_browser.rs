//! What a browser sends, packet by packet.

use hearth_model::api::close;
use hearth_mqtt::{
    Bytes, BytesMut, Frame, Packet, PacketId, PacketType, Properties, Property, PropertyId, ProtocolVersion,
    Publish, Qos, ReasonCode, Role, Suback, Subscribe,
};

use super::{
    Close, Gate, Refusal, Stage, ack,
    connect::Verdict,
    flow::{Flow, Passed},
    head::{Head, is},
};

/// What is reserved at least for a packet that comes in pieces. What has arrived bounds what is held, not what a header claims.
const RESERVE: usize = 1024;

/// How many bytes a packet that comes in pieces must grow by to be taken for one that goes on.
pub(super) const STEP: usize = 16 * 1024;

/// The type CONNECT with its flags, which must be 0 [MQTT5-2.1.3-1].
const CONNECT: u8 = 0x10;

/// What may not even be held until it is whole.
enum BadHead {
    NotConnect,
    TooLarge,
    /// Each filter is judged, and a packet has room for half a million of them: meanwhile everybody else waits.
    TooManyFilters,
    Length,
}

impl Gate {
    /// Takes what the browser sent; what goes on to the broker comes out. After an error nothing more may be handed in: the browser
    /// gets [`Gate::take_for_browser`] and the close.
    pub(crate) fn handle_browser(&mut self, bytes: &[u8]) -> (Passed, Result<(), Close>) {
        let mut flow = Flow::new(bytes);
        let result = self.read_browser(&mut flow);
        (flow.finish(), result)
    }

    fn read_browser(&mut self, flow: &mut Flow<'_>) -> Result<(), Close> {
        let input = flow.input;
        let mut at = 0;
        // Copied once per read, and only when a packet must be decoded.
        let mut shared = None;
        while let Some(rest) = input.get(at..).filter(|rest| !rest.is_empty()) {
            if self.said_disconnect {
                // [MQTT5-3.14.4-1] [MQTT311-3.14.4-2]
                return Ok(());
            }
            if !self.held.is_empty() {
                at += self.hold(rest, flow)?;
                continue;
            }
            let total = self.measure(rest).map_err(|bad| self.refuse_head(&bad))?;
            let Some(total) = total.filter(|total| *total <= rest.len()) else {
                self.held.extend_from_slice(rest);
                return self.share_what_is_held();
            };
            let packet = at..at + total;
            at = packet.end;
            if !self.must_decode(rest) {
                flow.pass(packet);
                continue;
            }
            let shared = shared.get_or_insert_with(|| Bytes::copy_from_slice(input));
            match self.judge_browsers(shared.slice(packet.clone()))? {
                Verdict::Pass => flow.pass(packet),
                Verdict::Instead(bytes) => flow.put(&bytes),
                Verdict::Swallow => self.ping_instead(flow),
            }
        }
        Ok(())
    }

    /// Takes what the held packet still needs, and lets it go when it is whole. Says how many bytes were taken.
    fn hold(&mut self, rest: &[u8], flow: &mut Flow<'_>) -> Result<usize, Close> {
        // While its length is not known, a byte at a time.
        let total = self.measure(&self.held).map_err(|bad| self.refuse_head(&bad))?;
        let missing = total.map_or(1, |total| total.saturating_sub(self.held.len()));
        let taken = missing.min(rest.len());
        let doubled = missing.min(self.held.len().max(RESERVE));
        self.held.reserve_exact(taken.max(doubled));
        self.share_what_is_held()?;
        self.held.extend_from_slice(rest.get(..taken).unwrap_or_default());
        let total = self.measure(&self.held).map_err(|bad| self.refuse_head(&bad))?;
        if total == Some(self.held.len()) {
            let packet = std::mem::take(&mut self.held);
            self.completed += 1;
            self.share_what_is_held()?;
            self.release(packet, flow)?;
        }
        Ok(taken)
    }

    /// What is held counts among what all gates hold.
    fn share_what_is_held(&mut self) -> Result<(), Close> {
        match self.share.set(self.held.capacity()) {
            true => Ok(()),
            false => Err(self.no_room()),
        }
    }

    fn release(&mut self, packet: Vec<u8>, flow: &mut Flow<'_>) -> Result<(), Close> {
        if !self.must_decode(&packet) {
            flow.put_owned(packet);
            return Ok(());
        }
        let packet = Bytes::from(packet);
        match self.judge_browsers(packet.clone())? {
            // Nothing of it was kept: the memory is taken over, not copied.
            Verdict::Pass => flow.put_owned(Vec::from(packet)),
            Verdict::Instead(bytes) => flow.put(&bytes),
            Verdict::Swallow => self.ping_instead(flow),
        }
        Ok(())
    }

    /// Bytes of the packet that begins here; `None` when that cannot be known yet.
    fn measure(&self, bytes: &[u8]) -> Result<Option<usize>, BadHead> {
        let is_first = self.stage == Stage::AwaitingConnect;
        if is_first && bytes.first().is_some_and(|first| *first != CONNECT) {
            return Err(BadHead::NotConnect);
        }
        match Head::read(bytes) {
            Head::Incomplete => Ok(None),
            Head::TooLong if is_first => Err(BadHead::NotConnect),
            Head::TooLong => Err(BadHead::Length),
            Head::Whole { header, .. } if is_first && header.remaining_length == 0 => {
                Err(BadHead::NotConnect)
            }
            Head::Whole { header, len } => match len + header.remaining_length as usize {
                total if total > self.max_packet_bytes => Err(BadHead::TooLarge),
                total if total > self.max_subscribe_bytes && holds_filters(header.first_byte) => {
                    Err(BadHead::TooManyFilters)
                }
                total => Ok(Some(total)),
            },
        }
    }

    fn refuse_head(&mut self, bad: &BadHead) -> Close {
        match bad {
            BadHead::NotConnect => {
                let words = "the first packet is not an MQTT CONNECT";
                self.refusals.add(Refusal::BadPacket, || words.to_owned());
                Close::new(close::NOT_MQTT, words)
            }
            BadHead::TooLarge => {
                self.too_large(format!("a packet of more than {} bytes", self.max_packet_bytes))
            }
            BadHead::TooManyFilters => self.too_large(format!(
                "a SUBSCRIBE or UNSUBSCRIBE of more than {} bytes: ask in several",
                self.max_subscribe_bytes
            )),
            BadHead::Length => {
                self.protocol_error(ReasonCode::MALFORMED_PACKET, "a Remaining Length of five bytes")
            }
        }
    }

    /// Who only signs in looks at few packets; who has users looks at all.
    fn must_decode(&self, packet: &[u8]) -> bool {
        let first = packet.first().copied().unwrap_or_default();
        let few = [PacketType::Connect, PacketType::Auth, PacketType::Disconnect];
        self.permissions.is_some() || few.into_iter().any(|packet| is(first, packet))
    }

    fn judge_browsers(&mut self, packet: Bytes) -> Result<Verdict, Close> {
        let Head::Whole { header, len } = Head::read(&packet) else {
            return Ok(Verdict::Swallow);
        };
        let frame = Frame {
            header,
            body: packet.slice(len..),
        };
        drop(packet);
        if self.stage == Stage::AwaitingConnect {
            return self.judge_connect(frame);
        }
        let packet =
            Packet::decode(self.version, Role::Server, frame).map_err(|error| self.bad_packet(&error))?;
        match packet {
            // [MQTT5-3.1.0-2] [MQTT311-3.1.0-2]
            Packet::Connect(_) => Err(self.protocol_error(ReasonCode::PROTOCOL_ERROR, "a second CONNECT")),
            Packet::Publish(publish) => self.judge_publish(&publish),
            Packet::Pubrel(pubrel) if self.refused_ids.remove(pubrel.packet_id.get()) => {
                let pubcomp = ack(pubrel.packet_id, ReasonCode::SUCCESS);
                self.tell_browser(&Packet::Pubcomp(pubcomp))?;
                Ok(Verdict::Swallow)
            }
            Packet::Subscribe(subscribe) => self.judge_subscribe(subscribe),
            Packet::Disconnect(_) => {
                self.said_disconnect = true;
                Ok(Verdict::Pass)
            }
            Packet::Pingreq => {
                self.keep_alive.note_browsers();
                Ok(Verdict::Pass)
            }
            // [MQTT5-4.12.0-7] the browser named no method, the bridge did.
            Packet::Auth(_) if self.injects => Err(self.protocol_error(
                ReasonCode::PROTOCOL_ERROR,
                "AUTH without an Authentication Method",
            )),
            Packet::Auth(_)
            | Packet::Puback(_)
            | Packet::Pubrec(_)
            | Packet::Pubrel(_)
            | Packet::Pubcomp(_)
            | Packet::Unsubscribe(_) => Ok(Verdict::Pass),
            // Never from a client: decoding has refused them.
            Packet::Connack(_) | Packet::Suback(_) | Packet::Unsuback(_) | Packet::Pingresp => {
                Ok(Verdict::Swallow)
            }
        }
    }

    fn judge_publish(&mut self, publish: &Publish) -> Result<Verdict, Close> {
        let alias = match publish.properties().find(PropertyId::TopicAlias) {
            Some(Property::TopicAlias(alias)) => Some(alias),
            Some(_) | None => None,
        };
        let allowed = match (publish.topic(), alias) {
            (Some(topic), alias) => {
                let allowed = self.may_publish(topic);
                if let Some(alias) = alias {
                    self.aliases_up.set(alias, allowed);
                }
                if !allowed {
                    self.refusals.add(Refusal::Publish, || topic.to_owned());
                }
                allowed
            }
            (None, alias) => {
                // [MQTT5-3.3.2-7]
                let Some(allowed) = alias.and_then(|alias| self.aliases_up.get(alias)) else {
                    return Err(self.protocol_error(ReasonCode::PROTOCOL_ERROR, "an unknown Topic Alias"));
                };
                if !allowed {
                    self.refusals.add(Refusal::Publish, || "a Topic Alias".to_owned());
                }
                allowed
            }
        };
        if allowed {
            if let Some(packet_id) = publish.packet_id {
                self.refused_ids.remove(packet_id.get());
            }
            return Ok(Verdict::Pass);
        }
        self.refuse_publish(publish.qos, publish.packet_id)?;
        Ok(Verdict::Swallow)
    }

    /// 5.0 says no; 3.1.1 has no word for it, and the message is acknowledged and dropped [MQTT311-3.3.5-2].
    fn refuse_publish(&mut self, qos: Qos, packet_id: Option<PacketId>) -> Result<(), Close> {
        let Some(packet_id) = packet_id else {
            return Ok(());
        };
        let code = match self.version {
            ProtocolVersion::V5 => ReasonCode::NOT_AUTHORIZED,
            ProtocolVersion::V311 => ReasonCode::SUCCESS,
        };
        let answer = match qos {
            Qos::AtMostOnce => return Ok(()),
            Qos::AtLeastOnce => Packet::Puback(ack(packet_id, code)),
            Qos::ExactlyOnce => {
                if !self.version.is_v5() {
                    self.refused_ids.insert(packet_id.get());
                }
                Packet::Pubrec(ack(packet_id, code))
            }
        };
        self.tell_browser(&answer)
    }

    fn judge_subscribe(&mut self, mut subscribe: Subscribe) -> Result<Verdict, Close> {
        let id = subscribe.packet_id;
        if self.asked_ids.contains(id.get()) {
            // [MQTT5-2.2.1-3] [MQTT311-2.3.1-2] of two answers with one identifier nobody could say which is which.
            let words = "a SUBSCRIBE with the Packet Identifier of one that is not answered yet";
            return Err(self.protocol_error(ReasonCode::PROTOCOL_ERROR, words));
        }
        let mut allowed = Vec::with_capacity(subscribe.filters.len());
        for (filter, _) in subscribe.filters.iter() {
            // A shared subscription asks for what its last part matches.
            let is_allowed = self.may_subscribe(filter.matched_part());
            if !is_allowed {
                self.refusals
                    .add(Refusal::Subscribe, || filter.as_str().to_owned());
            }
            allowed.push(is_allowed);
        }
        if !allowed.contains(&false) {
            self.asked_ids.insert(id.get());
            return Ok(Verdict::Pass);
        }
        if !allowed.contains(&true) || !self.partly_refused.insert(id, &allowed) {
            self.refuse_subscribe(id, &allowed)?;
            return Ok(Verdict::Swallow);
        }
        self.asked_ids.insert(id.get());
        let kept = subscribe.filters.iter().zip(&allowed);
        subscribe.filters = kept
            .filter_map(|(filter, allowed)| allowed.then_some(filter))
            .collect();
        let mut bytes = BytesMut::new();
        match Packet::Subscribe(subscribe).encode(self.version, &mut bytes) {
            Ok(()) => Ok(Verdict::Instead(bytes)),
            Err(error) => Err(self.protocol_error(ReasonCode::PROTOCOL_ERROR, &error.to_string())),
        }
    }

    /// SUBACK of the gate's own: nothing of it goes to the broker.
    fn refuse_subscribe(&mut self, packet_id: PacketId, allowed: &[bool]) -> Result<(), Close> {
        let code = |allowed: &bool| match (self.version, allowed) {
            (ProtocolVersion::V5, false) => ReasonCode::NOT_AUTHORIZED,
            (ProtocolVersion::V5, true) => ReasonCode::QUOTA_EXCEEDED,
            (ProtocolVersion::V311, _) => ReasonCode::UNSPECIFIED_ERROR,
        };
        let suback = Suback {
            packet_id,
            reason_codes: allowed.iter().map(code).collect(),
            properties: Properties::new(),
        };
        self.tell_browser(&Packet::Suback(suback))
    }

    /// The broker hears that the browser is alive, though what it sent was refused.
    fn ping_instead(&mut self, flow: &mut Flow<'_>) {
        if self.stage == Stage::Connected && self.keep_alive.ask() {
            flow.put(&[(PacketType::Pingreq as u8) << 4, 0]);
        }
    }
}

fn holds_filters(first_byte: u8) -> bool {
    is(first_byte, PacketType::Subscribe) || is(first_byte, PacketType::Unsubscribe)
}
