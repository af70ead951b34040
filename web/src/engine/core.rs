//! The engine without a browser: inputs go in with their time, calls, bytes and frames come out.
//!
//! After every [`Engine::handle`] take [`Engine::poll_write`], [`Engine::poll_transmit`] and [`Engine::poll_call`] until
//! they are empty, in this order, then [`Engine::poll_frame`], and call again with [`Input::Tick`] at [`Engine::poll_timeout`].

mod arrange;

pub(in crate::engine) use self::arrange::lights_on;

use std::collections::VecDeque;

use bytes::Bytes;
use hearth_model::store::{Arrival, Store, StoreOptions};
use hearth_mqtt::{
    MonoTime, ProtocolVersion, Qos,
    session::{ApplicationMessage, Event, PersistToken, Session},
};

use super::{
    connection::Connection,
    export::Export,
    home::Home,
    input::{Call, Environment, Input, Now, Stored, Write},
    keeper::{Failure, Found, Keeper, Timeout, too_slow},
    publisher::Publisher,
    replay::{self, Replay},
    retained::Retained,
    settings::{device_options, store_options},
    subscriptions::Subscriptions,
    views::{Facts, Views},
};
use crate::wire::{
    Action, Command, ConnectionOptions, Frame, Notice, Outcome, Patch, ReplayCommand, RequestId,
    RetainedCommand,
};

/// Inputs that wait until it is known what is stored; more end the wait.
const WAITING_INPUTS: usize = 10_000;
/// How long a recording waits for a broker that takes no more, ms.
const BUSY_MS: u64 = 20;

/// The engine.
#[derive(Debug)]
pub struct Engine {
    connection: Connection,
    keeper: Keeper,
    /// What came while it was not known yet what is stored of the session.
    waiting: Vec<Input>,
    publisher: Publisher,
    retained: Retained,
    subscriptions: Subscriptions,
    store: Store,
    home: Home,
    views: Views,
    export: Export,
    replay: Replay,
    /// For the second module, oldest first.
    to_unpack: VecDeque<Call>,
    undo: Vec<arrange::Undo>,
    own_requests: u32,
    received: u64,
    /// QoS 2 messages of this session, also those of earlier lives of the page.
    received_once: u64,
    /// Times that the broker accepted this session in this life of the page.
    accepted: u32,
}

impl Engine {
    /// An engine that has no connection and knows nothing.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self {
            connection: Connection::new(environment),
            keeper: Keeper::default(),
            waiting: Vec::new(),
            publisher: Publisher::default(),
            retained: Retained::default(),
            subscriptions: Subscriptions::default(),
            store: Store::new(StoreOptions::default()),
            home: Home::new(environment),
            views: Views::default(),
            export: Export::default(),
            replay: Replay::default(),
            to_unpack: VecDeque::new(),
            undo: Vec::new(),
            own_requests: 0,
            received: 0,
            received_once: 0,
            accepted: 0,
        }
    }

    /// Something happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        // Whatever else happens: a due keep-alive is never late because of other work.
        if self.connection.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.connection.handle_timeout(now);
            self.take_events(now);
        }
        match self.keeper.handle_timeout(now) {
            Some(Timeout::Load(name)) => self.handle_loaded(now, &name, Err(too_slow())),
            Some(Timeout::Write(failure)) => self.handle_failure(&failure),
            None => {}
        }
        self.handle_or_wait(now, input);
        for (request, outcome) in self.publisher.advance(now, &mut self.connection) {
            self.views.push_outcome(request, outcome);
            self.views.note_numbers();
        }
        self.retained.advance(now, &mut self.connection, &mut self.store);
        if self.retained.take_changed() {
            self.views.note_retained();
        }
        self.export.advance(now, &self.store);
        self.play(now);
        self.advance_home(now);
    }

    fn handle_or_wait(&mut self, now: Now, input: Input) {
        match self.keeper.loading() {
            Some(name) if waits_for_session(&input) => {
                let is_full = self.waiting.len() >= WAITING_INPUTS;
                let name = is_full.then(|| name.to_owned());
                self.waiting.push(input);
                if let Some(name) = name {
                    self.handle_loaded(now, &name, Err(too_slow()));
                }
            }
            Some(_) | None => self.handle_input(now, input),
        }
        self.take_events(now);
    }

    fn handle_input(&mut self, now: Now, input: Input) {
        match input {
            Input::Command(command) => self.handle_command(now, *command),
            Input::Opened => self.connection.handle_opened(now),
            Input::Bytes(bytes) => self.connection.handle_bytes(now, bytes),
            Input::Closed { code, reason } => self.connection.handle_closed(now, code, reason),
            Input::RefusedByBrowser => self.connection.handle_refused_by_browser(now),
            Input::TextFrame => self.connection.handle_text_frame(now),
            Input::Unpacked { request, result } => {
                self.views.push_result(Patch::Unpacked { request, result });
            }
            Input::Probed(findings) => self.connection.handle_probed(now, &findings),
            Input::Fetched(ask) => self.home.handle_fetched(now, ask),
            Input::FormatsFetched(is_here) => self.home.handle_formats(now, is_here, &self.store),
            Input::Loaded { name, stored } => self.handle_loaded(now, &name, stored),
            Input::Written { number, result } => match self.keeper.handle_written(number, result) {
                Ok(token) => self.release(token),
                Err(failure) => self.handle_failure(&failure),
            },
            Input::File { name, bytes } => {
                self.close_replay();
                self.replay.open(name, bytes);
            }
            Input::FileRead { file, result } => self.replay.handle_read(now, file, result),
            Input::FileWritten { file, result } => self.export.handle_written(now, file, result),
            Input::Tick => {}
        }
    }

    fn connect(&mut self, now: Now, options: ConnectionOptions) {
        // A recording was allowed for the broker that was there.
        self.replay.stop();
        if self.replay.is_shown() {
            self.close_replay();
        }
        let waited = self.publisher.queued(&mut self.connection);
        let before = self.connection.options();
        let same = before.url == options.url && before.client_id == options.client_id;
        let last = self.connection.leave(now);
        self.keeper.leave(now, last, self.received_once);
        (self.received_once, self.accepted) = (0, 0);
        self.retained.leave_session();
        if options.url != self.connection.options().url {
            // Another broker, another home: what was heard here must not be commanded there.
            self.forget_home();
        }
        for request in self.publisher.forget() {
            let why = "Another connection was begun before the broker had it.".to_owned();
            self.views.push_outcome(request, Outcome::Failed(why));
        }
        self.subscriptions.begin(&options.subscriptions);
        let must_load = self.keeper.begin(now, &options);
        // Storage and network are asked at the same time.
        self.connection.connect(now, options);
        if !must_load {
            self.start_session(now, Found::default());
            if same && waited > 0 {
                self.notice(
                    "Messages that waited were discarded",
                    &format!(
                        "{waited} had no last word of the broker, and the new connection makes a clean start."
                    ),
                );
            }
        }
        self.views.note_subscriptions();
        self.views.note_numbers();
    }

    fn forget_home(&mut self) {
        self.export.stop();
        self.retained = Retained::default();
        self.store = Store::new(*self.store.options());
        self.home = std::mem::take(&mut self.home).anew();
        self.undo.clear();
        self.received = 0;
        self.views.forget();
    }

    fn close_replay(&mut self) {
        if self.replay.close() {
            self.forget_home();
        }
    }

    fn handle_replay(&mut self, now: Now, command: ReplayCommand) {
        match command {
            ReplayCommand::Show if self.connection.is_down() => {
                self.forget_home();
                self.replay.begin(now, true);
            }
            // What a broker says and what a file says are never mixed.
            ReplayCommand::Show => self.notice(
                "The recording is not shown",
                "It can only be shown where nothing is connected.",
            ),
            ReplayCommand::Publish if self.replay.is_shown() => {}
            ReplayCommand::Publish => self.replay.begin(now, false),
            ReplayCommand::Pause => self.replay.pause(now, true),
            ReplayCommand::Resume => self.replay.pause(now, false),
            ReplayCommand::Speed(speed) => self.replay.set_speed(now, speed),
            ReplayCommand::Stop => self.replay.stop(),
            ReplayCommand::Close => self.close_replay(),
        }
    }

    /// Plays what is due of the recording.
    fn play(&mut self, now: Now) {
        if self.replay.poll_timeout().is_none_or(|at| at > now.mono) {
            return;
        }
        let is_shown = self.replay.is_shown();
        let keeps_times = self.replay.keeps_times();
        for _ in 0..replay::SLICE {
            if !is_shown && !replay::may_publish(&mut self.connection) {
                return self.replay.wait(now, BUSY_MS);
            }
            let Some(record) = self.replay.take_due(now) else {
                return;
            };
            if is_shown {
                let said = record.at_ms.filter(|_| keeps_times);
                let at_ms = said.map_or(now.wall_ms, |at| at.min(now.wall_ms));
                let arrival = Arrival {
                    topic: record.topic,
                    payload: record.payload,
                    qos: record.qos,
                    retain: record.retain,
                    dup: record.dup,
                    properties: record.properties,
                };
                self.received += 1;
                take_in(&mut self.store, &mut self.home, &mut self.views, at_ms, &arrival);
            } else if let Err(why) = replay::publish(now, &mut self.connection, &record) {
                self.replay.note_failed(why);
            }
        }
        self.replay.wait(now, 0);
    }

    fn handle_loaded(&mut self, now: Now, name: &str, stored: Result<Stored, String>) {
        if let Some(found) = self.keeper.handle_loaded(now, name, stored) {
            self.stop_waiting(now, found);
        }
    }

    fn stop_waiting(&mut self, now: Now, found: Found) {
        self.start_session(now, found);
        for input in std::mem::take(&mut self.waiting) {
            // One of them may begin another session.
            self.handle_or_wait(now, input);
        }
    }

    fn start_session(&mut self, now: Now, found: Found) {
        let is_restored = !found.records.is_empty();
        match self.connection.start_session(found.records) {
            Ok(()) if is_restored => {
                self.received_once = found.received;
                self.received += found.received;
                // Also what the broker remembers: its retained messages come again, and this page is empty.
                self.subscriptions.handle_restored(now, &mut self.connection);
            }
            Ok(()) => {}
            Err(error) => {
                self.keeper.start_anew();
                self.notice(
                    "What waited here could not be read",
                    &format!("{error}. The session starts anew."),
                );
            }
        }
        if let Some(reason) = found.fault {
            self.go_on_without_storage(&reason);
        }
        self.views.note_numbers();
    }

    /// What waited for this write may leave.
    fn release(&mut self, token: Option<PersistToken>) {
        if let (Some(session), Some(token)) = (self.connection.session(), token) {
            session.handle_persisted(token);
        }
    }

    fn handle_failure(&mut self, failure: &Failure) {
        self.release(failure.token);
        self.go_on_without_storage(&failure.reason);
    }

    /// Nothing waits for storage any more.
    fn go_on_without_storage(&mut self, reason: &str) {
        self.notice(
            "This browser stores nothing for this page",
            &format!(
                "Everything works, but messages that wait for the broker are lost when the page is closed or loaded again. The browser says: {reason}."
            ),
        );
    }

    fn notice(&mut self, title: &str, text: &str) {
        self.views.push_result(Patch::Notice(Notice {
            title: title.to_owned(),
            text: text.to_owned(),
            urgent: false,
        }));
    }

    fn advance_home(&mut self, now: Now) {
        if self.home.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.home.advance(now, &self.store);
        }
        self.views.note_devices(&self.home.take_changed());
    }

    /// What is to be stored next; the packets that rely on it leave after [`Input::Written`].
    pub fn poll_write(&mut self, now: Now) -> Option<Write> {
        if let Some(write) = self.keeper.poll_ready() {
            return Some(write);
        }
        if self.keeper.may_write() {
            let batch = self.connection.session().and_then(Session::poll_persist);
            if batch.is_some() || self.keeper.is_touch_due(now) {
                return self.keeper.write(now, batch, self.received_once);
            }
        }
        if self.keeper.is_off()
            && let Some(session) = self.connection.session()
        {
            while let Some(batch) = session.poll_persist() {
                session.handle_persisted(batch.token);
            }
        }
        None
    }

    /// Bytes for the open WebSocket.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.connection.poll_transmit()
    }

    /// What is to be done with the network next.
    pub fn poll_call(&mut self) -> Option<Call> {
        self.keeper
            .poll_call()
            .or_else(|| self.connection.poll_call())
            .or_else(|| self.home.poll_call())
            .or_else(|| self.to_unpack.pop_front())
            .or_else(|| self.export.poll_call())
            .or_else(|| self.replay.poll_call())
    }

    /// When to come back with [`Input::Tick`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<MonoTime> {
        self.connection
            .poll_timeout()
            .into_iter()
            .chain(self.views.poll_timeout())
            .chain(self.publisher.poll_timeout())
            .chain(self.retained.poll_timeout())
            // What a device became without a word (silent, unconfirmed) is of use only to a page that can be told.
            .chain(self.home.poll_timeout().filter(|_| self.views.may_send()))
            .chain(self.keeper.poll_timeout())
            .chain(self.export.poll_timeout())
            .chain(self.replay.poll_timeout())
            .chain(self.files_changed().filter(|_| self.views.may_send()))
            .min()
    }

    /// When the page should be told of exports and recordings.
    fn files_changed(&self) -> Option<MonoTime> {
        let changes = [self.export.poll_change(), self.replay.poll_change()];
        changes.into_iter().flatten().min()
    }

    /// The next frame for the page, if one may go out and something is due.
    pub fn poll_frame(&mut self, now: Now) -> Option<Vec<u8>> {
        if !self.views.may_send() {
            return None;
        }
        let mut patches: Vec<Patch> = self
            .connection
            .take_change()
            .map(Patch::Connection)
            .into_iter()
            .collect();
        if self.views.poll_timeout().is_some_and(|at| at <= now.mono) {
            let facts = Facts {
                received: self.received,
                queued: self.publisher.queued(&mut self.connection),
                devices: self.home.devices().counters(),
                discardable: self.publisher.discardable(&mut self.connection),
                subscriptions: &self.subscriptions,
                retained: &self.retained,
            };
            patches.extend(self.views.patches(now, &self.home, &mut self.store, &facts));
        }
        if self.files_changed().is_some() {
            patches.extend(self.export.take_change(now).map(Patch::Export));
            patches.extend(self.replay.take_change(now).map(Patch::Replay));
        }
        if patches.is_empty() {
            return None;
        }
        self.views.set_sent();
        // It only fails when memory is gone, and then the Worker ends anyway.
        postcard::to_allocvec(&Frame { patches }).ok()
    }

    fn handle_command(&mut self, now: Now, command: Command) {
        match command {
            Command::Connect(options) => self.connect(now, *options),
            Command::Disconnect => self.connection.disconnect(now),
            Command::RetryNow => {
                if self.replay.is_shown() {
                    self.close_replay();
                }
                self.connection.retry_now(now);
            }
            Command::Wake => self.connection.wake(now),
            Command::Open(view) => self.views.open(&self.home, view),
            Command::Close(kind) => self.views.close(kind),
            Command::Tree(command) => self.views.change_tree(&self.store, command),
            Command::Cards(cards) => self.views.watch(&self.home, cards),
            Command::Subscribe(filters) => {
                self.subscriptions.change(now, &mut self.connection, filters);
                self.views.note_subscriptions();
            }
            Command::Publish { request, .. } | Command::Control { request, .. } if self.replay.is_shown() => {
                let why = "This is a demonstration: nothing is published.";
                self.notice("Nothing was sent", why);
                self.views.push_outcome(request, Outcome::Failed(why.to_owned()));
            }
            Command::Retained(_) if self.replay.is_shown() => self.notice(
                "This is a demonstration",
                "Its retained messages are those of the file, and no broker is asked to delete them.",
            ),
            Command::Retained(command) => self.handle_retained(now, command),
            Command::Export(order) => match order {
                Some(order) => self.export.begin(now, &self.store, order),
                None => self.export.stop(),
            },
            Command::Replay(command) => self.handle_replay(now, command),
            Command::Publish { request, message } => {
                let outcome = self
                    .publisher
                    .publish(now, &mut self.connection, request, message);
                self.views.push_outcome(request, outcome);
                self.views.note_numbers();
            }
            Command::StopPublish(request) => {
                if let Some(outcome) = self.publisher.stop(now, &mut self.connection, request) {
                    self.views.push_outcome(request, outcome);
                }
            }
            Command::Control {
                request,
                device,
                entity,
                action,
            } => {
                let outcome = self.control(now, request, (&device, &entity), action);
                self.home.note_outcome(request, &outcome);
                self.views.push_outcome(request, outcome);
            }
            Command::Arrange(change) => self.arrange(now, change),
            Command::LightsOff(room) => self.lights_off(now, &room),
            Command::Places => self.views.push_result(arrange::places(self.home.devices())),
            Command::Search(text) => self.views.search(&text),
            Command::DiscardQueued => {
                if let Some(session) = self.connection.session() {
                    session.discard_queued();
                }
                self.views.note_numbers();
            }
            Command::Limit(limits) => {
                self.store.set_options(store_options(limits));
                self.home.set_options(device_options(limits));
                self.connection.set_limits(limits);
                self.views.note_numbers();
            }
            Command::Visible(visible) => {
                self.views.set_visible(visible, &self.home);
                if visible {
                    self.replay.show_again();
                    self.connection.show_again();
                    self.connection.wake(now);
                }
            }
            Command::Painted => self.views.set_painted(),
            Command::Unpack {
                request,
                packing,
                media_type,
                payload,
            } => self.to_unpack.push_back(Call::Unpack {
                request,
                packing,
                media_type,
                payload,
            }),
        }
    }

    fn handle_retained(&mut self, now: Now, command: RetainedCommand) {
        match command {
            RetainedCommand::Plan => {
                let found = self.views.retained_found(&mut self.store);
                self.retained.plan(&self.store, found);
            }
            RetainedCommand::Cancel => self.retained.cancel(),
            RetainedCommand::Delete(per_second) => self.retained.delete(per_second),
            RetainedCommand::Undo(per_second) => self.retained.undo(per_second),
            RetainedCommand::Stop => self.retained.stop(),
            RetainedCommand::Refresh => self.subscriptions.ask_again(now, &mut self.connection),
        }
    }

    fn control(&mut self, now: Now, request: RequestId, of: (&str, &str), action: Action) -> Outcome {
        // Queued commands would act when nobody expects it any more.
        let is_connected = self.connection.is_connected();
        match self.home.control(now, request, of, action, is_connected) {
            Ok(message) => self
                .publisher
                .publish(now, &mut self.connection, request, message),
            Err(why) => Outcome::Failed(why),
        }
    }

    fn take_events(&mut self, now: Now) {
        while let Some(event) = self.connection.session().and_then(Session::poll_event) {
            self.handle_event(now, &event);
        }
    }

    fn handle_event(&mut self, now: Now, event: &Event) {
        if let Event::Message(message) = event {
            return self.handle_message(now, message);
        }
        if self.connection.handle_event(now, event) {
            self.subscriptions.handle_connected(now, &mut self.connection);
        }
        if let Event::Response { message, .. } = event {
            self.handle_message(now, message);
        }
        if let Some((request, outcome)) = self.publisher.handle_event(now, &mut self.connection, event) {
            self.home.note_outcome(request, &outcome);
            self.views.push_outcome(request, outcome);
        } else if let Event::Published { reason_code, .. } = event
            && reason_code.is_error()
            && self.replay.is_publishing()
        {
            let why = reason_code.description();
            self.replay.note_failed(format!("The broker refused it: {why}."));
        }
        if matches!(event, Event::Published { .. } | Event::PublishFailed { .. }) {
            let version = self.connection.session().map(|session| session.version());
            self.retained
                .handle_event(event, version.unwrap_or(ProtocolVersion::V5), &mut self.store);
            // Also of messages that an earlier life of this page published.
            self.views.note_numbers();
        }
        if self.subscriptions.handle_event(now, &mut self.connection, event) {
            self.views.note_subscriptions();
        }
        if let Event::Connected { session_present, .. } = event {
            self.accepted = self.accepted.saturating_add(1);
            if !session_present && self.accepted == 1 {
                // Another session of the broker: its messages are counted from its beginning.
                self.received -= std::mem::take(&mut self.received_once).min(self.received);
            }
        }
        // A page that was just loaded shows nothing that could be out of date, unless it relies on the broker's memory.
        let relies = self.accepted > 1 || !self.connection.options().clean_start;
        if *event == Event::MessagesMayBeMissed && relies {
            self.notice(
                "Messages may have been missed",
                "The broker had forgotten this page while the connection was down. What was sent in between is not here.",
            );
        }
    }

    fn handle_message(&mut self, now: Now, message: &ApplicationMessage) {
        self.received += 1;
        self.received_once += u64::from(message.qos == Qos::ExactlyOnce);
        let arrival = Arrival {
            topic: message.topic.as_str(),
            payload: &message.payload,
            qos: message.qos.bits(),
            retain: message.retain,
            dup: message.dup,
            properties: message.properties.as_bytes(),
        };
        take_in(
            &mut self.store,
            &mut self.home,
            &mut self.views,
            now.wall_ms,
            &arrival,
        );
    }
}

/// A message was heard at `at_ms`, or is played as if it had been.
fn take_in(store: &mut Store, home: &mut Home, views: &mut Views, at_ms: u64, arrival: &Arrival<'_>) {
    let change = store.apply(at_ms, arrival);
    if let Some(id) = change.id() {
        home.note_message(id);
    }
    views.note_message(change.id());
}

/// Whether this input needs the session.
fn waits_for_session(input: &Input) -> bool {
    match input {
        Input::Command(command) => !matches!(
            **command,
            Command::Open(_)
                | Command::Close(_)
                | Command::Tree(_)
                | Command::Cards(_)
                | Command::Places
                | Command::Search(_)
                | Command::Limit(_)
                | Command::Visible(_)
                | Command::Painted
                | Command::Unpack { .. }
                | Command::Export(_)
                | Command::Replay(_)
        ),
        Input::Opened
        | Input::Bytes(_)
        | Input::Closed { .. }
        | Input::RefusedByBrowser
        | Input::TextFrame
        | Input::Probed(_) => true,
        Input::Loaded { .. }
        | Input::Written { .. }
        | Input::Unpacked { .. }
        | Input::Fetched(_)
        | Input::File { .. }
        | Input::FileRead { .. }
        | Input::FileWritten { .. }
        | Input::FormatsFetched(_)
        | Input::Tick => false,
    }
}
