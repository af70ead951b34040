//! A battery sensor in the freezer with a bad contact: after a while it says nothing, and two minutes later it does again.

use super::link_quality;
use crate::demo::{Availability, Device, Message, Moment, climate::round, noise::wander, time::Every};
use serde_json::json;

pub(super) struct Freezer {
    seed: u64,
    due: Every,
}

const NAME: &str = "Gefriertruhe";
/// It speaks for so long …
const SPEAKS_MS: u64 = 30_000;
/// … and then not, until it begins anew.
const ROUND_MS: u64 = 150_000;

impl Freezer {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            due: Every::default(),
        }
    }
}

impl Device for Freezer {
    fn client_id(&self) -> String {
        "simulated-freezer-sensor".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::zigbee2mqtt(NAME)
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        let since_ms = now.since_start_ms % ROUND_MS;
        if since_ms >= SPEAKS_MS {
            return Vec::new();
        }
        let battery = 6 - since_ms * 5 / SPEAKS_MS;
        let payload = json!({
            "temperature": round(-18.6 + 0.8 * wander(self.seed, now, 600_000), 2),
            "battery": battery,
            "battery_low": true,
            "last_seen": format!("{}+00:00", now.date_time()),
            "linkquality": link_quality(self.seed, now),
        });
        vec![Message::retained(format!("zigbee2mqtt/{NAME}"), payload)]
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if self.due.is_due(now, 5_000) {
            self.announce(now)
        } else {
            Vec::new()
        }
    }
}
