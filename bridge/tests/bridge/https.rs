//! The listener with TLS.

use std::{net::SocketAddr, path::Path, sync::Arc};

use hearth::server::Server;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Duration, Instant, sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::tungstenite::Bytes;

use crate::{
    certificates::{Authority, CERTIFICATES, authority_file},
    fake_broker::{self, CONNECT, FakeBroker},
    http::{self, Answer},
    mosquitto::Mosquitto,
    mqtt::Client,
    program::Program,
    running::{bridge, start},
    websocket::open_over,
};

fn settings(more: &str) -> String {
    let (certificate, key) = (
        CERTIFICATES.file("localhost.pem"),
        CERTIFICATES.file("localhost.key"),
    );
    format!("http.tls.cert_file = \"{certificate}\"\nhttp.tls.key_file = \"{key}\"\n{more}\n")
}

async fn connect_as(
    address: SocketAddr,
    name: &str,
    alpn: &[&str],
    version: &'static SupportedProtocolVersion,
    authority: &Path,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

async fn connect(address: SocketAddr, alpn: &[&str]) -> TlsStream<TcpStream> {
    connect_as(address, "localhost", alpn, &TLS13, Path::new(&authority_file()))
        .await
        .unwrap()
}

/// `GET path` over HTTP/1.1 and TLS.
async fn get(address: SocketAddr, path: &str, host: &str) -> Answer {
    let mut stream = connect(address, &["http/1.1"]).await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    http::parse(&bytes)
}

async fn count(bridge: &Server, line: &str) -> u64 {
    let metrics = get(bridge.address(), "/metrics", "localhost").await.text();
    let found = metrics
        .lines()
        .find_map(|text| text.strip_prefix(line)?.strip_prefix(' ')?.parse().ok());
    found.unwrap_or(0)
}

/// Waits until `line` of the metrics counts at least `least`.
async fn counted(bridge: &Server, line: &str, least: u64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while count(bridge, line).await < least {
        assert!(Instant::now() < deadline, "{line} stays below {least}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_page_and_mqtt_go_over_tls_of_both_versions() {
    let mosquitto = Mosquitto::start();
    let broker = format!("[broker.home]\nurl = \"mqtt://{}\"", mosquitto.address());
    let bridge = bridge(&settings(&broker)).await;
    let address = bridge.address();
    assert_eq!(bridge.scheme(), "https");
    assert_eq!(get(address, "/healthz", "localhost").await.status, 200);
    let authority = authority_file();
    for version in [&TLS12, &TLS13] {
        let stream = connect_as(
            address,
            "localhost",
            &["http/1.1"],
            version,
            Path::new(&authority),
        );
        let url = format!("wss://localhost:{}/mqtt", address.port());
        let origin = format!("https://localhost:{}", address.port());
        let browser = open_over(stream.await.unwrap(), &url, &[("Origin", &origin)]).await;
        Client::connect(browser).await.subscribe("home/#").await;
    }
}

#[tokio::test]
async fn a_burst_over_tls_arrives_whole_in_both_directions() {
    let broker = FakeBroker::start().await;
    let bridge = bridge(&settings(&format!(
        "[broker.home]\nurl = \"mqtt://{}\"",
        broker.address()
    )))
    .await;
    let port = bridge.address().port();
    let stream = connect(bridge.address(), &["http/1.1"]).await;
    let mut browser = open_over(
        stream,
        &format!("wss://localhost:{port}/mqtt"),
        &[("Origin", &format!("https://localhost:{port}"))],
    )
    .await;
    browser.send(CONNECT).await;
    let mut tcp = broker.accept_connect().await;
    let chunk: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut read_half, mut write_half) = tcp.split();
    let down = async {
        write_half.write_all(&chunk).await.unwrap();
    };
    let mut received = Vec::new();
    let up = async {
        while received.len() < chunk.len() {
            received.extend_from_slice(&browser.receive().await);
        }
    };
    tokio::join!(down, up);
    assert!(received == chunk);
    let expected = Bytes::from(chunk);
    let mut back = vec![0; expected.len()];
    let (sent, read) = tokio::join!(browser.send(&expected), read_half.read_exact(&mut back));
    let ((), _) = (sent, read.unwrap());
    assert!(back == expected);
    drop(tcp);
    assert_eq!(browser.closed().await.0, 1000);
}

/// The origin of the page is `https`; the same address with `http` is another origin.
#[tokio::test]
async fn under_tls_the_own_origin_is_https() {
    let broker = FakeBroker::start().await;
    let bridge = bridge(&settings(&format!(
        "[broker.home]\nurl = \"mqtt://{}\"",
        broker.address()
    )))
    .await;
    let port = bridge.address().port();
    let mut stream = connect(bridge.address(), &["http/1.1"]).await;
    let request = format!(
        "GET /mqtt HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\nOrigin: http://localhost:{port}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 403");
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_wanted_with_the_same_answers() {
    let bridge = bridge(&settings("access.public_hosts = [\"hearth.example\"]")).await;
    let stream = connect(bridge.address(), &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let mut ask = |uri: &str| {
        let request = hyper::Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
        sender.send_request(request)
    };
    let answer = ask("https://hearth.example/api/config").await.unwrap();
    assert_eq!(
        (answer.status(), answer.version()),
        (200.try_into().unwrap(), hyper::Version::HTTP_2)
    );
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(b"{\"version\""));
    // The host of HTTP/2 is checked like that of HTTP/1.1.
    assert_eq!(ask("https://evil.example/").await.unwrap().status(), 421);
    // A WebSocket needs HTTP/1.1: browsers use it when the server does not announce more.
    assert_eq!(ask("https://hearth.example/mqtt").await.unwrap().status(), 404);
    drop(sender);
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn browsers_insist_on_https_for_public_names_but_not_for_loopback() {
    let with = bridge(&settings(
        "access.public_hosts = [\"hearth.example\"]\nhttp.tls.hsts_max_age_s = 60",
    ))
    .await;
    let header = |answer: Answer| answer.header("strict-transport-security").to_owned();
    assert_eq!(
        header(get(with.address(), "/missing", "hearth.example").await),
        "max-age=60"
    );
    assert_eq!(header(get(with.address(), "/", "localhost").await), "");
    let without = bridge(&settings(
        "access.public_hosts = [\"hearth.example\"]\nhttp.tls.hsts_max_age_s = 0",
    ))
    .await;
    assert_eq!(header(get(without.address(), "/", "hearth.example").await), "");
}

#[tokio::test]
async fn plain_http_is_led_to_https_on_the_port_itself_and_on_a_second_one() {
    let more = "access.public_hosts = [\"hearth.example\"]\nhttp.tls.redirect_listen = \"127.0.0.1:0\"";
    let bridge = bridge(&settings(more)).await;
    let port = bridge.address().port();
    for address in [bridge.address(), bridge.redirect_address().unwrap()] {
        let answer = http::get(address, "/a/b?c=d", &[("Host", "hearth.example:80")]).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (308, format!("https://hearth.example:{port}/a/b?c=d").as_str())
        );
        assert_eq!(answer.header("x-frame-options"), "DENY");
        // Nobody is led to a foreign place.
        let foreign = http::get(address, "/", &[("Host", "evil.example")]).await;
        assert_eq!((foreign.status, foreign.header("location")), (421, ""));
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    write("first-ca.pem", &first.certificate.pem());
    write("second-ca.pem", &second.certificate.pem());
    let install = |authority: &Authority| {
        let (certificate, key) = authority.sign("localhost", "localhost", (2020, 4000));
        write("https.pem", &certificate);
        write("https.key", &key);
    };
    install(&first);
    let path = |name: &str| folder.path().join(name);
    let settings = format!(
        "http.tls.cert_file = \"{}\"\nhttp.tls.key_file = \"{}\"\n",
        path("https.pem").display(),
        path("https.key").display()
    );
    // Beside it one whose certificate never changes tells the time: its own files are good.
    let bridge = bridge(&settings).await;
    let trusted_by = async |name: &str| {
        connect_as(bridge.address(), "localhost", &["http/1.1"], &TLS13, &path(name))
            .await
            .is_ok()
    };
    let becomes = async |name: &str| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !trusted_by(name).await {
            assert!(Instant::now() < deadline, "{name} is never used");
            sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(trusted_by("first-ca.pem").await && !trusted_by("second-ca.pem").await);
    install(&second);
    becomes("second-ca.pem").await;
    // A key that does not fit, then something that is no key: the last good pair stays.
    for broken in [
        first.sign("localhost", "localhost", (2020, 4000)).1,
        "rubbish".to_owned(),
    ] {
        let before = unusable(&bridge, &path("second-ca.pem")).await;
        write("https.key", &broken);
        let deadline = Instant::now() + Duration::from_secs(20);
        while unusable(&bridge, &path("second-ca.pem")).await == before {
            assert!(Instant::now() < deadline, "a broken key is not noticed");
            sleep(Duration::from_millis(50)).await;
        }
        assert!(trusted_by("second-ca.pem").await);
    }
    install(&first);
    becomes("first-ca.pem").await;
}

/// How many changed certificates could not be used.
async fn unusable(bridge: &Server, authority: &Path) -> String {
    let mut stream = connect_as(bridge.address(), "localhost", &["http/1.1"], &TLS13, authority)
        .await
        .unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("hearth_http_certificates_unusable_total "));
    line.expect("the metric is there").to_owned()
}

#[tokio::test]
async fn a_handshake_that_does_not_come_or_fails_is_given_up_on_and_counted() {
    let bridge = bridge(&settings("http.header_timeout_ms = 1000")).await;
    let mut silent = TcpStream::connect(bridge.address()).await.unwrap();
    let mut half = TcpStream::connect(bridge.address()).await.unwrap();
    half.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    let mut rubbish = TcpStream::connect(bridge.address()).await.unwrap();
    rubbish.write_all(&[0xFF; 64]).await.unwrap();
    for tcp in [&mut silent, &mut half, &mut rubbish] {
        // The end, or a reset.
        let _end = tcp.read_to_end(&mut Vec::new()).await;
    }
    counted(
        &bridge,
        "hearth_http_connections_failed_total{reason=\"tls_timeout\"}",
        2,
    )
    .await;
    counted(
        &bridge,
        "hearth_http_connections_failed_total{reason=\"tls_failed\"}",
        1,
    )
    .await;
}

#[tokio::test]
async fn an_http_2_connection_without_requests_is_ended() {
    let bridge = bridge(&settings("http.idle_timeout_ms = 1000")).await;
    let stream = connect(bridge.address(), &["h2"]).await;
    let (_sender, connection) = hyper::client::conn::http2::handshake::<_, _, Empty<Bytes>>(
        TokioExecutor::new(),
        TokioIo::new(stream),
    )
    .await
    .unwrap();
    timeout(Duration::from_secs(10), connection)
        .await
        .expect("the bridge says goodbye")
        .unwrap();
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_told_at_the_start() {
    let (bridge_key, ca) = (CERTIFICATES.file("bridge.key"), authority_file());
    for (cert_file, key_file, part) in [
        (
            CERTIFICATES.file("localhost.pem"),
            bridge_key.clone(),
            "holds the key of another certificate",
        ),
        (
            CERTIFICATES.file("localhost.pem"),
            ca,
            "holds no private key in PEM form",
        ),
        (
            bridge_key,
            CERTIFICATES.file("localhost.key"),
            "holds no certificate in PEM form",
        ),
    ] {
        let settings = format!("http.tls.cert_file = \"{cert_file}\"\nhttp.tls.key_file = \"{key_file}\"\n");
        let said = start(&settings)
            .await
            .err()
            .expect("it does not start")
            .to_string();
        assert!(said.starts_with("[http.tls]: ") && said.contains(part), "{said}");
    }
}

#[tokio::test]
async fn a_shutdown_closes_websockets_over_tls_too() {
    let broker = FakeBroker::start().await;
    let bridge = bridge(&settings(&format!(
        "[broker.home]\nurl = \"mqtt://{}\"",
        broker.address()
    )))
    .await;
    let port = bridge.address().port();
    let stream = connect(bridge.address(), &["http/1.1"]).await;
    let origin = format!("https://localhost:{port}");
    let mut browser = open_over(
        stream,
        &format!("wss://localhost:{port}/mqtt"),
        &[("Origin", &origin)],
    )
    .await;
    browser.send(CONNECT).await;
    let mut tcp = broker.accept_connect().await;
    fake_broker::write(&mut tcp, &[0x20, 2, 0, 0]).await;
    assert_eq!(browser.receive().await[..], [0x20, 2, 0, 0]);
    let stopped = tokio::spawn(bridge.stop());
    assert_eq!(browser.closed().await.0, hearth_model::api::close::SHUTTING_DOWN);
    drop(browser);
    timeout(Duration::from_secs(5), stopped)
        .await
        .expect("it stops")
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn the_end_of_the_certificate_is_in_the_metrics_and_one_that_is_over_is_logged() {
    let bridge = bridge(&settings("")).await;
    // 4000-01-01.
    let line = "hearth_http_certificate_expiry_timestamp_seconds";
    counted(&bridge, line, 64_060_588_800).await;
    let expired = format!(
        "[http.tls]\ncert_file = \"{}\"\nkey_file = \"{}\"",
        CERTIFICATES.file("expired.pem"),
        CERTIFICATES.file("expired.key")
    );
    let mut program = Program::spawn(&format!("listen = \"127.0.0.1:0\"\n{expired}"));
    program
        .line_with("the certificate of HTTPS has expired: browsers refuse it")
        .await;
}

#[tokio::test]
async fn one_connection_at_a_time_is_enough_for_both_addresses() {
    let more = "http.max_connections = 1\nhttp.tls.redirect_listen = \"127.0.0.1:0\"";
    let bridge = bridge(&settings(more)).await;
    for _ in 0..3 {
        assert_eq!(get(bridge.address(), "/healthz", "localhost").await.status, 200);
        let redirect = bridge.redirect_address().unwrap();
        assert_eq!(http::get(redirect, "/", &[]).await.status, 308);
    }
}
