//! The parts of the bridge's `relay` that bytes from outside reach first. They are compiled here by themselves: the whole bridge
//! would take minutes to build with coverage.

#[path = "../../bridge/src/relay/client_ids.rs"]
pub(crate) mod client_ids;
#[path = "../../bridge/src/relay/gate/mod.rs"]
pub(crate) mod gate;
#[path = "../../bridge/src/relay/held.rs"]
pub(crate) mod held;
