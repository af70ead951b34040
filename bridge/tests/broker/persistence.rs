use crate::{
    client::{BOTH, Client, Version, settings},
    options_with_data,
};
use hearth::broker;
use std::time::Duration;

#[tokio::test]
async fn retained_messages_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let broker = broker::start(options_with_data(dir.path())).await.unwrap();
    let mut publisher = Client::connected(Version::V5, broker.address(), "publisher").await;
    publisher.publish("home/방/온도", 1, true, "21.5").await;
    publisher.publish("home/gone", 1, true, "x").await;
    publisher.publish("home/gone", 1, true, "").await;
    broker.stop().await.unwrap();
    let broker = broker::start(options_with_data(dir.path())).await.unwrap();
    for version in BOTH {
        let mut subscriber = Client::connected(version, broker.address(), "subscriber").await;
        subscriber.subscribe("home/#", 1).await;
        let kept = subscriber.message().await;
        assert_eq!(
            (kept.topic.as_str(), kept.payload.as_slice(), kept.retain),
            ("home/방/온도", &b"21.5"[..], true)
        );
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_session_and_what_waits_for_it_survive_a_restart_in_order() {
    for version in BOTH {
        let dir = tempfile::tempdir().unwrap();
        let broker = broker::start(options_with_data(dir.path())).await.unwrap();
        let away = settings("away").persistent();
        let (mut client, present) = Client::connect(version, broker.address(), away.clone()).await;
        assert!(!present);
        client.subscribe("orders/#", 2).await;
        client.leave().await;
        let mut publisher = Client::connected(version, broker.address(), "publisher").await;
        for number in 0..50_u32 {
            let qos = if number % 2 == 0 { 1 } else { 2 };
            publisher
                .publish("orders/before", qos, false, number.to_string())
                .await;
        }
        broker.stop().await.unwrap();

        let broker = broker::start(options_with_data(dir.path())).await.unwrap();
        // Also what is published before the client is back.
        let mut publisher = Client::connected(version, broker.address(), "publisher").await;
        for number in 50..60 {
            publisher
                .publish("orders/after", 1, false, number.to_string())
                .await;
        }
        let (mut client, present) = Client::connect(version, broker.address(), away).await;
        assert!(present, "{version:?}");
        for number in 0..60 {
            let message = client.message().await;
            assert_eq!(message.payload, number.to_string().as_bytes(), "{version:?}");
        }
        broker.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_session_that_was_connected_survives_too() {
    for version in BOTH {
        let dir = tempfile::tempdir().unwrap();
        let broker = broker::start(options_with_data(dir.path())).await.unwrap();
        let here = settings("here").persistent();
        let (mut client, _) = Client::connect(version, broker.address(), here.clone()).await;
        client.subscribe("a", 1).await;
        broker.stop().await.unwrap();
        drop(client);
        let broker = broker::start(options_with_data(dir.path())).await.unwrap();
        let (mut client, present) = Client::connect(version, broker.address(), here).await;
        assert!(present, "{version:?}");
        client.publish("a", 1, false, "still subscribed").await;
        assert_eq!(client.message().await.payload, b"still subscribed");
        broker.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_session_that_ends_with_its_connection_does_not_survive() {
    let dir = tempfile::tempdir().unwrap();
    let broker = broker::start(options_with_data(dir.path())).await.unwrap();
    for version in BOTH {
        let mut client = Client::connected(version, broker.address(), &format!("{version:?}")).await;
        client.subscribe("a", 1).await;
    }
    broker.stop().await.unwrap();
    let broker = broker::start(options_with_data(dir.path())).await.unwrap();
    for version in BOTH {
        let again = settings(&format!("{version:?}")).persistent();
        assert!(!Client::connect(version, broker.address(), again).await.1);
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn no_password_is_written_to_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options_with_data(dir.path());
    let user = broker::UserOptions {
        password: hearth::auth::Password::Plain("correct horse battery".to_owned()),
        permissions: hearth::auth::Permissions::default(),
    };
    options.users.insert("ada".to_owned(), user);
    let broker = broker::start(options).await.unwrap();
    for version in BOTH {
        let login = settings(&format!("{version:?}"))
            .persistent()
            .login("ada", "correct horse battery");
        Client::connect(version, broker.address(), login)
            .await
            .0
            .subscribe("a", 1)
            .await;
    }
    broker.stop().await.unwrap();
    let written = std::fs::read(dir.path().join("broker.snapshot")).unwrap();
    let written = String::from_utf8_lossy(&written);
    assert!(written.contains("ada") && !written.contains("correct horse"));
}

/// What a power cut leaves is the last snapshot: here the folder is copied while the broker runs.
#[tokio::test]
async fn a_snapshot_taken_while_the_broker_runs_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options_with_data(dir.path());
    options.snapshot_interval = Duration::from_millis(20);
    let broker = broker::start(options).await.unwrap();
    let away = settings("away").persistent();
    let (mut client, _) = Client::connect(Version::V5, broker.address(), away.clone()).await;
    client.subscribe("orders", 1).await;
    client.leave().await;
    let mut publisher = Client::connected(Version::V5, broker.address(), "publisher").await;
    publisher.publish("orders", 1, false, "waits-for-you").await;
    publisher.publish("state", 1, true, "is-kept").await;
    let copy = tempfile::tempdir().unwrap();
    let taken = copy.path().join("broker.snapshot");
    let whole = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.contains("waits-for-you") && text.contains("is-kept")
    };
    // A disk that is busy takes seconds to make each of them safe.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !std::fs::read(dir.path().join("broker.snapshot")).is_ok_and(|bytes| whole(&bytes)) {
        assert!(tokio::time::Instant::now() < deadline, "no snapshot came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    std::fs::copy(dir.path().join("broker.snapshot"), &taken).unwrap();

    let after_the_cut = broker::start(options_with_data(copy.path())).await.unwrap();
    let (mut client, present) = Client::connect(Version::V5, after_the_cut.address(), away).await;
    assert!(present);
    assert_eq!(client.message().await.payload, b"waits-for-you");
    client.subscribe("state", 1).await;
    assert_eq!(client.message().await.payload, b"is-kept");
    after_the_cut.stop().await.unwrap();
    broker.stop().await.unwrap();
}
