//! The broker goes away and comes back.

use anyhow::{Context, Result, ensure};
use e2e::bridge::{Bridge, dist};
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Mosquitto;
use e2e::page::{Page, by, percent_encoded};
use e2e::static_server::StaticServer;

use crate::talk;

/// Kills the broker, looks at what the page says, starts it again, and sees that messages come as before.
fn survives(page: &Page, broker: &mut Mosquitto) -> Result<()> {
    talk::a_published_value_appears(page, broker.client())?;
    broker.kill()?;
    page.wait_for_state(&["waiting", "connecting"])?;
    let said = page.text(&by("connection-state"))?.unwrap_or_default();
    ensure!(
        !said.is_empty(),
        "the header must say in words that the broker is gone"
    );
    println!("while the broker is away the header says: {said:?}");
    // What a person publishes meanwhile waits, and is counted.
    page.go_to("#/explorer?topic=e2e/while/away")?;
    talk::publish(page, "e2e/while/away", "patience", 1, true)?;
    page.wait_for_attribute(&by("publish-result"), "data-state", &["queued"])?;
    broker.restart().context("the broker did not come back")?;
    page.wait_until_connected()?;
    page.wait_for_attribute(&by("publish-result"), "data-state", &["acknowledged"])?;
    // The page may be back before anybody else: what it sent is retained, so that it can be asked for.
    let mut subscriber = broker.client().subscribe("e2e/while/away", 1)?;
    subscriber.wait_for("1 1 e2e/while/away patience")?;
    // A broker without a memory has forgotten the subscriptions; the page has not.
    broker
        .client()
        .publish("e2e/kitchen/temperature", b"19.25", &[])?;
    let row = page.explore("e2e/kitchen/temperature")?;
    page.wait_for_text(&row.inside(&by("topic-value")), "19.25")
        .map(drop)
}

#[test]
fn a_direct_connection_survives_the_death_of_the_broker() -> Result<()> {
    let mut broker = Mosquitto::open()?;
    let server = StaticServer::start(dist()?, "/")?;
    let address = percent_encoded(&broker.websocket_url());
    case("outage-direct", Screen::Desktop, |page| {
        page.open(&format!(
            "{}#/explorer?url={address}&subscribe=%23@1&connect=1",
            server.url()
        ))?;
        page.wait_until_connected()?;
        survives(page, &mut broker)
    })
}

#[test]
fn a_connection_through_the_bridge_survives_the_death_of_the_broker() -> Result<()> {
    let mut broker = Mosquitto::open()?;
    let bridge = Bridge::in_front_of(broker.port)?;
    case("outage-bridge", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        survives(page, &mut broker)
    })
}

#[test]
fn the_bridge_ends_within_its_drain_time_while_a_page_is_connected() -> Result<()> {
    let (mut bridge, _) = Bridge::demo()?;
    case("outage-shutdown", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        bridge.terminate()?;
        page.wait_for_state(&["waiting", "connecting", "down"])
    })
}
