//! The means of these tests, tested: a test that could not fail would be worth nothing.

use anyhow::{Result, ensure};
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::{Client, Mosquitto};
use e2e::page::by;
use e2e::static_server::StaticServer;

const TRIVIAL: &str = "<!doctype html><title>t</title><p data-testid=greeting data-topic='a\"b'>hello</p>
    <input data-testid=field><button data-testid=go onclick='this.textContent=document.querySelector(\"input\").value'>go</button>";

fn trivial_page(script: &str) -> Result<(tempfile::TempDir, StaticServer)> {
    let folder = tempfile::TempDir::new()?;
    std::fs::write(
        folder.path().join("index.html"),
        format!("{TRIVIAL}<script>{script}</script>"),
    )?;
    let server = StaticServer::start(folder.path().to_path_buf(), "/some/where/")?;
    Ok((folder, server))
}

#[test]
fn the_browser_finds_types_and_clicks() -> Result<()> {
    let (_folder, server) = trivial_page("")?;
    case("harness", Screen::Phone, |page| {
        page.open(&server.url())?;
        page.wait_for_text(&by("greeting").with("data-topic", "a\"b"), "hello")?;
        page.fill(&by("field"), "pressed")?;
        page.click(&by("go"))?;
        page.wait_for_text(&by("go"), "pressed")?;
        let width: u32 = page.script("return innerWidth", &[])?;
        ensure!(server.bytes_sent() > 0 && width >= 390);
        Ok(())
    })
}

#[test]
fn a_panic_on_the_console_fails_a_case() -> Result<()> {
    let (_folder, server) = trivial_page("console.error('panicked at src/main.rs:1:1')")?;
    let outcome = case("harness-panic", Screen::Desktop, |page| page.open(&server.url()));
    ensure!(outcome.is_err(), "the panic went unnoticed");
    Ok(())
}

#[test]
fn a_broker_with_a_password_keeps_strangers_out() -> Result<()> {
    let mut broker = Mosquitto::with_password()?;
    let mut subscriber = broker.client().subscribe("a/#", 2)?;
    broker.client().publish("a/b", b"1", &["-q", "2"])?;
    subscriber.wait_for("2 0 a/b 1")?;
    let stranger = Client {
        port: broker.port,
        credentials: None,
    };
    ensure!(stranger.publish("a/b", b"2", &[]).is_err(), "a stranger got in");
    broker.kill()?;
    broker.restart()?;
    broker.client().publish("a/b", b"3", &[])
}
