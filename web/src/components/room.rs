//! Rooms: their navigation, and the frame around their cards.

use yew::prelude::*;

use super::text::{element_id, language, visible};
use crate::{hooks::use_look_only, pages::route::Route, platform::locale, wire::RoomView};

/// What [`RoomNav`] draws.
#[derive(Properties)]
pub(crate) struct RoomNavProps {
    pub(crate) rooms: Vec<RoomView>,
    /// Id of the room that was chosen last.
    pub(crate) current: Option<String>,
    pub(crate) on_choose: Callback<String>,
}

impl PartialEq for RoomNavProps {
    /// Facts change all the time; the names of a hundred rooms do not.
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (&RoomView, &RoomView)| (&a.id, &a.name) == (&b.id, &b.name);
        self.current == other.current
            && self.on_choose == other.on_choose
            && self.rooms.len() == other.rooms.len()
            && self.rooms.iter().zip(&other.rooms).all(same)
    }
}

/// Jumps to a room.
#[component]
pub(crate) fn RoomNav(props: &RoomNavProps) -> Html {
    if props.rooms.len() < 2 {
        return Html::default();
    }
    html! {
        <nav class="roomnav" aria-label="Rooms">
            { for props.rooms.iter().map(|room| {
                let id = room.id.clone();
                let onclick = props.on_choose.reform(move |event: MouseEvent| {
                    event.prevent_default();
                    id.clone()
                });
                let current = props.current.as_ref() == Some(&room.id);
                html! {
                    <a key={room.id.clone()} href={Route::Home { room: Some(room.id.clone()) }.href()} {onclick}
                        aria-current={current.then_some("true")} lang={language(&room.name)}>
                        <bdi>{visible(&room.name)}</bdi>
                    </a>
                }
            })}
        </nav>
    }
}

/// What [`Room`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct RoomProps {
    pub(crate) room: RoomView,
    /// Turn the lights off in the room with this id.
    #[prop_or_default]
    pub(crate) on_lights: Callback<Option<String>>,
    /// The cards.
    pub(crate) children: Html,
}

/// `id` of a room's section.
pub(crate) fn room_element(id: &str) -> String {
    element_id("room", id)
}

/// A room of few cards leaves space for the next one beside it.
fn beside(room: &RoomView) -> Option<&'static str> {
    match room.devices.len() {
        0 | 1 => Some("room--1"),
        2 => Some("room--2"),
        3 => Some("room--3"),
        _ => None,
    }
}

/// A room with its facts and cards.
#[component]
pub(crate) fn Room(props: &RoomProps) -> Html {
    let id = room_element(&props.room.id);
    let heading = format!("{id}-h");
    html! {
        <section class={classes!("room", beside(&props.room))} id={id} aria-labelledby={heading.clone()}>
            <header class="room__head">
                <h2 id={heading} tabindex="-1" lang={language(&props.room.name)}><bdi>{visible(&props.room.name)}</bdi></h2>
                <p class="room__facts"><span class="still">
                    { for props.room.facts.iter().enumerate().map(|(at, fact)| {
                        let text = localised(fact);
                        if at == 0 { html! { <span><strong class="ink2">{text}</strong></span> } } else { html! { <span>{text}</span> } }
                    })}
                </span></p>
                if let Some(on) = props.room.lights { <LightsOff {on} room={Some(props.room.clone())} on_lights={props.on_lights.clone()} /> }
            </header>
            {props.children.clone()}
        </section>
    }
}

/// What [`LightsOff`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct LightsOffProps {
    pub(crate) on: u32,
    /// `None`: everywhere.
    #[prop_or_default]
    pub(crate) room: Option<RoomView>,
    pub(crate) on_lights: Callback<Option<String>>,
}

/// All lights of a room or of the home, and how many of them are on.
#[component]
pub(crate) fn LightsOff(props: &LightsOffProps) -> Html {
    let id = props.room.as_ref().map(|room| room.id.clone());
    let place = match &props.room {
        Some(room) => format!(" in {}", visible(&room.name)),
        None => " in the whole home".to_owned(),
    };
    let testid = if id.is_some() {
        "lights-off"
    } else {
        "all-lights-off"
    };
    let look_only = use_look_only().is_some();
    let disabled = look_only || props.on == 0;
    html! {
        <button class="btn btn--quiet lightsoff" type="button" {disabled} data-testid={testid} data-value={props.on.to_string()}
            onclick={props.on_lights.reform(move |_: MouseEvent| id.clone())}>
            {"All lights off"}<span class="vh">{place}</span>
            if props.on > 0 { <span class="muted">{props.on}</span> }
        </button>
    }
}

/// "22.2 °C" with the number as the locale writes it.
fn localised(fact: &str) -> String {
    visible(fact)
        .split(' ')
        .map(locale::number)
        .collect::<Vec<_>>()
        .join(" ")
}
