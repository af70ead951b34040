//! The television on a Tasmota plug that measures power and energy.

use super::tasmota::Tasmota;
use crate::demo::{
    Availability, Device, Message, Moment,
    climate::round,
    noise::{happens, wander},
    time::{Every, to_f64},
};
use serde_json::{Value, json};

pub(super) struct Plug {
    seed: u64,
    device: &'static str,
    on: bool,
    energy_kwh: f64,
    today: (u64, f64),
    updated_ms: Option<u64>,
    due: Every,
}

impl Plug {
    pub(super) fn new(seed: u64, device: &'static str) -> Self {
        Self {
            seed,
            device,
            on: true,
            energy_kwh: 412.437,
            today: (0, 0.0),
            updated_ms: None,
            due: Every::default(),
        }
    }

    fn power(&self, now: Moment) -> f64 {
        if !self.on {
            return 0.0;
        }
        let evening = (18.0..23.5).contains(&now.hour_of_day());
        if evening || happens(self.seed, now, 10, 3_600_000) {
            96.0 + 22.0 * wander(self.seed ^ 1, now, 7_000) + 9.0 * wander(self.seed ^ 2, now, 240_000)
        } else {
            1.4 + 0.3 * wander(self.seed ^ 3, now, 12_000)
        }
    }

    fn sensors(&mut self, now: Moment) -> Value {
        let power = self.power(now);
        let passed_ms = now
            .home_ms
            .saturating_sub(self.updated_ms.replace(now.home_ms).unwrap_or(now.home_ms));
        let used_kwh = power * to_f64(passed_ms) / 3_600_000.0 / 1_000.0;
        self.energy_kwh += used_kwh;
        self.today = if self.today.0 == now.day() {
            (now.day(), self.today.1 + used_kwh)
        } else {
            (now.day(), used_kwh)
        };
        let voltage = 230.0 + 2.5 * wander(self.seed ^ 4, now, 30_000);
        json!({
            "Time": now.date_time(),
            "ENERGY": {
                "Total": round(self.energy_kwh, 3),
                "Today": round(self.today.1, 3),
                "Power": round(power, 1),
                "Voltage": round(voltage, 0),
                "Current": round(power / voltage, 3),
            },
        })
    }

    fn measure(&mut self, now: Moment) -> Vec<Message> {
        let sensors = self.sensors(now);
        vec![Message::passing(format!("tele/{}/SENSOR", self.device), sensors)]
    }

    fn state(&self) -> Vec<Message> {
        let on_off = if self.on { "ON" } else { "OFF" };
        vec![
            Message::passing(format!("stat/{}/RESULT", self.device), json!({"POWER": on_off})),
            Message::retained(format!("stat/{}/POWER", self.device), on_off),
        ]
    }
}

impl Device for Plug {
    fn client_id(&self) -> String {
        format!("simulated-{}", self.device)
    }

    fn availability(&self) -> Availability {
        Availability::tasmota(self.device)
    }

    fn command_topics(&self) -> Vec<String> {
        vec![format!("cmnd/{}/POWER", self.device)]
    }

    fn describe(&mut self, now: Moment) -> Vec<Message> {
        let tasmota = Tasmota {
            topic: self.device,
            name: "Living room TV and media",
            model: "Nous A1T",
            number: 2,
            relay: 1,
            light: 0,
        };
        let sensors = self.sensors(now);
        tasmota.describe(&sensors)
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        let mut messages = self.state();
        messages.extend(self.measure(now));
        messages
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if self.due.is_due(now, 3_000) {
            self.measure(now)
        } else {
            Vec::new()
        }
    }

    fn obey(&mut self, now: Moment, _topic: &str, payload: &str) -> Vec<Message> {
        self.on = match payload.trim().to_ascii_uppercase().as_str() {
            "ON" | "1" => true,
            "OFF" | "0" => false,
            "TOGGLE" | "2" => !self.on,
            "" => self.on,
            _ => {
                return vec![Message::passing(
                    format!("stat/{}/RESULT", self.device),
                    json!({"Command": "Error"}),
                )];
            }
        };
        self.announce(now)
    }
}
