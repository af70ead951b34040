//! Who may open a WebSocket, and how.

use crate::{
    fake_broker::FakeBroker,
    http::{self, Answer},
    running::{bridge, bridge_to},
};

const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// Asks for a WebSocket with these headers beside the usual ones. Only for what is refused: an upgraded connection stays open.
async fn refused(address: std::net::SocketAddr, path: &str, more: &[(&str, &str)]) -> Answer {
    http::get(
        address,
        path,
        &[&UPGRADE[..], &[("Connection", "close")], more].concat(),
    )
    .await
}

#[tokio::test]
async fn attempts_are_refused_with_a_status_a_code_and_a_reason() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let address = bridge.address();
    let own = format!("http://{address}");
    let own = own.as_str();
    // path, headers, status, code, words of the reason
    let table = [
        (
            "/mqtt",
            &[("Origin", own)][..],
            400,
            "handshake_refused",
            "\\\"mqtt\\\"",
        ),
        (
            "/mqtt",
            &[("Origin", own), ("Sec-WebSocket-Protocol", "mqttv3.1")],
            400,
            "handshake_refused",
            "not among",
        ),
        (
            "/mqtt/garden",
            &[("Origin", own), ("Sec-WebSocket-Protocol", "mqtt")],
            404,
            "unknown_broker",
            "no broker",
        ),
        (
            "/mqtt/..%2Fhome",
            &[("Origin", own), ("Sec-WebSocket-Protocol", "mqtt")],
            404,
            "unknown_broker",
            "no broker",
        ),
        (
            "/mqtt/home/x",
            &[("Origin", own), ("Sec-WebSocket-Protocol", "mqtt")],
            404,
            "not_found",
            "nothing",
        ),
        (
            "/mqtt",
            &[("Sec-WebSocket-Protocol", "mqtt")],
            403,
            "origin_refused",
            "allow_no_origin",
        ),
        (
            "/mqtt",
            &[("Origin", "null"), ("Sec-WebSocket-Protocol", "mqtt")],
            403,
            "origin_refused",
            "cannot be read",
        ),
        (
            "/mqtt",
            &[
                ("Origin", "http://evil.example"),
                ("Sec-WebSocket-Protocol", "mqtt"),
            ],
            403,
            "origin_refused",
            "allowed_origins",
        ),
        (
            "/mqtt",
            &[("Origin", &format!("{own}0")), ("Sec-WebSocket-Protocol", "mqtt")],
            403,
            "origin_refused",
            "",
        ),
        (
            "/mqtt",
            &[
                ("Origin", &format!("https://{address}")),
                ("Sec-WebSocket-Protocol", "mqtt"),
            ],
            403,
            "origin_refused",
            "",
        ),
        (
            "/mqtt",
            &[("Host", "evil.example"), ("Origin", "http://evil.example")],
            421,
            "host_refused",
            "public_hosts",
        ),
        (
            "/",
            &[("Host", "evil.example")],
            421,
            "host_refused",
            "public_hosts",
        ),
        (
            "/api/config",
            &[("Host", "evil.example")],
            421,
            "host_refused",
            "public_hosts",
        ),
    ];
    for (path, headers, status, code, part) in table {
        let answer = refused(address, path, headers).await;
        let said = answer.text();
        assert_eq!(answer.status, status, "{path} {headers:?}: {said}");
        assert!(
            said.contains(&format!("\"code\":\"{code}\"")) && said.contains(part),
            "{path} {headers:?}: {said}"
        );
    }
    let metrics = http::get(address, "/metrics", &[]).await.text();
    assert!(
        metrics.contains("hearth_http_refused_total{reason=\"origin_refused\"} 5"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_plain_request_is_told_what_is_spoken_here() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let answer = http::get(bridge.address(), "/mqtt", &[]).await;
    assert_eq!((answer.status, answer.header("upgrade")), (426, "websocket"));
}

#[tokio::test]
async fn without_a_broker_the_address_says_so() {
    let bridge = bridge("").await;
    let answer = refused(bridge.address(), "/mqtt", &[]).await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("no_broker"));
}

#[tokio::test]
async fn allowed_origins_and_programs_come_in_when_the_settings_say_so() {
    let broker = FakeBroker::start().await;
    let settings = "access.allowed_origins = [\"https://app.example\"]\naccess.allow_no_origin = true";
    let bridge = bridge_to(broker.address(), settings).await;
    for origin in [&[("Origin", "https://app.example")][..], &[]] {
        let status = upgrade_status(bridge.address(), origin).await;
        assert!(status.starts_with("HTTP/1.1 101"), "{origin:?}: {status}");
    }
}

/// The first line of the answer to a handshake that is right.
async fn upgrade_status(address: std::net::SocketAddr, more: &[(&str, &str)]) -> String {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    let mut tcp = BufReader::new(tokio::net::TcpStream::connect(address).await.unwrap());
    let mut text = format!("GET /mqtt HTTP/1.1\r\nHost: {address}\r\nSec-WebSocket-Protocol: mqtt\r\n");
    for (name, value) in UPGRADE.iter().chain(more) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    tcp.write_all(format!("{text}\r\n").as_bytes()).await.unwrap();
    let mut line = String::new();
    tcp.read_line(&mut line).await.unwrap();
    line
}
