//! A private authority and certificates of every kind, as files.

use std::{path::PathBuf, sync::LazyLock};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use tempfile::TempDir;

/// `ca`, with `localhost`, `bridge`, `expired` and `early` signed by it; `foreign-ca`, with `foreign` signed by it. As people make
/// them at home, all for `localhost`: `self` is an authority by itself, `clients` is for clients only, `nameless` has no names, and
/// `version1` is of X.509 version 1.
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
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        self.sign_as(name, params)
    }

    fn sign_as(&self, name: &str, mut params: CertificateParams) -> (String, String) {
        params.distinguished_name.push(DnType::CommonName, name);
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
            made.write_pair(name, &certificate, &key);
        }
        made.write_pair("version1", VERSION_1, VERSION_1_KEY);
        let localhost = || CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let mut clients = localhost();
        clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let mut nameless = CertificateParams::default();
        nameless.is_ca = IsCa::ExplicitNoCa;
        for (name, params) in [("clients", clients), ("nameless", nameless)] {
            let (certificate, key) = ca.sign_as("localhost", params);
            made.write_pair(name, &certificate, &key);
        }
        let mut own = localhost();
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        own.distinguished_name.push(DnType::CommonName, "localhost");
        let key = KeyPair::generate().unwrap();
        made.write_pair(
            "self",
            &own.self_signed(&key).unwrap().pem(),
            &key.serialize_pem(),
        );
        made
    }

    fn write_pair(&self, name: &str, certificate: &str, key: &str) {
        self.write(&format!("{name}.pem"), certificate);
        self.write(&format!("{name}.key"), key);
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> String {
        PathBuf::from(self.folder.path()).join(name).display().to_string()
    }
}

/// What `openssl x509 -req` makes without an extension file, for `/CN=localhost`. The key is for this alone.
const VERSION_1: &str = "\
-----BEGIN CERTIFICATE-----
MIIBIzCBygITMnpoJ13ZxwyUORUSseGCAvfzyjAKBggqhkjOPQQDAjAUMRIwEAYD
VQQDDAlsb2NhbGhvc3QwIBcNMjYxMTIzMDgwODUyWhgPMzk0MzA2MDcwODA4NTJa
MBQxEjAQBgNVBAMMCWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BNZil06C1/4IuW2iZjtk3Oxq46L8A/WYZrQkGIsRn9pKZpDYo+Y2koUnMJ6+oOqr
4kSZfat92apsLhGCJm2pr4cwCgYIKoZIzj0EAwIDSAAwRQIgeOAET9t9nHju/qXE
I+o84lVvECzvdTDIhzTttlghwO4CIQCfOPBOeb4UNCX66lEhgxETaqdfFGWqzj8Q
hS9euX4wPw==
-----END CERTIFICATE-----
";
const VERSION_1_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggDZKAs8H14QiG/sv
G6UsB6xsluVO0/CL3Vu69k8XEDuhRANCAATWYpdOgtf+CLltomY7ZNzsauOi/AP1
mGa0JBiLEZ/aSmaQ2KPmNpKFJzCevqDqq+JEmX2rfdmqbC4RgiZtqa+H
-----END PRIVATE KEY-----
";

pub(crate) fn authority_file() -> String {
    CERTIFICATES.file("ca.pem")
}
