//! What a certificate says, in one line.

use std::time::{SystemTime, UNIX_EPOCH};

use rustls::{ClientConnection, pki_types::CertificateDer};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

const DAY_S: i64 = 24 * 60 * 60;

/// Version of TLS, whose certificate, for how long.
pub(super) fn describe(tls: &ClientConnection, certificate: Option<&CertificateDer<'_>>) -> String {
    let version = match tls.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
        other => format!("{other:?}"),
    };
    let alpn = match tls.alpn_protocol() {
        Some(protocol) => format!(", ALPN {}", String::from_utf8_lossy(protocol)),
        None => String::new(),
    };
    let now_s = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
    match certificate.and_then(|certificate| line(certificate, now_s)) {
        Some(line) => format!("{version}{alpn}, {line}"),
        None => format!("{version}{alpn}"),
    }
}

fn line(certificate: &CertificateDer<'_>, now_s: i64) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let names = names(&certificate);
    let names = match names.as_slice() {
        [] => String::new(),
        names => format!(" for {}", names.join(", ")),
    };
    let left_s = certificate.validity().not_after.timestamp().saturating_sub(now_s);
    let left = match left_s / DAY_S {
        _ if left_s < 0 => "it has expired".to_owned(),
        1 => "1 day left".to_owned(),
        days => format!("{days} days left"),
    };
    Some(format!("certificate {}{names}, {left}", certificate.subject()))
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        })
        .collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(bytes).to_string());
    }
    let bytes = <[u8; 16]>::try_from(bytes).ok()?;
    Some(std::net::Ipv6Addr::from(bytes).to_string())
}
