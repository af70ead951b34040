//! From a device to what a card shows.

use hearth_devices::{Class, Control, ControlKind, Device, DeviceId, Entity, EntityKind, Liveness, Value};
use hearth_model::store::Store;

use super::{attributes::attributes, topic::spark};
use crate::{
    engine::{
        home::{Home, PART},
        input::Now,
    },
    wire::{
        self, CodeView, ControlView, DeviceCard, DeviceView, EntityValue, EntityView, HandView, OwnView,
        PartView, SeriesName, Tone,
    },
};

/// Entities that a card of Home carries; the device's own page has all.
const CARD_ENTITIES: usize = 8;
/// Small charts per card.
const CARD_SPARKS: usize = 2;
/// Longest text value, in characters; Explorer shows all of it.
const TEXT_CHARACTERS: usize = 400;

/// The card of a device on Home.
pub(super) fn card(now: Now, home: &Home, store: &Store, id: DeviceId) -> Option<DeviceCard> {
    let device = shown(home, id)?;
    if home.devices().head(id) != id {
        return None;
    }
    let telling = entities(home, id)
        .filter(|(_, entity)| !entity.diagnostic && !entity.is_hidden)
        .take(CARD_ENTITIES)
        .collect();
    Some(card_with(now, home, store, (id, device), telling))
}

/// The entities of a device and of what was joined with it by hand.
fn entities(home: &Home, id: DeviceId) -> impl Iterator<Item = (DeviceId, &Entity)> {
    let joined = home.devices().joined(id).into_iter();
    let devices = joined.filter_map(|id| Some((id, home.devices().device(id)?)));
    devices.flat_map(|(id, device)| device.entities.iter().map(move |entity| (id, entity)))
}

/// A device, unless it is gone.
fn shown(home: &Home, id: DeviceId) -> Option<&Device> {
    home.devices()
        .device(id)
        .filter(|device| !device.entities.is_empty())
}

/// A device with all its entities. A first visit does not ask for it.
#[inline(never)]
pub(super) fn device(now: Now, home: &Home, store: &Store, id: DeviceId) -> Option<DeviceView> {
    let device = shown(home, id)?;
    let all = home.devices().joined(id);
    let joined = || all.iter().filter_map(|id| home.devices().device(*id));
    let mut topics: Vec<String> = Vec::new();
    for topic in joined().flat_map(|device| &device.topics) {
        if !topics.contains(topic) {
            topics.push(topic.clone());
        }
    }
    let (attributes, attributes_beyond) = attributes(home, store, &all);
    Some(DeviceView {
        attributes,
        attributes_beyond,
        card: card_with(now, home, store, (id, device), entities(home, id).collect()),
        room: device.room.clone().unwrap_or_default(),
        source: source(device),
        topics,
        usual_interval_ms: device.usual_interval_ms,
        details: details(device),
        configuration_url: device.details.configuration_url.clone(),
        series: entities(home, id)
            .filter_map(|(_, entity)| Some((entity.name.clone(), series_name(store, entity)?)))
            .collect(),
        hand: hand(home, id, device),
        own: entities(home, id)
            .map(|(of, entity)| own(home, of, entity))
            .collect(),
    })
}

/// What an entity is without what was said, and what it can be said to be.
fn own(home: &Home, of: DeviceId, entity: &Entity) -> OwnView {
    let own = entity.own.as_deref();
    let is_guessed = home
        .devices()
        .device(of)
        .is_some_and(|device| !device.is_announced);
    OwnView {
        name: own.map_or(&entity.name, |own| &own.name).clone(),
        unit: own.map_or(&entity.unit, |own| &own.unit).clone(),
        class: entity.class.name().to_owned(),
        number: entity.can_be(Class::Other, is_guessed),
        state: entity.can_be(Class::OnOff, is_guessed),
    }
}

/// How the device is arranged.
fn hand(home: &Home, id: DeviceId, device: &Device) -> HandView {
    let devices = home.devices();
    let said = devices.arrangement().correction(&devices.marks(id));
    let parts = devices.parts(id).into_iter();
    HandView {
        own_name: device.own.name.clone(),
        own_room: device.own.room.clone(),
        own_kind: device.own.kind.name().to_owned(),
        room: said.is_some_and(|said| said.room.is_some()),
        kind: device.kind_by_hand.is_some(),
        favourite: device.is_favourite,
        hidden: device.is_hidden,
        silent_after_s: said.map_or(0, |said| said.silent_after_s),
        put_off: device
            .put_off
            .iter()
            .filter_map(|(reason, until)| Some((wire::AttentionReason::parse(reason)?, *until)))
            .collect(),
        parts: parts
            .map(|part| PartView {
                key: part.key,
                name: part.name,
            })
            .collect(),
    }
}

/// The numbers of an entity, else its states, if there are samples.
fn series_name(store: &Store, entity: &Entity) -> Option<SeriesName> {
    let topic = store.topic(store.find(&entity.topic)?)?;
    let field = entity.field.as_deref().unwrap_or_default();
    let is_number = entity.kind == EntityKind::Number && topic.field(field, false).is_some();
    let is_state = !is_number && topic.field(field, true).is_some();
    (is_number || is_state).then(|| SeriesName {
        topic: entity.topic.clone(),
        field: field.to_owned(),
        is_state,
    })
}

fn source(device: &Device) -> String {
    if device.announced_by.len() < 2 {
        return device.source.name().to_owned();
    }
    let names: Vec<&str> = device.announced_by.iter().map(|source| source.name()).collect();
    names.join(", ")
}

fn details(device: &Device) -> Vec<(String, String)> {
    let details = &device.details;
    let via = device.via.clone().unwrap_or_default();
    let said = [
        ("Maker", &details.manufacturer),
        ("Model", &details.model),
        ("Software", &details.software),
        ("Hardware", &details.hardware),
        ("Serial number", &details.serial),
        ("Interview", &details.interview),
        ("Announced by", &details.origin),
        ("Reached through", &via),
    ];
    let said = said.into_iter().filter(|(_, text)| !text.is_empty());
    said.map(|(name, text)| (name.to_owned(), text.clone())).collect()
}

fn card_with(
    now: Now,
    home: &Home,
    store: &Store,
    (id, device): (DeviceId, &Device),
    entities: Vec<(DeviceId, &Entity)>,
) -> DeviceCard {
    let mut sparks_left = if entities.len() > CARD_ENTITIES {
        entities.len()
    } else {
        CARD_SPARKS
    };
    let entities = entities.into_iter().map(|(of, entity)| {
        let spark = (sparks_left > 0 && entity.kind == EntityKind::Number)
            .then(|| series_of(store, entity).and_then(|series| spark(series, now.wall_ms)))
            .flatten();
        sparks_left -= usize::from(spark.is_some());
        EntityView {
            id: entity_id(home, id, of, entity),
            name: entity.name.clone(),
            kind: entity.kind.name().to_owned(),
            value: value(now, entity),
            unit: entity.unit.clone(),
            guessed: entity.unit_is_guess,
            unavailable: entity.unavailable,
            unreadable: entity.unreadable,
            hidden: entity.is_hidden,
            by_hand: entity.own.is_some(),
            at: if entity.retained { 0 } else { entity.at_ms },
            topic: entity.topic.clone(),
            control: entity.control.as_ref().map(|control| ControlView {
                asks: device.asks(entity),
                ..control_view(control, home, of, &entity.id)
            }),
            spark,
        }
    });
    DeviceCard {
        id: device.id.clone(),
        name: device.name.clone(),
        kind: device.kind.name().to_owned(),
        liveness: liveness(device.liveness),
        last_heard: device.last_heard_ms.unwrap_or(0),
        tone: tone(device),
        entities: entities.collect(),
    }
}

/// What an entity is called on the card of `id`, so that its commands find the way.
fn entity_id(home: &Home, id: DeviceId, of: DeviceId, entity: &Entity) -> String {
    match home.devices().device(of).filter(|_| of != id) {
        Some(device) => format!("{}{PART}{}", device.id, entity.id),
        None => entity.id.clone(),
    }
}

pub(super) fn series_of<'a>(store: &'a Store, entity: &Entity) -> Option<&'a hearth_model::series::Series> {
    store
        .topic(store.find(&entity.topic)?)?
        .series(entity.field.as_deref().unwrap_or_default())
}

fn value(now: Now, entity: &Entity) -> EntityValue {
    match &entity.value {
        Value::Number(until) if entity.kind == EntityKind::Until && *until <= now.wall_ms as f64 => {
            EntityValue::Unknown
        }
        Value::Unknown if entity.is_waiting => EntityValue::Waiting,
        Value::Unknown => EntityValue::Unknown,
        Value::Number(number) => EntityValue::Number {
            value: *number,
            text: entity.words(),
        },
        Value::Binary(on) => EntityValue::Binary {
            on: *on,
            word: entity.words(),
            since: entity.since_ms,
        },
        Value::Text(text) => EntityValue::Text(text.chars().take(TEXT_CHARACTERS).collect()),
    }
}

fn control_view(control: &Control, home: &Home, device: DeviceId, entity: &str) -> ControlView {
    ControlView {
        kind: match &control.kind {
            ControlKind::Switch => wire::ControlKind::Switch,
            &ControlKind::Slider { min, max, step } => wire::ControlKind::Slider { min, max, step },
            &ControlKind::Stepper { min, max, step } => wire::ControlKind::Stepper { min, max, step },
            ControlKind::Cover => wire::ControlKind::Cover { position: false },
            ControlKind::Lock => wire::ControlKind::Lock,
            ControlKind::Select { options } => wire::ControlKind::Select {
                options: options.clone(),
            },
            ControlKind::Buttons { options } => wire::ControlKind::Buttons {
                options: options.clone(),
            },
            ControlKind::Button => wire::ControlKind::Button,
            ControlKind::Text { .. } => wire::ControlKind::Text,
            ControlKind::Color(_) => wire::ControlKind::Color,
        },
        guessed: control.is_guess,
        asks: control.asks,
        for_admins: control.for_admins,
        code: control.code.as_ref().map(|code| CodeView {
            is_number: code.is_number,
            free: code.free.clone(),
        }),
        state: home.control_state(device, entity),
        command_topic: control.topic().to_owned(),
    }
}

fn liveness(liveness: Liveness) -> wire::Liveness {
    match liveness {
        Liveness::Unknown => wire::Liveness::Unknown,
        Liveness::Online => wire::Liveness::Online,
        Liveness::Stale => wire::Liveness::Stale,
        Liveness::Offline => wire::Liveness::Offline,
        Liveness::Asleep => wire::Liveness::Asleep,
    }
}

/// The strongest of what the entities say.
fn tone(device: &Device) -> Tone {
    if matches!(device.liveness, Liveness::Stale | Liveness::Offline) {
        return Tone::Stale;
    }
    device
        .entities
        .iter()
        .filter(|entity| !entity.diagnostic && !entity.is_hidden)
        .map(entity_tone)
        .max_by_key(|tone| strength(*tone))
        .unwrap_or_default()
}

fn strength(tone: Tone) -> u8 {
    match tone {
        Tone::Plain => 0,
        Tone::Off => 1,
        Tone::Ok => 2,
        Tone::On => 3,
        Tone::Warn => 4,
        Tone::Stale | Tone::Crit => 5,
    }
}

fn entity_tone(entity: &Entity) -> Tone {
    match (entity.kind, entity.class, entity.is_on()) {
        (_, Class::Smoke | Class::CarbonMonoxide | Class::Leak | Class::Opening, Some(true)) => Tone::Crit,
        (_, Class::BatteryLow | Class::Problem | Class::Tamper, Some(true)) => Tone::Warn,
        (_, Class::Smoke | Class::CarbonMonoxide | Class::Leak | Class::Opening, Some(false)) => Tone::Ok,
        (EntityKind::Lock, _, Some(true)) => Tone::Warn,
        (EntityKind::Lock, _, Some(false)) => Tone::Ok,
        (EntityKind::Light | EntityKind::Switch, _, Some(true)) | (_, Class::Motion, Some(true)) => Tone::On,
        (EntityKind::Light | EntityKind::Switch, _, Some(false)) => Tone::Off,
        _ => Tone::Plain,
    }
}
