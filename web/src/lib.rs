//! The page: an engine in a Web Worker and the Yew views, joined by [`wire`].
//!
//! [`run_page`] and [`run_engine`] are the two lives of the one binary.

#![expect(
    missing_docs,
    reason = "an application: fields whose names say all need no second sentence"
)]
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod app;
mod chart;
mod components;
pub mod engine;
pub mod hooks;
mod pages;
pub mod platform;
pub mod wire;

/// Mounts the views.
pub fn run_page() {
    platform::panic::tell_page();
    // Beside the icons, which stay in the document.
    let root = web_sys::window().and_then(|window| window.document()?.get_element_by_id("page"));
    if let Some(root) = root {
        yew::Renderer::<app::App>::with_root(root).render();
    }
}

/// Runs the engine; returns at once, the Worker lives on its events.
pub fn run_engine() {
    platform::panic::tell_owner();
    engine::run();
}
