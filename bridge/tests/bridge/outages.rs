//! What the log of a running `hearth` says of brokers that cannot be had.

use std::net::{SocketAddr, TcpListener};

use hearth_model::api::close;

use crate::{
    certificates::{CERTIFICATES, authority_file},
    fake_broker::CONNECT,
    mosquitto::Mosquitto,
    program::Program,
    websocket::open_at,
};

/// How the bridge closes a WebSocket to this broker.
async fn closed(bridge: SocketAddr, broker: &str) -> u16 {
    let mut browser = open_at(bridge, &format!("/mqtt/{broker}")).await;
    browser.send(CONNECT).await;
    browser.closed().await.0
}

#[tokio::test]
async fn the_log_tells_once_why_a_broker_cannot_be_had() {
    let mosquitto = Mosquitto::with(&format!(
        "allow_anonymous true\ncertfile {}\nkeyfile {}\ncafile {}\nrequire_certificate true",
        CERTIFICATES.file("localhost.pem"),
        CERTIFICATES.file("localhost.key"),
        authority_file(),
    ));
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (mut bridge, address) = Program::start(&format!(
        "[broker.gone]\nurl = \"mqtt://{gone}\"\n[broker.strict]\nurl = \"mqtts://localhost:{}\"\n[broker.strict.tls]\nca_file = \"{}\"\n",
        mosquitto.address().port(),
        CERTIFICATES.file("ca.pem"),
    ))
    .await;

    assert_eq!(closed(address, "strict").await, close::BROKER_TLS_FAILED);
    let told = bridge.line_with("broker=strict").await;
    assert!(told.contains("wants a client certificate"), "{told}");
    assert_eq!(closed(address, "strict").await, close::BROKER_TLS_FAILED);
    for _ in 0..3 {
        assert_eq!(closed(address, "gone").await, close::BROKER_UNREACHABLE);
    }
    let told = bridge.line_with("broker=gone").await;
    assert!(told.contains("refused"), "{told}");
    let rest = bridge.kill().await;
    assert!(!rest.contains("broker="), "{rest}");
}
