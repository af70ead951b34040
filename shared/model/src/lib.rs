//! What page and bridge know about messages: payload views, numbers over time, the bounded topic store, HTTP types.
//!
//! Nothing here opens a socket, reads a clock (`now` is always an argument, in ms since epoch) or touches a page. The
//! same input gives the same output on every target, and no input from outside panics.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod age;
pub mod api;
pub mod battery;
pub mod decimal;
pub mod doctor;
pub mod format;
pub mod json;
pub mod letters;
pub mod order;
pub mod pattern;
pub mod payload;
pub mod recording;
pub mod series;
pub mod store;
pub mod text;
