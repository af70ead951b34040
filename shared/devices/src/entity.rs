//! From a value to an entity: what it is, in which unit, and what can be done with it.

use std::collections::BTreeSet;

use hearth_model::format::Decimals;
use hearth_model::json::parse_number;
use hearth_model::payload::{BinaryState, BinaryWord, binary_state};

use crate::class::{Class, Guess, guess, words};
use crate::command::{Control, ControlKind};
use crate::device::{Device, DeviceKind, Entity, EntityKind, Source, Value};
use crate::flat::Scalar;
use crate::names::{human_key, is_outside};
use crate::place::Place;

/// A value as it came, with the unit when the payload says it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) scalar: Scalar,
    unit: Option<&'static str>,
}

impl From<Scalar> for Reading {
    fn from(scalar: Scalar) -> Self {
        Self { scalar, unit: None }
    }
}

/// Units that may stand behind a number in a plain payload.
const SPOKEN_UNITS: &[&str] = &[
    "°C", "°F", "C", "F", "%", "W", "kW", "Wh", "kWh", "V", "mV", "A", "mA", "hPa", "mbar", "lx", "ppm",
    "ppb", "dB", "dBm", "Hz", "s", "ms", "min", "m", "cm", "mm", "L", "m³", "m/s", "km/h", "µg/m³",
];

/// A plain payload: a number, a number with its unit, or words.
pub(crate) fn read_text(text: &str) -> Reading {
    let text = text.trim();
    if let Some(number) = parse_number(text.as_bytes()) {
        return Scalar::Number(number, text.to_owned()).into();
    }
    let number_len = text
        .bytes()
        .take_while(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+'))
        .count();
    if let Some((spelled, unit)) = text.split_at_checked(number_len)
        && let Some(number) = parse_number(spelled.as_bytes())
        && let Some(unit) = SPOKEN_UNITS.iter().find(|known| **known == unit.trim())
    {
        let unit = match *unit {
            "C" => "°C",
            "F" => "°F",
            unit => unit,
        };
        return Reading {
            scalar: Scalar::Number(number, spelled.to_owned()),
            unit: Some(unit),
        };
    }
    Scalar::Text(text.to_owned()).into()
}

/// Where a value was found.
pub(crate) struct Context<'a> {
    pub(crate) place: &'a Place,
    pub(crate) topic: &'a str,
    /// Levels or members below the device.
    pub(crate) path: &'a [String],
    pub(crate) commands_seen: &'a BTreeSet<String>,
}

impl Context<'_> {
    /// Everything that names the device and the entity.
    fn named(&self) -> String {
        let own = self.place.key.rsplit('/').next().unwrap_or_default();
        format!("{own} {} {}", self.place.name, self.path.join(" "))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Light,
    Plug,
    Window,
    Door,
    Garage,
    Cover,
    Lock,
    Motion,
    Leak,
    Smoke,
}

const THINGS: &[(Thing, &[&str])] = &[
    (Thing::Garage, &["garagentor", "차고문"]),
    (
        Thing::Cover,
        &[
            "blind",
            "blinds",
            "cover",
            "shutter",
            "shade",
            "curtain",
            "rollladen",
            "rolladen",
            "jalousie",
            "vorhang",
            "블라인드",
            "커튼",
        ],
    ),
    (Thing::Lock, &["lock", "schloss", "도어락", "잠금"]),
    (
        Thing::Light,
        &[
            "light", "lights", "lamp", "licht", "lampe", "leuchte", "bulb", "led", "조명", "전등",
        ],
    ),
    (Thing::Smoke, &["smoke", "rauchmelder", "rauch"]),
    (Thing::Leak, &["leak", "flood", "leck", "누수"]),
    (Thing::Window, &["window", "fenster", "창문"]),
    (Thing::Door, &["door", "tür", "tor", "gate", "현관문"]),
    (
        Thing::Motion,
        &["motion", "pir", "bewegung", "bewegungsmelder", "occupancy"],
    ),
    (
        Thing::Plug,
        &[
            "plug",
            "outlet",
            "socket",
            "steckdose",
            "switch",
            "schalter",
            "relay",
            "fan",
            "pump",
            "heater",
            "스위치",
            "플러그",
            "콘센트",
        ],
    ),
];

/// The thing that a name speaks of; compounds such as `Deckenlicht` count by their end.
fn thing(name: &str) -> Option<Thing> {
    let words = words(name);
    let has = |wanted: &str| {
        words
            .iter()
            .any(|word| word == wanted || (wanted.chars().count() > 3 && word.ends_with(wanted)))
    };
    if has("garage") && (has("door") || has("tor") || has("gate")) {
        return Some(Thing::Garage);
    }
    THINGS
        .iter()
        .find(|(_, names)| names.iter().any(|name| has(name)))
        .map(|(thing, _)| *thing)
}

/// Makes an entity from its first value; `None` for what no card can show.
pub(crate) fn new_entity(
    context: &Context<'_>,
    id: String,
    field: Option<String>,
    reading: &Reading,
    now_ms: u64,
) -> Option<Entity> {
    let path: Vec<&str> = context.path.iter().map(String::as_str).collect();
    let guess = guess_in(context, &path);
    let (kind, class) = kind_of(context, guess, reading)?;
    let (unit, unit_is_guess) = match (kind, reading.unit) {
        (EntityKind::Number, Some(unit)) => (unit, false),
        (EntityKind::Number, None) => (unit_for(guess, reading), !guess.unit.is_empty()),
        _ => ("", false),
    };
    let mut entity = Entity {
        name: name_of(&path, class, kind),
        id,
        kind,
        class,
        value: Value::Unknown,
        unit: unit.to_owned(),
        unit_is_guess,
        diagnostic: class.is_diagnostic(),
        at_ms: now_ms,
        since_ms: now_ms,
        retained: false,
        topic: context.topic.to_owned(),
        field,
        control: None,
        decimals: Decimals::new(),
        scale: 1.0,
        inverted: guess.inverted,
    };
    add_control(&mut entity, context, reading);
    Some(entity)
}

fn guess_in(context: &Context<'_>, path: &[&str]) -> Guess {
    let own = guess(path);
    let says_nothing = path.is_empty() || matches!(own.class, Class::OnOff | Class::Other);
    let last = path.last().map(|last| last.to_lowercase()).unwrap_or_default();
    if context.place.source == Source::Shelly {
        return shelly_guess(path, own);
    }
    if says_nothing && (path.is_empty() || matches!(&*last, "state" | "value" | "val" | "current" | "status"))
    {
        let device = guess(&[context.place.key.rsplit('/').next().unwrap_or_default()]);
        if device.class != Class::Other && !matches!(device.class, Class::Internal) {
            return device;
        }
    }
    own
}

fn shelly_guess(path: &[&str], own: Guess) -> Guess {
    let of = |class, unit| Guess {
        class,
        unit,
        inverted: false,
    };
    match path {
        ["relay" | "light" | "white" | "color", _] => of(Class::OnOff, ""),
        ["roller", _] => of(Class::Cover, ""),
        ["sensor", "state"] => of(Class::Opening, ""),
        ["emeter", _, "total"] => of(Class::Energy, "kWh"),
        ["temperature"] => of(Class::Internal, "°C"),
        _ => own,
    }
}

fn kind_of(context: &Context<'_>, guess: Guess, reading: &Reading) -> Option<(EntityKind, Class)> {
    let thing = thing(&context.named());
    let word = match &reading.scalar {
        Scalar::Null => return None,
        Scalar::Number(number, _) => {
            let is_state =
                guess.class.is_binary() && (*number == 0.0 || (*number - 1.0).abs() < f64::EPSILON);
            if !is_state {
                let class = if guess.class.is_binary() {
                    Class::Other
                } else {
                    guess.class
                };
                return Some((EntityKind::Number, class));
            }
            None
        }
        Scalar::Bool(_) => None,
        Scalar::Text(text) => match state_word(text) {
            Some(word) => Some(word),
            None if matches!(guess.class, Class::OnOff | Class::Cover | Class::Other)
                && is_cover_word(text) =>
            {
                return Some((EntityKind::Cover, Class::Cover));
            }
            None => return Some((EntityKind::Text, text_class(guess.class))),
        },
    };
    let class = match (guess.class, word.map(|word| word.word), thing) {
        (Class::Cover, ..) => return Some((EntityKind::Cover, Class::Cover)),
        (Class::OnOff | Class::Other, Some(BinaryWord::LockedUnlocked), _)
        | (Class::OnOff | Class::Other, _, Some(Thing::Lock)) => Class::Lock,
        (Class::OnOff | Class::Other, Some(BinaryWord::OpenClosed), Some(Thing::Cover)) => {
            return Some((EntityKind::Cover, Class::Cover));
        }
        (Class::OnOff | Class::Other, Some(BinaryWord::OpenClosed), _) => Class::Opening,
        (Class::OnOff | Class::Other, Some(BinaryWord::WetDry), _) => Class::Leak,
        (Class::OnOff | Class::Other, Some(BinaryWord::HomeAway), _) => Class::Presence,
        (Class::OnOff | Class::Other, Some(BinaryWord::Motion | BinaryWord::OccupiedVacant), _)
        | (Class::OnOff | Class::Other, _, Some(Thing::Motion)) => Class::Motion,
        (Class::OnOff, _, Some(Thing::Window | Thing::Door | Thing::Garage)) => Class::Opening,
        (Class::OnOff, _, Some(Thing::Leak)) => Class::Leak,
        (Class::OnOff, _, Some(Thing::Smoke)) => Class::Smoke,
        (Class::Other, Some(BinaryWord::OnOff), _) => Class::OnOff,
        (class, ..) => class,
    };
    let kind = if class == Class::Lock {
        EntityKind::Lock
    } else {
        EntityKind::Binary
    };
    Some((kind, class))
}

/// Words of two states, with those that only locks say.
fn state_word(text: &str) -> Option<BinaryState> {
    let lock = |on| BinaryState {
        word: BinaryWord::LockedUnlocked,
        on,
    };
    match text {
        "LOCK" => Some(lock(true)),
        "UNLOCK" => Some(lock(false)),
        // The commands of a cover, which zigbee2mqtt repeats as its state.
        "OPEN" | "CLOSE" => None,
        "0" | "1" => None,
        _ => binary_state(text),
    }
}

fn is_cover_word(text: &str) -> bool {
    let text = text.to_lowercase();
    matches!(
        &*text,
        "open" | "close" | "closed" | "stop" | "stopped" | "opening" | "closing"
    )
}

fn text_class(class: Class) -> Class {
    match class {
        Class::Activity | Class::Internal => class,
        _ => Class::Other,
    }
}

/// The unit of a number; a value far outside what the unit allows has another one.
fn unit_for(guess: Guess, reading: &Reading) -> &'static str {
    let Scalar::Number(number, _) = reading.scalar else {
        return guess.unit;
    };
    match (guess.class, guess.unit) {
        (Class::Voltage, "V") if number > 1000.0 => "mV",
        (Class::Pressure, "hPa") if number > 20_000.0 => "Pa",
        _ => guess.unit,
    }
}

fn name_of(path: &[&str], class: Class, kind: EntityKind) -> String {
    let key = path.last().copied().unwrap_or_default();
    let says_more = words(key).len() > 1 && !matches!(class, Class::TargetTemperature);
    match class.title() {
        "" => match (kind, key) {
            (EntityKind::Cover, _) => "Position".to_owned(),
            (EntityKind::Number | EntityKind::Text, "") => "Value".to_owned(),
            (_, "") => "State".to_owned(),
            _ => human_key(key),
        },
        title if !says_more || key.is_ascii() && guess(&[key]).class == class && words(key).len() < 2 => {
            title.to_owned()
        }
        _ => human_key(key),
    }
}

fn add_control(entity: &mut Entity, context: &Context<'_>, reading: &Reading) {
    let (command, key) = (
        &context.place.command,
        context.path.last().map_or("", |key| &**key),
    );
    let things = thing(&context.named());
    let (on, off) = spelled_states(&reading.scalar);
    let json = |kind| Control::json(kind, command.clone(), key, &on, &off);
    match context.place.source {
        Source::Zigbee2mqtt => zigbee2mqtt_control(entity, context, key, json),
        Source::Tasmota => {
            let topic = command
                .strip_suffix("POWER")
                .map(|above| format!("{above}{key}"))
                .unwrap_or_default();
            if key.starts_with("POWER") && entity.class != Class::Power {
                entity.class = Class::OnOff;
            }
            if key.starts_with("POWER") && context.path.len() == 1 {
                entity.kind = EntityKind::Switch;
                entity.control = Some(Control::plain(ControlKind::Switch, topic, "ON", "OFF"));
                entity.name = human_key(&key.replacen("POWER", "Switch ", 1)).trim().to_owned();
            } else if key == "Dimmer" {
                let kind = ControlKind::Slider {
                    min: 0.0,
                    max: 100.0,
                    step: 1.0,
                };
                entity.control = Some(Control::plain(kind, topic, "", "").scaled(1.0));
            }
        }
        Source::Shelly => shelly_control(entity, context),
        Source::EspHome => {
            let component = context.path.first().map_or("", |component| &**component);
            let kind = match component {
                "lock" => Some(ControlKind::Lock),
                "cover" => Some(ControlKind::Cover),
                "switch" | "light" | "fan" if entity.is_two_valued() => Some(ControlKind::Switch),
                _ => None,
            };
            if let Some(kind) = kind {
                let is_object = context.path.len() > 2;
                entity.control = Some(match is_object {
                    true => json(kind),
                    false => Control::plain(kind, command.clone(), &on, &off),
                });
                entity.kind = match component {
                    "light" => EntityKind::Light,
                    "cover" => EntityKind::Cover,
                    "lock" => EntityKind::Lock,
                    _ => EntityKind::Switch,
                };
                entity.name = human_key(context.path.get(1).map_or("", |object| &**object));
            }
        }
        Source::Plain => {
            let seen = context.commands_seen.contains(command);
            let by_name = matches!(
                things,
                Some(Thing::Light | Thing::Plug | Thing::Cover | Thing::Lock)
            );
            if seen || by_name {
                plain_control(entity, command, key, &on, &off);
            }
        }
    }
    let is_light = things == Some(Thing::Light);
    if is_light && entity.kind == EntityKind::Switch {
        entity.kind = EntityKind::Light;
    }
}

fn zigbee2mqtt_control(
    entity: &mut Entity,
    context: &Context<'_>,
    key: &str,
    json: impl Fn(ControlKind) -> Control,
) {
    if context.path.len() != 1 {
        return;
    }
    let is_state = key == "state" || key.starts_with("state_");
    match (entity.kind, entity.class) {
        (EntityKind::Lock, _) if is_state => {
            entity.control = Some(Control {
                kind: ControlKind::Lock,
                ..json(ControlKind::Lock)
            });
        }
        (EntityKind::Cover, _) if is_state => entity.control = Some(json(ControlKind::Cover)),
        (EntityKind::Binary, Class::OnOff) if is_state => {
            entity.kind = EntityKind::Switch;
            entity.control = Some(json(ControlKind::Switch));
        }
        (EntityKind::Number, Class::Brightness) if key == "brightness" => {
            entity.scale = 2.54;
            "%".clone_into(&mut entity.unit);
            entity.unit_is_guess = true;
            entity.control = Some(
                json(ControlKind::Slider {
                    min: 0.0,
                    max: 100.0,
                    step: 1.0,
                })
                .scaled(2.54),
            );
        }
        (EntityKind::Number, Class::Position) if key == "position" => {
            entity.control = Some(json(ControlKind::Slider {
                min: 0.0,
                max: 100.0,
                step: 1.0,
            }));
        }
        (EntityKind::Number, Class::TargetTemperature) => {
            entity.control = Some(json(ControlKind::Stepper {
                min: 5.0,
                max: 30.0,
                step: 0.5,
            }));
        }
        _ => {}
    }
}

fn shelly_control(entity: &mut Entity, context: &Context<'_>) {
    let path: Vec<&str> = context.path.iter().map(String::as_str).collect();
    let topic = context.place.command.clone();
    match path[..] {
        ["relay" | "light" | "white" | "color", number] => {
            entity.kind = if path.first() == Some(&"relay") {
                EntityKind::Switch
            } else {
                EntityKind::Light
            };
            entity.class = Class::OnOff;
            entity.name = format!("Switch {}", human_key(number));
            entity.control = Some(Control::plain(ControlKind::Switch, topic, "on", "off"));
        }
        ["roller", _] => entity.control = Some(Control::plain(ControlKind::Cover, topic, "open", "close")),
        // Watt-minutes at a relay, watt-hours at a meter.
        ["relay" | "light", _, "energy"] => entity.scale = 60_000.0,
        ["emeter", _, "total"] => entity.scale = 1000.0,
        ["emeter", _, "energy"] => entity.diagnostic = true,
        _ => {}
    }
}

fn plain_control(entity: &mut Entity, topic: &str, key: &str, on: &str, off: &str) {
    let is_object = entity.field.is_some();
    let make = |kind| match is_object {
        true => Control::json(kind, topic.to_owned(), key, on, off),
        false => Control::plain(kind, topic.to_owned(), on, off),
    };
    let kind = match (entity.kind, entity.class) {
        (EntityKind::Binary, Class::OnOff) => {
            entity.kind = EntityKind::Switch;
            ControlKind::Switch
        }
        (EntityKind::Switch | EntityKind::Light, _) => ControlKind::Switch,
        (EntityKind::Cover, _) => ControlKind::Cover,
        (EntityKind::Lock, _) => ControlKind::Lock,
        (EntityKind::Number, Class::Brightness | Class::Position) => ControlKind::Slider {
            min: 0.0,
            max: 100.0,
            step: 1.0,
        },
        (EntityKind::Number, Class::TargetTemperature) => ControlKind::Stepper {
            min: 5.0,
            max: 30.0,
            step: 0.5,
        },
        _ => return,
    };
    entity.control = Some(make(kind));
}

/// The words for on and off in the spelling that the device uses.
fn spelled_states(scalar: &Scalar) -> (String, String) {
    let pair = |on: &str, off: &str| (on.to_owned(), off.to_owned());
    let text = match scalar {
        Scalar::Bool(_) => return pair("true", "false"),
        Scalar::Number(..) => return pair("1", "0"),
        Scalar::Text(text) => text,
        Scalar::Null => return pair("ON", "OFF"),
    };
    let (on, off) = match binary_state(text).map(|state| state.word) {
        Some(BinaryWord::TrueFalse) => ("TRUE", "FALSE"),
        Some(BinaryWord::YesNo) => ("YES", "NO"),
        Some(BinaryWord::OpenClosed) => ("OPEN", "CLOSE"),
        Some(BinaryWord::LockedUnlocked) => ("LOCK", "UNLOCK"),
        _ => ("ON", "OFF"),
    };
    let lower = text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase);
    if lower {
        pair(&on.to_lowercase(), &off.to_lowercase())
    } else {
        pair(on, off)
    }
}

impl Entity {
    fn is_two_valued(&self) -> bool {
        matches!(
            self.kind,
            EntityKind::Binary | EntityKind::Switch | EntityKind::Light | EntityKind::Lock
        )
    }

    /// Takes a newer value. A value of another sort than the entity's is shown as words.
    pub(crate) fn update(&mut self, reading: &Reading, now_ms: u64, retained: bool) {
        let value = self.value_of(&reading.scalar);
        if value != self.value {
            self.since_ms = now_ms;
        }
        self.value = value;
        self.at_ms = now_ms;
        self.retained = retained;
    }

    fn value_of(&mut self, scalar: &Scalar) -> Value {
        let two_valued = self.is_two_valued() || self.class == Class::Cover;
        match scalar {
            Scalar::Null => Value::Unknown,
            Scalar::Bool(on) => Value::Binary(*on != self.inverted),
            Scalar::Number(number, _) if two_valued => Value::Binary((*number != 0.0) != self.inverted),
            Scalar::Number(number, spelled) => {
                if self.scale == 1.0 {
                    self.decimals.push_text(spelled);
                    return Value::Number(*number);
                }
                let shown = number / self.scale;
                let shown = if self.unit == "%" { shown.round() } else { shown };
                self.decimals.push(shown);
                Value::Number(shown)
            }
            Scalar::Text(text) if two_valued => match text.to_lowercase().as_str() {
                // Locks say `locked`, on is the less safe state.
                "lock" | "locked" => Value::Binary(false),
                "unlock" | "unlocked" | "not_fully_locked" => Value::Binary(true),
                "close" | "closed" => Value::Binary(false),
                _ => match binary_state(text) {
                    Some(state) => {
                        let is_bool = matches!(state.word, BinaryWord::TrueFalse | BinaryWord::ZeroOne);
                        Value::Binary(state.on != (self.inverted && is_bool))
                    }
                    None => Value::Text(text.clone()),
                },
            },
            Scalar::Text(text) => Value::Text(text.clone()),
        }
    }

    /// A command topic was seen: what could only be looked at can now be set.
    pub(crate) fn learn_command(&mut self, source: Source, seen: &BTreeSet<String>) {
        if source != Source::Plain || self.control.is_some() {
            return;
        }
        let above = self.topic.rsplit_once('/').map_or("", |(above, _)| above);
        let candidates = [
            format!("{}/set", self.topic),
            format!("{above}/set"),
            format!("{above}/command"),
        ];
        let key = self.id.rsplit('.').next().unwrap_or_default().to_owned();
        if let Some(topic) = candidates.iter().find(|topic| seen.contains(*topic)) {
            let scalar = match &self.value {
                Value::Text(text) => Scalar::Text(text.clone()),
                Value::Unknown | Value::Number(_) | Value::Binary(_) => Scalar::Null,
            };
            let (on, off) = spelled_states(&scalar);
            plain_control(self, topic, &key, &on, &off);
        }
    }
}

/// Orders the entities and settles what the device is; to be called when an entity appeared.
pub(crate) fn refresh(device: &mut Device) {
    let has = |device: &Device, class| device.of_class(class).is_some();
    if has(device, Class::Brightness) {
        for entity in &mut device.entities {
            if entity.kind == EntityKind::Switch {
                entity.kind = EntityKind::Light;
            }
        }
    }
    device
        .entities
        .sort_by_key(|entity| (entity.diagnostic, entity.class.rank()));
    device.kind = kind_of_device(device);
}

fn kind_of_device(device: &Device) -> DeviceKind {
    let own = device.key.rsplit('/').next().unwrap_or_default();
    let thing = thing(&format!("{own} {}", device.name));
    let has_kind = |kind| device.entities.iter().any(|entity| entity.kind == kind);
    let has = |class| device.of_class(class).is_some();
    let opening = device.of_class(Class::Opening);
    let opening_named =
        |word: &str| opening.is_some_and(|entity| words(&entity.id).iter().any(|named| named == word));
    match thing {
        _ if has_kind(EntityKind::Lock) => DeviceKind::Lock,
        Some(Thing::Garage) if opening.is_some() || has_kind(EntityKind::Cover) => DeviceKind::Garage,
        _ if has_kind(EntityKind::Cover) => DeviceKind::Cover,
        _ if has_kind(EntityKind::Light) => DeviceKind::Light,
        _ if has(Class::TargetTemperature) => DeviceKind::Thermostat,
        _ if has(Class::Smoke) || has(Class::CarbonMonoxide) => DeviceKind::Smoke,
        _ if has(Class::Leak) => DeviceKind::Leak,
        Some(Thing::Window) if opening.is_some() => DeviceKind::Window,
        _ if opening_named("window") => DeviceKind::Window,
        _ if opening.is_some() => DeviceKind::Door,
        _ if has(Class::Motion) => DeviceKind::Motion,
        _ if has_kind(EntityKind::Switch) && (has(Class::Power) || thing == Some(Thing::Plug)) => {
            DeviceKind::Plug
        }
        _ if has_kind(EntityKind::Switch) => DeviceKind::Switch,
        _ if has(Class::CarbonDioxide) || has(Class::ParticulateMatter) || has(Class::VolatileCompounds) => {
            DeviceKind::Air
        }
        _ if has(Class::Temperature) || has(Class::Humidity) => DeviceKind::Climate,
        _ if has(Class::Power) || has(Class::Energy) => DeviceKind::Energy,
        _ if device
            .entities
            .iter()
            .all(|entity| entity.kind == EntityKind::Text) =>
        {
            DeviceKind::Text
        }
        _ => DeviceKind::Sensor,
    }
}

/// Whether a device stands in the open, by its room or name.
pub(crate) fn is_outdoors(device: &Device) -> bool {
    is_outside(&device.name) || device.room.as_deref().is_some_and(is_outside)
}
