//! What a device announces of itself, whatever the format: the parsers of all formats end here.

use crate::class::Class;
use crate::command::{Answers, Code, ControlKind, Write};
use crate::device::{Details, EntityKind, Source, Value};
use crate::text_rule::TextRule;

use super::color::ColorForm;
use super::extract::Extract;

/// One announcement: a device, or a part of one, as one message says it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Announcement {
    /// Which announcement it is: a later one with this key takes its place. Begins with the topic it came on.
    pub key: String,
    /// The topic it came on.
    pub topic: String,
    /// The format.
    pub source: Source,
    /// Of the physical device, by [`identify`](super::identify); announcements that share one are one device.
    pub identifiers: Vec<String>,
    /// The device's name, as it was written.
    pub name: Option<String>,
    /// Maker, model, versions.
    pub details: Details,
    /// Identifier of the device that it is reached through.
    pub via: Option<String>,
    /// Where it is, for people.
    pub area: Option<String>,
    /// Whether it is there; every entity depends on it besides on its own.
    pub availability: Option<Availability>,
    /// Whether it is there, as the format itself knows it where no topic says so in words.
    pub presence: Option<bool>,
    /// It sleeps on purpose: when it is not there it is asleep, and silence says nothing.
    pub sleeps: bool,
    /// What it tells and what can be done with it.
    pub entities: Vec<AnnouncedEntity>,
}

/// What says whether something is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    /// How several checks are taken together.
    pub mode: AvailabilityMode,
    /// At least one.
    pub checks: Vec<AvailabilityCheck>,
}

/// How several checks are taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AvailabilityMode {
    /// It is there when all say so.
    All,
    /// It is there when one says so.
    Any,
    /// The newest word counts.
    #[default]
    Latest,
}

/// One topic that says whether something is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailabilityCheck {
    /// Where it is said.
    pub topic: String,
    /// Which part of the payload says it.
    pub extract: Extract,
    /// What is said when it is there.
    pub online: Vec<String>,
    /// What is said when it is not.
    pub offline: Vec<String>,
    /// What is said when it sleeps.
    pub asleep: Vec<String>,
}

impl AvailabilityCheck {
    /// A plain topic with two words.
    #[must_use]
    pub fn new(topic: &str, online: &str, offline: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            extract: Extract::Plain,
            online: vec![online.to_owned()],
            offline: vec![offline.to_owned()],
            asleep: Vec::new(),
        }
    }
}

/// One thing of a device: a sensor, a lamp, a blind. Each of its parts is shown as an entity of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnnouncedEntity {
    /// Unique within the device.
    pub id: String,
    /// For people; `None` when the device's own name says it.
    pub name: Option<String>,
    /// For the tinkerer only: a setting or a diagnosis, or nothing to be shown unasked.
    pub diagnostic: bool,
    /// Besides that of the device.
    pub availability: Option<Availability>,
    /// A value older than this, in ms, is none.
    pub expire_after_ms: Option<u64>,
    /// The first is the thing's own state.
    pub parts: Vec<Part>,
    /// Where more is said about it: shown as it comes, when somebody looks.
    pub attributes: Option<StateRead>,
}

/// A state with what sets it: the brightness of a lamp, the tilt of a blind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// `brightness`, `tilt`, …: empty for the first part, and unique within the thing.
    pub id: &'static str,
    /// For people, after the name of the thing: "Brightness". Empty for the first part.
    pub label: &'static str,
    /// What it shows.
    pub kind: EntityKind,
    /// What it measures or says.
    pub class: Class,
    /// How payloads become values.
    pub shows: Shows,
    /// When what was read is a JSON object, this member of it is meant.
    pub unwrap: Option<&'static str>,
    /// Of a number; empty when there is none.
    pub unit: String,
    /// Decimals to show, when announced.
    pub decimals: Option<u8>,
    /// Where its state is said. None: nobody says it.
    pub reads: Vec<StateRead>,
    /// Where it says what it is on the way to, while it is not there yet.
    pub target: Option<StateRead>,
    /// An "on" that is not followed by an "off" is over after this many ms.
    pub off_delay_ms: Option<u64>,
    /// How it is set.
    pub control: Option<PartControl>,
}

/// How a part is set.
#[derive(Clone, Debug, PartialEq)]
pub struct PartControl {
    /// How the control looks.
    pub kind: ControlKind,
    /// Its messages.
    pub writes: Vec<Write>,
    /// What the device wants for one of the unit shown; 1 when it wants what is shown.
    pub scale: f64,
    /// What the device wants for nothing.
    pub offset: f64,
    /// Whether the device wants whole numbers.
    pub whole: bool,
    /// Whether a person is asked before it acts: locks, gates, valves, alarms.
    pub asks: bool,
    /// The code that a person has to know.
    pub code: Option<Code>,
    /// Where the device says what became of a command.
    pub answers: Option<Answers>,
    /// It changes what belongs to the home, not what goes on in it.
    pub for_admins: bool,
    /// What the ids of those begin with whose values are sent with this one; empty: it is sent alone.
    pub together: String,
    /// What a text has to be.
    pub rule: TextRule,
}

impl PartControl {
    /// A control that sends what is shown, and does not ask; `None` without messages.
    #[must_use]
    pub fn of(kind: ControlKind, writes: impl IntoIterator<Item = Option<Write>>) -> Option<Self> {
        let writes: Vec<Write> = writes.into_iter().flatten().collect();
        (!writes.is_empty()).then(|| Self::new(kind, writes))
    }

    /// A control that sends what is shown, and does not ask.
    #[must_use]
    pub fn new(kind: ControlKind, writes: Vec<Write>) -> Self {
        Self {
            kind,
            writes,
            scale: 1.0,
            offset: 0.0,
            whole: false,
            asks: false,
            code: None,
            answers: None,
            for_admins: false,
            together: String::new(),
            rule: TextRule::default(),
        }
    }

    /// The device counts differently from what is shown, in whole numbers.
    #[must_use]
    pub fn scaled(self, scale: f64) -> Self {
        Self {
            scale,
            whole: true,
            ..self
        }
    }

    /// The device says `offset` for nothing.
    #[must_use]
    pub fn from(self, offset: f64) -> Self {
        Self { offset, ..self }
    }

    /// Asked for by those who look after the home, and answered.
    #[must_use]
    pub fn answered(self, topic: &str, transaction: &str) -> Self {
        let answers = Answers {
            topic: topic.to_owned(),
            transaction: transaction.to_owned(),
        };
        Self {
            answers: Some(answers),
            for_admins: true,
            ..self
        }
    }

    /// Somebody is asked before it acts.
    #[must_use]
    pub fn asking(self) -> Self {
        Self { asks: true, ..self }
    }
}

/// One topic that says a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRead {
    /// Where it is said.
    pub topic: String,
    /// Which part of the payload says it.
    pub extract: Extract,
}

impl StateRead {
    /// A topic and the part of its payload.
    #[must_use]
    pub fn new(topic: &str, extract: Extract) -> Self {
        Self {
            topic: topic.to_owned(),
            extract,
        }
    }
}

/// How what a payload says becomes a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Shows {
    /// Words, or numbers as words.
    #[default]
    Text,
    /// A number; the device says `scale` for one of the unit shown, and `offset` for nothing.
    Number {
        /// 2.55 for a brightness of 0 to 255 shown in %.
        scale: f64,
        /// What the device says for zero.
        offset: f64,
    },
    /// One of these words; any other is shown as it came.
    States(Vec<(String, Value)>),
    /// A number that is closed at this one, and open at any other.
    Position {
        /// Of the device.
        closed: f64,
    },
    /// Something happened when just this is said.
    Trigger {
        /// What is said.
        payload: String,
        /// What has happened.
        happened: String,
    },
    /// A colour, shown as `#rrggbb`.
    Color(ColorForm),
    /// Something happened: each message counts, also when it says the same.
    Event,
    /// Bytes that are no text: their number is all that is shown.
    Bytes,
}

impl Shows {
    /// A number as it is said.
    #[must_use]
    pub fn number() -> Self {
        Self::Number {
            scale: 1.0,
            offset: 0.0,
        }
    }

    /// Two words for on and off.
    #[must_use]
    pub fn switch(on: &str, off: &str) -> Self {
        Self::States(vec![
            (on.to_owned(), Value::Binary(true)),
            (off.to_owned(), Value::Binary(false)),
        ])
    }
}
