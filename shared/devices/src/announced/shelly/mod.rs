//! Shelly: the first generation by its topics, the later ones by the notifications of their RPC.

pub(super) mod first;
pub(super) mod rpc;

pub(super) use first::address;
