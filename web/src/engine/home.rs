//! The devices of the home, kept up with the store, and the commands that wait for their confirmation.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hearth_devices::announced::Templates;
use hearth_devices::{
    Arrangement, CommandError, Device, DeviceId, DeviceOptions, Devices, Entity, packet_bytes,
};
use hearth_model::store::{Arrival, NodeId, Store};
use hearth_mqtt::MonoTime;

use super::{
    asked::{Asked, AskedState, answers, device_action, drops, too_long, under_way},
    input::{Ask, Call, Environment, Now},
    later::Later,
    templates::Rendering,
    views::Pace,
};
use crate::wire::{self, ControlState, Outcome, Publication, RequestId};

/// How often devices take what came, ms: the newest message of each topic, the store has them all.
const FLUSH_MS: u64 = 100;
/// The same when more topics change than are read at once, ms: cards are not drawn more often.
const BUSY_FLUSH_MS: u64 = 250;
/// Topics that are read at once: a few milliseconds of work, so that neither keep-alive nor page wait for a burst.
const FLUSH_TOPICS: usize = 500;
/// When there were more, the next are read after this time, ms.
const SLICE_MS: u64 = 20;
/// What templates and long messages may take of a turn, in steps of 40 ns or so: so much for those that wait, and as much for new
/// ones. One more may begin with the last step, and takes as much again at most.
const TURN_STEPS: u64 = 400_000;
/// How often silence is looked for, ms.
const TICK_MS: u64 = 5_000;
/// How long a device may take to confirm, ms: what people wait before they try again.
const ANSWER_MS: u64 = 5_000;

/// A guess is shown when nothing was announced for so long, ms: as long as a round of many topics.
const QUIET_MS: u64 = BUSY_FLUSH_MS;

/// Between the id of a device and that of its entity, where an entity is shown at another device.
pub const PART: &str = "~";

/// The devices, and what they were asked to do.
#[derive(Debug)]
pub struct Home {
    devices: Devices,
    /// In the order of their first message since they were read last: under load all get their turn.
    changed_topics: VecDeque<NodeId>,
    /// Whether a topic is among them, by its number: every message asks.
    is_changed: Vec<bool>,
    /// How many of them are still to be read in this round; what changes meanwhile is for the next one.
    left: usize,
    /// When the next round may begin.
    next_round: MonoTime,
    flush: Pace,
    tick: Pace,
    /// When guesses that wait are looked at again.
    guesses_at: Option<MonoTime>,
    asked: BTreeMap<(DeviceId, String), Asked>,
    changed: BTreeSet<DeviceId>,
    /// The second module, which renders templates.
    renderer: Later,
    ask: Option<Ask>,
    /// Something that somebody looks at has a template.
    is_renderer_missed: Cell<bool>,
    /// The part of the page that reads announcements.
    formats: Later,
    calls: Vec<Call>,
    /// Topic and bytes of the message that was last warned of.
    warned: Option<(String, usize)>,
}

impl Default for Home {
    fn default() -> Self {
        Self {
            devices: Devices::new(DeviceOptions::default()),
            changed_topics: VecDeque::new(),
            is_changed: Vec::new(),
            left: 0,
            next_round: MonoTime::ZERO,
            flush: Pace::default(),
            tick: Pace::default(),
            guesses_at: None,
            asked: BTreeMap::new(),
            changed: BTreeSet::new(),
            renderer: Later::default(),
            ask: None,
            is_renderer_missed: Cell::new(false),
            formats: Later::Here,
            calls: Vec::new(),
            warned: None,
        }
    }
}

impl Home {
    /// A home that nothing was heard of.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        let mut home = Self::default();
        home.devices.hold_guesses(QUIET_MS);
        if environment.formats_later {
            home.formats = Later::default();
            home.devices.hold_announcements();
        }
        home
    }

    /// A home that nothing was heard of, with the same limits.
    #[must_use]
    pub fn anew(self) -> Self {
        let mut devices = Devices::new(*self.devices.options());
        devices.hold_guesses(QUIET_MS);
        if let Some(ask) = self.ask {
            devices.set_templates(Box::new(Rendering(ask)));
        }
        if !self.formats.is_here() {
            devices.hold_announcements();
        }
        Self {
            devices,
            renderer: self.renderer,
            ask: self.ask,
            formats: self.formats,
            calls: self.calls,
            ..Self::default()
        }
    }

    /// What the home needs to be loaded.
    pub fn poll_call(&mut self) -> Option<Call> {
        self.calls.pop()
    }

    /// What renders templates is there, or could not be loaded: what waited for it is read again.
    pub fn handle_fetched(&mut self, now: Now, ask: Option<Ask>) {
        self.renderer.handle_loaded(now.mono, ask.is_some());
        self.ask = ask;
        match ask {
            Some(ask) => self.devices.set_templates(Box::new(Rendering(ask))),
            None => self.devices.miss_templates(),
        }
        self.flush.note_change();
    }

    /// What reads announcements is there, or could not be loaded: those that came are read in their turn.
    pub fn handle_formats(&mut self, now: Now, is_here: bool, store: &Store) {
        self.formats.handle_loaded(now.mono, is_here);
        if is_here {
            for topic in self.devices.take_held_announcements() {
                if let Some(id) = store.find(&topic) {
                    self.note_message(id);
                }
            }
        }
    }

    fn note_missing(&mut self, now: Now) {
        let is_missed = self.is_renderer_missed.take() || self.devices.misses_templates();
        if is_missed && self.renderer.wants_loading(now.mono) {
            self.calls.push(Call::Fetch);
        }
        if self.devices.holds_announcements() && self.formats.wants_loading(now.mono) {
            self.calls.push(Call::FetchFormats);
        }
    }

    /// What renders templates, if it is there.
    #[must_use]
    pub fn templates(&self) -> Option<Box<dyn Templates>> {
        self.ask.map(|ask| Box::new(Rendering(ask)) as Box<dyn Templates>)
    }

    /// What renders templates is to be loaded.
    pub fn miss_templates(&self) {
        self.is_renderer_missed.set(true);
    }

    /// New limits; what is there stays.
    pub fn set_options(&mut self, options: DeviceOptions) {
        self.devices.set_options(options);
    }

    /// The devices.
    #[must_use]
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Arranges the devices anew.
    pub(super) fn set_arrangement(&mut self, now: Now, store: &Store, arrangement: Arrangement) {
        self.devices.set_arrangement(arrangement);
        self.settle(now, store);
        self.take_device_changes();
    }

    /// A message changed this topic.
    pub fn note_message(&mut self, topic: NodeId) {
        let place = topic.to_u32() as usize;
        if place >= self.is_changed.len() {
            self.is_changed.resize(place + 1, false);
        }
        if let Some(is_changed) = self.is_changed.get_mut(place).filter(|is_changed| !**is_changed) {
            *is_changed = true;
            self.changed_topics.push_back(topic);
            self.flush.note_change();
        }
    }

    /// When [`Self::advance`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<MonoTime> {
        let answers = self.asked.values().filter_map(|asked| match asked.state {
            AskedState::Waiting { until } => Some(until),
            AskedState::Accepted
            | AskedState::Confirmed
            | AskedState::Delivered
            | AskedState::TooLong(_)
            | AskedState::Failed(_) => None,
        });
        let missed = self.is_renderer_missed.get().then_some(MonoTime::ZERO);
        answers
            .chain(missed)
            .chain(self.flush.poll_timeout())
            .chain(self.tick.poll_timeout())
            .chain(self.guesses_at)
            .min()
    }

    /// Takes what came and looks at the clock.
    pub fn advance(&mut self, now: Now, store: &Store) {
        if self.flush.take_due(now.mono, 0) {
            self.finish_topics(store);
            self.flush_topics(now, store);
            self.settle(now, store);
            self.tick.note_change();
        }
        if self.tick.take_due(now.mono, TICK_MS) {
            self.devices.tick(now.wall_ms);
            self.tick.look_again(now.mono + TICK_MS);
        }
        let wait_ms = self.devices.show_guesses(now.wall_ms);
        self.guesses_at = wait_ms.map(|ms| now.mono + ms);
        self.take_device_changes();
        self.give_up(now);
        self.note_missing(now);
    }

    fn take_device_changes(&mut self) {
        for id in self.devices.take_changed() {
            if self
                .devices
                .device(id)
                .is_none_or(|device| device.entities.is_empty())
            {
                // Another device may take its place.
                self.asked.retain(|(other, _), _| *other != id);
            }
            self.confirm(id);
            if self.devices.is_waiting(id) {
                continue;
            }
            self.changed.insert(id);
            // What was joined by hand has one card.
            self.changed.insert(self.devices.head(id));
        }
    }

    /// Goes on with what was too much for the turns before.
    fn finish_topics(&mut self, store: &Store) {
        self.devices.allow_steps(TURN_STEPS);
        while let Some(topic) = self.devices.take_unfinished() {
            if let Some(id) = store.find(&topic) {
                self.apply(store, id, false);
            }
        }
        // What is new does not wait for all that.
        self.devices.allow_steps(TURN_STEPS);
    }

    fn flush_topics(&mut self, now: Now, store: &Store) {
        if self.left == 0 && now.mono >= self.next_round {
            self.left = self.changed_topics.len();
            let is_busy = self.left > FLUSH_TOPICS;
            self.next_round = now.mono + if is_busy { BUSY_FLUSH_MS } else { FLUSH_MS };
        }
        for _ in 0..self.left.min(FLUSH_TOPICS) {
            let Some(id) = self.changed_topics.pop_front() else {
                break;
            };
            self.left -= 1;
            if let Some(is_changed) = self.is_changed.get_mut(id.to_u32() as usize) {
                *is_changed = false;
            }
            self.apply(store, id, true);
        }
        let slice = now.mono + SLICE_MS;
        self.flush.rest_until(if self.left == 0 {
            self.next_round.max(slice)
        } else {
            slice
        });
        if !self.changed_topics.is_empty() {
            self.flush.note_change();
        }
    }

    /// Makes devices of announcements, and reads again what they say had been said before they were announced.
    fn settle(&mut self, now: Now, store: &Store) {
        self.devices.settle(now.wall_ms);
        for topic in self.devices.take_wanted() {
            match store.find(&topic) {
                // This turn has done its work: it is for the next ones, like what changes.
                Some(id) if self.devices.is_unfinished() => self.note_message(id),
                Some(id) => self.apply(store, id, true),
                None => {}
            }
        }
        if self.devices.is_unfinished() {
            self.flush.look_again(now.mono + SLICE_MS);
        }
    }

    /// Gives the newest message of a topic to all who read it, or only to those who wait for their turn.
    fn apply(&mut self, store: &Store, id: NodeId, is_new: bool) {
        let Some(topic) = store.topic(id) else { return };
        let last = topic.last();
        let name = store.name(id);
        if last.is_cut() {
            let bytes = last.payload_len;
            return self.devices.refuse_cut(last.received_at_ms, &name, bytes);
        }
        let arrival = Arrival {
            topic: &name,
            payload: last.payload,
            qos: last.qos,
            retain: last.retain,
            dup: last.dup,
            properties: last.properties,
        };
        if is_new {
            self.devices.apply(last.received_at_ms, &arrival);
        } else {
            self.devices.finish(last.received_at_ms, &arrival);
        }
    }

    /// The devices that changed since this was last asked.
    pub fn take_changed(&mut self) -> BTreeSet<DeviceId> {
        std::mem::take(&mut self.changed)
    }

    /// The message that makes an entity do something.
    ///
    /// # Errors
    /// Why there is none, for the user.
    pub fn control(
        &mut self,
        now: Now,
        request: RequestId,
        (device, entity): (&str, &str),
        action: wire::Action,
        is_connected: bool,
    ) -> Result<Publication, String> {
        let (action, code) = match action {
            wire::Action::Coded(action, code) => (*action, code.0),
            action => (action, String::new()),
        };
        // Of a device that was joined by hand, the part says whose entity it is.
        let (device, entity) = entity.split_once(PART).unwrap_or((device, entity));
        let id = self
            .devices
            .find(device)
            .ok_or("This device is not here any more.")?;
        let key = (id, entity.to_owned());
        let fits = self.asked.get(&key).map_or(0, |asked| asked.fits_for(&action));
        let ask = |home: &mut Self, bytes, state| {
            let asked = Asked {
                request,
                action: action.clone(),
                at_ms: now.wall_ms,
                bytes,
                fits,
                state,
            };
            home.asked.insert(key.clone(), asked);
            home.changed.insert(id);
        };
        if !is_connected {
            let why = "There is no connection to the broker; nothing was sent.";
            ask(self, 0, AskedState::Failed(why.to_owned()));
            return Err(why.to_owned());
        }
        let command = self
            .devices
            .command_with(id, entity, &device_action(&action), &code);
        self.note_missing(now);
        let command = command.map_err(|error| match error {
            CommandError::Impossible => "We do not know how to tell this device to do that.".to_owned(),
            CommandError::NotLoaded => {
                "What spells this command is being loaded; try again in a moment.".to_owned()
            }
            CommandError::Code => "This is not the code; nothing was sent.".to_owned(),
            CommandError::Text(why) => format!("{why}; nothing was sent."),
            CommandError::Template(why) => format!("The template of this command cannot be used: {why}."),
        });
        let command = match command {
            Ok(command) => command,
            Err(why) => {
                ask(self, 0, AskedState::Failed(why.clone()));
                return Err(why);
            }
        };
        let bytes = packet_bytes(&command.topic, &command.payload);
        let takes = self.devices.device(id).and_then(Device::takes);
        if let Some(takes) = takes.filter(|takes| bytes > takes.bytes && bytes > fits) {
            let why = too_long(bytes, takes, "Try again to send it all the same");
            ask(self, bytes, AskedState::TooLong(why.clone()));
            return Err(why);
        }
        ask(
            self,
            bytes,
            AskedState::Waiting {
                until: now.mono + ANSWER_MS,
            },
        );
        // A guessed one goes at QoS 1, because a command that got lost looks like a broken device, and never retained,
        // because it would act again after a restart; a device that announces itself says what it wants.
        Ok(Publication {
            topic: command.topic,
            payload: command.payload,
            qos: command.qos,
            retain: command.retain,
            ..Publication::default()
        })
    }

    /// Why a message is not published before somebody insists on it: a device that is known to drop it is told of it so.
    pub fn warning(&mut self, message: &Publication) -> Option<String> {
        let bytes = packet_bytes(&message.topic, &message.payload);
        let (_, device) = self.devices.told_on(&message.topic)?;
        let takes = device
            .takes()
            .filter(|takes| takes.is_known && bytes > takes.bytes)?;
        let asked = (message.topic.clone(), bytes);
        if self.warned.take().as_ref() == Some(&asked) {
            return None;
        }
        self.warned = Some(asked);
        Some(too_long(bytes, takes, "Publish again to send it all the same"))
    }

    /// The broker took a command, or did not.
    pub fn note_outcome(&mut self, request: RequestId, outcome: &Outcome) {
        let is_waiting =
            |asked: &Asked| asked.request == request && matches!(asked.state, AskedState::Waiting { .. });
        for ((id, entity), asked) in &mut self.asked {
            if !is_waiting(asked) {
                continue;
            }
            asked.state = match outcome {
                Outcome::Failed(why) => AskedState::Failed(why.clone()),
                Outcome::Acknowledged(_) if is_silent(&self.devices, *id, entity) => AskedState::Delivered,
                Outcome::Acknowledged(_)
                | Outcome::Queued
                | Outcome::Sent
                | Outcome::Progress { .. }
                | Outcome::Answered(_)
                | Outcome::Unanswered(_) => continue,
            };
            self.changed.insert(*id);
        }
    }

    /// How far the last command to an entity is.
    #[must_use]
    pub fn control_state(&self, device: DeviceId, entity: &str) -> ControlState {
        let known = self.devices.device(device);
        let under_way = || known.and_then(|device| under_way(device.entity(entity)?));
        let Some(asked) = self.asked.get(&(device, entity.to_owned())) else {
            return under_way().map_or(ControlState::Idle, ControlState::Sent);
        };
        let is_over = match &asked.state {
            AskedState::Waiting { .. } => return ControlState::Sent(asked.action.clone()),
            AskedState::TooLong(why) | AskedState::Failed(why) => {
                return ControlState::Failed(why.clone(), asked.action.clone());
            }
            AskedState::Accepted | AskedState::Confirmed => ControlState::Confirmed,
            AskedState::Delivered => ControlState::Delivered,
        };
        under_way().map_or(is_over, ControlState::Sent)
    }

    fn confirm(&mut self, id: DeviceId) {
        let Some(device) = self.devices.device(id) else {
            return;
        };
        for ((_, entity), asked) in self
            .asked
            .range_mut((id, String::new())..)
            .take_while(|((other, _), _)| *other == id)
        {
            let entity_now = device.entity(entity);
            let answer = entity_now.and_then(|entity| entity.answer.as_ref());
            if let Some((_, refused)) = answer.filter(|(at_ms, _)| *at_ms >= asked.at_ms) {
                asked.state = match refused {
                    Some(why) => AskedState::Failed(format!("Refused: {why}")),
                    None => AskedState::Confirmed,
                };
                continue;
            }
            let is_open = matches!(asked.state, AskedState::Waiting { .. } | AskedState::Failed(_));
            let Some(entity) = entity_now.filter(|_| is_open) else {
                continue;
            };
            let target = entity.target.as_ref();
            if answers(asked, device, entity) {
                asked.state = AskedState::Confirmed;
            } else if target.is_some_and(|(at_ms, _)| *at_ms >= asked.at_ms) {
                asked.state = AskedState::Accepted;
            }
        }
    }

    fn give_up(&mut self, now: Now) {
        for ((id, _), asked) in &mut self.asked {
            if matches!(asked.state, AskedState::Waiting { until } if until <= now.mono) {
                let seconds = ANSWER_MS / 1_000;
                let (bytes, takes) = (asked.bytes, self.devices.device(*id).and_then(Device::takes));
                let why = match takes.filter(|takes| bytes > takes.bytes) {
                    Some(takes) => format!(". The message had {bytes} bytes: {}", drops(takes)),
                    None => String::new(),
                };
                asked.state = AskedState::Failed(format!("No answer after {seconds} s{why}"));
                self.changed.insert(*id);
            }
        }
    }
}

/// Whether nobody says the state of an entity, so that the broker's word is the last.
fn is_silent(devices: &Devices, id: DeviceId, entity: &str) -> bool {
    let device = devices.device(id);
    device
        .and_then(|device| device.entity(entity))
        .is_some_and(|entity| entity.silent && !is_answered(entity))
}

/// Whether the device says what became of a command.
fn is_answered(entity: &Entity) -> bool {
    let control = entity.control.as_ref();
    control.is_some_and(|control| control.answers.is_some())
}

#[cfg(test)]
mod tests;
