//! Packets that no client may send, written byte by byte: a client library would not.

use crate::{
    client::{Client, Version},
    start,
    written::{packet, text},
};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

fn connect(will: Option<&[u8]>) -> Vec<u8> {
    let flags = if will.is_some() { 0x06 } else { 0x02 };
    let will = will.map_or_else(Vec::new, |topic| [&[0][..], &text(topic), &text(b"x")].concat());
    let body = [&text(b"MQTT")[..], &[5, flags, 0, 60, 0], &text(b"rude"), &will].concat();
    packet(0x10, &body)
}

/// The packet type that answers a CONNECT, and its reason code.
async fn answer(stream: &mut TcpStream) -> (u8, u8) {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.unwrap();
    let mut rest = vec![0; usize::from(head[1]) - 2];
    stream.read_exact(&mut rest).await.unwrap();
    (head[0], head[3])
}

async fn dial(broker: SocketAddr, will: Option<&[u8]>) -> (TcpStream, u8) {
    let mut stream = TcpStream::connect(broker).await.unwrap();
    stream.write_all(&connect(will)).await.unwrap();
    let (first, reason) = answer(&mut stream).await;
    assert_eq!(first, 0x20);
    (stream, reason)
}

#[tokio::test]
async fn a_malformed_publish_reaches_nobody_and_ends_its_connection() {
    let broker = start().await;
    let mut others = Client::connected(Version::V5, broker.address(), "others").await;
    others.subscribe("#", 1).await;
    let user = |name: &[u8]| [&[0x26][..], &text(name), &text(b"v")].concat();
    for (topic, properties) in [
        (&b"a\0b"[..], vec![]),
        (b"a/#", vec![]),
        (b"a/+/b", vec![]),
        (b"", vec![]),
        (b"a", [&[0x08][..], &text(b"b/#")].concat()),
        (b"a", [&[0x08][..], &text(b"b\0")].concat()),
        (b"a", [&[0x03][..], &text(b"b\0")].concat()),
        (b"a", user(b"b\0")),
    ] {
        let (mut rude, _) = dial(broker.address(), None).await;
        let length = u8::try_from(properties.len()).unwrap();
        // Retained, it would keep others away for ever.
        let publish = packet(0x31, &[&text(topic)[..], &[length], &properties, b"x"].concat());
        rude.write_all(&publish).await.unwrap();
        let mut rest = Vec::new();
        // A reset says the same as an end.
        let _ = rude.read_to_end(&mut rest).await;
    }
    others.publish("good", 1, false, "x").await;
    assert_eq!(others.message().await.topic, "good");
    assert_eq!(broker.counters().publishes_denied, 8);
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_malformed_will_is_refused_when_it_is_left() {
    let broker = start().await;
    for topic in [&b"a\0b"[..], b"a/#", b""] {
        let (_, reason) = dial(broker.address(), Some(topic)).await;
        assert_ne!(reason, 0, "{topic:?}");
    }
    assert_eq!(dial(broker.address(), Some(b"a")).await.1, 0);
    broker.stop().await.unwrap();
}
