//! The embedded broker and the simulated home behind the same port.

use hearth_mqtt::{Packet, ReasonCode};
use tempfile::TempDir;

use crate::{
    http,
    mqtt::{self, Client},
    running::bridge,
    websocket::open,
};

fn settings(folder: &TempDir, more: &str) -> String {
    let storage = folder.path().join("broker");
    format!(
        "[broker.embedded]\nlisten = \"127.0.0.1:0\"\nstorage_dir = \"{}\"\n{more}",
        storage.display()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_home_is_seen_through_the_bridge() {
    let folder = TempDir::new().unwrap();
    let bridge = bridge(&settings(&folder, "[demo]\nenabled = true")).await;
    let config = http::get(bridge.address(), "/api/config", &[]).await.text();
    assert!(
        config.contains("\"simulated\":true") && config.contains("\"mqtt/embedded\""),
        "{config}"
    );
    let mut client = Client::connect(open(bridge.address()).await).await;
    client.subscribe("#").await;
    assert!(matches!(client.receive().await, Packet::Publish(_)));
    drop(client);
    bridge.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_home_has_an_account_where_accounts_are_needed() {
    let folder = TempDir::new().unwrap();
    let users = "[[broker.embedded.users]]\nname = \"me\"\npassword = \"word\"\n[demo]\nenabled = true";
    let bridge = bridge(&settings(&folder, users)).await;
    let mut browser = open(bridge.address()).await;
    let mut connect = vec![0x10, 24, 0, 4];
    connect.extend(b"MQTT\x04\xC2\x00\x00\x00\x02me\x00\x02me\x00\x04word");
    connect[1] = (connect.len() - 2) as u8;
    browser.send(&connect).await;
    assert_eq!(browser.receive().await[..], [0x20, 2, 0, 0]);
    browser.send(&[0x82, 6, 0, 1, 0, 1, b'#', 0]).await;
    let mut received = browser.receive().await.to_vec();
    while !received.iter().any(|byte| byte & 0xF0 == 0x30) || received.len() < 20 {
        received.extend(browser.receive().await);
    }
    drop(browser);
    bridge.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_embedded_broker_refuses_is_in_the_metrics() {
    let folder = TempDir::new().unwrap();
    let users = "[[broker.embedded.users]]\nname = \"me\"\npassword = \"word\"";
    let bridge = bridge(&settings(&folder, users)).await;
    let mut stranger = open(bridge.address()).await;
    stranger.send(b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01x").await;
    assert_eq!(stranger.receive().await[..], [0x20, 2, 0, 5]);
    let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
    assert!(
        metrics.contains("hearth_broker_logins_denied_total 1\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("hearth_broker_messages_dropped_total 0\n"),
        "{metrics}"
    );
    bridge.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_meets_a_limit_of_the_embedded_broker_is_in_the_metrics() {
    let folder = TempDir::new().unwrap();
    let bridge = bridge(&settings(&folder, "max_connections = 1")).await;
    let first = Client::connect(open(bridge.address()).await).await;
    let mut second = Client::over(open(bridge.address()).await);
    second.send(&mqtt::connect()).await;
    assert_eq!(second.connack().await, ReasonCode::SERVER_UNAVAILABLE);
    let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
    for line in [
        "hearth_broker_refused_total{limit=\"max_connections\"} 1\n",
        "hearth_broker_refused_total{limit=\"max_sessions\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    drop((first, second));
    bridge.stop().await.unwrap();
}
