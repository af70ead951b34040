//! Motion sensors.

use super::link_quality;
use crate::demo::{
    Availability, Device, Message, Moment,
    climate::sun,
    noise::{happens, wander},
};
use serde_json::json;

pub(super) struct Motion {
    seed: u64,
    home_seed: u64,
    id: &'static str,
    shape: Shape,
    was_seen: Option<bool>,
}

enum Shape {
    /// `<topic>/state`: `ON` or `OFF`.
    Plain {
        topic: &'static str,
    },
    Zigbee2mqtt {
        friendly_name: &'static str,
    },
}

impl Motion {
    pub(super) fn zigbee2mqtt(
        seed: u64,
        home_seed: u64,
        friendly_name: &'static str,
        id: &'static str,
    ) -> Self {
        Self {
            seed,
            home_seed,
            id,
            shape: Shape::Zigbee2mqtt { friendly_name },
            was_seen: None,
        }
    }

    pub(super) fn plain(seed: u64, topic: &'static str, id: &'static str) -> Self {
        Self {
            seed,
            home_seed: seed,
            id,
            shape: Shape::Plain { topic },
            was_seen: None,
        }
    }

    fn is_seen(&self, now: Moment) -> bool {
        let (times_per_day, lasts_ms) = match self.shape {
            Shape::Plain { .. } => (300, 12_000),
            Shape::Zigbee2mqtt { .. } => (1_000, 25_000),
        };
        happens(self.seed, now, times_per_day, lasts_ms)
    }
}

impl Device for Motion {
    fn client_id(&self) -> String {
        format!("simulated-{}-motion", self.id)
    }

    fn availability(&self) -> Availability {
        match self.shape {
            Shape::Plain { topic } => Availability::plain(format!("{topic}/status")),
            Shape::Zigbee2mqtt { friendly_name } => Availability::zigbee2mqtt(friendly_name),
        }
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        let seen = self.is_seen(now);
        self.was_seen = Some(seen);
        match self.shape {
            Shape::Plain { topic } => {
                vec![Message::retained(
                    format!("{topic}/state"),
                    if seen { "ON" } else { "OFF" },
                )]
            }
            Shape::Zigbee2mqtt { friendly_name } => {
                let light = 15.0 + 220.0 * sun(now) + 8.0 * wander(self.home_seed ^ 0x33, now, 60_000);
                let payload = json!({
                    "occupancy": seen,
                    "illuminance": light.round().max(0.0),
                    "battery": 74,
                    "linkquality": link_quality(self.seed, now),
                });
                vec![Message::passing(format!("zigbee2mqtt/{friendly_name}"), payload)]
            }
        }
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if self.was_seen == Some(self.is_seen(now)) {
            Vec::new()
        } else {
            self.announce(now)
        }
    }
}
