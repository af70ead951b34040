//! The client session against a scripted server, in virtual time.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, their helpers too"
)]

mod auth;
mod breaches;
mod connect;
mod flows;
mod fuzzed;
mod keep_alive;
mod large;
mod misbehaviour;
mod model;
mod persist;
mod publish;
mod receive;
mod reconnect;
#[path = "../codec/replay.rs"]
mod replay;
mod requests;
mod subscribe;
mod support;
