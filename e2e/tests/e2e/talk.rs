//! What must work over every way to a broker.

use anyhow::{Result, ensure};
use e2e::mosquitto::Client;
use e2e::page::{Page, by};
use e2e::wait::until;

/// A value that `mosquitto_pub` publishes stands on the screen, and so does the next one.
pub(crate) fn a_published_value_appears(page: &Page, client: Client) -> Result<()> {
    // Retained: a page that is connected may not have subscribed yet.
    client.publish("e2e/kitchen/temperature", b"21.5", &["-r"])?;
    let row = page.explore("e2e/kitchen/temperature")?;
    let value = row.inside(&by("topic-value"));
    page.wait_for_text(&value, "21.5")?;
    client.publish("e2e/kitchen/temperature", b"22.75", &[])?;
    page.wait_for_text(&value, "22.75")?;
    page.wait_for_text(&by("topic-payload"), "22.75").map(drop)
}

/// What a click publishes reaches `mosquitto_sub`, at every QoS, and the page says what became of it.
pub(crate) fn a_click_publishes_at_every_qos(page: &Page, client: Client) -> Result<()> {
    let mut subscriber = client.subscribe("e2e/from/page", 2)?;
    page.go_to("#/explorer?topic=e2e/from/page")?;
    for (qos, end) in [(0, "sent"), (1, "acknowledged"), (2, "acknowledged")] {
        let payload = format!("hello at {qos}");
        publish(page, "e2e/from/page", &payload, qos, false)?;
        page.wait_for_attribute(&by("publish-result"), "data-state", &[end])?;
        subscriber.wait_for(&format!("{qos} 0 e2e/from/page {payload}"))?;
    }
    let messages = subscriber.messages();
    ensure!(messages.len() == 3, "each message arrives once: {messages:?}");
    Ok(())
}

/// What `mosquitto_pub` sends at QoS 1 and 2 arrives once.
pub(crate) fn every_qos_arrives_once(page: &Page, client: Client) -> Result<()> {
    page.go_to("#/explorer?topic=e2e/to/page")?;
    for qos in ["0", "1", "2"] {
        let payload = format!("arrived at {qos}");
        client.publish("e2e/to/page", payload.as_bytes(), &["-q", qos])?;
        page.wait_for_text(&by("topic-payload"), &payload)?;
    }
    Ok(())
}

/// A message that waited at the broker is marked, one that is live is not.
pub(crate) fn a_retained_message_is_marked(page: &Page, client: Client, url: &str) -> Result<()> {
    client.publish("e2e/kept", b"since yesterday", &["-r", "-q", "1"])?;
    client.publish("e2e/kept/marker", b"x", &["-r", "-q", "1"])?;
    page.open("about:blank")?;
    page.open(url)?;
    page.wait_until_connected()?;
    let kept = page.explore("e2e/kept")?;
    page.wait_for_attribute(&kept, "data-retained", &["true"])?;
    client.publish("e2e/live", b"now", &[])?;
    let live = page.explore("e2e/live")?;
    let mark = page.attribute(&live, "data-retained")?;
    ensure!(
        mark.as_deref() != Some("true"),
        "a live message is not retained: {mark:?}"
    );
    Ok(())
}

/// Fills the publish form and clicks.
pub(crate) fn publish(page: &Page, topic: &str, payload: &str, qos: u8, retain: bool) -> Result<()> {
    page.fill(&by("publish-topic"), topic)?;
    page.fill(&by("publish-payload"), payload)?;
    page.click(&by(&format!("publish-qos-{qos}")))?;
    let checked: bool = page.script(
        "return !!document.querySelector('[data-testid=\"publish-retain\"]')?.checked",
        &[],
    )?;
    if checked != retain {
        page.click(&by("publish-retain"))?;
    }
    page.click(&by("publish-send"))
}

/// Waits until the page has received at least so many messages.
pub(crate) fn wait_until_received(page: &Page, least: u64) -> Result<u64> {
    until(&format!("{least} received messages"), || {
        Ok(page
            .number(&by("messages-received"))?
            .filter(|received| *received >= least))
    })
}
