//! Caps, and what a browser is told when they bite.

use hearth_model::api::close;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    fake_broker::{CONNECT, FakeBroker},
    http,
    running::{bridge, bridge_to},
    websocket::open,
};

#[tokio::test]
async fn websockets_beyond_the_cap_are_told_and_a_place_that_is_left_is_free_again() {
    for (setting, code) in [
        ("relay.max_connections = 1", close::TOO_MANY_CONNECTIONS),
        (
            "relay.max_connections_per_address = 1",
            close::TOO_MANY_FROM_ADDRESS,
        ),
    ] {
        let broker = FakeBroker::start().await;
        let bridge = bridge_to(broker.address(), setting).await;
        let mut first = open(bridge.address()).await;
        first.send(CONNECT).await;
        let tcp = broker.accept_connect().await;
        assert_eq!(open(bridge.address()).await.closed().await.0, code, "{setting}");
        drop(tcp);
        assert_eq!(first.closed().await.0, close::BROKER_CLOSED);
        first.close().await;
        // The place is left when the relay's task has ended, a moment after the browser knows.
        loop {
            let mut next = open(bridge.address()).await;
            next.send(CONNECT).await;
            tokio::select! {
                _tcp = broker.accept_connect() => break,
                closed = next.closed() => assert_eq!(closed.0, code, "{setting}"),
            }
        }
        let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
        assert!(
            metrics.contains(&format!("hearth_relay_ended_total{{code=\"{code}\"}}")),
            "{metrics}"
        );
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up_on() {
    let bridge = bridge("http.header_timeout_ms = 200").await;
    let mut slow = TcpStream::connect(bridge.address()).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        .await
        .unwrap();
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).await.unwrap();
    assert_eq!(http::get(bridge.address(), "/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn a_huge_head_is_refused() {
    let bridge = bridge("http.max_header_bytes = 8192").await;
    let huge = "x".repeat(9_000);
    let answer = http::get(bridge.address(), "/healthz", &[("Cookie", &huge)]).await;
    assert_eq!(answer.status, 431);
    assert_eq!(
        http::get(bridge.address(), "/healthz", &[("Cookie", &huge[..4_000])])
            .await
            .status,
        200
    );
}
