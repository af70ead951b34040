//! What an entity can be asked to do. A control shows what is confirmed; what was only sent says so.

mod code;
mod hold;
mod range;

use hearth_model::{decimal, json::parse_number};
use yew::prelude::*;

use self::{
    code::Coded,
    hold::HoldButton,
    range::{Slider, Stepper},
};
use super::pending;
use crate::{
    components::{icon::Icon, text::visible, vars::Styled},
    hooks::{use_is_admin, use_look_only},
    wire::{Action, ControlKind, ControlState, ControlView, EntityValue, EntityView},
};

/// What [`Control`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct ControlProps {
    pub(crate) entity: EntityView,
    /// The device's name: what is controlled.
    pub(crate) label: AttrValue,
    #[prop_or_default]
    pub(crate) disabled: bool,
    /// Entity and what it is asked to do.
    pub(crate) on_action: Callback<(String, Action)>,
}

/// The control of an entity; nothing if it has none.
#[component]
pub(crate) fn Control(props: &ControlProps) -> Html {
    // Asked in any case: a component calls the same hooks at each rendering.
    let (look_only, is_admin) = (use_look_only().is_some(), use_is_admin());
    let props = &ControlProps {
        disabled: look_only || props.disabled || props.entity.unavailable,
        ..props.clone()
    };
    let control = props.entity.control.as_ref();
    let Some(control) = control.filter(|control| is_admin || !control.for_admins) else {
        return Html::default();
    };
    let id = props.entity.id.clone();
    let act = props.on_action.reform(move |action| (id.clone(), action));
    let label = label(props);
    if let Some(code) = &control.code {
        let entity = without_code(&props.entity);
        return html! { <Coded control={ControlProps { entity, ..props.clone() }} code={code.clone()} /> };
    }
    let state = control_state(&control.state);
    match &control.kind {
        ControlKind::Switch if control.asks => asking_switch(props, &act, label, state),
        ControlKind::Switch => switch(props, control, &act, label),
        ControlKind::Button if control.asks => html! {
            <HoldButton text="Hold to press" icon="lock" label={visible(&label)} control="button" {state}
                disabled={props.disabled} on_held={act.reform(|()| Action::Press)} />
        },
        ControlKind::Button => html! {
            <button class="btn" type="button" disabled={props.disabled} onclick={act.reform(|_| Action::Press)}
                aria-label={format!("{}: press", visible(&label))} data-testid="entity-control" data-control="button"
                data-state={state}>{"Press"}</button>
        },
        ControlKind::Slider { min, max, .. } | ControlKind::Stepper { min, max, .. } if control.asks => {
            let (min, max) = (*min, *max);
            let on_sent = Callback::from(move |typed: String| {
                // What is no number in the range is not sent.
                let number = parse_number(typed.replace(',', ".").as_bytes());
                if let Some(number) = number.filter(|number: &f64| (min..=max).contains(number)) {
                    act.emit(Action::Set(number));
                }
            });
            html! { <SentText {label} {state} disabled={props.disabled} {on_sent} /> }
        }
        ControlKind::Slider { min, max, step } => html! {
            <Slider min={*min} max={*max} step={*step} value={number(&props.entity)} unit={props.entity.unit.clone()}
                {label} {state} disabled={props.disabled} on_set={act.reform(Action::Set)} />
        },
        ControlKind::Stepper { min, max, step } => html! {
            <Stepper min={*min} max={*max} step={*step} value={number(&props.entity)} unit={props.entity.unit.clone()}
                {label} {state} disabled={props.disabled} on_set={act.reform(Action::Set)} />
        },
        ControlKind::Select { options } => select(props, options, &act, label, state),
        ControlKind::Buttons { options } => buttons(props, options, &act, state),
        ControlKind::Text if control.asks => html! {
            <SentText {label} {state} disabled={props.disabled} on_sent={act.reform(Action::Choose)} />
        },
        ControlKind::Text | ControlKind::Color => typed(props, &act, label, state),
        ControlKind::Cover { .. } if control.asks => asking_cover(props, &act, state),
        ControlKind::Cover { .. } => cover(props, &act, state),
        ControlKind::Lock => lock(props, &act, state),
    }
}

/// What is drawn when the code is asked for elsewhere.
fn without_code(entity: &EntityView) -> EntityView {
    let mut entity = entity.clone();
    if let Some(control) = &mut entity.control {
        control.code = None;
    }
    entity
}

/// What [`Retry`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct RetryProps {
    pub(crate) entity: EntityView,
    pub(crate) label: AttrValue,
    pub(crate) on_action: Callback<(String, Action)>,
}

/// Asks again for what got no answer. A switch has the same in its place, a code is typed again.
#[component]
pub(crate) fn Retry(props: &RetryProps) -> Html {
    let Some(ControlView {
        kind,
        code: None,
        state: ControlState::Failed(_, asked),
        ..
    }) = &props.entity.control
    else {
        return Html::default();
    };
    if *kind == ControlKind::Switch {
        return Html::default();
    }
    let again = (props.entity.id.clone(), asked.clone());
    html! {
        <button class="btn btn--dense" type="button" onclick={props.on_action.reform(move |_: MouseEvent| again.clone())}
            data-testid="entity-retry" aria-label={format!("Try again: {}", visible(&props.label))}>{"Try again"}</button>
    }
}

/// The entity's name after the device's, unless they are the same.
fn label(props: &ControlProps) -> AttrValue {
    if props.entity.name.is_empty() || props.label == props.entity.name {
        return visible(&props.label).into();
    }
    format!("{}, {}", visible(&props.label), visible(&props.entity.name)).into()
}

/// `data-state` of a control.
pub(crate) fn control_state(state: &ControlState) -> &'static str {
    match state {
        ControlState::Idle => "idle",
        ControlState::Sent(_) | ControlState::Delivered => "sent",
        ControlState::Confirmed => "confirmed",
        ControlState::Failed(..) => "failed",
    }
}

/// The number that a slider or stepper stands at: what was asked for while that is under way.
fn number(entity: &EntityView) -> Option<f64> {
    if let Some(Action::Set(asked)) = pending(entity) {
        return Some(*asked);
    }
    match &entity.value {
        EntityValue::Number { value, .. } => Some(*value),
        EntityValue::Unknown | EntityValue::Waiting | EntityValue::Binary { .. } | EntityValue::Text(_) => {
            None
        }
    }
}

fn switch(props: &ControlProps, control: &ControlView, act: &Callback<Action>, label: AttrValue) -> Html {
    let is_on = matches!(props.entity.value, EntityValue::Binary { on: true, .. });
    let asked = match pending(&props.entity) {
        Some(Action::Turn(on)) => Some(*on),
        _ => None,
    };
    let shown = asked.unwrap_or(is_on);
    let onclick = act.reform(move |_: MouseEvent| Action::Turn(!shown));
    if matches!(control.state, ControlState::Failed(..)) {
        return html! {
            <button class="btn" type="button" {onclick} aria-label={format!("{label}: try again")}
                data-testid="entity-control" data-control="switch" data-state="failed">{"Try again"}</button>
        };
    }
    html! {
        <button class="switch" type="button" role="switch" aria-checked={shown.to_string()} aria-label={label} {onclick}
            aria-busy={asked.map(|_| "true")} disabled={props.disabled} data-testid="entity-control"
            data-control="switch" data-state={control_state(&control.state)}>
            <span class="switch__g"></span>
        </button>
    }
}

/// A switch that acts only when it is held.
fn asking_switch(
    props: &ControlProps,
    act: &Callback<Action>,
    label: AttrValue,
    state: &'static str,
) -> Html {
    let is_on = matches!(props.entity.value, EntityValue::Binary { on: true, .. });
    let text = if is_on {
        "Hold to turn off"
    } else {
        "Hold to turn on"
    };
    html! {
        <HoldButton {text} icon="lock" {label} control="switch" {state} disabled={props.disabled}
            on_held={act.reform(move |()| Action::Turn(!is_on))} />
    }
}

fn select(
    props: &ControlProps,
    options: &[String],
    act: &Callback<Action>,
    label: AttrValue,
    state: &'static str,
) -> Html {
    let shown = match (pending(&props.entity), &props.entity.value) {
        (Some(Action::Choose(asked)), _) => asked.clone(),
        (_, EntityValue::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let onchange = act.reform(|event: Event| Action::Choose(super::super::form::event_value(&event)));
    html! {
        <select class="select grow" aria-label={label} disabled={props.disabled} {onchange}
            data-testid="entity-control" data-control="select" data-state={state}>
            if !options.contains(&shown) {
                <option selected=true value={shown.clone()}>{visible(&shown)}</option>
            }
            { for options.iter().map(|option| html! {
                <option value={option.clone()} selected={*option == shown}>{visible(option)}</option>
            })}
        </select>
    }
}

/// Each is sent as it is named; held where a person is asked first.
fn buttons(props: &ControlProps, options: &[String], act: &Callback<Action>, state: &'static str) -> Html {
    let asks = props.entity.control.as_ref().is_some_and(|control| control.asks);
    html! {
        <div class="row row--wrap" role="group" aria-label={visible(&props.label)}>
            { for options.iter().map(|option| {
                let (text, asked) = (visible(option).replace('_', " "), option.clone());
                let chosen = Callback::from({
                    let act = act.clone();
                    move |()| act.emit(Action::Choose(asked.clone()))
                });
                if asks {
                    html! {
                        <HoldButton key={option.clone()} {text} icon="lock" label={visible(&props.label)}
                            control="option" {state} disabled={props.disabled} on_held={chosen} />
                    }
                } else {
                    html! {
                        <button key={option.clone()} class="btn" type="button" disabled={props.disabled}
                            onclick={chosen.reform(|_| ())} aria-label={format!("{}: {text}", visible(&props.label))}
                            data-testid="entity-control" data-control="option" data-option={option.clone()}
                            data-state={state}>{text}</button>
                    }
                }
            })}
        </div>
    }
}

/// What is typed or picked, and sent when that is done.
fn typed(props: &ControlProps, act: &Callback<Action>, label: AttrValue, state: &'static str) -> Html {
    let kind = props.entity.control.as_ref().map(|control| &control.kind);
    let (input, control) = match kind {
        Some(ControlKind::Color) => ("color", "color"),
        _ => ("text", "text"),
    };
    let shown = match (pending(&props.entity), &props.entity.value) {
        (Some(Action::Choose(asked)), _) => asked.clone(),
        (_, EntityValue::Text(text)) => text.clone(),
        (_, EntityValue::Number { text, .. }) => text.clone(),
        _ => String::new(),
    };
    let onchange = act.reform(|event: Event| Action::Choose(super::super::form::event_value(&event)));
    html! {
        <input class="input grow" type={input} value={shown} aria-label={label} disabled={props.disabled} {onchange}
            data-testid="entity-control" data-control={control} data-state={state} />
    }
}

/// What [`SentText`] draws.
#[derive(Properties, PartialEq)]
struct SentTextProps {
    label: AttrValue,
    state: &'static str,
    disabled: bool,
    on_sent: Callback<String>,
}

/// Words that are sent by a button only, never because somebody left the field.
#[component]
fn SentText(props: &SentTextProps) -> Html {
    let typed = use_state(String::new);
    let oninput = {
        let typed = typed.clone();
        Callback::from(move |event: InputEvent| typed.set(super::super::form::event_value(&event)))
    };
    let is_empty = typed.trim().is_empty();
    let onsubmit = {
        let (typed, on_sent) = (typed.clone(), props.on_sent.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if !typed.trim().is_empty() {
                on_sent.emit(typed.trim().to_owned());
                typed.set(String::new());
            }
        })
    };
    html! {
        <form class="row grow" {onsubmit}>
            <input class="input grow" value={(*typed).clone()} {oninput} aria-label={props.label.clone()} disabled={props.disabled}
                data-testid="entity-control" data-control="text" data-state={props.state} />
            <button class="btn" type="submit" disabled={props.disabled || is_empty} data-testid="entity-send">{"Send"}</button>
        </form>
    }
}

/// A gate or a valve: what moves it is held.
fn asking_cover(props: &ControlProps, act: &Callback<Action>, state: &'static str) -> Html {
    let is_open = matches!(props.entity.value, EntityValue::Binary { on: true, .. });
    let (text, icon, control, action) = if is_open {
        ("Hold to close", "down", "close", Action::Close)
    } else {
        ("Hold to open", "up", "open", Action::Open)
    };
    let stop = act.reform(|_: MouseEvent| Action::Stop);
    html! {
        <div class="row grow" role="group" aria-label={format!("Move {}", visible(&props.label))}>
            <HoldButton {text} {icon} label={visible(&props.label)} {control} {state} disabled={props.disabled}
                on_held={act.reform(move |()| action.clone())} />
            <button class="btn btn--icon" type="button" aria-label={format!("Stop {}", visible(&props.label))}
                disabled={props.disabled} onclick={stop} data-testid="entity-control" data-control="stop"
                data-state={state}><Icon name="stop" /></button>
        </div>
    }
}

fn cover(props: &ControlProps, act: &Callback<Action>, state: &'static str) -> Html {
    let moving = matches!(
        pending(&props.entity),
        Some(Action::Open | Action::Close | Action::Set(_))
    );
    let button = |name: &'static str,
                  control: &'static str,
                  icon: &'static str,
                  action: Action,
                  off: bool| {
        html! {
            <button class="btn btn--icon" type="button" aria-label={format!("{name} {}", visible(&props.label))}
                disabled={props.disabled || off} onclick={act.reform(move |_| action.clone())}
                data-testid="entity-control" data-control={control} data-state={state}><Icon name={icon} /></button>
        }
    };
    html! {
        <div class="coverbtns" role="group" aria-label={format!("Move {}", visible(&props.label))}>
            {button("Open", "open", "up", Action::Open, false)}
            {button("Stop", "stop", "stop", Action::Stop, !moving)}
            {button("Close", "close", "down", Action::Close, false)}
        </div>
    }
}

fn lock(props: &ControlProps, act: &Callback<Action>, state: &'static str) -> Html {
    let locked = matches!(&props.entity.value, EntityValue::Binary { word, .. } if word == "Locked");
    let (words, icon, action) = if locked {
        ("Hold to unlock", "unlock", Action::Unlock)
    } else {
        ("Hold to lock", "lock", Action::Lock)
    };
    html! {
        <HoldButton text={words} {icon} label={visible(&props.label)} control="lock" {state} disabled={props.disabled}
            on_held={act.reform(move |()| action.clone())} />
    }
}

/// What [`CoverPicture`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct CoverPictureProps {
    /// How far it is open, percent.
    pub(crate) value: EntityValue,
}

/// A window with its blind as far down as it is.
#[component]
pub(crate) fn CoverPicture(props: &CoverPictureProps) -> Html {
    let open = match &props.value {
        EntityValue::Number { value, .. } => Some(value.clamp(0.0, 100.0)),
        EntityValue::Binary { on, .. } => Some(if *on { 100.0 } else { 0.0 }),
        EntityValue::Text(text) if text.eq_ignore_ascii_case("open") => Some(100.0),
        EntityValue::Text(text) if text.eq_ignore_ascii_case("closed") => Some(0.0),
        EntityValue::Text(_) | EntityValue::Unknown | EntityValue::Waiting => None,
    };
    let words = open.map_or_else(
        || "Position unknown".to_owned(),
        |open| decimal::fixed(100.0 - open, 0) + " percent closed",
    );
    let covered = open.map_or(0.0, |open| 1.0 - open / 100.0);
    html! {
        <Styled tag="div" class="coverviz" role="img" label={words} vars={vec![("--v", decimal::fixed(covered, 2))]}>
            <i></i>
        </Styled>
    }
}
