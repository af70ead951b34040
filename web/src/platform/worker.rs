//! Starts this binary's second life, and carries bytes to it and from it.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{Blob, ErrorEvent, File, MessageEvent, Worker, WorkerOptions, WorkerType, window};

/// What comes out of a Worker.
pub enum FromWorker {
    /// A message of bytes.
    Bytes(Vec<u8>),
    /// A file that it wrote.
    File(Blob),
    /// The Worker's life ended; why, for the user.
    Died(String),
}

/// A running Worker; dropping it ends it.
pub struct EngineWorker {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl EngineWorker {
    /// Starts `engine.js` beside the page with the page's own module.
    ///
    /// # Errors
    /// What is missing, in words.
    pub fn start(tell: impl Fn(FromWorker) + Clone + 'static) -> Result<Self, String> {
        let js =
            of_element(r#"link[rel="modulepreload"]"#, "href").ok_or("the page does not name its module")?;
        let extras = of_element(r#"meta[name="hearth-extras"]"#, "content").unwrap_or_default();
        let query = format!(
            "engine.js?js={}&extras={}",
            js_sys::encode_uri_component(&js),
            js_sys::encode_uri_component(&extras)
        );
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&query, &options).map_err(|error| words(&error))?;
        let tell_message = tell.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let data = event.data();
            tell_message(match (data.as_string(), data.dyn_ref::<Blob>()) {
                (Some(text), _) => FromWorker::Died(text),
                (None, Some(file)) => FromWorker::File(file.clone()),
                (None, None) => FromWorker::Bytes(Uint8Array::new(&data).to_vec()),
            });
        });
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            // A Worker whose file cannot be loaded gives a plain Event without a message.
            let text = Reflect::get(&event, &"message".into())
                .ok()
                .and_then(|text| text.as_string());
            tell(FromWorker::Died(
                text.unwrap_or_else(|| "engine.js could not be loaded".to_owned()),
            ));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        // Compiled once, for both lives.
        worker
            .post_message(&wasm_bindgen::module())
            .map_err(|error| words(&error))?;
        Ok(Self {
            worker,
            _on_message: on_message,
            _on_error: on_error,
        })
    }

    /// Gives the Worker a file to read; its bytes are not copied.
    pub fn give(&self, file: &File) {
        let _ = self.worker.post_message(file);
    }

    /// Sends bytes to the Worker.
    pub fn post(&self, bytes: &[u8]) {
        let message = Uint8Array::from(bytes);
        let transfer = js_sys::Array::of1(&message.buffer());
        let _ = self.worker.post_message_with_transfer(&message, &transfer);
    }

    /// Sends a message without content, which costs a tenth of one with bytes.
    pub fn knock(&self) {
        let _ = self.worker.post_message(&JsValue::NULL);
    }
}

impl Drop for EngineWorker {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

fn of_element(selector: &str, property: &str) -> Option<String> {
    let element = window()?.document()?.query_selector(selector).ok()??;
    Reflect::get(&element, &property.into()).ok()?.as_string()
}

fn words(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| format!("{error:?}"), |error| String::from(error.message()))
}
