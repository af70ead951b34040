//! `[http]`: bounds of the HTTP side.

use std::time::Duration;

use super::reader::Section;

/// What one client of the HTTP side may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// TCP connections at one time, WebSockets included. Default 12,000: more than the relay's own cap, so that its explanation is heard.
    pub max_connections: usize,
    /// Time in which the head of a request must have arrived. Default 10,000 ms.
    pub header_timeout: Duration,
    /// Bytes of a request's head. Default 32 KiB: room for the cookies of a whole domain.
    pub max_header_bytes: usize,
}

impl HttpConfig {
    pub(crate) fn read(section: Section<'_>) -> Self {
        let config = Self {
            max_connections: section.integer("max_connections", 1..=1_000_000, 12_000) as usize,
            header_timeout: section.duration_ms("header_timeout_ms", 100..=600_000, 10_000),
            max_header_bytes: section.integer("max_header_bytes", 8_192..=1_048_576, 32_768) as usize,
        };
        section.finish();
        config
    }
}
