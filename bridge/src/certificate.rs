//! What a certificate says: in one line, and of its time.

use std::time::{SystemTime, UNIX_EPOCH};

use rustls::{ClientConnection, pki_types::CertificateDer};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

const DAY_S: i64 = 24 * 60 * 60;

/// Version of TLS, whose certificate, for how long.
pub(crate) fn describe(tls: &ClientConnection, certificate: Option<&CertificateDer<'_>>) -> String {
    let version = match tls.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
        other => format!("{other:?}"),
    };
    let alpn = match tls.alpn_protocol() {
        Some(protocol) => format!(", ALPN {}", String::from_utf8_lossy(protocol)),
        None => String::new(),
    };
    match certificate.and_then(|certificate| line(certificate, now_s())) {
        Some(line) => format!("{version}{alpn}, {line}"),
        None => format!("{version}{alpn}"),
    }
}

/// Seconds since 1970.
pub(crate) fn now_s() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// From when until when a certificate holds, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    from_s: i64,
    pub(crate) until_s: i64,
}

/// Where a certificate stands in its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Early,
    Good,
    /// Less than a tenth of its time is left: whoever renews it has had the time for that.
    Near,
    Over,
}

impl Validity {
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        Some(Self {
            from_s: certificate.validity().not_before.timestamp(),
            until_s: certificate.validity().not_after.timestamp(),
        })
    }

    pub(crate) fn age(self, now_s: i64) -> Age {
        let left_s = self.until_s.saturating_sub(now_s);
        match self.until_s.saturating_sub(self.from_s) / 10 {
            _ if now_s < self.from_s => Age::Early,
            _ if left_s < 0 => Age::Over,
            tenth_s if left_s < tenth_s => Age::Near,
            _ => Age::Good,
        }
    }
}

/// Whose it is, for which names, for how long.
pub(crate) fn line(certificate: &CertificateDer<'_>, now_s: i64) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_nears_its_end_in_the_last_tenth_of_its_time() {
        let validity = Validity {
            from_s: 1_000,
            until_s: 2_000,
        };
        for (now_s, age) in [
            (999, Age::Early),
            (1_000, Age::Good),
            (1_900, Age::Good),
            (1_901, Age::Near),
            (2_000, Age::Near),
            (2_001, Age::Over),
        ] {
            assert_eq!(validity.age(now_s), age, "{now_s}");
        }
    }
}
