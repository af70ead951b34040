//! Version 5: one description of the whole device.

use hearth_model::store::Arrival;

use super::property::{Property, availability, is_id};
use crate::announced::json::{Json, JsonLimits};
use crate::announced::model::Announcement;
use crate::announced::{Announcements, identify};
use crate::device::{Details, Source};

/// Properties that are looked at.
const PROPERTIES: usize = 1_000;

pub(super) fn apply(
    now_ms: u64,
    arrival: &Arrival<'_>,
    device: &str,
    attribute: &str,
    announcements: &mut Announcements,
) {
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
    if !version.starts_with("5.") {
        return announcements.refuse(now_ms, arrival.topic, "its version of Homie is not 5");
    }
    announcements.set(announcement(device, &parsed));
}

fn announcement(device: &str, description: &Json) -> Announcement {
    let text = |json: &Json, name: &str| json.get(name).and_then(Json::text).unwrap_or_default().to_owned();
    let (above, id) = device.rsplit_once('/').unwrap_or(("", device));
    // When the root is lost, so are its children.
    let mut states = vec![format!("{device}/$state")];
    let root = text(description, "root");
    if is_id(&root) && root != id {
        states.push(format!("{above}/{root}/$state"));
    }
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
        availability: Some(availability(&states)),
        ..Announcement::default()
    };
    identify("homie", device, &mut announcement.identifiers);
    identify("homie", id, &mut announcement.identifiers);
    let parent = text(description, "parent");
    if is_id(&parent) && parent != id {
        announcement.via = Some(format!("homie:{above}/{parent}").to_ascii_lowercase());
    }
    let nodes = description.get("nodes").map(Json::members).unwrap_or_default();
    for (node, described) in nodes.iter().filter(|(node, _)| is_id(node)) {
        let properties = described.get("properties").map(Json::members).unwrap_or_default();
        for (id, property) in properties.iter().filter(|(id, _)| is_id(id)) {
            if announcement.entities.len() >= PROPERTIES {
                return announcement;
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
                names_color: true,
            };
            announcement.entities.push(property.labelled(property.entity()));
        }
    }
    announcement
}
