//! Version 4: an attribute in each topic.

use std::collections::BTreeMap;

use super::property::{Named, Property, availability, is_id};
use crate::announced::extract::Extract;
use crate::announced::identify;
use crate::announced::model::{Announcement, Part, StateRead};
use crate::announced::parts::{either, single};
use crate::class::Class;
use crate::device::{Details, Source};

/// Nodes and properties that are looked at.
const NODES: usize = 200;
const PROPERTIES: usize = 1_000;

/// What is known of a device so far; `None` while it has not said that it is one.
pub(super) fn announcement(device: &str, attributes: &BTreeMap<String, String>) -> Option<Announcement> {
    let get = |below: &str| attributes.get(below).map_or("", String::as_str);
    // Version 3 names nodes and properties in the same way, as far as it is shown here.
    if !get("$homie").starts_with(['3', '4']) {
        return None;
    }
    let id = device.rsplit('/').next().unwrap_or(device);
    let mut announcement = Announcement {
        key: device.to_owned(),
        topic: format!("{device}/$homie"),
        source: Source::Homie,
        name: Some(if get("$name").is_empty() { id } else { get("$name") }.to_owned()),
        details: Details {
            model: get("$implementation").to_owned(),
            software: get("$fw/version").to_owned(),
            ..Details::default()
        },
        availability: Some(availability(device, None)),
        ..Announcement::default()
    };
    identify("homie", device, &mut announcement.identifiers);
    identify("homie", id, &mut announcement.identifiers);
    identify("homie", get("$mac"), &mut announcement.identifiers);
    let nodes = get("$nodes")
        .split(',')
        .map(|node| node.trim_end_matches("[]"))
        .filter(|node| is_id(node));
    let mut list = Named::default();
    for node in nodes.take(NODES) {
        list.node(get(&format!("{node}/$name")), node);
        let properties = get(&format!("{node}/$properties"));
        let properties = properties
            .split(',')
            .map(|property| property.split(':').next().unwrap_or_default());
        for id in properties.filter(|id| is_id(id)) {
            if list.entities.len() >= PROPERTIES {
                break;
            }
            let of = |name: &str| get(&format!("{node}/{id}/{name}"));
            let property = Property {
                topic: format!("{device}/{node}/{id}"),
                id,
                node,
                name: of("$name"),
                datatype: of("$datatype"),
                format: of("$format"),
                unit: of("$unit"),
                settable: of("$settable") == "true",
                retained: of("$retained") != "false",
                is_five: false,
            };
            list.push(property.labelled(property.entity()));
        }
    }
    announcement.entities = list.finish();
    if get("$state") == "alert" {
        // It is there, and says that it needs somebody.
        let read = StateRead::new(&format!("{device}/$state"), Extract::Plain);
        let part = Part {
            class: Class::Problem,
            ..either(&["alert"], "alert", "ready", read)
        };
        announcement.entities.push(single("$state", Some("Alert"), part));
    }
    Some(announcement)
}
