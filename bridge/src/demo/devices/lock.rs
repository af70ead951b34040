//! The lock of the front door.

use super::link_quality;
use crate::demo::{Availability, Device, Message, Moment};
use serde_json::{Value, json};

pub(super) struct Lock {
    seed: u64,
    locked: bool,
    /// The bolt is on its way until then.
    turns_until_ms: Option<u64>,
}

const NAME: &str = "Türschloss";

impl Lock {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            locked: true,
            turns_until_ms: None,
        }
    }
}

impl Device for Lock {
    fn client_id(&self) -> String {
        "simulated-front-door-lock".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::zigbee2mqtt(NAME)
    }

    fn command_topics(&self) -> Vec<String> {
        ["set", "get"]
            .map(|word| format!("zigbee2mqtt/{NAME}/{word}"))
            .to_vec()
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        let lock_state = match (self.turns_until_ms, self.locked) {
            (Some(_), _) => "not_fully_locked",
            (None, true) => "locked",
            (None, false) => "unlocked",
        };
        let payload = json!({
            "state": if self.locked { "LOCK" } else { "UNLOCK" },
            "lock_state": lock_state,
            "battery": 63,
            "linkquality": link_quality(self.seed, now),
        });
        vec![Message::retained(format!("zigbee2mqtt/{NAME}"), payload)]
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        match self.turns_until_ms {
            Some(until_ms) if now.since_start_ms >= until_ms => {
                self.turns_until_ms = None;
                self.announce(now)
            }
            _ => Vec::new(),
        }
    }

    fn obey(&mut self, now: Moment, topic: &str, payload: &str) -> Vec<Message> {
        if topic.ends_with("/get") {
            return self.announce(now);
        }
        let command: Option<Value> = serde_json::from_str(payload).ok();
        let word = command
            .as_ref()
            .and_then(|command| command.get("state"))
            .and_then(Value::as_str);
        let locked = match word.unwrap_or(payload).trim().to_ascii_uppercase().as_str() {
            "LOCK" => true,
            "UNLOCK" => false,
            _ => return Vec::new(),
        };
        if locked != self.locked {
            self.locked = locked;
            self.turns_until_ms = Some(now.since_start_ms + 1_500);
        }
        self.announce(now)
    }
}
