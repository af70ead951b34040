//! WebSockets whose frames or streams are wrong.

use hearth_model::api::close;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Duration, timeout},
};

use super::{Counts, DEADLINE, Neighbour, compare};
use crate::{
    fake_broker::{CONNECT, FakeBroker},
    running::bridge_to,
    websocket::{Browser, open},
};

/// Writes raw bytes into a WebSocket that was opened by the book.
async fn write(browser: &mut Browser, bytes: &[u8]) {
    // The bridge may close while we write.
    let _sent = browser.socket.get_mut().write_all(bytes).await;
}

#[tokio::test]
async fn frames_and_streams_that_are_wrong_end_their_own_websocket_and_no_other() {
    let broker = FakeBroker::start().await;
    let settings =
        "relay.max_message_bytes = 65536\nrelay.max_message_frames = 100\nrelay.handshake_timeout_ms = 1500";
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
        "http.header_timeout_ms = 1000\nrelay.handshake_timeout_ms = 1000",
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
