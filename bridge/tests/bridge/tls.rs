//! TLS between the bridge and a real Mosquitto: each way in, and each refusal.

use std::fs;

use hearth_model::api::close;
use tempfile::TempDir;

use crate::{
    certificates::{Authority, CERTIFICATES, authority_file},
    fake_broker::CONNECT,
    house::soon,
    http,
    mosquitto::Mosquitto,
    mqtt::Client,
    running::bridge,
    websocket::open,
};

fn mosquitto(more: &str) -> Mosquitto {
    mosquitto_as("localhost", more)
}

/// With that certificate of its own.
fn mosquitto_as(name: &str, more: &str) -> Mosquitto {
    let (certificate, key) = (
        CERTIFICATES.file(&format!("{name}.pem")),
        CERTIFICATES.file(&format!("{name}.key")),
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

fn trusting(ca: &str) -> String {
    format!("ca_file = \"{}\"", CERTIFICATES.file(ca))
}

/// The keys of a client certificate.
fn shown(name: &str) -> String {
    format!(
        "{}\ncert_file = \"{}\"\nkey_file = \"{}\"",
        trusting("ca.pem"),
        CERTIFICATES.file(&format!("{name}.pem")),
        CERTIFICATES.file(&format!("{name}.key"))
    )
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named() {
    let mosquitto = mosquitto("");
    let bridge = bridge(&settings(&mosquitto, "localhost", &trusting("ca.pem"))).await;
    let mut client = Client::connect(open(bridge.address()).await).await;
    client.subscribe("home/#").await;
}

/// As `mosquitto_pub --cafile self.crt` takes it.
#[tokio::test]
async fn a_self_signed_certificate_is_trusted_when_it_is_named_itself() {
    for version in ["tlsv1.2", "tlsv1.3"] {
        let mosquitto = mosquitto_as("self", &format!("tls_version {version}"));
        let bridge = bridge(&settings(&mosquitto, "localhost", &trusting("self.pem"))).await;
        let mut client = Client::connect(open(bridge.address()).await).await;
        client.subscribe("home/#").await;
    }
}

#[tokio::test]
async fn a_broker_that_cannot_be_trusted_is_told_with_the_reason() {
    let trusted = trusting("ca.pem");
    let elsewhere = format!("{trusted}\nserver_name = \"elsewhere\"");
    for (certificate, host, tls, part) in [
        (
            "localhost",
            "localhost",
            trusting("foreign-ca.pem"),
            "signed by an authority that is not trusted",
        ),
        (
            "localhost",
            "127.0.0.1",
            trusted.clone(),
            "for other names: localhost",
        ),
        ("localhost", "localhost", elsewhere, "for other names: localhost"),
        (
            "expired",
            "localhost",
            trusted.clone(),
            "the certificate has expired",
        ),
        ("early", "localhost", trusted.clone(), "not valid yet"),
        (
            "version1",
            "localhost",
            trusted.clone(),
            "of X.509 version 1, which holds no names",
        ),
        (
            "clients",
            "localhost",
            trusted.clone(),
            "its extendedKeyUsage has no serverAuth",
        ),
        ("nameless", "localhost", trusted.clone(), "its CN does not count"),
        (
            "self",
            "localhost",
            trusted,
            "that of an authority (CA:TRUE), and not in ca_file",
        ),
        (
            "self",
            "127.0.0.1",
            trusting("self.pem"),
            "for other names: localhost",
        ),
    ] {
        let mosquitto = mosquitto_as(certificate, "");
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
    let with = bridge(&settings(&mosquitto, "localhost", &shown("bridge"))).await;
    Client::connect(open(with.address()).await)
        .await
        .subscribe("home/#")
        .await;
    for (tls, part) in [
        (
            trusting("ca.pem"),
            "wants a client certificate, and none was shown",
        ),
        (
            shown("foreign"),
            "does not accept the client certificate (unknown_ca)",
        ),
        (shown("expired"), "(certificate_expired)"),
    ] {
        let without = bridge(&settings(&mosquitto, "localhost", &tls)).await;
        let mut browser = open(without.address()).await;
        browser.send(CONNECT).await;
        let (code, reason) = browser.closed().await;
        assert_eq!(code, close::BROKER_TLS_FAILED, "{reason}");
        assert!(reason.contains(part), "{reason}");
        // The handshake is over by then, but nothing of the broker can be had.
        let line = "hearth_relay_dial_failures_total{broker=\"home\"} 1\n";
        soon(line, async || {
            let metrics = http::get(without.address(), "/metrics", &[]).await.text();
            metrics.contains(line)
        })
        .await;
    }
}

#[tokio::test]
async fn a_new_authority_is_trusted_without_a_restart_and_a_broken_file_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    let swap = |text: &str| {
        fs::write(folder.path().join("new"), text).unwrap();
        fs::rename(folder.path().join("new"), &file).unwrap();
    };
    swap(&Authority::new("the last one").certificate.pem());
    let mosquitto = mosquitto("");
    let tls = format!("ca_file = \"{}\"", file.display());
    let bridge = bridge(&settings(&mosquitto, "localhost", &tls)).await;
    let refused = open(bridge.address()).await.closed().await;
    assert_eq!(refused.0, close::BROKER_TLS_FAILED, "{}", refused.1);

    swap(&fs::read_to_string(authority_file()).unwrap());
    Client::connect(open(bridge.address()).await).await;
    for text in ["not a certificate", "not a certificate", ""] {
        swap(text);
        Client::connect(open(bridge.address()).await).await;
    }
    fs::remove_file(&file).unwrap();
    Client::connect(open(bridge.address()).await).await;

    let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
    for line in [
        "hearth_tls_reloads_total{broker=\"home\"} 1",
        "hearth_tls_reload_failures_total{broker=\"home\"} 3",
    ] {
        assert!(metrics.contains(line), "no {line} in {metrics}");
    }
}

#[tokio::test]
async fn a_new_client_certificate_is_shown_without_a_restart() {
    let folder = TempDir::new().unwrap();
    let put = |name: &str| {
        for kind in ["pem", "key"] {
            let file = CERTIFICATES.file(&format!("{name}.{kind}"));
            fs::copy(file, folder.path().join(kind)).unwrap();
        }
    };
    put("expired");
    let mosquitto = mosquitto("require_certificate true");
    let tls = format!(
        "{}\ncert_file = \"{folder}/pem\"\nkey_file = \"{folder}/key\"",
        trusting("ca.pem"),
        folder = folder.path().display()
    );
    let bridge = bridge(&settings(&mosquitto, "localhost", &tls)).await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    assert_eq!(browser.closed().await.0, close::BROKER_TLS_FAILED);
    put("bridge");
    Client::connect(open(bridge.address()).await).await;
    // 4000-01-01, where it was 2021 before.
    let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
    let line = "hearth_tls_certificate_expiry_timestamp_seconds{broker=\"home\"} 64060588800\n";
    assert!(metrics.contains(line), "{metrics}");
}
