//! How long to wait before the next try to connect.

use crate::MonoTime;

/// The numbers of a [`Backoff`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffOptions {
    /// Longest wait before the first retry, in ms; 1,000 by default: a restarted broker is back within a second or two.
    pub first_ms: u64,
    /// Longest wait at all, in ms; 30,000 by default: people look at the page and wonder after half a minute.
    pub maximum_ms: u64,
    /// A connection that held this long resets the wait, in ms; 60,000 by default, so that a server that accepts
    /// and drops at once does not look healthy.
    pub stable_ms: u64,
}

impl Default for BackoffOptions {
    fn default() -> Self {
        Self {
            first_ms: 1_000,
            maximum_ms: 30_000,
            stable_ms: 60_000,
        }
    }
}

/// Exponential backoff with full jitter, for ever.
///
/// The wait is drawn evenly from zero to a ceiling that doubles with every try, so that a thousand pages do not
/// all come back in the same second after a broker restart. Randomness is an argument.
///
/// ```
/// use hearth_mqtt::session::{Backoff, BackoffOptions};
///
/// let mut backoff = Backoff::new(BackoffOptions::default());
/// assert_eq!(backoff.next_delay_ms(u32::MAX), 1_000);
/// assert_eq!(backoff.next_delay_ms(u32::MAX), 2_000);
/// assert_eq!(backoff.next_delay_ms(u32::MAX / 2), 2_000); // half of 4,000
/// assert_eq!(backoff.next_delay_ms(0), 0);
/// ```
#[derive(Debug, Clone)]
pub struct Backoff {
    options: BackoffOptions,
    tries: u32,
    connected_at: Option<MonoTime>,
}

impl Backoff {
    /// A backoff whose first wait is at most `options.first_ms`.
    #[must_use]
    pub fn new(options: BackoffOptions) -> Self {
        Self {
            options,
            tries: 0,
            connected_at: None,
        }
    }

    /// How many waits were handed out since the last reset.
    #[must_use]
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// Longest wait that the next call to [`Self::next_delay_ms`] may give, in ms.
    #[must_use]
    pub fn ceiling_ms(&self) -> u64 {
        let factor = 1u64.checked_shl(self.tries.min(63)).unwrap_or(u64::MAX);
        self.options
            .first_ms
            .saturating_mul(factor)
            .min(self.options.maximum_ms)
    }

    /// The wait before the next try, in ms; `random` is spread evenly over all of `u32` by the caller.
    pub fn next_delay_ms(&mut self, random: u32) -> u64 {
        let ceiling = u128::from(self.ceiling_ms());
        self.tries = self.tries.saturating_add(1);
        let delay = (ceiling * (u128::from(random) + 1)) >> 32;
        u64::try_from(delay).unwrap_or(u64::MAX)
    }

    /// Starts over with the shortest wait.
    pub fn reset(&mut self) {
        self.tries = 0;
    }

    /// The server accepted us.
    pub fn handle_connected(&mut self, now: MonoTime) {
        self.connected_at = Some(now);
    }

    /// The network connection ended; a long one resets the wait.
    pub fn handle_closed(&mut self, now: MonoTime) {
        if let Some(since) = self.connected_at.take()
            && now.ms_since(since) >= self.options.stable_ms
        {
            self.reset();
        }
    }
}
