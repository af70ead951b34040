//! The parts that a release splits off the page's WebAssembly (`xtask/src/bin/split`), which a first visit does not load.
//!
//! Nothing breaks when one is called that was not loaded before: the call waits for the network, and with it everything
//! else. So whoever is about to need one loads it first. A page that was not split has everything.

use std::cell::RefCell;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// What reads the announcements of devices.
pub const FORMATS: &str = "formats";
/// What the engine does for the other pages: [`Command::is_for_later`](crate::wire::Command::is_for_later).
pub const TOOLS: &str = "tools";
/// The page that says where the broker is.
pub const CONNECT: &str = "connect";
/// Every other page but Home, and what arranges Home.
pub const PAGES: &str = "pages";

thread_local! {
    static HERE: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Whether the part is here.
#[must_use]
pub fn is_here(name: &'static str) -> bool {
    HERE.with_borrow(|here| here.contains(&name)) || loader().is_none()
}

/// Loads the part, unless it is here.
///
/// # Errors
/// That it could not be loaded, in words.
pub async fn load(name: &'static str) -> Result<(), String> {
    if let Some(loader) = loader().filter(|_| !is_here(name)) {
        let loading = loader.call1(&JsValue::UNDEFINED, &JsValue::from_str(name));
        let loading = loading.and_then(JsCast::dyn_into::<Promise>);
        let loaded = match loading {
            Ok(loading) => JsFuture::from(loading).await,
            Err(error) => Err(error),
        };
        loaded.map_err(
            |_| "This part of the page could not be loaded. Is the server that it came from still there?",
        )?;
        HERE.with_borrow_mut(|here| here.push(name));
    }
    Ok(())
}

/// What the split left in the page's JavaScript.
fn loader() -> Option<Function> {
    Reflect::get(&js_sys::global(), &JsValue::from_str("hearthPart"))
        .ok()?
        .dyn_into()
        .ok()
}
