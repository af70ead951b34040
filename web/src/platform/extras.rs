//! The second module: fetched when it is first asked for, thrown away when it traps. For the Worker's life.

use std::cell::RefCell;

use js_sys::{
    ArrayBuffer, Function, Object, Reflect, Uint8Array,
    WebAssembly::{self, Instance, Memory, Module},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, Response};

/// A module that grew beyond this is not kept for the next question, bytes.
const KEPT_BYTES: u32 = 16 * 1024 * 1024;

thread_local! {
    static MODULE: RefCell<Option<Module>> = const { RefCell::new(None) };
    static INSTANCE: RefCell<Option<Instance>> = const { RefCell::new(None) };
}

/// Loads the module, unless it is here.
///
/// # Errors
/// That it could not be loaded, in words.
pub async fn fetch() -> Result<(), String> {
    if MODULE.with_borrow(Option::is_none) {
        let module = load().await.map_err(|_| {
            "The part of the page that reads this could not be loaded. Is the server that it came from still there?"
        })?;
        MODULE.set(Some(module));
    }
    Ok(())
}

/// Gives the module, which was fetched, a request and takes its answer.
///
/// # Errors
/// Why there is no answer, in words.
pub fn ask_now(request: &[u8]) -> Result<Vec<u8>, String> {
    // Whatever happens to it: the next question gets one that works.
    let held = INSTANCE.take();
    let answered = MODULE.with_borrow(|module| {
        let instance = match (held, module) {
            (Some(instance), _) => instance,
            (None, Some(module)) => Instance::new(module, &Object::new())?,
            (None, None) => return Err(JsValue::NULL),
        };
        let answer = call(&instance, request)?;
        Ok((instance, answer))
    });
    let (instance, answer) = answered.map_err(|_: JsValue| {
        "Reading this took more memory than there is for it, so it was given up.".to_owned()
    })?;
    if memory(&instance).is_ok_and(|memory| memory.byte_length() < KEPT_BYTES) {
        INSTANCE.set(Some(instance));
    }
    match answer.split_first() {
        Some((0, answer)) => Ok(answer.to_vec()),
        Some((_, reason)) => Err(String::from_utf8_lossy(reason).into_owned()),
        None => Err(String::new()),
    }
}

/// The page names the module in the address of the Worker's script.
async fn load() -> Result<Module, JsValue> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into().map_err(|_| JsValue::NULL)?;
    let search = scope.location().search();
    let name = search
        .trim_start_matches('?')
        .split('&')
        .find_map(|pair| pair.strip_prefix("extras="))
        .ok_or(JsValue::NULL)?;
    let url = js_sys::decode_uri_component(name)?;
    let response: Response = JsFuture::from(scope.fetch_with_str(&String::from(url)))
        .await?
        .dyn_into()?;
    if !response.ok() {
        return Err(JsValue::NULL);
    }
    let bytes = JsFuture::from(response.array_buffer()?).await?;
    JsFuture::from(WebAssembly::compile(&bytes)).await?.dyn_into()
}

fn call(instance: &Instance, request: &[u8]) -> Result<Vec<u8>, JsValue> {
    let number = |value: JsValue| value.as_f64().map(|number| number as u32).ok_or(JsValue::NULL);
    let export = |name: &str| -> Result<Function, JsValue> {
        Reflect::get(&instance.exports(), &JsValue::from_str(name))?.dyn_into()
    };
    let len = u32::try_from(request.len()).map_err(|_| JsValue::NULL)?;
    let room = number(export("room")?.call1(&JsValue::UNDEFINED, &JsValue::from(len))?)?;
    Uint8Array::new_with_byte_offset_and_length(&memory(instance)?.into(), room, len).copy_from(request);
    let len = number(export("call")?.call0(&JsValue::UNDEFINED)?)?;
    let answer = number(export("answer")?.call0(&JsValue::UNDEFINED)?)?;
    Ok(Uint8Array::new_with_byte_offset_and_length(&memory(instance)?.into(), answer, len).to_vec())
}

/// A memory that grows has a new buffer.
fn memory(instance: &Instance) -> Result<ArrayBuffer, JsValue> {
    let memory: Memory = Reflect::get(&instance.exports(), &JsValue::from_str("memory"))?.dyn_into()?;
    memory.buffer().dyn_into()
}
