//! A button that copies something, and says that it did.

use gloo_timers::callback::Timeout;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::icon::Icon;
use crate::platform::document;

/// How long it is said, ms.
const SAID_MS: u32 = 2_000;

/// What the button is for.
#[derive(Properties, PartialEq)]
pub(crate) struct CopyProps {
    #[prop_or_default]
    pub(crate) class: Classes,
    /// What it does, for a button that shows no words.
    #[prop_or_default]
    pub(crate) label: Option<&'static str>,
    /// The words it shows.
    #[prop_or_default]
    pub(crate) words: &'static str,
    #[prop_or_default]
    pub(crate) testid: Option<&'static str>,
    #[prop_or_default]
    pub(crate) disabled: bool,
    /// The text, made when it is wanted.
    pub(crate) text: Callback<(), String>,
}

/// An icon, and words if there are any; a check mark when the text is in the clipboard.
#[component]
pub(crate) fn Copy(props: &CopyProps) -> Html {
    let done = use_state_eq(|| None::<bool>);
    let timer = use_mut_ref(|| None::<Timeout>);
    let onclick = {
        let (done, text) = (done.clone(), props.text.clone());
        Callback::from(move |_: MouseEvent| {
            let (done, timer, text) = (done.setter(), timer.clone(), text.emit(()));
            spawn_local(async move {
                done.set(Some(document::copied(&text).await));
                *timer.borrow_mut() = Some(Timeout::new(SAID_MS, move || done.set(None)));
            });
        })
    };
    let (icon, said) = match *done {
        None => ("copy", ""),
        Some(true) => ("check", "Copied"),
        Some(false) => ("crit", "The browser did not let it be copied"),
    };
    html! {
        <>
            <button class={classes!("btn", "btn--dense", props.class.clone())} type="button" aria-label={props.label} title={props.label}
                disabled={props.disabled} {onclick} data-testid={props.testid}><Icon name={icon} small=true />{props.words}</button>
            <span class="vh" role="status">{said}</span>
        </>
    }
}
