//! From what the engine sent to shapes in a box from 0 to 1: nothing here knows pixels, colours or the DOM.

use std::{collections::HashSet, rc::Rc};

use super::scale::Scale;
use crate::wire::{ChartView, Point, SeriesName, SeriesView};

/// A box with more samples than this in a column of pixels is shown as band and mean.
const DENSE: u32 = 2;
/// Ticks of a chart that stands alone, and of one of several.
const TICKS: u32 = 5;
const FEW_TICKS: u32 = 4;

/// One thing to draw; x from the left, y from the top.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// A line of the grid; the lowest is the axis.
    Rule { y: f32, axis: bool },
    /// Samples are missing.
    Hatch { from: f32, to: f32 },
    /// Between the lowest and the highest, of each column of pixels.
    Band {
        slot: usize,
        edges: Vec<(f32, f32, f32)>,
    },
    /// Through these points; one alone is a dot.
    Line { slot: usize, points: Vec<(f32, f32)> },
    /// A state that is on.
    Bar { slot: usize, from: f32, to: f32 },
}

/// Series that share a scale.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Panel {
    /// Without ticks when there is no number to be seen.
    pub(crate) scale: Scale,
    pub(crate) unit: String,
    pub(crate) shapes: Rc<Vec<Shape>>,
    /// Places in [`ChartView::series`], each with its slot of colours.
    pub(crate) members: Vec<(usize, usize)>,
}

/// The states of one series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lane {
    pub(crate) place: usize,
    pub(crate) slot: usize,
    pub(crate) shapes: Rc<Vec<Shape>>,
}

/// All there is to draw.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Plan {
    pub(crate) panels: Vec<Panel>,
    pub(crate) lanes: Vec<Lane>,
    /// Some of it has more samples than pixels.
    pub(crate) is_dense: bool,
}

/// What the user chose.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Look {
    /// In the order of their colours.
    pub(crate) chosen: Vec<SeriesName>,
    pub(crate) hidden: HashSet<usize>,
    /// All numbers on one scale.
    pub(crate) one_scale: bool,
    /// Band and mean where there are more samples than pixels; else the line through the samples.
    pub(crate) band: bool,
}

impl Plan {
    /// Plans what is shown of a view.
    pub(crate) fn new(view: &ChartView, look: &Look) -> Self {
        let mut plan = Self::default();
        let mut groups: Vec<(String, Vec<(usize, usize)>)> = Vec::new();
        for (place, series) in view.series.iter().enumerate() {
            let slot = look.chosen.iter().position(|name| *name == series.name);
            let Some(slot) = slot.filter(|slot| !look.hidden.contains(slot)) else {
                continue;
            };
            if series.name.is_state {
                let shapes = Rc::new(lane(view, series, slot));
                plan.lanes.push(Lane { place, slot, shapes });
                continue;
            }
            plan.is_dense |= is_dense(series);
            let key = if look.one_scale {
                String::new()
            } else {
                kin(series)
            };
            match groups.iter_mut().find(|(held, _)| *held == key) {
                Some((_, members)) => members.push((place, slot)),
                None => groups.push((key, vec![(place, slot)])),
            }
        }
        let most = if groups.len() == 1 { TICKS } else { FEW_TICKS };
        let panels = groups
            .into_iter()
            .map(|(_, members)| panel(view, look, members, most));
        plan.panels = panels.collect();
        plan
    }
}

/// Numbers of one unit share a scale; without a unit those that are called alike, such as `l1` and `l2`.
fn kin(series: &SeriesView) -> String {
    if !series.unit.is_empty() {
        return series.unit.clone();
    }
    let name = match series.name.field.rsplit('.').next() {
        Some("") | None => series.name.topic.rsplit('/').next().unwrap_or_default(),
        Some(name) => name,
    };
    name.chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

fn is_dense(series: &SeriesView) -> bool {
    let samples: u64 = series.columns.iter().map(|column| u64::from(column.count)).sum();
    samples > u64::from(DENSE) * series.columns.len() as u64
}

fn panel(view: &ChartView, look: &Look, members: Vec<(usize, usize)>, most: u32) -> Panel {
    let of = |place: usize| view.series.get(place);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for series in members.iter().filter_map(|(place, _)| of(*place)) {
        for number in extent(view, series) {
            (low, high) = (low.min(number), high.max(number));
        }
    }
    let is_empty = low > high;
    if is_empty {
        (low, high) = (0.0, 1.0);
    }
    let mut scale = Scale::around(low, high, most);
    let mut shapes: Vec<_> = scale
        .ticks
        .iter()
        .enumerate()
        .map(|(n, tick)| Shape::Rule {
            y: scale.place(*tick),
            axis: n == 0,
        })
        .collect();
    if is_empty {
        // A scale of nothing would be made up: only the axis of time is left.
        scale.ticks.clear();
        shapes.truncate(1);
    }
    for series in members.iter().filter_map(|(place, _)| of(*place)) {
        shapes.extend(gaps(view, series));
    }
    for (series, slot) in members
        .iter()
        .filter_map(|(place, slot)| Some((of(*place)?, *slot)))
    {
        if look.band && is_dense(series) {
            banded(view, series, slot, &scale, &mut shapes);
        } else {
            shapes.extend(lines(view, series, slot, &scale));
        }
    }
    let first = members.first().and_then(|(place, _)| of(*place));
    let unit = first.map(|series| series.unit.clone()).unwrap_or_default();
    let shared = members
        .iter()
        .filter_map(|(place, _)| of(*place))
        .all(|series| series.unit == unit);
    Panel {
        scale,
        unit: if shared { unit } else { String::new() },
        shapes: Rc::new(shapes),
        members,
    }
}

/// The numbers that have to be seen: all that are there, and where a line from outside crosses the edges.
fn extent(view: &ChartView, series: &SeriesView) -> Vec<f64> {
    let mut numbers: Vec<f64> = series.points.iter().map(|point| point.number).collect();
    let chain: Vec<Point> = chain(series).collect();
    for edge in [view.from_ms, view.to_ms] {
        let crossing = chain.windows(2).find_map(|pair| match pair {
            [a, b] if a.at_ms < edge && edge < b.at_ms && !is_gap(series, *a, *b) => {
                let way = (edge - a.at_ms) as f64 / (b.at_ms - a.at_ms) as f64;
                Some(a.number + (b.number - a.number) * way)
            }
            _ => None,
        });
        numbers.extend(crossing);
    }
    numbers
}

/// All that is known, oldest first.
fn chain(series: &SeriesView) -> impl Iterator<Item = Point> {
    let inside = series.points.iter().copied();
    series.before.into_iter().chain(inside).chain(series.after)
}

fn is_gap(series: &SeriesView, a: Point, b: Point) -> bool {
    series
        .gap_ms
        .is_some_and(|gap| b.at_ms.saturating_sub(a.at_ms) > gap)
}

/// Where a moment is, 0 at the left and 1 at the right end; outside when it is outside.
pub(crate) fn part(at_ms: u64, from_ms: u64, to_ms: u64) -> f32 {
    let way = at_ms as f64 - from_ms as f64;
    (way / to_ms.saturating_sub(from_ms).max(1) as f64) as f32
}

fn place(view: &ChartView, at_ms: u64) -> f32 {
    part(at_ms, view.from_ms, view.to_ms)
}

/// Silences that are longer than usual, the one that lasts until now included.
fn gaps(view: &ChartView, series: &SeriesView) -> Vec<Shape> {
    let mut gaps = Vec::new();
    let mut add = |from_ms: u64, to_ms: u64| {
        let (from, to) = (place(view, from_ms).max(0.0), place(view, to_ms).min(1.0));
        if from < to {
            gaps.push(Shape::Hatch { from, to });
        }
    };
    let mut last: Option<Point> = None;
    for point in chain(series) {
        if let Some(last) = last.filter(|last| is_gap(series, *last, point)) {
            add(last.at_ms, point.at_ms);
        }
        last = Some(point);
    }
    let silent = |last: &Point| {
        series
            .gap_ms
            .is_some_and(|gap| view.now_ms.saturating_sub(last.at_ms) > gap)
    };
    if let Some(last) = last.filter(|last| series.after.is_none() && silent(last)) {
        add(last.at_ms, view.now_ms);
    }
    gaps
}

/// The line through every sample, in pieces where samples are missing.
fn lines(view: &ChartView, series: &SeriesView, slot: usize, scale: &Scale) -> Vec<Shape> {
    let mut pieces: Vec<Vec<(f32, f32)>> = Vec::new();
    let mut last: Option<Point> = None;
    for point in chain(series) {
        let drawn = (place(view, point.at_ms), scale.place(point.number));
        match pieces.last_mut() {
            Some(piece) if last.is_some_and(|last| !is_gap(series, last, point)) => piece.push(drawn),
            _ => pieces.push(vec![drawn]),
        }
        last = Some(point);
    }
    let seen = |piece: &Vec<(f32, f32)>| {
        let (first, last) = (piece.first(), piece.last());
        last.is_some_and(|last| last.0 >= 0.0) && first.is_some_and(|first| first.0 <= 1.0)
    };
    let pieces = pieces.into_iter().filter(seen);
    pieces.map(|points| Shape::Line { slot, points }).collect()
}

/// Lowest to highest and the mean, of each column of pixels.
fn banded(view: &ChartView, series: &SeriesView, slot: usize, scale: &Scale, shapes: &mut Vec<Shape>) {
    let (mut edges, mut points) = (Vec::new(), Vec::new());
    let (mut bands, mut means) = (Vec::new(), Vec::new());
    let mut last: Option<Point> = None;
    for (held, mean) in columns(series) {
        let (Some(first), Some(newest)) = (held.first(), held.last()) else {
            continue;
        };
        if last.is_some_and(|last| is_gap(series, last, *first)) {
            bands.push(std::mem::take(&mut edges));
            means.push(std::mem::take(&mut points));
        }
        let x = (place(view, first.at_ms) + place(view, newest.at_ms)) / 2.0;
        let numbers = held.iter().map(|point| point.number);
        let (low, high) = low_and_high(numbers);
        edges.push((x, scale.place(low), scale.place(high)));
        points.push((x, scale.place(mean)));
        last = Some(*newest);
    }
    bands.push(edges);
    means.push(points);
    let whole = |edges: &Vec<_>| !edges.is_empty();
    shapes.extend(
        bands
            .into_iter()
            .filter(whole)
            .map(|edges| Shape::Band { slot, edges }),
    );
    let drawn = means.into_iter().filter(|points| !points.is_empty());
    shapes.extend(drawn.map(|points| Shape::Line { slot, points }));
}

/// The points of each column of pixels, and the mean of its samples.
pub(crate) fn columns(series: &SeriesView) -> impl Iterator<Item = (&[Point], f64)> {
    let mut rest = series.points.as_slice();
    series.columns.iter().map(move |column| {
        let (held, others) = rest.split_at(usize::from(column.points).min(rest.len()));
        rest = others;
        (held, column.mean)
    })
}

/// The smallest and the largest of some numbers.
pub(crate) fn low_and_high(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
        (low.min(number), high.max(number))
    })
}

/// When a state is on, and where nothing is known of it.
fn lane(view: &ChartView, series: &SeriesView, slot: usize) -> Vec<Shape> {
    let mut shapes = gaps(view, series);
    let now = place(view, view.now_ms).min(1.0);
    let mut held: Option<(f32, f32)> = None;
    let mut on_since: Option<(Point, f32)> = None;
    let mut finish = |from: f32, to: f32| {
        let (from, to) = (from.max(0.0), to.min(1.0));
        // What is next to each other is one bar, so that thousands of switchings stay few shapes.
        match &mut held {
            Some((_, end)) if from <= *end => *end = end.max(to),
            _ => {
                shapes.extend(held.take().map(|(from, to)| Shape::Bar { slot, from, to }));
                held = (to > 0.0 && from < 1.0).then_some((from, to));
            }
        }
    };
    for point in chain(series) {
        let x = place(view, point.at_ms);
        if let Some((last, since)) = on_since.take() {
            if is_gap(series, last, point) {
                finish(since, place(view, last.at_ms));
            } else if point.number < 0.5 {
                finish(since, x);
            } else {
                on_since = Some((point, since));
            }
        }
        if point.number >= 0.5 && on_since.is_none() {
            on_since = Some((point, x));
        }
    }
    if let Some((last, since)) = on_since {
        let silent = series
            .gap_ms
            .is_some_and(|gap| view.now_ms.saturating_sub(last.at_ms) > gap);
        let end = if silent { place(view, last.at_ms) } else { now };
        finish(since, end);
    }
    shapes.extend(held.map(|(from, to)| Shape::Bar { slot, from, to }));
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::testing::{name, series, view};

    fn look(chosen: &[SeriesName]) -> Look {
        Look {
            chosen: chosen.to_vec(),
            hidden: HashSet::new(),
            one_scale: false,
            band: true,
        }
    }

    fn lines_of(plan: &Plan) -> Vec<&Vec<(f32, f32)>> {
        let shapes = plan.panels.iter().flat_map(|panel| panel.shapes.iter());
        shapes
            .filter_map(|shape| match shape {
                Shape::Line { points, .. } => Some(points),
                _ => None,
            })
            .collect()
    }

    fn hatched(shapes: &[Shape]) -> Vec<(f32, f32)> {
        let hatch = |shape: &Shape| match shape {
            Shape::Hatch { from, to } => Some((*from, *to)),
            _ => None,
        };
        shapes.iter().filter_map(hatch).collect()
    }

    #[test]
    fn a_gap_in_the_data_is_a_gap_in_the_line_and_hatched() {
        let mut held = series("t", &[(100, 1.0), (200, 2.0), (800, 3.0), (900, 2.0)]);
        held.gap_ms = Some(400);
        let view = view(0, 1_000, vec![held]);
        let plan = Plan::new(&view, &look(&[name("t")]));
        let lines = lines_of(&plan);
        assert_eq!(lines.iter().map(|line| line.len()).collect::<Vec<_>>(), [2, 2]);
        assert_eq!(hatched(&plan.panels[0].shapes), [(0.2, 0.8)]);
    }

    #[test]
    fn a_silence_that_lasts_is_hatched_up_to_now() {
        let mut held = series("t", &[(100, 1.0), (200, 2.0)]);
        held.gap_ms = Some(100);
        let mut view = view(0, 1_000, vec![held]);
        view.now_ms = 700;
        let plan = Plan::new(&view, &look(&[name("t")]));
        assert_eq!(hatched(&plan.panels[0].shapes), [(0.2, 0.7)]);
    }

    #[test]
    fn the_line_comes_in_from_the_left_and_goes_out_at_the_right() {
        let mut held = series("t", &[(500, 10.0)]);
        held.before = Some(Point {
            at_ms: 0,
            number: 0.0,
        });
        held.after = Some(Point {
            at_ms: 3_000,
            number: 0.0,
        });
        let view = view(250, 1_250, vec![held]);
        let plan = Plan::new(&view, &look(&[name("t")]));
        assert_eq!(lines_of(&plan)[0].len(), 3);
        assert!(lines_of(&plan)[0][0].0 < 0.0 && lines_of(&plan)[0][2].0 > 1.0);
        // What is seen goes from 5 to 10.
        assert_eq!(plan.panels[0].scale.ticks.first(), Some(&5.0));
    }

    #[test]
    fn one_unit_is_one_scale_and_others_have_their_own() {
        let mut all = [
            series("a", &[(1, 20.0)]),
            series("b", &[(1, 1013.0)]),
            series("c", &[(1, 5.0)]),
        ];
        for (held, unit) in all.iter_mut().zip(["°C", "hPa", "°C"]) {
            held.unit = unit.to_owned();
        }
        let view = view(0, 10, all.to_vec());
        let mut look = look(&[name("a"), name("b"), name("c")]);
        let plan = Plan::new(&view, &look);
        let members: Vec<_> = plan.panels.iter().map(|panel| panel.members.clone()).collect();
        assert_eq!(members, [vec![(0, 0), (2, 2)], vec![(1, 1)]]);
        assert_eq!(plan.panels[0].unit, "°C");
        look.one_scale = true;
        let plan = Plan::new(&view, &look);
        assert_eq!((plan.panels.len(), plan.panels[0].unit.as_str()), (1, ""));
        look.hidden.insert(0);
        assert_eq!(Plan::new(&view, &look).panels[0].members, [(1, 1), (2, 2)]);
    }

    #[test]
    fn phases_without_a_unit_share_a_scale_and_strangers_do_not() {
        let view = view(
            0,
            10,
            vec![series("l1", &[]), series("l2", &[]), series("volt", &[])],
        );
        let plan = Plan::new(&view, &look(&[name("l1"), name("l2"), name("volt")]));
        let sizes: Vec<_> = plan.panels.iter().map(|panel| panel.members.len()).collect();
        assert_eq!(sizes, [2, 1]);
    }

    #[test]
    fn more_samples_than_pixels_are_band_and_mean() {
        let mut held = series("t", &[(1, 1.0), (2, 9.0), (5, 2.0), (6, 8.0)]);
        held.columns = [(2, 100, 4.0), (2, 100, 6.0)]
            .map(crate::chart::testing::column)
            .to_vec();
        let view = view(0, 10, vec![held]);
        let mut look = look(&[name("t")]);
        let plan = Plan::new(&view, &look);
        assert!(plan.is_dense);
        assert_eq!(
            lines_of(&plan),
            [&vec![
                (0.15, plan.panels[0].scale.place(4.0)),
                (0.55, plan.panels[0].scale.place(6.0))
            ]]
        );
        assert!(
            plan.panels[0]
                .shapes
                .iter()
                .any(|shape| matches!(shape, Shape::Band { edges, .. } if edges.len() == 2))
        );
        look.band = false;
        assert_eq!(lines_of(&Plan::new(&view, &look))[0].len(), 4);
    }

    fn bars(view: &ChartView) -> Vec<(f32, f32)> {
        let plan = Plan::new(
            view,
            &look(&[SeriesName {
                is_state: true,
                ..name("s")
            }]),
        );
        let bar = |shape: &Shape| match shape {
            Shape::Bar { from, to, .. } => Some((*from, *to)),
            _ => None,
        };
        plan.lanes[0].shapes.iter().filter_map(bar).collect()
    }

    #[test]
    fn a_state_is_a_bar_while_it_is_on_and_lasts_until_now() {
        let mut held = series("s", &[(100, 1.0), (200, 1.0), (300, 0.0), (500, 1.0)]);
        held.name.is_state = true;
        let mut at = view(0, 1_000, vec![held.clone()]);
        at.now_ms = 800;
        assert_eq!(bars(&at), [(0.1, 0.3), (0.5, 0.8)]);
        held.gap_ms = Some(150);
        let mut at = view(0, 1_000, vec![held]);
        at.now_ms = 800;
        assert_eq!(bars(&at), [(0.1, 0.3), (0.5, 0.5)], "what was silent is not on");
    }

    #[test]
    fn a_state_from_before_is_on_from_the_left_edge() {
        let mut held = series("s", &[]);
        held.name.is_state = true;
        held.before = Some(Point {
            at_ms: 10,
            number: 1.0,
        });
        held.after = Some(Point {
            at_ms: 5_000,
            number: 0.0,
        });
        assert_eq!(bars(&view(1_000, 2_000, vec![held])), [(0.0, 1.0)]);
    }

    #[test]
    fn nothing_at_all_has_no_scale() {
        let plan = Plan::new(&view(0, 10, vec![series("t", &[])]), &look(&[name("t")]));
        let panel = &plan.panels[0];
        assert!(panel.scale.ticks.is_empty(), "{:?}", panel.scale);
        assert_eq!(*panel.shapes, [Shape::Rule { y: 1.0, axis: true }]);
    }
}
