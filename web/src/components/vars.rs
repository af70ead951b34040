//! Custom properties of an element, set through the style object of the DOM.
//!
//! A `style` attribute would be blocked by a Content-Security-Policy without `unsafe-inline`; the style object is not.

use yew::prelude::*;

/// Names and values of custom properties.
pub(crate) type Vars = Vec<(&'static str, String)>;

/// Keeps the custom properties of an element as given.
#[hook]
pub(crate) fn use_vars(node: &NodeRef, vars: Vars) {
    let node = node.clone();
    use_effect_with(vars, move |vars| {
        if let Some(element) = node.cast::<web_sys::HtmlElement>() {
            for (name, value) in vars {
                // Refused only for a read-only style, which an element's own never is.
                drop(element.style().set_property(name, value));
            }
        }
    });
}

/// What [`Styled`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct StyledProps {
    /// Element name.
    #[prop_or("span")]
    pub(crate) tag: &'static str,
    #[prop_or_default]
    pub(crate) class: Classes,
    pub(crate) vars: Vars,
    #[prop_or_default]
    pub(crate) role: Option<&'static str>,
    #[prop_or_default]
    pub(crate) label: Option<AttrValue>,
    #[prop_or_default]
    pub(crate) children: Html,
}

/// An element with custom properties.
#[component]
pub(crate) fn Styled(props: &StyledProps) -> Html {
    let node = use_node_ref();
    use_vars(&node, props.vars.clone());
    html! {
        <@{props.tag} ref={node} class={props.class.clone()} role={props.role} aria-label={props.label.clone()}>
            {props.children.clone()}
        </@>
    }
}
