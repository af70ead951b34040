//! Single values as people corrected them: what they are called, what they measure and in which unit, and whether they are
//! shown on Home.

use hearth_model::json::Json;
use hearth_model::payload::binary_state;

use crate::arrangement::named;
use crate::class::Class;
use crate::device::{Device, Entity, EntityKind, Value};

/// Longest unit that is kept, in characters.
const UNIT_CHARACTERS: usize = 16;

/// What was said of one entity by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityCorrection {
    /// Its name; empty: its own.
    pub name: String,
    /// Its unit; `None`: what it says, or what we guess.
    pub unit: Option<String>,
    /// What it measures or says; `None`: as above.
    pub class: Option<Class>,
    /// It is not shown on Home and counts for nothing there.
    pub hidden: bool,
}

/// What an entity is without what people said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnEntity {
    /// As in [`Entity::name`].
    pub name: String,
    /// As in [`Entity::unit`].
    pub unit: String,
    /// As in [`Entity::class`].
    pub class: Class,
    unit_is_guess: bool,
    kind: EntityKind,
    diagnostic: bool,
}

/// A unit as it is kept.
#[must_use]
pub fn unit_of(typed: &str) -> String {
    typed.trim().chars().take(UNIT_CHARACTERS).collect()
}

impl EntityCorrection {
    pub(crate) fn read(said: &Json) -> Self {
        let text = |name: &str| said.get(name).and_then(Json::text);
        Self {
            name: text("name").map(named).unwrap_or_default(),
            unit: text("unit").map(unit_of),
            class: text("class").and_then(Class::parse),
            hidden: said.get("hidden").and_then(Json::bool).unwrap_or_default(),
        }
    }

    pub(crate) fn written(&self) -> Json {
        let mut members = Vec::new();
        let mut add = |name: &str, value| members.push((name.to_owned(), value));
        if !self.name.is_empty() {
            add("name", Json::Text(self.name.clone()));
        }
        if let Some(unit) = &self.unit {
            add("unit", Json::Text(unit.clone()));
        }
        if let Some(class) = self.class {
            add("class", Json::Text(class.name().to_owned()));
        }
        if self.hidden {
            add("hidden", Json::Bool(true));
        }
        Json::Object(members)
    }
}

/// Lays corrections over the entities of a device; whether a value has to be read again because it means something else.
pub(crate) fn correct(device: &mut Device, said: &[(String, EntityCorrection)]) -> bool {
    let is_guessed = !device.is_announced;
    let mut means_other = false;
    for entity in &mut device.entities {
        let before = (entity.kind, entity.class);
        if let Some(own) = entity.own.take() {
            entity.name = own.name;
            entity.unit = own.unit;
            entity.class = own.class;
            entity.unit_is_guess = own.unit_is_guess;
            entity.kind = own.kind;
            entity.diagnostic = own.diagnostic;
        }
        entity.is_hidden = false;
        if let Some((_, said)) = said.iter().find(|(id, _)| *id == entity.id) {
            entity.own = Some(Box::new(OwnEntity {
                name: entity.name.clone(),
                unit: entity.unit.clone(),
                class: entity.class,
                unit_is_guess: entity.unit_is_guess,
                kind: entity.kind,
                diagnostic: entity.diagnostic,
            }));
            entity.take(said, is_guessed);
        }
        if before != (entity.kind, entity.class) {
            means_other = true;
            entity.value = entity.as_its_kind();
        }
    }
    means_other && is_guessed
}

impl Entity {
    fn take(&mut self, said: &EntityCorrection, is_guessed: bool) {
        self.is_hidden = said.hidden;
        if !said.name.is_empty() {
            self.name.clone_from(&said.name);
        }
        if let Some(class) = said.class.filter(|class| self.can_be(*class, is_guessed)) {
            self.class = class;
            self.diagnostic = class.is_diagnostic();
            self.unit_is_guess = false;
            if self.can_change_kind() {
                self.kind = if class.is_binary() {
                    EntityKind::Binary
                } else {
                    EntityKind::Number
                };
            }
        }
        if let Some(unit) = &said.unit {
            self.unit.clone_from(unit);
            self.unit_is_guess = false;
        }
    }

    fn can_change_kind(&self) -> bool {
        self.control.is_none() && matches!(self.kind, EntityKind::Number | EntityKind::Binary)
    }

    /// What people can say that it measures or says: of what announces itself, only what its values fit.
    #[must_use]
    pub fn can_be(&self, class: Class, is_guessed: bool) -> bool {
        let is_told = self.control.is_none() || self.kind == EntityKind::Number;
        match self.kind {
            EntityKind::Number if is_told => !class.is_binary() || (is_guessed && self.can_change_kind()),
            EntityKind::Binary if is_told => class.is_binary() || (is_guessed && self.can_change_kind()),
            _ => false,
        }
    }

    /// The value as far as it can be told in the entity's own terms until it comes again.
    fn as_its_kind(&self) -> Value {
        match (&self.value, self.kind) {
            (Value::Number(number), EntityKind::Binary) => Value::Binary((*number != 0.0) != self.inverted),
            (Value::Text(text), EntityKind::Binary) => {
                binary_state(text).map_or_else(|| self.value.clone(), |state| Value::Binary(state.on))
            }
            (value, _) => value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use hearth_model::store::Arrival;

    use super::*;
    use crate::{DeviceId, Devices};

    const TOPIC: &str = "cellar/tank/level";

    fn home() -> (Devices, DeviceId) {
        let mut devices = Devices::default();
        devices.apply(1_000, &Arrival::new(TOPIC, b"1"));
        devices.apply(1_000, &Arrival::new("cellar/tank/temperature", b"12.5"));
        let id = devices.iter().next().expect("a device").0;
        (devices, id)
    }

    fn correct(
        devices: &mut Devices,
        id: DeviceId,
        entity: &str,
        change: impl FnOnce(&mut EntityCorrection),
    ) {
        let mut all = devices.arrangement().clone();
        all.correct(&devices.marks(id), |said| said.correct_entity(entity, change));
        devices.set_arrangement(all);
    }

    fn shown(devices: &Devices, id: DeviceId, entity: &str) -> String {
        let entity = devices.device(id).and_then(|device| device.entity(entity));
        let entity = entity.expect("an entity");
        format!(
            "{} {} {} {} {}",
            entity.name,
            entity.kind.name(),
            entity.words(),
            entity.unit,
            entity.unit_is_guess
        )
    }

    #[test]
    fn a_guess_is_corrected_and_taken_back() {
        let (mut devices, id) = home();
        assert_eq!(
            shown(&devices, id, "temperature"),
            "Temperature number 12.5 °C true"
        );
        correct(&mut devices, id, "temperature", |said| {
            said.unit = Some("°F".into());
        });
        correct(&mut devices, id, "temperature", |said| said.name = "Oil".into());
        assert_eq!(shown(&devices, id, "temperature"), "Oil number 12.5 °F false");
        correct(&mut devices, id, "temperature", |said| {
            *said = EntityCorrection::default();
        });
        assert_eq!(
            shown(&devices, id, "temperature"),
            "Temperature number 12.5 °C true"
        );
        assert!(devices.arrangement().is_empty());
    }

    #[test]
    fn a_number_that_is_a_state_is_shown_as_one_also_when_it_comes_again() {
        let (mut devices, id) = home();
        assert_eq!(shown(&devices, id, "level"), "Level number 1  false");
        correct(&mut devices, id, "level", |said| said.class = Some(Class::Leak));
        assert_eq!(shown(&devices, id, "level"), "Level binary Wet  false");
        assert!(
            devices
                .attention(2_000)
                .iter()
                .any(|item| item.entity.as_deref() == Some("level"))
        );
        devices.apply(2_000, &Arrival::new(TOPIC, b"0"));
        assert_eq!(shown(&devices, id, "level"), "Level binary Dry  false");
        // What joins later does not undo it.
        devices.apply(3_000, &Arrival::new("cellar/tank/humidity", b"80"));
        assert_eq!(shown(&devices, id, "level"), "Level binary Dry  false");
        correct(&mut devices, id, "level", |said| said.class = None);
        assert_eq!(
            devices.take_wanted(),
            [TOPIC, "cellar/tank/temperature", "cellar/tank/humidity"]
                .map(str::to_owned)
                .into_iter()
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
        );
        devices.apply(4_000, &Arrival::new(TOPIC, b"3"));
        assert_eq!(shown(&devices, id, "level"), "Level number 3  false");
    }

    #[test]
    fn what_is_hidden_counts_for_nothing() {
        let (mut devices, id) = home();
        assert_eq!(devices.facts().inside, Some(12.5));
        correct(&mut devices, id, "temperature", |said| said.hidden = true);
        assert_eq!(devices.facts().inside, None);
    }

    #[test]
    fn of_what_is_announced_only_what_its_values_fit_is_taken() {
        let mut devices = Devices::default();
        let config = br#"{"unique_id":"a","name":"Level","state_topic":"a/b","unit_of_measurement":"l","device":{"identifiers":["a"],"name":"Tank"}}"#;
        devices.apply(1_000, &Arrival::new("homeassistant/sensor/a/config", config));
        devices.settle(1_000);
        devices.apply(2_000, &Arrival::new("a/b", b"7"));
        let id = devices.iter().next().expect("a device").0;
        correct(&mut devices, id, "a", |said| said.class = Some(Class::Leak));
        assert_eq!(shown(&devices, id, "a"), "Level number 7 l false");
        correct(&mut devices, id, "a", |said| {
            said.class = Some(Class::Water);
            said.unit = Some("m³".into());
        });
        assert_eq!(shown(&devices, id, "a"), "Level number 7 m³ false");
        // Announced again it is what people said.
        let again = String::from_utf8_lossy(config).replace("Level", "Fill level");
        devices.apply(
            3_000,
            &Arrival::new("homeassistant/sensor/a/config", again.as_bytes()),
        );
        devices.settle(3_000);
        assert_eq!(shown(&devices, id, "a"), "Fill level number 7 m³ false");
    }
}
