//! The engine without a browser: inputs go in with their time, calls, bytes and frames come out.
//!
//! After every [`Engine::handle`] take [`Engine::poll_transmit`] and [`Engine::poll_call`] until they are empty, then
//! [`Engine::poll_frame`], and call again with [`Input::Tick`] at [`Engine::poll_timeout`].

use bytes::Bytes;
use hearth_model::store::{Arrival, Store, StoreOptions};
use hearth_mqtt::{
    MonoTime,
    session::{ApplicationMessage, Event},
};

use super::{
    connection::Connection,
    home::Home,
    input::{Call, Environment, Input, Now},
    publisher::Publisher,
    settings::{device_options, store_options},
    subscriptions::Subscriptions,
    views::{Facts, Views},
};
use crate::wire::{Action, Command, ConnectionOptions, Frame, Notice, Outcome, Patch, RequestId};

/// The engine.
#[derive(Debug)]
pub struct Engine {
    connection: Connection,
    publisher: Publisher,
    subscriptions: Subscriptions,
    store: Store,
    home: Home,
    views: Views,
    received: u64,
}

impl Engine {
    /// An engine that has no connection and knows nothing.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self {
            connection: Connection::new(environment),
            publisher: Publisher::default(),
            subscriptions: Subscriptions::default(),
            store: Store::new(StoreOptions::default()),
            home: Home::default(),
            views: Views::default(),
            received: 0,
        }
    }

    /// Something happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        // Whatever else happens: a due keep-alive is never late because of other work.
        if self.connection.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.connection.handle_timeout(now);
            self.take_events(now);
        }
        match input {
            Input::Command(command) => self.handle_command(now, *command),
            Input::Opened => self.connection.handle_opened(now),
            Input::Bytes(bytes) => self.connection.handle_bytes(now, bytes),
            Input::Closed { code, reason } => self.connection.handle_closed(now, code, reason),
            Input::RefusedByBrowser => self.connection.handle_refused_by_browser(now),
            Input::TextFrame => self.connection.handle_text_frame(now),
            Input::Probed(findings) => self.connection.handle_probed(now, &findings),
            Input::Tick => {}
        }
        self.take_events(now);
        self.advance_home(now);
    }

    fn advance_home(&mut self, now: Now) {
        if self.home.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.home.advance(now, &self.store);
        }
        self.views.note_devices(&self.home.take_changed());
    }

    /// Bytes for the open WebSocket.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.connection.poll_transmit()
    }

    /// What is to be done with the network next.
    pub fn poll_call(&mut self) -> Option<Call> {
        self.connection.poll_call()
    }

    /// When to come back with [`Input::Tick`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<MonoTime> {
        self.connection
            .poll_timeout()
            .into_iter()
            .chain(self.views.poll_timeout())
            // What a device became without a word (silent, unconfirmed) is of use only to a page that can be told.
            .chain(self.home.poll_timeout().filter(|_| self.views.may_send()))
            .min()
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
                subscriptions: &self.subscriptions,
            };
            patches.extend(self.views.patches(now, &self.home, &mut self.store, &facts));
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
            Command::RetryNow => self.connection.retry_now(now),
            Command::Wake => self.connection.wake(now),
            Command::Open(view) => self.views.open(&self.home, &self.store, view),
            Command::Close(kind) => self.views.close(kind),
            Command::Publish { request, message } => {
                let outcome = self
                    .publisher
                    .publish(now, &mut self.connection, request, message);
                self.views.push_outcome(request, outcome);
                self.views.note_numbers();
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
            Command::Limit(limits) => {
                self.store.set_options(store_options(limits));
                self.home.set_options(device_options(limits));
                self.connection.set_limits(limits);
                self.views.note_numbers();
            }
            Command::Visible(visible) => {
                self.views.set_visible(visible, &self.home);
                if visible {
                    self.connection.show_again();
                    self.connection.wake(now);
                }
            }
            Command::Painted => self.views.set_painted(),
        }
    }

    fn connect(&mut self, now: Now, options: ConnectionOptions) {
        if options.url != self.connection.options().url {
            // Another broker, another home: what was heard here must not be commanded there.
            self.store = Store::new(*self.store.options());
            self.home = self.home.anew();
            self.received = 0;
            self.views.forget();
        }
        for request in self.publisher.forget() {
            let why = "Another connection was begun before the broker had it.".to_owned();
            self.views.push_outcome(request, Outcome::Failed(why));
        }
        self.subscriptions.begin(&options.subscriptions);
        self.connection.connect(now, options);
        self.views.note_subscriptions();
        self.views.note_numbers();
    }

    fn control(
        &mut self,
        now: Now,
        request: RequestId,
        (device, entity): (&str, &str),
        action: Action,
    ) -> Outcome {
        // Queued commands would act when nobody expects it any more.
        if !self.connection.is_connected() {
            return Outcome::Failed("There is no connection to the broker; nothing was sent.".to_owned());
        }
        match self.home.control(now, request, device, entity, action) {
            Ok(message) => self
                .publisher
                .publish(now, &mut self.connection, request, message),
            Err(why) => Outcome::Failed(why),
        }
    }

    fn take_events(&mut self, now: Now) {
        while let Some(event) = self
            .connection
            .session()
            .and_then(hearth_mqtt::session::Session::poll_event)
        {
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
        if let Some((request, outcome)) = self.publisher.handle_event(event) {
            self.home.note_outcome(request, &outcome);
            self.views.push_outcome(request, outcome);
            self.views.note_numbers();
        }
        if self.subscriptions.handle_event(now, &mut self.connection, event) {
            self.views.note_subscriptions();
        }
        if *event == Event::MessagesMayBeMissed {
            self.views.push_result(Patch::Notice(Notice {
                title: "Messages may have been missed".to_owned(),
                text: "The broker had forgotten this page while the connection was down. What was sent in between is not here.".to_owned(),
                urgent: false,
            }));
        }
    }

    fn handle_message(&mut self, now: Now, message: &ApplicationMessage) {
        self.received += 1;
        let arrival = Arrival {
            topic: message.topic.as_str(),
            payload: &message.payload,
            qos: message.qos.bits(),
            retain: message.retain,
            dup: message.dup,
            properties: message.properties.as_bytes(),
        };
        let change = self.store.apply(now.wall_ms, &arrival);
        if let Some(id) = change.id() {
            self.home.note_message(id);
        }
        self.views.note_message(change.id());
    }
}
