//! Charts and the messages of a topic, with what was really published.

use anyhow::{Result, ensure};
use e2e::bridge::Bridge;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Client;
use e2e::page::{By, Page, by};
use e2e::wait::until;

const TOPIC: &str = "lab/bench/climate";
const LEFT: &str = "\u{E012}";
const SHIFT: &str = "\u{E008}";
const ESCAPE: &str = "\u{E00C}";
const END: &str = "\u{E010}";

fn on_topic(name: &str, screen: Screen, test: impl FnOnce(&Page, Client) -> Result<()>) -> Result<()> {
    let (bridge, port) = Bridge::demo()?;
    case(name, screen, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        let client = Client {
            port,
            credentials: None,
        };
        for n in 0..5 {
            publish(&client, n)?;
            let from: f64 = page.script("return performance.now()", &[])?;
            until("a sample that can be told from the next one", || {
                let now: f64 = page.script("return performance.now()", &[])?;
                Ok((now - from > 300.0).then_some(()))
            })?;
        }
        page.go_to(&format!("#/explorer?topic={TOPIC}"))?;
        page.wait_for(&chart())?;
        test(page, client)
    })
}

fn chart() -> By {
    by("topic-chart")
}

fn publish(client: &Client, n: u32) -> Result<()> {
    let window = if n.is_multiple_of(2) { "closed" } else { "open" };
    let payload = format!(r#"{{"temperature":{}.5,"window":"{window}"}}"#, 20 + n);
    client.publish(TOPIC, payload.as_bytes(), &[])
}

fn type_keys(page: &Page, keys: &str) -> Result<()> {
    let session = page.browser().session();
    session.type_text(&session.find("[data-testid=topic-chart]")?, keys)
}

/// What a screen reader is told of the cursor.
fn wait_for_words(page: &Page, part: &str) -> Result<()> {
    until(&format!("`{part}` of the chart's cursor"), || {
        let body =
            "return [...document.querySelectorAll('.charts [role=status]')].map(e => e.textContent).join()";
        let said: String = page.script(body, &[])?;
        Ok(said.contains(part).then_some(()))
    })
}

#[test]
fn a_chart_draws_what_is_published_and_keys_read_it() -> Result<()> {
    on_topic("charts-read", Screen::Desktop, |page, client| {
        let pixels = "const c = document.querySelector('[data-testid=topic-chart] canvas');
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
            for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 128 && d[i + 2] - d[i] > 90) n++; return n";
        until("a blue line", || {
            Ok((page.script::<u32>(pixels, &[])? > 20).then_some(()))
        })?;
        until("all samples in the label", || {
            let label = page.attribute(&chart(), "aria-label")?.unwrap_or_default();
            Ok(label.contains("from 20.5 to 24.5").then_some(()))
        })?;
        type_keys(page, LEFT)?;
        wait_for_words(page, "temperature 24.5")?;
        type_keys(page, LEFT)?;
        wait_for_words(page, "temperature 23.5")?;

        until("a past to look at", || {
            let body =
                "const d = document.querySelector('[data-testid=topic-chart]').dataset; return d.to - d.from";
            Ok((page.script::<u64>(body, &[])? > 5_000).then_some(()))
        })?;
        type_keys(page, &format!("+++{SHIFT}{LEFT}"))?;
        page.wait_for_attribute(&chart(), "data-live", &["false"])?;
        // What comes after the keys shows that the engine has answered them.
        publish(&client, 9)?;
        page.wait_for_text(&by("topic-payload"), "29.5")?;
        let from = page.attribute(&chart(), "data-from")?;
        publish(&client, 8)?;
        page.wait_for_text(&by("topic-payload"), "28.5")?;
        ensure!(
            page.attribute(&chart(), "data-from")? == from,
            "a past stays where it is"
        );
        type_keys(page, END)?;
        page.wait_for_attribute(&chart(), "data-live", &["true"])
    })
}

#[test]
fn states_have_a_lane_and_the_table_has_every_sample() -> Result<()> {
    on_topic("charts-table", Screen::Phone, |page, _| {
        page.click(&by("chart-fields"))?;
        let choose = "const l = [...document.querySelectorAll('[data-testid=chart-fields] label')];
            l.find(e => e.textContent == 'window').querySelector('input').click(); return l.length";
        let fields: u32 = page.script(choose, &[])?;
        ensure!(
            fields == 3,
            "temperature, window, and whether to keep them: {fields}"
        );
        until("a lane", || {
            let lanes: u32 = page.script("return document.querySelectorAll('.lane').length", &[])?;
            Ok((lanes == 1).then_some(()))
        })?;
        // Escape closes the list, and so does a click elsewhere.
        let is_open = || {
            page.script::<bool>(
                "return document.querySelector('[data-testid=chart-fields]').open",
                &[],
            )
        };
        let session = page.browser().session();
        session.type_text(&session.find("[data-testid=chart-fields] summary")?, ESCAPE)?;
        until("a closed list", || Ok((!is_open()?).then_some(())))?;
        page.click(&by("chart-fields"))?;
        until("an open list", || Ok(is_open()?.then_some(())))?;
        page.click(&by("topic-payload"))?;
        until("a closed list", || Ok((!is_open()?).then_some(())))?;
        page.click(&by("chart-as-table"))?;
        let table = by("chart-table");
        for part in ["20.5", "24.5", "open", "closed"] {
            page.wait_for_text(&table, part)?;
        }
        let size: (u32, u32, u32, u32) = page.script(
            "const page = document.documentElement;
            return [page.scrollWidth, page.clientWidth, page.scrollHeight, page.clientHeight]",
            &[],
        )?;
        ensure!(
            size.0 <= size.1 && size.2 <= size.3,
            "the page is larger than the phone, beside its own scrolling: {size:?}"
        );
        Ok(())
    })
}

#[test]
fn an_older_message_is_shown_and_compared_with_a_chosen_one() -> Result<()> {
    on_topic("charts-messages", Screen::Desktop, |page, client| {
        let row = |number: &str| by("topic-history-row").with("data-number", number);
        page.wait_for(&row("5"))?;
        page.script::<()>(
            "document.querySelector('[data-testid=topic-history-row][data-number=\"2\"] th button').click()",
            &[],
        )?;
        page.wait_for_text(&by("topic-payload"), "21.5")?;
        page.click(&row("4").inside(&by("topic-compare")))?;
        page.wait_for_text(&by("topic-diff"), "23.5")?;
        publish(&client, 9)?;
        page.wait_for_text(&by("topic-newest"), "1 new")?;
        let shown = page.text(&by("topic-diff"))?.unwrap_or_default();
        ensure!(shown.contains("21.5") && !shown.contains("29.5"), "{shown}");
        page.click(&by("topic-newest"))?;
        page.wait_for_text(&by("topic-payload"), "29.5").map(drop)
    })
}

#[test]
fn series_stay_in_the_chart_when_another_topic_is_opened() -> Result<()> {
    on_topic("charts-kept", Screen::Desktop, |page, client| {
        page.click(&by("chart-fields"))?;
        let keep = "const l = [...document.querySelectorAll('[data-testid=chart-fields] label')];
            l.find(e => e.textContent.startsWith('Keep')).querySelector('input').click()";
        page.script::<()>(keep, &[])?;
        client.publish("lab/bench/boiler", b"61.5", &[])?;
        page.explore("lab/bench/boiler")?;
        until("both series", || {
            let label = page.attribute(&chart(), "aria-label")?.unwrap_or_default();
            let both = label.contains("climate temperature: ") && label.contains("boiler: ");
            Ok(both.then_some(()))
        })
    })
}
