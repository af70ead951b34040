//! A button that opens a list below itself. Escape closes the list, and so does the focus when it leaves.

use wasm_bindgen::JsCast;
use web_sys::{Element, Node};
use yew::prelude::*;

use crate::platform::document;

/// What [`Pick`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct PickProps {
    #[prop_or_default]
    pub(crate) class: Classes,
    #[prop_or_default]
    pub(crate) testid: Option<AttrValue>,
    /// For [`close`].
    #[prop_or_default]
    pub(crate) node: NodeRef,
    /// A `summary`, and the list.
    pub(crate) children: Html,
}

/// The button with its list.
#[component]
pub(crate) fn Pick(props: &PickProps) -> Html {
    let node = props.node.clone();
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        if event.key() == "Escape" && close(&node) {
            event.stop_propagation();
            let button = node
                .cast::<Element>()
                .and_then(|pick| pick.query_selector("summary").ok()?);
            if let Some(button) = button {
                document::focus_node(&button);
            }
        }
    });
    let node = props.node.clone();
    let onfocusout = Callback::from(move |event: FocusEvent| {
        let to: Option<Node> = event.related_target().and_then(|to| to.dyn_into().ok());
        let stays = node
            .get()
            .is_some_and(|pick| to.is_some_and(|to| pick.contains(Some(&to))));
        if !stays {
            close(&node);
        }
    });
    // It takes the focus itself, so that a click beside what is in the list stays inside.
    html! {
        <details ref={props.node.clone()} class={classes!("pick", props.class.clone())} data-testid={props.testid.clone()} tabindex="-1"
            {onkeydown} {onfocusout}>{props.children.clone()}</details>
    }
}

/// Closes the list; whether it was open.
pub(crate) fn close(node: &NodeRef) -> bool {
    let Some(pick) = node.cast::<Element>().filter(|pick| pick.has_attribute("open")) else {
        return false;
    };
    // It fails for names that are none.
    pick.remove_attribute("open").is_ok()
}
