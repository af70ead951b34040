use crate::{
    client::{BOTH, Client, Version, settings},
    options, options_with_data, start,
};
use hearth::broker::{self, BrokerError};
use std::net::TcpListener;

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
