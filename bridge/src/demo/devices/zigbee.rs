//! What zigbee2mqtt adds to its devices: a name that can be changed while they run.

use std::sync::{Arc, Mutex, PoisonError};

use crate::demo::{Availability, Device, Message, Moment};

const BASE: &str = "zigbee2mqtt/";

/// The names of all devices: as they were built, and as they are called now.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<Mutex<Vec<(&'static str, String)>>>);

impl Names {
    /// What the device is called now that was built with this name.
    pub(super) fn of(&self, built: &'static str) -> String {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = names.iter().find(|(known, _)| *known == built);
        known.map_or_else(|| built.to_owned(), |(_, name)| name.clone())
    }

    /// Calls a device otherwise.
    ///
    /// # Errors
    /// Why not, in the words of zigbee2mqtt.
    pub(super) fn rename(&self, built: &[&'static str], from: &str, to: &str) -> Result<(), String> {
        let device = built.iter().find(|built| self.of(built) == from);
        let Some(device) = device else {
            return Err(format!("Device '{from}' does not exist"));
        };
        if to.is_empty() || to.contains(['+', '#']) || to.matches('/').count() > 1 {
            return Err(format!("'{to}' cannot be a friendly_name"));
        }
        if to != from && built.iter().any(|built| self.of(built) == to) {
            return Err(format!("friendly_name '{to}' is already in use"));
        }
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|(known, _)| known != device);
        names.push((device, to.to_owned()));
        Ok(())
    }
}

/// A device behind the gateway. What it is built with is the name that it has at first.
pub(super) struct Zigbee<D> {
    device: D,
    built: &'static str,
    names: Names,
    /// The name under which it spoke last.
    spoken: String,
}

impl<D: Device> Zigbee<D> {
    pub(super) fn new(built: &'static str, names: &Names, device: D) -> Self {
        Self {
            device,
            built,
            names: names.clone(),
            spoken: names.of(built),
        }
    }

    /// A topic with another name of the device in it.
    fn renamed(topic: &str, from: &str, to: &str) -> Option<String> {
        let below = topic.strip_prefix(BASE)?.strip_prefix(from)?;
        (below.is_empty() || below.starts_with('/')).then(|| format!("{BASE}{to}{below}"))
    }

    fn under_its_name(&self, messages: Vec<Message>) -> Vec<Message> {
        let name = self.names.of(self.built);
        let of = |message: Message| match Self::renamed(&message.topic, self.built, &name) {
            Some(topic) => Message { topic, ..message },
            None => message,
        };
        messages.into_iter().map(of).collect()
    }
}

impl<D: Device> Device for Zigbee<D> {
    fn client_id(&self) -> String {
        self.device.client_id()
    }

    fn availability(&self) -> Availability {
        Availability::zigbee2mqtt(&self.names.of(self.built))
    }

    fn command_topics(&self) -> Vec<String> {
        let topics = self.device.command_topics();
        let commands = topics.iter().filter_map(|topic| Some(topic.rsplit_once('/')?.1));
        // Whatever it will be called.
        commands
            .flat_map(|command| [format!("{BASE}+/{command}"), format!("{BASE}+/+/{command}")])
            .collect()
    }

    fn describe(&mut self, now: Moment) -> Vec<Message> {
        let messages = self.device.describe(now);
        self.under_its_name(messages)
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        let messages = self.device.announce(now);
        self.under_its_name(messages)
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        let name = self.names.of(self.built);
        if name == self.spoken {
            let messages = self.device.simulate(now);
            return self.under_its_name(messages);
        }
        let before = std::mem::replace(&mut self.spoken, name);
        let mut messages = vec![
            Message::retained(format!("{BASE}{before}"), ""),
            Message::retained(format!("{BASE}{before}/availability"), ""),
        ];
        messages.extend(self.availability().message());
        messages.extend(self.announce(now));
        messages
    }

    fn obey(&mut self, now: Moment, topic: &str, payload: &str) -> Vec<Message> {
        let name = self.names.of(self.built);
        let Some(topic) = Self::renamed(topic, &name, self.built) else {
            return Vec::new();
        };
        let messages = self.device.obey(now, &topic, payload);
        self.under_its_name(messages)
    }
}
