//! A shutter and a garage door: they take their time.

use crate::demo::{Availability, Device, Message, Moment};
use serde_json::{Value, json};

pub(super) struct Cover {
    id: &'static str,
    shape: Shape,
    /// 0 is closed, 100 is open.
    position: u64,
    target: u64,
    moved_ms: u64,
}

#[derive(Clone, Copy)]
enum Shape {
    /// `{"position": 40, "state": "OPEN"}`; takes `state` and `position`.
    Zigbee2mqtt { friendly_name: &'static str },
    /// `<topic>/state`: open, opening, closed, closing, stopped; `<topic>/set`: OPEN, CLOSE, STOP.
    Plain { topic: &'static str },
}

/// From end to end it takes twenty seconds.
const MS_PER_STEP: u64 = 200;

impl Cover {
    pub(super) fn zigbee2mqtt(friendly_name: &'static str, id: &'static str) -> Self {
        Self {
            id,
            shape: Shape::Zigbee2mqtt { friendly_name },
            position: 100,
            target: 100,
            moved_ms: 0,
        }
    }

    pub(super) fn plain(topic: &'static str, id: &'static str) -> Self {
        Self {
            id,
            shape: Shape::Plain { topic },
            // Somebody forgot to close it.
            position: 100,
            target: 100,
            moved_ms: 0,
        }
    }

    fn state(&self) -> &'static str {
        match (self.position, self.target) {
            (position, target) if position < target => "opening",
            (position, target) if position > target => "closing",
            (0, _) => "closed",
            (100, _) => "open",
            _ => "stopped",
        }
    }

    fn go(&mut self, now: Moment, word: &str) -> bool {
        self.target = match word.trim().to_ascii_uppercase().as_str() {
            "OPEN" => 100,
            "CLOSE" => 0,
            "STOP" => self.position,
            _ => return false,
        };
        self.moved_ms = now.since_start_ms;
        true
    }
}

impl Device for Cover {
    fn client_id(&self) -> String {
        format!("simulated-{}-cover", self.id)
    }

    fn availability(&self) -> Availability {
        match self.shape {
            Shape::Zigbee2mqtt { friendly_name } => Availability::zigbee2mqtt(friendly_name),
            Shape::Plain { topic } => Availability::plain(format!("{topic}/status")),
        }
    }

    fn command_topics(&self) -> Vec<String> {
        match self.shape {
            Shape::Zigbee2mqtt { friendly_name } => ["set", "get"]
                .map(|word| format!("zigbee2mqtt/{friendly_name}/{word}"))
                .to_vec(),
            Shape::Plain { topic } => vec![format!("{topic}/set")],
        }
    }

    fn announce(&mut self, _now: Moment) -> Vec<Message> {
        match self.shape {
            Shape::Zigbee2mqtt { friendly_name } => {
                let state = if self.position > 0 { "OPEN" } else { "CLOSE" };
                let payload = json!({
                    "position": self.position,
                    "state": state,
                    "moving": match self.state() { "opening" => "UP", "closing" => "DOWN", _ => "STOP" },
                    "linkquality": 102,
                });
                vec![Message::retained(format!("zigbee2mqtt/{friendly_name}"), payload)]
            }
            Shape::Plain { topic } => vec![Message::retained(format!("{topic}/state"), self.state())],
        }
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if self.position == self.target {
            return Vec::new();
        }
        let before = self.state();
        let steps = now.since_start_ms.saturating_sub(self.moved_ms) / MS_PER_STEP;
        self.moved_ms += steps * MS_PER_STEP;
        self.position = if self.position < self.target {
            (self.position + steps).min(self.target)
        } else {
            self.position.saturating_sub(steps).max(self.target)
        };
        match self.shape {
            Shape::Zigbee2mqtt { .. } if steps > 0 => self.announce(now),
            Shape::Plain { .. } if self.state() != before => self.announce(now),
            Shape::Zigbee2mqtt { .. } | Shape::Plain { .. } => Vec::new(),
        }
    }

    fn obey(&mut self, now: Moment, topic: &str, payload: &str) -> Vec<Message> {
        if topic.ends_with("/get") {
            return self.announce(now);
        }
        let command: Option<Value> = serde_json::from_str(payload).ok();
        let position = command
            .as_ref()
            .and_then(|command| command.get("position"))
            .and_then(Value::as_u64);
        let word = command
            .as_ref()
            .and_then(|command| command.get("state"))
            .and_then(Value::as_str);
        let obeyed = match (self.shape, position) {
            (Shape::Zigbee2mqtt { .. }, Some(position)) => {
                self.target = position.min(100);
                self.moved_ms = now.since_start_ms;
                true
            }
            (Shape::Zigbee2mqtt { .. }, None) => self.go(now, word.unwrap_or(payload)),
            (Shape::Plain { .. }, _) => self.go(now, payload),
        };
        if obeyed { self.announce(now) } else { Vec::new() }
    }
}
