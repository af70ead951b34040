//! Announced devices in the registry: made, renamed and removed as announcements come, read as states come.

use std::collections::{BTreeSet, HashMap, HashSet};

use hearth_model::json::parse_number;
use hearth_model::letters::lower;
use hearth_model::order::sort_by;
use hearth_model::store::Arrival;

use super::bind::{Before, Bound, Presence, bind, pin_decimals};
use super::extract::{Engine, Found, PayloadRead, scalar_of_json};
use super::group::{Announcements, GroupId, Links, Told};
use super::json::{Json, JsonLimits};
use super::model::{Announcement, AvailabilityMode, Shows};
use super::{Format, Problems, Templates};
use crate::device::{Device, DeviceId, Entity, Source, Value};
use crate::entity::kind_of_device;
use crate::flat::Scalar;
use crate::names::{is_room, room_in};
use crate::place::named;
use crate::registry::Devices;

/// Longer states are left to the Explorer, in bytes.
const STATE_BYTES: usize = 1024 * 1024;
/// Announcements that wait for what reads them; more are refused.
const HELD_TOPICS: usize = 20_000;
/// Steps from a device to the one it is reached through, before it is taken for a circle.
const VIA_STEPS: usize = 16;

/// What the registry knows of announced devices.
#[derive(Debug)]
pub(crate) struct Announced {
    formats: Vec<Box<dyn Format>>,
    all: Announcements,
    devices: HashMap<GroupId, DeviceId>,
    bound: HashMap<DeviceId, Bound>,
    readers: HashMap<String, Vec<Reader>>,
    pub(crate) engine: Engine,
    wanted: BTreeSet<String>,
    /// While what reads announcements is not there.
    held: Option<Held>,
}

/// Topics of announcements that were not read, in the order in which they came.
#[derive(Debug, Default)]
struct Held {
    topics: Vec<String>,
    known: HashSet<String>,
}

impl Default for Announced {
    fn default() -> Self {
        Self {
            formats: super::formats(),
            all: Announcements::default(),
            devices: HashMap::new(),
            bound: HashMap::new(),
            readers: HashMap::new(),
            engine: Engine::default(),
            wanted: BTreeSet::new(),
            held: None,
        }
    }
}

/// Who reads a topic.
#[derive(Clone, Copy, Debug)]
struct Reader {
    device: DeviceId,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    State { entity: usize, read: usize },
    Availability { rule: usize, check: usize },
}

impl Announced {
    #[cfg(test)]
    pub(crate) fn all_mut(&mut self) -> &mut Announcements {
        &mut self.all
    }

    pub(crate) fn reads(&self, topic: &str) -> bool {
        self.readers.contains_key(topic)
    }

    /// Whether a format took the message for an announcement.
    pub(crate) fn announce(&mut self, now_ms: u64, arrival: &Arrival<'_>) -> bool {
        let mut is_taken = false;
        for format in &mut self.formats {
            if format.wants(arrival.topic) {
                match &mut self.held {
                    Some(held) if held.known.contains(arrival.topic) => {}
                    Some(held) if held.topics.len() >= HELD_TOPICS => {
                        let reason = "too many announcements wait for what reads them";
                        self.all.refuse(now_ms, arrival.topic, reason);
                    }
                    Some(held) => {
                        held.topics.push(arrival.topic.to_owned());
                        held.known.insert(arrival.topic.to_owned());
                    }
                    None => format.apply(now_ms, arrival, &mut self.all),
                }
                is_taken |= format.takes(arrival.topic);
            }
        }
        is_taken
    }

    pub(crate) fn presence(&self, id: DeviceId) -> Option<(Option<Presence>, bool)> {
        self.bound.get(&id).map(|bound| (bound.presence, bound.sleeps))
    }

    fn unread(&mut self, id: DeviceId, topics: &[String]) {
        for topic in topics {
            if let Some(readers) = self.readers.get_mut(topic) {
                readers.retain(|reader| reader.device != id);
                if readers.is_empty() {
                    self.readers.remove(topic);
                }
            }
        }
    }

    fn read(&mut self, id: DeviceId, bound: &Bound) {
        let mut add = |topic: &str, what| {
            let reader = Reader { device: id, what };
            match self.readers.get_mut(topic) {
                Some(readers) => readers.push(reader),
                None => {
                    self.readers.insert(topic.to_owned(), vec![reader]);
                }
            }
        };
        for (rule, bound) in bound.rules.iter().enumerate() {
            for (check, said) in bound.availability.checks.iter().enumerate() {
                add(&said.topic, What::Availability { rule, check });
            }
        }
        for (entity, bound) in bound.entities.iter().enumerate() {
            for (read, said) in bound.reads.iter().enumerate() {
                add(&said.topic, What::State { entity, read });
            }
        }
    }
}

impl Devices {
    /// Makes devices of what was announced since this was last called; to be called when a batch of messages was
    /// applied. Then read [`Self::take_wanted`].
    pub fn settle(&mut self, now_ms: u64) {
        let mut are_named_anew = false;
        while let Some(group) = self.announced.all.dirty.pop_first() {
            let before = self.announced_name(group).map(str::to_owned);
            self.settle_group(now_ms, group);
            are_named_anew |= self.announced_name(group) != before.as_deref();
        }
        if are_named_anew {
            self.refresh_via();
        }
        for told in std::mem::take(&mut self.announced.all.told) {
            self.apply_told(&told);
        }
    }

    /// The topics whose newest message is to be applied again, because a device was announced that reads them.
    pub fn take_wanted(&mut self) -> Vec<String> {
        std::mem::take(&mut self.announced.wanted).into_iter().collect()
    }

    /// These topics are to be applied again.
    pub(crate) fn want(&mut self, topics: Vec<String>) {
        self.announced.wanted.extend(topics);
    }

    /// From now on announcements are not read, because what reads them is not there yet.
    pub fn hold_announcements(&mut self) {
        self.announced.held.get_or_insert_default();
    }

    /// Whether announcements came that were not read.
    #[must_use]
    pub fn holds_announcements(&self) -> bool {
        self.announced
            .held
            .as_ref()
            .is_some_and(|held| !held.topics.is_empty())
    }

    /// Announcements are read again. Gives the topics whose newest message is to be applied again, in this order.
    pub fn take_held_announcements(&mut self) -> Vec<String> {
        self.announced.held.take().unwrap_or_default().topics
    }

    /// Gives an engine for templates; what waited for it is wanted again.
    pub fn set_templates(&mut self, templates: Box<dyn Templates>) {
        self.announced.engine = Engine {
            templates,
            is_missed: false,
        };
        let wanted = self.announced.readers.iter().filter(|(_, readers)| {
            readers.iter().any(|reader| {
                let Some(bound) = self.announced.bound.get(&reader.device) else {
                    return false;
                };
                let extract = match reader.what {
                    What::State { entity, read } => bound
                        .entities
                        .get(entity)
                        .and_then(|bound| bound.reads.get(read))
                        .map(|read| &read.extract),
                    What::Availability { rule, check } => bound
                        .rules
                        .get(rule)
                        .and_then(|rule| rule.availability.checks.get(check))
                        .map(|check| &check.extract),
                };
                matches!(extract, Some(super::Extract::Template(_)))
            })
        });
        let wanted: Vec<String> = wanted.map(|(topic, _)| topic.clone()).collect();
        self.announced.wanted.extend(wanted);
    }

    /// Whether a template was met for which there is no engine.
    #[must_use]
    pub fn misses_templates(&self) -> bool {
        self.announced.engine.is_missed
    }

    /// What could not be read.
    #[must_use]
    pub fn problems(&self) -> &Problems {
        self.announced.all.problems()
    }

    /// An announcement of this topic was too long to be kept whole, so it cannot be read.
    pub fn refuse_cut(&mut self, now_ms: u64, topic: &str, bytes: usize) {
        if self.announced.formats.iter().any(|format| format.wants(topic)) || self.announced.reads(topic) {
            let reason = format!("it has {bytes} bytes, which is more than is kept of a message");
            self.announced.all.refuse(now_ms, topic, &reason);
        }
    }

    /// Puts announcements together and apart by hand.
    pub fn set_links(&mut self, links: Links) {
        self.announced.all.set_links(links);
    }

    /// The keys and identifiers of a device's announcements, to put them together and apart by.
    #[must_use]
    pub fn announcements(&self, id: DeviceId) -> Vec<(String, Vec<String>)> {
        let Some(bound) = self.announced.bound.get(&id) else {
            return Vec::new();
        };
        let members = self.announced.all.members(bound.group);
        members
            .map(|member| (member.key.clone(), member.identifiers.clone()))
            .collect()
    }

    /// The topics that say that an announced device is gone.
    pub(crate) fn gone_by(&self, id: DeviceId) -> impl Iterator<Item = &str> {
        let rules = self
            .announced
            .bound
            .get(&id)
            .into_iter()
            .flat_map(|bound| &bound.rules);
        rules.flat_map(|rule| {
            let checks = rule.availability.checks.iter().zip(&rule.said);
            checks
                .filter(|(_, said)| **said == Some(Presence::Gone))
                .map(|(check, _)| &*check.topic)
        })
    }

    /// The device that another is reached through.
    pub(crate) fn reached_through(&self, id: DeviceId) -> Option<DeviceId> {
        let bound = self.announced.bound.get(&id)?;
        let all = &self.announced.all;
        let via = all
            .members(bound.group)
            .find_map(|member| member.via.as_deref())?;
        let group = all.group_of_identifier(via)?;
        self.announced.devices.get(&group).copied()
    }

    /// What else an entity's topic says about it: where, and which part of the payload.
    #[must_use]
    pub fn attributes(&self, id: DeviceId, entity: &str) -> Option<&super::model::StateRead> {
        let at = self
            .device(id)?
            .entities
            .iter()
            .position(|known| known.id == entity)?;
        self.announced
            .bound
            .get(&id)?
            .entities
            .get(at)?
            .attributes
            .as_ref()
    }

    /// The topic filters on which devices announce themselves.
    pub fn filters(&self) -> impl Iterator<Item = &'static str> {
        self.announced
            .formats
            .iter()
            .flat_map(|format| format.filters())
            .copied()
    }

    fn settle_group(&mut self, now_ms: u64, group: GroupId) {
        let known = self.announced.devices.get(&group).copied();
        let before = known
            .and_then(|id| self.announced.bound.remove(&id))
            .unwrap_or_default();
        let old_topics = before.topics.clone();
        let mut announcements: Vec<&Announcement> = self.announced.all.members(group).collect();
        if announcements.is_empty() {
            if let Some(id) = known {
                self.announced.devices.remove(&group);
                self.announced.unread(id, &old_topics);
                self.release(id);
            }
            return;
        }
        sort_by(&mut announcements, |a, b| {
            (a.source, &a.key).cmp(&(b.source, &b.key))
        });
        let (described, circle) = self.describe(&announcements);
        let entities = known
            .and_then(|id| self.tracked.get_mut(id.0))
            .map(|tracked| std::mem::take(&mut tracked.device.entities))
            .unwrap_or_default();
        let was_there = !entities.is_empty();
        let old_beyond = before.beyond;
        let before = Before {
            entities,
            bound: before,
        };
        let full_name = announcements
            .iter()
            .find_map(|one| one.name.as_deref())
            .unwrap_or_default();
        let maximum = self.options().maximum_announced_entities;
        let mut made = bind(&announcements, full_name, maximum, before, now_ms);
        if let Some(topic) = circle {
            made.problems
                .push((topic, "it is reached through itself (via_device)".to_owned()));
        }
        if made.bound.beyond > old_beyond {
            let topic = announcements
                .first()
                .map(|one| one.topic.clone())
                .unwrap_or_default();
            let reason = format!("the device has more than {maximum} entities, the others are left out");
            made.problems.push((topic, reason));
        }
        let Some(id) = known.or_else(|| self.slot(now_ms, &described)) else {
            return;
        };
        self.announced.devices.insert(group, id);
        made.bound.group = group;
        self.take_made(now_ms, id, described, made, was_there, &old_topics, old_beyond);
    }

    #[expect(clippy::too_many_arguments, reason = "the end of one function")]
    fn take_made(
        &mut self,
        now_ms: u64,
        id: DeviceId,
        described: Device,
        made: super::bind::Made,
        was_there: bool,
        old_topics: &[String],
        old_beyond: usize,
    ) {
        self.announced.unread(id, old_topics);
        self.announced.read(id, &made.bound);
        self.counters.entities_refused += made.bound.beyond.saturating_sub(old_beyond) as u64;
        for (topic, reason) in &made.problems {
            self.announced.all.refuse(now_ms, topic, reason);
        }
        for topic in made
            .bound
            .topics
            .iter()
            .filter(|topic| !old_topics.contains(topic))
        {
            self.claim(topic);
        }
        if let Some(tracked) = self.tracked.get_mut(id.0) {
            let device = &mut tracked.device;
            device.topics.clone_from(&made.bound.topics);
            device.topics.truncate(64);
            device.name = described.name;
            device.room = described.room;
            device.key = described.key;
            device.source = described.source;
            device.details = described.details;
            device.announced_by = described.announced_by;
            device.via = described.via;
            device.is_announced = true;
            device.entities = made.entities;
            if !was_there {
                device.first_seen_ms = now_ms;
            }
            device.say_own();
            device.keep_own(kind_of_device(device));
        }
        self.announced.wanted.extend(made.wanted);
        self.announced.bound.insert(id, made.bound);
        if !self.arrangement.is_empty() {
            self.rearrange(id);
        }
        self.weigh_presence(id);
        self.judge(now_ms, id);
        self.structure += 1;
        self.changed.insert(id);
    }

    /// Name, room and what else the announcements say of a device; and where it is reached through itself.
    fn describe(&self, announcements: &[&Announcement]) -> (Device, Option<String>) {
        let first = |pick: fn(&Announcement) -> &str| {
            let said = announcements
                .iter()
                .map(|one| pick(one))
                .find(|text| !text.is_empty());
            said.unwrap_or_default().to_owned()
        };
        let mut name = first(|one| one.name.as_deref().unwrap_or_default());
        if name.is_empty() {
            // A device without a name has that of its only thing.
            let things = announcements.iter().flat_map(|one| &one.entities);
            let named = things.map(|thing| thing.name.as_deref().unwrap_or(&thing.id));
            named.take(1).for_each(|thing| thing.clone_into(&mut name));
        }
        let key = name.clone();
        let mut room = announcements.iter().find_map(|one| one.area.clone());
        if room.is_none() {
            let levels: Vec<&str> = name.split('/').filter(|level| !level.is_empty()).collect();
            // Bridges name their devices by place; elsewhere a slash is a slash.
            let by_place = announcements
                .iter()
                .flat_map(|one| &one.identifiers)
                .any(|id| id.starts_with("ieee:"));
            if levels.len() > 1 && (by_place || levels.first().is_some_and(|first| is_room(first.trim()))) {
                let levels: Vec<&str> = levels.iter().map(|level| level.trim()).collect();
                (name, room) = named(&levels);
            } else if let Some((found, rest)) = room_in(&name) {
                // As it was written, unless the room stood first.
                if lower(&name).ends_with(&lower(&rest)) && rest.len() < name.len() {
                    name = rest;
                }
                room = Some(found);
            }
        }
        let mut announced_by: Vec<Source> = announcements.iter().map(|one| one.source).collect();
        announced_by.dedup();
        let (via, circle) = self.via(announcements);
        let device = Device {
            id: announcements
                .iter()
                .flat_map(|one| one.identifiers.iter().rev())
                .next()
                .unwrap_or(&key)
                .clone(),
            key,
            name,
            room,
            source: announced_by.first().copied().unwrap_or_default(),
            is_announced: true,
            details: crate::Details {
                manufacturer: first(|one| &one.details.manufacturer),
                model: first(|one| &one.details.model),
                software: first(|one| &one.details.software),
                hardware: first(|one| &one.details.hardware),
                serial: first(|one| &one.details.serial),
                configuration_url: first(|one| &one.details.configuration_url),
            },
            announced_by,
            via,
            ..Device::default()
        };
        (device, circle)
    }

    /// The name of what the device is reached through; the topic of the announcement when that is a circle.
    fn via(&self, announcements: &[&Announcement]) -> (Option<String>, Option<String>) {
        let all = &self.announced.all;
        let Some(one) = announcements.iter().find(|one| one.via.is_some()) else {
            return (None, None);
        };
        let own = all.group_of(&one.key);
        let mut at = one.via.as_deref().and_then(|via| all.group_of_identifier(via));
        let first = at;
        for _ in 0..VIA_STEPS {
            let Some(group) = at else {
                let name = first.and_then(|group| all.members(group).find_map(|member| member.name.clone()));
                return (name, None);
            };
            if Some(group) == own {
                break;
            }
            let next = all.members(group).find_map(|member| member.via.as_deref());
            at = next.and_then(|via| all.group_of_identifier(via));
        }
        (None, Some(one.topic.clone()))
    }

    /// As it was announced; `None` when there is no such device.
    fn announced_name(&self, group: GroupId) -> Option<&str> {
        let id = self.announced.devices.get(&group)?;
        Some(&self.device(*id)?.key)
    }

    /// Something came, went or has another name: what is reached through it says so.
    fn refresh_via(&mut self) {
        let mut renamed = Vec::new();
        for (group, id) in &self.announced.devices {
            let mut members: Vec<&Announcement> = self.announced.all.members(*group).collect();
            if members.iter().all(|one| one.via.is_none()) {
                continue;
            }
            sort_by(&mut members, |a, b| (a.source, &a.key).cmp(&(b.source, &b.key)));
            let (via, _) = self.via(&members);
            if self.device(*id).is_some_and(|device| device.via != via) {
                renamed.push((*id, via));
            }
        }
        for (id, via) in renamed {
            if let Some(tracked) = self.tracked.get_mut(id.0) {
                tracked.device.via = via;
                self.changed.insert(id);
            }
        }
    }

    /// A topic is read by an announced device: what was guessed from it goes.
    fn claim(&mut self, topic: &str) {
        let place = self.routes.get(topic).and_then(|route| route.place.as_ref());
        let Some(id) = place.and_then(|place| self.by_key.get(&place.key)).copied() else {
            return;
        };
        let Some(tracked) = self.tracked.get_mut(id.0) else {
            return;
        };
        let device = &mut tracked.device;
        device.entities.retain(|entity| entity.topic != topic);
        device.topics.retain(|known| known != topic);
        self.structure += 1;
        self.changed.insert(id);
        if device.entities.is_empty() {
            self.release(id);
        } else {
            crate::entity::refresh(device);
        }
    }

    /// Reads a state that somebody waits for; `false` when nobody does.
    pub(crate) fn apply_readers(&mut self, now_ms: u64, arrival: &Arrival<'_>) -> bool {
        let Some(readers) = self.announced.readers.get(arrival.topic).cloned() else {
            return false;
        };
        if arrival.payload.len() > STATE_BYTES {
            self.refuse_cut(now_ms, arrival.topic, arrival.payload.len());
            return true;
        }
        let mut payload = PayloadRead::new(arrival.payload);
        let mut heard: BTreeSet<DeviceId> = BTreeSet::new();
        let mut judged: BTreeSet<DeviceId> = BTreeSet::new();
        for reader in readers {
            match reader.what {
                What::State { entity, read } => {
                    self.read_state(now_ms, arrival, reader.device, (entity, read), &mut payload);
                    heard.insert(reader.device);
                }
                What::Availability { rule, check } => {
                    self.read_availability(now_ms, arrival.topic, reader.device, (rule, check), &mut payload);
                    judged.insert(reader.device);
                }
            }
        }
        for id in &heard {
            if let Some(tracked) = self.tracked.get_mut(id.0).filter(|_| !arrival.retain) {
                tracked.rhythm.heard(now_ms);
                let heard = tracked
                    .device
                    .last_heard_ms
                    .map_or(now_ms, |heard| heard.max(now_ms));
                tracked.device.last_heard_ms = Some(heard);
                tracked.device.usual_interval_ms = tracked.rhythm.usual_ms();
            }
            self.changed.insert(*id);
        }
        for id in &judged {
            self.weigh_presence(*id);
        }
        for id in heard.union(&judged) {
            self.judge(now_ms, *id);
        }
        true
    }

    fn read_state(
        &mut self,
        now_ms: u64,
        arrival: &Arrival<'_>,
        id: DeviceId,
        (entity, read): (usize, usize),
        payload: &mut PayloadRead<'_>,
    ) {
        let announced = &mut self.announced;
        let bound = announced
            .bound
            .get_mut(&id)
            .and_then(|bound| bound.entities.get_mut(entity));
        let shown = self
            .tracked
            .get_mut(id.0)
            .and_then(|tracked| tracked.device.entities.get_mut(entity));
        let (Some(bound), Some(shown)) = (bound, shown) else {
            return;
        };
        let Some(read) = bound.reads.get(read) else { return };
        let value = if bound.shows == Shows::Bytes {
            Value::Text(hearth_model::format::format_bytes(payload.bytes.len() as u64))
        } else {
            match payload.find(&read.extract, &mut announced.engine) {
                Found::Nothing => return,
                // Never a blank: as it came, until the engine is there.
                Found::NotLoaded => {
                    let is_read = shown.value != Value::Unknown && !shown.unreadable;
                    if is_read || matches!(bound.shows, Shows::Event | Shows::Trigger { .. }) {
                        return;
                    }
                    shown.unreadable = true;
                    raw(payload.bytes)
                }
                Found::Value(scalar) => {
                    shown.unreadable = false;
                    let scalar = unwrap(scalar, bound.unwrap);
                    if is_ignored(&bound.shows, &scalar, arrival.retain) {
                        return;
                    }
                    value_of(&bound.shows, &scalar, shown)
                }
                Found::Unreadable(why) => {
                    let reason = format!("{}: {why}; it is shown as it came", shown.name);
                    announced.all.refuse(now_ms, arrival.topic, &reason);
                    shown.unreadable = true;
                    raw(payload.bytes)
                }
            }
        };
        take_value(now_ms, arrival.retain, shown, bound, value);
    }

    fn read_availability(
        &mut self,
        now_ms: u64,
        topic: &str,
        id: DeviceId,
        (rule, check): (usize, usize),
        payload: &mut PayloadRead<'_>,
    ) {
        let announced = &mut self.announced;
        let Some(rule) = announced
            .bound
            .get_mut(&id)
            .and_then(|bound| bound.rules.get_mut(rule))
        else {
            return;
        };
        let Some(asked) = rule.availability.checks.get(check) else {
            return;
        };
        let word = match payload.find(&asked.extract, &mut announced.engine) {
            Found::Value(scalar) => spelled(&scalar),
            Found::Nothing | Found::NotLoaded => return,
            Found::Unreadable(why) => {
                announced
                    .all
                    .refuse(now_ms, topic, &format!("availability: {why}"));
                return;
            }
        };
        let is_one = |words: &[String]| words.iter().any(|known| is_same_word(known, &word));
        let presence = if is_one(&asked.online) {
            Presence::Here
        } else if is_one(&asked.offline) {
            Presence::Gone
        } else if is_one(&asked.asleep) {
            Presence::Asleep
        } else {
            return;
        };
        if let Some(said) = rule.said.get_mut(check) {
            *said = Some(presence);
        }
        rule.latest = Some(presence);
    }

    /// What the rules say of every entity, and of the device.
    fn weigh_presence(&mut self, id: DeviceId) {
        let Some(bound) = self.announced.bound.get_mut(&id) else {
            return;
        };
        let Some(tracked) = self.tracked.get_mut(id.0) else {
            return;
        };
        let rules: Vec<Option<Presence>> = bound.rules.iter().map(super::bind::Rule::presence).collect();
        let mut device: Option<Presence> = None;
        for (entity, bound) in tracked.device.entities.iter_mut().zip(&bound.entities) {
            let said = bound
                .rules
                .iter()
                .filter_map(|at| rules.get(*at).copied().flatten())
                .chain(bound.presence);
            let worst = said.fold(None, |worst: Option<Presence>, next| match worst {
                Some(Presence::Gone) => worst,
                Some(Presence::Asleep) if next == Presence::Here => worst,
                _ => Some(next),
            });
            let is_gone = worst == Some(Presence::Gone) || bound.is_expired;
            if entity.unavailable != is_gone {
                entity.unavailable = is_gone;
                self.changed.insert(id);
            }
            device = match (device, worst) {
                (Some(Presence::Here), _) | (_, Some(Presence::Here)) => Some(Presence::Here),
                (Some(Presence::Asleep), _) | (_, Some(Presence::Asleep)) => Some(Presence::Asleep),
                (known, said) => said.or(known),
            };
        }
        bound.presence = device;
    }

    /// Values that are too old, and states that end by themselves.
    pub(crate) fn tick_announced(&mut self, now_ms: u64) {
        let mut weighed = Vec::new();
        for (id, bound) in &mut self.announced.bound {
            let Some(tracked) = self.tracked.get_mut(id.0) else {
                continue;
            };
            for (entity, bound) in tracked.device.entities.iter_mut().zip(&mut bound.entities) {
                if bound.off_at_ms.is_some_and(|at| at <= now_ms) {
                    bound.off_at_ms = None;
                    entity.value = Value::Binary(false);
                    entity.since_ms = now_ms;
                    self.changed.insert(*id);
                }
                if bound.expires_at_ms.is_some_and(|at| at <= now_ms) {
                    bound.expires_at_ms = None;
                    bound.is_expired = true;
                    weighed.push(*id);
                }
            }
        }
        for id in weighed {
            self.weigh_presence(id);
        }
    }

    fn apply_told(&mut self, told: &Told) {
        let group = self.announced.all.group_of(&told.key);
        let Some(id) = group
            .and_then(|group| self.announced.devices.get(&group))
            .copied()
        else {
            return;
        };
        let Some(bound) = self.announced.bound.get_mut(&id) else {
            return;
        };
        let at = bound
            .entities
            .iter()
            .position(|bound| bound.key == told.key && bound.thing == told.entity && bound.part == told.part);
        let bound = at.and_then(|at| bound.entities.get_mut(at));
        let Some(tracked) = self.tracked.get_mut(id.0) else {
            return;
        };
        let entity = at.and_then(|at| tracked.device.entities.get_mut(at));
        let (Some(bound), Some(entity)) = (bound, entity) else {
            return;
        };
        let value = value_of(&bound.shows, &told.value, entity);
        take_value(told.now_ms, told.retained, entity, bound, value);
        entity.silent = false;
        if !told.retained {
            tracked.rhythm.heard(told.now_ms);
            tracked.device.last_heard_ms = Some(told.now_ms);
            tracked.device.usual_interval_ms = tracked.rhythm.usual_ms();
        }
        self.changed.insert(id);
        self.weigh_presence(id);
        self.judge(told.now_ms, id);
    }
}

impl super::bind::Rule {
    fn presence(&self) -> Option<Presence> {
        let is = |wanted| self.said.contains(&Some(wanted));
        match self.availability.mode {
            AvailabilityMode::Latest => self.latest,
            AvailabilityMode::All if is(Presence::Gone) => Some(Presence::Gone),
            AvailabilityMode::All if self.said.contains(&None) => None,
            AvailabilityMode::All if is(Presence::Asleep) => Some(Presence::Asleep),
            AvailabilityMode::Any if is(Presence::Here) => Some(Presence::Here),
            AvailabilityMode::Any if is(Presence::Asleep) => Some(Presence::Asleep),
            AvailabilityMode::Any if self.said.contains(&None) => None,
            AvailabilityMode::Any => Some(Presence::Gone),
            AvailabilityMode::All => Some(Presence::Here),
        }
    }
}

fn take_value(
    now_ms: u64,
    retained: bool,
    entity: &mut Entity,
    bound: &mut super::bind::BoundEntity,
    value: Value,
) {
    if value != entity.value || matches!(bound.shows, Shows::Event | Shows::Trigger { .. }) {
        entity.since_ms = now_ms;
    }
    bound.off_at_ms = match (&value, bound.off_delay_ms) {
        (Value::Binary(true), Some(delay)) => Some(now_ms.saturating_add(delay)),
        _ => None,
    };
    if let Some(after) = bound.expire_after_ms {
        bound.expires_at_ms = Some(now_ms.saturating_add(after));
        if std::mem::take(&mut bound.is_expired) {
            entity.unavailable = false;
        }
    }
    pin_decimals(&mut entity.decimals, bound.decimals);
    entity.value = value;
    entity.at_ms = now_ms;
    entity.retained = retained;
}

/// The beginning of a payload as it came.
fn raw(payload: &[u8]) -> Value {
    Value::Text(String::from_utf8_lossy(payload).chars().take(400).collect())
}

/// The member of a JSON object that is meant, when it is one.
fn unwrap(scalar: Scalar, member: Option<&str>) -> Scalar {
    match (&scalar, member) {
        (Scalar::Text(text), Some(member)) if text.starts_with('{') => {
            let json = Json::parse(text.as_bytes(), JsonLimits::STATE).ok();
            let found = json
                .as_ref()
                .map(|json| json.get(member).map_or(Scalar::Null, scalar_of_json));
            found.unwrap_or(scalar)
        }
        _ => scalar,
    }
}

/// Events that did not happen now, and those that are others.
fn is_ignored(shows: &Shows, scalar: &Scalar, retained: bool) -> bool {
    match shows {
        Shows::Event => retained || matches!(scalar, Scalar::Null) || spelled(scalar).is_empty(),
        Shows::Trigger { payload, .. } => retained || spelled(scalar) != *payload,
        _ => false,
    }
}

/// What a payload says, in the entity's own terms.
fn value_of(shows: &Shows, scalar: &Scalar, entity: &mut Entity) -> Value {
    if *scalar == Scalar::Null {
        return Value::Unknown;
    }
    match shows {
        Shows::Number { scale, offset } => match scalar {
            Scalar::Number(number, spelled) => {
                if *scale == 1.0 && *offset == 0.0 {
                    entity.decimals.push_text(spelled);
                    return Value::Number(*number);
                }
                let shown = (number - offset) / scale;
                let shown = if entity.unit == "%" { shown.round() } else { shown };
                entity.decimals.push(shown);
                Value::Number(shown)
            }
            other => Value::Text(spelled(other)),
        },
        Shows::States(states) => {
            let word = spelled(scalar);
            let known = states.iter().find(|(known, _)| is_same_word(known, &word));
            known.map_or(Value::Text(word), |(_, value)| value.clone())
        }
        Shows::Color(form) => {
            let spelled = spelled(scalar);
            Value::Text(form.read(&spelled).unwrap_or(spelled))
        }
        Shows::Position { closed } => match scalar {
            Scalar::Number(number, _) => Value::Binary(number != closed),
            other => Value::Text(spelled(other)),
        },
        Shows::Trigger { happened, .. } => Value::Text(happened.clone()),
        Shows::Text | Shows::Event | Shows::Bytes => Value::Text(spelled(scalar)),
    }
}

/// As Python writes it, which is how announcing programs compare.
fn spelled(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Number(_, spelled) | Scalar::Text(spelled) => spelled.clone(),
        Scalar::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
        Scalar::Null => "None".to_owned(),
    }
}

/// The same word; of true and false also in JSON's spelling, of numbers also with other decimals.
fn is_same_word(known: &str, word: &str) -> bool {
    let is_bool = |text: &str| matches!(text, "True" | "False" | "true" | "false");
    known == word
        || (is_bool(known) && is_bool(word) && known.eq_ignore_ascii_case(word))
        || parse_number(known.as_bytes()).is_some_and(|known| parse_number(word.as_bytes()) == Some(known))
}
