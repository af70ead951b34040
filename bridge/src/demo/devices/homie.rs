//! Two lights that speak Homie: one version 5, one version 4.
//!
//! Forms after <https://github.com/homieiot/convention>.

use crate::demo::{
    Availability, Device, Message, Moment,
    climate::{outside, round},
    time::Every,
};
use serde_json::json;

/// A floor lamp, version 5: one description, and a topic for each value. It dims slowly, and says where it is going.
pub(super) struct FloorLamp {
    on: bool,
    brightness: u64,
    target: u64,
    step: Every,
}

const LAMP: &str = "homie/5/floor-lamp";
/// It dims by so many % a second.
const DIMS_BY: u64 = 20;

impl FloorLamp {
    pub(super) fn new() -> Self {
        Self {
            on: false,
            brightness: 45,
            target: 45,
            step: Every::default(),
        }
    }
}

impl FloorLamp {
    fn target(&self) -> Message {
        Message::retained(format!("{LAMP}/light/brightness/$target"), self.target)
    }

    fn brightness(&self) -> Message {
        Message::retained(format!("{LAMP}/light/brightness"), self.brightness)
    }
}

impl Device for FloorLamp {
    fn client_id(&self) -> String {
        "simulated-floor-lamp".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::new(format!("{LAMP}/$state"), "ready", "lost")
    }

    fn command_topics(&self) -> Vec<String> {
        vec![format!("{LAMP}/+/+/set")]
    }

    fn describe(&mut self, _now: Moment) -> Vec<Message> {
        let description = json!({
            "homie": "5.0", "version": 1, "name": "Living room floor lamp", "type": "lamp",
            "nodes": {"light": {"name": "Light", "properties": {
                "power": {"name": "Power", "datatype": "boolean", "settable": true},
                "brightness": {
                    "name": "Brightness", "datatype": "integer", "format": "0:100", "unit": "%", "settable": true,
                },
            }}},
        });
        vec![
            Message::retained(format!("{LAMP}/$state"), "init"),
            Message::retained(format!("{LAMP}/$description"), description),
        ]
    }

    fn announce(&mut self, _now: Moment) -> Vec<Message> {
        vec![
            Message::retained(format!("{LAMP}/light/power"), self.on),
            self.target(),
            self.brightness(),
        ]
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if self.brightness == self.target || !self.step.is_due(now, 1_000) {
            return Vec::new();
        }
        let (lowest, highest) = (self.brightness.saturating_sub(DIMS_BY), self.brightness + DIMS_BY);
        self.brightness = self.target.clamp(lowest, highest);
        vec![self.brightness()]
    }

    fn obey(&mut self, now: Moment, topic: &str, payload: &str) -> Vec<Message> {
        match (topic.ends_with("/brightness/set"), payload.parse::<u64>()) {
            (true, Ok(target @ 0..=100)) => {
                self.target = target;
                return vec![self.target()];
            }
            (false, _) if matches!(payload, "true" | "false") => self.on = payload == "true",
            _ => return Vec::new(),
        }
        self.announce(now)
    }
}

/// Lights and a thermometer on the balcony, version 4: a topic for each attribute.
pub(super) struct Balcony {
    seed: u64,
    on: bool,
    due: Every,
}

const BALCONY: &str = "homie/balcony-box";

impl Balcony {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            on: false,
            due: Every::default(),
        }
    }

    fn temperature(&self, now: Moment) -> Message {
        let celsius = outside(self.seed, now) + 0.8;
        Message::retained(format!("{BALCONY}/air/temperature"), round(celsius, 1))
    }
}

impl Device for Balcony {
    fn client_id(&self) -> String {
        "simulated-balcony-box".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::new(format!("{BALCONY}/$state"), "ready", "lost")
    }

    fn command_topics(&self) -> Vec<String> {
        vec![format!("{BALCONY}/lights/power/set")]
    }

    fn describe(&mut self, _now: Moment) -> Vec<Message> {
        let attributes = [
            ("$homie", "4.0.0"),
            ("$state", "init"),
            ("$name", "Outdoors balcony lights"),
            ("$implementation", "esp8266"),
            ("$nodes", "lights,air"),
            ("lights/$name", "Lights"),
            ("lights/$type", "string of lights"),
            ("lights/$properties", "power"),
            ("lights/power/$name", "Lights"),
            ("lights/power/$datatype", "boolean"),
            ("lights/power/$settable", "true"),
            ("air/$name", "Air"),
            ("air/$type", "DS18B20"),
            ("air/$properties", "temperature"),
            ("air/temperature/$name", "Temperature"),
            ("air/temperature/$datatype", "float"),
            ("air/temperature/$unit", "°C"),
        ];
        let messages = attributes.into_iter();
        messages
            .map(|(below, words)| Message::retained(format!("{BALCONY}/{below}"), words))
            .collect()
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        let power = Message::retained(format!("{BALCONY}/lights/power"), self.on);
        vec![power, self.temperature(now)]
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if self.due.is_due(now, 25_000) {
            vec![self.temperature(now)]
        } else {
            Vec::new()
        }
    }

    fn obey(&mut self, now: Moment, _topic: &str, payload: &str) -> Vec<Message> {
        match payload {
            "true" => self.on = true,
            "false" => self.on = false,
            _ => return Vec::new(),
        }
        self.announce(now)
    }
}
