//! What the page asks for.

use hearth_model::store::Store;

use super::{
    super::{
        input::{Call, Now},
        keeper::Found,
        retained::Retained,
        settings::{device_options, store_options},
    },
    Engine, arrange,
};
use crate::wire::{
    Action, Arrange, Command, ConnectionOptions, Outcome, ReplayCommand, RequestId, RetainedCommand,
};

impl Engine {
    pub(super) fn handle_command(&mut self, now: Now, command: Command) {
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
            Command::Cards(cards) => self.views.watch(&self.home, cards),
            Command::Subscribe(filters) => {
                self.subscriptions.change(now, &mut self.connection, filters);
                self.views.note_subscriptions();
            }
            Command::Control { request, .. } if self.replay.is_shown() => {
                self.refuse_in_demonstration(request);
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
                self.views.hurry();
            }
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
            Command::Arrange(Arrange::Restore(text)) => self.restore_arrangement(now, &text),
            Command::Tree(_)
            | Command::Retained(_)
            | Command::Export(_)
            | Command::Replay(_)
            | Command::Publish { .. }
            | Command::StopPublish(_)
            | Command::Arrange(_)
            | Command::LightsOff(_)
            | Command::Places
            | Command::Unpack { .. } => self.handle_later(now, command),
        }
    }

    fn refuse_in_demonstration(&mut self, request: RequestId) {
        let why = "This is a demonstration: nothing is published.";
        self.notice("Nothing was sent", why);
        self.views.push_outcome(request, Outcome::Failed(why.to_owned()));
    }

    /// What a first visit does not ask for ([`Command::is_for_later`]).
    #[inline(never)]
    fn handle_later(&mut self, now: Now, command: Command) {
        match command {
            Command::Tree(command) => self.views.change_tree(&self.store, command),
            Command::Publish { request, .. } if self.replay.is_shown() => {
                self.refuse_in_demonstration(request);
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
                let outcome = match self.home.warning(&message) {
                    Some(why) => Outcome::Failed(why),
                    None => self
                        .publisher
                        .publish(now, &mut self.connection, request, message),
                };
                self.views.push_outcome(request, outcome);
                self.views.note_numbers();
            }
            Command::StopPublish(request) => {
                if let Some(outcome) = self.publisher.stop(now, &mut self.connection, request) {
                    self.views.push_outcome(request, outcome);
                }
            }
            Command::Arrange(change) => self.arrange(now, change),
            Command::LightsOff(room) => {
                self.lights_off(now, room.as_deref());
                self.views.hurry();
            }
            Command::Places => self.views.push_result(arrange::places(self.home.devices())),
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
            _ => {}
        }
    }

    pub(super) fn connect(&mut self, now: Now, options: ConnectionOptions) {
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

    pub(super) fn forget_home(&mut self) {
        self.export.stop();
        self.retained = Retained::default();
        self.store = Store::new(*self.store.options());
        self.home = std::mem::take(&mut self.home).anew();
        self.undo.clear();
        self.received = 0;
        self.views.forget();
    }

    pub(super) fn close_replay(&mut self) {
        if self.replay.close() {
            self.forget_home();
        }
    }

    pub(super) fn handle_replay(&mut self, now: Now, command: ReplayCommand) {
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

    pub(super) fn handle_retained(&mut self, now: Now, command: RetainedCommand) {
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

    pub(super) fn control(
        &mut self,
        now: Now,
        request: RequestId,
        of: (&str, &str),
        action: Action,
    ) -> Outcome {
        // Queued commands would act when nobody expects it any more.
        let is_connected = self.connection.is_connected();
        match self.home.control(now, request, of, action, is_connected) {
            Ok(message) => self
                .publisher
                .publish(now, &mut self.connection, request, message),
            Err(why) => Outcome::Failed(why),
        }
    }
}
