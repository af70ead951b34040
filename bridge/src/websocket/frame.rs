//! WebSocket frames (RFC 6455), without I/O: those of browsers, which are masked, and those of brokers, which are not.
//!
//! Binary messages are a byte stream here: payload is passed on as it arrives, wherever frames begin and end
//! [MQTT-6.0.0-2], so no message is ever kept whole. A general WebSocket library keeps messages, and a buffer per connection.

use hearth_model::api::close;

/// Bytes that are kept free in front of a payload for its frame header.
pub(crate) const HEADER_ROOM: usize = 10;

/// Bytes of the longest frame header: with a masking key.
pub(super) const MASKED_HEADER_BYTES: usize = HEADER_ROOM + MASK_BYTES;

/// Bytes of a masking key.
pub(super) const MASK_BYTES: usize = 4;

/// Payload bytes that fit into a control frame.
const CONTROL_BYTES: usize = 125;

/// How a WebSocket ends: a code and words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

impl Close {
    pub(crate) fn new(code: u16, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    fn protocol(reason: &str) -> Self {
        Self::new(close::PROTOCOL_ERROR, reason)
    }

    /// The whole frame; the reason is cut at a character's border if it is too long.
    pub(crate) fn frame(&self) -> Vec<u8> {
        control_frame(Opcode::Close, &self.payload())
    }

    /// The same as it goes to a broker.
    pub(super) fn masked_frame(&self, mask: [u8; MASK_BYTES]) -> Vec<u8> {
        masked_frame(Opcode::Close, &self.payload(), mask)
    }

    fn payload(&self) -> Vec<u8> {
        let (reason, _cut) = self
            .reason
            .split_at(self.reason.floor_char_boundary(CONTROL_BYTES - 2));
        let mut payload = self.code.to_be_bytes().to_vec();
        payload.extend_from_slice(reason.as_bytes());
        payload
    }
}

/// A pong that repeats what the ping held.
pub(crate) fn pong_frame(ping: &[u8]) -> Vec<u8> {
    control_frame(Opcode::Pong, ping)
}

/// The same as it goes to a broker.
pub(super) fn masked_pong_frame(ping: &[u8], mask: [u8; MASK_BYTES]) -> Vec<u8> {
    masked_frame(Opcode::Pong, ping, mask)
}

/// The answer to a browser's close frame: its own code back.
pub(crate) fn close_echo(code: Option<u16>) -> Vec<u8> {
    match code {
        Some(code) => control_frame(Opcode::Close, &code.to_be_bytes()),
        None => control_frame(Opcode::Close, &[]),
    }
}

/// The answer to a broker's close frame.
pub(super) fn masked_close_echo(code: Option<u16>, mask: [u8; MASK_BYTES]) -> Vec<u8> {
    let code = code.map(u16::to_be_bytes);
    masked_frame(Opcode::Close, code.as_ref().map_or(&[], |code| code), mask)
}

fn control_frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode as u8, u8::try_from(payload.len()).unwrap_or(0)];
    frame.extend_from_slice(payload);
    frame
}

/// A whole frame as it goes to a broker.
fn masked_frame(opcode: Opcode, payload: &[u8], mask: [u8; MASK_BYTES]) -> Vec<u8> {
    let mut frame = vec![0; MASKED_HEADER_BYTES + payload.len()];
    let start = write_masked(&mut frame, opcode, payload, mask);
    frame.split_off(start)
}

/// Writes a binary frame as it goes to a broker into `room`, which has [`MASKED_HEADER_BYTES`] more than the payload; the frame
/// begins at the place that is returned, and ends behind the payload.
pub(super) fn write_masked_binary(room: &mut [u8], payload: &[u8], mask: [u8; MASK_BYTES]) -> usize {
    write_masked(room, Opcode::Binary, payload, mask)
}

fn write_masked(room: &mut [u8], opcode: Opcode, payload: &[u8], mask: [u8; MASK_BYTES]) -> usize {
    let Some((header, rest)) = room.split_first_chunk_mut::<HEADER_ROOM>() else {
        return 0;
    };
    let header_len = write_header(header, opcode, payload.len());
    if let Some(length) = header.get_mut(HEADER_ROOM - header_len + 1) {
        *length |= 0x80;
    }
    if let Some((key, rest)) = rest.split_first_chunk_mut::<MASK_BYTES>() {
        *key = mask;
        let to = rest.get_mut(..payload.len()).unwrap_or_default();
        mask_into(payload, to, mask);
    }
    HEADER_ROOM - header_len
}

/// Writes the header of a binary frame to the end of `room`, and says how many bytes it has.
pub(crate) fn write_binary_header(room: &mut [u8; HEADER_ROOM], payload_len: usize) -> usize {
    write_header(room, Opcode::Binary, payload_len)
}

fn write_header(room: &mut [u8; HEADER_ROOM], opcode: Opcode, payload_len: usize) -> usize {
    let [.., len_high, len_low] = (payload_len as u64).to_be_bytes();
    let first = 0x80 | opcode as u8;
    let header_len = match payload_len {
        0..=125 => 2,
        126..=0xFFFF => 4,
        _ => 10,
    };
    let [_, _, _, _, _, _, a, b, c, d] = room;
    match header_len {
        2 => (*c, *d) = (first, len_low),
        4 => (*a, *b, *c, *d) = (first, 126, len_high, len_low),
        _ => {
            let [p0, p1, p2, p3, p4, p5, p6, p7] = (payload_len as u64).to_be_bytes();
            *room = [first, 127, p0, p1, p2, p3, p4, p5, p6, p7];
        }
    }
    header_len
}

/// A whole binary frame around two pieces.
pub(crate) fn binary_frame(first: &[u8], second: &[u8]) -> Vec<u8> {
    let mut room = [0; HEADER_ROOM];
    let header_len = write_binary_header(&mut room, first.len() + second.len());
    let header = room.get(HEADER_ROOM - header_len..).unwrap_or_default();
    [header, first, second].concat()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opcode {
    Continuation = 0,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// What arrived beside payload.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Control {
    /// The newest ping is answered; older ones need not be (RFC 6455, 5.5.3).
    pub(crate) ping: Option<Vec<u8>>,
    /// The other side closes, with this code if it gave one. Nothing after it is read.
    pub(crate) close: Option<Option<u16>>,
    /// Its words with that.
    pub(crate) close_reason: String,
}

/// Who sends the frames that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    /// It masks them, and is not trusted with endless messages.
    Browser,
    /// It may not mask them, and bounds its messages itself, as it does over TCP.
    Broker,
}

#[derive(Clone, Copy, Debug)]
struct Header {
    opcode: Opcode,
    remaining: u64,
    mask: [u8; 4],
}

/// Takes the bytes of the other side, in any split, and gives back the payload of its binary messages.
#[derive(Debug)]
pub(crate) struct FrameReader {
    sender: Sender,
    max_message_bytes: u64,
    max_message_frames: u32,
    /// Bytes of the header that is being read.
    head: [u8; 14],
    head_len: usize,
    /// The frame whose payload is being read.
    frame: Option<Header>,
    /// Payload of the message so far; `None` between messages.
    message_bytes: Option<u64>,
    /// Frames of the message so far.
    message_frames: u32,
    /// Was the last data frame the end of its message?
    last_fin: bool,
    control: Vec<u8>,
    closed: bool,
    /// A frame was refused: where the next one begins is not known.
    refused: bool,
}

impl FrameReader {
    /// For what a browser sends.
    pub(crate) fn of_browser(max_message_bytes: u32, max_message_frames: u32) -> Self {
        Self::new(Sender::Browser, u64::from(max_message_bytes), max_message_frames)
    }

    /// For what a broker sends: payload is passed on as it comes, so its messages need no bound.
    pub(crate) fn of_broker() -> Self {
        Self::new(Sender::Broker, u64::MAX, u32::MAX)
    }

    fn new(sender: Sender, max_message_bytes: u64, max_message_frames: u32) -> Self {
        Self {
            sender,
            max_message_bytes,
            max_message_frames,
            head: [0; 14],
            head_len: 0,
            frame: None,
            message_bytes: None,
            message_frames: 0,
            last_fin: true,
            control: Vec::new(),
            closed: false,
            refused: false,
        }
    }

    /// Has the other side sent its close frame?
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Has a frame begun that is not yet whole?
    pub(super) fn is_in_frame(&self) -> bool {
        self.frame.is_some() || self.head_len > 0
    }

    /// Reads all of `bytes`; payload of binary messages is moved to their beginning, and its length returned. What comes after
    /// a frame that was refused means nothing and is dropped.
    pub(crate) fn read(&mut self, bytes: &mut [u8], control: &mut Control) -> Result<usize, Close> {
        let result = self.read_frames(bytes, control);
        self.refused |= result.is_err();
        result
    }

    fn read_frames(&mut self, bytes: &mut [u8], control: &mut Control) -> Result<usize, Close> {
        let (mut at, mut payload_len) = (0, 0);
        while at < bytes.len() && !self.closed && !self.refused {
            let Some(frame) = self.frame else {
                at += self.read_head(bytes.get(at..).unwrap_or_default())?;
                self.end_empty_frame(control)?;
                continue;
            };
            let len = usize::try_from(frame.remaining)
                .unwrap_or(usize::MAX)
                .min(bytes.len() - at);
            match frame.opcode {
                Opcode::Continuation | Opcode::Binary => {
                    bytes.copy_within(at..at + len, payload_len);
                    unmask(
                        bytes.get_mut(payload_len..payload_len + len).unwrap_or_default(),
                        frame.mask,
                    );
                    payload_len += len;
                }
                Opcode::Close | Opcode::Ping | Opcode::Pong => {
                    let part = bytes.get_mut(at..at + len).unwrap_or_default();
                    unmask(part, frame.mask);
                    self.control.extend_from_slice(part);
                }
            }
            at += len;
            self.consumed(frame, len, control)?;
        }
        Ok(payload_len)
    }

    /// Goes on to the next frame, or to the rest of this one with its mask turned to where it stopped.
    fn consumed(&mut self, frame: Header, len: usize, control: &mut Control) -> Result<(), Close> {
        let remaining = frame.remaining - len as u64;
        if remaining == 0 {
            self.frame = None;
            return self.end_frame(frame.opcode, control);
        }
        let mut mask = frame.mask;
        mask.rotate_left(len % 4);
        self.frame = Some(Header {
            remaining,
            mask,
            ..frame
        });
        Ok(())
    }

    fn end_empty_frame(&mut self, control: &mut Control) -> Result<(), Close> {
        match self.frame {
            Some(frame) if frame.remaining == 0 => self.consumed(frame, 0, control),
            Some(_) | None => Ok(()),
        }
    }

    fn end_frame(&mut self, opcode: Opcode, control: &mut Control) -> Result<(), Close> {
        match opcode {
            Opcode::Continuation | Opcode::Binary => {
                if self.last_fin {
                    self.message_bytes = None;
                }
            }
            Opcode::Ping => control.ping = Some(std::mem::take(&mut self.control)),
            Opcode::Pong => self.control = Vec::new(),
            Opcode::Close => {
                let (code, reason) = close_code(&self.control)?;
                control.close = Some(code);
                control.close_reason = reason.to_owned();
                self.closed = true;
            }
        }
        Ok(())
    }

    /// Takes what it needs of a header, and says how much that was.
    fn read_head(&mut self, bytes: &[u8]) -> Result<usize, Close> {
        let mut taken = 0;
        for byte in bytes {
            let Some(slot) = self.head.get_mut(self.head_len) else {
                break;
            };
            *slot = *byte;
            self.head_len += 1;
            taken += 1;
            if self.head_len == 2 {
                self.check_opening()?;
            }
            if self.head_len == self.head_need() {
                self.start_frame()?;
                break;
            }
        }
        Ok(taken)
    }

    fn head_need(&self) -> usize {
        let [_, second, ..] = self.head;
        let mask = if second & 0x80 == 0 { 0 } else { MASK_BYTES };
        match (self.head_len, second & 0x7F) {
            (0 | 1, _) => 2,
            (_, 126) => 4 + mask,
            (_, 127) => 10 + mask,
            _ => 2 + mask,
        }
    }

    /// The first two bytes say most of what can be wrong.
    fn check_opening(&self) -> Result<(), Close> {
        let [first, second, ..] = self.head;
        if first & 0x70 != 0 {
            return Err(Close::protocol(
                "reserved bits are set, but no extension was agreed on",
            ));
        }
        match (self.sender, second & 0x80) {
            (Sender::Browser, 0) => return Err(Close::protocol("frames from a browser must be masked")),
            (Sender::Broker, 0x80) => return Err(Close::protocol("frames from a broker must not be masked")),
            (Sender::Browser | Sender::Broker, _) => {}
        }
        let opcode = opcode(first)?;
        match opcode {
            Opcode::Continuation if self.message_bytes.is_none() => Err(Close::protocol(
                "a continuation frame without a message before it",
            )),
            Opcode::Binary if self.message_bytes.is_some() => {
                Err(Close::protocol("a new message before the last one was finished"))
            }
            Opcode::Continuation | Opcode::Binary => Ok(()),
            Opcode::Close | Opcode::Ping | Opcode::Pong => match (first & 0x80, second & 0x7F) {
                (0, _) => Err(Close::protocol("a control frame in pieces")),
                (_, 126..) => Err(Close::protocol("a control frame of more than 125 bytes")),
                _ => Ok(()),
            },
        }
    }

    fn start_frame(&mut self) -> Result<(), Close> {
        let [first, second, rest @ ..] = self.head;
        let [a, b, c, d, e, f, g, h, i, j, k, l] = rest;
        let (remaining, least, mask) = match second & 0x7F {
            126 => (u64::from(u16::from_be_bytes([a, b])), 126, [c, d, e, f]),
            127 => (
                u64::from_be_bytes([a, b, c, d, e, f, g, h]),
                0x1_0000,
                [i, j, k, l],
            ),
            len => (u64::from(len), 0, [a, b, c, d]),
        };
        if remaining < least {
            return Err(Close::protocol("a length that is written longer than needed"));
        }
        let mask = match self.sender {
            Sender::Browser => mask,
            Sender::Broker => [0; MASK_BYTES],
        };
        self.head_len = 0;
        let opcode = opcode(first)?;
        if matches!(opcode, Opcode::Continuation | Opcode::Binary) {
            let message_bytes = self.message_bytes.unwrap_or(0).saturating_add(remaining);
            if message_bytes > self.max_message_bytes {
                let reason = format!("a message of more than {} bytes", self.max_message_bytes);
                return Err(Close::new(close::MESSAGE_TOO_BIG, reason));
            }
            self.message_frames = self
                .message_bytes
                .map_or(0, |_| self.message_frames)
                .saturating_add(1);
            if self.message_frames > self.max_message_frames {
                let reason = format!("a message in more than {} frames", self.max_message_frames);
                return Err(Close::new(close::MESSAGE_TOO_BIG, reason));
            }
            self.message_bytes = Some(message_bytes);
            self.last_fin = first & 0x80 != 0;
        } else {
            self.control.clear();
        }
        self.frame = Some(Header {
            opcode,
            remaining,
            mask,
        });
        Ok(())
    }
}

fn opcode(first: u8) -> Result<Opcode, Close> {
    match first & 0x0F {
        0 => Ok(Opcode::Continuation),
        1 => Err(Close::new(
            close::TEXT_FRAME,
            "MQTT travels in binary frames, not in text frames",
        )),
        2 => Ok(Opcode::Binary),
        8 => Ok(Opcode::Close),
        9 => Ok(Opcode::Ping),
        10 => Ok(Opcode::Pong),
        _ => Err(Close::protocol("an opcode that does not exist")),
    }
}

/// The code of a close frame and the words with it, if its payload is as it must be (RFC 6455, 5.5.1 and 7.4).
fn close_code(payload: &[u8]) -> Result<(Option<u16>, &str), Close> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() {
            Ok((None, ""))
        } else {
            Err(Close::protocol("a close code of one byte"))
        };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Close::protocol("a close code that may not be sent"));
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok((Some(code), reason)),
        Err(_) => Err(Close::new(1007, "a close reason that is not UTF-8")),
    }
}

/// Copies, and masks on the way: both together cost no more than one of them.
fn mask_into(from: &[u8], to: &mut [u8], mask: [u8; MASK_BYTES]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let ((chunks, rest), (to_chunks, to_rest)) = (from.as_chunks::<8>(), to.as_chunks_mut::<8>());
    for (from, to) in chunks.iter().zip(to_chunks) {
        *to = (u64::from_ne_bytes(*from) ^ wide).to_ne_bytes();
    }
    for ((from, to), key) in rest.iter().zip(to_rest).zip(mask.iter().cycle()) {
        *to = from ^ key;
    }
}

fn unmask(bytes: &mut [u8], mask: [u8; MASK_BYTES]) {
    if mask == [0; MASK_BYTES] {
        return;
    }
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = bytes.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests;
