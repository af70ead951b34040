//! A panic is our bug. It must reach the user in words, never vanish in a console.

use wasm_bindgen::{JsCast, JsValue};

/// Sends the text of a panic to the page that owns this Worker, as a string: frames are bytes, so it cannot be confused.
pub fn tell_owner() {
    std::panic::set_hook(Box::new(|info| {
        if let Ok(scope) = js_sys::global().dyn_into::<web_sys::DedicatedWorkerGlobalScope>() {
            let _ = scope.post_message(&JsValue::from_str(&info.to_string()));
        }
    }));
}

/// Writes the text of a panic into the page itself: after it the views answer to nothing.
pub fn tell_page() {
    std::panic::set_hook(Box::new(|info| show(&info.to_string())));
}

fn show(text: &str) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else {
        return;
    };
    let (Some(body), Ok(note), Ok(reload)) = (
        document.body(),
        document.create_element("p"),
        document.create_element("a"),
    ) else {
        return;
    };
    note.set_text_content(Some(&format!(
        "The page stopped because of a mistake in Hearth: {text} "
    )));
    let _ = note.set_attribute("role", "alert");
    let _ = reload.set_attribute("href", "");
    reload.set_text_content(Some("Load the page again"));
    let _ = note.append_child(&reload);
    let _ = body.insert_before(&note, body.first_child().as_ref());
}
