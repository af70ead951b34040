//! Files that are packed: gzip is unpacked by the browser, as recordings often are kept.

use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

/// The largest file that one is unpacked to, in bytes: of a recording no more is kept.
const MOST_BYTES: u32 = 256 << 20;
/// What other packed files begin with: ZIP, Zstandard, bzip2, XZ, 7-Zip.
const OTHERS: [&[u8]; 5] = [
    b"PK\x03\x04",
    b"\x28\xb5\x2f\xfd",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
];

/// What is in a file that gzip packed; a file that is not packed is given back.
///
/// # Errors
/// Why it cannot be unpacked, for the user.
pub async fn unpacked(file: File) -> Result<File, String> {
    let head = head(&file).await.unwrap_or_default();
    if OTHERS.iter().any(|other| head.starts_with(other)) {
        return Err(
            "This file is packed. Unpack it first: of packed files only those of gzip are read.".to_owned(),
        );
    }
    if !head.starts_with(b"\x1f\x8b") {
        return Ok(file);
    }
    let name = file.name();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let parts = parts(&file).await?;
    File::new_with_u8_array_sequence(&parts, name)
        .map_err(|_| "The browser has no room for this file.".to_owned())
}

async fn head(file: &File) -> Result<Vec<u8>, JsValue> {
    let slice = file.slice_with_f64_and_f64(0.0, 6.0)?;
    let buffer = JsFuture::from(slice.array_buffer()).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

async fn parts(file: &File) -> Result<Array, String> {
    let reader = reader(file).map_err(|_| "This browser cannot unpack gzip. Unpack the file first.")?;
    let (parts, mut bytes) = (Array::new(), 0_u32);
    loop {
        let part = next(&reader)
            .await
            .map_err(|_| "This file cannot be unpacked: it is damaged, or ends in the middle.")?;
        let Some(part) = part else { return Ok(parts) };
        bytes = bytes.saturating_add(part.length());
        if bytes > MOST_BYTES {
            // What is left is not wanted, whatever becomes of it.
            drop(call(&reader, "cancel", &JsValue::UNDEFINED));
            return Err(format!(
                "Unpacked, this file has more than {} MiB. Replay a shorter one.",
                MOST_BYTES >> 20
            ));
        }
        parts.push(&part);
    }
}

/// By name, because the glue for classes that are used once would be loaded with every first visit.
fn reader(file: &File) -> Result<JsValue, JsValue> {
    let class: Function = Reflect::get(&js_sys::global(), &"DecompressionStream".into())?.dyn_into()?;
    let unpack = Reflect::construct(&class, &Array::of1(&"gzip".into()))?;
    let stream = call(file, "stream", &JsValue::UNDEFINED)?;
    let plain = call(&stream, "pipeThrough", &unpack)?;
    call(&plain, "getReader", &JsValue::UNDEFINED)
}

/// `None` at the end.
async fn next(reader: &JsValue) -> Result<Option<Uint8Array>, JsValue> {
    let reading: Promise = call(reader, "read", &JsValue::UNDEFINED)?.dyn_into()?;
    let read = JsFuture::from(reading).await?;
    Ok(Reflect::get(&read, &"value".into())?.dyn_into().ok())
}

fn call(of: &JsValue, name: &str, argument: &JsValue) -> Result<JsValue, JsValue> {
    let function: Function = Reflect::get(of, &name.into())?.dyn_into()?;
    function.call1(of, argument)
}
