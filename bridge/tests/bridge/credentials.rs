//! Who the broker takes a page for: a real Mosquitto with a password file and settings per listener.

use std::process::Command;

use hearth_model::api::close;
use hearth_mqtt::{Packet, ReasonCode};
use tempfile::TempDir;

use crate::{
    mosquitto::Mosquitto,
    mqtt::{Client, connect},
    running::bridge,
    websocket::{open, open_at},
};

/// A password file of Mosquitto with one user.
pub(crate) fn password_file(folder: &TempDir, user_name: &str, password: &str) -> String {
    let file = folder.path().join(format!("passwords-{user_name}"));
    let status = Command::new("mosquitto_passwd")
        .args(["-b", "-c"])
        .arg(&file)
        .args([user_name, password])
        .status()
        .unwrap();
    assert!(status.success());
    // Mosquitto reads it as a user of its own when it was started as root.
    let mut permissions = std::fs::metadata(&file).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    std::fs::set_permissions(&file, permissions).unwrap();
    file.display().to_string()
}

fn connect_as(user_name: &str, password: &str) -> Packet {
    let Packet::Connect(mut packet) = connect() else {
        panic!("CONNECT");
    };
    packet.username = Some(user_name.into());
    packet.password = Some(password.as_bytes().to_vec().into());
    Packet::Connect(packet)
}

#[tokio::test]
async fn each_listener_of_a_broker_decides_by_its_own_password_file() {
    let folder = TempDir::new().unwrap();
    let (ada, bob) = (
        password_file(&folder, "ada", "a"),
        password_file(&folder, "bob", "b"),
    );
    let mosquitto = Mosquitto::with_listeners(
        "per_listener_settings true",
        &[
            &format!("allow_anonymous false\npassword_file {ada}"),
            &format!("allow_anonymous false\npassword_file {bob}"),
        ],
    );
    let bridge = bridge(&format!(
        "[broker.first]\nurl = \"mqtt://{}\"\n[broker.second]\nurl = \"mqtt://{}\"\n",
        mosquitto.address_of(0),
        mosquitto.address_of(1)
    ))
    .await;
    for (path, user_name, password, is_let_in) in [
        ("/mqtt/first", "ada", "a", true),
        ("/mqtt/second", "bob", "b", true),
        ("/mqtt/first", "ada", "b", false),
        ("/mqtt/second", "ada", "a", false),
    ] {
        let mut client = Client::over(open_at(bridge.address(), path).await);
        client.send(&connect_as(user_name, password)).await;
        let Packet::Connack(connack) = client.receive().await else {
            panic!("CONNACK");
        };
        assert_eq!(!connack.reason_code.is_error(), is_let_in, "{path} {user_name}");
        if !is_let_in {
            assert_eq!(connack.reason_code, ReasonCode::NOT_AUTHORIZED);
            assert_eq!(client.closed().await.0, close::BROKER_CLOSED);
        }
    }
}

#[tokio::test]
async fn the_bridge_shows_its_own_credentials_in_place_of_the_pages() {
    let folder = TempDir::new().unwrap();
    let passwords = password_file(&folder, "hearth", "right");
    let mosquitto = Mosquitto::with(&format!("password_file {passwords}"));
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "right\n").unwrap();
    let bridge = bridge(&format!(
        "[broker.home]\nurl = \"mqtt://{}\"\ncredentials.user_name = \"hearth\"\ncredentials.password_file = \"{}\"\n",
        mosquitto.address(),
        secret.display()
    ))
    .await;
    // Whatever the page sends, or nothing.
    Client::connect(open(bridge.address()).await)
        .await
        .subscribe("home/#")
        .await;
    let mut client = Client::over(open(bridge.address()).await);
    client.send(&connect_as("mallory", "guess")).await;
    let packet = client.receive().await;
    assert!(
        matches!(&packet, Packet::Connack(connack) if !connack.reason_code.is_error()),
        "{packet:?}"
    );
    // The file is read anew at each connection.
    std::fs::write(&secret, "wrong\n").unwrap();
    let mut client = Client::over(open(bridge.address()).await);
    client.send(&connect()).await;
    let packet = client.receive().await;
    assert!(
        matches!(&packet, Packet::Connack(connack) if connack.reason_code.is_error()),
        "{packet:?}"
    );
}
