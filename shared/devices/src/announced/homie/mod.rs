//! Homie 4 and 5: devices that say everything of themselves in retained messages, topic by topic or in one description.
//!
//! The messages come in any order, so a device is built as they come, and is never given up because one is late.

mod five;
mod four;
mod property;

use std::collections::{BTreeMap, HashMap};

use hearth_model::store::Arrival;

use super::{Announcements, Format};
use property::is_id;

const DEVICES: usize = 5_000;
/// Attributes of one device of version 4.
const ATTRIBUTES: usize = 5_000;

/// The format.
#[derive(Debug, Default)]
pub(super) struct Homie {
    /// Version 4: attributes by the levels below the device, by the topic of the device.
    four: HashMap<String, BTreeMap<String, String>>,
}

/// What a topic says of which device.
enum Place<'a> {
    /// `<domain>/5/<device>` and the attribute.
    Five { device: &'a str, attribute: &'a str },
    /// `homie/<device>` and the levels of the attribute below it.
    Four { device: &'a str, below: &'a str },
}

fn place(topic: &str) -> Option<Place<'_>> {
    let (device, below) = topic.split_once("/$")?;
    if let Some((domain, id)) = device.rsplit_once('/')
        && domain.ends_with("/5")
        && is_id(id)
    {
        let alert = below.strip_prefix("alert/");
        let is_said = matches!(below, "description" | "state") || alert.is_some_and(is_id);
        return is_said.then_some(Place::Five {
            device,
            attribute: below,
        });
    }
    // `homie/device/node/property/$name`: the device are the first two levels.
    let rest = topic.strip_prefix("homie/")?;
    let (id, below) = rest.split_once('/')?;
    let device = topic.get(.."homie/".len() + id.len())?;
    (is_id(id) && id != "5" && below.matches('/').count() <= 3).then_some(Place::Four { device, below })
}

impl Format for Homie {
    fn wants(&self, topic: &str) -> bool {
        topic.contains("/$") && place(topic).is_some()
    }

    fn filters(&self) -> &'static [&'static str] {
        &[
            "homie/+/$homie",
            "homie/+/#",
            "+/5/+/$state",
            "+/5/+/$description",
        ]
    }

    fn apply(&mut self, now_ms: u64, arrival: &Arrival<'_>, announcements: &mut Announcements) {
        match place(arrival.topic) {
            Some(Place::Five { device, attribute }) => {
                five::apply(now_ms, arrival, device, attribute, announcements);
            }
            Some(Place::Four { device, below }) => {
                self.attribute(now_ms, arrival, device, below, announcements);
            }
            None => {}
        }
    }
}

impl Homie {
    fn attribute(
        &mut self,
        now_ms: u64,
        arrival: &Arrival<'_>,
        device: &str,
        below: &str,
        announcements: &mut Announcements,
    ) {
        if below.starts_with("$stats/") || below.starts_with("$fw/checksum") {
            return;
        }
        // `$state` comes often, and is read by the registry; here only whether the device calls for somebody.
        let is_state = below == "$state";
        let calls = is_state && arrival.payload == b"alert";
        let called = self
            .four
            .get(device)
            .is_some_and(|known| known.contains_key(below));
        if (is_state && calls == called) || !announcements.is_news(arrival.topic, arrival.payload) {
            return;
        }
        let text = match std::str::from_utf8(arrival.payload) {
            Ok(_) if is_state && !calls => "",
            Ok(text) => text,
            Err(_) => return announcements.refuse(now_ms, arrival.topic, "it is no text"),
        };
        if !self.four.contains_key(device) && (self.four.len() >= DEVICES || text.is_empty()) {
            return;
        }
        let attributes = self.four.entry(device.to_owned()).or_default();
        if text.is_empty() {
            announcements.forget_payload(arrival.topic);
            attributes.remove(below);
        } else if attributes.len() < ATTRIBUTES || attributes.contains_key(below) {
            attributes.insert(below.to_owned(), text.to_owned());
        } else {
            return announcements.refuse(now_ms, arrival.topic, "the device has too many attributes");
        }
        // A device whose version is gone is gone.
        match four::announcement(device, attributes) {
            Some(announcement) => announcements.set(announcement),
            None => announcements.remove(device),
        }
        if attributes.is_empty() {
            self.four.remove(device);
        }
    }
}
