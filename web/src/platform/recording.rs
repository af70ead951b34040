//! Files that are written and read part by part, in the Worker: their formats are the second module's.

use std::{cell::Cell, ops::Range, rc::Rc};

use hearth_model::recording::{Form, ReadPart, head};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

use super::extras;

/// A file that is being made. The browser keeps its parts, on disk when they are large.
#[derive(Clone, Default)]
pub struct Output {
    parts: Array,
    /// Which file they are of.
    file: Rc<Cell<u32>>,
}

impl Output {
    /// Appends messages, as [`Record`](hearth_model::recording::Record)s, to a file that may be a new one; how many bytes that made.
    ///
    /// # Errors
    /// What is missing, in words.
    pub async fn write(&self, file: u32, form: Form, records: &[u8]) -> Result<u64, String> {
        let is_first = self.file.replace(file) != file;
        if is_first {
            self.parts.set_length(0);
        }
        let request = [&[16], form.word().as_bytes(), &[0], records].concat();
        extras::fetch().await?;
        let text = extras::ask_now(&request)?;
        let head = if is_first { head(form).as_bytes() } else { &[] };
        let bytes = Uint8Array::from([head, &text].concat().as_slice());
        let blob = Blob::new_with_u8_array_sequence(&Array::of1(&bytes));
        let blob = blob.map_err(|_| "The browser has no room for this file.")?;
        // Meanwhile another file may have been begun.
        if self.file.get() == file {
            self.parts.push(&blob.into());
        }
        Ok((head.len() + text.len()) as u64)
    }

    /// The whole file; the next one begins empty.
    pub fn end(&self) -> Option<Blob> {
        let blob = Blob::new_with_blob_sequence(&self.parts.slice(0, self.parts.length()));
        self.parts.set_length(0);
        self.file.set(0);
        blob.ok()
    }
}

/// Reads a part of a file, behind what is left of the part before: messages, and what is left now. `place`: how many lines came before,
/// and whether nothing follows.
///
/// # Errors
/// Why it cannot be read, in words.
pub async fn read(
    file: Option<File>,
    part: Range<u64>,
    mut rest: Vec<u8>,
    (lines_before, is_last): (u64, bool),
) -> Result<(ReadPart, Vec<u8>), String> {
    let bytes = bytes_of(file, part)
        .await
        .map_err(|_: JsValue| "The browser cannot read this file any more. Was it changed or moved?")?;
    rest.extend_from_slice(&bytes);
    let place = format!("{lines_before} {}", u8::from(is_last));
    let request = [&[17], place.as_bytes(), &[0], &rest].concat();
    extras::fetch().await?;
    let answer = extras::ask_now(&request)?;
    let read = ReadPart::from_bytes(&answer).ok_or("The page and its second module do not fit together.")?;
    let left = rest.split_off(read.consumed.min(rest.len()));
    Ok((read, left))
}

async fn bytes_of(file: Option<File>, part: Range<u64>) -> Result<Vec<u8>, JsValue> {
    let file = file.ok_or(JsValue::NULL)?;
    let slice = file.slice_with_f64_and_f64(part.start as f64, part.end as f64)?;
    let buffer = JsFuture::from(slice.array_buffer()).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}
