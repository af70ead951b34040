//! What axe-core finds on the pages: nothing.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use e2e::bridge::Bridge;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::page::{Page, by};
use serde_json::Value;

use crate::admins::open_device;

/// WCAG 2.2 at A and AA, and what axe-core's makers call best practice.
const RUN: &str = "return axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
    .then(found => found.violations.map(violation => violation.id + ' (' + violation.impact + '): ' + violation.help + '\\n'
        + violation.nodes.slice(0, 5).map(node => '    ' + node.html.slice(0, 300) + '\\n      ' + node.any.concat(node.all, node.none).map(check => check.message).join('; ')).join('\\n')))";

fn axe() -> Result<String> {
    let modules = std::env::var_os("E2E_AXE").context("run these tests with `cargo xtask e2e`")?;
    Ok(std::fs::read_to_string(
        Path::new(&modules).join("axe-core/axe.min.js"),
    )?)
}

fn check(page: &Page, axe: &str, what: &str) -> Result<()> {
    let is_there: bool = page.script("return 'axe' in window", &[])?;
    if !is_there {
        // In the page's own world; its policy lets no other script in.
        page.script::<Value>(&format!("{axe}\nwindow.axe = axe; return null"), &[])?;
    }
    let found: Vec<String> = page.script(RUN, &[])?;
    ensure!(found.is_empty(), "{what}:\n{}", found.join("\n"));
    Ok(())
}

fn look(screen: Screen, dark: bool) -> Result<()> {
    let axe = axe()?;
    let (bridge, _) = Bridge::demo()?;
    case(&format!("accessibility-{screen:?}-{dark}"), screen, |page| {
        page.browser().set_dark(dark)?;
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        page.wait_for(&by("device-card"))?;
        let mut faults = Vec::new();
        let mut look = |what: &str| {
            if let Err(error) = check(page, &axe, what) {
                faults.push(format!("{error:#}"));
            }
        };
        look("Home");
        // Under the pointer of a person; on a phone the button stands at the end of the page.
        page.script::<()>("location.hash = '#/'; document.querySelector('[data-testid=arrange], .main > .btn.only-s').click(); return null", &[])?;
        page.click(&by("arrange-menu"))?;
        page.wait_for(&by("move-to"))?;
        look("Home, being arranged");
        page.script::<()>(
            "document.querySelector('[data-testid=arrange-end]').click(); return null",
            &[],
        )?;
        page.click(&by("open-search"))?;
        page.fill(&by("home-search"), "lamp")?;
        page.wait_for_text(&by("home-found"), "device")?;
        look("Home with a search");
        page.fill(&by("home-search"), "\u{e00c}")?;
        open_device(page, "Lamp")?;
        look("a device");
        page.go_to("#/explorer")?;
        page.wait_for(&by("topic-row"))?;
        look("Explorer");
        page.fill(&by("topic-search"), "state")?;
        page.wait_for(&by("search-next"))?;
        look("Explorer with a search");
        page.go_to("#/explorer?retained=")?;
        page.click(&by("retained-dry-run"))?;
        page.wait_for(&by("retained-plan"))?;
        look("Retained messages with the question");
        let topic = page.attribute(&by("topic-row").with("aria-level", "2"), "data-topic")?;
        page.go_to(&format!(
            "#/explorer?topic={}",
            e2e::page::percent_encoded(&topic.unwrap_or_default())
        ))?;
        page.wait_for(&by("publish-send"))?;
        look("a topic");
        page.click(&by("publish-as-file"))?;
        page.wait_for(&by("publish-file"))?;
        look("a topic, a file to be published");
        page.go_to("#/explorer?topic=")?;
        page.wait_for(&by("subscription-add"))?;
        look("no topic");
        page.go_to("#/connect")?;
        page.wait_for(&by("connect-submit"))?;
        look("Connect");
        page.go_to("#/settings")?;
        page.wait_for(&by("connection-state"))?;
        look("Settings");
        page.go_to("#/replay")?;
        page.wait_for(&by("replay-file"))?;
        look("Recording");
        ensure!(faults.is_empty(), "{}", faults.join("\n"));
        Ok(())
    })
}

#[test]
fn axe_finds_nothing_on_a_desktop() -> Result<()> {
    look(Screen::Desktop, false)
}

#[test]
fn axe_finds_nothing_on_a_desktop_in_the_dark() -> Result<()> {
    look(Screen::Desktop, true)
}

#[test]
fn axe_finds_nothing_on_a_phone() -> Result<()> {
    look(Screen::Phone, false)
}

#[test]
fn the_keyboard_alone_opens_a_branch_and_a_topic() -> Result<()> {
    let (bridge, _) = Bridge::demo()?;
    case("accessibility-keyboard", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        page.go_to("#/explorer")?;
        page.wait_for(&by("topic-row").with("aria-expanded", "false"))?;
        let session = page.browser().session();
        let tree = session.find("[role=treegrid]")?;
        // Down to the first row, right to open it, then one after the other to what can be shown.
        session.type_text(&tree, "\u{e015}\u{e014}")?;
        page.wait_for(&by("topic-row").with("aria-level", "2"))?;
        session.type_text(&tree, "++")?;
        page.wait_for(&by("topic-row").with("aria-level", "3"))?;
        let active: Option<String> = page.script(
            "return document.getElementById(document.querySelector('[role=treegrid]').getAttribute('aria-activedescendant'))?.dataset.topic ?? null",
            &[],
        )?;
        ensure!(active.is_some(), "no row is active");
        page.fill(&by("topic-search"), "+/+/state")?;
        page.wait_for_attribute(&by("search-next"), "type", &["button"])?;
        let field = session.find("[data-testid=topic-search]")?;
        session.type_text(&field, "\u{e007}")?;
        page.wait_for_text(&by("search-hits"), "1 of ")?;
        session.type_text(&tree, "\u{e007}")?;
        page.wait_for(&by("topic-row").with("aria-selected", "true"))
    })
}
