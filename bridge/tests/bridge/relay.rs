//! What runs between browser and broker.

use futures_util::{SinkExt, StreamExt};
use hearth_mqtt::{Ack, Packet, Properties, Qos, ReasonCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Duration, Instant, timeout},
};
use tokio_tungstenite::tungstenite::{
    Bytes, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{
    fake_broker::{self, CONNECT, FakeBroker},
    mosquitto::Mosquitto,
    mqtt::{Client, publish},
    running::bridge_to,
    websocket::{open, open_at},
};

#[tokio::test]
async fn messages_of_every_qos_go_through_a_real_broker_and_come_back() {
    let mosquitto = Mosquitto::start();
    let bridge = bridge_to(mosquitto.address(), "").await;
    let mut subscriber = Client::connect(open(bridge.address()).await).await;
    subscriber.subscribe("home/#").await;
    let mut publisher = Client::connect(open_at(bridge.address(), "/mqtt/home").await).await;
    let payload: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let sent = publish("home/kitchen", &payload, qos);
        publisher.send(&Packet::Publish(sent.clone())).await;
        acknowledge_as_sender(&mut publisher, qos).await;
        let Packet::Publish(received) = subscriber.receive().await else {
            panic!("no PUBLISH")
        };
        assert!(
            (received.qos, received.topic(), received.payload()) == (qos, sent.topic(), sent.payload()),
            "{qos:?}"
        );
        acknowledge_as_receiver(&mut subscriber, qos, &received).await;
    }
}

async fn acknowledge_as_sender(client: &mut Client, qos: Qos) {
    match qos {
        Qos::AtMostOnce => {}
        Qos::AtLeastOnce => assert!(matches!(client.receive().await, Packet::Puback(_))),
        Qos::ExactlyOnce => {
            let Packet::Pubrec(Ack { packet_id, .. }) = client.receive().await else {
                panic!("no PUBREC")
            };
            client.send(&Packet::Pubrel(ack(packet_id))).await;
            assert!(matches!(client.receive().await, Packet::Pubcomp(_)));
        }
    }
}

async fn acknowledge_as_receiver(client: &mut Client, qos: Qos, received: &hearth_mqtt::Publish) {
    match (qos, received.packet_id) {
        (Qos::AtLeastOnce, Some(packet_id)) => client.send(&Packet::Puback(ack(packet_id))).await,
        (Qos::ExactlyOnce, Some(packet_id)) => {
            client.send(&Packet::Pubrec(ack(packet_id))).await;
            assert!(matches!(client.receive().await, Packet::Pubrel(_)));
            client.send(&Packet::Pubcomp(ack(packet_id))).await;
        }
        (Qos::AtMostOnce, None) => {}
        other => panic!("{other:?}"),
    }
}

fn ack(packet_id: hearth_mqtt::PacketId) -> Ack {
    Ack {
        packet_id,
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::default(),
    }
}

#[tokio::test]
async fn packets_may_be_split_and_merged_over_frames_in_any_way() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    for byte in CONNECT {
        browser.send(&[*byte]).await;
        browser.send(&[]).await;
    }
    let mut tcp = broker.accept_connect().await;
    let ping = Bytes::from_static(b"still there?");
    let piece = |bytes: &'static [u8], opcode, last| {
        Message::Frame(Frame::message(bytes, OpCode::Data(opcode), last))
    };
    browser
        .socket
        .send(piece(&[0xC0], Data::Binary, false))
        .await
        .unwrap();
    browser.socket.send(Message::Ping(ping.clone())).await.unwrap();
    browser
        .socket
        .send(piece(&[], Data::Continue, false))
        .await
        .unwrap();
    browser
        .socket
        .send(piece(&[0, 0xC0], Data::Continue, true))
        .await
        .unwrap();
    browser.send(&[0]).await;
    browser.send(&[0xC0, 0, 0xC0, 0]).await;
    assert_eq!(
        fake_broker::read(&mut tcp, 8).await,
        [0xC0, 0, 0xC0, 0, 0xC0, 0, 0xC0, 0]
    );
    match browser.socket.next().await {
        Some(Ok(Message::Pong(payload))) => assert_eq!(payload, ping),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_one_read_brings_goes_out_in_one_frame() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let mut tcp = broker.accept_connect().await;
    fake_broker::write(&mut tcp, &[0x20, 2, 0, 0]).await;
    assert_eq!(browser.receive().await[..], [0x20, 2, 0, 0]);
    let three = [0x30, 3, 0, 1, b'a', 0x30, 3, 0, 1, b'b', 0x30, 3, 0, 1, b'c'];
    fake_broker::write(&mut tcp, &three).await;
    assert_eq!(browser.receive().await[..], three);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_broker_says_behind_a_command_does_not_wait_for_an_acknowledgement() {
    const ROUNDS: usize = 40;
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let mut tcp = broker.accept_connect().await;
    // As Mosquitto: a small write waits until the one before it is acknowledged.
    tcp.set_nodelay(false).unwrap();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let command = [0x32, 6, 0, 1, b'a', 0, 1, b'x'];
        browser.send(&command).await;
        assert_eq!(fake_broker::read(&mut tcp, command.len()).await, command);
        let begun = Instant::now();
        for packet in [&[0x40, 2, 0, 1][..], &[0x30, 3, 0, 1, b'b']] {
            fake_broker::write(&mut tcp, packet).await;
            assert_eq!(browser.receive().await[..], *packet);
        }
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    // The kernel delays an acknowledgement by 40 ms; a busy machine delays some rounds too, but not most.
    assert!(times[ROUNDS / 4] < Duration::from_millis(20), "{times:?}");
}

#[tokio::test]
async fn a_burst_reaches_the_browser_in_few_frames_and_whole() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let mut tcp = broker.accept_connect().await;
    let packet = [&[0x30, 30, 0, 4][..], b"home", &[b'x'; 24]].concat();
    let count = 50_000;
    let (expected, one) = (packet.len() * count, packet.clone());
    tokio::spawn(async move {
        for _ in 0..count {
            tcp.write_all(&one).await.unwrap();
        }
        // Held open until the browser has everything.
        let _end = tcp.read(&mut [0]).await;
    });
    let (mut received, mut frames) = (Vec::with_capacity(expected), 0);
    while received.len() < expected {
        received.extend_from_slice(&browser.receive().await);
        frames += 1;
    }
    assert!(
        received.chunks(packet.len()).all(|chunk| chunk == packet),
        "bytes were changed"
    );
    assert!(frames < count / 10, "{frames} frames for {count} packets");
}

#[tokio::test]
async fn a_stalled_browser_slows_its_own_broker_and_nobody_else() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let mut stalled = open(bridge.address()).await;
    stalled.send(CONNECT).await;
    let mut tcp = broker.accept_connect().await;
    let chunk = vec![0x5A; 64 * 1024];
    let mut sent = 0;
    // The kernel's buffers hold some megabytes; the bridge holds one read.
    while let Ok(written) = timeout(Duration::from_millis(300), tcp.write(&chunk)).await {
        sent += written.unwrap();
        assert!(sent < 64 * 1024 * 1024, "nothing slows the broker");
    }
    let mut other = open(bridge.address()).await;
    other.send(CONNECT).await;
    let mut other_tcp = broker.accept_connect().await;
    fake_broker::write(&mut other_tcp, &[0x20, 2, 0, 0]).await;
    assert_eq!(other.receive().await[..], [0x20, 2, 0, 0]);
    let mut received = 0;
    while received < sent {
        received += stalled.receive().await.len();
    }
    assert_eq!(received, sent, "nothing is lost");
}

#[tokio::test]
async fn a_stalled_broker_slows_its_browser() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let mut tcp = broker.accept_connect().await;
    let chunk = Bytes::from(vec![0xA5; 64 * 1024]);
    let mut sent = 0;
    while timeout(
        Duration::from_millis(300),
        browser.socket.send(Message::Binary(chunk.clone())),
    )
    .await
    .is_ok()
    {
        sent += chunk.len();
        assert!(sent < 64 * 1024 * 1024, "nothing slows the browser");
    }
    // The last message was begun and goes on by itself.
    let flush = tokio::spawn(async move { browser.socket.flush().await.map(|()| browser) });
    let received = fake_broker::read(&mut tcp, sent).await;
    assert!(received.iter().all(|byte| *byte == 0xA5));
    let _rest = fake_broker::read(&mut tcp, chunk.len()).await;
    flush.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_the_broker_said_last_arrives_before_the_close() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let mut tcp = broker.accept_connect().await;
    fake_broker::write(&mut tcp, &[0x20, 2, 0, 5]).await;
    drop(tcp);
    assert_eq!(browser.receive().await[..], [0x20, 2, 0, 5]);
    assert_eq!(
        browser.closed().await,
        (1000, "the broker closed the connection".into())
    );
}

#[tokio::test]
async fn a_browser_that_closes_ends_the_brokers_stream_after_its_last_bytes() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let mut tcp = broker.accept_connect().await;
    browser.send(&[0xE0, 0]).await;
    browser.close().await;
    let mut rest = Vec::new();
    tcp.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, [0xE0, 0]);
}

#[tokio::test]
async fn a_browser_that_vanishes_ends_the_brokers_stream() {
    let broker = FakeBroker::start().await;
    let bridge = bridge_to(broker.address(), "").await;
    let mut browser = open(bridge.address()).await;
    browser.send(CONNECT).await;
    let mut tcp = broker.accept_connect().await;
    drop(browser);
    assert_eq!(tcp.read(&mut [0]).await.unwrap(), 0);
}
