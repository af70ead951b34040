//! One field that has the focus at once: Enter takes what was typed, Escape gives it up.

use web_sys::HtmlElement;
use yew::prelude::*;

use super::event_value;

/// What such a form and its field need.
pub(crate) struct Typed {
    pub(crate) node: NodeRef,
    pub(crate) value: String,
    pub(crate) oninput: Callback<InputEvent>,
    pub(crate) onsubmit: Callback<SubmitEvent>,
    pub(crate) onkeydown: Callback<KeyboardEvent>,
    pub(crate) on_cancel: Callback<MouseEvent>,
}

/// `on_done` gets what was typed, or nothing when it was given up.
#[hook]
pub(crate) fn use_typed(start: &str, on_done: &Callback<Option<String>>) -> Typed {
    let typed = use_state(|| start.to_owned());
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with((), move |()| {
            if let Some(input) = node.cast::<HtmlElement>() {
                // What cannot take the focus keeps it where it is.
                drop(input.focus());
            }
        });
    }
    let value = (*typed).clone();
    Typed {
        node,
        oninput: Callback::from(move |event: InputEvent| typed.set(event_value(&event))),
        onsubmit: {
            let (value, on_done) = (value.clone(), on_done.clone());
            Callback::from(move |event: SubmitEvent| {
                event.prevent_default();
                on_done.emit(Some(value.clone()));
            })
        },
        onkeydown: {
            let on_done = on_done.clone();
            Callback::from(move |event: KeyboardEvent| {
                if event.key() == "Escape" {
                    on_done.emit(None);
                }
            })
        },
        on_cancel: on_done.reform(|_: MouseEvent| None),
        value,
    }
}
