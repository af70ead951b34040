//! Frames, long tasks and input while messages come.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use e2e::blaster::{Blast, Blaster, Framing, topic_name};
use e2e::browser::{Browser, Screen};
use e2e::page::{Page, percent_encoded};
use e2e::static_server::StaticServer;
use e2e::wait::until_within;

use crate::facts::renderers;
use crate::probe::{self, Seen};
use crate::{folder, number, page_url};

const PATIENCE: Duration = Duration::from_secs(30);
/// Between two clicks.
const CLICK: Duration = Duration::from_millis(100);
/// Opens what is closed of the tree, as far as it can be seen.
const EXPAND: &str = "for (const row of [...document.querySelectorAll('[data-testid=topic-row][aria-expanded=false]')].slice(0, 20)) {
        row.querySelector('.tw').click();
    }
    return document.querySelectorAll('[data-testid=topic-row][aria-expanded=true]').length";

const LOADS: [(u32, u32, Framing); 3] = [
    (5_000, 5_000, Framing::OnePerFrame),
    (20_000, 10_000, Framing::OnePerFrame),
    (100_000, 10_000, Framing::Coalesced),
];

/// `[SECONDS [home | explorer [PER_SECOND TOPICS [coalesced]]]]`
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let seconds = number(arguments, 0, 20)?;
    let screens: Vec<&str> = match arguments.get(1) {
        Some(screen) => vec![screen],
        None => vec!["home", "explorer"],
    };
    let framing = match arguments.get(4).map(String::as_str) {
        None => Framing::OnePerFrame,
        Some("coalesced") => Framing::Coalesced,
        Some(other) => bail!("messages come one per frame, or `coalesced`, and not `{other}`"),
    };
    let (per_second, topics) = (
        number(arguments, 2, 0)? as u32,
        number(arguments, 3, 1_000)? as u32,
    );
    let only = [(per_second, topics, framing)];
    let loads: &[_] = if arguments.len() > 2 { &only } else { &LOADS };
    let files = StaticServer::start(folder("BENCH_PAGE")?, "/")?;
    println!("{seconds} s each (goal: 60 fps, p95 ≤ 17 ms, no long task, input p95 ≤ 4 ms, nothing lost)");
    println!("{:<44}{}       page MiB   lost   dropped", "", Seen::HEAD);
    for screen in screens {
        for load in loads {
            println!("{}", under_load(&files.url(), screen, *load, seconds)?);
        }
    }
    Ok(())
}

fn under_load(
    url: &str,
    screen: &str,
    (per_second, topics, framing): (u32, u32, Framing),
    seconds: u64,
) -> Result<String> {
    let server = Blaster::start()?;
    let page = Page::new(Browser::start(Screen::Desktop, false)?);
    page.browser().wait_until_quiet();
    let route = match screen {
        "home" => "/".to_owned(),
        _ => format!("/explorer?topic={}", percent_encoded(&topic_name(7))),
    };
    page.open(&page_url(url, &server.url(), &route))?;
    let mut subscriber = server.subscriber(PATIENCE)?;
    page.wait_until_connected()?;
    probe::start(&page)?;
    let blast = Blast {
        messages: u64::from(per_second) * seconds,
        topics,
        per_second: Some(per_second),
        framing,
        retain: false,
    };
    // Topics become known while it is looked: that is part of the load.
    let sending = std::thread::spawn(move || subscriber.blast(&blast).map(|_| subscriber));
    let begun = Instant::now();
    let mut expanded = screen == "home";
    while begun.elapsed() < Duration::from_secs(seconds) {
        if !expanded && begun.elapsed() > Duration::from_secs(3) {
            page.script::<u64>(EXPAND, &[])?;
            expanded = true;
        }
        probe::click(&page)?;
        std::thread::sleep(CLICK);
    }
    let seen = probe::read(&page)?;
    let memory = renderers().page_mib;
    let mut subscriber = sending
        .join()
        .ok()
        .context("the server stopped")?
        .context("while sending")?;
    subscriber.finish(Duration::from_secs(120))?;
    let sent = blast.messages + 1;
    let mut counted = (None, None);
    let all = until_within(Duration::from_secs(10), "every message", || {
        counted = probe::counted(&page)?;
        Ok((counted.0 == Some(sent)).then_some(()))
    });
    let (received, dropped) = counted;
    let lost = match all {
        Ok(()) => "0".to_owned(),
        Err(_) => format!("sent {sent}, shown {received:?}"),
    };
    let what = format!(
        "{screen}, {per_second}/s × {topics}, {}",
        match framing {
            Framing::OnePerFrame => "one per frame",
            Framing::Coalesced => "coalesced",
        }
    );
    Ok(format!(
        "{what:<44}{} {memory:>14}   {lost:>4}   {}",
        seen.row(),
        dropped.unwrap_or_default()
    ))
}
