//! The page: an engine in a Web Worker and the Yew views, joined by [`wire`].
//!
//! [`run_page`] and [`run_engine`] are the two lives of the one binary.

#![expect(
    missing_docs,
    reason = "an application: fields whose names say all need no second sentence"
)]

pub mod app;
pub mod engine;
pub mod hooks;
pub mod platform;
pub mod wire;

/// Mounts the views.
pub fn run_page() {
    platform::panic::tell_page();
    yew::Renderer::<app::App>::new().render();
}

/// Runs the engine; returns at once, the Worker lives on its events.
pub fn run_engine() {
    platform::panic::tell_owner();
    engine::run();
}
