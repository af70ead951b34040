//! The engine without a browser: inputs go in with their time, calls, bytes and frames come out.
//!
//! After every [`Engine::handle`] take [`Engine::poll_write`], [`Engine::poll_transmit`] and [`Engine::poll_call`] until
//! they are empty, in this order, then [`Engine::poll_frame`], and call again with [`Input::Tick`] at [`Engine::poll_timeout`].

mod arrange;
mod command;
mod event;
mod restore;

pub(in crate::engine) use self::arrange::lights_on;

use std::collections::VecDeque;

use bytes::Bytes;
use hearth_model::store::{Arrival, Store, StoreOptions};
use hearth_mqtt::{MonoTime, session::Session};

use self::event::take_in;
use super::{
    connection::Connection,
    export::Export,
    home::Home,
    input::{Call, Environment, Input, Now, Write},
    keeper::{Keeper, Timeout, too_slow},
    publisher::Publisher,
    replay::{self, Replay},
    retained::Retained,
    subscriptions::Subscriptions,
    views::{Facts, Views},
};
use crate::wire::{Command, Frame, Notice, Patch};

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
            Input::File { .. } | Input::FileRead { .. } | Input::FileWritten { .. } => {
                self.handle_file(now, input);
            }
            Input::NotLoaded(why) => self.notice("This does not work now", &why),
            Input::Tick => {}
        }
    }

    #[inline(never)]
    fn handle_file(&mut self, now: Now, input: Input) {
        match input {
            Input::File { name, bytes } => {
                self.close_replay();
                self.replay.open(name, bytes);
            }
            Input::FileRead { file, result } => self.replay.handle_read(now, file, result),
            Input::FileWritten { file, result } => self.export.handle_written(now, file, result),
            _ => {}
        }
    }

    /// Plays what is due of the recording.
    fn play(&mut self, now: Now) {
        if self.replay.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.play_due(now);
        }
    }

    #[inline(never)]
    fn play_due(&mut self, now: Now) {
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
                continue;
            }
            match replay::publish(now, &mut self.connection, &record) {
                Ok(true) => {}
                Ok(false) => return self.replay.hold_back(now, BUSY_MS),
                Err(why) => self.replay.note_failed(why),
            }
        }
        self.replay.wait(now, 0);
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
                shown_until: self.replay.shown_until(),
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
        | Input::NotLoaded(_)
        | Input::Tick => false,
    }
}
