//! A small chart without axes. Its box is fixed; a gap in the data is a gap in the line.

use hearth_model::decimal;
use yew::prelude::*;

use crate::{components::text::visible, platform::locale, wire::Spark};

const WIDTH: f32 = 200.0;
const HEIGHT: f32 = 48.0;
/// Keeps the stroke inside of the box.
const PADDING: f32 = 4.0;

/// What [`Sparkline`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct SparklineProps {
    pub(crate) spark: Spark,
    /// The chart in words.
    pub(crate) label: AttrValue,
}

/// The recent past of a number, with its lowest and highest value beside it.
#[component]
pub(crate) fn Sparkline(props: &SparklineProps) -> Html {
    let runs = runs(&props.spark.points);
    html! {
        <div class="spark c-1">
            <svg viewBox="0 0 200 48" preserveAspectRatio="none" role="img"
                aria-label={props.label.clone()}>
                { for runs.iter().map(|run| html! { <path class="ar" d={area(run, HEIGHT)} /> }) }
                <path class="ln" d={runs.iter().map(|run| line(run)).collect::<String>()} />
            </svg>
            <div class="spark__mm" aria-hidden="true">
                <span>{locale::number(&visible(&props.spark.high))}</span>
                <span>{locale::number(&visible(&props.spark.low))}</span>
            </div>
        </div>
    }
}

/// Points of the box, split where data is missing.
fn runs(points: &[(f32, Option<f32>)]) -> Vec<Vec<(f32, f32)>> {
    let known = || {
        points
            .iter()
            .filter_map(|(_, value)| *value)
            .filter(|value| value.is_finite())
    };
    let low = known().fold(f32::INFINITY, f32::min);
    let high = known().fold(f32::NEG_INFINITY, f32::max);
    let span = high - low;
    let y = |value: f32| {
        let part = if span > 0.0 { (value - low) / span } else { 0.5 };
        HEIGHT - PADDING - part * (HEIGHT - 2.0 * PADDING)
    };
    points
        .split(|(_, value)| !value.is_some_and(f32::is_finite))
        .map(|run| {
            run.iter()
                .filter_map(|(x, value)| Some((x.clamp(0.0, 1.0) * WIDTH, y((*value)?))))
                .collect()
        })
        .filter(|run: &Vec<_>| !run.is_empty())
        .collect()
}

/// The `d` of a line; a single point becomes a short dash so that it can be seen.
fn line(run: &[(f32, f32)]) -> String {
    if let [(x, y)] = run {
        return format!("M{} {}h2", length((x - 1.0).max(0.0)), length(*y));
    }
    run.iter()
        .enumerate()
        .map(|(at, (x, y))| format!("{}{} {}", if at == 0 { "M" } else { "L" }, length(*x), length(*y)))
        .collect()
}

fn area(run: &[(f32, f32)], bottom: f32) -> String {
    let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else {
        return String::new();
    };
    let bottom = length(bottom);
    format!(
        "{}L{} {bottom}L{} {bottom}Z",
        line(run),
        length(*last),
        length(*first)
    )
}

fn length(length: f32) -> String {
    decimal::fixed(f64::from(length), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_in_the_data_is_a_gap_in_the_line() {
        let runs = runs(&[(0.0, Some(1.0)), (0.25, Some(3.0)), (0.5, None), (1.0, Some(2.0))]);
        assert_eq!(runs.len(), 2);
        assert_eq!(runs[0], [(0.0, 44.0), (50.0, 4.0)]);
        assert_eq!(runs[1], [(200.0, 24.0)]);
    }

    #[test]
    fn a_constant_line_is_in_the_middle_and_nothing_is_no_line() {
        assert_eq!(
            runs(&[(0.0, Some(5.0)), (1.0, Some(5.0))]),
            [[(0.0, 24.0), (200.0, 24.0)]]
        );
        assert!(runs(&[]).is_empty());
        assert!(runs(&[(0.0, Some(f32::NAN))]).is_empty());
    }

    #[test]
    fn a_path_is_made_of_numbers_only() {
        assert_eq!(line(&[(0.0, 1.0), (2.5, 3.25)]), "M0.0 1.0L2.5 3.2");
        assert_eq!(line(&[(0.0, 1.0)]), "M0.0 1.0h2");
    }
}
