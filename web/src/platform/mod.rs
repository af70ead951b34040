//! Thin wrappers around what the browser gives: nothing here knows MQTT or devices.

pub mod client_id;
pub mod database;
pub mod document;
pub mod extras;
pub mod files;
pub mod locale;
pub mod near;
pub mod page;
pub mod panic;
pub mod parts;
pub mod recording;
pub mod storage;
pub mod unpack;
pub mod worker;

/// Whether this is the page's life of the binary (there is a window) and not the Worker's.
#[must_use]
pub fn on_page() -> bool {
    web_sys::window().is_some()
}
