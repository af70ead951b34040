//! The line below a device's name: its state, or how long ago it spoke.

use std::rc::Rc;

use yew::prelude::*;

use super::{CardPlan, pending, raw_value};
use crate::{
    components::{
        text::{shortened, visible},
        words,
    },
    wire::{Action, ControlState, DeviceCard, EntityValue, EntityView, Liveness},
};

/// Longest text shown on a card; the device page shows all of it.
const TEXT_LIMIT: usize = 80;

/// What [`StateLine`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct StateLineProps {
    pub(crate) card: Rc<DeviceCard>,
    pub(crate) now: u64,
}

/// "**Closed** since 11:06", "**Turning on…**", "**Silent for 3 h 12 min**", "20 s ago".
#[component]
pub(crate) fn StateLine(props: &StateLineProps) -> Html {
    let (card, now) = (&*props.card, props.now);
    let plan = CardPlan::of(card);
    let value = plan.lead.map(|lead| value_words(lead, now));
    let line = match (card.liveness, &value) {
        // Its silence began before this page was opened: nobody here knows when.
        (Liveness::Offline, _) if card.last_heard == 0 => html! { <strong>{"Offline"}</strong> },
        (Liveness::Offline, _) => {
            html! { <><strong>{"Offline"}</strong>{" "}{words::since(card.last_heard, now)}</> }
        }
        (Liveness::Stale, _) => {
            html! { <strong>{format!("Silent for {}", words::lasting(now.saturating_sub(card.last_heard)))}</strong> }
        }
        // Of a control in the body; that of the head says it itself.
        _ if failed_beside(card, &plan).is_some() => {
            let why = failed_beside(card, &plan).unwrap_or_default();
            html! { <span class="failed">{failed_words(why)}</span> }
        }
        (Liveness::Asleep, None) => html! { {format!("Asleep, {}", words::ago(card.last_heard, now))} },
        (_, Some(value)) => value.clone(),
        // What the broker kept for a device says nothing about when it spoke.
        (_, None) if card.last_heard == 0 => html! { {"Last known value"} },
        (_, None) => html! { {words::ago(card.last_heard, now)} },
    };
    let hidden = matches!(card.liveness, Liveness::Offline | Liveness::Stale);
    html! {
        <span class="card__state">
            {line}
            // The last known value stays in reach of a screen reader.
            if let (true, Some(value)) = (hidden, value) {
                <span class="vh">{", last known: "}{value}</span>
            }
        </span>
    }
}

/// Why a control other than that of the head failed.
fn failed_beside<'a>(card: &'a DeviceCard, plan: &CardPlan<'_>) -> Option<&'a str> {
    let beside = card
        .entities
        .iter()
        .filter(|entity| plan.lead.is_none_or(|lead| lead.id != entity.id));
    beside
        .filter_map(|entity| entity.control.as_ref())
        .find_map(|control| match &control.state {
            ControlState::Failed(why, _) => Some(why.as_str()),
            _ => None,
        })
}

/// The value of an entity in words.
fn value_words(entity: &EntityView, now: u64) -> Html {
    let value = |html: Html| {
        html! { <strong data-testid="entity-value" data-value={raw_value(&entity.value)}>{html}</strong> }
    };
    if let Some(action) = pending(entity) {
        return value(html! { {asking(action)} });
    }
    let shown = match &entity.value {
        EntityValue::Unknown => value(html! { {"No value yet"} }),
        EntityValue::Waiting => value(html! { {"Loading…"} }),
        EntityValue::Number { text, .. } => value(html! { {format!("{text} {}", entity.unit)} }),
        EntityValue::Text(text) if text.is_empty() => value(html! { {"Empty"} }),
        EntityValue::Text(text) => value(html! { <bdi>{shortened(&words::told(text), TEXT_LIMIT)}</bdi> }),
        EntityValue::Binary { word, since, .. } => {
            let lasted = lasted(&entity.kind, word, *since, now);
            html! { <>{value(html! { {visible(word)} })}{lasted}</> }
        }
    };
    match entity.control.as_ref().map(|control| &control.state) {
        Some(ControlState::Failed(why, _)) => html! {
            <span class="failed">{failed_words(why)}{", "}<span class="failed__is">{shown}</span></span>
        },
        _ => shown,
    }
}

fn failed_words(why: &str) -> Html {
    let why = if why.is_empty() { "No answer" } else { why };
    html! { <strong>{visible(why)}</strong> }
}

/// Open things say for how long, closed ones since when; switches say neither.
fn lasted(kind: &str, word: &str, since: u64, now: u64) -> Html {
    if since == 0 || matches!(kind, "switch" | "light" | "plug" | "outlet") {
        return Html::default();
    }
    let age = now.saturating_sub(since);
    let urgent = matches!(
        word,
        "Open" | "Motion" | "Wet" | "Smoke" | "Alarm" | "Unlocked" | "No motion"
    );
    let text = match age {
        age if age < 60_000 && word == "Motion" => " now".to_owned(),
        age if age < 10_000 => ", just now".to_owned(),
        age if urgent && age < 86_400_000 => format!(" for {}", words::lasting(age)),
        _ => format!(" {}", words::since(since, now)),
    };
    html! { {text} }
}

/// "Turning on…": what was asked for and is not yet so.
pub(crate) fn asking(action: &Action) -> String {
    match action {
        Action::Turn(true) => "Turning on…".to_owned(),
        Action::Turn(false) => "Turning off…".to_owned(),
        Action::Set(to) => format!("Setting to {to}…"),
        Action::Choose(option) => format!("Setting to {}…", visible(option)),
        Action::Open => "Opening…".to_owned(),
        Action::Close => "Closing…".to_owned(),
        Action::Stop => "Stopping…".to_owned(),
        Action::Lock => "Locking…".to_owned(),
        Action::Unlock => "Unlocking…".to_owned(),
        Action::Press => "Sent…".to_owned(),
        Action::Coded(action, _) => asking(action),
    }
}
