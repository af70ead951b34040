//! Brokers that are not Mosquitto, entered in the form. What they lack is asked in `tests/brokers`; here a person meets it.

use anyhow::Result;
use e2e::aedes::Aedes;
use e2e::bridge::dist;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::{PASSWORD, USER};
use e2e::page::{Page, by};
use e2e::rabbitmq::RabbitMq;
use e2e::static_server::StaticServer;

use crate::talk;

/// Enters an address as people do, part by part, and sends a message there and back at every QoS.
fn there_and_back(name: &str, port: u16, path: &str, at_qos_2: &str) -> Result<()> {
    let server = StaticServer::start(dist()?, "/")?;
    case(name, Screen::Desktop, |page| {
        page.open(&server.url())?;
        page.wait_for_state(&["none"])?;
        connect(page, port, path)?;
        page.go_to("#/explorer?topic=e2e/from/page")?;
        for qos in 0..=2 {
            let payload = format!("hello at {qos}");
            talk::publish(page, "e2e/from/page", &payload, qos, false)?;
            let end = if qos == 0 { "sent" } else { "acknowledged" };
            page.wait_for_attribute(&by("publish-result"), "data-state", &[end])?;
            page.wait_for_text(&by("topic-payload"), &payload)?;
        }
        page.wait_for_text(&by("publish-result"), at_qos_2).map(drop)
    })
}

fn connect(page: &Page, port: u16, path: &str) -> Result<()> {
    page.go_to("#/connect")?;
    page.choose(&by("connect-scheme"), "ws")?;
    page.fill(&by("connect-url"), "127.0.0.1")?;
    page.fill(&by("connect-port"), &port.to_string())?;
    page.fill(&by("connect-path"), path)?;
    page.fill(&by("connect-username"), USER)?;
    page.fill(&by("connect-password"), PASSWORD)?;
    page.click(&by("connect-submit"))?;
    page.wait_until_connected()
}

/// It refuses 5.0, and has no path of its own.
#[test]
fn aedes_takes_what_the_form_says() -> Result<()> {
    let broker = Aedes::start()?;
    there_and_back("other-aedes", broker.websocket_port, "/", "")
}

/// It closes without a word when it hears 5.0, and takes QoS 2 as QoS 1: the page comes to 3.1.1 by itself and says the latter.
#[test]
fn rabbitmq_takes_what_the_form_says_at_ws() -> Result<()> {
    let broker = RabbitMq::start()?;
    there_and_back("other-rabbitmq", broker.websocket_port, "/ws", "Granted QoS 1")
}
