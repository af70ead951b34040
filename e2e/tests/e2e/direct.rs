//! The page from a static host, speaking to Mosquitto's own WebSocket listener.

use anyhow::{Result, ensure};
use e2e::bridge::dist;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::{Mosquitto, PASSWORD, USER};
use e2e::page::{Page, by, percent_encoded};
use e2e::static_server::StaticServer;
use e2e::wait::until;

use crate::talk;

/// The page's address with everything it needs to connect.
fn start_url(server: &StaticServer, broker: &Mosquitto, version: &str) -> String {
    let url = percent_encoded(&broker.websocket_url());
    format!(
        "{}#/explorer?url={url}&version={version}&subscribe=%23@2&connect=1",
        server.url()
    )
}

fn connected(
    name: &str,
    base: &'static str,
    version: &str,
    test: impl FnOnce(&Page, &Mosquitto, &str) -> Result<()>,
) -> Result<()> {
    let broker = Mosquitto::open()?;
    let server = StaticServer::start(dist()?, base)?;
    let url = start_url(&server, &broker, version);
    case(name, Screen::Desktop, |page| {
        page.open(&url)?;
        page.wait_until_connected()?;
        test(page, &broker, &url)
    })
}

#[test]
fn a_page_from_a_static_host_shows_what_is_published() -> Result<()> {
    connected("direct-value", "/", "auto", |page, broker, _| {
        talk::a_published_value_appears(page, broker.client())
    })
}

#[test]
fn a_page_under_a_sub_path_shows_what_is_published() -> Result<()> {
    connected("direct-sub-path", "/smart/home/", "auto", |page, broker, _| {
        talk::a_published_value_appears(page, broker.client())
    })
}

/// [MQTT5-4.2-1] [MQTT311-7.1.2-1] [MQTT311-7.0.0-2]
#[test]
fn a_click_publishes_straight_to_mosquitto_in_both_versions() -> Result<()> {
    for version in ["5", "3.1.1"] {
        connected(
            &format!("direct-publish-{version}"),
            "/",
            version,
            |page, broker, _| talk::a_click_publishes_at_every_qos(page, broker.client()),
        )?;
    }
    Ok(())
}

#[test]
fn mosquitto_delivers_qos_1_and_2_to_the_page_in_both_versions() -> Result<()> {
    for version in ["5", "3.1.1"] {
        connected(
            &format!("direct-qos-{version}"),
            "/",
            version,
            |page, broker, _| {
                talk::every_qos_arrives_once(page, broker.client())?;
                the_page_finished_its_flows(broker)
            },
        )?;
    }
    Ok(())
}

/// Mosquitto's log tells whether the page answered as QoS 1 and 2 demand.
fn the_page_finished_its_flows(broker: &Mosquitto) -> Result<()> {
    let answered = |packet: &str| {
        let from_page = format!("Received {packet} from hearth");
        until(&from_page, || {
            Ok(broker
                .log()
                .iter()
                .any(|line| line.contains(&from_page))
                .then_some(()))
        })
    };
    answered("PUBACK")?;
    answered("PUBREC")?;
    answered("PUBCOMP")
}

#[test]
fn a_retained_message_from_mosquitto_is_marked() -> Result<()> {
    connected("direct-retained", "/", "5", |page, broker, url| {
        talk::a_retained_message_is_marked(page, broker.client(), url)
    })
}

#[test]
fn the_form_connects_with_a_user_name_and_a_password() -> Result<()> {
    let broker = Mosquitto::with_password()?;
    let server = StaticServer::start(dist()?, "/")?;
    case("direct-form", Screen::Desktop, |page| {
        page.open(&server.url())?;
        page.wait_for_state(&["none"])?;
        page.go_to("#/connect")?;
        page.fill(&by("connect-url"), &broker.websocket_url())?;
        page.fill(&by("connect-username"), USER)?;
        page.fill(&by("connect-password"), PASSWORD)?;
        page.click(&by("connect-submit"))?;
        page.wait_until_connected()?;
        broker.client().publish("e2e/form", b"it works", &[])?;
        let row = page.explore("e2e/form")?;
        page.wait_for_text(&row.inside(&by("topic-value")), "it works")?;
        let address: String = page.script("return location.href", &[])?;
        ensure!(
            !address.contains("horse"),
            "a password must never be in the address: {address}"
        );
        Ok(())
    })
}
