//! Every device of the home, kept up to date message by message.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::Arc,
};

use hearth_model::order::sort_by;
use hearth_model::store::Arrival;

use crate::announced::{Announced, Presence};
use crate::cloud_events;
use crate::command::{Action, Command, CommandError};
use crate::device::{Device, DeviceId, Liveness, Source, Value};
use crate::entity::{Context, Reading, new_entity, read_text, refresh};
use crate::flat::{Scalar, flatten};
use crate::guesses::{Guesses, Waiting};
use crate::names::place_of_room;
use crate::options::{DeviceCounters, DeviceOptions};
use crate::place::{Place, Role, place};
use crate::presence::{is_presence, presence_of};
use crate::rhythm::Rhythm;
use crate::together::together;

/// A room and its devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// For people; `None` for devices whose topics name no room.
    pub name: Option<String>,
    /// In the order they were first seen, those of the same moment by name; never sorted by value.
    pub devices: Vec<DeviceId>,
}

#[derive(Clone, Debug)]
pub(crate) struct Tracked {
    pub(crate) device: Device,
    pub(crate) rhythm: Rhythm,
    pub(crate) waiting: Waiting,
}

#[derive(Clone, Debug)]
pub(crate) struct Route {
    is_object: bool,
    is_presence: bool,
    pub(crate) place: Option<Arc<Place>>,
}

/// Command topics seen are remembered up to this many; beyond, controls are guessed from names alone.
const COMMANDS_SEEN: usize = 4096;
/// Longest plain value that is read, in bytes; longer ones are left to the Explorer.
const VALUE_BYTES: usize = 1024;

/// Every device of the home.
#[derive(Debug, Default)]
pub struct Devices {
    options: DeviceOptions,
    pub(crate) tracked: Vec<Tracked>,
    /// Places of devices that are gone.
    free: Vec<DeviceId>,
    pub(crate) announced: Announced,
    /// In the order of the keys, so that those below a level stand together. Guessed devices only.
    pub(crate) by_key: BTreeMap<String, DeviceId>,
    ids: BTreeSet<String>,
    pub(crate) routes: HashMap<String, Route>,
    /// What availability topics said, by the levels above them.
    presence: BTreeMap<String, bool>,
    /// Topics on which commands were seen.
    commands_seen: BTreeSet<String>,
    pub(crate) changed: BTreeSet<DeviceId>,
    pub(crate) structure: u64,
    pub(crate) guesses: Guesses,
    pub(crate) counters: DeviceCounters,
    pub(crate) arrangement: crate::Arrangement,
    /// The devices of each of [`crate::Arrangement::together`].
    pub(crate) joined: Vec<Vec<DeviceId>>,
}

impl Devices {
    /// No devices yet.
    #[must_use]
    pub fn new(options: DeviceOptions) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }

    /// Sets the caps and times; devices and entities beyond a smaller cap stay.
    pub fn set_options(&mut self, options: DeviceOptions) {
        self.options = options;
    }

    /// Takes a message received at `now_ms` (ms since epoch); what it changed is told by [`Self::take_changed`].
    ///
    /// It is enough to call this with the newest message of a topic once per frame.
    pub fn apply(&mut self, now_ms: u64, arrival: &Arrival<'_>) {
        let is_announcement = self.announced.announce(now_ms, arrival);
        if self.apply_readers(now_ms, arrival, true) || is_announcement {
            return;
        }
        let Some(route) = self.route(arrival) else { return };
        let Some(place) = route.place else { return };
        match &place.role {
            Role::Nothing => {}
            Role::Availability => self.apply_presence(now_ms, &place, arrival),
            Role::Command => self.apply_command_seen(arrival.topic),
            Role::Value(path) => {
                let Some(text) = std::str::from_utf8(arrival.payload).ok() else {
                    return;
                };
                if text.len() > VALUE_BYTES {
                    return;
                }
                let scalar = if text.is_empty() {
                    Reading::from(Scalar::Null)
                } else {
                    read_text(text)
                };
                let mut values = vec![(path.clone(), None, scalar)];
                if cloud_events::is_binary(arrival.properties) {
                    // Of the newest event of the device: a sensor of many topics needs its entities for values.
                    values.extend(cloud_events::attributes_of(arrival.properties));
                }
                self.apply_values(now_ms, &place, arrival, values);
            }
            Role::Json(prefix) => {
                let Some((fields, beyond)) = flatten(arrival.payload, self.options.maximum_entities) else {
                    return;
                };
                self.counters.entities_refused += beyond as u64;
                // In the binary mode data that looks like an envelope is data.
                let is_binary = cloud_events::is_binary(arrival.properties);
                let values: Vec<cloud_events::Value> = if !is_binary && cloud_events::is_envelope(&fields) {
                    cloud_events::opened(fields, self.options.maximum_entities)
                } else {
                    let attributes = is_binary.then(|| cloud_events::attributes_of(arrival.properties));
                    let members = fields.into_iter().map(|field| {
                        let series = hearth_model::json::member_path(field.path.iter().map(String::as_str));
                        (field.path, Some(series), Reading::from(field.value))
                    });
                    members.chain(attributes.unwrap_or_default()).collect()
                };
                let values = below(&place, prefix, values);
                self.apply_values(now_ms, &place, arrival, values);
            }
        }
    }

    pub(crate) fn route(&mut self, arrival: &Arrival<'_>) -> Option<Route> {
        let payload = arrival.payload.trim_ascii();
        let known = self.routes.get(arrival.topic);
        // An empty payload clears what was there, whatever it was.
        if payload.is_empty() {
            return known.cloned();
        }
        let is_object = payload.first() == Some(&b'{');
        let is_presence = !is_object && is_presence(arrival.topic, payload);
        if let Some(route) =
            known.filter(|route| route.is_object == is_object && route.is_presence == is_presence)
        {
            return Some(route.clone());
        }
        let place = place(arrival.topic, is_object, is_presence).map(Arc::new);
        let route = Route {
            is_object,
            is_presence,
            place,
        };
        if self.routes.len() < self.options.maximum_topics {
            self.routes.insert(arrival.topic.to_owned(), route.clone());
        }
        Some(route)
    }

    pub(crate) fn apply_values(
        &mut self,
        now_ms: u64,
        place: &Place,
        arrival: &Arrival<'_>,
        values: Vec<(Vec<String>, Option<String>, Reading)>,
    ) {
        let values = self.apply_apart(now_ms, place, arrival, values);
        if values.is_empty() {
            return;
        }
        let clears_only = values.iter().all(|(.., reading)| reading.scalar == Scalar::Null);
        if clears_only && !self.by_key.contains_key(&place.key) {
            return;
        }
        let Some(id) = self.device_for(now_ms, place) else {
            return;
        };
        let maximum_entities = self.options.maximum_entities;
        let Some(tracked) = self.tracked.get_mut(id.0) else {
            return;
        };
        let device = &mut tracked.device;
        let (mut grown, mut grows) = (false, false);
        if device.entities.is_empty() && device.topics.is_empty() {
            device.first_seen_ms = now_ms;
        }
        if !device.topics.iter().any(|topic| topic == arrival.topic) && device.topics.len() < maximum_entities
        {
            device.topics.push(arrival.topic.to_owned());
        }
        for (path, field, reading) in values {
            let entity_id = match &*path {
                [] => Cow::Borrowed("value"),
                [member] => Cow::Borrowed(member.as_str()),
                members => Cow::Owned(members.join(".")),
            };
            let at = match device.entities.iter().position(|entity| entity.id == entity_id) {
                Some(at) => at,
                None if reading.scalar == Scalar::Null => continue,
                None if device.entities.len() >= maximum_entities => {
                    self.counters.entities_refused += 1;
                    continue;
                }
                None => {
                    let context = Context {
                        place,
                        topic: arrival.topic,
                        path: &path,
                        commands_seen: &self.commands_seen,
                        by_hand: device.kind_by_hand,
                    };
                    let id = entity_id.into_owned();
                    let Some(entity) = new_entity(&context, id, field, &reading, now_ms) else {
                        continue;
                    };
                    device.entities.push(entity);
                    grown = true;
                    device.entities.len() - 1
                }
            };
            if let Some(entity) = device.entities.get_mut(at) {
                entity.update(&reading, now_ms, arrival.retain);
            }
        }
        if grown {
            refresh(device);
            self.structure += 1;
            grows = !self.arrangement.is_empty();
        }
        if !arrival.retain {
            tracked.rhythm.heard(now_ms);
            device.last_heard_ms = Some(now_ms);
            device.usual_interval_ms = tracked.rhythm.usual_ms();
        }
        if grows {
            self.rearrange(id);
        }
        self.judge(now_ms, id);
        self.changed.insert(id);
    }

    fn device_for(&mut self, now_ms: u64, place: &Place) -> Option<DeviceId> {
        if let Some(id) = self.by_key.get(&place.key) {
            return Some(*id);
        }
        if !self.has_room() {
            self.counters.devices_refused += 1;
            return None;
        }
        let device = Device {
            id: place.key.clone(),
            key: place.key.clone(),
            name: place.name.clone(),
            room: place.room.clone(),
            source: place.source,
            ..Device::default()
        };
        let id = self.slot(now_ms, &device)?;
        self.by_key.insert(place.key.clone(), id);
        if let Some(tracked) = self.tracked.get_mut(id.0) {
            tracked.device.say_own();
            if self.guesses.quiet_ms > 0 {
                tracked.waiting = Waiting::Begins;
                self.guesses.are_waiting = true;
            }
        }
        if !self.arrangement.is_empty() {
            self.rearrange(id);
        }
        Some(id)
    }

    fn has_room(&self) -> bool {
        !self.free.is_empty() || self.tracked.len() < self.options.maximum_devices
    }

    /// A place for a device, with an address made of its id; `None` when there are too many.
    pub(crate) fn slot(&mut self, now_ms: u64, device: &Device) -> Option<DeviceId> {
        if !self.has_room() {
            self.counters.devices_refused += 1;
            return None;
        }
        let tracked = Tracked {
            device: Device {
                id: self.address_of(&device.id),
                liveness_since_ms: now_ms,
                first_seen_ms: now_ms,
                ..device.clone()
            },
            rhythm: Rhythm::default(),
            waiting: Waiting::No,
        };
        let id = self.free.pop().unwrap_or(DeviceId(self.tracked.len()));
        match self.tracked.get_mut(id.0) {
            Some(place) => *place = tracked,
            None => self.tracked.push(tracked),
        }
        Some(id)
    }

    /// A device is gone; its place may be taken by another.
    pub(crate) fn release(&mut self, id: DeviceId) {
        let Some(tracked) = self.tracked.get_mut(id.0) else {
            return;
        };
        let gone = std::mem::take(&mut tracked.device);
        self.ids.remove(&gone.id);
        tracked.waiting = Waiting::No;
        for joined in &mut self.joined {
            joined.retain(|known| *known != id);
        }
        if self.by_key.get(&gone.key) == Some(&id) {
            self.by_key.remove(&gone.key);
        }
        self.free.push(id);
        self.structure += 1;
        self.changed.insert(id);
    }

    /// Letters and digits of a key, dashes for the rest, with a number when another device has the same.
    fn address_of(&mut self, key: &str) -> String {
        let dashed: String = key
            .chars()
            .map(|character| {
                if character.is_alphanumeric() {
                    character
                } else {
                    '-'
                }
            })
            .collect();
        let mut address = dashed.clone();
        let mut number = 2;
        while !self.ids.insert(address.clone()) {
            address = format!("{dashed}-{number}");
            number += 1;
        }
        address
    }

    /// A command on the wire shows where commands go.
    fn apply_command_seen(&mut self, topic: &str) {
        if self.commands_seen.len() >= COMMANDS_SEEN || !self.commands_seen.insert(topic.to_owned()) {
            return;
        }
        for (at, tracked) in self.tracked.iter_mut().enumerate() {
            let device = &mut tracked.device;
            if device.is_announced || !topic.starts_with(&*device.key) {
                continue;
            }
            for entity in &mut device.entities {
                entity.learn_command(device.source, &self.commands_seen);
            }
            refresh(device);
            self.structure += 1;
            self.changed.insert(DeviceId(at));
        }
    }

    fn apply_presence(&mut self, now_ms: u64, place: &Place, arrival: &Arrival<'_>) {
        let Some(present) = presence_of(arrival.payload) else {
            self.presence.remove(&place.key);
            return;
        };
        if self.presence.len() < self.options.maximum_topics || self.presence.contains_key(&place.key) {
            self.presence.insert(place.key.clone(), present);
        }
        let below = format!("{}/", place.key);
        let under = self
            .by_key
            .range::<str, _>((Bound::Included(&*below), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(&below));
        let own = self.by_key.get_key_value(&place.key);
        let affected: Vec<DeviceId> = own.into_iter().chain(under).map(|(_, id)| *id).collect();
        for id in affected {
            self.judge(now_ms, id);
        }
    }

    /// What an availability topic says of a device: its own, else the nearest above.
    fn is_present(&self, key: &str) -> Option<bool> {
        let mut at = Some(key);
        while let Some(levels) = at {
            if let Some(present) = self.presence.get(levels) {
                return Some(*present);
            }
            at = levels.rsplit_once('/').map(|(above, _)| above);
        }
        None
    }

    pub(crate) fn judge(&mut self, now_ms: u64, id: DeviceId) {
        let Some(device) = self.device(id) else { return };
        let liveness = match self.announced.presence(id) {
            Some((Some(Presence::Asleep), _)) | Some((Some(Presence::Gone), true)) => Liveness::Asleep,
            Some((presence, sleeps)) => {
                let present = presence.map(|presence| presence == Presence::Here);
                match liveness_of(device, present, now_ms, &self.options) {
                    Liveness::Stale if sleeps => Liveness::Asleep,
                    liveness => liveness,
                }
            }
            None => liveness_of(device, self.is_present(&device.key), now_ms, &self.options),
        };
        let Some(tracked) = self
            .tracked
            .get_mut(id.0)
            .filter(|tracked| tracked.device.liveness != liveness)
        else {
            return;
        };
        tracked.device.liveness = liveness;
        tracked.device.liveness_since_ms = now_ms;
        self.changed.insert(id);
    }

    /// Looks for devices that have fallen silent; to be called every few seconds.
    pub fn tick(&mut self, now_ms: u64) {
        self.tick_announced(now_ms);
        for id in (0..self.tracked.len()).map(DeviceId) {
            self.judge(now_ms, id);
        }
    }

    /// The devices that changed or went since this was last asked.
    pub fn take_changed(&mut self) -> Vec<DeviceId> {
        std::mem::take(&mut self.changed).into_iter().collect()
    }

    /// Counts up whenever a device or an entity appeared, so that rooms are worth reading again.
    #[must_use]
    pub fn structure(&self) -> u64 {
        self.structure
    }

    /// A device.
    #[must_use]
    pub fn device(&self, id: DeviceId) -> Option<&Device> {
        self.tracked.get(id.0).map(|tracked| &tracked.device)
    }

    /// The device with this address.
    #[must_use]
    pub fn find(&self, address: &str) -> Option<DeviceId> {
        self.all()
            .find(|(_, device)| device.id == address)
            .map(|(id, _)| id)
    }

    /// Every device that has something to show, and is neither hidden nor a guess that waits, in the order they were first seen.
    pub fn iter(&self) -> impl Iterator<Item = (DeviceId, &Device)> {
        self.all()
            .filter(|(id, device)| !device.is_hidden && !self.is_hidden(*id) && !self.is_waiting(*id))
    }

    /// Every device that has something to show, hidden or not.
    pub fn all(&self) -> impl Iterator<Item = (DeviceId, &Device)> {
        let all = self
            .tracked
            .iter()
            .enumerate()
            .map(|(at, tracked)| (DeviceId(at), &tracked.device));
        all.filter(|(_, device)| !device.entities.is_empty())
    }

    /// The rooms in their usual order, devices without a room last. Rooms made by hand may be empty.
    #[must_use]
    pub fn rooms(&self) -> Vec<Room> {
        let made = self.arrangement.rooms().iter().map(|name| Room {
            name: Some(name.clone()),
            devices: Vec::new(),
        });
        let mut rooms: Vec<Room> = made.collect();
        let is_shown = |id: DeviceId| self.joined.is_empty() || self.head(id) == id;
        let mut devices: Vec<(DeviceId, &Device)> = self.iter().filter(|(id, _)| is_shown(*id)).collect();
        sort_by(&mut devices, |(_, a), (_, b)| {
            let key = |device: &Device| (device.place.is_none(), device.place, device.first_seen_ms);
            (key(a), &a.name).cmp(&(key(b), &b.name))
        });
        for (id, device) in devices {
            match rooms.iter_mut().find(|room| room.name == device.room) {
                Some(room) => room.devices.push(id),
                None => rooms.push(Room {
                    name: device.room.clone(),
                    devices: vec![id],
                }),
            }
        }
        // Not by arrival: the order must be the same at every start.
        let place = |room: &Room| match room.name.as_deref() {
            Some(name) => {
                let by_hand = self.arrangement.room_place(name);
                (by_hand.unwrap_or(usize::MAX), place_of_room(name))
            }
            None => (usize::MAX, usize::MAX),
        };
        let mut placed: Vec<_> = rooms.into_iter().map(|room| (place(&room), room)).collect();
        sort_by(&mut placed, |(a, one), (b, other)| {
            (a, &one.name).cmp(&(b, &other.name))
        });
        placed.into_iter().map(|(_, room)| room).collect()
    }

    /// The message that makes an entity do something.
    ///
    /// # Errors
    /// When the entity cannot do it, or its template cannot be used.
    pub fn command(&mut self, id: DeviceId, entity: &str, action: &Action) -> Result<Command, CommandError> {
        self.command_with(id, entity, action, "")
    }

    /// The same with the code that a person typed; empty: none.
    ///
    /// # Errors
    /// As above, and when it is not the code.
    pub fn command_with(
        &mut self,
        id: DeviceId,
        entity: &str,
        action: &Action,
        code: &str,
    ) -> Result<Command, CommandError> {
        let device = self.tracked.get(id.0).map(|tracked| &tracked.device);
        let engine = &mut self.announced.engine;
        let found = device.and_then(|device| Some((device, device.entity(entity)?)));
        let (device, entity) = found.ok_or(CommandError::Impossible)?;
        let control = entity.control.as_ref().ok_or(CommandError::Impossible)?;
        let mut command = control.command(action, code, engine)?;
        if !control.together.is_empty() {
            command.payload = together(device, entity, &control.together, command.payload, engine);
        }
        Ok(command)
    }

    /// What was left out because of a cap.
    #[must_use]
    pub fn counters(&self) -> DeviceCounters {
        self.counters
    }

    /// The caps and times.
    #[must_use]
    pub fn options(&self) -> &DeviceOptions {
        &self.options
    }
}

fn liveness_of(device: &Device, present: Option<bool>, now_ms: u64, options: &DeviceOptions) -> Liveness {
    if present == Some(false) {
        return Liveness::Offline;
    }
    let Some(heard) = device.last_heard_ms else {
        return if present == Some(true) {
            Liveness::Online
        } else {
            Liveness::Unknown
        };
    };
    let usual = device
        .usual_interval_ms
        .filter(|_| !device.kind.speaks_on_events());
    let limit = usual.map(|usual| (usual * options.stale_after_intervals).max(options.stale_floor_ms));
    let by_hand = (device.silent_after_ms > 0).then_some(device.silent_after_ms);
    match by_hand.or(limit) {
        Some(limit) if now_ms.saturating_sub(heard) > limit => Liveness::Stale,
        _ => Liveness::Online,
    }
}

/// Values below a prefix, without those that are nothing for a card.
fn below(place: &Place, prefix: &[String], mut values: Vec<cloud_events::Value>) -> Vec<cloud_events::Value> {
    if prefix.is_empty() {
        return values;
    }
    if place.source == Source::Tasmota {
        // `tele/x/STATE` and `stat/x/RESULT`: only what can be switched or dimmed is about the home.
        let is_wanted =
            |path: &[String]| matches!(path, [key] if key.starts_with("POWER") || key == "Dimmer");
        values.retain(|(path, ..)| is_wanted(path));
        return values;
    }
    for (path, ..) in &mut values {
        path.splice(..0, prefix.iter().cloned());
    }
    values
}

impl Value {
    /// Whether a value has been heard.
    #[must_use]
    pub fn is_known(&self) -> bool {
        *self != Self::Unknown
    }
}
