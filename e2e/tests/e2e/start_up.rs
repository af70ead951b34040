//! Start-up parameters in the address.

use anyhow::{Result, ensure};
use e2e::bridge::{Bridge, dist};
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Mosquitto;
use e2e::page::{by, percent_encoded};
use e2e::static_server::StaticServer;
use e2e::wait::until;

#[test]
fn the_address_can_say_how_to_connect() -> Result<()> {
    let broker = Mosquitto::open()?;
    let server = StaticServer::start(dist()?, "/")?;
    let url = percent_encoded(&broker.websocket_url());
    let parameters = format!(
        "url={url}&version=3.1.1&client_id=wall-tablet&username=anna&keep_alive=17&clean_start=true\
         &subscribe=e2e/one/%23@1&subscribe=e2e/two@2&connect=1"
    );
    // In the query of the route, and in the query of the page.
    for address in [
        format!("{}#/explorer?{parameters}", server.url()),
        format!("{}?{parameters}", server.url()),
    ] {
        case("start-up", Screen::Desktop, |page| {
            page.open(&address)?;
            page.wait_until_connected()?;
            until("both subscriptions in the broker's log", || {
                let log = broker.log().join("\n");
                let subscribed = log.contains("e2e/one/# (QoS 1)") && log.contains("e2e/two (QoS 2)");
                Ok(subscribed.then_some(()))
            })?;
            let log = broker.log().join("\n");
            let connected = log
                .lines()
                .rfind(|line| line.contains("New client connected"))
                .unwrap_or_default();
            for part in ["as wall-tablet", "p2", "c1", "k17", "u'anna'"] {
                ensure!(connected.contains(part), "`{part}` is missing in: {connected}");
            }
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn without_connect_the_form_is_filled_and_waits() -> Result<()> {
    let server = StaticServer::start(dist()?, "/")?;
    case("start-up-form", Screen::Desktop, |page| {
        let url = percent_encoded("ws://broker.example:8083/mqtt");
        page.open(&format!("{}#/connect?url={url}&client_id=abc", server.url()))?;
        page.wait_for(&by("connect-submit"))?;
        let value = |name: &str| -> Result<String> {
            page.script(
                &format!("return document.querySelector('[data-testid=\"{name}\"]').value"),
                &[],
            )
        };
        until("the form to be filled", || {
            Ok(value("connect-url")?.contains("broker.example").then_some(()))
        })?;
        let (port, path, id) = (
            value("connect-port")?,
            value("connect-path")?,
            value("connect-client-id")?,
        );
        ensure!(
            port == "8083" && path.ends_with("mqtt") && id == "abc",
            "port {port}, path {path}, id {id}"
        );
        page.wait_for_state(&["none", "down"])
    })
}

#[test]
fn without_a_bridge_the_first_screen_asks_for_the_broker() -> Result<()> {
    let server = StaticServer::start(dist()?, "/")?;
    case("start-up-empty", Screen::Phone, |page| {
        page.open(&server.url())?;
        page.wait_for(&by("connect-url"))?;
        page.wait_for_state(&["none"])
    })
}

#[test]
fn a_broker_is_chosen_by_its_id_at_the_bridge() -> Result<()> {
    let (one, two) = (Mosquitto::open()?, Mosquitto::open()?);
    let bridge = Bridge::start(&format!(
        "default_broker = \"one\"\n[broker.one]\nurl = \"mqtt://127.0.0.1:{}\"\n[broker.two]\nurl = \"mqtt://127.0.0.1:{}\"\n",
        one.port, two.port
    ))?;
    case("start-up-broker", Screen::Desktop, |page| {
        page.open(&format!("{}#/?broker=two&connect=1", bridge.url()))?;
        page.wait_until_connected()?;
        let came = |broker: &Mosquitto| {
            broker
                .log()
                .iter()
                .any(|line| line.contains("New client connected"))
        };
        ensure!(came(&two) && !came(&one), "the page must be at broker two");
        Ok(())
    })
}
