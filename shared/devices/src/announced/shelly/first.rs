//! Shelly of the first generation: `shellies/<id>/relay/0` and so on, a topic for each value, and an announcement that comes when a
//! device starts or is asked to.

use std::collections::{BTreeSet, HashMap};

use hearth_model::store::Arrival;

use crate::announced::color::ColorForm;
use crate::announced::extract::{Extract, Step};
use crate::announced::json::{Json, JsonLimits};
use crate::announced::model::{
    AnnouncedEntity, Announcement, Availability, AvailabilityCheck, Part, PartControl, Shows, StateRead,
};
use crate::announced::parts::{
    button, color, cover, either, level, measured, named, single, switch, told, white,
};
use crate::announced::{Announcements, Format, identify};
use crate::class::Class;
use crate::command::{ControlKind, Payload, Verb, Write};
use crate::device::{Details, EntityKind, Source, Value};

const PREFIX: &str = "shellies/";
const DEVICES: usize = 2_000;
/// Members of a status that make parts of a device.
const STATUS: [&str; 9] = [
    "temp",
    "red",
    "white",
    "motion",
    "vibration",
    "lux",
    "bat",
    "tmp",
    "target_t",
];
/// Topics of one device.
const TOPICS: usize = 200;

/// The format.
#[derive(Debug, Default)]
pub(in crate::announced) struct Shelly {
    devices: HashMap<String, Device>,
}

#[derive(Debug, Default)]
struct Device {
    /// Levels below the device on which it spoke.
    topics: BTreeSet<String>,
    details: Details,
    mac: String,
}

impl Format for Shelly {
    fn wants(&self, topic: &str) -> bool {
        let Some(rest) = topic.strip_prefix(PREFIX) else {
            return false;
        };
        if rest == "announce" {
            return true;
        }
        rest.split_once('/').is_some_and(|(id, below)| {
            let is_known = self
                .devices
                .get(id)
                .is_some_and(|device| device.topics.contains(below));
            !is_known && (below == "announce" || is_told(below))
        })
    }

    fn filters(&self) -> &'static [&'static str] {
        &["shellies/#"]
    }

    fn apply(&mut self, now_ms: u64, arrival: &Arrival<'_>, announcements: &mut Announcements) {
        let Some(rest) = arrival.topic.strip_prefix(PREFIX) else {
            return;
        };
        if arrival.payload.is_empty() {
            return;
        }
        let below = rest.split_once('/').map(|(_, below)| below);
        let announced = match below {
            Some("announce") | None => match Json::parse(arrival.payload, JsonLimits::STATE) {
                Ok(announced) => Some(announced),
                Err(fault) => return announcements.refuse(now_ms, arrival.topic, fault.reason()),
            },
            Some(_) => None,
        };
        let text = |name: &str| {
            announced
                .as_ref()
                .and_then(|json| json.get(name)?.text())
                .unwrap_or_default()
        };
        let id = rest.split_once('/').map_or_else(|| text("id"), |(id, _)| id);
        if id.is_empty() || id.contains('/') || id.len() > 200 {
            return announcements.refuse(now_ms, arrival.topic, "its id cannot be in a topic");
        }
        if !self.devices.contains_key(id) && self.devices.len() >= DEVICES {
            return announcements.refuse(now_ms, arrival.topic, "there are too many devices");
        }
        let device = self.devices.entry(id.to_owned()).or_default();
        if announced.is_some() {
            device.details = Details {
                manufacturer: "Shelly".to_owned(),
                model: text("model").to_owned(),
                software: text("fw_ver").to_owned(),
                configuration_url: address(text("ip")),
                ..Details::default()
            };
            text("mac").clone_into(&mut device.mac);
        } else if let Some(below) = below.filter(|_| device.topics.len() < TOPICS) {
            device.topics.insert(below.to_owned());
            if below.ends_with("status")
                && let Ok(status) = Json::parse(arrival.payload, JsonLimits::STATE)
            {
                // What a status has says what the device is.
                let told = |name: &&&str| status.get(name).is_some();
                let found = STATUS.iter().filter(told);
                device.topics.extend(found.map(|name| format!("{below}#{name}")));
            }
        }
        announcements.set(device.announcement(id));
    }
}

/// An address as a link; empty if it is none.
pub(in crate::announced) fn address(ip: &str) -> String {
    ip.parse::<std::net::Ipv4Addr>()
        .ok()
        .filter(|address| !address.is_unspecified())
        .map_or_else(String::new, |address| format!("http://{address}/"))
}

/// Whether a topic below the device says something that is shown.
fn is_told(below: &str) -> bool {
    let mut levels = below.split('/');
    let (first, number, rest) = (levels.next().unwrap_or_default(), levels.next(), levels.next());
    if levels.next().is_some() {
        return false;
    }
    let is_number =
        number.is_some_and(|number| number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit()));
    match (first, rest) {
        ("relay", None | Some("power" | "energy" | "overpower_value")) => is_number,
        ("roller", None | Some("pos" | "power" | "energy")) => is_number,
        ("light" | "white" | "color", None | Some("power" | "energy" | "status")) => is_number,
        ("emeter", Some(_)) => is_number,
        (
            "input" | "input_event" | "ext_temperature" | "ext_humidity" | "ext_switch" | "adc" | "longpush",
            None,
        ) => is_number,
        ("sensor", None) => number.is_some(),
        ("temperature" | "temperature_f" | "overtemperature" | "overload" | "voltage" | "online", None)
        | ("status", None) => number.is_none(),
        _ => false,
    }
}

impl Device {
    fn announcement(&self, id: &str) -> Announcement {
        let base = format!("{PREFIX}{id}");
        let mut announcement = Announcement {
            key: base.clone(),
            topic: base.clone(),
            source: Source::Shelly,
            name: Some(id.to_owned()),
            details: self.details.clone(),
            // What measures from a battery sleeps between two measurements.
            sleeps: self.has("sensor/battery"),
            availability: Some(Availability {
                checks: vec![AvailabilityCheck::new(&format!("{base}/online"), "true", "false")],
                ..Availability::default()
            }),
            ..Announcement::default()
        };
        identify("shelly", id, &mut announcement.identifiers);
        identify("shelly", &self.mac, &mut announcement.identifiers);
        let outputs = |kind: &str| {
            let below = self.topics.iter().filter_map(|below| below.strip_prefix(kind));
            let numbers: BTreeSet<&str> = below
                .map(|rest| rest.split_once('/').map_or(rest, |(number, _)| number))
                .collect();
            numbers.len()
        };
        let several = outputs("relay/") + outputs("light/") + outputs("white/") > 1;
        for below in self.topics.iter().filter(|below| !below.contains('#')) {
            announcement.entities.extend(self.entity(&base, below, several));
        }
        announcement.entities.extend(self.status(&base));
        let mut ask = button(&format!("{base}/command"), Payload::Fixed("announce".to_owned()));
        ask.control = ask.control.map(PartControl::asking);
        ask.class = Class::Internal;
        announcement
            .entities
            .push(single("ask", Some("Ask what it is"), ask));
        announcement
    }

    fn has(&self, below: &str) -> bool {
        self.topics.contains(below)
    }

    /// The thing that a topic is of; the first of its topics makes it.
    fn entity(&self, base: &str, below: &str, several: bool) -> Option<AnnouncedEntity> {
        let mut levels = below.split('/');
        let (kind, second, third) = (levels.next()?, levels.next(), levels.next());
        let read = StateRead::new(&format!("{base}/{below}"), Extract::Plain);
        let number: usize = second.and_then(|number| number.parse().ok()).unwrap_or_default();
        let label = several.then(|| format!("Output {}", number + 1));
        let thing = |parts: Vec<Part>| AnnouncedEntity {
            id: format!("{kind}{number}"),
            name: label.clone(),
            parts,
            ..AnnouncedEntity::default()
        };
        let output = format!("{base}/{kind}/{number}");
        match (kind, third) {
            ("relay", None) => Some(thing(vec![on_off(EntityKind::Switch, read, &output)])),
            ("roller", None) => Some(thing(self.roller(&output, number, read))),
            ("light" | "white" | "color", None) => Some(thing(self.light(&output, kind, number, read))),
            // Some say all in their status.
            ("light" | "white" | "color", Some("status")) if !self.has(&format!("{kind}/{number}")) => {
                let read = StateRead::new(&read.topic, Extract::path(["ison"]));
                Some(thing(self.light(&output, kind, number, read)))
            }
            (_, Some(what)) if !matches!(what, "status" | "pos") => {
                let part = metered(kind, what, read)?;
                let name = if what == "pf" {
                    "Power factor".to_owned()
                } else {
                    named(what)
                };
                let name = if several || kind == "emeter" {
                    format!("{name} {}", number + 1)
                } else {
                    name
                };
                Some(single(&format!("{kind}{number}.{what}"), Some(&name), part))
            }
            ("input_event", None) => {
                let read = StateRead::new(&read.topic, Extract::path(["event"]));
                let part = Part {
                    kind: EntityKind::Event,
                    shows: Shows::Event,
                    ..told(&["event"], read)
                };
                Some(single(
                    &format!("input_event{number}"),
                    Some(&format!("Button {}", number + 1)),
                    part,
                ))
            }
            ("input" | "longpush" | "ext_switch", None) => {
                let part = either(&[kind], "1", "0", read);
                Some(single(
                    &format!("{kind}{number}"),
                    Some(&format!("{} {}", named(kind), number + 1)),
                    part,
                ))
            }
            ("sensor", None) => sensor(second?, read),
            ("online" | "status", None) | (_, Some(_)) => None,
            (kind, None) => {
                let part = match kind {
                    "overtemperature" | "overload" => Part {
                        class: Class::Problem,
                        ..either(&[kind], "1", "0", read)
                    },
                    "temperature_f" => return None,
                    "ext_temperature" | "temperature" => measured(&["temperature"], "°C", read),
                    "ext_humidity" => measured(&["humidity"], "%", read),
                    _ => measured(&["voltage"], "V", read),
                };
                let id = if second.is_some() {
                    format!("{kind}{number}")
                } else {
                    kind.to_owned()
                };
                // The heat of the device itself is of interest to the tinkerer only.
                let diagnostic = part.class.is_diagnostic() || kind == "temperature";
                Some(AnnouncedEntity {
                    diagnostic,
                    ..single(&id, Some(&named(kind)), part)
                })
            }
        }
    }

    /// What motion sensors and radiators say in one message.
    fn status(&self, base: &str) -> Vec<AnnouncedEntity> {
        let has = |name: &str| self.has(&format!("status#{name}"));
        let read =
            |path: &[&str]| StateRead::new(&format!("{base}/status"), Extract::path(path.iter().copied()));
        let mut found = Vec::new();
        let mut add = |id: &str, name: &str, part: Part| found.push(single(id, Some(name), part));
        for (name, class) in [("motion", Class::Motion), ("vibration", Class::Vibration)] {
            if has(name) {
                let part = either(&[name], "true", "false", read(&[name]));
                add(name, &named(name), Part { class, ..part });
            }
        }
        if has("tmp") {
            let part = measured(&["temperature"], "°C", read(&["tmp", "value"]));
            add("temperature", "Temperature", part);
        }
        if has("target_t") {
            let kind = ControlKind::Stepper {
                min: 4.0,
                max: 31.0,
                step: 0.5,
            };
            let topic = format!("{base}/thermostat/0/command/target_t");
            let set = Write::new(Verb::Set, &topic, Payload::Value);
            let part = Part {
                class: Class::TargetTemperature,
                control: Some(PartControl::new(kind, vec![set])),
                ..measured(&["target"], "°C", read(&["target_t", "value"]))
            };
            add("target", "Target", part);
            let info = StateRead::new(
                &format!("{base}/info"),
                Extract::Path(vec![
                    Step::Member("thermostats".to_owned()),
                    Step::Item(0),
                    Step::Member("pos".to_owned()),
                ]),
            );
            add("valve", "Valve", measured(&["valve"], "%", info));
        }
        if has("lux") {
            add(
                "lux",
                "Brightness",
                measured(&["illuminance"], "lx", read(&["lux"])),
            );
        }
        if has("bat") {
            add("battery", "Battery", measured(&["battery"], "%", read(&["bat"])));
        }
        found
    }

    fn roller(&self, output: &str, number: usize, read: StateRead) -> Vec<Part> {
        let command = format!("{output}/command");
        let says = |verb, word: &str| Write::new(verb, &command, Payload::Fixed(word.to_owned()));
        let writes = vec![
            says(Verb::Open, "open"),
            says(Verb::Close, "close"),
            says(Verb::Stop, "stop"),
        ];
        if !self.has(&format!("roller/{number}/pos")) {
            let words = Shows::States(vec![
                ("open".to_owned(), Value::Text("Opening".to_owned())),
                ("close".to_owned(), Value::Text("Closing".to_owned())),
                ("stop".to_owned(), Value::Text("Stopped".to_owned())),
            ]);
            return vec![cover(words, vec![read], writes)];
        }
        let position = || StateRead::new(&format!("{output}/pos"), Extract::Plain);
        let set = Write::new(Verb::Set, &format!("{command}/pos"), Payload::Value);
        vec![
            cover(Shows::Position { closed: 0.0 }, vec![position()], writes),
            level(
                ("position", "Position"),
                Class::Position,
                1.0,
                Some(position()),
                Some(set),
            ),
        ]
    }

    fn light(&self, output: &str, kind: &str, number: usize, read: StateRead) -> Vec<Part> {
        let mut parts = vec![on_off(EntityKind::Light, read, output)];
        if self.has(&format!("{kind}/{number}/status")) {
            let status = |name: &str| StateRead::new(&format!("{output}/status"), Extract::path([name]));
            let set = |name: &str| Write::new(Verb::Set, &format!("{output}/set"), Payload::member(name));
            // In colour the level is the gain.
            let name = if kind == "color" { "gain" } else { "brightness" };
            parts.push(level(
                ("brightness", "Brightness"),
                Class::Brightness,
                1.0,
                Some(status(name)),
                Some(set(name)),
            ));
            let has = |name: &str| self.has(&format!("{kind}/{number}/status#{name}"));
            if has("temp") {
                let range = if kind == "color" {
                    (3000.0, 6500.0)
                } else {
                    (2700.0, 6500.0)
                };
                parts.push(white(range, "K", status("temp"), Some(set("temp"))));
            }
            if kind == "color" && has("red") {
                let source = "{\"red\":{{ red }},\"green\":{{ green }},\"blue\":{{ blue }}}".to_owned();
                let payload = Payload::Template {
                    source,
                    name: "",
                    fixed: None,
                };
                let set = Write::new(Verb::Choose, &format!("{output}/set"), payload);
                let whole = StateRead::new(&format!("{output}/status"), Extract::Plain);
                parts.push(color(ColorForm::Rgb, whole, Some(set)));
            }
            if kind == "color" && has("white") {
                let (read, set) = (status("white"), set("white"));
                parts.push(level(
                    ("white", "White"),
                    Class::Brightness,
                    2.55,
                    Some(read),
                    Some(set),
                ));
            }
        }
        parts
    }
}

fn on_off(kind: EntityKind, read: StateRead, output: &str) -> Part {
    let payloads = (Payload::Fixed("on".to_owned()), Payload::Fixed("off".to_owned()));
    let part = switch(
        kind,
        ("on", "off"),
        Some(read),
        &format!("{output}/command"),
        payloads,
    );
    let states = [("on", true), ("off", false), ("true", true), ("false", false)];
    let states = states.map(|(word, is_on)| (word.to_owned(), Value::Binary(is_on)));
    Part {
        shows: Shows::States(states.to_vec()),
        ..part
    }
}

/// What an output or a meter measures.
fn metered(kind: &str, what: &str, read: StateRead) -> Option<Part> {
    let in_kwh = |scale: f64, read: StateRead| Part {
        shows: Shows::Number { scale, offset: 0.0 },
        ..measured(&["energy"], "kWh", read)
    };
    Some(match what {
        "power" => measured(&["power"], "W", read),
        // Counted in watt-minutes.
        "energy" | "returned_energy" => in_kwh(60_000.0, read),
        "total" | "total_returned" => in_kwh(1_000.0, read),
        "voltage" => measured(&["voltage"], "V", read),
        "current" => measured(&["current"], "A", read),
        "pf" => measured(&["power_factor"], "", read),
        "reactive_power" => measured(&["reactive_power"], "var", read),
        _ if kind == "emeter" => measured(&[what], "", read),
        _ => return None,
    })
}

fn sensor(what: &str, read: StateRead) -> Option<AnnouncedEntity> {
    let yes_no = |class: Class, on: &str, off: &str, read: StateRead| Part {
        class,
        shows: Shows::switch(on, off),
        ..either(&[what], on, off, read)
    };
    let part = match what {
        "temperature" => measured(&[what], "°C", read),
        "humidity" | "battery" => measured(&[what], "%", read),
        "lux" => measured(&["illuminance"], "lx", read),
        "concentration" => measured(&[what], "ppm", read),
        "tilt" => measured(&["tilt"], "°", read),
        "flood" => yes_no(Class::Leak, "true", "false", read),
        "smoke" => yes_no(Class::Smoke, "true", "false", read),
        "gas" => Part {
            shows: Shows::States(vec![
                ("none".to_owned(), Value::Binary(false)),
                ("mild".to_owned(), Value::Binary(true)),
                ("heavy".to_owned(), Value::Binary(true)),
            ]),
            ..yes_no(Class::Problem, "heavy", "none", read)
        },
        "motion" => yes_no(Class::Motion, "true", "false", read),
        "vibration" => yes_no(Class::Vibration, "1", "0", read),
        "state" => yes_no(Class::Opening, "open", "close", read),
        "ext_power" | "charger" => yes_no(Class::Other, "true", "false", read),
        "error" | "act_reasons" => return None,
        _ => told(&[what], read),
    };
    Some(single(&format!("sensor.{what}"), Some(&named(what)), part))
}
