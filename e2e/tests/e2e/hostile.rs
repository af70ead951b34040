//! Topics and payloads that nobody asked for. Nothing from a broker becomes markup.

use anyhow::{Result, ensure};
use e2e::bridge::Bridge;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Mosquitto;
use e2e::page::{Page, by};

use crate::talk;

const MARKUP: &str = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script><b>bold</b>";

fn with_mosquitto(
    name: &str,
    screen: Screen,
    test: impl FnOnce(&Page, &Mosquitto) -> Result<()>,
) -> Result<()> {
    let broker = Mosquitto::open()?;
    let bridge = Bridge::in_front_of(broker.port)?;
    case(name, screen, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        test(page, &broker)
    })
}

#[test]
fn markup_in_topics_and_payloads_stays_text_on_every_page() -> Result<()> {
    with_mosquitto("hostile-markup", Screen::Desktop, |page, broker| {
        let topic = format!("e2e/{MARKUP}");
        broker.client().publish(&topic, MARKUP.as_bytes(), &["-r"])?;
        let json = format!("{{\"{}\": \"{}\"}}", "<i>key</i>", MARKUP.replace('"', "'"));
        broker.client().publish("e2e/json", json.as_bytes(), &["-r"])?;
        page.explore("e2e/json")?;
        page.wait_for_text(&by("topic-payload"), "<i>key</i>")?;
        let row = page.explore(&topic)?;
        page.wait_for_text(&row, "<")?;
        page.wait_for_text(&by("topic-payload"), "onerror")?;
        nothing_was_markup(page)?;
        page.go_to("#/")?;
        page.wait_for(&by("device-card"))?;
        nothing_was_markup(page)
    })
}

/// Announcements that nobody would send: each is refused by its topic and reason, and the lamp between them works.
#[test]
fn hostile_discovery_is_refused_and_disturbs_nothing() -> Result<()> {
    with_mosquitto("hostile-discovery", Screen::Desktop, |page, broker| {
        let client = broker.client();
        let say = |below: &str, payload: &str| {
            client.publish(
                &format!("homeassistant/{below}/config"),
                payload.as_bytes(),
                &["-r"],
            )
        };
        let name = MARKUP.replace('\'', "\\u0027");
        say(
            "sensor/markup",
            &format!(
                r#"{{"name":"{name}","state_topic":"bad/markup","unique_id":"m","icon":"javascript:window.hacked=1",
                    "device":{{"ids":"m","name":"{name}","cu":"javascript:window.hacked=1"}}}}"#
            ),
        )?;
        say(
            "sensor/deep",
            &format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000)),
        )?;
        say(
            "sensor/huge",
            &format!(r#"{{"state_topic":"x","name":"{}"}}"#, "a".repeat(10_000_000)),
        )?;
        let parts: Vec<String> = (0..10_000)
            .map(|at| format!(r#""t{at}":{{"p":"sensor","state_topic":"s/{at}","unique_id":"u{at}"}}"#))
            .collect();
        say(
            "device/many",
            &format!(
                r#"{{"dev":{{"ids":"many","name":"Many"}},"cmps":{{{}}}}}"#,
                parts.join(",")
            ),
        )?;
        for (own, via) in [("a", "b"), ("b", "a")] {
            let device =
                format!(r#"{{"ids":"circle-{own}","name":"Circle {own}","via_device":"circle-{via}"}}"#);
            say(
                &format!("sensor/circle{own}"),
                &format!(r#"{{"state_topic":"c","unique_id":"{own}","device":{device}}}"#),
            )?;
        }
        for number in 1..3 {
            say(
                &format!("sensor/twice{number}"),
                r#"{"state_topic":"t","unique_id":"t","device":{"ids":"t","name":"Twice"}}"#,
            )?;
        }
        let bomb = "{% for a in range(9999) %}{% for b in range(9999) %}{{ a * b }}{% endfor %}{% endfor %}";
        say(
            "sensor/bomb",
            &format!(r#"{{"name":"Bomb","state_topic":"bad/bomb","value_template":"{bomb}"}}"#),
        )?;
        client.publish("bad/bomb", b"1", &["-r"])?;
        say(
            "light/good",
            r#"{"name":"Good lamp","state_topic":"good/state","command_topic":"good/set"}"#,
        )?;
        client.publish("good/state", b"OFF", &["-r"])?;

        let lamp = by("device-card").inside(&by("entity").with("data-entity", "good"));
        let switch = lamp.inside(&by("entity-control"));
        page.wait_for(&switch)?;
        let mut witness = client.subscribe("good/set", 1)?;
        page.click(&switch)?;
        let sent = e2e::wait::until("the command", || Ok(witness.messages().into_iter().next()))?;
        witness.wait_for(&sent)?;
        ensure!(sent.ends_with("good/set ON"), "{sent}");
        nothing_was_markup(page)?;
        let links: usize = page.script(
            "return document.querySelectorAll('[href^=\"javascript\" i], [src^=\"javascript\" i]').length",
            &[],
        )?;
        ensure!(links == 0, "{links} links are code");
        for topic in [
            "sensor/deep",
            "sensor/huge",
            "device/many",
            "sensor/twice",
            "bad/bomb",
        ] {
            e2e::wait::until(&format!("that {topic} could not be read"), || {
                let text: String = page.script("return document.body.textContent", &[])?;
                Ok(text.contains(topic).then_some(()))
            })?;
        }
        Ok(())
    })
}

fn nothing_was_markup(page: &Page) -> Result<()> {
    let found: String = page.script(
        "return [window.hacked ? 'a script ran' : '',
            ...[...document.querySelectorAll('img[src=x], b, i, body script:not([type=module])')]
                .filter(e => /bold|key|hacked/.test(e.outerHTML)).map(e => e.outerHTML)].join('')",
        &[],
    )?;
    ensure!(found.is_empty(), "markup from a broker came alive: {found}");
    Ok(())
}

#[test]
fn strange_topics_are_shown_as_they_are() -> Result<()> {
    with_mosquitto("hostile-topics", Screen::Phone, |page, broker| {
        let deep = vec!["level"; 100].join("/");
        let long = format!("e2e/{}", "x".repeat(60_000));
        let topics = [
            "e2e/🏠/🌡️",
            "e2e/مطبخ/حرارة",
            "e2e//empty//levels/",
            "/leading",
            "e2e/a b\\c\"d'",
            &deep,
            &long,
        ];
        for topic in topics {
            broker.client().publish(topic, b"here", &["-r"])?;
            let row = page.explore(topic)?;
            page.wait_for_text(&row.inside(&by("topic-value")), "here")?;
            let wider: bool = page.script(
                "return document.documentElement.scrollWidth > document.documentElement.clientWidth",
                &[],
            )?;
            ensure!(
                !wider,
                "a topic of {} bytes makes the page wider than the screen",
                topic.len()
            );
        }
        Ok(())
    })
}

#[test]
fn payloads_of_any_bytes_and_sizes_are_shown() -> Result<()> {
    with_mosquitto("hostile-payloads", Screen::Desktop, |page, broker| {
        let client = broker.client();
        client.publish("e2e/binary", &[0xff, 0xfe, 0x00, 0x1b, 0x80], &["-r"])?;
        page.explore("e2e/binary")?;
        let shown = page.wait_for_text(&by("topic-payload"), "f")?;
        ensure!(
            shown.to_lowercase().contains("ff"),
            "bytes that are no text are shown as hex: {shown}"
        );
        client.publish("e2e/empty", b"", &[])?;
        page.explore("e2e/empty")?;
        page.wait_for(&by("topic-payload"))?;
        // Larger than the cap of 1 MiB: cut, and the page says so.
        let large = vec![b'7'; 1_500_000];
        client.publish("e2e/large", &large, &[])?;
        page.explore("e2e/large")?;
        let body: String = e2e::wait::until("a word about the cut", || {
            let text: String = page.script("return document.body.innerText.slice(0, 20000)", &[])?;
            Ok((text.contains("cut") || text.contains("Cut")).then_some(text))
        })?;
        ensure!(!body.is_empty());
        // It still works after all that.
        talk::a_published_value_appears(page, client)
    })
}
