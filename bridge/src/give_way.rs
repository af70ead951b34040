//! Lets those who fill the sockets run first on a busy line, so that one read brings more.
//!
//! A worker that looks at once, when the first of many frames has come, pays a wake-up, a read and a write for each of them, and makes
//! the broker pay the same: with publisher, subscriber, broker and bridge on two processors that was about half of what a message of
//! QoS 1 cost the bridge. So a worker that is woken again and again within moments offers its processor to whoever waits for it before it looks.
//! No time is set for that: where nobody waits for the processor nothing is delayed, and on a quiet line workers sleep too long for it.
//! Who then keeps the processor for long is no part of the line; the worker does not offer it again for a while.

use std::{
    cell::RefCell,
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::Builder;

/// A sleep that is shorter belongs to a busy line.
const MOMENT: Duration = Duration::from_micros(100);

/// So many short sleeps make a line busy: more than a message and its acknowledgements take on a quiet one.
const BUSY: u32 = 16;

/// A sleep that is as long ends a busy line.
const PAUSE: Duration = Duration::from_millis(1);

/// Whoever takes so long has work of its own.
const LONG: Duration = Duration::from_micros(500);

/// How long the processor is then not offered.
const REST: Duration = Duration::from_millis(100);

thread_local! {
    static WORKER: RefCell<Worker> = RefCell::default();
}

/// Has the workers of a runtime give way.
pub fn to_others(builder: &mut Builder) -> &mut Builder {
    builder.on_thread_park(falls_asleep).on_thread_unpark(wakes_up)
}

/// Called when a worker has nothing to do.
fn falls_asleep() {
    WORKER.with_borrow_mut(|worker| worker.falls_asleep(Instant::now()));
}

/// Called when something has come for it.
fn wakes_up() {
    WORKER.with_borrow_mut(|worker| {
        let now = Instant::now();
        if worker.wakes_up(now) {
            thread::yield_now();
            worker.gave_way(now, Instant::now());
        }
    });
}

/// How one worker sleeps.
#[derive(Default)]
struct Worker {
    asleep_since: Option<Instant>,
    short_sleeps: u32,
    rest_until: Option<Instant>,
}

impl Worker {
    fn falls_asleep(&mut self, now: Instant) {
        self.asleep_since = Some(now);
    }

    /// Should it give way?
    fn wakes_up(&mut self, now: Instant) -> bool {
        let Some(since) = self.asleep_since.take() else {
            return false;
        };
        match now.saturating_duration_since(since) {
            sleep if sleep < MOMENT => self.short_sleeps = self.short_sleeps.saturating_add(1),
            sleep if sleep >= PAUSE => self.short_sleeps = 0,
            _ => {}
        }
        self.short_sleeps >= BUSY && self.rest_until.is_none_or(|until| now >= until)
    }

    fn gave_way(&mut self, from: Instant, until: Instant) {
        let is_long = until.saturating_duration_since(from) > LONG;
        self.rest_until = is_long.then(|| until + REST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often a worker gives way that sleeps so many times for so long, with 10 µs of work between.
    fn ways(worker: &mut Worker, now: &mut Instant, sleeps: u32, sleep: Duration) -> usize {
        (0..sleeps)
            .filter(|_| {
                worker.falls_asleep(*now);
                *now += sleep;
                let gives_way = worker.wakes_up(*now);
                *now += Duration::from_micros(10);
                gives_way
            })
            .count()
    }

    #[test]
    fn a_quiet_line_never_gives_way_and_a_busy_one_does() {
        let (mut worker, mut now) = (Worker::default(), Instant::now());
        for _ in 0..1_000 {
            // A message, and what it leads to: a few moments; then nothing for a while.
            assert_eq!(ways(&mut worker, &mut now, 6, Duration::from_micros(50)), 0);
            assert_eq!(ways(&mut worker, &mut now, 2, Duration::from_millis(2)), 0);
        }
        assert_eq!(ways(&mut worker, &mut now, 1_000, Duration::from_micros(50)), 985);
        assert_eq!(ways(&mut worker, &mut now, 10, Duration::from_micros(500)), 10);
        assert_eq!(ways(&mut worker, &mut now, 10, Duration::from_millis(2)), 0);
        assert_eq!(ways(&mut worker, &mut now, 15, Duration::from_micros(50)), 0);
    }

    #[test]
    fn who_keeps_the_processor_is_not_offered_it_again_for_a_while() {
        let (mut worker, mut now) = (Worker::default(), Instant::now());
        assert!(ways(&mut worker, &mut now, 100, Duration::from_micros(50)) > 0);
        let from = now;
        now += Duration::from_millis(3);
        worker.gave_way(from, now);
        assert_eq!(ways(&mut worker, &mut now, 1_000, Duration::from_micros(50)), 0);
        now += REST;
        assert!(ways(&mut worker, &mut now, 100, Duration::from_micros(50)) > 0);
        worker.gave_way(now, now + Duration::from_micros(200));
        assert!(ways(&mut worker, &mut now, 10, Duration::from_micros(50)) > 0);
    }
}
