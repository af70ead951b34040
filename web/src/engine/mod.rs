//! The engine, in the Worker: socket, session, store, devices, and what the page may see of them.
//!
//! Only `link` touches sockets, timers and clocks; everything else takes time as an argument and runs natively.

pub mod address;
mod asked;
pub mod connection;
pub mod core;
pub mod export;
pub mod home;
pub mod input;
pub mod keeper;
pub mod later;
mod link;
mod probe;
pub mod problem;
pub mod publisher;
pub mod replay;
pub mod retained;
pub mod settings;
pub mod subscriptions;
pub mod templates;
mod variables;
pub mod views;

#[cfg(test)]
mod tests;

pub use link::run;
