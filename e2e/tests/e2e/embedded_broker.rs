//! The bridge with its own broker and the simulated home: what `cargo xtask run` starts.

use anyhow::{Result, ensure};
use e2e::bridge::Bridge;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Client;
use e2e::page::{Page, by};

use crate::talk;

fn home(name: &str, test: impl FnOnce(&Page, Client, &Bridge) -> Result<()>) -> Result<()> {
    let (bridge, port) = Bridge::demo()?;
    case(name, Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        test(
            page,
            Client {
                port,
                credentials: None,
            },
            &bridge,
        )
    })
}

#[test]
fn home_is_live_with_no_question_asked() -> Result<()> {
    home("embedded-home", |page, _, _| {
        page.wait_for(&by("device-card").with("data-liveness", "online"))?;
        page.wait_for(&by("device-card").inside(&by("entity-value")))?;
        page.go_to("#/explorer")?;
        talk::wait_until_received(page, 50).map(drop)
    })
}

#[test]
fn the_simulation_is_marked_as_one() -> Result<()> {
    home("embedded-marked", |page, _, _| {
        let text: String = page.script("return document.body.innerText", &[])?;
        ensure!(
            text.to_lowercase().contains("simulat"),
            "nothing says that the home is simulated: {text}"
        );
        Ok(())
    })
}

#[test]
fn a_switch_on_home_commands_a_device_and_shows_its_answer() -> Result<()> {
    home("embedded-switch", |page, client, _| {
        let switch = by("device-card").inside(&by("entity-control").with("data-control", "switch"));
        page.wait_for(&switch)?;
        let mut subscriber = client.subscribe("#", 1)?;
        page.click(&switch)?;
        page.wait_for_attribute(&switch, "data-state", &["confirmed", "idle"])?;
        let seen = e2e::wait::until("the command", || {
            Ok(subscriber.messages().into_iter().find(|message| {
                ["/set ", "/command ", "/rpc ", " cmnd/"]
                    .iter()
                    .any(|part| message.contains(part))
            }))
        })?;
        println!("a click on Home sent: {seen}");
        subscriber.wait_for(&seen)
    })
}

#[test]
fn the_embedded_broker_carries_what_mosquitto_pub_sends() -> Result<()> {
    home("embedded-value", |page, client, _| {
        talk::a_published_value_appears(page, client)
    })
}

#[test]
fn the_embedded_broker_carries_what_a_click_publishes() -> Result<()> {
    home("embedded-publish", |page, client, _| {
        talk::a_click_publishes_at_every_qos(page, client)
    })
}

#[test]
fn the_embedded_broker_carries_every_qos_to_the_page() -> Result<()> {
    home("embedded-qos", |page, client, _| {
        talk::every_qos_arrives_once(page, client)
    })
}

#[test]
fn a_retained_message_of_the_embedded_broker_is_marked() -> Result<()> {
    home("embedded-retained", |page, client, bridge| {
        talk::a_retained_message_is_marked(page, client, &bridge.url())
    })
}

#[test]
fn mosquitto_sub_sees_the_simulated_home() -> Result<()> {
    let (_bridge, port) = Bridge::demo()?;
    let subscriber = Client {
        port,
        credentials: None,
    }
    .subscribe("#", 0)?;
    let topics = e2e::wait::until("twenty topics", || {
        let mut topics: Vec<String> = subscriber
            .messages()
            .iter()
            .filter_map(|message| message.split(' ').nth(2).map(str::to_owned))
            .collect();
        topics.sort();
        topics.dedup();
        Ok((topics.len() >= 20).then_some(topics))
    })?;
    println!(
        "the simulated home publishes on {} topics and more, such as {:?}",
        topics.len(),
        topics.first()
    );
    Ok(())
}
