//! zigbee2mqtt itself: says which Zigbee devices there are and what each exposes, and answers requests.
//!
//! Forms after <https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html> and `exposes.html` beside it.

use super::zigbee::Names;
use crate::demo::{Availability, Device, Message, Moment};
use serde_json::{Value, json};

const BASE: &str = "zigbee2mqtt";
const STATE: &str = r#"{"state":"online"}"#;

pub(super) struct Gateway {
    names: Names,
    /// New devices may join until then.
    join_until_ms: Option<u64>,
    /// It is down until then, because it was told to restart.
    down_until_ms: Option<u64>,
}

impl Gateway {
    pub(super) fn new(names: &Names) -> Self {
        Self {
            names: names.clone(),
            join_until_ms: None,
            down_until_ms: None,
        }
    }

    fn devices(&self) -> Message {
        Message::retained(Self::topic("devices"), Value::Array(devices(&self.names)))
    }

    fn topic(below: &str) -> String {
        format!("{BASE}/bridge/{below}")
    }

    fn info(&self, now: Moment) -> Message {
        let left_ms = |until_ms: u64| until_ms.saturating_sub(now.since_start_ms);
        let end_ms = self.join_until_ms.map(|until_ms| now.home_ms + left_ms(until_ms));
        let info = json!({
            "version": "2.5.1",
            "permit_join": end_ms.is_some(),
            "permit_join_end": end_ms,
            "restart_required": false,
            "log_level": "info",
            "coordinator": {"type": "EZSP v13", "ieee_address": ieee_address(0)},
        });
        Message::retained(Self::topic("info"), info)
    }

    fn answer(what: &str, request: &Value, outcome: Result<Value, String>) -> Message {
        let mut answer = match outcome {
            Ok(data) => json!({"status": "ok", "data": data}),
            Err(error) => json!({"status": "error", "error": error, "data": {}}),
        };
        if let (Some(transaction), Value::Object(members)) = (request.get("transaction"), &mut answer) {
            members.insert("transaction".to_owned(), transaction.clone());
        }
        Message::passing(Self::topic(&format!("response/{what}")), answer)
    }
}

impl Device for Gateway {
    fn client_id(&self) -> String {
        "simulated-zigbee2mqtt".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::new(Self::topic("state"), STATE, r#"{"state":"offline"}"#)
    }

    fn command_topics(&self) -> Vec<String> {
        vec![Self::topic("request/#")]
    }

    fn describe(&mut self, now: Moment) -> Vec<Message> {
        vec![
            self.info(now),
            self.devices(),
            Message::retained(Self::topic("groups"), json!([])),
        ]
    }

    fn announce(&mut self, _now: Moment) -> Vec<Message> {
        Vec::new()
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        let is_over = |until_ms: Option<u64>| until_ms.is_some_and(|until_ms| now.since_start_ms >= until_ms);
        let mut messages = Vec::new();
        if is_over(self.join_until_ms) {
            self.join_until_ms = None;
            messages.push(self.info(now));
        }
        if is_over(self.down_until_ms) {
            self.down_until_ms = None;
            messages.push(Message::retained(Self::topic("state"), STATE));
        }
        messages
    }

    fn obey(&mut self, now: Moment, topic: &str, payload: &str) -> Vec<Message> {
        let what = topic.strip_prefix(&Self::topic("request/")).unwrap_or_default();
        let request: Value = serde_json::from_str(payload).unwrap_or_default();
        match what {
            "permit_join" => {
                let Some(seconds) = request.get("time").and_then(Value::as_u64) else {
                    return vec![Self::answer(what, &request, Err("Invalid payload".to_owned()))];
                };
                let seconds = seconds.min(254);
                self.join_until_ms = (seconds > 0).then(|| now.since_start_ms + seconds * 1_000);
                let answer = Self::answer(what, &request, Ok(json!({"time": seconds})));
                vec![answer, self.info(now)]
            }
            "device/rename" => {
                let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
                let (from, to) = (text("from"), text("to"));
                let built: Vec<&'static str> = named().into_iter().map(|(name, _)| name).collect();
                let renamed = self.names.rename(&built, from, to);
                let data = json!({"from": from, "to": to, "homeassistant_rename": false});
                let is_done = renamed.is_ok();
                let answer = Self::answer(what, &request, renamed.map(|()| data));
                [is_done.then(|| self.devices()), Some(answer)]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            "restart" => {
                self.down_until_ms = Some(now.since_start_ms + 4_000);
                let offline = Message::retained(Self::topic("state"), r#"{"state":"offline"}"#);
                vec![Self::answer(what, &request, Ok(json!({}))), offline]
            }
            "health_check" => vec![Self::answer(what, &request, Ok(json!({"healthy": true})))],
            "" => Vec::new(),
            _ => vec![Self::answer(
                what,
                &request,
                Err("Not in a simulated home".to_owned()),
            )],
        }
    }
}

/// Of a range that is there for documents: 00-00-5E-EF-10-00-00-00 and so on.
fn ieee_address(number: usize) -> String {
    format!("0x00005eef100000{number:02x}")
}

struct Model {
    vendor: &'static str,
    model: &'static str,
    description: &'static str,
    is_on_battery: bool,
    exposes: Value,
}

fn devices(names: &Names) -> Vec<Value> {
    let coordinator = json!({
        "ieee_address": ieee_address(0), "type": "Coordinator", "network_address": 0, "supported": true,
        "friendly_name": "Coordinator", "disabled": false, "definition": null, "interview_completed": true,
    });
    let devices = named().into_iter().zip(1..).map(|((name, model), number)| {
        let Model { vendor, model, description, is_on_battery, exposes } = model;
        json!({
            "ieee_address": ieee_address(number),
            "type": if is_on_battery { "EndDevice" } else { "Router" },
            "network_address": 1_000 + number,
            "supported": true,
            "friendly_name": names.of(name),
            "disabled": false,
            "definition": {
                "model": model, "vendor": vendor, "description": description, "exposes": exposes, "options": [],
            },
            "power_source": if is_on_battery { "Battery" } else { "Mains (single phase)" },
            "software_build_id": "1.0",
            "model_id": model,
            "interviewing": false,
            "interview_completed": true,
            "interview_state": "SUCCESSFUL",
        })
    });
    std::iter::once(coordinator).chain(devices).collect()
}

/// The devices by the names that they have at first.
fn named() -> [(&'static str, Model); 11] {
    [
        ("Living room lamp", bulb()),
        ("Living room Rollladen", shutter()),
        ("Bedroom climate", thermometer()),
        ("Bedroom window", contact()),
        ("아이 방 조명", bulb()),
        ("아이 방 온도", thermometer()),
        ("Hallway motion", motion()),
        ("Haustür", contact()),
        ("Türschloss", lock()),
        ("Waschmaschine", plug()),
        ("Gefriertruhe", freezer()),
    ]
}

/// Published, can be set, can be asked for: the bits of `access`.
const TOLD: u8 = 1;
const SET: u8 = 2;
const ALL: u8 = 7;

fn numeric(name: &str, unit: &str) -> Value {
    json!({"type": "numeric", "name": name, "property": name, "label": name, "access": TOLD, "unit": unit})
}

fn ranged(name: &str, unit: &str, (least, most): (u32, u32)) -> Value {
    json!({
        "type": "numeric", "name": name, "property": name, "label": name, "access": ALL, "unit": unit,
        "value_min": least, "value_max": most,
    })
}

/// A value of two, what it is when it is "on", and whether that can be set.
fn binary(name: &str, on: &Value, off: &Value, access: u8) -> Value {
    json!({
        "type": "binary", "name": name, "property": name, "label": name, "access": access,
        "value_on": on, "value_off": off,
    })
}

fn on_or_off() -> Value {
    let mut state = binary("state", &json!("ON"), &json!("OFF"), ALL);
    if let Value::Object(members) = &mut state {
        members.insert("value_toggle".to_owned(), json!("TOGGLE"));
    }
    state
}

fn chosen(name: &str, values: &[&str], access: u8) -> Value {
    json!({"type": "enum", "name": name, "property": name, "label": name, "access": access, "values": values})
}

fn battery() -> Value {
    json!({
        "type": "numeric", "name": "battery", "property": "battery", "label": "Battery", "access": TOLD, "unit": "%",
        "value_min": 0, "value_max": 100, "category": "diagnostic",
    })
}

fn link_quality() -> Value {
    json!({
        "type": "numeric", "name": "linkquality", "property": "linkquality", "label": "Linkquality", "access": TOLD,
        "unit": "lqi", "value_min": 0, "value_max": 255, "category": "diagnostic",
    })
}

fn bulb() -> Model {
    Model {
        vendor: "IKEA",
        model: "LED2109G6",
        description: "TRADFRI bulb E26/E27, white spectrum, globe, opal, 1055/1100 lm",
        is_on_battery: false,
        exposes: json!([
            {"type": "light", "features": [
                on_or_off(),
                ranged("brightness", "", (0, 254)),
                ranged("color_temp", "mired", (150, 500)),
            ]},
            link_quality(),
        ]),
    }
}

fn shutter() -> Model {
    let state = chosen("state", &["OPEN", "CLOSE", "STOP"], TOLD | SET);
    Model {
        vendor: "Ubisys",
        model: "J1",
        description: "Shutter control J1",
        is_on_battery: false,
        exposes: json!([
            {"type": "cover", "features": [state, ranged("position", "%", (0, 100))]},
            chosen("moving", &["UP", "DOWN", "STOP"], TOLD),
            link_quality(),
        ]),
    }
}

fn thermometer() -> Model {
    Model {
        vendor: "Aqara",
        model: "WSDCGQ11LM",
        description: "Temperature and humidity sensor",
        is_on_battery: true,
        exposes: json!([
            battery(),
            numeric("temperature", "°C"),
            numeric("humidity", "%"),
            numeric("voltage", "mV"),
            link_quality(),
        ]),
    }
}

fn contact() -> Model {
    Model {
        vendor: "Aqara",
        model: "MCCGQ11LM",
        description: "Door and window sensor",
        is_on_battery: true,
        exposes: json!([
            battery(),
            binary("contact", &json!(false), &json!(true), TOLD),
            link_quality(),
        ]),
    }
}

fn motion() -> Model {
    Model {
        vendor: "Aqara",
        model: "RTCGQ11LM",
        description: "Motion sensor",
        is_on_battery: true,
        exposes: json!([
            battery(),
            binary("occupancy", &json!(true), &json!(false), TOLD),
            numeric("illuminance", "lx"),
            link_quality(),
        ]),
    }
}

fn lock() -> Model {
    let states = ["not_fully_locked", "locked", "unlocked"];
    Model {
        vendor: "Yale",
        model: "YRD426NRSC",
        description: "Assure lock",
        is_on_battery: true,
        exposes: json!([
            {"type": "lock", "features": [
                binary("state", &json!("LOCK"), &json!("UNLOCK"), ALL),
                chosen("lock_state", &states, TOLD),
            ]},
            battery(),
            link_quality(),
        ]),
    }
}

fn plug() -> Model {
    Model {
        vendor: "Innr",
        model: "SP 240",
        description: "Smart plug",
        is_on_battery: false,
        exposes: json!([
            {"type": "switch", "features": [on_or_off()]},
            numeric("power", "W"),
            numeric("energy", "kWh"),
            numeric("voltage", "V"),
            numeric("current", "A"),
            link_quality(),
        ]),
    }
}

fn freezer() -> Model {
    Model {
        vendor: "Tuya",
        model: "TS0201",
        description: "Temperature sensor with probe",
        is_on_battery: true,
        exposes: json!([
            battery(),
            numeric("temperature", "°C"),
            binary("battery_low", &json!(true), &json!(false), TOLD),
            link_quality(),
        ]),
    }
}
