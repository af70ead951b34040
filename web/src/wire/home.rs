//! Home and its devices, as they are shown.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{Action, HandView, SeriesName};

/// Home but for the content of its cards.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HomeView {
    pub glance: Vec<GlanceFact>,
    /// Most urgent first.
    pub attention: Vec<AttentionItem>,
    pub rooms: Vec<RoomView>,
    /// Messages of devices that are not shown because of the cap.
    pub beyond_limit: u64,
    /// What was announced or said and could not be read, the newest first.
    pub unreadable: Vec<Unreadable>,
    /// Devices of the home, also those that a search leaves out.
    pub devices: u32,
    /// Id and name of devices that are hidden by hand.
    pub hidden: Vec<(String, String)>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    pub topic: String,
    /// A sentence without a full stop.
    pub reason: String,
}

impl HomeView {
    /// Takes over what changed.
    pub fn take_facts(&mut self, facts: HomeFacts) {
        self.glance = facts.glance;
        self.attention = facts.attention;
        self.beyond_limit = facts.beyond_limit;
        self.unreadable = facts.unreadable;
        for (place, facts, lights) in facts.rooms {
            if let Some(room) = self.rooms.get_mut(place as usize) {
                room.facts = facts;
                room.lights = lights;
            }
        }
    }
}

/// One of the six facts about the whole home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlanceFact {
    /// `inside`, `outside`, `openings`, `locks`, `power`, `lights`.
    pub key: String,
    /// "20.9", "2 open", "All locked", "–".
    pub value: String,
    /// "°C", "of 11".
    pub unit: String,
    pub tone: Tone,
}

/// Colour role; always beside a glyph and a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Tone {
    #[default]
    Plain,
    On,
    Off,
    Ok,
    Warn,
    Crit,
    Stale,
}

/// Something that needs attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttentionItem {
    pub device: String,
    /// Of the thing, so that it says which one is meant.
    pub name: String,
    pub reason: AttentionReason,
    /// Since when, ms since epoch; 0 when that is not known.
    pub since: u64,
    /// How it is, when the reason alone does not say it: "8 %", "smoke".
    pub state: String,
    /// "usually every 5 min", "about 9 days left", …
    pub detail: String,
}

/// `data-reason` of an attention item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttentionReason {
    Open,
    Silent,
    Battery,
    Unavailable,
    Alert,
}

impl AttentionReason {
    /// `data-reason`
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Silent => "silent",
            Self::Battery => "battery",
            Self::Unavailable => "unavailable",
            Self::Alert => "alert",
        }
    }

    /// The reason with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Open,
            Self::Silent,
            Self::Battery,
            Self::Unavailable,
            Self::Alert,
        ];
        all.into_iter().find(|reason| reason.name() == name)
    }
}

/// A room and the order of its cards.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RoomView {
    /// [`NO_ROOM`](super::NO_ROOM) and [`FAVOURITES`](super::FAVOURITES) are none that can be renamed.
    pub id: String,
    pub name: String,
    /// "22.2 °C", "1 of 3 lights on", "All closed".
    pub facts: Vec<String>,
    /// Lights that are on and can be turned off; `None`: there is no light that can be switched.
    pub lights: Option<u32>,
    /// Device ids in the order of their cards.
    pub devices: Rc<Vec<String>>,
}

/// What of a [`HomeView`] changes all the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct HomeFacts {
    pub glance: Vec<GlanceFact>,
    pub attention: Vec<AttentionItem>,
    /// Rooms whose facts are others: place in [`HomeView::rooms`], [`RoomView::facts`] and [`RoomView::lights`].
    pub rooms: Vec<(u32, Vec<String>, Option<u32>)>,
    pub beyond_limit: u64,
    pub unreadable: Vec<Unreadable>,
}

/// One card of Home.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceCard {
    pub id: String,
    pub name: String,
    /// `data-kind` and the glyph: climate, light, plug, door, window, motion, lock, cover, battery, washer, sensor, text…
    pub kind: String,
    pub liveness: Liveness,
    /// Last heard, ms since epoch.
    pub last_heard: u64,
    pub tone: Tone,
    /// Most telling first; a card shows as many as it has room for.
    pub entities: Vec<EntityView>,
}

/// `data-liveness`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Liveness {
    #[default]
    Unknown,
    Online,
    Stale,
    Offline,
    Asleep,
}

/// One entity of a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntityView {
    pub id: String,
    pub name: String,
    /// `data-kind`: number, binary, light, switch, cover, lock, text, …
    pub kind: String,
    pub value: EntityValue,
    /// "" when there is none.
    pub unit: String,
    /// The unit (or the whole reading) is a guess of ours and is marked as one.
    pub guessed: bool,
    /// The device says that this is gone, or the value is older than the device allows.
    pub unavailable: bool,
    /// The value is as it came, because its template could not be used.
    pub unreadable: bool,
    /// Hidden by hand.
    pub hidden: bool,
    /// Something was said of it by hand.
    pub by_hand: bool,
    /// When the value was said, ms since epoch; 0 when nobody here knows, because the broker had kept it, or there is none.
    pub at: u64,
    pub topic: String,
    pub control: Option<ControlView>,
    /// Numeric entities: the recent past as `(x 0..=1, value)`, with `None` for a gap.
    pub spark: Option<Spark>,
}

/// An entity without what was said of it by hand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OwnView {
    pub name: String,
    pub unit: String,
    /// What it measures or says now, as `hearth_devices::Class` names it; empty: none of those.
    pub class: String,
    /// It can be said to be a number, and one of two states.
    pub number: bool,
    pub state: bool,
}

/// The value of an entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EntityValue {
    Unknown,
    /// `text` has the decimals fixed for this entity.
    Number {
        value: f64,
        text: String,
    },
    /// `word`: what the state is called ("Open", "On", "Motion"); `since` in ms since epoch.
    Binary {
        on: bool,
        word: String,
        since: u64,
    },
    Text(String),
    /// Something was said, and what reads it is being loaded.
    Waiting,
}

/// A small chart.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Spark {
    pub points: Vec<(f32, Option<f32>)>,
    pub low: String,
    pub high: String,
    /// Over how long, s.
    pub span_s: u32,
}

/// What can be done with an entity, and how far the last try is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlView {
    pub kind: ControlKind,
    /// The command is a guess from the topic's form.
    pub guessed: bool,
    /// It acts only when it is held: a lock, a gate, a valve, an alarm.
    pub asks: bool,
    /// For those who look after the home.
    pub for_admins: bool,
    /// A code is asked for before it acts.
    pub code: Option<CodeView>,
    pub state: ControlState,
    /// Where a command would go, for the tinkerer.
    pub command_topic: String,
}

/// A code that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CodeView {
    /// It has digits only.
    pub is_number: bool,
    /// Options that need none.
    pub free: Vec<String>,
}

/// `data-control`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ControlKind {
    Switch,
    Slider {
        min: f64,
        max: f64,
        step: f64,
    },
    Stepper {
        min: f64,
        max: f64,
        step: f64,
    },
    Select {
        options: Vec<String>,
    },
    /// Several things that it can be told to do.
    Buttons {
        options: Vec<String>,
    },
    Text,
    /// `#rrggbb`
    Color,
    Button,
    Cover {
        position: bool,
    },
    Lock,
}

/// `data-state` of a control.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum ControlState {
    #[default]
    Idle,
    /// Sent, the device has not confirmed: what was asked for.
    Sent(Action),
    Confirmed,
    /// The broker has it, and the device does not say what it does.
    Delivered,
    /// No answer after 5 s, or the broker refused: why, and what was asked for.
    Failed(String, Action),
}

/// A device with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceView {
    pub card: DeviceCard,
    pub room: String,
    /// "plain topics", later "Home Assistant discovery", …
    pub source: String,
    pub topics: Vec<String>,
    /// Learned usual interval between messages, ms.
    pub usual_interval_ms: Option<u64>,
    /// What the device says of itself: "Maker", "Model", …, as name and text.
    pub details: Vec<(String, String)>,
    /// Where it is set up, http or https; "" when it says nothing.
    pub configuration_url: String,
    /// What can be charted, with its name for people.
    pub series: Vec<(String, SeriesName)>,
    /// How it is arranged.
    pub hand: HandView,
    /// Of each entity in the same order: what it is without what was said, and what it can be said to be.
    pub own: Vec<OwnView>,
    pub attributes: Vec<AttributesView>,
    /// How many more of these are left out.
    pub attributes_beyond: u32,
}

/// What a topic says of some entities of a device besides their values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AttributesView {
    /// Names of the entities.
    pub of: Vec<String>,
    pub topic: String,
    pub members: Vec<AttributeView>,
    /// Members that are left out.
    pub beyond: u32,
    /// Why they cannot be read, without a full stop; empty: they can.
    pub fault: String,
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AttributeView {
    pub name: String,
    pub text: String,
    /// Characters that are left out at its end.
    pub cut: u32,
}
