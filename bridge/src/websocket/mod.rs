//! WebSockets (RFC 6455) as MQTT uses them: towards browsers as a server, towards brokers as a client.
//!
//! Binary messages are a byte stream here. What may not enter: MQTT, and whose the stream is.

pub(crate) mod frame;
pub(crate) mod handshake;
mod nudge;
mod stream;

pub(crate) use self::stream::{Ended, WebSocket};
