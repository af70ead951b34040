//! One clock for all ages on the page: components with the same step change in the same frame.

use std::{cell::RefCell, collections::HashMap};

use gloo_timers::callback::Interval;
use yew::prelude::*;

use super::{handle::EngineHandle, state::Key, use_engine, use_selected};

/// How often the clock looks who is due.
const TICK_MS: u32 = 1_000;

/// Milliseconds since the epoch, new every `step_s` seconds.
#[hook]
pub fn use_now(step_s: u32) -> u64 {
    let engine = use_engine();
    let step_s = step_s.max(1);
    let clock = engine.clone();
    use_effect_with(engine.clone(), |engine| {
        CLOCK.with_borrow_mut(|clock| clock.start(engine));
        || ()
    });
    use_selected(Key::Clock(step_s), move |_| {
        CLOCK.with_borrow_mut(|shown| shown.at(step_s, &clock))
    })
}

thread_local! {
    static CLOCK: RefCell<Clock> = RefCell::default();
}

#[derive(Default)]
struct Clock {
    shown: HashMap<u32, u64>,
    tick: Option<Interval>,
}

impl Clock {
    fn at(&mut self, step_s: u32, engine: &EngineHandle) -> u64 {
        if engine.is_detached() {
            return engine.now();
        }
        *self.shown.entry(step_s).or_insert_with(|| engine.now())
    }

    fn start(&mut self, engine: &EngineHandle) {
        if engine.is_detached() || self.tick.is_some() {
            return;
        }
        let engine = engine.clone();
        self.tick = Some(Interval::new(TICK_MS, move || {
            let due = CLOCK.with_borrow_mut(|clock| clock.advance(&engine));
            engine.tell(&due);
        }));
    }

    fn advance(&mut self, engine: &EngineHandle) -> Vec<Key> {
        let now = engine.now();
        let watched = engine.clocks();
        self.shown.retain(|step_s, _| watched.contains(step_s));
        if watched.is_empty() {
            self.tick = None;
        }
        let mut due = Vec::new();
        for step_s in watched {
            let shown = self.shown.entry(step_s).or_insert(0);
            // Half a tick early rather than a whole one late.
            if now + u64::from(TICK_MS / 2) >= *shown + u64::from(step_s) * 1_000 || now < *shown {
                *shown = now;
                due.push(Key::Clock(step_s));
            }
        }
        due
    }
}
