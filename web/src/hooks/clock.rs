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
        if !engine.is_detached() {
            CLOCK.with_borrow_mut(|clock| clock.start(engine, ticking));
        }
    });
    use_selected(Key::Clock(step_s), move |_| {
        CLOCK.with_borrow_mut(|shown| shown.at(step_s, &clock))
    })
}

thread_local! {
    static CLOCK: RefCell<Clock<Interval>> = RefCell::default();
}

/// Tells the components of an engine, until it is dropped.
fn ticking(engine: &EngineHandle) -> Interval {
    let engine = engine.clone();
    Interval::new(TICK_MS, move || {
        let due = CLOCK.with_borrow_mut(|clock| clock.advance(&engine));
        engine.tell(&due);
    })
}

struct Clock<T> {
    shown: HashMap<u32, u64>,
    /// What ticks, and for whom: only of the engine that is shown there are components.
    tick: Option<(EngineHandle, T)>,
}

impl<T> Default for Clock<T> {
    fn default() -> Self {
        Self {
            shown: HashMap::new(),
            tick: None,
        }
    }
}

impl<T> Clock<T> {
    fn at(&mut self, step_s: u32, engine: &EngineHandle) -> u64 {
        if engine.is_detached() {
            return engine.now();
        }
        *self.shown.entry(step_s).or_insert_with(|| engine.now())
    }

    fn start(&mut self, engine: &EngineHandle, ticking: impl FnOnce(&EngineHandle) -> T) {
        if self.tick.as_ref().is_none_or(|(told, _)| told != engine) {
            self.tick = Some((engine.clone(), ticking(engine)));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_on_for_the_engine_that_is_shown_next() {
        let (first, second) = (EngineHandle::detached(0), EngineHandle::detached(0));
        let mut clock = Clock::default();
        clock.start(&first, |_| 1);
        clock.start(&first, |_| 2);
        let ticks = |clock: &Clock<i32>| clock.tick.as_ref().map(|(_, tick)| *tick);
        assert_eq!(ticks(&clock), Some(1), "one for all components");
        clock.start(&second, |_| 3);
        assert_eq!(ticks(&clock), Some(3));
        clock.advance(&second);
        assert_eq!(ticks(&clock), None, "nobody looks at it");
        clock.start(&second, |_| 4);
        assert_eq!(ticks(&clock), Some(4));
    }
}
