use crate::{
    client::{BOTH, Client, Told, Version, settings},
    options, options_with_data, start,
};
use hearth::broker::{self, BrokerError, Refused, RunningBroker};
use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

/// What a client is told for whom there is no room.
fn no_room(version: Version) -> Told {
    let word = match version {
        Version::V311 => "ServiceUnavailable",
        Version::V5 => "ServerUnavailable",
    };
    Told::Refused(word.to_owned())
}

async fn dial(version: Version, broker: &RunningBroker, client_id: &str) -> (Client, Told) {
    let mut client = Client::dial(version, broker.address(), settings(client_id));
    let told = client.next().await;
    (client, told)
}

#[tokio::test]
async fn a_payload_of_a_mebibyte_and_a_topic_of_65535_bytes_arrive() {
    let broker = start().await;
    for version in BOTH {
        let mut subscriber = Client::connected(version, broker.address(), "subscriber").await;
        subscriber.subscribe("#", 1).await;
        let mut publisher = Client::connected(version, broker.address(), "publisher").await;
        let payload = vec![0xFE; 1 << 20];
        publisher.publish("large", 1, false, payload.clone()).await;
        assert_eq!(subscriber.message().await.payload, payload);
        let topic = "t".repeat(65_535);
        publisher.publish(&topic, 1, false, "x").await;
        assert_eq!(subscriber.message().await.topic, topic);
        let topic = vec!["🏠"; 100].join("/");
        publisher.publish(&topic, 1, false, "x").await;
        assert_eq!(subscriber.message().await.topic, topic);
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_may_switch_keep_alive_off() {
    let broker = start().await;
    // rumqttc's 5.0 client has no such setting.
    let quiet = settings("quiet").keep_alive_s(0);
    let (mut client, _) = Client::connect(Version::V311, broker.address(), quiet).await;
    client.subscribe("quiet", 1).await;
    client.publish("quiet", 1, false, "still here").await;
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn retained_messages_beyond_the_cap_are_delivered_but_not_kept_and_counted() {
    let mut options = options();
    options.limits.retained_messages = 2;
    let broker = broker::start(options).await.unwrap();
    let mut publisher = Client::connected(Version::V311, broker.address(), "publisher").await;
    for topic in ["a", "b", "c"] {
        publisher.publish(topic, 1, true, "x").await;
    }
    assert_eq!(broker.counters().retained_not_kept, 1);
    let mut subscriber = Client::connected(Version::V311, broker.address(), "subscriber").await;
    subscriber.subscribe("#", 1).await;
    assert_eq!(subscriber.message().await.topic, "a");
    assert_eq!(subscriber.message().await.topic, "b");
    publisher.publish("c", 1, true, "y").await;
    assert_eq!(subscriber.message().await.topic, "c");
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn clients_beyond_the_cap_are_refused_and_counted_but_a_connection_may_be_taken_over() {
    let mut options = options();
    options.limits.connections = 1;
    for version in BOTH {
        let broker = broker::start(options.clone()).await.unwrap();
        let _first = Client::connected(version, broker.address(), "first").await;
        assert_eq!(dial(version, &broker, "second").await.1, no_room(version));
        assert_eq!(broker.counters().refused.connections, 1);
        let again = Client::connected(version, broker.address(), "first").await;
        // The end of the connection that was taken over frees nothing.
        assert_eq!(dial(version, &broker, "second").await.1, no_room(version));
        assert_eq!(broker.counters().refused.connections, 2);
        again.leave().await;
        // The place is left a moment after the client knows.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let (_second, told) = dial(version, &broker, "second").await;
            if matches!(told, Told::Connected { .. }) {
                break;
            }
            assert_eq!(told, no_room(version));
            assert!(Instant::now() < deadline, "the place is never free again");
        }
        broker.stop().await.unwrap();
    }
}

#[tokio::test]
async fn of_many_clients_at_once_as_many_as_may_come_in_do() {
    let mut options = options();
    options.limits.connections = 3;
    let broker = broker::start(options).await.unwrap();
    let clients: Vec<_> = (0..20)
        .map(|number| {
            let mut client = Client::dial(
                Version::V5,
                broker.address(),
                settings(&format!("client-{number}")),
            );
            tokio::spawn(async move {
                let told = client.next().await;
                (client, told)
            })
        })
        .collect();
    let mut connected = Vec::new();
    for client in clients {
        match client.await.unwrap() {
            (client, Told::Connected { .. }) => connected.push(client),
            (_, told) => assert_eq!(told, no_room(Version::V5)),
        }
    }
    assert_eq!(connected.len(), 3);
    assert_eq!(broker.counters().refused.connections, 17);
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_beyond_the_cap_of_sessions_is_refused_and_counted_but_those_with_one_come_back() {
    let mut options = options();
    options.limits.sessions = 1;
    for version in BOTH {
        let broker = broker::start(options.clone()).await.unwrap();
        let first = settings("first").persistent();
        let (client, _) = Client::connect(version, broker.address(), first.clone()).await;
        client.leave().await;
        assert_eq!(dial(version, &broker, "second").await.1, no_room(version));
        let refused = broker.counters().refused;
        assert_eq!((refused.sessions, refused.connections), (1, 0));
        let (_client, session_present) = Client::connect(version, broker.address(), first).await;
        assert!(session_present);
        broker.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_packet_that_is_too_large_is_counted() {
    let mut options = options();
    options.limits.maximum_packet_size = 2_048;
    let broker = broker::start(options).await.unwrap();
    // In 5.0 the client is told what the broker takes, and sends no such packet.
    let mut client = Client::connected(Version::V311, broker.address(), "client").await;
    client.send("t", 0, false, vec![0xFE; 4_000]);
    client.until(|told| *told == Told::Closed).await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while broker.counters().refused.packets == 0 {
        assert!(Instant::now() < deadline, "it is never counted");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn filters_beyond_the_caps_are_refused_and_counted() {
    let mut options = options();
    options.limits.subscriptions = 2;
    options.limits.topic_levels = 3;
    for version in BOTH {
        let broker = broker::start(options.clone()).await.unwrap();
        let mut client = Client::connected(version, broker.address(), "client").await;
        let (too_many, too_deep) = match version {
            Version::V311 => ("Failure", "Failure"),
            Version::V5 => ("QuotaExceeded", "TopicFilterInvalid"),
        };
        let granted = "Success(AtLeastOnce)";
        for (filter, code) in [
            ("a/b/c", granted),
            ("a/b/c/d", too_deep),
            ("$share/group/x/y/z", granted),
            ("b", too_many),
            // It is there already, and changed.
            ("a/b/c", granted),
        ] {
            assert_eq!(client.subscribe(filter, 1).await, [code], "{filter}");
        }
        let Refused {
            subscriptions,
            topic_levels,
            ..
        } = broker.counters().refused;
        assert_eq!((subscriptions, topic_levels), (1, 1));
        broker.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_setting_to_change() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut options = options();
    options.listen = taken.local_addr().unwrap();
    let error = broker::start(options).await.unwrap_err();
    assert!(matches!(error, BrokerError::PortTaken { .. }));
    let text = error.to_string();
    assert!(
        text.contains(&taken.local_addr().unwrap().to_string()) && text.contains("listen"),
        "{text}"
    );
}

#[tokio::test]
async fn a_data_folder_belongs_to_one_broker() {
    let dir = tempfile::tempdir().unwrap();
    let first = broker::start(options_with_data(dir.path())).await.unwrap();
    let error = broker::start(options_with_data(dir.path())).await.unwrap_err();
    assert!(matches!(error, BrokerError::DataDirInUse { .. }), "{error}");
    first.stop().await.unwrap();
    broker::start(options_with_data(dir.path()))
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
}

#[tokio::test]
async fn two_brokers_in_one_process_know_nothing_of_each_other() {
    let (one, two) = (start().await, start().await);
    let mut on_one = Client::connected(Version::V5, one.address(), "same").await;
    let mut on_two = Client::connected(Version::V5, two.address(), "same").await;
    on_one.subscribe("#", 1).await;
    on_two.subscribe("#", 1).await;
    on_one.publish("a", 1, true, "one").await;
    on_two.publish("a", 1, true, "two").await;
    assert_eq!(on_one.message().await.payload, b"one");
    assert_eq!(on_two.message().await.payload, b"two");
    one.stop().await.unwrap();
    on_two.publish("a", 1, false, "still here").await;
    two.stop().await.unwrap();
}
