//! Charts: as many points as pixels, as often as can be seen.

use super::*;
use crate::wire::{ChartSpan, ChartView, ChartWindow, SeriesName};

fn chart(fields: &[(&str, bool)], span: ChartSpan) -> Command {
    let series = fields.iter().map(|(field, is_state)| SeriesName {
        topic: "home/air".into(),
        field: (*field).into(),
        is_state: *is_state,
    });
    Command::Open(View::Chart(ChartWindow {
        series: series.collect(),
        span,
        columns: 100,
    }))
}

fn charts(bench: &Bench) -> Vec<&ChartView> {
    let charts = bench.patches.iter().filter_map(|patch| match patch {
        Patch::Chart(view) => Some(&**view),
        _ => None,
    });
    charts.collect()
}

#[test]
fn ten_thousand_samples_are_drawn_with_as_many_points_as_pixels() {
    let mut bench = Bench::connected();
    for n in 0..10_000_u32 {
        let number = if n == 5_000 { 1_000 } else { n % 100 };
        bench.publish("home/air", &format!(r#"{{"co2":{number}}}"#));
        bench.ms += 10;
    }
    bench.command(chart(&[("co2", false)], ChartSpan::Last(100_000)));
    let view = charts(&bench).pop().unwrap();
    let series = &view.series[0];
    assert_eq!(view.to_ms - view.from_ms, 100_000);
    assert!(series.points.len() <= 400, "{}", series.points.len());
    assert!(series.columns.iter().map(|column| column.count).sum::<u32>() >= 9_900);
    assert!(
        series.points.iter().any(|point| point.number == 1_000.0),
        "the one peak is there"
    );
    assert_eq!(series.gap_ms, Some(2_000));
}

#[test]
fn a_kept_value_is_told_and_not_drawn() {
    const CONFIG: &str = r#"{"name":"Air","stat_t":"home/air","val_tpl":"{{ value_json.t }}","unit_of_meas":"°C","uniq_id":"a","dev":{"ids":"a"}}"#;
    let mut bench = Bench::connected();
    bench.publish_as("homeassistant/sensor/a/config", CONFIG, true);
    bench.publish_as("home/air", r#"{"t":21.5}"#, true);
    bench.command(chart(&[("t", false)], ChartSpan::Last(300_000)));
    bench.wait(3_000);
    let told = |bench: &Bench| {
        let view = charts(bench).pop().unwrap();
        let series = &view.series[0];
        (
            series.points.len(),
            series.kept,
            series.unit.clone(),
            view.oldest_ms,
        )
    };
    assert_eq!(told(&bench), (0, Some(21.5), "°C".to_owned(), None));
    bench.publish("home/air", r#"{"t":21.6}"#);
    bench.wait(1_000);
    let (points, kept, ..) = told(&bench);
    assert_eq!((points, kept), (1, None));
}

#[test]
fn a_thousand_messages_a_second_draw_a_chart_four_times_a_second() {
    let mut bench = Bench::connected();
    bench.command(chart(&[("", false)], ChartSpan::Last(300_000)));
    for n in 0..2_000 {
        bench.publish("home/air", &n.to_string());
        bench.wait(1);
    }
    assert!(
        (7..=10).contains(&charts(&bench).len()),
        "{}",
        charts(&bench).len()
    );
    bench.patches.clear();
    bench.wait(9_000);
    assert_eq!(
        charts(&bench).len(),
        3,
        "a column is 3 s wide: silence moves it on"
    );
}

#[test]
fn a_past_is_sent_once_and_stays() {
    let mut bench = Bench::connected();
    bench.ms = 60_000;
    bench.publish("home/air", "1");
    bench.wait(1_000);
    bench.patches.clear();
    let past = ChartSpan::Between(WALL_AT_ZERO_MS + 59_000, WALL_AT_ZERO_MS + 60_500);
    bench.command(chart(&[("", false)], past));
    for _ in 0..10 {
        bench.publish("home/air", "2");
        bench.wait(1_000);
    }
    let held = charts(&bench);
    assert_eq!(held.len(), 1);
    let series = &held[0].series[0];
    assert_eq!(
        (series.points.len(), series.before, series.after),
        (1, None, None)
    );
    assert_eq!(held[0].oldest_ms, Some(WALL_AT_ZERO_MS + 60_000));
}

#[test]
fn states_come_with_their_words_and_numbers_with_their_unit() {
    let mut bench = Bench::connected();
    bench.publish("home/air", r#"{"temperature":21.5,"window":"open"}"#);
    bench.wait(500);
    bench.command(chart(&[("temperature", false), ("window", true)], ChartSpan::All));
    let view = charts(&bench).pop().unwrap();
    assert_eq!(view.series[0].unit, "°C");
    assert_eq!(view.series[0].decimals, 1);
    assert_eq!(view.series[1].words, Some(("closed".into(), "open".into())));
    assert_eq!(view.series[1].points[0].number, 1.0);
}

#[test]
fn a_closed_chart_costs_nothing_and_a_topic_that_comes_later_is_found() {
    let mut bench = Bench::connected();
    bench.command(chart(&[("", false)], ChartSpan::Last(300_000)));
    assert!(charts(&bench)[0].series.is_empty());
    bench.publish("home/other", "1");
    bench.publish("home/air", "1");
    bench.wait(300);
    assert_eq!(charts(&bench).pop().unwrap().series.len(), 1);
    bench.command(Command::Close(crate::wire::ViewKind::Chart));
    bench.patches.clear();
    bench.publish("home/air", "2");
    bench.wait(10_000);
    assert!(charts(&bench).is_empty());
}

#[test]
fn a_device_names_the_series_of_its_numbers_and_states() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    bench.publish(
        "zigbee2mqtt/Kitchen/Air",
        r#"{"temperature":21.5,"contact":true}"#,
    );
    bench.wait(1_000);
    let id = bench.cards().last().unwrap().id.clone();
    bench.command(Command::Open(View::Device { id }));
    bench.wait(1_000);
    let series = bench.patches.iter().rev().find_map(|patch| match patch {
        Patch::Device { device, .. } => Some(device.as_ref()?.series.clone()),
        _ => None,
    });
    let mut series: Vec<_> = series
        .unwrap()
        .into_iter()
        .map(|(_, name)| (name.topic, name.field, name.is_state))
        .collect();
    series.sort();
    let topic = || "zigbee2mqtt/Kitchen/Air".to_owned();
    assert_eq!(
        series,
        [
            (topic(), "contact".to_owned(), true),
            (topic(), "temperature".to_owned(), false)
        ]
    );
}
