//! Wakes a broker that sleeps over its work.
//!
//! Mosquitto 2.0 has libwebsockets poll the sockets once more at the end of each round of its own loop. What is read there is worked
//! on, but what it leads to, acknowledgements and messages to everybody by WebSocket, is written only in the next round: when anything
//! else arrives, or after 100 ms. Two publishers at the same time are enough, or one whose messages all lie in one read. In the same
//! way what is larger than 4 KB leaves in pieces of 4 KB, one each round.
//! So when the broker owes something and nothing moves, it gets an empty pong: anybody may send one unasked, and it is not
//! answered (RFC 6455, 5.5.3).

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// A broker that has said nothing for so long is nudged, before twice as long: more than it needs on the same machine, and much less than its round.
const PATIENCE: Duration = Duration::from_millis(1);

/// So long after a nudge that brought nothing there is no other: most likely nothing is owed, such as to a publisher of QoS 0.
const REST: Duration = Duration::from_millis(10);

/// When to send one. No clock is read when something moves on a busy line.
#[derive(Debug, Default)]
pub(super) struct Nudge {
    timer: Option<Pin<Box<Sleep>>>,
    is_set: bool,
    /// Since the timer was set.
    has_moved: bool,
    /// Something was sent since the broker was heard, or it stopped in the middle of a frame.
    is_owed: bool,
    /// The newest nudge has brought nothing yet.
    is_unheard: bool,
    rest_until: Option<Instant>,
}

impl Nudge {
    /// A frame with payload was sent.
    pub(super) fn sent(&mut self) {
        if std::mem::take(&mut self.is_unheard) {
            self.rest_until = Some(Instant::now() + REST);
        }
        self.is_owed = true;
        self.has_moved = true;
    }

    /// Something came. Is it time for another at once? The middle of a frame behind a nudge shows that it needs one for each piece.
    pub(super) fn heard(&mut self, in_the_middle: bool) -> bool {
        let at_once = self.is_unheard && in_the_middle;
        self.is_unheard = at_once;
        self.is_owed = in_the_middle;
        self.has_moved = true;
        at_once
    }

    /// Ready when it is time for one, which then counts as sent.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if !self.is_set {
                if !self.is_owed {
                    return Poll::Pending;
                }
                self.set();
            }
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
            }
            self.is_set = false;
            if self.is_owed && !self.has_moved {
                self.is_owed = false;
                self.is_unheard = true;
                return Poll::Ready(());
            }
        }
    }

    fn set(&mut self) {
        let soon = Instant::now() + PATIENCE;
        let until = self.rest_until.take().map_or(soon, |rest| rest.max(soon));
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(until),
            None => self.timer = Some(Box::pin(sleep_until(until))),
        }
        self.is_set = true;
        self.has_moved = false;
    }
}
