//! The broker library `rmqtt` behind our [`Engine`](super::Engine).
//!
//! It runs in a runtime of its own: its tasks never end by themselves, so ending the runtime is what ends them, and a
//! busy broker cannot keep the page waiting.

mod caps;
mod engine;
mod hang_up;
mod hooks;
mod in_flight;
mod places;
mod retained;
mod routes;
mod shared;
mod shared_subscription;
mod snapshot;
mod sound;
mod wills;

pub(super) use engine::start;
