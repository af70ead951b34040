//! `/metrics`, read by a parser that allows nothing that Prometheus does not.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    fake_broker::{CONNECT, FakeBroker},
    http,
    running::{bridge, bridge_to},
    websocket::open,
};

/// A family's kind, and its samples by their labels.
struct Family {
    kind: String,
    samples: BTreeMap<String, f64>,
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `{name="value",…}`, values without anything that must be escaped.
fn are_labels(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return text.is_empty();
    };
    inner.split(',').all(|pair| {
        pair.split_once('=').is_some_and(|(name, value)| {
            let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            is_name(name) && value.is_some_and(|value| !value.contains(['"', '\\', '\n']))
        })
    })
}

/// Every family: HELP, TYPE, then its samples, each once.
fn parse(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n'), "the last line has an end");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let (name, help) = line
            .strip_prefix("# HELP ")
            .and_then(|rest| rest.split_once(' '))
            .expect(line);
        assert!(is_name(name) && help.len() > 3 && help.ends_with('.'), "{line}");
        let kind = lines.next().and_then(|line| {
            line.strip_prefix("# TYPE ")?
                .strip_prefix(name)?
                .strip_prefix(' ')
        });
        let mut family = Family {
            kind: kind.expect(line).to_owned(),
            samples: BTreeMap::new(),
        };
        while let Some(sample) = lines.next_if(|line| !line.starts_with('#')) {
            let (labelled, value) = sample.rsplit_once(' ').expect(sample);
            let labels = labelled.strip_prefix(name).expect(sample);
            assert!(are_labels(labels), "{sample}");
            let value = value.parse().expect(sample);
            assert!(
                family.samples.insert(labels.to_owned(), value).is_none(),
                "twice: {sample}"
            );
        }
        assert!(
            families.insert(name.to_owned(), family).is_none(),
            "twice: {name}"
        );
    }
    families
}

#[tokio::test]
async fn metrics_are_what_prometheus_reads_with_units_and_kinds_by_its_customs() {
    let broker = FakeBroker::start().await;
    let settings = "[broker.embedded]\nlisten = \"127.0.0.1:0\"\nstorage_dir = \"/nowhere\"";
    let folder = tempfile::TempDir::new().unwrap();
    let settings = settings.replace("/nowhere", &folder.path().display().to_string());
    let bridge = bridge_to(
        broker.address(),
        &format!("default_broker = \"home\"\n{settings}"),
    )
    .await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let tcp = broker.accept_connect().await;
    http::get(bridge.address(), "/missing", &[]).await;
    let answer = http::get(bridge.address(), "/metrics", &[]).await;
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let families = parse(&answer.text());
    for (name, family) in &families {
        assert!(name.starts_with("hearth_"), "{name}");
        match family.kind.as_str() {
            "counter" => assert!(name.ends_with("_total"), "{name}"),
            "gauge" => assert!(!name.ends_with("_total"), "{name}"),
            kind => panic!("{name} is a {kind}"),
        }
        // Base units only, and where they belong: last, but for _total.
        let words: BTreeSet<&str> = name.split('_').collect();
        for unit in [
            "ms",
            "milliseconds",
            "us",
            "minutes",
            "kilobytes",
            "kib",
            "mib",
            "count",
        ] {
            assert!(!words.contains(unit), "{name}");
        }
        if words.contains("bytes") {
            assert!(
                name.ends_with("_bytes_total") || name.ends_with("_bytes"),
                "{name}"
            );
        }
        assert!(
            family
                .samples
                .values()
                .all(|value| value.is_finite() && *value >= 0.0),
            "{name}"
        );
    }
    let sample = |name: &str, labels: &str| families[name].samples.get(labels).copied();
    assert_eq!(sample("hearth_relay_connections", ""), Some(1.0));
    assert_eq!(sample("hearth_http_responses_total", "{code=\"101\"}"), Some(1.0));
    assert_eq!(sample("hearth_http_responses_total", "{code=\"404\"}"), Some(1.0));
    assert!(sample("hearth_http_connections", "").is_some_and(|open| (2.0..=3.0).contains(&open)));
    // What has not happened yet is there with 0, or its first time would be no increase.
    for (name, labels) in [
        ("hearth_http_connections_failed_total", "{reason=\"stalled\"}"),
        ("hearth_http_refused_total", "{reason=\"busy\"}"),
        ("hearth_relay_ended_total", "{code=\"4429\"}"),
        ("hearth_relay_refused_total", "{kind=\"no_room\"}"),
        ("hearth_broker_refused_total", "{limit=\"max_sessions\"}"),
    ] {
        assert_eq!(sample(name, labels), Some(0.0), "{name}{labels}");
    }
    assert_eq!(families["hearth_build_info"].samples.len(), 1);
    assert_eq!(
        sample("hearth_relay_from_browsers_bytes_total", ""),
        Some(CONNECT.len() as f64)
    );
    drop(tcp);
}

#[tokio::test]
async fn without_users_too_metrics_are_for_whom_the_settings_name() {
    for (settings, status) in [
        ("", 200),
        ("auth.metrics_from = [\"127.0.0.1\"]", 200),
        ("auth.metrics_from = [\"192.0.2.7\"]", 403),
    ] {
        let bridge = bridge(settings).await;
        let answer = http::get(bridge.address(), "/metrics", &[]).await;
        assert_eq!(answer.status, status, "{settings}: {}", answer.text());
        assert_eq!(http::get(bridge.address(), "/api/config", &[]).await.status, 200);
    }
}
