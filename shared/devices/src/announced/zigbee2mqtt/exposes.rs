//! What a device exposes → things with parts.
//!
//! Generic types (`numeric`, `binary`, `enum`, `text`, `composite`, `list`) stand alone or are the features of specific ones (`light`,
//! `switch`, `fan`, `cover`, `lock`, `climate`). `access` says what can be done: 1 it is published, 2 it can be set, 4 it can be asked.

use super::super::color::ColorForm;
use super::super::extract::Extract;
use super::super::json::{Json, quoted};
use super::super::model::{AnnouncedEntity, Part, PartControl, Shows, StateRead};
use super::super::parts::{
    color, cover, either, level, measured, named, selected, single, switch, told, white,
};
use crate::class::Class;
use crate::command::{ControlKind, Payload, Verb, Write};
use crate::device::{EntityKind, Value};

const PUBLISHED: u32 = 1;
const SET: u32 = 2;
/// Composites in composites.
const NESTED: usize = 4;
/// Where a number has no range of its own.
const ANY: f64 = 1_000_000.0;

/// One exposed value.
#[derive(Clone, Copy)]
struct Feature<'a> {
    json: &'a Json,
    topic: &'a str,
    /// Composites around it.
    above: &'a [&'a str],
}

pub(super) fn entities(topic: &str, exposed: &[Json]) -> Vec<AnnouncedEntity> {
    let mut entities = Vec::new();
    for json in exposed {
        let feature = Feature {
            json,
            topic,
            above: &[],
        };
        match feature.text("type") {
            kind @ ("light" | "switch" | "fan" | "cover" | "lock" | "climate") => {
                entities.extend(specific(kind, feature));
            }
            _ => generic(feature, &mut entities),
        }
    }
    // Properties may be exposed twice: alone, and within something.
    let mut seen = std::collections::BTreeSet::new();
    entities.retain(|entity| seen.insert(entity.id.clone()));
    entities
}

/// What all members of a group have, by type and by the names of features; endpoints are theirs alone.
pub(super) fn common(members: &[&[Json]]) -> Vec<Json> {
    let Some((first, others)) = members.split_first() else {
        return Vec::new();
    };
    let kind = |json: &Json| json.get("type").map(Json::spelled);
    let mut all = Vec::new();
    for json in *first {
        let alike: Vec<&Json> = others
            .iter()
            .filter_map(|member| member.iter().find(|other| kind(other) == kind(json)))
            .collect();
        if alike.len() < others.len() || all.iter().any(|known: &Json| kind(known) == kind(json)) {
            continue;
        }
        let features = json.get("features").map(Json::list).unwrap_or_default();
        let features = features.iter().filter(|feature| {
            let name = feature.get("name");
            alike.iter().all(|other| {
                let theirs = other.get("features").map(Json::list).unwrap_or_default();
                theirs.iter().any(|feature| feature.get("name") == name)
            })
        });
        let features = features.map(without_endpoint).collect();
        all.push(Json::Object(vec![
            ("type".to_owned(), json.get("type").cloned().unwrap_or(Json::Null)),
            ("features".to_owned(), Json::List(features)),
        ]));
    }
    all
}

fn without_endpoint(feature: &Json) -> Json {
    let name = feature.get("name").cloned().unwrap_or(Json::Null);
    let members = feature.members().iter().filter(|(key, _)| key != "endpoint");
    let members = members.map(|(key, value)| match &**key {
        "property" => (key.clone(), name.clone()),
        _ => (key.clone(), value.clone()),
    });
    Json::Object(members.collect())
}

impl<'a> Feature<'a> {
    fn text(self, name: &str) -> &'a str {
        self.json.get(name).and_then(Json::text).unwrap_or_default()
    }

    fn number(self, name: &str) -> Option<f64> {
        self.json.get(name).and_then(Json::number)
    }

    fn property(self) -> &'a str {
        match self.text("property") {
            "" => self.text("name"),
            property => property,
        }
    }

    fn can(self, access: u32) -> bool {
        self.number("access")
            .is_some_and(|bits| bits as u32 & access != 0)
    }

    fn path(self) -> Vec<&'a str> {
        self.above.iter().copied().chain([self.property()]).collect()
    }

    fn read(self) -> StateRead {
        StateRead::new(self.topic, Extract::path(self.path()))
    }

    fn reads(self) -> Option<StateRead> {
        self.can(PUBLISHED).then(|| self.read())
    }

    /// A message that sets it to what is asked for.
    fn sets(self, verb: Verb) -> Option<Write> {
        let (mut before, mut after) = (String::new(), String::new());
        for name in self.path() {
            before.push('{');
            before.push_str(&quoted(name));
            before.push(':');
            after.push('}');
        }
        let write = Write::new(
            verb,
            &format!("{}/set", self.topic),
            Payload::Json { before, after },
        );
        self.can(SET).then_some(write)
    }

    /// The payload that sets it to this.
    fn fixed(self, value: &Json) -> Payload {
        let mut payload = value.to_json();
        for name in self.path().into_iter().rev() {
            payload = format!("{{{}:{payload}}}", quoted(name));
        }
        Payload::Fixed(payload)
    }

    fn says(self, verb: Verb, word: &str) -> Write {
        let payload = self.fixed(&Json::Text(word.to_owned()));
        Write::new(verb, &format!("{}/set", self.topic), payload)
    }

    fn value(self, name: &str, default: &str) -> Json {
        self.json
            .get(name)
            .cloned()
            .unwrap_or_else(|| Json::Text(default.to_owned()))
    }

    fn values(self) -> Vec<String> {
        let values = self.json.get("values").map(Json::list).unwrap_or_default();
        values.iter().map(Json::spelled).collect()
    }

    fn features(self) -> impl Iterator<Item = Feature<'a>> {
        let features = self.json.get("features").map(Json::list).unwrap_or_default();
        features.iter().map(move |json| Feature { json, ..self })
    }

    fn feature(self, name: &str) -> Option<Feature<'a>> {
        self.features().find(|feature| feature.text("name") == name)
    }

    fn label(self) -> String {
        match self.text("label") {
            "" => named(self.property()),
            label => label.to_owned(),
        }
    }

    /// A number with its range.
    fn range(self, (low, high): (f64, f64)) -> (f64, f64, f64) {
        let min = self.number("value_min").unwrap_or(low);
        let max = self.number("value_max").unwrap_or(high).max(min);
        (
            min,
            max,
            self.number("value_step")
                .filter(|step| *step > 0.0)
                .unwrap_or(1.0),
        )
    }

    fn stepper(self) -> ControlKind {
        let (min, max, step) = self.range((-ANY, ANY));
        ControlKind::Stepper { min, max, step }
    }

    fn switch(self, kind: EntityKind) -> Part {
        let (on, off) = (self.value("value_on", "ON"), self.value("value_off", "OFF"));
        let topic = format!("{}/set", self.topic);
        switch(
            kind,
            (&on.spelled(), &off.spelled()),
            self.reads(),
            &topic,
            (self.fixed(&on), self.fixed(&off)),
        )
    }
}

/// A value that stands alone, or a composite of such.
fn generic(feature: Feature<'_>, entities: &mut Vec<AnnouncedEntity>) {
    let path = feature.path();
    if feature.text("type") == "composite" {
        // A code is set as a whole, with a user: not by one control.
        if feature.property() != "pin_code" && path.len() <= NESTED {
            for inner in feature.features() {
                generic(
                    Feature {
                        above: &path,
                        ..inner
                    },
                    entities,
                );
            }
        }
        return;
    }
    let Some(mut part) = generic_part(feature) else {
        return;
    };
    if part.class == Class::Other && matches!(feature.property(), "linkquality") {
        part.class = Class::Signal;
    }
    let mut entity = single(&path.join("."), Some(&feature.label()), part);
    entity.diagnostic |= matches!(feature.text("category"), "diagnostic" | "config");
    entities.push(entity);
}

fn generic_part(feature: Feature<'_>) -> Option<Part> {
    let path = feature.path();
    if feature.property().is_empty() || !(feature.can(PUBLISHED) || feature.can(SET)) {
        return None;
    }
    let mut part = match feature.text("type") {
        "numeric" => {
            let control = PartControl::of(feature.stepper(), [feature.sets(Verb::Set)]);
            Part {
                control,
                ..measured(&path, feature.text("unit"), feature.read())
            }
        }
        "binary" if feature.can(SET) => feature.switch(EntityKind::Switch),
        "binary" => {
            let (on, off) = (feature.value("value_on", "ON"), feature.value("value_off", "OFF"));
            either(&path, &on.spelled(), &off.spelled(), feature.read())
        }
        "enum" if feature.property() == "action" || feature.property().starts_with("action_") => Part {
            kind: EntityKind::Event,
            shows: Shows::Event,
            ..told(&path, feature.read())
        },
        "enum" => selected(
            ("", ""),
            feature.values(),
            Some(feature.read()),
            feature.sets(Verb::Choose),
        ),
        "text" => Part {
            control: PartControl::of(ControlKind::Text { longest: 255 }, [feature.sets(Verb::Choose)]),
            ..told(&path, feature.read())
        },
        // Lists, and what later versions bring.
        _ => Part {
            kind: EntityKind::Raw,
            ..told(&path, feature.read())
        },
    };
    if !feature.can(PUBLISHED) {
        part.reads.clear();
    }
    Some(part)
}

fn specific(kind: &str, feature: Feature<'_>) -> Option<AnnouncedEntity> {
    let parts = match kind {
        "light" => light(feature),
        "switch" => feature
            .feature("state")
            .map(|state| state.switch(EntityKind::Switch))
            .into_iter()
            .collect(),
        "fan" => fan(feature),
        "cover" => covering(feature),
        "lock" => lock(feature),
        _ => climate(feature),
    };
    let endpoint = feature.text("endpoint");
    let id = if endpoint.is_empty() {
        kind.to_owned()
    } else {
        format!("{kind}_{endpoint}")
    };
    let name = (!endpoint.is_empty()).then_some(endpoint);
    (!parts.is_empty()).then(|| AnnouncedEntity {
        id,
        name: name.map(named),
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
