//! A washing machine on a measuring Zigbee plug, with what a small program makes of its power.

use super::link_quality;
use crate::demo::{
    Availability, Device, Message, Moment,
    climate::round,
    noise::wander,
    time::{Every, to_f64},
};
use serde_json::{Value, json};

/// Phase, minutes it lasts, watts, how much the watts go up and down.
const CYCLE: [(&str, u64, f64, f64); 6] = [
    ("filling", 1, 28.0, 6.0),
    ("heating", 3, 1_980.0, 40.0),
    ("washing", 6, 160.0, 90.0),
    ("rinsing", 4, 110.0, 60.0),
    ("spinning", 3, 420.0, 150.0),
    ("done", 3, 2.1, 0.2),
];
/// Then it stands still for as long.
const IDLE_MINUTES: u64 = 20;
const MINUTE_MS: u64 = 60_000;
const TOPIC: &str = "home/hauswirtschaftsraum/washing-machine";

pub(super) struct WashingMachine {
    seed: u64,
    on: bool,
    energy_kwh: f64,
    updated_ms: Option<u64>,
    told: Option<(&'static str, u64)>,
    due: Every,
}

impl WashingMachine {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            on: true,
            energy_kwh: 87.21,
            updated_ms: None,
            told: None,
            due: Every::default(),
        }
    }

    /// Phase, minutes to the end, watts.
    fn phase(&self, now: Moment) -> (&'static str, u64, f64) {
        if !self.on {
            return ("idle", 0, 0.0);
        }
        let cycle_minutes: u64 = CYCLE.iter().map(|(_, minutes, ..)| minutes).sum();
        let mut minute = now.since_start_ms / MINUTE_MS % (cycle_minutes + IDLE_MINUTES);
        let working_minutes = cycle_minutes - 3;
        let left = working_minutes.saturating_sub(minute);
        for (phase, minutes, watts, swing) in CYCLE {
            if minute < minutes {
                return (phase, left, watts + swing * wander(self.seed, now, 5_000));
            }
            minute -= minutes;
        }
        ("idle", 0, 0.8)
    }

    fn measure(&mut self, now: Moment, watts: f64) -> Message {
        let passed_ms = now
            .home_ms
            .saturating_sub(self.updated_ms.replace(now.home_ms).unwrap_or(now.home_ms));
        self.energy_kwh += watts * to_f64(passed_ms) / 3_600_000.0 / 1_000.0;
        let voltage = 230.0 + 2.0 * wander(self.seed ^ 1, now, 30_000);
        let payload = json!({
            "state": if self.on { "ON" } else { "OFF" },
            "power": round(watts, 1),
            "energy": round(self.energy_kwh, 2),
            "voltage": round(voltage, 0),
            "current": round(watts / voltage, 2),
            "linkquality": link_quality(self.seed, now),
        });
        Message::retained("zigbee2mqtt/Waschmaschine", payload)
    }
}

impl Device for WashingMachine {
    fn client_id(&self) -> String {
        "simulated-washing-machine".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::zigbee2mqtt("Waschmaschine")
    }

    fn command_topics(&self) -> Vec<String> {
        ["set", "get"]
            .map(|word| format!("zigbee2mqtt/Waschmaschine/{word}"))
            .to_vec()
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        self.told = None;
        self.due = Every::default();
        self.simulate(now)
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        let (phase, left, watts) = self.phase(now);
        let mut messages = Vec::new();
        if self.told != Some((phase, left)) {
            self.told = Some((phase, left));
            messages.push(Message::retained(format!("{TOPIC}/phase"), phase));
            messages.push(Message::retained(format!("{TOPIC}/minutes_left"), left));
        }
        let period_ms = if watts > 5.0 { 4_000 } else { 30_000 };
        if self.due.is_due(now, period_ms) {
            messages.push(self.measure(now, watts));
        }
        messages
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
        self.on = match word.unwrap_or(payload).trim().to_ascii_uppercase().as_str() {
            "ON" => true,
            "OFF" => false,
            "TOGGLE" => !self.on,
            _ => return Vec::new(),
        };
        self.announce(now)
    }
}
