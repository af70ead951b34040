//! `[http]`: bounds of the HTTP side, and HTTPS.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{
    files::{Holds, unreadable},
    reader::Section,
};

/// What one client of the HTTP side may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// TCP connections at one time, WebSockets included. Default 12,000: more than the relay's own cap, so that its explanation is heard.
    pub max_connections: usize,
    /// TCP connections of one address at one time, WebSockets included; trusted proxies have no such limit. Default: 200 more than
    /// `relay.max_connections_per_address`, so that the relay's explanation is heard.
    pub max_connections_per_address: usize,
    /// Requests that are worked on at one time. WebSockets count only until they are open. Default 1,000.
    pub max_requests: usize,
    /// Time in which the head of a request must have arrived, the TLS handshake before it, and the next request after it. Default 10,000 ms.
    pub header_timeout: Duration,
    /// Time in which a request must have been answered, its body included. Default 30,000 ms.
    pub request_timeout: Duration,
    /// Time for which a browser may take nothing of an answer. Default 30,000 ms; 0 is endless.
    pub stalled_timeout: Duration,
    /// Time after which an HTTP/2 connection without a request is ended. Default 120,000 ms.
    pub idle_timeout: Duration,
    /// Bytes of a request's head. Default 32 KiB: room for the cookies of a whole domain.
    pub max_header_bytes: usize,
    /// HTTPS, when certificate and key are named.
    pub tls: Option<HttpTlsConfig>,
}

/// HTTPS and WSS on the one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpTlsConfig {
    /// The certificate chain, PEM. Read again when it changes.
    pub cert_file: PathBuf,
    /// Its key, PEM. Read again when it changes.
    pub key_file: PathBuf,
    /// A second address, whose plain HTTP leads to the first one. Default: none.
    pub redirect_listen: Option<SocketAddr>,
    /// How long browsers shall insist on HTTPS for this name (Strict-Transport-Security). Default: a year; 0 does not say it.
    pub hsts_max_age_s: u64,
}

impl HttpConfig {
    pub(crate) fn read(section: Section<'_>, relay_per_address: usize) -> Self {
        let per_address = (relay_per_address as u64 + 200).min(1_000_000);
        let config = Self {
            max_connections: section.integer("max_connections", 1..=1_000_000, 12_000) as usize,
            max_connections_per_address: section.integer(
                "max_connections_per_address",
                1..=1_000_000,
                per_address,
            ) as usize,
            max_requests: section.integer("max_requests", 1..=1_000_000, 1_000) as usize,
            header_timeout: section.duration_ms("header_timeout_ms", 100..=600_000, 10_000),
            request_timeout: section.duration_ms("request_timeout_ms", 100..=3_600_000, 30_000),
            stalled_timeout: section.duration_ms("stalled_timeout_ms", 0..=3_600_000, 30_000),
            idle_timeout: section.duration_ms("idle_timeout_ms", 100..=3_600_000, 120_000),
            max_header_bytes: section.integer("max_header_bytes", 8_192..=1_048_576, 32_768) as usize,
            tls: HttpTlsConfig::read(section.section("tls")),
        };
        section.finish();
        config
    }
}

impl HttpTlsConfig {
    /// Nothing when HTTPS is not wanted, or a mistake was found.
    fn read(section: Section<'_>) -> Option<Self> {
        let keys = ["cert_file", "key_file", "redirect_listen", "hsts_max_age_s"];
        let wanted = section.is_in_file() || keys.into_iter().any(|key| section.is_set(key));
        let cert_file = pem_file(&section, "cert_file", "/etc/hearth/https.pem", wanted);
        let key_file = pem_file(&section, "key_file", "/etc/hearth/https.key", wanted);
        let redirect_listen = section.text("redirect_listen");
        let hsts_max_age_s = section.integer("hsts_max_age_s", 0..=63_072_000, 31_536_000);
        section.finish();
        Some(Self {
            cert_file: cert_file?,
            key_file: key_file?,
            redirect_listen,
            hsts_max_age_s,
        })
    }
}

fn pem_file(section: &Section<'_>, key: &'static str, example: &str, wanted: bool) -> Option<PathBuf> {
    let file: Option<PathBuf> = section.text(key);
    match &file {
        None if wanted && !section.is_set(key) => {
            let message = "HTTPS needs a certificate and its key".to_owned();
            section.mistake(
                key,
                message,
                format!("name both: add {key} = \"{example}\", or remove the section"),
            );
        }
        Some(file) if let Some(message) = unreadable(file, Holds::NoSecret) => {
            section.mistake(key, message, "name a PEM file that the bridge may read".into());
        }
        Some(_) | None => {}
    }
    file
}
