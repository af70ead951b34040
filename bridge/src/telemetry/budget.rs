//! Bounds how many lines of one kind are logged in a while, so that strangers cannot fill a disk with what they are refused.
//!
//! A kind is a place in the code. What is left out of one kind takes nothing from the others. Errors are always logged, and so is what
//! somebody who looks for a fault has asked for (`debug`, `trace`).

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tracing::{Event, Level, Subscriber, callsite::Identifier};
use tracing_subscriber::layer::{Context, Layer};

/// How long lines are counted.
const WINDOW: Duration = Duration::from_secs(10);

static LEFT_OUT: AtomicU64 = AtomicU64::new(0);

/// Lines that were left out since the start.
pub(crate) fn left_out() -> u64 {
    LEFT_OUT.load(Ordering::Relaxed)
}

/// A line was left out because nobody took it.
pub(super) fn lost() {
    LEFT_OUT.fetch_add(1, Ordering::Relaxed);
}

/// Counts the lines of each kind.
pub(super) struct Budget {
    /// 0: no bound.
    lines: u64,
    kinds: Mutex<HashMap<Identifier, Window>>,
}

struct Window {
    since: Instant,
    lines: u64,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Logged,
    /// The first that is not logged.
    First,
    LeftOut,
}

impl Budget {
    pub(super) fn new(lines: u64) -> Self {
        Self {
            lines,
            kinds: Mutex::default(),
        }
    }

    fn take(&self, kind: Identifier, now: Instant) -> Outcome {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let window = kinds.entry(kind).or_insert(Window { since: now, lines: 0 });
        if now.saturating_duration_since(window.since) >= WINDOW {
            *window = Window { since: now, lines: 0 };
        }
        window.lines += 1;
        match window.lines.saturating_sub(self.lines) {
            0 => Outcome::Logged,
            1 => Outcome::First,
            _ => Outcome::LeftOut,
        }
    }
}

impl<S: Subscriber> Layer<S> for Budget {
    fn event_enabled(&self, event: &Event<'_>, _context: Context<'_, S>) -> bool {
        let kind = event.metadata();
        if self.lines == 0 || !matches!(*kind.level(), Level::INFO | Level::WARN) {
            return true;
        }
        let outcome = self.take(kind.callsite(), Instant::now());
        if outcome == Outcome::Logged {
            return true;
        }
        LEFT_OUT.fetch_add(1, Ordering::Relaxed);
        if outcome == Outcome::First {
            let seconds = WINDOW.as_secs();
            // An error, which comes through.
            tracing::error!(
                of = kind.target(),
                limit = self.lines,
                "further lines of one kind are left out for up to {seconds} s (log.max_lines_of_a_kind)"
            );
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing::subscriber::with_default;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<AtomicU64>);

    impl<S: Subscriber> Layer<S> for Lines {
        fn on_event(&self, _event: &Event<'_>, _context: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn logged(budget: u64, log: impl Fn()) -> u64 {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::registry()
            .with(Budget::new(budget))
            .with(lines.clone());
        with_default(subscriber, log);
        lines.0.load(Ordering::Relaxed)
    }

    #[test]
    fn a_flood_of_one_kind_is_cut_off_and_the_others_are_logged() {
        let before = left_out();
        let count = logged(3, || {
            (0..100).for_each(|_| tracing::info!("refused"));
            tracing::warn!("something else");
        });
        assert_eq!(count, 3 + 1);
        assert!(left_out() >= before + 97);
        assert_eq!(
            logged(0, || (0..100).for_each(|_| tracing::info!("refused"))),
            100
        );
        assert_eq!(logged(3, || (0..100).for_each(|_| tracing::error!("lost"))), 100);
        assert_eq!(
            logged(3, || (0..100).for_each(|_| tracing::debug!("asked for"))),
            100
        );
    }

    #[test]
    fn after_a_while_there_is_room_again() {
        let (budget, now) = (Budget::new(2), Instant::now());
        let kind = Identifier(tracing::callsite! {
            name: "kind",
            kind: tracing::metadata::Kind::EVENT,
            fields:
        });
        let outcomes = [0, 1, 2, 3, 10, 11].map(|s| budget.take(kind.clone(), now + Duration::from_secs(s)));
        use Outcome::{First, LeftOut, Logged};
        assert_eq!(outcomes, [Logged, Logged, First, LeftOut, Logged, Logged]);
    }
}
