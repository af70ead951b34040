//! Attempts to break the bridge from outside: each is refused and counted, and a neighbour notices nothing.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hearth_model::api::close;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::{Duration, Instant, sleep, timeout},
};

use crate::{
    fake_broker::{self, CONNECT, FakeBroker},
    http,
    running::bridge_to,
    websocket::{Browser, open},
};

/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// What a metric must have counted in the end.
type Counts = BTreeMap<String, u64>;

/// What it is, its bytes, the answer's status, the metric that counts it and the label there.
type Attempt = (&'static str, Vec<u8>, Option<u16>, &'static str, &'static str);

/// A WebSocket that is used all the time, and must be answered.
struct Neighbour {
    stop: Arc<AtomicBool>,
    /// The slowest answer.
    task: JoinHandle<Duration>,
}

impl Neighbour {
    async fn start(bridge: SocketAddr, broker: &FakeBroker) -> Self {
        let mut browser = open(bridge).await;
        browser.send(CONNECT).await;
        let mut tcp = broker.accept_connect().await;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            while !stopped.load(Ordering::Relaxed) {
                let begun = Instant::now();
                browser.send(&[0xC0, 0]).await;
                assert_eq!(fake_broker::read(&mut tcp, 2).await, [0xC0, 0]);
                fake_broker::write(&mut tcp, &[0xD0, 0]).await;
                assert_eq!(browser.receive().await[..], [0xD0, 0]);
                slowest = slowest.max(begun.elapsed());
                sleep(Duration::from_millis(1)).await;
            }
            slowest
        });
        Self { stop, task }
    }

    async fn was_not_disturbed(self) {
        self.stop.store(true, Ordering::Relaxed);
        let slowest = self.task.await.expect("the neighbour was served");
        assert!(
            slowest < Duration::from_secs(2),
            "the neighbour waited {slowest:?}"
        );
    }
}

async fn compare(bridge: SocketAddr, counts: &Counts) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let metrics = http::get(bridge, "/metrics", &[]).await.text();
        let found: Counts = metrics
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(name, _)| counts.contains_key(*name))
            .map(|(name, count)| (name.to_owned(), count.parse().unwrap()))
            .collect();
        if &found == counts {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "counted {found:#?} instead of {counts:#?}"
        );
        sleep(Duration::from_millis(50)).await;
    }
}

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
    let bridge = bridge_to(broker.address(), "http.header_timeout_ms = 300").await;
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

/// Writes raw bytes into a WebSocket that was opened by the book.
async fn write(browser: &mut Browser, bytes: &[u8]) {
    // The bridge may close while we write.
    let _sent = browser.socket.get_mut().write_all(bytes).await;
}

#[tokio::test]
async fn frames_and_streams_that_are_wrong_end_their_own_websocket_and_no_other() {
    let broker = FakeBroker::start().await;
    let settings =
        "relay.max_message_bytes = 65536\nrelay.max_message_frames = 100\nrelay.handshake_timeout_ms = 400";
    let bridge = bridge_to(broker.address(), settings).await;
    let address = bridge.address();
    let neighbour = Neighbour::start(address, &broker).await;
    let masked =
        |first: u8, payload: &[u8]| [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0][..], payload].concat();
    let connect = masked(0x82, CONNECT);
    let after = |bytes: &[u8]| [&connect[..], bytes].concat();
    let table: Vec<(&str, Vec<u8>, u16)> = vec![
        (
            "an unmasked frame",
            after(&[0x82, 1, 0xC0]),
            close::PROTOCOL_ERROR,
        ),
        (
            "reserved bits",
            after(&masked(0xC2, &[0xC0, 0])),
            close::PROTOCOL_ERROR,
        ),
        (
            "an unknown opcode",
            after(&masked(0x87, b"")),
            close::PROTOCOL_ERROR,
        ),
        (
            "a ping of 200 bytes",
            after(&[0x89, 0xFE, 0, 200, 0, 0, 0, 0]),
            close::PROTOCOL_ERROR,
        ),
        ("a text frame", after(&masked(0x81, b"hello")), close::TEXT_FRAME),
        (
            "a frame of many exabytes",
            after(&[0x82, 0xFF, 0x7F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            close::MESSAGE_TOO_BIG,
        ),
        (
            "a bomb of empty fragments",
            after(&[masked(0x02, b""), masked(0x00, b"").repeat(1_000)].concat()),
            close::MESSAGE_TOO_BIG,
        ),
        (
            "a bomb of full fragments",
            after(&[masked(0x02, b"x"), masked(0x00, &[7; 125]).repeat(1_000)].concat()),
            close::MESSAGE_TOO_BIG,
        ),
        (
            "a packet that is no CONNECT",
            masked(0x82, &[0xC0, 0]),
            close::NOT_MQTT,
        ),
        (
            "HTTP in a frame",
            masked(0x82, b"GET / HTTP/1.1\r\n\r\n"),
            close::NOT_MQTT,
        ),
        (
            "half a CONNECT",
            masked(0x82, &CONNECT[..4]),
            close::HANDSHAKE_TIMEOUT,
        ),
        ("half a frame head", vec![0x82], close::HANDSHAKE_TIMEOUT),
        ("nothing", vec![], close::HANDSHAKE_TIMEOUT),
    ];
    let mut counts = Counts::new();
    for (what, bytes, code) in &table {
        let mut browser = open(address).await;
        write(&mut browser, bytes).await;
        let closed = timeout(DEADLINE, browser.closed()).await.expect(what);
        assert_eq!(closed.0, *code, "{what}: {}", closed.1);
        *counts
            .entry(format!("hearth_relay_ended_total{{code=\"{code}\"}}"))
            .or_default() += 1;
    }
    counts.insert("hearth_relay_connections".into(), 1);
    compare(address, &counts).await;
    neighbour.was_not_disturbed().await;
}

#[tokio::test]
async fn a_flood_of_pings_and_empty_frames_costs_its_sender_only() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let address = bridge.address();
    let neighbour = Neighbour::start(address, &broker).await;
    let mut flooding = open(address).await;
    flooding.send(CONNECT).await;
    let _tcp = broker.accept_connect().await;
    let pings = [0x89, 0x80 | 2, 0, 0, 0, 0, b'h', b'i'].repeat(8_192);
    let empty = [0x82, 0x80, 0, 0, 0, 0].repeat(8_192);
    for _ in 0..100 {
        // It never reads, so that at some point the bridge reads no more; then it has had its say.
        let both = async {
            write(&mut flooding, &pings).await;
            write(&mut flooding, &empty).await;
        };
        if timeout(Duration::from_millis(500), both).await.is_err() {
            break;
        }
    }
    neighbour.was_not_disturbed().await;
}

#[tokio::test]
async fn many_connections_with_bytes_by_chance_leave_nothing_behind() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(
        broker.address(),
        "http.header_timeout_ms = 300\nrelay.handshake_timeout_ms = 300",
    )
    .await;
    let address = bridge.address();
    let neighbour = Neighbour::start(address, &broker).await;
    // A broker that takes everything.
    let taking = tokio::spawn(async move {
        loop {
            let mut tcp = broker.accept().await;
            tokio::spawn(async move { tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await });
        }
    });
    let upgrade = format!(
        "GET /mqtt HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    );
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let rounds =
        std::env::var("HEARTH_ABUSE_CONNECTIONS").map_or(300, |text| text.parse().expect("a number"));
    for round in 0..rounds {
        let len = (next() % 400) as usize;
        let mut bytes: Vec<u8> = (0..len).map(|_| next() as u8).collect();
        let mut right = upgrade.clone().into_bytes();
        let mut spoil = |right: &mut [u8]| {
            for _ in 0..=next() % 4 {
                let at = (next() % right.len() as u64) as usize;
                right[at] = next() as u8;
            }
        };
        match round % 4 {
            // A WebSocket with bytes by chance in it.
            0 => bytes = [right, bytes].concat(),
            // A right request with wrong bytes in it.
            1 => {
                spoil(&mut right);
                bytes = right;
            }
            // A CONNECT with wrong bytes in it.
            2 => {
                let mut connect = CONNECT.to_vec();
                spoil(&mut connect);
                bytes = [
                    &right[..],
                    &[0x82, 0x80 | connect.len() as u8, 0, 0, 0, 0],
                    &connect,
                ]
                .concat();
            }
            _ => {}
        }
        let mut tcp = TcpStream::connect(address).await.unwrap();
        let _sent = tcp.write_all(&bytes).await;
    }
    let counts = Counts::from([("hearth_relay_connections".to_owned(), 1)]);
    compare(address, &counts).await;
    neighbour.was_not_disturbed().await;
    taking.abort();
}
