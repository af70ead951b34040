//! Three Shellys: a dimmer of the first generation, and a dimmer and a plug of the later ones, which speak RPC.
//!
//! Forms after <https://shelly-api-docs.shelly.cloud/>, chapters Gen1 and Gen2+. All have a topic prefix of their own, as
//! their settings allow.

use crate::demo::{Availability, Device, Message, Moment, climate::round, noise::wander, time::Every};
use serde_json::{Map, Value, json};

/// `shellies/<id>/light/0` and so on; its messages are retained by its setting.
pub(super) struct Dimmer {
    seed: u64,
    on: bool,
    brightness: u64,
    due: Every,
}

const DIMMER: &str = "shellies/kitchen-worktop";

impl Dimmer {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            on: true,
            brightness: 70,
            due: Every::default(),
        }
    }

    fn on_off(&self) -> &'static str {
        if self.on { "on" } else { "off" }
    }

    fn power(&self, now: Moment) -> Message {
        let power = watts(self.on, self.brightness, 9.0)
            + if self.on {
                0.2 * wander(self.seed, now, 8_000)
            } else {
                0.0
            };
        Message::retained(format!("{DIMMER}/light/0/power"), format!("{power:.2}"))
    }
}

/// What a lamp of so many watts draws.
fn watts(on: bool, brightness: u64, most: f64) -> f64 {
    if on {
        most * crate::demo::time::to_f64(brightness) / 100.0
    } else {
        0.0
    }
}

impl Device for Dimmer {
    fn client_id(&self) -> String {
        "simulated-kitchen-worktop".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::new(format!("{DIMMER}/online"), "true", "false")
    }

    fn command_topics(&self) -> Vec<String> {
        let below = ["light/0/command", "light/0/set", "command"];
        let own = below.into_iter().map(|below| format!("{DIMMER}/{below}"));
        own.chain(["shellies/command".to_owned()]).collect()
    }

    fn describe(&mut self, _now: Moment) -> Vec<Message> {
        let announcement = json!({
            "id": "kitchen-worktop", "model": "SHDM-2", "mac": "00005E005311", "ip": "192.0.2.17", "new_fw": false,
            "fw_ver": "20230913-114008/v1.14.0-gcb84623",
        });
        vec![
            Message::retained(format!("{DIMMER}/announce"), &announcement),
            Message::passing("shellies/announce", announcement),
        ]
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        let status = json!({
            "ison": self.on, "has_timer": false, "timer_started": 0, "timer_duration": 0, "timer_remaining": 0,
            "mode": "white", "brightness": self.brightness, "transition": 0,
        });
        vec![
            Message::retained(format!("{DIMMER}/light/0"), self.on_off()),
            Message::retained(format!("{DIMMER}/light/0/status"), status),
            self.power(now),
        ]
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if self.due.is_due(now, 30_000) {
            vec![self.power(now)]
        } else {
            Vec::new()
        }
    }

    fn obey(&mut self, now: Moment, topic: &str, payload: &str) -> Vec<Message> {
        if !topic.contains("/light/") {
            return if payload == "announce" {
                self.describe(now)
            } else {
                Vec::new()
            };
        }
        let words: Value = serde_json::from_str(payload).unwrap_or_default();
        let turn = words.get("turn").and_then(Value::as_str).unwrap_or(payload);
        let brightness = words.get("brightness").and_then(Value::as_u64);
        match turn {
            "on" => self.on = true,
            "off" => self.on = false,
            "toggle" => self.on = !self.on,
            _ if brightness.is_none() => return Vec::new(),
            _ => {}
        }
        self.brightness = brightness.map_or(self.brightness, |percent| percent.min(100));
        self.announce(now)
    }
}

/// What a Shelly of the second generation or later has that can be switched.
#[derive(Clone, Copy, PartialEq)]
enum Component {
    Light,
    Switch,
}

/// `<prefix>/events/rpc` tells what changed, `<prefix>/rpc` takes requests. Nothing of it is retained.
pub(super) struct Rpc {
    seed: u64,
    prefix: &'static str,
    id: &'static str,
    name: &'static str,
    /// Model and app, as the device says them.
    model: (&'static str, &'static str),
    component: Component,
    on: bool,
    brightness: u64,
    energy_wh: f64,
    measured_ms: u64,
    due: Every,
}

impl Rpc {
    pub(super) fn light(seed: u64) -> Self {
        Self {
            seed,
            prefix: "garage-light",
            id: "shellydimmerg3-00005e005321",
            name: "Garage light",
            model: ("S3DM-0A101WWL", "DimmerG3"),
            component: Component::Light,
            on: false,
            brightness: 100,
            energy_wh: 3_120.4,
            measured_ms: 0,
            due: Every::default(),
        }
    }

    pub(super) fn plug(seed: u64) -> Self {
        Self {
            seed,
            prefix: "kitchen-refrigerator",
            id: "shellyplusplugs-00005e005322",
            name: "Kitchen refrigerator",
            model: ("SNPL-00112EU", "PlusPlugS"),
            component: Component::Switch,
            on: true,
            brightness: 100,
            energy_wh: 148_211.7,
            measured_ms: 0,
            due: Every::default(),
        }
    }

    fn key(&self) -> &'static str {
        match self.component {
            Component::Light => "light:0",
            Component::Switch => "switch:0",
        }
    }

    fn power(&self, now: Moment) -> f64 {
        match self.component {
            Component::Light => watts(self.on, self.brightness, 22.0),
            // The compressor runs for some minutes, and then rests.
            Component::Switch if !self.on => 0.0,
            Component::Switch if wander(self.seed, now, 1_500_000) > 0.0 => {
                82.0 + 3.0 * wander(self.seed ^ 1, now, 20_000)
            }
            Component::Switch => 1.2,
        }
    }

    /// The whole state of the component.
    fn status(&mut self, now: Moment, source: &str) -> Value {
        let power = self.power(now);
        let passed_ms = now.home_ms.saturating_sub(self.measured_ms);
        if self.measured_ms > 0 {
            self.energy_wh += power * crate::demo::time::to_f64(passed_ms) / 3_600_000.0;
        }
        self.measured_ms = now.home_ms;
        let mut status = json!({
            "id": 0, "source": source, "output": self.on, "apower": round(power, 1),
            "voltage": round(230.0 + 2.0 * wander(self.seed ^ 2, now, 30_000), 1),
            "aenergy": {"total": round(self.energy_wh, 3)},
            "temperature": {"tC": 41.2, "tF": 106.2},
        });
        if let (Component::Light, Value::Object(members)) = (self.component, &mut status) {
            members.insert("brightness".to_owned(), json!(self.brightness));
        }
        status
    }

    fn everything(&mut self, now: Moment) -> Map<String, Value> {
        let mut status = Map::new();
        status.insert(self.key().to_owned(), self.status(now, "init"));
        let mac = self
            .id
            .rsplit('-')
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        status.insert(
            "sys".to_owned(),
            json!({"mac": mac, "uptime": now.since_start_ms / 1_000}),
        );
        status.insert(
            "wifi".to_owned(),
            json!({"sta_ip": "192.0.2.33", "status": "got ip", "rssi": -58}),
        );
        status
    }

    fn notify(&self, now: Moment, method: &str, mut params: Map<String, Value>) -> Message {
        params.insert(
            "ts".to_owned(),
            json!(round(crate::demo::time::to_f64(now.home_ms) / 1_000.0, 2)),
        );
        let event = json!({
            "src": self.id, "dst": format!("{}/events", self.prefix), "method": method, "params": params,
        });
        Message::passing(format!("{}/events/rpc", self.prefix), event)
    }

    fn changed(&mut self, now: Moment, source: &str) -> Message {
        let status = self.status(now, source);
        let params = Map::from_iter([(self.key().to_owned(), status)]);
        self.notify(now, "NotifyStatus", params)
    }

    /// The result of a method, and whether the state changed.
    fn call(&mut self, now: Moment, method: &str, params: &Value) -> Option<(Value, bool)> {
        let was_on = self.on;
        match (method, self.component) {
            ("Shelly.GetStatus", _) => return Some((Value::Object(self.everything(now)), false)),
            ("Shelly.GetDeviceInfo", _) => {
                let mac = self
                    .id
                    .rsplit('-')
                    .next()
                    .unwrap_or_default()
                    .to_ascii_uppercase();
                let (model, app) = self.model;
                let info = json!({
                    "name": self.name, "id": self.id, "mac": mac, "model": model, "gen": 2, "ver": "1.4.4", "app": app,
                });
                return Some((info, false));
            }
            ("Shelly.GetConfig", component) => {
                let name = match component {
                    Component::Light => "Deckenlicht",
                    Component::Switch => "Kompressor",
                };
                let mut settings = Map::from_iter([(self.key().to_owned(), json!({"id": 0, "name": name}))]);
                settings.insert("sys".to_owned(), json!({"device": {"name": self.name}}));
                return Some((Value::Object(settings), false));
            }
            ("Light.Set", Component::Light) | ("Switch.Set", Component::Switch) => {
                self.on = params.get("on").and_then(Value::as_bool).unwrap_or(self.on);
                if let Some(percent) = params.get("brightness").and_then(Value::as_u64) {
                    self.brightness = percent.min(100);
                }
            }
            ("Light.Toggle", Component::Light) | ("Switch.Toggle", Component::Switch) => self.on = !self.on,
            _ => return None,
        }
        let result = match self.component {
            Component::Light => Value::Null,
            Component::Switch => json!({"was_on": was_on}),
        };
        Some((result, true))
    }
}

impl Device for Rpc {
    fn client_id(&self) -> String {
        format!("simulated-{}", self.prefix)
    }

    fn availability(&self) -> Availability {
        Availability::new(format!("{}/online", self.prefix), "true", "false")
    }

    fn command_topics(&self) -> Vec<String> {
        vec![format!("{}/rpc", self.prefix)]
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        let params = self.everything(now);
        vec![self.notify(now, "NotifyFullStatus", params)]
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if self.due.is_due(now, 10_000) {
            vec![self.changed(now, "timer")]
        } else {
            Vec::new()
        }
    }

    fn obey(&mut self, now: Moment, _topic: &str, payload: &str) -> Vec<Message> {
        let Ok(request) = serde_json::from_str::<Value>(payload) else {
            return Vec::new();
        };
        let (Some(source), Some(method)) = (
            request
                .get("src")
                .and_then(Value::as_str)
                .filter(|source| is_plain(source)),
            request.get("method").and_then(Value::as_str),
        ) else {
            return Vec::new();
        };
        let called = self.call(now, method, request.get("params").unwrap_or(&Value::Null));
        let mut answer = json!({"id": request.get("id"), "src": self.id, "dst": source});
        if let Value::Object(members) = &mut answer {
            match &called {
                Some((result, _)) => members.insert("result".to_owned(), result.clone()),
                None => members.insert(
                    "error".to_owned(),
                    json!({"code": 404, "message": format!("No handler for {method}")}),
                ),
            };
        }
        let answer = Message::passing(format!("{source}/rpc"), answer);
        match called {
            Some((_, true)) => vec![answer, self.changed(now, "MQTT")],
            Some((_, false)) | None => vec![answer],
        }
    }
}

/// Whether answers can go there.
fn is_plain(source: &str) -> bool {
    !source.is_empty() && source.len() < 100 && !source.contains(['+', '#', '\0', '$'])
}
