//! A long time under load, seen or hidden.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::blaster::{Blast, Blaster, Framing};
use e2e::browser::{Browser, Screen};
use e2e::page::Page;
use e2e::static_server::StaticServer;
use e2e::wait::until_within;

use crate::facts::renderers;
use crate::probe;
use crate::{folder, number, page_url};

const PATIENCE: Duration = Duration::from_secs(30);
const PER_SECOND: u32 = 5_000;
const TOPICS: u32 = 5_000;

/// `[MINUTES]`: memory at the end of each tenth.
pub(crate) fn soak(arguments: &[String]) -> Result<()> {
    let minutes = number(arguments, 0, 30)?;
    let files = StaticServer::start(folder("BENCH_PAGE")?, "/")?;
    let server = Blaster::start()?;
    let page = Page::new(Browser::start(Screen::Desktop, false)?);
    page.open(&page_url(&files.url(), &server.url(), "/"))?;
    let mut subscriber = server.subscriber(PATIENCE)?;
    page.wait_until_connected()?;
    probe::start(&page)?;
    println!(
        "{minutes} min at {PER_SECOND}/s over {TOPICS} topics on Home (goal: memory within the budget and flat: it grows until history
has filled the budget of 128 MiB and messages are dropped from it, six minutes or so, and not after that)"
    );
    println!(
        "   minute   page MiB   all renderers MiB   received   dropped{}",
        probe::Seen::HEAD
    );
    let steps = 10;
    let step_s = (minutes * 60 / steps).max(1);
    let mut sent = 0;
    for step in 1..=steps {
        let blast = Blast {
            messages: u64::from(PER_SECOND) * step_s,
            topics: TOPICS,
            per_second: Some(PER_SECOND),
            framing: Framing::OnePerFrame,
            retain: false,
        };
        subscriber.blast(&blast)?;
        subscriber.finish(PATIENCE)?;
        sent += blast.messages + 1;
        let (received, dropped) = settled(&page, sent)?;
        let (seen, memory) = (probe::read(&page)?, renderers());
        println!(
            "{:>9.1} {:>10} {:>19} {received:>10} {dropped:>9}{}",
            (step * step_s) as f64 / 60.0,
            memory.page_mib,
            memory.resident_mib,
            seen.row()
        );
        probe::reset(&page)?;
    }
    ensure!(!server.another_came(), "the page lost its connection");
    Ok(())
}

/// `[MINUTES]`: no disconnect with a keep-alive of 10 s, and every message counted.
pub(crate) fn hidden(arguments: &[String]) -> Result<()> {
    let minutes = number(arguments, 0, 10)?;
    let files = StaticServer::start(folder("BENCH_PAGE")?, "/")?;
    let server = Blaster::start()?;
    let page = Page::new(Browser::start(Screen::Desktop, false)?);
    page.open(&page_url(&files.url(), &server.url(), "/"))?;
    let mut subscriber = server.subscriber(PATIENCE)?;
    page.wait_until_connected()?;
    let shown = page.browser().hide()?;
    println!("Hidden for {minutes} min, keep-alive 10 s, 100 messages a second");
    let blast = Blast {
        messages: minutes * 60 * 100,
        topics: 500,
        per_second: Some(100),
        framing: Framing::OnePerFrame,
        retain: false,
    };
    subscriber.blast(&blast)?;
    subscriber.finish(PATIENCE)?;
    page.browser().show(&shown)?;
    let woken = Instant::now();
    let (received, dropped) = settled(&page, blast.messages + 1)?;
    println!(
        "{received} of {} counted, {dropped} dropped from history, shown {:.1} s after the page was, {} PINGREQ",
        blast.messages + 1,
        woken.elapsed().as_secs_f64(),
        subscriber.pings()
    );
    ensure!(!server.another_came(), "the page lost its connection");
    println!("no disconnect");
    Ok(())
}

fn settled(page: &Page, sent: u64) -> Result<(u64, u64)> {
    let mut counted = (None, None);
    until_within(PATIENCE, "every message", || {
        counted = probe::counted(page)?;
        Ok((counted.0 == Some(sent)).then(|| (sent, counted.1.unwrap_or_default())))
    })
    .with_context(|| format!("sent {sent}, the page shows {counted:?}"))
}
