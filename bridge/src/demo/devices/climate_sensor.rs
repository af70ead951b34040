//! Temperature and humidity of a room, in the shapes of four kinds of sensor.

use super::{esphome::Node, link_quality, tasmota::Tasmota};
use crate::demo::{
    Availability, Device, Message, Moment,
    climate::{Room, round},
    time::Every,
};
use serde_json::{Value, json};

pub(super) struct ClimateSensor {
    home_seed: u64,
    room: Room,
    id: &'static str,
    shape: Shape,
    due: Every,
}

enum Shape {
    /// `home/<room>/climate/temperature`, retained.
    Plain,
    /// `<node>/sensor/<object>/state`, retained.
    Esphome,
    /// `zigbee2mqtt/<friendly name>`, one JSON, not retained.
    Zigbee2mqtt { friendly_name: &'static str },
    /// `tele/<device>/SENSOR`, one JSON, not retained.
    Tasmota,
}

impl ClimateSensor {
    pub(super) fn plain(home_seed: u64, room: Room, id: &'static str) -> Self {
        Self {
            home_seed,
            room,
            id,
            shape: Shape::Plain,
            due: Every::default(),
        }
    }

    pub(super) fn esphome(home_seed: u64, room: Room, id: &'static str) -> Self {
        Self {
            home_seed,
            room,
            id,
            shape: Shape::Esphome,
            due: Every::default(),
        }
    }

    pub(super) fn zigbee2mqtt(
        home_seed: u64,
        room: Room,
        friendly_name: &'static str,
        id: &'static str,
    ) -> Self {
        Self {
            home_seed,
            room,
            id,
            shape: Shape::Zigbee2mqtt { friendly_name },
            due: Every::default(),
        }
    }

    pub(super) fn tasmota(home_seed: u64, room: Room, id: &'static str) -> Self {
        Self {
            home_seed,
            room,
            id,
            shape: Shape::Tasmota,
            due: Every::default(),
        }
    }

    /// No two sensors report at the same moment for long.
    fn period_ms(&self) -> u64 {
        11_000 + self.room.seed % 9_000
    }
}

const NODE: Node = Node {
    name: "kitchen-sensor",
    friendly: "Kitchen sensor",
    area: None,
    number: 0x32,
};
const GARAGE: Tasmota = Tasmota {
    topic: "garage",
    name: "Garage climate",
    model: "Generic",
    number: 3,
    relay: 0,
    light: 0,
};

/// What a sensor with Tasmota says.
fn tasmota(now: Moment, temperature: f64, humidity: f64) -> Value {
    json!({
        "Time": now.date_time(),
        "AM2301": {
            "Temperature": round(temperature, 1),
            "Humidity": round(humidity, 1),
            "DewPoint": round(temperature - (100.0 - humidity) / 5.0, 1),
        },
        "TempUnit": "C",
    })
}

impl Device for ClimateSensor {
    fn client_id(&self) -> String {
        format!("simulated-{}-climate", self.id)
    }

    fn availability(&self) -> Availability {
        let id = self.id;
        match self.shape {
            Shape::Plain => Availability::plain(format!("home/{id}/climate/status")),
            Shape::Esphome => Availability::plain(format!("{id}/status")),
            Shape::Zigbee2mqtt { friendly_name } => Availability::zigbee2mqtt(friendly_name),
            Shape::Tasmota => Availability::tasmota(id),
        }
    }

    fn describe(&mut self, now: Moment) -> Vec<Message> {
        match self.shape {
            Shape::Esphome => vec![
                NODE.describe(),
                NODE.sensor("temperature", "Temperature", "temperature", "°C"),
                NODE.sensor("humidity", "Humidity", "humidity", "%"),
            ],
            Shape::Tasmota => {
                let temperature = self.room.temperature(self.home_seed, now);
                GARAGE.describe(&tasmota(
                    now,
                    temperature,
                    self.room.humidity(self.home_seed, now),
                ))
            }
            // The gateway speaks for its devices.
            Shape::Plain | Shape::Zigbee2mqtt { .. } => Vec::new(),
        }
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        let temperature = self.room.temperature(self.home_seed, now);
        let humidity = self.room.humidity(self.home_seed, now);
        let id = self.id;
        match self.shape {
            Shape::Plain => vec![
                Message::retained(format!("home/{id}/climate/temperature"), round(temperature, 1)),
                Message::retained(format!("home/{id}/climate/humidity"), round(humidity, 0)),
            ],
            Shape::Esphome => vec![
                Message::retained(
                    format!("{id}/sensor/temperature/state"),
                    format!("{temperature:.1}"),
                ),
                Message::retained(format!("{id}/sensor/humidity/state"), format!("{humidity:.1}")),
            ],
            Shape::Zigbee2mqtt { friendly_name } => {
                let payload = json!({
                    "temperature": round(temperature, 2),
                    "humidity": round(humidity, 2),
                    "battery": 40 + self.room.seed % 55,
                    "voltage": 2_900 + self.room.seed % 150,
                    "linkquality": link_quality(self.room.seed, now),
                });
                vec![Message::passing(format!("zigbee2mqtt/{friendly_name}"), payload)]
            }
            Shape::Tasmota => {
                let payload = tasmota(now, temperature, humidity);
                vec![Message::passing(format!("tele/{id}/SENSOR"), payload)]
            }
        }
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if self.due.is_due(now, self.period_ms()) {
            self.announce(now)
        } else {
            Vec::new()
        }
    }
}
