//! The root of the page, and the engines under it: one connection each, one of them shown.

use std::rc::Rc;

use yew::prelude::*;

use super::{handle::EngineHandle, start};

/// How many connections may be live at once: each has a memory budget of its own (Settings).
pub(crate) const MOST_ENGINES: usize = 8;

/// The engines of this page.
#[derive(Clone, PartialEq)]
pub(crate) struct Engines {
    pub(crate) all: Rc<Vec<EngineHandle>>,
    shown: EngineHandle,
    on_change: Callback<Change>,
}

#[derive(Clone)]
enum Change {
    Add(Callback<EngineHandle>),
    Show(EngineHandle),
    End(EngineHandle),
}

impl Engines {
    /// Whether this is the engine that the page shows.
    pub(crate) fn is_shown(&self, engine: &EngineHandle) -> bool {
        self.shown == *engine
    }

    /// Whether there are as many as there may be; a further one is not started.
    pub(crate) fn are_full(&self) -> bool {
        self.all.len() >= MOST_ENGINES
    }

    /// Shows another engine. The one before goes on; of its views none is open.
    pub(crate) fn show(&self, engine: &EngineHandle) {
        self.on_change.emit(Change::Show(engine.clone()));
    }

    /// Starts an engine beside the others and shows it.
    pub(crate) fn add(&self) {
        self.add_with(Callback::noop());
    }

    /// As [`Self::add`], and tells the new engine something.
    pub(crate) fn add_with(&self, tell: Callback<EngineHandle>) {
        self.on_change.emit(Change::Add(tell));
    }

    /// Ends the connection of an engine, and the engine.
    pub(crate) fn end(&self, engine: &EngineHandle) {
        self.on_change.emit(Change::End(engine.clone()));
    }
}

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
    let first = use_memo((), |()| {
        given.unwrap_or_else(|| {
            let engine = EngineHandle::start();
            wasm_bindgen_futures::spawn_local(start::run(engine.clone()));
            engine
        })
    });
    // All of them, and the place of the one that is shown.
    let state = use_state(|| (Rc::new(vec![(*first).clone()]), 0));
    let numbered = use_mut_ref(|| 1);
    let (all, place) = (*state).clone();
    let shown = all.get(place).cloned().unwrap_or_else(|| (*first).clone());
    let on_change = {
        let (all, shown) = (all.clone(), shown.clone());
        Callback::from(move |change| {
            let mut engines = (*all).clone();
            let next = match change {
                Change::Show(engine) => engine,
                Change::Add(_) if engines.len() >= MOST_ENGINES => return,
                Change::Add(tell) => {
                    *numbered.borrow_mut() += 1;
                    let engine = EngineHandle::start();
                    start::beside(&engine, &shown, *numbered.borrow());
                    tell.emit(engine.clone());
                    engines.push(engine.clone());
                    engine
                }
                Change::End(engine) if engines.len() > 1 => {
                    engines.retain(|other| *other != engine);
                    engine.end();
                    if shown == engine {
                        engines.first().cloned().unwrap_or_default()
                    } else {
                        shown.clone()
                    }
                }
                Change::End(_) => return,
            };
            let place = engines
                .iter()
                .position(|engine| *engine == next)
                .unwrap_or_default();
            state.set((Rc::new(engines), place));
        })
    };
    let engines = Engines {
        all,
        shown: shown.clone(),
        on_change,
    };
    // Another engine is another page: nothing of the one before stays on the screen.
    let key = shown.number();
    html! {
        <ContextProvider<Engines> context={engines}>
            <ContextProvider<EngineHandle> {key} context={shown}>{props.children.clone()}</ContextProvider<EngineHandle>>
        </ContextProvider<Engines>>
    }
}

/// The engines of this page, if there can be several.
#[hook]
pub(crate) fn use_engines() -> Option<Engines> {
    use_context()
}
