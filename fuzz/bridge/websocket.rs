//! What of the bridge's `websocket` needs no sockets.

#[path = "../../bridge/src/websocket/frame.rs"]
pub(crate) mod frame;
#[path = "../../bridge/src/websocket/handshake.rs"]
pub(crate) mod handshake;
