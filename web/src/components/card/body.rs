//! The lower half of a card of two units: values, a control, a small chart.

use std::rc::Rc;

use yew::prelude::*;

use super::{CardPlan, control, plan::is_raw, raw_value};
use crate::{
    chart::spark::Sparkline,
    components::{
        icon::Icon,
        text::{shortened, visible},
        words,
    },
    hooks::use_now,
    pages::route::Route,
    platform::locale,
    wire::{Action, ControlKind, DeviceCard, EntityValue, EntityView, Liveness},
};

/// Longest raw payload shown on a card.
const RAW_LIMIT: usize = 120;

/// What [`CardBody`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct CardBodyProps {
    pub(crate) card: Rc<DeviceCard>,
    pub(crate) now: u64,
    pub(crate) on_action: Callback<(String, Action)>,
}

/// Values and controls of a card.
#[component]
pub(crate) fn CardBody(props: &CardBodyProps) -> Html {
    let card = &*props.card;
    let plan = CardPlan::of(card);
    let lead_id = plan.lead.map(|lead| lead.id.as_str());
    let silent = matches!(card.liveness, Liveness::Stale | Liveness::Offline);
    let has_control = plan.body.iter().any(|entity| entity.control.is_some());
    let chart = plan
        .body
        .iter()
        .find_map(|entity| Some((*entity, entity.spark.as_ref()?)));
    let entity = |index: usize, entity: &EntityView| {
        let inner = match (&entity.control, is_raw(entity)) {
            (Some(_), _) => body_control(props, entity),
            (None, true) => raw(entity),
            (None, false) => value(entity, index == 0),
        };
        if lead_id == Some(entity.id.as_str()) {
            return inner;
        }
        html! {
            <div class="ent" key={entity.id.clone()} data-testid="entity" data-entity={entity.id.clone()}
                data-kind={entity.kind.clone()}>{inner}</div>
        }
    };
    html! {
        <div class={classes!("card__body", (has_control || silent).then_some("card__body--mid"))}>
            { for plan.body.iter().enumerate().map(|(index, shown)| entity(index, shown)) }
            { for card.entities.iter().filter_map(until).map(|until| html! { <Countdown {until} /> }) }
            if silent {
                // What the broker kept does not say of which time it is.
                if card.last_heard > 0 { <div class="sub grow">{last_known(card.last_heard, props.now)}</div> }
                <a class="btn" href={Route::Device { id: card.id.clone() }.href()}>{"Find out why"}</a>
            } else if let (false, Some((of, spark))) = (has_control, chart) {
                <Sparkline spark={spark.clone()}
                    label={format!("{}, {} over the last {}, {} to {} {}", visible(&card.name), visible(&of.name),
                        words::lasting(u64::from(spark.span_s) * 1_000), spark.low, spark.high, of.unit)} />
            }
        </div>
    }
}

/// When what goes on ends, if it goes on.
pub(crate) fn until(entity: &EntityView) -> Option<u64> {
    match entity.value {
        EntityValue::Number { value, .. } if entity.kind == "until" => Some(value as u64),
        _ => None,
    }
}

/// What [`Countdown`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct CountdownProps {
    /// ms since epoch.
    pub(crate) until: u64,
}

/// How long something still goes on.
#[component]
pub(crate) fn Countdown(props: &CountdownProps) -> Html {
    let left_s = props.until.saturating_sub(use_now(1)).div_ceil(1_000);
    let text = if left_s == 0 {
        "Over".to_owned()
    } else {
        format!("{}:{:02} left", left_s / 60, left_s % 60)
    };
    html! { <output class="num sub" role="timer" data-testid="countdown" data-value={left_s.to_string()}>{text}</output> }
}

fn last_known(at: u64, now: u64) -> String {
    match now.saturating_sub(at) {
        age if age < 86_400_000 => format!("last known, {}", locale::time_short(at)),
        _ => format!("last known, {}", locale::date_and_time(at)),
    }
}

/// A number and its unit, in a box that its digits cannot change.
fn value(entity: &EntityView, first: bool) -> Html {
    let (text, width) = match &entity.value {
        EntityValue::Number { text, .. } => {
            let text = locale::number(text);
            // As wide as the widest of the recent past: 9.9 and 10.0 need the same box.
            let ends = entity.spark.iter().flat_map(|spark| [&spark.low, &spark.high]);
            let width = ends
                .map(|end| reserved_width(&locale::number(end)))
                .fold(reserved_width(&text), usize::max);
            (text, width)
        }
        EntityValue::Unknown | EntityValue::Waiting => ("–".to_owned(), 4),
        EntityValue::Binary { word, .. } => (visible(word), 4),
        EntityValue::Text(text) => (shortened(&visible(text), 16), 4),
    };
    let class = classes!(
        "value",
        (!first).then_some("value--2"),
        format!("ch-{width}"),
        format!("u-{}", entity.unit.chars().count().min(6))
    );
    html! {
        <output {class} aria-label={visible(&entity.name)} data-testid="entity-value" data-value={raw_value(&entity.value)}>
            {text}<span class="unit">{visible(&entity.unit)}</span>
        </output>
    }
}

/// Digits to keep free: at least four, so that 9.9 and 10.0 need the same.
pub(crate) fn reserved_width(text: &str) -> usize {
    text.chars().count().clamp(4, 12)
}

/// A payload that could not be read as a value: shown as it is, with the reason in reach.
fn raw(entity: &EntityView) -> Html {
    let text = match &entity.value {
        EntityValue::Text(text) => shortened(&visible(text), RAW_LIMIT),
        EntityValue::Number { text, .. } => text.clone(),
        EntityValue::Binary { word, .. } => word.clone(),
        EntityValue::Unknown | EntityValue::Waiting => "–".to_owned(),
    };
    html! {
        <div class="rawbox">
            <code class="raw" data-testid="entity-value" data-value={raw_value(&entity.value)}><bdi>{text}</bdi></code>
            <div class="card__foot">
                <span class="mark mark--line"><Icon name="raw" />{"Raw value"}</span>
                <a class="link" href={Route::Explorer { topic: Some(entity.topic.clone()) }.href()}>{"Why not a number?"}</a>
            </div>
        </div>
    }
}

fn body_control(props: &CardBodyProps, entity: &EntityView) -> Html {
    let disabled = props.card.liveness == Liveness::Offline;
    let picture = match entity.control.as_ref().map(|control| &control.kind) {
        Some(ControlKind::Cover { .. }) => html! { <control::CoverPicture value={entity.value.clone()} /> },
        _ => Html::default(),
    };
    html! {
        <>
            {picture}
            <control::Control entity={entity.clone()} label={props.card.name.clone()} {disabled}
                on_action={props.on_action.clone()} />
        </>
    }
}
