//! The page is loaded again in the middle of its work: nothing is lost, and nothing comes twice.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use e2e::bridge::dist;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::{Mosquitto, Subscriber};
use e2e::page::{Page, by, percent_encoded};
use e2e::static_server::StaticServer;
use e2e::wait::until;

use crate::talk;

const MESSAGES: usize = 1_000;

fn start_url(server: &StaticServer, broker: &Mosquitto, more: &str) -> String {
    let url = percent_encoded(&broker.websocket_url());
    format!("{}#/explorer?url={url}&connect=1&{more}", server.url())
}

fn reload(page: &Page) -> Result<()> {
    page.script::<()>("location.reload()", &[])?;
    // The new page knows nothing of the mark that the old one gets here.
    until("the new page", || {
        let is_new = "return document.readyState === 'complete' && !window.old";
        Ok(page.script::<bool>(is_new, &[])?.then_some(()))
    })
}

/// Has the form publish `{n}` many times with QoS 2.
fn publish_many(page: &Page, topic: &str) -> Result<()> {
    page.click(&by("publish-repeat-open"))?;
    page.fill(&by("publish-repeat"), &MESSAGES.to_string())?;
    talk::publish(page, topic, "{n}", 2, false)
}

/// Waits until the subscriber has them all, then compares.
fn each_arrived_once(subscriber: &Subscriber, topic: &str) -> Result<()> {
    until("all messages at the subscriber", || {
        Ok((subscriber.messages().len() >= MESSAGES).then_some(()))
    })
    .with_context(|| format!("{} of {MESSAGES} came", subscriber.messages().len()))?;
    let mut counts = BTreeMap::<String, usize>::new();
    for message in subscriber.messages() {
        *counts.entry(message).or_default() += 1;
    }
    for n in 1..=MESSAGES {
        let count = counts.remove(&format!("2 0 {topic} {n}")).unwrap_or(0);
        ensure!(count == 1, "message {n} came {count} times");
    }
    ensure!(counts.is_empty(), "and nothing else: {counts:?}");
    Ok(())
}

/// Publishes, loads the page again whenever another part has arrived, and counts.
fn reloads_while_publishing(name: &str, options: &str) -> Result<()> {
    let broker = Mosquitto::open()?;
    let server = StaticServer::start(dist()?, "/")?;
    let url = start_url(&server, &broker, options);
    case(name, Screen::Desktop, |page| {
        let subscriber = broker.client().subscribe("e2e/many", 2)?;
        page.open(&url)?;
        page.wait_until_connected()?;
        page.script::<()>("window.old = true", &[])?;
        let began = Instant::now();
        publish_many(page, "e2e/many")?;
        until("the first messages at the subscriber", || {
            Ok((subscriber.messages().len() >= 50).then_some(()))
        })?;
        reload(page)?;
        let before = subscriber.messages().len();
        page.wait_until_connected()?;
        each_arrived_once(&subscriber, "e2e/many")?;
        let took = began.elapsed();
        page.wait_for_attribute(&by("queued-messages"), "data-value", &["0"])?;
        // Late copies would come now.
        broker.client().publish("e2e/many", b"last", &["-q", "2"])?;
        until("the last message", || {
            Ok(subscriber
                .messages()
                .iter()
                .any(|message| message.ends_with("last"))
                .then_some(()))
        })?;
        ensure!(subscriber.messages().len() == MESSAGES + 1, "nothing came late");
        println!(
            "{name}: {MESSAGES} QoS 2 messages in {took:?} with a reload; {before} had arrived before it"
        );
        ensure!(before < MESSAGES, "the reload came too late to show anything");
        Ok(())
    })
}

#[test]
fn a_reload_in_the_middle_of_1000_qos_2_publishes_loses_and_repeats_none() -> Result<()> {
    reloads_while_publishing("reload-publish", "version=5&subscribe=e2e/none@0")
}

#[test]
fn a_reload_in_3_1_1_loses_and_repeats_none_when_the_session_is_kept() -> Result<()> {
    reloads_while_publishing(
        "reload-publish-3.1.1",
        "version=3.1.1&clean_start=0&subscribe=e2e/none@0",
    )
}

#[test]
fn a_reload_while_1000_qos_2_messages_arrive_counts_each_once() -> Result<()> {
    let broker = Mosquitto::open()?;
    let server = StaticServer::start(dist()?, "/")?;
    let url = start_url(&server, &broker, "version=5&subscribe=e2e/in@2");
    case("reload-receive", Screen::Desktop, |page| {
        page.open(&url)?;
        page.wait_until_connected()?;
        page.script::<()>("window.old = true", &[])?;
        let mut publisher = broker.client().publish_lines("e2e/in", MESSAGES, 2)?;
        talk::wait_until_received(page, 50)?;
        reload(page)?;
        page.wait_until_connected()?;
        publisher.wait()?;
        talk::wait_until_received(page, MESSAGES as u64)?;
        broker.client().publish("e2e/in", b"last", &["-q", "2"])?;
        let row = page.explore("e2e/in")?;
        page.wait_for_text(&row.inside(&by("topic-value")), "last")?;
        let received = talk::wait_until_received(page, MESSAGES as u64 + 1)?;
        ensure!(
            received == MESSAGES as u64 + 1,
            "{received} messages instead of {}",
            MESSAGES + 1
        );
        Ok(())
    })
}

#[test]
fn what_waits_for_the_broker_survives_a_reload_and_can_be_discarded() -> Result<()> {
    let mut broker = Mosquitto::open()?;
    let server = StaticServer::start(dist()?, "/")?;
    let url = start_url(&server, &broker, "version=5&subscribe=e2e/none@0");
    case("reload-waiting", Screen::Desktop, |page| {
        page.open(&url)?;
        page.wait_until_connected()?;
        broker.kill()?;
        page.wait_for_state(&["waiting", "connecting"])?;
        for payload in ["one", "two", "three"] {
            talk::publish(page, "e2e/patient", payload, 1, false)?;
            page.wait_for_attribute(&by("publish-result"), "data-state", &["queued"])?;
        }
        let queued = by("queued-messages");
        page.wait_for_text(&queued, "3 messages wait for the broker")?;
        page.script::<()>("window.old = true", &[])?;
        reload(page)?;
        page.wait_for_text(&queued, "3 messages wait for the broker")?;
        // They leave when the broker is back …
        broker.restart()?;
        let mut subscriber = broker.client().subscribe("e2e/patient", 1)?;
        page.wait_until_connected()?;
        for payload in ["one", "two", "three"] {
            subscriber.wait_for(&format!("1 0 e2e/patient {payload}"))?;
        }
        page.wait_for_attribute(&queued, "data-value", &["0"])?;
        // … unless they were discarded, also for the next life of the page.
        broker.kill()?;
        page.wait_for_state(&["waiting", "connecting"])?;
        talk::publish(page, "e2e/patient", "four", 1, false)?;
        page.wait_for_text(&queued, "1 message waits for the broker")?;
        page.click(&by("discard-queued"))?;
        page.wait_for_attribute(&queued, "data-value", &["0"])?;
        page.script::<()>("window.old = true", &[])?;
        reload(page)?;
        page.wait_for_state(&["waiting", "connecting"])?;
        page.wait_for_attribute(&queued, "data-value", &["0"])
    })
}
