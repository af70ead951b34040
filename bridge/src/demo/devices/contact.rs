//! Doors and windows that open and close.

use super::link_quality;
use crate::demo::{Availability, Device, Message, Moment, noise::happens, time::Every};
use serde_json::json;

pub(super) struct Contact {
    seed: u64,
    id: &'static str,
    shape: Shape,
    times_per_day: u64,
    lasts_ms: u64,
    was_open: Option<bool>,
    due: Every,
}

enum Shape {
    /// `<topic>/state`: `open` or `closed`, retained.
    Plain { topic: &'static str },
    /// `{"contact": true}` means closed.
    Zigbee2mqtt { friendly_name: &'static str },
}

impl Contact {
    pub(super) fn zigbee2mqtt(
        seed: u64,
        friendly_name: &'static str,
        id: &'static str,
        times_per_day: u64,
        lasts_ms: u64,
    ) -> Self {
        let shape = Shape::Zigbee2mqtt { friendly_name };
        Self::new(seed, shape, id, times_per_day, lasts_ms)
    }

    pub(super) fn plain(
        seed: u64,
        topic: &'static str,
        id: &'static str,
        times_per_day: u64,
        lasts_ms: u64,
    ) -> Self {
        let shape = Shape::Plain { topic };
        Self::new(seed, shape, id, times_per_day, lasts_ms)
    }

    fn new(seed: u64, shape: Shape, id: &'static str, times_per_day: u64, lasts_ms: u64) -> Self {
        Self {
            seed,
            id,
            shape,
            times_per_day,
            lasts_ms,
            was_open: None,
            due: Every::default(),
        }
    }

    fn is_open(&self, now: Moment) -> bool {
        happens(self.seed, now, self.times_per_day, self.lasts_ms)
    }
}

impl Device for Contact {
    fn client_id(&self) -> String {
        format!("simulated-{}", self.id)
    }

    fn availability(&self) -> Availability {
        match self.shape {
            Shape::Plain { topic } => Availability::plain(format!("{topic}/status")),
            Shape::Zigbee2mqtt { friendly_name } => Availability::zigbee2mqtt(friendly_name),
        }
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        let open = self.is_open(now);
        self.was_open = Some(open);
        match self.shape {
            Shape::Plain { topic } => {
                vec![Message::retained(
                    format!("{topic}/state"),
                    if open { "open" } else { "closed" },
                )]
            }
            Shape::Zigbee2mqtt { friendly_name } => {
                let payload = json!({
                    "contact": !open,
                    "battery": 55 + self.seed % 45,
                    "linkquality": link_quality(self.seed, now),
                });
                vec![Message::retained(format!("zigbee2mqtt/{friendly_name}"), payload)]
            }
        }
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        let changed = self.was_open != Some(self.is_open(now));
        // Zigbee sensors also speak up now and then to say that they are alive.
        let alive = matches!(self.shape, Shape::Zigbee2mqtt { .. }) && self.due.is_due(now, 50_000);
        if changed || alive {
            self.announce(now)
        } else {
            Vec::new()
        }
    }
}
