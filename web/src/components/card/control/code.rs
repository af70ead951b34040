//! A control that acts only with a code: what it is to do is chosen first, then the code is typed. It is kept nowhere.

use yew::prelude::*;

use super::{Control, ControlProps};
use crate::{
    components::{
        form::typed::{Typed, use_typed},
        text::visible,
    },
    wire::{Action, Code, CodeView},
};

/// What [`Coded`] draws.
#[derive(Properties, PartialEq)]
pub(super) struct CodedProps {
    pub(super) control: ControlProps,
    pub(super) code: CodeView,
}

/// The control, and in its place the field for the code once something was chosen.
#[component]
pub(super) fn Coded(props: &CodedProps) -> Html {
    let asked = use_state(|| None::<(String, Action)>);
    let on_action = {
        let (asked, free) = (asked.clone(), props.code.free.clone());
        let on_action = props.control.on_action.clone();
        Callback::from(move |(entity, action): (String, Action)| match &action {
            Action::Choose(option) if free.contains(option) => on_action.emit((entity, action)),
            _ => asked.set(Some((entity, action))),
        })
    };
    let Some((entity, action)) = (*asked).clone() else {
        let ControlProps {
            entity,
            label,
            disabled,
            ..
        } = props.control.clone();
        return html! { <Control {entity} {label} {disabled} {on_action} /> };
    };
    let on_code = {
        let (asked, on_action) = (asked.clone(), props.control.on_action.clone());
        Callback::from(move |typed: Option<String>| {
            asked.set(None);
            if let Some(typed) = typed {
                let coded = Action::Coded(Box::new(action.clone()), Code(typed));
                on_action.emit((entity.clone(), coded));
            }
        })
    };
    html! { <CodeForm label={props.control.label.clone()} is_number={props.code.is_number} {on_code} /> }
}

#[derive(Properties, PartialEq)]
struct CodeFormProps {
    label: AttrValue,
    is_number: bool,
    /// What was typed, or nothing when it was given up.
    on_code: Callback<Option<String>>,
}

#[component]
fn CodeForm(props: &CodeFormProps) -> Html {
    let Typed {
        node,
        value,
        oninput,
        onsubmit,
        onkeydown,
        on_cancel,
    } = use_typed("", &props.on_code);
    html! {
        <form class="row grow codeform" {onsubmit} {onkeydown}>
            <input ref={node} class="input input--dense grow" type="password" autocomplete="one-time-code"
                inputmode={props.is_number.then_some("numeric")} {value} {oninput}
                aria-label={format!("Code of {}", visible(&props.label))} placeholder="Code" data-testid="entity-code" />
            <button class="btn btn--dense" type="submit" data-testid="entity-code-send">{"Send"}</button>
            <button class="btn btn--dense btn--quiet" type="button"
                onclick={on_cancel}>{"Cancel"}</button>
        </form>
    }
}
