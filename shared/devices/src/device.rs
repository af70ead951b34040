//! What a device and its entities are.

use hearth_model::format::{Decimals, format_number};

use crate::class::Class;
use crate::command::{Control, ControlKind};

/// A device in the registry, for the life of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(pub(crate) usize);

/// How a device is known to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Liveness {
    /// Nothing live was heard: there are only retained values of unknown age.
    #[default]
    Unknown,
    /// It says so itself, or it was heard within its own rhythm.
    Online,
    /// Silent for much longer than usual.
    Stale,
    /// It said goodbye, or its will says that it is gone.
    Offline,
    /// It sleeps on purpose and will wake.
    Asleep,
}

impl Liveness {
    /// `online`, `stale`, `offline`, `asleep`, `unknown`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Online => "online",
            Self::Stale => "stale",
            Self::Offline => "offline",
            Self::Asleep => "asleep",
        }
    }
}

/// What a device is, for its picture; the first that fits, from the top.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum DeviceKind {
    Lock,
    Cover,
    Garage,
    Light,
    Thermostat,
    Alarm,
    Smoke,
    Leak,
    Window,
    Door,
    Motion,
    Plug,
    Switch,
    Air,
    Climate,
    Energy,
    Fan,
    Humidifier,
    Valve,
    Vacuum,
    LawnMower,
    WaterHeater,
    Siren,
    Camera,
    Button,
    #[default]
    Sensor,
    Text,
}

impl DeviceKind {
    /// Lower case, one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Cover => "cover",
            Self::Garage => "garage",
            Self::Light => "light",
            Self::Thermostat => "thermostat",
            Self::Alarm => "alarm",
            Self::Smoke => "smoke",
            Self::Leak => "leak",
            Self::Window => "window",
            Self::Door => "door",
            Self::Motion => "motion",
            Self::Plug => "plug",
            Self::Switch => "switch",
            Self::Air => "air",
            Self::Climate => "climate",
            Self::Energy => "energy",
            Self::Fan => "fan",
            Self::Humidifier => "humidifier",
            Self::Valve => "valve",
            Self::Vacuum => "vacuum",
            Self::LawnMower => "lawn_mower",
            Self::WaterHeater => "water_heater",
            Self::Siren => "siren",
            Self::Camera => "camera",
            Self::Button => "button",
            Self::Sensor => "sensor",
            Self::Text => "text",
        }
    }

    /// Every kind that people can choose.
    pub const ALL: [Self; 27] = [
        Self::Light,
        Self::Plug,
        Self::Switch,
        Self::Door,
        Self::Window,
        Self::Garage,
        Self::Motion,
        Self::Cover,
        Self::Lock,
        Self::Climate,
        Self::Thermostat,
        Self::Air,
        Self::Energy,
        Self::Leak,
        Self::Smoke,
        Self::Fan,
        Self::Humidifier,
        Self::Valve,
        Self::Vacuum,
        Self::LawnMower,
        Self::WaterHeater,
        Self::Siren,
        Self::Alarm,
        Self::Camera,
        Self::Button,
        Self::Sensor,
        Self::Text,
    ];

    /// The kind with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it speaks when something happens rather than in a rhythm, so that silence says nothing.
    #[must_use]
    pub fn speaks_on_events(self) -> bool {
        match self {
            Self::Lock | Self::Cover | Self::Garage | Self::Light | Self::Smoke | Self::Leak => true,
            Self::Window | Self::Door | Self::Motion | Self::Switch | Self::Text => true,
            Self::Alarm | Self::Fan | Self::Valve | Self::Vacuum | Self::LawnMower | Self::Siren => true,
            Self::Camera | Self::Button => true,
            Self::Thermostat | Self::Plug | Self::Air | Self::Climate | Self::Energy | Self::Sensor => false,
            Self::Humidifier | Self::WaterHeater => false,
        }
    }
}

/// What an entity shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EntityKind {
    /// A number with a unit.
    Number,
    /// One of two states that cannot be set.
    Binary,
    /// Words.
    #[default]
    Text,
    /// A light, on or off.
    Light,
    /// Something switched on or off.
    Switch,
    /// A blind, shutter or gate.
    Cover,
    /// A lock.
    Lock,
    /// A fan, on or off.
    Fan,
    /// A humidifier or dehumidifier, on or off.
    Humidifier,
    /// A siren, on or off.
    Siren,
    /// What heats or cools does.
    Climate,
    /// What a water heater does.
    WaterHeater,
    /// A valve, open or closed.
    Valve,
    /// A vacuum cleaner.
    Vacuum,
    /// A lawn mower.
    LawnMower,
    /// An alarm panel.
    Alarm,
    /// One of several words.
    Select,
    /// Something to press.
    Button,
    /// A scene to activate.
    Scene,
    /// A colour.
    Color,
    /// Something that happens: a press, a ring.
    Event,
    /// Whether a newer version can be installed.
    Update,
    /// A picture.
    Image,
    /// Where somebody or something is.
    Tracker,
    /// A message to send.
    Notify,
    /// A moment, ms since epoch, until which something goes on.
    Until,
    /// Of a kind that is not known: shown as it comes.
    Raw,
}

impl EntityKind {
    /// Lower case, one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Binary => "binary",
            Self::Text => "text",
            Self::Light => "light",
            Self::Switch => "switch",
            Self::Cover => "cover",
            Self::Lock => "lock",
            Self::Fan => "fan",
            Self::Humidifier => "humidifier",
            Self::Siren => "siren",
            Self::Climate => "climate",
            Self::WaterHeater => "water_heater",
            Self::Valve => "valve",
            Self::Vacuum => "vacuum",
            Self::LawnMower => "lawn_mower",
            Self::Alarm => "alarm",
            Self::Select => "select",
            Self::Button => "button",
            Self::Scene => "scene",
            Self::Color => "color",
            Self::Event => "event",
            Self::Update => "update",
            Self::Image => "image",
            Self::Tracker => "tracker",
            Self::Notify => "notify",
            Self::Until => "until",
            Self::Raw => "raw",
        }
    }
}

/// What stands for a word that is not shown.
pub const CONCEALED: &str = "••••••";

/// The newest value of an entity.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Not said yet, or said to be nothing (`null`).
    #[default]
    Unknown,
    /// A number in the entity's unit.
    Number(f64),
    /// On, open, unlocked, motion, wet, … or not.
    Binary(bool),
    /// Words, as they came; not yet safe to show.
    Text(String),
}

/// One thing that a device tells or that can be done with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// Unique within the device: path in the payload, or levels below the device.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it shows.
    pub kind: EntityKind,
    /// What it measures or says.
    pub class: Class,
    /// The newest value.
    pub value: Value,
    /// Unit of a number; empty when there is none.
    pub unit: String,
    /// The unit was guessed from the name and is to be marked so.
    pub unit_is_guess: bool,
    /// Of interest to the tinkerer only: radio quality, uptime, settings.
    pub diagnostic: bool,
    /// When the newest value was received, ms since epoch; 0 before the first one.
    pub at_ms: u64,
    /// Since when it has this value, ms since epoch; the first time it was heard when it never changed, and 0 when the broker
    /// had kept it.
    pub since_ms: u64,
    /// The value came from the broker's store: it may be old.
    pub retained: bool,
    /// The topic it comes on.
    pub topic: String,
    /// Path of the field in the payload as the store's series names it; `None` when the payload is the value.
    pub field: Option<String>,
    /// What can be done.
    pub control: Option<Control>,
    /// The device says that this is out of order or gone, or the value is older than the device allows.
    pub unavailable: bool,
    /// The value is as it came, because the announced template could not be used.
    pub unreadable: bool,
    /// Something was said that is not read yet, because what renders its template is still to come.
    pub is_waiting: bool,
    /// Nobody says the state: it can only be set.
    pub silent: bool,
    /// People do not want to see it on Home.
    pub is_hidden: bool,
    /// What it is without what people said; `None` when they said nothing.
    pub own: Option<Box<crate::correct::OwnEntity>>,
    /// The last answer to a command: when it came, ms since epoch, and why the command was refused, if it was.
    pub answer: Option<(u64, Option<String>)>,
    /// What it is on the way to, as it says itself, and when it said so, ms since epoch; `None` when it is there.
    pub target: Option<(u64, Value)>,
    /// Decimals to show a number with.
    pub decimals: Decimals,
    /// What the device sends for one of the unit shown: 2.54 for a brightness shown in %.
    pub(crate) scale: f64,
    /// `true` as a payload means off, closed, locked.
    pub(crate) inverted: bool,
    /// Where commands would go, if there are any.
    pub(crate) command_topic: String,
    /// How it spells on and off.
    pub(crate) spelled: (String, String),
}

impl Entity {
    /// The value in words, without the unit: `22.2`, `Open`, `On`; `–` when unknown. Text is not yet safe to show.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.value {
            Value::Unknown => "–".to_owned(),
            Value::Number(number) => format_number(*number, self.decimals.count()),
            Value::Binary(on) => self.class.word(*on).to_owned(),
            Value::Text(text) => text.clone(),
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self.value {
            Value::Number(number) => Some(number),
            Value::Unknown | Value::Binary(_) | Value::Text(_) => None,
        }
    }

    /// The state, if it is one of two.
    #[must_use]
    pub fn is_on(&self) -> Option<bool> {
        match self.value {
            Value::Binary(on) => Some(on),
            Value::Unknown | Value::Number(_) | Value::Text(_) => None,
        }
    }
}

/// What a device says of itself, as it was written; empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Who made it.
    pub manufacturer: String,
    /// What it is called by its maker.
    pub model: String,
    /// Of the program in it.
    pub software: String,
    /// Of the device itself.
    pub hardware: String,
    /// Serial number.
    pub serial: String,
    /// The program that announces it.
    pub origin: String,
    /// Where it is set up: http or https only.
    pub configuration_url: String,
    /// How far its bridge is in getting to know it.
    pub interview: String,
}

/// Something in the home that speaks MQTT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// For addresses: letters, digits and dashes, unique.
    pub id: String,
    /// The topic levels that are its own.
    pub key: String,
    /// For people, as they wrote it.
    pub name: String,
    /// Where it is, for people; `None` when the topic does not say.
    pub room: Option<String>,
    /// What it is.
    pub kind: DeviceKind,
    /// Which form of topics it speaks.
    pub source: Source,
    /// Most telling first.
    pub entities: Vec<Entity>,
    /// Whether it is there.
    pub liveness: Liveness,
    /// Since when, ms since epoch.
    pub liveness_since_ms: u64,
    /// When the newest live message came (not one from the broker's store), ms since epoch.
    pub last_heard_ms: Option<u64>,
    /// Its usual time between messages, in ms, once learned.
    pub usual_interval_ms: Option<u64>,
    /// Topics it was heard on, in the order of the first message.
    pub topics: Vec<String>,
    /// When it was first seen, ms since epoch.
    pub first_seen_ms: u64,
    /// It announced itself: nothing of it is a guess.
    pub is_announced: bool,
    /// Maker, model, versions.
    pub details: Details,
    /// The formats that announce it, when there is more than one, and the first.
    pub announced_by: Vec<Source>,
    /// The device that it is reached through, by name.
    pub via: Option<String>,
    /// What it says of itself, or what we guess, where people said otherwise.
    pub own: Own,
    /// What it is, as people said.
    pub kind_by_hand: Option<DeviceKind>,
    /// People do not want to see it on Home.
    pub is_hidden: bool,
    /// People want to see it first.
    pub is_favourite: bool,
    /// Its place in the order that people made; those without come after.
    pub place: Option<usize>,
    /// Reasons for attention that people put off, and until when, ms since epoch.
    pub put_off: Vec<(String, u64)>,
    /// People said that it is silent after so long without a message, ms; 0: by its own rhythm.
    pub silent_after_ms: u64,
}

/// Name, room and kind of a device without what people said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// As in [`Device::name`].
    pub name: String,
    /// As in [`Device::room`].
    pub room: Option<String>,
    /// As in [`Device::kind`].
    pub kind: DeviceKind,
}

impl Device {
    /// The entity with this id.
    #[must_use]
    pub fn entity(&self, id: &str) -> Option<&Entity> {
        self.entities.iter().find(|entity| entity.id == id)
    }

    /// Whether a person is asked before the entity's control acts: when its format says so, and wherever something
    /// opens or flows.
    #[must_use]
    pub fn asks(&self, entity: &Entity) -> bool {
        let Some(control) = &entity.control else {
            return false;
        };
        let opens = match self.kind {
            // What has a lock among other things may be a gateway.
            DeviceKind::Lock if self.kind_by_hand.is_none() => false,
            DeviceKind::Garage | DeviceKind::Lock | DeviceKind::Valve => {
                !entity.diagnostic && entity.kind != EntityKind::Light
            }
            _ => false,
        };
        let opens = opens
            || matches!(
                entity.kind,
                EntityKind::Lock | EntityKind::Valve | EntityKind::Alarm
            );
        let acts = match control.kind {
            ControlKind::Switch | ControlKind::Cover | ControlKind::Lock => true,
            ControlKind::Button | ControlKind::Buttons { .. } => true,
            ControlKind::Slider { .. } | ControlKind::Stepper { .. } => {
                matches!(entity.class, Class::Position | Class::Valve)
            }
            ControlKind::Select { .. } | ControlKind::Text { .. } | ControlKind::Color(_) => false,
        };
        control.asks || (opens && acts)
    }

    /// The first entity of a class that is not diagnostic.
    #[must_use]
    pub fn of_class(&self, class: Class) -> Option<&Entity> {
        self.entities
            .iter()
            .find(|entity| entity.class == class && !entity.diagnostic)
    }
}

/// Which form of topics and payloads a device speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Any topics, read by their form.
    #[default]
    Plain,
    /// zigbee2mqtt states.
    Zigbee2mqtt,
    /// Tasmota `tele`, `stat` and `cmnd`.
    Tasmota,
    /// Shelly of the first generation.
    Shelly,
    /// The list of devices of a zigbee2mqtt bridge.
    Zigbee2mqttBridge,
    /// Tasmota's own discovery.
    TasmotaDiscovery,
    /// Homie 4 and 5.
    Homie,
    /// Shelly of the second generation and later.
    ShellyRpc,
    /// Sparkplug B.
    Sparkplug,
    /// Home Assistant discovery.
    HomeAssistant,
    /// `ESPHome` states: what a node says of itself without Home Assistant knows of no units.
    EspHome,
}

impl Source {
    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain topics",
            Self::Zigbee2mqtt => "zigbee2mqtt topics",
            Self::Tasmota => "Tasmota topics",
            Self::Shelly => "Shelly topics",
            Self::EspHome => "ESPHome topics",
            Self::Zigbee2mqttBridge => "zigbee2mqtt",
            Self::TasmotaDiscovery => "Tasmota discovery",
            Self::Homie => "Homie",
            Self::ShellyRpc => "Shelly",
            Self::Sparkplug => "Sparkplug B",
            Self::HomeAssistant => "Home Assistant discovery",
        }
    }
}
