//! Charts: which numbers over which time, and what is drawn of them.

use serde::{Deserialize, Serialize};

/// Which series a chart shows, over which time, in how many columns of pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChartWindow {
    /// At most six are drawn.
    pub series: Vec<SeriesName>,
    pub span: ChartSpan,
    /// Device pixels from left to right, at most 4096.
    pub columns: u32,
}

/// A field of a topic's payloads: its numbers or its states.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SeriesName {
    pub topic: String,
    /// Path in the payload; empty when the payload itself is the value.
    pub field: String,
    pub is_state: bool,
}

/// The time that a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChartSpan {
    /// So many ms up to now, following the time.
    Last(u64),
    /// From the oldest sample up to now.
    All,
    /// From … to, ms since epoch; it stays where it is.
    Between(u64, u64),
}

/// What a chart draws: as much as there are pixels, however many samples there are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ChartView {
    /// ms since epoch at the left and at the right end.
    pub from_ms: u64,
    pub to_ms: u64,
    pub now_ms: u64,
    /// The oldest sample of all the series; farther back there is nothing to see.
    pub oldest_ms: Option<u64>,
    pub series: Vec<SeriesView>,
}

/// One series of a chart.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SeriesView {
    pub name: SeriesName,
    /// "" when not known.
    pub unit: String,
    /// Of a state: what 0 and 1 are called.
    pub words: Option<(String, String)>,
    /// Decimals to show the numbers with.
    pub decimals: u8,
    /// Silence from which on samples are missing, ms.
    pub gap_ms: Option<u64>,
    /// The nearest samples outside, so that the line goes on to the edges.
    pub before: Option<Point>,
    pub after: Option<Point>,
    /// Through which the line goes, oldest first.
    pub points: Vec<Point>,
    /// Which points share a column of pixels, in order.
    pub columns: Vec<ColumnView>,
    /// Samples that were received and are no longer kept.
    pub dropped: u64,
    /// What the broker had kept, when nothing was said since: it has no place in time.
    pub kept: Option<f64>,
}

/// A sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub at_ms: u64,
    pub number: f64,
}

/// A column of pixels in which there are samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ColumnView {
    /// How many of the points: up to four. The lowest and the highest sample are among them.
    pub points: u8,
    /// Samples in the column.
    pub count: u32,
    pub mean: f64,
}
