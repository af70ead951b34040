//! Connections that are kept: used again on the next visit, taken from a file, removed and put back.

use anyhow::{Result, ensure};
use e2e::bridge::dist;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Mosquitto;
use e2e::page::{Page, by};
use e2e::static_server::StaticServer;
use serde_json::json;

/// Chooses a file with this content in the import field.
fn import(page: &Page, content: &str) -> Result<()> {
    page.wait_for(&by("connect-import"))?;
    let choose = "const field = document.querySelector('[data-testid=\"connect-import\"]');
        const files = new DataTransfer(); files.items.add(new File([arguments[0]], 'connections.json'));
        field.files = files.files; field.dispatchEvent(new Event('change', {bubbles: true})); return null";
    page.script::<Option<bool>>(choose, &[json!(content)]).map(drop)
}

#[test]
fn a_connection_from_a_file_is_used_and_comes_back_by_itself_after_a_reload() -> Result<()> {
    let broker = Mosquitto::open()?;
    let server = StaticServer::start(dist()?, "/")?;
    let address = broker.websocket_url();
    let port: u16 = address
        .trim_start_matches("ws://127.0.0.1:")
        .split('/')
        .next()
        .unwrap_or_default()
        .parse()?;
    // Made up after MQTTX's model.
    let file = json!([{
        "clientId": "mqttx_1", "name": "From a file", "clean": true, "protocol": "ws", "host": "127.0.0.1",
        "port": port, "path": "/mqtt", "keepalive": 60, "username": "", "password": "", "mqttVersion": "5.0",
        "subscriptions": [{"topic": "#", "qos": 1}],
    }]);
    case("connections-file", Screen::Desktop, |page| {
        page.open(&format!("{}#/connect", server.url()))?;
        import(page, "no JSON at all")?;
        page.wait_for_text(&by("connect-imported"), "not JSON")?;
        import(page, &file.to_string())?;
        page.wait_for_text(&by("connect-imported"), "1 of 1 connections were new")?;
        page.click(&by("connect-known"))?;
        page.click(&by("connect-submit"))?;
        page.wait_until_connected()?;
        page.open(&format!("{}?again#/", server.url()))?;
        page.wait_until_connected()
    })
}

#[test]
fn after_a_disconnect_the_next_visit_waits_for_the_user() -> Result<()> {
    let broker = Mosquitto::open()?;
    let server = StaticServer::start(dist()?, "/")?;
    case("connections-ended", Screen::Desktop, |page| {
        page.open(&format!("{}#/connect", server.url()))?;
        page.fill(&by("connect-url"), &broker.websocket_url())?;
        page.click(&by("connect-submit"))?;
        page.wait_until_connected()?;
        page.click(&by("connect-disconnect"))?;
        page.wait_for_state(&["down"])?;
        page.open(&format!("{}?again#/connect", server.url()))?;
        page.wait_for(&by("connect-known"))?;
        let state = page.attribute(&by("connection-state"), "data-state")?;
        ensure!(state.as_deref() == Some("none"), "{state:?}");
        Ok(())
    })
}

#[test]
fn two_brokers_are_live_at_once_and_each_keeps_what_it_heard() -> Result<()> {
    let (one, other) = (Mosquitto::open()?, Mosquitto::open()?);
    let server = StaticServer::start(dist()?, "/")?;
    let connect = |page: &Page, broker: &Mosquitto| -> Result<()> {
        page.fill(&by("connect-url"), &broker.websocket_url())?;
        page.click(&by("connect-submit"))?;
        page.wait_until_connected()
    };
    case("connections-beside", Screen::Desktop, |page| {
        page.open(&format!("{}#/connect", server.url()))?;
        connect(page, &one)?;
        page.click(&by("connect-beside"))?;
        page.wait_for_state(&["none"])?;
        connect(page, &other)?;
        // While the other one is shown, the first hears something too.
        one.client().publish("of/one", b"1", &["-r"])?;
        other.client().publish("of/other", b"2", &["-r"])?;
        page.explore("of/other")?;
        page.click(&by("live-connections").inside(&by("live-connection").with("aria-pressed", "false")))?;
        page.wait_until_connected()?;
        page.explore("of/one")?;
        ensure!(page.count(&by("topic-row").with("data-topic", "of/other"))? == 0);
        page.go_to("#/connect")?;
        page.click(&by("live-end"))?;
        page.wait_until_gone(&by("live-connections"))
    })
}
