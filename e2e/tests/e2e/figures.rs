//! How long until the first value is on the screen, and what a first visit transfers. Printed; generous gates.

use anyhow::{Result, ensure};
use e2e::bridge::{Bridge, dist};
use e2e::browser::Screen;
use e2e::case::case;
use e2e::page::by;
use e2e::static_server::StaticServer;

/// Notes when the first value is on the screen, in ms since the visit began.
const STOPWATCH: &str = r#"
    (function look() {
        const value = document.querySelector('[data-testid="entity-value"]');
        if (value && value.textContent.trim()) { window.firstValue = performance.now(); return; }
        requestAnimationFrame(look);
    })();
"#;

const ROUNDS: usize = 7;
/// What a first visit may transfer: what more is needed is fetched when it is needed (`xtask/src/bin/split/rules.rs`). A jump by 25 KB
/// or more says that something on the first screen calls into a part.
const GOAL_BYTES: u64 = 450 * 1024;

#[test]
fn the_first_value_is_on_the_screen_soon() -> Result<()> {
    let (bridge, _) = Bridge::demo()?;
    let mut values = Vec::new();
    let mut paints = Vec::new();
    for _ in 0..ROUNDS {
        case("figures", Screen::Desktop, |page| {
            page.browser().run_in_every_page(STOPWATCH)?;
            page.open(&bridge.url())?;
            page.wait_for(&by("entity-value"))?;
            let ms = e2e::wait::until("the stopwatch", || {
                page.script("return window.firstValue ?? null", &[])
            })?;
            values.push(ms);
            let paint = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0";
            paints.push(page.script(paint, &[])?);
            Ok(())
        })?;
    }
    let (value, paint): (f64, f64) = (median(&mut values), median(&mut paints));
    println!(
        "first visit, median of {ROUNDS}: first paint {paint:.0} ms, first value {value:.0} ms (goal 1000 ms)"
    );
    // The goal is for a quiet machine; here other tests run as well.
    ensure!(value < 5_000.0, "the first value took {value:.0} ms");
    Ok(())
}

#[test]
fn a_first_visit_transfers_little() -> Result<()> {
    let server = StaticServer::start(dist()?, "/")?;
    case("figures-size", Screen::Desktop, |page| {
        page.open(&server.url())?;
        page.wait_for(&by("connect-url"))?;
        let bytes = server.bytes_sent();
        println!(
            "first visit: {} KB transferred (goal {} KB)",
            bytes / 1024,
            GOAL_BYTES / 1024
        );
        ensure!(bytes > 1_000, "the page comes from this server");
        ensure!(
            bytes <= GOAL_BYTES,
            "a first visit transfers {} KB, more than {} KB",
            bytes / 1024,
            GOAL_BYTES / 1024
        );
        Ok(())
    })
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
