//! From a value to an entity: what it is, in which unit, and what can be done with it.

use hearth_model::letters::lower;
use std::collections::BTreeSet;

use hearth_model::format::Decimals;
use hearth_model::json::parse_number;
use hearth_model::order::sort_by_key;
use hearth_model::payload::{BinaryState, BinaryWord, binary_state};

use crate::class::{Class, Guess, guess, words};
use crate::command::{Control, ControlKind};
use crate::control::{add_control, plain_control, spelled_states};
use crate::device::{Device, DeviceKind, Entity, EntityKind, Source, Value};
use crate::flat::Scalar;
use crate::kind::kind_of_device;
use crate::names::{human_key, is_one_of, is_outside, words_in};
use crate::place::Place;
use crate::unit::without_unit;

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
    /// What people said that the device is.
    pub(crate) by_hand: Option<DeviceKind>,
}

impl Context<'_> {
    /// Everything that names the device and the entity.
    fn named(&self) -> String {
        let own = self.place.key.rsplit('/').next().unwrap_or_default();
        format!("{own} {} {}", self.place.name, self.path.join(" "))
    }

    pub(crate) fn thing(&self) -> Option<Thing> {
        if let Some(kind) = self.by_hand {
            return thing_of(kind);
        }
        match thing_named(&self.named()) {
            Some(Thing::Door | Thing::Gate) if self.place.room.as_deref().is_some_and(is_garage) => {
                Some(Thing::Garage)
            }
            other => other,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Light,
    Plug,
    Window,
    Door,
    Garage,
    Gate,
    Cover,
    Lock,
    Valve,
    Motion,
    Leak,
    Smoke,
}

/// What a device is by its kind, for what its values mean.
fn thing_of(kind: DeviceKind) -> Option<Thing> {
    match kind {
        DeviceKind::Light => Some(Thing::Light),
        DeviceKind::Plug | DeviceKind::Switch | DeviceKind::Fan => Some(Thing::Plug),
        DeviceKind::Window => Some(Thing::Window),
        DeviceKind::Door => Some(Thing::Door),
        DeviceKind::Garage => Some(Thing::Garage),
        DeviceKind::Cover => Some(Thing::Cover),
        DeviceKind::Lock => Some(Thing::Lock),
        DeviceKind::Valve => Some(Thing::Valve),
        DeviceKind::Motion => Some(Thing::Motion),
        DeviceKind::Leak => Some(Thing::Leak),
        DeviceKind::Smoke => Some(Thing::Smoke),
        _ => None,
    }
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
    (Thing::Valve, &["valve", "ventil", "밸브"]),
    (
        Thing::Light,
        &[
            "light", "lights", "lamp", "licht", "lampe", "leuchte", "bulb", "led", "조명", "전등",
        ],
    ),
    (Thing::Smoke, &["smoke", "rauchmelder", "rauch"]),
    (Thing::Leak, &["leak", "flood", "leck", "누수"]),
    (Thing::Window, &["window", "fenster", "창문"]),
    (
        Thing::Gate,
        &[
            "tor",
            "gate",
            "hoftor",
            "gartentor",
            "einfahrtstor",
            "rolltor",
            "대문",
        ],
    ),
    (Thing::Door, &["door", "tür", "현관문"]),
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
pub(crate) fn thing_named(name: &str) -> Option<Thing> {
    let words = words(name);
    let has = |wanted: &str| {
        // Most words differ in their last byte already.
        let last = wanted.as_bytes().last();
        words.iter().any(|word| {
            word.as_bytes().last() == last
                && word.ends_with(wanted)
                && (word.len() == wanted.len() || wanted.chars().count() > 3)
        })
    };
    if has("garage") && (has("door") || has("tor") || has("gate")) {
        return Some(Thing::Garage);
    }
    THINGS
        .iter()
        .find(|(_, names)| names.iter().any(|name| has(name)))
        .map(|(thing, _)| *thing)
}

pub(crate) fn is_garage(room: &str) -> bool {
    words_in(room).any(|word| is_one_of(word, &["garage", "차고"]))
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
    let mut guess = guess_in(context, &path);
    // Of a device that people know, a state without a name is what the device is about.
    if context.by_hand.is_some_and(|kind| thing_of(kind).is_some())
        && matches!(guess.class, Class::Other | Class::OnOff)
    {
        guess.class = Class::OnOff;
    }
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
        unavailable: false,
        unreadable: false,
        is_waiting: false,
        silent: false,
        is_hidden: false,
        own: None,
        answer: None,
        target: None,
        decimals: Decimals::new(),
        scale: 1.0,
        inverted: guess.inverted,
        command_topic: context.place.command.clone(),
        spelled: spelled_states(&reading.scalar),
    };
    add_control(&mut entity, context);
    Some(entity)
}

fn guess_in(context: &Context<'_>, path: &[&str]) -> Guess {
    let own = guess(path);
    let says_nothing = path.is_empty() || matches!(own.class, Class::OnOff | Class::Other);
    let last = path.last().map(|last| lower(last)).unwrap_or_default();
    // `{"temperature":{"value":21}}` is one of those above.
    if let Some(above @ [.., _]) = without_value(path) {
        let above = guess(above);
        if above.class != Class::Other {
            return above;
        }
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

/// What stands above a member that is called `value`.
fn without_value<'a>(path: &'a [&'a str]) -> Option<&'a [&'a str]> {
    let (last, above) = path.split_last()?;
    matches!(*last, "value" | "val").then_some(above)
}

fn kind_of(context: &Context<'_>, guess: Guess, reading: &Reading) -> Option<(EntityKind, Class)> {
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
        Scalar::Text(text) => match state_word(text, context.place.source) {
            Some(word) => Some(word),
            None if matches!(guess.class, Class::OnOff | Class::Cover | Class::Opening)
                && is_cover_word(text) =>
            {
                return Some((EntityKind::Cover, Class::Cover));
            }
            None => return Some((EntityKind::Text, text_class(guess.class))),
        },
    };
    let class = match (guess.class, word.map(|word| word.word), context.thing()) {
        (Class::Cover, ..) => return Some((EntityKind::Cover, Class::Cover)),
        (Class::OnOff | Class::Other, Some(BinaryWord::LockedUnlocked), _)
        | (Class::OnOff | Class::Other, _, Some(Thing::Lock)) => Class::Lock,
        (Class::OnOff | Class::Other | Class::Opening, Some(BinaryWord::OpenClosed), Some(Thing::Cover)) => {
            return Some((EntityKind::Cover, Class::Cover));
        }
        (Class::OnOff | Class::Other, Some(BinaryWord::OpenClosed), _) => Class::Opening,
        (Class::OnOff | Class::Other, Some(BinaryWord::WetDry), _) => Class::Leak,
        (Class::OnOff | Class::Other, Some(BinaryWord::HomeAway), _) => Class::Presence,
        (Class::OnOff | Class::Other, Some(BinaryWord::Motion | BinaryWord::OccupiedVacant), _)
        | (Class::OnOff | Class::Other, _, Some(Thing::Motion)) => Class::Motion,
        (Class::OnOff, _, Some(Thing::Window | Thing::Door | Thing::Gate | Thing::Garage)) => Class::Opening,
        (Class::OnOff, _, Some(Thing::Leak)) => Class::Leak,
        (Class::OnOff, _, Some(Thing::Smoke)) => Class::Smoke,
        (Class::Other, Some(BinaryWord::OnOff), _) => Class::OnOff,
        // What is measured is no yes or no.
        (class, ..) if !class.is_binary() && class != Class::Internal => Class::Other,
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
fn state_word(text: &str, source: Source) -> Option<BinaryState> {
    let lock = |on| BinaryState {
        word: BinaryWord::LockedUnlocked,
        on,
    };
    match text {
        "LOCK" => Some(lock(true)),
        "UNLOCK" => Some(lock(false)),
        // The commands of a cover, which zigbee2mqtt repeats as its state.
        "OPEN" | "CLOSE" if source == Source::Zigbee2mqtt => None,
        _ => binary_state(text),
    }
}

fn is_cover_word(text: &str) -> bool {
    let text = lower(text);
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

pub(crate) fn name_of(path: &[&str], class: Class, kind: EntityKind) -> String {
    let path = without_value(path)
        .filter(|above| !above.is_empty())
        .unwrap_or(path);
    let key = without_unit(path.last().copied().unwrap_or_default());
    let says_more = words(key).len() > 1 && !matches!(class, Class::TargetTemperature);
    match class.title() {
        "Energy" if matches!(&*lower(key), "total" | "today" | "yesterday") => {
            format!("Energy {}", lower(key))
        }
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

impl Entity {
    pub(crate) fn is_two_valued(&self) -> bool {
        matches!(
            self.kind,
            EntityKind::Binary | EntityKind::Switch | EntityKind::Light | EntityKind::Lock
        )
    }

    pub(crate) fn become_cover(&mut self) {
        self.kind = EntityKind::Cover;
        self.class = Class::Cover;
        self.name = name_of(&[], Class::Cover, EntityKind::Cover);
    }

    /// Takes a newer value. A value of another sort than the entity's is shown as words.
    pub(crate) fn update(&mut self, reading: &Reading, now_ms: u64, retained: bool) {
        if let Scalar::Text(text) = &reading.scalar
            && self.class == Class::Opening
            && self.field.is_none()
            && matches!(&*lower(text), "opening" | "closing" | "stopped")
        {
            // Only something with a motor says so.
            self.become_cover();
            let topic = self.command_topic.clone();
            self.control = Some(Control::plain(ControlKind::Cover, &topic, "OPEN", "CLOSE"));
        }
        let value = self.value_of(&reading.scalar);
        self.take_value(now_ms, retained, value);
    }

    /// A newer value. What was heard is said no later, and no less surely, because the broker kept it, too.
    pub(crate) fn take_value(&mut self, now_ms: u64, retained: bool, value: Value) {
        let is_other = value != self.value;
        if is_other {
            self.since_ms = since(now_ms, retained);
        }
        if is_other || !retained || self.retained {
            self.at_ms = now_ms;
            self.retained = retained;
        }
        self.value = value;
    }

    fn value_of(&mut self, scalar: &Scalar) -> Value {
        let two_valued = self.is_two_valued() || self.class == Class::Cover;
        match scalar {
            Scalar::Null => Value::Unknown,
            Scalar::Bool(on) => Value::Binary(*on != self.inverted),
            Scalar::Number(number, _) if two_valued => Value::Binary((*number != 0.0) != self.inverted),
            Scalar::Number(number, spelled) => {
                if self.class == Class::Brightness && self.unit == "%" && self.scale == 1.0 && *number > 100.0
                {
                    // Not in % after all, but in the other usual range: 0 to 255.
                    self.scale = 2.55;
                    self.control = self.control.take().map(|control| control.scaled(2.55));
                }
                if self.scale == 1.0 {
                    self.decimals.push_text(spelled);
                    return Value::Number(*number);
                }
                let shown = number / self.scale;
                let shown = if self.unit == "%" { shown.round() } else { shown };
                self.decimals.push(shown);
                Value::Number(shown)
            }
            Scalar::Text(text) if two_valued => match lower(text).as_str() {
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
        if let Some(topic) = self
            .command_topics()
            .into_iter()
            .find(|topic| seen.contains(topic))
        {
            let key = self.id.rsplit('.').next().unwrap_or_default().to_owned();
            let (on, off) = self.spelled.clone();
            plain_control(self, &topic, &key, &on, &off);
        }
    }

    /// Where commands for it may be seen.
    pub(crate) fn command_topics(&self) -> [String; 4] {
        let above = self.topic.rsplit_once('/').map_or("", |(above, _)| above);
        let own = self.command_topic.clone();
        [
            own,
            format!("{}/set", self.topic),
            format!("{above}/set"),
            format!("{above}/command"),
        ]
    }
}

/// Since when a new value is: what the broker kept was said at a time that nobody here knows, 0.
pub(crate) fn since(now_ms: u64, retained: bool) -> u64 {
    if retained { 0 } else { now_ms }
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
    // A lock may tell its state twice; the one that can be set is shown.
    let is_set = |entity: &Entity| entity.kind == EntityKind::Lock && entity.control.is_some();
    let has_set = device.entities.iter().any(is_set);
    for entity in &mut device.entities {
        entity.diagnostic |= entity.kind == EntityKind::Lock && entity.control.is_none() && has_set;
    }
    sort_by_key(&mut device.entities, |entity| {
        (entity.diagnostic, entity.class.rank())
    });
    device.keep_own(kind_of_device(device));
}

/// Whether a device stands in the open, by its room or name.
pub(crate) fn is_outdoors(device: &Device) -> bool {
    is_outside(&device.name) || device.room.as_deref().is_some_and(is_outside)
}
