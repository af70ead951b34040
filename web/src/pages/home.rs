//! Home: the whole home at a glance, what needs attention, and every room with its devices.

use std::rc::Rc;

use yew::prelude::*;

use super::{
    cards::{Cards, use_columns},
    profiles::{use_connection_form, use_submit},
    route::Route,
};
use crate::{
    components::{
        attention::Attention,
        card::Card,
        empty::{Explained, Listening, Welcome},
        form::quick::QuickForm,
        glance::Glance,
        room::{Room, RoomNav, room_element},
        text::visible,
        words,
    },
    hooks::{
        use_card, use_connection, use_counters, use_engine, use_home, use_now, use_start, use_subscriptions,
    },
    platform::document,
    wire::{Action, Command, ConnectionState, HomeView, Unreadable, WHOLE_HOME},
};

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
        Some(home) if !home.rooms.is_empty() => html! { <Rooms {home} room={props.room.clone()} /> },
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
    let now = use_now(10);
    let devices: usize = home.rooms.iter().map(|room| room.devices.len()).sum();
    let columns = use_columns(devices > WHOLE_HOME);
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
    let current = (*chosen)
        .clone()
        .or_else(|| home.rooms.first().map(|room| room.id.clone()));
    html! {
        <>
            if !home.glance.is_empty() { <Glance facts={home.glance.clone()} /> }
            <Attention items={home.attention.clone()} {now} />
            <RoomNav rooms={home.rooms.clone()} {current} {on_choose} />
            { for home.rooms.iter().map(|room| html! {
                <Room key={room.id.clone()} room={room.clone()}>
                    <Cards devices={room.devices.clone()} {columns} />
                </Room>
            })}
            if home.beyond_limit > 0 {
                <p class="hint">{format!("{} of further devices not shown here: Settings has the limit of devices. Explorer shows all topics.",
                    words::count(home.beyond_limit, "message", "messages"))}</p>
            }
            {unreadable(&home.unreadable)}
        </>
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
}

/// Draws a card anew when its device changed, and when the words for its age do.
#[component]
pub(super) fn CardOf(props: &CardOfProps) -> Html {
    let card = use_card(&props.device);
    let now = use_now(10);
    let engine = use_engine();
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
    html! { <Card {card} {now} {on_action} /> }
}
