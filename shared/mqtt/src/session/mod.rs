//! The client session: a state machine without I/O, clock, randomness or panics.
//!
//! One [`Session`] outlives many network connections. Its methods come in four kinds:
//! - **getters** take `&self`;
//! - **`handle_*`** tell the session what happened and never fail: a server that breaks the protocol becomes
//!   [`Event::Closed`];
//! - **commands** ([`Session::publish`], [`Session::subscribe`], …) fail only when the *caller* erred;
//! - **`poll_*`**: after any of the others call [`Session::poll_transmit`] and [`Session::poll_event`] until `None`,
//!   then set a timer for [`Session::poll_timeout`]. With [`SessionOptions::persistent`] call
//!   [`Session::poll_persist`] after the events and before `poll_transmit`.
//!
//! Time comes in with every call; sockets, timers and storage are the owner's.
//!
//! ```
//! use hearth_mqtt::session::{ApplicationMessage, ClosedReason, Event, Session, SessionOptions, Subscription};
//! use hearth_mqtt::{Bytes, MonoTime, Qos, SubscriptionOptions, TopicFilter, TopicName};
//!
//! let at = MonoTime::from_ms;
//! let mut session = Session::new(SessionOptions { client_id: "page-1".into(), ..SessionOptions::default() });
//!
//! // The socket is open: CONNECT wants to leave.
//! session.handle_opened(at(10));
//! let connect = session.poll_transmit().unwrap();
//! assert_eq!(connect[0], 0x10);
//!
//! // CONNACK of MQTT 5.0 arrives, byte by byte if need be.
//! for byte in [0x20, 0x03, 0x00, 0x00, 0x00] {
//!     session.handle_bytes(at(20), Bytes::copy_from_slice(&[byte]));
//! }
//! assert!(matches!(session.poll_event(), Some(Event::Connected { session_present: false, .. })));
//!
//! // Commands may be given at any time, also without a connection.
//! let lamp = TopicFilter::parse("home/+/lamp")?;
//! session.subscribe(at(30), vec![Subscription::new(lamp, SubscriptionOptions::at_most(Qos::AtLeastOnce))])?;
//! let on = ApplicationMessage::new(TopicName::parse("home/hall/lamp/set")?, "on").with_qos(Qos::AtLeastOnce);
//! session.publish(at(40), on)?;
//! while let Some(bytes) = session.poll_transmit() {
//!     assert!(!bytes.is_empty()); // whole packets, for the socket
//! }
//!
//! // A silent server is given up on: PINGREQ after one keep-alive without a packet of ours, then one more.
//! let mut times = Vec::new();
//! while let Some(at) = session.poll_timeout() {
//!     times.push(at.ms);
//!     session.handle_timeout(at);
//! }
//! assert_eq!(times, [30_040, 60_040]);
//! let last = std::iter::from_fn(|| session.poll_event()).last();
//! assert_eq!(last, Some(Event::Closed(ClosedReason::KeepAliveTimeout)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What may not enter here: sockets, clocks, async, threads, randomness, storage, serde.

mod auth;
mod backoff;
mod command;
mod connect;
mod event;
mod in_flight;
mod inbound;
mod keep_alive;
mod limits;
mod misbehaviour;
mod misuse;
mod options;
mod outbound;
mod packet_ids;
mod persist;
mod receive;
mod request_response;
mod requests;
mod restore;
mod state;
mod subscriptions;
mod timer;
mod transmit;

use std::collections::VecDeque;

use bytes::Bytes;

pub use backoff::{Backoff, BackoffOptions};
pub use event::{
    ApplicationMessage, ClosedReason, Event, FallBackReason, PublishFailure, PublishId, ReconnectAdvice,
    SubscribeId,
};
pub use limits::Limits;
pub use misbehaviour::{Misbehaviour, SessionRule};
pub use misuse::ApiMisuse;
pub use options::{Authentication, Secret, SessionOptions, VersionChoice};
pub use persist::{PersistBatch, PersistChange, PersistKey, PersistToken, RestoreError};
pub use state::SessionState;
pub use subscriptions::{RememberedSubscription, Subscription, SubscriptionStatus};

use connect::VersionState;
use inbound::Inbound;
use keep_alive::KeepAliveStep;
use outbound::Outbound;
use persist::ChangeLog;
use request_response::PendingRequests;
use state::State;
use subscriptions::Subscriptions;
use timer::{Timeline, earliest};
use transmit::{APART_FROM_BYTES, Transmit};

use crate::{
    BytesMut, DecodeError, Disconnect, EncodeError, MonoTime, Packet, ProtocolVersion, PublishParts,
    ReasonCode, Role,
};

/// A network connection that the other side ends so soon after CONNACK was not wanted, in ms.
const SHORT_CONNECTION_MS: u64 = 5_000;

/// What the client keeps of a session, besides its subscriptions and its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// There was no session yet: the options say how the first one starts.
    Unknown,
    /// The last session ended.
    Nothing,
    /// Session State.
    State,
    /// Session State, but a CONNECT got no answer since: the server may have said Session Present = 0 to nobody, so
    /// that its next 1 speaks of an empty session.
    Doubtful,
}

impl Held {
    /// Whether there is Session State.
    fn is_some(self) -> bool {
        matches!(self, Self::State | Self::Doubtful)
    }
}

/// Counts what a session did; nothing is dropped without being counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Times the server accepted us.
    pub connections: u64,
    /// Packets of the server.
    pub packets_received: u64,
    /// Messages of the server, each counted once.
    pub messages_received: u64,
    /// QoS 2 messages that came again and were not delivered again.
    pub duplicates_dropped: u64,
    /// Messages of the server that were not what their Payload Format Indicator says.
    pub messages_refused: u64,
    /// Messages that left for the first time.
    pub messages_sent: u64,
    /// Messages that left again after a reconnect.
    pub messages_resent: u64,
    /// Messages that were published anew because the server had forgotten the session.
    pub messages_republished: u64,
    /// QoS 1 and 2 messages that the server took.
    pub messages_acknowledged: u64,
    /// Of these, QoS 2 messages that a server of 3.1.1 took as QoS 1.
    pub taken_at_qos_1: u64,
    /// Messages that ended with [`Event::PublishFailed`].
    pub messages_failed: u64,
    /// Calls of [`Session::publish`] that found the queue full.
    pub queue_full: u64,
    /// Messages whose properties were left out, because 3.1.1 has none.
    pub properties_left_out: u64,
    /// Acknowledgements for packets that we do not know.
    pub unsolicited_acknowledgements: u64,
    /// Bytes given to the network.
    pub bytes_sent: u64,
    /// Bytes taken from the network.
    pub bytes_received: u64,
}

/// The client's end of an MQTT session. See the [module](self) for how it is driven.
#[derive(Debug)]
pub struct Session {
    options: SessionOptions,
    state: State,
    /// The version of this network connection, or of the next.
    version: ProtocolVersion,
    version_state: VersionState,
    held: Held,
    assigned_client_id: Option<String>,
    timeline: Timeline,
    outbound: Outbound,
    inbound: Inbound,
    subscriptions: Subscriptions,
    pending_requests: PendingRequests,
    transmit: Transmit,
    events: VecDeque<Event>,
    log: ChangeLog,
    backoff: Backoff,
    counters: Counters,
    short_connections: u32,
}

impl Session {
    /// A session that has not met its server yet.
    #[must_use]
    pub fn new(options: SessionOptions) -> Self {
        Self {
            state: State::Offline,
            version: options.version.first(),
            version_state: VersionState::new(options.version),
            held: Held::Unknown,
            assigned_client_id: None,
            timeline: Timeline::default(),
            outbound: Outbound::default(),
            inbound: Inbound::default(),
            subscriptions: Subscriptions::default(),
            pending_requests: PendingRequests::default(),
            transmit: Transmit::default(),
            events: VecDeque::new(),
            log: ChangeLog::new(options.persistent),
            backoff: Backoff::new(options.backoff),
            counters: Counters::default(),
            short_connections: 0,
            options,
        }
    }

    // Getters.

    /// Where the session stands.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.state.summary()
    }

    /// The version of this network connection, or of the next.
    #[must_use]
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// The Client Identifier in use: ours, or the one that the server assigned.
    #[must_use]
    pub fn client_id(&self) -> &str {
        match &self.assigned_client_id {
            Some(assigned) if self.options.client_id.is_empty() => assigned,
            Some(_) | None => &self.options.client_id,
        }
    }

    /// What the options say.
    #[must_use]
    pub fn options(&self) -> &SessionOptions {
        &self.options
    }

    /// What the server allows; none without a connection.
    #[must_use]
    pub fn limits(&self) -> Option<&Limits> {
        match &self.state {
            State::Connected(connection) => Some(&connection.limits),
            State::Offline | State::AwaitingConnack(_) | State::Closed => None,
        }
    }

    /// Since when the server has accepted us, on the caller's clock.
    #[must_use]
    pub fn connected_since(&self) -> Option<MonoTime> {
        match &self.state {
            State::Connected(connection) => Some(self.timeline.to_caller(connection.connected_at)),
            State::Offline | State::AwaitingConnack(_) | State::Closed => None,
        }
    }

    /// Messages that wait for the server: those in the queue and those without a final acknowledgement.
    #[must_use]
    pub fn queued_messages(&self) -> usize {
        self.outbound.queue().len() + self.in_flight()
    }

    /// Messages in the queue alone: these can be discarded.
    pub fn queue(&self) -> impl ExactSizeIterator<Item = (PublishId, &ApplicationMessage)> {
        self.outbound
            .queue()
            .map(|outgoing| (outgoing.id, &outgoing.message))
    }

    /// QoS 1 and 2 messages that left and have no final acknowledgement.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.outbound.in_flight.messages()
    }

    /// QoS 2 messages of the server that were delivered and not released yet.
    #[must_use]
    pub fn unreleased(&self) -> usize {
        self.inbound.unreleased().len()
    }

    /// What is subscribed, and what the server said to it.
    pub fn subscriptions(&self) -> impl ExactSizeIterator<Item = &RememberedSubscription> {
        self.subscriptions.remembered()
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Bytes for the network that nobody took yet.
    #[must_use]
    pub fn transmit_bytes(&self) -> usize {
        self.transmit.len()
    }

    /// How many connections in a row the network ended within 5 s of CONNACK. From three on, another client with
    /// the same client id is likely: 3.1.1 cannot say [`ClosedReason::TakenOver`].
    #[must_use]
    pub fn short_connections(&self) -> u32 {
        self.short_connections
    }

    /// The waits between tries to connect.
    #[must_use]
    pub fn backoff(&self) -> &Backoff {
        &self.backoff
    }

    /// How long to wait before the next try, in ms. `random` is spread evenly over all of `u32`.
    pub fn next_delay_ms(&mut self, random: u32) -> u64 {
        self.backoff.next_delay_ms(random)
    }

    /// The next wait is the shortest again: somebody asked to retry now, or the network came back.
    pub fn reset_backoff(&mut self) {
        self.backoff.reset();
    }

    // What happened.

    /// A network connection is open. One that was open before counts as closed.
    pub fn handle_opened(&mut self, now: MonoTime) {
        self.handle_closed(now);
        let now = self.timeline.advance(now);
        self.open(now);
    }

    /// Bytes came in, cut anywhere.
    pub fn handle_bytes(&mut self, now: MonoTime, bytes: Bytes) {
        let now = self.timeline.advance(now);
        self.counters.bytes_received += bytes.len() as u64;
        match &mut self.state {
            State::AwaitingConnack(opening) => {
                opening.answered = true;
                opening.framer.push(bytes);
            }
            State::Connected(connection) => {
                connection.keep_alive.handle_received(now);
                connection.framer.push(bytes);
            }
            State::Offline | State::Closed => return,
        }
        loop {
            match self.poll_packet(now) {
                Ok(Some(packet)) => self.handle_packet(now, packet),
                Ok(None) => return,
                Err(error) => return self.close_misbehaved(now, Misbehaviour::Packet(error)),
            }
        }
    }

    fn poll_packet(&mut self, now: MonoTime) -> Result<Option<Packet>, DecodeError> {
        match &mut self.state {
            State::Connected(connection) => connection.framer.poll_packet(self.version, Role::Client),
            State::AwaitingConnack(opening) => match opening.framer.poll_frame() {
                Ok(Some(frame)) => self.first_packet(now, frame),
                Ok(None) => Ok(None),
                // The framer does not know which version is spoken; the statement depends on it.
                Err(error) => Err(error.in_version(self.version)),
            },
            State::Offline | State::Closed => Ok(None),
        }
    }

    /// The network connection ended, or could not be opened.
    pub fn handle_closed(&mut self, now: MonoTime) {
        let now = self.timeline.advance(now);
        match &self.state {
            State::Offline | State::Closed => {}
            State::AwaitingConnack(_) => {
                self.note_unanswered();
                self.close(now, ClosedReason::NetworkClosed, None);
            }
            State::Connected(connection) => {
                let short = now.ms_since(connection.connected_at) < SHORT_CONNECTION_MS;
                self.short_connections = if short { self.short_connections + 1 } else { 0 };
                self.close(now, ClosedReason::NetworkClosed, None);
            }
        }
        self.state = State::Offline;
        self.transmit.clear();
    }

    /// The time of [`Self::poll_timeout`] has come, or any other time.
    pub fn handle_timeout(&mut self, now: MonoTime) {
        let now = self.timeline.advance(now);
        self.drop_expired(now);
        self.time_out_requests(now);
        match &mut self.state {
            State::AwaitingConnack(opening) if now >= opening.deadline => {
                self.note_unanswered();
                self.close(now, ClosedReason::ConnackTimeout, None);
            }
            State::Connected(connection) if connection.auth_deadline.is_some_and(|at| now >= at) => {
                // [MQTT5-4.12.1-2] A re-authentication that does not succeed ends the connection.
                let disconnect = Disconnect::with_reason(ReasonCode::UNSPECIFIED_ERROR);
                self.close(now, ClosedReason::AuthenticationTimeout, Some(disconnect));
            }
            State::Connected(connection) => match connection.keep_alive.handle_timeout(now) {
                KeepAliveStep::Wait => {}
                KeepAliveStep::Ping => {
                    self.write(now, &Packet::Pingreq);
                }
                KeepAliveStep::GiveUp => self.close(now, ClosedReason::KeepAliveTimeout, None),
            },
            State::Offline | State::AwaitingConnack(_) | State::Closed => {}
        }
    }

    /// Everything up to this batch is durable: packets that waited for it may leave.
    pub fn handle_persisted(&mut self, token: PersistToken) {
        self.log.handle_persisted(token);
    }

    // What comes out.

    /// Bytes for the network: whole packets, often several; a payload of 64 KiB and more comes by itself, uncopied, after
    /// the beginning of its packet. After [`Event::Closed`] take them all before the network connection is closed.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        let taken = match self.transmit.take(self.log.stored()) {
            Some(taken) => taken,
            None => {
                // What waited for room in the buffer.
                let is_idle = self.outbound.is_idle() && !self.subscriptions.has_unsent();
                if self.transmit.len() > 0 || is_idle {
                    return None;
                }
                self.pump(self.timeline.now());
                self.transmit.take(self.log.stored())?
            }
        };
        if let State::Connected(connection) = &mut self.state {
            connection.unsent_ends_of_flows = connection
                .unsent_ends_of_flows
                .saturating_sub(taken.ends_of_flows);
        }
        self.counters.bytes_sent += taken.bytes.len() as u64;
        Some(taken.bytes)
    }

    /// What the owner should know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called, on the caller's clock.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<MonoTime> {
        let connection = match &self.state {
            State::AwaitingConnack(opening) => Some(opening.deadline),
            State::Connected(connection) => {
                earliest(connection.keep_alive.deadline(), connection.auth_deadline)
            }
            State::Offline | State::Closed => None,
        };
        let waiting = earliest(self.outbound.next_expiry(), self.pending_requests.next_deadline());
        earliest(connection, waiting).map(|at| self.timeline.to_caller(at))
    }

    // Inside.

    /// Writes a packet; false when it cannot be said in this version, which is counted by whoever asked for it.
    fn write(&mut self, now: MonoTime, packet: &Packet) -> bool {
        self.write_with(now, |version, out| packet.encode(version, out))
    }

    /// The same for a PUBLISH that is still in parts.
    fn write_parts(&mut self, now: MonoTime, publish: &PublishParts) -> bool {
        if publish.payload.len() < APART_FROM_BYTES {
            return self.write_with(now, |version, out| publish.encode(version, out));
        }
        let written = self.write_with(now, |version, out| publish.encode_head(version, out).map(drop));
        if written {
            self.transmit.end_with(publish.payload.clone());
        }
        written
    }

    fn write_with(
        &mut self,
        now: MonoTime,
        encode: impl FnOnce(ProtocolVersion, &mut BytesMut) -> Result<(), EncodeError>,
    ) -> bool {
        let (gate, version) = (self.log.gate(), self.version);
        let written = self.transmit.write(gate, |out| encode(version, out)).is_ok();
        match &mut self.state {
            State::Connected(connection) if written => connection.keep_alive.handle_sent(now),
            State::AwaitingConnack(opening) if written => opening.last_sent = now,
            State::Offline | State::AwaitingConnack(_) | State::Connected(_) | State::Closed => {}
        }
        written
    }

    /// Ends this network connection. DISCONNECT is the last packet ([MQTT5-3.14.4-1]).
    fn close(&mut self, now: MonoTime, reason: ClosedReason, disconnect: Option<Disconnect>) {
        // What is not stored yet may not leave; it is sent on the next connection.
        self.transmit.discard_held(self.log.stored());
        if let Some(disconnect) = disconnect {
            let (stored, version) = (self.log.stored(), self.version);
            let packet = Packet::Disconnect(disconnect);
            // A plain DISCONNECT can always be said; one with an expiry is checked when the command is given.
            let _ = self.transmit.write(stored, |out| packet.encode(version, out));
        }
        match &self.state {
            State::Connected(connection) => {
                // [MQTT5-3.1.2-23] state outlives the connection only if both ends agreed on an expiry.
                let lasts = connection.limits.session_expiry_interval > 0;
                self.held = if lasts { Held::State } else { Held::Nothing };
                self.log.touch(PersistKey::HEADER);
            }
            State::AwaitingConnack(_) if self.held == Held::State => self.held = Held::Doubtful,
            State::Offline | State::AwaitingConnack(_) | State::Closed => {}
        }
        self.doubt_guess();
        self.backoff.handle_closed(now);
        self.outbound.in_flight.handle_closed();
        self.inbound.handle_closed();
        self.subscriptions.handle_closed();
        self.state = State::Closed;
        self.events.push_back(Event::Closed(reason));
    }
}
