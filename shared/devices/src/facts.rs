//! The whole home at a glance, and what needs attention.

use std::collections::{BTreeMap, BTreeSet};

use hearth_model::order::sort_by_key;

use crate::class::Class;
use crate::device::{Device, DeviceId, DeviceKind, EntityKind, Liveness};
use crate::entity::{is_garage, is_outdoors};
use crate::names::{is_one_of, is_outside, words_in};
use crate::registry::Devices;

/// Some of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Those that are open, unlocked, on.
    pub some: u32,
    /// All of the kind whose state is known.
    pub of: u32,
}

impl Share {
    fn count(&mut self, counts: bool) {
        self.of += 1;
        self.some += u32::from(counts);
    }
}

/// Facts about the whole home or one room. Stale and offline devices do not count into averages and sums.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    /// Mean of the temperatures inside, °C.
    pub inside: Option<f64>,
    /// Mean of the temperatures outside, °C.
    pub outside: Option<f64>,
    /// Doors and windows that are open.
    pub openings: Share,
    /// Locks that are unlocked.
    pub locks: Share,
    /// Power drawn now, W: of the meter if there is one, else the sum of what is measured.
    pub power: Option<f64>,
    /// Lights that are on.
    pub lights: Share,
}

/// Why something needs attention, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Smoke, gas, water, and what devices call a problem.
    Alert,
    /// A door or window stands open.
    Open,
    /// The device is offline.
    Unavailable,
    /// The device is silent for much longer than usual.
    Silent,
    /// The battery is low.
    Battery,
}

impl Reason {
    /// `alert`, `open`, `unavailable`, `silent`, `battery`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Open => "open",
            Self::Unavailable => "unavailable",
            Self::Silent => "silent",
            Self::Battery => "battery",
        }
    }
}

/// Something that needs attention.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// Why.
    pub reason: Reason,
    /// Which device.
    pub device: DeviceId,
    /// Which entity; `None` when it is the device as a whole.
    pub entity: Option<String>,
    /// Since when, ms since epoch; 0 when that is not known.
    pub since_ms: u64,
    /// Charge of the battery in %, when that is the reason and it is known.
    pub battery: Option<f64>,
    /// The usual time between messages in ms, when silence is the reason.
    pub usual_interval_ms: Option<u64>,
    /// The topic of the bridge that says that it is gone, and how many devices are gone with it.
    pub bridge: Option<(String, usize)>,
}

impl Devices {
    /// Facts about the whole home.
    #[must_use]
    pub fn facts(&self) -> Facts {
        facts(self.iter().map(|(_, device)| device))
    }

    /// Facts about one room; `None` are the devices without one.
    #[must_use]
    pub fn room_facts(&self, room: Option<&str>) -> Facts {
        facts(
            self.iter()
                .map(|(_, device)| device)
                .filter(|device| device.room.as_deref() == room),
        )
    }

    /// Facts about these devices, such as those of a room.
    #[must_use]
    pub fn facts_of(&self, devices: &[DeviceId]) -> Facts {
        facts(devices.iter().filter_map(|id| self.device(*id)))
    }

    /// What needs attention, most urgent first.
    #[must_use]
    pub fn attention(&self, now_ms: u64) -> Vec<Attention> {
        let bridges = self.gone_bridges();
        let mut items: Vec<Attention> = Vec::new();
        for (topic, behind) in &bridges {
            // The bridge stands for all that is behind it.
            let first = behind.iter().next().copied();
            let bridge = first
                .and_then(|id| self.reached_through(id))
                .filter(|id| self.is_shown(*id))
                .or(first);
            if let Some((id, device)) = bridge.and_then(|id| Some((id, self.device(id)?))) {
                items.push(Attention {
                    reason: Reason::Unavailable,
                    device: id,
                    entity: None,
                    since_ms: device.liveness_since_ms,
                    battery: None,
                    usual_interval_ms: None,
                    bridge: Some(((*topic).to_owned(), behind.len())),
                });
            }
        }
        let is_behind = |id: DeviceId| bridges.values().any(|behind| behind.contains(&id));
        for (id, device) in self.iter() {
            let item = |reason, entity: Option<&str>, since_ms| Attention {
                reason,
                device: id,
                entity: entity.map(str::to_owned),
                since_ms,
                battery: None,
                usual_interval_ms: None,
                bridge: None,
            };
            match device.liveness {
                Liveness::Offline if is_behind(id) => {}
                Liveness::Offline => {
                    // What the broker kept says nothing about since when.
                    let heard = device.last_heard_ms.map(|_| device.liveness_since_ms);
                    items.push(item(Reason::Unavailable, None, heard.unwrap_or_default()));
                }
                Liveness::Stale => items.push(Attention {
                    usual_interval_ms: device.usual_interval_ms,
                    ..item(
                        Reason::Silent,
                        None,
                        device.last_heard_ms.unwrap_or(device.liveness_since_ms),
                    )
                }),
                Liveness::Unknown | Liveness::Online | Liveness::Asleep => {}
            }
            for entity in device.entities.iter().filter(|entity| !entity.is_hidden) {
                let open_for = now_ms.saturating_sub(entity.since_ms);
                let entity_item = |reason| item(reason, Some(&entity.id), entity.since_ms);
                match (entity.class, entity.is_on()) {
                    (Class::Smoke | Class::CarbonMonoxide | Class::Leak, Some(true)) => {
                        items.push(entity_item(Reason::Alert));
                    }
                    // Gas, heat, and what a device calls a problem of its own.
                    (Class::Problem, Some(true)) if !entity.diagnostic => {
                        items.push(entity_item(Reason::Alert));
                    }
                    (Class::Cover, Some(true))
                        if device.kind == DeviceKind::Garage
                            && open_for >= self.options().open_attention_ms =>
                    {
                        items.push(entity_item(Reason::Open));
                    }
                    (Class::Opening, Some(true)) if open_for >= self.options().open_attention_ms => {
                        items.push(entity_item(Reason::Open));
                    }
                    (Class::BatteryLow, Some(true)) if device.of_class(Class::Battery).is_none() => {
                        items.push(entity_item(Reason::Battery));
                    }
                    (Class::Battery, None) => {
                        let low = entity
                            .number()
                            .filter(|charge| *charge <= self.options().battery_low_percent);
                        if low.is_some() && entity.unit == "%" {
                            items.push(Attention {
                                battery: low,
                                ..entity_item(Reason::Battery)
                            });
                        }
                    }
                    _ => {}
                }
            }
        }
        items.retain(|item| {
            let device = self.device(self.head(item.device));
            let put_off = device.map(|device| &*device.put_off).unwrap_or_default();
            !put_off
                .iter()
                .any(|(reason, until)| reason == item.reason.name() && now_ms < *until)
        });
        sort_by_key(&mut items, |item| (item.reason, item.since_ms, item.device));
        items
    }

    /// Topics that say of several devices that they are gone, with these devices.
    fn gone_bridges(&self) -> BTreeMap<&str, BTreeSet<DeviceId>> {
        let mut behind: BTreeMap<&str, BTreeSet<DeviceId>> = BTreeMap::new();
        for (id, _) in self
            .iter()
            .filter(|(_, device)| device.liveness == Liveness::Offline)
        {
            for topic in self.gone_by(id) {
                behind.entry(topic).or_default().insert(id);
            }
        }
        behind.retain(|_, devices| devices.len() > 1);
        behind
    }

    fn is_shown(&self, id: DeviceId) -> bool {
        self.device(id).is_some_and(|device| !device.entities.is_empty())
    }
}

fn facts<'a>(devices: impl Iterator<Item = &'a Device>) -> Facts {
    let mut facts = Facts::default();
    let (mut inside, mut outside) = (Mean::default(), Mean::default());
    let (mut drawn, mut metered) = (Mean::default(), Mean::default());
    for device in devices {
        let is_present = !matches!(device.liveness, Liveness::Offline | Liveness::Stale);
        for entity in device
            .entities
            .iter()
            .filter(|entity| !entity.diagnostic && !entity.is_hidden)
        {
            match (entity.kind, entity.class, entity.is_on()) {
                (EntityKind::Number, Class::Temperature, _) if is_present && is_air(device, &entity.id) => {
                    let celsius = entity.number().map(|number| to_celsius(number, &entity.unit));
                    if is_outdoors(device) || is_outside(&entity.id) {
                        outside.push(celsius);
                    } else if !device.room.as_deref().is_some_and(is_garage) {
                        // A garage is neither: nobody heats it.
                        inside.push(celsius);
                    }
                }
                (EntityKind::Number, Class::Power, _) if is_present => {
                    let factor = if entity.unit == "kW" { 1000.0 } else { 1.0 };
                    let watts = entity.number().map(|number| number * factor);
                    if is_meter(device, &entity.id) {
                        metered.push(watts);
                    } else {
                        drawn.push(watts);
                    }
                }
                (_, Class::Opening, Some(open)) => facts.openings.count(open),
                // A garage door that moves or has stopped half way is not closed.
                (EntityKind::Cover, Class::Cover, open) if device.kind == DeviceKind::Garage => {
                    facts.openings.count(open.unwrap_or(true));
                }
                (EntityKind::Lock, _, Some(unlocked)) => facts.locks.count(unlocked),
                (EntityKind::Light, _, Some(on)) => facts.lights.count(on && is_present),
                _ => {}
            }
        }
    }
    facts.inside = inside.mean();
    facts.outside = outside.mean();
    facts.power = metered.sum().or_else(|| drawn.sum());
    facts
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn push(&mut self, number: Option<f64>) {
        if let Some(number) = number {
            self.sum += number;
            self.count += 1;
        }
    }

    fn sum(self) -> Option<f64> {
        (self.count > 0).then_some(self.sum)
    }

    fn mean(self) -> Option<f64> {
        self.sum().map(|sum| sum / f64::from(self.count))
    }
}

fn to_celsius(number: f64, unit: &str) -> f64 {
    if unit == "°F" {
        (number - 32.0) / 1.8
    } else {
        number
    }
}

/// What has one of these words in its names has a temperature that is not that of the air.
const NOT_AIR: &[&str] = &[
    "fridge",
    "refrigerator",
    "freezer",
    "kühlschrank",
    "gefrierschrank",
    "gefriertruhe",
    "tiefkühltruhe",
    "boiler",
    "water",
    "wasser",
    "heating",
    "heizung",
    "flow",
    "return",
    "cpu",
    "chip",
    "device",
    "pool",
    "oven",
    "floor",
    "냉장고",
    "냉동고",
];

/// What has one of these words in its names measures the whole home.
const METERS: &[&str] = &[
    "meter",
    "emeter",
    "smartmeter",
    "grid",
    "mains",
    "main",
    "zähler",
    "stromzähler",
    "shellyem",
    "shellyem3",
];

/// Whether a temperature is that of the air people are in, rather than of a fridge, a boiler or a chip.
fn is_air(device: &Device, entity: &str) -> bool {
    !is_called(device, entity, NOT_AIR)
}

/// Whether power is that of the whole home.
fn is_meter(device: &Device, entity: &str) -> bool {
    is_called(device, entity, METERS)
}

/// Whether an entity, or its device, has one of these words in its names.
fn is_called(device: &Device, entity: &str, small: &[&str]) -> bool {
    let own = device.key.rsplit('/').next().unwrap_or_default();
    let mut names = [own, device.name.as_str(), entity].into_iter();
    names.any(|name| words_in(name).any(|word| is_one_of(word, small)))
}

#[cfg(test)]
mod tests {
    use hearth_model::letters::lower;
    use hearth_model::store::Arrival;

    use super::*;
    use crate::{Arrangement, DeviceOptions};

    fn home(messages: &[(&str, &str)]) -> Devices {
        let mut devices = Devices::new(DeviceOptions::default());
        for (topic, payload) in messages {
            devices.apply(1_000, &Arrival::new(topic, payload.as_bytes()));
        }
        devices
    }

    fn arrange(devices: &mut Devices, change: impl FnOnce(&mut Arrangement)) {
        let mut arrangement = devices.arrangement().clone();
        change(&mut arrangement);
        devices.set_arrangement(arrangement);
    }

    /// People call a device so; empty: as it calls itself.
    fn call(devices: &mut Devices, key: &str, name: &str) {
        arrange(devices, |all| {
            all.correct(&[key.to_owned()], |said| name.clone_into(&mut said.name));
        });
    }

    fn air(devices: &Devices) -> (Option<f64>, Option<f64>) {
        let facts = devices.facts();
        (facts.inside, facts.outside)
    }

    #[test]
    fn whose_air_it_is_follows_rooms_and_names_as_they_are_now() {
        let mut devices = home(&[("home/bathroom/fan/temperature", "21.5")]);
        assert_eq!(air(&devices), (Some(21.5), None));
        arrange(&mut devices, |all| all.rename_room("Bathroom", "Garage 2"));
        assert_eq!(air(&devices), (None, None), "a garage is neither");
        arrange(&mut devices, |all| all.rename_room("Garage 2", "Back Yard"));
        assert_eq!(air(&devices), (None, Some(21.5)));
        arrange(&mut devices, |all| all.rename_room("Back Yard", "Den"));
        assert_eq!(air(&devices), (Some(21.5), None));
        call(&mut devices, "home/bathroom/fan", "KÜHLSCHRANK");
        assert_eq!(air(&devices), (None, None), "that of a fridge is not of the air");
        call(&mut devices, "home/bathroom/fan", "GartenThermometer");
        assert_eq!(air(&devices), (None, Some(21.5)));
        call(&mut devices, "home/bathroom/fan", "");
        assert_eq!(air(&devices), (Some(21.5), None));
        devices.apply(
            2_000,
            &Arrival::new("home/bathroom/fan/outdoor_temperature", b"5.5"),
        );
        assert_eq!(air(&devices), (Some(21.5), Some(5.5)), "of what is new, too");
    }

    #[test]
    fn power_is_that_of_the_meter_once_something_is_called_so() {
        let mut devices = home(&[("home/den/plug/power", "40"), ("home/den/box/power", "900")]);
        assert_eq!(devices.facts().power, Some(940.0));
        call(&mut devices, "home/den/box", "Stromzähler");
        assert_eq!(devices.facts().power, Some(900.0));
    }

    #[test]
    fn words_that_are_looked_for_are_small_and_alone() {
        for word in NOT_AIR.iter().chain(METERS) {
            assert_eq!(words_in(word).collect::<Vec<_>>(), [*word]);
            assert_eq!(lower(word), *word);
        }
    }
}
