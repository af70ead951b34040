#![no_main]

#[path = "../../shared/mqtt/tests/session/fuzzed.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::session(data));
