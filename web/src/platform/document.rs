//! The document: its title, its theme, and moving about in it.

use js_sys::{Function, Reflect};
use web_sys::{
    Document, Element, HtmlElement, HtmlTextAreaElement, KeyboardEvent, MutationObserver,
    MutationObserverInit, Node, ResizeObserver, ScrollBehavior, ScrollIntoViewOptions, ScrollLogicalPosition,
    window,
};

use wasm_bindgen::{JsCast, prelude::Closure};

use super::storage;

/// Where the choice of theme is kept; `theme.js` reads it before the first paint.
const THEME_KEY: &str = "hearth.theme";

fn document() -> Option<Document> {
    window()?.document()
}

fn root() -> Option<HtmlElement> {
    document()?.document_element()?.dyn_into().ok()
}

/// What stands in the window's title.
pub fn set_title(title: &str) {
    if let Some(document) = document() {
        document.set_title(title);
    }
}

/// The hash of the address, with `#`.
#[must_use]
pub fn hash() -> String {
    window()
        .and_then(|window| window.location().hash().ok())
        .unwrap_or_default()
}

/// Goes to a hash route.
pub fn go(href: &str) {
    if let Some(window) = window() {
        // Only an address that is not one is refused.
        drop(window.location().set_hash(href));
    }
}

/// Scrolls to an element and moves the focus to its heading.
pub fn show_element(id: &str) {
    let Some(element) = document().and_then(|document| document.get_element_by_id(id)) else {
        return;
    };
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Start);
    options.set_behavior(ScrollBehavior::Auto);
    element.scroll_into_view_with_scroll_into_view_options(&options);
    if let Ok(Some(heading)) = element.query_selector("[tabindex='-1']") {
        focus(&heading);
    }
}

/// A length among the custom properties of the page, such as `--row`, px.
#[must_use]
pub fn root_px(name: &str) -> Option<f64> {
    let style = window()?
        .get_computed_style(&document()?.document_element()?)
        .ok()??;
    let value = style.get_property_value(name).ok()?;
    hearth_model::json::parse_number(value.trim().strip_suffix("px")?.as_bytes())
}

/// Moves the focus to the element with this id.
pub fn focus_id(id: &str) {
    if let Some(element) = document().and_then(|document| document.get_element_by_id(id)) {
        focus(&element);
    }
}

/// Moves the focus to an element.
pub fn focus_node(node: &Node) {
    if let Some(element) = node.dyn_ref::<Element>() {
        focus(element);
    }
}

/// Whether this element has the focus.
#[must_use]
pub fn has_focus(node: &Node) -> bool {
    document()
        .and_then(|document| document.active_element())
        .is_some_and(|element| node.is_same_node(Some(element.as_ref())))
}

fn focus(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        // What cannot take the focus keeps it where it is.
        drop(element.focus());
    }
}

/// Tells of every press of `/` outside of fields, until it is dropped.
#[derive(Debug)]
pub struct SlashWatch(Closure<dyn FnMut(KeyboardEvent)>);

impl Drop for SlashWatch {
    fn drop(&mut self) {
        if let Some(document) = document() {
            // A listener that is not there is removed already.
            drop(document.remove_event_listener_with_callback("keydown", self.0.as_ref().unchecked_ref()));
        }
    }
}

/// Tells of every press of `/` that types nothing.
#[must_use]
pub fn on_slash(mut tell: impl FnMut() + 'static) -> SlashWatch {
    let heard = Closure::<dyn FnMut(KeyboardEvent)>::new(move |event: KeyboardEvent| {
        let typing = document()
            .and_then(|document| document.active_element())
            .is_some_and(|active| matches!(&*active.tag_name(), "INPUT" | "TEXTAREA" | "SELECT"));
        if event.key() == "/" && !typing && !event.ctrl_key() && !event.meta_key() && !event.alt_key() {
            event.prevent_default();
            tell();
        }
    });
    if let Some(document) = document() {
        // Only an event without a name is refused.
        drop(document.add_event_listener_with_callback("keydown", heard.as_ref().unchecked_ref()));
    }
    SlashWatch(heard)
}

/// Closes the popover with this id.
pub fn hide_popover(id: &str) {
    if let Some(element) = document().and_then(|document| document.get_element_by_id(id))
        && let Some(element) = element.dyn_ref::<HtmlElement>()
    {
        // One that is closed already is refused.
        drop(element.hide_popover());
    }
}

/// Scrolls the page to its top, as a page that was just opened is.
pub fn scroll_to_top() {
    if let Some(window) = window() {
        window.scroll_to_with_x_and_y(0.0, 0.0);
    }
}

/// What the user chose: `light`, `dark`, or nothing for what the system asks for.
#[must_use]
pub fn theme_choice() -> Option<String> {
    storage::lasting()
        .read(THEME_KEY)
        .filter(|theme| theme == "light" || theme == "dark")
}

/// Whether the page is dark now.
#[must_use]
pub fn is_dark() -> bool {
    root()
        .and_then(|root| root.get_attribute("data-theme"))
        .is_some_and(|theme| theme == "dark")
}

/// Takes over a choice of theme and keeps it.
pub fn choose_theme(choice: Option<&str>) {
    let store = storage::lasting();
    match choice {
        Some(theme) => {
            store.write(THEME_KEY, theme);
        }
        None => store.remove(THEME_KEY),
    }
    let system = || {
        let query = window()?.match_media("(prefers-color-scheme: dark)").ok()??;
        Some(if query.matches() { "dark" } else { "light" })
    };
    let shown = choice.or_else(system).unwrap_or("light");
    if let Some(root) = root() {
        // Both are plain attribute names.
        drop(root.set_attribute("data-theme", shown));
        drop(root.set_attribute("data-theme-choice", choice.unwrap_or("system")));
    }
}

/// Watches an element until it is dropped.
#[derive(Debug)]
pub struct LookWatch {
    size: Option<ResizeObserver>,
    theme: Option<MutationObserver>,
    _tell: Closure<dyn FnMut()>,
}

impl Drop for LookWatch {
    fn drop(&mut self) {
        if let Some(size) = &self.size {
            size.disconnect();
        }
        if let Some(theme) = &self.theme {
            theme.disconnect();
        }
    }
}

/// Tells of the size of an element, now and whenever it changes, and of changes of the theme.
#[must_use]
pub fn watch_look(element: &Element, tell: impl FnMut() + 'static) -> LookWatch {
    let tell = Closure::<dyn FnMut()>::new(tell);
    let size = ResizeObserver::new(tell.as_ref().unchecked_ref()).ok();
    if let Some(size) = &size {
        size.observe(element);
    }
    let theme = MutationObserver::new(tell.as_ref().unchecked_ref()).ok();
    if let (Some(theme), Some(root)) = (&theme, root()) {
        let options = MutationObserverInit::new();
        options.set_attributes(true);
        // Only a node that is none, or options that ask for nothing, are refused.
        drop(theme.observe_with_options(&root, &options));
    }
    LookWatch {
        size,
        theme,
        _tell: tell,
    }
}

/// Puts a text into the clipboard; the browser may refuse, then nothing happens.
pub fn copy(text: &str) {
    let Some(window) = window() else { return };
    if window.is_secure_context() {
        drop(window.navigator().clipboard().write_text(text));
    } else {
        // Pages that come by plain http from another machine have no clipboard; a selected text can be copied.
        let _ = copy_by_selection(text);
    }
}

/// The same, and whether it is there.
pub async fn copied(text: &str) -> bool {
    let Some(window) = window() else { return false };
    if window.is_secure_context() {
        let writing = window.navigator().clipboard().write_text(text);
        wasm_bindgen_futures::JsFuture::from(writing).await.is_ok()
    } else {
        copy_by_selection(text).is_some()
    }
}

fn copy_by_selection(text: &str) -> Option<()> {
    let document = window()?.document()?;
    let focused = document.active_element();
    let area: HtmlTextAreaElement = document.create_element("textarea").ok()?.dyn_into().ok()?;
    area.set_value(text);
    document.body()?.append_child(&area).ok()?;
    area.select();
    let command = Reflect::get(&document, &"execCommand".into()).ok()?;
    let copied = command
        .dyn_into::<Function>()
        .ok()?
        .call1(&document, &"copy".into());
    area.remove();
    if let Some(focused) = focused.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        focused.focus().ok()?;
    }
    copied.ok().map(drop)
}
