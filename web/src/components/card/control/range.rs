//! Slider and stepper: a number within limits.

use gloo_timers::callback::{Interval, Timeout};
use hearth_model::{decimal, json::parse_number};
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::{
    components::{icon::Icon, text::visible, vars::use_vars},
    platform::{locale, page},
};

/// While a slider is dragged it sends at most so often.
const SEND_EVERY_MS: u64 = 200;
/// A held stepper starts to repeat after this, and then repeats so often.
const REPEAT_AFTER_MS: u32 = 450;
const REPEAT_EVERY_MS: u32 = 200;

/// What [`Slider`] and [`Stepper`] draw.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct RangeProps {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) step: f64,
    /// `None`: not known yet.
    pub(crate) value: Option<f64>,
    pub(crate) unit: AttrValue,
    pub(crate) label: AttrValue,
    /// `data-state`
    pub(crate) state: &'static str,
    #[prop_or_default]
    pub(crate) disabled: bool,
    pub(crate) on_set: Callback<f64>,
}

/// A filled bar; its number beside it in a box of fixed width.
#[component]
pub(crate) fn Slider(props: &RangeProps) -> Html {
    // Where the finger is, until the device has answered to it.
    let dragged = use_state(|| None::<f64>);
    let sent_at = use_mut_ref(|| 0_u64);
    {
        let dragged = dragged.clone();
        use_effect_with((props.value, props.state), move |_| dragged.set(None));
    }
    let shown = dragged.or(props.value);
    let span = props.max - props.min;
    let part = shown.map_or(0.0, |shown| {
        if span > 0.0 {
            ((shown - props.min) / span).clamp(0.0, 1.0)
        } else {
            0.0
        }
    });
    let node = use_node_ref();
    use_vars(&node, vec![("--v", decimal::fixed(part, 3))]);
    let oninput = {
        let (dragged, on_set) = (dragged.clone(), props.on_set.clone());
        Callback::from(move |event: InputEvent| {
            let Some(value) = number_of(event.target()) else {
                return;
            };
            dragged.set(Some(value));
            let now = page::now();
            if now.saturating_sub(*sent_at.borrow()) >= SEND_EVERY_MS {
                *sent_at.borrow_mut() = now;
                on_set.emit(value);
            }
        })
    };
    let onchange = {
        let on_set = props.on_set.clone();
        Callback::from(move |event: Event| {
            if let Some(value) = number_of(event.target()) {
                on_set.emit(value);
            }
        })
    };
    let text = shown.map_or_else(
        || "–".to_owned(),
        |shown| locale::number(&decimal::fixed(shown, 0)),
    );
    html! {
        <>
            <input ref={node} class="slider grow" type="range" min={decimal::shortest(props.min)} max={decimal::shortest(props.max)}
                step={decimal::shortest(props.step)} value={decimal::shortest(shown.unwrap_or(props.min))} aria-label={props.label.clone()}
                aria-valuetext={format!("{text} {}", visible(&props.unit))} disabled={props.disabled} {oninput} {onchange}
                data-testid="entity-control" data-control="slider" data-state={props.state} />
            <output class="num ch-5" data-testid="entity-value" data-value={props.value.map(decimal::shortest)}>
                {format!("{text} {}", visible(&props.unit))}
            </output>
        </>
    }
}

fn number_of(target: Option<web_sys::EventTarget>) -> Option<f64> {
    parse_number(target?.dyn_into::<HtmlInputElement>().ok()?.value().as_bytes())
}

/// The next value of a stepper, on the grid of its steps and within its limits.
fn stepped(from: f64, by: f64, props: &RangeProps) -> f64 {
    let step = if props.step > 0.0 { props.step } else { 1.0 };
    let next = ((from + by * step - props.min) / step).round() * step + props.min;
    next.clamp(props.min, props.max)
}

/// Decimals that the step needs: 0.5 needs one.
fn decimals(step: f64) -> usize {
    if step.fract() == 0.0 {
        0
    } else if (step * 10.0).fract() == 0.0 {
        1
    } else {
        2
    }
}

/// Minus, value, plus. Holding a button repeats it.
#[component]
pub(crate) fn Stepper(props: &RangeProps) -> Html {
    let target = use_state(|| None::<f64>);
    let latest = use_mut_ref(|| None::<f64>);
    let repeat = use_mut_ref(|| None::<(Timeout, Option<Interval>)>);
    {
        let (target, latest) = (target.clone(), latest.clone());
        use_effect_with((props.value, props.state), move |_| {
            *latest.borrow_mut() = None;
            target.set(None);
        });
    }
    let bump = {
        let (props, target, latest) = (props.clone(), target.clone(), latest.clone());
        Callback::from(move |by: f64| {
            let from = latest.borrow().or(props.value).unwrap_or(props.min);
            let next = stepped(from, by, &props);
            *latest.borrow_mut() = Some(next);
            target.set(Some(next));
            props.on_set.emit(next);
        })
    };
    let hold = |by: f64| {
        let (bump, repeat) = (bump.clone(), repeat.clone());
        Callback::from(move |_: PointerEvent| {
            let (bump, slot) = (bump.clone(), repeat.clone());
            let wait = Timeout::new(REPEAT_AFTER_MS, move || {
                let again = Interval::new(REPEAT_EVERY_MS, move || bump.emit(by));
                if let Some((_, running)) = slot.borrow_mut().as_mut() {
                    *running = Some(again);
                }
            });
            *repeat.borrow_mut() = Some((wait, None));
        })
    };
    let release = {
        let repeat = repeat.clone();
        Callback::from(move |_: PointerEvent| drop(repeat.borrow_mut().take()))
    };
    let places = decimals(props.step);
    let text = target.or(props.value).map_or_else(
        || "–".to_owned(),
        |shown| locale::number(&decimal::fixed(shown, places)),
    );
    let button = |by: f64, icon: &'static str, word: &str| {
        html! {
            <button type="button" aria-label={format!("{}: {word}", props.label)} disabled={props.disabled}
                onclick={bump.reform(move |_: MouseEvent| by)} onpointerdown={hold(by)} onpointerup={release.clone()}
                onpointerleave={release.clone()} onpointercancel={release.clone()} data-testid="entity-control"
                data-control="stepper" data-state={props.state}><Icon name={icon} /></button>
        }
    };
    html! {
        <div class="stepper" role="group" aria-label={props.label.clone()}>
            {button(-1.0, "minus", "less")}
            <output aria-live="polite" data-testid="entity-value" data-value={props.value.map(decimal::shortest)}>
                {format!("{text} {}", visible(&props.unit))}
            </output>
            {button(1.0, "plus", "more")}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(min: f64, max: f64, step: f64) -> RangeProps {
        RangeProps {
            min,
            max,
            step,
            value: None,
            unit: "°C".into(),
            label: "Radiator".into(),
            state: "idle",
            disabled: false,
            on_set: Callback::noop(),
        }
    }

    #[test]
    fn a_stepper_stays_on_its_grid_and_within_its_limits() {
        let half = range(5.0, 30.0, 0.5);
        assert_eq!(stepped(21.3, 1.0, &half), 22.0);
        assert_eq!(stepped(30.0, 1.0, &half), 30.0);
        assert_eq!(stepped(5.0, -1.0, &half), 5.0);
        assert_eq!(
            stepped(1.0, 1.0, &range(0.0, 10.0, 0.0)),
            2.0,
            "a step of 0 would never move"
        );
    }

    #[test]
    fn decimals_follow_the_step() {
        assert_eq!([1.0, 0.5, 0.25].map(decimals), [0, 1, 2]);
    }
}
