//! Both sizes, both themes: nothing is cut off, nothing moves.

use anyhow::{Result, ensure};
use e2e::bridge::Bridge;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::page::by;

use crate::talk;

const ROUTES: [&str; 4] = ["#/", "#/explorer", "#/connect", "#/settings"];

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
        let settled = talk::wait_until_received(page, 100)?;
        page.script::<()>(
            "window.shifts = []; new PerformanceObserver(list => { for (const e of list.getEntries())
                if (!e.hadRecentInput) window.shifts.push(e.value); }).observe({type: 'layout-shift'}); return null",
            &[],
        )?;
        talk::wait_until_received(page, settled + 100)?;
        let moved: f64 = page.script("return window.shifts.reduce((a, b) => a + b, 0)", &[])?;
        println!("layout shift over 100 messages on Home: {moved}");
        ensure!(moved < 0.01, "values made things move: a layout shift of {moved}");
        Ok(())
    })
}
