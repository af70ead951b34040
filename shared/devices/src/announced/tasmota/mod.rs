//! Tasmota's own discovery: `tasmota/discovery/<MAC>/config` and `/sensors`, which its devices keep at the broker.
//!
//! The config says what the relays are and how topics are built; the sensors are an example of what `tele/…/SENSOR` will say, with the
//! units it is in.

mod lights;
mod sensors;
mod zigbee;

use std::collections::HashMap;

use hearth_model::store::Arrival;

use super::extract::{Extract, Step};
use super::json::{Json, JsonLimits};
use super::model::{
    AnnouncedEntity, Announcement, Availability, AvailabilityCheck, Part, PartControl, Shows, StateRead,
};
use super::parts::{cover, is_topic, level, measured, single, switch, told};
use super::{Announcements, Format, identify};
use crate::class::Class;
use crate::command::{ControlKind, Payload, Verb, Write};
use crate::device::{EntityKind, Source, Value};

const PREFIX: &str = "tasmota/discovery/";
/// Devices remembered, because two messages make one.
const DEVICES: usize = 5_000;
/// Relays of one device.
const RELAYS: usize = 64;

/// The format.
#[derive(Debug, Default)]
pub(super) struct Tasmota {
    devices: HashMap<String, Halves>,
    behind: zigbee::Behind,
}

#[derive(Debug, Default)]
struct Halves {
    config: Option<Json>,
    sensors: Option<Json>,
}

fn half_of(topic: &str) -> Option<(&str, &str)> {
    let (mac, half) = topic.strip_prefix(PREFIX)?.split_once('/')?;
    matches!(half, "config" | "sensors").then_some((mac, half))
}

impl Format for Tasmota {
    fn wants(&self, topic: &str) -> bool {
        half_of(topic).is_some() || topic.ends_with("/SENSOR")
    }

    fn takes(&self, topic: &str) -> bool {
        half_of(topic).is_some() || self.behind.speaks_on(topic)
    }

    fn filters(&self) -> &'static [&'static str] {
        &["tasmota/discovery/+/config", "tasmota/discovery/+/sensors"]
    }

    fn apply(&mut self, now_ms: u64, arrival: &Arrival<'_>, announcements: &mut Announcements) {
        let topic = arrival.topic;
        let Some((mac, half)) = half_of(topic) else {
            return self.behind.apply(arrival, announcements);
        };
        let is_empty = arrival.payload.trim_ascii().is_empty();
        if is_empty {
            announcements.forget_payload(topic);
        } else if !announcements.is_news(topic, arrival.payload) {
            return;
        }
        announcements.forget_problems(topic);
        let parsed = match Json::parse(arrival.payload, JsonLimits::ANNOUNCEMENT) {
            _ if is_empty => None,
            Ok(parsed @ Json::Object(_)) => Some(parsed),
            Ok(_) => return announcements.refuse(now_ms, topic, "it is no object"),
            Err(fault) => return announcements.refuse(now_ms, topic, fault.reason()),
        };
        if !self.devices.contains_key(mac) && self.devices.len() >= DEVICES {
            return announcements.refuse(now_ms, topic, "there are too many devices");
        }
        let halves = self.devices.entry(mac.to_owned()).or_default();
        match half {
            "config" => halves.config = parsed,
            _ => halves.sensors = parsed,
        }
        let key = format!("{PREFIX}{mac}");
        let Some(config) = &halves.config else {
            announcements.remove(&key);
            if halves.sensors.is_none() {
                self.devices.remove(mac);
            }
            return;
        };
        match Tasmota::announcement(&key, mac, config, halves.sensors.as_ref()) {
            Ok(announcement) => announcements.set(announcement),
            Err(reason) => {
                announcements.refuse(now_ms, &format!("{key}/config"), reason);
                announcements.remove(&key);
            }
        }
    }
}

/// How a device builds its topics, and what else all of its things need.
struct Device<'a> {
    config: &'a Json,
    /// Of commands, answers and telemetry, with the slash at the end.
    prefixes: [String; 3],
    relays: Vec<u32>,
}

impl Tasmota {
    fn announcement(
        key: &str,
        mac: &str,
        config: &Json,
        sensors: Option<&Json>,
    ) -> Result<Announcement, &'static str> {
        let device = Device::new(config)?;
        let text = |name: &str| {
            config
                .get(name)
                .and_then(Json::text)
                .unwrap_or_default()
                .to_owned()
        };
        let word = |name: &str, default: &str| match text(name) {
            word if word.is_empty() => default.to_owned(),
            word => word,
        };
        let mut announcement = Announcement {
            key: key.to_owned(),
            topic: format!("{key}/config"),
            source: Source::TasmotaDiscovery,
            name: Some(word("dn", mac)),
            sleeps: config
                .get("dslp")
                .and_then(Json::number)
                .is_some_and(|sleeps| sleeps != 0.0),
            availability: Some(Availability {
                checks: vec![AvailabilityCheck::new(
                    &device.telemetry("LWT"),
                    &word("onln", "Online"),
                    &word("ofln", "Offline"),
                )],
                ..Availability::default()
            }),
            ..Announcement::default()
        };
        identify("tasmota", &word("mac", mac), &mut announcement.identifiers);
        // What is behind a bridge knows no more of it.
        announcement
            .identifiers
            .push(zigbee::bridge(&device.telemetry("")));
        let details = &mut announcement.details;
        details.manufacturer = "Tasmota".to_owned();
        (details.model, details.software) = (text("md"), text("sw"));
        if let Ok(address) = text("ip").parse::<std::net::Ipv4Addr>()
            && !address.is_unspecified()
        {
            details.configuration_url = format!("http://{address}/");
        }
        announcement.entities = device.entities();
        if let Some(sensors) = sensors.and_then(|sensors| sensors.get("sn")) {
            announcement.entities.extend(sensors::entities(&device, sensors));
        }
        Ok(announcement)
    }
}

impl<'a> Device<'a> {
    fn new(config: &'a Json) -> Result<Self, &'static str> {
        let text = |name: &str| config.get(name).and_then(Json::text).unwrap_or_default();
        let given = config.get("tp").map(Json::list).unwrap_or_default();
        let full = match text("ft") {
            "" => "%prefix%/%topic%/",
            full => full,
        };
        let build = |at: usize, default: &str| {
            let prefix = given.get(at).and_then(Json::text).unwrap_or(default);
            let topic = full
                .replace("%prefix%", prefix)
                .replace("%topic%", text("t"))
                .replace("%hostname%", text("hn"))
                .replace("%id%", text("mac"));
            if topic.ends_with('/') {
                topic
            } else {
                format!("{topic}/")
            }
        };
        let prefixes = [build(0, "cmnd"), build(1, "stat"), build(2, "tele")];
        if text("t").is_empty() || !prefixes.iter().all(|prefix| is_topic(prefix)) {
            return Err("its topic (t, ft) cannot be one");
        }
        let relays = config.get("rl").map(Json::list).unwrap_or_default();
        let relays = relays
            .iter()
            .take(RELAYS)
            .map(|kind| kind.number().unwrap_or_default() as u32);
        Ok(Self {
            config,
            prefixes,
            relays: relays.collect(),
        })
    }

    fn prefixed(&self, at: usize, rest: &str) -> String {
        format!("{}{rest}", self.prefixes.get(at).map_or("", String::as_str))
    }

    fn command(&self, name: &str) -> String {
        self.prefixed(0, name)
    }

    fn answer(&self, name: &str) -> String {
        self.prefixed(1, name)
    }

    fn telemetry(&self, name: &str) -> String {
        self.prefixed(2, name)
    }

    /// `SetOption…`
    fn option(&self, number: &str) -> bool {
        let option = self.config.get("so").and_then(|options| options.get(number));
        option.and_then(Json::number).is_some_and(|option| option != 0.0)
    }

    fn item(&self, list: &str, at: usize) -> Option<&'a Json> {
        self.config.get(list)?.list().get(at)
    }

    /// The word of a state: off, on, toggle, hold.
    fn word(&self, at: usize, default: &str) -> String {
        let word = self.item("state", at).and_then(Json::text);
        word.unwrap_or(default).to_owned()
    }

    /// Where a member of the state is said: on its own topic, in answers, and every few minutes.
    fn state(&self, name: &str, path: &[Step]) -> Vec<StateRead> {
        // With SetOption4 each answer has a topic of its own.
        let name = name.to_ascii_uppercase();
        let answers = if self.option("4") { &*name } else { "RESULT" };
        // The last is what it says when it is asked by `Status 11`.
        let asked = [&[Step::Member("StatusSTS".to_owned())], path].concat();
        let at = |topic: String, path: &[Step]| StateRead::new(&topic, Extract::Path(path.to_vec()));
        vec![
            at(self.telemetry("STATE"), path),
            at(self.answer(answers), path),
            at(self.answer("STATUS11"), &asked),
        ]
    }

    fn member(&self, name: &str) -> Vec<StateRead> {
        self.state(name, &[Step::Member(name.to_owned())])
    }

    fn sets(&self, verb: Verb, name: &str) -> Write {
        Write::new(verb, &self.command(name), Payload::Value)
    }

    fn says(&self, verb: Verb, name: &str, word: &str) -> Write {
        Write::new(verb, &self.command(name), Payload::Fixed(word.to_owned()))
    }

    /// A name for people; none where the device's own says it.
    fn name(&self, at: usize, count: usize) -> Option<String> {
        let name = self
            .item("fn", at)
            .and_then(Json::text)
            .filter(|name| !name.trim().is_empty());
        match name {
            Some(name) if self.config.get("dn").and_then(Json::text) == Some(name) || count == 1 => None,
            Some(name) => Some(name.to_owned()),
            None if count == 1 => None,
            None => Some(format!("Output {}", at + 1)),
        }
    }

    fn entities(&self) -> Vec<AnnouncedEntity> {
        let mut entities = Vec::new();
        let outputs = self.relays.iter().filter(|kind| **kind != 0).count();
        let lights = self.relays.iter().filter(|kind| **kind == 2).count();
        let is_fan = self.is_fan();
        let mut shutters = 0;
        let mut half_shutter = false;
        for (at, kind) in self.relays.iter().enumerate() {
            let parts = match kind {
                // The relays of a fan are its speeds.
                1 if is_fan => Vec::new(),
                1 => vec![self.power(at, outputs)],
                2 => self.light(at, outputs, lights),
                3 => {
                    // Two relays move one shutter.
                    half_shutter = !half_shutter;
                    if half_shutter {
                        shutters += 1;
                        entities.push(self.shutter(shutters));
                    }
                    Vec::new()
                }
                _ => Vec::new(),
            };
            if !parts.is_empty() {
                entities.push(AnnouncedEntity {
                    id: format!("power{}", at + 1),
                    name: self.name(at, outputs),
                    parts,
                    ..AnnouncedEntity::default()
                });
            }
        }
        if is_fan {
            entities.push(self.fan());
        }
        entities.extend(self.buttons());
        if self.config.get("bat").and_then(Json::number) == Some(1.0) {
            let read = StateRead::new(&self.telemetry("STATE"), Extract::path(["BatteryPercentage"]));
            entities.push(single(
                "battery",
                Some("Battery"),
                measured(&["battery"], "%", read),
            ));
        }
        let signal = StateRead::new(&self.telemetry("STATE"), Extract::path(["Wifi", "Signal"]));
        entities.push(single(
            "wifi_signal",
            Some("Wi-Fi signal"),
            measured(&["Signal"], "dBm", signal),
        ));
        entities
    }

    fn is_fan(&self) -> bool {
        self.config.get("if").and_then(Json::number) == Some(1.0)
    }

    fn power(&self, at: usize, outputs: usize) -> Part {
        let numbered = format!("POWER{}", at + 1);
        // The lamp of a fan is the first of several, though the others are none.
        let is_only = outputs == 1 && !self.is_fan();
        let name = if is_only {
            "POWER".to_owned()
        } else {
            numbered.clone()
        };
        let kind = if self.option("30") {
            EntityKind::Light
        } else {
            EntityKind::Switch
        };
        let (on, off) = (self.word(1, "ON"), self.word(0, "OFF"));
        let payloads = (Payload::Fixed("ON".to_owned()), Payload::Fixed("OFF".to_owned()));
        let mut part = switch(kind, (&on, &off), None, &self.command(&name), payloads);
        part.reads = self.member(&name);
        if is_only {
            // With SetOption26 an only one has its number, too.
            part.reads.extend(self.member(&numbered));
        }
        if !self.option("4") {
            part.reads
                .push(StateRead::new(&self.answer(&name), Extract::Plain));
        }
        part
    }

    fn shutter(&self, number: usize) -> AnnouncedEntity {
        let shutter = format!("Shutter{number}");
        let options = self
            .item("sho", number - 1)
            .and_then(Json::number)
            .unwrap_or_default() as u32;
        let inverted = options & 1 != 0;
        let reads = |member: &str| {
            let asked = Extract::path(["StatusSNS", &*shutter, member]);
            let mut reads = vec![StateRead::new(&self.answer("STATUS10"), asked)];
            for topic in [self.telemetry("SENSOR"), self.answer("RESULT")] {
                reads.push(StateRead::new(&topic, Extract::path([&*shutter, member])));
            }
            if member == "Position" {
                let bare = self.answer(&format!("SHUTTER{number}"));
                reads.push(StateRead::new(&bare, Extract::Plain));
            }
            reads
        };
        let writes = [
            (Verb::Open, "ShutterOpen"),
            (Verb::Close, "ShutterClose"),
            (Verb::Stop, "ShutterStop"),
        ]
        .map(|(verb, name)| self.says(verb, &format!("{name}{number}"), ""))
        .to_vec();
        let closed = if inverted { 100.0 } else { 0.0 };
        let mut parts = vec![cover(Shows::Position { closed }, reads("Position"), writes)];
        let set = self.sets(Verb::Set, &format!("ShutterPosition{number}"));
        let mut position = level(("position", "Position"), Class::Position, 1.0, None, Some(set));
        position.reads = reads("Position");
        if inverted {
            position.shows = Shows::Number {
                scale: -1.0,
                offset: 100.0,
            };
            position.control = position.control.map(|control| control.scaled(-1.0).from(100.0));
        }
        parts.push(position);
        let moves = |upwards: &str, downwards: &str| {
            let text = |word: &str| Value::Text(word.to_owned());
            Shows::States(vec![
                (upwards.to_owned(), text("Opening")),
                (downwards.to_owned(), text("Closing")),
                ("0".to_owned(), text("Stopped")),
            ])
        };
        parts.push(Part {
            id: "direction",
            label: "Direction",
            shows: if inverted {
                moves("-1", "1")
            } else {
                moves("1", "-1")
            },
            reads: reads("Direction"),
            ..Part::default()
        });
        let tilt = self.item("sht", number - 1).map(Json::list).unwrap_or_default();
        if let (Some(low), Some(high)) = (
            tilt.first().and_then(Json::number),
            tilt.get(1).and_then(Json::number),
        ) && low < high
        {
            let kind = ControlKind::Slider {
                min: low,
                max: high,
                step: 1.0,
            };
            let set = self.sets(Verb::Set, &format!("ShutterTilt{number}"));
            parts.push(Part {
                id: "tilt",
                label: "Tilt",
                kind: EntityKind::Number,
                class: Class::Position,
                unit: "°".to_owned(),
                shows: Shows::number(),
                reads: reads("Tilt"),
                control: Some(PartControl::new(kind, vec![set]).scaled(1.0)),
                ..Part::default()
            });
        }
        AnnouncedEntity {
            id: format!("shutter{number}"),
            name: (self.relays.iter().filter(|kind| **kind == 3).count() > 2)
                .then(|| format!("Shutter {number}")),
            parts,
            ..AnnouncedEntity::default()
        }
    }

    /// A fan of three speeds.
    fn fan(&self) -> AnnouncedEntity {
        let writes = vec![
            self.says(Verb::On, "FanSpeed", "1"),
            self.says(Verb::Off, "FanSpeed", "0"),
        ];
        let state = Part {
            kind: EntityKind::Fan,
            class: Class::OnOff,
            shows: Shows::Position { closed: 0.0 },
            reads: self.member("FanSpeed"),
            control: Some(PartControl::new(ControlKind::Switch, writes)),
            ..Part::default()
        };
        let kind = ControlKind::Stepper {
            min: 0.0,
            max: 3.0,
            step: 1.0,
        };
        let speed = Part {
            id: "speed",
            label: "Speed",
            kind: EntityKind::Number,
            shows: Shows::number(),
            reads: self.member("FanSpeed"),
            control: Some(PartControl::new(kind, vec![self.sets(Verb::Set, "FanSpeed")])),
            ..Part::default()
        };
        AnnouncedEntity {
            id: "fan".to_owned(),
            parts: vec![state, speed],
            ..AnnouncedEntity::default()
        }
    }

    /// Buttons tell what was done to them when SetOption73 takes them off the relays.
    fn buttons(&self) -> Vec<AnnouncedEntity> {
        let buttons = self.config.get("btn").map(Json::list).unwrap_or_default();
        let buttons = buttons.iter().take(RELAYS).enumerate();
        let pressed =
            buttons.filter(|(_, button)| self.option("73") && button.number().is_some_and(|is| is != 0.0));
        let event = |(at, _): (usize, &Json)| {
            let button = format!("Button{}", at + 1);
            let read = StateRead::new(&self.answer("RESULT"), Extract::path([&*button, "Action"]));
            let part = Part {
                kind: EntityKind::Event,
                shows: Shows::Event,
                ..told(&["Action"], read)
            };
            single(
                &format!("button{}", at + 1),
                Some(&format!("Button {}", at + 1)),
                part,
            )
        };
        pressed.map(event).collect()
    }
}
