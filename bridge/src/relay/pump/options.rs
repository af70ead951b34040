//! The bounds, as they were set.

use std::time::Duration;

/// What bounds a relay.
pub(crate) struct PumpOptions {
    pub(crate) max_message_bytes: u32,
    pub(crate) max_message_frames: u32,
    pub(crate) handshake_timeout: Duration,
    /// Behind CONNECT; 0: never.
    pub(crate) connack_timeout: Duration,
    /// 0: never.
    pub(crate) idle_timeout: Duration,
    /// For a broker that does not go on with what answers wait for; 0: never.
    pub(crate) stalled_timeout: Duration,
    pub(crate) gather: Duration,
}
