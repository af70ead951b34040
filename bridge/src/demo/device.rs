//! What a simulated device is: state, time and commands in, messages out.

use super::time::Moment;

/// Something to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The topic name.
    pub topic: String,
    /// The payload: text, JSON, or the bytes of Sparkplug B.
    pub payload: Vec<u8>,
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
            payload: payload.to_string().into_bytes(),
            retain: true,
        }
    }

    /// Bytes that are no text, for those who listen now.
    pub(super) fn bytes(topic: impl Into<String>, payload: Vec<u8>) -> Self {
        Self {
            topic: topic.into(),
            payload,
            retain: false,
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
            payload: payload.to_string().into_bytes(),
            retain: false,
        }
    }

    /// The payload, if it is text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).unwrap_or_default()
    }
}

/// The topic that says whether a device is there; the client's will says that it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// The topic name.
    pub topic: String,
    /// Payload while it is there; none where another message says it.
    pub online: Option<&'static str>,
    /// Payload of the will.
    pub offline: Vec<u8>,
    /// Does the broker keep what is said?
    pub retain: bool,
}

impl Availability {
    pub(super) fn new(topic: impl Into<String>, online: &'static str, offline: &str) -> Self {
        Self {
            topic: topic.into(),
            online: Some(online),
            offline: offline.as_bytes().to_vec(),
            retain: true,
        }
    }

    pub(super) fn plain(topic: impl Into<String>) -> Self {
        Self::new(topic, "online", "offline")
    }

    pub(super) fn tasmota(device: &str) -> Self {
        Self::new(format!("tele/{device}/LWT"), "Online", "Offline")
    }

    pub(super) fn zigbee2mqtt(friendly_name: &str) -> Self {
        let topic = format!("zigbee2mqtt/{friendly_name}/availability");
        Self::new(topic, r#"{"state":"online"}"#, r#"{"state":"offline"}"#)
    }

    /// Its message while the device is there.
    #[must_use]
    pub fn message(&self) -> Option<Message> {
        self.online.map(|online| Message {
            topic: self.topic.clone(),
            payload: online.as_bytes().to_vec(),
            retain: self.retain,
        })
    }
}

/// A simulated device. It has no clock, no socket and no randomness but its seed.
///
/// When it has connected it says, in this order: [`describe`](Self::describe), its availability, [`announce`](Self::announce).
pub trait Device: Send {
    /// Its client identifier, which begins with `simulated-`.
    fn client_id(&self) -> String;
    /// Where it says whether it is there; asked anew for each connection.
    fn availability(&self) -> Availability;
    /// The topics of its commands.
    fn command_topics(&self) -> Vec<String> {
        Vec::new()
    }
    /// What it is and what it can do, in the words of its format.
    fn describe(&mut self, _now: Moment) -> Vec<Message> {
        Vec::new()
    }
    /// Every value that it has.
    fn announce(&mut self, now: Moment) -> Vec<Message>;
    /// What it publishes because time has passed.
    fn simulate(&mut self, now: Moment) -> Vec<Message>;
    /// Obeys a command; what it cannot read it ignores, as real devices do.
    fn obey(&mut self, _now: Moment, _topic: &str, _payload: &str) -> Vec<Message> {
        Vec::new()
    }
    /// The same where commands are bytes.
    fn obey_bytes(&mut self, now: Moment, topic: &str, payload: &[u8]) -> Vec<Message> {
        std::str::from_utf8(payload).map_or_else(|_| Vec::new(), |payload| self.obey(now, topic, payload))
    }
}
