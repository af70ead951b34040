//! Gives up on a peer that takes nothing, so that it cannot hold a connection for ever.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// Runs out when nothing has moved for a while: after the limit, and before twice the limit. No clock is read when something moves,
/// so that counting costs nothing on a busy line.
#[derive(Debug)]
pub(crate) struct Patience {
    limit: Duration,
    moved: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// 0 is endless.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            moved: true,
            timer: None,
        }
    }

    pub(crate) fn moved(&mut self) {
        self.moved = true;
    }

    /// Ready when it has run out.
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.limit.is_zero() {
            return Poll::Pending;
        }
        let timer = self.timer.get_or_insert_with(|| {
            self.moved = false;
            Box::pin(sleep(self.limit))
        });
        loop {
            ready!(timer.as_mut().poll(cx));
            if !std::mem::take(&mut self.moved) {
                return Poll::Ready(());
            }
            timer.as_mut().reset(Instant::now() + self.limit);
        }
    }
}

/// Patience with something that is under way at times, and should go on then.
#[derive(Debug)]
pub(crate) struct Watch<T> {
    patience: Patience,
    seen: Option<T>,
}

impl<T: PartialEq> Watch<T> {
    /// 0 is endless.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            patience: Patience::new(limit),
            seen: None,
        }
    }

    /// Ready when what is under way has stayed as it is for too long; never while nothing is.
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>, now: Option<T>) -> Poll<()> {
        if now.is_none() {
            self.seen = None;
            self.patience.timer = None;
            return Poll::Pending;
        }
        if self.seen != now {
            self.seen = now;
            self.patience.moved();
        }
        self.patience.poll_over(cx)
    }
}

/// A stream whose writes fail with `TimedOut` when the other side takes nothing for too long.
#[derive(Debug)]
pub(crate) struct Patient<S> {
    stream: S,
    patience: Patience,
}

impl<S> Patient<S> {
    /// `limit` 0 is endless.
    pub(crate) fn new(stream: S, limit: Duration) -> Self {
        Self {
            stream,
            patience: Patience::new(limit),
        }
    }

    pub(crate) fn into_inner(self) -> S {
        self.stream
    }

    /// Called for what waits for the other side.
    fn judge<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            return result;
        }
        ready!(self.patience.poll_over(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write(cx, bytes);
        if result.is_ready() {
            this.patience.moved();
        }
        this.judge(cx, result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        if result.is_ready() {
            this.patience.moved();
        }
        this.judge(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_flush(cx);
        this.judge(cx, result)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.judge(cx, result)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up_on_and_one_that_takes_a_little_is_not() {
        let (ours, mut theirs) = duplex(4);
        let mut ours = Patient::new(ours, LIMIT);
        let begun = Instant::now();
        let slow = tokio::spawn(async move {
            for _ in 0..20 {
                sleep(LIMIT - Duration::from_secs(1)).await;
                theirs.read_u8().await.unwrap();
            }
            theirs
        });
        let error = ours.write_all(&[0; 100]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let given_up = begun.elapsed();
        let alive = (LIMIT - Duration::from_secs(1)) * 20;
        assert!(given_up > alive && given_up <= alive + 2 * LIMIT, "{given_up:?}");
        drop(slow);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_silence_before_a_write_does_not_count() {
        let (ours, mut theirs) = duplex(4);
        let mut ours = Patient::new(ours, LIMIT);
        for _ in 0..3 {
            let write = async {
                ours.write_all(&[0; 8]).await.unwrap();
            };
            let read = async {
                sleep(LIMIT / 2).await;
                theirs.read_exact(&mut [0; 8]).await.unwrap();
            };
            tokio::join!(write, read);
            sleep(LIMIT * 5).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_of_zero_is_endless() {
        let (ours, _theirs) = duplex(4);
        let mut ours = Patient::new(ours, Duration::ZERO);
        let waited = tokio::time::timeout(Duration::from_secs(1_000_000), ours.write_all(&[0; 8])).await;
        assert!(waited.is_err());
    }
}
