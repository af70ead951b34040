//! `[relay]`: bounds of what runs between browsers and brokers.

use std::time::Duration;

use super::reader::Section;

/// What one browser's WebSocket may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayConfig {
    /// WebSockets at one time. Default 10,000.
    pub max_connections: usize,
    /// WebSockets of one address at one time. Default 1,000: behind a reverse proxy everybody has the same address.
    pub max_connections_per_address: usize,
    /// Time in which the first packet must have arrived whole; it must be a CONNECT. Default 10,000 ms.
    pub handshake_timeout: Duration,
    /// Time in which the broker must have answered the dial, TLS included. Default 5,000 ms.
    pub dial_timeout: Duration,
    /// Bytes of one WebSocket message from a browser. Messages are passed on as they arrive and never kept whole, so this bounds what a broker
    /// is sent, not memory. Default 2 MiB.
    pub max_message_bytes: u32,
    /// A busy line may wait this long to put more into one frame; a quiet line never waits. 0 turns it off. Default 4 ms.
    pub gather: Duration,
}

impl RelayConfig {
    pub(crate) fn read(section: Section<'_>) -> Self {
        let max_message_bytes = section.integer("max_message_bytes", 1_024..=268_435_460, 2 * 1024 * 1024);
        let config = Self {
            max_connections: section.integer("max_connections", 1..=1_000_000, 10_000) as usize,
            max_connections_per_address: section.integer("max_connections_per_address", 1..=1_000_000, 1_000)
                as usize,
            handshake_timeout: section.duration_ms("handshake_timeout_ms", 100..=600_000, 10_000),
            dial_timeout: section.duration_ms("dial_timeout_ms", 100..=600_000, 5_000),
            max_message_bytes: u32::try_from(max_message_bytes).unwrap_or(u32::MAX),
            gather: section.duration_ms("gather_ms", 0..=50, 4),
        };
        section.finish();
        config
    }
}
