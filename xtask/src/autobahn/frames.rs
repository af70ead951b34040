//! Frames as far as an echo needs them. What is wrong about them is for the bridge to find: it is passed on as it is.

use std::collections::VecDeque;

pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;

/// A message that the client has sent to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) opcode: u8,
    pub(super) len: u64,
}

/// Follows the frames of a client, in any split.
#[derive(Default)]
pub(super) struct FromClient {
    head: Vec<u8>,
    /// Payload of the frame that is still to come.
    left: u64,
    /// The message that is being sent.
    message: Option<Sent>,
}

impl FromClient {
    /// Makes binary messages of text, and says which messages end in `bytes`.
    pub(super) fn pass(&mut self, bytes: &mut [u8]) -> Vec<Sent> {
        let mut ended = Vec::new();
        let mut at = 0;
        while let Some(byte) = bytes.get_mut(at) {
            if self.left > 0 {
                let skipped = self.left.min((bytes.len() - at) as u64);
                self.left -= skipped;
                at += skipped as usize;
            } else {
                // A text frame goes on as a binary one, and is remembered as what it was.
                self.head.push(*byte);
                if self.head.len() == 1 && *byte & 0x0F == TEXT {
                    *byte = *byte & 0xF0 | BINARY;
                }
                at += 1;
                self.begin_frame();
            }
            if self.left == 0 && self.head.is_empty() {
                ended.extend(self.message.take_if(|sent| sent.opcode & 0x80 != 0));
            }
        }
        for sent in &mut ended {
            sent.opcode &= 0x0F;
        }
        ended
    }

    /// Goes on to the payload when the head is whole. A message that this frame ends is marked by the first bit.
    fn begin_frame(&mut self) {
        let Some((first, len)) = head(&self.head, 4) else {
            return;
        };
        self.head.clear();
        self.left = len;
        let opcode = first & 0x0F;
        if opcode > BINARY {
            return;
        }
        let message = self.message.get_or_insert(Sent { opcode, len: 0 });
        message.len += len;
        message.opcode |= first & 0x80;
    }
}

/// The first byte and the length of the payload, once the head is whole; `mask` bytes of key belong to it.
fn head(bytes: &[u8], mask: usize) -> Option<(u8, u64)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)? & 0x7F);
    let (extended, len) = match second {
        126 => (
            2,
            u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
        ),
        127 => (8, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        len => (0, u64::from(len)),
    };
    (bytes.len() >= 2 + extended + mask).then_some((first, len))
}

/// What comes back: the payload that a broker echoes, as the messages that it was.
#[derive(Default)]
pub(super) struct Echo {
    sent: VecDeque<Sent>,
    /// Of the bridge's frames, not yet whole.
    raw: Vec<u8>,
    payload: Vec<u8>,
}

impl Echo {
    /// These messages were sent; what the client is to be told for it.
    pub(super) fn sent(&mut self, messages: Vec<Sent>) -> Vec<u8> {
        self.sent.extend(messages);
        let mut out = Vec::new();
        self.settle(&mut out);
        out
    }

    /// The bridge has sent this; what the client is to be told.
    pub(super) fn heard(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.raw.extend_from_slice(bytes);
        let mut out = Vec::new();
        let mut at = 0;
        while let Some((first, len)) = self.raw.get(at..).and_then(|rest| head(rest, 0)) {
            let whole = head_len(len) + len as usize;
            let Some(frame) = self.raw.get(at..at + whole) else {
                break;
            };
            at += whole;
            if first & 0x0F == BINARY {
                self.payload
                    .extend_from_slice(frame.get(head_len(len)..).unwrap_or_default());
                self.settle(&mut out);
            } else {
                out.extend_from_slice(frame);
            }
        }
        self.raw.drain(..at);
        out
    }

    fn settle(&mut self, out: &mut Vec<u8>) {
        let mut at = 0;
        while let Some(sent) = self.sent.front().copied() {
            let end = at + sent.len as usize;
            let Some(payload) = self.payload.get(at..end) else {
                break;
            };
            out.push(0x80 | sent.opcode);
            match sent.len {
                len @ 0..126 => out.push(len as u8),
                len @ 126..0x1_0000 => {
                    out.push(126);
                    out.extend((len as u16).to_be_bytes());
                }
                len => {
                    out.push(127);
                    out.extend(len.to_be_bytes());
                }
            }
            out.extend_from_slice(payload);
            at = end;
            self.sent.pop_front();
        }
        self.payload.drain(..at);
    }
}

/// Bytes of an unmasked head as it must be written.
fn head_len(len: u64) -> usize {
    match len {
        0..126 => 2,
        126..0x1_0000 => 4,
        _ => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_as_what_they_were_however_they_are_cut() {
        // "ab" as text in two frames with a ping between, then an empty binary message.
        let frames = [
            &[0x01, 0x81, 0, 0, 0, 0, b'a'][..],
            &[0x89, 0x80, 0, 0, 0, 0],
            &[0x80, 0x81, 0, 0, 0, 0, b'b'],
            &[0x82, 0x80, 0, 0, 0, 0],
        ]
        .concat();
        for piece in 1..=frames.len() {
            let (mut client, mut echo, mut passed, mut told) =
                (FromClient::default(), Echo::default(), Vec::new(), Vec::new());
            for part in frames.chunks(piece) {
                let mut part = part.to_vec();
                let ended = client.pass(&mut part);
                told.extend(echo.sent(ended));
                passed.extend(part);
            }
            assert_eq!(passed[0], 0x02, "text goes on as binary");
            assert_eq!(passed[1..], frames[1..]);
            for part in [0x82, 1, b'a', 0x8A, 0, 0x82, 1, b'b'].chunks(piece) {
                told.extend(echo.heard(part));
            }
            let pong = told.windows(2).position(|two| two == [0x8A, 0]).unwrap();
            told.drain(pong..pong + 2);
            assert_eq!(told, [0x81, 2, b'a', b'b', 0x82, 0]);
        }
    }
}
