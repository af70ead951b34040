//! A chart in words and numbers: what is under the cursor, the summary, the rows of the table.

use hearth_model::{decimal, format::format_number, order::sort_by_key};

use super::plan::{columns, low_and_high};
use crate::{
    components::{text::visible, words},
    platform::locale,
    wire::{ChartView, Point, SeriesView},
};

/// A trend is worth a word when the mean moved by more than this part of all that was seen.
const TREND: f64 = 0.15;

/// A number of a series as it is read: "21.5 °C", "on".
pub(crate) fn value(series: &SeriesView, number: f64) -> String {
    if let Some((off, on)) = &series.words {
        return if number < 0.5 { off } else { on }.clone();
    }
    let text = number_text(series, number);
    if series.unit.is_empty() {
        return text;
    }
    format!("{text} {}", visible(&series.unit))
}

fn number_text(series: &SeriesView, number: f64) -> String {
    number_in(number, series.decimals)
}

/// With so many decimals; very large and very small numbers with the digits that they have. Above 2⁵³ whole numbers are
/// not exact any more, which is said.
pub(super) fn number_in(number: f64, decimals: u8) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    const PLAIN: f64 = 1e21;
    let size = number.abs();
    if (1e15..PLAIN).contains(&size) {
        let about = if size >= EXACT { "≈ " } else { "" };
        return format!("{about}{}", locale::number(&decimal::fixed(number, 0)));
    }
    if size > 0.0 && size < SMALL {
        return significant(number);
    }
    locale::number(&format_number(number, decimals).replace(',', ""))
}

/// Below it three decimals say too little of a number.
const SMALL: f64 = 0.0995;
/// Below it powers of ten are shorter.
const TINY: f64 = 1e-6;

/// Four digits: "0.0123", "4.79e-7".
fn significant(number: f64) -> String {
    if number.abs() < TINY {
        let text = decimal::scientific(number, 4);
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    let decimals = (3.0 - number.abs().log10().floor()).clamp(0.0, 12.0) as usize;
    let text = decimal::fixed(number, decimals);
    locale::number(text.trim_end_matches('0'))
}

/// What is known of a series at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Near {
    pub(crate) point: Point,
    /// Lowest and highest of the samples that share its column of pixels, if there are several.
    pub(crate) extent: Option<(f64, f64)>,
}

/// The sample nearest to a moment; of a state the one that holds then.
pub(crate) fn near(view: &ChartView, series: &SeriesView, at_ms: u64) -> Option<Near> {
    let points = &series.points;
    let next = points.partition_point(|point| point.at_ms <= at_ms);
    let before = next.checked_sub(1).and_then(|last| points.get(last).copied());
    if series.name.is_state {
        let point = before.or(series.before)?;
        return Some(Near { point, extent: None });
    }
    let away = |point: &Point| point.at_ms.abs_diff(at_ms);
    let point = [before, points.get(next).copied()]
        .into_iter()
        .flatten()
        .min_by_key(away)?;
    // What is far away is not under the cursor.
    let reach = (view.to_ms.saturating_sub(view.from_ms) / 20).max(series.gap_ms.unwrap_or(0) / 2);
    if away(&point) > reach {
        return None;
    }
    let (held, _) = columns(series).find(|(held, _)| held.contains(&point))?;
    let extent = low_and_high(held.iter().map(|point| point.number));
    Some(Near {
        point,
        extent: (extent.0 < extent.1).then_some(extent),
    })
}

/// The words of [`near`]: "21.5 °C", "21.5 °C (20.9 to 22.0)", "–".
pub(crate) fn near_words(series: &SeriesView, near: Option<Near>) -> String {
    let Some(Near { point, extent }) = near else {
        return "–".to_owned();
    };
    let said = value(series, point.number);
    match extent {
        Some((low, high)) => {
            let (low, high) = (number_text(series, low), number_text(series, high));
            format!("{said} ({low} to {high})")
        }
        None => said,
    }
}

/// Moments that the arrow keys stop at: one per column of pixels with samples.
pub(crate) fn stops<'a>(shown: impl Iterator<Item = &'a SeriesView>) -> Vec<u64> {
    let mut stops: Vec<u64> = shown
        .flat_map(|series| columns(series).filter_map(|(held, _)| held.last().map(|point| point.at_ms)))
        .collect();
    sort_by_key(&mut stops, |at| *at);
    stops.dedup();
    stops
}

/// What the broker had kept, which is not drawn; "" when it was nothing.
pub(crate) fn kept(series: &SeriesView, label: &str) -> String {
    series.kept.map_or_else(String::new, |kept| {
        let kept = value(series, kept);
        format!("{label} was kept by the broker as {kept}, age unknown: it has no place in time.")
    })
}

/// "temperature, last hour: from 20.1 to 22.3 °C, last 22.2 °C at 14:31:58, rising."
pub(crate) fn summary(series: &SeriesView, label: &str) -> String {
    let kept = kept(series, label);
    let Some(last) = series.points.last() else {
        return format!("{label}: no samples in this time. {kept}")
            .trim_end()
            .to_owned();
    };
    let at = locale::time_long(last.at_ms);
    let samples: u64 = series.columns.iter().map(|column| u64::from(column.count)).sum();
    let samples = words::count(samples, "sample", "samples");
    let now = value(series, last.number);
    if series.words.is_some() {
        return format!("{label}: {samples}, last {now} at {at}. {kept}")
            .trim_end()
            .to_owned();
    }
    let (low, high) = low_and_high(series.points.iter().map(|point| point.number));
    let (low, high) = (number_text(series, low), value(series, high));
    let trend = trend(series);
    let all = format!("{label}: {samples}, from {low} to {high}, last {now} at {at}, {trend}. {kept}");
    all.trim_end().to_owned()
}

fn trend(series: &SeriesView) -> &'static str {
    let third = series.columns.len() / 3;
    let mean = |columns: &[crate::wire::ColumnView]| {
        columns.iter().map(|column| column.mean).sum::<f64>() / columns.len().max(1) as f64
    };
    let (Some((early, _)), Some((_, late))) = (
        series.columns.split_at_checked(third.max(1)),
        series
            .columns
            .split_at_checked(series.columns.len() - third.max(1).min(series.columns.len())),
    ) else {
        return "steady";
    };
    let (low, high) = low_and_high(series.points.iter().map(|point| point.number));
    let moved = mean(late) - mean(early);
    match (high - low) * TREND {
        much if moved > much => "rising",
        much if moved < -much => "falling",
        _ => "steady",
    }
}

/// A line of the table: the samples of one column of pixels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) at_ms: u64,
    /// Place in [`ChartView::series`].
    pub(crate) place: usize,
    /// The sample; of several the mean.
    pub(crate) number: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) count: u32,
}

/// All that is drawn of these series, newest first.
pub(crate) fn rows(view: &ChartView, shown: &[usize]) -> Vec<Row> {
    let mut rows = Vec::new();
    for place in shown {
        let Some(series) = view.series.get(*place) else {
            continue;
        };
        for ((held, mean), column) in columns(series).zip(&series.columns) {
            let Some(last) = held.last() else { continue };
            let (low, high) = low_and_high(held.iter().map(|point| point.number));
            let is_one = column.count == 1 || series.name.is_state;
            rows.push(Row {
                at_ms: last.at_ms,
                place: *place,
                number: if is_one { last.number } else { mean },
                low,
                high,
                count: column.count,
            });
        }
    }
    sort_by_key(&mut rows, |row| std::cmp::Reverse(row.at_ms));
    rows
}

/// The rows as comma-separated values, oldest first.
pub(crate) fn csv(view: &ChartView, rows: &[Row], label: impl Fn(usize) -> String) -> String {
    let mut out = "time,series,value,lowest,highest,samples,unit\r\n".to_owned();
    for row in rows.iter().rev() {
        let Some(series) = view.series.get(row.place) else {
            continue;
        };
        let cells = [
            locale::iso(row.at_ms),
            cell(&label(row.place)),
            decimal::shortest(row.number),
            decimal::shortest(row.low),
            decimal::shortest(row.high),
            row.count.to_string(),
            cell(&series.unit),
        ];
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

/// Quoted, and never read as a formula by a spreadsheet.
fn cell(text: &str) -> String {
    let plain = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    format!("\"{plain}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::testing::{column, series, view};

    #[test]
    fn the_cursor_finds_the_nearest_sample_and_nothing_far_away() {
        let held = series("t", &[(1_000, 1.0), (1_100, 2.0), (5_000, 3.0)]);
        let view = view(0, 10_000, vec![held]);
        let at = |at_ms| near(&view, &view.series[0], at_ms).map(|near| near.point.number);
        assert_eq!(at(1_040), Some(1.0));
        assert_eq!(at(1_060), Some(2.0));
        assert_eq!(at(5_400), Some(3.0));
        assert_eq!(at(3_000), None);
        assert_eq!(near_words(&view.series[0], None), "–");
    }

    #[test]
    fn small_and_large_numbers_keep_their_digits() {
        for (number, decimals, said) in [
            (4.79e-7, 3, "4.79e-7"),
            (-0.0123, 3, "\u{2212}0.0123"),
            (0.05, 2, "0.05"),
            (0.25, 3, "0.250"),
            (0.0, 1, "0.0"),
            (1_790_000_000_123.0, 0, "1,790,000,000,123"),
            (9_007_199_254_740_991.0, 0, "9,007,199,254,740,991"),
            (9_007_199_254_740_992.0, 0, "≈ 9,007,199,254,740,992"),
            (1e300, 0, "1e300"),
        ] {
            assert_eq!(number_in(number, decimals), said);
        }
    }

    #[test]
    fn a_state_holds_until_the_next() {
        let mut held = series("s", &[(5_000, 0.0)]);
        held.name.is_state = true;
        held.words = Some(("closed".to_owned(), "open".to_owned()));
        held.before = Some(Point {
            at_ms: 10,
            number: 1.0,
        });
        let view = view(1_000, 10_000, vec![held]);
        let held = &view.series[0];
        assert_eq!(near_words(held, near(&view, held, 4_999)), "open");
        assert_eq!(near_words(held, near(&view, held, 9_999)), "closed");
    }

    #[test]
    fn a_column_of_many_samples_says_its_extent() {
        let mut held = series("t", &[(100, 1.0), (110, 3.0), (500, 2.0)]);
        held.columns = vec![column((2, 50, 2.0)), column((1, 1, 2.0))];
        (held.unit, held.decimals) = ("°C".to_owned(), 1);
        let view = view(0, 1_000, vec![held]);
        let held = &view.series[0];
        assert_eq!(near_words(held, near(&view, held, 90)), "1.0 °C (1.0 to 3.0)");
        assert_eq!(near_words(held, near(&view, held, 490)), "2.0 °C");
        assert_eq!(stops(view.series.iter()), [110, 500]);
        let rows = rows(&view, &[0]);
        let read: Vec<_> = rows
            .iter()
            .map(|row| (row.at_ms, row.number, row.count))
            .collect();
        assert_eq!(read, [(500, 2.0, 1), (110, 2.0, 50)]);
    }

    #[test]
    fn the_summary_names_range_last_value_and_trend() {
        let points: Vec<_> = (0..30).map(|n| (n * 1_000, 20.0 + n as f64 / 10.0)).collect();
        let mut held = series("t", &points);
        (held.unit, held.decimals) = ("°C".to_owned(), 1);
        assert_eq!(
            summary(&held, "temperature"),
            "temperature: 30 samples, from 20.0 to 22.9 °C, last 22.9 °C at 00:00:29, rising."
        );
        held.points.reverse();
        held.columns.reverse();
        assert!(summary(&held, "t").ends_with("falling."));
        assert!(summary(&series("t", &[(0, 1.0)]), "t").ends_with("steady."));
        assert_eq!(summary(&series("t", &[]), "t"), "t: no samples in this time.");
        let kept = SeriesView {
            kept: Some(21.5),
            decimals: 1,
            ..series("t", &[])
        };
        assert_eq!(
            summary(&kept, "t"),
            "t: no samples in this time. t was kept by the broker as 21.5, age unknown: it has no place in time."
        );
    }

    #[test]
    fn a_name_from_the_broker_is_no_formula() {
        let view = view(0, 10_000, vec![series("t", &[(1_000, 1.5), (2_000, 2.0)])]);
        let csv = csv(&view, &rows(&view, &[0]), |_| "=1+\"1\"".to_owned());
        assert_eq!(
            csv,
            "time,series,value,lowest,highest,samples,unit\r\n\
             1970-01-01T00:00:01.000Z,\"'=1+\"\"1\"\"\",1.5,1.5,1.5,1,\"\"\r\n\
             1970-01-01T00:00:02.000Z,\"'=1+\"\"1\"\"\",2,2,2,1,\"\"\r\n"
        );
    }
}
