//! What the page knows: the sum of all patches. Pure.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    rc::Rc,
};

use super::start::Start;
use crate::wire::{
    ChartView, ConnectionView, Counters, DeviceCard, DeviceView, Done, ExportView, Frame, HomeView, Notice,
    Outcome, Patch, Place, ProblemKind, ReplayView, RequestId, RetainedView, SubscriptionView, TopicView,
    TreeView, Unpacked, ViewKind,
};

/// Outcomes kept for components that look late; older ones belong to forms that are long gone.
const OUTCOMES: usize = 256;
/// Notices kept; the oldest goes first.
const NOTICES: usize = 20;

/// A part of the state that a component can depend on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// [`PageState::connection`].
    Connection,
    /// [`PageState::counters`].
    Counters,
    /// [`PageState::home`].
    Home,
    /// One of [`PageState::cards`].
    Card(String),
    /// The device of the open device view.
    Device,
    /// [`PageState::tree`].
    Tree,
    /// The topic of the open topic view.
    Topic,
    /// [`PageState::subscriptions`].
    Subscriptions,
    /// [`PageState::chart`].
    Chart,
    /// [`PageState::retained`].
    Retained,
    /// One of [`PageState::outcomes`].
    Outcome(RequestId),
    /// [`PageState::unpacked`].
    Unpacked,
    /// [`PageState::done`].
    Done,
    /// [`PageState::places`].
    Places,
    /// [`PageState::tools`].
    Tools,
    /// [`PageState::export`].
    Export,
    /// [`PageState::replay`].
    Replay,
    /// [`PageState::notices`].
    Notices,
    /// [`PageState::crash`].
    Crash,
    /// [`PageState::start`].
    Start,
    /// The shared clock with this step in seconds.
    Clock(u32),
}

/// A view of something that may not exist.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown<T> {
    /// The engine has not answered yet.
    Waiting,
    /// There is no such thing, or nothing was heard of it.
    Absent,
    /// Here it is.
    Present(Rc<T>),
}

/// Answers of the second module that are held: several may come before the page is drawn.
const ANSWERS: usize = 3;

/// What the second module said to a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The request.
    pub request: RequestId,
    /// What the payload says, or why it says nothing.
    pub result: Result<Rc<Unpacked>, Rc<str>>,
}

/// Which tools of Home are open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tools {
    /// Rooms and devices are being arranged.
    pub arranging: bool,
    /// What is searched for; `None`: the field is not open.
    pub search: Option<String>,
}

/// The sum of all patches.
#[derive(Debug, Default)]
pub struct PageState {
    /// State of the connection.
    pub connection: Rc<ConnectionView>,
    /// Numbers of the header.
    pub counters: Counters,
    /// Home, once it was open.
    pub home: Option<Rc<HomeView>>,
    /// Cards by device id.
    pub cards: HashMap<String, Rc<DeviceCard>>,
    /// The window of the tree, once it was open.
    pub tree: Option<Rc<TreeView>>,
    /// Subscriptions with their results.
    pub subscriptions: Rc<Vec<SubscriptionView>>,
    /// The chart that is open.
    pub chart: Option<Rc<ChartView>>,
    /// Retained messages, once they were looked at.
    pub retained: Option<Rc<RetainedView>>,
    /// What became of requests.
    pub outcomes: BTreeMap<RequestId, Outcome>,
    /// The payloads that were read last by the second module, the newest first.
    pub unpacked: [Option<Answer>; ANSWERS],
    /// The export that goes on, or the last one.
    pub export: Option<Rc<ExportView>>,
    /// The recording.
    pub replay: Option<Rc<ReplayView>>,
    /// Not yet put away, oldest first.
    pub notices: Rc<Vec<Notice>>,
    /// What was done by hand last, until it is put away.
    pub done: Option<Rc<Done>>,
    /// Rooms and devices to choose from, as they were when this was asked for.
    pub places: Rc<Vec<Place>>,
    /// Which tools of Home are open.
    pub tools: Tools,
    /// Why the engine stopped.
    pub crash: Option<Rc<str>>,
    /// What the page was started with.
    pub start: Rc<Start>,
    device: Option<(String, Option<Rc<DeviceView>>)>,
    topic: Option<(String, Option<Rc<TopicView>>)>,
}

impl PageState {
    /// The device view, if it is of this device.
    #[must_use]
    pub fn device(&self, id: &str) -> Shown<DeviceView> {
        shown(self.device.as_ref(), id)
    }

    /// The topic view, if it is of this topic.
    #[must_use]
    pub fn topic(&self, topic: &str) -> Shown<TopicView> {
        shown(self.topic.as_ref(), topic)
    }

    /// Did the login at the serving bridge end?
    #[must_use]
    pub fn is_logged_out(&self) -> bool {
        let problem = self.connection.problem.as_ref();
        problem.is_some_and(|problem| problem.kind == ProblemKind::LoggedOut) && self.start.has_login()
    }

    /// Takes over what changed and names it.
    pub fn apply(&mut self, frame: Frame) -> Vec<Key> {
        frame
            .patches
            .into_iter()
            .map(|patch| self.apply_patch(patch))
            .collect()
    }

    fn apply_patch(&mut self, patch: Patch) -> Key {
        match patch {
            Patch::Connection(view) => {
                self.connection = Rc::new(view);
                Key::Connection
            }
            Patch::Counters(counters) => {
                self.counters = counters;
                Key::Counters
            }
            Patch::Home(view) => {
                self.forget_cards_beside(&view);
                self.home = Some(Rc::new(view));
                Key::Home
            }
            Patch::Facts(facts) => {
                if let Some(home) = &mut self.home {
                    Rc::make_mut(home).take_facts(facts);
                }
                Key::Home
            }
            Patch::Card(card) => {
                let key = Key::Card(card.id.clone());
                self.cards.insert(card.id.clone(), Rc::from(card));
                key
            }
            Patch::Device { id, device } => {
                self.device = Some((id, device.map(Rc::from)));
                Key::Device
            }
            Patch::Tree(view) => {
                self.tree = Some(Rc::new(view));
                Key::Tree
            }
            Patch::Topic { topic, view } => {
                self.topic = Some((topic, view.map(Rc::from)));
                Key::Topic
            }
            Patch::Subscriptions(views) => {
                self.subscriptions = Rc::new(views);
                Key::Subscriptions
            }
            Patch::Chart(view) => {
                self.chart = Some(Rc::from(view));
                Key::Chart
            }
            Patch::Retained(view) => {
                self.retained = Some(Rc::new(view));
                Key::Retained
            }
            Patch::Outcome { request, outcome } => {
                self.outcomes.insert(request, outcome);
                if self.outcomes.len() > OUTCOMES {
                    self.outcomes.pop_first();
                }
                Key::Outcome(request)
            }
            Patch::Unpacked { request, result } => {
                self.unpacked.rotate_right(1);
                if let Some(newest) = self.unpacked.first_mut() {
                    *newest = Some(Answer {
                        request,
                        result: result.map(Rc::new).map_err(Into::into),
                    });
                }
                Key::Unpacked
            }
            Patch::Done(done) => {
                self.done = Some(Rc::new(done));
                Key::Done
            }
            Patch::Places(places) => {
                self.places = Rc::new(places);
                Key::Places
            }
            Patch::Export(view) => {
                self.export = Some(Rc::new(view));
                Key::Export
            }
            Patch::Replay(view) => {
                self.replay = view.map(Rc::from);
                Key::Replay
            }
            Patch::Notice(notice) => {
                let notices = Rc::make_mut(&mut self.notices);
                notices.retain(|known| *known != notice);
                notices.push(notice);
                if notices.len() > NOTICES {
                    notices.remove(0);
                }
                Key::Notices
            }
        }
    }

    /// Cards that no room names are of another broker's home.
    fn forget_cards_beside(&mut self, view: &HomeView) {
        let devices = || view.rooms.iter().flat_map(|room| room.devices.iter());
        if self.cards.len() > devices().count() {
            let named: HashSet<_> = devices().collect();
            self.cards.retain(|id, _| named.contains(id));
        }
    }

    /// Forgets what would look live but is not when a view is closed.
    pub fn forget(&mut self, kind: ViewKind) {
        match kind {
            ViewKind::Device => self.device = None,
            ViewKind::Topic => self.topic = None,
            ViewKind::Chart => self.chart = None,
            ViewKind::Retained => self.retained = None,
            // Their last state is shown for the one frame that the engine needs to bring the new one.
            ViewKind::Home | ViewKind::Tree | ViewKind::Subscriptions => {}
        }
    }
}

fn shown<T>(held: Option<&(String, Option<Rc<T>>)>, id: &str) -> Shown<T> {
    match held {
        Some((held, view)) if held == id => view.clone().map_or(Shown::Absent, Shown::Present),
        Some(_) | None => Shown::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Liveness, RoomView, Tone};

    #[test]
    fn a_frame_changes_only_the_keys_it_names() {
        let mut state = PageState::default();
        let counters = Counters {
            received: 3,
            ..Counters::default()
        };
        let patches = vec![Patch::Counters(counters), Patch::Home(HomeView::default())];
        assert_eq!(state.apply(Frame { patches }), [Key::Counters, Key::Home]);
        assert_eq!(state.counters.received, 3);
    }

    #[test]
    fn a_topic_view_of_another_topic_is_not_shown() {
        let mut state = PageState::default();
        state.apply(Frame {
            patches: vec![Patch::Topic {
                topic: "a".into(),
                view: None,
            }],
        });
        assert_eq!(state.topic("a"), Shown::Absent);
        assert_eq!(state.topic("b"), Shown::Waiting);
    }

    #[test]
    fn cards_of_a_home_that_is_gone_are_forgotten() {
        let mut state = PageState::default();
        let card = |id: &str| {
            Patch::Card(Box::new(DeviceCard {
                id: id.into(),
                name: String::new(),
                kind: String::new(),
                liveness: Liveness::Online,
                last_heard: 0,
                tone: Tone::Plain,
                entities: vec![],
            }))
        };
        let room = RoomView {
            id: "room".into(),
            name: "Room".into(),
            devices: Rc::new(vec!["lamp".into()]),
            ..RoomView::default()
        };
        let home = HomeView {
            rooms: vec![room],
            ..HomeView::default()
        };
        state.apply(Frame {
            patches: vec![card("old"), card("lamp"), Patch::Home(home)],
        });
        assert_eq!(state.cards.keys().collect::<Vec<_>>(), ["lamp"]);
    }

    #[test]
    fn the_same_notice_twice_is_shown_once() {
        let mut state = PageState::default();
        let notice = Notice {
            title: "t".into(),
            text: "x".into(),
            urgent: false,
        };
        state.apply(Frame {
            patches: vec![Patch::Notice(notice.clone()), Patch::Notice(notice)],
        });
        assert_eq!(state.notices.len(), 1);
    }
}
