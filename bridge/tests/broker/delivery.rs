use crate::{
    client::{BOTH, Client, Told, Version, settings},
    start,
};
use std::time::{Duration, Instant};

#[tokio::test]
async fn every_quality_of_service_arrives_across_versions() {
    let broker = start().await;
    for from in BOTH {
        for to in BOTH {
            let mut publisher = Client::connected(from, broker.address(), "publisher").await;
            let mut subscriber = Client::connected(to, broker.address(), "subscriber").await;
            subscriber.subscribe("home/+/온도", 2).await;
            for qos in 0..=2 {
                let payload = format!("{qos} {from:?} {to:?}");
                if qos == 0 {
                    publisher.send("home/거실/온도", 0, false, payload.clone());
                    // Something to wait for that makes rumqttc write the first.
                    publisher.publish("elsewhere", 1, false, "").await;
                } else {
                    publisher
                        .publish("home/거실/온도", qos, false, payload.clone())
                        .await;
                }
                let message = subscriber.message().await;
                assert_eq!(message.payload, payload.as_bytes());
                assert_eq!((message.qos, message.retain), (qos, false));
            }
        }
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_level_that_begins_with_a_dollar_is_a_level_like_any_other() {
    let broker = start().await;
    let topic = "homie/5/lamp/$description";
    for (version, filter) in [
        (Version::V5, "#"),
        (Version::V311, "homie/5/+/$description"),
        (Version::V5, "homie/5/lamp/+"),
        (Version::V5, topic),
    ] {
        let mut publisher = Client::connected(version, broker.address(), "publisher").await;
        let mut subscriber = Client::connected(version, broker.address(), "subscriber").await;
        subscriber.subscribe(filter, 1).await;
        publisher.publish(topic, 1, true, "{}").await;
        assert_eq!(subscriber.message().await.topic, topic, "{filter}");
        let mut later = Client::connected(version, broker.address(), "later").await;
        later.subscribe(filter, 1).await;
        let message = later.message().await;
        assert_eq!((&*message.topic, message.retain), (topic, true), "{filter}");
        publisher.publish(topic, 1, true, "").await;
    }
    let mut client = Client::connected(Version::V5, broker.address(), "deep").await;
    for (levels, granted) in [(128, "Success(AtLeastOnce)"), (129, "TopicFilterInvalid")] {
        assert_eq!(
            client
                .subscribe(&format!("a{}", "/$".repeat(levels - 1)), 1)
                .await,
            [granted]
        );
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn qos_2_messages_arrive_once_and_in_order() {
    let broker = start().await;
    for version in BOTH {
        let mut subscriber = Client::connected(version, broker.address(), "subscriber").await;
        subscriber.subscribe("numbers", 2).await;
        let mut publisher = Client::connected(version, broker.address(), "publisher").await;
        let publishing = tokio::spawn(async move {
            for number in 0..300 {
                publisher.publish("numbers", 2, false, number.to_string()).await;
            }
        });
        for number in 0..300 {
            assert_eq!(subscriber.message().await.payload, number.to_string().as_bytes());
        }
        publishing.await.unwrap();
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn retained_messages_are_marked_replaced_and_cleared() {
    let broker = start().await;
    for version in BOTH {
        let mut publisher = Client::connected(version, broker.address(), "publisher").await;
        publisher.publish("lamp/state", 1, true, "OFF").await;
        publisher.publish("lamp/state", 1, true, "ON").await;
        let mut subscriber = Client::connected(version, broker.address(), "subscriber").await;
        subscriber.subscribe("lamp/#", 1).await;
        let kept = subscriber.message().await;
        assert_eq!((kept.payload.as_slice(), kept.retain), (&b"ON"[..], true));
        // To those who listen already it is news, not a retained message [MQTT5-3.3.1-12].
        publisher.publish("lamp/state", 1, true, "OFF").await;
        let news = subscriber.message().await;
        assert_eq!((news.payload.as_slice(), news.retain), (&b"OFF"[..], false));
        publisher.publish("lamp/state", 1, true, "").await;
        assert_eq!(subscriber.message().await.payload, b"");
        let mut late = Client::connected(version, broker.address(), "late").await;
        late.subscribe("lamp/#", 1).await;
        publisher.publish("lamp/end", 1, false, "end").await;
        assert_eq!(late.message().await.topic, "lamp/end");
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn ten_thousand_retained_messages_all_arrive() {
    let broker = start().await;
    let mut publisher = Client::connected(Version::V311, broker.address(), "publisher").await;
    for number in 0..10_000 {
        publisher.publish(&format!("many/{number}"), 1, true, "x").await;
    }
    let mut subscriber = Client::connected(Version::V5, broker.address(), "subscriber").await;
    subscriber.subscribe("many/#", 0).await;
    for _ in 0..10_000 {
        assert!(subscriber.message().await.retain);
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_will_is_published_when_its_client_is_gone_but_not_after_a_goodbye() {
    let broker = start().await;
    for version in BOTH {
        let mut watcher = Client::connected(version, broker.address(), "watcher").await;
        watcher.subscribe("+/status", 1).await;
        let polite = settings("polite").will("polite/status", "offline");
        Client::connect(version, broker.address(), polite)
            .await
            .0
            .leave()
            .await;
        let lost = settings("lost").will("lost/status", "offline");
        drop(Client::connect(version, broker.address(), lost).await);
        assert_eq!(watcher.message().await.topic, "lost/status");
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn members_of_a_shared_subscription_take_turns() {
    let broker = start().await;
    let mut one = Client::connected(Version::V5, broker.address(), "one").await;
    let mut two = Client::connected(Version::V5, broker.address(), "two").await;
    one.subscribe("$share/group/work", 1).await;
    two.subscribe("$share/group/work", 1).await;
    let mut publisher = Client::connected(Version::V5, broker.address(), "publisher").await;
    for number in 0..10 {
        publisher.publish("work", 1, false, number.to_string()).await;
    }
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(one.message().await.payload);
        seen.push(two.message().await.payload);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 10);
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_broker_that_stops_hangs_up_quickly_and_frees_its_port() {
    let broker = start().await;
    let address = broker.address();
    let mut client = Client::connected(Version::V5, address, "client").await;
    let begun = Instant::now();
    let stopping = tokio::spawn(broker.stop());
    assert_eq!(client.next().await, Told::Closed);
    stopping.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    // The system may lend the port to a client of another test for a moment.
    let freed = async {
        while std::net::TcpListener::bind(address).is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), freed)
        .await
        .unwrap();
}
