//! What a simulated device is: state, time and commands in, messages out.

use super::time::Moment;

/// Something to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The topic name.
    pub topic: String,
    /// The payload: text or JSON.
    pub payload: String,
    /// Does the device want it retained?
    pub retain: bool,
}

impl Message {
    /// A message that the broker keeps.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "numbers, words and JSON alike, without a & at every caller"
    )]
    pub(super) fn retained(topic: impl Into<String>, payload: impl ToString) -> Self {
        Self {
            topic: topic.into(),
            payload: payload.to_string(),
            retain: true,
        }
    }

    /// A message for those who listen now.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "numbers, words and JSON alike, without a & at every caller"
    )]
    pub(super) fn passing(topic: impl Into<String>, payload: impl ToString) -> Self {
        Self {
            topic: topic.into(),
            payload: payload.to_string(),
            retain: false,
        }
    }
}

/// The retained topic that says whether a device is there; the client's will says that it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// The topic name.
    pub topic: String,
    /// Payload while it is there.
    pub online: &'static str,
    /// Payload of the will.
    pub offline: &'static str,
}

impl Availability {
    pub(super) fn plain(topic: impl Into<String>) -> Self {
        Self {
            topic: topic.into(),
            online: "online",
            offline: "offline",
        }
    }

    pub(super) fn tasmota(device: &str) -> Self {
        Self {
            topic: format!("tele/{device}/LWT"),
            online: "Online",
            offline: "Offline",
        }
    }

    pub(super) fn zigbee2mqtt(friendly_name: &str) -> Self {
        Self {
            topic: format!("zigbee2mqtt/{friendly_name}/availability"),
            online: r#"{"state":"online"}"#,
            offline: r#"{"state":"offline"}"#,
        }
    }
}

/// A simulated device. It has no clock, no socket and no randomness but its seed.
pub trait Device: Send {
    /// Its client identifier, which begins with `simulated-`.
    fn client_id(&self) -> String;
    /// Where it says whether it is there.
    fn availability(&self) -> Availability;
    /// The topics of its commands.
    fn command_topics(&self) -> Vec<String> {
        Vec::new()
    }
    /// Everything it publishes when it has connected, but for its availability.
    fn announce(&mut self, now: Moment) -> Vec<Message>;
    /// What it publishes because time has passed.
    fn simulate(&mut self, now: Moment) -> Vec<Message>;
    /// Obeys a command; what it cannot read it ignores, as real devices do.
    fn obey(&mut self, _now: Moment, _topic: &str, _payload: &str) -> Vec<Message> {
        Vec::new()
    }
}
