//! TLS between the bridge and a real Mosquitto.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use hearth_model::api::close;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use crate::{fake_broker::CONNECT, mosquitto::Mosquitto, mqtt::Client, running::bridge, websocket::open};

/// A private authority with one certificate for `localhost` and one for the bridge, as files.
struct Certificates {
    folder: TempDir,
}

static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(Certificates::make);

pub(crate) fn authority_file() -> String {
    CERTIFICATES.file("ca.pem")
}

impl Certificates {
    fn make() -> Self {
        let folder = TempDir::new().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "private authority");
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        write(&folder.path().join("ca.pem"), &authority.pem());
        for name in ["localhost", "bridge"] {
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            let own = KeyPair::generate().unwrap();
            let signed = params.signed_by(&own, &authority, &key).unwrap();
            write(&folder.path().join(format!("{name}.pem")), &signed.pem());
            write(&folder.path().join(format!("{name}.key")), &own.serialize_pem());
        }
        Self { folder }
    }

    fn file(&self, name: &str) -> String {
        PathBuf::from(self.folder.path()).join(name).display().to_string()
    }
}

fn write(file: &Path, text: &str) {
    std::fs::write(file, text).unwrap();
}

fn mosquitto(more: &str) -> Mosquitto {
    let (certificate, key) = (
        CERTIFICATES.file("localhost.pem"),
        CERTIFICATES.file("localhost.key"),
    );
    Mosquitto::with(&format!(
        "allow_anonymous true\ncertfile {certificate}\nkeyfile {key}\ncafile {}\n{more}",
        authority_file()
    ))
}

fn settings(mosquitto: &Mosquitto, host: &str, tls: &str) -> String {
    format!(
        "[broker.home]\nurl = \"mqtts://{host}:{}\"\n[broker.home.tls]\n{tls}",
        mosquitto.address().port()
    )
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named() {
    let mosquitto = mosquitto("");
    let bridge = bridge(&settings(
        &mosquitto,
        "localhost",
        &format!("ca_file = \"{}\"", authority_file()),
    ))
    .await;
    let mut client = Client::connect(open(bridge.address()).await).await;
    client.subscribe("home/#").await;
}

#[tokio::test]
async fn an_unknown_authority_and_a_wrong_name_are_told() {
    let mosquitto = mosquitto("");
    let other = CERTIFICATES.file("bridge.pem");
    let ca = authority_file();
    for (host, tls, part) in [
        ("localhost", format!("ca_file = \"{other}\""), "UnknownIssuer"),
        ("127.0.0.1", format!("ca_file = \"{ca}\""), "not valid for"),
        (
            "localhost",
            format!("ca_file = \"{ca}\"\nserver_name = \"elsewhere\""),
            "not valid for",
        ),
    ] {
        let bridge = bridge(&settings(&mosquitto, host, &tls)).await;
        let (code, reason) = open(bridge.address()).await.closed().await;
        assert_eq!(code, close::BROKER_TLS_FAILED, "{reason}");
        assert!(
            reason.starts_with("TLS with broker 'home' failed") && reason.contains(part),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn a_broker_that_wants_a_client_certificate_gets_it_or_the_page_is_told() {
    let mosquitto = mosquitto("require_certificate true");
    let ca = format!("ca_file = \"{}\"", authority_file());
    let own = format!(
        "{ca}\ncert_file = \"{}\"\nkey_file = \"{}\"",
        CERTIFICATES.file("bridge.pem"),
        CERTIFICATES.file("bridge.key")
    );
    let with = bridge(&settings(&mosquitto, "localhost", &own)).await;
    Client::connect(open(with.address()).await)
        .await
        .subscribe("home/#")
        .await;
    let without = bridge(&settings(&mosquitto, "localhost", &ca)).await;
    let mut browser = open(without.address()).await;
    browser.send(CONNECT).await;
    let (code, reason) = browser.closed().await;
    assert_eq!(code, close::BROKER_TLS_FAILED, "{reason}");
    assert!(reason.contains("CertificateRequired"), "{reason}");
}
