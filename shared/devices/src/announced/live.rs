//! Announced devices in the registry: made, renamed and removed as announcements come. [`reading`] reads their states.

mod late;
mod readers;
mod reading;
mod value;

use std::collections::{BTreeSet, HashMap, HashSet};

use hearth_model::letters::lower;
use hearth_model::order::sort_by;
use hearth_model::store::Arrival;

use self::late::Late;
pub(super) use self::readers::is_filter;
use self::readers::{Reader, Readers, What};
use super::bind::{Before, Bound, Presence, bind};
use super::extract::Engine;
use super::group::{Announcements, GroupId, Links};
use super::model::Announcement;
use super::{Format, Problems, Templates};
use crate::device::{Device, DeviceId, Source};
use crate::kind::kind_of_device;
use crate::names::{is_room, room_in};
use crate::place::named;
use crate::registry::Devices;

/// Longer states are left to the Explorer, in bytes.
const STATE_BYTES: usize = 1024 * 1024;
/// Announcements that wait for what reads them; more are refused.
const HELD_TOPICS: usize = 20_000;
/// Topics of a device that are told.
const TOPICS: usize = 64;
/// Steps from a device to the one it is reached through, before it is taken for a circle.
const VIA_STEPS: usize = 16;

/// What the registry knows of announced devices.
#[derive(Debug)]
pub(crate) struct Announced {
    formats: Vec<Box<dyn Format>>,
    all: Announcements,
    devices: HashMap<GroupId, DeviceId>,
    bound: HashMap<DeviceId, Bound>,
    readers: Readers,
    late: Late,
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
            readers: Readers::default(),
            late: Late::default(),
            engine: Engine::default(),
            wanted: BTreeSet::new(),
            held: None,
        }
    }
}

impl Announced {
    #[cfg(test)]
    pub(crate) fn all_mut(&mut self) -> &mut Announcements {
        &mut self.all
    }

    pub(crate) fn reads(&self, topic: &str) -> bool {
        self.readers.reads(topic)
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

    pub(crate) fn bound(&self, id: DeviceId) -> Option<&Bound> {
        self.bound.get(&id)
    }

    pub(crate) fn presence(&self, id: DeviceId) -> Option<(Option<Presence>, bool)> {
        self.bound.get(&id).map(|bound| (bound.presence, bound.sleeps))
    }

    fn read(&mut self, now_ms: u64, id: DeviceId, bound: &Bound) {
        let (readers, all) = (&mut self.readers, &mut self.all);
        let mut add = |text: &str, what| {
            if let Err(reason) = readers.add(text, Reader { device: id, what }) {
                all.refuse(now_ms, text, reason);
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
            if let Some(target) = &bound.target {
                add(&target.topic, What::Target { entity });
            }
            if let Some(answers) = &bound.answers {
                add(&answers.topic, What::Answer { entity });
            }
        }
        // They are read when somebody looks; a topic that is read anyway needs nobody else who waits for it.
        for (entity, said) in bound.entities.iter().enumerate() {
            let Some(attributes) = &said.attributes else {
                continue;
            };
            let mut others = said
                .reads
                .iter()
                .chain(bound.entities.iter().flat_map(|other| &other.reads));
            if !others.any(|read| read.topic == attributes.topic) {
                add(&attributes.topic, What::Attributes { entity });
            }
        }
    }
}

impl Devices {
    /// Makes devices of what was announced since this was last called; to be called when a batch of messages was
    /// applied. Then read [`Self::take_wanted`].
    pub fn settle(&mut self, now_ms: u64) {
        let mut are_named_anew = false;
        if !self.announced.all.dirty.is_empty() {
            self.guesses.announced_at_ms = now_ms;
        }
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
        let again = std::mem::take(&mut self.announced.all.again);
        self.announced.wanted.extend(again);
        let matching = self.announced.readers.take_fresh(self.routes.keys());
        self.announced.wanted.extend(matching);
    }

    /// The topics whose newest message is to be applied again, because a device was announced that reads them.
    pub fn take_wanted(&mut self) -> Vec<String> {
        std::mem::take(&mut self.announced.wanted).into_iter().collect()
    }

    /// These topics, and those that match these filters, are to be applied again.
    pub(crate) fn want(&mut self, topics: Vec<String>) {
        for topic in topics {
            if is_filter(&topic) {
                self.announced.readers.look_again(&topic);
            } else {
                self.announced.wanted.insert(topic);
            }
        }
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
            fuel: self.announced.engine.fuel,
            ..Engine::with(templates)
        };
        self.want_templates();
    }

    /// The engine for templates could not be had: until it is there, what waits for it is shown as it came, with a mark.
    pub fn miss_templates(&mut self) {
        if !std::mem::replace(&mut self.announced.engine.is_late, true) {
            self.want_templates();
        }
    }

    /// All topics that templates read.
    fn want_templates(&mut self) {
        let announced = &self.announced;
        let wanted = announced
            .readers
            .iter()
            .filter(|(_, readers)| readers.iter().any(|reader| announced.renders(*reader)));
        let wanted: Vec<String> = wanted.map(|(topic, _)| topic.clone()).collect();
        self.want(wanted);
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
                self.announced.readers.remove(id, &old_topics);
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
        self.announced.readers.remove(id, old_topics);
        self.announced.read(now_ms, id, &made.bound);
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
            // Those that were found by filters stay.
            device.topics.retain(|known| !old_topics.contains(known));
            let named = made.bound.topics.iter().filter(|topic| !is_filter(topic));
            device.topics.splice(..0, named.cloned());
            device.topics.truncate(TOPICS);
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
        self.want(made.wanted);
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
                origin: first(|one| &one.details.origin),
                configuration_url: first(|one| &one.details.configuration_url),
                interview: first(|one| &one.details.interview),
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
    pub(super) fn claim(&mut self, topic: &str) {
        let place = self.routes.get(topic).and_then(|route| route.place.as_ref());
        let Some(id) = place.and_then(|place| self.by_key.get(&place.key)).copied() else {
            return;
        };
        let Some(tracked) = self.tracked.get_mut(id.0) else {
            return;
        };
        let device = &mut tracked.device;
        let is_told = device.topics.iter().any(|known| known == topic);
        if !is_told && device.entities.iter().all(|entity| entity.topic != topic) {
            return;
        }
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
}
