//! The engine, in the Worker: socket, session, store, devices, and what the page may see of them.
//!
//! Only `link` touches sockets, timers and clocks; everything else takes time as an argument and runs natively.

/// Starts the engine in this Worker.
pub fn run() {}
