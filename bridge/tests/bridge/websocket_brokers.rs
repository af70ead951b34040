//! Brokers that are reached by their WebSocket listener.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use hearth::server::Server;
use hearth_model::api::close;
use hearth_mqtt::{Ack, Packet, Properties, Qos, ReasonCode};
use tempfile::TempDir;
use tokio::{
    io::AsyncReadExt,
    net::TcpListener,
    time::{Instant, timeout},
};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::{
    certificates::{CERTIFICATES, authority_file},
    credentials::password_file,
    fake_broker::{self, CONNECT, FakeBroker},
    http,
    mosquitto::Mosquitto,
    mqtt::{Client, publish},
    running::bridge,
    websocket::{open, open_with},
    websocket_listener::{accept, agree, asked, frame, header},
};

const CONNACK: [u8; 5] = [0x20, 3, 0, 0, 0];

async fn bridge_by_websocket(broker: SocketAddr, settings: &str) -> Server {
    bridge(&format!(
        "{settings}\n[broker.home]\nurl = \"ws://{broker}/mqtt\"\n"
    ))
    .await
}

/// Mosquitto 2.0.11 does not start with WebSocket listeners alone; the one in question is the second.
fn mosquitto(settings: &str) -> Mosquitto {
    Mosquitto::with_listeners("", &["", &format!("protocol websockets\n{settings}")])
}

fn ack(packet_id: hearth_mqtt::PacketId) -> Ack {
    Ack {
        packet_id,
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::default(),
    }
}

#[tokio::test]
async fn messages_of_every_qos_and_size_go_through_a_real_listener_and_come_back() {
    let mosquitto = mosquitto("allow_anonymous true");
    let bridge = bridge_by_websocket(mosquitto.address_of(1), "").await;
    let mut subscriber = Client::connect(open(bridge.address()).await).await;
    subscriber.subscribe("home/#").await;
    let mut publisher = Client::connect(open(bridge.address()).await).await;
    let begun = Instant::now();
    for size in [0, 1, 120, 126, 4_000, 65_520, 65_536, 200_000] {
        let payload: Vec<u8> = (0..size).map(|n: u32| (n % 251) as u8).collect();
        for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
            publisher
                .send(&Packet::Publish(publish("home/kitchen", &payload, qos)))
                .await;
            match qos {
                Qos::AtMostOnce => {}
                Qos::AtLeastOnce => assert!(matches!(publisher.receive().await, Packet::Puback(_))),
                Qos::ExactlyOnce => {
                    let Packet::Pubrec(Ack { packet_id, .. }) = publisher.receive().await else {
                        panic!("no PUBREC");
                    };
                    publisher.send(&Packet::Pubrel(ack(packet_id))).await;
                    assert!(matches!(publisher.receive().await, Packet::Pubcomp(_)));
                }
            }
            let (topic, received) = subscriber.message().await;
            assert_eq!(topic, "home/kitchen");
            assert!(received == payload, "{size} bytes at {qos:?}");
        }
    }
    // Mosquitto 2.0.11 takes 100 ms for every 4 KB of a large message when nobody nudges it.
    let taken = begun.elapsed();
    assert!(
        taken < Duration::from_secs(12),
        "{taken:?}, where sleep alone would be 24 s"
    );
}

#[tokio::test]
async fn many_messages_at_once_come_whole_and_in_order() {
    let mosquitto = mosquitto("allow_anonymous true\nmax_queued_messages 0");
    let bridge = bridge_by_websocket(mosquitto.address_of(1), "").await;
    let mut subscriber = Client::connect(open(bridge.address()).await).await;
    subscriber.subscribe("home/#").await;
    let mut publisher = Client::connect(open(bridge.address()).await).await;
    let sending = async {
        for number in 0..3_000_u32 {
            let payload = number.to_string().repeat(1 + number as usize % 97);
            let packet = publish("home/n", payload.as_bytes(), Qos::AtMostOnce);
            publisher.send(&Packet::Publish(packet)).await;
        }
    };
    let receiving = async {
        for number in 0..3_000_u32 {
            let (_, payload) = subscriber.message().await;
            assert_eq!(
                payload,
                number.to_string().repeat(1 + number as usize % 97).as_bytes()
            );
        }
    };
    tokio::join!(sending, receiving);
}

fn secure_listener(certificate: &str, more: &str) -> Mosquitto {
    mosquitto(&format!(
        "allow_anonymous true\ncertfile {}\nkeyfile {}\ncafile {}\n{more}",
        CERTIFICATES.file(&format!("{certificate}.pem")),
        CERTIFICATES.file(&format!("{certificate}.key")),
        authority_file()
    ))
}

async fn bridge_by_wss(mosquitto: &Mosquitto, host: &str, tls: &str) -> Server {
    let port = mosquitto.address_of(1).port();
    bridge(&format!(
        "[broker.home]\nurl = \"wss://{host}:{port}/mqtt\"\n[broker.home.tls]\n{tls}"
    ))
    .await
}

fn trusting(ca: &str) -> String {
    format!("ca_file = \"{}\"\n", CERTIFICATES.file(ca))
}

fn showing(name: &str) -> String {
    format!(
        "{}cert_file = \"{}\"\nkey_file = \"{}\"\n",
        trusting("ca.pem"),
        CERTIFICATES.file(&format!("{name}.pem")),
        CERTIFICATES.file(&format!("{name}.key"))
    )
}

#[tokio::test]
async fn wss_trusts_the_authority_that_is_named_and_no_other() {
    let mosquitto = secure_listener("localhost", "");
    let trusted = bridge_by_wss(&mosquitto, "localhost", &trusting("ca.pem")).await;
    let mut client = Client::connect(open(trusted.address()).await).await;
    client.subscribe("home/#").await;
    let renamed = format!("{}server_name = \"localhost\"", trusting("ca.pem"));
    let renamed = bridge_by_wss(&mosquitto, "127.0.0.1", &renamed).await;
    Client::connect(open(renamed.address()).await).await;
    for (host, ca, part) in [
        ("localhost", "foreign-ca.pem", "not trusted"),
        ("127.0.0.1", "ca.pem", "for other names: localhost"),
    ] {
        let bridge = bridge_by_wss(&mosquitto, host, &trusting(ca)).await;
        let (code, reason) = open(bridge.address()).await.closed().await;
        assert_eq!(code, close::BROKER_TLS_FAILED, "{reason}");
        assert!(reason.contains(part), "{reason}");
    }
}

#[tokio::test]
async fn wss_shows_the_client_certificate_that_is_asked_for() {
    let mosquitto = secure_listener("localhost", "require_certificate true");
    let with = bridge_by_wss(&mosquitto, "localhost", &showing("bridge")).await;
    Client::connect(open(with.address()).await)
        .await
        .subscribe("home/#")
        .await;
    let without = bridge_by_wss(&mosquitto, "localhost", &trusting("ca.pem")).await;
    let mut browser = open(without.address()).await;
    // How a listener says no differs: by an alert of TLS, or by silence after it.
    let (code, reason) = browser.closed().await;
    assert!(
        matches!(code, close::BROKER_TLS_FAILED | close::BROKER_UNREACHABLE),
        "{code} {reason}"
    );
}

#[tokio::test]
async fn the_bridge_signs_in_by_a_password_that_the_page_does_not_know() {
    let folder = TempDir::new().unwrap();
    let file = password_file(&folder, "bridge", "right");
    let mosquitto = mosquitto(&format!("allow_anonymous false\npassword_file {file}"));
    let settings = |password: &str| {
        format!(
            "[broker.home]\nurl = \"ws://{}/\"\ncredentials = {{ user_name = \"bridge\", password = \"{password}\" }}\n",
            mosquitto.address_of(1)
        )
    };
    let right = bridge(&settings("right")).await;
    Client::connect(open(right.address()).await)
        .await
        .subscribe("home/#")
        .await;
    let wrong = bridge(&settings("wrong")).await;
    let mut client = Client::over(open(wrong.address()).await);
    client.send(&crate::mqtt::connect()).await;
    assert!(client.connack().await.is_error());
}

#[tokio::test]
async fn what_a_user_may_do_is_judged_in_front_of_a_listener_too() {
    let mosquitto = mosquitto("allow_anonymous true");
    let roles = "auth.mode = \"proxy\"\naccess.trusted_proxies = [\"127.0.0.1\"]\n\
        auth.roles.operator = { publish = [\"home/+/set\"], subscribe = [\"home/#\"] }\nauth.default_role = \"operator\"";
    let bridge = bridge_by_websocket(mosquitto.address_of(1), roles).await;
    let ada = open_with(bridge.address(), "/mqtt", &[("X-Forwarded-User", "ada")]).await;
    let mut ada = Client::connect(ada).await;
    ada.send(&crate::mqtt::subscribe(&["home/#", "secret/#"], Qos::AtMostOnce))
        .await;
    let Packet::Suback(suback) = ada.receive().await else {
        panic!("no SUBACK");
    };
    assert_eq!(
        suback.reason_codes,
        [ReasonCode::SUCCESS, ReasonCode::NOT_AUTHORIZED]
    );
    for (topic, code) in [
        ("home/lamp/set", ReasonCode::SUCCESS),
        ("home/lamp", ReasonCode::NOT_AUTHORIZED),
        ("secret/set", ReasonCode::NOT_AUTHORIZED),
    ] {
        let bytes = ada.encode(&Packet::Publish(publish(topic, &[b'x'; 4_000], Qos::AtLeastOnce)));
        for part in bytes.chunks(1_333) {
            ada.send_bytes(part).await;
        }
        // The message and its acknowledgement come in any order.
        let mut acknowledged = None;
        let mut received = code.is_error();
        while acknowledged.is_none() || !received {
            match ada.receive().await {
                Packet::Puback(ack) => acknowledged = Some(ack.reason_code),
                Packet::Publish(publish) => received = publish.payload().len() == 4_000,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(acknowledged, Some(code), "{topic}");
    }
}

/// As an MQTT client asks: the path as it was written, one subprotocol, no origin and nothing to negotiate.
#[tokio::test]
async fn the_handshake_asks_for_the_path_that_was_written_and_for_mqtt() {
    let broker = FakeBroker::start().await;
    let settings = format!("[broker.home]\nurl = \"ws://{}/a//b/\"", broker.address());
    let bridge = bridge(&settings).await;
    let _browser = open(bridge.address()).await;
    let socket = accept(&broker).await;
    assert!(
        socket.request.starts_with("GET /a//b/ HTTP/1.1\r\n"),
        "{}",
        socket.request
    );
    let request = |name| header(&socket.request, name);
    assert_eq!(request("Host"), Some(broker.address().to_string().as_str()));
    assert_eq!(request("Sec-WebSocket-Protocol"), Some("mqtt"));
    assert_eq!(request("Sec-WebSocket-Version"), Some("13"));
    for absent in ["Origin", "Cookie", "Sec-WebSocket-Extensions", "Authorization"] {
        assert_eq!(request(absent), None);
    }
}

#[tokio::test]
async fn a_listener_that_opens_no_websocket_is_told_with_what_it_answered() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_by_websocket(broker.address(), "").await;
    let open_answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    for (answer, part) in [
        (
            "HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Length: 4\r\n\r\ngone".to_owned(),
            "status 404 Not Found from nginx: gone",
        ),
        (
            "HTTP/1.1 301 Moved Permanently\r\nLocation: https://home/mqtt\r\nContent-Length: 0\r\n\r\n"
                .to_owned(),
            "status 301 Moved Permanently, leading to https://home/mqtt",
        ),
        (
            format!("{open_answer}Sec-WebSocket-Accept: AAAA\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"),
            "the answer is for another request",
        ),
        ("\x20\x02\0\0".to_owned(), "the answer is not HTTP"),
        (String::new(), "the answer is not HTTP"),
        (
            "HTTP/1.1 200 OK\r\nX: ".to_owned() + &"x".repeat(100_000),
            "the answer is not HTTP",
        ),
    ] {
        let mut browser = open(bridge.address()).await;
        let (mut tcp, _request) = asked(&broker).await;
        fake_broker::write(&mut tcp, answer.as_bytes()).await;
        drop(tcp);
        let (code, reason) = browser.closed().await;
        assert_eq!(code, close::BROKER_UNREACHABLE, "{reason}");
        let expected = format!("broker 'home' opens no WebSocket: {part}");
        assert!(reason.starts_with(&expected), "{reason}");
    }
    for (more, part) in [
        ("", "names no subprotocol, not even mqtt"),
        (
            "Sec-WebSocket-Protocol: mqttv3.1\r\n",
            "names the subprotocol mqttv3.1, not mqtt",
        ),
    ] {
        let mut browser = open(bridge.address()).await;
        let (tcp, request) = asked(&broker).await;
        let _socket = agree(tcp, request, more).await;
        let (code, reason) = browser.closed().await;
        assert_eq!(code, close::BROKER_UNREACHABLE, "{reason}");
        assert!(reason.contains(part), "{reason}");
    }
}

#[tokio::test]
async fn a_listener_that_does_not_answer_is_given_up_on_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bridge = bridge_by_websocket(silent.local_addr().unwrap(), "relay.dial_timeout_ms = 100").await;
    let (code, reason) = open(bridge.address()).await.closed().await;
    assert_eq!(code, close::BROKER_TIMEOUT, "{reason}");
    let answer = http::get(bridge.address(), "/readyz", &[]).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (503, "broker 'home': no answer in time\n")
    );
}

#[tokio::test]
async fn frames_are_put_together_on_the_way_to_the_broker_and_never_empty() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_by_websocket(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    // In one write of the browser: CONNECT byte by byte, with empty frames between.
    for byte in CONNECT {
        browser
            .socket
            .feed(Message::Binary(Bytes::copy_from_slice(&[*byte])))
            .await
            .unwrap();
        browser.socket.feed(Message::Binary(Bytes::new())).await.unwrap();
    }
    browser.socket.flush().await.unwrap();
    let mut socket = accept(&broker).await;
    assert_eq!(socket.binary().await, CONNECT);
    let mut sent = Vec::new();
    for number in 0..100_u8 {
        let packet = [0x30, 4, 0, 1, b'a', number];
        browser
            .socket
            .feed(Message::Binary(Bytes::copy_from_slice(&packet)))
            .await
            .unwrap();
        sent.extend(packet);
    }
    browser.socket.flush().await.unwrap();
    let (mut received, mut frames) = (Vec::new(), 0);
    while received.len() < sent.len() {
        received.extend(socket.binary().await);
        frames += 1;
    }
    assert_eq!(received, sent);
    assert!(frames < 20, "{frames} frames");
}

#[tokio::test]
async fn the_brokers_packets_may_be_split_over_frames_and_reads_in_any_way() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_by_websocket(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let mut socket = accept(&broker).await;
    socket.binary().await;
    let payload: Vec<u8> = (0..70_000_u32).map(|n| (n % 253) as u8).collect();
    let sent = [
        frame(0x02, &CONNACK[..2]),
        frame(0x89, b"are you there"),
        frame(0x00, &[]),
        frame(0x80, &CONNACK[2..]),
        frame(0x8A, b"unasked"),
        frame(0x82, &payload[..200]),
        frame(0x82, &[]),
        frame(0x82, &payload[200..]),
    ]
    .concat();
    let (head, tail) = sent.split_at(40);
    for byte in head {
        socket.send(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    socket.send(tail).await;
    let expected = [&CONNACK[..], &payload].concat();
    let mut received = Vec::new();
    while received.len() < expected.len() {
        received.extend_from_slice(&browser.receive().await);
    }
    assert!(received == expected);
    assert_eq!(socket.frame().await, (0x8A, b"are you there".to_vec()));
}

#[tokio::test]
async fn a_broker_that_pings_without_end_and_never_reads_is_answered_once() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_by_websocket(broker.address(), "relay.stalled_timeout_ms = 0").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let mut socket = accept(&broker).await;
    socket.binary().await;
    let pings = frame(0x89, &[7; 125]).repeat(10_000);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(300) {
        socket.send(&pings).await;
    }
    socket.send(&frame(0x89, b"last")).await;
    socket.send(&frame(0x82, &CONNACK)).await;
    assert_eq!(browser.receive().await[..], CONNACK);
    while socket.frame().await != (0x8A, b"last".to_vec()) {}
}

#[tokio::test]
async fn how_the_broker_closes_is_told_to_the_page() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_by_websocket(broker.address(), "").await;
    for (sent, code, reason) in [
        (
            frame(0x88, &[]),
            close::BROKER_CLOSED,
            "the broker closed the WebSocket",
        ),
        (
            frame(0x88, &[0x03, 0xE8]),
            close::BROKER_CLOSED,
            "the broker closed the WebSocket with code 1000",
        ),
        (
            frame(0x88, b"\x03\xF0not\nwanted here"),
            close::BROKER_CLOSED,
            "the broker closed the WebSocket with code 1008: notwanted here",
        ),
    ] {
        let mut browser = open(bridge.address()).await;
        browser.send(CONNECT).await;
        let mut socket = accept(&broker).await;
        socket.binary().await;
        // What came before it is delivered first.
        socket.send(&[frame(0x82, &CONNACK), sent.clone()].concat()).await;
        assert_eq!(browser.receive().await[..], CONNACK);
        assert_eq!(browser.closed().await, (code, reason.to_owned()));
        let (first, echoed) = socket.frame().await;
        assert_eq!((first, &echoed[..]), (0x88, sent.get(2..4).unwrap_or_default()));
        drop(browser);
        socket.ended().await;
    }
}

#[tokio::test]
async fn frames_that_no_broker_may_send_end_the_connection_with_the_reason() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_by_websocket(broker.address(), "").await;
    for (sent, code, part) in [
        (frame(0x81, b"hello"), 1003_u16, "not in text frames"),
        (vec![0x82, 0x81, 0, 0, 0, 0, 1], 1002, "must not be masked"),
        (frame(0xC2, b"x"), 1002, "reserved bits"),
        (frame(0x83, b"x"), 1002, "opcode that does not exist"),
        (frame(0x80, b"x"), 1002, "a continuation frame without"),
        (frame(0x09, b"x"), 1002, "a control frame in pieces"),
        (frame(0x89, &[0; 126]), 1002, "more than 125 bytes"),
        (vec![0x82, 126, 0, 1, 0], 1002, "longer than needed"),
        (frame(0x88, &[3]), 1002, "a close code of one byte"),
        (frame(0x88, &[0x03, 0xED]), 1002, "may not be sent"),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            1002,
            "reserved bits",
        ),
    ] {
        let mut browser = open(bridge.address()).await;
        browser.send(CONNECT).await;
        let mut socket = accept(&broker).await;
        socket.binary().await;
        socket.send(&sent).await;
        let (told, reason) = browser.closed().await;
        assert_eq!(told, close::BROKER_LOST, "{reason}");
        let expected = "the broker broke the WebSocket protocol: ";
        assert!(reason.starts_with(expected) && reason.contains(part), "{reason}");
        let (first, payload) = socket.frame().await;
        assert_eq!((first, &payload[..2]), (0x88, &code.to_be_bytes()[..]), "{part}");
        drop(browser);
        socket.ended().await;
    }
}

#[tokio::test]
async fn a_browser_that_leaves_closes_the_brokers_websocket_behind_its_last_packet() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_by_websocket(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let mut socket = accept(&broker).await;
    socket.binary().await;
    browser.send(&[0xE0, 0]).await;
    let closing = tokio::spawn(browser.close());
    assert_eq!(socket.binary().await, [0xE0, 0]);
    assert_eq!(socket.frame().await, (0x88, 1000_u16.to_be_bytes().to_vec()));
    socket.send(&frame(0x88, &1000_u16.to_be_bytes())).await;
    socket.ended().await;
    closing.await.unwrap();
}

#[tokio::test]
async fn a_listener_that_takes_nothing_is_given_up_on_and_the_page_is_told() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_by_websocket(broker.address(), "relay.stalled_timeout_ms = 500").await;
    let (mut sink, mut stream) = {
        let mut browser = open(bridge.address()).await;
        browser.send(CONNECT).await;
        browser.socket.split()
    };
    let mut socket = accept(&broker).await;
    socket.binary().await;
    let chunk = Bytes::from(vec![0x5A; 64 * 1024]);
    let flood = async { while sink.send(Message::Binary(chunk.clone())).await.is_ok() {} };
    let closed = async {
        loop {
            match stream.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return u16::from(frame.code),
                Some(Ok(_)) => {}
                other => panic!("no close frame but {other:?}"),
            }
        }
    };
    let ((), code) = tokio::join!(flood, timeout(Duration::from_secs(20), closed));
    assert_eq!(code.unwrap(), close::BROKER_STALLED);
}

/// Nothing is kept for a browser that does not read: its broker is slowed.
#[tokio::test]
async fn a_browser_that_does_not_read_slows_its_listener() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_by_websocket(broker.address(), "relay.stalled_timeout_ms = 0").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let mut socket = accept(&broker).await;
    socket.binary().await;
    let chunk = frame(0x82, &[0x5A; 60_000]);
    let mut sent = 0;
    while timeout(Duration::from_millis(300), socket.send(&chunk))
        .await
        .is_ok()
    {
        sent += chunk.len();
        // What the kernel keeps on both ways is bounded by tcp_wmem and tcp_rmem.
        assert!(sent < 64 * 1024 * 1024, "{sent} bytes went somewhere");
    }
    // It goes on where it stopped.
    assert_eq!(browser.receive().await.first(), Some(&0x5A));
}

#[tokio::test]
async fn the_proxy_protocol_comes_before_the_handshake() {
    let broker = FakeBroker::start().await;
    let settings = format!(
        "[broker.home]\nurl = \"ws://{}/mqtt\"\nproxy_protocol = \"v1\"",
        broker.address()
    );
    let bridge = bridge(&settings).await;
    let _browser = open(bridge.address()).await;
    let mut tcp = broker.accept().await;
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        line.push(tcp.read_u8().await.unwrap());
    }
    assert!(line.starts_with(b"PROXY TCP4 127.0.0.1 127.0.0.1 "), "{line:?}");
    assert_eq!(fake_broker::read(&mut tcp, 9).await, b"GET /mqtt");
}

#[tokio::test]
async fn readiness_means_that_a_websocket_opens() {
    let mosquitto = mosquitto("allow_anonymous true");
    let ready = bridge_by_websocket(mosquitto.address_of(1), "").await;
    assert_eq!(http::get(ready.address(), "/readyz", &[]).await.status, 200);
    // MQTT over TCP listens at the other port, and hangs up.
    let other = bridge_by_websocket(mosquitto.address_of(0), "").await;
    let answer = http::get(other.address(), "/readyz", &[]).await;
    let expected = "broker 'home': no WebSocket opens: the answer is not HTTP";
    assert!(
        answer.status == 503 && answer.text().starts_with(expected),
        "{}",
        answer.text()
    );
}
