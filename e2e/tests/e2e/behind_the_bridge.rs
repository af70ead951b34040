//! The bridge serves the page and relays it to a real Mosquitto over TCP.

use anyhow::{Context, Result};
use e2e::bridge::Bridge;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Mosquitto;
use e2e::nginx;
use e2e::page::Page;
use e2e::process::free_port;
use tempfile::TempDir;

use crate::talk;

/// The page connects to the bridge that served it, with no question asked.
fn connected(name: &str, test: impl FnOnce(&Page, &Mosquitto, &str) -> Result<()>) -> Result<()> {
    let broker = Mosquitto::open()?;
    let bridge = Bridge::in_front_of(broker.port)?;
    case(name, Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        test(page, &broker, &bridge.url())
    })
}

/// [MQTT5-6.0.0-3] [MQTT311-6.0.0-3]: the bridge lets nobody in who does not offer `mqtt`
#[test]
fn the_bridge_relays_what_mosquitto_publishes() -> Result<()> {
    connected("bridge-value", |page, broker, _| {
        talk::a_published_value_appears(page, broker.client())
    })
}

#[test]
fn the_bridge_relays_what_a_click_publishes() -> Result<()> {
    connected("bridge-publish", |page, broker, _| {
        talk::a_click_publishes_at_every_qos(page, broker.client())
    })
}

#[test]
fn the_bridge_relays_every_qos_to_the_page() -> Result<()> {
    connected("bridge-qos", |page, broker, _| {
        talk::every_qos_arrives_once(page, broker.client())
    })
}

#[test]
fn a_retained_message_behind_the_bridge_is_marked() -> Result<()> {
    connected("bridge-retained", |page, broker, url| {
        talk::a_retained_message_is_marked(page, broker.client(), url)
    })
}

/// With the file that people copy.
#[test]
fn a_page_under_a_path_of_nginx_shows_what_is_published() -> Result<()> {
    let broker = Mosquitto::open()?;
    let bridge = Bridge::start(&format!(
        "[access]\ntrusted_proxies = [\"127.0.0.1\"]\n[broker.main]\nurl = \"mqtt://127.0.0.1:{}\"\n",
        broker.port
    ))?;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/nginx/hearth-subpath.conf");
    let locations = std::fs::read_to_string(file).context(file)?;
    let locations = locations.replace("127.0.0.1:9001", &format!("127.0.0.1:{}", bridge.port));
    let port = free_port()?;
    let folder = TempDir::new()?;
    let _nginx = nginx::start(
        folder.path(),
        &format!("server {{\nlisten 127.0.0.1:{port};\n{locations}\n}}\n"),
    )?;
    case("bridge-nginx", Screen::Desktop, |page| {
        page.open(&format!("http://127.0.0.1:{port}/hearth/"))?;
        page.wait_until_connected()?;
        talk::a_published_value_appears(page, broker.client())
    })
}
