//! Bytes on their way out that the socket did not take yet.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::AsyncWrite;

#[derive(Default)]
pub(super) struct Pending {
    pub(super) bytes: Vec<u8>,
    written: usize,
    /// Bytes of the bridge's own among them.
    own: usize,
    /// The socket took everything, but TLS may still hold some of it.
    unflushed: bool,
}

impl Pending {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What the bridge itself has to say, behind all else.
    pub(super) fn push_own(&mut self, bytes: &[u8]) {
        self.own += bytes.len();
        self.push(bytes);
    }

    /// How much of it waits, at most. Who causes it is not read while that is a lot.
    pub(super) fn own(&self) -> usize {
        self.own
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.unflushed
    }

    /// Writes what the socket takes at once and keeps the rest; only called when nothing is pending.
    pub(super) fn write<W: AsyncWrite + Unpin>(
        &mut self,
        to: &mut W,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> io::Result<()> {
        match Pin::new(&mut *to).poll_write(cx, bytes) {
            Poll::Ready(Ok(written)) => self.push(bytes.get(written..).unwrap_or_default()),
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => self.push(bytes),
        }
        self.start_flush(to, cx)
    }

    /// The same for bytes that need not be copied to be kept.
    pub(super) fn write_owned<W: AsyncWrite + Unpin>(
        &mut self,
        to: &mut W,
        cx: &mut Context<'_>,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        let written = match Pin::new(&mut *to).poll_write(cx, &bytes) {
            Poll::Ready(written) => written?,
            Poll::Pending => 0,
        };
        if written < bytes.len() {
            (self.bytes, self.written) = (bytes, written);
        }
        self.start_flush(to, cx)
    }

    fn start_flush<W: AsyncWrite + Unpin>(&mut self, to: &mut W, cx: &mut Context<'_>) -> io::Result<()> {
        match Pin::new(to).poll_flush(cx) {
            Poll::Ready(flushed) => flushed,
            Poll::Pending => {
                self.unflushed = true;
                Ok(())
            }
        }
    }

    pub(super) fn poll_flush<W: AsyncWrite + Unpin>(
        &mut self,
        to: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(rest) = self.bytes.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *to).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        ready!(Pin::new(to).poll_flush(cx))?;
        *self = Self::default();
        Poll::Ready(Ok(()))
    }
}
