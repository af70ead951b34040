//! Air quality in the living room, as an ESPHome node publishes it.

use super::esphome::Node;
use crate::demo::{
    Availability, Device, Message, Moment,
    climate::round,
    noise::{happens, wander},
    time::Every,
};

pub(super) struct AirQuality {
    seed: u64,
    co2: f64,
    updated_ms: Option<u64>,
    due: Every,
}

const NODE: Node = Node {
    name: "air-quality",
    friendly: "Air quality",
    area: Some("Living room"),
    number: 0x31,
};

impl AirQuality {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            co2: 700.0,
            updated_ms: None,
            due: Every::default(),
        }
    }

    /// People breathe it up towards 1,500 ppm, an open window lets it down towards 430.
    fn breathe(&mut self, now: Moment) {
        let passed_ms = now
            .home_ms
            .saturating_sub(self.updated_ms.replace(now.home_ms).unwrap_or(now.home_ms));
        let aired = happens(self.seed ^ 2, now, 6, 600_000);
        let people = (7.0..9.0).contains(&now.hour_of_day()) || (16.5..23.0).contains(&now.hour_of_day());
        let (target, minutes) = match (aired, people) {
            (true, _) => (430.0, 8.0),
            (false, true) => (1_500.0, 120.0),
            (false, false) => (520.0, 150.0),
        };
        let minutes_passed = crate::demo::time::to_f64(passed_ms) / 60_000.0;
        self.co2 += (target - self.co2) * (1.0 - (-minutes_passed / minutes).exp());
    }
}

impl Device for AirQuality {
    fn client_id(&self) -> String {
        "simulated-living-room-air".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::plain(format!("{}/status", NODE.name))
    }

    fn describe(&mut self, _now: Moment) -> Vec<Message> {
        vec![
            NODE.describe(),
            NODE.sensor("co2", "CO2", "carbon_dioxide", "ppm"),
            NODE.sensor("pm_2_5", "PM2.5", "pm25", "µg/m³"),
        ]
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        self.breathe(now);
        let co2 = self.co2 + 6.0 * wander(self.seed, now, 15_000);
        let particles =
            (7.0 + 5.0 * wander(self.seed ^ 1, now, 1_800_000) + wander(self.seed ^ 3, now, 20_000)).max(0.0);
        vec![
            Message::retained(format!("{}/sensor/co2/state", NODE.name), round(co2, 0)),
            Message::retained(
                format!("{}/sensor/pm_2_5/state", NODE.name),
                format!("{particles:.1}"),
            ),
        ]
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if self.due.is_due(now, 8_000) {
            self.announce(now)
        } else {
            Vec::new()
        }
    }
}
