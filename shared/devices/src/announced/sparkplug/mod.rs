//! Sparkplug B: edge nodes and their devices, which name all their metrics at birth and afterwards only their aliases.
//!
//! Births are not kept at the broker: who comes later knows no names and shows the aliases. A node can be asked to be born again;
//! that is a message, and so a button that asks first.

mod payload;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hearth_model::letters::lower;
use hearth_model::store::Arrival;

use self::payload::{Metric, Properties, Value, boolean_command};
use super::json::{Json, JsonLimits};
use super::model::{AnnouncedEntity, Announcement, Part, PartControl, Shows, StateRead};
use super::parts::{button, either, measured, named, single, told};
use super::{Announcements, Format, identify};
use crate::class::Class;
use crate::command::{self, ControlKind, Verb, Write};
use crate::device::{EntityKind, Source};
use crate::flat::Scalar;

const NODES: usize = 2_000;
/// Devices of one node, and metrics of one device.
const DEVICES: usize = 500;
const METRICS: usize = 1_000;
const REBIRTH: &str = "Node Control/Rebirth";
/// The datatype of templates, which are shown by their members.
const TEMPLATE: u32 = 19;
/// The datatype of times, in ms since 1970.
const DATE_TIME: u32 = 13;

/// The format.
#[derive(Debug, Default)]
pub(super) struct Sparkplug {
    nodes: HashMap<String, Node>,
    /// Topics on which applications say that they are there.
    hosts: BTreeSet<String>,
}

/// An edge node and what was born on it. The node itself is the device with the empty name.
#[derive(Debug, Default)]
struct Node {
    devices: BTreeMap<String, Device>,
    /// Names behind aliases, which are unique within a node.
    aliases: HashMap<u64, (String, u32)>,
    next_seq: Option<u64>,
    birth: Option<u64>,
}

#[derive(Debug, Default)]
struct Device {
    metrics: BTreeMap<String, Known>,
    is_here: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Known {
    datatype: u32,
    alias: Option<u64>,
    properties: Properties,
}

/// `spBv1.0/<group>/<type>/<node>[/<device>]`
struct Place<'a> {
    group: &'a str,
    kind: &'a str,
    node: &'a str,
    device: &'a str,
}

fn place(topic: &str) -> Option<Place<'_>> {
    let mut levels = topic.strip_prefix("spBv1.0/")?.split('/');
    let (group, kind, node) = (levels.next()?, levels.next()?, levels.next()?);
    let device = levels.next();
    let fits = match kind {
        "NBIRTH" | "NDATA" | "NDEATH" => device.is_none(),
        "DBIRTH" | "DDATA" | "DDEATH" => device.is_some_and(|device| !device.is_empty()),
        _ => false,
    };
    (fits && levels.next().is_none() && !node.is_empty()).then_some(Place {
        group,
        kind,
        node,
        device: device.unwrap_or_default(),
    })
}

impl Place<'_> {
    fn node_key(&self) -> String {
        format!("spBv1.0/{}/{}", self.group, self.node)
    }

    fn key(&self, device: &str) -> String {
        if device.is_empty() {
            self.node_key()
        } else {
            format!("{}/{device}", self.node_key())
        }
    }

    /// Where commands go.
    fn command(&self, device: &str) -> String {
        if device.is_empty() {
            format!("spBv1.0/{}/NCMD/{}", self.group, self.node)
        } else {
            format!("spBv1.0/{}/DCMD/{}/{device}", self.group, self.node)
        }
    }
}

impl Format for Sparkplug {
    fn wants(&self, topic: &str) -> bool {
        place(topic).is_some() || host_of(topic).is_some()
    }

    fn takes(&self, topic: &str) -> bool {
        place(topic).is_some() || self.hosts.contains(topic)
    }

    fn filters(&self) -> &'static [&'static str] {
        &["spBv1.0/#", "STATE/+"]
    }

    fn apply(&mut self, now_ms: u64, arrival: &Arrival<'_>, announcements: &mut Announcements) {
        let topic = arrival.topic;
        let Some(place) = place(topic) else {
            return self.host(arrival, announcements);
        };
        let Ok(mut message) = payload::read(arrival.payload) else {
            return announcements.refuse(now_ms, topic, "it is no Sparkplug payload");
        };
        let key = place.node_key();
        if !self.nodes.contains_key(&key) && self.nodes.len() >= NODES {
            return announcements.refuse(now_ms, topic, "there are too many edge nodes");
        }
        let node = self.nodes.entry(key).or_default();
        message.metrics = members(message.metrics, &node.aliases);
        if place.kind == "NDEATH" {
            return node.dies(&place, &message.metrics, announcements);
        }
        if let Some(problem) = node.count(&place, message.seq) {
            announcements.refuse(now_ms, topic, &problem);
        }
        match place.kind {
            "NBIRTH" => {
                node.birth = birth_of(&message.metrics);
                node.aliases.clear();
                // Its devices are born again after it, or gone.
                node.end(&place, |name| !name.is_empty(), announcements);
                node.born(&place, &message.metrics);
            }
            "DBIRTH" => {
                if !node.devices.contains_key(place.device) && node.devices.len() >= DEVICES {
                    return announcements.refuse(now_ms, topic, "the edge node has too many devices");
                }
                node.born(&place, &message.metrics);
            }
            "DDEATH" => {
                if let Some(device) = node.devices.get_mut(place.device) {
                    device.is_here = false;
                }
                node.announce(&place, place.device, announcements);
                return;
            }
            _ => node.unnamed(&place, &message.metrics),
        }
        node.announce(&place, place.device, announcements);
        node.tell(now_ms, arrival.retain, &place, &message.metrics, announcements);
    }
}

impl Sparkplug {
    /// An application that edge nodes wait for: `ONLINE` before version 3, `{"online":true,…}` since.
    fn host(&mut self, arrival: &Arrival<'_>, announcements: &mut Announcements) {
        let topic = arrival.topic;
        let Some(name) = host_of(topic) else { return };
        let said = arrival.payload.trim_ascii();
        if said.is_empty() {
            announcements.remove(topic);
            self.hosts.remove(topic);
            return;
        }
        let is_json = Json::parse(said, JsonLimits::STATE).is_ok_and(|json| json.get("online").is_some());
        let is_host = is_json || matches!(said, b"ONLINE" | b"OFFLINE");
        if !is_host || self.hosts.len() >= NODES || !self.hosts.insert(topic.to_owned()) {
            return;
        }
        let states = [
            ("true", true),
            ("false", false),
            ("ONLINE", true),
            ("OFFLINE", false),
        ];
        let states = states.map(|(word, is_on)| (word.to_owned(), crate::device::Value::Binary(is_on)));
        let part = Part {
            kind: EntityKind::Binary,
            class: Class::Connection,
            shows: Shows::States(states.to_vec()),
            unwrap: Some("online"),
            reads: vec![StateRead::new(topic, super::Extract::Plain)],
            ..Part::default()
        };
        let mut announcement = Announcement {
            topic: topic.to_owned(),
            key: topic.to_owned(),
            source: Source::Sparkplug,
            name: Some(name.to_owned()),
            ..Announcement::default()
        };
        identify("sparkplug-host", name, &mut announcement.identifiers);
        announcement.details.model = "Application".to_owned();
        announcement
            .entities
            .push(single("online", Some("Application"), part));
        announcements.set(announcement);
    }
}

fn host_of(topic: &str) -> Option<&str> {
    let name = topic
        .strip_prefix("spBv1.0/STATE/")
        .or(topic.strip_prefix("STATE/"))?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// Metrics with the members of templates in the place of those.
fn members(metrics: Vec<Metric>, aliases: &HashMap<u64, (String, u32)>) -> Vec<Metric> {
    let mut all = Vec::new();
    for mut metric in metrics {
        match std::mem::take(&mut metric.value) {
            Value::Members(inner) => {
                let above = name_of(&metric, aliases);
                let named = inner.into_iter().map(|member| Metric {
                    name: format!("{above}/{}", member.name),
                    is_historical: metric.is_historical || member.is_historical,
                    // A member is set in a template of its own, and of those in commands chapter 6.4.14 says nothing.
                    properties: Properties {
                        read_only: Some(true),
                        ..member.properties
                    },
                    ..member
                });
                all.extend(members(named.collect(), aliases));
                // So that its alias is known in what comes later.
                metric.datatype = TEMPLATE;
                all.push(metric);
            }
            value => all.push(Metric { value, ..metric }),
        }
        if all.len() >= METRICS {
            break;
        }
    }
    all
}

/// Which birth it is, so that a death is known to be that of another.
fn birth_of(metrics: &[Metric]) -> Option<u64> {
    metrics
        .iter()
        .find_map(|metric| match (&*metric.name, &metric.value) {
            ("bdSeq", Value::Integer(number)) => Some(*number),
            _ => None,
        })
}

impl Node {
    /// Messages of a node are counted to 255 and from 0 again; what is missing is said.
    fn count(&mut self, place: &Place<'_>, seq: Option<u64>) -> Option<String> {
        let seq = seq?;
        let expected = self.next_seq.replace((seq + 1) % 256);
        if place.kind == "NBIRTH" || expected.is_none() || expected == Some(seq) {
            return None;
        }
        let expected = expected.unwrap_or_default();
        Some(format!(
            "message {expected} of the edge node was lost, {seq} came: ask it to be born again"
        ))
    }

    fn born(&mut self, place: &Place<'_>, metrics: &[Metric]) {
        let device = self.devices.entry(place.device.to_owned()).or_default();
        device.is_here = true;
        device.metrics.clear();
        for metric in metrics.iter().take(METRICS) {
            if metric.name.is_empty() || metric.name == "bdSeq" {
                continue;
            }
            if let Some(alias) = metric.alias {
                self.aliases.insert(alias, (metric.name.clone(), metric.datatype));
            }
            if metric.datatype == TEMPLATE {
                continue;
            }
            let known = Known {
                datatype: metric.datatype,
                alias: metric.alias,
                properties: metric.properties.clone(),
            };
            device.metrics.insert(metric.name.clone(), known);
        }
    }

    /// Metrics whose birth nobody here has heard.
    fn unnamed(&mut self, place: &Place<'_>, metrics: &[Metric]) {
        if !self.devices.contains_key(place.device) && self.devices.len() >= DEVICES {
            return;
        }
        let device = self.devices.entry(place.device.to_owned()).or_default();
        device.is_here = true;
        for metric in metrics {
            let name = name_of(metric, &self.aliases);
            if metric.datatype == TEMPLATE {
                continue;
            }
            if device.metrics.contains_key(&name) || device.metrics.len() >= METRICS || name.is_empty() {
                continue;
            }
            let datatype = match (&metric.value, metric.datatype) {
                (Value::Boolean(_), 0) => 11,
                (Value::Text(_), 0) => 12,
                (_, datatype) => datatype,
            };
            let known = Known {
                datatype,
                alias: metric.alias,
                properties: metric.properties.clone(),
            };
            device.metrics.insert(name, known);
        }
    }

    /// The will of a node ends all of its devices, if it is the will of the birth that is known.
    fn dies(&mut self, place: &Place<'_>, metrics: &[Metric], announcements: &mut Announcements) {
        if let (Some(born), Some(dead)) = (self.birth, birth_of(metrics))
            && born != dead
        {
            return;
        }
        self.next_seq = None;
        self.end(place, |_| true, announcements);
    }

    fn end(&mut self, place: &Place<'_>, is_one: impl Fn(&str) -> bool, announcements: &mut Announcements) {
        let names: Vec<String> = self.devices.keys().filter(|name| is_one(name)).cloned().collect();
        for name in names {
            if let Some(device) = self.devices.get_mut(&name) {
                device.is_here = false;
            }
            self.announce(place, &name, announcements);
        }
    }

    fn announce(&self, place: &Place<'_>, name: &str, announcements: &mut Announcements) {
        let Some(device) = self.devices.get(name) else {
            return;
        };
        let key = place.key(name);
        let mut announcement = Announcement {
            topic: key.clone(),
            key: key.clone(),
            source: Source::Sparkplug,
            name: Some(if name.is_empty() { place.node } else { name }.to_owned()),
            presence: Some(device.is_here),
            ..Announcement::default()
        };
        identify("sparkplug", &key, &mut announcement.identifiers);
        if !name.is_empty() {
            announcement.via = Some(format!("sparkplug:{}", place.node_key().to_ascii_lowercase()));
        }
        let command = place.command(name);
        let metrics = device.metrics.iter().filter(|(metric, _)| *metric != REBIRTH);
        announcement.entities = metrics
            .map(|(metric, known)| entity(metric, known, &command))
            .collect();
        if let Some(bytes) = boolean_command(REBIRTH, true).filter(|_| name.is_empty()) {
            let mut ask = button(&command, command::Payload::Fixed(bytes));
            ask.control = ask.control.map(PartControl::asking);
            ask.class = Class::Internal;
            announcement
                .entities
                .push(single("rebirth", Some("Ask for all names"), ask));
        }
        // A node that nobody heard of itself still has to be asked.
        if !name.is_empty() && !self.devices.contains_key("") {
            let mut node = Self::default();
            node.devices.insert(
                String::new(),
                Device {
                    is_here: true,
                    ..Device::default()
                },
            );
            node.announce(place, "", announcements);
        }
        announcements.set(announcement);
    }

    fn tell(
        &self,
        now_ms: u64,
        retained: bool,
        place: &Place<'_>,
        metrics: &[Metric],
        announcements: &mut Announcements,
    ) {
        let key = place.key(place.device);
        for metric in metrics.iter().filter(|metric| !metric.is_historical) {
            let name = name_of(metric, &self.aliases);
            // After the birth a metric need not say its datatype again, whether it goes by its alias or by its name.
            let born = || self.devices.get(place.device)?.metrics.get(&name);
            let datatype = match metric.datatype {
                0 => born().map_or(0, |known| known.datatype),
                datatype => datatype,
            };
            announcements.tell(now_ms, retained, (&key, &name, ""), scalar(metric, datatype));
        }
    }
}

/// The metric's name, or its alias where nobody knows the name.
fn name_of(metric: &Metric, aliases: &HashMap<u64, (String, u32)>) -> String {
    if !metric.name.is_empty() {
        return metric.name.clone();
    }
    match metric.alias {
        Some(alias) => match aliases.get(&alias) {
            Some((name, _)) => name.clone(),
            None => format!("alias:{alias}"),
        },
        None => String::new(),
    }
}

/// Small signed numbers travel as unsigned ones of 32 bits.
fn scalar(metric: &Metric, datatype: u32) -> Scalar {
    // What a device calls bad or stale is no value.
    if metric.is_null || metric.properties.is_bad {
        return Scalar::Null;
    }
    match &metric.value {
        Value::Nothing | Value::Members(_) => Scalar::Null,
        Value::Boolean(yes) => Scalar::Bool(*yes),
        Value::Text(words) => Scalar::Text(words.clone()),
        Value::Float(number, spelled) => Scalar::Number(*number, spelled.clone()),
        Value::Other(length) => Scalar::Text(hearth_model::format::format_bytes(*length as u64)),
        Value::Integer(bits) => {
            let bits = *bits;
            if datatype == DATE_TIME {
                return Scalar::Text(hearth_model::recording::iso_time(bits));
            }
            let signed = match datatype {
                1 => Some(i64::from(bits as i8)),
                2 => Some(i64::from(bits as i16)),
                3 => Some(i64::from(bits as i32)),
                4 => Some(bits as i64),
                _ => None,
            };
            match signed {
                Some(number) => Scalar::Number(number as f64, number.to_string()),
                None => Scalar::Number(bits as f64, bits.to_string()),
            }
        }
    }
}

/// Names of what a controller is told to keep.
fn is_setpoint(name: &str) -> bool {
    lower(name)
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|word| matches!(word, "setpoint" | "sp" | "target" | "setting"))
}

fn entity(name: &str, known: &Known, command: &str) -> AnnouncedEntity {
    let path: Vec<&str> = name.split('/').collect();
    let last = path.last().copied().unwrap_or(name);
    // Nothing is read by topic: the format tells.
    let read = || StateRead::new("", super::Extract::Plain);
    let is_node_control = name.starts_with("Node Control/") || name.starts_with("Device Control/");
    let can_be_set = known.properties.read_only != Some(true);
    let metric = |fixed| {
        command::Payload::Metric(crate::metric::Metric {
            name: name.to_owned(),
            alias: known.alias,
            datatype: known.datatype,
            fixed,
        })
    };
    let mut part = match known.datatype {
        1..=10 => {
            let mut part = measured(&path, &known.properties.unit, read());
            // Only a name, or the birth, says that a number is there to be set; it is typed, and sent by a button of its own.
            let is_for_setting = known.properties.read_only == Some(false)
                || part.class == Class::TargetTemperature
                || is_setpoint(last)
                || is_node_control;
            if is_for_setting && can_be_set {
                let write = Some(Write::new(Verb::Choose, command, metric(None)));
                let control = PartControl::of(ControlKind::Text { longest: 24 }, [write]);
                part.control = control.map(PartControl::asking);
            }
            part
        }
        0 => measured(&path, &known.properties.unit, read()),
        // `Node Control/Reboot` is done, not set.
        11 if is_node_control => button(command, metric(Some(true))),
        11 => {
            let mut part = either(&path, "true", "false", read());
            // Nothing says whether it can be set, so a person is asked.
            if can_be_set && matches!(part.class, Class::Other | Class::OnOff) {
                let write = |verb, is_on| Some(Write::new(verb, command, metric(Some(is_on))));
                let control = PartControl::of(
                    ControlKind::Switch,
                    [write(Verb::On, true), write(Verb::Off, false)],
                );
                part.kind = EntityKind::Switch;
                part.class = Class::OnOff;
                part.control = control.map(PartControl::asking);
            }
            part
        }
        12 | 14 | 15 | 16 => told(&path, read()),
        DATE_TIME => Part {
            class: Class::Internal,
            ..told(&path, read())
        },
        _ => Part {
            kind: EntityKind::Raw,
            shows: Shows::Text,
            ..told(&path, read())
        },
    };
    part.reads.clear();
    if let Some(control) = part.control.as_mut().filter(|_| is_node_control) {
        control.asks = true;
        control.for_admins = true;
    }
    let label = if last.starts_with("alias:") {
        last.to_owned()
    } else {
        named(last)
    };
    let label = match path.split_last() {
        Some((_, above)) if !above.is_empty() => format!("{} {label}", above.join(" ")),
        _ => label,
    };
    let mut entity = single(name, Some(&label), part);
    entity.diagnostic |= is_node_control || name.starts_with("Properties/");
    entity
}
