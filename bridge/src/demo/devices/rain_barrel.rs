//! A rain barrel whose level comes as CloudEvents: what a program behind Dapr publishes.
//!
//! The envelope is that of <https://docs.dapr.io/developing-applications/building-blocks/pubsub/pubsub-cloudevents/>.

use crate::demo::{
    Availability, Device, Message, Moment,
    climate::{outside, round},
    noise::wander,
    time::Every,
};
use serde_json::json;

pub(super) struct RainBarrel {
    seed: u64,
    home_seed: u64,
    events: u64,
    due: Every,
}

const TOPIC: &str = "home/outdoors/rain-barrel";

impl RainBarrel {
    pub(super) fn new(seed: u64, home_seed: u64) -> Self {
        Self {
            seed,
            home_seed,
            events: 0,
            due: Every::default(),
        }
    }
}

impl Device for RainBarrel {
    fn client_id(&self) -> String {
        "simulated-rain-barrel".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::plain(format!("{TOPIC}/status"))
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        self.events += 1;
        let event = json!({
            "specversion": "1.0",
            "id": format!("{:08x}-{}", self.seed >> 32, self.events),
            "source": "barrel-app",
            "type": "com.dapr.event.sent",
            "topic": TOPIC,
            "pubsubname": "mqtt",
            "time": format!("{}Z", now.date_time()),
            "datacontenttype": "application/json",
            "data": {
                "level_percent": round(62.0 + 20.0 * wander(self.seed, now, 43_200_000), 1),
                "temperature": round(outside(self.home_seed, now) * 0.6 + 4.0, 1),
            },
        });
        vec![Message::retained(TOPIC, event)]
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if self.due.is_due(now, 21_000) {
            self.announce(now)
        } else {
            Vec::new()
        }
    }
}
