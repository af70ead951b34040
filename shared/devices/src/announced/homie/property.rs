//! A property → a thing. Versions 4 and 5 mean the same by datatype and format, with few differences.

use hearth_model::json::parse_number;
use hearth_model::letters::lower;

use crate::announced::color::ColorForm;
use crate::announced::extract::Extract;
use crate::announced::model::{
    AnnouncedEntity, Availability, AvailabilityCheck, Part, PartControl, Shows, StateRead,
};
use crate::announced::parts::{button, either, measured, named, selected, single, switch, told};
use crate::class::Class;
use crate::command::{ControlKind, Payload, Verb, Write};
use crate::device::{EntityKind, Value};

/// Where a number has no range of its own.
const ANY: f64 = 1_000_000.0;

/// What a property says of itself.
pub(super) struct Property<'a> {
    pub(super) topic: String,
    pub(super) id: &'a str,
    pub(super) node: &'a str,
    pub(super) name: &'a str,
    pub(super) datatype: &'a str,
    pub(super) format: &'a str,
    pub(super) unit: &'a str,
    pub(super) settable: bool,
    pub(super) retained: bool,
    /// As version 5 does it: colours begin with the name of their form, an empty text is one byte 0, and what a property is on
    /// the way to has a topic of its own.
    pub(super) is_five: bool,
}

/// `[a-z0-9-]+`, and of the devices in the field also capitals and underscores.
pub(super) fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 128
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether the device is there, as its `$state` says. That of its root counts when it is lost, and only then: what is below it says
/// for itself whether it sleeps.
pub(super) fn availability(device: &str, root: Option<&str>) -> Availability {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let check = |device: &str, online: &[&str], offline: &[&str], asleep: &[&str]| AvailabilityCheck {
        online: words(online),
        offline: words(offline),
        asleep: words(asleep),
        ..AvailabilityCheck::new(&format!("{device}/$state"), "", "")
    };
    let here = ["ready", "alert", "init"];
    let own = check(device, &here, &["lost", "disconnected"], &["sleeping"]);
    let more = ["ready", "alert", "init", "disconnected", "sleeping"];
    let root = root.map(|root| check(root, &more, &["lost"], &[]));
    Availability {
        mode: crate::announced::model::AvailabilityMode::All,
        checks: std::iter::once(own).chain(root).collect(),
    }
}

/// The properties of a device. Where two of different nodes have one name, that of the node goes before it.
#[derive(Default)]
pub(super) struct Named {
    pub(super) entities: Vec<AnnouncedEntity>,
    /// Of each entity.
    nodes: Vec<String>,
    node: String,
}

impl Named {
    /// What comes now belongs to this node.
    pub(super) fn node(&mut self, name: &str, id: &str) {
        self.node = if name.trim().is_empty() {
            named(id)
        } else {
            name.to_owned()
        };
    }

    pub(super) fn push(&mut self, entity: AnnouncedEntity) {
        self.entities.push(entity);
        self.nodes.push(self.node.clone());
    }

    pub(super) fn finish(self) -> Vec<AnnouncedEntity> {
        let mut entities = self.entities;
        let names: Vec<Option<String>> = entities.iter().map(|entity| entity.name.clone()).collect();
        for ((entity, node), name) in entities.iter_mut().zip(&self.nodes).zip(&names) {
            let is_shared = names.iter().filter(|other| *other == name).count() > 1;
            if let Some(name) = entity.name.as_mut().filter(|_| is_shared) {
                *name = format!("{node} {}", lower(name));
            }
        }
        entities
    }
}

impl Property<'_> {
    fn read(&self) -> StateRead {
        StateRead::new(&self.topic, Extract::Plain)
    }

    /// Commands are never kept by the broker.
    fn set(&self, verb: Verb, payload: Payload) -> Write {
        Write::new(verb, &format!("{}/set", self.topic), payload)
    }

    /// An empty text is one byte 0 in version 5: no bytes would be no message.
    fn empty(&self) -> Option<Write> {
        let zero = || self.set(Verb::Option(String::new()), Payload::Fixed("\0".to_owned()));
        (self.settable && self.is_five && self.datatype == "string").then(zero)
    }

    fn chosen(&self) -> Option<Write> {
        self.settable.then(|| self.set(Verb::Choose, Payload::Value))
    }

    pub(super) fn entity(&self) -> AnnouncedEntity {
        let name = if self.name.is_empty() { self.id } else { self.name };
        single(&format!("{}.{}", self.node, self.id), Some(name), self.part())
    }

    fn part(&self) -> Part {
        let mut part = self.part_of_datatype();
        if self.is_five && part.kind != EntityKind::Event {
            part.target = part.reads.first().map(|read| StateRead {
                topic: format!("{}/$target", self.topic),
                ..read.clone()
            });
        }
        part
    }

    /// All of the payload: spaces are significant, and `None` is a word like any other.
    fn text(&self) -> StateRead {
        let may_be_empty = !self.is_five && self.datatype != "enum";
        StateRead::new(&self.topic, Extract::Text { may_be_empty })
    }

    fn part_of_datatype(&self) -> Part {
        let key = [self.node, self.id];
        let mut part = match self.datatype {
            "integer" | "float" => self.number(),
            "boolean" if self.settable => {
                let says = |word: &str| Payload::Fixed(word.to_owned());
                let topic = format!("{}/set", self.topic);
                switch(
                    self.switched(),
                    ("true", "false"),
                    Some(self.read()),
                    &topic,
                    (says("true"), says("false")),
                )
            }
            "boolean" => either(&key, "true", "false", self.read()),
            "enum" => {
                return self.chosen_of(
                    self.format
                        .split(',')
                        .filter(|word| !word.is_empty())
                        .map(str::to_owned)
                        .collect(),
                );
            }
            "color" => self.color(),
            "datetime" => Part {
                class: Class::Internal,
                ..told(&key, self.read())
            },
            "json" => Part {
                kind: EntityKind::Raw,
                ..told(&key, self.read())
            },
            "string" | "duration" | "" => Part {
                control: PartControl::of(ControlKind::Text { longest: 255 }, [self.empty(), self.chosen()]),
                ..told(&key, self.text())
            },
            _ => Part {
                kind: EntityKind::Raw,
                ..told(&key, self.read())
            },
        };
        // What is not kept happens now.
        if !self.retained && part.control.is_none() && part.kind == EntityKind::Text {
            part.kind = EntityKind::Event;
            part.shows = Shows::Event;
        }
        part
    }

    /// A switch, or the light that its node is.
    fn switched(&self) -> EntityKind {
        let says = |word: &str| self.node.contains(word) || self.name.to_ascii_lowercase().contains(word);
        if says("light") || says("lamp") {
            EntityKind::Light
        } else {
            EntityKind::Switch
        }
    }

    fn chosen_of(&self, options: Vec<String>) -> Part {
        // One thing to do is a button.
        if let ([only], false, true) = (&*options, self.retained, self.settable) {
            return button(&format!("{}/set", self.topic), Payload::Fixed(only.clone()));
        }
        let mut part = selected(("", ""), options, Some(self.text()), self.chosen());
        if !self.retained && !self.settable {
            part.kind = EntityKind::Event;
            part.shows = Shows::Event;
        }
        part
    }

    /// `min:max:step`, any part empty; version 4 has no step.
    fn range(&self) -> (Option<f64>, Option<f64>, Option<f64>) {
        let mut parts = self.format.split(':').map(|part| parse_number(part.as_bytes()));
        let mut next = || parts.next().flatten();
        (next(), next(), next())
    }

    fn number(&self) -> Part {
        let (min, max, step) = self.range();
        let whole = self.datatype == "integer";
        let key = [self.node, self.id];
        // `#` says that it counts something.
        let unit = if self.unit == "#" { "" } else { self.unit };
        let part = measured(&key, unit, self.read());
        if !self.settable {
            return part;
        }
        let (low, high) = (min.unwrap_or(-ANY), max.unwrap_or(ANY).max(min.unwrap_or(-ANY)));
        let step = step
            .filter(|step| *step > 0.0)
            .unwrap_or(if whole { 1.0 } else { 0.1 });
        let kind = if min.is_some() && max.is_some() && (high - low) / step <= 1_000.0 && self.unit == "%" {
            ControlKind::Slider {
                min: low,
                max: high,
                step,
            }
        } else {
            ControlKind::Stepper {
                min: low,
                max: high,
                step,
            }
        };
        let control = PartControl::new(kind, vec![self.set(Verb::Set, Payload::Value)]);
        Part {
            control: Some(if whole { control.scaled(1.0) } else { control }),
            ..part
        }
    }

    /// `rgb,hsv,xyz` in version 5, whose payloads name the form: `rgb,255,0,0`. In version 4 `rgb` or `hsv`, and bare numbers.
    fn color(&self) -> Part {
        let forms: Vec<&str> = self.format.split(',').map(str::trim).collect();
        // The first is what the device likes best; of the three, this one is the hardest to read.
        let form = match forms.iter().find(|form| matches!(**form, "rgb" | "hsv")) {
            Some(&"rgb") => ColorForm::Rgb,
            None if forms.contains(&"xyz") => ColorForm::Xy,
            _ => ColorForm::Hsv,
        };
        let write = if self.is_five && self.settable {
            let name = match form {
                ColorForm::Rgb => "rgb",
                ColorForm::Xy => "xyz",
                _ => "hsv",
            };
            let source = format!("{name},{{{{ value }}}}");
            Some(self.set(
                Verb::Choose,
                Payload::Template {
                    source,
                    name: "",
                    fixed: None,
                },
            ))
        } else {
            self.chosen()
        };
        Part {
            id: "",
            label: "",
            ..crate::announced::parts::color(form, self.read(), write)
        }
    }

    /// The words of `falseLabel,trueLabel`, which are labels only.
    pub(super) fn labelled(&self, mut entity: AnnouncedEntity) -> AnnouncedEntity {
        let (Some((no, yes)), "boolean", false) = (self.format.split_once(','), self.datatype, self.settable)
        else {
            return entity;
        };
        if let Some(part) = entity.parts.first_mut().filter(|part| part.class == Class::Other) {
            part.kind = EntityKind::Text;
            part.shows = Shows::States(vec![
                ("true".to_owned(), Value::Text(yes.to_owned())),
                ("false".to_owned(), Value::Text(no.to_owned())),
            ]);
        }
        entity
    }
}
