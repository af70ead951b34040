//! Views for tests.

use crate::wire::{ChartView, ColumnView, Point, SeriesName, SeriesView};

pub(crate) fn name(field: &str) -> SeriesName {
    SeriesName {
        topic: "home/air".to_owned(),
        field: field.to_owned(),
        is_state: false,
    }
}

pub(crate) fn column((points, count, mean): (u8, u32, f64)) -> ColumnView {
    ColumnView { points, count, mean }
}

/// Every point in a column of its own.
pub(crate) fn series(field: &str, points: &[(u64, f64)]) -> SeriesView {
    let point = |(at_ms, number): &(u64, f64)| Point {
        at_ms: *at_ms,
        number: *number,
    };
    SeriesView {
        name: name(field),
        points: points.iter().map(point).collect(),
        columns: points.iter().map(|(_, number)| column((1, 1, *number))).collect(),
        ..SeriesView::default()
    }
}

pub(crate) fn view(from_ms: u64, to_ms: u64, series: Vec<SeriesView>) -> ChartView {
    ChartView {
        from_ms,
        to_ms,
        now_ms: to_ms,
        oldest_ms: None,
        series,
    }
}
