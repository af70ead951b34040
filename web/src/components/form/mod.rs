//! Forms: fields with label, hint and error; what is typed is checked before it is sent.

pub(crate) mod address;
mod answer;
pub(crate) mod connect;
pub(crate) mod connection;
pub(crate) mod doctor;
pub(crate) mod exchange;
pub(crate) mod field;
pub(crate) mod kept;
pub(crate) mod payload;
pub(crate) mod publish;
pub(crate) mod quick;
pub(crate) mod sent;
pub(crate) mod typed;
mod will;
pub(crate) mod written;

use wasm_bindgen::JsCast;
use web_sys::{EventTarget, HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};

/// What a field holds after an event on it.
pub(crate) fn event_value(event: &web_sys::Event) -> String {
    event.target().map(|target| value_of(&target)).unwrap_or_default()
}

/// Whether a checkbox is checked after an event on it.
pub(crate) fn event_checked(event: &web_sys::Event) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
    target.is_some_and(|input| input.checked())
}

fn value_of(target: &EventTarget) -> String {
    if let Some(input) = target.dyn_ref::<HtmlInputElement>() {
        return input.value();
    }
    if let Some(area) = target.dyn_ref::<HtmlTextAreaElement>() {
        return area.value();
    }
    target
        .dyn_ref::<HtmlSelectElement>()
        .map(HtmlSelectElement::value)
        .unwrap_or_default()
}
