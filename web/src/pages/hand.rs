//! What people can say of a device: its name, room and kind, that it is a favourite or hidden, and what belongs to it.

use std::rc::Rc;

use yew::prelude::*;

use super::arrange::NameForm;
use crate::{
    components::{
        form::{event_value, field::Check},
        text::visible,
    },
    hooks::{use_engine, use_places},
    platform::locale,
    wire::{Arrange, DeviceView},
};

/// Kinds that people choose from, as `data-kind` spells them; the words are theirs with blanks.
const KINDS: [&str; 21] = [
    "light",
    "plug",
    "switch",
    "door",
    "window",
    "garage",
    "motion",
    "cover",
    "lock",
    "climate",
    "thermostat",
    "air",
    "energy",
    "leak",
    "smoke",
    "fan",
    "valve",
    "siren",
    "camera",
    "button",
    "sensor",
];

/// What stands for the room that is still to be named.
const NEW_ROOM: &str = "new";

/// What [`Hand`] draws.
#[derive(Properties, PartialEq)]
pub(super) struct HandProps {
    pub(super) view: Rc<DeviceView>,
}

/// The panel of a device's page; what it needs is asked for when it is opened.
#[component]
pub(super) fn Hand(props: &HandProps) -> Html {
    let open = use_state(|| false);
    let ontoggle = {
        let open = open.clone();
        Callback::from(move |_: Event| open.set(true))
    };
    html! {
        <details class="panel hand" {ontoggle} data-testid="hand">
            <summary class="panel__head"><h2>{"Change name, room, kind"}</h2></summary>
            if *open { <Fields view={props.view.clone()} /> }
        </details>
    }
}

#[component]
fn Fields(props: &HandProps) -> Html {
    let engine = use_engine();
    let (card, hand) = (&props.view.card, &props.view.hand);
    let device = card.id.clone();
    let arrange = Callback::from(move |change: Arrange| engine.arrange(change));
    let to = |make: fn(String, String) -> Arrange| {
        let device = device.clone();
        arrange.reform(move |event: Event| make(device.clone(), event_value(&event)))
    };
    let on_name = to(|device, name| Arrange::Rename { device, name });
    let on_kind = to(|device, kind| Arrange::Kind { device, kind });
    let on_join = to(|device, with| Arrange::Join { device, with });
    let on_silent = to(|device, text| Arrange::SilentAfter {
        device,
        seconds: text.trim().parse().unwrap_or_default(),
    });
    let silent = (hand.silent_after_s > 0).then(|| hand.silent_after_s.to_string());
    let check = |make: fn(String, bool) -> Arrange| {
        let device = device.clone();
        arrange.reform(move |is: bool| make(device.clone(), is))
    };
    let kinds = KINDS.iter().map(|kind| {
        html! { <option value={*kind} selected={hand.kind && card.kind == *kind}>{words_of(kind)}</option> }
    });
    let places = use_places();
    let others = places
        .iter()
        .flat_map(|place| &place.devices)
        .filter(|(id, _)| *id != card.id);
    html! {
        <div class="panel__body stack">
            <label class="field"><span class="label">{"Name"}</span>
                <input class="input" value={card.name.clone()} placeholder={visible(&hand.own_name)} maxlength="80"
                    onchange={on_name} data-testid="hand-name" />
                <span class="hint">{format!("Empty: as it calls itself, {}.", visible(&hand.own_name))}</span></label>
            <RoomField view={props.view.clone()} on_arrange={arrange.clone()} />
            <label class="field"><span class="label">{"What it is"}</span>
                <select class="select" onchange={on_kind} data-testid="hand-kind">
                    <option value="" selected={!hand.kind}>{format!("As it seems: {}", words_of(&hand.own_kind))}</option>
                    {for kinds}
                </select></label>
            <Check checked={hand.favourite} testid="hand-favourite"
                on_check={check(|device, favourite| Arrange::Favourite { device, favourite })}>{"Show it first, as a favourite"}</Check>
            <Check checked={hand.hidden} testid="hand-hidden"
                on_check={check(|device, hidden| Arrange::Hide { device, hidden })}>{"Hide it on Home"}</Check>
            <label class="field"><span class="label">{"Silent after, s"}</span>
                <input class="input" type="number" min="0" max="31536000" value={silent} placeholder="By its own rhythm"
                    onchange={on_silent} data-testid="hand-silent" />
                <span class="hint">{"Without a message for so long it needs attention. Empty: by its own rhythm."}</span></label>
            <label class="field"><span class="label">{"It is the same device as"}</span>
                <select class="select" onchange={on_join} data-testid="hand-join">
                    <option value="" selected=true>{"–"}</option>
                    { for others.map(|(id, name)| html! { <option value={id.clone()}>{visible(name)}</option> }) }
                </select>
                <span class="hint">{"Both are then one card, with the values and controls of both."}</span></label>
            { for hand.put_off.iter().map(|(reason, until)| {
                let (device, reason) = (device.clone(), *reason);
                let onclick = arrange.reform(move |_: MouseEvent| Arrange::PutOff { device: device.clone(), reason, hours: 0 });
                html! {
                    <p class="row row--apart"><span>{format!("Reminded of this ({}) {}", reason.name(), locale::date_and_time(*until))}</span>
                        <button class="btn btn--dense" type="button" {onclick} data-testid="hand-remind">{"Now"}</button></p>
                }
            })}
            if !hand.parts.is_empty() {
                <div class="field"><span class="label">{"It is more than one device"}</span>
                    <ul class="topiclist">
                        { for hand.parts.iter().map(|part| {
                            let (device, key) = (device.clone(), part.key.clone());
                            let onclick = arrange.reform(move |_: MouseEvent| Arrange::Separate { device: device.clone(), key: key.clone() });
                            html! {
                                <li key={part.key.clone()} class="row row--apart"><bdi class="clip">{visible(&part.name)}</bdi>
                                    <button class="btn btn--dense" type="button" {onclick} data-testid="hand-separate"
                                        data-key={part.key.clone()} aria-label={format!("Of its own: {}", visible(&part.name))}>
                                        {"Of its own"}</button></li>
                            }
                        })}
                    </ul></div>
            }
            <p class="hint">{"This browser keeps it for this broker. Nothing is sent to the device."}</p>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct RoomFieldProps {
    view: Rc<DeviceView>,
    on_arrange: Callback<Arrange>,
}

/// The room that it is in, or a new one.
#[component]
fn RoomField(props: &RoomFieldProps) -> Html {
    let places = use_places();
    let naming = use_state(|| false);
    let device = props.view.card.id.clone();
    let on_room = {
        let (naming, on_arrange, device) = (naming.clone(), props.on_arrange.clone(), device.clone());
        Callback::from(move |event: Event| {
            let chosen = event_value(&event);
            let device = device.clone();
            match chosen.split_once(' ') {
                // A name begins with a blank here, so that no name is one of the other choices.
                Some((_, room)) => on_arrange.emit(Arrange::Move {
                    device,
                    room: Some(room.to_owned()),
                }),
                None if chosen == NEW_ROOM => naming.set(true),
                None => on_arrange.emit(Arrange::Move { device, room: None }),
            }
        })
    };
    let on_named = {
        let (naming, on_arrange) = (naming.clone(), props.on_arrange.clone());
        Callback::from(move |name: Option<String>| {
            naming.set(false);
            if let Some(name) = name {
                on_arrange.emit(Arrange::Move {
                    device: device.clone(),
                    room: Some(name),
                });
            }
        })
    };
    let here = &props.view.room;
    if *naming {
        return html! {
            <div class="field"><span class="label">{"Room"}</span><NameForm label="Name of the new room" start="" {on_named} /></div>
        };
    }
    let rooms = places.iter().filter_map(|place| place.room.as_ref());
    html! {
        <label class="field"><span class="label">{"Room"}</span>
            <select class="select" onchange={on_room} data-testid="hand-room">
                <option value="" selected={here.is_empty()}>{"No room"}</option>
                { for rooms.map(|room| html! {
                    <option value={format!(" {room}")} selected={here == room}>{visible(room)}</option>
                })}
                <option value={NEW_ROOM}>{"New room…"}</option>
            </select></label>
    }
}

fn words_of(kind: &str) -> String {
    kind.replace('_', " ")
}
