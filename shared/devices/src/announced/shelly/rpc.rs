//! Shelly of the second generation and later: `<prefix>/events/rpc` says what changed, and everything when a device starts.
//!
//! Nothing is kept at the broker, so a device is known by what it said since we listen. It can be asked for all of it; that is a
//! message, and so a button that asks first. Each notification names only what changed: a component that it does not name stays.

mod components;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hearth_model::store::Arrival;

use super::first::address;
use crate::announced::json::{Json, JsonLimits, quoted};
use crate::announced::model::{Announcement, Availability, AvailabilityCheck, PartControl};
use crate::announced::parts::{button, is_topic, single};
use crate::announced::{Announcements, Format, identify};
use crate::class::Class;
use crate::command::Payload;
use crate::device::{Details, Source};
use crate::flat::Scalar;

const DEVICES: usize = 2_000;
/// Components of one device, and members of one component.
const COMPONENTS: usize = 200;
const MEMBERS: usize = 64;
/// Longest name that people gave something, in characters.
const NAME: usize = 100;
const EVENTS: &str = "/events/rpc";
/// Where answers come: the `src` of our requests with `/rpc` behind it.
const ANSWERS: &str = "hearth/rpc";

/// The format.
#[derive(Debug, Default)]
pub(in crate::announced) struct ShellyRpc {
    devices: HashMap<String, Device>,
}

/// What a device has shown of itself.
#[derive(Debug, Default)]
pub(super) struct Device {
    /// Its id: `shellyplus1pm-c049ef8cf4e0`
    source: String,
    /// Members that each component has said, by the component's name (`switch:0`). A member in a member is `aenergy.total`.
    components: BTreeMap<String, BTreeSet<String>>,
    name: String,
    /// What people call its components, by their names.
    names: BTreeMap<String, String>,
    mac: String,
    details: Details,
    /// It runs on its battery, and sleeps.
    on_battery: bool,
    /// What is announced of it is no longer all.
    has_changed: bool,
}

/// The prefix that a topic is below, and which component it is the status of.
fn place(topic: &str) -> Option<(&str, Option<&str>)> {
    if let Some(prefix) = topic.strip_suffix(EVENTS) {
        return Some((prefix, None));
    }
    if let Some(prefix) = topic.strip_suffix("/online") {
        // Only what calls itself a Shelly: many devices are `…/online`.
        return (prefix.starts_with("shelly") && prefix.contains('-') && !prefix.contains('/'))
            .then_some((prefix, None));
    }
    let (prefix, component) = topic.rsplit_once("/status/")?;
    components::is_known(component).then_some((prefix, Some(component)))
}

impl Format for ShellyRpc {
    fn wants(&self, topic: &str) -> bool {
        topic == ANSWERS || place(topic).is_some()
    }

    fn takes(&self, topic: &str) -> bool {
        topic == ANSWERS || place(topic).is_some_and(|(prefix, _)| self.devices.contains_key(prefix))
    }

    fn filters(&self) -> &'static [&'static str] {
        &["+/events/rpc", "+/online", "+/status/+"]
    }

    fn apply(&mut self, now_ms: u64, arrival: &Arrival<'_>, announcements: &mut Announcements) {
        let topic = arrival.topic;
        let (prefix, component) = match place(topic) {
            Some((prefix, component)) => (prefix.to_owned(), component),
            None => (String::new(), None),
        };
        if arrival.payload.is_empty() || (topic != ANSWERS && !is_topic(&prefix)) {
            return;
        }
        if topic.ends_with("/online") {
            if let Some(device) = self.device(&prefix) {
                prefix.clone_into(&mut device.source);
                announcements.set(device.announcement(&prefix));
            }
            return;
        }
        let message = match Json::parse(arrival.payload, JsonLimits::STATE) {
            Ok(message @ Json::Object(_)) => message,
            // Somebody else's topic that looks like one of ours.
            Ok(_) | Err(_) if component.is_some() || topic == ANSWERS => return,
            Ok(_) => return announcements.refuse(now_ms, topic, "it is no object"),
            Err(fault) => return announcements.refuse(now_ms, topic, fault.reason()),
        };
        let source = message.get("src").and_then(Json::text).unwrap_or_default();
        if topic == ANSWERS {
            return self.answer(now_ms, source, &message, announcements);
        }
        if self.device(&prefix).is_none() {
            return announcements.refuse(now_ms, topic, "there are too many devices");
        }
        let known = self
            .devices
            .get(&prefix)
            .is_some_and(|device| !device.source.is_empty());
        let Some(device) = self.device(&prefix) else {
            return;
        };
        match (component, message.get("params")) {
            // Only of a device that has spoken: the topic alone proves nothing.
            (Some(component), _) if known => {
                let status = Json::Object(vec![(component.to_owned(), message.clone())]);
                device.overlay(now_ms, &prefix, &status, arrival.retain, announcements);
            }
            (None, Some(params)) if !source.is_empty() => {
                device.has_changed |= device.source != source;
                source.clone_into(&mut device.source);
                device.events(now_ms, &prefix, params, announcements);
                device.overlay(now_ms, &prefix, params, arrival.retain, announcements);
            }
            _ if !known => {
                self.devices.remove(&prefix);
            }
            _ => {}
        }
    }
}

impl ShellyRpc {
    fn device(&mut self, prefix: &str) -> Option<&mut Device> {
        if !self.devices.contains_key(prefix) && self.devices.len() >= DEVICES {
            return None;
        }
        Some(self.devices.entry(prefix.to_owned()).or_default())
    }

    /// What a device answered to our question.
    fn answer(&mut self, now_ms: u64, source: &str, message: &Json, announcements: &mut Announcements) {
        let Some(result) = message.get("result") else {
            return;
        };
        let found = self
            .devices
            .iter_mut()
            .find(|(_, device)| device.source == source);
        let Some((prefix, device)) = found else { return };
        let text = |name: &str| {
            result
                .get(name)
                .and_then(Json::text)
                .unwrap_or_default()
                .to_owned()
        };
        if !text("model").is_empty() {
            device.has_changed = true;
            device.name = text("name");
            device.details.model = match text("app") {
                app if app.is_empty() => text("model"),
                app => format!("{app} ({})", text("model")),
            };
            device.details.software = text("ver");
            device.mac = text("mac");
        }
        let prefix = prefix.clone();
        if let Some(system) = result.get("sys").and_then(|sys| sys.get("device")) {
            // Settings, which have members of the same names as a status has.
            device.take_names(system, result);
            announcements.set(device.announcement(&prefix));
            return;
        }
        device.overlay(now_ms, &prefix, result, false, announcements);
    }
}

impl Device {
    /// Takes what a status names; what is new is announced, and then told, because it may not be said again for long.
    fn overlay(
        &mut self,
        now_ms: u64,
        prefix: &str,
        status: &Json,
        retained: bool,
        announcements: &mut Announcements,
    ) {
        let mut values = Vec::new();
        for (name, component) in status.members() {
            match &**name {
                "sys" => {
                    if let Some(mac) = component.get("mac").and_then(Json::text) {
                        self.has_changed |= self.mac != mac;
                        mac.clone_into(&mut self.mac);
                    }
                }
                "wifi" => {
                    if let Some(ip) = component.get("sta_ip").and_then(Json::text) {
                        let url = address(ip);
                        self.has_changed |= self.details.configuration_url != url;
                        self.details.configuration_url = url;
                    }
                }
                _ => {}
            }
            if name.starts_with("devicepower:")
                && let Some(external) = component.get("external")
            {
                let on_battery = external.get("present").and_then(Json::bool) == Some(false);
                self.has_changed |= self.on_battery != on_battery;
                self.on_battery = on_battery;
            }
            // Who hangs on a cable is heard with 0 dBm.
            let is_wired = component.get("rssi").and_then(Json::number) == Some(0.0);
            if !components::is_known(name)
                || (name == "wifi" && is_wired)
                || (self.components.len() >= COMPONENTS && !self.components.contains_key(name))
            {
                continue;
            }
            let known = self.components.entry(name.clone()).or_default();
            for (member, value) in leaves(component) {
                if known.len() < MEMBERS {
                    self.has_changed |= known.insert(member.clone());
                }
                values.push((name.clone(), member, value));
            }
        }
        if std::mem::take(&mut self.has_changed) {
            let key = key_of(prefix);
            announcements.set(self.announcement(prefix));
            for (component, member, value) in values {
                if let Some(part) = components::part_of(&component, &member) {
                    announcements.tell(now_ms, retained, (&key, &component, part), value);
                }
            }
        }
    }

    /// What people call the device and its components, as `Shelly.GetConfig` says it.
    fn take_names(&mut self, system: &Json, settings: &Json) {
        let name = |json: &Json| {
            let name = json.get("name").and_then(Json::text).unwrap_or_default();
            name.trim().chars().take(NAME).collect::<String>()
        };
        self.name = name(system);
        let known = settings
            .members()
            .iter()
            .filter(|(component, _)| components::is_known(component));
        self.names.clear();
        for (component, settings) in known.take(COMPONENTS) {
            let name = name(settings);
            if !name.is_empty() {
                self.names.insert(component.clone(), name);
            }
        }
    }

    /// What happened: a button was pressed.
    fn events(&mut self, now_ms: u64, prefix: &str, params: &Json, announcements: &mut Announcements) {
        let events = params.get("events").map(Json::list).unwrap_or_default();
        for event in events {
            let text = |name: &str| event.get(name).and_then(Json::text).unwrap_or_default();
            let (component, what) = (text("component"), text("event"));
            let is_pressed = component.starts_with("input:") || component.starts_with("bthomedevice:");
            if !is_pressed || !components::is_known(component) || what.is_empty() {
                continue;
            }
            if self.components.len() < COMPONENTS || self.components.contains_key(component) {
                self.components
                    .entry(component.to_owned())
                    .or_default()
                    .insert("event".to_owned());
            }
            announcements.set(self.announcement(prefix));
            let place = (&*key_of(prefix), component, "event");
            announcements.tell(now_ms, false, place, Scalar::Text(what.to_owned()));
        }
    }

    fn announcement(&self, prefix: &str) -> Announcement {
        let name = [&*self.name, prefix.rsplit('/').next().unwrap_or(prefix)];
        let name = name
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or(&self.source);
        let mut announcement = Announcement {
            key: key_of(prefix),
            topic: format!("{prefix}{EVENTS}"),
            source: Source::ShellyRpc,
            name: Some(name.to_owned()),
            details: Details {
                manufacturer: "Shelly".to_owned(),
                ..self.details.clone()
            },
            sleeps: self.on_battery,
            availability: Some(Availability {
                checks: vec![AvailabilityCheck::new(
                    &format!("{prefix}/online"),
                    "true",
                    "false",
                )],
                ..Availability::default()
            }),
            ..Announcement::default()
        };
        identify("shelly", &self.source, &mut announcement.identifiers);
        identify("shelly", &self.mac, &mut announcement.identifiers);
        announcement.entities = components::entities(prefix, &self.components, &self.names);
        for (id, name, method) in [
            ("ask_status", "Ask for its state", "Shelly.GetStatus"),
            ("ask_info", "Ask what it is", "Shelly.GetDeviceInfo"),
            ("ask_names", "Ask for its names", "Shelly.GetConfig"),
        ] {
            let mut ask = button(&format!("{prefix}/rpc"), request(method, ""));
            ask.control = ask.control.map(PartControl::asking);
            ask.class = Class::Internal;
            announcement.entities.push(single(id, Some(name), ask));
        }
        announcement
    }
}

fn key_of(prefix: &str) -> String {
    format!("{prefix}{EVENTS}")
}

/// A request with these parameters.
fn request(method: &str, parameters: &str) -> Payload {
    let (before, after) = around(method);
    match parameters {
        "" => Payload::Fixed(format!(
            "{{\"id\":1,\"src\":\"hearth\",\"method\":{}}}",
            quoted(method)
        )),
        parameters => Payload::Fixed(format!("{before}{parameters}{after}")),
    }
}

/// What stands around the parameters of a request.
fn around(method: &str) -> (String, &'static str) {
    (
        format!(
            "{{\"id\":1,\"src\":\"hearth\",\"method\":{},\"params\":{{",
            quoted(method)
        ),
        "}}",
    )
}

/// Values of a component, and of the objects in it.
fn leaves(component: &Json) -> Vec<(String, Scalar)> {
    let mut found = Vec::new();
    for (name, value) in component.members() {
        match value {
            Json::Object(members) => {
                let inner = members.iter().take(MEMBERS);
                found.extend(
                    inner.filter_map(|(inner, value)| Some((format!("{name}.{inner}"), scalar(value)?))),
                );
            }
            value => found.extend(scalar(value).map(|value| (name.clone(), value))),
        }
        if found.len() >= MEMBERS {
            break;
        }
    }
    found
}

fn scalar(value: &Json) -> Option<Scalar> {
    Some(match value {
        Json::Null => Scalar::Null,
        Json::Bool(value) => Scalar::Bool(*value),
        Json::Number(number, spelled) => Scalar::Number(*number, spelled.clone()),
        Json::Text(text) => Scalar::Text(text.clone()),
        Json::List(_) => Scalar::Text(value.to_json()),
        Json::Object(_) => return None,
    })
}
