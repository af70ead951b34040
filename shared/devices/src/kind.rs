//! What a device is, by what it tells and by its name.

use crate::class::{Class, words};
use crate::device::{Device, DeviceKind, EntityKind};
use crate::entity::{Thing, is_garage, thing_named};

pub(crate) fn kind_of_device(device: &Device) -> DeviceKind {
    // By its own words: another name does not make it another thing.
    let own = device.key.rsplit('/').next().unwrap_or_default();
    let thing = match thing_named(&format!("{own} {}", device.own.name)) {
        Some(Thing::Door | Thing::Gate) if device.own.room.as_deref().is_some_and(is_garage) => {
            Some(Thing::Garage)
        }
        Some(thing) => Some(thing),
        // What opens or flows is known by what its maker calls it, too.
        None => thing_named(&device.details.model)
            .filter(|thing| matches!(thing, Thing::Garage | Thing::Gate | Thing::Valve)),
    };
    let has_kind = |kind| device.entities.iter().any(|entity| entity.kind == kind);
    let has = |class| device.of_class(class).is_some();
    let opening = device.of_class(Class::Opening);
    let opening_named =
        |word: &str| opening.is_some_and(|entity| words(&entity.id).iter().any(|named| named == word));
    match thing {
        _ if has_kind(EntityKind::Alarm) => DeviceKind::Alarm,
        _ if has_kind(EntityKind::Lock) => DeviceKind::Lock,
        Some(Thing::Garage) if opening.is_some() || has_kind(EntityKind::Cover) => DeviceKind::Garage,
        Some(Thing::Gate) if has_kind(EntityKind::Cover) => DeviceKind::Garage,
        _ if has_kind(EntityKind::Cover) => DeviceKind::Cover,
        _ if has_kind(EntityKind::Light) => DeviceKind::Light,
        _ if has_kind(EntityKind::WaterHeater) => DeviceKind::WaterHeater,
        _ if has_kind(EntityKind::Humidifier) => DeviceKind::Humidifier,
        _ if has(Class::TargetTemperature) || has_kind(EntityKind::Climate) => DeviceKind::Thermostat,
        _ if has_kind(EntityKind::Vacuum) => DeviceKind::Vacuum,
        _ if has_kind(EntityKind::LawnMower) => DeviceKind::LawnMower,
        _ if has_kind(EntityKind::Fan) => DeviceKind::Fan,
        _ if has_kind(EntityKind::Valve) => DeviceKind::Valve,
        Some(Thing::Valve) if has_kind(EntityKind::Switch) => DeviceKind::Valve,
        _ if has_kind(EntityKind::Image) => DeviceKind::Camera,
        _ if has(Class::Smoke) || has(Class::CarbonMonoxide) => DeviceKind::Smoke,
        _ if has(Class::Leak) => DeviceKind::Leak,
        Some(Thing::Window) if opening.is_some() => DeviceKind::Window,
        _ if opening_named("window") => DeviceKind::Window,
        _ if opening.is_some() => DeviceKind::Door,
        _ if has(Class::Motion) => DeviceKind::Motion,
        _ if has_kind(EntityKind::Siren) => DeviceKind::Siren,
        _ if has_kind(EntityKind::Switch) && (has(Class::Power) || thing == Some(Thing::Plug)) => {
            DeviceKind::Plug
        }
        _ if has_kind(EntityKind::Switch) => DeviceKind::Switch,
        _ if has(Class::CarbonDioxide) || has(Class::ParticulateMatter) || has(Class::VolatileCompounds) => {
            DeviceKind::Air
        }
        _ if has(Class::Temperature) || has(Class::Humidity) => DeviceKind::Climate,
        _ if has(Class::Power) || has(Class::Energy) => DeviceKind::Energy,
        _ if is_pressed(device) => DeviceKind::Button,
        _ if device
            .entities
            .iter()
            .all(|entity| entity.kind == EntityKind::Text) =>
        {
            DeviceKind::Text
        }
        _ => DeviceKind::Sensor,
    }
}

/// Whether a device is for pressing: a remote has a battery and settings besides.
fn is_pressed(device: &Device) -> bool {
    let battery = |class| matches!(class, Class::Battery | Class::BatteryLow);
    let telling = || {
        let entities = device.entities.iter();
        entities.filter(move |entity| !entity.diagnostic && !battery(entity.class))
    };
    telling().next().is_some()
        && telling().all(|entity| {
            matches!(
                entity.kind,
                EntityKind::Button | EntityKind::Scene | EntityKind::Event
            )
        })
}
