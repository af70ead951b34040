//! The registry as people arranged it: corrections laid over what devices say of themselves.

use hearth_model::store::Arrival;

use crate::announced::Links;
use crate::arrangement::Arrangement;
use crate::correct::correct;
use crate::device::{Device, DeviceId, DeviceKind};
use crate::entity::Reading;
use crate::kind::kind_of_device;
use crate::names::{human, human_key};
use crate::place::Place;
use crate::registry::Devices;

/// What of a device can be made a device of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// For [`Arrangement::separate`], or a mark for [`Arrangement::unjoin`] when it was joined by hand.
    pub key: String,
    /// For people, not yet safe to show.
    pub name: String,
    /// It was joined by hand.
    pub is_joined: bool,
}

impl Device {
    /// What it is called and where it is are its own words.
    pub(crate) fn say_own(&mut self) {
        self.own.name.clone_from(&self.name);
        self.own.room.clone_from(&self.room);
    }

    /// What it is as far as we can tell; what people said goes before.
    pub(crate) fn keep_own(&mut self, kind: DeviceKind) {
        self.own.kind = kind;
        self.kind = self.kind_by_hand.unwrap_or(kind);
    }
}

impl Devices {
    /// What was arranged by hand.
    #[must_use]
    pub fn arrangement(&self) -> &Arrangement {
        &self.arrangement
    }

    /// Arranges everything anew. Then read [`Self::take_wanted`]: what guessed devices said may mean something else.
    pub fn set_arrangement(&mut self, arrangement: Arrangement) {
        if self.arrangement == arrangement {
            return;
        }
        let before = std::mem::replace(&mut self.arrangement, arrangement);
        let mut links = Links {
            together: self.arrangement.together().to_vec(),
            ..Links::default()
        };
        links.apart.extend(self.arrangement.apart().iter().cloned());
        self.set_links(links);
        self.joined = vec![Vec::new(); self.arrangement.together().len()];
        let ids = || (0..self.tracked.len()).map(DeviceId);
        for id in ids().collect::<Vec<_>>() {
            self.rearrange(id);
        }
        for key in changed(before.apart(), self.arrangement.apart()) {
            // The part itself, and the device that it is a part of.
            let above = key.rsplit_once('/').map(|(above, _)| above);
            for key in [Some(key.as_str()), above].into_iter().flatten() {
                if let Some(id) = self.by_key.get(key).copied() {
                    self.read_again(id);
                }
            }
        }
        self.structure += 1;
    }

    /// Lays over a device what people said of it.
    pub(crate) fn rearrange(&mut self, id: DeviceId) {
        let marks = self.marks(id);
        let Some(tracked) = self.tracked.get_mut(id.0) else {
            return;
        };
        let device = &mut tracked.device;
        let place = self.arrangement.place(&marks);
        let said = self.arrangement.correction(&marks).cloned().unwrap_or_default();
        let own = &device.own;
        device.name = if said.name.is_empty() {
            own.name.clone()
        } else {
            said.name
        };
        device.room = match said.room {
            Some(room) => room,
            None => own
                .room
                .as_deref()
                .and_then(|room| self.arrangement.room_of(room)),
        };
        device.is_hidden = said.hidden;
        device.is_favourite = said.favourite;
        device.put_off = said.put_off;
        device.place = place;
        device.silent_after_ms = u64::from(said.silent_after_s) * 1_000;
        let means_other = device.kind_by_hand != said.kind;
        device.kind_by_hand = said.kind;
        device.kind = said.kind.unwrap_or(device.own.kind);
        let is_guessed = !device.is_announced;
        if correct(device, &said.entities) {
            let topics = device.topics.clone();
            self.want(topics);
        }
        if let Some(tracked) = self.tracked.get_mut(id.0) {
            let kind = kind_of_device(&tracked.device);
            tracked.device.keep_own(kind);
        }
        self.changed.insert(id);
        self.rejoin(id, &marks);
        if means_other && is_guessed {
            self.read_again(id);
        }
    }

    fn rejoin(&mut self, id: DeviceId, marks: &[String]) {
        for joined in &mut self.joined {
            joined.retain(|known| *known != id);
        }
        let of = |set: &Vec<String>| set.iter().any(|mark| marks.contains(mark));
        let at = self.arrangement.together().iter().position(of);
        if let Some(joined) = at.and_then(|at| self.joined.get_mut(at))
            && !marks.is_empty()
        {
            joined.push(id);
        }
    }

    /// What a guessed device said is read anew.
    fn read_again(&mut self, id: DeviceId) {
        if let Some(tracked) = self.tracked.get_mut(id.0) {
            tracked.device.entities.clear();
            let topics = tracked.device.topics.clone();
            self.want(topics);
            self.structure += 1;
        }
    }

    /// What a device is known by: the first that is found in an arrangement counts.
    #[must_use]
    pub fn marks(&self, id: DeviceId) -> Vec<String> {
        let announcements = self.announcements(id);
        if announcements.is_empty() {
            let key = self.device(id).map(|device| device.key.clone());
            return key.into_iter().filter(|key| !key.is_empty()).collect();
        }
        let mut marks = Vec::new();
        for (key, identifiers) in announcements {
            if identifiers.is_empty() || self.arrangement.apart().contains(&key) {
                marks.push(key);
            } else {
                marks.extend(identifiers);
            }
        }
        marks
    }

    /// The device that this one is shown as: another one when they were joined by hand.
    #[must_use]
    pub fn head(&self, id: DeviceId) -> DeviceId {
        let joined = self.joined.iter().find(|joined| joined.contains(&id));
        let shown = |id: &&DeviceId| {
            self.device(**id)
                .is_some_and(|device| !device.entities.is_empty())
        };
        // What announces itself knows best what it is.
        let announced = |id: &&DeviceId| self.device(**id).is_some_and(|device| device.is_announced);
        let shown = || joined.into_iter().flatten().filter(shown);
        shown()
            .find(announced)
            .or_else(|| shown().next())
            .copied()
            .unwrap_or(id)
    }

    /// The devices that are shown as this one, itself first.
    #[must_use]
    pub fn joined(&self, id: DeviceId) -> Vec<DeviceId> {
        let mut all = vec![id];
        let joined = self
            .joined
            .iter()
            .find(|joined| joined.contains(&id))
            .into_iter()
            .flatten();
        all.extend(joined.copied().filter(|other| *other != id));
        all
    }

    /// What can be made devices of their own; empty when the device is one thing.
    #[must_use]
    pub fn parts(&self, id: DeviceId) -> Vec<Part> {
        let mut parts = Vec::new();
        for other in self.joined(id).into_iter().skip(1) {
            let name = self
                .device(other)
                .map(|device| device.name.clone())
                .unwrap_or_default();
            parts.extend(self.marks(other).into_iter().take(1).map(|key| Part {
                key,
                name: name.clone(),
                is_joined: true,
            }));
        }
        let Some(device) = self.device(id) else {
            return parts;
        };
        let mut own: Vec<Part> = self
            .announcements(id)
            .into_iter()
            .map(|(key, _)| Part {
                name: key.clone(),
                key,
                is_joined: false,
            })
            .collect();
        if !device.is_announced {
            for entity in &device.entities {
                let first = entity.id.split('.').next().unwrap_or_default();
                let key = format!("{}/{first}", device.key);
                if !own.iter().any(|part| part.key == key) {
                    own.push(Part {
                        key,
                        name: human_key(first),
                        is_joined: false,
                    });
                }
            }
        }
        if own.len() > 1 {
            parts.extend(own);
        }
        parts
    }

    /// Passes on what is a device of its own by hand, and returns the rest.
    pub(crate) fn apply_apart(
        &mut self,
        now_ms: u64,
        place: &Place,
        arrival: &Arrival<'_>,
        values: Vec<(Vec<String>, Option<String>, Reading)>,
    ) -> Vec<(Vec<String>, Option<String>, Reading)> {
        if self.arrangement.apart().is_empty() {
            return values;
        }
        let mut own = Vec::new();
        for value in values {
            match self.apart(place, &value.0) {
                Some(apart) => self.apply_values(now_ms, &apart, arrival, vec![value]),
                None => own.push(value),
            }
        }
        own
    }

    /// Whether it is shown as a device that is hidden.
    pub(crate) fn is_hidden(&self, id: DeviceId) -> bool {
        !self.joined.is_empty() && self.device(self.head(id)).is_some_and(|head| head.is_hidden)
    }

    /// The place of what is a device of its own although its topic says otherwise.
    fn apart(&self, place: &Place, path: &[String]) -> Option<Place> {
        let first = path.first()?;
        let key = format!("{}/{first}", place.key);
        self.arrangement.apart().contains(&key).then(|| Place {
            key,
            name: human(first),
            ..place.clone()
        })
    }
}

/// What is in one of two lists only.
fn changed(before: &[String], now: &[String]) -> Vec<String> {
    let of = |some: &[String], others: &[String]| -> Vec<String> {
        some.iter().filter(|key| !others.contains(key)).cloned().collect()
    };
    let mut changed = of(before, now);
    changed.extend(of(now, before));
    changed
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hearth_model::store::Arrival;

    use super::*;
    use crate::{Action, DeviceOptions};

    /// A registry, and the newest message of every topic, as the store has it.
    #[derive(Default)]
    struct Home {
        devices: Devices,
        newest: BTreeMap<String, String>,
    }

    impl Home {
        fn new(messages: &[(&str, &str)]) -> Self {
            let mut home = Self {
                devices: Devices::new(DeviceOptions::default()),
                newest: BTreeMap::new(),
            };
            for (topic, payload) in messages {
                home.newest.insert((*topic).to_owned(), (*payload).to_owned());
                home.devices
                    .apply(1_000, &Arrival::new(topic, payload.as_bytes()));
            }
            home.settle();
            home
        }

        fn settle(&mut self) {
            self.devices.settle(1_000);
            for topic in self.devices.take_wanted() {
                let payload = self.newest.get(&topic).cloned().unwrap_or_default();
                self.devices
                    .apply(1_000, &Arrival::new(&topic, payload.as_bytes()));
            }
        }

        fn arrange(&mut self, change: impl FnOnce(&mut Arrangement)) {
            let mut arrangement = self.devices.arrangement().clone();
            change(&mut arrangement);
            self.devices.set_arrangement(arrangement);
            self.settle();
        }

        fn id(&self, name: &str) -> DeviceId {
            let named = self.devices.all().find(|(_, device)| device.name == name);
            named
                .unwrap_or_else(|| panic!("{name} is not there: {:?}", self.shown()))
                .0
        }

        fn marks(&self, name: &str) -> Vec<String> {
            self.devices.marks(self.id(name))
        }

        /// `room: name (kind: entities), …` for each room.
        fn shown(&self) -> Vec<String> {
            let device = |id: &DeviceId| {
                let device = self
                    .devices
                    .device(*id)
                    .expect("a room names devices that are there");
                let joined = self.devices.joined(*id);
                let entities = joined
                    .iter()
                    .filter_map(|id| self.devices.device(*id))
                    .flat_map(|device| &device.entities);
                let entities: Vec<String> = entities
                    .map(|entity| format!("{} {}", entity.id, entity.words()))
                    .collect();
                format!(
                    "{} ({}: {})",
                    device.name,
                    device.kind.name(),
                    entities.join(", ")
                )
            };
            let rooms = self.devices.rooms();
            rooms
                .iter()
                .map(|room| {
                    let devices: Vec<String> = room.devices.iter().map(device).collect();
                    format!("{}: {}", room.name.as_deref().unwrap_or("-"), devices.join(", "))
                })
                .collect()
        }
    }

    const LAMP: (&str, &str) = ("home/kitchen/lamp/state", "ON");
    const FAN: (&str, &str) = ("home/bathroom/fan/temperature", "21.5");

    #[test]
    fn rooms_are_made_renamed_and_taken_away_and_devices_move() {
        let mut home = Home::new(&[LAMP, FAN]);
        let at_first = home.shown();
        assert_eq!(
            at_first,
            [
                "Kitchen: Lamp (light: state On)",
                "Bathroom: Fan (climate: temperature 21.5)"
            ]
        );
        home.arrange(|all| all.make_room("Attic"));
        assert_eq!(home.shown().last().map(String::as_str), Some("Attic: "));
        let lamp = home.marks("Lamp");
        home.arrange(|all| all.correct(&lamp, |said| said.room = Some(Some("Attic".into()))));
        assert_eq!(
            home.shown(),
            [
                "Bathroom: Fan (climate: temperature 21.5)",
                "Attic: Lamp (light: state On)"
            ]
        );
        home.arrange(|all| all.rename_room("Bathroom", "Spa"));
        assert_eq!(
            home.shown(),
            [
                "Attic: Lamp (light: state On)",
                "Spa: Fan (climate: temperature 21.5)"
            ]
        );
        home.arrange(|all| all.remove_room("Spa"));
        home.arrange(|all| all.correct(&lamp, |said| said.room = Some(None)));
        home.arrange(|all| all.remove_room("Attic"));
        assert_eq!(
            home.shown(),
            ["-: Fan (climate: temperature 21.5), Lamp (light: state On)"]
        );
        home.arrange(|all| *all = Arrangement::default());
        assert_eq!(home.shown(), at_first);
    }

    #[test]
    fn what_was_arranged_holds_for_devices_that_are_heard_later() {
        let mut home = Home::new(&[]);
        home.arrange(|all| {
            all.rename_room("Kitchen", "Küche");
            all.correct(&["home/kitchen/lamp".to_owned()], |said| {
                said.name = "Big one".into();
            });
        });
        let more = Home::new(&[LAMP]);
        home.newest = more.newest;
        home.devices
            .apply(1_000, &Arrival::new(LAMP.0, LAMP.1.as_bytes()));
        assert_eq!(home.shown(), ["Küche: Big one (light: state On)"]);
    }

    #[test]
    fn a_wrong_guess_is_corrected_with_what_can_be_done() {
        let mut home = Home::new(&[("home/cellar/thing/state", "0"), ("home/cellar/box/state", "ON")]);
        for (name, kind, expected) in [
            ("Thing", DeviceKind::Plug, "Thing (plug: state Off)"),
            ("Box", DeviceKind::Door, "Box (door: state Open)"),
            ("Box", DeviceKind::Motion, "Box (motion: state Motion)"),
            ("Box", DeviceKind::Light, "Box (light: state On)"),
        ] {
            let marks = home.marks(name);
            home.arrange(|all| all.correct(&marks, |said| said.kind = Some(kind)));
            assert!(
                home.shown().iter().any(|room| room.contains(expected)),
                "{expected}: {:?}",
                home.shown()
            );
        }
        let id = home.id("Box");
        let command = home.devices.command(id, "state", &Action::TurnOff).unwrap();
        assert_eq!(
            (&*command.topic, &*command.payload),
            ("home/cellar/box/set", b"OFF".as_slice())
        );
        home.arrange(|all| *all = Arrangement::default());
        assert_eq!(
            home.shown(),
            Home::new(&[("home/cellar/thing/state", "0"), ("home/cellar/box/state", "ON")]).shown()
        );
    }

    #[test]
    fn a_hidden_device_is_in_no_room_and_in_no_fact_but_can_be_found() {
        let mut home = Home::new(&[LAMP, FAN]);
        let lamp = home.marks("Lamp");
        home.arrange(|all| all.correct(&lamp, |said| said.hidden = true));
        assert_eq!(home.shown(), ["Bathroom: Fan (climate: temperature 21.5)"]);
        assert_eq!(home.devices.facts().lights.of, 0);
        assert!(home.devices.find("home-kitchen-lamp").is_some());
    }

    #[test]
    fn two_guessed_devices_that_are_one_are_shown_as_one_and_parted_again() {
        let mut home = Home::new(&[LAMP, FAN]);
        let at_first = home.shown();
        let (lamp, fan) = (home.marks("Lamp"), home.marks("Fan"));
        home.arrange(|all| all.join(&lamp, &fan));
        assert_eq!(
            home.shown(),
            ["Kitchen: Lamp (light: state On, temperature 21.5)"]
        );
        let parts = home.devices.parts(home.id("Lamp"));
        let joined: Vec<&str> = parts
            .iter()
            .filter(|part| part.is_joined)
            .map(|part| &*part.key)
            .collect();
        assert_eq!(joined, ["home/bathroom/fan"]);
        home.arrange(|all| assert!(all.unjoin(&fan)));
        assert_eq!(home.shown(), at_first);
    }

    #[test]
    fn one_guessed_device_that_is_two_is_taken_apart_and_put_together() {
        let both = ("esp", r#"{"lamp":{"state":"ON"},"fridge":{"temperature":4.5}}"#);
        let mut home = Home::new(&[both]);
        let at_first = home.shown();
        let part = home
            .devices
            .parts(home.id("Esp"))
            .into_iter()
            .find(|part| part.name == "Fridge");
        let key = part.map(|part| part.key).unwrap();
        home.arrange(|all| all.separate(&key));
        assert_eq!(
            home.shown(),
            ["-: Esp (light: lamp.state On), Fridge (climate: fridge.temperature 4.5)"]
        );
        let (esp, fridge) = (home.marks("Esp"), home.marks("Fridge"));
        home.arrange(|all| all.join(&esp, &fridge));
        assert_eq!(home.shown(), at_first);
    }

    #[test]
    fn announced_devices_are_joined_parted_and_corrected_by_any_identifier() {
        let announced = |object: &str, id: &str, name: &str| {
            let topic = format!("homeassistant/switch/{object}/config");
            let text = format!(
                r#"{{"unique_id":"{object}","name":"Socket","state_topic":"{object}/state","command_topic":"{object}/set",
                "device":{{"identifiers":["{id}","b-{id}"],"name":"{name}"}}}}"#
            );
            (topic, text)
        };
        let messages = [announced("x", "one", "One"), announced("y", "two", "Two")];
        let messages: Vec<(&str, &str)> = messages.iter().map(|(topic, text)| (&**topic, &**text)).collect();
        let mut home = Home::new(&messages);
        let at_first = home.shown();
        assert_eq!(
            home.devices.rooms().first().map(|room| room.devices.len()),
            Some(2),
            "{at_first:?}"
        );
        let (one, two) = (home.marks("One"), home.marks("Two"));
        home.arrange(|all| {
            all.correct(&one, |said| said.name = "Both".into());
            all.join(&one, &two);
        });
        let together = home.shown();
        assert_eq!(
            home.devices.rooms().first().map(|room| room.devices.len()),
            Some(1),
            "{together:?}"
        );
        assert!(together.iter().any(|room| room.contains("Both")), "{together:?}");
        let parts = home.devices.parts(home.id("Both"));
        assert_eq!(parts.len(), 2, "{parts:?}");
        home.arrange(|all| assert!(all.unjoin(&two)));
        home.arrange(|all| all.correct(&one, |said| said.name.clear()));
        assert_eq!(home.shown(), at_first);
    }
}
