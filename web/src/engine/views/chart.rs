//! Numbers over time, as many points as there are pixels.

use hearth_devices::Value;
use hearth_model::{
    format::{Decimals, decimals_of},
    series::{Sample, Series},
    store::{Field, NodeId, Store},
};
use hearth_mqtt::MonoTime;

use super::pace::{Pace, beat_after};
use crate::{
    engine::{home::Home, input::Now},
    wire::{ChartSpan, ChartView, ChartWindow, ColumnView, Patch, Point, SeriesName, SeriesView},
};

/// Four times a second, as numbers: a line that grows more smoothly shows no more.
const INTERVAL_MS: u64 = 250;
/// Series in one chart; more cannot be told apart.
const SERIES: usize = 6;
/// Columns of pixels: a screen of 4096 device pixels.
const COLUMNS: u32 = 4_096;
/// How often a unit that is not known is looked for, ms.
const UNITS_INTERVAL_MS: u64 = 2_000;

/// Samples of one moment that are held against a device's value.
const SAME_MOMENT: usize = 64;

/// The chart that the page shows.
#[derive(Debug, Default)]
pub(super) struct ChartScreen {
    window: Option<ChartWindow>,
    shown: Vec<Shown>,
    pace: Pace,
    /// When the time moves the chart on by a column, without a message too.
    moves_at: Option<MonoTime>,
    units_at: MonoTime,
    /// A past that is on the screen does not change any more.
    is_settled: bool,
}

#[derive(Debug)]
struct Shown {
    name: SeriesName,
    node: Option<NodeId>,
    unit: String,
}

impl ChartScreen {
    pub(super) fn open(&mut self, mut window: ChartWindow) {
        window.series.truncate(SERIES);
        window.columns = window.columns.clamp(1, COLUMNS);
        let same = self
            .window
            .as_ref()
            .is_some_and(|held| held.series == window.series);
        if !same {
            let shown = window.series.iter().map(|name| Shown {
                name: name.clone(),
                node: None,
                unit: String::new(),
            });
            self.shown = shown.collect();
            self.units_at = MonoTime::ZERO;
        }
        self.window = Some(window);
        self.show_again();
    }

    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    pub(super) fn forget(&mut self) {
        for shown in &mut self.shown {
            shown.node = None;
            shown.unit.clear();
        }
        self.show_again();
    }

    pub(super) fn show_again(&mut self) {
        self.is_settled = false;
        self.pace = Pace::due_at_once();
    }

    /// A message changed this topic.
    pub(super) fn note_change(&mut self, changed: Option<NodeId>) {
        let is_shown = |shown: &Shown| shown.node.is_none() || shown.node == changed;
        if !self.is_settled && self.shown.iter().any(is_shown) {
            self.pace.note_change();
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<MonoTime> {
        let due = self.pace.poll_timeout().into_iter().chain(self.moves_at);
        due.min().filter(|_| self.window.is_some())
    }

    /// With `until` the present is that of a recording.
    pub(super) fn patch(
        &mut self,
        now: Now,
        until: Option<u64>,
        home: &Home,
        store: &Store,
    ) -> Option<Patch> {
        self.window.as_ref()?;
        self.open_patch(now, until, home, store)
    }

    #[inline(never)]
    fn open_patch(&mut self, now: Now, until: Option<u64>, home: &Home, store: &Store) -> Option<Patch> {
        let window = self.window.as_ref()?;
        if self.moves_at.is_some_and(|at| at <= now.mono) {
            self.pace = Pace::due_at_once();
        }
        if !self.pace.take_due(now.mono, INTERVAL_MS) {
            return None;
        }
        for shown in &mut self.shown {
            shown.node = shown.node.or_else(|| store.find(&shown.name.topic));
        }
        if now.mono >= self.units_at {
            self.units_at = now.mono + UNITS_INTERVAL_MS;
            find_units(&mut self.shown, home, store);
        }
        let fields: Vec<_> = self
            .shown
            .iter()
            .filter_map(|shown| Some((shown, field(store, shown)?)))
            .collect();
        let oldest = fields.iter().filter_map(|(_, field)| field.series.first());
        let oldest_ms = oldest.map(|sample| sample.at_ms).min();
        let now_ms = until.map_or(now.wall_ms, |until| until.min(now.wall_ms));
        let (from_ms, to_ms, step_ms) = bounds(window, now_ms, oldest_ms);
        let is_past = matches!(window.span, ChartSpan::Between(..));
        self.is_settled = is_past && to_ms <= now_ms;
        let is_said = oldest_ms.is_some() || fields.iter().any(|(_, field)| field.kept.is_some());
        let moves = !is_past && is_said && until.is_none();
        self.moves_at = moves.then(|| match step_ms {
            ..=INTERVAL_MS => beat_after(now.mono, INTERVAL_MS),
            _ => now.mono + step_ms,
        });
        let columns = window.columns.max(2) as usize;
        let series = fields
            .iter()
            .map(|(shown, field)| series_view(shown, field, from_ms, to_ms, columns));
        Some(Patch::Chart(Box::new(ChartView {
            from_ms,
            to_ms,
            now_ms,
            oldest_ms,
            series: series.collect(),
        })))
    }
}

fn field<'a>(store: &'a Store, shown: &Shown) -> Option<&'a Field> {
    store
        .topic(shown.node?)?
        .field(&shown.name.field, shown.name.is_state)
}

/// Left end, right end and the width of a column, in ms. What follows the time does so in whole columns, so that a
/// sample stays in its column while the chart moves on.
fn bounds(window: &ChartWindow, now_ms: u64, oldest_ms: Option<u64>) -> (u64, u64, u64) {
    // One holds what comes next, so that two are the least that can show what was.
    let columns = u64::from(window.columns.max(2));
    let step_ms = match window.span {
        ChartSpan::Between(from_ms, to_ms) => {
            let to_ms = to_ms.max(from_ms + 1);
            return (from_ms, to_ms, (to_ms - from_ms).div_ceil(columns));
        }
        ChartSpan::Last(span_ms) => (span_ms / columns).max(1),
        ChartSpan::All => {
            let span_ms = now_ms.saturating_sub(oldest_ms.unwrap_or(now_ms)).max(1_000);
            round_up(span_ms.div_ceil(columns - 1))
        }
    };
    let to_ms = (now_ms / step_ms + 1) * step_ms;
    (to_ms.saturating_sub(step_ms * columns), to_ms, step_ms)
}

/// The next number with four significant bits: a span that grows changes the columns seldom.
fn round_up(number: u64) -> u64 {
    let unit = 1 << number.checked_ilog2().unwrap_or(0).saturating_sub(4);
    number.div_ceil(unit) * unit
}

/// Units that devices know. A device may show its number in another unit than it sends (a brightness in %): then
/// its unit is not that of the samples.
fn find_units(shown: &mut [Shown], home: &Home, store: &Store) {
    for shown in shown
        .iter_mut()
        .filter(|shown| shown.unit.is_empty() && !shown.name.is_state)
    {
        let entities = home.devices().iter().flat_map(|(_, device)| &device.entities);
        let found = entities
            .filter(|entity| entity.topic == shown.name.topic)
            .filter(|entity| entity.field.as_deref().unwrap_or_default() == shown.name.field)
            .find(|entity| {
                let field = field(store, shown);
                let then = field.map(|field| field.series.range(entity.at_ms, entity.at_ms + 1, SAME_MOMENT));
                let is_it = |sample: &Sample| entity.value == Value::Number(sample.number);
                let was_kept = field.and_then(|field| field.kept).map(Value::Number);
                was_kept.as_ref() == Some(&entity.value) || then.is_some_and(|then| then.iter().any(is_it))
            });
        if let Some(entity) = found {
            shown.unit.clone_from(&entity.unit);
        }
    }
}

fn series_view(shown: &Shown, field: &Field, from_ms: u64, to_ms: u64, columns: usize) -> SeriesView {
    let series: &Series = &field.series;
    let (mut points, mut held, mut decimals) = (Vec::new(), Vec::new(), Decimals::new());
    for column in series.columns(from_ms, to_ms, columns).iter().flatten() {
        let before = points.len();
        points.extend(column.line().map(point));
        decimals.push(column.last.number);
        held.push(ColumnView {
            points: u8::try_from(points.len() - before).unwrap_or(u8::MAX),
            count: column.count,
            mean: column.mean(),
        });
    }
    let last = series.last().map(|last| last.number);
    let last = field.kept.or(last);
    let decimals = last.map_or(0, decimals_of).max(decimals.count());
    SeriesView {
        name: shown.name.clone(),
        unit: shown.unit.clone(),
        words: field.word.map(|word| {
            let (off, on) = word.words();
            (off.to_owned(), on.to_owned())
        }),
        decimals,
        gap_ms: series.gap_ms(),
        before: series.before(from_ms).map(point),
        after: series.after(to_ms).map(point),
        points,
        columns: held,
        dropped: series.dropped(),
        kept: field.kept,
    }
}

fn point(sample: Sample) -> Point {
    Point {
        at_ms: sample.at_ms,
        number: sample.number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(span: ChartSpan, columns: u32) -> ChartWindow {
        ChartWindow {
            series: vec![],
            span,
            columns,
        }
    }

    #[test]
    fn what_follows_the_time_moves_by_whole_columns() {
        let window = window(ChartSpan::Last(300_000), 600);
        for now_ms in [1_000_000_000, 1_000_000_001, 1_000_000_499] {
            assert_eq!(
                bounds(&window, now_ms, None),
                (1_000_000_500 - 300_000, 1_000_000_500, 500)
            );
        }
        assert_eq!(bounds(&window, 1_000_000_500, None).1, 1_000_001_000);
    }

    #[test]
    fn all_shows_the_oldest_sample_and_now_and_little_more() {
        for span in [1, 999, 12_345, 86_400_000, 123_456_789_012] {
            let (oldest, now) = (1_000_000_000_000, 1_000_000_000_000 + span);
            // A chart that is not laid out yet has hardly any columns.
            for columns in [1, 2, 3, 17, 800] {
                let (from, to, _) = bounds(&window(ChartSpan::All, columns), now, Some(oldest));
                assert!(from <= oldest && now < to, "{span}, {columns} columns");
            }
            let (from, to, _) = bounds(&window(ChartSpan::All, 800), now, Some(oldest));
            let slack = (to - from) as f64 / span.max(1_000) as f64;
            assert!(slack < 1.15 || span < 20_000, "{span}: {slack}");
        }
    }

    #[test]
    fn a_past_stays_where_it_is() {
        let window = window(ChartSpan::Between(5_000, 9_000), 100);
        assert_eq!(bounds(&window, 1_000_000, Some(0)), (5_000, 9_000, 40));
        let turned = ChartWindow {
            span: ChartSpan::Between(9, 5),
            ..window
        };
        assert_eq!(bounds(&turned, 1_000_000, Some(0)), (9, 10, 1));
    }
}
