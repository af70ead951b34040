//! Packets and garbage in both directions under a policy: the gate's own check, which its property test runs too.

#![no_main]
#![allow(dead_code, unused_imports, reason = "parts of a larger crate")]

#[path = "../bridge/auth.rs"]
mod auth;
#[path = "../bridge/config.rs"]
mod config;
#[path = "../bridge/credentials.rs"]
mod credentials;
#[path = "../../bridge/src/relay/gate/tests/fuzzed.rs"]
mod fuzzed;
#[path = "../bridge/relay.rs"]
mod relay;
#[path = "../bridge/websocket.rs"]
mod websocket;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::gate(data));
