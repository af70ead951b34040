//! What is on the screen or near it.

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{
    Element, Event, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit, window,
};
use yew::NodeRef;

/// Margin of the screen, as of `IntersectionObserver`: within it something is near, so that scrolling finds it drawn.
pub const NEAR: &str = "75%";
/// Within this margin something is on the screen.
pub const ON_SCREEN: &str = "0%";

/// Watches an element for as long as it lives.
pub struct Near {
    observer: IntersectionObserver,
    _tell: Closure<dyn FnMut(js_sys::Array)>,
}

impl Near {
    /// Tells whether the element is within the margin, and how tall it was just before.
    pub fn observe(node: &NodeRef, margin: &str, mut tell: impl FnMut(bool, f64) + 'static) -> Option<Self> {
        let element: Element = node.cast()?;
        let tell = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
            // Only the last says how it is now.
            if let Ok(entry) = entries.pop().dyn_into::<IntersectionObserverEntry>() {
                tell(entry.is_intersecting(), entry.bounding_client_rect().height());
            }
        });
        let options = IntersectionObserverInit::new();
        options.set_root_margin(margin);
        let observer =
            IntersectionObserver::new_with_options(tell.as_ref().unchecked_ref(), &options).ok()?;
        observer.observe(&element);
        Some(Self {
            observer,
            _tell: tell,
        })
    }
}

impl Drop for Near {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Listens to the size of the window for as long as it lives.
pub struct Columns(Closure<dyn FnMut(Event)>);

/// Tells how many columns the grid that a selector finds has, now and whenever the window changes.
pub fn on_columns(selector: &'static str, tell: impl Fn(usize) + 'static) -> Columns {
    let look = move || {
        if let Some(columns) = columns(selector) {
            tell(columns);
        }
    };
    look();
    let listener = Closure::<dyn FnMut(Event)>::new(move |_| look());
    if let Some(window) = window() {
        let _ = window.add_event_listener_with_callback("resize", listener.as_ref().unchecked_ref());
    }
    Columns(listener)
}

impl Drop for Columns {
    fn drop(&mut self) {
        if let Some(window) = window() {
            let _ = window.remove_event_listener_with_callback("resize", self.0.as_ref().unchecked_ref());
        }
    }
}

/// How many columns of cards a window of this width has, about: for the first drawing, before there is anything to count.
#[must_use]
pub fn likely_columns() -> usize {
    /// Narrowest card and gap, as in `components.css`.
    const COLUMN_PX: f64 = 280.0;
    /// Navigation and margins.
    const BESIDE_PX: f64 = 130.0;
    let width = window().and_then(|window| window.inner_width().ok()?.as_f64());
    (((width.unwrap_or_default() - BESIDE_PX) / COLUMN_PX) as usize).max(1)
}

fn columns(selector: &str) -> Option<usize> {
    let window = window()?;
    let grid = window.document()?.query_selector(selector).ok()??;
    let style = window.get_computed_style(&grid).ok()??;
    let tracks = style.get_property_value("grid-template-columns").ok()?;
    Some(tracks.split(' ').count())
}
