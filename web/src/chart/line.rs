//! A chart of one numeric field: nice ticks, a line with gaps, axis labels as HTML text.

use hearth_model::decimal;
use yew::prelude::*;

use super::spark::line;
use crate::{
    components::{vars::Styled, words},
    platform::locale,
    wire::Spark,
};

const WIDTH: f32 = 1_000.0;
const HEIGHT: f32 = 300.0;
const TICKS: usize = 5;

/// The vertical scale of a chart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    /// From low to high.
    ticks: Vec<f64>,
    decimals: usize,
}

impl Scale {
    /// Ends on round numbers (1, 2 or 5 times a power of ten apart) around `low..=high`.
    pub(crate) fn around(low: f64, high: f64) -> Self {
        let (low, high) = if low < high {
            (low, high)
        } else {
            (low - 0.5, low + 0.5)
        };
        let rough = (high - low) / 5.0_f64.max(f64::from(u8::try_from(TICKS).unwrap_or(5)));
        let power = 10.0_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|n| n * power)
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        let count = ((high - low) / step).round().clamp(1.0, 20.0) as u32;
        let ticks = (0..=count).map(|n| low + step * f64::from(n)).collect();
        let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
        Self {
            low,
            high,
            ticks,
            decimals,
        }
    }

    fn part(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    fn label(&self, tick: f64) -> String {
        // Rounding may leave a negative zero.
        let tick = if tick.abs() < 1e-12 { 0.0 } else { tick };
        locale::number(&decimal::fixed(tick, self.decimals))
    }
}

/// What [`LineChart`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct LineChartProps {
    pub(crate) spark: Spark,
    /// Name of the field.
    pub(crate) field: AttrValue,
    /// ms since epoch at the right end.
    pub(crate) until: u64,
}

/// One field over time.
#[component]
pub(crate) fn LineChart(props: &LineChartProps) -> Html {
    let points = &props.spark.points;
    let known = || {
        points
            .iter()
            .filter_map(|(_, value)| *value)
            .filter(|value| value.is_finite())
            .map(f64::from)
    };
    let (low, high) = (
        known().fold(f64::INFINITY, f64::min),
        known().fold(f64::NEG_INFINITY, f64::max),
    );
    if !low.is_finite() || !high.is_finite() {
        return html! { <p class="hint">{"No number has been received in this time."}</p> };
    }
    let scale = Scale::around(low, high);
    let path: String = points
        .split(|(_, value)| !value.is_some_and(f32::is_finite))
        .map(|run| {
            let run: Vec<_> = run
                .iter()
                .filter_map(|(x, value)| {
                    let y = 1.0 - scale.part(f64::from((*value)?)) as f32;
                    Some((x.clamp(0.0, 1.0) * WIDTH, y * HEIGHT))
                })
                .collect();
            line(&run)
        })
        .collect();
    let span_ms = u64::from(props.spark.span_s) * 1_000;
    let label = format!(
        "{} over the last {}, from {} to {}",
        props.field,
        words::lasting(span_ms),
        props.spark.low,
        props.spark.high
    );
    html! {
        <div class="chart c-1" data-testid="topic-chart">
            <div class="chart__y" aria-hidden="true">
                { for scale.ticks.iter().map(|tick| at((1.0 - scale.part(*tick)) * 100.0, "", scale.label(*tick))) }
            </div>
            <div class="chart__plot">
                <svg viewBox="0 0 1000 300" preserveAspectRatio="none" role="img" aria-label={label}>
                    { for scale.ticks.iter().enumerate().map(|(n, tick)| {
                        let y = decimal::fixed((1.0 - scale.part(*tick)) * f64::from(HEIGHT), 1);
                        html! { <line class={if n == 0 { "axis" } else { "grid" }} x1="0" x2="1000" y1={y.clone()} y2={y} /> }
                    })}
                    <path class="ln" d={path} />
                </svg>
            </div>
            <div class="chart__x" aria-hidden="true">{ time_labels(props.until, span_ms) }</div>
        </div>
    }
}

fn time_labels(until: u64, span_ms: u64) -> Html {
    let clock = |at: u64| {
        if span_ms < 600_000 {
            locale::time_long(at)
        } else {
            locale::time_short(at)
        }
    };
    let from = until.saturating_sub(span_ms);
    html! {
        <>
            {at(0.0, "s", clock(from))}
            {at(50.0, "", clock(from + span_ms / 2))}
            {at(100.0, "e", clock(until))}
        </>
    }
}

fn at(percent: f64, class: &'static str, text: String) -> Html {
    html! { <Styled {class} vars={vec![("--p", format!("{percent:.2}"))]}>{text}</Styled> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_around_the_data() {
        let scale = Scale::around(20.13, 22.31);
        assert_eq!((scale.low, scale.high), (20.0, 22.5));
        assert_eq!(
            scale
                .ticks
                .iter()
                .map(|tick| scale.label(*tick))
                .collect::<Vec<_>>(),
            ["20.0", "20.5", "21.0", "21.5", "22.0", "22.5"]
        );
    }

    #[test]
    fn a_constant_has_a_scale_too() {
        let scale = Scale::around(5.0, 5.0);
        assert!(scale.low < 5.0 && scale.high > 5.0);
    }

    #[test]
    fn large_and_tiny_spans_stay_readable() {
        for (low, high) in [(0.0, 1.0e12), (-1.0e-4, 1.0e-4), (-5.0, 100.0)] {
            let scale = Scale::around(low, high);
            assert!((2..=21).contains(&scale.ticks.len()), "{low}..{high}: {scale:?}");
            assert!(scale.low <= low && scale.high >= high);
        }
    }
}
