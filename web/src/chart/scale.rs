//! The vertical scale of a chart.

use hearth_model::decimal;

use crate::platform::locale;

/// Whole numbers up to here are exact (2⁵³).
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// Ends on round numbers (1, 2 or 5 times a power of ten apart) around what is shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    /// From low to high.
    pub(crate) ticks: Vec<f64>,
    step: f64,
}

impl Scale {
    /// Around `low..=high`, with about `most` ticks.
    pub(crate) fn around(low: f64, high: f64, most: u32) -> Self {
        // What differs only by the noise of binary fractions is a constant.
        let noise = low.abs().max(high.abs()).max(1e-9) * 1e-12;
        let are_whole = low.fract() == 0.0 && high.fract() == 0.0 && low.abs().max(high.abs()) <= WHOLE;
        let differs = high - low > if are_whole { 0.0 } else { noise };
        let room = if differs { 0.0 } else { (low.abs() * 0.01).max(0.5) };
        let (low, high) = (low - room, high + room);
        // Halves: the difference of the largest numbers there are is not finite.
        let rough = (high / 2.0 - low / 2.0) / f64::from(most.max(1)) * 2.0;
        // Closer together than numbers can be, ticks would be the same number.
        let rough = rough.max(low.abs().max(high.abs()) * f64::EPSILON * 2.0);
        let power = 10.0_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|n| n * power)
            .find(|step| *step >= rough)
            .filter(|step| step.is_finite() && *step > 0.0)
            .unwrap_or(f64::MAX / 4.0);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        let count = (high / step - low / step).round().clamp(1.0, 20.0) as u32;
        let ticks = (0..=count).map(|n| low + step * f64::from(n)).collect();
        Self {
            low,
            high,
            ticks,
            step,
        }
    }

    /// 0 at the top, 1 at the bottom.
    pub(crate) fn place(&self, value: f64) -> f32 {
        let part = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        1.0 - part as f32
    }

    /// "20.5", "1.25e9": what stands beside a tick, with as many digits as tell it from the next one.
    pub(crate) fn label(&self, tick: f64) -> String {
        // Rounding may leave a bit of nothing.
        let tick = if tick.abs() < self.step * 1e-6 { 0.0 } else { tick };
        let (largest, smallest) = (
            self.low.abs().max(self.high.abs()).log10().floor(),
            self.step.log10().floor(),
        );
        if !(-4.0..9.0).contains(&largest) {
            let digits = (largest - smallest + 1.0).clamp(1.0, 17.0) as usize;
            let text = if tick == 0.0 {
                "0".to_owned()
            } else {
                decimal::scientific(tick, digits)
            };
            return text;
        }
        locale::number(&decimal::fixed(tick, (-smallest).clamp(0.0, 15.0) as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_around_the_data() {
        let scale = Scale::around(20.13, 22.31, 5);
        let labels: Vec<_> = scale.ticks.iter().map(|tick| scale.label(*tick)).collect();
        assert_eq!(labels, ["20.0", "20.5", "21.0", "21.5", "22.0", "22.5"]);
        assert_eq!((scale.place(20.0), scale.place(22.5)), (1.0, 0.0));
    }

    #[test]
    fn a_constant_has_a_scale_too() {
        for constant in [5.0, 0.0, -1e-9, 1e17, -1e300] {
            let scale = Scale::around(constant, constant, 5);
            assert!(scale.low < constant && scale.high > constant, "{scale:?}");
            assert!((0.0..=1.0).contains(&scale.place(constant)));
        }
    }

    #[test]
    fn large_and_tiny_spans_stay_readable() {
        for (low, high) in [
            (0.0, 1.0e12),
            (-1.0e-4, 1.0e-4),
            (-5.0, 100.0),
            (-1e308, 1e308),
            (1e15, 1e15 + 4.0),
            (0.0, 5e-324),
            (20.000_000_1, 20.000_000_5),
            (1e9, 1e9 + 1.0),
            (123_456.789, 123_457.269),
        ] {
            let scale = Scale::around(low, high, 5);
            assert!((2..=21).contains(&scale.ticks.len()), "{low}..{high}: {scale:?}");
            assert!(scale.low <= low && scale.high >= high, "{low}..{high}: {scale:?}");
            let labels: Vec<_> = scale.ticks.iter().map(|tick| scale.label(*tick)).collect();
            assert!(labels.iter().all(|label| label.len() < 22), "{labels:?}");
            let mut different = labels.clone();
            different.dedup();
            assert_eq!(different, labels, "{low}..{high}");
        }
    }

    #[test]
    fn moments_in_ms_and_tiny_numbers_have_labels_that_differ() {
        let labels = |low: f64, high: f64| {
            let scale = Scale::around(low, high, 5);
            let labels: Vec<_> = scale.ticks.iter().map(|tick| scale.label(*tick)).collect();
            labels
        };
        assert_eq!(
            labels(1_761_429_600_000.0, 1_761_458_340_000.0)
                .first()
                .map(String::as_str),
            Some("1.76142e12")
        );
        assert_eq!(labels(0.0, 4.8e-7), ["0", "1e-7", "2e-7", "3e-7", "4e-7", "5e-7"]);
        let whole = Scale::around(9_007_199_254_740_990.0, 9_007_199_254_740_991.0, 5);
        assert!(
            whole.high - whole.low < 20.0,
            "whole numbers are no noise: {whole:?}"
        );
    }
}
