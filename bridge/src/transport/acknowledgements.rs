//! Keeps brokers from waiting for an acknowledgement that the kernel puts off.
//!
//! Behind a write the kernel waits up to 40 ms for another one that can carry the acknowledgement of what has come. For as long a
//! broker that leaves Nagle's algorithm on, as Mosquitto does over TCP, keeps back what it writes: beside a page that sends a command
//! ten times a second, every third message to it came too late by more than 5 ms. So the kernel is asked not to wait, which it
//! forgets with the next write. On a busy line there is soon another write, and what waits for it comes in larger pieces, which costs
//! everybody less: there it is left alone.

use std::time::{Duration, Instant};

/// How long writes are counted.
const WINDOW: Duration = Duration::from_millis(10);

/// Counts the writes to one broker.
#[derive(Debug)]
pub(crate) struct Acknowledgements {
    /// More writes in one window make a line busy.
    busy_writes: u32,
    /// When the window began.
    since: Option<Instant>,
    /// Since then.
    writes: u32,
}

impl Acknowledgements {
    pub(super) fn new(busy_writes: u32) -> Self {
        Self {
            busy_writes,
            since: None,
            writes: 0,
        }
    }

    /// Is the kernel to be asked behind this write?
    pub(super) fn are_wanted_behind_a_write(&mut self, now: Instant) -> bool {
        let is_over = |since| now.saturating_duration_since(since) >= WINDOW;
        if self.since.is_none_or(is_over) {
            self.since = Some(now);
            self.writes = 0;
        }
        self.writes = self.writes.saturating_add(1);
        self.writes <= self.busy_writes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many writes want it, so far apart.
    fn wanted(busy_writes: u32, writes: u32, apart: Duration) -> usize {
        let (mut acknowledgements, start) = (Acknowledgements::new(busy_writes), Instant::now());
        (0..writes)
            .filter(|n| acknowledgements.are_wanted_behind_a_write(start + apart * *n))
            .count()
    }

    #[test]
    fn every_write_of_a_quiet_line_wants_them_and_few_of_a_busy_one() {
        assert_eq!(wanted(16, 1_000, Duration::from_millis(1)), 1_000);
        assert_eq!(wanted(16, 1_000, Duration::from_micros(20)), 2 * 16);
        assert_eq!(wanted(16, 16, Duration::ZERO), 16);
        assert_eq!(wanted(3, 1_000, Duration::from_micros(20)), 2 * 3);
        assert_eq!(wanted(0, 1_000, Duration::from_millis(1)), 0);
    }
}
