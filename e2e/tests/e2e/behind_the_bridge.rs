//! The bridge serves the page and relays it to a real Mosquitto over TCP.

use anyhow::Result;
use e2e::bridge::Bridge;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Mosquitto;
use e2e::page::Page;

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
