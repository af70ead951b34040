//! The root of the page.

use yew::prelude::*;

use super::{handle::EngineHandle, start};

#[derive(Properties, PartialEq)]
pub struct EngineProviderProps {
    /// A handle to use instead of a new engine.
    #[prop_or_default]
    pub handle: Option<EngineHandle>,
    /// What sees the engine.
    pub children: Html,
}

/// Starts the engine and gives it to everything inside.
#[component]
pub fn EngineProvider(props: &EngineProviderProps) -> Html {
    let given = props.handle.clone();
    let engine = use_memo((), |()| {
        given.unwrap_or_else(|| {
            let engine = EngineHandle::start();
            wasm_bindgen_futures::spawn_local(start::run(engine.clone()));
            engine
        })
    });
    html! {
        <ContextProvider<EngineHandle> context={(*engine).clone()}>{props.children.clone()}</ContextProvider<EngineHandle>>
    }
}
