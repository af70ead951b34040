//! Both sizes, both themes: nothing is cut off, nothing moves.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::bridge::Bridge;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::page::{Page, by};
use e2e::wait::until_within;

const ROUTES: [&str; 5] = ["#/", "#/explorer", "#/connect", "#/settings", "#/replay"];

#[test]
fn no_page_is_wider_than_its_screen() -> Result<()> {
    let (bridge, _) = Bridge::demo()?;
    for screen in [Screen::Desktop, Screen::Phone] {
        case(&format!("screens-{screen:?}"), screen, |page| {
            page.open(&bridge.url())?;
            page.wait_until_connected()?;
            page.wait_for(&by("device-card"))?;
            for route in ROUTES {
                page.go_to(route)?;
                page.wait_for(&by("connection-state"))?;
                let (content, window): (u32, u32) = page.script(
                    "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]",
                    &[],
                )?;
                ensure!(
                    content <= window,
                    "{route} is {content} px wide on a screen of {window} px ({screen:?})"
                );
            }
            Ok(())
        })?;
    }
    Ok(())
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
        // The retained messages have come when the first value changes; count what moves during the next ones.
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
