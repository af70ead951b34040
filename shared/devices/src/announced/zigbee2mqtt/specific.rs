//! Lights, switches, fans, covers, locks and climate: features that belong together.

use super::exposes::{Feature, PUBLISHED, SET, preset};
use crate::announced::color::ColorForm;
use crate::announced::model::{AnnouncedEntity, Part, PartControl, Shows};
use crate::announced::parts::{color, cover, level, measured, named, selected, told, white};
use crate::class::Class;
use crate::command::{ControlKind, Payload, Verb, Write};
use crate::device::{EntityKind, Value};

/// Features that the parts below are made of; all others stand alone.
const KNOWN: [&str; 23] = [
    "brightness",
    "color_hs",
    "color_temp",
    "color_xy",
    "current_heating_setpoint",
    "fan_mode",
    "local_temperature",
    "local_temperature_calibration",
    "lock_state",
    "mode",
    "occupied_cooling_setpoint",
    "occupied_heating_setpoint",
    "pi_heating_demand",
    "position",
    "preset",
    "running_state",
    "speed",
    "state",
    "swing_mode",
    "system_mode",
    "tilt",
    "unoccupied_cooling_setpoint",
    "unoccupied_heating_setpoint",
];

/// Whether a feature is part of the whole that it is exposed with.
pub(super) fn is_known(feature: Feature<'_>) -> bool {
    KNOWN.contains(&feature.text("name"))
}

pub(super) fn specific(kind: &str, feature: Feature<'_>) -> Option<AnnouncedEntity> {
    let endpoint = feature.text("endpoint");
    // A switch or lock of something else: `child_lock`, `window_detection`.
    let other = feature
        .feature("state")
        .filter(|_| matches!(kind, "switch" | "lock"))
        .map(Feature::property)
        .filter(|property| !property.starts_with("state"));
    let parts = match kind {
        "light" => light(feature),
        "fan" => fan(feature),
        "cover" => covering(feature),
        "lock" if other.is_none() => lock(feature),
        "switch" | "lock" => feature
            .feature("state")
            .map(|state| state.switch(EntityKind::Switch))
            .into_iter()
            .collect(),
        _ => climate(feature),
    };
    let id = match (other, endpoint) {
        (Some(property), _) => property.to_owned(),
        (None, "") => kind.to_owned(),
        (None, endpoint) => format!("{kind}_{endpoint}"),
    };
    let name = other.or((!endpoint.is_empty()).then_some(endpoint));
    (!parts.is_empty()).then(|| AnnouncedEntity {
        id,
        name: name.map(named),
        diagnostic: other.is_some(),
        parts,
        ..AnnouncedEntity::default()
    })
}

fn light(feature: Feature<'_>) -> Vec<Part> {
    let mut parts: Vec<Part> = feature
        .feature("state")
        .map(|state| state.switch(EntityKind::Light))
        .into_iter()
        .collect();
    if let Some(brightness) = feature.feature("brightness") {
        let (_, full, _) = brightness.range((0.0, 254.0));
        let scale = if full > 0.0 { full / 100.0 } else { 2.54 };
        parts.push(level(
            ("brightness", "Brightness"),
            Class::Brightness,
            scale,
            brightness.reads(),
            brightness.sets(Verb::Set),
        ));
    }
    if let Some(temperature) = feature.feature("color_temp") {
        let (min, max, _) = temperature.range((153.0, 500.0));
        parts.push(white(
            (min, max),
            "mired",
            temperature.read(),
            temperature.sets(Verb::Set),
        ));
        let named = ("color_temp_preset", "Colour temperature preset");
        parts.extend(preset(temperature, named));
    }
    let forms = [
        ("color_xy", ColorForm::Xy),
        ("color_hs", ColorForm::HueSaturation),
    ];
    if let Some((colored, form)) = forms
        .into_iter()
        .find_map(|(name, form)| Some((feature.feature(name)?, form)))
    {
        // What can be set is said at the coordinates.
        let settable = colored.features().all(|axis| axis.can(SET)) || colored.can(SET);
        let write = settable.then(|| {
            let payload = Payload::member(colored.property());
            Write::new(Verb::Choose, &format!("{}/set", colored.topic), payload)
        });
        parts.push(color(form, colored.read(), write));
    }
    parts
}

fn fan(feature: Feature<'_>) -> Vec<Part> {
    let state = feature
        .feature("state")
        .map(|state| state.switch(EntityKind::Fan));
    let speed = feature.feature("speed").map(|speed| {
        let (_, full, _) = speed.range((0.0, 254.0));
        level(
            ("speed", "Speed"),
            Class::Other,
            full.max(1.0) / 100.0,
            speed.reads(),
            speed.sets(Verb::Set),
        )
    });
    let mode = feature.feature("mode").map(|mode| {
        selected(
            ("mode", "Mode"),
            mode.values(),
            mode.reads(),
            mode.sets(Verb::Choose),
        )
    });
    [state, speed, mode].into_iter().flatten().collect()
}

fn covering(feature: Feature<'_>) -> Vec<Part> {
    let state = feature.feature("state");
    let position = feature.feature("position");
    let mut parts = Vec::new();
    let writes = state.filter(|state| state.can(SET)).map(|state| {
        [(Verb::Open, "OPEN"), (Verb::Close, "CLOSE"), (Verb::Stop, "STOP")]
            .map(|(verb, word)| state.says(verb, word))
            .to_vec()
    });
    let words = Shows::States(vec![
        ("OPEN".to_owned(), Value::Binary(true)),
        ("CLOSE".to_owned(), Value::Binary(false)),
        ("STOP".to_owned(), Value::Text("Stopped".to_owned())),
    ]);
    // Where it is says more than what it was told.
    let (shows, reads) = match (position, state) {
        (Some(position), _) if position.can(PUBLISHED) => {
            (Shows::Position { closed: 0.0 }, vec![position.read()])
        }
        (_, Some(state)) if state.can(PUBLISHED) => (words, vec![state.read()]),
        _ => (words, Vec::new()),
    };
    if !reads.is_empty() || writes.is_some() {
        parts.push(cover(shows, reads, writes.unwrap_or_default()));
    }
    for (name, label) in [("position", "Position"), ("tilt", "Tilt")] {
        if let Some(axis) = feature.feature(name) {
            let id = if name == "tilt" { "tilt" } else { "position" };
            parts.push(level(
                (id, label),
                Class::Position,
                1.0,
                axis.reads(),
                axis.sets(Verb::Set),
            ));
        }
    }
    parts
}

fn lock(feature: Feature<'_>) -> Vec<Part> {
    let Some(state) = feature.feature("state") else {
        return Vec::new();
    };
    let (locked, unlocked) = (
        state.value("value_on", "LOCK"),
        state.value("value_off", "UNLOCK"),
    );
    let topic = format!("{}/set", state.topic);
    let writes = vec![
        Write::new(Verb::Lock, &topic, state.fixed(&locked)),
        Write::new(Verb::Unlock, &topic, state.fixed(&unlocked)),
    ];
    let own = Part {
        kind: EntityKind::Lock,
        class: Class::Lock,
        shows: Shows::States(vec![
            (locked.spelled(), Value::Binary(false)),
            (unlocked.spelled(), Value::Binary(true)),
        ]),
        reads: state.reads().into_iter().collect(),
        control: state
            .can(SET)
            .then(|| PartControl::new(ControlKind::Lock, writes).asking()),
        ..Part::default()
    };
    let detail = feature.feature("lock_state").map(|detail| Part {
        id: "lock_state",
        label: "Bolt",
        ..told(&["lock_state"], detail.read())
    });
    std::iter::once(own).chain(detail).collect()
}

fn climate(feature: Feature<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(mode) = feature.feature("system_mode") {
        parts.push(Part {
            kind: EntityKind::Climate,
            class: Class::Activity,
            ..selected(("", "Mode"), mode.values(), mode.reads(), mode.sets(Verb::Choose))
        });
    }
    let numbers = [
        (
            "local_temperature",
            "local_temperature",
            "Temperature",
            Class::Temperature,
        ),
        (
            "occupied_heating_setpoint",
            "heating",
            "Target",
            Class::TargetTemperature,
        ),
        (
            "current_heating_setpoint",
            "target",
            "Target",
            Class::TargetTemperature,
        ),
        (
            "occupied_cooling_setpoint",
            "cooling",
            "Cooling target",
            Class::TargetTemperature,
        ),
        (
            "unoccupied_heating_setpoint",
            "away",
            "Target when away",
            Class::TargetTemperature,
        ),
        (
            "unoccupied_cooling_setpoint",
            "away_cooling",
            "Cooling target when away",
            Class::TargetTemperature,
        ),
        (
            "local_temperature_calibration",
            "calibration",
            "Calibration",
            Class::Internal,
        ),
        ("pi_heating_demand", "demand", "Valve", Class::Valve),
    ];
    for (name, id, label, class) in numbers {
        if let Some(number) = feature.feature(name) {
            let control = PartControl::of(number.stepper(), [number.sets(Verb::Set)]);
            let part = measured(&[name], number.text("unit"), number.read());
            parts.push(Part {
                id,
                label,
                class,
                control,
                ..part
            });
        }
    }
    for (name, id, label) in [
        ("running_state", "running_state", "Activity"),
        ("preset", "preset", "Preset"),
        ("fan_mode", "fan_mode", "Fan"),
        ("swing_mode", "swing_mode", "Swing"),
    ] {
        if let Some(word) = feature.feature(name) {
            let mut part = selected((id, label), word.values(), word.reads(), word.sets(Verb::Choose));
            if name == "running_state" {
                part.class = Class::Activity;
            }
            parts.push(part);
        }
    }
    // The first part stands for the whole.
    if let Some(first) = parts.first_mut().filter(|first| !first.id.is_empty()) {
        first.id = "";
    }
    parts
}
