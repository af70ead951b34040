//! From a fresh network connection to CONNACK: what CONNECT says, what the answer means, which version is spoken.

use bytestring::ByteString;

use crate::{
    Connack, Connect, EncodeError, Frame, Framer, MonoTime, Packet, PacketType, Properties, Property,
    ProtocolVersion, Qos, ReasonCode,
};

use super::{
    Held, Session,
    event::{ClosedReason, Event, FallBackReason},
    inbound::InboundAliases,
    keep_alive::KeepAlive,
    limits::{Limits, OutboundAliases},
    misbehaviour::SessionRule,
    options::{Secret, SessionOptions, VersionChoice},
    persist::PersistKey,
    state::{AuthExchange, Connection, Opening, State},
};

/// So many connections in a row without a byte from the server make us try the other version. One is not enough:
/// a server that restarts closes as well.
const UNANSWERED_BEFORE_FALL_BACK: u8 = 2;

/// How sure we are of the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VersionState {
    /// The options name it, or the server accepted it.
    Settled,
    /// It is tried; so many connections in a row ended without an answer.
    Trying {
        /// In a row.
        unanswered: u8,
    },
    /// 3.1.1 was guessed and works, but the silence before may have had another reason, such as a relay whose server
    /// was down: the next connection tries 5.0 once more.
    Guessed,
}

impl VersionState {
    pub(crate) fn new(choice: VersionChoice) -> Self {
        match choice {
            VersionChoice::V311 | VersionChoice::V5 => Self::Settled,
            VersionChoice::Auto => Self::Trying { unanswered: 0 },
        }
    }
}

impl Session {
    /// Sends CONNECT on a fresh network connection.
    pub(crate) fn open(&mut self, now: MonoTime) {
        self.transmit.clear();
        let clean_start = self.clean_start();
        let connect = match self.connect_packet(clean_start) {
            Ok(connect) => connect,
            Err(error) => return self.cannot_connect(&error),
        };
        let method = self.version == ProtocolVersion::V5 && self.options.authentication.is_some();
        self.state = State::AwaitingConnack(Box::new(Opening {
            version: self.version,
            clean_start,
            framer: Framer::new(self.options.maximum_packet_size),
            deadline: now + self.options.connack_timeout_ms,
            last_sent: now,
            answered: false,
            auth: if method {
                AuthExchange::Server
            } else {
                AuthExchange::None
            },
        }));
        let (gate, version) = (self.log.gate(), self.version);
        if self.held == Held::State {
            // Should the program end before the answer: nothing waits for this to be stored.
            self.log.touch(PersistKey::HEADER);
        }
        let packet = Packet::Connect(Box::new(connect));
        if let Err(error) = self.transmit.write(gate, |out| packet.encode(version, out)) {
            self.cannot_connect(&error);
        }
    }

    fn cannot_connect(&mut self, error: &EncodeError) {
        self.state = State::Closed;
        let what = error.to_string().into();
        self.events
            .push_back(Event::Closed(ClosedReason::CannotConnect { what }));
    }

    /// Clean Start of 5.0, Clean Session of 3.1.1.
    fn clean_start(&self) -> bool {
        match (self.version, self.held) {
            (ProtocolVersion::V5, Held::Unknown) => self.options.clean_start,
            (ProtocolVersion::V5, Held::Nothing) => true,
            (ProtocolVersion::V5, Held::State | Held::Doubtful) => false,
            // [MQTT311-3.1.3-7] without a client id the session must be clean.
            (ProtocolVersion::V311, _) if self.client_id().is_empty() => true,
            (ProtocolVersion::V311, _) if self.options.clean_session_v311 => true,
            (ProtocolVersion::V311, Held::Unknown) => self.options.clean_start,
            // Clean Session also ends the session with the network connection, so it is asked for again only
            // where nothing is to be kept.
            (ProtocolVersion::V311, Held::Nothing | Held::State | Held::Doubtful) => {
                self.options.clean_start && self.options.session_expiry_interval == 0
            }
        }
    }

    fn connect_packet(&self, clean_start: bool) -> Result<Connect, EncodeError> {
        let options = &self.options;
        let (properties, will) = match self.version {
            ProtocolVersion::V5 => (connect_properties(options)?, options.will.clone()),
            ProtocolVersion::V311 => {
                let plain = options.will.clone().map(|mut will| {
                    will.properties = Properties::new();
                    will
                });
                (Properties::new(), plain)
            }
        };
        Ok(Connect {
            version: self.version,
            clean_start,
            keep_alive: options.keep_alive,
            client_id: self.client_id().into(),
            will,
            username: options.username.as_deref().map(ByteString::from),
            password: options
                .password
                .as_ref()
                .map(|password| password.expose().clone()),
            properties,
        })
    }

    /// A server that does not speak 5.0 answers in ways that cannot be decoded as 5.0: looks at the bytes.
    pub(crate) fn fall_back_answer(&self, frame: &Frame) -> Option<FallBackReason> {
        let State::AwaitingConnack(opening) = &self.state else {
            return None;
        };
        let may_fall_back =
            self.options.version == VersionChoice::Auto && opening.version == ProtocolVersion::V5;
        if !may_fall_back || frame.header.packet_type() != Some(PacketType::Connack) {
            return None;
        }
        match (frame.body.len(), frame.body.get(1)) {
            // Return code 1 of 3.1.1, 0x84 of 5.0.
            (_, Some(0x01 | 0x84)) => Some(FallBackReason::Refused),
            // A CONNACK of 5.0 has a Property Length; one of 3.1.1 has two bytes.
            (2, Some(_)) => Some(FallBackReason::AnsweredInOlderVersion),
            (_, _) => None,
        }
    }

    /// What a CONNACK of 3.1.1 says to a client that was told to speak 5.0 and nothing else. It has no Property
    /// Length, so as a packet of 5.0 it is malformed; what its sender means is that it does not know 5.0.
    pub(crate) fn older_refusal(&self, frame: &Frame) -> Option<ReasonCode> {
        let State::AwaitingConnack(opening) = &self.state else {
            return None;
        };
        let is_older = frame.header.packet_type() == Some(PacketType::Connack) && frame.body.len() == 2;
        if opening.version != ProtocolVersion::V5 || !is_older {
            return None;
        }
        Some(Connack::older_refusal(frame).unwrap_or(ReasonCode::UNSUPPORTED_PROTOCOL_VERSION))
    }

    /// Gives this connection up; the next one uses the other version.
    pub(crate) fn fall_back(&mut self, now: MonoTime, reason: FallBackReason) {
        self.version_state = VersionState::Settled;
        self.switch_version(ProtocolVersion::V311, reason);
        self.close(now, ClosedReason::VersionFellBack, None);
    }

    fn switch_version(&mut self, to: ProtocolVersion, reason: FallBackReason) {
        self.version = to;
        self.events.push_back(Event::VersionFellBack { to, reason });
    }

    /// A connection that was made by a guess ended: 5.0 gets one more chance.
    pub(crate) fn doubt_guess(&mut self) {
        if self.version_state == VersionState::Guessed {
            self.version_state = VersionState::Trying {
                unanswered: UNANSWERED_BEFORE_FALL_BACK - 1,
            };
            self.version = ProtocolVersion::V5;
        }
    }

    /// The network connection ended, or time was up, before CONNACK: perhaps the server does not know this version at
    /// all. amqtt says nothing to 5.0 and waits.
    pub(crate) fn note_unanswered(&mut self) {
        let State::AwaitingConnack(opening) = &self.state else {
            return;
        };
        let VersionState::Trying { unanswered } = self.version_state else {
            return;
        };
        let unanswered = if opening.answered { 0 } else { unanswered + 1 };
        self.version_state = VersionState::Trying { unanswered };
        if unanswered < UNANSWERED_BEFORE_FALL_BACK {
            return;
        }
        // Only a guess: when the other version is not answered either, we come back.
        let other = match opening.version {
            ProtocolVersion::V5 => ProtocolVersion::V311,
            ProtocolVersion::V311 => ProtocolVersion::V5,
        };
        self.version_state = VersionState::Trying { unanswered: 0 };
        self.switch_version(other, FallBackReason::ClosedWithoutAnswer);
    }

    pub(crate) fn handle_connack(&mut self, now: MonoTime, connack: &Connack) {
        let State::AwaitingConnack(opening) = &self.state else {
            return self.misbehaved(now, SessionRule::SecondConnack);
        };
        let (clean_start, auth) = (opening.clean_start, opening.auth);
        if connack.reason_code != ReasonCode::SUCCESS {
            return self.close(now, refused(connack), None);
        }
        if let Err(rule) = self.check_method(&connack.properties, auth) {
            return self.misbehaved(now, rule);
        }
        if connack.session_present && clean_start {
            self.held = Held::Nothing;
            return self.misbehaved(now, SessionRule::SessionPresentAfterCleanStart);
        }
        // 3.1.1 has no such rule: there the session of an earlier program simply goes on.
        if connack.session_present && !self.held.is_some() && self.version == ProtocolVersion::V5 {
            // [MQTT5-3.2.2-4] The next CONNECT starts clean, so that this ends.
            self.held = Held::Nothing;
            return self.misbehaved(now, SessionRule::SessionPresentWithoutState);
        }
        self.accept(now, connack);
    }

    fn accept(&mut self, now: MonoTime, connack: &Connack) {
        let State::AwaitingConnack(opening) = std::mem::replace(&mut self.state, State::Closed) else {
            return;
        };
        self.version_state = match (self.version_state, opening.version) {
            (VersionState::Trying { .. }, ProtocolVersion::V311) => VersionState::Guessed,
            (_, _) => VersionState::Settled,
        };
        let limits = limits(&self.options, &opening, connack);
        let properties = &connack.properties;
        if let Some(assigned) = properties.assigned_client_identifier() {
            self.assigned_client_id = Some(assigned.into());
        }
        self.events.push_back(Event::Connected {
            session_present: connack.session_present,
            version: opening.version,
            assigned_client_id: properties.assigned_client_identifier().map(Into::into),
            server_keep_alive: properties.server_keep_alive(),
            session_expiry_interval: limits.session_expiry_interval,
            reason_string: properties.reason_string().map(Into::into),
        });
        // [MQTT5-3.1.2-21] Server Keep Alive counts, where there is one.
        let keep_alive = KeepAlive::new(
            limits.keep_alive,
            self.options.ping_timeout_ms,
            opening.last_sent,
            now,
        );
        let connection = Connection {
            framer: opening.framer,
            keep_alive,
            connected_at: now,
            aliases_in: InboundAliases::new(self.options.topic_alias_maximum),
            aliases_out: OutboundAliases::new(limits.topic_alias_maximum),
            limits,
            auth: match opening.auth {
                AuthExchange::None => AuthExchange::None,
                AuthExchange::Idle | AuthExchange::Server | AuthExchange::Application => AuthExchange::Idle,
            },
            auth_deadline: None,
            unsent_ends_of_flows: 0,
        };
        self.state = State::Connected(Box::new(connection));
        self.backoff.handle_connected(now);
        self.counters.connections += 1;
        match (connack.session_present, self.held) {
            (true, Held::Doubtful) => {
                // Subscribing twice costs little, being connected and silent a lot.
                self.subscriptions.handle_session_lost(&mut self.log);
                self.inbound.doubt();
                self.resume_flows(now);
            }
            (true, Held::State) => self.resume_flows(now),
            // 3.1.1 only: the server's session is not the one that our flows and subscriptions are from.
            (true, Held::Unknown | Held::Nothing) | (false, _) => self.start_session(),
        }
        if !matches!(self.state, State::Connected(_)) {
            // It could not even take what the session owes it.
            return;
        }
        self.held = Held::State;
        self.log.touch(PersistKey::HEADER);
        self.pump(now);
    }

    /// The server has no session for us ([MQTT5-3.2.2-5]).
    fn start_session(&mut self) {
        for id in self.inbound.take_all() {
            self.log.touch(PersistKey::received(id));
        }
        self.restart_flows();
        self.subscriptions.handle_session_lost(&mut self.log);
        if self.held != Held::Unknown {
            self.events.push_back(Event::MessagesMayBeMissed);
        }
    }
}

fn refused(connack: &Connack) -> ClosedReason {
    ClosedReason::ServerRefused {
        code: connack.reason_code,
        reason_string: connack.properties.reason_string().map(Into::into),
        server_reference: connack.properties.server_reference().map(Into::into),
    }
}

fn connect_properties(options: &SessionOptions) -> Result<Properties, EncodeError> {
    let mut all = Vec::new();
    if options.session_expiry_interval > 0 {
        all.push(Property::SessionExpiryInterval(options.session_expiry_interval));
    }
    let receive_maximum = options.receive_maximum.max(1);
    if receive_maximum < u16::MAX {
        all.push(Property::ReceiveMaximum(receive_maximum));
    }
    all.push(Property::MaximumPacketSize(options.maximum_packet_size.max(1)));
    if options.topic_alias_maximum > 0 {
        all.push(Property::TopicAliasMaximum(options.topic_alias_maximum));
    }
    if options.request_response_information {
        all.push(Property::RequestResponseInformation(true));
    }
    if let Some(authentication) = &options.authentication {
        all.push(Property::AuthenticationMethod(&authentication.method));
        if let Some(data) = authentication.data.as_ref().map(Secret::expose) {
            all.push(Property::AuthenticationData(data));
        }
    }
    all.extend(
        options
            .user_properties
            .iter()
            .map(|(name, value)| Property::UserProperty(name, value)),
    );
    Properties::of(&all)
}

/// What CONNACK says, with the specification's values where it says nothing.
fn limits(options: &SessionOptions, opening: &Opening, connack: &Connack) -> Limits {
    let said = &connack.properties;
    let asked_expiry = match (opening.version, opening.clean_start) {
        (ProtocolVersion::V5, _) => options.session_expiry_interval,
        (ProtocolVersion::V311, true) => 0,
        (ProtocolVersion::V311, false) => u32::MAX,
    };
    let receive_maximum = match opening.version {
        ProtocolVersion::V5 => said.receive_maximum().unwrap_or(u16::MAX),
        ProtocolVersion::V311 => options.in_flight_maximum_v311,
    };
    Limits {
        version: opening.version,
        // [MQTT5-4.9.0-1] not zero, not above the server's Receive Maximum.
        receive_maximum: receive_maximum.min(options.in_flight_maximum).max(1),
        maximum_qos: said.maximum_qos().unwrap_or(Qos::ExactlyOnce),
        retain_available: said.retain_available().unwrap_or(true),
        maximum_packet_size: said.maximum_packet_size().unwrap_or(u32::MAX),
        topic_alias_maximum: said
            .topic_alias_maximum()
            .unwrap_or(0)
            .min(options.topic_alias_out_maximum),
        wildcard_subscription_available: said.wildcard_subscription_available().unwrap_or(true),
        subscription_identifier_available: said.subscription_identifier_available().unwrap_or(true),
        shared_subscription_available: said.shared_subscription_available().unwrap_or(true),
        session_expiry_interval: said.session_expiry_interval().unwrap_or(asked_expiry),
        keep_alive: said.server_keep_alive().unwrap_or(options.keep_alive),
        response_information: said.response_information().map(Into::into),
    }
}
