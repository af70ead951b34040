//! The client's side of a WebSocket, as the byte stream that it carries.
//!
//! What one write brings goes out in one masked frame, and what one read brings is handed on without its headers, in the reader's own
//! buffer: between two of them nothing is kept, unless the socket did not take all of a frame. Pings are answered on the way.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    frame::{self, Close, Control, FrameReader, MASK_BYTES, MASKED_HEADER_BYTES},
    nudge::Nudge,
};
use crate::auth::random_bytes;

/// The most that goes into one frame.
const FRAME_BYTES: usize = 64 * 1024;

/// The close code of who is done.
const NORMAL: u16 = 1000;

/// The pong that answers no ping.
const NUDGE: Vec<u8> = Vec::new();

/// Random bytes fetched at a time: the system is asked once for so many frames.
const RANDOM_BYTES: usize = 256 * MASK_BYTES;

thread_local! {
    /// Room for one masked frame.
    static ROOM: RefCell<Box<[u8]>> = RefCell::new(vec![0; MASKED_HEADER_BYTES + FRAME_BYTES].into());
    static KEYS: RefCell<Keys> = const { RefCell::new(Keys { random: [0; RANDOM_BYTES], used: RANDOM_BYTES }) };
}

/// Masking keys that nobody can guess (RFC 6455, 5.3), or a browser could write a proxy's bytes through us.
struct Keys {
    random: [u8; RANDOM_BYTES],
    used: usize,
}

impl Keys {
    fn next(&mut self) -> io::Result<[u8; MASK_BYTES]> {
        if self.used >= RANDOM_BYTES {
            self.random = random_bytes().map_err(io::Error::other)?;
            self.used = 0;
        }
        let key = self.random.get(self.used..).and_then(<[u8]>::first_chunk);
        self.used += MASK_BYTES;
        key.copied().ok_or_else(|| io::ErrorKind::Other.into())
    }
}

fn key() -> io::Result<[u8; MASK_BYTES]> {
    KEYS.with_borrow_mut(Keys::next)
}

/// Why nothing more comes, where the other side said it in WebSocket's own terms.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Ended {
    /// With a close frame.
    #[error("the broker closed the WebSocket{}", words(*code, reason))]
    Closed {
        /// If it gave one.
        code: Option<u16>,
        /// Its words; may be empty.
        reason: String,
    },
    /// It sent what may not be sent.
    #[error("the broker broke the WebSocket protocol: {0}")]
    Broken(String),
}

fn words(code: Option<u16>, reason: &str) -> String {
    match (code, reason) {
        (None, _) => String::new(),
        (Some(code), "") => format!(" with code {code}"),
        (Some(code), reason) => {
            let printable: String = reason.chars().filter(|c| !c.is_control()).collect();
            format!(" with code {code}: {printable}")
        }
    }
}

/// A WebSocket that is open, over a stream.
#[derive(Debug)]
pub(crate) struct WebSocket<S> {
    stream: S,
    reader: FrameReader,
    /// What came right behind the answer to the handshake.
    early: Vec<u8>,
    /// The rest of a frame that the socket did not take at once.
    pending: Vec<u8>,
    written: usize,
    /// What the newest ping held that waits for an answer.
    ping: Option<Vec<u8>>,
    /// For a broker that may sleep over its work.
    nudge: Option<Nudge>,
    /// Our close frame is on its way or was sent.
    is_closing: bool,
    /// What the next read tells.
    ended: Option<Ended>,
    /// Nothing more is read.
    is_over: bool,
}

impl<S> WebSocket<S> {
    /// `early` holds what was read behind the answer to the handshake.
    pub(crate) fn new(stream: S, early: Vec<u8>) -> Self {
        Self {
            stream,
            reader: FrameReader::of_broker(),
            early,
            pending: Vec::new(),
            written: 0,
            ping: None,
            nudge: None,
            is_closing: false,
            ended: None,
            is_over: false,
        }
    }

    /// The same with a broker that is nudged when it owes something and says nothing.
    pub(crate) fn with_nudges(stream: S, early: Vec<u8>) -> Self {
        Self {
            nudge: Some(Nudge::default()),
            ..Self::new(stream, early)
        }
    }

    pub(crate) fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Puts a close frame behind what is on its way; nothing may follow it.
    fn close(&mut self, frame: impl FnOnce([u8; MASK_BYTES]) -> Vec<u8>) -> io::Result<()> {
        if !self.is_closing {
            self.is_closing = true;
            self.pending.extend(frame(key()?));
        }
        Ok(())
    }
}

impl<S: AsyncWrite + Unpin> WebSocket<S> {
    /// Writes what is left, and then the answer to a ping.
    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while let Some(rest) = self.pending.get(self.written..).filter(|rest| !rest.is_empty()) {
                match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => self.written += written,
                }
            }
            if self.written > 0 {
                self.pending = Vec::new();
                self.written = 0;
            }
            match self.ping.take() {
                Some(ping) if !self.is_closing => self.pending = frame::masked_pong_frame(&ping, key()?),
                Some(_) | None => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Sends `bytes` in one frame, or nothing when the socket takes nothing.
    fn poll_frame(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<()>> {
        let key = key()?;
        ROOM.with_borrow_mut(|room| {
            let start = frame::write_masked_binary(room, bytes, key);
            let whole = room
                .get(start..MASKED_HEADER_BYTES + bytes.len())
                .unwrap_or_default();
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, whole))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if let Some(rest @ [_, ..]) = whole.get(written..) {
                self.pending = rest.to_vec();
            }
            if let Some(nudge) = &mut self.nudge {
                nudge.sent();
            }
            Poll::Ready(Ok(()))
        })
    }

    /// Reads the frames in `arrived`; the payload is left at its beginning.
    fn take_frames(&mut self, arrived: &mut [u8]) -> io::Result<usize> {
        let mut control = Control::default();
        let read = self.reader.read(arrived, &mut control);
        if let Some(nudge) = &mut self.nudge
            && nudge.heard(self.reader.is_in_frame())
        {
            self.ping = Some(NUDGE);
        }
        if control.ping.is_some() {
            self.ping = control.ping;
        }
        if let Some(code) = control.close {
            self.close(|key| frame::masked_close_echo(code, key))?;
            let reason = control.close_reason;
            self.ended = Some(Ended::Closed { code, reason });
        }
        read.or_else(|broken| {
            self.close(|key| broken.masked_frame(key))?;
            self.ended = Some(Ended::Broken(broken.reason));
            Ok(0)
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            // What is not taken now is written behind the next wake-up; an error shows where something is written or read.
            let _written = this.poll_pending(cx);
            if let Some(ended) = this.ended.take() {
                this.is_over = true;
                return Poll::Ready(Err(io::Error::other(ended)));
            }
            if this.is_over {
                return Poll::Ready(Ok(()));
            }
            let before = buf.filled().len();
            if this.early.is_empty() {
                match Pin::new(&mut this.stream).poll_read(cx, buf) {
                    Poll::Ready(read) => read?,
                    Poll::Pending => {
                        let nudge = this.nudge.as_mut().map(|nudge| nudge.poll_due(cx));
                        ready!(nudge.unwrap_or(Poll::Pending));
                        this.ping.get_or_insert(NUDGE);
                        continue;
                    }
                }
            } else {
                let rest = this.early.split_off(this.early.len().min(buf.remaining()));
                buf.put_slice(&std::mem::replace(&mut this.early, rest));
            }
            let arrived = buf.filled_mut().get_mut(before..).unwrap_or_default();
            if arrived.is_empty() {
                this.is_over = true;
                return Poll::Ready(Ok(()));
            }
            let payload_len = this.take_frames(arrived)?;
            buf.set_filled(before + payload_len);
            // Nothing but control frames, or the beginning of a header.
            if payload_len > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WebSocket<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_pending(cx))?;
        if this.is_closing {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let bytes = bytes.get(..FRAME_BYTES).unwrap_or(bytes);
        // Some brokers end the session when a frame is empty.
        if !bytes.is_empty() {
            ready!(this.poll_frame(cx, bytes))?;
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_pending(cx))?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    /// Sends a close frame. The stream stays open, for the other side answers.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.close(|key| Close::new(NORMAL, "").masked_frame(key))?;
        ready!(this.poll_pending(cx))?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }
}

#[cfg(test)]
mod tests;
