//! What people arranged by hand: rooms, names, what things are, what belongs together. Pure, and kept as a JSON text.

use hearth_model::json::{Json, JsonLimits};

use crate::correct::EntityCorrection;
use crate::device::DeviceKind;

/// Longest name that is kept, in characters.
const NAME_CHARACTERS: usize = 80;
/// Devices, rooms and links that are kept, of each; what is beyond is refused.
const MOST: usize = 2_000;
/// Reasons that are put off for one device.
const MOST_PUT_OFF: usize = 8;
/// Entities of one device that are corrected.
const MOST_ENTITIES: usize = 512;

/// What was said of a device by hand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Correction {
    /// Its name; empty: its own.
    pub name: String,
    /// Where it is: a room, or nowhere; `None`: where it says itself.
    pub room: Option<Option<String>>,
    /// What it is; `None`: what it says, or what we guess.
    pub kind: Option<DeviceKind>,
    /// It is not shown on Home.
    pub hidden: bool,
    /// It is shown first.
    pub favourite: bool,
    /// It is silent after so many seconds without a message; 0: by its own rhythm.
    pub silent_after_s: u32,
    /// Reasons for attention ([`crate::Reason::name`]) that are put off, and until when, ms since epoch.
    pub put_off: Vec<(String, u64)>,
    /// What was said of its entities, by their ids.
    pub entities: Vec<(String, EntityCorrection)>,
}

impl Correction {
    /// Changes what is said of an entity.
    pub fn correct_entity(&mut self, id: &str, change: impl FnOnce(&mut EntityCorrection)) {
        let at = match self.entities.iter().position(|(known, _)| known == id) {
            Some(at) => at,
            None if self.entities.len() < MOST_ENTITIES => {
                self.entities.push((id.to_owned(), EntityCorrection::default()));
                self.entities.len() - 1
            }
            None => return,
        };
        if let Some((_, said)) = self.entities.get_mut(at) {
            change(said);
            if *said == EntityCorrection::default() {
                self.entities.remove(at);
            }
        }
    }
}

/// Everything that was arranged by hand in one home. Devices are named by their marks ([`crate::Devices::marks`]), so
/// that they are found again whatever is heard first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrangement {
    rooms: Vec<String>,
    /// Rooms as devices name them, and as they are called here; empty: no room.
    renamed: Vec<(String, String)>,
    devices: Vec<(String, Correction)>,
    together: Vec<Vec<String>>,
    apart: Vec<String>,
    /// First marks of devices that were put in an order by hand.
    order: Vec<String>,
    /// Names of rooms that were, as they are called here.
    room_order: Vec<String>,
}

impl Arrangement {
    /// Whether nothing was arranged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Rooms made by hand, also while they are empty.
    #[must_use]
    pub fn rooms(&self) -> &[String] {
        &self.rooms
    }

    /// Sets of marks that stand for one device.
    #[must_use]
    pub fn together(&self) -> &[Vec<String>] {
        &self.together
    }

    /// Keys of what is a device of its own: announcements, or levels and members of guessed devices.
    #[must_use]
    pub fn apart(&self) -> &[String] {
        &self.apart
    }

    /// The place of a device in the order made by hand; devices that have none come after.
    #[must_use]
    pub fn place(&self, marks: &[String]) -> Option<usize> {
        self.order.iter().position(|known| marks.contains(known))
    }

    /// The place of a room in the order made by hand; rooms that have none come after.
    #[must_use]
    pub fn room_place(&self, name: &str) -> Option<usize> {
        self.room_order.iter().position(|known| known == name)
    }

    /// Puts devices, each with its marks, in this order. Others keep theirs, before them.
    pub fn put_in_order(&mut self, devices: &[Vec<String>]) {
        self.order
            .retain(|known| !devices.iter().any(|marks| marks.contains(known)));
        for mark in devices.iter().filter_map(|marks| marks.first()) {
            if self.order.len() < MOST {
                self.order.push(mark.clone());
            }
        }
    }

    /// Puts rooms in this order.
    pub fn put_rooms_in_order(&mut self, names: Vec<String>) {
        self.room_order = names;
        self.room_order.truncate(MOST);
    }

    /// What a room is called here that devices call so.
    #[must_use]
    pub fn room_of(&self, own: &str) -> Option<String> {
        match self.renamed.iter().find(|(from, _)| from == own) {
            Some((_, to)) => (!to.is_empty()).then(|| to.clone()),
            None => Some(own.to_owned()),
        }
    }

    /// What was said of the device with these marks.
    #[must_use]
    pub fn correction(&self, marks: &[String]) -> Option<&Correction> {
        let of = |mark: &String| self.devices.iter().find(|(known, _)| known == mark);
        marks.iter().find_map(of).map(|(_, correction)| correction)
    }

    /// Changes what is said of the device with these marks.
    pub fn correct(&mut self, marks: &[String], change: impl FnOnce(&mut Correction)) {
        let at = match self.devices.iter().position(|(known, _)| marks.contains(known)) {
            Some(at) => at,
            None => match marks.first() {
                Some(mark) if self.devices.len() < MOST => {
                    self.devices.push((mark.clone(), Correction::default()));
                    self.devices.len() - 1
                }
                _ => return,
            },
        };
        if let Some((_, correction)) = self.devices.get_mut(at) {
            change(correction);
            if *correction == Correction::default() {
                self.devices.remove(at);
            }
        }
    }

    /// Makes a room; one that is there already stays.
    pub fn make_room(&mut self, name: &str) {
        if !self.rooms.iter().any(|room| room == name) && self.rooms.len() < MOST {
            self.rooms.push(name.to_owned());
        }
    }

    /// Calls a room otherwise; one that is called so already takes it in.
    pub fn rename_room(&mut self, from: &str, to: &str) {
        for (_, name) in self.renamed.iter_mut().filter(|(_, name)| name == from) {
            to.clone_into(name);
        }
        for (_, correction) in &mut self.devices {
            if let Some(Some(room)) = correction
                .room
                .as_mut()
                .filter(|room| room.as_deref() == Some(from))
            {
                to.clone_into(room);
            }
        }
        match self.rooms.iter().position(|room| room == from) {
            Some(at) if self.rooms.iter().any(|room| room == to) => drop(self.rooms.remove(at)),
            Some(at) => self
                .rooms
                .get_mut(at)
                .into_iter()
                .for_each(|room| to.clone_into(room)),
            None => {}
        }
        for name in self.room_order.iter_mut().filter(|name| *name == from) {
            to.clone_into(name);
        }
        self.call(from, to);
    }

    /// Takes a room away: its devices are where they say themselves, or nowhere.
    pub fn remove_room(&mut self, name: &str) {
        self.rooms.retain(|room| room != name);
        self.room_order.retain(|room| room != name);
        for (_, called) in self.renamed.iter_mut().filter(|(_, called)| called == name) {
            called.clear();
        }
        for (_, correction) in &mut self.devices {
            if correction
                .room
                .as_ref()
                .is_some_and(|room| room.as_deref() == Some(name))
            {
                correction.room = None;
            }
        }
        self.devices
            .retain(|(_, correction)| *correction != Correction::default());
        self.call(name, "");
    }

    /// What devices call `own` is called so from now on.
    fn call(&mut self, own: &str, name: &str) {
        self.renamed.retain(|(from, _)| from != own);
        if own != name && self.renamed.len() < MOST {
            self.renamed.push((own.to_owned(), name.to_owned()));
        }
    }

    /// Makes the devices with these marks one.
    pub fn join(&mut self, one: &[String], other: &[String]) {
        let before = self.apart.len();
        self.apart
            .retain(|key| !one.contains(key) && !other.contains(key));
        if self.apart.len() < before {
            // They had been taken apart by hand: without that they are as they say.
            return;
        }
        let mut all: Vec<String> = Vec::new();
        let known = |set: &Vec<String>| set.iter().any(|mark| one.contains(mark) || other.contains(mark));
        let sets = self.together.iter().filter(|set| known(set)).flatten();
        for mark in one.iter().chain(sets).chain(other) {
            if !all.contains(mark) {
                all.push(mark.clone());
            }
        }
        self.together.retain(|set| !known(set));
        if self.together.len() < MOST {
            self.together.push(all);
        }
    }

    /// Takes the device with these marks out of what it was joined with by hand; whether it was.
    pub fn unjoin(&mut self, marks: &[String]) -> bool {
        let mut found = false;
        for set in &mut self.together {
            let before = set.len();
            set.retain(|mark| !marks.contains(mark));
            found |= set.len() < before;
        }
        self.together.retain(|set| set.len() > 1);
        found
    }

    /// Makes what has this key a device of its own.
    pub fn separate(&mut self, key: &str) {
        if !self.apart.iter().any(|known| known == key) && self.apart.len() < MOST {
            self.apart.push(key.to_owned());
        }
    }

    /// What [`Self::to_text`] wrote; what cannot be read is left out.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let kept = Json::parse(text.as_bytes(), JsonLimits::ANNOUNCEMENT).unwrap_or(Json::Null);
        let list = |name: &str| kept.get(name).map(Json::list).unwrap_or_default();
        let texts = |list: &[Json]| -> Vec<String> {
            let texts = list.iter().filter_map(Json::text).take(MOST);
            texts.map(str::to_owned).collect()
        };
        let pair = |pair: &Json| match pair.list() {
            [from, to] => Some((from.text()?.to_owned(), named(to.text()?))),
            _ => None,
        };
        let device = |(mark, said): &(String, Json)| (mark.clone(), correction(said));
        let devices = kept.get("devices").map(Json::members).unwrap_or_default();
        Self {
            rooms: texts(list("rooms"))
                .iter()
                .map(|name| named(name))
                .filter(|name| !name.is_empty())
                .collect(),
            renamed: list("renamed").iter().filter_map(pair).take(MOST).collect(),
            devices: devices.iter().map(device).take(MOST).collect(),
            together: list("together")
                .iter()
                .map(|set| texts(set.list()))
                .take(MOST)
                .collect(),
            apart: texts(list("apart")),
            order: texts(list("order")),
            room_order: texts(list("room_order")),
        }
    }

    /// For keeping; empty when nothing was arranged.
    #[must_use]
    pub fn to_text(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        let text = |text: &String| Json::Text(text.clone());
        let texts = |list: &[String]| Json::List(list.iter().map(text).collect());
        let pairs = self
            .renamed
            .iter()
            .map(|(from, to)| Json::List(vec![text(from), text(to)]));
        let devices = self
            .devices
            .iter()
            .map(|(mark, said)| (mark.clone(), written(said)));
        let members = [
            ("rooms", texts(&self.rooms)),
            ("renamed", Json::List(pairs.collect())),
            ("devices", Json::Object(devices.collect())),
            (
                "together",
                Json::List(self.together.iter().map(|set| texts(set)).collect()),
            ),
            ("apart", texts(&self.apart)),
            ("order", texts(&self.order)),
            ("room_order", texts(&self.room_order)),
        ];
        let named = |(name, value): (&str, Json)| (name.to_owned(), value);
        Json::Object(members.into_iter().map(named).collect()).to_json()
    }
}

/// A name as it is kept: without blanks around it, and not too long.
#[must_use]
pub fn named(typed: &str) -> String {
    typed.trim().chars().take(NAME_CHARACTERS).collect()
}

fn correction(said: &Json) -> Correction {
    let text = |name: &str| said.get(name).and_then(Json::text).map(named);
    let is = |name: &str| said.get(name).and_then(Json::bool).unwrap_or_default();
    Correction {
        name: text("name").unwrap_or_default(),
        room: text("room").map(|room| (!room.is_empty()).then_some(room)),
        kind: text("kind").and_then(|kind| DeviceKind::parse(&kind)),
        hidden: is("hidden"),
        favourite: is("favourite"),
        silent_after_s: said
            .get("silent_after_s")
            .and_then(Json::number)
            .unwrap_or_default() as u32,
        put_off: said
            .get("put_off")
            .map(Json::members)
            .unwrap_or_default()
            .iter()
            .filter_map(|(reason, until)| Some((reason.clone(), until.number()? as u64)))
            .take(MOST_PUT_OFF)
            .collect(),
        entities: said
            .get("entities")
            .map(Json::members)
            .unwrap_or_default()
            .iter()
            .map(|(id, said)| (id.clone(), EntityCorrection::read(said)))
            .take(MOST_ENTITIES)
            .collect(),
    }
}

fn written(said: &Correction) -> Json {
    let mut members = Vec::new();
    let mut add = |name: &str, value| members.push((name.to_owned(), value));
    if !said.name.is_empty() {
        add("name", Json::Text(said.name.clone()));
    }
    if let Some(room) = &said.room {
        add("room", Json::Text(room.clone().unwrap_or_default()));
    }
    if let Some(kind) = said.kind {
        add("kind", Json::Text(kind.name().to_owned()));
    }
    for (name, is) in [("hidden", said.hidden), ("favourite", said.favourite)] {
        if is {
            add(name, Json::Bool(true));
        }
    }
    if said.silent_after_s > 0 {
        members.push((
            "silent_after_s".to_owned(),
            Json::whole(u64::from(said.silent_after_s)),
        ));
    }
    if !said.put_off.is_empty() {
        let until = |(reason, until): &(String, u64)| (reason.clone(), Json::whole(*until));
        let all = said.put_off.iter().map(until).collect();
        members.push(("put_off".to_owned(), Json::Object(all)));
    }
    if !said.entities.is_empty() {
        let of = |(id, said): &(String, EntityCorrection)| (id.clone(), said.written());
        members.push((
            "entities".to_owned(),
            Json::Object(said.entities.iter().map(of).collect()),
        ));
    }
    Json::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(marks: &[&str]) -> Vec<String> {
        marks.iter().map(|mark| (*mark).to_owned()).collect()
    }

    fn whole() -> Arrangement {
        let mut all = Arrangement::default();
        all.make_room("Den \"x\"");
        all.rename_room("Kitchen", "Küche");
        all.remove_room("Flur");
        all.correct(&marks(&["mac:1", "f:2"]), |said| {
            said.name = "아이 방".into();
            said.room = Some(Some("Den \"x\"".into()));
            said.kind = Some(DeviceKind::Light);
            said.hidden = true;
        });
        all.correct(&marks(&["a/b"]), |said| {
            said.room = Some(None);
            said.favourite = true;
            said.silent_after_s = 90;
            said.put_off = vec![("battery".into(), 1_700_000_000_000)];
            said.correct_entity("value", |said| {
                said.name = "Öl".into();
                said.unit = Some("°F".into());
                said.class = Some(crate::Class::Temperature);
            });
            said.correct_entity("rssi", |said| said.hidden = true);
        });
        all.join(&marks(&["a/b"]), &marks(&["mac:1", "f:2"]));
        all.separate("a/c");
        all.put_in_order(&[marks(&["a/b"]), marks(&["mac:1", "f:2"])]);
        all.put_rooms_in_order(marks(&["Küche", "Den \"x\""]));
        all
    }

    #[test]
    fn what_is_kept_is_read_again() {
        assert_eq!(Arrangement::read(&whole().to_text()), whole());
        assert_eq!(Arrangement::default().to_text(), "");
        for nonsense in [
            "",
            "[]",
            "{\"devices\":[1],\"rooms\":{},\"renamed\":[[1]]}",
            "{\"rooms\":[1,\" \"]}",
        ] {
            assert_eq!(Arrangement::read(nonsense), Arrangement::default(), "{nonsense}");
        }
    }

    #[test]
    fn a_device_is_found_by_any_of_its_marks() {
        let all = whole();
        let name = |of: &[&str]| all.correction(&marks(of)).map(|said| said.name.clone());
        assert_eq!(name(&["new", "mac:1"]).as_deref(), Some("아이 방"));
        assert_eq!(name(&["new"]), None);
    }

    #[test]
    fn a_room_that_is_renamed_twice_has_its_last_name() {
        let mut all = whole();
        all.correct(&marks(&["x"]), |said| said.room = Some(Some("Küche".into())));
        all.rename_room("Küche", "Kochen");
        assert_eq!(all.room_of("Kitchen").as_deref(), Some("Kochen"));
        assert_eq!(all.room_of("Küche").as_deref(), Some("Kochen"));
        let moved = all.correction(&marks(&["x"])).and_then(|said| said.room.clone());
        assert_eq!(moved, Some(Some("Kochen".to_owned())));
        all.rename_room("Kochen", "Kitchen");
        assert_eq!(all.room_of("Kitchen").as_deref(), Some("Kitchen"));
    }

    #[test]
    fn devices_and_rooms_are_put_in_an_order_and_later_ones_come_after() {
        let mut all = whole();
        let place = |all: &Arrangement, mark: &str| all.place(&marks(&[mark]));
        assert_eq!((place(&all, "a/b"), place(&all, "mac:1")), (Some(0), Some(1)));
        assert_eq!(place(&all, "new"), None);
        all.put_in_order(&[marks(&["c"]), marks(&["a/b"])]);
        assert_eq!(
            [place(&all, "mac:1"), place(&all, "c"), place(&all, "a/b")],
            [Some(0), Some(1), Some(2)]
        );
        assert!(all.room_place("Küche") < all.room_place("Den \"x\""));
        all.rename_room("Küche", "Kochen");
        assert_eq!(all.room_place("Kochen"), Some(0));
        all.remove_room("Kochen");
        assert_eq!(
            (all.room_place("Kochen"), all.room_place("Den \"x\"")),
            (None, Some(0))
        );
    }

    #[test]
    fn devices_of_a_room_that_is_taken_away_are_where_they_say() {
        let mut all = whole();
        all.remove_room("Den \"x\"");
        let said = all
            .correction(&marks(&["mac:1"]))
            .and_then(|said| said.room.clone());
        assert_eq!((said, all.rooms().len()), (None, 0));
        assert_eq!(
            (all.room_of("Flur"), all.room_of("Bad").as_deref()),
            (None, Some("Bad"))
        );
    }

    #[test]
    fn what_was_joined_by_hand_is_parted_again() {
        let mut all = Arrangement::default();
        all.join(&marks(&["a"]), &marks(&["b"]));
        all.join(&marks(&["c"]), &marks(&["b"]));
        assert_eq!(all.together(), [marks(&["c", "a", "b"])]);
        assert!(all.unjoin(&marks(&["a"])) && !all.unjoin(&marks(&["a"])));
        assert!(all.unjoin(&marks(&["b"])));
        assert_eq!(all, Arrangement::default());
        all.separate("k/x");
        all.join(&marks(&["k"]), &marks(&["k/x"]));
        assert_eq!(all, Arrangement::default());
    }
}
