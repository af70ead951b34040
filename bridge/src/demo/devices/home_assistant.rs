//! Devices that announce themselves as Home Assistant wants it, with two faults on purpose: a template that cannot be
//! read, and the retained messages of a thermometer that is long gone.
//!
//! Forms after <https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery>.

use crate::demo::{
    Availability, Device, Message, Moment,
    climate::{Room, round},
    noise::wander,
    time::Every,
};
use serde_json::{Value, json};

/// A ceiling light in the device form, with the JSON schema.
pub(super) struct CeilingLight {
    on: bool,
    brightness: u64,
    effect: &'static str,
}

const CEILING: &str = "ceiling-light";
const EFFECTS: [&str; 3] = ["none", "Candle", "Sunrise"];

impl CeilingLight {
    pub(super) fn new() -> Self {
        Self {
            on: true,
            brightness: 173,
            effect: "none",
        }
    }
}

impl Device for CeilingLight {
    fn client_id(&self) -> String {
        "simulated-ceiling-light".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::plain(format!("{CEILING}/status"))
    }

    fn command_topics(&self) -> Vec<String> {
        vec![format!("{CEILING}/light/set")]
    }

    fn describe(&mut self, _now: Moment) -> Vec<Message> {
        let config = json!({
            "dev": {
                "ids": "ceiling-light-01", "name": "Ceiling light", "mf": "Lumenwerk", "mdl": "Ring 40", "sw": "2.3.1",
                "sa": "Living room",
            },
            "o": {"name": "lumenwerk2mqtt", "sw": "1.8.0"},
            "avty_t": format!("{CEILING}/status"),
            "cmps": {
                "light": {
                    "p": "light", "uniq_id": "ceiling-light-01-light", "name": null, "schema": "json",
                    "stat_t": format!("{CEILING}/light/state"), "cmd_t": format!("{CEILING}/light/set"),
                    "brightness": true, "bri_scl": 255, "effect": true, "fx_list": EFFECTS,
                    "sup_clrm": ["brightness"],
                },
                "driver": {
                    "p": "sensor", "uniq_id": "ceiling-light-01-driver", "name": "Driver temperature",
                    "dev_cla": "temperature", "unit_of_meas": "°C", "ent_cat": "diagnostic",
                    "stat_t": format!("{CEILING}/light/state"),
                    "val_tpl": "{{ (value_json.driver_mk / 1000) | round(1) }}",
                },
            },
        });
        vec![Message::retained(
            "homeassistant/device/ceiling-light-01/config",
            config,
        )]
    }

    fn announce(&mut self, _now: Moment) -> Vec<Message> {
        let state = json!({
            "state": if self.on { "ON" } else { "OFF" },
            "brightness": self.brightness,
            "color_mode": "brightness",
            "effect": self.effect,
            "driver_mk": if self.on { 41_300 } else { 24_700 },
        });
        vec![Message::retained(format!("{CEILING}/light/state"), state)]
    }

    fn simulate(&mut self, _now: Moment) -> Vec<Message> {
        Vec::new()
    }

    fn obey(&mut self, now: Moment, _topic: &str, payload: &str) -> Vec<Message> {
        let Ok(Value::Object(command)) = serde_json::from_str(payload) else {
            return Vec::new();
        };
        match command.get("state").and_then(Value::as_str) {
            Some("ON") => self.on = true,
            Some("OFF") => self.on = false,
            _ => {}
        }
        if let Some(brightness) = command.get("brightness").and_then(Value::as_u64) {
            self.brightness = brightness.min(255);
            self.on = self.brightness > 0;
        }
        let effect = command.get("effect").and_then(Value::as_str);
        if let Some(effect) = EFFECTS.into_iter().find(|known| Some(*known) == effect) {
            self.effect = effect;
        }
        self.announce(now)
    }
}

/// A radiator in the abbreviated form for one component.
pub(super) struct Radiator {
    home_seed: u64,
    room: Room,
    target: f64,
    heats: bool,
    due: Every,
}

const RADIATOR: &str = "heating/radiator-living-room";

impl Radiator {
    pub(super) fn new(home_seed: u64, room: Room) -> Self {
        Self {
            home_seed,
            room,
            target: 21.5,
            heats: true,
            due: Every::default(),
        }
    }
}

impl Device for Radiator {
    fn client_id(&self) -> String {
        "simulated-living-room-radiator".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::plain(format!("{RADIATOR}/status"))
    }

    fn command_topics(&self) -> Vec<String> {
        vec![format!("{RADIATOR}/target/set"), format!("{RADIATOR}/mode/set")]
    }

    fn describe(&mut self, _now: Moment) -> Vec<Message> {
        let config = json!({
            "~": RADIATOR, "name": null, "uniq_id": "radiator-living-room", "avty_t": "~/status",
            "curr_temp_t": "~", "curr_temp_tpl": "{{ value_json.measured }}",
            "temp_stat_t": "~", "temp_stat_tpl": "{{ value_json.target }}", "temp_cmd_t": "~/target/set",
            "mode_stat_t": "~", "mode_stat_tpl": "{{ value_json.mode }}", "mode_cmd_t": "~/mode/set",
            "act_t": "~", "act_tpl": "{{ 'heating' if value_json.valve > 0 else 'idle' }}",
            "modes": ["off", "heat"], "min_temp": 5, "max_temp": 28, "temp_step": 0.5, "temp_unit": "C",
            "dev": {"ids": ["radiator-living-room"], "name": "Radiator", "mf": "Wärmewerk", "mdl": "TRV-3", "sa": "Living room"},
        });
        vec![Message::retained(
            "homeassistant/climate/radiator-living-room/config",
            config,
        )]
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        let measured = self.room.temperature(self.home_seed, now);
        let wanted = if self.heats {
            (self.target - measured).mul_add(40.0, 20.0)
        } else {
            0.0
        };
        let state = json!({
            "measured": round(measured, 1),
            "target": self.target,
            "mode": if self.heats { "heat" } else { "off" },
            "valve": round(wanted.clamp(0.0, 100.0), 0),
        });
        vec![Message::retained(RADIATOR, state)]
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if self.due.is_due(now, 14_000) {
            self.announce(now)
        } else {
            Vec::new()
        }
    }

    fn obey(&mut self, now: Moment, topic: &str, payload: &str) -> Vec<Message> {
        match (topic.ends_with("/target/set"), payload.trim().parse::<f64>()) {
            (true, Ok(target)) if target.is_finite() => self.target = target.clamp(5.0, 28.0),
            (false, _) if matches!(payload, "off" | "heat") => self.heats = payload == "heat",
            _ => return Vec::new(),
        }
        self.announce(now)
    }
}

/// A fault on purpose: a sensor in the garden bed whose template uses a filter that does not exist, beside one that is fine.
pub(super) struct Soil {
    seed: u64,
    due: Every,
}

const SOIL: &str = "garden/bed";

impl Soil {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            due: Every::default(),
        }
    }
}

impl Device for Soil {
    fn client_id(&self) -> String {
        "simulated-garden-bed".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::plain(format!("{SOIL}/status"))
    }

    fn describe(&mut self, _now: Moment) -> Vec<Message> {
        let device =
            json!({"ids": ["garden-bed"], "name": "Garden bed", "mf": "Selbstbau", "sa": "Outdoors"});
        let sensor = |name: &str, class: &str, unit: &str, template: &str| {
            let id = format!("garden-bed-{class}");
            let config = json!({
                "name": name, "uniq_id": id, "stat_t": format!("{SOIL}/state"), "avty_t": format!("{SOIL}/status"),
                "dev_cla": class, "unit_of_meas": unit, "val_tpl": template, "dev": device,
            });
            Message::retained(format!("homeassistant/sensor/{id}/config"), config)
        };
        vec![
            sensor(
                "Soil temperature",
                "temperature",
                "°C",
                "{{ value_json.temperature }}",
            ),
            sensor(
                "Soil moisture",
                "moisture",
                "%",
                "{{ value_json.raw | to_percent(410, 870) }}",
            ),
        ]
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        let state = json!({
            "temperature": round(9.0 + 2.0 * wander(self.seed, now, 7_200_000), 1),
            "raw": round(612.0 + 30.0 * wander(self.seed ^ 1, now, 900_000), 0),
        });
        vec![Message::retained(format!("{SOIL}/state"), state)]
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if self.due.is_due(now, 17_000) {
            self.announce(now)
        } else {
            Vec::new()
        }
    }
}

/// A fault on purpose: nobody took back what a thermometer announced that was thrown away.
pub(super) struct Ghost;

const GHOST: &str = "attic/thermometer";

impl Device for Ghost {
    fn client_id(&self) -> String {
        "simulated-ghost".to_owned()
    }

    /// It was the broker that said so, at some time.
    fn availability(&self) -> Availability {
        Availability::new(format!("{GHOST}/status"), "offline", "offline")
    }

    fn describe(&mut self, _now: Moment) -> Vec<Message> {
        let config = json!({
            "name": "Temperature", "uniq_id": "attic-thermometer", "stat_t": format!("{GHOST}/state"),
            "avty_t": format!("{GHOST}/status"), "dev_cla": "temperature", "unit_of_meas": "°C",
            "dev": {"ids": ["attic-thermometer"], "name": "Old thermometer", "mf": "Selbstbau", "sa": "Attic"},
        });
        vec![Message::retained(
            "homeassistant/sensor/attic-thermometer/config",
            config,
        )]
    }

    fn announce(&mut self, _now: Moment) -> Vec<Message> {
        vec![Message::retained(format!("{GHOST}/state"), "24.9")]
    }

    fn simulate(&mut self, _now: Moment) -> Vec<Message> {
        Vec::new()
    }
}
