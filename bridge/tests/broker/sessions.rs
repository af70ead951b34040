use crate::{
    client::{BOTH, Client, Told, Version, settings},
    start,
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
async fn a_message_that_is_too_large_for_a_client_closes_one_connection_at_most() {
    let broker = start().await;
    let small = settings("small").persistent().maximum_packet_size(200);
    let (mut client, _) = Client::connect(Version::V5, broker.address(), small.clone()).await;
    client.subscribe("a", 1).await;
    client.leave().await;
    let mut publisher = Client::connected(Version::V5, broker.address(), "publisher").await;
    for payload in ["before".to_owned(), "x".repeat(300), "after".to_owned()] {
        publisher.publish("a", 1, false, payload).await;
    }
    let mut came = Vec::new();
    for _ in 0..2 {
        let (mut client, present) = Client::connect(Version::V5, broker.address(), small.clone()).await;
        assert!(present);
        while came.last().is_none_or(|last| last != b"after") {
            match client.next().await {
                Told::Message(message) => came.push(message.payload),
                Told::Closed | Told::SentAway(_) => break,
                _ => {}
            }
        }
    }
    // What was on its way when the connection was closed comes again.
    came.dedup();
    assert_eq!(came, [&b"before"[..], b"after"]);
    assert_eq!(broker.counters().messages_dropped, 1);
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
