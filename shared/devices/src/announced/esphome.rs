//! `ESPHome`: `esphome/discover/<node>` says what a node is, `<node>/<component>/<object>/state` what it says.
//!
//! A node that sends Home Assistant discovery too is one device, by its MAC. A node that was not discovered is left to the guesses:
//! without its MAC nobody could tell that both are one.

use std::collections::{BTreeSet, HashMap};

use hearth_model::store::Arrival;

use super::color::ColorForm;
use super::extract::Extract;
use super::json::{Json, JsonLimits};
use super::model::{
    AnnouncedEntity, Announcement, Availability, AvailabilityCheck, Part, PartControl, Shows, StateRead,
};
use super::parts::{color, cover, either, is_topic, level, measured, named, switch, told, white};
use super::{Announcements, Format, identify};
use crate::class::Class;
use crate::command::{ControlKind, Payload, Verb, Write};
use crate::device::{Details, EntityKind, Source, Value};

const DISCOVER: &str = "esphome/discover/";
const NODES: usize = 2_000;
/// Topics of one node.
const TOPICS: usize = 500;

/// The format.
#[derive(Debug, Default)]
pub(super) struct EspHome {
    nodes: HashMap<String, Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// What the node says of itself.
    described: Option<Json>,
    /// `<component>/<object>`, and what stands between it and `state`.
    topics: BTreeSet<String>,
}

const COMPONENTS: [&str; 13] = [
    "binary_sensor",
    "climate",
    "cover",
    "event",
    "fan",
    "light",
    "lock",
    "number",
    "select",
    "sensor",
    "switch",
    "text",
    "text_sensor",
];

/// Node, and the topic below it without `state`.
fn place(topic: &str) -> Option<(&str, &str)> {
    let (node, rest) = topic.split_once('/')?;
    let below = rest.strip_suffix("/state")?;
    let (component, object) = below.split_once('/')?;
    (COMPONENTS.binary_search(&component).is_ok() && !object.is_empty() && object.matches('/').count() <= 1)
        .then_some((node, below))
}

impl Format for EspHome {
    fn wants(&self, topic: &str) -> bool {
        if topic.starts_with(DISCOVER) {
            return true;
        }
        place(topic).is_some_and(|(node, below)| {
            let is_known = self
                .nodes
                .get(node)
                .is_some_and(|node| node.topics.contains(below));
            !is_known
        })
    }

    fn takes(&self, topic: &str) -> bool {
        let node = place(topic).and_then(|(node, _)| self.nodes.get(node));
        topic.starts_with(DISCOVER) || node.is_some_and(|node| node.described.is_some())
    }

    fn filters(&self) -> &'static [&'static str] {
        &["esphome/discover/+"]
    }

    fn apply(&mut self, now_ms: u64, arrival: &Arrival<'_>, announcements: &mut Announcements) {
        let topic = arrival.topic;
        let (name, below) = match (topic.strip_prefix(DISCOVER), place(topic)) {
            (Some(node), _) => (node, None),
            (None, Some((node, below))) => (node, Some(below)),
            (None, None) => return,
        };
        if !self.nodes.contains_key(name) && self.nodes.len() >= NODES {
            return;
        }
        let node = self.nodes.entry(name.to_owned()).or_default();
        match below {
            Some(_) if arrival.payload.is_empty() || node.topics.len() >= TOPICS => return,
            Some(below) => {
                node.topics.insert(below.to_owned());
                if let Some(mode) = plain_mode(below, arrival.payload) {
                    node.topics.insert(format!("{below}#{mode}"));
                }
            }
            None if arrival.payload.is_empty() => {
                announcements.forget_payload(topic);
                node.described = None;
                announcements.remove(topic);
                return;
            }
            None if !announcements.is_news(topic, arrival.payload) => return,
            None => match Json::parse(arrival.payload, JsonLimits::STATE) {
                Ok(described @ Json::Object(_)) => node.described = Some(described),
                Ok(_) => return announcements.refuse(now_ms, topic, "it is no object"),
                Err(fault) => return announcements.refuse(now_ms, topic, fault.reason()),
            },
        }
        if let Some(described) = &node.described {
            announcements.set(announcement(name, described, &node.topics));
        }
    }
}

/// The mode of a light that has no colour: only such a light is ever in one of these.
fn plain_mode(below: &str, payload: &[u8]) -> Option<&'static str> {
    if !below.starts_with("light/") {
        return None;
    }
    let state = Json::parse(payload, JsonLimits::STATE).ok()?;
    match state.get("color_mode")?.text()? {
        "onoff" => Some("onoff"),
        "brightness" => Some("brightness"),
        _ => None,
    }
}

fn announcement(name: &str, described: &Json, topics: &BTreeSet<String>) -> Announcement {
    let text = |name: &str| described.get(name).and_then(Json::text).unwrap_or_default();
    let key = format!("{DISCOVER}{name}");
    let friendly = text("friendly_name");
    let mut announcement = Announcement {
        topic: key.clone(),
        key,
        source: Source::EspHome,
        name: Some(if friendly.is_empty() { name } else { friendly }.to_owned()),
        details: Details {
            manufacturer: "ESPHome".to_owned(),
            model: text("board").to_owned(),
            software: text("version").to_owned(),
            configuration_url: super::shelly::address(text("ip")),
            ..Details::default()
        },
        availability: Some(Availability {
            checks: vec![AvailabilityCheck::new(
                &format!("{name}/status"),
                "online",
                "offline",
            )],
            ..Availability::default()
        }),
        ..Announcement::default()
    };
    identify("esphome", name, &mut announcement.identifiers);
    identify("esphome", text("mac"), &mut announcement.identifiers);
    announcement.entities = topics
        .iter()
        .filter(|below| !below.contains('#'))
        .filter_map(|below| entity(name, below, topics))
        .collect();
    announcement
}

/// One object of a node.
struct Object<'a> {
    base: String,
    object: &'a str,
    below: &'a str,
    topics: &'a BTreeSet<String>,
}

fn entity(node: &str, below: &str, topics: &BTreeSet<String>) -> Option<AnnouncedEntity> {
    let (component, object) = below.split_once('/')?;
    // `climate/x/mode` is a part of `climate/x`; the first of its topics stands for all.
    let (object, detail) = object
        .split_once('/')
        .map_or((object, ""), |(object, detail)| (object, detail));
    let whole = format!("{component}/{object}");
    if !detail.is_empty() {
        let is_first = topics
            .iter()
            .find(|topic| topic.starts_with(&format!("{whole}/")))
            .is_some_and(|first| first == below);
        if component != "climate" || !is_first {
            return None;
        }
    }
    let base = format!("{node}/{whole}");
    if !is_topic(&base) {
        return None;
    }
    let this = Object {
        base,
        object,
        below: &whole,
        topics,
    };
    let parts = this.parts(component);
    let first = parts.first()?;
    Some(AnnouncedEntity {
        diagnostic: first.class.is_diagnostic(),
        id: whole.replace('/', "."),
        name: Some(named(object)),
        parts,
        ..AnnouncedEntity::default()
    })
}

impl Object<'_> {
    fn read(&self, detail: &str) -> StateRead {
        StateRead::new(&format!("{}/{detail}state", self.base), Extract::Plain)
    }

    fn set(&self, detail: &str, verb: Verb) -> Write {
        Write::new(verb, &format!("{}/{detail}command", self.base), Payload::Value)
    }

    fn says(&self, verb: Verb, word: &str) -> Write {
        Write::new(
            verb,
            &format!("{}/command", self.base),
            Payload::Fixed(word.to_owned()),
        )
    }

    fn has(&self, detail: &str) -> bool {
        self.topics.contains(&format!("{}/{detail}", self.below))
    }

    fn on_off(&self, kind: EntityKind) -> Part {
        let payload = |word: &str| Payload::Fixed(word.to_owned());
        let topic = format!("{}/command", self.base);
        switch(
            kind,
            ("ON", "OFF"),
            Some(self.read("")),
            &topic,
            (payload("ON"), payload("OFF")),
        )
    }

    fn parts(&self, component: &str) -> Vec<Part> {
        let key = [self.object];
        match component {
            "sensor" => vec![measured(&key, "", self.read(""))],
            "binary_sensor" => vec![either(&key, "ON", "OFF", self.read(""))],
            "switch" => vec![self.on_off(EntityKind::Switch)],
            "light" => self.light(),
            "fan" => self.fan(),
            "cover" => self.cover(),
            "lock" => vec![self.lock()],
            "number" => {
                let kind = ControlKind::Stepper {
                    min: -1e6,
                    max: 1e6,
                    step: 1.0,
                };
                vec![Part {
                    control: Some(PartControl::new(kind, vec![self.set("", Verb::Set)])),
                    ..measured(&key, "", self.read(""))
                }]
            }
            "select" | "text" => vec![Part {
                control: Some(PartControl::new(
                    ControlKind::Text { longest: 255 },
                    vec![self.set("", Verb::Choose)],
                )),
                ..told(&key, self.read(""))
            }],
            "climate" => self.climate(),
            "event" => vec![Part {
                kind: EntityKind::Event,
                shows: Shows::Event,
                ..told(
                    &key,
                    StateRead::new(&self.read("").topic, Extract::path(["event_type"])),
                )
            }],
            _ => vec![told(&key, self.read(""))],
        }
    }

    /// State and commands are JSON, as Home Assistant's lights have it.
    fn light(&self) -> Vec<Part> {
        let topic = format!("{}/command", self.base);
        let read = |name: &str| StateRead::new(&self.read("").topic, Extract::path([name]));
        let says = |word: &str| Payload::Fixed(format!("{{\"state\":\"{word}\"}}"));
        let set = |verb, name: &str| Some(Write::new(verb, &topic, Payload::member(name)));
        let is = |mode: &str| self.topics.contains(&format!("{}#{mode}", self.below));
        let mut parts = vec![
            switch(
                EntityKind::Light,
                ("ON", "OFF"),
                Some(read("state")),
                &topic,
                (says("ON"), says("OFF")),
            ),
            level(
                ("brightness", "Brightness"),
                Class::Brightness,
                2.55,
                Some(read("brightness")),
                set(Verb::Set, "brightness"),
            ),
            color(ColorForm::Rgb, read("color"), set(Verb::Choose, "color")),
            white(
                (153.0, 500.0),
                "mired",
                read("color_temp"),
                set(Verb::Set, "color_temp"),
            ),
        ];
        if is("onoff") {
            parts.truncate(1);
        } else if is("brightness") {
            parts.truncate(2);
        }
        parts
    }

    fn fan(&self) -> Vec<Part> {
        let mut parts = vec![self.on_off(EntityKind::Fan)];
        if self.has("speed_level") {
            let kind = ControlKind::Stepper {
                min: 0.0,
                max: 100.0,
                step: 1.0,
            };
            parts.push(Part {
                id: "speed",
                label: "Speed",
                control: Some(PartControl::new(kind, vec![self.set("speed_level/", Verb::Set)])),
                ..measured(&["speed"], "", self.read("speed_level/"))
            });
        }
        parts
    }

    fn cover(&self) -> Vec<Part> {
        let text = |word: &str| Value::Text(word.to_owned());
        let words = Shows::States(vec![
            ("open".to_owned(), Value::Binary(true)),
            ("closed".to_owned(), Value::Binary(false)),
            ("opening".to_owned(), text("Opening")),
            ("closing".to_owned(), text("Closing")),
        ]);
        let writes = vec![
            self.says(Verb::Open, "OPEN"),
            self.says(Verb::Close, "CLOSE"),
            self.says(Verb::Stop, "STOP"),
        ];
        let mut parts = vec![cover(words, vec![self.read("")], writes)];
        if self.has("position") {
            let set = self.set("position/", Verb::Set);
            parts.push(level(
                ("position", "Position"),
                Class::Position,
                1.0,
                Some(self.read("position/")),
                Some(set),
            ));
        }
        parts
    }

    fn lock(&self) -> Part {
        Part {
            kind: EntityKind::Lock,
            class: Class::Lock,
            shows: Shows::States(vec![
                ("LOCKED".to_owned(), Value::Binary(false)),
                ("UNLOCKED".to_owned(), Value::Binary(true)),
            ]),
            reads: vec![self.read("")],
            control: Some(
                PartControl::new(
                    ControlKind::Lock,
                    vec![self.says(Verb::Lock, "LOCK"), self.says(Verb::Unlock, "UNLOCK")],
                )
                .asking(),
            ),
            ..Part::default()
        }
    }

    fn climate(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        if self.has("mode") {
            let options = ["off", "auto", "heat", "cool", "heat_cool", "dry", "fan_only"].map(str::to_owned);
            let kind = ControlKind::Select {
                options: options.to_vec(),
            };
            parts.push(Part {
                kind: EntityKind::Climate,
                class: Class::Activity,
                reads: vec![self.read("mode/")],
                control: Some(PartControl::new(kind, vec![self.set("mode/", Verb::Choose)])),
                ..Part::default()
            });
        }
        if self.has("current_temperature") {
            let part = measured(&["temperature"], "°C", self.read("current_temperature/"));
            parts.push(Part {
                id: "temperature",
                label: "Temperature",
                ..part
            });
        }
        if self.has("target_temperature") {
            let kind = ControlKind::Stepper {
                min: 5.0,
                max: 35.0,
                step: 0.5,
            };
            parts.push(Part {
                id: "target",
                label: "Target",
                class: Class::TargetTemperature,
                control: Some(PartControl::new(
                    kind,
                    vec![self.set("target_temperature/", Verb::Set)],
                )),
                ..measured(&["target"], "°C", self.read("target_temperature/"))
            });
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_components_are_of_a_node() {
        assert_eq!(place("node/sensor/x/state"), Some(("node", "sensor/x")));
        assert_eq!(
            place("node/climate/x/mode/state"),
            Some(("node", "climate/x/mode"))
        );
        assert_eq!(place("node/kitchen/x/state"), None);
        assert_eq!(place("node/sensor/a/b/c/state"), None);
        assert!(COMPONENTS.is_sorted());
    }
}
