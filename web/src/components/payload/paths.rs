//! Names in JSON that copy their paths: by a click, or by Enter after the arrow keys.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::json;
use crate::{components::text::visible, platform::document};

/// What [`Paths`] draws.
#[derive(Properties, PartialEq)]
pub(super) struct PathsProps {
    pub(super) lines: Rc<Vec<String>>,
    pub(super) children: Html,
}

/// Lines with [`button`]s in them, and what was copied.
#[component]
pub(super) fn Paths(props: &PathsProps) -> Html {
    let copied = use_state(|| None::<String>);
    let lines = props.lines.clone();
    let onclick = {
        let copied = copied.clone();
        Callback::from(move |event: MouseEvent| {
            let Some((line, piece)) = button_of(&event).and_then(|button| place_of(&button)) else {
                return;
            };
            let path = json::path_at(&lines, line, piece);
            document::copy(&path);
            copied.set(Some(path));
        })
    };
    let onkeydown = Callback::from(|event: KeyboardEvent| {
        let Some(button) = button_of(&event) else { return };
        let back = match &*event.key() {
            "ArrowDown" | "ArrowRight" => false,
            "ArrowUp" | "ArrowLeft" => true,
            _ => return,
        };
        event.prevent_default();
        if let Some(next) = beside(&button, back) {
            // It is there because it was found.
            let _ = next.focus();
        }
    });
    html! {
        <div {onclick} {onkeydown}>
            {props.children.clone()}
            <p class="hint viewer__note paths__said" role="status" data-testid="path-copied">
                {match &*copied {
                    Some(path) => format!("Copied {}", visible(path)),
                    None => "A click on a name copies its path.".to_owned(),
                }}
            </p>
        </div>
    }
}

/// A name or a value of a list.
pub(super) fn button(class: &'static str, text: String, line: usize, piece: usize) -> Html {
    // One is reached by Tab, the others from there by the arrow keys.
    let tabindex = if line == 1 && piece <= 1 { "0" } else { "-1" };
    html! {
        <button class={classes!("jpath", class)} type="button" {tabindex} data-at={format!("{line}.{piece}")}><span class="vh">{"Copy the path of "}</span>{text}</button>
    }
}

fn button_of(event: &Event) -> Option<HtmlElement> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest("[data-at]").ok()??.dyn_into().ok()
}

fn place_of(button: &HtmlElement) -> Option<(usize, usize)> {
    let place = button.get_attribute("data-at")?;
    let (line, piece) = place.split_once('.')?;
    Some((line.parse().ok()?, piece.parse().ok()?))
}

/// The next button, or the one before.
fn beside(button: &HtmlElement, back: bool) -> Option<HtmlElement> {
    let all = button
        .closest("pre")
        .ok()??
        .query_selector_all("[data-at]")
        .ok()?;
    let here =
        (0..all.length()).find(|at| all.item(*at).is_some_and(|node| node.is_same_node(Some(button))))?;
    let next = if back { here.checked_sub(1)? } else { here + 1 };
    all.item(next)?.dyn_into().ok()
}
