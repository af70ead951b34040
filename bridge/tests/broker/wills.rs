//! Wills that are asked for by DISCONNECT, written byte by byte: not every client library can.

use crate::{
    client::{Client, PATIENCE, Version, settings},
    options_with_data, start,
    written::{packet, text},
};
use hearth::broker;
use std::{net::SocketAddr, time::Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Connects with a session that stays for a minute and a will that waits for so many seconds, and says DISCONNECT with this reason.
async fn leave(broker: SocketAddr, name: &str, delay: u8, reason: u8) {
    let will = [
        &[5, 0x18, 0, 0, 0, delay][..],
        &text(format!("{name}/status").as_bytes()),
        &text(b"gone"),
    ]
    .concat();
    let body = [
        &text(b"MQTT")[..],
        &[5, 0x04, 0, 60, 5, 0x11, 0, 0, 0, 60],
        &text(name.as_bytes()),
        &will,
    ]
    .concat();
    let mut stream = TcpStream::connect(broker).await.unwrap();
    let packets = [packet(0x10, &body), packet(0xe0, &[reason])].concat();
    stream.write_all(&packets).await.unwrap();
    let mut answer = Vec::new();
    let closed = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    closed.expect("the connection stays open").unwrap();
}

#[tokio::test]
async fn a_will_is_published_after_a_goodbye_that_asks_for_it() {
    let broker = start().await;
    let address = broker.address();
    let mut watcher = Client::connected(Version::V5, address, "watcher").await;
    watcher.subscribe("+/status", 1).await;
    leave(address, "content", 0, 0x00).await;
    leave(address, "asks", 0, 0x04).await;
    assert_eq!(watcher.message().await.topic, "asks/status");
    // Who is back in time leaves none, also when gone again by then; its will would come before that of who left later.
    leave(address, "back", 1, 0x04).await;
    let (back, _) = Client::connect(Version::V5, address, settings("back").persistent()).await;
    back.leave().await;
    let left = Instant::now();
    leave(address, "waits", 1, 0x80).await;
    assert_eq!(watcher.message().await.topic, "waits/status");
    assert!(left.elapsed().as_secs() >= 1);
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_will_does_not_wait_when_its_session_has_ended() {
    let broker = start().await;
    let address = broker.address();
    let mut watcher = Client::connected(Version::V5, address, "watcher").await;
    watcher.subscribe("+/status", 1).await;
    leave(address, "new", 60, 0x04).await;
    let (_new, present) = Client::connect(Version::V5, address, settings("new")).await;
    assert!(!present);
    assert_eq!(watcher.message().await.topic, "new/status");
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_will_that_waits_is_not_lost_when_the_broker_stops() {
    let dir = tempfile::tempdir().unwrap();
    let broker = broker::start(options_with_data(dir.path())).await.unwrap();
    let watcher = || settings("watcher").persistent();
    let (mut client, _) = Client::connect(Version::V5, broker.address(), watcher()).await;
    client.subscribe("+/status", 1).await;
    client.leave().await;
    leave(broker.address(), "late", 60, 0x04).await;
    broker.stop().await.unwrap();
    let broker = broker::start(options_with_data(dir.path())).await.unwrap();
    let (mut client, present) = Client::connect(Version::V5, broker.address(), watcher()).await;
    assert!(present);
    assert_eq!(client.message().await.topic, "late/status");
    broker.stop().await.unwrap();
}
