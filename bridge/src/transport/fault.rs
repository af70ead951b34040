//! What an error of TLS means, in terms that lead to something to do.

use std::io;

use hearth_model::doctor::TlsFault;
use rustls::{AlertDescription, CertificateError, Error};

pub(crate) fn tls_fault(error: &io::Error) -> TlsFault {
    let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return match error.kind() {
            // Somebody who expects another language hangs up.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                TlsFault::NotTls
            }
            _ => TlsFault::Other(error.to_string()),
        };
    };
    match inner {
        Error::InvalidMessage(_) => TlsFault::NotTls,
        Error::InvalidCertificate(reason) => certificate_fault(reason),
        Error::AlertReceived(alert) => alert_fault(*alert),
        other => TlsFault::Other(other.to_string()),
    }
}

fn certificate_fault(reason: &CertificateError) -> TlsFault {
    match reason {
        CertificateError::UnknownIssuer => TlsFault::UnknownIssuer,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsFault::NotYetValid,
        CertificateError::NotValidForName => TlsFault::WrongName { names: Vec::new() },
        CertificateError::NotValidForNameContext { presented, .. } => TlsFault::WrongName {
            names: presented.iter().map(|name| bare(name)).collect(),
        },
        other => TlsFault::Other(other.to_string()),
    }
}

/// rustls writes `DnsName("broker.example")`.
fn bare(name: &str) -> String {
    match name.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"')) {
        Some((name, _)) => name.to_owned(),
        None => name.to_owned(),
    }
}

fn alert_fault(alert: AlertDescription) -> TlsFault {
    match alert {
        AlertDescription::CertificateRequired => TlsFault::ClientCertificateWanted,
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => TlsFault::ClientCertificateRefused {
            alert: format!("{alert:?}"),
        },
        other => TlsFault::Other(format!("the other side gave up: {other:?}")),
    }
}
