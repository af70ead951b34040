//! The card of a device on Home: one unit high (a state and maybe a switch) or two (a value, a control, a chart).

pub(crate) mod body;
pub(crate) mod control;
mod guess;
mod plan;
pub(crate) mod state;

use hearth_model::decimal;
use yew::prelude::*;

use self::{body::CardBody, guess::Guess, plan::CardPlan, state::StateLine};
use super::{
    icon::{Icon, kind_icon},
    text::{element_id, language, visible},
};
use crate::{
    pages::route::Route,
    wire::{Action, ControlKind, ControlState, DeviceCard, EntityValue, EntityView, Liveness, Tone},
};

/// What [`Card`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct CardProps {
    pub(crate) card: std::rc::Rc<DeviceCard>,
    /// ms since epoch, stepped as the card's words are.
    pub(crate) now: u64,
    /// Entity and what it is asked to do.
    pub(crate) on_action: Callback<(String, Action)>,
    /// Where on the page it stands: a favourite stands in its room, too.
    #[prop_or_default]
    pub(crate) place: AttrValue,
    /// Its element.
    #[prop_or_default]
    pub(crate) node: NodeRef,
}

/// One device.
#[component]
pub(crate) fn Card(props: &CardProps) -> Html {
    let card = &*props.card;
    let plan = CardPlan::of(card);
    let silent = is_silent(card.liveness);
    let class = classes!(
        "card",
        (plan.units == 1).then_some("card--1"),
        silent.then_some("card--stale")
    );
    let inner = html! {
        <>
            <div class="card__head">
                <Tile kind={card.kind.clone()} tone={card.tone} liveness={card.liveness} on={is_on(&plan)} />
                <div class="card__name">
                    <h3 class="clip2" lang={language(&card.name)}>
                        <a href={Route::Device { id: card.id.clone() }.href()}><bdi>{visible(&card.name)}</bdi></a>
                    </h3>
                    <span class="card__line">
                        <StateLine card={props.card.clone()} now={props.now} />
                        if card.entities.iter().any(is_guessed) {
                            <Guess id={element_id("guess", &format!("{} {}", props.place, card.id))} card={props.card.clone()} />
                        }
                    </span>
                </div>
                { for card.entities.iter().filter(|entity| has_failed(entity)).take(1).map(|entity| html! {
                    <control::Retry entity={entity.clone()} label={card.name.clone()} on_action={props.on_action.clone()} />
                })}
                {head_control(props, &plan)}
            </div>
            if plan.units == 2 {
                <CardBody card={props.card.clone()} now={props.now} on_action={props.on_action.clone()} />
            }
        </>
    };
    html! {
        <article ref={&props.node} {class} data-testid="device-card" data-device={card.id.clone()} data-kind={card.kind.clone()}
            data-liveness={liveness(card.liveness)}>
            if let Some(lead) = plan.lead {
                <div class="card__in" data-testid="entity" data-entity={lead.id.clone()} data-kind={lead.kind.clone()}>
                    {inner}
                </div>
            } else {
                <div class="card__in">{inner}</div>
            }
        </article>
    }
}

fn has_failed(entity: &EntityView) -> bool {
    let control = entity.control.as_ref();
    control.is_some_and(|control| matches!(control.state, ControlState::Failed(..)))
}

fn head_control(props: &CardProps, plan: &CardPlan<'_>) -> Html {
    let Some(lead) = plan.lead else {
        return Html::default();
    };
    let Some(control) = &lead.control else {
        return Html::default();
    };
    if control.asks || !matches!(control.kind, ControlKind::Switch | ControlKind::Button) {
        return Html::default();
    }
    html! {
        <control::Control entity={lead.clone()} label={props.card.name.clone()}
            disabled={props.card.liveness == Liveness::Offline} on_action={props.on_action.clone()} />
    }
}

/// The glyph on its tint.
#[derive(Properties, PartialEq)]
pub(crate) struct TileProps {
    pub(crate) kind: AttrValue,
    pub(crate) tone: Tone,
    #[prop_or_default]
    pub(crate) liveness: Liveness,
    #[prop_or_default]
    pub(crate) on: bool,
}

/// Draws the tile of a device.
#[component]
pub(crate) fn Tile(props: &TileProps) -> Html {
    let silent = is_silent(props.liveness);
    let class = if silent {
        Some("tile--stale")
    } else {
        tone_class(props.tone)
    };
    let icon = match props.liveness {
        Liveness::Stale if props.kind == "climate" || props.kind == "sensor" => "silent",
        _ => kind_icon(&props.kind, props.on),
    };
    html! { <span class={classes!("tile", class)}><Icon name={icon} /></span> }
}

pub(crate) fn tone_class(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::On => Some("tile--on"),
        Tone::Off => Some("tile--off"),
        Tone::Ok => Some("tile--ok"),
        Tone::Warn => Some("tile--warn"),
        Tone::Crit => Some("tile--crit"),
        Tone::Stale => Some("tile--stale"),
    }
}

/// `data-liveness`
pub(crate) fn liveness(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Unknown => "unknown",
        Liveness::Online => "online",
        Liveness::Stale => "stale",
        Liveness::Offline => "offline",
        Liveness::Asleep => "asleep",
    }
}

/// `data-value`: the raw value.
pub(crate) fn raw_value(value: &EntityValue) -> Option<String> {
    match value {
        EntityValue::Unknown | EntityValue::Waiting => None,
        EntityValue::Number { value, .. } => Some(decimal::shortest(*value)),
        EntityValue::Binary { on, .. } => Some(if *on { "on" } else { "off" }.to_owned()),
        EntityValue::Text(text) => Some(text.clone()),
    }
}

fn is_silent(liveness: Liveness) -> bool {
    matches!(liveness, Liveness::Stale | Liveness::Offline)
}

fn is_on(plan: &CardPlan<'_>) -> bool {
    plan.lead
        .is_some_and(|lead| matches!(lead.value, EntityValue::Binary { on: true, .. }))
}

fn is_guessed(entity: &EntityView) -> bool {
    entity.guessed || entity.control.as_ref().is_some_and(|control| control.guessed)
}

/// What a control is asked for and has not confirmed.
pub(crate) fn pending(entity: &EntityView) -> Option<&Action> {
    match &entity.control.as_ref()?.state {
        ControlState::Sent(action) => Some(action),
        ControlState::Idle | ControlState::Confirmed | ControlState::Delivered | ControlState::Failed(..) => {
            None
        }
    }
}

#[cfg(test)]
mod tests;
