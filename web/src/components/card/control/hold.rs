//! A button that acts after being held for one second, for what must not happen by accident.

use gloo_timers::callback::Timeout;
use yew::prelude::*;

use crate::components::icon::Icon;

const HOLD_MS: u32 = 1_000;

/// What [`HoldButton`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct HoldButtonProps {
    /// "Hold to unlock"
    pub(crate) text: AttrValue,
    pub(crate) icon: &'static str,
    /// What it acts on.
    pub(crate) label: AttrValue,
    /// `data-control`
    pub(crate) control: &'static str,
    /// `data-state`
    pub(crate) state: &'static str,
    #[prop_or_default]
    pub(crate) disabled: bool,
    pub(crate) on_held: Callback<()>,
}

/// Fills while it is held by pointer, Enter or Space; letting go early does nothing.
#[component]
pub(crate) fn HoldButton(props: &HoldButtonProps) -> Html {
    let held = use_state(|| false);
    let timer = use_mut_ref(|| None::<Timeout>);
    let start = {
        let (held, timer, on_held) = (held.clone(), timer.clone(), props.on_held.clone());
        Callback::from(move |()| {
            if timer.borrow().is_some() {
                return;
            }
            held.set(true);
            let (held, slot, on_held) = (held.clone(), timer.clone(), on_held.clone());
            *timer.borrow_mut() = Some(Timeout::new(HOLD_MS, move || {
                held.set(false);
                slot.borrow_mut().take();
                on_held.emit(());
            }));
        })
    };
    let stop = {
        let (held, timer) = (held.clone(), timer.clone());
        Callback::from(move |()| {
            timer.borrow_mut().take();
            held.set(false);
        })
    };
    let onkeydown = {
        let start = start.clone();
        Callback::from(move |event: KeyboardEvent| {
            if matches!(event.key().as_str(), "Enter" | " ") {
                event.prevent_default();
                start.emit(());
            }
        })
    };
    let onkeyup = {
        let stop = stop.clone();
        Callback::from(move |event: KeyboardEvent| {
            if matches!(event.key().as_str(), "Enter" | " ") {
                stop.emit(());
            }
        })
    };
    let let_go = |_: &()| stop.reform(|_: PointerEvent| ());
    let text = if *held {
        "Keep holding…".into()
    } else {
        props.text.clone()
    };
    html! {
        <button class={classes!("btn", "grow", "hold", (*held).then_some("hold--held"))} type="button"
            disabled={props.disabled} aria-label={format!("{}: {}, press and hold for one second", props.label, props.text)}
            onpointerdown={start.reform(|_: PointerEvent| ())} onpointerup={let_go(&())} onpointerleave={let_go(&())}
            onpointercancel={let_go(&())} {onkeydown} {onkeyup} onblur={stop.reform(|_: FocusEvent| ())}
            oncontextmenu={Callback::from(|event: MouseEvent| event.prevent_default())}
            data-testid="entity-control" data-control={props.control} data-state={props.state}>
            <Icon name={props.icon} /><span>{text}</span>
        </button>
    }
}
