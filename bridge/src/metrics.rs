//! Counters, and their Prometheus text.

mod auth;

use std::{
    collections::BTreeMap,
    fmt::{Display, Write as _},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use hearth_model::api::close;

use crate::{
    auth::Auth, broker::Counters, certificate::Validity, config::BrokerId, relay::Refusal, telemetry,
    transport::Reloads,
};

/// Why connections end that should not: labels that are there from the start, or nobody could see the first of them as an increase.
const ENDED: [&str; 10] = [
    "bad_request",
    "broken",
    "head_timeout",
    "head_too_big",
    "not_handed_over",
    "not_taken",
    "stalled",
    "tls_failed",
    "tls_timeout",
    "too_many_from_address",
];
/// The codes of `ApiError`.
const REFUSED: [&str; 18] = [
    "busy",
    "form_refused",
    "handshake_refused",
    "host_refused",
    "internal",
    "method_not_allowed",
    "no_broker",
    "no_identity",
    "not_allowed",
    "not_found",
    "not_logged_in",
    "not_websocket",
    "origin_refused",
    "page_not_built",
    "request_timeout",
    "too_many_forms",
    "unclear_identity",
    "unknown_broker",
];
/// A browser's close reason that is not UTF-8 (RFC 6455, 7.4.1).
const INVALID_CLOSE_REASON: u16 = 1007;

/// What relays count.
#[derive(Debug, Default)]
pub(crate) struct RelayMetrics {
    opened: AtomicU64,
    dial_failures: Mutex<BTreeMap<BrokerId, u64>>,
    frames_to_browsers: AtomicU64,
    bytes_to_browsers: AtomicU64,
    bytes_from_browsers: AtomicU64,
    /// By close code; browsers that went by themselves are 0.
    ended: Mutex<BTreeMap<u16, u64>>,
    /// By kind.
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

impl RelayMetrics {
    /// A gate refused something so many times.
    pub(crate) fn refused(&self, kind: &'static str, count: u64) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry(kind).or_default() += count;
    }

    pub(crate) fn opened(&self) {
        add(&self.opened, 1);
    }

    pub(crate) fn dial_failed(&self, broker: &BrokerId) {
        let mut failures = self.dial_failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures.entry(broker.clone()).or_default() += 1;
    }

    /// Of this broker.
    pub(crate) fn dial_failures(&self, broker: &BrokerId) -> u64 {
        let failures = self.dial_failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(broker).copied().unwrap_or_default()
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

    /// A relay ended; with a code if the bridge closed it. Says whether it is the first with this code.
    pub(crate) fn ended(&self, code: Option<u16>) -> bool {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let count = ended.entry(code.unwrap_or(0)).or_default();
        *count += 1;
        *count == 1
    }
}

/// What the HTTP side counts.
#[derive(Debug, Default)]
pub(crate) struct HttpMetrics {
    connections: AtomicU64,
    /// Connections that found no free place at once.
    waited: AtomicU64,
    /// Connections that ended as they should not, by reason.
    ended: Mutex<BTreeMap<&'static str, u64>>,
    certificates_read: AtomicU64,
    certificates_unusable: AtomicU64,
    /// Seconds since 1970; 0 without HTTPS.
    certificate_ends_at: AtomicU64,
    /// By status code.
    responses: Mutex<BTreeMap<u16, u64>>,
    /// Refused requests by their stable code.
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

impl HttpMetrics {
    pub(crate) fn connected(&self) {
        add(&self.connections, 1);
    }

    /// A connection has to wait for a place.
    pub(crate) fn waited(&self) {
        add(&self.waited, 1);
    }

    pub(crate) fn answered(&self, status: u16) {
        let mut responses = self.responses.lock().unwrap_or_else(PoisonError::into_inner);
        *responses.entry(status).or_default() += 1;
    }

    pub(crate) fn connection_ended(&self, reason: &'static str) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        *ended.entry(reason).or_default() += 1;
    }

    /// Was nothing refused for this reason yet?
    pub(crate) fn is_first(&self, code: &'static str) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        !refused.contains_key(code)
    }

    /// A changed certificate was read, and is in use if it is good.
    pub(crate) fn certificate_read(&self, good: bool) {
        add(
            if good {
                &self.certificates_read
            } else {
                &self.certificates_unusable
            },
            1,
        );
    }

    /// The certificate in use holds until then, in seconds since 1970.
    pub(crate) fn certificate_ends_at(&self, at_s: i64) {
        let at_s = u64::try_from(at_s).unwrap_or(0);
        self.certificate_ends_at.store(at_s, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self, code: &'static str) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry(code).or_default() += 1;
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// What was counted about one broker that the relay dials.
pub(crate) struct BrokerFigures {
    pub(crate) id: BrokerId,
    pub(crate) dial_failures: u64,
    pub(crate) tls: Reloads,
    /// Of the certificate that the bridge shows.
    pub(crate) certificate: Option<Validity>,
    pub(crate) credential_changes: u64,
    /// Seconds since 1970; `None` when they have no end.
    pub(crate) credentials_expire_at: Option<u64>,
}

/// Everything as Prometheus reads it; `broker` is what the embedded one counted.
pub(crate) fn render(
    http: &HttpMetrics,
    open_connections: usize,
    relay: &RelayMetrics,
    (open_relays, held_bytes): (usize, usize),
    brokers: &[BrokerFigures],
    auth: &Auth,
    broker: Option<Counters>,
) -> String {
    let mut text = Text(String::new());
    text.build();
    text.http(http, open_connections);
    text.relay(relay, open_relays);
    text.held(held_bytes);
    text.brokers(brokers);
    text.auth(auth);
    if let Some(broker) = broker {
        text.broker(broker);
    }
    text.0
}

struct Text(String);

impl Text {
    fn build(&mut self) {
        self.head("hearth_build_info", "The version that runs; always 1.", "gauge");
        let version = env!("CARGO_PKG_VERSION");
        self.line("hearth_build_info", &format!("{{version=\"{version}\"}}"), 1);
        let name = "hearth_log_lines_left_out_total";
        self.head(
            name,
            "Lines of the log that were left out, because there were too many of a kind.",
            "counter",
        );
        self.line(name, "", telemetry::left_out());
    }

    fn http(&mut self, http: &HttpMetrics, open: usize) {
        let name = "hearth_http_connections";
        self.head(name, "TCP connections open now, WebSockets included.", "gauge");
        self.line(name, "", open as u64);
        self.by_label(
            "hearth_http_responses_total",
            "Responses, by status code; 101 are WebSockets.",
            "code",
            [],
            &http.responses,
        );
        self.counter(
            "hearth_http_connections_total",
            "TCP connections accepted.",
            &http.connections,
        );
        self.counter(
            "hearth_http_connections_waited_total",
            "TCP connections that waited for a place, because http.max_connections was reached.",
            &http.waited,
        );
        self.by_label(
            "hearth_http_connections_failed_total",
            "TCP connections that ended as they should not, by reason.",
            "reason",
            ENDED,
            &http.ended,
        );
        self.counter(
            "hearth_http_certificates_read_total",
            "Changed certificates that were taken into use.",
            &http.certificates_read,
        );
        self.counter(
            "hearth_http_certificates_unusable_total",
            "Changed certificates that could not be used.",
            &http.certificates_unusable,
        );
        let name = "hearth_http_certificate_expiry_timestamp_seconds";
        self.head(
            name,
            "When the certificate of HTTPS ends, in seconds since 1970; nothing without HTTPS.",
            "gauge",
        );
        let ends_at = http.certificate_ends_at.load(Ordering::Relaxed);
        if ends_at > 0 {
            self.line(name, "", ends_at);
        }
        self.by_label(
            "hearth_http_refused_total",
            "Requests refused, by reason.",
            "reason",
            REFUSED,
            &http.refused,
        );
    }

    fn relay(&mut self, relay: &RelayMetrics, open: usize) {
        self.head("hearth_relay_connections", "WebSockets open now.", "gauge");
        self.line("hearth_relay_connections", "", open as u64);
        let counters = [
            ("connections_total", "WebSockets opened.", &relay.opened),
            (
                "frames_to_browsers_total",
                "Frames sent to browsers.",
                &relay.frames_to_browsers,
            ),
            (
                "to_browsers_bytes_total",
                "MQTT bytes sent to browsers.",
                &relay.bytes_to_browsers,
            ),
            (
                "from_browsers_bytes_total",
                "MQTT bytes from browsers.",
                &relay.bytes_from_browsers,
            ),
        ];
        for (name, help, counter) in counters {
            self.counter(&format!("hearth_relay_{name}"), help, counter);
        }
        self.by_label(
            "hearth_relay_ended_total",
            "WebSockets ended, by close code; 0: by the browser.",
            "code",
            // By the browser, or by the bridge with one of its codes.
            [0, INVALID_CLOSE_REASON].into_iter().chain(close::ALL),
            &relay.ended,
        );
        self.by_label(
            "hearth_relay_refused_total",
            "What policies refused: CONNECTs, messages, topic filters, packets, by kind.",
            "kind",
            Refusal::ALL.map(Refusal::label),
            &relay.refused,
        );
    }

    fn held(&mut self, bytes: usize) {
        let name = "hearth_relay_held_bytes";
        self.head(
            name,
            "Bytes held of packets that have not arrived whole.",
            "gauge",
        );
        self.line(name, "", bytes as u64);
    }

    fn brokers(&mut self, brokers: &[BrokerFigures]) {
        type Figure = fn(&BrokerFigures) -> u64;
        let figures: [(&str, &str, Figure); 4] = [
            (
                "hearth_relay_dial_failures_total",
                "How often a broker could not be reached for a browser, ended TLS, or did not answer CONNECT, by broker.",
                |broker| broker.dial_failures,
            ),
            (
                "hearth_tls_reloads_total",
                "Changed certificates, keys and CA files that were taken into use, by broker.",
                |broker| broker.tls.done,
            ),
            (
                "hearth_tls_reload_failures_total",
                "Changed certificates, keys and CA files that cannot be used, by broker.",
                |broker| broker.tls.failed,
            ),
            (
                "hearth_credential_changes_total",
                "Changes of the file with the bridge's credentials, by broker.",
                |broker| broker.credential_changes,
            ),
        ];
        for (name, help, figure) in figures {
            self.head(name, help, "counter");
            for broker in brokers {
                self.line(name, &format!("{{broker=\"{}\"}}", broker.id), figure(broker));
            }
        }
        type End = fn(&BrokerFigures) -> Option<u64>;
        let ends: [(&str, &str, End); 2] = [
            (
                "hearth_credential_expiry_timestamp_seconds",
                "When the token in the file with the bridge's credentials ends, in seconds since 1970, by broker; nothing for what has no end.",
                |broker| broker.credentials_expire_at,
            ),
            (
                "hearth_tls_certificate_expiry_timestamp_seconds",
                "When the certificate that the bridge shows to a broker ends, in seconds since 1970, by broker; nothing without one.",
                |broker| u64::try_from(broker.certificate?.until_s).ok(),
            ),
        ];
        for (name, help, end) in ends {
            self.head(name, help, "gauge");
            for broker in brokers {
                if let Some(at) = end(broker) {
                    self.line(name, &format!("{{broker=\"{}\"}}", broker.id), at);
                }
            }
        }
    }

    fn broker(&mut self, counted: Counters) {
        let counters = [
            ("logins_denied", "Logins refused.", counted.logins_denied),
            (
                "publishes_denied",
                "Messages refused for lack of permission.",
                counted.publishes_denied,
            ),
            (
                "subscriptions_denied",
                "Filters refused for lack of permission.",
                counted.subscriptions_denied,
            ),
            (
                "messages_dropped",
                "Messages dropped: a queue was full, a client gone, a message expired.",
                counted.messages_dropped,
            ),
            (
                "retained_not_kept",
                "Retained messages delivered, but not kept, because a limit was reached.",
                counted.retained_not_kept,
            ),
            (
                "snapshots_failed",
                "Snapshots that could not be written.",
                counted.snapshots_failed,
            ),
        ];
        for (name, help, count) in counters {
            let name = format!("hearth_broker_{name}_total");
            self.head(&name, help, "counter");
            self.line(&name, "", count);
        }
        let refused = counted.refused;
        self.by_word(
            "hearth_broker_refused_total",
            "What the embedded broker refused because a limit was reached, by the key of the limit.",
            "limit",
            [
                ("max_connections", refused.connections),
                ("max_sessions", refused.sessions),
                ("max_packet_bytes", refused.packets),
                ("max_subscriptions", refused.subscriptions),
                ("max_topic_levels", refused.topic_levels),
            ],
        );
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let _never_fails = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: u64) {
        let _never_fails = writeln!(self.0, "{name}{labels} {value}");
    }

    fn counter(&mut self, name: &str, help: &str, counter: &AtomicU64) {
        self.head(name, help, "counter");
        self.line(name, "", counter.load(Ordering::Relaxed));
    }

    /// `known` are the values that are there from the start, with 0.
    fn by_label<L: Display + Ord + Copy>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        known: impl IntoIterator<Item = L>,
        counts: &Mutex<BTreeMap<L, u64>>,
    ) {
        self.head(name, help, "counter");
        let mut all: BTreeMap<L, u64> = known.into_iter().map(|value| (value, 0)).collect();
        all.extend(counts.lock().unwrap_or_else(PoisonError::into_inner).iter());
        for (value, count) in all {
            self.line(name, &format!("{{{label}=\"{value}\"}}"), count);
        }
    }
}
