//! The window: address, visibility, frames, and fetching a text of the serving host.

use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Response, VisibilityState, Window, window};

/// Query of the page's address and of its hash route, without the leading `?`.
#[must_use]
pub fn queries() -> (String, String) {
    let Some(location) = window().map(|window| window.location()) else {
        return Default::default();
    };
    let search = location.search().unwrap_or_default();
    let hash = location.hash().unwrap_or_default();
    let in_hash = hash
        .split_once('?')
        .map(|(_, query)| query.to_owned())
        .unwrap_or_default();
    (search.trim_start_matches('?').to_owned(), in_hash)
}

/// The address of the page's folder, with the slash: what relative addresses are relative to.
#[must_use]
pub fn folder() -> String {
    let address = window()
        .and_then(|window| window.location().href().ok())
        .unwrap_or_default();
    let address = address.split(['?', '#']).next().unwrap_or_default();
    address
        .rsplit_once('/')
        .map(|(folder, _)| format!("{folder}/"))
        .unwrap_or_default()
}

/// Goes to the login of the bridge, which leads back here.
pub fn to_login() {
    let Some(location) = window().map(|window| window.location()) else {
        return;
    };
    let next = js_sys::encode_uri_component(&location.search().unwrap_or_default());
    let hash = location.hash().unwrap_or_default();
    let _ = location.assign(&format!("login?next={next}{hash}"));
}

/// Whether the page came by https, so that the browser forbids `ws://`.
#[must_use]
pub fn is_secure() -> bool {
    folder().starts_with("https:")
}

/// Milliseconds since the epoch.
#[must_use]
pub fn now() -> u64 {
    js_sys::Date::now() as u64
}

/// Random bytes of the browser's own source.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Some(crypto) = window().and_then(|window| window.crypto().ok()) {
        let _ = crypto.get_random_values_with_u8_array(&mut bytes);
    }
    bytes
}

/// Runs once, before the next frame is painted.
pub fn before_paint(run: impl FnOnce() + 'static) {
    let run = Closure::once_into_js(run);
    if let Some(window) = window() {
        let _ = window.request_animation_frame(run.unchecked_ref());
    }
}

/// Whether the page can be seen now.
#[must_use]
pub fn is_visible() -> bool {
    window()
        .and_then(|window| window.document())
        .is_some_and(|document| document.visibility_state() == VisibilityState::Visible)
}

/// Tells of every change of visibility, for as long as the page lives.
pub fn on_visibility(mut tell: impl FnMut(bool) + 'static) {
    let document = window().and_then(|window| window.document());
    listen(
        document.as_ref().map(AsRef::as_ref),
        "visibilitychange",
        move |_| tell(is_visible()),
    );
}

/// The browser has a network again, for as long as the page lives.
pub fn on_online(mut tell: impl FnMut() + 'static) {
    listen(window().as_ref().map(AsRef::as_ref), "online", move |_| tell());
}

/// Another tab of this browser changed what is kept: under which key, and the text; empty when it was removed.
pub fn on_storage(mut tell: impl FnMut(String, String) + 'static) {
    listen(window().as_ref().map(AsRef::as_ref), "storage", move |event| {
        let event: web_sys::StorageEvent = event.unchecked_into();
        if let Some(key) = event.key() {
            tell(key, event.new_value().unwrap_or_default());
        }
    });
}

/// The page goes away (or into the back/forward cache).
pub fn on_leave(mut tell: impl FnMut() + 'static) {
    listen(window().as_ref().map(AsRef::as_ref), "pagehide", move |_| tell());
}

/// The address's hash changed.
pub fn on_route(mut tell: impl FnMut() + 'static) {
    listen(window().as_ref().map(AsRef::as_ref), "hashchange", move |_| {
        tell();
    });
}

fn listen(target: Option<&web_sys::EventTarget>, event: &str, tell: impl FnMut(JsValue) + 'static) {
    let Some(target) = target else { return };
    let tell = Closure::<dyn FnMut(JsValue)>::new(tell);
    let _ = target.add_event_listener_with_callback(event, tell.as_ref().unchecked_ref());
    tell.forget();
}

/// The text at a relative address, if the serving host answers 200 with a JSON content type. A bridge where nobody is logged in says 401.
pub async fn fetch_json(address: &str) -> Option<String> {
    let window: Window = window()?;
    let answer: Response = JsFuture::from(window.fetch_with_str(address))
        .await
        .ok()?
        .dyn_into()
        .ok()?;
    let is_json = answer
        .headers()
        .get("content-type")
        .ok()
        .flatten()
        .is_some_and(|kind| kind.contains("json"));
    if is_json && answer.status() == 401 {
        to_login();
    }
    if !answer.ok() || !is_json {
        return None;
    }
    JsFuture::from(answer.text().ok()?).await.ok()?.as_string()
}
