//! `ESPHome`: `esphome/discover/<node>` says what a node is, `<node>/<component>/<object>/state` what it says.
//!
//! A node that sends Home Assistant discovery too is one device, by its MAC. A node that was not discovered is left to the guesses:
//! without its MAC nobody could tell that both are one.

mod climate;

use std::collections::{BTreeSet, HashMap};

use hearth_model::store::Arrival;

use super::color::ColorForm;
use super::extract::Extract;
use super::json::{Json, JsonLimits};
use super::model::{
    AnnouncedEntity, Announcement, Availability, AvailabilityCheck, Part, PartControl, Shows, StateRead,
};
use super::parts::{
    button, color, cover, either, is_topic, level, measured, named, selected, switch, told, white,
};
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
    /// What its topics begin with: its name, below what people put before it.
    prefix: String,
    /// `<component>/<object>`, and what stands between it and `state`.
    topics: BTreeSet<String>,
}

const COMPONENTS: [&str; 19] = [
    "alarm_control_panel",
    "binary_sensor",
    "climate",
    "cover",
    "date",
    "datetime",
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
    "time",
    "update",
    "valve",
];

/// What a node's topics begin with, and the topic below that without `state`.
fn place(topic: &str) -> Option<(&str, &str)> {
    let rest = topic.strip_suffix("/state")?;
    // `<component>/<object>`, or with a detail of it behind.
    let mut slashes = rest.rmatch_indices('/').map(|(at, _)| at).skip(1);
    let starts = [slashes.next(), slashes.next()];
    starts.into_iter().flatten().find_map(|at| {
        let (prefix, below) = (rest.get(..at)?, rest.get(at + 1..)?);
        let (component, object) = below.split_once('/')?;
        let is_one = COMPONENTS.binary_search(&component).is_ok() && !object.is_empty() && !prefix.is_empty();
        is_one.then_some((prefix, below))
    })
}

/// The name at the end of what a node's topics begin with.
fn node_of(prefix: &str) -> &str {
    prefix.rsplit('/').next().unwrap_or(prefix)
}

impl Format for EspHome {
    fn wants(&self, topic: &str) -> bool {
        if topic.starts_with(DISCOVER) {
            return true;
        }
        place(topic).is_some_and(|(prefix, below)| {
            let is_known = self
                .nodes
                .get(node_of(prefix))
                .is_some_and(|node| node.topics.contains(below));
            !is_known
        })
    }

    fn takes(&self, topic: &str) -> bool {
        let node = place(topic).and_then(|(prefix, _)| self.nodes.get(node_of(prefix)));
        topic.starts_with(DISCOVER) || node.is_some_and(|node| node.described.is_some())
    }

    fn filters(&self) -> &'static [&'static str] {
        &["esphome/discover/+"]
    }

    fn apply(&mut self, now_ms: u64, arrival: &Arrival<'_>, announcements: &mut Announcements) {
        let topic = arrival.topic;
        let (name, below) = match (topic.strip_prefix(DISCOVER), place(topic)) {
            (Some(node), _) => (node, None),
            (None, Some((prefix, below))) => (node_of(prefix), Some((prefix, below))),
            (None, None) => return,
        };
        if !self.nodes.contains_key(name) && self.nodes.len() >= NODES {
            return;
        }
        let node = self.nodes.entry(name.to_owned()).or_default();
        match below {
            Some(_) if arrival.payload.is_empty() || node.topics.len() >= TOPICS => return,
            // Another that ends the same is another node.
            Some((prefix, _)) if !node.prefix.is_empty() && node.prefix != prefix => return,
            Some((prefix, below)) => {
                prefix.clone_into(&mut node.prefix);
                node.topics.insert(below.to_owned());
                node.topics.extend(modes(below, arrival.payload));
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
            let prefix = if node.prefix.is_empty() {
                name
            } else {
                &node.prefix
            };
            announcements.set(announcement(name, prefix, described, &node.topics));
        }
    }
}

/// The modes that a light was in, and whether it has effects, as marks behind its topic.
fn modes(below: &str, payload: &[u8]) -> Vec<String> {
    if !below.starts_with("light/") {
        return Vec::new();
    }
    let Ok(state) = Json::parse(payload, JsonLimits::STATE) else {
        return Vec::new();
    };
    let mode = state.get("color_mode").and_then(Json::text);
    let known = mode.filter(|mode| {
        matches!(
            *mode,
            "onoff" | "brightness" | "white" | "color_temp" | "rgb" | "rgbw" | "rgbct" | "rgbww" | "cwww"
        )
    });
    let effect = state.get("effect").is_some().then_some("effect");
    let marks = known.into_iter().chain(effect);
    marks.map(|mark| format!("{below}#{mark}")).collect()
}

fn announcement(name: &str, prefix: &str, described: &Json, topics: &BTreeSet<String>) -> Announcement {
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
                &format!("{prefix}/status"),
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
        .filter_map(|below| entity(prefix, below, topics))
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
            "valve" => self.valve(),
            "alarm_control_panel" => vec![self.alarm()],
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
            "update" => self.update(),
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
        // A light is in one of the first three only when it has no more; of the others, in those that it has.
        let has_color = ["rgb", "rgbw", "rgbct", "rgbww"].into_iter().any(is);
        if is("onoff") {
            parts.truncate(1);
        } else if is("brightness") || is("white") {
            parts.truncate(2);
        } else if is("cwww") && !has_color {
            parts.retain(|part| part.kind != EntityKind::Color);
        }
        if is("effect") {
            // Which there are is not said.
            let kind = ControlKind::Text { longest: 64 };
            parts.push(Part {
                id: "effect",
                label: "Effect",
                control: PartControl::of(kind, [set(Verb::Choose, "effect")]),
                ..told(&["effect"], read("effect"))
            });
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
        if self.has("direction") {
            let options = ["forward", "reverse"].map(str::to_owned).to_vec();
            let (read, set) = (self.read("direction/"), self.set("direction/", Verb::Choose));
            parts.push(selected(
                ("direction", "Direction"),
                options,
                Some(read),
                Some(set),
            ));
        }
        if self.has("oscillation") {
            let payload = |word: &str| Payload::Fixed(word.to_owned());
            let (on, off) = ("oscillate_on", "oscillate_off");
            let topic = format!("{}/oscillation/command", self.base);
            let read = Some(self.read("oscillation/"));
            let payloads = (payload(on), payload(off));
            parts.push(Part {
                id: "oscillation",
                label: "Oscillation",
                ..switch(EntityKind::Switch, (on, off), read, &topic, payloads)
            });
        }
        parts
    }

    /// Its program: what is installed, what there is, and the way from one to the other.
    fn update(&self) -> Vec<Part> {
        let version = |id, label, member| Part {
            id,
            label,
            kind: EntityKind::Update,
            class: Class::Internal,
            reads: vec![StateRead::new(&self.read("").topic, Extract::path([member]))],
            ..Part::default()
        };
        let mut install = button(
            &format!("{}/command", self.base),
            Payload::Fixed("INSTALL".to_owned()),
        );
        install.control = install.control.map(PartControl::asking);
        vec![
            version("", "Installed version", "installed_version"),
            version("latest", "Latest version", "latest_version"),
            Part {
                id: "install",
                label: "Install update",
                ..install
            },
        ]
    }

    fn cover(&self) -> Vec<Part> {
        let mut parts = vec![self.moved()];
        for (detail, id, label) in [("position", "position", "Position"), ("tilt", "tilt", "Tilt")] {
            parts.extend(self.placed(detail, id, label));
        }
        parts
    }

    /// Water, which nobody lets run by mistake.
    fn valve(&self) -> Vec<Part> {
        let moved = Part {
            kind: EntityKind::Valve,
            ..self.moved()
        };
        let parts = std::iter::once(moved).chain(self.placed("position", "position", "Position"));
        let asking = |part: Part| Part {
            control: part.control.map(PartControl::asking),
            ..part
        };
        parts.map(asking).collect()
    }

    fn moved(&self) -> Part {
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
        cover(words, vec![self.read("")], writes)
    }

    fn placed(&self, detail: &str, id: &'static str, label: &'static str) -> Option<Part> {
        let below = format!("{detail}/");
        let set = self.set(&below, Verb::Set);
        self.has(detail).then(|| {
            let read = Some(self.read(&below));
            level((id, label), Class::Position, 1.0, read, Some(set))
        })
    }

    fn alarm(&self) -> Part {
        let commands = [
            ("Disarm", "DISARM"),
            ("Arm home", "ARM_HOME"),
            ("Arm away", "ARM_AWAY"),
            ("Arm night", "ARM_NIGHT"),
        ];
        let options = commands.map(|(name, _)| name.to_owned()).to_vec();
        let writes = commands.map(|(name, word)| self.says(Verb::Option(name.to_owned()), word));
        Part {
            kind: EntityKind::Alarm,
            reads: vec![self.read("")],
            control: Some(PartControl::new(ControlKind::Buttons { options }, writes.to_vec()).asking()),
            ..Part::default()
        }
    }

    fn lock(&self) -> Part {
        Part {
            kind: EntityKind::Lock,
            class: Class::Lock,
            shows: Shows::States(vec![
                ("LOCKED".to_owned(), Value::Binary(false)),
                ("UNLOCKED".to_owned(), Value::Binary(true)),
                ("LOCKING".to_owned(), Value::Text("Locking".to_owned())),
                ("UNLOCKING".to_owned(), Value::Text("Unlocking".to_owned())),
                ("JAMMED".to_owned(), Value::Text("Jammed".to_owned())),
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
        assert_eq!(
            place("home/attic/node/sensor/x/state"),
            Some(("home/attic/node", "sensor/x"))
        );
        assert_eq!(place("node/kitchen/x/state"), None);
        assert_eq!(place("sensor/x/state"), None);
        assert_eq!(place("node/sensor/a/b/c/state"), None);
        assert!(COMPONENTS.is_sorted());
    }
}
