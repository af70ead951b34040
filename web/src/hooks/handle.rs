//! The page's end of the Worker border.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use gloo_timers::callback::Timeout;
use web_sys::{Blob, File};

use super::{
    arranged,
    state::{Key, PageState, Tools},
};
use crate::{
    platform::{
        files, page,
        worker::{EngineWorker, FromWorker},
    },
    wire::{
        Arrange, Command, ConnectionState, ConnectionView, Done, ExportOrder, Frame, Limits, Patch, Problem,
        ProblemKind, ReplayState, ReplayView, RequestId, View, ViewKind,
    },
};

type Listener = Rc<dyn Fn()>;

/// How long an engine that ends has to say goodbye to its broker, ms.
const LEAVE_MS: u32 = 1_000;

/// How often a card is mounted, and how often it is on the screen: a favourite stands in its room, too.
#[derive(Default)]
struct Mounts {
    all: u32,
    on_screen: u32,
}

/// The way to the engine. Clones lead to the same engine.
#[derive(Clone)]
pub struct EngineHandle(Rc<Inner>);

#[derive(Default)]
struct Inner {
    state: RefCell<PageState>,
    listeners: RefCell<HashMap<Key, Vec<(u32, Listener)>>>,
    next_listener: Cell<u32>,
    next_request: Cell<RequestId>,
    worker: RefCell<Option<EngineWorker>>,
    /// Commands given before the Worker's first message: before it nobody listens there.
    waiting: RefCell<Option<Vec<Command>>>,
    /// A file given before it.
    file: RefCell<Option<File>>,
    /// What a new engine has to be told when this one dies.
    open: RefCell<HashMap<ViewKind, (u32, Option<View>)>>,
    limits: Cell<Limits>,
    /// What is being written to a file.
    ordered: RefCell<ExportOrder>,
    /// The cards of Home that are mounted.
    cards: RefCell<BTreeMap<String, Mounts>>,
    /// These are told at the next frame.
    cards_changed: Cell<bool>,
    connect: RefCell<Option<Command>>,
    /// Where the home is that is shown: what is arranged in it is kept under this address.
    home_at: RefCell<String>,
    /// The device that was moved last: its card takes the focus where it is now.
    moved: RefCell<Option<String>>,
    /// The clock of a handle without a browser.
    now: Cell<Option<u64>>,
    /// The way to an engine that ended.
    ended: Cell<bool>,
}

impl Default for EngineHandle {
    fn default() -> Self {
        Self::detached(0)
    }
}

impl PartialEq for EngineHandle {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl std::fmt::Debug for EngineHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineHandle").finish_non_exhaustive()
    }
}

impl EngineHandle {
    /// Starts the engine's Worker.
    #[must_use]
    pub fn start() -> Self {
        let handle = Self(Rc::default());
        handle.start_worker();
        let (seen, online) = (handle.clone(), handle.clone());
        page::on_visibility(move |visible| seen.send(Command::Visible(visible)));
        page::on_online(move || online.send(Command::Wake));
        let other = handle.clone();
        page::on_storage(move |key, text| other.arranged_elsewhere(&key, text));
        handle
    }

    /// Takes leave of the broker, and ends the engine when there was time to.
    pub(super) fn end(&self) {
        self.send(Command::Disconnect);
        let handle = self.clone();
        Timeout::new(LEAVE_MS, move || handle.let_go()).forget();
    }

    /// The browser's events hold this handle as long as the page lives: of the home nothing is kept for them.
    fn let_go(&self) {
        self.0.ended.set(true);
        self.0.worker.take();
        self.0.state.take();
        self.0.open.take();
    }

    /// A handle without an engine, for tests and for pictures of views: `apply` stands in for the engine, and the
    /// clock stands at `now` (ms since epoch).
    #[must_use]
    pub fn detached(now: u64) -> Self {
        let handle = Self(Rc::default());
        handle.0.now.set(Some(now));
        handle
    }

    /// Sends a command; the answer comes as a patch.
    pub fn send(&self, mut command: Command) {
        if self.0.ended.get() {
            return;
        }
        self.mark_bridge(&mut command);
        self.remember(&command);
        let restore = self.restore_after(&command);
        for command in std::iter::once(command).chain(restore) {
            match self.0.waiting.borrow_mut().as_mut() {
                Some(waiting) => waiting.push(command),
                None => self.post(&command),
            }
        }
    }

    /// Whether an address is one of the serving bridge is known on this side alone, wherever the address comes from.
    fn mark_bridge(&self, command: &mut Command) {
        if let Command::Connect(options) = command
            && !self.is_detached()
        {
            let folder = page::folder();
            options.largest_packet = self.read(|state| state.start.largest_packet(&options.url, &folder));
        }
    }

    /// How the home is arranged that this connection leads to.
    fn restore_after(&self, command: &Command) -> Option<Command> {
        let Command::Connect(options) = command else {
            return None;
        };
        self.0.home_at.borrow_mut().clone_from(&options.url);
        (!self.is_detached()).then(|| Command::Arrange(Arrange::Restore(arranged::kept(&options.url))))
    }

    /// Another tab of this browser arranged the same home.
    fn arranged_elsewhere(&self, key: &str, text: String) {
        if arranged::is_of(key, &self.0.home_at.borrow()) {
            self.send(Command::Arrange(Arrange::Restore(text)));
        }
    }

    /// Changes how the home is arranged; `moved` is the device whose card takes the focus.
    pub(crate) fn arrange(&self, change: Arrange) {
        if let Arrange::Move { device, .. } | Arrange::Before { device, .. } = &change {
            *self.0.moved.borrow_mut() = Some(device.clone());
        }
        self.send(Command::Arrange(change));
    }

    /// Whether this device was moved just now; asked once.
    pub(crate) fn take_moved(&self, device: &str) -> bool {
        self.0
            .moved
            .borrow_mut()
            .take_if(|moved| moved == device)
            .is_some()
    }

    /// Puts away what was said of the last thing done.
    pub(crate) fn put_done_away(&self) {
        self.change(|state| {
            state.done = None;
            vec![Key::Done]
        });
    }

    /// Which tools of Home are open.
    pub(crate) fn tools(&self) -> Tools {
        self.read(|state| state.tools.clone())
    }

    /// Changes which tools of Home are open.
    pub(crate) fn use_tools(&self, tools: Tools) {
        let is_other = self.read(|state| state.tools.search != tools.search);
        if is_other {
            self.send(Command::Search(tools.search.clone().unwrap_or_default()));
        }
        self.change(|state| {
            state.tools = tools;
            vec![Key::Tools]
        });
    }

    /// Gives the engine a file to read.
    pub(crate) fn give(&self, file: File) {
        if self.0.waiting.borrow().is_some() {
            *self.0.file.borrow_mut() = Some(file);
        } else if let Some(worker) = self.0.worker.borrow().as_ref() {
            worker.give(&file);
        }
    }

    /// Says that a file cannot be read, in the place of what the engine would say of it.
    pub(crate) fn refuse_file(&self, name: String, why: String) {
        let view = ReplayView {
            name,
            state: ReplayState::Failed(why),
            ..ReplayView::default()
        };
        self.change(|state| {
            state.replay = Some(Rc::new(view));
            vec![Key::Replay]
        });
    }

    /// Whether the engine was told to connect, and not to end that.
    pub(crate) fn is_to_connect(&self) -> bool {
        self.0.connect.borrow().is_some()
    }

    /// What tells it from the other engines of this page.
    pub(super) fn number(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }

    /// The limits that the engine was told last.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.limits.get()
    }

    /// A new number for a request.
    #[must_use]
    pub fn request(&self) -> RequestId {
        let id = self.0.next_request.get() + 1;
        self.0.next_request.set(id);
        id
    }

    /// Puts a notice away.
    pub fn dismiss_notice(&self, index: usize) {
        {
            let mut state = self.0.state.borrow_mut();
            let notices = Rc::make_mut(&mut state.notices);
            if index < notices.len() {
                notices.remove(index);
            }
        }
        self.tell(&[Key::Notices]);
    }

    /// Starts a new engine after a crash: connects with the options used last and opens the views that are mounted.
    /// What the old one remembered of the home is gone.
    pub fn restart(&self) {
        self.change(|state| {
            let mut fresh = PageState::default();
            std::mem::swap(&mut fresh.start, &mut state.start);
            std::mem::swap(&mut fresh.notices, &mut state.notices);
            *state = fresh;
            vec![
                Key::Crash,
                Key::Connection,
                Key::Counters,
                Key::Home,
                Key::Device,
                Key::Tree,
                Key::Topic,
                Key::Chart,
                Key::Retained,
                Key::Subscriptions,
                Key::Export,
                Key::Replay,
            ]
        });
        self.start_worker();
        let limit = Command::Limit(self.limits());
        let connect = self.0.connect.borrow().clone();
        let views: Vec<_> = self
            .0
            .open
            .borrow()
            .values()
            .filter_map(|(_, view)| view.clone())
            .collect();
        let began = [limit, self.watched_cards()].into_iter().chain(connect);
        for command in began.chain(views.into_iter().map(Command::Open)) {
            self.send(command);
        }
    }

    /// Takes over what changed and renders the components that show it.
    pub fn apply(&self, frame: Frame) {
        for patch in &frame.patches {
            if let Patch::Done(Done { kept: Some(text), .. }) = patch
                && !self.is_detached()
            {
                arranged::keep(&self.0.home_at.borrow(), text);
            }
        }
        self.change(|state| state.apply(frame));
        if self.read(PageState::is_logged_out) {
            page::to_login();
        }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut PageState) -> Vec<Key>) {
        let changed = change(&mut self.0.state.borrow_mut());
        self.tell(&changed);
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&PageState) -> T) -> T {
        read(&self.0.state.borrow())
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.now.get().unwrap_or_else(page::now)
    }

    pub(super) fn is_detached(&self) -> bool {
        self.0.now.get().is_some()
    }

    pub(super) fn subscribe(&self, key: Key, listener: Listener) -> u32 {
        let id = self.0.next_listener.get();
        self.0.next_listener.set(id + 1);
        self.0
            .listeners
            .borrow_mut()
            .entry(key)
            .or_default()
            .push((id, listener));
        id
    }

    pub(super) fn unsubscribe(&self, key: &Key, id: u32) {
        let mut listeners = self.0.listeners.borrow_mut();
        if let Some(of_key) = listeners.get_mut(key) {
            of_key.retain(|(other, _)| *other != id);
            if of_key.is_empty() {
                listeners.remove(key);
            }
        }
    }

    /// The keys of the clock that somebody looks at.
    pub(super) fn clocks(&self) -> Vec<u32> {
        let listeners = self.0.listeners.borrow();
        listeners
            .keys()
            .filter_map(|key| {
                if let Key::Clock(step_s) = key {
                    Some(*step_s)
                } else {
                    None
                }
            })
            .collect()
    }

    pub(super) fn tell(&self, changed: &[Key]) {
        for key in changed {
            // Listeners may subscribe and unsubscribe while they run.
            let listeners = self.0.listeners.borrow().get(key).cloned().unwrap_or_default();
            for (_, listener) in listeners {
                listener();
            }
        }
    }

    pub(super) fn hold(&self, kind: ViewKind) {
        self.0.open.borrow_mut().entry(kind).or_default().0 += 1;
    }

    pub(super) fn release(&self, kind: ViewKind) {
        let last = {
            let mut open = self.0.open.borrow_mut();
            let holders = open.get_mut(&kind).map_or(0, |(holders, _)| {
                *holders = holders.saturating_sub(1);
                *holders
            });
            if holders == 0 {
                open.remove(&kind);
            }
            holders == 0
        };
        if last {
            self.0.state.borrow_mut().forget(kind);
            self.send(Command::Close(kind));
        }
    }

    /// A card of Home is mounted or not any more.
    pub(super) fn watch_card(&self, id: &str, mounted: bool) {
        self.change_card(id, |mounts| &mut mounts.all, mounted);
    }

    /// A card of Home came onto the screen or left it.
    pub(crate) fn look_at_card(&self, id: &str, on_screen: bool) {
        self.change_card(id, |mounts| &mut mounts.on_screen, on_screen);
    }

    /// The engine is told of all at once, at the next frame.
    fn change_card(&self, id: &str, which: fn(&mut Mounts) -> &mut u32, more: bool) {
        {
            let mut cards = self.0.cards.borrow_mut();
            let mounts = cards.entry(id.to_owned()).or_default();
            let count = which(mounts);
            *count = if more { *count + 1 } else { count.saturating_sub(1) };
            if mounts.all == 0 && mounts.on_screen == 0 {
                cards.remove(id);
            }
        }
        if !self.0.cards_changed.replace(true) {
            let handle = self.clone();
            page::before_paint(move || {
                handle.0.cards_changed.set(false);
                handle.send(handle.watched_cards());
            });
        }
    }

    fn watched_cards(&self) -> Command {
        let cards = self.0.cards.borrow();
        let card = |(id, mounts): (&String, &Mounts)| (id.clone(), mounts.on_screen > 0);
        Command::Cards(cards.iter().map(card).collect())
    }

    fn remember(&self, command: &Command) {
        match command {
            Command::Open(view) => {
                if let Some((_, held)) = self.0.open.borrow_mut().get_mut(&ViewKind::from(view)) {
                    *held = Some(view.clone());
                }
            }
            Command::Limit(limits) => self.0.limits.set(*limits),
            // A new engine is to want what is wanted now.
            Command::Subscribe(filters) => {
                if let Some(Command::Connect(options)) = self.0.connect.borrow_mut().as_mut() {
                    options.subscriptions.clone_from(filters);
                }
            }
            Command::Connect(_) => *self.0.connect.borrow_mut() = Some(command.clone()),
            Command::Export(Some(order)) => *self.0.ordered.borrow_mut() = order.clone(),
            Command::Disconnect => *self.0.connect.borrow_mut() = None,
            _ => {}
        }
    }

    fn post(&self, command: &Command) {
        let worker = self.0.worker.borrow();
        let Some(worker) = worker.as_ref() else { return };
        if *command == Command::Painted {
            // After every frame: the shortest message that there is.
            return worker.knock();
        }
        if let Ok(bytes) = postcard::to_allocvec(command) {
            worker.post(&bytes);
        }
    }

    fn start_worker(&self) {
        *self.0.waiting.borrow_mut() = Some(Vec::new());
        // Weak: the Worker belongs to the handle, not the other way round.
        let inner = Rc::downgrade(&self.0);
        let started = EngineWorker::start(move |message| {
            if let Some(inner) = inner.upgrade() {
                Self(inner).handle_message(message);
            }
        });
        match started {
            Ok(worker) => {
                *self.0.worker.borrow_mut() = Some(worker);
                self.send(Command::Visible(page::is_visible()));
            }
            Err(reason) => self.crashed(&reason),
        }
    }

    fn handle_message(&self, message: FromWorker) {
        let bytes = match message {
            FromWorker::Bytes(bytes) => bytes,
            FromWorker::File(file) => return self.save(&file),
            FromWorker::Died(reason) => return self.crashed(&reason),
        };
        let waiting = self.0.waiting.borrow_mut().take();
        if let Some(file) = self.0.file.borrow_mut().take() {
            self.give(file);
        }
        for command in waiting.unwrap_or_default() {
            self.post(&command);
        }
        match postcard::from_bytes::<Frame>(&bytes) {
            Ok(frame) => {
                self.apply(frame);
                let handle = self.clone();
                page::before_paint(move || handle.send(Command::Painted));
            }
            Err(error) => self.crashed(&format!("page and engine do not understand each other: {error}")),
        }
    }

    /// What the engine wrote.
    fn save(&self, file: &Blob) {
        files::save(&self.0.ordered.borrow().file_name(), file);
    }

    fn crashed(&self, reason: &str) {
        // Keep the first reason: a panic's text comes before the trap that follows it.
        if self.read(|state| state.crash.is_some()) {
            return;
        }
        *self.0.waiting.borrow_mut() = Some(Vec::new());
        let worker = self.0.worker.borrow_mut().take();
        // Dropped later: this may run inside one of the Worker's own closures.
        wasm_bindgen_futures::spawn_local(async move { drop(worker) });
        let connection = crashed_connection(&self.0.state.borrow().connection, reason, self.now());
        let reason = Rc::from(reason);
        self.change(|state| {
            state.crash = Some(reason);
            state.connection = Rc::new(connection);
            vec![Key::Crash, Key::Connection]
        });
    }
}

/// The socket died with the Worker that held it; the page must not go on saying "connected".
fn crashed_connection(last: &ConnectionView, reason: &str, now: u64) -> ConnectionView {
    let problem = Problem {
        kind: ProblemKind::NetworkClosed,
        title: "The engine of this page stopped".to_owned(),
        what_happened: "The part of the page that holds the connection ended because of a mistake in Hearth."
            .to_owned(),
        how_we_know: reason.to_owned(),
        what_to_do: "Start it again, or load the page again.".to_owned(),
        field: None,
    };
    ConnectionView {
        state: ConnectionState::Down,
        problem: Some(problem),
        next_try_at: None,
        round_trip_ms: None,
        since: now,
        ..last.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::HomeView;

    #[test]
    fn of_an_engine_that_ended_nothing_is_kept() {
        let handle = EngineHandle::detached(0);
        handle.apply(Frame {
            patches: vec![Patch::Home(HomeView::default())],
        });
        assert!(handle.read(|state| state.home.is_some()));
        handle.let_go();
        handle.send(Command::Connect(Box::default()));
        assert!(handle.read(|state| state.home.is_none()));
        assert!(!handle.is_to_connect(), "it takes no commands any more");
    }
}
