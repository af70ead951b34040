//! `hearth doctor` before real listeners: Mosquitto's own, the bridge, and things that are none.

use std::{path::Path, time::Duration};

use hearth::commands::doctor::{Options, Report, look, parse};
use hearth_model::doctor::Kind;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use crate::{
    certificates::{CERTIFICATES, authority_file},
    check::{run, told},
    credentials::password_file,
    fake_broker::{self, FakeBroker},
    house::House,
    mosquitto::Mosquitto,
    running::{bridge, bridge_to},
};

fn options() -> Options {
    Options {
        origin: None,
        ca_file: None,
        wait: Duration::from_secs(2),
    }
}

async fn report(url: &str, options: &Options) -> Report {
    look(parse(url).unwrap(), options).await.unwrap()
}

/// The first finding at this address is of this kind, and the report says all of these.
async fn assert_finds(url: &str, options: &Options, kind: Kind, parts: &[&str]) {
    let report = report(url, options).await;
    assert_eq!(report.findings()[0].kind, kind, "{report}");
    let said = report.to_string();
    for part in parts {
        assert!(said.contains(part), "no {part:?} in: {said}");
    }
}

/// With WebSocket listeners alone Mosquitto 2.0.11 does not start.
fn mosquitto(listeners: &[&str]) -> Mosquitto {
    let all: Vec<String> = listeners
        .iter()
        .map(|settings| format!("protocol websockets\n{settings}"))
        .chain([String::new()])
        .collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    Mosquitto::with_listeners("per_listener_settings true", &all)
}

/// A server that reads once and answers everybody the same.
async fn server(answer: &'static [u8]) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _read = tcp.read(&mut request).await;
                let _sent = tcp.write_all(answer).await;
            });
        }
    });
    (authority, task)
}

#[tokio::test]
async fn a_listener_of_mosquitto_works_on_any_path() {
    let mosquitto = mosquitto(&["allow_anonymous true"]);
    for path in ["/", "/mqtt", "/anything"] {
        let url = format!("ws://{}{path}", mosquitto.address());
        let parts = [
            "status 101, subprotocol mqtt",
            "MQTT 5.0    accepted",
            "MQTT 3.1.1  accepted",
        ];
        assert_finds(&url, &options(), Kind::Works, &parts).await;
        assert!(!report(&url, &options()).await.has_faults());
    }
}

#[tokio::test]
async fn a_broker_that_asks_for_a_user_name_is_no_fault() {
    let folder = TempDir::new().unwrap();
    let passwords = password_file(&folder, "carol", "c");
    let mosquitto = mosquitto(&[&format!("password_file {passwords}")]);
    let url = format!("ws://{}/mqtt", mosquitto.address());
    assert_finds(
        &url,
        &options(),
        Kind::NeedsCredentials,
        &["OK: A broker answers, and asks who you are"],
    )
    .await;
}

#[tokio::test]
async fn mqtt_without_websocket_is_recognised_on_both_kinds_of_port() {
    let tls = format!(
        "allow_anonymous true\ncertfile {}\nkeyfile {}",
        CERTIFICATES.file("localhost.pem"),
        CERTIFICATES.file("localhost.key")
    );
    let mosquitto = Mosquitto::with_listeners("", &["allow_anonymous true", &tls]);
    let trusting = Options {
        ca_file: Some(authority_file().into()),
        ..options()
    };
    let (plain, secure) = (mosquitto.address_of(0).port(), mosquitto.address_of(1).port());
    for (url, bridge_url) in [
        (
            format!("ws://localhost:{plain}/"),
            format!("url = \"mqtt://localhost:{plain}\""),
        ),
        (
            format!("wss://localhost:{plain}/"),
            format!("url = \"mqtt://localhost:{plain}\""),
        ),
        (
            format!("wss://localhost:{secure}/"),
            format!("url = \"mqtts://localhost:{secure}\""),
        ),
    ] {
        assert_finds(&url, &trusting, Kind::PlainMqtt, &["no browser can", &bridge_url]).await;
    }
}

#[tokio::test]
async fn each_fault_of_tls_is_told_with_its_reason() {
    let listener = |name: &str| {
        format!(
            "allow_anonymous true\ncertfile {}\nkeyfile {}\ncafile {}",
            CERTIFICATES.file(&format!("{name}.pem")),
            CERTIFICATES.file(&format!("{name}.key")),
            authority_file()
        )
    };
    let mosquitto = mosquitto(&[
        &listener("localhost"),
        &listener("expired"),
        "allow_anonymous true",
    ]);
    let trusting = |file: &str| Options {
        ca_file: Some(CERTIFICATES.file(file).into()),
        ..options()
    };
    let [secure, expired, plain] = [0, 1, 2].map(|place| mosquitto.address_of(place).port());
    let works = format!("wss://localhost:{secure}/mqtt");
    assert_finds(
        &works,
        &trusting("ca.pem"),
        Kind::Works,
        &["TLS 1.3, certificate CN=localhost for localhost"],
    )
    .await;
    for (url, ca, part) in [
        (works.clone(), "foreign-ca.pem", "ca_file"),
        (
            format!("wss://127.0.0.1:{secure}/mqtt"),
            "ca.pem",
            "holds (localhost)",
        ),
        (format!("wss://localhost:{expired}/mqtt"), "ca.pem", "Renew it"),
        (
            format!("wss://localhost:{plain}/mqtt"),
            "ca.pem",
            "Use ws://localhost:",
        ),
        (
            format!("ws://localhost:{secure}/mqtt"),
            "ca.pem",
            "Use wss://localhost:",
        ),
    ] {
        assert_finds(&url, &trusting(ca), Kind::Tls, &["PROBLEM", part]).await;
    }
}

/// Old brokers are not to blame for any of these.
#[tokio::test]
async fn each_fault_of_a_home_made_certificate_is_told_with_what_makes_a_better_one() {
    let listener = |name: &str| {
        format!(
            "allow_anonymous true\ncertfile {}\nkeyfile {}",
            CERTIFICATES.file(&format!("{name}.pem")),
            CERTIFICATES.file(&format!("{name}.key"))
        )
    };
    let listeners = ["self", "version1", "clients", "nameless"].map(listener);
    let mosquitto = mosquitto(&listeners.each_ref().map(String::as_str));
    let trusting = |file: &str| Options {
        ca_file: Some(CERTIFICATES.file(file).into()),
        ..options()
    };
    for (place, title) in [
        (0, "that of an authority, not of a server"),
        (1, "of a kind that holds no names"),
        (2, "not for servers"),
        (3, "holds no names"),
    ] {
        let url = format!("wss://localhost:{}/mqtt", mosquitto.address_of(place).port());
        let line = "-addext subjectAltName=DNS:localhost";
        assert_finds(&url, &trusting("ca.pem"), Kind::Tls, &[title, line]).await;
    }
    let named = format!("wss://localhost:{}/mqtt", mosquitto.address_of(0).port());
    assert_finds(&named, &trusting("self.pem"), Kind::Works, &["lets clients in"]).await;
}

#[tokio::test]
async fn a_file_without_certificates_is_told_before_anything_is_dialled() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, "hello").unwrap();
    let trusting = Options {
        ca_file: Some(file),
        ..options()
    };
    for url in ["wss://127.0.0.1:1/", "ws://127.0.0.1:1/"] {
        let said = look(parse(url).unwrap(), &trusting).await.unwrap_err();
        assert!(
            said.starts_with("--ca-file: ") && said.contains("holds no certificate in PEM form"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn the_bridge_is_understood_with_its_paths_origins_and_broker() {
    let mosquitto = Mosquitto::start();
    let with = bridge_to(mosquitto.address(), "").await;
    let address = with.address();
    assert_finds(
        &format!("ws://{address}/mqtt"),
        &options(),
        Kind::Works,
        &["lets clients in"],
    )
    .await;
    assert_finds(
        &format!("http://{address}/ws"),
        &options(),
        Kind::WrongPath,
        &["Use /mqtt as the path"],
    )
    .await;
    let foreign = Options {
        origin: Some("http://evil.example".into()),
        ..options()
    };
    let url = format!("ws://{address}/mqtt");
    assert_finds(
        &url,
        &foreign,
        Kind::Origin,
        &["from http://evil.example", "access.allowed_origins"],
    )
    .await;
    let secure = Options {
        origin: Some("https://page.example".into()),
        ..options()
    };
    assert_finds(&url, &secure, Kind::MixedContent, &["Use wss://"]).await;

    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let without = bridge(&format!("[broker.home]\nurl = \"mqtt://{gone}\"")).await;
    let url = format!("ws://{}/mqtt", without.address());
    assert_finds(
        &url,
        &options(),
        Kind::Refused,
        &["closed with code 4502: broker 'home' refused", "hearth check"],
    )
    .await;
}

/// [MQTT311-3.1.2-2] a broker of 3.1.1 refuses 5.0 in its own words, which is MQTT all the same.
#[tokio::test]
async fn a_broker_that_knows_3_1_1_only_is_told_so() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let answering = tokio::spawn(async move {
        loop {
            let mut tcp = broker.accept().await;
            let start = fake_broker::read(&mut tcp, 9).await;
            let code = u8::from(start.last() != Some(&4));
            fake_broker::write(&mut tcp, &[0x20, 2, 0, code]).await;
        }
    });
    let url = format!("ws://{}/mqtt", bridge.address());
    let parts = [
        "MQTT 5.0    refused: Unsupported Protocol Version (0x84)",
        "MQTT 3.1.1  accepted",
        "Choose version 3.1.1",
    ];
    assert_finds(&url, &options(), Kind::Works, &parts).await;
    answering.abort();
}

#[tokio::test]
async fn a_bridge_with_accounts_of_its_own_is_no_fault() {
    let house = House::open("").await;
    let url = format!("ws://{}/mqtt", house.address());
    assert_finds(&url, &options(), Kind::NeedsCredentials, &["Log in on its page"]).await;
    assert!(!report(&url, &options()).await.has_faults());
}

#[tokio::test]
async fn what_is_no_listener_at_all_is_told_apart() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    assert_finds(
        &format!("ws://{gone}/"),
        &options(),
        Kind::Unreachable,
        &["Nothing listens on this port"],
    )
    .await;
    let nowhere = "ws://no-such-host.invalid:9001/";
    assert_finds(nowhere, &options(), Kind::Unreachable, &["has no address"]).await;
    for (answer, kind, part) in [
        (
            &b"HTTP/1.1 200 OK\r\nServer: shop/1\r\nContent-Length: 0\r\n\r\n"[..],
            Kind::WrongPath,
            "answered with 200 by shop/1",
        ),
        (
            b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n",
            Kind::Proxy,
            "proxy_set_header Upgrade",
        ),
        (
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
            Kind::Proxy,
            "address in the proxy's configuration",
        ),
        (
            b"HTTP/1.1 404 No\r\n\r\n\x1b[2Jnot here",
            Kind::WrongPath,
            "not here",
        ),
        (
            b"SSH-2.0-OpenSSH_9.2\r\n",
            Kind::NotMqtt,
            "belongs to something else",
        ),
        (b"", Kind::NotMqtt, "belongs to something else"),
        (
            b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: bogus\r\n\r\n",
            Kind::NotMqtt,
            "answered wrongly",
        ),
    ] {
        let (authority, task) = server(answer).await;
        assert_finds(&format!("ws://{authority}/mqtt"), &options(), kind, &[part]).await;
        let said = report(&format!("ws://{authority}/mqtt"), &options())
            .await
            .to_string();
        assert!(!said.contains('\x1b'), "{said:?}");
        task.abort();
    }
}

#[tokio::test]
async fn a_port_that_takes_connections_and_says_nothing_is_given_up_on() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let patient = Options {
        wait: Duration::from_millis(200),
        ..options()
    };
    let url = format!("ws://{}/", silent.local_addr().unwrap());
    assert_finds(&url, &patient, Kind::NotMqtt, &["speaks neither HTTP nor MQTT"]).await;
}

#[test]
fn the_command_fails_when_a_page_would() {
    let mosquitto = mosquitto(&["allow_anonymous true"]);
    let here = Path::new(".");
    let (well, said) = told(&run(&["doctor", &format!("ws://{}", mosquitto.address())], here));
    assert!(well && said.contains("OK: A broker answers"), "{said}");
    drop(mosquitto);
    let (well, said) = told(&run(&["doctor", "ws://127.0.0.1:1"], here));
    assert!(!well && said.contains("PROBLEM: Nothing listens"), "{said}");
    let (well, said) = told(&run(&["doctor", "127.0.0.1:1"], here));
    assert!(!well && said.contains("no scheme"), "{said}");
}
