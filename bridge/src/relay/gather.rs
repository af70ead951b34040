//! Decides when a busy line waits a moment, so that more goes out in one frame.
//!
//! Browsers take about 21,000 frames a second, whatever is in them. A line that sends more than about 1,000 small frames a second
//! and hears nothing back is therefore read once per tick; what arrives meanwhile waits in the kernel. A quiet line, a line with
//! large reads and a line with acknowledgements (whose sender may be waiting for them) are read at once.

use std::time::{Duration, Instant};

/// How long frames are counted before it is judged whether the line is busy.
const WINDOW: Duration = Duration::from_millis(10);

/// Frames in one window that make a line busy: 1,000 a second.
const BUSY_FRAMES: u32 = 10;

/// A tick must bring at least as much as this many frames would have, or the line is no longer busy.
const WORTHWHILE: usize = 4;

#[derive(Debug)]
pub(crate) struct Gather {
    tick: Duration,
    window_start: Option<Instant>,
    frames: u32,
    bytes: usize,
    /// Bytes of an average frame before gathering began; `None` while it has not.
    frame_bytes: Option<usize>,
    heard_back: bool,
}

impl Gather {
    /// `tick` 0 turns gathering off.
    pub(crate) fn new(tick: Duration) -> Self {
        Self {
            tick,
            window_start: None,
            frames: 0,
            bytes: 0,
            frame_bytes: None,
            heard_back: false,
        }
    }

    /// The browser sent something.
    pub(crate) fn heard_back(&mut self) {
        self.heard_back = true;
        self.frame_bytes = None;
    }

    /// A read of `len` bytes went out; `full` if the read left nothing of its buffer free. Says until when the next read may wait.
    pub(crate) fn sent(&mut self, now: Instant, len: usize, full: bool) -> Option<Instant> {
        if self.tick.is_zero() {
            return None;
        }
        if let Some(frame_bytes) = self.frame_bytes {
            if full {
                return None;
            }
            if len >= frame_bytes.saturating_mul(WORTHWHILE) {
                return Some(now + self.tick);
            }
            *self = Self::new(self.tick);
        }
        let start = *self.window_start.get_or_insert(now);
        if now.saturating_duration_since(start) > WINDOW {
            *self = Self {
                window_start: Some(now),
                ..Self::new(self.tick)
            };
        }
        self.frames += 1;
        self.bytes += len;
        if self.frames < BUSY_FRAMES || self.heard_back || full {
            return None;
        }
        self.frame_bytes = Some(self.bytes / self.frames as usize);
        Some(now + self.tick)
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
    fn a_busy_line_waits_from_the_tenth_frame_on_and_stops_when_it_is_no_longer_worth_it() {
        let (mut gather, start) = (Gather::new(TICK), Instant::now());
        let waits = frames(&mut gather, 10, Duration::from_micros(50), start);
        assert_eq!(waits.iter().position(|waits| *waits), Some(9));
        let later = start + Duration::from_millis(20);
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
