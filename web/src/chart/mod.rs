//! Charts: what to draw is planned here without a browser; only `canvas` draws.

mod canvas;
mod controls;
mod gesture;
mod plan;
mod read;
mod scale;
pub(crate) mod spark;
pub(crate) mod state;
mod table;
#[cfg(test)]
mod testing;
mod ticks;
pub(crate) mod view;
