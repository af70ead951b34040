//! How nodes with `ESPHome` announce themselves, and a lamp that is one.
//!
//! Forms after <https://esphome.io/components/mqtt.html>.

use crate::demo::{Availability, Device, Message, Moment};
use serde_json::{Value, json};

/// What a node is.
pub(super) struct Node {
    /// Its name, which is its topic prefix.
    pub(super) name: &'static str,
    /// For people.
    pub(super) friendly: &'static str,
    /// For Home Assistant; none when the name says it.
    pub(super) area: Option<&'static str>,
    /// The last byte of its address.
    pub(super) number: u8,
}

impl Node {
    fn mac(&self) -> String {
        // Of the range for documents, 00-00-5E-00-53-00 to -FF.
        format!("00005e0053{:02x}", self.number)
    }

    /// `esphome/discover/<node>`, retained.
    pub(super) fn describe(&self) -> Message {
        let description = json!({
            "ip": format!("192.0.2.{}", self.number), "name": self.name, "friendly_name": self.friendly, "port": 6053,
            "version": "2025.5.0", "mac": self.mac(), "platform": "ESP32", "board": "esp32dev", "network": "wifi",
        });
        Message::retained(format!("esphome/discover/{}", self.name), description)
    }

    /// A sensor as the node announces it to Home Assistant: object, name, class, unit.
    pub(super) fn sensor(&self, object: &str, name: &str, class: &str, unit: &str) -> Message {
        let mut device = json!({
            "ids": self.mac(), "name": self.friendly, "sw": "2025.5.0 (ESPHome)", "mdl": "esp32dev", "mf": "Espressif",
        });
        if let (Some(area), Value::Object(members)) = (self.area, &mut device) {
            members.insert("sa".to_owned(), json!(area));
        }
        let config = json!({
            "dev_cla": class, "unit_of_meas": unit, "stat_cla": "measurement", "name": name,
            "stat_t": format!("{}/sensor/{object}/state", self.name), "avty_t": format!("{}/status", self.name),
            "uniq_id": format!("{}-sensor-{object}", self.mac()), "dev": device,
        });
        Message::retained(
            format!("homeassistant/sensor/{}/{object}/config", self.name),
            config,
        )
    }
}

/// A reading light that tells its address and its states, and nothing to Home Assistant.
pub(super) struct ReadingLight {
    on: bool,
    brightness: u64,
}

const LIGHT: Node = Node {
    name: "bedroom-reading-light",
    friendly: "Bedroom reading light",
    area: None,
    number: 0x33,
};

impl ReadingLight {
    pub(super) fn new() -> Self {
        Self {
            on: false,
            brightness: 110,
        }
    }

    fn topic(last: &str) -> String {
        format!("{}/light/reading_light/{last}", LIGHT.name)
    }
}

impl Device for ReadingLight {
    fn client_id(&self) -> String {
        "simulated-bedroom-reading-light".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::plain(format!("{}/status", LIGHT.name))
    }

    fn command_topics(&self) -> Vec<String> {
        vec![Self::topic("command")]
    }

    fn describe(&mut self, _now: Moment) -> Vec<Message> {
        vec![LIGHT.describe()]
    }

    fn announce(&mut self, _now: Moment) -> Vec<Message> {
        let state = json!({
            "state": if self.on { "ON" } else { "OFF" }, "color_mode": "brightness", "brightness": self.brightness,
        });
        vec![Message::retained(Self::topic("state"), state)]
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
            Some("TOGGLE") => self.on = !self.on,
            _ => {}
        }
        if let Some(brightness) = command.get("brightness").and_then(Value::as_u64) {
            self.brightness = brightness.min(255);
            self.on = self.brightness > 0;
        }
        self.announce(now)
    }
}
