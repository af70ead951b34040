//! Devices behind a Zigbee bridge: `tele/…/SENSOR` with `{"ZbReceived":{"0x5ADF":{"Device":"0x5ADF","Name":…,"Power":1,…}}}`. Each
//! message says a part; what was said once is kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hearth_model::store::Arrival;

use crate::announced::extract::Extract;
use crate::announced::json::{Json, JsonLimits, quoted};
use crate::announced::model::{AnnouncedEntity, Announcement, Part, Shows, StateRead};
use crate::announced::parts::{is_topic, level, measured, named, single, switch, told};
use crate::announced::{Announcements, identify};
use crate::class::Class;
use crate::command::{Payload, Verb, Write};
use crate::device::{EntityKind, Source};

/// How such a message begins.
const BEGINS: &[u8] = b"{\"ZbReceived\":";
const DEVICES: usize = 1_000;
const MEMBERS: usize = 64;

/// Devices by the topic of their bridge and their address.
#[derive(Debug, Default)]
pub(super) struct Behind {
    known: HashMap<(String, String), Known>,
    topics: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Known {
    name: String,
    /// Whether a member is a number.
    members: BTreeMap<String, bool>,
}

impl Behind {
    pub(super) fn speaks_on(&self, topic: &str) -> bool {
        self.topics.contains(topic)
    }

    pub(super) fn apply(&mut self, arrival: &Arrival<'_>, announcements: &mut Announcements) {
        let topic = arrival.topic;
        if !arrival.payload.starts_with(BEGINS) || !is_topic(topic) {
            return;
        }
        let Ok(said) = Json::parse(arrival.payload, JsonLimits::STATE) else {
            return;
        };
        for (address, values) in said.get("ZbReceived").map(Json::members).unwrap_or_default() {
            let place = (topic.to_owned(), address.clone());
            if !self.known.contains_key(&place) && self.known.len() >= DEVICES {
                continue;
            }
            self.topics.insert(topic.to_owned());
            let known = self.known.entry(place).or_default();
            let mut has_changed = known.members.is_empty();
            let name = values.get("Name").and_then(Json::text).unwrap_or(address);
            has_changed |= known.name != name;
            name.clone_into(&mut known.name);
            for (member, value) in values.members() {
                if is_shown(member) && known.members.len() < MEMBERS && !known.members.contains_key(member) {
                    known.members.insert(member.clone(), value.number().is_some());
                    has_changed = true;
                }
            }
            if has_changed {
                announcements.set(known.announcement(topic, address));
            }
        }
    }
}

/// Attributes without a name are for the tinkerer, in the Explorer.
fn is_shown(member: &str) -> bool {
    !matches!(
        member,
        "Device" | "Name" | "Endpoint" | "Group" | "ModelId" | "Manufacturer" | "IEEEAddr"
    ) && !member.contains('/')
        && !member.starts_with(|first: char| first.is_ascii_digit())
}

impl Known {
    fn announcement(&self, topic: &str, address: &str) -> Announcement {
        let base = base(topic, address, &self.name);
        let mut announcement = Announcement {
            key: format!("{topic}#{address}"),
            topic: topic.to_owned(),
            source: Source::TasmotaDiscovery,
            name: Some(self.name.clone()),
            via: Some(bridge(&base)),
            ..Announcement::default()
        };
        identify("tasmota-zigbee", &announcement.key, &mut announcement.identifiers);
        let command = command_topic(&base);
        let members = self.members.iter();
        announcement.entities = members
            .map(|(member, is_number)| entity(topic, address, (member, *is_number), command.as_deref()))
            .collect();
        if self.members.contains_key("Dimmer") {
            let parts = announcement
                .entities
                .iter_mut()
                .flat_map(|entity| &mut entity.parts);
            let switches = parts.filter(|part| part.kind == EntityKind::Switch);
            switches.for_each(|part| part.kind = EntityKind::Light);
        }
        announcement
    }
}

/// What the topics of a bridge begin with: `tele/bridge/` of `tele/bridge/SENSOR`, or of `tele/bridge/5ADF/SENSOR`.
fn base(topic: &str, address: &str, name: &str) -> String {
    let mut levels: Vec<&str> = topic.split('/').collect();
    levels.pop();
    let own = levels.last().copied().unwrap_or_default();
    if levels.len() > 2 && (own == name || own == address || address.strip_prefix("0x") == Some(own)) {
        levels.pop();
    }
    format!("{}/", levels.join("/"))
}

/// By which those behind it name it.
pub(super) fn bridge(base: &str) -> String {
    format!("tasmota-tele:{base}")
}

/// `cmnd/bridge/ZbSend`
fn command_topic(base: &str) -> Option<String> {
    let mut levels: Vec<&str> = base.split('/').collect();
    let tele = levels.iter_mut().find(|level| **level == "tele")?;
    *tele = "cmnd";
    Some(format!("{}ZbSend", levels.join("/")))
}

fn entity(
    topic: &str,
    address: &str,
    (member, is_number): (&str, bool),
    command: Option<&str>,
) -> AnnouncedEntity {
    let read = StateRead::new(topic, Extract::path(["ZbReceived", address, member]));
    let send = |value: &str| format!("{{\"Device\":{},\"Send\":{{\"{member}\":{value}", quoted(address));
    let binary = |class: Class| Part {
        kind: EntityKind::Binary,
        class,
        shows: Shows::switch("1", "0"),
        reads: vec![read.clone()],
        ..Part::default()
    };
    let part = match member {
        "Power" => {
            let payload = |value: &str| Payload::Fixed(format!("{}}}}}", send(value)));
            let states = ("1", "0");
            let payloads = (payload("1"), payload("0"));
            let mut part = switch(
                EntityKind::Switch,
                states,
                Some(read),
                command.unwrap_or_default(),
                payloads,
            );
            part.control = part.control.filter(|_| command.is_some());
            part
        }
        "Dimmer" => {
            let payload = Payload::Json {
                before: send(""),
                after: "}}".to_owned(),
            };
            let write = command.map(|topic| Write::new(Verb::Set, topic, payload));
            level(("", ""), Class::Brightness, 2.54, Some(read), write)
        }
        "Occupancy" => binary(Class::Motion),
        // Of the alarm of its zone: 1 is open.
        "Contact" => binary(Class::Opening),
        "Water" => binary(Class::Leak),
        "Fire" => binary(Class::Smoke),
        "CO" => binary(Class::CarbonMonoxide),
        "Click" | "Action" => Part {
            kind: EntityKind::Event,
            shows: Shows::Event,
            ..told(&[member], read)
        },
        "LinkQuality" => Part {
            class: Class::Signal,
            ..measured(&["linkquality"], "lqi", read)
        },
        _ if is_number => measured(&[member], unit(member), read),
        _ => told(&[member], read),
    };
    single(member, Some(&named(member)), part)
}

fn unit(member: &str) -> &'static str {
    match member {
        "Temperature" | "LocalTemperature" | "OccupiedHeatingSetpoint" => "°C",
        "Humidity" | "BatteryPercentage" | "PIHeatingDemand" => "%",
        "Pressure" => "hPa",
        "Illuminance" => "lx",
        "BatteryVoltage" | "RMSVoltage" => "V",
        "ActivePower" => "W",
        "RMSCurrent" => "A",
        _ => "",
    }
}
