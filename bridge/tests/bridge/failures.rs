//! How a page learns what went wrong: close codes and reasons.

use futures_util::SinkExt;
use hearth_model::api::close;
use tokio::{
    net::TcpListener,
    time::{Duration, Instant},
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    fake_broker::{self, CONNECT, FakeBroker},
    house::soon,
    http,
    running::{bridge, bridge_to, start},
    websocket::open,
};

#[tokio::test]
async fn a_broker_that_is_not_there_is_told_with_its_name_and_address() {
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let bridge = bridge_to(address, "").await;
    let closed = open(bridge.address()).await.closed().await;
    assert_eq!(
        closed,
        (
            close::BROKER_UNREACHABLE,
            format!("broker 'home' refused the connection at {address}")
        )
    );
}

#[tokio::test]
async fn readiness_follows_the_default_broker() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    assert_eq!(http::get(bridge.address(), "/readyz", &[]).await.status, 200);
    drop(broker);
    // An answer holds for a second.
    soon("the bridge is not ready", async || {
        let answer = http::get(bridge.address(), "/readyz", &[]).await;
        answer.status == 503 && answer.text() == "broker 'home': the connection was refused\n"
    })
    .await;
    assert_eq!(http::get(bridge.address(), "/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_told() {
    let bridge = bridge("[broker.far]\nurl = \"mqtt://no-such-host.invalid\"").await;
    let (code, reason) = open(bridge.address()).await.closed().await;
    assert_eq!(code, close::BROKER_UNREACHABLE);
    assert!(
        reason.starts_with("broker 'far' cannot be reached at no-such-host.invalid:1883"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_broker_that_does_not_answer_in_time_is_told() {
    // TCP is accepted by the kernel, but nobody speaks TLS.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let settings =
        format!("[relay]\ndial_timeout_ms = 100\n[broker.home]\nurl = \"mqtts://localhost:{port}\"\n");
    let bridge = bridge(&format!(
        "{settings}tls.ca_file = \"{}\"",
        crate::certificates::authority_file()
    ))
    .await;
    let (code, reason) = open(bridge.address()).await.closed().await;
    assert_eq!(code, close::BROKER_TIMEOUT);
    assert!(reason.contains("did not answer in time"), "{reason}");
}

#[tokio::test]
async fn a_broker_that_breaks_the_connection_is_told_from_one_that_ends_it() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let tcp = broker.accept_connect().await;
    tcp.set_zero_linger().unwrap();
    drop(tcp);
    assert_eq!(browser.closed().await.0, close::BROKER_LOST);
}

/// What a broker says is the page's business: it has the words for it.
#[tokio::test]
async fn what_a_broker_says_that_is_no_mqtt_reaches_the_page_as_it_is() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    for garbage in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        &[0xFF; 5_000],
        &[0; 7],
        b"\x15\x03\x01\x00\x02\x02\x46",
    ] {
        let mut browser = open(bridge.address()).await;
        browser.send(CONNECT).await;
        let mut tcp = broker.accept_connect().await;
        fake_broker::write(&mut tcp, garbage).await;
        let mut received = Vec::new();
        while received.len() < garbage.len() {
            received.extend_from_slice(&browser.receive().await);
        }
        assert_eq!(received, garbage);
        drop(tcp);
        assert_eq!(browser.closed().await.0, close::BROKER_CLOSED);
    }
}

#[tokio::test]
async fn a_broker_that_never_answers_connect_is_given_up_and_told() {
    for more in ["", "credentials.user_name = \"bridge\""] {
        let broker = FakeBroker::start().await;
        let address = broker.address();
        let bridge = bridge(&format!(
            "relay.connack_timeout_ms = 1500\n[broker.home]\nurl = \"mqtt://{address}\"\n{more}"
        ))
        .await;
        let mut answered = open(bridge.address()).await;
        answered.send(CONNECT).await;
        let mut tcp = broker.accept().await;
        fake_broker::write(&mut tcp, &[0x20]).await;
        let mut silent = open(bridge.address()).await;
        silent.send(CONNECT).await;
        let _silent_tcp = broker.accept().await;
        let told = "the broker took CONNECT and said nothing: no CONNACK came in time";
        assert_eq!(silent.closed().await, (close::BROKER_SILENT, told.into()));
        // Who had the beginning of an answer in that time gets the rest of it whenever it comes.
        fake_broker::write(&mut tcp, &[2, 0, 0]).await;
        let mut received = Vec::new();
        while received.len() < 4 {
            received.extend_from_slice(&answered.receive().await);
        }
        assert_eq!(received, [0x20, 2, 0, 0]);
        for line in [
            "hearth_relay_ended_total{code=\"4506\"} 1\n",
            "hearth_relay_dial_failures_total{broker=\"home\"} 1\n",
        ] {
            soon(line, async || {
                let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
                metrics.contains(line)
            })
            .await;
        }
    }
}

/// A broker that has begun to answer is waited for: the page's own time limit for CONNACK decides then, not the bridge.
#[tokio::test]
async fn a_broker_that_is_slow_is_waited_for_and_every_byte_comes_in_its_order() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "relay.handshake_timeout_ms = 400").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let mut tcp = broker.accept_connect().await;
    let mut received = Vec::new();
    for byte in [0x20, 3, 0, 0, 0] {
        // What makes it slow; nothing is waited for.
        tokio::time::sleep(Duration::from_millis(100)).await;
        fake_broker::write(&mut tcp, &[byte]).await;
        received.extend_from_slice(&browser.receive().await);
    }
    assert_eq!(received, [0x20, 3, 0, 0, 0]);
}

/// [MQTT5-6.0.0-1] [MQTT311-6.0.0-1]
#[tokio::test]
async fn a_text_frame_is_refused() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    browser.socket.send(Message::text("hello")).await.unwrap();
    let closed = browser.closed().await;
    assert_eq!(
        closed,
        (
            close::TEXT_FRAME,
            "MQTT travels in binary frames, not in text frames".into()
        )
    );
}

#[tokio::test]
async fn a_first_packet_that_is_not_connect_is_refused() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    browser.send(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(browser.closed().await.0, close::NOT_MQTT);
}

#[tokio::test]
async fn a_connect_must_arrive_whole_and_in_time() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "relay.handshake_timeout_ms = 1000").await;
    let mut silent = open(bridge.address()).await;
    let mut slow = open(bridge.address()).await;
    slow.send(&CONNECT[..5]).await;
    let mut quick = open(bridge.address()).await;
    quick.send(CONNECT).await;
    let begun = Instant::now();
    assert_eq!(silent.closed().await.0, close::HANDSHAKE_TIMEOUT);
    assert_eq!(slow.closed().await.0, close::HANDSHAKE_TIMEOUT);
    assert!(begun.elapsed() < Duration::from_secs(5));
    // The one that connected is still served.
    quick.socket.send(Message::Ping("x".into())).await.unwrap();
    assert!(matches!(
        futures_util::StreamExt::next(&mut quick.socket).await,
        Some(Ok(Message::Pong(_)))
    ));
}

#[tokio::test]
async fn a_message_that_is_too_big_is_refused() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "relay.max_message_bytes = 1024").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    browser.send(&[0; 1025]).await;
    assert_eq!(browser.closed().await.0, close::MESSAGE_TOO_BIG);
}

#[tokio::test]
async fn a_shutdown_closes_every_websocket_and_frees_the_port() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let address = bridge.address();
    let mut browsers = vec![open(address).await, open(address).await];
    for browser in &mut browsers {
        browser.send(CONNECT).await;
    }
    let _tcp = (broker.accept_connect().await, broker.accept_connect().await);
    let stopped = tokio::spawn(bridge.stop());
    for browser in &mut browsers {
        assert_eq!(
            browser.closed().await,
            (close::SHUTTING_DOWN, "the bridge is shutting down".into())
        );
    }
    drop(browsers);
    stopped.await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_browser_that_does_not_answer_cannot_hold_a_shutdown_up() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "drain_ms = 300").await;
    let mut deaf = open(bridge.address()).await;
    deaf.send(CONNECT).await;
    let _tcp = broker.accept_connect().await;
    let begun = Instant::now();
    bridge.stop().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2));
    drop(deaf);
}

#[tokio::test]
async fn a_taken_port_is_told_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let text = format!("listen = \"{address}\"");
    let config =
        hearth::config::Config::parse("test.toml", &text, &Default::default(), &Default::default()).unwrap();
    let said = hearth::server::Server::start(config)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        said.contains(&format!("cannot listen on {address}: the port is taken")) && said.contains("--listen"),
        "{said}"
    );
}

#[tokio::test]
async fn a_certificate_file_with_something_else_in_it_is_told_at_the_start() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, "not a certificate").unwrap();
    let settings = format!(
        "[broker.home]\nurl = \"mqtts://home\"\ntls.ca_file = \"{}\"",
        file.display()
    );
    let said = start(&settings).await.err().unwrap().to_string();
    assert!(
        said.starts_with("[broker.home]: ") && said.contains("ca.pem: holds no certificate in PEM form"),
        "{said}"
    );
}
