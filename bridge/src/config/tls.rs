//! `[broker.ID.tls]`: how a broker proves who it is, and how the bridge does.

use std::{fmt, path::PathBuf};

use rustls::pki_types::ServerName;

use super::{
    SecretBytes,
    files::readable_file,
    reader::{FromText, Section},
};

/// Whom to trust, and who the bridge is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// Certificates to trust instead of the system's.
    pub ca: Option<PemSource>,
    /// The bridge's own certificate chain.
    pub cert: Option<PemSource>,
    /// The key of that certificate.
    pub key: Option<PemSource>,
    /// The name in the broker's certificate, when it is not the host of the URL.
    pub server_name: Option<String>,
    /// The protocols that are offered (ALPN); none by default.
    pub alpn: Vec<AlpnProtocol>,
}

/// Where something in PEM form comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PemSource {
    /// A file; when it changes, the next dial uses what is in it then.
    File(PathBuf),
    /// A text out of another file.
    Text {
        /// What it is called in messages.
        name: String,
        /// The text itself; it may be a key.
        pem: SecretBytes,
    },
}

impl fmt::Display for PemSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Text { name, .. } => f.write_str(name),
        }
    }
}

/// The name of a protocol, as it stands in a TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlpnProtocol(String);

impl AlpnProtocol {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromText for AlpnProtocol {
    const EXPECTED: &'static str = "the name of a protocol of 1 to 255 bytes, such as \"mqtt\"";

    fn from_text(text: &str) -> Result<Self, String> {
        match text.len() {
            1..=255 => Ok(Self(text.to_owned())),
            _ => Err("this is not the name of a protocol".into()),
        }
    }
}

/// A name that a certificate can hold.
struct CertificateName(String);

impl FromText for CertificateName {
    const EXPECTED: &'static str =
        "the name in the broker's certificate, without scheme and port, such as \"broker.example\"";

    fn from_text(text: &str) -> Result<Self, String> {
        match ServerName::try_from(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err("this is not a name that a certificate can hold".into()),
        }
    }
}

impl TlsConfig {
    pub(crate) fn read(section: Section<'_>) -> Self {
        let file = |key| readable_file(&section, key).map(PemSource::File);
        let tls = Self {
            ca: file("ca_file"),
            cert: file("cert_file"),
            key: file("key_file"),
            server_name: section.text("server_name").map(|CertificateName(name)| name),
            alpn: section.texts("alpn"),
        };
        if section.is_set("cert_file") != section.is_set("key_file") {
            let message = "a client certificate and its key come together".to_owned();
            let fix = "set cert_file and key_file, or neither";
            section.mistake("cert_file", message, fix.into());
        }
        section.finish();
        tls
    }
}
