//! How devices with Tasmota announce themselves, and a plug that loses its Wi-Fi again and again.
//!
//! Forms after <https://tasmota.github.io/docs/MQTT/>; `shared/devices/tests/fixtures/tasmota` has those of real devices.

use crate::demo::{Availability, Device, Message, Moment, climate::round, noise::wander};
use serde_json::{Value, json};

/// What a device with Tasmota is.
pub(super) struct Tasmota {
    /// `%topic%`
    pub(super) topic: &'static str,
    /// For people.
    pub(super) name: &'static str,
    pub(super) model: &'static str,
    /// The last byte of its address.
    pub(super) number: u8,
    /// `rl`: 0 none, 1 a relay, 2 a light.
    pub(super) relay: u8,
    /// `lt_st`: how many channels its light has.
    pub(super) light: u8,
}

impl Tasmota {
    /// `tasmota/discovery/<MAC>/config` and `…/sensors`.
    pub(super) fn describe(&self, sensors: &Value) -> Vec<Message> {
        // Of the range for documents, 00-00-5E-00-53-00 to -FF.
        let mac = format!("00005E0053{:02X}", self.number);
        let none: [Option<&str>; 8] = [None; 8];
        let (unset, zero) = ([-1; 8], [0; 8]);
        let mut relays = [0; 8];
        if let Some(first) = relays.first_mut() {
            *first = self.relay;
        }
        let config = json!({
            "ip": format!("192.0.2.{}", self.number), "dn": self.name, "fn": none, "hn": self.topic, "mac": mac,
            "md": self.model, "ty": 0, "if": 0, "ofln": "Offline", "onln": "Online",
            "state": ["OFF", "ON", "TOGGLE", "HOLD"], "sw": "14.2.0", "t": self.topic, "ft": "%prefix%/%topic%/",
            "tp": ["cmnd", "stat", "tele"], "rl": relays, "swc": unset, "swn": none, "btn": zero,
            "so": {"4": 0, "11": 0, "13": 0, "17": 0, "20": 0, "30": 0, "68": 0, "73": 0, "82": 0, "114": 0, "117": 0},
            "lk": 0, "lt_st": self.light, "bat": 0, "dslp": 0, "sho": [], "sht": [], "ver": 1,
        });
        let sensors = json!({"sn": sensors, "ver": 1});
        vec![
            Message::retained(format!("tasmota/discovery/{mac}/config"), config),
            Message::retained(format!("tasmota/discovery/{mac}/sensors"), sensors),
        ]
    }
}

/// A fault on purpose: it hangs on the edge of its Wi-Fi, and the broker keeps saying that it is gone.
pub(super) struct Pump {
    seed: u64,
    on: bool,
    is_gone: bool,
}

const PUMP: Tasmota = Tasmota {
    topic: "outdoors-pump",
    name: "Outdoors fountain pump",
    model: "Nous A1T",
    number: 4,
    relay: 1,
    light: 0,
};
/// It is there for so long, and then gone for as long.
const HOLD_MS: u64 = 12_000;

impl Pump {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            on: true,
            is_gone: false,
        }
    }

    fn on_off(&self) -> &'static str {
        if self.on { "ON" } else { "OFF" }
    }

    fn sensors(&self, now: Moment) -> Value {
        let power = if self.on {
            18.0 + wander(self.seed, now, 9_000)
        } else {
            0.0
        };
        json!({"Time": now.date_time(), "ENERGY": {"Power": round(power, 1)}})
    }
}

impl Device for Pump {
    fn client_id(&self) -> String {
        "simulated-outdoors-pump".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::tasmota(PUMP.topic)
    }

    fn command_topics(&self) -> Vec<String> {
        vec![format!("cmnd/{}/POWER", PUMP.topic)]
    }

    fn describe(&mut self, now: Moment) -> Vec<Message> {
        self.is_gone = false;
        PUMP.describe(&self.sensors(now))
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        vec![
            Message::retained(format!("stat/{}/POWER", PUMP.topic), self.on_off()),
            Message::passing(format!("tele/{}/SENSOR", PUMP.topic), self.sensors(now)),
        ]
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        let is_gone = now.since_start_ms / HOLD_MS % 2 == 1;
        if is_gone == self.is_gone {
            return Vec::new();
        }
        self.is_gone = is_gone;
        let word = if is_gone { "Offline" } else { "Online" };
        let mut messages = vec![Message::retained(format!("tele/{}/LWT", PUMP.topic), word)];
        if !is_gone {
            messages.extend(self.announce(now));
        }
        messages
    }

    fn obey(&mut self, now: Moment, _topic: &str, payload: &str) -> Vec<Message> {
        if self.is_gone {
            return Vec::new();
        }
        self.on = match payload.trim().to_ascii_uppercase().as_str() {
            "ON" | "1" => true,
            "OFF" | "0" => false,
            "TOGGLE" | "2" => !self.on,
            _ => return Vec::new(),
        };
        let result = Message::passing(
            format!("stat/{}/RESULT", PUMP.topic),
            json!({"POWER": self.on_off()}),
        );
        std::iter::once(result).chain(self.announce(now)).collect()
    }
}
