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
    /// WebSockets of one user of the bridge at one time. Default 100.
    pub max_connections_per_user: usize,
    /// Time in which the first packet must have arrived whole; it must be a CONNECT. Default 10,000 ms.
    pub handshake_timeout: Duration,
    /// Time in which the broker's name must have been resolved and the broker have answered the dial, TLS included. Default 5,000 ms.
    pub dial_timeout: Duration,
    /// Time in which the broker must have begun to answer CONNECT. Default 8,000 ms: less than the 10,000 that the page waits, so that
    /// it is told who is silent. 0 leaves it to the page.
    pub connack_timeout: Duration,
    /// Bytes of one WebSocket message from a browser. Messages are passed on as they arrive and never kept whole, so this bounds what a broker
    /// is sent, not memory. Where packets are judged (users, credentials of the bridge) it also bounds one packet, which is held until
    /// it is whole. Default 2 MiB.
    pub max_message_bytes: u32,
    /// Frames of one WebSocket message from a browser: empty ones cost nothing to send. Default 4,096.
    pub max_message_frames: u32,
    /// Bytes of one SUBSCRIBE or UNSUBSCRIBE of somebody with topic permissions: each filter in it is judged, and meanwhile others wait.
    /// Default 128 KiB, some 2,000 filters as people write them.
    pub max_subscribe_bytes: u32,
    /// Bytes that are held of packets that have not arrived whole, of all WebSockets together, where packets are judged. Default 256 MiB.
    pub max_held_bytes: usize,
    /// Over TCP, Linux is asked to acknowledge at once what a broker says behind a write, for so many writes in 10 ms at most: more make
    /// a line busy, and there the next write carries the acknowledgement soon. Default 16; 0 leaves it to the system.
    pub quick_ack_writes: u32,
    /// Time after which a WebSocket is ended when nothing came from either side. Default 0, which is never: MQTT lets a client be silent
    /// for up to 27 hours or for ever, its broker knows for how long, and TCP finds a machine that has vanished.
    pub idle_timeout: Duration,
    /// Time for which a browser or a broker may take nothing of what waits for it. Default 120,000 ms: longer than a broker waits for
    /// a client with the usual keep-alive of 60 s, so that the broker's own word comes first. A broker that stops within a packet has
    /// as long while answers of the bridge wait for the end of it. 0 is endless.
    pub stalled_timeout: Duration,
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
            max_connections_per_user: section.integer("max_connections_per_user", 1..=1_000_000, 100)
                as usize,
            handshake_timeout: section.duration_ms("handshake_timeout_ms", 100..=600_000, 10_000),
            dial_timeout: section.duration_ms("dial_timeout_ms", 100..=600_000, 5_000),
            connack_timeout: section.duration_ms("connack_timeout_ms", 0..=600_000, 8_000),
            max_message_bytes: u32::try_from(max_message_bytes).unwrap_or(u32::MAX),
            max_message_frames: section.integer("max_message_frames", 1..=1_000_000, 4_096) as u32,
            max_subscribe_bytes: section.integer("max_subscribe_bytes", 1_024..=268_435_460, 131_072) as u32,
            max_held_bytes: section.integer("max_held_bytes", 65_536..=68_719_476_736, 268_435_456) as usize,
            quick_ack_writes: section.integer("quick_ack_writes", 0..=100_000, 16) as u32,
            idle_timeout: section.duration_ms("idle_timeout_ms", 0..=604_800_000, 0),
            stalled_timeout: section.duration_ms("stalled_timeout_ms", 0..=3_600_000, 120_000),
            gather: section.duration_ms("gather_ms", 0..=50, 4),
        };
        section.finish();
        config
    }
}
