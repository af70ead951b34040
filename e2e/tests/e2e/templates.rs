//! Devices whose states are said by templates, as zigbee2mqtt and Tasmota announce them to Home Assistant.

use anyhow::{Result, ensure};
use e2e::bridge::Bridge;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Mosquitto;
use e2e::page::by;

use crate::admins::open_device;

const BATTERY: &str = r#"{"name":"Battery","state_topic":"z/Door","unit_of_measurement":"%","device_class":"battery",
    "value_template":"{{ value_json.battery | float(0) | round(0) | int }}","unique_id":"0x1_battery",
    "json_attributes_topic":"z/Door/more","json_attributes_template":"{{ value_json.about | tojson }}","device":{"identifiers":["0x1"],"name":"Door"}}"#;
/// Thirty doublings would be a gigabyte.
const BOMB: &str = r#"{"name":"Bomb","state_topic":"z/Bomb","value_template":"{% set ns = namespace(a='x') %}{% for i in range(30) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}{{ ns.a }}",
    "unique_id":"bomb","device":{"identifiers":["bomb"],"name":"Bomb"}}"#;

#[test]
fn a_template_says_the_value_and_a_bomb_says_why_not() -> Result<()> {
    let broker = Mosquitto::open()?;
    let bridge = Bridge::in_front_of(broker.port)?;
    let say = |topic: &str, payload: &str| broker.client().publish(topic, payload.as_bytes(), &["-r"]);
    say("homeassistant/sensor/bomb/config", BOMB)?;
    say("z/Bomb", "1")?;
    say("homeassistant/sensor/0x1/battery/config", BATTERY)?;
    say("z/Door", r#"{"battery":87.6}"#)?;
    say("z/Door/more", r#"{"about":{"made of":"steel"}}"#)?;
    case("templates", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        let value = by("entity-value");
        page.wait_for(&value.with("data-value", "88"))?;
        say("z/Door", r#"{"battery":12.2}"#)?;
        page.wait_for(&by("entity-value").with("data-value", "12"))?;
        let refused = by("could-not-be-read").with("data-topic", "z/Bomb");
        page.wait_for(&refused)?;
        page.script::<()>("document.querySelector('details.unread').open = true", &[])?;
        let reason = page.wait_for_text(&refused, "template")?;
        ensure!(reason.contains("more"), "the reason is a limit: {reason}");
        ensure!(
            page.count(&by("could-not-be-read"))? == 1,
            "nothing else is disturbed"
        );
        open_device(page, "Door")?;
        page.wait_for_text(&by("attributes"), "steel")?;
        // Another visit has heard nothing of it.
        page.open("about:blank")?;
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        open_device(page, "Door")?;
        let battery = by("entity").with("data-kind", "number");
        let said = page.wait_for_text(&battery, "Kept by the broker")?;
        ensure!(!said.contains("just now"), "{said}");
        page.wait_for_text(&by("attributes"), "steel")?;
        Ok(())
    })
}
