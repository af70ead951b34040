//! From any split of bytes to whole packets.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use crate::{
    codec::variable_byte_integer::{self, Read},
    error::{DecodeError, Rule},
    packet::{Packet, PacketType, Publish, Short},
    version::{ProtocolVersion, Role},
};

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

    /// Whether this is a PUBLISH, by far the most frequent packet.
    #[inline]
    pub(crate) const fn is_publish(self) -> bool {
        self.first_byte >> 4 == PacketType::Publish as u8
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

/// How much is reserved at once for a packet that straddles chunks: what has arrived bounds what is held,
/// not what a header claims.
const RESERVE_AT_ONCE: usize = 64 * 1024;

/// Cuts received bytes into [`Frame`]s.
///
/// The size is checked as soon as the fixed header is there, before anything is buffered. A chunk that holds
/// many packets is sliced, not copied; only a packet that straddles chunks is put together in a new buffer.
///
/// A frame shares the buffer it arrived in: who keeps a small part of it for long copies that part.
///
/// ```
/// use hearth_mqtt::{Bytes, Framer, Packet, ProtocolVersion, Role};
///
/// let mut framer = Framer::new(1024);
/// // PINGRESP, and a PUBLISH to the topic `a/b` that comes in two parts.
/// framer.push(Bytes::from_static(&[0xd0, 0, 0x30, 6, 0, 3, b'a']));
/// framer.push(Bytes::from_static(b"/b!"));
/// let mut packets = Vec::new();
/// while let Some(packet) = framer.poll_packet(ProtocolVersion::V311, Role::Client)? {
///     packets.push(packet);
/// }
/// assert_eq!(packets.len(), 2);
/// let Some(Packet::Publish(publish)) = packets.pop() else { unreachable!() };
/// assert_eq!(publish.topic(), Some("a/b"));
/// assert_eq!(publish.payload(), b"!");
/// # Ok::<(), hearth_mqtt::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct Framer {
    maximum_packet_size: u32,
    /// What is being cut.
    chunk: Bytes,
    /// What came before `chunk` was used up.
    waiting: VecDeque<Bytes>,
    /// The start of a packet whose rest is still to come.
    partial: BytesMut,
    /// The stream cannot be understood any more.
    failed: Option<DecodeError>,
}

impl Framer {
    /// A framer that refuses packets of more than `maximum_packet_size` bytes, fixed header included.
    #[must_use]
    pub fn new(maximum_packet_size: u32) -> Self {
        Self {
            maximum_packet_size,
            chunk: Bytes::new(),
            waiting: VecDeque::new(),
            partial: BytesMut::new(),
            failed: None,
        }
    }

    /// The largest packet that is let in.
    #[must_use]
    pub fn maximum_packet_size(&self) -> u32 {
        self.maximum_packet_size
    }

    /// Changes the largest packet that is let in, from the next packet on.
    pub fn set_maximum_packet_size(&mut self, bytes: u32) {
        self.maximum_packet_size = bytes;
    }

    /// Whether no byte is left: the stream could end here without cutting a packet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunk.is_empty() && self.waiting.is_empty() && self.partial.is_empty()
    }

    /// How many bytes of packets not yet given out are held.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.chunk.len() + self.partial.len() + self.waiting.iter().map(Bytes::len).sum::<usize>()
    }

    /// Takes what one read brought. Call [`Framer::poll_frame`] until `None` afterwards.
    pub fn push(&mut self, bytes: Bytes) {
        if self.failed.is_some() {
            return;
        }
        if self.chunk.is_empty() {
            self.chunk = bytes;
        } else if !bytes.is_empty() {
            self.waiting.push_back(bytes);
        }
    }

    /// The next whole packet, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// A Remaining Length that cannot be one, or a packet that is too large. The stream cannot be understood
    /// after that: every further call gives the same error.
    #[inline]
    pub fn poll_frame(&mut self) -> Result<Option<Frame>, DecodeError> {
        if self.partial.is_empty()
            && let HeaderRead::Whole { header, len } = read_header(&self.chunk)
        {
            let total = len + header.remaining_length as usize;
            if total <= self.maximum_packet_size as usize && total <= self.chunk.len() {
                let mut body = self.take(total);
                body.advance(len);
                return Ok(Some(Frame { header, body }));
            }
        }
        self.poll_slowly()
    }

    /// The next whole packet, decoded, or `None` when more bytes are needed.
    ///
    /// The same as [`Framer::poll_frame`] and [`Packet::decode`], in one step: what needs no slice of the buffer costs
    /// no reference count. `version` is the one agreed on, `receiver` the side that receives.
    ///
    /// # Errors
    /// As both. After a packet that cannot be decoded the next call goes on with the one behind it.
    #[inline(always)]
    pub fn poll_packet(
        &mut self,
        version: ProtocolVersion,
        receiver: Role,
    ) -> Result<Option<Packet>, DecodeError> {
        if self.partial.is_empty()
            && let HeaderRead::Whole { header, len } = read_header(&self.chunk)
            && header.is_publish()
            && header.shortest_form
        {
            let total = len + header.remaining_length as usize;
            if total <= self.maximum_packet_size as usize
                && let Some(body) = self.chunk.get(len..total)
            {
                let layout = match Publish::read(version, receiver, header.flags(), body) {
                    Ok(layout) => layout,
                    Err(error) => return self.refuse(total, error),
                };
                return Ok(Some(Packet::Publish(layout.over_whole(
                    self.take(total),
                    len,
                    version,
                ))));
            }
        }
        self.poll_other_packet(version, receiver)
    }

    /// A packet that is whole but wrong: the next call goes on behind it.
    #[cold]
    fn refuse(&mut self, len: usize, error: DecodeError) -> Result<Option<Packet>, DecodeError> {
        self.skip(len);
        Err(error)
    }

    /// All but a PUBLISH that is whole in the chunk.
    #[inline(never)]
    fn poll_other_packet(
        &mut self,
        version: ProtocolVersion,
        receiver: Role,
    ) -> Result<Option<Packet>, DecodeError> {
        if self.partial.is_empty()
            && let Some(short) = Short::read(&self.chunk, version, receiver)
            && short.len() <= self.maximum_packet_size as usize
        {
            self.skip(short.len());
            return Ok(Some(short.into_packet()));
        }
        self.poll_longer_packet(version, receiver)
    }

    /// What is neither such a PUBLISH nor short.
    #[inline(never)]
    fn poll_longer_packet(
        &mut self,
        version: ProtocolVersion,
        receiver: Role,
    ) -> Result<Option<Packet>, DecodeError> {
        if self.partial.is_empty()
            && let HeaderRead::Whole { header, len } = read_header(&self.chunk)
            && !header.is_publish()
        {
            let total = len + header.remaining_length as usize;
            if total <= self.maximum_packet_size as usize
                && let Some(body) = self.chunk.get(len..total)
            {
                let packet = Packet::decode_other(version, receiver, header, &self.chunk, body);
                self.skip(total);
                return packet;
            }
        }
        match self.poll_slowly() {
            Ok(Some(frame)) => Packet::decode(version, receiver, frame).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(error.received_by(version, receiver)),
        }
    }

    /// The first `len` bytes of the chunk, which has that many.
    #[inline(always)]
    fn take(&mut self, len: usize) -> Bytes {
        if len == self.chunk.len() {
            self.next_chunk()
        } else {
            self.chunk.split_to(len)
        }
    }

    /// Lets go of the first `len` bytes of the chunk, which has that many.
    #[inline]
    fn skip(&mut self, len: usize) {
        if len == self.chunk.len() {
            self.next_chunk();
        } else {
            self.chunk.advance(len);
        }
    }

    /// The chunk, while the one after it takes its place.
    #[inline]
    fn next_chunk(&mut self) -> Bytes {
        let next = self.waiting.pop_front().unwrap_or_default();
        std::mem::replace(&mut self.chunk, next)
    }

    /// All that is not a whole packet at the front of the chunk.
    #[inline(never)]
    fn poll_slowly(&mut self) -> Result<Option<Frame>, DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        loop {
            let wanted = match self.wanted() {
                Ok(wanted) => wanted,
                Err(error) => return Err(self.fail(error)),
            };
            if let Some(missing) = wanted
                .checked_sub(self.partial.len())
                .filter(|missing| *missing > 0)
            {
                if self.chunk.is_empty() {
                    return Ok(None);
                }
                let part = self.chunk.split_to(missing.min(self.chunk.len()));
                if self.chunk.is_empty() {
                    self.next_chunk();
                }
                self.partial.reserve(missing.min(part.len().max(RESERVE_AT_ONCE)));
                self.partial.extend_from_slice(&part);
            } else if let HeaderRead::Whole { header, len } = read_header(&self.partial) {
                // A buffer of ordinary size can be filled again once its frame is let go; a large one is not kept.
                let keep = self.partial.capacity() <= RESERVE_AT_ONCE;
                let mut body = if keep {
                    self.partial.split()
                } else {
                    std::mem::take(&mut self.partial)
                }
                .freeze();
                body.advance(len);
                return Ok(Some(Frame { header, body }));
            }
        }
    }

    /// How many bytes the partial packet must have to be looked at again: all of it, or for an incomplete
    /// fixed header one more than there are.
    fn wanted(&self) -> Result<usize, DecodeError> {
        let error = |rule, field| DecodeError::new(ProtocolVersion::V5, rule, field);
        match read_header(&self.partial) {
            HeaderRead::Whole { header, len } => {
                let total = len + header.remaining_length as usize;
                if total > self.maximum_packet_size as usize {
                    return Err(error(Rule::PacketTooLarge, "Remaining Length"));
                }
                Ok(total)
            }
            HeaderRead::Incomplete => Ok(self.partial.len() + 1),
            HeaderRead::TooLong => Err(error(Rule::VariableByteInteger, "Remaining Length")),
        }
    }

    /// Remembers the error and lets go of all bytes.
    fn fail(&mut self, error: DecodeError) -> DecodeError {
        self.failed = Some(error);
        self.chunk = Bytes::new();
        self.waiting = VecDeque::new();
        self.partial = BytesMut::new();
        error
    }
}

/// What the first bytes of a packet are.
enum HeaderRead {
    /// A fixed header of `len` bytes.
    Whole {
        header: FixedHeader,
        len: usize,
    },
    Incomplete,
    TooLong,
}

#[inline(always)]
fn read_header(bytes: &[u8]) -> HeaderRead {
    let Some((first_byte, rest)) = bytes.split_first() else {
        return HeaderRead::Incomplete;
    };
    match variable_byte_integer::read(rest) {
        Read::Whole {
            value,
            len,
            shortest_form,
        } => HeaderRead::Whole {
            header: FixedHeader {
                first_byte: *first_byte,
                remaining_length: value,
                shortest_form,
            },
            len: 1 + len,
        },
        Read::Incomplete => HeaderRead::Incomplete,
        Read::TooLong => HeaderRead::TooLong,
    }
}
