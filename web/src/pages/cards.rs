//! The cards of a room. Of a large home only those exist that are on the screen or near it.

use std::{cell::Cell, rc::Rc};

use yew::prelude::*;

use super::home::CardOf;
use crate::{
    components::vars::use_vars,
    hooks::use_engine,
    platform::near::{self, Near},
};

/// Rows of cards that come and go together.
const ROWS: usize = 3;
/// So many of these are drawn before anybody looked where they are: what is beyond them comes with the next frame, if it is on the
/// screen, and the first frame of a large home is none that takes long.
const LIKELY: usize = 1;

/// Columns of cards on this screen, when that matters.
#[hook]
pub(super) fn use_columns(matters: bool) -> Option<usize> {
    let columns = use_state(|| None::<usize>);
    let set = columns.clone();
    use_effect_with(matters, move |matters| {
        let listening = matters.then(|| near::on_columns(".cards", move |columns| set.set(Some(columns))));
        move || drop(listening)
    });
    matters.then(|| columns.unwrap_or_else(near::likely_columns))
}

/// Whether an element is near the screen, and how tall it was when it last was.
#[hook]
fn use_near(node: &NodeRef, likely: bool) -> (bool, Option<f64>) {
    let near = use_state_eq(|| likely);
    let height = use_state_eq(|| None::<f64>);
    let observed = (node.clone(), near.setter(), height.setter());
    use_effect_with((), move |()| {
        let (node, near, height) = observed;
        let observed = Near::observe(&node, near::NEAR, move |is_near, tall| {
            if !is_near && tall > 0.0 {
                height.set(Some(tall));
            }
            near.set(is_near);
        });
        move || drop(observed)
    });
    (*near, *height)
}

/// Tells the engine whether a card is on the screen, once it is there.
#[hook]
pub(super) fn use_on_screen(node: &NodeRef, is_there: bool, device: &AttrValue) {
    let engine = use_engine();
    let of = (engine, device.clone(), node.clone());
    use_effect_with((is_there, device.clone()), move |_| {
        let (engine, device, node) = of;
        let is_seen = Rc::new(Cell::new(false));
        let look = {
            let (engine, device, is_seen) = (engine.clone(), device.clone(), is_seen.clone());
            move |seen: bool| {
                if is_seen.replace(seen) != seen {
                    engine.look_at_card(&device, seen);
                }
            }
        };
        let observed = {
            let look = look.clone();
            is_there.then(|| Near::observe(&node, near::ON_SCREEN, move |seen, _| look(seen)))
        };
        move || {
            drop(observed);
            look(false);
        }
    });
}

/// What [`Cards`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(super) struct CardsProps {
    pub(super) devices: Rc<Vec<String>>,
    /// `None`: all cards exist.
    pub(super) columns: Option<usize>,
    /// Id of the room.
    pub(super) place: AttrValue,
    /// Whether it is the first room, which is on the screen when Home is opened.
    pub(super) first: bool,
}

/// The cards of a room.
#[component]
pub(super) fn Cards(props: &CardsProps) -> Html {
    match props.columns {
        None => html! { <div class="cards">{cards(&props.devices, &props.place)}</div> },
        Some(_) => html! { <Chunks ..props.clone() /> },
    }
}

/// The cards of a room of a large home: one element until it comes near.
#[component]
fn Chunks(props: &CardsProps) -> Html {
    let node = use_node_ref();
    let (near, _) = use_near(&node, props.first);
    let has_come = use_mut_ref(|| false);
    let has_come = {
        let mut has_come = has_come.borrow_mut();
        *has_come |= near;
        *has_come
    };
    let (devices, columns) = (&props.devices, props.columns.unwrap_or(1).max(1));
    use_vars(
        &node,
        vec![("--rows", devices.len().div_ceil(columns).to_string())],
    );
    let at_once = columns * ROWS;
    html! {
        <div ref={node} class={if has_come { "cards__all" } else { "cards cards--away" }}>
        if has_come {
            { for (0..devices.len()).step_by(at_once).map(|from| html! {
                <Chunk key={from} devices={devices.clone()} {from} to={devices.len().min(from + at_once)} {columns}
                    place={props.place.clone()} likely={props.first && from < at_once * LIKELY} />
            })}
        }
        </div>
    }
}

fn cards(devices: &[String], place: &AttrValue) -> Html {
    let card = |device: &String| html! { <CardOf key={device.clone()} device={device.clone()} place={place.clone()} /> };
    html! { { for devices.iter().map(card) } }
}

#[derive(Properties, PartialEq)]
struct ChunkProps {
    devices: Rc<Vec<String>>,
    from: usize,
    to: usize,
    columns: usize,
    place: AttrValue,
    /// Whether it is likely to be on the screen, before anybody looked.
    likely: bool,
}

/// A few rows, or the room that they take.
#[component]
fn Chunk(props: &ChunkProps) -> Html {
    let node = use_node_ref();
    let (near, height) = use_near(&node, props.likely);
    let rows = (props.to - props.from).div_ceil(props.columns.max(1));
    let mut vars = vec![("--rows", rows.to_string())];
    vars.extend(height.map(|height| ("--tall", format!("{height}px"))));
    use_vars(&node, vars);
    html! {
        <div ref={node} class={classes!("cards", (!near).then_some("cards--away"))}>
            if near { {cards(props.devices.get(props.from..props.to).unwrap_or_default(), &props.place)} }
        </div>
    }
}
