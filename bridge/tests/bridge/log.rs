//! The log of a running `hearth`, and whoever takes it.

use bytes::BytesMut;
use hearth_mqtt::ProtocolVersion;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{http, mqtt::connect_as, program::Program};

#[tokio::test]
async fn who_is_refused_is_named() {
    let settings = "[access]\ntrusted_proxies = [\"127.0.0.1\"]";
    let (mut program, address) = Program::start(settings).await;
    let headers = [("Host", "evil.example"), ("X-Forwarded-For", "192.0.2.7:5000")];
    assert_eq!(http::get(address, "/", &headers).await.status, 421);
    let told = program.line_with("request refused").await;
    assert!(
        told.contains("address=192.0.2.7:5000") && told.contains("evil.example"),
        "{told}"
    );
}

/// What a client writes into the headers of its proxy changes neither who it is nor what is logged of it.
#[tokio::test]
async fn a_quote_in_a_forwarded_header_hides_nobody() {
    let trusted = "[access]\ntrusted_proxies = [\"127.0.0.1\"]";
    let (mut program, address) = Program::start(trusted).await;
    let headers = [("Host", "evil.example"), ("X-Forwarded-For", "\", 192.0.2.7")];
    assert_eq!(http::get(address, "/", &headers).await.status, 421);
    let told = program.line_with("request refused").await;
    assert!(told.contains("address=192.0.2.7:0"), "{told}");

    let standard = format!("{trusted}\nproxy_headers = \"forwarded\"");
    let (mut program, address) = Program::start(&standard).await;
    let forwarded = "for=198.51.100.1;x=\", for=192.0.2.7;proto=http";
    let answer = http::get(address, "/", &[("Forwarded", forwarded)]).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.text().contains("unreadable_forwarded"),
        "{}",
        answer.text()
    );
    let told = program.line_with("request refused").await;
    assert!(told.contains("address=127.0.0.1:"), "{told}");
}

/// It may be a password in the wrong field.
#[tokio::test]
async fn a_name_of_no_user_is_not_logged_by_the_embedded_broker() {
    let storage = tempfile::TempDir::new().unwrap();
    let mut program = Program::spawn(&format!(
        "listen = \"127.0.0.1:0\"\n[broker.embedded]\nlisten = \"127.0.0.1:0\"\nstorage_dir = {:?}\n\
         [[broker.embedded.users]]\nname = \"ada\"\npassword = \"secret\"",
        storage.path()
    ));
    let started = program.line_with("embedded broker started").await;
    let address = started.trim_end().rsplit_once("address=").unwrap().1;
    for (name, is_named) in [("ada", true), ("MyBankPassw0rd", false)] {
        let mut connect = BytesMut::new();
        connect_as(ProtocolVersion::V311, "who", Some((name, "wrong")))
            .encode(ProtocolVersion::V311, &mut connect)
            .unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&connect).await.unwrap();
        let told = program.line_with("login refused").await;
        assert_eq!(told.contains(name), is_named, "{told}");
    }
}

#[tokio::test]
async fn a_log_that_nobody_takes_holds_nobody_up() {
    let (mut program, address) = Program::start("log.max_lines_of_a_kind = 0").await;
    let long = format!("{}.example", "x".repeat(200));
    let mut is_full = false;
    for _ in 0..5_000 {
        // A line of the log each, and the pipe holds a few hundred.
        let refused = http::get(address, "/", &[("Host", &long)]).await;
        assert_eq!(refused.status, 421);
        let metrics = http::get(address, "/metrics", &[]).await.text();
        is_full = !metrics.contains("hearth_log_lines_left_out_total 0\n");
        if is_full {
            break;
        }
    }
    assert!(is_full, "the log is never full");
    program.line_with("because nobody took them").await;
    program.signal("TERM");
    let (code, log) = program.ended().await;
    assert_eq!(code, Some(0));
    assert!(log.contains("shutting down"), "{log}");
}
