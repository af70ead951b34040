//! Many messages, in small: `cargo xtask bench ui`, `bench soak` and `bench hidden` do the same in full size.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::blaster::{Blast, Blaster, Framing, Subscriber};
use e2e::bridge::dist;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::page::{Page, by, percent_encoded};
use e2e::static_server::StaticServer;
use e2e::wait::{until, until_within};

const PATIENCE: Duration = Duration::from_secs(60);
/// Of the keep-alive that the page asks for.
const KEEP_ALIVE_S: u64 = 3;

/// A page that shows Home and has subscribed.
fn connected(page: &Page) -> Result<(Blaster, Subscriber)> {
    let (files, server) = (StaticServer::start(dist()?, "/")?, Blaster::start()?);
    page.open(&format!(
        "{}?url={}&clean_start=1&keep_alive={KEEP_ALIVE_S}&connect=1#/",
        files.url(),
        percent_encoded(&server.url())
    ))?;
    let subscriber = server.subscriber(PATIENCE)?;
    page.wait_until_connected()?;
    Ok((server, subscriber))
}

fn wait_for_count(page: &Page, sent: u64) -> Result<()> {
    until_within(PATIENCE, &format!("{sent} messages received"), || {
        Ok((page.number(&by("messages-received"))? == Some(sent)).then_some(()))
    })
}

#[test]
fn a_burst_of_retained_messages_makes_a_home_that_can_be_scrolled() -> Result<()> {
    case("load-burst", Screen::Desktop, |page| {
        let (server, mut subscriber) = connected(page)?;
        let burst = Blast {
            messages: 12_000,
            topics: 12_000,
            per_second: None,
            framing: Framing::Coalesced,
            retain: true,
        };
        subscriber.blast(&burst)?;
        subscriber.finish(PATIENCE)?;
        wait_for_count(page, burst.messages + 1)?;
        page.wait_for(&by("entity-value"))?;
        let cards = until("the whole home", || {
            let rooms: usize = page.script("return document.querySelectorAll('.room').length", &[])?;
            Ok((rooms >= 20).then_some(page.count(&by("device-card"))?))
        })?;
        ensure!(
            (1..300).contains(&cards),
            "{cards} cards of 2,000 devices exist, though most are not on the screen"
        );
        page.script::<Option<bool>>("scrollTo(0, document.body.scrollHeight)", &[])?;
        until("cards at the end of the page", || {
            let body = "return [...document.querySelectorAll('[data-testid=device-card]')]
                .some(card => card.getBoundingClientRect().top > 0 && card.getBoundingClientRect().top < innerHeight
                    && card.querySelector('[data-testid=entity-value]'))";
            Ok(page.script::<bool>(body, &[])?.then_some(()))
        })?;
        ensure!(!server.another_came(), "the page lost its connection");
        Ok(())
    })
}

#[test]
fn ten_seconds_of_load_lose_nothing_and_let_the_keep_alive_through() -> Result<()> {
    case("load-soak", Screen::Desktop, |page| {
        let (server, mut subscriber) = connected(page)?;
        let load = Blast {
            messages: 50_000,
            topics: 2_000,
            per_second: Some(5_000),
            framing: Framing::OnePerFrame,
            retain: false,
        };
        subscriber.blast(&load)?;
        subscriber.finish(PATIENCE)?;
        wait_for_count(page, load.messages + 1)?;
        ensure!(page.number(&by("messages-dropped"))?.is_some());
        ensure!(!server.another_came(), "the page lost its connection");
        Ok(())
    })
}

#[test]
fn a_hidden_page_keeps_its_connection_and_counts_every_message() -> Result<()> {
    case("load-hidden", Screen::Desktop, |page| {
        let (server, mut subscriber) = connected(page)?;
        let front = page.browser().hide()?;
        let pings = subscriber.pings();
        let quiet = Blast {
            messages: 20,
            topics: 20,
            per_second: Some(1),
            framing: Framing::OnePerFrame,
            retain: false,
        };
        subscriber.blast(&quiet)?;
        subscriber.finish(PATIENCE)?;
        ensure!(subscriber.pings() > pings, "a hidden page sends PINGREQ");
        page.browser().show(&front)?;
        wait_for_count(page, quiet.messages + 1)?;
        ensure!(!server.another_came(), "the page lost its connection");
        Ok(())
    })
}
