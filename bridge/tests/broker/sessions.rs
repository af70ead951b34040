use crate::{
    client::{BOTH, Client, PATIENCE, Told, Version, settings},
    start,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

#[tokio::test]
async fn a_second_client_of_the_same_name_takes_the_session_over() {
    let broker = start().await;
    for version in BOTH {
        let tab = settings("tab").persistent();
        let (mut first, _) = Client::connect(version, broker.address(), tab.clone()).await;
        first.subscribe("a", 1).await;
        let (mut second, present) = Client::connect(version, broker.address(), tab).await;
        assert!(present, "{version:?}");
        // Without the DISCONNECT of [MQTT5-3.1.4-3]: the library closes the connection before it writes one.
        assert_eq!(first.next().await, Told::Closed);
        second.publish("a", 1, false, "for the second").await;
        assert_eq!(second.message().await.payload, b"for the second");
        second.leave().await;
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_session_that_ends_with_its_connection_is_not_taken_over() {
    let broker = start().await;
    for version in BOTH {
        let (mut first, _) = Client::connect(version, broker.address(), settings("tab")).await;
        first.subscribe("a", 1).await;
        let (mut second, present) =
            Client::connect(version, broker.address(), settings("tab").persistent()).await;
        assert!(!present, "{version:?}");
        assert_eq!(first.next().await, Told::Closed);
        second.publish("a", 1, false, "for nobody").await;
        second.subscribe("b", 1).await;
        second.publish("b", 1, false, "for the second").await;
        assert_eq!(second.message().await.topic, "b");
        second.leave().await;
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn what_waits_for_a_client_arrives_in_order_when_it_is_back() {
    let broker = start().await;
    for version in BOTH {
        let away = settings(&format!("away {version:?}")).persistent();
        let (mut client, _) = Client::connect(version, broker.address(), away.clone()).await;
        client.subscribe("orders", 2).await;
        client.leave().await;
        let mut publisher = Client::connected(version, broker.address(), "publisher").await;
        for number in 0..500_u32 {
            let qos = if number % 2 == 0 { 1 } else { 2 };
            publisher.publish("orders", qos, false, number.to_string()).await;
        }
        let (mut client, present) = Client::connect(version, broker.address(), away).await;
        assert!(present, "{version:?}");
        let mut came = Vec::new();
        for _ in 0..500 {
            came.push(String::from_utf8(client.message().await.payload).unwrap());
        }
        assert_eq!(
            came,
            (0..500).map(|n| n.to_string()).collect::<Vec<_>>(),
            "{version:?}"
        );
        client.leave().await;
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_message_that_is_too_large_for_a_client_is_left_out() {
    let broker = start().await;
    let small = settings("small").persistent().maximum_packet_size(200);
    let (mut client, _) = Client::connect(Version::V5, broker.address(), small.clone()).await;
    client.subscribe("a", 2).await;
    let mut publisher = Client::connected(Version::V5, broker.address(), "publisher").await;
    let (large, fits) = ("x".repeat(300), "y".repeat(150));
    // QoS 0 last: by then the exchanges of the others have ended.
    for qos in [2, 1, 0] {
        for payload in ["before", &large, &fits, "after"] {
            match qos {
                0 => publisher.send("a", 0, false, payload),
                _ => drop(publisher.publish("a", qos, false, payload).await),
            }
        }
        publisher.publish("b", 1, false, "all of them are sent").await;
        for payload in ["before", &fits, "after"] {
            assert_eq!(client.message().await.payload, payload.as_bytes(), "QoS {qos}");
        }
    }
    // Also one that waited for the client.
    client.leave().await;
    for payload in [&large, "waited"] {
        publisher.publish("a", 1, false, payload).await;
    }
    let (mut client, present) = Client::connect(Version::V5, broker.address(), small).await;
    assert!(present);
    assert_eq!(client.message().await.payload, b"waited");
    assert_eq!(broker.counters().messages_dropped, 4);
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn the_broker_hangs_up_on_who_has_said_goodbye() {
    let broker = start().await;
    // CONNECT of 3.1.1 and of 5.0, without and with a session that stays.
    for connect in [
        &b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01a"[..],
        b"\x10\x0d\0\x04MQTT\x04\0\0\0\0\x01b",
        b"\x10\x0e\0\x04MQTT\x05\x02\0\0\0\0\x01c",
        b"\x10\x13\0\x04MQTT\x05\0\0\0\x05\x11\0\0\0\x3c\0\x01d",
    ] {
        let mut stream = TcpStream::connect(broker.address()).await.unwrap();
        stream.write_all(&[connect, b"\xe0\0"].concat()).await.unwrap();
        let mut answer = Vec::new();
        let closed = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        closed.expect("the connection stays open").unwrap();
        assert_eq!(answer.first(), Some(&0x20), "{answer:?}");
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_clean_start_forgets_the_session() {
    let broker = start().await;
    for version in BOTH {
        let (mut client, _) = Client::connect(version, broker.address(), settings("c").persistent()).await;
        client.subscribe("a", 1).await;
        client.leave().await;
        let (mut client, present) = Client::connect(version, broker.address(), settings("c")).await;
        assert!(!present);
        client.publish("a", 1, false, "for nobody").await;
        client.subscribe("b", 1).await;
        client.publish("b", 1, false, "for c").await;
        assert_eq!(client.message().await.topic, "b");
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_that_comes_back_at_once_is_let_in() {
    let broker = start().await;
    for version in BOTH {
        for attempt in 0..100 {
            let again = settings("page");
            let again = if attempt % 2 == 0 {
                again
            } else {
                again.persistent()
            };
            // Dropped without a goodbye, as when a page is reloaded.
            drop(Client::connect(version, broker.address(), again).await);
        }
    }
    broker.stop().await.unwrap();
}
