//! How the views see the engine: each hook re-renders its component only when that component's own view changed.
//!
//! [`EngineProvider`] stands at the root. A hook that shows a view opens it at the engine while a component that uses
//! it is mounted, so that only what is on the screen crosses the Worker border.

mod arranged;
mod clock;
mod gradually;
mod handle;
pub(crate) mod limits;
mod provider;
mod start;
mod state;

use std::rc::Rc;

pub use hearth_model::api::{BridgeBroker, BridgeConfig};
use yew::prelude::*;

use self::state::Answer;
pub use self::{
    clock::use_now,
    handle::EngineHandle,
    provider::EngineProvider,
    start::{Start, StartParams, use_is_admin, use_look_only, use_start, websocket_url},
    state::{Key, PageState, Shown, Tools},
};
pub(crate) use self::{
    gradually::use_gradually,
    provider::{Engines, MOST_ENGINES, use_engines},
    start::filter_and_qos,
};
use crate::wire::{
    ChartView, ChartWindow, Command, ConnectionView, Counters, DeviceCard, DeviceView, Done, ExportView,
    HomeView, Notice, Outcome, Place, ReplayView, RequestId, RetainedView, RetainedWindow, SubscriptionView,
    TopicSeen, TopicView, TreeView, TreeWindow, Unpacked, View, ViewKind,
};

/// The way to the engine: `send` a command, take the next `request` id.
///
/// Outside of an [`EngineProvider`] it leads nowhere, and every view stays empty.
#[hook]
pub fn use_engine() -> EngineHandle {
    let fallback = use_memo((), |()| EngineHandle::detached(0));
    use_context::<EngineHandle>().unwrap_or_else(|| (*fallback).clone())
}

/// State of the connection, with the reason when it is down.
#[hook]
pub fn use_connection() -> Rc<ConnectionView> {
    use_selected(Key::Connection, |state: &PageState| state.connection.clone())
}

/// What was received, dropped, queued.
#[hook]
pub fn use_counters() -> Counters {
    use_selected(Key::Counters, |state: &PageState| state.counters)
}

/// Home but for the content of its cards; `None` until the engine answered.
#[hook]
pub fn use_home() -> Option<Rc<HomeView>> {
    use_open(View::Home);
    use_selected(Key::Home, |state: &PageState| state.home.clone())
}

/// One card of Home; needs a mounted [`use_home`].
#[hook]
pub fn use_card(device: &str) -> Option<Rc<DeviceCard>> {
    let id = device.to_owned();
    let engine = use_engine();
    use_effect_with((engine, id.clone()), |(engine, id)| {
        engine.watch_card(id, true);
        let (engine, id) = (engine.clone(), id.clone());
        move || engine.watch_card(&id, false)
    });
    use_selected(Key::Card(id.clone()), move |state: &PageState| {
        state.cards.get(&id).cloned()
    })
}

/// One device with all its entities.
#[hook]
pub fn use_device(device: &str) -> Shown<DeviceView> {
    let id = device.to_owned();
    use_open(View::Device { id: id.clone() });
    use_selected(Key::Device, move |state: &PageState| state.device(&id))
}

/// A window of the topic tree.
#[hook]
pub fn use_tree(window: TreeWindow) -> Option<Rc<TreeView>> {
    use_open(View::Tree(window));
    use_selected(Key::Tree, |state: &PageState| state.tree.clone())
}

/// A message and the history of a topic.
#[hook]
pub fn use_topic(topic: &str, seen: TopicSeen) -> Shown<TopicView> {
    let topic = topic.to_owned();
    use_open(View::Topic {
        topic: topic.clone(),
        seen,
    });
    use_selected(Key::Topic, move |state: &PageState| state.topic(&topic))
}

/// Numbers over time; `None` until the engine answered.
#[hook]
pub fn use_chart(window: ChartWindow) -> Option<Rc<ChartView>> {
    use_open(View::Chart(window));
    use_selected(Key::Chart, |state: &PageState| state.chart.clone())
}

/// Retained messages; `None` until the engine answered.
#[hook]
pub fn use_retained(window: RetainedWindow) -> Option<Rc<RetainedView>> {
    use_open(View::Retained(window));
    use_selected(Key::Retained, |state: &PageState| state.retained.clone())
}

/// Subscriptions with their granted results.
#[hook]
pub fn use_subscriptions() -> Rc<Vec<SubscriptionView>> {
    use_open(View::Subscriptions);
    use_selected(Key::Subscriptions, |state: &PageState| {
        state.subscriptions.clone()
    })
}

/// What became of a request.
#[hook]
pub fn use_outcome(request: Option<RequestId>) -> Option<Outcome> {
    use_selected(
        Key::Outcome(request.unwrap_or_default()),
        move |state: &PageState| request.and_then(|request| state.outcomes.get(&request).cloned()),
    )
}

/// What a component asked to have unpacked.
#[derive(Default)]
struct Unpacking {
    packing: Option<&'static str>,
    /// Without an answer yet, in their order.
    open: Vec<RequestId>,
    last: Option<Answer>,
}

/// What a payload says that is no text: `packing` as in [`Command::Unpack`], `None` asks nothing. While the answer to a
/// newer payload is on its way, the last one stays.
#[hook]
pub fn use_unpacked(
    packing: Option<&'static str>,
    media_type: &AttrValue,
    payload: &Rc<[u8]>,
) -> Option<Result<Rc<Unpacked>, Rc<str>>> {
    let engine = use_engine();
    let asked = use_mut_ref(Unpacking::default);
    {
        let asked = asked.clone();
        use_effect_with(
            (packing, media_type.clone(), payload.clone()),
            move |(packing, media_type, payload)| {
                let mut asked = asked.borrow_mut();
                if asked.packing != *packing {
                    *asked = Unpacking {
                        packing: *packing,
                        ..Unpacking::default()
                    };
                }
                let Some(packing) = packing else { return };
                let request = engine.request();
                asked.open.push(request);
                engine.send(Command::Unpack {
                    request,
                    packing: (*packing).to_owned(),
                    media_type: media_type.to_string(),
                    payload: payload.to_vec(),
                });
            },
        );
    }
    let answers = use_selected(Key::Unpacked, |state: &PageState| state.unpacked.clone());
    let mut asked = asked.borrow_mut();
    // Several components ask at the same time; each takes what it asked for, the older one first.
    for answer in answers.into_iter().rev().flatten() {
        if let Some(at) = asked.open.iter().position(|request| *request == answer.request) {
            asked.open.drain(..=at);
            asked.last = Some(answer);
        }
    }
    let last = asked.last.as_ref().filter(|_| asked.packing == packing);
    last.map(|answer| answer.result.clone())
}

/// The export that goes on, or the last one.
#[hook]
pub fn use_export() -> Option<Rc<ExportView>> {
    use_selected(Key::Export, |state: &PageState| state.export.clone())
}

/// The recording that was given to this engine.
#[hook]
pub fn use_replay() -> Option<Rc<ReplayView>> {
    use_selected(Key::Replay, |state: &PageState| state.replay.clone())
}

/// What the user must know and has not put away yet, oldest first.
#[hook]
pub fn use_notices() -> Rc<Vec<Notice>> {
    use_selected(Key::Notices, |state: &PageState| state.notices.clone())
}

/// What was done by hand last, until it is put away.
#[hook]
pub fn use_done() -> Option<Rc<Done>> {
    use_selected(Key::Done, |state: &PageState| state.done.clone())
}

/// Rooms and devices to choose from; asked for when the component is mounted and whenever they were arranged.
#[hook]
pub fn use_places() -> Rc<Vec<Place>> {
    let (engine, done) = (use_engine(), use_done());
    use_effect_with((engine, done), |(engine, _)| engine.send(Command::Places));
    use_selected(Key::Places, |state: &PageState| state.places.clone())
}

/// Which tools of Home are open.
#[hook]
pub fn use_tools() -> Tools {
    use_selected(Key::Tools, |state: &PageState| state.tools.clone())
}

/// Why the engine stopped, if it did; [`EngineHandle::restart`] starts a new one.
#[hook]
pub fn use_crash() -> Option<Rc<str>> {
    use_selected(Key::Crash, |state: &PageState| state.crash.clone())
}

/// Keeps `view` open at the engine while the component is mounted.
#[hook]
fn use_open(view: View) {
    let engine = use_engine();
    let kind = ViewKind::from(&view);
    use_effect_with((engine.clone(), kind), move |(engine, kind)| {
        let (engine, kind) = (engine.clone(), *kind);
        engine.hold(kind);
        move || engine.release(kind)
    });
    use_effect_with((engine, view), move |(engine, view)| {
        engine.send(Command::Open(view.clone()));
    });
}

/// Reads a part of the state, and renders again when that part became different.
#[hook]
fn use_selected<T, R>(key: Key, read: R) -> T
where
    T: Clone + PartialEq + 'static,
    R: Fn(&PageState) -> T + 'static,
{
    let engine = use_engine();
    let update = use_force_update();
    let rendered = use_mut_ref(|| None);
    let value = engine.read(&read);
    *rendered.borrow_mut() = Some(value.clone());
    use_effect_with((engine, key), move |(engine, key)| {
        let (engine, key) = (engine.clone(), key.clone());
        let reader = engine.clone();
        let check = Rc::new(move || {
            if *rendered.borrow() != Some(reader.read(&read)) {
                update.force_update();
            }
        });
        // What came between the rendering and now.
        check();
        let id = engine.subscribe(key.clone(), check);
        move || engine.unsubscribe(&key, id)
    });
    value
}
