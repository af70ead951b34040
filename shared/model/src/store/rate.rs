//! Messages per second over a sliding window, at the cost of two counters.

/// Length of the window, in ms.
const WINDOW_MS: u64 = 10_000;

/// Counts per fixed window; the rate slides by weighing the window before by its share that is still in view.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rate {
    born_ms: u64,
    window: u64,
    current: u32,
    previous: u32,
}

impl Rate {
    pub(crate) fn new(now_ms: u64) -> Self {
        Self {
            born_ms: now_ms,
            window: now_ms / WINDOW_MS,
            current: 0,
            previous: 0,
        }
    }

    #[inline]
    pub(crate) fn count(&mut self, window: u64) {
        if window != self.window {
            self.previous = if window == self.window + 1 {
                self.current
            } else {
                0
            };
            self.current = 0;
            self.window = window;
        }
        self.current = self.current.saturating_add(1);
    }

    /// The window that `now_ms` lies in, to count many rates at once.
    #[inline]
    pub(crate) fn window(now_ms: u64) -> u64 {
        now_ms / WINDOW_MS
    }

    pub(crate) fn per_second(&self, now_ms: u64) -> f64 {
        // A topic younger than the window is measured over its life, but never over less than a second.
        let span_ms = now_ms.saturating_sub(self.born_ms).clamp(1000, WINDOW_MS);
        self.in_view(now_ms) * 1000.0 / to_f64(span_ms)
    }

    /// Messages in the window; of two topics of different age these can be compared.
    pub(crate) fn in_view(&self, now_ms: u64) -> f64 {
        let window = now_ms / WINDOW_MS;
        let (current, previous) = match window.checked_sub(self.window) {
            None | Some(0) => (self.current, self.previous),
            Some(1) => (0, self.current),
            Some(_) => return 0.0,
        };
        let in_view = to_f64(WINDOW_MS - now_ms % WINDOW_MS) / to_f64(WINDOW_MS);
        f64::from(current) + f64::from(previous) * in_view
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a window are small")]
fn to_f64(ms: u64) -> f64 {
    ms as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_topic_has_a_steady_rate() {
        let mut rate = Rate::new(1_000_000);
        for step in 0..2000_u64 {
            let now = 1_000_000 + step * 50;
            rate.count(Rate::window(now));
            if step > 20 {
                let shown = rate.per_second(now);
                assert!((19.0..=21.5).contains(&shown), "{shown} at {step}");
            }
        }
    }

    #[test]
    fn a_silent_topic_falls_to_zero() {
        let mut rate = Rate::new(0);
        rate.count(0);
        assert!(rate.per_second(1000) > 0.0);
        assert!(rate.per_second(19_999) > 0.0);
        assert!(rate.per_second(20_000).abs() < f64::EPSILON);
    }
}
