//! Decides when a busy line waits a moment, so that more goes out in one frame.
//!
//! Browsers take about 21,000 frames a second, whatever is in them. A line that sends more than about 1,000 small frames a second
//! and hears nothing back is therefore read once per tick; what arrives meanwhile waits in the kernel. A quiet line, a line with
//! large reads and a line with acknowledgements (whose sender may be waiting for them) are read at once. So is for a while a line on
//! which gathering made less arrive: its sender waits, by whatever way it hears of them, for what the browser has received.

use std::time::{Duration, Instant};

/// How long frames are counted before it is judged whether the line is busy.
const WINDOW: Duration = Duration::from_millis(10);

/// A line is not judged sooner: about as long as a tick takes, so that what ticks bring can be compared.
const SETTLED: Duration = Duration::from_millis(4);

/// Frames in one window that make a line busy: 1,000 a second.
const BUSY_FRAMES: u32 = 10;

/// A tick must bring at least as much as this many frames would have, or the line is no longer busy.
const WORTHWHILE: usize = 4;

/// A tick that brings less than this share of what came in the same time before has slowed the sender.
const SLOWED: f64 = 0.7;

/// So many such ticks in a row are no accident.
const SLOW_TICKS: u32 = 3;

/// How long a line is then left alone at first; each further time twice as long.
const FIRST_REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_millis(1_600);

#[derive(Debug)]
pub(crate) struct Gather {
    tick: Duration,
    counted: Counted,
    gathering: Option<Gathering>,
    /// Until then nothing is gathered.
    rest_until: Option<Instant>,
    next_rest: Duration,
}

/// What went out since the window began.
#[derive(Debug, Default)]
struct Counted {
    start: Option<Instant>,
    frames: u32,
    bytes: usize,
    heard_back: bool,
}

/// The line is read once per tick.
#[derive(Debug)]
struct Gathering {
    /// Bytes of an average frame before.
    frame_bytes: usize,
    /// Bytes per second before.
    rate: f64,
    last_read: Instant,
    slow_ticks: u32,
}

impl Gather {
    /// `tick` 0 turns gathering off.
    pub(crate) fn new(tick: Duration) -> Self {
        Self {
            tick,
            counted: Counted::default(),
            gathering: None,
            rest_until: None,
            next_rest: FIRST_REST,
        }
    }

    /// The browser sent something.
    pub(crate) fn heard_back(&mut self) {
        self.counted.heard_back = true;
        self.gathering = None;
    }

    /// A read of `len` bytes went out; `full` if the read left nothing of its buffer free. Says until when the next read may wait.
    pub(crate) fn sent(&mut self, now: Instant, len: usize, full: bool) -> Option<Instant> {
        if self.tick.is_zero() || self.rest_until.is_some_and(|until| now < until) {
            return None;
        }
        self.rest_until = None;
        if let Some(gathering) = &mut self.gathering {
            let worthwhile = len >= gathering.frame_bytes.saturating_mul(WORTHWHILE);
            let slowed = !gathering.keeps_up(now, len);
            if full {
                return None;
            }
            if worthwhile && !slowed {
                if gathering.slow_ticks == 0 {
                    self.next_rest = FIRST_REST;
                }
                return Some(now + self.tick);
            }
            // Also when the tick brought next to nothing: perhaps the line is quiet again, but perhaps its sender waits after a few
            // messages, and would lose every other tick.
            self.gathering = None;
            self.counted = Counted::default();
            self.rest_until = Some(now + self.next_rest);
            self.next_rest = (self.next_rest * 2).min(LONGEST_REST);
            return None;
        }
        if full {
            return None;
        }
        self.gathering = self.counted.busy(now, len);
        self.gathering.is_some().then(|| now + self.tick)
    }
}

impl Counted {
    /// Counts a frame; says what came before if the line is busy.
    fn busy(&mut self, now: Instant, len: usize) -> Option<Gathering> {
        let start = self.start.unwrap_or(now);
        let elapsed = now.saturating_duration_since(start);
        if elapsed > WINDOW {
            *self = Self::default();
        }
        // What arrived before the window began does not count.
        if self.start.is_none() {
            self.start = Some(now);
            return None;
        }
        self.frames += 1;
        self.bytes += len;
        if self.frames < BUSY_FRAMES || self.heard_back || elapsed < SETTLED {
            return None;
        }
        let gathering = Gathering {
            frame_bytes: self.bytes / self.frames as usize,
            rate: self.bytes as f64 / elapsed.as_secs_f64(),
            last_read: now,
            slow_ticks: 0,
        };
        *self = Self::default();
        Some(gathering)
    }
}

impl Gathering {
    /// Does as much arrive as before?
    fn keeps_up(&mut self, now: Instant, len: usize) -> bool {
        let elapsed = now.saturating_duration_since(self.last_read);
        let expected = self.rate * elapsed.as_secs_f64();
        self.last_read = now;
        if (len as f64) < expected * SLOWED {
            self.slow_ticks += 1;
        } else {
            self.slow_ticks = 0;
        }
        self.slow_ticks < SLOW_TICKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(4);

    fn frames(gather: &mut Gather, count: u32, apart: Duration, start: Instant) -> Vec<bool> {
        (0..count)
            .map(|n| gather.sent(start + apart * n, 100, false).is_some())
            .collect()
    }

    #[test]
    fn a_quiet_line_never_waits() {
        let mut gather = Gather::new(TICK);
        assert!(!frames(&mut gather, 1_000, Duration::from_millis(2), Instant::now()).contains(&true));
    }

    #[test]
    fn a_busy_line_waits_once_it_has_settled_and_stops_when_it_is_no_longer_worth_it() {
        let (mut gather, start) = (Gather::new(TICK), Instant::now());
        let waits = frames(&mut gather, 81, Duration::from_micros(50), start);
        assert_eq!(waits.iter().position(|waits| *waits), Some(80), "after 4 ms");
        let later = start + Duration::from_millis(9);
        assert_eq!(gather.sent(later, 8_000, false), Some(later + TICK));
        assert_eq!(
            gather.sent(later, 65_536, true),
            None,
            "there is more to read at once"
        );
        assert_eq!(gather.sent(later, 8_000, false), Some(later + TICK));
        assert_eq!(gather.sent(later, 300, false), None);
        assert!(!frames(&mut gather, 5, Duration::from_micros(50), later).contains(&true));
    }

    /// Ticks until the line is left alone, when each brings `len` bytes where 8,000 came before.
    fn ticks_until_rest(gather: &mut Gather, len: usize, now: &mut Instant) -> Option<usize> {
        while gather.sent(*now, 100, false).is_none() {
            *now += Duration::from_micros(50);
        }
        (1..100).find(|_| {
            *now += TICK;
            gather.sent(*now, len, false).is_none()
        })
    }

    #[test]
    fn a_sender_that_waits_for_what_the_browser_has_received_is_not_slowed() {
        let (mut gather, mut now) = (Gather::new(TICK), Instant::now());
        for rest in [100, 200, 400, 800, 1_600, 1_600] {
            assert_eq!(ticks_until_rest(&mut gather, 2_500, &mut now), Some(3));
            let rested = now + Duration::from_millis(rest);
            while now + Duration::from_millis(1) < rested {
                now += Duration::from_millis(1);
                assert!(!frames(&mut gather, 10, Duration::from_micros(50), now).contains(&true));
            }
        }
        // The next one that is not slowed begins anew.
        now += Duration::from_secs(2);
        assert_eq!(ticks_until_rest(&mut gather, 8_000, &mut now), None);
    }

    #[test]
    fn a_sender_that_waits_after_a_few_messages_is_left_alone() {
        let (mut gather, mut now) = (Gather::new(TICK), Instant::now());
        for rest in [100, 200, 400] {
            assert_eq!(ticks_until_rest(&mut gather, 300, &mut now), Some(1));
            let rested = now + Duration::from_millis(rest);
            while now + Duration::from_millis(1) < rested {
                now += Duration::from_millis(1);
                assert!(!frames(&mut gather, 10, Duration::from_micros(50), now).contains(&true));
            }
        }
    }

    #[test]
    fn a_few_lean_ticks_are_no_reason_to_stop() {
        let (mut gather, mut now) = (Gather::new(TICK), Instant::now());
        while gather.sent(now, 100, false).is_none() {
            now += Duration::from_micros(50);
        }
        for len in [2_500, 2_500, 8_000].repeat(20) {
            now += TICK;
            assert_eq!(gather.sent(now, len, false), Some(now + TICK));
        }
    }

    #[test]
    fn a_line_with_answers_never_waits() {
        let (mut gather, start) = (Gather::new(TICK), Instant::now());
        for n in 0..1_000 {
            assert_eq!(
                gather.sent(start + Duration::from_micros(50) * n, 100, false),
                None
            );
            gather.heard_back();
        }
    }

    #[test]
    fn a_tick_of_zero_turns_it_off() {
        let mut gather = Gather::new(Duration::ZERO);
        assert!(!frames(&mut gather, 100, Duration::ZERO, Instant::now()).contains(&true));
    }
}
