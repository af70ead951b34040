//! The log of a running `hearth`, and whoever takes it.

use crate::{http, program::Program};

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
