//! Explorer's work on the broker, seen from the broker's side by Mosquitto's own clients.

use anyhow::{Result, ensure};
use e2e::bridge::{Bridge, dist};
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Mosquitto;
use e2e::page::{Page, by, percent_encoded};
use e2e::static_server::StaticServer;
use e2e::wait::until;
use serde_json::json;

/// A page that speaks to a Mosquitto which was prepared.
pub(crate) fn connected(
    name: &str,
    prepare: impl FnOnce(&Mosquitto) -> Result<()>,
    test: impl FnOnce(&Page, &Mosquitto) -> Result<()>,
) -> Result<()> {
    subscribed(name, "subscribe=%23@2", prepare, test)
}

fn subscribed(
    name: &str,
    subscribe: &str,
    prepare: impl FnOnce(&Mosquitto) -> Result<()>,
    test: impl FnOnce(&Page, &Mosquitto) -> Result<()>,
) -> Result<()> {
    let broker = Mosquitto::open()?;
    prepare(&broker)?;
    let server = StaticServer::start(dist()?, "/")?;
    let url = percent_encoded(&broker.websocket_url());
    let start = format!(
        "{}#/explorer?url={url}&version=5&{subscribe}&connect=1",
        server.url()
    );
    case(name, Screen::Desktop, |page| {
        page.open(&start)?;
        page.wait_until_connected()?;
        test(page, &broker)
    })
}

/// What a new subscriber is handed of the broker's retained messages, once `sentinel` was.
fn kept(broker: &Mosquitto, filter: &str) -> Result<Vec<String>> {
    broker.client().publish("zz/sentinel", b"end", &["-r"])?;
    let filter_and_end = broker.client().subscribe("#", 2)?;
    until("the sentinel", || {
        let messages = filter_and_end.messages();
        Ok(messages
            .iter()
            .any(|message| message.contains("zz/sentinel"))
            .then_some(()))
    })?;
    let messages = filter_and_end.messages().into_iter();
    Ok(messages.filter(|message| message.contains(filter)).collect())
}

#[test]
fn retained_messages_are_planned_deleted_stopped_and_brought_back() -> Result<()> {
    let fill = |broker: &Mosquitto| {
        for n in 0..40 {
            let topic = format!("old/{n:02}");
            broker
                .client()
                .publish(&topic, format!("value {n}").as_bytes(), &["-r", "-q", "1"])?;
        }
        broker.client().publish("keep/me", b"please", &["-r"])
    };
    connected("retained", fill, |page, broker| {
        page.go_to("#/explorer?retained=old%2F%23")?;
        page.wait_for_attribute(&by("retained-count"), "data-value", &["40"])?;
        ensure!(page.count(&by("retained-row"))? == 40, "every message is listed");
        page.click(&by("retained-dry-run"))?;
        page.wait_for_attribute(&by("retained-plan"), "data-count", &["40"])?;
        ensure!(kept(broker, "old/")?.len() == 40, "a dry run deletes nothing");
        // What comes after the dry run stays.
        broker.client().publish("old/late", b"1", &["-r"])?;
        // Ten a second, so that there is time to stop.
        page.click(&by("retained-rate-10"))?;
        page.click(&by("retained-delete"))?;
        page.wait_for_attribute(
            &by("retained-progress"),
            "data-done",
            &["2", "3", "4", "5", "6", "7", "8", "9", "10"],
        )?;
        page.click(&by("retained-stop"))?;
        page.wait_for_attribute(&by("retained-progress"), "data-state", &["stopped"])?;
        let left = kept(broker, "old/")?.len();
        ensure!(left > 20 && left < 41, "stopped in the middle: {left} are left");
        page.click(&by("retained-rate-1000"))?;
        page.click(&by("retained-dry-run"))?;
        page.wait_for(&by("retained-plan"))?;
        page.click(&by("retained-delete"))?;
        page.wait_for_attribute(&by("retained-progress"), "data-state", &["done"])?;
        let late =
            |left: &[String]| left.len() == 1 && left.iter().all(|message| message.contains("old/late"));
        ensure!(late(&kept(broker, "old/")?), "only what came since is left");
        ensure!(kept(broker, "keep/me")?.len() == 1, "others are left alone");
        // The page heard of that one like of any other message; the broker tells that it is retained.
        page.click(&by("retained-refresh"))?;
        page.wait_for_attribute(&by("retained-count"), "data-value", &["1"])?;
        page.click(&by("retained-undo"))?;
        page.wait_for_attribute(&by("retained-count"), "data-value", &["41"])?;
        let back = kept(broker, "old/")?;
        ensure!(
            back.len() == 41 && back.contains(&"1 1 old/39 value 39".to_owned()),
            "brought back, with their QoS: {back:?}"
        );
        Ok(())
    })
}

#[test]
fn the_menu_of_a_branch_leads_to_its_retained_messages() -> Result<()> {
    let fill = |broker: &Mosquitto| {
        broker.client().publish("old/hall/a", b"1", &["-r"])?;
        broker.client().publish("old/hall/b/c", b"2", &["-r"])?;
        broker.client().publish("old/kitchen", b"3", &["-r"])
    };
    connected("retained-menu", fill, |page, _| {
        page.explore("old/hall/a")?;
        page.wait_for(&by("topic-row").with("data-topic", "old/hall"))?;
        let menu = "document.querySelector('[data-testid=topic-row][data-topic=\"old/hall\"]')
            .dispatchEvent(new MouseEvent('contextmenu', {bubbles: true, cancelable: true, clientX: 200, clientY: 300}))";
        page.script::<Option<bool>>(menu, &[])?;
        page.click(&by("menu-retained"))?;
        page.wait_for_attribute(&by("retained-count"), "data-value", &["2"])
    })
}

#[test]
fn a_message_names_the_filters_that_brought_it_and_retained_ones_come_only_where_asked() -> Result<()> {
    // Two filters with identifiers; the third wants no retained messages.
    let filters = "subscribe=e2e/%23@0x40&subscribe=e2e/%2B/x@0x41&subscribe=silent/%23@0x20";
    let prepare = |broker: &Mosquitto| broker.client().publish("silent/old", b"1", &["-r"]);
    subscribed("identifiers", filters, prepare, |page, broker| {
        broker.client().publish("silent/new", b"2", &["-r"])?;
        broker.client().publish("e2e/a/x", b"both", &[])?;
        page.explore("e2e/a/x")?;
        page.wait_for_text(&by("topic-payload"), "both")?;
        until("the filter that brought it", || {
            let text: String =
                page.script("return document.querySelector('.props')?.innerText ?? ''", &[])?;
            Ok((text.contains("1, e2e/#") || text.contains("2, e2e/+/x")).then_some(()))
        })?;
        page.explore("silent/new")?;
        page.go_to("#/explorer")?;
        ensure!(
            page.count(&by("topic-row").with("data-topic", "silent/old"))? == 0,
            "it was not asked for"
        );
        page.wait_for_text(&by("subscription-id"), "identifier 1")?;
        Ok(())
    })
}

#[test]
fn a_name_in_json_copies_its_path_by_a_click_and_by_keys() -> Result<()> {
    let nothing = |_: &Mosquitto| Ok(());
    connected("paths", nothing, |page, broker| {
        let json = br#"{"update":{"state":"idle","list":[1,{"x":2}]},"b":2}"#;
        broker.client().publish("e2e/json", json, &[])?;
        page.explore("e2e/json")?;
        page.wait_for_text(&by("topic-payload"), "idle")?;
        let session = page.browser().session();
        session.click(&session.find("[data-at='2.1']")?)?;
        page.wait_for_text(&by("path-copied"), "Copied $.update.state")?;
        // Down from the first name to the third, and Enter.
        let first = session.find("[data-at='1.1']")?;
        session.type_text(&first, "\u{e015}\u{e015}\u{e007}")?;
        page.wait_for_text(&by("path-copied"), "Copied $.update.list")?;
        // Buttons say that they copied, too.
        page.click(&by("topic-copy"))?;
        until("`Copied` beside the button", || {
            let said =
                "return document.querySelector('[data-testid=topic-copy]').nextElementSibling.textContent";
            Ok((page.script::<String>(said, &[])? == "Copied").then_some(()))
        })
    })
}

#[test]
fn what_is_subscribed_to_at_a_broker_of_the_bridge_is_kept() -> Result<()> {
    let (bridge, _) = Bridge::demo()?;
    case("kept-subscriptions", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        page.go_to("#/explorer")?;
        page.wait_for(&by("subscription").with("data-filter", "#"))?;
        page.fill(&by("subscription-filter"), "kept/+")?;
        page.click(&by("subscription-add"))?;
        let kept = by("subscription").with("data-filter", "kept/+");
        page.wait_for(&kept)?;
        page.open("about:blank")?;
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        page.go_to("#/explorer")?;
        page.wait_for(&kept)?;
        page.wait_for(&by("subscription").with("data-filter", "#"))
    })
}

#[test]
fn a_tree_that_becomes_taller_shows_its_rows() -> Result<()> {
    let fill = |broker: &Mosquitto| {
        for n in 0..150 {
            broker.client().publish(&format!("tall/{n:03}"), b"1", &["-r"])?;
        }
        Ok(())
    };
    connected("tall", fill, |page, _| {
        page.browser().set_screen(Screen::SmallPhone)?;
        page.go_to("#/explorer?topic=tall%2F120")?;
        page.wait_for_text(&by("topic-payload"), "1")?;
        page.browser().set_screen(Screen::Wall)?;
        // Every place of the tree that is on the screen has a row.
        let rows = "const tree = document.querySelector('.tree').getBoundingClientRect(); let all = 0;
            for (let y = tree.top + 5; y < tree.bottom; y += 10)
                all += !document.elementFromPoint(tree.left + 40, y)?.closest('[data-testid=topic-row]');
            return [all, tree.height]";
        until("rows everywhere", || {
            let (empty, height): (u32, f64) = page.script(rows, &[])?;
            Ok((empty == 0 && height > 1_000.0).then_some(()))
        })
    })
}

#[test]
fn the_first_rows_are_there_after_scrolling_down_and_up_again() -> Result<()> {
    let fill = |broker: &Mosquitto| {
        for n in 0..150 {
            broker.client().publish(&format!("row{n:03}"), b"1", &["-r"])?;
        }
        Ok(())
    };
    connected("scrolled", fill, |page, _| {
        page.go_to("#/explorer")?;
        until("all rows", || {
            let rows = "return document.querySelector('.tree').getAttribute('aria-rowcount')";
            Ok((page.script::<String>(rows, &[])? == "150").then_some(()))
        })?;
        // The page hears of each step before the next: two frames later.
        let scroll = "document.querySelector('.tree').scrollTop = arguments[0];
            return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))";
        let top = "const tree = document.querySelector('.tree');
            const box = tree.getBoundingClientRect();
            const row = document.elementFromPoint(box.left + 40, box.top + 5)?.closest('[data-testid=topic-row]');
            return [tree.scrollTop, row?.id ?? '']";
        for px in (0..=10_i32).rev().map(|step| step * 100) {
            page.script::<Option<bool>>(scroll, &[json!(px)])?;
            let row = format!("tree-row-{}", px / 30);
            until(&format!("{row} at the top"), || {
                let (at, id): (f64, String) = page.script(top, &[])?;
                Ok((at == f64::from(px) && id == row).then_some(()))
            })?;
        }
        Ok(())
    })
}

#[test]
fn a_row_of_a_short_tree_stays_under_the_pointer() -> Result<()> {
    let fill = |broker: &Mosquitto| {
        for n in 0..10 {
            broker.client().publish(&format!("m{n}"), b"1", &["-r"])?;
        }
        Ok(())
    };
    connected("pointed-at", fill, |page, broker| {
        page.go_to("#/explorer")?;
        let body = "const row = document.querySelector('[data-testid=topic-row][data-topic=m5]').getBoundingClientRect();
            return [document.querySelector('.tree').getAttribute('aria-rowcount'), Math.round(row.x + 60), Math.round(row.y + row.height / 2)]";
        let place = |rows: i32| {
            until(&format!("{rows} rows"), || {
                let (all, x, y): (String, i32, i32) = page.script(body, &[])?;
                Ok((all == rows.to_string()).then_some((x, y)))
            })
        };
        let (x, y) = place(10)?;
        let to_row = json!([{"type": "pointerMove", "duration": 0, "x": x, "y": y}]);
        let mouse = json!({"type": "pointer", "id": "mouse", "actions": to_row});
        let session = page.browser().session();
        session.send("actions", &json!({"actions": [mouse]}))?;
        // One after the other: the room that the first one got is there when the next comes.
        for rows in 11..14 {
            broker.client().publish(&format!("a{rows}"), b"1", &["-r"])?;
            until("the row where it was", || {
                Ok((place(rows)? == (x, y)).then_some(()))
            })?;
        }
        Ok(())
    })
}

#[test]
fn a_share_name_that_cannot_be_is_refused_in_the_form_and_never_asked_for() -> Result<()> {
    // The last one in the address has No Local, which is a Protocol Error: the broker would hang up.
    let filters = "subscribe=%23&subscribe=%24share%2Fg%2Fa@0x04";
    let nothing = |_: &Mosquitto| Ok(());
    subscribed("shared", filters, nothing, |page, broker| {
        page.go_to("#/explorer")?;
        let refused = by("subscription").with("data-filter", "$share/g/a");
        page.wait_for_attribute(&refused, "data-refused", &["true"])?;
        page.wait_for_text(&refused, "cannot have No Local")?;
        for (filter, said) in [
            ("$share//a", "the share name needs at least one character"),
            ("$share/+/a", "may not contain"),
            ("$share/a", "a filter must follow the share name"),
        ] {
            page.fill(&by("subscription-filter"), filter)?;
            page.click(&by("subscription-add"))?;
            let note = "return document.getElementById('subscription-filter-note')?.innerText ?? ''";
            until(said, || {
                Ok(page.script::<String>(note, &[])?.contains(said).then_some(()))
            })?;
        }
        page.fill(&by("subscription-filter"), "$share/g/b")?;
        page.script::<Option<bool>>(
            "document.querySelector('[data-testid=subscription-filter]').form.querySelector('summary').click()",
            &[],
        )?;
        page.wait_for_text(&by("subscription-shared"), "No Local is not possible")?;
        ensure!(page.count(&by("subscription-no-local"))? == 0);
        page.click(&by("subscription-add"))?;
        let shared = by("subscription").with("data-filter", "$share/g/b");
        page.wait_for_text(&shared, "granted QoS 0")?;
        page.wait_until_connected()?;
        let asked = broker.log().into_iter().filter(|line| line.contains("$share"));
        let asked: Vec<_> = asked.collect();
        ensure!(asked.iter().all(|line| line.contains("$share/g/b")), "{asked:?}");
        Ok(())
    })
}

#[test]
fn the_menu_of_a_row_opens_by_keys_and_gives_the_focus_back() -> Result<()> {
    let fill = |broker: &Mosquitto| {
        broker.client().publish("old/hall/a", b"1", &["-r"])?;
        broker.client().publish("old/hall/b/c", b"2", &["-r"])?;
        broker.client().publish("old/kitchen", b"3", &["-r"])
    };
    connected("menu-keys", fill, |page, _| {
        page.go_to("#/explorer")?;
        page.wait_for(&by("topic-row").with("data-topic", "old"))?;
        let session = page.browser().session();
        let tree = session.find("[role=treegrid]")?;
        let focused = |expected: &str| {
            let body = "return document.activeElement.dataset.testid ?? document.activeElement.role ?? ''";
            until(&format!("the focus on {expected}"), || {
                Ok((page.script::<String>(body, &[])? == expected).then_some(()))
            })
        };
        // To the first row, open it; to the one below, Shift and F10.
        session.type_text(&tree, "\u{e015}\u{e014}")?;
        page.wait_for(&by("topic-row").with("data-topic", "old/hall"))?;
        session.type_text(&tree, "\u{e015}\u{e008}\u{e03a}\u{e000}")?;
        page.wait_for_attribute(&by("tree-menu"), "aria-label", &["old/hall"])?;
        focused("menu-show")?;
        let beside: bool = page.script(
            "const menu = document.querySelector('[data-testid=tree-menu]').getBoundingClientRect();
            const row = document.querySelector('[data-topic=\"old/hall\"]').getBoundingClientRect();
            return Math.abs(menu.top - row.bottom) < 10 && menu.left > row.left && menu.left < row.right",
            &[],
        )?;
        ensure!(beside, "the menu is not beside its row");
        // The last item, around to the first, and away.
        let menu = session.find("[data-testid=menu-show]")?;
        session.type_text(&menu, "\u{e010}")?;
        focused("menu-export-csv")?;
        session.type_text(&session.find("[data-testid=menu-export-csv]")?, "\u{e015}")?;
        focused("menu-show")?;
        session.type_text(&menu, "\u{e00c}")?;
        page.wait_until_gone(&by("tree-menu"))?;
        focused("treegrid")?;
        // The key between Alt Gr and Ctrl, which WebDriver does not know.
        for kind in ["rawKeyDown", "keyUp"] {
            let key = json!({"type": kind, "key": "ContextMenu", "code": "ContextMenu", "windowsVirtualKeyCode": 93});
            session.devtools("Input.dispatchKeyEvent", &key)?;
        }
        focused("menu-show")?;
        session.type_text(&session.find("[data-testid=menu-show]")?, "\u{e015}")?;
        focused("menu-copy")?;
        session.type_text(&session.find("[data-testid=menu-copy]")?, "\u{e015}")?;
        focused("menu-retained")?;
        session.type_text(&session.find("[data-testid=menu-retained]")?, "\u{e007}")?;
        page.wait_for_attribute(&by("retained-count"), "data-value", &["2"])
    })
}

#[test]
fn a_password_in_the_address_of_a_link_is_named_and_not_used() -> Result<()> {
    let broker = Mosquitto::open()?;
    let server = StaticServer::start(dist()?, "/")?;
    let url = broker.websocket_url().replace("ws://", "ws://anna:hunter2@");
    let start = format!(
        "{}#/explorer?url={}&version=5&connect=1",
        server.url(),
        percent_encoded(&url)
    );
    case("password-in-url", Screen::Desktop, |page| {
        page.open(&start)?;
        page.wait_for_text(&by("notice"), "take it out of the link")?;
        page.go_to("#/connect")?;
        page.wait_for(&by("connect-username"))?;
        let fields = "return ['connect-username', 'connect-password', 'connect-port'].map(id => document.querySelector(`[data-testid=${id}]`).value)";
        let port = broker.websocket_port.to_string();
        until("the rest of the address in the form", || {
            let fields: Vec<String> = page.script(fields, &[])?;
            Ok((fields == ["anna", "", port.as_str()]).then_some(()))
        })?;
        let text: String = page.script("return document.body.innerText", &[])?;
        ensure!(!text.contains("hunter2"), "{text}");
        let log = broker.log().join("\n");
        ensure!(!log.contains("New client connected"), "{log}");
        page.script::<Option<bool>>(
            "document.querySelector('[data-testid=notice] button').click()",
            &[],
        )?;
        page.wait_until_gone(&by("notice"))?;
        // With one more press it connects.
        page.click(&by("connect-submit"))?;
        page.wait_until_connected()
    })
}
