//! What the parsers of several formats make parts of.

use super::color::ColorForm;
use super::model::{AnnouncedEntity, Part, PartControl, Shows, StateRead};
use crate::class::{Class, guess, words};
use crate::command::{ControlKind, Payload, Verb, Write};
use crate::device::{EntityKind, Value};
use crate::names::first_upper;

/// Longest level, name or id that is taken from outside, in bytes.
const NAME_BYTES: usize = 512;

/// Whether a text can stand in a topic name.
pub(super) fn is_topic(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES && !text.contains(['+', '#', '\0'])
}

/// A thing with one part.
pub(super) fn single(id: &str, name: Option<&str>, part: Part) -> AnnouncedEntity {
    AnnouncedEntity {
        id: id.to_owned(),
        name: name.map(str::to_owned),
        diagnostic: part.class.is_diagnostic(),
        parts: vec![part],
        ..AnnouncedEntity::default()
    }
}

/// A number that is told; what it measures is read off its key unless the unit says it.
pub(super) fn measured(key: &[&str], unit: &str, read: StateRead) -> Part {
    let guessed = guess(key).class;
    let class =
        class_of_unit(unit, guessed).unwrap_or(if guessed.is_binary() || guessed == Class::Activity {
            Class::Other
        } else {
            guessed
        });
    Part {
        kind: EntityKind::Number,
        class,
        unit: unit.to_owned(),
        shows: Shows::number(),
        reads: vec![read],
        ..Part::default()
    }
}

/// What a unit measures that measures one thing only; a guess that fits the unit stays.
fn class_of_unit(unit: &str, guessed: Class) -> Option<Class> {
    let class = match unit {
        "°C" | "°F" if guessed == Class::TargetTemperature => guessed,
        "°C" | "°F" => Class::Temperature,
        "W" | "kW" => Class::Power,
        "Wh" | "kWh" | "MWh" => Class::Energy,
        "V" | "mV" => Class::Voltage,
        "A" | "mA" => Class::Current,
        "VA" | "kVA" | "var" | "VAR" | "VAr" => Class::ApparentPower,
        "Hz" => Class::Frequency,
        "hPa" | "kPa" | "mbar" | "bar" | "psi" | "mmHg" | "inHg" => Class::Pressure,
        "lx" => Class::Illuminance,
        "dBm" | "lqi" => Class::Signal,
        _ => return None,
    };
    Some(class)
}

/// Words that are told.
pub(super) fn told(key: &[&str], read: StateRead) -> Part {
    let class = guess(key).class;
    Part {
        kind: EntityKind::Text,
        class: if class == Class::Internal {
            class
        } else {
            Class::Other
        },
        reads: vec![read],
        ..Part::default()
    }
}

/// One of two states that is told. `true` means what the class says; of a contact it is closed.
pub(super) fn either(key: &[&str], on: &str, off: &str, read: StateRead) -> Part {
    let guessed = guess(key);
    let class = if guessed.class.is_binary() || guessed.class == Class::Internal {
        guessed.class
    } else {
        Class::Other
    };
    let inverted = guessed.inverted && class.is_binary();
    Part {
        kind: EntityKind::Binary,
        class,
        shows: Shows::States(vec![
            (on.to_owned(), Value::Binary(!inverted)),
            (off.to_owned(), Value::Binary(inverted)),
        ]),
        reads: vec![read],
        ..Part::default()
    }
}

/// Something switched by two messages.
pub(super) fn switch(
    kind: EntityKind,
    (on, off): (&str, &str),
    read: Option<StateRead>,
    topic: &str,
    payloads: (Payload, Payload),
) -> Part {
    Part {
        kind,
        class: Class::OnOff,
        shows: Shows::switch(on, off),
        reads: read.into_iter().collect(),
        control: Some(PartControl::new(
            ControlKind::Switch,
            vec![
                Write::new(Verb::On, topic, payloads.0),
                Write::new(Verb::Off, topic, payloads.1),
            ],
        )),
        ..Part::default()
    }
}

/// From nothing to all, in %.
pub(super) fn percent() -> ControlKind {
    ControlKind::Slider {
        min: 0.0,
        max: 100.0,
        step: 1.0,
    }
}

/// A share in %, of which the device says `scale` for one.
pub(super) fn level(
    (id, label): (&'static str, &'static str),
    class: Class,
    scale: f64,
    read: Option<StateRead>,
    write: Option<Write>,
) -> Part {
    let control = PartControl::of(percent(), [write]);
    Part {
        id,
        label,
        kind: EntityKind::Number,
        class,
        unit: "%".to_owned(),
        shows: Shows::Number { scale, offset: 0.0 },
        reads: read.into_iter().collect(),
        control: control.map(|control| control.scaled(scale)),
        ..Part::default()
    }
}

/// A colour temperature in what the device counts in.
pub(super) fn white((min, max): (f64, f64), unit: &str, read: StateRead, write: Option<Write>) -> Part {
    let kind = ControlKind::Slider {
        min,
        max: max.max(min + 1.0),
        step: 1.0,
    };
    Part {
        id: "color_temp",
        label: "Colour temperature",
        kind: EntityKind::Number,
        class: Class::ColorTemperature,
        unit: unit.to_owned(),
        shows: Shows::number(),
        reads: vec![read],
        control: PartControl::of(kind, [write]).map(|control| control.scaled(1.0)),
        ..Part::default()
    }
}

/// A colour.
pub(super) fn color(form: ColorForm, read: StateRead, write: Option<Write>) -> Part {
    Part {
        id: "color",
        label: "Colour",
        kind: EntityKind::Color,
        shows: Shows::Color(form),
        reads: vec![read],
        control: PartControl::of(ControlKind::Color(form), [write]),
        ..Part::default()
    }
}

/// One of several words.
pub(super) fn selected(
    (id, label): (&'static str, &'static str),
    options: Vec<String>,
    read: Option<StateRead>,
    write: Option<Write>,
) -> Part {
    let write = write.filter(|_| !options.is_empty());
    Part {
        id,
        label,
        kind: if write.is_some() {
            EntityKind::Select
        } else {
            EntityKind::Text
        },
        reads: read.into_iter().collect(),
        control: PartControl::of(ControlKind::Select { options }, [write]),
        ..Part::default()
    }
}

/// Something to press.
pub(super) fn button(topic: &str, payload: Payload) -> Part {
    Part {
        kind: EntityKind::Button,
        control: Some(PartControl::new(
            ControlKind::Button,
            vec![Write::new(Verb::Press, topic, payload)],
        )),
        ..Part::default()
    }
}

/// What opens and closes in these words, and how it is told to.
pub(super) fn cover(shows: Shows, reads: Vec<StateRead>, writes: Vec<Write>) -> Part {
    Part {
        kind: EntityKind::Cover,
        class: Class::Cover,
        shows,
        reads,
        control: (!writes.is_empty()).then(|| PartControl::new(ControlKind::Cover, writes)),
        ..Part::default()
    }
}

/// `child_lock` → `Child lock`
pub(super) fn named(key: &str) -> String {
    first_upper(&words(key).join(" "))
}
