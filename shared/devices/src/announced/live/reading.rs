//! States of announced devices, read as they come: by whom a topic is read was found when the device was announced.

use std::collections::BTreeSet;

use hearth_model::store::Arrival;

use super::value::{is_ignored, is_same_word, raw, spelled, take_value, unwrap, value_of};
use super::{STATE_BYTES, What};
use crate::announced::bind::{Presence, Rule};
use crate::announced::extract::{Found, PayloadRead};
use crate::announced::group::Told;
use crate::announced::json::{Json, JsonLimits};
use crate::announced::model::{AvailabilityMode, Shows};
use crate::device::{DeviceId, Value};
use crate::registry::Devices;

impl Devices {
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
                What::Answer { entity } => self.read_answer(now_ms, arrival, reader.device, entity),
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
    pub(super) fn weigh_presence(&mut self, id: DeviceId) {
        let Some(bound) = self.announced.bound.get_mut(&id) else {
            return;
        };
        let Some(tracked) = self.tracked.get_mut(id.0) else {
            return;
        };
        let rules: Vec<Option<Presence>> = bound.rules.iter().map(Rule::presence).collect();
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
