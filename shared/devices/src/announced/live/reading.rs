//! States of announced devices, read as they come: by whom a topic is read was found when the device was announced.

use std::collections::BTreeSet;

use hearth_model::store::Arrival;

use super::late::{find, in_turn};
use super::readers::{Reached, What, is_filter};
use super::value::{is_ignored, is_same_word, raw, spelled, take_value, unwrap, value_of};
use super::{STATE_BYTES, TOPICS};
use crate::announced::bind::{BoundEntity, Presence, Rule};
use crate::announced::extract::{Found, PayloadRead};
use crate::announced::group::Told;
use crate::announced::json::{Json, JsonLimits};
use crate::announced::model::{AvailabilityMode, Shows};
use crate::device::{DeviceId, Entity, Value};
use crate::registry::Devices;

/// What was not reached in this time, ms, when other values came, is not on the way any more: motors take minutes.
const UNDER_WAY_MS: u64 = 15 * 60_000;
/// A topic found by a filter is silent after this time, ms, and another one is shown in its place.
const OTHER_TOPIC_MS: u64 = 10 * 60_000;

impl Devices {
    /// Reads a state that somebody waits for; `false` when nobody does. One that is not new is for those who wait for
    /// their turn.
    pub(crate) fn apply_readers(&mut self, now_ms: u64, arrival: &Arrival<'_>, is_new: bool) -> bool {
        let reached = self.announced.readers.of(arrival.topic);
        if reached.readers.is_empty() {
            return false;
        }
        self.apply_reached(now_ms, arrival, reached, is_new)
    }

    /// A function of its own: a page without announced devices has no use for it, and need not have it.
    #[inline(never)]
    fn apply_reached(
        &mut self,
        now_ms: u64,
        arrival: &Arrival<'_>,
        mut reached: Reached,
        is_new: bool,
    ) -> bool {
        let waited = self.announced.late.take(arrival.topic, is_new);
        reached.readers = in_turn(waited, reached.readers, is_new);
        if reached.is_by_filter {
            // So that it is known when a filter is announced that matches it, too.
            self.route(arrival);
            self.claim(arrival.topic);
        }
        if reached.is_cut && is_new {
            let reason = "more things read it by wildcards than a message may reach, the others are left out";
            self.announced.all.refuse(now_ms, arrival.topic, reason);
        }
        if arrival.payload.len() > STATE_BYTES {
            self.refuse_cut(now_ms, arrival.topic, arrival.payload.len());
            return reached.is_claimed;
        }
        let mut payload = PayloadRead::new(arrival.payload);
        let mut heard: BTreeSet<DeviceId> = BTreeSet::new();
        let mut judged: BTreeSet<DeviceId> = BTreeSet::new();
        let mut late = Vec::new();
        let mut is_parsed = false;
        for reader in reached.readers {
            let bytes = arrival.payload.len();
            if !self.announced.pays_for(reader, bytes, &mut is_parsed) {
                late.push(reader);
                continue;
            }
            match reader.what {
                What::State { entity, read } => {
                    let place = (entity, read);
                    self.read_state(now_ms, arrival, reader.device, place, &mut payload, is_new);
                    heard.insert(reader.device);
                }
                What::Availability { rule, check } => {
                    let (topic, place) = (arrival.topic, (rule, check));
                    self.read_availability(now_ms, topic, reader.device, place, &mut payload, is_new);
                    judged.insert(reader.device);
                }
                What::Target { entity } => {
                    self.read_target(now_ms, reader.device, entity, &mut payload);
                    heard.insert(reader.device);
                }
                What::Answer { entity } => self.read_answer(now_ms, arrival, reader.device, entity),
                // Read when somebody looks.
                What::Attributes { .. } => {
                    heard.insert(reader.device);
                }
            }
        }
        self.announced.put_late(now_ms, arrival.topic, late);
        for id in &heard {
            let device = self.tracked.get_mut(id.0).map(|tracked| &mut tracked.device);
            if let Some(device) = device.filter(|device| reached.is_by_filter && device.topics.len() < TOPICS)
                && !device.topics.iter().any(|topic| topic == arrival.topic)
            {
                device.topics.push(arrival.topic.to_owned());
            }
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
        reached.is_claimed
    }

    fn read_state(
        &mut self,
        now_ms: u64,
        arrival: &Arrival<'_>,
        id: DeviceId,
        (entity, read): (usize, usize),
        payload: &mut PayloadRead<'_>,
        is_new: bool,
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
        // Of several gateways the newest word counts; and another topic may have had one while this waited.
        let is_found = is_filter(&read.topic);
        let may_be_older = !is_new || (is_found && shown.value != Value::Unknown);
        if may_be_older && now_ms < shown.at_ms {
            return;
        }
        let value = if bound.shows == Shows::Bytes {
            Value::Text(hearth_model::format::format_bytes(payload.bytes.len() as u64))
        } else {
            match find(payload, &read.extract, &mut announced.engine) {
                Found::Nothing => return,
                // What a template will say is not known before it is read; as it came only when that takes long.
                Found::NotLoaded => {
                    let is_read = shown.value != Value::Unknown && !shown.unreadable;
                    let is_event = matches!(bound.shows, Shows::Event | Shows::Trigger { .. });
                    if is_read || is_event || !announced.engine.is_late {
                        shown.is_waiting = !is_read && !is_event;
                        return;
                    }
                    shown.unreadable = true;
                    raw(payload.bytes)
                }
                Found::Value(scalar) => {
                    shown.unreadable = false;
                    let Some(scalar) = unwrap(scalar, bound.unwrap) else {
                        return;
                    };
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
        shown.is_waiting = false;
        if is_found {
            follow(now_ms, arrival.topic, shown, bound);
        }
        take_value(now_ms, arrival.retain, shown, bound, value);
        let is_over = |(at_ms, target): &(u64, Value)| {
            is_there(target, &shown.value) || now_ms.saturating_sub(*at_ms) > UNDER_WAY_MS
        };
        if shown.target.as_ref().is_some_and(is_over) {
            shown.target = None;
        }
    }

    /// What an entity is on the way to.
    fn read_target(&mut self, now_ms: u64, id: DeviceId, entity: usize, payload: &mut PayloadRead<'_>) {
        let announced = &mut self.announced;
        let bound = announced
            .bound
            .get(&id)
            .and_then(|bound| bound.entities.get(entity));
        let tracked = self.tracked.get_mut(id.0);
        let shown = tracked.and_then(|tracked| tracked.device.entities.get_mut(entity));
        let (Some(bound), Some(shown)) = (bound, shown) else {
            return;
        };
        let Some(read) = &bound.target else { return };
        if let Found::Value(scalar) = find(payload, &read.extract, &mut announced.engine) {
            let target = value_of(&bound.shows, &scalar, shown);
            let is_said = target != Value::Unknown && !is_there(&target, &shown.value);
            shown.target = is_said.then_some((now_ms, target));
        }
    }

    /// What became of a command. One that is retained belongs to a command of long ago.
    fn read_answer(&mut self, now_ms: u64, arrival: &Arrival<'_>, id: DeviceId, entity: usize) {
        let bound = self.announced.bound.get(&id);
        let asked = bound.and_then(|bound| bound.entities.get(entity)?.answers.as_ref());
        let said = Json::parse(arrival.payload, JsonLimits::STATE).ok();
        let (Some(asked), Some(said), false) = (asked, said, arrival.retain) else {
            return;
        };
        let text = |name: &str| said.get(name).and_then(Json::text);
        if text("transaction") != Some(&asked.transaction) {
            return;
        }
        let refused = (text("status") != Some("ok")).then(|| text("error").unwrap_or("refused").to_owned());
        let tracked = self.tracked.get_mut(id.0);
        if let Some(entity) = tracked.and_then(|tracked| tracked.device.entities.get_mut(entity)) {
            entity.answer = Some((now_ms, refused));
            self.changed.insert(id);
        }
    }

    fn read_availability(
        &mut self,
        now_ms: u64,
        topic: &str,
        id: DeviceId,
        (at, check): (usize, usize),
        payload: &mut PayloadRead<'_>,
        is_new: bool,
    ) {
        let announced = &mut self.announced;
        let Some(rule) = announced
            .bound
            .get_mut(&id)
            .and_then(|bound| bound.rules.get_mut(at))
        else {
            return;
        };
        let Some(asked) = rule.availability.checks.get(check) else {
            return;
        };
        let word = match find(payload, &asked.extract, &mut announced.engine) {
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
        if announced.late.is_newest(now_ms, (id, at), is_new) {
            rule.latest = Some(presence);
        }
    }

    /// What the rules say of every entity, and of the device.
    pub(super) fn weigh_presence(&mut self, id: DeviceId) {
        let Some(bound) = self.announced.bound.get_mut(&id) else {
            return;
        };
        let Some(tracked) = self.tracked.get_mut(id.0) else {
            return;
        };
        let rules: Vec<Option<Presence>> = bound.rules.iter().map(Rule::presence).collect();
        let sleeps = bound.sleeps;
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
            // What sleeps is gone most of the time, and its last word holds until it wakes.
            let is_gone = (worst == Some(Presence::Gone) && !sleeps) || bound.is_expired;
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

    pub(super) fn apply_told(&mut self, told: &Told) {
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

/// Whether a value is what was aimed at, as far as devices round.
fn is_there(target: &Value, value: &Value) -> bool {
    match (target, value) {
        (Value::Number(target), Value::Number(value)) => {
            (target - value).abs() <= target.abs() * 0.001 + 1e-6
        }
        (Value::Text(target), Value::Text(value)) => {
            target == value || is_like(target, value).unwrap_or(false)
        }
        _ => target == value,
    }
}

/// Whether two colours look the same.
fn is_like(one: &str, other: &str) -> Option<bool> {
    let channels = |text: &str| {
        let number = u32::from_str_radix(text.strip_prefix('#').filter(|hex| hex.len() == 6)?, 16).ok()?;
        Some([number >> 16, number >> 8 & 255, number & 255])
    };
    let pairs = channels(one)?.into_iter().zip(channels(other)?);
    Some(pairs.into_iter().all(|(one, other)| one.abs_diff(other) <= 4))
}

/// Which of the topics that match a filter is shown and charted: the first, until it is silent for long while another
/// one speaks.
fn follow(now_ms: u64, topic: &str, entity: &mut Entity, bound: &mut BoundEntity) {
    let is_read_first = bound.reads.first().is_some_and(|read| is_filter(&read.topic));
    let is_silent = now_ms.saturating_sub(bound.heard_at_ms) > OTHER_TOPIC_MS;
    if is_read_first && (entity.topic == topic || is_filter(&entity.topic) || is_silent) {
        bound.heard_at_ms = now_ms;
        if entity.topic != topic {
            topic.clone_into(&mut entity.topic);
        }
    }
}

impl Rule {
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
