//! How a running `hearth` ends, and what its exit code says.

use std::fs;

use hearth_model::api::close;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    certificates::authority_file,
    fake_broker::{CONNECT, FakeBroker},
    http,
    program::Program,
    websocket::open,
};

fn before(broker: &FakeBroker, settings: &str) -> String {
    format!("{settings}\n[broker.home]\nurl = \"mqtt://{}\"", broker.address())
}

#[tokio::test]
async fn a_signal_closes_what_is_open_and_the_exit_code_says_that_all_is_well() {
    let broker = FakeBroker::start().await;
    for signal in ["TERM", "INT"] {
        let (program, address) = Program::start(&before(&broker, "")).await;
        let mut browser = open(address).await;
        browser.send(CONNECT).await;
        let _tcp = broker.accept_connect().await;
        program.signal(signal);
        // As `timeout` does, which tells the process and its group.
        program.signal(signal);
        assert_eq!(browser.closed().await.0, close::SHUTTING_DOWN);
        drop(browser);
        assert_eq!(program.ended().await.0, Some(0), "{signal}");
    }
}

/// Unheard it would end the process, with nothing saved.
#[tokio::test]
async fn a_hang_up_ends_nothing_where_there_is_no_terminal() {
    let (mut program, address) = Program::start("").await;
    program.signal("HUP");
    program.line_with("SIGHUP changes nothing").await;
    assert_eq!(http::get(address, "/healthz", &[]).await.status, 200);
    program.signal("TERM");
    assert_eq!(program.ended().await.0, Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    // Nobody speaks TLS there, so that the question whether the broker is ready is drained for minutes.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = format!(
        "drain_ms = 600000\nhttp.request_timeout_ms = 600000\nrelay.dial_timeout_ms = 600000\n[broker.home]\nurl = \"mqtts://{}\"\ntls.ca_file = \"{}\"",
        silent.local_addr().unwrap(),
        authority_file()
    );
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let (mut program, address) = Program::start(&settings).await;
        let asking = tokio::spawn(async move {
            http::raw(address, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .await
                .status
        });
        let _dialled = silent.accept().await.unwrap();
        program.signal("TERM");
        program.line_with("shutting down").await;
        program.insist(signal).await;
        let (ended, log) = program.ended().await;
        assert_eq!(ended, Some(code), "{log}");
        assert!(log.contains("a second time"), "{log}");
        asking.abort();
    }
}

#[tokio::test]
async fn an_embedded_broker_that_cannot_be_saved_at_the_end_is_no_success() {
    let folder = TempDir::new().unwrap();
    let settings = format!(
        "[broker.embedded]\nlisten = \"127.0.0.1:0\"\nstorage_dir = \"{}\"",
        folder.path().display()
    );
    let (program, _) = Program::start(&settings).await;
    program.signal("TERM");
    assert_eq!(program.ended().await.0, Some(0));

    fs::remove_file(folder.path().join("broker.snapshot")).unwrap();
    // Where the snapshot is written first, nothing can be written.
    fs::create_dir(folder.path().join("broker.unfinished")).unwrap();
    let (program, _) = Program::start(&settings).await;
    program.signal("TERM");
    let (code, log) = program.ended().await;
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("last snapshot was not written"), "{log}");
}
