//! Home Assistant's MQTT discovery: one thing per message, or a whole device.
//!
//! Facts: <https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery> and the Apache-licensed
//! `homeassistant/components/mqtt` of home-assistant/core.

mod climate;
mod config;
mod cover;
mod device;
mod light;
mod simple;

use std::collections::BTreeSet;

use hearth_model::store::Arrival;

use self::config::{Config, is_true, option};
use super::group::Announcements;
use super::json::{Json, JsonLimits};
use super::model::{AnnouncedEntity, Announcement, Part};
use super::{Format, identify};
use crate::device::Source;

/// Longer configurations are refused, in bytes.
const CONFIG_BYTES: usize = 512 * 1024;
/// Things of one device that are looked at.
const THINGS: usize = 5_000;

/// What is shown as what it is; anything else is shown raw.
const COMPONENTS: &[&str] = &[
    "alarm_control_panel",
    "binary_sensor",
    "button",
    "camera",
    "climate",
    "cover",
    "date",
    "datetime",
    "device",
    "device_automation",
    "device_tracker",
    "event",
    "fan",
    "humidifier",
    "image",
    "lawn_mower",
    "light",
    "lock",
    "notify",
    "number",
    "scene",
    "select",
    "sensor",
    "siren",
    "switch",
    "tag",
    "text",
    "time",
    "update",
    "vacuum",
    "valve",
    "water_heater",
];

/// Home Assistant's MQTT discovery.
#[derive(Debug)]
pub(super) struct HomeAssistant;

/// `<prefix>/<component>/[<node>/]<object>/config`
struct Place<'a> {
    component: &'a str,
    node: Option<&'a str>,
    object: &'a str,
    prefix: &'a str,
}

impl<'a> Place<'a> {
    fn of(topic: &'a str) -> Option<Self> {
        let path = topic.strip_suffix("/config")?;
        let (rest, object) = path.rsplit_once('/')?;
        if !is_name(object) || topic.len() > 512 {
            return None;
        }
        let place = |prefix, component, node| Self {
            component,
            node,
            object,
            prefix,
        };
        if let Some(rest) = rest.strip_prefix("homeassistant/") {
            return match rest.split_once('/') {
                None => Some(place("homeassistant", rest, None)),
                Some((component, node)) => {
                    is_name(node).then(|| place("homeassistant", component, Some(node)))
                }
            };
        }
        // Another prefix: the component must be one that is known.
        let (above, last) = rest.rsplit_once('/')?;
        if is_known(last) {
            return Some(place(above, last, None));
        }
        let (prefix, component) = above.rsplit_once('/')?;
        (is_known(component) && is_name(last)).then(|| place(prefix, component, Some(last)))
    }

    fn is_usual(&self) -> bool {
        self.prefix == "homeassistant"
    }

    /// The thing within its component, as Home Assistant tells them apart.
    fn id(&self) -> String {
        match self.node {
            Some(node) => format!("{node}-{}", self.object),
            None => self.object.to_owned(),
        }
    }
}

/// Whether a topic is in the place of a configuration and cannot be that of one, which Home Assistant ignores, too.
fn is_misspelled(topic: &str) -> bool {
    let Some(rest) = topic.strip_prefix("homeassistant/") else {
        return false;
    };
    let mut levels = rest.split('/');
    let component = levels.next().unwrap_or_default();
    matches!(levels.count(), 2 | 3) && is_known(component) && Place::of(topic).is_none()
}

fn is_known(component: &str) -> bool {
    COMPONENTS.binary_search(&component).is_ok()
}

fn is_name(level: &str) -> bool {
    !level.is_empty()
        && level
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

impl Format for HomeAssistant {
    fn wants(&self, topic: &str) -> bool {
        topic.ends_with("/config") && (Place::of(topic).is_some() || is_misspelled(topic))
    }

    fn filters(&self) -> &'static [&'static str] {
        &["homeassistant/+/+/config", "homeassistant/+/+/+/config"]
    }

    fn apply(&mut self, now_ms: u64, arrival: &Arrival<'_>, announcements: &mut Announcements) {
        let topic = arrival.topic;
        let Some(place) = Place::of(topic) else {
            announcements.forget_problems(topic);
            if !arrival.payload.is_empty() {
                let reason = "the levels of its topic may have letters, digits, _ and - only";
                announcements.refuse(now_ms, topic, reason);
            }
            return;
        };
        if arrival.payload.trim_ascii().is_empty() {
            announcements.forget_payload(topic);
            announcements.forget_problems(topic);
            announcements.remove(topic);
            return;
        }
        if !announcements.is_news(topic, arrival.payload) {
            return;
        }
        announcements.forget_problems(topic);
        let config = match read_config(arrival.payload) {
            Ok(config) => config,
            Err(reason) if place.is_usual() => return announcements.refuse(now_ms, topic, &reason),
            // Somebody else's configuration.
            Err(_) => return,
        };
        if !place.is_usual()
            && option(&config, "unique_id")
                .or(option(&config, "device"))
                .is_none()
        {
            return;
        }
        // The thing is moving to the device's announcement.
        if option(&config, "migrate_discovery").is_some_and(is_true) {
            announcements.remove(topic);
            return;
        }
        let mut problems = Vec::new();
        let announcement = announcement(topic, &place, &config, &mut problems);
        for problem in problems {
            announcements.refuse(now_ms, topic, &problem);
        }
        match announcement {
            Some(announcement) => announcements.set(announcement),
            None => announcements.remove(topic),
        }
    }
}

fn read_config(payload: &[u8]) -> Result<Json, String> {
    if payload.len() > CONFIG_BYTES {
        return Err(format!(
            "it has {} bytes, more than {CONFIG_BYTES} are not read",
            payload.len()
        ));
    }
    let config = Json::parse(payload, JsonLimits::ANNOUNCEMENT).map_err(|fault| fault.reason().to_owned())?;
    if config.members().is_empty() {
        return Err("it is no JSON object with options".to_owned());
    }
    Ok(config)
}

fn announcement(
    topic: &str,
    place: &Place<'_>,
    config: &Json,
    problems: &mut Vec<String>,
) -> Option<Announcement> {
    let mut announcement = Announcement {
        key: topic.to_owned(),
        topic: topic.to_owned(),
        source: Source::HomeAssistant,
        ..Announcement::default()
    };
    match option(config, "device") {
        Some(device) => device::describe(device, &mut announcement, problems),
        None => {
            // Things without a device stand together when they come from one node.
            if let Some(node) = place.node {
                identify(
                    "ha-node",
                    &format!("{}/{node}", place.prefix),
                    &mut announcement.identifiers,
                );
                announcement.name = Some(crate::names::human(node));
            }
        }
    }
    announcement.details.origin = device::origin(config);
    if place.component == "device" {
        let Some(things) = option(config, "components").filter(|things| !things.members().is_empty()) else {
            problems.push("it names no components (cmps)".to_owned());
            return None;
        };
        let mut seen = BTreeSet::new();
        for (id, own) in things.members().iter().rev().take(THINGS) {
            // Of two with one name the later counts.
            if seen.insert(id) {
                let own = Config::new(own, config);
                announcement
                    .entities
                    .extend(component_of_device(id, own, problems));
            }
        }
        announcement.entities.reverse();
        if things.members().len() > THINGS {
            problems.push(format!(
                "it names {} components, {THINGS} are read",
                things.members().len()
            ));
        }
    } else {
        let own = Config::new(config, &Json::Null);
        announcement
            .entities
            .extend(thing(place.component, &place.id(), own, problems));
    }
    (!announcement.entities.is_empty()).then_some(announcement)
}

fn component_of_device(id: &str, config: Config<'_>, problems: &mut Vec<String>) -> Option<AnnouncedEntity> {
    let Some(platform) = config.text("platform") else {
        problems.push(format!("component {id} does not say what it is (p)"));
        return None;
    };
    // A component with nothing but its platform is one that was removed.
    if config.is_removed() {
        return None;
    }
    thing(&platform, id, config, problems)
}

/// One thing, with what all things have in common.
fn thing(
    component: &str,
    id: &str,
    config: Config<'_>,
    problems: &mut Vec<String>,
) -> Option<AnnouncedEntity> {
    let mut entity = AnnouncedEntity {
        id: config.text("unique_id").unwrap_or_else(|| id.to_owned()),
        name: config
            .text("name")
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty()),
        diagnostic: config
            .text("entity_category")
            .is_some_and(|category| !category.is_empty())
            || config
                .get("enabled_by_default")
                .is_some_and(|enabled| !is_true(enabled)),
        availability: device::availability(config),
        expire_after_ms: config
            .number("expire_after")
            .filter(|after| *after > 0.0)
            .map(milliseconds),
        attributes: config.read("json_attributes_topic", "json_attributes_template"),
        parts: Vec::new(),
    };
    match parts(component, config, &mut entity) {
        Ok(parts) => entity.parts = parts,
        Err(missing) => {
            problems.push(format!("{component} {id} names no {missing}"));
            return None;
        }
    }
    Some(entity)
}

/// The parts of a thing, or the option that it lacks.
fn parts(
    component: &str,
    config: Config<'_>,
    entity: &mut AnnouncedEntity,
) -> Result<Vec<Part>, &'static str> {
    match component {
        "alarm_control_panel" => cover::alarm(config),
        "binary_sensor" => simple::binary_sensor(config),
        "button" => simple::button(config),
        "camera" => simple::camera(config),
        "climate" => climate::climate(config),
        "cover" => cover::cover(config),
        "device_automation" => simple::automation(config, entity),
        "device_tracker" => simple::tracker(config),
        "event" => simple::event(config),
        "fan" => climate::fan(config),
        "humidifier" => climate::humidifier(config),
        "image" => simple::image(config),
        "lawn_mower" => cover::lawn_mower(config),
        "light" => light::light(config),
        "lock" => cover::lock(config),
        "notify" => simple::notify(config),
        "number" => simple::number(config),
        "scene" => simple::scene(config),
        "select" => simple::select(config),
        "sensor" => simple::sensor(config),
        "siren" => simple::siren(config),
        "switch" => simple::switch(config),
        "tag" => simple::tag(config),
        "date" | "datetime" | "text" | "time" => simple::text(config),
        "update" => simple::update(config),
        "vacuum" => cover::vacuum(config),
        "valve" => cover::valve(config),
        "water_heater" => climate::water_heater(config),
        _ => simple::raw(config),
    }
}

fn milliseconds(seconds: f64) -> u64 {
    // `as` ends at the bounds of what it makes.
    (seconds * 1000.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_components_are_in_order() {
        assert!(COMPONENTS.is_sorted());
    }

    #[test]
    fn topics_of_announcements_are_told_from_others() {
        for (topic, found) in [
            ("homeassistant/sensor/x/config", Some(("sensor", None, "x"))),
            (
                "homeassistant/light/node-1/x_2/config",
                Some(("light", Some("node-1"), "x_2")),
            ),
            ("my/prefix/device/x/config", Some(("device", None, "x"))),
            ("homeassistant/hologram/x/config", Some(("hologram", None, "x"))),
            (
                "homeassistant/sensor/switch/config",
                Some(("sensor", None, "switch")),
            ),
            ("zigbee2mqtt/lamp/config", None),
            ("tasmota/discovery/AABBCCDDEEFF/config", None),
            ("homeassistant/sensor/ä/config", None),
            ("homeassistant/sensor/config", None),
            ("homeassistant/status", None),
        ] {
            let place = Place::of(topic);
            let place = place
                .as_ref()
                .map(|place| (place.component, place.node, place.object));
            assert_eq!(place, found, "{topic}");
        }
    }
}
