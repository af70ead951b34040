//! The session's own view of time: it never runs backwards, whatever the caller's clock does.

use crate::MonoTime;

/// Turns the caller's times into ones that never decrease, and deadlines back into the caller's times.
///
/// A clock that jumps back (a laptop set by hand, a browser that coarsens its timer) must not freeze the keep-alive
/// until it has caught up, so the jump is added to every later time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timeline {
    told: MonoTime,
    behind_ms: u64,
}

impl Timeline {
    /// Takes the caller's time in and gives the session's.
    pub(crate) fn advance(&mut self, told: MonoTime) -> MonoTime {
        self.behind_ms = self.behind_ms.saturating_add(self.told.ms_since(told));
        self.told = told;
        self.now()
    }

    /// The session's time when the caller last told one.
    pub(crate) fn now(self) -> MonoTime {
        self.told + self.behind_ms
    }

    /// The caller's time for one of the session's.
    pub(crate) fn to_caller(self, at: MonoTime) -> MonoTime {
        MonoTime {
            ms: at.ms.saturating_sub(self.behind_ms),
        }
    }
}

/// The earlier of two deadlines that may both be absent.
pub(crate) fn earliest(a: Option<MonoTime>, b: Option<MonoTime>) -> Option<MonoTime> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}
