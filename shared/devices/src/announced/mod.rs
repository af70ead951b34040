//! Devices that announce themselves: what they are, what they say and how they are told what to do.
//!
//! ```text
//! message ─► Format::apply ─► Announcements (by key) ─► groups (one per physical device) ─► Device, Entity
//! message ─► readers of its topic ─► values          command ◄─ writes ◄─ Action
//! ```
//!
//! A [`Format`] turns messages into [`Announcement`](model::Announcement)s and knows nothing of devices on a page. The
//! registry groups announcements by their identifiers, makes entities of them, and reads states: a format names the
//! topics and the part of the payload, and is not asked again when they come. A topic that an announced device
//! reads is no longer guessed at.

mod attributes;
mod bind;
pub(crate) mod color;
mod esphome;
pub(crate) mod extract;
mod group;
mod home_assistant;
mod homie;
mod live;
pub mod model;
mod parts;
mod problems;
mod shelly;
mod sparkplug;
mod tasmota;
mod zigbee2mqtt;

#[cfg(test)]
mod tests;

use std::fmt;

use hearth_model::store::Arrival;

pub use attributes::{Attribute, AttributeSource, Attributes};
pub(crate) use bind::Presence;
pub use color::ColorForm;
pub use extract::{Extract, Step, TEMPLATE_BYTES, TemplateError, TemplateInput, TemplateValue, Templates};
pub use group::{Announcements, Links, identify};
pub(crate) use hearth_model::json;
pub use hearth_model::json::{Json, JsonFault, JsonLimits, quoted};
pub(crate) use live::Announced;
pub use problems::{Problem, Problems};

/// A way in which devices announce themselves.
pub trait Format: fmt::Debug + Send {
    /// Whether a message on this topic says something to this format besides states that it has named.
    fn wants(&self, topic: &str) -> bool;

    /// Whether a message that it was given is its own, so that nobody else guesses what it means. Asked after
    /// [`Self::apply`].
    fn takes(&self, _topic: &str) -> bool {
        true
    }

    /// Takes a message on a topic that it wants. What cannot be read is refused with a reason
    /// ([`Announcements::refuse`]); a message that is no announcement after all changes nothing.
    fn apply(&mut self, now_ms: u64, arrival: &Arrival<'_>, announcements: &mut Announcements);

    /// The topic filters on which devices announce themselves, for a page that does not subscribe to everything.
    fn filters(&self) -> &'static [&'static str];
}

/// Every format, in the order in which they are asked.
fn formats() -> Vec<Box<dyn Format>> {
    vec![
        Box::new(home_assistant::HomeAssistant),
        Box::new(zigbee2mqtt::Zigbee2mqtt::default()),
        Box::new(tasmota::Tasmota::default()),
        Box::new(shelly::first::Shelly::default()),
        Box::new(shelly::rpc::ShellyRpc::default()),
        Box::new(homie::Homie::default()),
        Box::new(esphome::EspHome::default()),
        Box::new(sparkplug::Sparkplug::default()),
    ]
}
