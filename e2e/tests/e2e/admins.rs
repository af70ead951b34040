//! What those do who look after the home: new Zigbee devices are let in for a while, and devices are renamed by their bridge.

use anyhow::{Context, Result, ensure};
use e2e::bridge::Bridge;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Client;
use e2e::page::{By, Page, by};
use e2e::wait::until;
use serde_json::json;

/// The page of the device with this name on its card.
pub(crate) fn open_device(page: &Page, name: &str) -> Result<()> {
    let body = "return [...document.querySelectorAll('[data-testid=device-card]')]
        .find(card => card.querySelector('h3').innerText.trim() == arguments[0])?.dataset.device ?? null";
    let id: String = until(&format!("the card {name}"), || page.script(body, &[json!(name)]))?;
    page.go_to(&format!("#/device/{id}"))?;
    page.wait_for(&by("hand"))
}

fn of(entity: &str, inner: &str) -> By {
    by("entity").with("data-entity", entity).inside(&by(inner))
}

#[test]
fn new_zigbee_devices_are_let_in_for_a_while_and_the_bridge_answers_to_names() -> Result<()> {
    let (bridge, port) = Bridge::demo()?;
    let client = Client {
        port,
        credentials: None,
    };
    case("admins-zigbee", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        open_device(page, "Zigbee2MQTT")?;
        let mut asked = client.subscribe("zigbee2mqtt/bridge/request/#", 1)?;
        let permit = of("permit_join", "entity-control");
        page.wait_for(&permit)?;
        page.hold(&permit, 1_500)?;
        asked.wait_for(
            r#"1 0 zigbee2mqtt/bridge/request/permit_join {"time":254,"transaction":"hearth-permit_join"}"#,
        )?;
        page.wait_for_attribute(&permit, "data-state", &["confirmed"])?;
        let countdown = by("countdown");
        page.wait_for(&countdown)?;
        let left = page.number(&countdown)?.context("seconds")?;
        ensure!((200..=254).contains(&left), "{left} s are left");
        until("the countdown going on", || {
            Ok(page.number(&countdown)?.filter(|now| *now < left))
        })?;
        page.hold(&permit, 1_500)?;
        asked.wait_for(
            r#"1 0 zigbee2mqtt/bridge/request/permit_join {"time":0,"transaction":"hearth-permit_join"}"#,
        )?;
        page.wait_until_gone(&countdown)?;

        page.go_to("#/")?;
        open_device(page, "Lamp")?;
        let (field, send) = (of("rename", "entity-control"), of("rename", "entity-send"));
        let rename = "zigbee2mqtt/bridge/request/device/rename";
        page.fill(&field, "Haustür")?;
        page.click(&send)?;
        asked.wait_for(&format!(
            r#"1 0 {rename} {{"from":"Living room lamp","to":"Haustür","transaction":"hearth-rename-0x00005eef10000001"}}"#
        ))?;
        page.wait_for_attribute(&field, "data-state", &["failed"])?;
        page.wait_for_text(
            &by("entity").with("data-entity", "rename"),
            "Refused: friendly_name 'Haustür' is already in use",
        )?;
        page.fill(&field, "Living room reading light")?;
        page.click(&send)?;
        page.wait_for_attribute(&field, "data-state", &["confirmed"])?;
        // The same device on other topics, which it obeys.
        let mut told = client.subscribe("zigbee2mqtt/Living room reading light/set", 1)?;
        let control = of("light", "entity-control");
        page.wait_for_attribute(&control, "data-state", &["idle", "confirmed"])?;
        // By its new name it is not heard of at once.
        page.wait_for_attribute(&of("light", "entity-value"), "data-value", &["on", "off"])?;
        let was = page.attribute(&control, "aria-checked")?;
        // The field that was typed in is further down: the switch may be behind the bar at the top.
        page.script::<()>("scrollTo(0, 0)", &[])?;
        page.click(&control)?;
        page.wait_for_attribute(&control, "data-state", &["confirmed"])?;
        ensure!(
            page.attribute(&control, "aria-checked")? != was,
            "it was switched"
        );
        told.wait_for(if was.as_deref() == Some("true") {
            r#"1 0 zigbee2mqtt/Living room reading light/set {"state":"OFF"}"#
        } else {
            r#"1 0 zigbee2mqtt/Living room reading light/set {"state":"ON"}"#
        })
    })
}
