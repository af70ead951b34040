//! From the announcements of one physical device to a device with entities, and to who reads which topic.

use hearth_model::letters::lower;
use hearth_model::order::{sort_by, sort_by_key};
use std::collections::{BTreeMap, HashMap, HashSet};

use hearth_model::format::Decimals;

use super::extract::Extract;
use super::live::is_filter;
use super::model::{AnnouncedEntity, Announcement, Availability, Part, Shows, StateRead};
use crate::class::Class;
use crate::command::{Answers, Control};
use crate::device::{Entity, EntityKind, Source, Value};
use crate::entity::name_of;
use crate::names::first_upper;

/// What is known of an announced device besides what is shown.
#[derive(Debug, Default)]
pub(crate) struct Bound {
    pub(crate) group: usize,
    /// One for each entity of the device, in the same order.
    pub(crate) entities: Vec<BoundEntity>,
    pub(crate) rules: Vec<Rule>,
    /// The topics that it reads.
    pub(crate) topics: Vec<String>,
    pub(crate) sleeps: bool,
    /// Entities beyond the cap.
    pub(crate) beyond: usize,
    pub(crate) presence: Option<Presence>,
}

/// How an entity is read.
#[derive(Debug)]
pub(crate) struct BoundEntity {
    pub(crate) key: String,
    pub(crate) thing: String,
    pub(crate) part: &'static str,
    pub(crate) reads: Vec<StateRead>,
    pub(crate) target: Option<StateRead>,
    pub(crate) shows: Shows,
    pub(crate) unwrap: Option<&'static str>,
    pub(crate) decimals: Option<u8>,
    pub(crate) expire_after_ms: Option<u64>,
    pub(crate) off_delay_ms: Option<u64>,
    pub(crate) attributes: Option<StateRead>,
    pub(crate) answers: Option<Answers>,
    /// Which rules say whether it is there.
    pub(crate) rules: Vec<usize>,
    /// When its topic was heard last, of those that match its filter.
    pub(crate) heard_at_ms: u64,
    pub(crate) expires_at_ms: Option<u64>,
    pub(crate) off_at_ms: Option<u64>,
    /// As its format knows it.
    pub(crate) presence: Option<Presence>,
    pub(crate) is_expired: bool,
}

/// Whether something is there, as it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Here,
    Asleep,
    Gone,
}

/// An availability, with what its topics have said.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) availability: Availability,
    pub(crate) said: Vec<Option<Presence>>,
    pub(crate) latest: Option<Presence>,
}

/// What a device was before its announcements changed.
pub(crate) struct Before {
    pub(crate) entities: Vec<Entity>,
    pub(crate) bound: Bound,
}

/// What announcements make of a device.
pub(crate) struct Made {
    pub(crate) entities: Vec<Entity>,
    pub(crate) bound: Bound,
    /// Topics to be read again, because somebody reads them who did not before.
    pub(crate) wanted: Vec<String>,
    /// `(topic, reason)` of what was left out.
    pub(crate) problems: Vec<(String, String)>,
}

/// Makes entities of announcements, most trusted first. Values of entities that are read as before are kept.
pub(crate) fn bind(
    announcements: &[&Announcement],
    device_name: &str,
    maximum_entities: usize,
    before: Before,
    now_ms: u64,
) -> Made {
    // Not collected: that sorts first, and brings a sort of its own (`hearth_model::order`).
    let mut known = BTreeMap::new();
    for (entity, bound) in before.entities.into_iter().zip(before.bound.entities) {
        known.insert(entity.id.clone(), (entity, bound));
    }
    let mut binder = Binder {
        before: known,
        rules_before: before.bound.rules,
        made: Vec::new(),
        rules: Vec::new(),
        ids: HashMap::new(),
        read: HashMap::new(),
        wanted: HashSet::new(),
        problems: Vec::new(),
        beyond: 0,
        maximum_entities,
        device_name,
        now_ms,
    };
    for announcement in announcements {
        for thing in &announcement.entities {
            binder.thing(announcement, thing);
        }
    }
    binder.finish(announcements)
}

struct Binder<'a> {
    before: BTreeMap<String, (Entity, BoundEntity)>,
    rules_before: Vec<Rule>,
    made: Vec<(Entity, BoundEntity)>,
    rules: Vec<Rule>,
    /// Ids in use, and by which format.
    ids: HashMap<(String, EntityKind), Source>,
    /// What is read already, and for which format.
    read: HashMap<(String, Extract), Source>,
    wanted: HashSet<String>,
    problems: Vec<(String, String)>,
    beyond: usize,
    maximum_entities: usize,
    device_name: &'a str,
    now_ms: u64,
}

impl Binder<'_> {
    fn thing(&mut self, announcement: &Announcement, thing: &AnnouncedEntity) {
        let kind = thing.parts.first().map(|part| part.kind).unwrap_or_default();
        match self.ids.insert((thing.id.clone(), kind), announcement.source) {
            Some(source) if source == announcement.source => {
                let reason = format!(
                    "the id {} is used twice for this device, the first one is shown",
                    thing.id
                );
                self.problems.push((announcement.topic.clone(), reason));
                return;
            }
            _ => {}
        }
        let rules: Vec<usize> = [&announcement.availability, &thing.availability]
            .into_iter()
            .flatten()
            .map(|availability| self.rule(availability))
            .collect();
        for part in &thing.parts {
            if self.is_said_elsewhere(announcement.source, part) {
                continue;
            }
            if self.made.len() >= self.maximum_entities {
                self.beyond += 1;
                continue;
            }
            let mut id = match part.id {
                "" => thing.id.clone(),
                part => format!("{}.{part}", thing.id),
            };
            while self.made.iter().any(|(entity, _)| entity.id == id) {
                id = format!("{id}-{}", part.kind.name());
            }
            self.part(announcement, thing, part, id, rules.clone());
        }
    }

    /// Whether another format reads the same value of the same topic for this device.
    fn is_said_elsewhere(&mut self, source: Source, part: &Part) -> bool {
        let Some(read) = part.reads.first() else {
            return false;
        };
        let place = (read.topic.clone(), read.extract.clone());
        *self.read.entry(place).or_insert(source) != source
    }

    fn rule(&mut self, availability: &Availability) -> usize {
        if let Some(at) = self
            .rules
            .iter()
            .position(|rule| rule.availability == *availability)
        {
            return at;
        }
        let known = self
            .rules_before
            .iter()
            .position(|rule| rule.availability == *availability);
        let rule = match known {
            Some(at) => self.rules_before.swap_remove(at),
            None => {
                self.wanted
                    .extend(availability.checks.iter().map(|check| check.topic.clone()));
                Rule {
                    availability: availability.clone(),
                    said: vec![None; availability.checks.len()],
                    latest: None,
                }
            }
        };
        self.rules.push(rule);
        self.rules.len() - 1
    }

    fn part(
        &mut self,
        announcement: &Announcement,
        thing: &AnnouncedEntity,
        part: &Part,
        id: String,
        rules: Vec<usize>,
    ) {
        let bound = BoundEntity {
            key: announcement.key.clone(),
            thing: thing.id.clone(),
            part: part.id,
            reads: part.reads.clone(),
            target: part.target.clone(),
            shows: part.shows.clone(),
            unwrap: part.unwrap,
            decimals: part.decimals,
            expire_after_ms: thing.expire_after_ms,
            off_delay_ms: part.off_delay_ms,
            answers: part.control.as_ref().and_then(|control| control.answers.clone()),
            attributes: thing.attributes.clone().filter(|_| part.id.is_empty()),
            rules,
            heard_at_ms: 0,
            expires_at_ms: None,
            off_at_ms: None,
            presence: announcement
                .presence
                .map(|is_here| if is_here { Presence::Here } else { Presence::Gone }),
            is_expired: false,
        };
        let entity = self.entity(thing, part, id);
        let known = self.before.remove(&entity.id);
        let known = known.filter(|(_, known)| known.reads == bound.reads && known.shows == bound.shows);
        let (mut entity, mut bound) = (entity, bound);
        match known {
            Some((old, known)) => {
                entity.value = old.value;
                (entity.at_ms, entity.since_ms) = (old.at_ms, old.since_ms);
                entity.retained = old.retained;
                (entity.answer, entity.target) = (old.answer, old.target);
                entity.silent &= old.silent;
                (entity.unavailable, entity.unreadable) = (old.unavailable, old.unreadable);
                entity.is_waiting = old.is_waiting;
                if part.decimals.is_none() {
                    entity.decimals = old.decimals;
                }
                (bound.expires_at_ms, bound.off_at_ms) = (known.expires_at_ms, known.off_at_ms);
                bound.is_expired = known.is_expired;
                if is_filter(&entity.topic) {
                    (entity.topic, bound.heard_at_ms) = (old.topic, known.heard_at_ms);
                }
            }
            None => {
                let topics = bound.reads.iter().chain(&bound.target);
                self.wanted.extend(topics.map(|read| read.topic.clone()));
            }
        }
        self.made.push((entity, bound));
    }

    fn entity(&self, thing: &AnnouncedEntity, part: &Part, id: String) -> Entity {
        let mut decimals = Decimals::new();
        pin_decimals(&mut decimals, part.decimals);
        let read = part.reads.first();
        let first_write = part.control.as_ref().and_then(|control| control.writes.first());
        let topic = read
            .map(|read| &read.topic)
            .or(first_write.map(|write| &write.topic));
        Entity {
            name: self.name(thing, part),
            id,
            kind: part.kind,
            class: part.class,
            value: Value::Unknown,
            unit: part.unit.clone(),
            unit_is_guess: false,
            // A setting or a voltage among the parts of something is of interest to the tinkerer only.
            diagnostic: thing.diagnostic || (!part.id.is_empty() && is_detail(part)),
            at_ms: 0,
            since_ms: self.now_ms,
            retained: false,
            topic: topic.cloned().unwrap_or_default(),
            field: read
                .and_then(|read| read.extract.field())
                .filter(|field| !field.is_empty()),
            control: part.control.as_ref().map(|control| Control {
                kind: control.kind.clone(),
                is_guess: false,
                asks: control.asks,
                writes: control.writes.clone(),
                scale: control.scale,
                offset: control.offset,
                whole: control.whole,
                code: control.code.clone(),
                answers: control.answers.clone(),
                for_admins: control.for_admins,
                together: control.together.clone(),
                rule: control.rule.clone(),
            }),
            unavailable: false,
            unreadable: false,
            is_waiting: false,
            silent: part.reads.is_empty(),
            is_hidden: false,
            own: None,
            answer: None,
            target: None,
            decimals,
            scale: 1.0,
            inverted: false,
            command_topic: String::new(),
            spelled: (String::new(), String::new()),
        }
    }

    fn name(&self, thing: &AnnouncedEntity, part: &Part) -> String {
        let name = thing.name.as_deref().unwrap_or_default().trim();
        // `Kitchen lamp power` of the device `Kitchen lamp` is its power.
        let rest = name.strip_prefix(self.device_name);
        let own = rest.map(|rest| first_upper(rest.trim_start_matches([' ', '-', '_'])));
        let own = own.as_deref().unwrap_or(name);
        match (own, part.label) {
            ("", "") if part.kind == EntityKind::Event => "Event".to_owned(),
            ("", "") => name_of(&[], part.class, part.kind),
            ("", label) => label.to_owned(),
            (own, "") => own.to_owned(),
            (own, label) => format!("{own} {}", lower(label)),
        }
    }

    fn finish(mut self, announcements: &[&Announcement]) -> Made {
        sort_by_key(&mut self.made, |(entity, _)| (entity.diagnostic, rank(entity)));
        let (entities, bound): (Vec<_>, Vec<_>) = self.made.into_iter().unzip();
        let mut topics: Vec<String> = bound
            .iter()
            .flat_map(|bound| {
                let is_other = |more: &&StateRead| bound.reads.iter().all(|read| read.topic != more.topic);
                let attributes = bound.attributes.iter().filter(is_other);
                bound.reads.iter().chain(&bound.target).chain(attributes)
            })
            .map(|read| &read.topic)
            .chain(
                bound
                    .iter()
                    .filter_map(|bound| bound.answers.as_ref())
                    .map(|answers| &answers.topic),
            )
            .chain(
                self.rules
                    .iter()
                    .flat_map(|rule| &rule.availability.checks)
                    .map(|check| &check.topic),
            )
            .cloned()
            .collect();
        sort_by(&mut topics, String::cmp);
        topics.dedup();
        let bound = Bound {
            entities: bound,
            rules: self.rules,
            topics,
            sleeps: announcements.iter().any(|announcement| announcement.sleeps),
            beyond: self.beyond,
            ..Bound::default()
        };
        Made {
            entities,
            bound,
            wanted: self.wanted.into_iter().collect(),
            problems: self.problems,
        }
    }
}

fn is_detail(part: &Part) -> bool {
    part.class.is_diagnostic() && part.class != Class::ColorTemperature && part.kind != EntityKind::Update
}

/// What can be switched stands before what is only told.
fn rank(entity: &Entity) -> u8 {
    use crate::device::EntityKind as Kind;
    match entity.kind {
        Kind::Alarm | Kind::Lock | Kind::Cover | Kind::Valve | Kind::Light | Kind::Switch => 1,
        Kind::Fan | Kind::Humidifier | Kind::Siren | Kind::Vacuum | Kind::LawnMower => 1,
        Kind::Climate | Kind::WaterHeater => 7,
        Kind::Color => 4,
        Kind::Select | Kind::Event | Kind::Tracker | Kind::Image => 8,
        Kind::Button | Kind::Scene => 10,
        Kind::Until => 2,
        Kind::Notify | Kind::Update => 15,
        Kind::Raw => 17,
        Kind::Number | Kind::Binary | Kind::Text => entity.class.rank(),
    }
}

/// Shows as many decimals as were announced.
pub(crate) fn pin_decimals(decimals: &mut Decimals, announced: Option<u8>) {
    if let Some(count) = announced {
        *decimals = Decimals::new();
        let zeros = "0.000".get(..2 + usize::from(count.min(3))).unwrap_or_default();
        decimals.push_text(zeros);
    }
}
