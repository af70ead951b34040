//! What all things of a device share: what it is, and whether it is there.

use super::super::extract::Extract;
use super::super::identify;
use super::super::json::Json;
use super::super::model::{Announcement, Availability, AvailabilityCheck, AvailabilityMode};
use super::config::{Config, option, text_of};

/// Checks of one availability.
const CHECKS: usize = 16;

/// Fills in what a `device` block says.
pub(super) fn describe(device: &Json, announcement: &mut Announcement, problems: &mut Vec<String>) {
    let text = |name: &str| option(device, name).and_then(text_of).unwrap_or_default();
    let ids = &mut announcement.identifiers;
    match option(device, "identifiers") {
        Some(list @ Json::List(_)) => {
            for id in list.list() {
                identify("ha", &id.spelled(), ids);
            }
        }
        Some(id) => identify("ha", &id.spelled(), ids),
        None => {}
    }
    // `[["mac", "02:5b:26:a8:dc:12"], …]`
    for connection in option(device, "connections").map(Json::list).unwrap_or_default() {
        if let Some(address) = connection.list().get(1).and_then(Json::text) {
            identify("ha-connection", address, ids);
        }
    }
    announcement.name = Some(text("name")).filter(|name| !name.trim().is_empty());
    announcement.area = Some(text("suggested_area")).filter(|area| !area.trim().is_empty());
    let mut via = Vec::new();
    identify("ha", &text("via_device"), &mut via);
    announcement.via = via.pop();
    let details = &mut announcement.details;
    details.manufacturer = text("manufacturer");
    details.model = match (text("model"), text("model_id")) {
        (model, id) if id.is_empty() || model == id => model,
        (model, id) if model.is_empty() => id,
        (model, id) => format!("{model} ({id})"),
    };
    details.software = text("sw_version");
    details.hardware = text("hw_version");
    details.serial = text("serial_number");
    let url = text("configuration_url");
    let lower = url.to_ascii_lowercase();
    if lower.starts_with("http://") || lower.starts_with("https://") {
        details.configuration_url = url;
    } else if !url.is_empty() && !lower.starts_with("homeassistant://") {
        problems.push("its configuration_url is neither http nor https, and is left out".to_owned());
    }
}

/// What announces it: `zigbee2mqtt 2.5.1`.
pub(super) fn origin(config: &Json) -> String {
    let origin = option(config, "origin");
    let text = |name: &str| origin.and_then(|origin| option(origin, name)).and_then(text_of);
    let said = [text("name"), text("sw_version")];
    said.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Whether a thing is there.
pub(super) fn availability(config: Config<'_>) -> Option<Availability> {
    let mode = match config.shared("availability_mode").and_then(Json::text) {
        Some("all") => AvailabilityMode::All,
        Some("any") => AvailabilityMode::Any,
        _ => AvailabilityMode::Latest,
    };
    let word = |value: Option<&Json>, default: &str| match value {
        Some(value) => value.spelled(),
        None => default.to_owned(),
    };
    let mut checks = Vec::new();
    let mut check = |topic: Option<String>, template: Option<&str>, online: String, offline: String| {
        if let Some(topic) = topic.filter(|_| checks.len() < CHECKS) {
            checks.push(AvailabilityCheck {
                extract: template.map_or(Extract::Plain, Extract::template),
                ..AvailabilityCheck::new(&topic, &online, &offline)
            });
        }
    };
    // Its own topic counts before what all of the device share.
    let shared = match config.get("availability_topic") {
        Some(_) => config.get("availability"),
        None => config.shared("availability"),
    };
    match shared {
        Some(said) => {
            let one = std::slice::from_ref(said);
            let said = if said.list().is_empty() { one } else { said.list() };
            for said in said {
                check(
                    option(said, "topic").and_then(|topic| config.resolve(topic)),
                    option(said, "value_template").and_then(Json::text),
                    word(option(said, "payload_available"), "online"),
                    word(option(said, "payload_not_available"), "offline"),
                );
            }
        }
        None => check(
            config
                .shared("availability_topic")
                .and_then(|topic| config.resolve(topic)),
            config.shared("availability_template").and_then(Json::text),
            word(config.shared("payload_available"), "online"),
            word(config.shared("payload_not_available"), "offline"),
        ),
    }
    (!checks.is_empty()).then_some(Availability { mode, checks })
}
