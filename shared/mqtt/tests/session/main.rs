//! The client session against a scripted server, in virtual time.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by panicking, their helpers too"
)]

mod auth;
mod connect;
mod keep_alive;
mod misbehaviour;
mod persist;
mod publish;
mod receive;
mod reconnect;
mod subscribe;
mod support;
