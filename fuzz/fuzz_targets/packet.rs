#![no_main]

#[path = "../../shared/mqtt/tests/codec/fuzzed.rs"]
#[expect(dead_code, reason = "one check per target")]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::packet(data));
