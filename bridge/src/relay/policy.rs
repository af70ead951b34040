//! What a WebSocket may do, and what the bridge adds to it.

use std::sync::Arc;

use crate::auth::{Identity, Permissions};

/// Decided at the handshake, and fixed while the WebSocket lives. With nothing in it bytes pass through as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    /// Who is at the browser, when the bridge has users. Counts towards the limit per user, and client ids belong to it.
    pub(crate) identity: Option<Identity>,
    /// What may be published, subscribed to and received; `None` leaves that to the broker.
    #[expect(dead_code, reason = "the gate on packets reads it")]
    pub(crate) permissions: Option<Arc<Permissions>>,
}
