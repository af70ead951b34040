//! The bridge's own credentials, in the place of the page's.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hearth::server::Server;
use hearth_model::api::close;
use hearth_mqtt::{Packet, Property, PropertyId, ProtocolVersion, Qos, ReasonCode};
use tempfile::TempDir;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::{
    credentials::password_file,
    http,
    mosquitto::Mosquitto,
    mqtt::{Client, connect_as, publish},
    running::{bridge, bridge_to},
    token_broker::TokenBroker,
    websocket::open,
};

const BOTH: [ProtocolVersion; 2] = [ProtocolVersion::V311, ProtocolVersion::V5];

/// A token file as Kubernetes lays it out: the file leads through `..data` to a folder, and `..data` is swapped.
struct TokenFile {
    folder: TempDir,
    version: u32,
}

impl TokenFile {
    fn new(token: &str) -> Self {
        let mut file = Self {
            folder: tempfile::tempdir().unwrap(),
            version: 0,
        };
        file.swap(token);
        symlink("..data/token", file.path()).unwrap();
        file
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    fn swap(&mut self, token: &str) {
        let folder = self.folder.path();
        let old = folder.join(format!("..{}", self.version));
        self.version += 1;
        let name = format!("..{}", self.version);
        std::fs::create_dir(folder.join(&name)).unwrap();
        std::fs::write(folder.join(&name).join("token"), token).unwrap();
        symlink(&name, folder.join("..data_tmp")).unwrap();
        std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        // The first folder has no one before it.
        let _removed = std::fs::remove_dir_all(old);
    }
}

fn token_settings(broker: &TokenBroker, file: &Path) -> String {
    token_settings_at(&format!("mqtt://{}", broker.address), file)
}

fn token_settings_at(url: &str, file: &Path) -> String {
    format!(
        "[broker.home]\nurl = \"{url}\"\ncredentials.sat_file = \"{}\"\n",
        file.display()
    )
}

/// A WebSocket listener in front of a broker: a bridge that passes bytes on.
async fn listener(broker: &TokenBroker) -> Server {
    bridge(&format!(
        "[access]\nallow_no_origin = true\n[broker.home]\nurl = \"mqtt://{}\"\n",
        broker.address
    ))
    .await
}

async fn signing_in(mosquitto: &Mosquitto, password: &str) -> Server {
    let address = mosquitto.address();
    bridge(&format!(
        "[broker.home]\nurl = \"mqtt://{address}\"\ncredentials = {{ user_name = \"bridge\", password = \"{password}\" }}\n"
    ))
    .await
}

#[tokio::test]
async fn a_real_broker_takes_the_bridges_user_name_and_refuses_the_pages() {
    let folder = tempfile::tempdir().unwrap();
    let passwords = password_file(&folder, "bridge", "sesame");
    let mosquitto = Mosquitto::with(&format!("allow_anonymous false\npassword_file {passwords}"));
    for version in BOTH {
        let without = bridge_to(mosquitto.address(), "").await;
        let mut client = Client::new(open(without.address()).await, version);
        client
            .send(&connect_as(version, "page", Some(("somebody", "else"))))
            .await;
        assert!(
            client.connack().await.is_error(),
            "Mosquitto lets nobody in without a password"
        );

        let with = signing_in(&mosquitto, "sesame").await;
        let mut client = Client::new(open(with.address()).await, version);
        client
            .send(&connect_as(version, "page", Some(("somebody", "else"))))
            .await;
        assert_eq!(client.connack().await, ReasonCode::SUCCESS, "{version}");
        client.subscribe("home/#").await;
        client
            .send(&Packet::Publish(publish("home/a", b"1", Qos::AtMostOnce)))
            .await;
        assert!(matches!(client.receive().await, Packet::Publish(_)));

        let wrong = signing_in(&mosquitto, "wrong").await;
        let mut client = Client::new(open(wrong.address()).await, version);
        client.send(&connect_as(version, "page", None)).await;
        assert!(client.connack().await.is_error());
        let metrics = http::get(wrong.address(), "/metrics", &[]).await.text();
        assert!(
            metrics.contains("hearth_relay_refused_total{kind=\"credentials\"} 1\n"),
            "{metrics}"
        );
    }
}

#[tokio::test]
async fn a_token_signs_a_page_in_that_knows_nothing_of_it() {
    let broker = TokenBroker::start(Duration::from_secs(60)).await;
    let file = TokenFile::new(&broker.token());
    let bridge = bridge(&token_settings(&broker, &file.path())).await;
    let version = ProtocolVersion::V5;
    let mut client = Client::new(open(bridge.address()).await, version);
    client.send(&connect_as(version, "page", None)).await;
    let Packet::Connack(connack) = client.receive().await else {
        panic!("no CONNACK")
    };
    assert_eq!(connack.reason_code, ReasonCode::SUCCESS);
    assert!(!connack.properties.contains(PropertyId::AuthenticationMethod));

    let mut old = Client::new(open(bridge.address()).await, ProtocolVersion::V311);
    old.send(&connect_as(ProtocolVersion::V311, "page", None)).await;
    assert_eq!(old.connack().await, ReasonCode::NOT_AUTHORIZED);
    let (code, reason) = old.closed().await;
    assert_eq!(code, close::MQTT_5_NEEDED);
    assert!(reason.contains("MQTT 5.0"), "{reason}");

    let mut own = Client::new(open(bridge.address()).await, version);
    let Packet::Connect(mut connect) = connect_as(version, "page", None) else {
        panic!("no CONNECT")
    };
    connect
        .properties
        .push(&Property::AuthenticationMethod("SCRAM-SHA-1"))
        .unwrap();
    own.send(&Packet::Connect(connect)).await;
    assert_eq!(own.connack().await, ReasonCode::BAD_AUTHENTICATION_METHOD);
    assert_eq!(own.closed().await.0, close::NOT_AUTHORIZED);
    assert_eq!(broker.seen.sign_ins.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_token_that_is_not_renewed_ends_the_connection_and_the_page_is_told() {
    let broker = TokenBroker::start(Duration::from_millis(300)).await;
    let file = TokenFile::new(&broker.token());
    let bridge = bridge(&token_settings(&broker, &file.path())).await;
    let mut client = Client::new(open(bridge.address()).await, ProtocolVersion::V5);
    client.send(&connect_as(ProtocolVersion::V5, "page", None)).await;
    assert_eq!(client.connack().await, ReasonCode::SUCCESS);
    let last = client.receive().await;
    assert!(
        matches!(&last, Packet::Disconnect(last) if last.reason_code == ReasonCode::NOT_AUTHORIZED),
        "{last:?}"
    );
    assert_eq!(client.closed().await.0, close::BROKER_CLOSED);
    let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
    assert!(
        metrics.contains("hearth_relay_refused_total{kind=\"credentials\"} 1\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_token_file_that_is_gone_is_told_with_the_broker_it_is_for() {
    let broker = TokenBroker::start(Duration::from_secs(60)).await;
    let file = TokenFile::new(&broker.token());
    let bridge = bridge(&token_settings(&broker, &file.path())).await;
    std::fs::remove_file(file.path()).unwrap();
    let (code, reason) = open(bridge.address()).await.closed().await;
    assert_eq!(code, close::CREDENTIALS_UNAVAILABLE);
    assert_eq!(
        reason,
        "the bridge's own credentials for broker 'home' cannot be read"
    );
}

/// A JSON Web Token that ends then, in seconds since 1970; nobody here verifies it.
fn ending_token(exp: u64) -> String {
    let claims = URL_SAFE_NO_PAD.encode(format!("{{\"iat\":1700000000,\"exp\":{exp}}}"));
    format!("e30.{claims}.sig")
}

#[tokio::test]
async fn when_a_token_ends_is_a_metric_that_follows_the_file() {
    const NAME: &str = "hearth_credential_expiry_timestamp_seconds";
    let broker = TokenBroker::start(Duration::from_secs(60)).await;
    let mut file = TokenFile::new(&ending_token(4_102_444_800));
    let bridge = bridge(&token_settings(&broker, &file.path())).await;
    let address = bridge.address();
    let told = async || {
        let metrics = http::get(address, "/metrics", &[]).await.text();
        let line = metrics.lines().find(|line| line.starts_with(NAME));
        line.map(str::to_owned)
    };
    let line = |exp: u64| Some(format!("{NAME}{{broker=\"home\"}} {exp}"));
    assert_eq!(told().await, line(4_102_444_800));
    for (token, expected) in [
        (ending_token(4_102_448_400), line(4_102_448_400)),
        ("opaque".to_owned(), None),
    ] {
        file.swap(&token);
        let deadline = Instant::now() + Duration::from_secs(20);
        while told().await != expected {
            assert!(
                Instant::now() < deadline,
                "{:?} instead of {expected:?}",
                told().await
            );
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// How long the token file is swapped every second; `HEARTH_ROTATION_SECONDS=60` for the whole minute.
fn rotation() -> Duration {
    let seconds = std::env::var("HEARTH_ROTATION_SECONDS").ok();
    Duration::from_secs(seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(10))
}

/// Tokens live 3 s and the file is swapped every second: who is not authenticated again is disconnected within 3 s. Half of the
/// browsers reach the broker by a WebSocket listener.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_swapped_every_second_under_load_costs_no_connection() {
    const CLIENTS: usize = 200;
    let broker = TokenBroker::start(Duration::from_secs(3)).await;
    let mut file = TokenFile::new(&broker.token());
    let by_tcp = bridge(&token_settings(&broker, &file.path())).await;
    let listener = listener(&broker).await;
    let url = format!("ws://{}/mqtt", listener.address());
    let by_websocket = bridge(&token_settings_at(&url, &file.path())).await;
    let addresses = [by_tcp.address(), by_websocket.address()];
    let until = Instant::now() + rotation();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| tokio::spawn(traffic(addresses[number % 2], number, until)))
        .collect();
    let mut swaps: u64 = 0;
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < until {
        second.tick().await;
        file.swap(&broker.token());
        swaps += 1;
    }
    let mut messages = 0;
    for client in clients {
        messages += client.await.expect("no client was dropped");
    }
    let renewals = broker.seen.renewals.load(Ordering::Relaxed);
    println!("{CLIENTS} clients, {swaps} swaps, {renewals} renewals, {messages} messages there and back");
    assert_eq!(broker.seen.expired.load(Ordering::Relaxed), 0);
    assert_eq!(
        broker.seen.sign_ins.load(Ordering::Relaxed),
        CLIENTS as u64,
        "nobody came twice"
    );
    assert_eq!(broker.seen.messages.load(Ordering::Relaxed), messages);
    // A busy machine may hear of two swaps at once; that each client renewed within the 3 s of its token is what kept it.
    let expected = CLIENTS as u64 * (swaps / 3).saturating_sub(1);
    assert!(renewals >= expected, "{renewals} of at least {expected}");
}

/// Publishes and waits for the message to come back, until the time is over. Some packets are sent in two halves with a pause
/// between them, so that a token changes in the middle.
async fn traffic(bridge: std::net::SocketAddr, number: usize, until: Instant) -> u64 {
    let mut client = Client::new(open(bridge).await, ProtocolVersion::V5);
    client
        .send(&connect_as(
            ProtocolVersion::V5,
            &format!("client-{number}"),
            None,
        ))
        .await;
    assert_eq!(client.connack().await, ReasonCode::SUCCESS);
    let mut messages = 0;
    while Instant::now() < until {
        let payload = vec![b'0' + (messages % 10) as u8; 10 + number * 5];
        let packet = Packet::Publish(publish("home/a", &payload, Qos::AtLeastOnce));
        if (messages + number as u64).is_multiple_of(16) {
            let bytes = client.encode(&packet);
            let (head, tail) = bytes.split_at(bytes.len() / 2);
            client.send_bytes(head).await;
            sleep(Duration::from_millis(1_100)).await;
            client.send_bytes(tail).await;
        } else {
            client.send(&packet).await;
        }
        assert!(
            matches!(client.receive().await, Packet::Puback(_)),
            "client {number}"
        );
        match client.receive().await {
            Packet::Publish(back) => assert_eq!(back.payload(), payload),
            other => panic!("client {number}: {other:?}"),
        }
        messages += 1;
        sleep(Duration::from_millis(20)).await;
    }
    messages
}
