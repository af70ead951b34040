//! Time as an argument: there is no `now()` in this crate.

use std::ops::Add;

/// A point in monotonic time, in milliseconds since a moment that only the caller knows.
///
/// Tests write literals; native code and the browser feed their own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MonoTime {
    /// Milliseconds since the caller's zero.
    pub ms: u64,
}

impl MonoTime {
    /// The caller's zero.
    pub const ZERO: Self = Self { ms: 0 };

    /// The point `ms` milliseconds after the caller's zero.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self { ms }
    }

    /// The point `seconds` after the caller's zero.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self {
            ms: seconds.saturating_mul(1000),
        }
    }

    /// This point moved forward by `ms` milliseconds; the end of time stays the end of time.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self {
            ms: self.ms.saturating_add(ms),
        }
    }

    /// This point moved forward by `seconds`; the end of time stays the end of time.
    #[must_use]
    pub const fn plus_secs(self, seconds: u64) -> Self {
        self.plus_ms(seconds.saturating_mul(1000))
    }

    /// Milliseconds from `earlier` to this point; zero when `earlier` is later.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.ms.saturating_sub(earlier.ms)
    }

    /// Milliseconds from this point until `later`; zero when `later` has passed.
    #[must_use]
    pub const fn ms_until(self, later: Self) -> u64 {
        later.ms_since(self)
    }
}

impl Add<u64> for MonoTime {
    type Output = Self;

    /// Milliseconds are added.
    fn add(self, ms: u64) -> Self {
        self.plus_ms(ms)
    }
}
