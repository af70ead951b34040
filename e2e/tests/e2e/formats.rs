//! A light of the simulated home in each format, switched from the page: `mosquitto_sub` sees the very message that the
//! real device needs. docs/FORMATS.md names the document behind each.

use anyhow::{Context, Result, ensure};
use e2e::bridge::Bridge;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Client;
use e2e::page::{By, Page, by};
use e2e::wait::until;
use serde_json::json;

/// Room, name and entity of a light, and what is sent to it.
struct Light {
    format: &'static str,
    room: &'static str,
    name: &'static str,
    entity: &'static str,
    topic: &'static str,
    /// That it is to be on, and off.
    payloads: [&'static str; 2],
}

impl Light {
    fn payload(&self, on: bool) -> &'static str {
        let [turns_on, turns_off] = self.payloads;
        if on { turns_on } else { turns_off }
    }
}

const LIGHTS: [Light; 9] = [
    Light {
        format: "Home Assistant discovery",
        room: "Living room",
        name: "Ceiling light",
        entity: "ceiling-light-01-light",
        topic: "ceiling-light/light/set",
        payloads: [r#"{"state":"ON"}"#, r#"{"state":"OFF"}"#],
    },
    Light {
        format: "zigbee2mqtt",
        room: "Living room",
        name: "Lamp",
        entity: "light",
        topic: "zigbee2mqtt/Living room lamp/set",
        payloads: [r#"{"state":"ON"}"#, r#"{"state":"OFF"}"#],
    },
    Light {
        format: "Tasmota",
        room: "Hallway",
        name: "Light",
        entity: "power1",
        topic: "cmnd/hallway-light/POWER",
        payloads: ["ON", "OFF"],
    },
    Light {
        format: "Shelly, first generation",
        room: "Kitchen",
        name: "Worktop",
        entity: "light0",
        topic: "shellies/kitchen-worktop/light/0/command",
        payloads: ["on", "off"],
    },
    Light {
        format: "Shelly, second generation",
        room: "Garage",
        name: "Light",
        entity: "light:0",
        topic: "garage-light/rpc",
        payloads: [
            r#"{"id":1,"src":"hearth","method":"Light.Set","params":{"id":0,"on":true}}"#,
            r#"{"id":1,"src":"hearth","method":"Light.Set","params":{"id":0,"on":false}}"#,
        ],
    },
    Light {
        format: "Homie 5",
        room: "Living room",
        name: "Floor lamp",
        entity: "light.power",
        topic: "homie/5/floor-lamp/light/power/set",
        payloads: ["true", "false"],
    },
    Light {
        format: "Homie 4",
        room: "Outdoors",
        name: "Balcony lights",
        entity: "lights.power",
        topic: "homie/balcony-box/lights/power/set",
        payloads: ["true", "false"],
    },
    Light {
        format: "ESPHome",
        room: "Bedroom",
        name: "Reading light",
        entity: "light.reading_light",
        topic: "bedroom-reading-light/light/reading_light/command",
        payloads: [r#"{"state":"ON"}"#, r#"{"state":"OFF"}"#],
    },
    Light {
        format: "plain topics",
        room: "Kitchen",
        name: "Light",
        entity: "state",
        topic: "home/kitchen/light/set",
        payloads: ["ON", "OFF"],
    },
];

fn in_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The id of the device with this name in this room.
fn device(page: &Page, room: &str, name: &str) -> Result<String> {
    let body = "const section = [...document.querySelectorAll('.room')].find(room => room.querySelector('h2').innerText == arguments[0]);
        const card = [...section?.querySelectorAll('[data-testid=device-card]') ?? []].find(card => card.querySelector('h3').innerText == arguments[1]);
        return card?.dataset.device ?? null";
    until(&format!("{name} in {room}"), || {
        page.script(body, &[json!(room), json!(name)])
    })
}

fn control(device: &str, entity: &str) -> By {
    by("device-card")
        .with("data-device", device)
        .inside(&by("entity").with("data-entity", entity))
        .inside(&by("entity-control").with("data-control", "switch"))
}

/// Switches it on and off, or the other way round, and hears what was sent.
fn switch(page: &Page, client: Client, light: &Light) -> Result<()> {
    let id = device(page, light.room, light.name).with_context(|| format!("no light of {}", light.format))?;
    let control = control(&id, light.entity);
    page.wait_for(&control)?;
    let mut witness = client.subscribe_in_hex(light.topic, 2)?;
    let was_on = until("its state", || {
        Ok(page
            .attribute(&control, "aria-checked")?
            .map(|checked| checked == "true"))
    })?;
    // Not below the header, which stays where it is.
    let centre = "[...document.querySelectorAll('[data-testid=device-card]')].find(card => card.dataset.device == arguments[0])
        .scrollIntoView({block: 'center'})";
    page.script::<Option<bool>>(centre, &[json!(id)])?;
    for on in [!was_on, was_on] {
        page.click(&control)?;
        let payload = light.payload(on);
        let end = format!(" 0 {} {}", light.topic, in_hex(payload.as_bytes()));
        let sent = until(&format!("`{payload}` to {}", light.topic), || {
            Ok(witness
                .messages()
                .into_iter()
                .find(|message| message.ends_with(&end)))
        })
        .with_context(|| format!("{}: {:?} were sent", light.format, witness.messages()))?;
        witness.wait_for(&sent)?;
        // The device says so itself, and then the page does.
        page.wait_for_attribute(&control, "aria-checked", &[if on { "true" } else { "false" }])?;
        page.wait_for_attribute(&control, "data-state", &["confirmed", "idle"])?;
    }
    ensure!(
        witness.messages().len() == 2,
        "{}: {:?}",
        light.format,
        witness.messages()
    );
    println!("{}: {} {}", light.format, light.topic, light.payload(was_on));
    Ok(())
}

#[test]
fn a_light_in_each_format_is_switched_by_the_message_that_it_needs() -> Result<()> {
    let (bridge, port) = Bridge::demo()?;
    let client = Client {
        port,
        credentials: None,
    };
    case("formats-lights", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        for light in &LIGHTS {
            switch(page, client, light)?;
        }
        Ok(())
    })
}

/// Sparkplug B is bytes, and nothing says what may be set: a person holds the button.
#[test]
fn a_light_of_sparkplug_is_switched_when_the_button_is_held() -> Result<()> {
    let (bridge, port) = Bridge::demo()?;
    let client = Client {
        port,
        credentials: None,
    };
    case("formats-sparkplug", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        let id = device(page, "Hauswirtschaftsraum", "Light")?;
        let control = control(&id, "Light");
        page.wait_for(&control)?;
        let topic = "spBv1.0/Lindenweg/DCMD/heating-room/Hauswirtschaftsraum light";
        let witness = client.subscribe_in_hex(topic, 2)?;
        page.click(&control)?;
        page.hold(&control, 1_500)?;
        // A timestamp, and a metric: its name, that it is a boolean (11), and true.
        let metric = [&[0x0a, 5][..], b"Light", &[0x20, 11, 0x70, 1]].concat();
        let end = in_hex(&[&[0x12, metric.len() as u8][..], &metric].concat());
        let sent = until("a DCMD", || Ok(witness.messages().into_iter().next()))?;
        ensure!(
            sent.contains(topic) && sent.ends_with(&end),
            "{sent} does not end with {end}"
        );
        page.wait_for_text(&control, "Hold to turn off").map(drop)?;
        println!("Sparkplug B: {sent}");
        ensure!(
            witness.messages().len() == 1,
            "a click alone sends nothing: {:?}",
            witness.messages()
        );
        Ok(())
    })
}
