//! Arranging the home by hand: a card that can be taken to another room, by pointer or by its menu, and the head of a
//! room that can be renamed.

use std::rc::Rc;

use yew::prelude::*;

use super::route::Route;
use crate::{
    components::{
        card::Tile,
        form::typed::{Typed, use_typed},
        icon::Icon,
        room::room_element,
        text::{element_id, language, visible},
    },
    hooks::use_engine,
    platform::document,
    wire::{Arrange, DeviceCard, FAVOURITES, NO_ROOM, RoomView},
};

/// What [`ArrangeCard`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct ArrangeCardProps {
    pub(crate) card: Rc<DeviceCard>,
    /// Id of the room that it is in.
    pub(crate) room: AttrValue,
    /// Its place among the devices of the room.
    pub(crate) place: usize,
    pub(crate) rooms: Rc<Vec<RoomView>>,
}

/// One device, to be dragged, with a menu that does the same.
#[component]
pub(crate) fn ArrangeCard(props: &ArrangeCardProps) -> Html {
    let engine = use_engine();
    let card = &*props.card;
    let asked = use_state(|| false);
    let menu = element_id("arrange", &card.id);
    let button = format!("{menu}-b");
    {
        let (engine, id, button) = (engine.clone(), card.id.clone(), button.clone());
        use_effect_with((props.room.clone(), props.place), move |_| {
            if engine.take_moved(&id) {
                document::focus_id(&button);
            }
        });
    }
    let ondragstart = {
        let id = card.id.clone();
        Callback::from(move |event: DragEvent| {
            if let Some(data) = event.data_transfer() {
                // Without data, Firefox drags nothing.
                drop(data.set_data("text/plain", &id));
                data.set_effect_allowed("move");
            }
        })
    };
    let onclick = {
        let asked = asked.clone();
        Callback::from(move |_: MouseEvent| asked.set(true))
    };
    let over = use_state(|| false);
    let ondrop = {
        let (engine, id) = (engine.clone(), card.id.clone());
        move |dragged: &str| {
            if dragged != id {
                let next = Some(id.clone());
                engine.arrange(Arrange::Before {
                    device: dragged.to_owned(),
                    next,
                });
            }
        }
    };
    let Taking {
        ondragover,
        ondragleave,
        ondrop,
    } = drop_here(over.clone(), false, ondrop);
    let onkeydown = {
        let (engine, moves) = (engine.clone(), moves(props));
        Callback::from(move |event: KeyboardEvent| {
            let change = match event.key().as_str() {
                "ArrowLeft" | "ArrowUp" => &moves.0,
                "ArrowRight" | "ArrowDown" => &moves.1,
                _ => return,
            };
            event.prevent_default();
            if let Some(change) = change {
                engine.arrange(change.clone());
            }
        })
    };
    let name = visible(&card.name);
    html! {
        <article class={classes!("card", "card--1", "card--move", (*over).then_some("card--over"))} draggable="true"
            {ondragstart} {ondragover} {ondragleave} {ondrop} data-testid="arrange-card"
            data-device={card.id.clone()}>
            <div class="card__in">
                <div class="card__head">
                    <span class="card__grip" aria-hidden="true"><Icon name="drag" /></span>
                    <Tile kind={card.kind.clone()} tone={card.tone} liveness={card.liveness} />
                    <div class="card__name">
                        <h3 class="clip2" lang={language(&card.name)}><bdi>{name.clone()}</bdi></h3>
                    </div>
                    <button class="btn btn--dense" type="button" id={button} popovertarget={menu.clone()} {onclick} {onkeydown}
                        aria-keyshortcuts="ArrowLeft ArrowRight" aria-label={format!("Move… {name}")} data-testid="arrange-menu">{"Move…"}</button>
                </div>
            </div>
            <div class="explain" id={menu.clone()} popover="auto" role="dialog" aria-label={format!("Arrange {name}")}>
                if *asked {
                    <Menu id={menu.clone()} of={props.clone()} />
                }
            </div>
        </article>
    }
}

/// One place to the front in its room, and one to the back, where that is possible.
fn moves(of: &ArrangeCardProps) -> (Option<Arrange>, Option<Arrange>) {
    let room = of.rooms.iter().find(|room| of.room == room.id);
    let devices = room.map(|room| &room.devices[..]).unwrap_or_default();
    let before = |next: Option<&String>| Arrange::Before {
        device: of.card.id.clone(),
        next: next.cloned(),
    };
    let earlier = of.place.checked_sub(1).and_then(|at| devices.get(at));
    let later = (of.place + 1 < devices.len()).then(|| before(devices.get(of.place + 2)));
    (earlier.map(|next| before(Some(next))), later)
}

/// What takes something that is dragged.
struct Taking {
    ondragover: Callback<DragEvent>,
    ondragleave: Callback<DragEvent>,
    ondrop: Callback<DragEvent>,
}

/// Takes what is dragged: the id of a device, or [`ROOM`] and the name of a room. What only takes devices leaves rooms to
/// what is around it.
fn drop_here(over: UseStateHandle<bool>, takes_rooms: bool, take: impl Fn(&str) + 'static) -> Taking {
    let (enter, leave) = (over.clone(), over.clone());
    Taking {
        ondragover: Callback::from(move |event: DragEvent| {
            event.prevent_default();
            event.stop_propagation();
            if !*enter {
                enter.set(true);
            }
        }),
        ondragleave: Callback::from(move |_: DragEvent| leave.set(false)),
        ondrop: Callback::from(move |event: DragEvent| {
            event.prevent_default();
            over.set(false);
            let data = event.data_transfer();
            let dragged = data
                .and_then(|data| data.get_data("text/plain").ok())
                .unwrap_or_default();
            if dragged.is_empty() || !takes_rooms && dragged.starts_with(ROOM) {
                return;
            }
            event.stop_propagation();
            take(&dragged);
        }),
    }
}

/// What is dragged is a room: no id of a device has a blank.
const ROOM: &str = "room ";

#[derive(Properties, PartialEq, Clone)]
struct MenuProps {
    id: AttrValue,
    of: ArrangeCardProps,
}

#[component]
fn Menu(props: &MenuProps) -> Html {
    let engine = use_engine();
    let of = &props.of;
    let device = of.card.id.clone();
    let is_favourite = of
        .rooms
        .iter()
        .any(|room| room.id == FAVOURITES && room.devices.contains(&device));
    let act = |change: Arrange| {
        let (engine, menu) = (engine.clone(), props.id.clone());
        Callback::from(move |_: MouseEvent| {
            document::hide_popover(&menu);
            engine.arrange(change.clone());
        })
    };
    let to = |room: Option<String>| Arrange::Move {
        device: device.clone(),
        room,
    };
    let named = of.rooms.iter().filter(|room| is_named(room));
    let (earlier, later) = moves(of);
    let place = |change: Option<Arrange>, text: &'static str, testid: &'static str| {
        let onclick = change.clone().map(&act);
        html! { <button class="btn" type="button" disabled={change.is_none()} {onclick} data-testid={testid}>{text}</button> }
    };
    html! {
        <>
            <p class="row row--wrap">{place(earlier, "Earlier", "move-earlier")}{place(later, "Later", "move-later")}</p>
            <h4>{"Move to room…"}</h4>
            <ul class="menu">
                { for named.map(|room| html! {
                    <li><button class="btn btn--quiet" type="button" disabled={of.room == room.id}
                        onclick={act(to(Some(room.name.clone())))} data-testid="move-to" data-room={room.id.clone()}>
                        <bdi lang={language(&room.name)}>{visible(&room.name)}</bdi></button></li>
                })}
                <li><button class="btn btn--quiet" type="button" disabled={of.room == NO_ROOM}
                    onclick={act(to(None))} data-testid="move-to" data-room={NO_ROOM}>{"No room"}</button></li>
            </ul>
            <p class="row row--wrap">
                <button class="btn" type="button" onclick={act(Arrange::Favourite { device: device.clone(), favourite: !is_favourite })}
                    data-testid="favourite">{if is_favourite { "Not a favourite" } else { "Favourite" }}</button>
                <button class="btn" type="button" onclick={act(Arrange::Hide { device: device.clone(), hidden: true })}
                    data-testid="hide">{"Hide"}</button>
                <a class="btn" href={Route::Device { id: device.clone() }.href()}>{"Name and more…"}</a>
                <button class="btn btn--quiet" type="button" popovertarget={props.id.clone()}
                    popovertargetaction="hide">{"Close"}</button>
            </p>
        </>
    }
}

/// Whether a room has a name of its own, rather than being what is in none.
pub(crate) fn is_named(room: &RoomView) -> bool {
    room.id != NO_ROOM && room.id != FAVOURITES
}

/// What [`ArrangeRoom`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct ArrangeRoomProps {
    pub(crate) room: RoomView,
    /// Before which room it stands when it goes up by one; `None`: it cannot.
    pub(crate) before: Option<Option<String>>,
    /// The same when it goes down.
    pub(crate) after: Option<Option<String>>,
    /// The cards.
    pub(crate) children: Html,
}

/// A room that cards are dropped into.
#[component]
pub(crate) fn ArrangeRoom(props: &ArrangeRoomProps) -> Html {
    let engine = use_engine();
    let over = use_state(|| false);
    let renaming = use_state(|| None::<String>);
    let room = &props.room;
    let heading = format!("{}-h", room_element(&room.id));
    let target = is_named(room).then(|| room.name.clone());
    let take = {
        let (engine, target) = (engine.clone(), target.clone());
        move |dragged: &str| match dragged.strip_prefix(ROOM) {
            Some(name) if target.as_deref() == Some(name) => {}
            Some(name) => engine.arrange(Arrange::RoomBefore {
                room: name.to_owned(),
                next: target.clone(),
            }),
            None => engine.arrange(Arrange::Move {
                device: dragged.to_owned(),
                room: target.clone(),
            }),
        }
    };
    let Taking {
        ondragover,
        ondragleave,
        ondrop,
    } = drop_here(over.clone(), true, take);
    let ondragstart = target.clone().map(|name| {
        Callback::from(move |event: DragEvent| {
            if let Some(data) = event.data_transfer() {
                drop(data.set_data("text/plain", &format!("{ROOM}{name}")));
                data.set_effect_allowed("move");
            }
        })
    });
    let to = |next: &Option<Option<String>>| {
        let change = next.clone().map(|next| Arrange::RoomBefore {
            room: room.name.clone(),
            next,
        });
        let engine = engine.clone();
        change.map(|change| Callback::from(move |_: MouseEvent| engine.arrange(change.clone())))
    };
    let (up, down) = (to(&props.before), to(&props.after));
    let on_rename = {
        let (renaming, name) = (renaming.clone(), room.name.clone());
        Callback::from(move |_: MouseEvent| renaming.set(Some(name.clone())))
    };
    let on_remove = {
        let (engine, name) = (engine.clone(), room.name.clone());
        Callback::from(move |_: MouseEvent| engine.arrange(Arrange::RemoveRoom(name.clone())))
    };
    let on_named = {
        let (engine, renaming, from) = (engine.clone(), renaming.clone(), room.name.clone());
        Callback::from(move |to: Option<String>| {
            renaming.set(None);
            if let Some(to) = to.filter(|to| *to != from) {
                let from = from.clone();
                engine.arrange(Arrange::RenameRoom { from, to });
            }
        })
    };
    let name = visible(&room.name);
    html! {
        <section class={classes!("room", "room--move", (*over).then_some("room--over"))} aria-labelledby={heading.clone()}
            {ondragover} {ondragleave} {ondrop} data-testid="arrange-room" data-room={room.id.clone()}>
            <header class="room__head" draggable={target.as_ref().map(|_| "true")} {ondragstart}>
                if let Some(typed) = &*renaming {
                    <h2 class="vh" id={heading}>{name.clone()}</h2>
                    <NameForm label={format!("Name of room {name}")} start={typed.clone()} {on_named} />
                } else {
                    <h2 id={heading} tabindex="-1" lang={language(&room.name)}><bdi>{name.clone()}</bdi></h2>
                    <span class="grow"></span>
                    if is_named(room) {
                        <button class="btn btn--dense btn--icon" type="button" disabled={up.is_none()} onclick={up}
                            data-testid="room-up" aria-label={format!("Move {name} up")}><Icon name="up" /></button>
                        <button class="btn btn--dense btn--icon" type="button" disabled={down.is_none()} onclick={down}
                            data-testid="room-down" aria-label={format!("Move {name} down")}><Icon name="down" /></button>
                        <button class="btn btn--dense" type="button" onclick={on_rename} data-testid="rename-room"
                            aria-label={format!("Rename {name}")}>{"Rename"}</button>
                        <button class="btn btn--dense" type="button" onclick={on_remove} data-testid="remove-room"
                            aria-label={format!("Remove room {name}")}>{"Remove"}</button>
                    }
                }
            </header>
            if room.devices.is_empty() {
                <p class="hint room__empty">{"Nothing is in this room yet. Drag a device here, or choose this room in its menu."}</p>
            }
            {props.children.clone()}
        </section>
    }
}

/// What [`NameForm`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct NameFormProps {
    pub(crate) label: AttrValue,
    pub(crate) start: AttrValue,
    /// What was typed, or nothing when it was given up.
    pub(crate) on_named: Callback<Option<String>>,
}

/// A field for a name that has the focus at once. Enter takes it, Escape gives it up.
#[component]
pub(crate) fn NameForm(props: &NameFormProps) -> Html {
    let Typed {
        node,
        value,
        oninput,
        onsubmit,
        onkeydown,
        on_cancel,
    } = use_typed(&props.start, &props.on_named);
    html! {
        <form class="row grow" {onsubmit} {onkeydown}>
            <input ref={node} class="input input--dense grow" {value} {oninput} aria-label={props.label.clone()}
                maxlength="80" data-testid="name-field" />
            <button class="btn btn--dense" type="submit" data-testid="name-save">{"Save"}</button>
            <button class="btn btn--dense btn--quiet" type="button" onclick={on_cancel}>
                {"Cancel"}</button>
        </form>
    }
}

/// What [`ArrangeBar`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct ArrangeBarProps {
    pub(crate) on_end: Callback<()>,
}

/// What to do while arranging, and the way out.
#[component]
pub(crate) fn ArrangeBar(props: &ArrangeBarProps) -> Html {
    let engine = use_engine();
    let naming = use_state(|| false);
    let on_new = {
        let naming = naming.clone();
        Callback::from(move |_: MouseEvent| naming.set(true))
    };
    let on_undo = {
        let engine = engine.clone();
        Callback::from(move |_: MouseEvent| engine.arrange(Arrange::Undo))
    };
    let on_named = {
        let naming = naming.clone();
        Callback::from(move |name: Option<String>| {
            naming.set(false);
            if let Some(name) = name {
                engine.arrange(Arrange::MakeRoom(name));
            }
        })
    };
    html! {
        <section class="arrangebar" aria-label="Arrange">
            if *naming {
                <NameForm label="Name of the new room" start="" {on_named} />
            } else {
                <p class="grow">{"Drag devices and rooms to their places, or use the menus and arrow keys. This browser keeps it for this broker."}</p>
                <button class="btn" type="button" onclick={on_new} data-testid="new-room"><Icon name="plus" />{"New room"}</button>
                <button class="btn" type="button" onclick={on_undo} data-testid="arrange-undo"><Icon name="undo" />{"Undo"}</button>
                <button class="btn btn--primary" type="button" onclick={props.on_end.reform(|_: MouseEvent| ())}
                    data-testid="arrange-end">{"Done"}</button>
            }
        </section>
    }
}
