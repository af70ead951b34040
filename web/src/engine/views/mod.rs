//! What the page has open, what of it changed, and when it may be told.
//!
//! A frame goes out only after the page painted the last one and only when something changed. In between values are
//! coalesced to the newest: what the screen skips, store, series and counters still have.

mod attention;
mod attributes;
mod card;
mod chart;
mod home;
mod numbers;
mod pace;
mod retained;
mod topic;
mod tree;

use std::collections::BTreeSet;

use hearth_devices::{DeviceCounters, DeviceId};
use hearth_model::store::{NodeId, Store};
use hearth_mqtt::MonoTime;

use self::{
    chart::ChartScreen,
    home::{DeviceScreen, HomeScreen},
    retained::RetainedScreen,
    topic::TopicScreen,
    tree::TreeScreen,
};
pub use self::{home::room_id, numbers::Numbers, pace::Pace};
use super::{home::Home, input::Now, retained::Retained, subscriptions::Subscriptions};
use crate::wire::{Outcome, Patch, RequestId, TreeCommand, View, ViewKind};

/// Results that wait for a hidden page; the oldest go first, their forms are long gone.
const WAITING_RESULTS: usize = 1_000;

/// What the page has open.
#[derive(Debug)]
pub struct Views {
    visible: bool,
    /// The page painted what it was sent.
    painted: bool,
    numbers: Numbers,
    home: HomeScreen,
    device: DeviceScreen,
    tree: TreeScreen,
    topic: TopicScreen,
    chart: ChartScreen,
    retained: RetainedScreen,
    subscriptions: Option<Pace>,
    results: Vec<Patch>,
}

impl Default for Views {
    fn default() -> Self {
        Self {
            visible: true,
            painted: true,
            numbers: Numbers::default(),
            home: HomeScreen::default(),
            device: DeviceScreen::default(),
            tree: TreeScreen::default(),
            topic: TopicScreen::default(),
            chart: ChartScreen::default(),
            retained: RetainedScreen::default(),
            subscriptions: None,
            results: Vec::new(),
        }
    }
}

impl Views {
    /// Opens a view or changes what it shows.
    pub fn open(&mut self, home: &Home, view: View) {
        match view {
            View::Subscriptions => self.subscriptions = Some(Pace::due_at_once()),
            View::Home => self.home.open(home),
            View::Device { id } => self.device.open(id),
            View::Tree(_) | View::Topic { .. } | View::Chart(_) | View::Retained(_) => self.open_later(view),
        }
    }

    /// What a first visit does not open ([`View::is_for_later`]).
    #[inline(never)]
    fn open_later(&mut self, view: View) {
        match view {
            View::Tree(window) => self.tree.open(window),
            View::Topic { topic, seen } => self.topic.open(topic, seen),
            View::Chart(window) => self.chart.open(window),
            View::Retained(window) => self.retained.open(window),
            View::Subscriptions | View::Home | View::Device { .. } => {}
        }
    }

    /// Changes how the tree is looked at.
    pub fn change_tree(&mut self, store: &Store, command: TreeCommand) {
        if command == TreeCommand::Step {
            self.topic.show_again();
        }
        self.tree.command(store, command);
    }

    /// Closes a view.
    pub fn close(&mut self, kind: ViewKind) {
        match kind {
            ViewKind::Tree => self.tree.close(),
            ViewKind::Topic => self.topic.close(),
            ViewKind::Subscriptions => self.subscriptions = None,
            ViewKind::Home => self.home.close(),
            ViewKind::Device => self.device.close(),
            ViewKind::Chart => self.chart.close(),
            ViewKind::Retained => self.retained.close(),
        }
    }

    /// The page shows these cards of Home now.
    pub fn watch(&mut self, home: &Home, cards: Vec<(String, bool)>) {
        self.home.watch(home, cards);
    }

    /// Somebody asked a device for something, and waits to see it.
    pub fn hurry(&mut self) {
        self.home.hurry();
    }

    /// The devices are arranged otherwise: shown at once.
    pub fn note_arranged(&mut self) {
        self.home.note_arranged();
        self.device.show_again();
    }

    /// Only what has this in it is shown on Home.
    pub fn search(&mut self, text: &str) {
        self.home.search(text);
    }

    /// What was heard is forgotten: the open views begin anew.
    pub fn forget(&mut self) {
        self.numbers.show_again();
        self.home.forget();
        self.device.forget();
        self.tree.forget();
        self.topic.forget();
        self.chart.forget();
        self.retained.show_again();
    }

    /// The page can be seen, or not any more. What comes into sight is shown whole and at once.
    pub fn set_visible(&mut self, visible: bool, home: &Home) {
        self.visible = visible;
        if visible {
            self.painted = true;
            self.numbers.show_again();
            self.home.show_again(home);
            self.device.show_again();
            self.tree.show_again();
            self.topic.show_again();
            self.chart.show_again();
            self.retained.show_again();
            if let Some(pace) = &mut self.subscriptions {
                *pace = Pace::due_at_once();
            }
        }
    }

    /// The page painted the last frame.
    pub fn set_painted(&mut self) {
        self.painted = true;
    }

    /// Whether a frame may go out.
    #[must_use]
    pub fn may_send(&self) -> bool {
        self.visible && self.painted
    }

    /// A frame went out.
    pub fn set_sent(&mut self) {
        self.painted = false;
    }

    /// A message changed this topic.
    pub fn note_message(&mut self, topic: Option<NodeId>) {
        self.numbers.note_change();
        self.tree.note_change();
        self.topic.note_change(topic);
        self.chart.note_change(topic);
        self.retained.note_change();
    }

    /// These devices changed.
    pub fn note_devices(&mut self, changed: &BTreeSet<DeviceId>) {
        self.home.note_changes(changed);
        self.device.note_changes(changed);
    }

    /// The subscriptions or their results changed.
    pub fn note_subscriptions(&mut self) {
        if let Some(pace) = &mut self.subscriptions {
            pace.note_change();
        }
    }

    /// What is done with retained messages changed.
    pub fn note_retained(&mut self) {
        self.retained.note_job();
    }

    /// The retained messages that are found now.
    pub fn retained_found(&self, store: &mut Store) -> Vec<NodeId> {
        self.retained.found(store)
    }

    /// Numbers of the header changed other than by a message.
    pub fn note_numbers(&mut self) {
        self.numbers.note_change();
    }

    /// What became of a request; replaces what the page has not seen yet.
    pub fn push_outcome(&mut self, request: RequestId, outcome: Outcome) {
        self.results
            .retain(|patch| !matches!(patch, Patch::Outcome { request: other, .. } if *other == request));
        self.push_result(Patch::Outcome { request, outcome });
    }

    /// A patch that belongs to no view.
    pub fn push_result(&mut self, patch: Patch) {
        if self.results.len() >= WAITING_RESULTS {
            self.results.remove(0);
        }
        self.results.push(patch);
    }

    /// When the next patch is due, if a frame may go out at all.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<MonoTime> {
        if !self.may_send() {
            return None;
        }
        let results = (!self.results.is_empty()).then_some(MonoTime::ZERO);
        let subscriptions = self.subscriptions.as_ref().and_then(Pace::poll_timeout);
        let home = [self.home.poll_timeout(), self.device.poll_timeout()];
        let topics = [
            self.tree.poll_timeout(),
            self.topic.poll_timeout().filter(|_| !self.holds_topic()),
            self.chart.poll_timeout(),
            self.retained.poll_timeout(),
        ];
        let others = [self.numbers.poll_timeout(), subscriptions, results];
        home.into_iter().chain(topics).chain(others).flatten().min()
    }

    /// What is paused is not shown; a topic that was just opened is.
    fn holds_topic(&self) -> bool {
        self.tree.is_paused() && self.topic.is_shown()
    }

    /// All patches that are due.
    pub fn patches(&mut self, now: Now, home: &Home, store: &mut Store, facts: &Facts<'_>) -> Vec<Patch> {
        let mut patches = std::mem::take(&mut self.results);
        self.home.patches(now, home, store, &mut patches);
        patches.extend(self.device.patch(now, home, store));
        patches.extend(self.numbers.patch(now, store, facts));
        let holds_topic = self.holds_topic();
        patches.extend(self.tree.patch(now, store));
        if !holds_topic {
            patches.extend(self.topic.patch(now, store, facts.subscriptions));
        }
        patches.extend(self.chart.patch(now, facts.shown_until, home, store));
        patches.extend(self.retained.patch(now, store, facts.retained));
        if self
            .subscriptions
            .as_mut()
            .is_some_and(|pace| pace.take_due(now.mono, 0))
        {
            patches.push(Patch::Subscriptions(facts.subscriptions.views()));
        }
        patches
    }
}

/// What the views show that is neither in the store nor of a device.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Application Messages received.
    pub received: u64,
    /// Messages that wait for the broker.
    pub queued: u32,
    /// Those that can be discarded.
    pub discardable: u32,
    /// What was left out of the devices.
    pub devices: DeviceCounters,
    /// Subscriptions with their results.
    pub subscriptions: &'a Subscriptions,
    /// When the present of a recording ends, ms since epoch.
    pub shown_until: Option<u64>,
    /// What is done with retained messages.
    pub retained: &'a Retained,
}
