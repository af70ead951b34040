//! The codec as its users see it: packets, frames, topics.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what the tests' helpers do not expect fails the test"
)]

mod allocations;
mod arbitrary;
mod exhaustive;
mod frames;
mod fuzzed;
mod hostile;
mod notation;
mod properties;
mod replay;
mod round_trip;
mod seeds;
mod support;
mod table;
mod topics;
mod vectors_v311;
mod vectors_v5;
mod verdicts;
