//! What it costs to take the announcements of a large home: 700 devices with 5,000 entities at once, their states,
//! and everything announced again. `cargo run --release -p hearth-devices --example announce`

#![allow(clippy::print_stdout, reason = "a report")]

use std::time::{Duration, Instant};

use hearth_devices::{DeviceOptions, Devices};
use hearth_model::store::Arrival;

const DEVICES: usize = 700;
const ENTITIES: usize = 5_000;
/// Messages between two looks, as the page takes them every 100 ms.
const BATCH: usize = 500;

/// One configuration as zigbee2mqtt sends them.
fn config(device: usize, entity: usize) -> (String, String) {
    let address = format!("0x00158d00{device:08x}");
    let name = format!("Room {}/Device {device}", device % 20);
    let shared = format!(
        r#""availability":[{{"topic":"zigbee2mqtt/bridge/state","value_template":"{{{{ value_json.state }}}}"}},{{"topic":"zigbee2mqtt/{name}/availability","value_template":"{{{{ value_json.state }}}}"}}],"availability_mode":"all","device":{{"identifiers":["zigbee2mqtt_{address}"],"manufacturer":"Maker","model":"Lamp with many sensors (M-{device})","name":"{name}","sw_version":"2.3.086","via_device":"zigbee2mqtt_bridge_0x00124b0012c38fda"}},"json_attributes_topic":"zigbee2mqtt/{name}","object_id":"device_{device}_{entity}","origin":{{"name":"Zigbee2MQTT","sw":"2.0.0","url":"https://www.zigbee2mqtt.io"}},"state_topic":"zigbee2mqtt/{name}","unique_id":"{address}_{entity}_zigbee2mqtt""#
    );
    if entity == 0 {
        let topic = format!("homeassistant/light/{address}/light/config");
        return (
            topic,
            format!(
                r#"{{{shared},"brightness":true,"brightness_scale":254,"command_topic":"zigbee2mqtt/{name}/set","effect":true,"effect_list":["blink","breathe"],"name":null,"schema":"json","supported_color_modes":["color_temp","xy"]}}"#
            ),
        );
    }
    let topic = format!("homeassistant/sensor/{address}/s{entity}/config");
    (
        topic,
        format!(
            r#"{{{shared},"device_class":"temperature","name":"Temperature {entity}","state_class":"measurement","unit_of_measurement":"°C","value_template":"{{{{ value_json.temperature_{entity} }}}}"}}"#
        ),
    )
}

fn say(devices: &mut Devices, messages: &[(String, String)], now_ms: u64) -> (Duration, Duration) {
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    for batch in messages.chunks(BATCH) {
        let batch_begun = Instant::now();
        for (topic, payload) in batch {
            devices.apply(now_ms, &Arrival::new(topic, payload.as_bytes()));
        }
        devices.settle(now_ms);
        devices.take_wanted();
        devices.take_changed();
        longest = longest.max(batch_begun.elapsed());
    }
    (begun.elapsed(), longest)
}

fn main() {
    let mut devices = Devices::new(DeviceOptions::default());
    let configs: Vec<_> = (0..ENTITIES)
        .map(|number| config(number % DEVICES, number / DEVICES))
        .collect();
    let bytes: usize = configs.iter().map(|(_, payload)| payload.len()).sum();
    let state = r#"{"state":"ON","brightness":127,"color_temp":366,"color":{"x":0.3,"y":0.3},"temperature_1":21.5,"temperature_2":20.1,"temperature_3":19,"temperature_4":18.2,"temperature_5":17.3,"temperature_6":16,"temperature_7":15.5,"linkquality":120}"#;
    let states: Vec<_> = (0..DEVICES)
        .map(|device| {
            (
                format!("zigbee2mqtt/Room {}/Device {device}", device % 20),
                state.to_owned(),
            )
        })
        .collect();
    let report = |what: &str, count: usize, (all, longest): (Duration, Duration)| {
        println!(
            "{what:32} {count:6} messages  {:8.1} ms  {:6.1} µs each  longest batch of {BATCH}: {:.1} ms",
            all.as_secs_f64() * 1e3,
            all.as_secs_f64() * 1e6 / count as f64,
            longest.as_secs_f64() * 1e3
        );
    };
    println!("{DEVICES} devices, {ENTITIES} configurations, {bytes} bytes");
    report("announced", configs.len(), say(&mut devices, &configs, 1_000));
    let entities: usize = devices.iter().map(|(_, device)| device.entities.len()).sum();
    println!("{} devices, {entities} entities shown", devices.iter().count());
    report("states", states.len(), say(&mut devices, &states, 2_000));
    report("states again", states.len(), say(&mut devices, &states, 3_000));
    let structure = devices.structure();
    report(
        "announced again",
        configs.len(),
        say(&mut devices, &configs, 4_000),
    );
    println!("changed by that: {}", devices.structure() - structure);
    let offline = [(
        "zigbee2mqtt/bridge/state".to_owned(),
        r#"{"state":"offline"}"#.to_owned(),
    )];
    report("bridge offline", 1, say(&mut devices, &offline, 5_000));
    let begun = Instant::now();
    devices.tick(6_000);
    println!("tick {:.2} ms", begun.elapsed().as_secs_f64() * 1e3);
}
