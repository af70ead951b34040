//! What the log of a running `hearth` says of brokers that cannot be had.

use std::{fs, net::SocketAddr, net::TcpListener, process::Stdio, time::Duration};

use hearth_model::api::close;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{ChildStderr, Command},
    time::timeout,
};

use crate::{
    certificates::{CERTIFICATES, authority_file},
    fake_broker::CONNECT,
    mosquitto::Mosquitto,
    websocket::open_at,
};

type Log = BufReader<ChildStderr>;

/// The next line with this in it.
async fn line_with(log: &mut Log, part: &str) -> String {
    let found = async {
        loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).await.unwrap(), 0, "the log has ended");
            if line.contains(part) {
                return line;
            }
        }
    };
    timeout(Duration::from_secs(20), found).await.expect(part)
}

/// How the bridge closes a WebSocket to this broker.
async fn closed(bridge: SocketAddr, broker: &str) -> u16 {
    let mut browser = open_at(bridge, &format!("/mqtt/{broker}")).await;
    browser.send(CONNECT).await;
    browser.closed().await.0
}

#[tokio::test]
async fn the_log_tells_once_why_a_broker_cannot_be_had() {
    let mosquitto = Mosquitto::with(&format!(
        "allow_anonymous true\ncertfile {}\nkeyfile {}\ncafile {}\nrequire_certificate true",
        CERTIFICATES.file("localhost.pem"),
        CERTIFICATES.file("localhost.key"),
        authority_file(),
    ));
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = TempDir::new().unwrap();
    let settings = folder.path().join("hearth.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\n[broker.gone]\nurl = \"mqtt://{gone}\"\n[broker.strict]\nurl = \"mqtts://localhost:{}\"\n[broker.strict.tls]\nca_file = \"{}\"\n",
        mosquitto.address().port(),
        CERTIFICATES.file("ca.pem"),
    );
    fs::write(&settings, text).unwrap();
    let mut bridge = Command::new(env!("CARGO_BIN_EXE_hearth"))
        .arg("--config")
        .arg(&settings)
        .env_clear()
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(bridge.stderr.take().unwrap());
    let listening = line_with(&mut log, "listening on http://").await;
    let (_, address) = listening.trim_end().rsplit_once('/').unwrap();
    let address = address.parse().unwrap();

    assert_eq!(closed(address, "strict").await, close::BROKER_TLS_FAILED);
    let told = line_with(&mut log, "broker=strict").await;
    assert!(told.contains("wants a client certificate"), "{told}");
    assert_eq!(closed(address, "strict").await, close::BROKER_TLS_FAILED);
    for _ in 0..3 {
        assert_eq!(closed(address, "gone").await, close::BROKER_UNREACHABLE);
    }
    let told = line_with(&mut log, "broker=gone").await;
    assert!(told.contains("refused"), "{told}");
    bridge.kill().await.unwrap();
    let mut rest = String::new();
    log.read_to_string(&mut rest).await.unwrap();
    assert!(!rest.contains("broker="), "{rest}");
}
