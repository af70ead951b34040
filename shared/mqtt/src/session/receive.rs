//! What the server's packets do to a session.

use crate::{
    Ack, DecodeError, Disconnect, Frame, MonoTime, Packet, PacketId, ProtocolVersion, Publish, PublishParts,
    Qos, ReasonCode, Role, Suback, TopicName, Unsuback,
};

use super::{
    Session,
    event::{ApplicationMessage, ClosedReason, Event, PublishFailure, PublishId},
    in_flight::WaitsFor,
    inbound::Reception,
    misbehaviour::{Misbehaviour, SessionRule},
    persist::PersistKey,
    state::State,
};

/// Builds one of the four acknowledgements.
pub(crate) type AckPacket = fn(Ack) -> Packet;

/// An acknowledgement that says more than that all is well: fixed header, Packet Identifier, reason code.
const ACK_WITH_REASON_BYTES: usize = 5;

impl Session {
    /// A whole packet before CONNACK was accepted; none when it says that the server speaks another version.
    pub(crate) fn first_packet(
        &mut self,
        now: MonoTime,
        frame: Frame,
    ) -> Result<Option<Packet>, DecodeError> {
        if let Some(reason) = self.fall_back_answer(&frame) {
            self.fall_back(now, reason);
            return Ok(None);
        }
        if let Some(code) = self.older_refusal(&frame) {
            let refused = ClosedReason::ServerRefused {
                code,
                reason_string: None,
                server_reference: None,
            };
            self.close(now, refused, None);
            return Ok(None);
        }
        Packet::decode(self.version, Role::Client, frame).map(Some)
    }

    pub(crate) fn handle_packet(&mut self, now: MonoTime, packet: Packet) {
        self.counters.packets_received += 1;
        match (&self.state, packet) {
            (State::Connected(_), Packet::Publish(publish)) => self.handle_publish(now, publish),
            (_, Packet::Connack(connack)) => self.handle_connack(now, &connack),
            (_, Packet::Auth(auth)) => self.handle_auth(now, &auth),
            (State::AwaitingConnack(_), Packet::Disconnect(_)) => {
                self.misbehaved(now, SessionRule::DisconnectBeforeConnack);
            }
            // [MQTT5-3.2.0-1] nothing but AUTH comes before CONNACK.
            (State::Offline | State::AwaitingConnack(_) | State::Closed, _) => {
                self.misbehaved(now, SessionRule::PacketBeforeConnack);
            }
            (State::Connected(_), Packet::Puback(ack)) => self.handle_puback(now, &ack),
            (State::Connected(_), Packet::Pubrec(ack)) => self.handle_pubrec(now, &ack),
            (State::Connected(_), Packet::Pubrel(ack)) => self.handle_pubrel(now, &ack),
            (State::Connected(_), Packet::Pubcomp(ack)) => self.handle_pubcomp(now, &ack),
            (State::Connected(_), Packet::Suback(suback)) => self.handle_suback(now, suback),
            (State::Connected(_), Packet::Unsuback(unsuback)) => self.handle_unsuback(now, unsuback),
            (State::Connected(_), Packet::Pingresp) => self.handle_pingresp(),
            (State::Connected(_), Packet::Disconnect(disconnect)) => self.handle_disconnect(now, &disconnect),
            // Decoding for a client refuses these already.
            (
                State::Connected(_),
                Packet::Connect(_) | Packet::Subscribe(_) | Packet::Unsubscribe(_) | Packet::Pingreq,
            ) => self.misbehaved(now, SessionRule::PacketNotForClients),
        }
    }

    fn handle_pingresp(&mut self) {
        if let State::Connected(connection) = &mut self.state {
            connection.keep_alive.handle_pong();
        }
    }

    fn handle_publish(&mut self, now: MonoTime, publish: Publish) {
        let State::Connected(connection) = &mut self.state else {
            return;
        };
        let alias = match self.version {
            ProtocolVersion::V5 => publish.properties().topic_alias(),
            ProtocolVersion::V311 => None,
        };
        let mut publish = publish.into_parts();
        let topic = match connection.aliases_in.resolve(publish.topic.take(), alias) {
            Ok(topic) => topic,
            Err(rule) => return self.misbehaved(now, rule),
        };
        match (publish.qos, publish.packet_id) {
            (Qos::AtLeastOnce, Some(id)) => {
                if let Err(rule) = self.check_receive_maximum() {
                    return self.misbehaved(now, rule);
                }
                let code = self.deliver(publish, topic);
                // [MQTT5-4.3.2-4] at once, and so in the order of the PUBLISH packets ([MQTT5-4.6.0-2]).
                self.write_ack(now, Packet::Puback, id, code);
                self.note_end_of_flow();
            }
            (Qos::ExactlyOnce, Some(id)) => self.handle_qos2(now, id, publish, topic),
            (Qos::AtMostOnce, _) | (_, None) => {
                self.deliver(publish, topic);
            }
        }
    }

    fn handle_qos2(&mut self, now: MonoTime, id: PacketId, publish: PublishParts, topic: TopicName) {
        if self.inbound.proves_new_session(id, publish.dup) {
            for void in self.inbound.take_doubtful() {
                self.log.touch(PersistKey::received(void));
            }
            self.events.push_back(Event::MessagesMayBeMissed);
        }
        if !self.inbound.contains(id)
            && let Err(rule) = self.check_receive_maximum()
        {
            return self.misbehaved(now, rule);
        }
        if !self.inbound.contains(id) && self.refuses(&publish) {
            // [MQTT5-4.3.3-9] nothing is kept, so the same identifier is a new message.
            self.counters.messages_refused += 1;
            self.write_ack(now, Packet::Pubrec, id, ReasonCode::PAYLOAD_FORMAT_INVALID);
            return self.note_end_of_flow();
        }
        match self.inbound.handle_publish(id) {
            Reception::New => {
                self.log.touch(PersistKey::received(id));
                self.deliver(publish, topic);
            }
            // [MQTT5-4.3.3-10] until PUBREL the same identifier is the same message.
            Reception::Duplicate => self.counters.duplicates_dropped += 1,
        }
        // [MQTT5-4.3.3-8]
        self.write_ack(now, Packet::Pubrec, id, ReasonCode::SUCCESS);
    }

    /// [MQTT5-3.3.4-9] the server may not have more unacknowledged messages under way than we allow.
    fn check_receive_maximum(&self) -> Result<(), SessionRule> {
        let State::Connected(connection) = &self.state else {
            return Ok(());
        };
        let open = self.inbound.open_flows() + connection.unsent_ends_of_flows;
        let maximum = usize::from(self.options.receive_maximum.max(1));
        match self.version {
            ProtocolVersion::V5 if open >= maximum => Err(SessionRule::ReceiveMaximumExceeded),
            ProtocolVersion::V5 | ProtocolVersion::V311 => Ok(()),
        }
    }

    /// The packet just written lets the server send one more PUBLISH, as soon as it has left.
    fn note_end_of_flow(&mut self) {
        if let State::Connected(connection) = &mut self.state {
            self.transmit.note_end_of_flow();
            connection.unsent_ends_of_flows += 1;
        }
    }

    /// Whether the payload is not what its Payload Format Indicator says, and that matters to the owner.
    fn refuses(&self, publish: &PublishParts) -> bool {
        self.options.refuse_wrong_payload_format
            && publish.properties.payload_format_indicator() == Some(1)
            && std::str::from_utf8(&publish.payload).is_err()
    }

    /// Hands a message to the owner, unless it is refused.
    fn deliver(&mut self, publish: PublishParts, topic: TopicName) -> ReasonCode {
        if self.refuses(&publish) {
            self.counters.messages_refused += 1;
            return ReasonCode::PAYLOAD_FORMAT_INVALID;
        }
        self.counters.messages_received += 1;
        let message = ApplicationMessage::received(publish, topic);
        self.events
            .push_back(match self.pending_requests.take_answered(&message) {
                Some(id) => Event::Response { id, message },
                None => Event::Message(message),
            });
        ReasonCode::SUCCESS
    }

    fn handle_puback(&mut self, now: MonoTime, ack: &Ack) {
        let Some(index) = self.outbound.in_flight.position(ack.packet_id) else {
            return self.unsolicited();
        };
        let Some(WaitsFor::Puback(outgoing) | WaitsFor::Pubrec(outgoing) | WaitsFor::Resend(outgoing)) =
            self.outbound.in_flight.get(index).map(|entry| &entry.waits_for)
        else {
            return self.wrong_answer(now, index);
        };
        let (id, qos) = (outgoing.id, outgoing.message.qos);
        let mut ack = ack.clone();
        match (qos, self.version) {
            (Qos::ExactlyOnce, ProtocolVersion::V5) => {
                return self.wrong_answer(now, index);
            }
            // RabbitMQ up to 3.12 takes QoS 2 as QoS 1 and has no other way to say so. Closing would only send it again.
            (Qos::ExactlyOnce, ProtocolVersion::V311) => {
                self.counters.taken_at_qos_1 += 1;
                ack.reason_code = ReasonCode::GRANTED_QOS_1;
            }
            (Qos::AtMostOnce | Qos::AtLeastOnce, _) => {}
        }
        self.outbound.in_flight.remove(index);
        self.finish_publish(id, &ack);
        self.pump(now);
    }

    fn handle_pubrec(&mut self, now: MonoTime, ack: &Ack) {
        let Some(index) = self.outbound.in_flight.position(ack.packet_id) else {
            self.unsolicited();
            // The server may hold a message that we know nothing of: release it, so that it does not ask for ever.
            if !ack.reason_code.is_error() {
                self.write_ack(
                    now,
                    Packet::Pubrel,
                    ack.packet_id,
                    ReasonCode::PACKET_IDENTIFIER_NOT_FOUND,
                );
            }
            return;
        };
        let id = match self.outbound.in_flight.get(index).map(|entry| &entry.waits_for) {
            Some(WaitsFor::Pubrec(outgoing)) => outgoing.id,
            Some(WaitsFor::Resend(outgoing)) if outgoing.message.qos == Qos::ExactlyOnce => outgoing.id,
            // A change of mind ends the exchange ([MQTT5-4.3.3-4] asks for PUBREL below 0x80 only).
            Some(WaitsFor::Pubcomp { id, .. }) if ack.reason_code.is_error() => *id,
            // It missed our PUBREL, or repeats itself.
            Some(WaitsFor::Pubcomp { .. }) => {
                return self.write_ack(now, Packet::Pubrel, ack.packet_id, ReasonCode::SUCCESS);
            }
            _ => return self.wrong_answer(now, index),
        };
        if ack.reason_code.is_error() {
            // [MQTT5-4.4.0-2] an error ends the exchange.
            self.outbound.in_flight.remove(index);
            self.finish_publish(id, ack);
            return self.pump(now);
        }
        let order = self.outbound.take_order();
        self.outbound
            .in_flight
            .move_to_end(index, WaitsFor::Pubcomp { id, order });
        self.forget_message(id);
        // [MQTT5-4.3.3-4] [MQTT5-4.6.0-4]
        self.write_ack(now, Packet::Pubrel, ack.packet_id, ReasonCode::SUCCESS);
    }

    fn handle_pubcomp(&mut self, now: MonoTime, ack: &Ack) {
        let Some(index) = self.outbound.in_flight.position(ack.packet_id) else {
            return self.unsolicited();
        };
        let Some(WaitsFor::Pubcomp { id, .. }) =
            self.outbound.in_flight.get(index).map(|entry| &entry.waits_for)
        else {
            return self.wrong_answer(now, index);
        };
        let id = *id;
        self.outbound.in_flight.remove(index);
        self.forget_message(id);
        self.counters.messages_acknowledged += 1;
        // 0x92 is no error here: after a reconnect the server may have finished already.
        self.events.push_back(Event::Published {
            id,
            reason_code: ack.reason_code,
        });
        self.pump(now);
    }

    /// PUBACK, or PUBREC with an error: the message is done, well or not.
    fn finish_publish(&mut self, id: PublishId, ack: &Ack) {
        if ack.reason_code.is_error() {
            let reason_string = ack.properties.reason_string().map(Into::into);
            return self.fail_publish(
                id,
                PublishFailure::Refused {
                    reason_code: ack.reason_code,
                    reason_string,
                },
            );
        }
        self.forget_message(id);
        self.counters.messages_acknowledged += 1;
        self.events.push_back(Event::Published {
            id,
            reason_code: ack.reason_code,
        });
    }

    fn handle_pubrel(&mut self, now: MonoTime, ack: &Ack) {
        // [MQTT5-4.3.3-11] always PUBCOMP; 0x92 where we know of no such message.
        let counted = self.inbound.open_flows();
        let code = if self.inbound.handle_pubrel(ack.packet_id) {
            self.log.touch(PersistKey::received(ack.packet_id));
            ReasonCode::SUCCESS
        } else {
            ReasonCode::PACKET_IDENTIFIER_NOT_FOUND
        };
        self.write_ack(now, Packet::Pubcomp, ack.packet_id, code);
        if self.inbound.open_flows() < counted {
            self.note_end_of_flow();
        }
    }

    fn handle_suback(&mut self, now: MonoTime, suback: Suback) {
        let Some(index) = self.outbound.in_flight.position(suback.packet_id) else {
            return self.unsolicited();
        };
        let (id, range) = match self.outbound.in_flight.get(index).map(|entry| &entry.waits_for) {
            Some(WaitsFor::Suback(id, range)) => (*id, range.clone()),
            _ => return self.wrong_answer(now, index),
        };
        // [MQTT5-3.8.4-6] [MQTT5-3.9.3-1] one reason code per filter, in order.
        if suback.reason_codes.len() != range.len() {
            return self.misbehaved(now, SessionRule::ResultCount);
        }
        self.outbound.in_flight.remove(index);
        self.answer_request(id, range, suback.reason_codes);
        self.pump(now);
    }

    fn handle_unsuback(&mut self, now: MonoTime, unsuback: Unsuback) {
        let Some(index) = self.outbound.in_flight.position(unsuback.packet_id) else {
            return self.unsolicited();
        };
        let (id, range) = match self.outbound.in_flight.get(index).map(|entry| &entry.waits_for) {
            Some(WaitsFor::Unsuback(id, range)) => (*id, range.clone()),
            _ => return self.wrong_answer(now, index),
        };
        let codes = match self.version {
            // [MQTT5-3.11.3-1] one reason code per filter, in order.
            ProtocolVersion::V5 => unsuback.reason_codes,
            ProtocolVersion::V311 => vec![ReasonCode::SUCCESS; range.len()],
        };
        if codes.len() != range.len() {
            return self.misbehaved(now, SessionRule::UnsubscribeResultCount);
        }
        self.outbound.in_flight.remove(index);
        self.answer_request(id, range, codes);
        self.pump(now);
    }

    fn handle_disconnect(&mut self, now: MonoTime, disconnect: &Disconnect) {
        let reason_string = disconnect.properties.reason_string().map(Into::into);
        let reason = match disconnect.reason_code {
            ReasonCode::SESSION_TAKEN_OVER => ClosedReason::TakenOver { reason_string },
            code => ClosedReason::Server {
                code,
                reason_string,
                server_reference: disconnect.properties.server_reference().map(Into::into),
            },
        };
        self.close(now, reason, None);
    }

    /// An acknowledgement of another kind than the entry at `index` waits for.
    fn wrong_answer(&mut self, now: MonoTime, index: usize) {
        if let Some(entry) = self.outbound.in_flight.get(index) {
            let rule = entry.waits_for.rule();
            self.misbehaved(now, rule);
        }
    }

    /// An acknowledgement for nothing: counted, and no reason to stop.
    fn unsolicited(&mut self) {
        self.counters.unsolicited_acknowledgements += 1;
    }

    /// Writes one of the four acknowledgements.
    pub(crate) fn write_ack(&mut self, now: MonoTime, packet: AckPacket, id: PacketId, code: ReasonCode) {
        let code = match (&self.state, self.version) {
            // [MQTT5-3.2.2-15] no packet above the server's maximum: the shortest form has no reason code.
            (State::Connected(connection), ProtocolVersion::V5)
                if !connection.limits.fits(ACK_WITH_REASON_BYTES) =>
            {
                ReasonCode::SUCCESS
            }
            (_, ProtocolVersion::V5) => code,
            // 3.1.1 has no reason codes.
            (_, ProtocolVersion::V311) => ReasonCode::SUCCESS,
        };
        let before = self.transmit.len();
        self.write(now, &packet(Ack::with_reason(id, code)));
        let bytes = self.transmit.len().saturating_sub(before);
        self.transmit.note_acknowledging(bytes);
        if self.transmit.acknowledging_bytes() > self.options.transmit_bytes_maximum {
            self.close(now, ClosedReason::TakesNothing, None);
        }
    }

    pub(crate) fn misbehaved(&mut self, now: MonoTime, rule: SessionRule) {
        self.close_misbehaved(now, Misbehaviour::Session(rule, self.version));
    }

    /// [MQTT5-4.13.1-1] 5.0 says why and closes; 3.1.1 only closes ([MQTT311-4.8.0-1]).
    pub(crate) fn close_misbehaved(&mut self, now: MonoTime, fault: Misbehaviour) {
        let disconnect = match self.version {
            ProtocolVersion::V5 => Some(Disconnect::with_reason(fault.reason_code())),
            ProtocolVersion::V311 => None,
        };
        self.close(now, ClosedReason::ServerMisbehaved(fault), disconnect);
    }
}
