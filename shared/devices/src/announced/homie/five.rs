//! Version 5: one description of the whole device.

use hearth_model::store::Arrival;

use super::property::{Named, Property, availability, is_id};
use crate::announced::extract::Extract;
use crate::announced::json::{Json, JsonLimits};
use crate::announced::model::{Announcement, Part, StateRead};
use crate::announced::parts::{named, single};
use crate::announced::{Announcements, identify};
use crate::device::{Details, EntityKind, Source};

/// Properties that are looked at.
const PROPERTIES: usize = 1_000;

pub(super) fn apply(
    now_ms: u64,
    arrival: &Arrival<'_>,
    device: &str,
    attribute: &str,
    announcements: &mut Announcements,
) {
    if let Some(id) = attribute.strip_prefix("alert/") {
        return alert(arrival, device, id, announcements);
    }
    let description = format!("{device}/$description");
    let is_empty = arrival.payload.is_empty();
    // A device is removed by its state; its description may go first or last.
    if is_empty {
        announcements.forget_payload(&description);
        announcements.forget_problems(&description);
        announcements.remove(device);
        return;
    }
    if attribute != "description" || !announcements.is_news(arrival.topic, arrival.payload) {
        return;
    }
    announcements.forget_problems(arrival.topic);
    let parsed = match Json::parse(arrival.payload, JsonLimits::ANNOUNCEMENT) {
        Ok(parsed @ Json::Object(_)) => parsed,
        Ok(_) => return announcements.refuse(now_ms, arrival.topic, "it is no object"),
        Err(fault) => return announcements.refuse(now_ms, arrival.topic, fault.reason()),
    };
    let version = parsed.get("homie").map(Json::spelled).unwrap_or_default();
    if version != "5" && !version.starts_with("5.") {
        return announcements.refuse(now_ms, arrival.topic, "its version of Homie is not 5");
    }
    announcements.set(announcement(device, &parsed));
}

fn announcement(device: &str, description: &Json) -> Announcement {
    let text = |json: &Json, name: &str| json.get(name).and_then(Json::text).unwrap_or_default().to_owned();
    let (above, id) = device.rsplit_once('/').unwrap_or(("", device));
    // When the root is lost, so are its children.
    let root = text(description, "root");
    let root = (is_id(&root) && root != id).then(|| format!("{above}/{root}"));
    let name = text(description, "name");
    let mut announcement = Announcement {
        key: device.to_owned(),
        topic: format!("{device}/$description"),
        source: Source::Homie,
        name: Some(if name.is_empty() { id.to_owned() } else { name }),
        details: Details {
            model: text(description, "type"),
            software: text(description, "version"),
            ..Details::default()
        },
        availability: Some(availability(device, root.as_deref())),
        ..Announcement::default()
    };
    identify("homie", device, &mut announcement.identifiers);
    identify("homie", id, &mut announcement.identifiers);
    let parent = text(description, "parent");
    if is_id(&parent) && parent != id {
        announcement.via = Some(format!("homie:{above}/{parent}").to_ascii_lowercase());
    }
    let nodes = description.get("nodes").map(Json::members).unwrap_or_default();
    let mut list = Named::default();
    for (node, described) in nodes.iter().filter(|(node, _)| is_id(node)) {
        list.node(&text(described, "name"), node);
        let properties = described.get("properties").map(Json::members).unwrap_or_default();
        for (id, property) in properties.iter().filter(|(id, _)| is_id(id)) {
            if list.entities.len() >= PROPERTIES {
                break;
            }
            let flag = |name: &str, default: bool| property.get(name).and_then(Json::bool).unwrap_or(default);
            let read = |name: &str| property.get(name).and_then(Json::text).unwrap_or_default();
            let property = Property {
                topic: format!("{device}/{node}/{id}"),
                id,
                node,
                name: read("name"),
                datatype: read("datatype"),
                format: read("format"),
                unit: read("unit"),
                settable: flag("settable", false),
                retained: flag("retained", true),
                is_five: true,
            };
            list.push(property.labelled(property.entity()));
        }
    }
    announcement.entities = list.finish();
    announcement
}

/// What a device wants people to know, until it takes it back: shown with the device.
fn alert(arrival: &Arrival<'_>, device: &str, id: &str, announcements: &mut Announcements) {
    let topic = arrival.topic;
    if arrival.payload.is_empty() {
        announcements.forget_payload(topic);
        announcements.remove(topic);
    } else if announcements.is_news(topic, arrival.payload) {
        let read = StateRead::new(topic, Extract::Plain);
        let mut announcement = Announcement {
            key: topic.to_owned(),
            topic: topic.to_owned(),
            source: Source::Homie,
            ..Announcement::default()
        };
        identify("homie", device, &mut announcement.identifiers);
        let part = Part {
            kind: EntityKind::Text,
            reads: vec![read],
            ..Part::default()
        };
        let name = format!("Alert {}", named(id));
        announcement.entities = vec![single(&format!("$alert.{id}"), Some(&name), part)];
        announcements.set(announcement);
    }
}
