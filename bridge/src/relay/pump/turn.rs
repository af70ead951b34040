//! How long one relay keeps its thread while others wait.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll},
};

use tokio::task::yield_now;

/// So many bytes are looked at in one turn: four full reads. Small packets that are refused one by one take some milliseconds then; beside
/// what large ones take, giving up the thread costs nothing.
const TURN_BYTES: usize = 256 * 1024;

/// What was looked at since the task was woken. No clock is read, and bytes that pass as they are do not count: the runtime's own budget
/// bounds them.
#[derive(Debug, Default)]
pub(super) struct Turn {
    bytes: usize,
}

impl Turn {
    pub(super) fn begin(&mut self) {
        self.bytes = 0;
    }

    pub(super) fn looked_at(&mut self, len: usize) {
        self.bytes += len;
    }

    /// Pending when others come first: the task is then woken when the runtime has run them and looked at the sockets.
    pub(super) fn poll_goes_on(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.bytes < TURN_BYTES {
            return Poll::Ready(());
        }
        pin!(yield_now()).poll(cx)
    }
}
