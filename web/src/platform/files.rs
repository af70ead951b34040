//! Files of the user: one that was chosen is read, one that was made is handed over.

use std::cell::RefCell;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, BlobPropertyBag, DragEvent, File, HtmlElement, HtmlInputElement, Url, window};

/// Gives the text of the file chosen in `input`, if it has at most `most` bytes, else its size; then forgets the choice,
/// so that the same file can be chosen again.
pub fn chosen(input: &HtmlInputElement, most: u32, tell: impl FnOnce(Result<String, f64>) + 'static) {
    let Some(file) = input.files().and_then(|files| files.get(0)) else {
        return;
    };
    if file.size() > f64::from(most) {
        tell(Err(file.size()));
    } else {
        let text = JsFuture::from(file.text());
        spawn_local(async move {
            let text = text.await.ok().and_then(|text| text.as_string());
            tell(Ok(text.unwrap_or_default()));
        });
    }
    input.set_value("");
}

/// Gives the bytes of a file, if it has at most `most` and can be read, else its size.
pub fn read(file: &File, most: u32, tell: impl FnOnce(Result<Vec<u8>, f64>) + 'static) {
    let size = file.size();
    if size > f64::from(most) {
        return tell(Err(size));
    }
    let bytes = JsFuture::from(file.array_buffer());
    spawn_local(async move {
        let bytes = bytes.await.map(|buffer| Uint8Array::new(&buffer).to_vec());
        tell(bytes.map_err(|_| size));
    });
}

/// An address for bytes, within this page; to be forgotten when it is not shown any more.
pub fn address(bytes: &[u8], media_type: &str) -> Option<String> {
    let kind = BlobPropertyBag::new();
    kind.set_type(media_type);
    let bytes = Array::of1(&Uint8Array::from(bytes));
    let blob = Blob::new_with_u8_array_sequence_and_options(&bytes, &kind).ok()?;
    Url::create_object_url_with_blob(&blob).ok()
}

/// Frees the bytes behind an [`address`].
pub fn forget_address(address: &str) {
    let _ = Url::revoke_object_url(address);
}

/// The file chosen in `input`; then forgets the choice, so that the same file can be chosen again.
pub fn taken(input: &HtmlInputElement) -> Option<File> {
    let file = input.files().and_then(|files| files.get(0));
    input.set_value("");
    file
}

thread_local! {
    static HELD: RefCell<Option<File>> = const { RefCell::new(None) };
}

/// Remembers a file, for another engine of this page.
pub fn hold(file: &File) {
    HELD.set(Some(file.clone()));
}

/// The file that was remembered last.
#[must_use]
pub fn held() -> Option<File> {
    HELD.with_borrow(Clone::clone)
}

/// Whether files are dragged, and not a part of the page.
pub fn are_dragged(event: &DragEvent) -> bool {
    event
        .data_transfer()
        .is_some_and(|data| data.types().includes(&"Files".into(), 0))
}

/// The file that was dropped.
pub fn dropped(event: &DragEvent) -> Option<File> {
    event.data_transfer()?.files()?.get(0)
}

/// Lets the browser save `text` as a file called `name`; `false` when it refused.
pub fn save_text(name: &str, media_type: &str, text: &str) -> bool {
    let kind = BlobPropertyBag::new();
    kind.set_type(media_type);
    Blob::new_with_str_sequence_and_options(&Array::of1(&text.into()), &kind)
        .is_ok_and(|blob| save(name, &blob))
}

/// Lets the browser save a file; `false` when it refused.
pub fn save(name: &str, blob: &Blob) -> bool {
    let made = || -> Result<(), JsValue> {
        let address = Url::create_object_url_with_blob(blob)?;
        let document = window()
            .and_then(|window| window.document())
            .ok_or(JsValue::NULL)?;
        let link = document.create_element("a")?;
        link.set_attribute("href", &address)?;
        link.set_attribute("download", name)?;
        link.unchecked_ref::<HtmlElement>().click();
        Url::revoke_object_url(&address)
    };
    made().is_ok()
}
