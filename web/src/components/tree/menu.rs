//! What can be done with a row of the tree, where it was asked for.

use web_sys::HtmlElement;
use yew::prelude::*;

use crate::{
    components::{
        icon::Icon,
        text::{shortened, visible},
        vars::use_vars,
    },
    pages::route::Route,
    platform::document,
    wire::ExportOrder,
};

/// Longest topic shown above the menu.
const LONGEST_TOPIC: usize = 60;

/// Where a menu is open, and for what.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) topic: String,
    /// px in the window
    pub(crate) x: i32,
    pub(crate) y: i32,
}

/// What [`Menu`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct MenuProps {
    pub(crate) place: Place,
    pub(crate) on_export: Callback<ExportOrder>,
    pub(crate) on_close: Callback<()>,
}

/// Show, copy, export.
#[component]
pub(crate) fn Menu(props: &MenuProps) -> Html {
    let node = use_node_ref();
    let place = &props.place;
    use_vars(
        &node,
        vec![
            ("--x", format!("{}px", place.x)),
            ("--y", format!("{}px", place.y)),
        ],
    );
    {
        let node = node.clone();
        use_effect_with(place.clone(), move |_| step(&node, 0));
    }
    let onkeydown = {
        let (node, on_close) = (node.clone(), props.on_close.clone());
        Callback::from(move |event: KeyboardEvent| {
            event.stop_propagation();
            match &*event.key() {
                "ArrowDown" => step(&node, 1),
                "ArrowUp" => step(&node, -1),
                "Home" => step(&node, 0),
                "End" => {
                    step(&node, 0);
                    step(&node, -1);
                }
                "Escape" | "Tab" => on_close.emit(()),
                _ => return,
            }
            event.prevent_default();
        })
    };
    let item = |words: &'static str, icon: &'static str, testid: &'static str, act: Callback<()>| {
        let on_close = props.on_close.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            act.emit(());
            on_close.emit(());
        });
        html! { <button class="rowmenu__item" type="button" role="menuitem" tabindex="-1" data-testid={testid} {onclick}><Icon name={icon} small=true />{words}</button> }
    };
    let with = |act: fn(&str)| {
        let topic = place.topic.clone();
        Callback::from(move |()| act(&topic))
    };
    let export = |csv: bool| {
        let topic = place.topic.clone();
        props.on_export.reform(move |()| ExportOrder {
            topic: topic.clone(),
            below: true,
            csv,
        })
    };
    html! {
        <>
            <div class="rowmenu__away" onclick={props.on_close.reform(|_: MouseEvent| ())}></div>
            <div ref={node} class="rowmenu" role="menu" aria-label={visible(&place.topic)} data-testid="tree-menu" {onkeydown}
                oncontextmenu={Callback::from(|event: MouseEvent| event.prevent_default())}>
                <p class="rowmenu__title mono" aria-hidden="true"><bdi>{shortened(&visible(&place.topic), LONGEST_TOPIC)}</bdi></p>
                {item("Show this topic", "right", "menu-show", with(|topic| document::go(&Route::Explorer { topic: Some(topic.to_owned()) }.href())))}
                {item("Copy the topic", "copy", "menu-copy", with(document::copy))}
                // What a broker says of itself is not the user's to delete.
                if !place.topic.starts_with('$') {
                    {item("Retained messages here and below…", "pin", "menu-retained", with(|topic| document::go(&Route::Retained { search: format!("{topic}/#") }.href())))}
                }
                {item("Export with all below as JSON Lines", "download", "menu-export-jsonl", export(false))}
                {item("Export with all below as CSV", "download", "menu-export-csv", export(true))}
            </div>
        </>
    }
}

/// Moves the focus among the items; 0: to the first.
fn step(node: &NodeRef, by: i32) {
    let Some(items) = node
        .cast::<HtmlElement>()
        .and_then(|menu| menu.query_selector_all("button").ok())
    else {
        return;
    };
    let count = i32::try_from(items.length()).unwrap_or(0).max(1);
    let here = (0..items.length()).find(|at| items.get(*at).is_some_and(|item| document::has_focus(&item)));
    let here = here.and_then(|at| i32::try_from(at).ok()).unwrap_or(0);
    let next = if by == 0 { 0 } else { (here + by).rem_euclid(count) };
    if let Some(item) = u32::try_from(next).ok().and_then(|next| items.get(next)) {
        document::focus_node(&item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::render;

    #[test]
    fn a_branch_can_be_exported_from_its_menu() {
        let html = render::<Menu>(MenuProps {
            place: Place {
                topic: "home/<i>".into(),
                x: 1,
                y: 2,
            },
            on_export: Callback::noop(),
            on_close: Callback::noop(),
        });
        assert!(
            html.contains(r#"role="menu""#)
                && html.contains("menu-export-csv")
                && html.contains("menu-retained"),
            "{html}"
        );
        assert!(!html.contains("<i>"), "{html}");
    }
}
