//! The vertical scale of a chart.

use hearth_model::decimal;

use crate::platform::locale;

/// Ends on round numbers (1, 2 or 5 times a power of ten apart) around what is shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    /// From low to high.
    pub(crate) ticks: Vec<f64>,
    decimals: usize,
}

impl Scale {
    /// Around `low..=high`, with about `most` ticks.
    pub(crate) fn around(low: f64, high: f64, most: u32) -> Self {
        // What differs only by the noise of binary fractions is a constant.
        let differs = high - low > low.abs().max(high.abs()).max(1e-9) * 1e-12;
        let room = if differs { 0.0 } else { (low.abs() * 0.01).max(0.5) };
        let (low, high) = (low - room, high + room);
        // Halves: the difference of the largest numbers there are is not finite.
        let rough = (high / 2.0 - low / 2.0) / f64::from(most.max(1)) * 2.0;
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
        let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
        Self {
            low,
            high,
            ticks,
            decimals,
        }
    }

    /// 0 at the top, 1 at the bottom.
    pub(crate) fn place(&self, value: f64) -> f32 {
        let part = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        1.0 - part as f32
    }

    /// "20.5", "1.2e9": what stands beside a tick.
    pub(crate) fn label(&self, tick: f64) -> String {
        // Rounding may leave a negative zero.
        let tick = if tick.abs() < 1e-12 { 0.0 } else { tick };
        if self.low.abs().max(self.high.abs()) >= 1e9 || self.decimals == 6 {
            return decimal::scientific(tick, 3);
        }
        locale::number(&decimal::fixed(tick, self.decimals))
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
        ] {
            let scale = Scale::around(low, high, 5);
            assert!((2..=21).contains(&scale.ticks.len()), "{low}..{high}: {scale:?}");
            assert!(scale.low <= low && scale.high >= high, "{low}..{high}: {scale:?}");
            assert!(scale.ticks.iter().all(|tick| scale.label(*tick).len() < 12));
        }
    }
}
