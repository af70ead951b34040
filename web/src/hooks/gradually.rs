//! What is much comes piece by piece.

use yew::prelude::*;

use crate::platform::page;

/// How many of `all` pieces are there by now: `at_once` more with every frame, where that matters, so that no task is long.
#[hook]
pub(crate) fn use_gradually(all: usize, at_once: usize, matters: bool) -> usize {
    let there = use_state(|| at_once);
    let now = if matters { all.min(*there) } else { all };
    let set = there.setter();
    use_effect_with((now, all), move |&(now, all)| {
        if now < all {
            page::before_paint(move || set.set(now + at_once));
        }
    });
    now
}
