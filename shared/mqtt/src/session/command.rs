//! What the owner may ask of a session. Commands fail only when the caller erred.

use bytes::Bytes;

use crate::{
    Auth, Disconnect, MonoTime, Packet, PacketType, Properties, Property, PropertyId, ProtocolVersion,
    PublishParts, Qos, ReasonCode, TopicFilter,
};

use super::{
    Session,
    event::{ApplicationMessage, ClosedReason, PublishFailure, PublishId, SubscribeId},
    in_flight::Outgoing,
    misuse::ApiMisuse,
    options::Secret,
    outbound::Sent,
    persist::PersistKey,
    state::{AuthExchange, State},
    subscriptions::Subscription,
};

/// Largest value of a Variable Byte Integer.
const VARIABLE_BYTE_INTEGER_MAX: u32 = 268_435_455;

/// Most UNSUBSCRIBE and SUBSCRIBE filters without an answer, on top of the remembered subscriptions.
const PENDING_FACTOR: usize = 2;

impl Session {
    /// Publishes a message, or queues it until the server is there.
    ///
    /// # Errors
    /// The queue is full, a QoS 0 message cannot be sent now, or the connected server does not take such a message.
    pub fn publish(&mut self, now: MonoTime, message: ApplicationMessage) -> Result<PublishId, ApiMisuse> {
        let now = self.timeline.advance(now);
        self.check_message(&message)?;
        let expiry_s = message.properties.message_expiry_interval();
        let expires_at = expiry_s.map(|seconds| now.plus_secs(u64::from(seconds)));
        if message.qos == Qos::AtMostOnce
            && matches!(self.state, State::Connected(_))
            && !self.outbound.has_queued_qos0()
        {
            if self.transmit.len() >= self.options.transmit_bytes_maximum {
                return Err(self.queue_full());
            }
            let outgoing = Outgoing {
                id: self.outbound.take_id(),
                message,
                expires_at,
            };
            let id = outgoing.id;
            if let Sent::NoPacketId(outgoing) = self.send_new(now, outgoing) {
                self.outbound.push_back(outgoing);
            }
            return Ok(id);
        }
        self.check_queue(&message)?;
        let id = self.outbound.take_id();
        self.log.touch(PersistKey::message(id));
        self.drop_expired(now);
        self.outbound.push_back(Outgoing {
            id,
            message,
            expires_at,
        });
        // A Message Expiry Interval of 0 says: now or never.
        self.send_what_may_leave(now);
        Ok(id)
    }

    fn check_message(&self, message: &ApplicationMessage) -> Result<(), ApiMisuse> {
        // [MQTT5-3.3.4-6] clients send no Subscription Identifier; topic aliases are the session's own.
        let is_ours = |id| matches!(id, PropertyId::TopicAlias | PropertyId::SubscriptionIdentifier);
        let ids = message.properties.iter().map(|property| property.id());
        if let Some(id) = ids
            .into_iter()
            .find(|id| is_ours(*id) || !id.is_allowed_in(PacketType::Publish))
        {
            return Err(ApiMisuse::PropertyNotAllowed(id.name()));
        }
        let publish = PublishParts {
            dup: false,
            qos: message.qos,
            retain: message.retain,
            topic: Some(message.topic.clone()),
            packet_id: None,
            properties: match self.version {
                ProtocolVersion::V5 => message.properties.clone(),
                ProtocolVersion::V311 => Properties::new(),
            },
            payload: message.payload.clone(),
        };
        let State::Connected(connection) = &self.state else {
            return Ok(());
        };
        match connection.limits.refusal(&publish) {
            Some(PublishFailure::QosNotSupported) => Err(ApiMisuse::QosNotSupported {
                maximum: connection.limits.maximum_qos,
            }),
            Some(PublishFailure::RetainNotSupported) => Err(ApiMisuse::RetainNotSupported),
            Some(_) => Err(ApiMisuse::PacketTooLarge {
                bytes: publish.encoded_len(self.version),
                maximum: connection.limits.maximum_packet_size,
            }),
            None => Ok(()),
        }
    }

    fn check_queue(&mut self, message: &ApplicationMessage) -> Result<(), ApiMisuse> {
        let offline = !matches!(self.state, State::Connected(_));
        if offline && message.qos == Qos::AtMostOnce && !self.options.queue_qos0_offline {
            return Err(ApiMisuse::NotConnected);
        }
        let fits = self.outbound.queue().len() < self.options.queued_messages_maximum
            && self.outbound.waiting_bytes() + message.cost() <= self.options.queued_bytes_maximum;
        if fits { Ok(()) } else { Err(self.queue_full()) }
    }

    fn queue_full(&mut self) -> ApiMisuse {
        self.counters.queue_full += 1;
        ApiMisuse::QueueFull {
            messages: self.outbound.queue().len(),
            bytes: self.outbound.waiting_bytes() + self.transmit.len(),
        }
    }

    /// Takes a message back that waits in the queue; false when it is not there (any more).
    pub fn discard(&mut self, id: PublishId) -> bool {
        let found = self.outbound.take_queued(id).is_some();
        if found {
            self.fail_publish(id, PublishFailure::Discarded);
        }
        found
    }

    /// Takes all messages back that wait in the queue, and says how many. What is in flight goes on.
    pub fn discard_queued(&mut self) -> usize {
        let mut count = 0;
        while let Some(outgoing) = self.outbound.pop_front() {
            self.fail_publish(outgoing.id, PublishFailure::Discarded);
            count += 1;
        }
        count
    }

    /// Subscribes, now or as soon as the server is there. The answer comes as one event.
    ///
    /// Subscriptions are remembered and made again when the server has forgotten them. A filter that is remembered
    /// already is replaced.
    ///
    /// # Errors
    /// There is no filter, too many are remembered, or one has options that contradict each other.
    pub fn subscribe(&mut self, now: MonoTime, filters: Vec<Subscription>) -> Result<SubscribeId, ApiMisuse> {
        let now = self.timeline.advance(now);
        if filters.is_empty() {
            return Err(ApiMisuse::NoFilters);
        }
        for subscription in &filters {
            check_subscription(subscription)?;
        }
        let maximum = self.options.subscriptions_maximum;
        if self.subscriptions.remembered().len() + filters.len() > maximum {
            let new = filters
                .iter()
                .filter(|it| !self.subscriptions.is_remembered(&it.filter))
                .count();
            if self.subscriptions.remembered().len() + new > maximum {
                return Err(ApiMisuse::TooManySubscriptions { maximum });
            }
        }
        self.check_pending(filters.len())?;
        let id = self.subscriptions.subscribe(filters, &mut self.log);
        self.pump(now);
        Ok(id)
    }

    /// Unsubscribes, now or as soon as the server is there. The answer comes as one event.
    ///
    /// # Errors
    /// There is no filter, or too many requests have no answer.
    pub fn unsubscribe(
        &mut self,
        now: MonoTime,
        filters: Vec<TopicFilter>,
    ) -> Result<SubscribeId, ApiMisuse> {
        let now = self.timeline.advance(now);
        if filters.is_empty() {
            return Err(ApiMisuse::NoFilters);
        }
        self.check_pending(filters.len())?;
        let id = self.subscriptions.unsubscribe(filters, &mut self.log);
        self.pump(now);
        Ok(id)
    }

    fn check_pending(&self, more: usize) -> Result<(), ApiMisuse> {
        let maximum = self.options.subscriptions_maximum;
        if self.subscriptions.pending() + more > maximum.saturating_mul(PENDING_FACTOR) {
            return Err(ApiMisuse::TooManySubscriptions { maximum });
        }
        Ok(())
    }

    /// Asks the server whether it is still there, at once: the page became visible, the network came back.
    ///
    /// # Errors
    /// There is no connection.
    pub fn probe(&mut self, now: MonoTime) -> Result<(), ApiMisuse> {
        let now = self.timeline.advance(now);
        let State::Connected(connection) = &mut self.state else {
            return Err(ApiMisuse::NotConnected);
        };
        if connection.keep_alive.handle_probe(now) {
            self.write(now, &Packet::Pingreq);
        }
        Ok(())
    }

    /// Ends the network connection in good order: DISCONNECT, then [`ClosedReason::Application`].
    ///
    /// The server discards the Will Message. The session itself lives on, and may be opened again.
    pub fn disconnect(&mut self, now: MonoTime) {
        let now = self.timeline.advance(now);
        self.disconnect_with_packet(now, Disconnect::with_reason(ReasonCode::SUCCESS));
    }

    /// As [`Self::disconnect`], and tells the server how long to keep the session from now, or to publish the Will
    /// Message (5.0; 3.1.1 cannot say either).
    ///
    /// # Errors
    /// The session had no expiry and cannot be given one now ([MQTT5-3.14.2.2.2]).
    pub fn disconnect_with(
        &mut self,
        now: MonoTime,
        with_will: bool,
        session_expiry_interval: Option<u32>,
    ) -> Result<(), ApiMisuse> {
        let now = self.timeline.advance(now);
        if session_expiry_interval.is_some_and(|it| it > 0) && self.options.session_expiry_interval == 0 {
            return Err(ApiMisuse::ExpiryNotAllowed);
        }
        let code = if with_will {
            ReasonCode::DISCONNECT_WITH_WILL
        } else {
            ReasonCode::SUCCESS
        };
        let mut disconnect = Disconnect::with_reason(code);
        if let Some(seconds) = session_expiry_interval {
            let property = Property::SessionExpiryInterval(seconds);
            let mut longer = disconnect.clone();
            longer
                .properties
                .push(&property)
                .map_err(ApiMisuse::CannotEncode)?;
            // 3.1.1 has no words for it: the server keeps what it was promised. So it does where they are too many for it
            // ([MQTT5-3.2.2-15]).
            if self.version.is_v5() {
                let bytes = Packet::Disconnect(longer.clone()).encoded_len(self.version);
                match &mut self.state {
                    State::Connected(connection) if connection.limits.fits(bytes) => {
                        connection.limits.session_expiry_interval = seconds;
                        disconnect = longer;
                    }
                    State::Connected(_) => {}
                    State::Offline | State::AwaitingConnack(_) | State::Closed => disconnect = longer,
                }
            }
        }
        self.disconnect_with_packet(now, disconnect);
        Ok(())
    }

    fn disconnect_with_packet(&mut self, now: MonoTime, disconnect: Disconnect) {
        match (&self.state, self.version) {
            (State::Offline | State::Closed, _) => {}
            // Also before CONNACK: without it the server, which may have taken CONNECT already, would publish the Will Message.
            // 3.1.1 has no other way to say it than the plain packet.
            (State::AwaitingConnack(_) | State::Connected(_), ProtocolVersion::V311) => {
                let plain = Disconnect::with_reason(ReasonCode::SUCCESS);
                self.close(now, ClosedReason::Application, Some(plain));
            }
            (State::AwaitingConnack(_) | State::Connected(_), ProtocolVersion::V5) => {
                self.close(now, ClosedReason::Application, Some(disconnect));
            }
        }
    }

    /// Answers [`Event::AuthenticationChallenge`](super::Event::AuthenticationChallenge) with the next step.
    ///
    /// # Errors
    /// The server did not ask, or the data are longer than it takes.
    pub fn authenticate(&mut self, now: MonoTime, data: Option<&Secret>) -> Result<(), ApiMisuse> {
        let now = self.timeline.advance(now);
        let asked = self.auth_exchange() == Some(AuthExchange::Application);
        if !asked {
            return Err(ApiMisuse::NoAuthentication);
        }
        self.send_auth(now, ReasonCode::CONTINUE_AUTHENTICATION, data)
    }

    /// Authenticates anew on a live connection, such as before a token expires.
    ///
    /// # Errors
    /// There is no connection, it was made without a method, an exchange is under way ([MQTT5-4.12.1-1]), or the data
    /// are longer than the server takes.
    pub fn reauthenticate(&mut self, now: MonoTime, data: Option<&Secret>) -> Result<(), ApiMisuse> {
        let now = self.timeline.advance(now);
        match &self.state {
            State::Connected(connection) => match connection.auth {
                AuthExchange::Idle => {}
                AuthExchange::None => return Err(ApiMisuse::NoAuthentication),
                AuthExchange::Server | AuthExchange::Application => {
                    return Err(ApiMisuse::AuthenticationUnderWay);
                }
            },
            State::Offline | State::AwaitingConnack(_) | State::Closed => {
                return Err(ApiMisuse::NotConnected);
            }
        }
        self.send_auth(now, ReasonCode::REAUTHENTICATE, data)
    }

    fn send_auth(&mut self, now: MonoTime, code: ReasonCode, data: Option<&Secret>) -> Result<(), ApiMisuse> {
        let Some(authentication) = &self.options.authentication else {
            return Err(ApiMisuse::NoAuthentication);
        };
        let mut properties = Properties::new();
        let method = Property::AuthenticationMethod(&authentication.method);
        properties.push(&method).map_err(ApiMisuse::CannotEncode)?;
        if let Some(data) = data.map(Secret::expose) {
            let data: &Bytes = data;
            properties
                .push(&Property::AuthenticationData(data))
                .map_err(ApiMisuse::CannotEncode)?;
        }
        let packet = Packet::Auth(Auth {
            reason_code: code,
            properties,
        });
        if let State::Connected(connection) = &self.state {
            // [MQTT5-3.2.2-15]
            let bytes = packet.encoded_len(self.version);
            if !connection.limits.fits(bytes) {
                let maximum = connection.limits.maximum_packet_size;
                return Err(ApiMisuse::PacketTooLarge { bytes, maximum });
            }
        }
        self.write(now, &packet);
        self.note_auth(now, AuthExchange::Server);
        Ok(())
    }

    /// Uses this password (or token) from the next CONNECT on: credentials may expire while a page is open.
    pub fn set_credentials(&mut self, username: Option<String>, password: Option<Secret>) {
        self.options.username = username;
        self.options.password = password;
    }

    /// Uses these data for the first step of the enhanced authentication of the next CONNECT.
    pub fn set_authentication_data(&mut self, data: Option<Secret>) {
        if let Some(authentication) = &mut self.options.authentication {
            authentication.data = data;
        }
    }
}

fn check_subscription(subscription: &Subscription) -> Result<(), ApiMisuse> {
    // [MQTT5-3.8.3-4] No Local on a shared subscription is a Protocol Error.
    if subscription.options.no_local && subscription.filter.is_shared() {
        return Err(ApiMisuse::NoLocalOnShared);
    }
    match subscription.subscription_id {
        Some(id) if id == 0 || id > VARIABLE_BYTE_INTEGER_MAX => Err(ApiMisuse::SubscriptionIdentifier(id)),
        Some(_) | None => Ok(()),
    }
}
