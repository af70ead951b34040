//! A private authority and certificates of every kind, as files.

use std::{path::PathBuf, sync::LazyLock};

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
use tempfile::TempDir;

/// `ca`, with `localhost`, `bridge`, `expired` and `early` signed by it; `foreign-ca`, with `foreign` signed by it.
pub(crate) struct Certificates {
    folder: TempDir,
}

pub(crate) static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(Certificates::make);

pub(crate) struct Authority {
    pub(crate) certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, key }
    }

    /// Certificate and key in PEM form; valid between these years.
    pub(crate) fn sign(&self, name: &str, host: &str, years: (i32, i32)) -> (String, String) {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.certificate, &self.key).unwrap();
        (signed.pem(), key.serialize_pem())
    }
}

impl Certificates {
    fn make() -> Self {
        let made = Self {
            folder: TempDir::new().unwrap(),
        };
        let (ca, foreign) = (
            Authority::new("private authority"),
            Authority::new("foreign authority"),
        );
        made.write("ca.pem", &ca.certificate.pem());
        made.write("foreign-ca.pem", &foreign.certificate.pem());
        let long = (2020, 4000);
        for (authority, name, host, years) in [
            (&ca, "localhost", "localhost", long),
            (&ca, "bridge", "bridge", long),
            (&ca, "expired", "localhost", (2020, 2021)),
            (&ca, "early", "localhost", (3990, 4000)),
            (&foreign, "foreign", "bridge", long),
        ] {
            let (certificate, key) = authority.sign(name, host, years);
            made.write(&format!("{name}.pem"), &certificate);
            made.write(&format!("{name}.key"), &key);
        }
        made
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> String {
        PathBuf::from(self.folder.path()).join(name).display().to_string()
    }
}

pub(crate) fn authority_file() -> String {
    CERTIFICATES.file("ca.pem")
}
