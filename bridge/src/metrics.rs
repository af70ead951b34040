//! Counters, and their Prometheus text.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// What relays count.
#[derive(Debug, Default)]
pub(crate) struct RelayMetrics {
    opened: AtomicU64,
    dial_failures: AtomicU64,
    frames_to_browsers: AtomicU64,
    bytes_to_browsers: AtomicU64,
    bytes_from_browsers: AtomicU64,
    /// By close code; browsers that went by themselves are 0.
    ended: Mutex<BTreeMap<u16, u64>>,
}

impl RelayMetrics {
    pub(crate) fn opened(&self) {
        add(&self.opened, 1);
    }

    pub(crate) fn dial_failed(&self) {
        add(&self.dial_failures, 1);
    }

    /// One frame went to a browser.
    pub(crate) fn sent(&self, payload_len: usize) {
        add(&self.frames_to_browsers, 1);
        add(&self.bytes_to_browsers, payload_len as u64);
    }

    /// Payload came from a browser.
    pub(crate) fn received(&self, payload_len: usize) {
        add(&self.bytes_from_browsers, payload_len as u64);
    }

    /// A relay ended; with a code if the bridge closed it.
    pub(crate) fn ended(&self, code: Option<u16>) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        *ended.entry(code.unwrap_or(0)).or_default() += 1;
    }
}

/// What the HTTP side counts.
#[derive(Debug, Default)]
pub(crate) struct HttpMetrics {
    connections: AtomicU64,
    /// Refused requests by their stable code.
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

impl HttpMetrics {
    pub(crate) fn connected(&self) {
        add(&self.connections, 1);
    }

    pub(crate) fn refused(&self, code: &'static str) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry(code).or_default() += 1;
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// Everything as Prometheus reads it.
pub(crate) fn render(http: &HttpMetrics, relay: &RelayMetrics, open_relays: usize) -> String {
    let mut text = Text(String::new());
    let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    text.counter(
        "hearth_http_connections_total",
        "TCP connections accepted.",
        get(&http.connections),
    );
    text.head(
        "hearth_http_refused_total",
        "Requests refused, by reason.",
        "counter",
    );
    for (code, count) in http.refused.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        text.line(
            "hearth_http_refused_total",
            &format!("{{reason=\"{code}\"}}"),
            *count,
        );
    }
    text.head("hearth_relay_connections", "WebSockets open now.", "gauge");
    text.line("hearth_relay_connections", "", open_relays as u64);
    text.counter(
        "hearth_relay_connections_total",
        "WebSockets opened.",
        get(&relay.opened),
    );
    text.counter(
        "hearth_relay_dial_failures_total",
        "Brokers that could not be reached.",
        get(&relay.dial_failures),
    );
    text.head(
        "hearth_relay_ended_total",
        "WebSockets ended, by close code; 0: by the browser.",
        "counter",
    );
    for (code, count) in relay.ended.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        text.line(
            "hearth_relay_ended_total",
            &format!("{{code=\"{code}\"}}"),
            *count,
        );
    }
    text.counter(
        "hearth_relay_frames_to_browsers_total",
        "Frames sent to browsers.",
        get(&relay.frames_to_browsers),
    );
    text.counter(
        "hearth_relay_to_browsers_bytes_total",
        "MQTT bytes sent to browsers.",
        get(&relay.bytes_to_browsers),
    );
    text.counter(
        "hearth_relay_from_browsers_bytes_total",
        "MQTT bytes from browsers.",
        get(&relay.bytes_from_browsers),
    );
    text.0
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let _never_fails = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: u64) {
        let _never_fails = writeln!(self.0, "{name}{labels} {value}");
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        self.line(name, "", value);
    }
}
