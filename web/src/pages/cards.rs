//! The cards of a room. Of a large home only those exist that are on the screen or near it.

use std::rc::Rc;

use yew::prelude::*;

use super::home::CardOf;
use crate::{
    components::vars::use_vars,
    platform::near::{self, Near},
};

/// Rows of cards that come and go together.
const ROWS: usize = 3;

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

/// What [`Cards`] draws.
#[derive(Properties, PartialEq)]
pub(super) struct CardsProps {
    pub(super) devices: Rc<Vec<String>>,
    /// `None`: all cards exist.
    pub(super) columns: Option<usize>,
    /// Id of the room.
    pub(super) place: AttrValue,
}

/// The cards of a room.
#[component]
pub(super) fn Cards(props: &CardsProps) -> Html {
    let Some(columns) = props.columns else {
        return html! { <div class="cards">{cards(&props.devices, &props.place)}</div> };
    };
    let devices = &props.devices;
    let at_once = columns.max(1) * ROWS;
    html! {
        <div class="cards__all">
        { for (0..devices.len()).step_by(at_once).map(|from| html! {
            <Chunk key={from} devices={devices.clone()} {from} to={devices.len().min(from + at_once)} {columns}
                place={props.place.clone()} />
        })}
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
}

/// A few rows, or the room that they take.
#[component]
fn Chunk(props: &ChunkProps) -> Html {
    let node = use_node_ref();
    let near = use_state(|| false);
    let height = use_state(|| None::<f64>);
    {
        let (node, near, height) = (node.clone(), near.clone(), height.clone());
        use_effect_with((), move |()| {
            let observed = Near::observe(&node, move |is_near, tall| {
                if !is_near && tall > 0.0 {
                    height.set(Some(tall));
                }
                near.set(is_near);
            });
            move || drop(observed)
        });
    }
    let rows = (props.to - props.from).div_ceil(props.columns.max(1));
    let mut vars = vec![("--rows", rows.to_string())];
    vars.extend(height.map(|height| ("--tall", format!("{height}px"))));
    use_vars(&node, vars);
    html! {
        <div ref={node} class={classes!("cards", (!*near).then_some("cards--away"))}>
            if *near { {cards(props.devices.get(props.from..props.to).unwrap_or_default(), &props.place)} }
        </div>
    }
}
