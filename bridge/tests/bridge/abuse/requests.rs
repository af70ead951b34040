//! Requests that are wrong, or come from where they may not.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{Counts, DEADLINE, Neighbour, compare};
use crate::{fake_broker::FakeBroker, running::bridge_to};

/// What it is, its bytes, the answer's status, the metric that counts it and the label there.
type Attempt = (&'static str, Vec<u8>, Option<u16>, &'static str, &'static str);

/// The status of the answer, if there is one before the end, and how many answers there are.
async fn ask(bridge: SocketAddr, bytes: &[u8]) -> (Option<u16>, usize) {
    let mut tcp = TcpStream::connect(bridge).await.unwrap();
    // The bridge may close while we write.
    let _sent = tcp.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = timeout(DEADLINE, tcp.read(&mut chunk))
        .await
        .expect("the bridge says something")
    {
        answer.extend_from_slice(&chunk[..read]);
    }
    let text = String::from_utf8_lossy(&answer);
    let status = text
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| text.strip_prefix("HTTP/1.0 "));
    (
        status.and_then(|rest| rest.get(..3)?.parse().ok()),
        text.matches("HTTP/1.").count(),
    )
}

fn request(line: &str, host: SocketAddr, headers: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n").into_bytes()
}

const REFUSED: &str = "hearth_http_refused_total";
const FAILED: &str = "hearth_http_connections_failed_total";

#[tokio::test]
async fn http_that_is_wrong_is_refused_and_counted_and_disturbs_nobody() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "http.header_timeout_ms = 1000").await;
    let address = bridge.address();
    let neighbour = Neighbour::start(address, &broker).await;
    let (long, many) = ("x".repeat(60_000), "X-A: b\r\n".repeat(150));
    let get = |path: &str| request(&format!("GET {path}"), address, "");
    let raw = |text: &str| text.as_bytes().to_vec();
    let table: Vec<Attempt> = vec![
        (
            "slow-loris in the first line",
            raw("GET / HT"),
            None,
            FAILED,
            "head_timeout",
        ),
        (
            "slow-loris in a header",
            raw("GET / HTTP/1.1\r\nHost: x\r\nX-A: "),
            None,
            FAILED,
            "head_timeout",
        ),
        ("nothing at all", vec![], None, FAILED, "head_timeout"),
        (
            "a huge header",
            request("GET /", address, &format!("X-A: {long}\r\n")),
            Some(431),
            FAILED,
            "head_too_big",
        ),
        (
            "too many headers",
            request("GET /", address, &many),
            Some(431),
            FAILED,
            "head_too_big",
        ),
        (
            "a very long path",
            get(&format!("/{long}")),
            Some(431),
            FAILED,
            "head_too_big",
        ),
        ("rubbish", vec![0xFF; 300], Some(400), FAILED, "bad_request"),
        (
            "TLS where there is none",
            raw("\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\r\n\r\n"),
            Some(400),
            FAILED,
            "bad_request",
        ),
        ("HTTP/0.9", raw("GET /\r\n\r\n"), Some(400), FAILED, "bad_request"),
        (
            "HTTP/9.9",
            raw("GET / HTTP/9.9\r\n\r\n"),
            Some(400),
            FAILED,
            "bad_request",
        ),
        (
            "the preface of HTTP/2",
            raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            None,
            FAILED,
            "bad_request",
        ),
        (
            "a folded header",
            request("GET /", address, "X-A: b\r\n c\r\n"),
            Some(400),
            FAILED,
            "bad_request",
        ),
        (
            "a space before the colon",
            request("GET /", address, "X-A : b\r\n"),
            Some(400),
            FAILED,
            "bad_request",
        ),
        (
            "NUL in a header",
            request("GET /", address, "X-A: b\0c\r\n"),
            Some(400),
            FAILED,
            "bad_request",
        ),
        ("NUL in the path", get("/a\0b"), Some(400), FAILED, "bad_request"),
        (
            "two lengths",
            request("POST /", address, "Content-Length: 1\r\nContent-Length: 2\r\n"),
            Some(400),
            FAILED,
            "bad_request",
        ),
        (
            "a negative length",
            request("POST /", address, "Content-Length: -1\r\n"),
            Some(400),
            FAILED,
            "bad_request",
        ),
        (
            "an unknown coding",
            request("POST /", address, "Transfer-Encoding: gzip\r\n"),
            Some(400),
            FAILED,
            "bad_request",
        ),
        ("a doubled slash", get("//"), Some(404), REFUSED, "not_found"),
        (
            "a doubled slash and a host",
            get("//evil.example/x"),
            Some(404),
            REFUSED,
            "not_found",
        ),
        ("dots", get("/../../etc/passwd"), Some(404), REFUSED, "not_found"),
        (
            "dots in disguise",
            get("/%2e%2e/%2e%2e/etc/passwd"),
            Some(404),
            REFUSED,
            "not_found",
        ),
        (
            "dots and a slash in disguise",
            get("/..%2f..%2fetc/passwd"),
            Some(404),
            REFUSED,
            "not_found",
        ),
        (
            "a disguised disguise",
            get("/%252e%252e/etc/passwd"),
            Some(404),
            REFUSED,
            "not_found",
        ),
        (
            "a backslash in disguise",
            get("/..%5c..%5cetc"),
            Some(404),
            REFUSED,
            "not_found",
        ),
        (
            "NUL in disguise",
            get("/index.html%00.png"),
            Some(404),
            REFUSED,
            "not_found",
        ),
        ("half a disguise", get("/%2"), Some(404), REFUSED, "not_found"),
        (
            "bytes that are no text",
            get("/%ff%fe"),
            Some(404),
            REFUSED,
            "not_found",
        ),
        (
            "a hidden file",
            get("/.git/config"),
            Some(404),
            REFUSED,
            "not_found",
        ),
        (
            "dots behind a route",
            get("/mqtt/%2e%2e"),
            Some(404),
            REFUSED,
            "unknown_broker",
        ),
        (
            "a method that is none of ours",
            request("TRACE /", address, ""),
            Some(405),
            REFUSED,
            "method_not_allowed",
        ),
        (
            "a method that nobody has",
            request("BREW /", address, ""),
            Some(405),
            REFUSED,
            "method_not_allowed",
        ),
        (
            "a question to the whole server",
            request("OPTIONS *", address, ""),
            Some(405),
            REFUSED,
            "method_not_allowed",
        ),
        (
            "a proxy's request",
            request("GET http://evil.example/", address, ""),
            Some(421),
            REFUSED,
            "host_refused",
        ),
        (
            "a tunnel",
            request("CONNECT evil.example:443", address, ""),
            Some(421),
            REFUSED,
            "host_refused",
        ),
        (
            "no host",
            raw("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"),
            Some(421),
            REFUSED,
            "host_refused",
        ),
        (
            "two hosts",
            request("GET /", address, "Host: evil.example\r\n"),
            Some(421),
            REFUSED,
            "host_refused",
        ),
        (
            "a foreign host",
            raw("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
            Some(421),
            REFUSED,
            "host_refused",
        ),
    ];
    let mut counts = Counts::new();
    for (what, bytes, status, metric, reason) in &table {
        let (answered, answers) = ask(address, bytes).await;
        assert_eq!(
            (answered, answers),
            (*status, usize::from(status.is_some())),
            "{what}"
        );
        *counts
            .entry(format!("{metric}{{reason=\"{reason}\"}}"))
            .or_default() += 1;
    }
    compare(address, &counts).await;
    neighbour.was_not_disturbed().await;
}

/// A second request in the body of a first one must not be taken for one.
#[tokio::test]
async fn no_request_can_be_smuggled_behind_another() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let address = bridge.address();
    let inner = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n");
    for headers in [
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n",
            inner.len()
        ),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {}\r\n",
            inner.len()
        ),
        format!("Content-Length: {}\r\n", inner.len()),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
    ] {
        let bytes = [
            request("POST /healthz", address, &headers),
            inner.clone().into_bytes(),
        ]
        .concat();
        let (status, answers) = ask(address, &bytes).await;
        assert!(
            matches!(status, Some(400 | 405)) && answers == 1,
            "{headers}: {status:?}, {answers} answers"
        );
    }
}

#[tokio::test]
async fn origins_that_only_look_like_ours_are_refused_and_counted() {
    let broker = FakeBroker::start().await;
    let settings =
        "access.allowed_origins = [\"https://app.example\"]\naccess.public_hosts = [\"hearth.example\"]";
    let bridge = bridge_to(broker.address(), settings).await;
    let address = bridge.address();
    let neighbour = Neighbour::start(address, &broker).await;
    let port = address.port();
    let own = format!("http://{address}");
    let attempts = [
        None,
        Some("null".to_owned()),
        Some(String::new()),
        Some(format!("{own}.evil.example")),
        Some(format!("{own}0")),
        Some(format!("{own}/")),
        Some(format!("{own}/page")),
        Some(format!("{own}, https://app.example")),
        Some(format!("https://{address}")),
        Some(format!("HTTP://{address}")),
        Some(format!("ws://{address}")),
        Some("http://127.0.0.1".to_owned()),
        Some(format!("http://127.0.0.1:{}", port ^ 1)),
        Some(format!("http://localhost:{port}")),
        Some(format!("http://evil.example@{address}")),
        Some(format!("http://{address}@evil.example")),
        Some(format!("http://127.0.0.1:{port}#")),
        Some(format!("http://127.0.0.1:0{port}")),
        Some("https://app.example.evil.example".to_owned()),
        Some("https://evil.app.example".to_owned()),
        Some("https://evilapp.example".to_owned()),
        Some("http://app.example".to_owned()),
        Some("https://app.example:8443".to_owned()),
        Some("https://*".to_owned()),
        Some("file://".to_owned()),
        Some("http://hearth.example".to_owned()),
    ];
    let mut counts = Counts::new();
    for origin in &attempts {
        let origin = origin
            .as_ref()
            .map_or_else(String::new, |origin| format!("Origin: {origin}\r\n"));
        let headers = format!(
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: mqtt\r\n{origin}"
        );
        let text =
            format!("GET /mqtt HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade, close\r\n{headers}\r\n");
        let (status, _) = ask(address, text.as_bytes()).await;
        assert_eq!(status, Some(403), "{origin}");
    }
    counts.insert(
        format!("{REFUSED}{{reason=\"origin_refused\"}}"),
        attempts.len() as u64,
    );
    compare(address, &counts).await;
    neighbour.was_not_disturbed().await;
}
