//! The publish form, seen from the broker's side by Mosquitto's own clients.

use anyhow::{Result, ensure};
use e2e::browser::Screen;
use e2e::mosquitto::Mosquitto;
use e2e::page::{Page, by};
use e2e::wait::until;

use crate::explorer::connected;

#[test]
fn a_message_is_sent_at_an_interval_with_its_number_until_it_is_stopped() -> Result<()> {
    connected(
        "publish-repeat",
        |_| Ok(()),
        |page, broker| {
            let mut heard = broker.client().subscribe("e2e/repeat", 1)?;
            page.go_to("#/explorer?topic=e2e%2Frepeat")?;
            page.fill(&by("publish-payload"), "number {n}")?;
            page.click(&by("publish-qos-1"))?;
            page.click(&by("publish-repeat-open"))?;
            page.fill(&by("publish-repeat"), "1000")?;
            page.fill(&by("publish-every"), "100")?;
            page.click(&by("publish-send"))?;
            heard.wait_for("1 0 e2e/repeat number 3")?;
            // Another topic is looked at, and it can still be stopped.
            page.go_to("#/explorer?topic=e2e%2Fother")?;
            page.wait_for_text(&by("publish-result"), "Sent ")?;
            page.click(&by("publish-stop"))?;
            page.wait_until_gone(&by("publish-stop"))?;
            page.go_to("#/explorer?topic=e2e%2Frepeat")?;
            page.wait_for_text(&by("publish-result"), "Stopped after ")?;
            // What was on its way arrives; then nothing more.
            broker.client().publish("e2e/repeat", b"end", &["-q", "1"])?;
            heard.wait_for("1 0 e2e/repeat end")?;
            let stopped = heard.messages().len();
            ensure!(stopped < 1_000, "it went on: {stopped} messages");
            let shown = page.text(&by("publish-result"))?.unwrap_or_default();
            ensure!(
                shown.contains(&format!("Stopped after {} of 1,000", stopped - 1)),
                "{shown}, and {stopped} messages came"
            );
            Ok(())
        },
    )
}

#[test]
fn what_is_typed_stays_when_another_topic_is_looked_at_and_an_error_stands_alone() -> Result<()> {
    connected(
        "publish-draft",
        |_| Ok(()),
        |page, _| {
            page.go_to("#/explorer?topic=e2e%2Fdraft")?;
            page.fill(&by("publish-payload"), "half written")?;
            page.click(&by("topic-close"))?;
            page.wait_for(&by("subscription-add"))?;
            page.go_to("#/explorer?topic=e2e%2Fdraft")?;
            let typed = "return document.querySelector('[data-testid=publish-payload]')?.value ?? ''";
            until("what was typed", || {
                Ok((page.script::<String>(typed, &[])? == "half written").then_some(()))
            })?;
            page.click(&by("publish-send"))?;
            page.wait_for_attribute(&by("publish-result"), "data-state", &["sent"])?;
            page.fill(&by("publish-topic"), "no/+")?;
            page.click(&by("publish-send"))?;
            page.wait_until_gone(&by("publish-result"))
        },
    )
}

#[test]
fn a_response_is_shown_where_it_was_asked_for() -> Result<()> {
    connected(
        "publish-response",
        |_| Ok(()),
        |page, broker| {
            let mut asked = broker.client().subscribe("e2e/ask", 0)?;
            page.go_to("#/explorer?topic=e2e%2Fask")?;
            page.fill(&by("publish-payload"), "what time is it?")?;
            page.click(&by("publish-properties"))?;
            page.click(&by("publish-wait"))?;
            page.fill(&by("publish-response-topic"), "e2e/answers")?;
            page.fill(&by("publish-correlation"), "c-17")?;
            page.click(&by("publish-send"))?;
            asked.wait_for("0 0 e2e/ask what time is it?")?;
            let respond = |correlation: &str, text: &str| {
                let options = ["-V", "5", "-D", "publish", "correlation-data", correlation];
                broker.client().publish("e2e/answers", text.as_bytes(), &options)
            };
            respond("c-16", "another question's answer")?;
            respond("c-17", r#"{"time":"noon"}"#)?;
            page.wait_for_text(&by("publish-response"), "noon")?;
            page.wait_for_attribute(&by("publish-result"), "data-state", &["acknowledged"])?;
            let shown = page.text(&by("publish-response"))?.unwrap_or_default();
            ensure!(
                !shown.contains("another") && shown.contains("Response after"),
                "{shown}"
            );
            // It is a message like any other, too.
            let row = page.explore("e2e/answers")?;
            page.wait_for_text(&row.inside(&by("topic-value")), "noon")
                .map(drop)
        },
    )
}

/// What the payload field holds.
fn typed(page: &Page, expected: &str) -> Result<()> {
    let body = "return document.querySelector('[data-testid=publish-payload]')?.value ?? ''";
    until(&format!("`{expected}` in the payload field"), || {
        Ok((page.script::<String>(body, &[])? == expected).then_some(()))
    })
}

#[test]
fn bytes_written_in_hex_in_base64_or_in_a_file_arrive_as_they_are_and_can_be_sent_again() -> Result<()> {
    let nothing = |_: &Mosquitto| Ok(());
    connected("publish-bytes", nothing, |page, broker| {
        let mut heard = broker.client().subscribe_in_hex("e2e/bytes", 1)?;
        page.go_to("#/explorer?topic=e2e%2Fbytes")?;
        page.click(&by("publish-hex"))?;
        // A digit is missing: nothing is sent, and the place is named.
        page.fill(&by("publish-payload"), "00:FF 0x1b7b 6e 7")?;
        page.wait_for_text(&by("publish-note"), "“7” (character 17) stands alone")?;
        page.click(&by("publish-send"))?;
        page.wait_for_text(&by("publish-error"), "character 17")?;
        page.fill(&by("publish-payload"), "00:FF 0x1b7b 6e 7d")?;
        page.wait_for_text(&by("publish-note"), "Hex, 6 bytes")?;
        // Those bytes have `{n}` in them, which is no variable here.
        page.click(&by("publish-repeat-open"))?;
        page.fill(&by("publish-repeat"), "2")?;
        page.click(&by("publish-send"))?;
        heard.wait_for("0 0 e2e/bytes 00ff1b7b6e7d")?;
        page.fill(&by("publish-repeat"), "1")?;
        page.click(&by("publish-base64"))?;
        typed(page, "AP8be259")?;
        page.fill(&by("publish-payload"), "_w==")?;
        page.click(&by("publish-send"))?;
        heard.wait_for("0 0 e2e/bytes ff")?;
        let all: Vec<u8> = (0..=255).collect();
        let hex: String = all.iter().map(|byte| format!("{byte:02x}")).collect();
        let file = tempfile::Builder::new().suffix(".bin").tempfile()?;
        std::fs::write(file.path(), &all)?;
        page.click(&by("publish-as-file"))?;
        let session = page.browser().session();
        session.type_text(
            &session.find("[data-testid=publish-file]")?,
            &file.path().to_string_lossy(),
        )?;
        page.wait_for_text(&by("publish-note"), "File, 256 bytes")?;
        page.click(&by("publish-qos-1"))?;
        page.click(&by("publish-send"))?;
        heard.wait_for(&format!("1 0 e2e/bytes {hex}"))?;
        // A file that is dropped on the payload is the payload; anywhere else it would be a recording.
        page.click(&by("publish-text"))?;
        let drop = "const data = new DataTransfer(); data.items.add(new File([new Uint8Array([0xfe, 0x0a])], 'dropped'));
            document.querySelector('[data-testid=publish-payload]')
                .dispatchEvent(new DragEvent('drop', {bubbles: true, cancelable: true, dataTransfer: data})); return null";
        page.script::<Option<bool>>(drop, &[])?;
        page.wait_for_text(&by("publish-file-name"), "dropped")?;
        page.click(&by("publish-send"))?;
        heard.wait_for("1 0 e2e/bytes fe0a")?;
        page.click(&by("publish-sent-open"))?;
        let before = ["file dropped", "file ", "base64 _w==", "hex 00:FF 0x1b7b 6e 7d"];
        let listed =
            "return [...document.querySelectorAll('[data-testid=publish-sent]')].map(sent => sent.innerText)";
        let listed: Vec<String> = page.script(listed, &[])?;
        ensure!(
            listed.len() == 4 && listed.iter().zip(before).all(|(is, has)| is.contains(has)),
            "{listed:?}"
        );
        page.script::<Option<bool>>(
            "[...document.querySelectorAll('[data-testid=publish-sent]')].at(-1).click()",
            &[],
        )?;
        typed(page, "00:FF 0x1b7b 6e 7d")?;
        page.click(&by("publish-send"))?;
        until("the bytes once more", || {
            let messages = heard.messages();
            let same = messages
                .iter()
                .filter(|message| message.ends_with(" 00ff1b7b6e7d"));
            Ok((same.count() == 4).then_some(()))
        })
    })
}

#[test]
fn a_payload_that_is_copied_into_the_publish_form_is_the_same_to_the_bit() -> Result<()> {
    let nothing = |_: &Mosquitto| Ok(());
    connected("publish-copied", nothing, |page, broker| {
        let mut heard = broker.client().subscribe_in_hex("again", 0)?;
        let long: Vec<u8> = (0..=255).cycle().skip(7).take(100_000).collect();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        for (n, (payload, written)) in [
            (&b"\xff\x00\r\nab"[..], "publish-hex"),
            (b"two\r\nlines", "publish-hex"),
            (b"{\"a\": 1}\n", "publish-text"),
            (&long, "publish-as-file"),
        ]
        .into_iter()
        .enumerate()
        {
            let topic = format!("e2e/copied/{n}");
            broker.client().publish(&topic, payload, &["-r"])?;
            page.explore(&topic)?;
            page.wait_for_text(&by("topic-payload"), "")?;
            page.click(&by("payload-publish"))?;
            let chosen =
                "return document.querySelector('[name=publish-written]:checked')?.dataset.testid ?? ''";
            until(written, || {
                Ok((page.script::<String>(chosen, &[])? == written).then_some(()))
            })?;
            // Typing goes on in the form.
            let focused: String = page.script("return document.activeElement.id", &[])?;
            ensure!(focused == "publish-payload", "{focused}");
            page.fill(&by("publish-topic"), "again")?;
            page.click(&by("publish-send"))?;
            heard.wait_for(&format!("0 0 again {}", hex(payload)))?;
        }
        Ok(())
    })
}

#[test]
fn a_phone_publishes_to_a_new_topic_and_lists_long_messages_within_the_form() -> Result<()> {
    let nothing = |_: &Mosquitto| Ok(());
    connected("phone-publish", nothing, |page, broker| {
        page.browser().set_screen(Screen::SmallPhone)?;
        let mut heard = broker.client().subscribe("phone/new", 0)?;
        page.go_to("#/explorer")?;
        page.click(&by("publish-open"))?;
        let long = format!("{{\"{}\":1}}", "x".repeat(80));
        page.fill(&by("publish-topic"), "phone/new")?;
        page.fill(&by("publish-payload"), &long)?;
        page.click(&by("publish-send"))?;
        heard.wait_for(&format!("0 0 phone/new {long}"))?;
        page.click(&by("publish-sent-open"))?;
        let beyond: f64 = page.script(
            "const sent = document.querySelector('[data-testid=publish-sent]');
            const widest = Math.max(...[sent, ...sent.querySelectorAll('*')].map(part => part.getBoundingClientRect().right));
            return widest - document.querySelector('[data-testid=publish-keep]').getBoundingClientRect().left",
            &[],
        )?;
        ensure!(beyond <= 0.5, "it lies {beyond} px over what is beside it");
        // A change of a subscription is begun, with the focus in its field, and given up.
        let filter = "const field = document.querySelector('[data-testid=subscription-filter]');
            return field ? [field.value, document.activeElement === field] : ['', false]";
        page.click(&by("subscription-change"))?;
        until("the filter to be changed", || {
            Ok((page.script::<(String, bool)>(filter, &[])? == ("#".to_owned(), true)).then_some(()))
        })?;
        page.click(&by("subscription-cancel"))?;
        page.wait_until_gone(&by("subscription-cancel"))?;
        ensure!(page.script::<(String, bool)>(filter, &[])?.0.is_empty());
        page.wait_for_attribute(&by("subscription"), "data-refused", &["false"])
    })
}
