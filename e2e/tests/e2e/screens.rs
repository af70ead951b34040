//! All sizes: nothing is cut off, nothing moves.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::bridge::Bridge;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::page::{Page, by};
use e2e::wait::{until, until_within};

const ROUTES: [&str; 10] = [
    "#/",
    "#/device/home-garage-door",
    "#/device/z2m-0x00005eef10000000",
    "#/explorer",
    "#/explorer?topic=zigbee2mqtt%2FLiving%20room%20lamp",
    "#/explorer?retained=%23",
    "#/connect",
    "#/settings",
    "#/replay",
    "#/no-such-page",
];

/// What reaches over the edge of the screen, or out of its box where nothing scrolls: at most ten, each with how far.
const CUT_OFF: &str = "
    const width = document.documentElement.clientWidth, found = [];
    const hides = element => getComputedStyle(element).overflowX !== 'visible';
    for (const element of document.querySelectorAll('body *')) {
        if (!element.checkVisibility({visibilityProperty: true}) || element.closest('.visually-hidden, svg')) continue;
        let inside = element.parentElement;
        while (inside !== document.body && !hides(inside)) inside = inside.parentElement;
        const box = element.getBoundingClientRect();
        const over = inside === document.body ? Math.max(box.right - width, -box.left) : 0;
        // What bleeds to the edges on purpose scrolls by itself.
        const bleeds = [...element.children].some(child => hides(child) && child.scrollWidth > child.clientWidth);
        const scrolls = hides(element) && !element.matches('button');
        const out = getComputedStyle(element).display === 'inline' || scrolls || bleeds ? 0
            : element.scrollWidth - element.clientWidth;
        // Eight pixels are the margin of what is larger to the finger than to the eye.
        if (box.width > 0 && (over > 1 || out > 8))
            found.push(`${element.tagName} .${element.className} ${Math.round(over)}/${out} px: ` +
                element.textContent.trim().slice(0, 40));
    }
    return [document.documentElement.scrollWidth - width, found.slice(0, 10)]";

#[test]
fn nothing_is_cut_off_from_the_narrowest_phone_to_a_wall() -> Result<()> {
    let (bridge, _) = Bridge::demo()?;
    case("screens", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        // A guess, which comes after what is announced.
        page.wait_for(&by("device-card").with("data-device", "home-garage-door"))?;
        wait_until_all_are_there(page)?;
        let mut faults = Vec::new();
        for screen in Screen::ALL {
            page.browser().set_screen(screen)?;
            for route in ROUTES {
                page.go_to(route)?;
                page.wait_for(&by("connection-state"))?;
                let (over, found): (i32, Vec<String>) = page.script(CUT_OFF, &[])?;
                if over > 0 || !found.is_empty() {
                    faults.push(format!("{route} on {screen:?}: {over} px too wide; {found:#?}"));
                }
            }
        }
        ensure!(faults.is_empty(), "{}", faults.join("\n"));
        Ok(())
    })
}

#[test]
fn a_person_with_a_phone_reaches_home_explorer_and_connect() -> Result<()> {
    let (bridge, _) = Bridge::demo()?;
    case("screens-phone", Screen::Phone, |page| {
        page.open(&bridge.url())?;
        page.wait_for(&by("device-card"))?;
        page.go_to("#/explorer")?;
        page.wait_for(&by("topic-row"))?;
        page.go_to("#/connect")?;
        page.wait_for(&by("connect-submit"))
    })
}

#[test]
fn values_update_without_moving_anything() -> Result<()> {
    let (bridge, _) = Bridge::demo()?;
    case("screens-still", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        page.wait_for(&by("device-card").inside(&by("entity-value")))?;
        // A home comes in two steps: what is announced, and what is guessed once announcements are quiet. Count what moves after that.
        wait_until_all_are_there(page)?;
        wait_for_changes(page, 3)?;
        page.script::<()>(
            "window.shifts = []; new PerformanceObserver(list => { for (const e of list.getEntries())
                if (!e.hadRecentInput) window.shifts.push(e.value); }).observe({type: 'layout-shift'}); return null",
            &[],
        )?;
        wait_for_changes(page, 15)?;
        let moved: f64 = page.script("return window.shifts.reduce((a, b) => a + b, 0)", &[])?;
        println!("layout shift while 15 values change on Home: {moved}");
        ensure!(moved < 0.01, "values made things move: a layout shift of {moved}");
        Ok(())
    })
}

/// Waits until no card has come or gone for a while.
fn wait_until_all_are_there(page: &Page) -> Result<()> {
    let (mut cards, mut since) = (0, Instant::now());
    until("a home that is complete", || {
        let now = page.count(&by("device-card"))?;
        if now != cards {
            (cards, since) = (now, Instant::now());
        }
        Ok((since.elapsed() > Duration::from_secs(1)).then_some(()))
    })
}

/// Waits until the texts of values on Home have changed so many times.
fn wait_for_changes(page: &Page, least: u32) -> Result<()> {
    page.script::<()>(
        "window.changes = 0; new MutationObserver(list => { for (const m of list)
            if (m.target.parentElement?.closest('[data-testid=\"entity-value\"]')) window.changes++; })
            .observe(document.body, {characterData: true, childList: true, subtree: true}); return null",
        &[],
    )?;
    until_within(Duration::from_secs(60), "values to change", || {
        Ok((page.script::<u32>("return window.changes", &[])? >= least).then_some(()))
    })
}
