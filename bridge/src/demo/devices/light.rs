//! Lights that obey.

use super::tasmota::Tasmota;
use crate::demo::{Availability, Device, Message, Moment, time::Every};
use serde_json::{Value, json};

pub(super) struct Light {
    id: &'static str,
    shape: Shape,
    on: bool,
    /// As the shape counts it: to 254 for Zigbee, to 100 for the others.
    brightness: u64,
    color_temp: u64,
    due: Every,
}

#[derive(Clone, Copy)]
enum Shape {
    /// State `zigbee2mqtt/<name>` as JSON, retained by the device's option; commands `…/set` as JSON, and `…/get`.
    Zigbee2mqtt { friendly_name: &'static str },
    /// `<topic>/state`, `<topic>/set`, `<topic>/brightness/state`, `<topic>/brightness/set`.
    Plain { topic: &'static str },
    /// `cmnd/<device>/POWER`, answered on `stat/…/RESULT` and `stat/…/POWER`; `tele/…/STATE`.
    Tasmota { device: &'static str },
}

/// `TelePeriod`, shorter than usual so that nobody waits for it.
const TELE_PERIOD_MS: u64 = 20_000;

impl Light {
    pub(super) fn zigbee2mqtt(friendly_name: &'static str, id: &'static str) -> Self {
        let shape = Shape::Zigbee2mqtt { friendly_name };
        Self {
            id,
            shape,
            on: true,
            brightness: 180,
            color_temp: 370,
            due: Every::default(),
        }
    }

    pub(super) fn plain(topic: &'static str, id: &'static str) -> Self {
        Self {
            id,
            shape: Shape::Plain { topic },
            on: false,
            brightness: 80,
            color_temp: 0,
            due: Every::default(),
        }
    }

    pub(super) fn tasmota(device: &'static str, id: &'static str) -> Self {
        Self {
            id,
            shape: Shape::Tasmota { device },
            on: false,
            brightness: 60,
            color_temp: 0,
            due: Every::default(),
        }
    }

    fn on_off(&self) -> &'static str {
        if self.on { "ON" } else { "OFF" }
    }

    fn switch(&mut self, word: &str) -> bool {
        self.on = match word.trim() {
            word if word.eq_ignore_ascii_case("on") || word == "1" || word == "true" => true,
            word if word.eq_ignore_ascii_case("off") || word == "0" || word == "false" => false,
            word if word.eq_ignore_ascii_case("toggle") || word == "2" => !self.on,
            _ => return false,
        };
        true
    }

    fn dim(&mut self, brightness: u64, most: u64) {
        self.brightness = brightness.min(most);
        self.on = self.brightness > 0;
    }

    fn obey_json(&mut self, payload: &str) -> bool {
        let Ok(Value::Object(command)) = serde_json::from_str(payload) else {
            return false;
        };
        let mut obeyed = false;
        if let Some(brightness) = command.get("brightness").and_then(Value::as_u64) {
            self.dim(brightness, 254);
            obeyed = true;
        }
        if let Some(color_temp) = command.get("color_temp").and_then(Value::as_u64) {
            self.color_temp = color_temp.clamp(150, 500);
            obeyed = true;
        }
        match command.get("state") {
            Some(Value::String(word)) => self.switch(word) || obeyed,
            _ => obeyed,
        }
    }

    fn obey_tasmota(&mut self, device: &str, topic: &str, payload: &str) -> Vec<Message> {
        let known = match topic
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase()
            .as_str()
        {
            "POWER" | "POWER1" => payload.is_empty() || self.switch(payload),
            "DIMMER" => match payload.trim().parse() {
                Ok(dimmer) => {
                    self.dim(dimmer, 100);
                    true
                }
                Err(_) => payload.is_empty(),
            },
            _ => false,
        };
        let result = format!("stat/{device}/RESULT");
        if !known {
            return vec![Message::passing(result, json!({"Command": "Unknown"}))];
        }
        vec![
            Message::passing(result, json!({"POWER": self.on_off(), "Dimmer": self.brightness})),
            Message::passing(format!("stat/{device}/POWER"), self.on_off()),
        ]
    }
}

impl Device for Light {
    fn client_id(&self) -> String {
        format!("simulated-{}-light", self.id)
    }

    fn availability(&self) -> Availability {
        match self.shape {
            Shape::Zigbee2mqtt { friendly_name } => Availability::zigbee2mqtt(friendly_name),
            Shape::Plain { topic } => Availability::plain(format!("{topic}/status")),
            Shape::Tasmota { device } => Availability::tasmota(device),
        }
    }

    fn command_topics(&self) -> Vec<String> {
        match self.shape {
            Shape::Zigbee2mqtt { friendly_name } => {
                vec![
                    format!("zigbee2mqtt/{friendly_name}/set"),
                    format!("zigbee2mqtt/{friendly_name}/get"),
                ]
            }
            Shape::Plain { topic } => vec![format!("{topic}/set"), format!("{topic}/brightness/set")],
            Shape::Tasmota { device } => vec![format!("cmnd/{device}/#")],
        }
    }

    fn describe(&mut self, _now: Moment) -> Vec<Message> {
        match self.shape {
            Shape::Tasmota { device: topic } => {
                let tasmota = Tasmota {
                    topic,
                    name: "Hallway light",
                    model: "Shelly Dimmer 2",
                    number: 1,
                    relay: 2,
                    light: 1,
                };
                tasmota.describe(&json!({}))
            }
            // The gateway speaks for its devices, and plain topics say nothing of themselves.
            Shape::Zigbee2mqtt { .. } | Shape::Plain { .. } => Vec::new(),
        }
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        match self.shape {
            Shape::Zigbee2mqtt { friendly_name } => {
                let payload = json!({
                    "state": self.on_off(),
                    "brightness": self.brightness,
                    "color_temp": self.color_temp,
                    "color_mode": "color_temp",
                    "linkquality": 148,
                });
                vec![Message::retained(format!("zigbee2mqtt/{friendly_name}"), payload)]
            }
            Shape::Plain { topic } => vec![
                Message::retained(format!("{topic}/state"), self.on_off()),
                Message::retained(format!("{topic}/brightness/state"), self.brightness),
            ],
            Shape::Tasmota { device } => {
                let payload = json!({
                    "Time": now.date_time(),
                    "POWER": self.on_off(),
                    "Dimmer": self.brightness,
                    "Wifi": {"AP": 1, "SSId": "simulated", "RSSI": 78, "Signal": -61},
                });
                vec![
                    Message::passing(format!("tele/{device}/STATE"), payload),
                    Message::retained(format!("stat/{device}/POWER"), self.on_off()),
                ]
            }
        }
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        let reports = matches!(self.shape, Shape::Tasmota { .. }) && self.due.is_due(now, TELE_PERIOD_MS);
        if reports { self.announce(now) } else { Vec::new() }
    }

    fn obey(&mut self, now: Moment, topic: &str, payload: &str) -> Vec<Message> {
        let obeyed = match self.shape {
            Shape::Zigbee2mqtt { .. } => {
                topic.ends_with("/get") || self.obey_json(payload) || self.switch(payload)
            }
            Shape::Plain { .. } if topic.ends_with("/brightness/set") => match payload.trim().parse() {
                Ok(brightness) => {
                    self.dim(brightness, 100);
                    true
                }
                Err(_) => false,
            },
            Shape::Plain { .. } => self.switch(payload),
            Shape::Tasmota { device } => return self.obey_tasmota(device, topic, payload),
        };
        if obeyed { self.announce(now) } else { Vec::new() }
    }
}
