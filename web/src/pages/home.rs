//! Home: the whole home at a glance, what needs attention, and every room with its devices.

use std::rc::Rc;

use yew::prelude::*;

use super::{
    arrange::{ArrangeBar, ArrangeCard, ArrangeRoom, is_named},
    cards::{Cards, use_columns, use_on_screen},
    profiles::{use_connection_form, use_submit},
    route::Route,
};
use crate::{
    components::{
        attention::Attention,
        card::Card,
        empty::{Explained, Listening, Welcome},
        form::{event_value, quick::QuickForm},
        glance::Glance,
        icon::Icon,
        room::{LightsOff, Room, RoomNav, room_element},
        text::visible,
        words,
    },
    hooks::{
        EngineHandle, Tools, use_card, use_connection, use_counters, use_engine, use_gradually, use_home,
        use_now, use_start, use_subscriptions, use_tools,
    },
    platform::document,
    wire::{
        Action, Arrange, AttentionReason, Command, ConnectionState, FAVOURITES, HomeView, RoomView,
        Unreadable, WHOLE_HOME,
    },
};

/// "Remind me" means tomorrow.
const REMIND_HOURS: u32 = 24;
/// Rooms of a large home that come with one frame: fifty are a task of 50 ms.
const ROOMS_AT_ONCE: usize = 4;

/// What [`Home`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct HomeProps {
    /// The room to show first.
    pub(crate) room: Option<String>,
}

/// Home, or what to do so that there is one.
#[component]
pub(crate) fn Home(props: &HomeProps) -> Html {
    let home = use_home();
    let connection = use_connection();
    let (start, engine) = (use_start(), use_engine());
    match home {
        Some(home) if home.devices > 0 || !home.rooms.is_empty() || !home.hidden.is_empty() => {
            html! { <Rooms {home} room={props.room.clone()} /> }
        }
        _ if start.loading => html! { <Opening text="Looking for a bridge…" /> },
        _ => match connection.state {
            ConnectionState::Connected => html! { <Empty><Quiet since={connection.since} /></Empty> },
            ConnectionState::Connecting => html! { <Opening text="Connecting to the broker…" /> },
            // The engine is still being loaded and has not said so yet.
            ConnectionState::None if engine.is_to_connect() => {
                html! { <Opening text="Connecting to the broker…" /> }
            }
            ConnectionState::None | ConnectionState::Waiting | ConnectionState::Down => {
                if start.bridge.is_some() && connection.problem.is_some() {
                    html! { <Empty><Trouble /></Empty> }
                } else {
                    html! { <Empty><Ask /></Empty> }
                }
            }
        },
    }
}

#[derive(Properties, PartialEq)]
struct EmptyProps {
    children: Html,
}

#[component]
fn Empty(props: &EmptyProps) -> Html {
    html! { <div class="empty">{props.children.clone()}</div> }
}

#[derive(Properties, PartialEq)]
struct OpeningProps {
    text: AttrValue,
}

#[component]
fn Opening(props: &OpeningProps) -> Html {
    html! { <p class="opening" role="status">{props.text.clone()}</p> }
}

/// "Where is your broker?"
#[component]
fn Ask() -> Html {
    let connection = use_connection();
    let form = use_connection_form();
    let (errors, on_submit) = use_submit(&form);
    let on_change = {
        let form = form.clone();
        Callback::from(move |changed| form.set(Rc::new(changed)))
    };
    html! {
        <Welcome>
            <QuickForm form={(*form).clone()} {errors} problem={connection.problem.clone()} {on_change} {on_submit} />
        </Welcome>
    }
}

/// A bridge without its broker.
#[component]
fn Trouble() -> Html {
    let connection = use_connection();
    let engine = use_engine();
    let Some(problem) = &connection.problem else {
        return Html::default();
    };
    let retry = Callback::from(move |_: MouseEvent| engine.send(Command::RetryNow));
    html! {
        <Explained title={problem.title.clone()} text={format!("{} {}", problem.what_happened, problem.what_to_do)}>
            <button class="btn btn--primary" type="button" onclick={retry}>{"Try again now"}</button>
            <a class="btn" href={Route::Connect.href()}>{"Find out why"}</a>
        </Explained>
    }
}

#[derive(Properties, PartialEq)]
struct QuietProps {
    since: u64,
}

#[component]
fn Quiet(props: &QuietProps) -> Html {
    let (counters, subscriptions, now) = (use_counters(), use_subscriptions(), use_now(5));
    html! { <Listening {counters} {subscriptions} connected_for={now.saturating_sub(props.since)} /> }
}

#[derive(Properties, PartialEq)]
struct RoomsProps {
    home: Rc<HomeView>,
    room: Option<String>,
}

#[component]
fn Rooms(props: &RoomsProps) -> Html {
    let home = &*props.home;
    let (now, engine, tools) = (use_now(10), use_engine(), use_tools());
    let columns = use_columns(home.devices as usize > WHOLE_HOME);
    // Who is led to a room finds it.
    let rooms = use_gradually(
        home.rooms.len(),
        ROOMS_AT_ONCE,
        columns.is_some() && props.room.is_none(),
    );
    let chosen = use_state(|| None::<String>);
    let on_choose = {
        let chosen = chosen.clone();
        Callback::from(move |room: String| {
            document::show_element(&room_element(&room));
            chosen.set(Some(room));
        })
    };
    use_effect_with(props.room.clone(), |room| {
        if let Some(room) = room {
            document::show_element(&room_element(room));
        }
    });
    {
        let engine = engine.clone();
        use_effect_with((), move |()| {
            let slash = document::on_slash(move || open_search(&engine));
            move || drop(slash)
        });
    }
    let current = (*chosen)
        .clone()
        .or_else(|| home.rooms.first().map(|room| room.id.clone()));
    let on_lights = {
        let engine = engine.clone();
        Callback::from(move |room: Option<String>| engine.send(Command::LightsOff(room)))
    };
    let on_later = {
        let engine = engine.clone();
        Callback::from(move |(device, reason): (String, AttentionReason)| {
            engine.arrange(Arrange::PutOff {
                device,
                reason,
                hours: REMIND_HOURS,
            });
        })
    };
    let arrange = |arranging: bool| {
        let (engine, tools) = (engine.clone(), tools.clone());
        Callback::from(move |()| {
            engine.use_tools(Tools {
                arranging,
                ..tools.clone()
            });
        })
    };
    html! {
        <>
            if let Some(search) = &tools.search { <HomeSearch search={search.clone()} found={found(home, search)} /> }
            if tools.arranging {
                <ArrangeBar on_end={arrange(false)} />
                <Arranging rooms={home.rooms.clone()} />
            } else {
                if tools.search.is_none() && !home.glance.is_empty() { <Glance facts={home.glance.clone()} /> }
                if tools.search.is_none() { <Attention items={home.attention.clone()} {now} {on_later} /> }
                <div class="roombar">
                    <RoomNav rooms={home.rooms.clone()} {current} {on_choose} />
                    if let Some(on) = all_lights(home, tools.search.is_none()) {
                        <LightsOff {on} on_lights={on_lights.clone()} />
                    }
                </div>
                <div class={classes!("rooms", columns.is_none().then_some("rooms--beside"))}>
                    { for home.rooms.iter().take(rooms).enumerate().map(|(at, room)| html! {
                        <Room key={room.id.clone()} room={room.clone()} on_lights={on_lights.clone()}>
                            <Cards devices={room.devices.clone()} {columns} place={room.id.clone()} first={at == 0} />
                        </Room>
                    })}
                </div>
            }
            if home.beyond_limit > 0 {
                <p class="hint">{format!("{} of further devices not shown here: Settings has the limit of devices. Explorer shows all topics.",
                    words::count(home.beyond_limit, "message", "messages"))}</p>
            }
            {hidden(&engine, &home.hidden)}
            {unreadable(&home.unreadable)}
            if !tools.arranging {
                <button class="btn only-s" type="button" onclick={arrange(true).reform(|_: MouseEvent| ())}>
                    <Icon name="pencil" />{"Arrange rooms and devices"}</button>
            }
        </>
    }
}

/// Opens the search, or puts the focus into its field.
pub(crate) fn open_search(engine: &EngineHandle) {
    let tools = engine.tools();
    if tools.search.is_some() {
        document::focus_id(SEARCH);
    } else {
        engine.use_tools(Tools {
            search: Some(String::new()),
            ..tools
        });
    }
}

/// Lights that are on in the whole home, when more than one room has some.
fn all_lights(home: &HomeView, is_whole: bool) -> Option<u32> {
    let of: Vec<u32> = home.rooms.iter().filter_map(|room| room.lights).collect();
    (is_whole && of.len() > 1).then(|| of.iter().sum())
}

fn found(home: &HomeView, search: &str) -> String {
    if search.trim().is_empty() {
        return String::new();
    }
    let found: usize = home.rooms.iter().map(|room| room.devices.len()).sum();
    match found {
        0 => "No device has this in its name, its room or its topics.".to_owned(),
        found => words::count(found as u64, "device", "devices"),
    }
}

/// `id` of the field.
const SEARCH: &str = "home-search";

#[derive(Properties, PartialEq)]
struct HomeSearchProps {
    search: AttrValue,
    found: AttrValue,
}

/// The field of the search; Escape closes it.
#[component]
fn HomeSearch(props: &HomeSearchProps) -> Html {
    let engine = use_engine();
    use_effect_with((), |()| document::focus_id(SEARCH));
    let searching = move |search: Option<String>| {
        let tools = engine.tools();
        engine.use_tools(Tools { search, ..tools });
    };
    let oninput = {
        let searching = searching.clone();
        Callback::from(move |event: InputEvent| searching(Some(event_value(&event))))
    };
    let onkeydown = {
        let searching = searching.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                searching(None);
            }
        })
    };
    let onclick = Callback::from(move |_: MouseEvent| searching(None));
    html! {
        <search class="homesearch">
            <input class="input grow" id={SEARCH} type="search" value={props.search.clone()} {oninput} {onkeydown}
                aria-label="Search rooms, devices and topics" placeholder="Name, room or topic" autocomplete="off"
                spellcheck="false" data-testid="home-search" />
            <span class="hint" role="status" data-testid="home-found">{props.found.clone()}</span>
            <button class="btn btn--quiet" type="button" {onclick}>{"Close"}</button>
        </search>
    }
}

#[derive(Properties, PartialEq)]
struct ArrangingProps {
    rooms: Vec<RoomView>,
}

/// Every room with its devices as things to be moved. Favourites are shown in their rooms.
#[component]
fn Arranging(props: &ArrangingProps) -> Html {
    let rooms = Rc::new(props.rooms.clone());
    let named: Vec<&String> = rooms
        .iter()
        .filter(|room| is_named(room))
        .map(|room| &room.name)
        .collect();
    // Of a room that goes up or down by one: the one that it stands before then.
    let places = |room: &RoomView| {
        let at = named.iter().position(|name| **name == room.name)?;
        let before = at.checked_sub(1).and_then(|at| named.get(at));
        let after = (at + 1 < named.len()).then(|| named.get(at + 2).map(|name| (*name).clone()));
        Some((before.map(|name| Some((*name).clone())), after))
    };
    html! {
        { for props.rooms.iter().filter(|room| room.id != FAVOURITES).map(|room| {
            let (before, after) = places(room).unwrap_or_default();
            html! {
                <ArrangeRoom key={room.id.clone()} room={room.clone()} {before} {after}>
                    <div class="cards">
                        { for room.devices.iter().enumerate().map(|(place, device)| html! {
                            <ArrangeOf key={device.clone()} device={device.clone()} room={room.id.clone()} {place}
                                rooms={rooms.clone()} />
                        })}
                    </div>
                </ArrangeRoom>
            }
        })}
    }
}

#[derive(Properties, PartialEq)]
struct ArrangeOfProps {
    device: AttrValue,
    room: AttrValue,
    place: usize,
    rooms: Rc<Vec<RoomView>>,
}

#[component]
fn ArrangeOf(props: &ArrangeOfProps) -> Html {
    match use_card(&props.device) {
        Some(card) => html! { <ArrangeCard {card} room={props.room.clone()} place={props.place}
        rooms={props.rooms.clone()} /> },
        None => html! { <article class="card card--1" aria-hidden="true"></article> },
    }
}

/// What people hid, and the way back.
fn hidden(engine: &EngineHandle, devices: &[(String, String)]) -> Html {
    if devices.is_empty() {
        return Html::default();
    }
    let show = |device: &str| {
        let (engine, device) = (engine.clone(), device.to_owned());
        Callback::from(move |_: MouseEvent| {
            engine.arrange(Arrange::Hide {
                device: device.clone(),
                hidden: false,
            });
        })
    };
    html! {
        <details class="unread" data-testid="hidden-devices">
            <summary>{format!("Hidden by you ({})", devices.len())}</summary>
            <ul class="topiclist">
                { for devices.iter().map(|(id, name)| html! {
                    <li key={id.clone()} class="row row--apart">
                        <a class="link" href={Route::Device { id: id.clone() }.href()}><bdi>{visible(name)}</bdi></a>
                        <button class="btn btn--dense" type="button" onclick={show(id)} data-testid="show-device"
                            data-device={id.clone()} aria-label={format!("Show {}", visible(name))}>{"Show"}</button>
                    </li>
                })}
            </ul>
        </details>
    }
}

/// What was announced and is not on a card, with the reason.
fn unreadable(items: &[Unreadable]) -> Html {
    if items.is_empty() {
        return Html::default();
    }
    html! {
        <details class="unread">
            <summary>{format!("Could not be read ({})", items.len())}</summary>
            <ul class="topiclist">
                { for items.iter().map(|item| html! {
                    <li data-testid="could-not-be-read" data-topic={item.topic.clone()}>
                        <a class="link mono" href={Route::Explorer { topic: Some(item.topic.clone()) }.href()}>
                            <bdi>{visible(&item.topic)}</bdi></a>
                        <p class="sub">{visible(&item.reason)}</p>
                    </li>
                })}
            </ul>
        </details>
    }
}

#[derive(Properties, PartialEq)]
pub(super) struct CardOfProps {
    pub(super) device: AttrValue,
    /// Id of the room that it is shown in.
    pub(super) place: AttrValue,
}

/// Draws a card anew when its device changed, and when the words for its age do.
#[component]
pub(super) fn CardOf(props: &CardOfProps) -> Html {
    let card = use_card(&props.device);
    let now = use_now(10);
    let engine = use_engine();
    let node = use_node_ref();
    use_on_screen(&node, card.is_some(), &props.device);
    let device = props.device.to_string();
    let on_action = use_callback(
        (engine, device),
        |(entity, action): (String, Action), (engine, device)| {
            engine.send(Command::Control {
                request: engine.request(),
                device: device.clone(),
                entity,
                action,
            });
        },
    );
    let Some(card) = card else {
        return html! { <article class="card card--1" aria-hidden="true"></article> };
    };
    let now = words::step_now(card.last_heard, now);
    html! { <Card {node} {card} {now} {on_action} place={props.place.clone()} /> }
}
