//! The life of the connection: dial, keep, lose, explain, try again. One [`Session`] outlives many network connections.

use std::collections::VecDeque;

use bytes::Bytes;
use hearth_model::api::close;
use hearth_mqtt::{
    MonoTime, ProtocolVersion,
    session::{
        Backoff, BackoffOptions, ClosedReason, Event, PersistBatch, PersistKey, ReconnectAdvice,
        RestoreError, Session, SessionOptions,
    },
};

use super::{
    address::Address,
    input::{Call, Environment, Findings, Now},
    problem,
    settings::session_options,
};
use crate::wire::{ConnectionOptions, ConnectionState, ConnectionView, Limits, Problem};

/// How long a WebSocket may take to open, in ms: what the session gives a CONNACK, and less than people wait.
const DIAL_TIMEOUT_MS: u64 = 10_000;
/// How long the reason of a failure is looked for before it is shown without, in ms.
const PROBE_TIMEOUT_MS: u64 = 2_500;
/// A connection that ends this soon after CONNACK, in ms, …
const QUICK_LOSS_MS: u64 = 10_000;
/// … this often in a row looks like a second client with our id: 3.1.1 brokers throw out without a word.
const QUICK_LOSSES: u32 = 4;

/// Where the network connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No broker was chosen yet.
    Idle,
    /// The WebSocket is being opened.
    Dialing { deadline: MonoTime },
    /// The WebSocket is open; `connected_at` since CONNACK.
    Open { connected_at: Option<MonoTime> },
    /// It could not be opened, and we look why.
    Probing { retry_at: MonoTime, deadline: MonoTime },
    /// Down until the next try.
    Waiting { retry_at: MonoTime },
    /// Down until the user does something.
    Down,
}

/// The life of the connection.
#[derive(Debug)]
pub struct Connection {
    environment: Environment,
    options: ConnectionOptions,
    limits: Limits,
    address: Option<Address>,
    session: Option<Session>,
    /// What the session will be started with, once it is known what is stored of it.
    starting: Option<SessionOptions>,
    phase: Phase,
    backoff: Backoff,
    view: ConnectionView,
    changed: bool,
    quick_losses: u32,
    /// Code and reason of the close that the session is being told of.
    close: Option<(u16, String)>,
    /// The last words of a session that is replaced.
    farewell: VecDeque<Bytes>,
    calls: VecDeque<Call>,
}

impl Connection {
    /// No connection yet.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            options: ConnectionOptions::default(),
            limits: Limits::default(),
            address: None,
            session: None,
            starting: None,
            phase: Phase::Idle,
            backoff: Backoff::new(BackoffOptions::default()),
            view: ConnectionView::default(),
            // The first frame says that there is no connection.
            changed: true,
            quick_losses: 0,
            close: None,
            farewell: VecDeque::new(),
            calls: VecDeque::new(),
        }
    }

    /// The session, once a broker was chosen.
    pub fn session(&mut self) -> Option<&mut Session> {
        self.session.as_mut()
    }

    /// The options in use.
    #[must_use]
    pub fn options(&self) -> &ConnectionOptions {
        &self.options
    }

    /// Limits of the next session.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Whether the broker has accepted us and the connection holds.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.view.state == ConnectionState::Connected
    }

    /// Whether there is no connection and none is being made.
    #[must_use]
    pub fn is_down(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Down)
    }

    /// What the page shows of it, if that changed since the last call.
    pub fn take_change(&mut self) -> Option<ConnectionView> {
        std::mem::take(&mut self.changed).then(|| self.view.clone())
    }

    /// The whole state will be asked for again.
    pub fn show_again(&mut self) {
        self.changed = true;
    }

    /// Whether [`Self::take_change`] has something.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// What is to be done with the network next.
    pub fn poll_call(&mut self) -> Option<Call> {
        self.calls.pop_front()
    }

    /// Bytes for the open WebSocket.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        // Also after the end: a DISCONNECT with the reason may still have to go.
        let farewell = self.farewell.pop_front();
        farewell.or_else(|| self.session.as_mut()?.poll_transmit())
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<MonoTime> {
        let of_phase = match self.phase {
            Phase::Dialing { deadline } => Some(deadline),
            Phase::Probing { retry_at, deadline } => Some(retry_at.min(deadline)),
            Phase::Waiting { retry_at } => Some(retry_at),
            Phase::Idle | Phase::Open { .. } | Phase::Down => None,
        };
        let of_session = self.session.as_ref().and_then(Session::poll_timeout);
        [of_phase, of_session].into_iter().flatten().min()
    }

    /// Ends what is there; what the session still has to store.
    pub fn leave(&mut self, now: Now) -> Option<PersistBatch> {
        self.end(now);
        let last = self.session.as_mut().and_then(Session::poll_persist);
        (self.address, self.session, self.starting) = (None, None, None);
        last
    }

    /// Connects with these options, after [`Self::leave`]; needs [`Self::start_session`] before the WebSocket opens.
    pub fn connect(&mut self, now: Now, options: ConnectionOptions) {
        self.view = ConnectionView {
            name: options.name.clone(),
            url: options.url.clone(),
            client_id: options.client_id.clone(),
            ..ConnectionView::default()
        };
        self.options = options;
        self.backoff = Backoff::new(BackoffOptions::default());
        self.quick_losses = 0;
        match self.prepare(now) {
            Ok((address, options)) => {
                (self.address, self.starting) = (Some(address), Some(options));
                self.dial(now);
            }
            Err(problem) => {
                if problem.field.as_deref() == Some("username") {
                    // A password may stand in it.
                    self.view.url = String::new();
                }
                self.go_down(now, *problem);
            }
        }
    }

    /// Starts the session, from what is stored of it.
    ///
    /// # Errors
    /// That cannot be used; the session is a new one.
    pub fn start_session(&mut self, records: Vec<(PersistKey, Bytes)>) -> Result<(), RestoreError> {
        let Some(options) = self.starting.take() else {
            return Ok(());
        };
        match Session::restore(options.clone(), records) {
            Ok(session) => {
                self.session = Some(session);
                Ok(())
            }
            Err(error) => {
                self.session = Some(Session::new(options));
                Err(error)
            }
        }
    }

    fn prepare(&self, now: Now) -> Result<(Address, SessionOptions), Box<Problem>> {
        let address = Address::parse(&self.options.url)
            .map_err(|error| problem::bad_address(&self.options.url, error))?;
        if self.environment.secure_page && !address.secure && !address.is_local() {
            return Err(Box::new(problem::mixed_content(&address)));
        }
        Ok((address, session_options(now, &self.options, self.limits)?))
    }

    /// Ends the connection for good, at the user's wish.
    pub fn disconnect(&mut self, now: Now) {
        self.end(now);
        self.phase = Phase::Down;
        self.show(now, ConnectionState::Down, None);
        self.view.problem = None;
    }

    /// Says goodbye and closes.
    fn end(&mut self, now: Now) {
        if let (Phase::Open { .. }, Some(session)) = (self.phase, self.session.as_mut()) {
            session.disconnect(now.mono);
            // Its event is ours to take: nobody must be told why.
            while session.poll_event().is_some() {}
            self.farewell
                .extend(std::iter::from_fn(|| session.poll_transmit()));
        }
        if !matches!(self.phase, Phase::Idle) {
            self.calls.push_back(Call::HangUp);
        }
    }

    /// Does not wait for the backoff.
    pub fn retry_now(&mut self, now: Now) {
        match self.phase {
            Phase::Waiting { .. } | Phase::Probing { .. } => self.dial(now),
            Phase::Down if self.session.is_some() => {
                self.quick_losses = 0;
                self.dial(now);
            }
            Phase::Idle | Phase::Down | Phase::Dialing { .. } | Phase::Open { .. } => {}
        }
    }

    /// The network or the page came back: try now, but not after the user or a refusal ended it. An open connection is
    /// asked whether it is still alive.
    pub fn wake(&mut self, now: Now) {
        match (self.phase, self.session.as_mut()) {
            (
                Phase::Open {
                    connected_at: Some(_),
                },
                Some(session),
            ) => {
                // Without a connection there is nothing to ask.
                let _ = session.probe(now.mono);
            }
            (Phase::Waiting { .. } | Phase::Probing { .. }, _) => self.retry_now(now),
            (Phase::Idle | Phase::Down | Phase::Dialing { .. } | Phase::Open { .. }, _) => {}
        }
    }

    fn dial(&mut self, now: Now) {
        let Some(address) = &self.address else { return };
        self.calls.push_back(Call::Dial(address.to_string()));
        self.phase = Phase::Dialing {
            deadline: now.mono + DIAL_TIMEOUT_MS,
        };
        self.show(now, ConnectionState::Connecting, None);
    }

    /// The WebSocket is open.
    pub fn handle_opened(&mut self, now: Now) {
        if let (Phase::Dialing { .. }, Some(session)) = (self.phase, self.session.as_mut()) {
            self.phase = Phase::Open { connected_at: None };
            self.farewell.clear();
            session.handle_opened(now.mono);
        }
    }

    /// Bytes came.
    pub fn handle_bytes(&mut self, now: Now, bytes: Bytes) {
        if let (Phase::Open { .. }, Some(session)) = (self.phase, self.session.as_mut()) {
            session.handle_bytes(now.mono, bytes);
        }
    }

    /// The WebSocket is closed or could not be opened. The session's events may say more: take them next.
    pub fn handle_closed(&mut self, now: Now, code: u16, reason: String) {
        match self.phase {
            Phase::Dialing { .. } => self.handle_not_opened(now),
            Phase::Open { .. } => {
                self.close = Some((code, reason));
                if let Some(session) = self.session.as_mut() {
                    session.handle_closed(now.mono);
                }
            }
            Phase::Idle | Phase::Probing { .. } | Phase::Waiting { .. } | Phase::Down => {}
        }
    }

    fn handle_not_opened(&mut self, now: Now) {
        let Some(address) = &self.address else { return };
        self.calls.push_back(Call::Probe(address.to_string()));
        self.view.failed_tries += 1;
        let retry_at = now.mono + self.backoff.next_delay_ms(now.random);
        self.phase = Phase::Probing {
            retry_at,
            deadline: now.mono + PROBE_TIMEOUT_MS,
        };
        if self.view.problem.is_some() {
            // Already explained; what the probe finds replaces it.
            self.wait(now, retry_at, None);
        }
    }

    /// The browser refused to dial at all.
    pub fn handle_refused_by_browser(&mut self, now: Now) {
        if matches!(self.phase, Phase::Dialing { .. }) {
            self.go_down(now, problem::refused_by_browser(&self.options.url));
        }
    }

    /// A text frame came: whatever it is, it is not MQTT.
    pub fn handle_text_frame(&mut self, now: Now) {
        self.calls.push_back(Call::HangUp);
        self.handle_closed(now, close::TEXT_FRAME, String::new());
    }

    /// The reason was looked for.
    pub fn handle_probed(&mut self, now: Now, findings: &Findings) {
        let Some(address) = self
            .address
            .as_ref()
            .filter(|address| address.to_string() == findings.url)
        else {
            return;
        };
        let found = problem::not_opened(address, Some(findings));
        match self.phase {
            Phase::Probing { retry_at, .. } => self.wait(now, retry_at, Some(found)),
            Phase::Waiting { .. } | Phase::Dialing { .. } => {
                self.changed |= self.view.problem.as_ref() != Some(&found);
                self.view.problem = Some(found);
            }
            Phase::Idle | Phase::Open { .. } | Phase::Down => {}
        }
    }

    /// The time has come.
    pub fn handle_timeout(&mut self, now: Now) {
        if let Some(session) = self.session.as_mut()
            && session.poll_timeout().is_some_and(|at| at <= now.mono)
        {
            session.handle_timeout(now.mono);
        }
        match self.phase {
            Phase::Dialing { deadline } if now.mono >= deadline => {
                self.calls.push_back(Call::HangUp);
                self.view.failed_tries += 1;
                let retry_at = now.mono + self.backoff.next_delay_ms(now.random);
                let why = self
                    .address
                    .as_ref()
                    .map(|address| problem::dial_timeout(address, DIAL_TIMEOUT_MS / 1_000));
                self.wait(now, retry_at, why);
            }
            Phase::Probing { retry_at, deadline } if now.mono >= deadline => {
                let why = self
                    .address
                    .as_ref()
                    .map(|address| problem::not_opened(address, None));
                self.wait(now, retry_at, why);
            }
            Phase::Probing { retry_at, .. } | Phase::Waiting { retry_at } if now.mono >= retry_at => {
                // A first try is not repeated before its failure is explained.
                if matches!(self.phase, Phase::Waiting { .. }) {
                    self.dial(now);
                } else if let Phase::Probing { deadline, .. } = self.phase {
                    self.phase = Phase::Probing {
                        retry_at: deadline,
                        deadline,
                    };
                }
            }
            Phase::Idle
            | Phase::Dialing { .. }
            | Phase::Open { .. }
            | Phase::Probing { .. }
            | Phase::Waiting { .. }
            | Phase::Down => {}
        }
    }

    /// Whether the session speaks MQTT 3.1.1, which cannot say much of 5.0.
    pub fn speaks_3_1_1(&mut self) -> bool {
        self.session()
            .is_some_and(|session| session.version() == ProtocolVersion::V311)
    }

    /// Takes what the session says about the connection; `true` when it was accepted just now.
    pub fn handle_event(&mut self, now: Now, event: &Event) -> bool {
        match event {
            Event::Connected {
                session_present,
                version,
                ..
            } => {
                self.phase = Phase::Open {
                    connected_at: Some(now.mono),
                };
                self.backoff.handle_connected(now.mono);
                let version = match version {
                    ProtocolVersion::V311 => "3.1.1",
                    ProtocolVersion::V5 => "5.0",
                };
                version.clone_into(&mut self.view.version);
                // Who sent an id keeps it, whatever the broker assigns.
                if let Some(session) = self.session.as_ref() {
                    session.client_id().clone_into(&mut self.view.client_id);
                }
                self.view.session_present = *session_present;
                self.view.failed_tries = 0;
                self.view.problem = None;
                self.show(now, ConnectionState::Connected, None);
                true
            }
            Event::Closed(reason) => {
                self.handle_session_closed(now, reason);
                false
            }
            _ => false,
        }
    }

    fn handle_session_closed(&mut self, now: Now, reason: &ClosedReason) {
        let Phase::Open { connected_at } = self.phase else {
            return;
        };
        let close = self.close.take();
        if close.is_none() {
            self.calls.push_back(Call::HangUp);
        }
        self.backoff.handle_closed(now.mono);
        // Only addresses of the serving bridge have this.
        let is_bridge = self.options.largest_packet.is_some();
        let by_bridge = close
            .as_ref()
            .and_then(|(code, text)| problem::bridge_closed(*code, text, is_bridge));
        let was_network = *reason == ClosedReason::NetworkClosed;
        let problem = match by_bridge {
            Some(problem) => Some(problem),
            None if was_network && connected_at.is_none() => Some(problem::closed_before_connack(
                &self.view.client_id,
                close.as_ref(),
            )),
            None => problem::session_closed(reason, &self.view.client_id, self.username(), close.as_ref()),
        };
        let quick = connected_at.is_some_and(|at| now.mono.ms_since(at) < QUICK_LOSS_MS);
        self.quick_losses = if was_network && quick {
            self.quick_losses + 1
        } else {
            0
        };
        if self.quick_losses >= QUICK_LOSSES && self.view.version == "3.1.1" {
            let how = format!(
                "The connection was accepted and dropped {QUICK_LOSSES} times in a row within seconds; a 3.1.1 broker does that when a client id comes twice. (A broker that crashes looks the same.)"
            );
            return self.go_down(now, problem::taken_over(&self.view.client_id, &how));
        }
        match (reason.advice(), problem) {
            (ReconnectAdvice::AtOnce, _) => self.dial(now),
            (ReconnectAdvice::AfterChange, Some(problem)) => self.go_down(now, problem),
            (ReconnectAdvice::AfterBackoff, problem) => {
                self.view.failed_tries += 1;
                let retry_at = now.mono + self.backoff.next_delay_ms(now.random);
                self.wait(now, retry_at, problem);
            }
            (ReconnectAdvice::AfterChange, None) => {
                self.phase = Phase::Down;
                self.show(now, ConnectionState::Down, None);
            }
        }
    }

    fn username(&self) -> Option<&str> {
        self.options.username.as_deref().filter(|name| !name.is_empty())
    }

    fn wait(&mut self, now: Now, retry_at: MonoTime, problem: Option<Problem>) {
        self.phase = Phase::Waiting { retry_at };
        if problem.is_some() {
            self.view.problem = problem;
        }
        self.show(
            now,
            ConnectionState::Waiting,
            Some(now.wall_after(retry_at.ms_since(now.mono))),
        );
    }

    fn go_down(&mut self, now: Now, problem: Problem) {
        self.phase = Phase::Down;
        self.view.problem = Some(problem);
        self.show(now, ConnectionState::Down, None);
    }

    fn show(&mut self, now: Now, state: ConnectionState, next_try_at: Option<u64>) {
        if self.view.state != state {
            self.view.since = now.wall_ms;
        }
        self.view.state = state;
        self.view.next_try_at = next_try_at;
        self.changed = true;
    }

    /// How long an answer of the broker took, ms.
    pub fn set_round_trip(&mut self, ms: u32) {
        self.changed |= self.view.round_trip_ms != Some(ms);
        self.view.round_trip_ms = Some(ms);
    }
}
