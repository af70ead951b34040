//! What a device exposes → things with parts.
//!
//! Generic types (`numeric`, `binary`, `enum`, `text`, `composite`, `list`) stand alone or are the features of specific ones (`light`,
//! `switch`, `fan`, `cover`, `lock`, `climate`). `access` says what can be done: 1 it is published, 2 it can be set, 4 it can be asked.

use hearth_model::letters::lower;

use super::super::extract::Extract;
use super::super::json::{Json, quoted};
use super::super::model::{AnnouncedEntity, Part, PartControl, Shows, StateRead};
use super::super::parts::{button, either, measured, named, selected, single, switch, told};
use super::specific::{is_known, specific};
use crate::class::{Class, guess};
use crate::command::{ControlKind, Payload, Verb, Write};
use crate::device::{EntityKind, Value};

pub(super) const PUBLISHED: u32 = 1;
pub(super) const SET: u32 = 2;
/// It can be read from the device.
const GET: u32 = 4;
/// Values that are read at once.
const READ: usize = 64;
/// Composites in composites.
const NESTED: usize = 4;
/// Where a number has no range of its own.
const ANY: f64 = 1_000_000.0;

/// One exposed value.
#[derive(Clone, Copy)]
pub(super) struct Feature<'a> {
    json: &'a Json,
    pub(super) topic: &'a str,
    /// Which of several it belongs to, for its name.
    endpoint: &'a str,
    /// Composites around it.
    above: &'a [&'a str],
}

pub(super) fn entities(topic: &str, exposed: &[Json]) -> Vec<AnnouncedEntity> {
    let mut entities = Vec::new();
    // What can be set besides the light, the blind, the thermostat, the motion is a setting of it.
    let is_setting = exposed.iter().any(is_main);
    for json in exposed {
        let feature = Feature {
            json,
            topic,
            endpoint: "",
            above: &[],
        };
        let kind = feature.text("type");
        if is_whole(kind) {
            entities.extend(specific(kind, feature));
            for inner in feature.features().filter(|inner| !is_known(*inner)) {
                let endpoint = feature.text("endpoint");
                generic(Feature { endpoint, ..inner }, true, &mut entities);
            }
        } else {
            let endpoint = feature.text("endpoint");
            let is_setting = is_setting && !acts(feature.property());
            generic(Feature { endpoint, ..feature }, is_setting, &mut entities);
        }
    }
    // Properties may be exposed twice: alone, and within something.
    let mut seen = std::collections::BTreeSet::new();
    entities.retain(|entity| seen.insert(entity.id.clone()));
    entities
}

/// What asks the device for all that it can be asked for, in one message (`<friendly name>/get`). The bridge asks for each by radio,
/// and says what it heard like any other state; so this is a message of its own, and asks first.
pub(super) fn read_again(topic: &str, exposed: &[Json]) -> Option<AnnouncedEntity> {
    let mut names = Vec::new();
    readable(exposed, 0, &mut names);
    let members: Vec<String> = names
        .iter()
        .map(|name| format!("{}:\"\"", quoted(name)))
        .collect();
    let payload = Payload::Fixed(format!("{{{}}}", members.join(",")));
    let ask = button(&format!("{topic}/get"), payload);
    let part = Part {
        class: Class::Internal,
        control: ask.control.clone().map(PartControl::asking),
        ..ask
    };
    (!names.is_empty()).then(|| single("read_again", Some("Read its values again"), part))
}

/// Names of what can be read: of a composite its own, whatever is read of it.
fn readable<'a>(exposed: &'a [Json], depth: usize, names: &mut Vec<&'a str>) {
    for json in exposed {
        let feature = Feature {
            json,
            topic: "",
            endpoint: "",
            above: &[],
        };
        let features = json.get("features").map(Json::list).unwrap_or_default();
        if feature.text("type") == "composite" || features.is_empty() {
            let can_be = |one: &Json| Feature { json: one, ..feature }.can(GET);
            let name = feature.property();
            let is_new = !name.is_empty() && !names.contains(&name) && names.len() < READ;
            if is_new && (can_be(json) || features.iter().any(can_be)) {
                names.push(name);
            }
        } else if depth < NESTED {
            readable(features, depth + 1, names);
        }
    }
}

/// Whether a device is about this rather than about what can be set besides.
fn is_main(json: &Json) -> bool {
    let text = |name: &str| json.get(name).and_then(Json::text).unwrap_or_default();
    let class = guess(&[text("property")]).class;
    is_whole(text("type"))
        || (text("type") == "binary"
            && json.get("access").and_then(Json::number) == Some(1.0)
            && class.is_binary()
            && !matches!(class, Class::BatteryLow | Class::Tamper | Class::OnOff))
}

/// Whether something that stands alone is more than a setting.
fn acts(property: &str) -> bool {
    ["state", "trigger", "alarm", "siren", "breaker"]
        .iter()
        .any(|known| property.starts_with(known))
}

fn is_whole(kind: &str) -> bool {
    matches!(kind, "light" | "switch" | "fan" | "cover" | "lock" | "climate")
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
    let text = |name: &str| feature.get(name).and_then(Json::text).unwrap_or_default();
    let property = text("property");
    // `state_l1` is the `state` of all.
    let own = property
        .strip_suffix(text("endpoint"))
        .and_then(|property| property.strip_suffix('_'));
    let members = feature.members().iter().filter(|(key, _)| key != "endpoint");
    let members = members.map(|(key, value)| match &**key {
        "property" => (key.clone(), Json::Text(own.unwrap_or(property).to_owned())),
        _ => (key.clone(), value.clone()),
    });
    Json::Object(members.collect())
}

impl<'a> Feature<'a> {
    pub(super) fn text(self, name: &str) -> &'a str {
        self.json.get(name).and_then(Json::text).unwrap_or_default()
    }

    pub(super) fn number(self, name: &str) -> Option<f64> {
        self.json.get(name).and_then(Json::number)
    }

    pub(super) fn property(self) -> &'a str {
        match self.text("property") {
            "" => self.text("name"),
            property => property,
        }
    }

    pub(super) fn can(self, access: u32) -> bool {
        self.number("access")
            .is_some_and(|bits| bits as u32 & access != 0)
    }

    pub(super) fn path(self) -> Vec<&'a str> {
        self.above.iter().copied().chain([self.property()]).collect()
    }

    pub(super) fn read(self) -> StateRead {
        StateRead::new(self.topic, Extract::path(self.path()))
    }

    pub(super) fn reads(self) -> Option<StateRead> {
        self.can(PUBLISHED).then(|| self.read())
    }

    /// A message that sets it to what is asked for.
    pub(super) fn sets(self, verb: Verb) -> Option<Write> {
        let (before, after) = self.around();
        let write = Write::new(
            verb,
            &format!("{}/set", self.topic),
            Payload::Json { before, after },
        );
        self.can(SET).then_some(write)
    }

    /// The payload that sets it to this.
    pub(super) fn fixed(self, value: &Json) -> Payload {
        let mut payload = value.to_json();
        for name in self.path().into_iter().rev() {
            payload = format!("{{{}:{payload}}}", quoted(name));
        }
        Payload::Fixed(payload)
    }

    pub(super) fn says(self, verb: Verb, word: &str) -> Write {
        let payload = self.fixed(&Json::Text(word.to_owned()));
        Write::new(verb, &format!("{}/set", self.topic), payload)
    }

    pub(super) fn value(self, name: &str, default: &str) -> Json {
        self.json
            .get(name)
            .cloned()
            .unwrap_or_else(|| Json::Text(default.to_owned()))
    }

    pub(super) fn values(self) -> Vec<String> {
        let values = self.json.get("values").map(Json::list).unwrap_or_default();
        values.iter().map(Json::spelled).collect()
    }

    pub(super) fn features(self) -> impl Iterator<Item = Feature<'a>> {
        let features = self.json.get("features").map(Json::list).unwrap_or_default();
        features.iter().map(move |json| Feature { json, ..self })
    }

    pub(super) fn feature(self, name: &str) -> Option<Feature<'a>> {
        self.features().find(|feature| feature.text("name") == name)
    }

    fn label(self) -> String {
        match (self.text("label"), self.endpoint) {
            ("", _) => named(self.property()),
            // Also when the label names it already.
            (label, endpoint) if label.ends_with(endpoint) => label.to_owned(),
            (label, endpoint) => format!("{label} {endpoint}"),
        }
    }

    /// JSON that somebody types: for what is set as a whole.
    fn typed(self) -> Option<PartControl> {
        let (before, after) = self.around();
        let payload = Payload::Template {
            source: format!("{before}{{{{ value }}}}{after}"),
            name: "",
            fixed: None,
        };
        let write = Write::new(Verb::Choose, &format!("{}/set", self.topic), payload);
        let control = PartControl::of(ControlKind::Text { longest: 2_000 }, [Some(write)]);
        control.filter(|_| self.can(SET)).map(PartControl::asking)
    }

    /// What stands around its value in a message.
    fn around(self) -> (String, String) {
        let (mut before, mut after) = (String::new(), String::new());
        for name in self.path() {
            before.push('{');
            before.push_str(&quoted(name));
            before.push(':');
            after.push('}');
        }
        (before, after)
    }

    /// A number with its range.
    pub(super) fn range(self, (low, high): (f64, f64)) -> (f64, f64, f64) {
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

    pub(super) fn stepper(self) -> ControlKind {
        let (min, max, step) = self.range((-ANY, ANY));
        ControlKind::Stepper { min, max, step }
    }

    pub(super) fn switch(self, kind: EntityKind) -> Part {
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

/// A value that stands alone, or a composite of such; a setting is of interest to the tinkerer only.
fn generic(feature: Feature<'_>, is_setting: bool, entities: &mut Vec<AnnouncedEntity>) {
    let path = feature.path();
    let is_settable = feature.can(SET);
    let mut parts = if feature.text("type") == "composite" && !is_read(feature) {
        commanded(feature)
    } else if feature.text("type") == "composite" {
        for inner in feature.features().filter(|_| path.len() <= NESTED) {
            let inner = Feature {
                above: &path,
                endpoint: feature.endpoint,
                ..inner
            };
            let first = entities.len();
            generic(inner, is_settable || is_setting, entities);
            // `start_hour` of which of the slots?
            for entity in entities.iter_mut().skip(first) {
                let own = entity.name.as_deref().map(lower).unwrap_or_default();
                entity.name = Some(format!("{} {own}", feature.label()));
            }
        }
        return;
    } else {
        let Some(part) = generic_part(feature) else {
            return;
        };
        let chosen = preset(feature, ("preset", "Preset"));
        std::iter::once(part).chain(chosen).collect::<Vec<_>>()
    };
    let Some(part) = parts.first_mut() else { return };
    let is_event = part.kind == EntityKind::Event;
    if feature.property() == "linkquality" {
        part.class = Class::Signal;
    }
    // A switch, or what can be set within a composite, says nothing of what the device is about.
    let is_setting = is_setting && is_settable && (part.kind != EntityKind::Select || path.len() > 1);
    let is_main = part.class == Class::TargetTemperature && path.len() == 1;
    let is_setting = is_setting && part.kind != EntityKind::Siren && !is_main;
    let category = matches!(feature.text("category"), "diagnostic" | "config");
    let is_diagnostic = part.class.is_diagnostic() || category || is_setting;
    entities.push(AnnouncedEntity {
        id: path.join("."),
        name: Some(feature.label()),
        diagnostic: is_diagnostic && !is_event,
        parts,
        ..AnnouncedEntity::default()
    });
}

/// Whether a composite is more than a command, and no secret.
fn is_read(feature: Feature<'_>) -> bool {
    feature.can(PUBLISHED) && !is_secret(feature)
}

fn is_secret(feature: Feature<'_>) -> bool {
    feature.property().contains("pin_code") || feature.property() == "wifi_config"
}

/// A composite that nobody says the state of: its members belong together, and are sent together.
fn commanded(feature: Feature<'_>) -> Vec<Part> {
    // As the bridge's own Home Assistant discovery has it.
    if feature.text("name") == "warning" && feature.feature("mode").is_some() {
        let says = |members: &str| {
            let (before, after) = feature.around();
            Payload::Fixed(format!("{before}{{\"mode\":{members}}}{after}"))
        };
        let (on, off) = (
            says("\"emergency\",\"level\":\"medium\",\"duration\":10"),
            says("\"stop\""),
        );
        let topic = format!("{}/set", feature.topic);
        return vec![switch(EntityKind::Siren, ("", ""), None, &topic, (on, off))];
    }
    let control = feature.typed().map(|control| PartControl {
        for_admins: is_secret(feature),
        ..control
    });
    let part = control.map(|control| Part {
        kind: EntityKind::Text,
        class: Class::Internal,
        control: Some(control),
        ..Part::default()
    });
    part.into_iter().collect()
}

/// Named values of a number.
pub(super) fn preset(feature: Feature<'_>, (id, label): (&'static str, &'static str)) -> Option<Part> {
    let presets = feature.json.get("presets").map(Json::list).unwrap_or_default();
    let topic = format!("{}/set", feature.topic);
    let (mut options, mut words, mut writes) = (Vec::new(), Vec::new(), Vec::new());
    for preset in presets {
        let name = preset.get("name").map(Json::spelled);
        let (Some(name), Some(value)) = (name, preset.get("value")) else {
            continue;
        };
        words.push((value.spelled(), Value::Text(name.clone())));
        writes.push(Write::new(
            Verb::Option(name.clone()),
            &topic,
            feature.fixed(value),
        ));
        options.push(name);
    }
    (feature.can(SET) && !writes.is_empty()).then(|| Part {
        id,
        label,
        kind: EntityKind::Select,
        shows: Shows::States(words),
        reads: feature.reads().into_iter().collect(),
        control: Some(PartControl::new(ControlKind::Select { options }, writes)),
        ..Part::default()
    })
}

fn generic_part(feature: Feature<'_>) -> Option<Part> {
    let path = feature.path();
    if feature.property().is_empty() || !(feature.can(PUBLISHED) || feature.can(SET)) {
        return None;
    }
    let is_action = feature.property() == "action" || feature.property().starts_with("action_");
    let mut part = match feature.text("type") {
        "numeric" => numeric(feature),
        "binary" if feature.can(SET) => feature.switch(EntityKind::Switch),
        "binary" => {
            let (on, off) = (feature.value("value_on", "ON"), feature.value("value_off", "OFF"));
            either(&path, &on.spelled(), &off.spelled(), feature.read())
        }
        "enum" if is_action => Part {
            kind: EntityKind::Event,
            shows: Shows::Event,
            ..told(&path, feature.read())
        },
        "enum" => match &feature.values()[..] {
            // `identify`: nothing to choose from, and nothing to be told.
            [one] if !feature.can(PUBLISHED) => {
                let write = feature.says(Verb::Press, one);
                button(&write.topic, write.payload)
            }
            _ => selected(
                ("", ""),
                feature.values(),
                Some(feature.read()),
                feature.sets(Verb::Choose),
            ),
        },
        "text" => Part {
            control: PartControl::of(ControlKind::Text { longest: 255 }, [feature.sets(Verb::Choose)]),
            ..told(&path, feature.read())
        },
        // Lists, and what later versions bring, are shown as they come and typed as JSON.
        _ => Part {
            kind: EntityKind::Raw,
            control: feature.typed(),
            ..told(&path, feature.read())
        },
    };
    if !feature.can(PUBLISHED) {
        part.reads.clear();
    }
    if let Some(control) = part.control.as_mut().filter(|_| path.len() > 1) {
        // The others of a composite are sent with it: most converters want all of them.
        if let Some((_, above)) = path.split_last() {
            control.together = format!("{}.", above.join("."));
        }
    }
    Some(part)
}

fn numeric(feature: Feature<'_>) -> Part {
    let unit = feature.text("unit");
    let part = measured(&feature.path(), unit, feature.read());
    let class = match part.class {
        // `temperature_setpoint_hold_duration` is no temperature.
        Class::TargetTemperature if !matches!(unit, "°C" | "°F" | "C") => Class::Other,
        Class::Brightness
        | Class::ColorTemperature
        | Class::Other
        | Class::Position
        | Class::TargetTemperature
        | Class::Valve => part.class,
        // What can be set is no measurement: a limit, a threshold, a correction.
        _ if feature.can(SET) => Class::Internal,
        class => class,
    };
    Part {
        class,
        control: PartControl::of(feature.stepper(), [feature.sets(Verb::Set)]),
        ..part
    }
}
