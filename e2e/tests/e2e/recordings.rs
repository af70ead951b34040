//! Messages to files and from files.

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use e2e::bridge::dist;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Mosquitto;
use e2e::page::{Page, by, percent_encoded};
use e2e::static_server::StaticServer;
use e2e::wait::until;
use serde_json::{Value, json};

/// Chooses a file with this content.
fn choose(page: &Page, name: &str, content: &str) -> Result<()> {
    page.wait_for(&by("replay-file"))?;
    let choose = "const field = document.querySelector('[data-testid=\"replay-file\"]');
        const files = new DataTransfer(); files.items.add(new File([arguments[0]], arguments[1]));
        field.files = files.files; field.dispatchEvent(new Event('change', {bubbles: true})); return null";
    page.script::<Option<bool>>(choose, &[json!(content), json!(name)])
        .map(drop)
}

/// Lets the browser save files here.
fn save_to(page: &Page, folder: &Path) -> Result<()> {
    let parameters = json!({"behavior": "allow", "downloadPath": folder});
    let session = page.browser().session();
    session
        .devtools("Page.setDownloadBehavior", &parameters)
        .map(drop)
}

fn saved(folder: &Path, name: &str) -> Result<String> {
    let path = folder.join(name);
    until(name, || Ok(path.exists().then_some(())))?;
    fs::read_to_string(path).context("the file that was saved")
}

fn lines(text: &str) -> Result<Vec<Value>> {
    let parsed = text.lines().map(serde_json::from_str);
    parsed
        .collect::<Result<_, _>>()
        .context("one JSON object per line")
}

/// The longest task of the page's own thread since it was loaded, ms.
const LONGEST_TASK: &str = "return Math.max(0, ...(window.tasks ?? []))";
const WATCH_TASKS: &str = "window.tasks = [];
    new PerformanceObserver((list) => list.getEntries().forEach((task) => window.tasks.push(task.duration)))
        .observe({type: 'longtask', buffered: true});";

#[test]
fn a_packed_file_is_unpacked_and_what_cannot_be_says_so() -> Result<()> {
    let server = StaticServer::start(dist()?, "/")?;
    case("recordings-packed", Screen::Desktop, |page| {
        page.open(&format!("{}#/replay", server.url()))?;
        page.wait_for(&by("replay-file"))?;
        let rows = "time,received_ms,topic,number,qos,retain,dup,payload_bytes,encoding,payload,properties\r\n\
            2026-11-22T07:53:52.269Z,1795334032269,home/hall,1,0,0,0,9,text,\"two\nlines\",\r\n";
        // Packed in the page, and a second one that ends in the middle.
        let choose_packed = "const [text, name, cut] = arguments; const packed = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));
            return new Response(packed).arrayBuffer().then((bytes) => {
                const field = document.querySelector('[data-testid=\"replay-file\"]'); const files = new DataTransfer();
                files.items.add(new File([bytes.slice(0, bytes.byteLength - cut)], name));
                field.files = files.files; field.dispatchEvent(new Event('change', {bubbles: true})); return null; })";
        page.script::<Option<bool>>(choose_packed, &[json!(rows), json!("home.csv.gz"), json!(0)])?;
        page.wait_for(
            &by("replay")
                .with("data-state", "ready")
                .with("data-messages", "1"),
        )?;
        page.wait_for_text(&by("replay"), "home.csv")?;
        page.script::<Option<bool>>(choose_packed, &[json!(rows), json!("cut.gz"), json!(20)])?;
        page.wait_for(&by("replay").with("data-state", "failed"))?;
        page.wait_for_text(&by("replay"), "damaged")?;
        choose(page, "home.zip", "PK\u{3}\u{4} and so on")?;
        page.wait_for_text(&by("replay"), "home.zip")?;
        page.wait_for_text(&by("replay"), "Unpack it first").map(drop)
    })
}

#[test]
fn a_hundred_thousand_messages_go_from_a_file_to_the_page_and_back_to_a_file() -> Result<()> {
    const MESSAGES: u64 = 100_000;
    let server = StaticServer::start(dist()?, "/")?;
    let folder = tempfile::tempdir()?;
    case("recordings-there-and-back", Screen::Desktop, |page| {
        save_to(page, folder.path())?;
        page.browser().run_in_every_page(WATCH_TASKS)?;
        page.open(&format!("{}#/replay", server.url()))?;
        page.wait_for(&by("replay-file"))?;
        // Made in the page: as long a text would take its time through WebDriver.
        let choose = "const lines = []; for (let n = 0; n < arguments[0]; n++) lines.push(JSON.stringify({
                received_ms: 1700000000000 + n * 10, topic: `site/hall${n % 20}/machine${n % 500}/state`, qos: n % 3, retain: n % 7 === 0,
                payload: n % 1000 === 0 ? '=1+1' : `{\"speed\":${n}.25,\"text\":\"Größe \\\"${n}\\\"\"}`}));
            lines.splice(5, 0, 'this line is', '{\"topic\":');
            const field = document.querySelector('[data-testid=\"replay-file\"]');
            const files = new DataTransfer(); files.items.add(new File([lines.join('\\n')], 'site.jsonl'));
            field.files = files.files; field.dispatchEvent(new Event('change', {bubbles: true})); return null";
        page.script::<Option<bool>>(choose, &[json!(MESSAGES)])?;
        let panel = by("replay").with("data-state", "ready");
        page.wait_for(&panel)?;
        ensure!(
            page.attribute(&panel, "data-faulty")?.as_deref() == Some("1"),
            "one line is broken"
        );
        page.wait_for(&by("replay-fault").with("data-line", "7"))?;
        page.click(&by("replay-at-once"))?;
        page.click(&by("replay-show"))?;
        page.wait_for(&by("replay-banner").with("data-state", "ended"))?;
        let all = MESSAGES + 1;
        until("all messages", || {
            Ok((page.number(&by("messages-received"))? == Some(all)).then_some(()))
        })?;
        page.go_to("#/explorer?topic=site")?;
        page.script::<Option<bool>>("window.tasks.length = 0; return null", &[])?;
        page.click(&by("export-open"))?;
        page.click(&by("export-below"))?;
        page.click(&by("export-begin"))?;
        let toast = by("export-progress").with("data-state", "done");
        page.wait_for(&toast)?;
        let longest: f64 = page.script(LONGEST_TASK, &[])?;
        println!("longest task of the page while 100,000 messages were exported: {longest:.0} ms");
        ensure!(longest < 200.0, "the page froze for {longest} ms");
        let file = saved(folder.path(), "hearth-site.jsonl")?;
        let messages = lines(&file)?;
        ensure!(messages.len() as u64 == MESSAGES, "{} messages", messages.len());
        for (n, message) in messages.iter().enumerate() {
            let at = 1_700_000_000_000 + n as u64 * 10;
            ensure!(
                message["received_ms"] == json!(at)
                    && message["qos"] == json!(n % 3)
                    && message["retain"] == json!(n % 7 == 0)
                    && message["number"] == json!(n / 500 + 1)
                    && message["topic"] == json!(format!("site/hall{}/machine{}/state", n % 20, n % 500)),
                "message {n}: {message}"
            );
        }
        ensure!(
            messages[0]["payload"] == json!("=1+1")
                && messages[0]["time"] == json!("2023-11-14T22:13:20.000Z")
        );
        ensure!(messages[7]["payload"] == json!("{\"speed\":7.25,\"text\":\"Größe \"7\"\"}"));
        // By the menu of a row, with the keyboard, as CSV.
        page.click(&by("export-end"))?;
        let open = "const row = document.querySelector('[data-testid=\"topic-row\"][data-topic=\"site\"]');
            row.dispatchEvent(new MouseEvent('contextmenu', {bubbles: true, cancelable: true, clientX: 100, clientY: 200})); return null";
        page.script::<Option<bool>>(open, &[])?;
        page.wait_for(&by("tree-menu"))?;
        page.click(&by("menu-export-csv"))?;
        page.wait_for(&by("export-progress").with("data-state", "done"))?;
        let csv = saved(folder.path(), "hearth-site.csv")?;
        ensure!(
            csv.split("\r\n").count() as u64 == MESSAGES + 2,
            "a head line, and an end"
        );
        ensure!(
            csv.contains(",text,\"'=1+1\",\r\n"),
            "a formula is no formula any more"
        );
        Ok(())
    })
}

#[test]
fn a_recorded_home_is_shown_beside_a_live_one_and_nothing_is_published() -> Result<()> {
    let broker = Mosquitto::open()?;
    let witness = broker.client().subscribe("#", 0)?;
    let server = StaticServer::start(dist()?, "/")?;
    let url = percent_encoded(&broker.websocket_url());
    let packed = fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings/home.jsonl.gz"))?;
    let mut home = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut home)?;
    let (mut topics, messages) = (Vec::new(), lines(&home)?);
    topics.extend(messages.iter().filter_map(|message| message["topic"].as_str()));
    topics.sort_unstable();
    topics.dedup();
    ensure!(topics.len() >= 1_000, "{} topics", topics.len());
    case("recordings-home", Screen::Desktop, |page| {
        page.open(&format!(
            "{}#/replay?url={url}&subscribe=%23@0&connect=1",
            server.url()
        ))?;
        page.wait_until_connected()?;
        choose(page, "home.jsonl", &home)?;
        let panel = by("replay").with("data-state", "ready");
        page.wait_for(&panel)?;
        ensure!(
            page.attribute(&panel, "data-faulty")?.as_deref() == Some("0"),
            "every line is read"
        );
        page.click(&by("replay-at-once"))?;
        page.click(&by("replay-show"))?;
        let banner = by("replay-banner").with("data-demonstration", "true");
        page.wait_for(&banner.clone().with("data-state", "ended"))?;
        page.wait_for_text(&banner, "nothing is published")?;
        // Two connections fit beside each other on the narrowest phone, and the recording is called by its file.
        page.wait_for_text(&by("live-connection").with("aria-pressed", "true"), "home.jsonl")?;
        page.browser().set_screen(Screen::SmallPhone)?;
        let over: i32 = page.script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth",
            &[],
        )?;
        ensure!(over <= 0, "the page is {over} px too wide");
        page.browser().set_screen(Screen::Desktop)?;
        let count = Some(messages.len() as u64);
        until("every message", || {
            Ok((page.number(&by("messages-received"))? == count).then_some(()))
        })?;
        page.go_to("#/explorer")?;
        let counted =
            "return [...document.querySelectorAll('[data-testid=\"topic-row\"][aria-level=\"1\"] .c')]
            .reduce((sum, count) => sum + Number(count.firstChild.data.replace(/\\D/g, '')), 0)";
        until("every topic in the tree", || {
            Ok((page.script::<u64>(counted, &[])? == topics.len() as u64).then_some(()))
        })?;
        page.go_to("#/")?;
        page.wait_for(&by("device-card"))?;
        page.wait_for(&banner)?;
        // A light of the recording is not to be switched.
        let sent = witness.messages().len();
        page.script::<Option<bool>>(
            "document.querySelector('[data-testid=\"entity-control\"][data-control=\"switch\"]')?.click(); return null",
            &[],
        )?;
        until("a refusal", || {
            let said: String = page.script("return document.querySelector('.toasts').textContent", &[])?;
            Ok(said.contains("nothing is published").then_some(()))
        })?;
        page.click(&by("replay-close"))?;
        page.wait_until_gone(&banner)?;
        page.wait_until_connected()?;
        ensure!(witness.messages().len() == sent, "nothing was published");
        Ok(())
    })
}

#[test]
fn a_recording_is_published_after_a_question() -> Result<()> {
    let broker = Mosquitto::open()?;
    let mut witness = broker.client().subscribe("again/#", 1)?;
    let server = StaticServer::start(dist()?, "/")?;
    let url = percent_encoded(&broker.websocket_url());
    let file = "{\"time\":\"2026-01-01T00:00:00Z\",\"topic\":\"again/a\",\"payload\":\"one\",\"qos\":1}\n\
        {\"time\":\"2026-01-01T00:00:01Z\",\"topic\":\"again/b\",\"payload\":{\"two\": 2},\"retain\":1}\n\
        {\"time\":\"2026-01-01T00:00:01Z\",\"topic\":\"$SYS/x\",\"payload\":1}\n\
        {\"time\":\"2026-01-01T00:00:30Z\",\"topic\":\"again/c\",\"payload_base64\":\"dGhyZWU=\"}\n";
    case("recordings-publish", Screen::Phone, |page| {
        page.open(&format!(
            "{}#/replay?url={url}&subscribe=%23@0&connect=1",
            server.url()
        ))?;
        page.wait_until_connected()?;
        choose(page, "again.jsonl", file)?;
        page.wait_for(&by("replay").with("data-state", "ready"))?;
        page.click(&by("replay-60"))?;
        page.click(&by("replay-ask"))?;
        ensure!(witness.messages().is_empty(), "asked first");
        page.click(&by("replay-publish"))?;
        page.wait_for(&by("replay").with("data-state", "ended"))?;
        for message in ["1 0 again/a one", "0 0 again/b {\"two\": 2}", "0 0 again/c three"] {
            witness.wait_for(message)?;
        }
        page.wait_for_text(&by("replay"), "1 were not published")
            .map(drop)
    })
}
