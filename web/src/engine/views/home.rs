//! Home with its cards, and the page of one device.

use hearth_model::letters::lower;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
};

use hearth_devices::{DeviceId, Devices, EntityKind, Facts, Room, Share};
use hearth_model::{format::format_number, store::Store};
use hearth_mqtt::MonoTime;

use super::{attention, card, pace::Pace};
use crate::{
    engine::{core::lights_on, home::Home, input::Now},
    wire::{
        FAVOURITES, GlanceFact, HomeFacts, HomeView, NO_ROOM, Patch, RoomView, Tone, Unreadable, WHOLE_HOME,
    },
};

/// A card changes four times a second at most.
const CARD_INTERVAL_MS: u64 = 250;
/// When more than so many change at once on the screen, nobody can follow them, and they are most of what a page under load has to
/// draw: they change less often.
const MANY_CARDS: [(usize, u64); 2] = [(12, 1_000), (6, 500)];
/// How often the cards beside the screen change when more than [`MANY`] change at once. On their way onto the screen they do at once.
const BESIDE_INTERVAL_MS: u64 = 5_000;
const MANY: usize = 16;
/// Facts about the home change once a second at most; a new room or card is there in half of that.
const HOME_INTERVAL_MS: u64 = 500;
/// Also without a message something becomes worth attention: a door that stands open for long.
const ATTENTION_INTERVAL_MS: u64 = 5_000;

/// What could not be read is named up to this often.
const UNREADABLE: usize = 20;
/// What one frame carries of cards, counted in cards and entities: a page makes as much in four milliseconds. A click that comes
/// meanwhile waits so long.
const CARDS_WEIGHT: usize = 24;
/// Cards that the page has change again and again: it takes fewer of them at once than of those that it still lacks.
const CHANGE_WEIGHT: usize = 2;
/// Rooms whose facts one frame carries.
const ROOM_FACTS: usize = 16;

/// Home as the page has it.
#[derive(Debug, Default)]
pub(super) struct HomeScreen {
    open: bool,
    pace: Pace,
    card_pace: Pace,
    look_at: MonoTime,
    /// It is time to tell how much came for devices beyond the limit: that rises with every message.
    counts: bool,
    /// [`Devices::structure`] of what was sent.
    structure: u64,
    changed: BTreeSet<DeviceId>,
    /// Those of them that are not on the screen, and when they are due.
    beside: BTreeSet<DeviceId>,
    beside_at: MonoTime,
    /// Cards that are due and did not fit into the frames so far.
    due: VecDeque<DeviceId>,
    /// The cards that the page has mounted, as it names them, and whether they are on the screen.
    watched: BTreeMap<String, bool>,
    /// The cards that the page has.
    made: BTreeSet<DeviceId>,
    sent: Option<HomeView>,
    /// The devices of each room of what was sent.
    inside: Vec<Vec<DeviceId>>,
    /// The room whose facts are looked at next, and how many are still to be looked at: what is different about them did not fit
    /// into the frames so far.
    next_room: usize,
    rooms_left: usize,
    /// In small letters.
    search: String,
}

impl HomeScreen {
    pub(super) fn open(&mut self, home: &Home) {
        self.open = true;
        self.show_again(home);
    }

    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    pub(super) fn forget(&mut self) {
        *self = Self {
            open: self.open,
            pace: Pace::due_at_once(),
            search: std::mem::take(&mut self.search),
            ..Self::default()
        };
    }

    pub(super) fn note_arranged(&mut self) {
        self.sent = None;
        self.pace = Pace::due_at_once();
        self.card_pace = Pace::due_at_once();
    }

    pub(super) fn search(&mut self, text: &str) {
        self.search = lower(text.trim());
        self.sent = None;
        self.pace = Pace::due_at_once();
    }

    pub(super) fn show_again(&mut self, home: &Home) {
        self.sent = None;
        // All are told of, and not only those on the screen.
        self.structure = 0;
        self.due.clear();
        // One by one: a set made of a list brings a sort along.
        for (id, _) in home.devices().iter() {
            self.changed.insert(id);
        }
        self.pace = Pace::due_at_once();
        // Without a card there is nothing to be shown, and nothing that the first one has to wait for.
        self.card_pace = if self.changed.is_empty() {
            Pace::default()
        } else {
            Pace::due_at_once()
        };
    }

    /// The page has these cards now, and shows those that are on the screen.
    pub(super) fn watch(&mut self, home: &Home, cards: Vec<(String, bool)>) {
        // One by one, as above.
        let mut watched = BTreeMap::new();
        watched.extend(cards);
        for (id, device) in home.devices().iter() {
            let now = watched.get(&device.id);
            let before = self.watched.get(&device.id);
            let is_new = now.is_some() && before.is_none();
            if is_new {
                // The page may have forgotten what it was told.
                self.made.remove(&id);
            }
            let is_back = now == Some(&true) && before != now && self.beside.remove(&id);
            if is_back || is_new {
                self.changed.insert(id);
            }
        }
        self.watched = watched;
        // Scrolling cannot wait for the next quarter of a second.
        self.card_pace = Pace::due_at_once();
    }

    pub(super) fn note_changes(&mut self, changed: &BTreeSet<DeviceId>) {
        if self.open && !changed.is_empty() {
            self.changed.extend(changed);
            self.pace.note_change();
            self.card_pace.note_change();
        }
    }

    /// Somebody asked a device for something, and waits to see it.
    pub(super) fn hurry(&mut self) {
        self.card_pace = Pace::due_at_once();
    }

    pub(super) fn poll_timeout(&self) -> Option<MonoTime> {
        let pending = [
            self.pace.poll_timeout(),
            self.card_pace.poll_timeout(),
            (!self.due.is_empty() || self.rooms_left > 0).then_some(MonoTime::ZERO),
            (!self.beside.is_empty()).then_some(self.beside_at),
            Some(self.look_at),
        ];
        pending.into_iter().flatten().min().filter(|_| self.open)
    }

    pub(super) fn patches(&mut self, now: Now, home: &Home, store: &Store, patches: &mut Vec<Patch>) {
        if !self.open {
            return;
        }
        // Cards first: the rooms that name them come after.
        self.cards(now, home, store, patches);
        if now.mono >= self.look_at {
            self.look_at = now.mono + ATTENTION_INTERVAL_MS;
            self.counts = true;
            self.pace.note_change();
        }
        let is_due = self.pace.take_due(now.mono, HOME_INTERVAL_MS);
        if is_due || self.rooms_left > 0 {
            patches.extend(self.rooms(now, home, store, is_due));
        }
    }

    fn cards(&mut self, now: Now, home: &Home, store: &Store, patches: &mut Vec<Patch>) {
        if self.card_pace.take_due(now.mono, CARD_INTERVAL_MS) {
            let is_whole = home.devices().iter().nth(WHOLE_HOME).is_none();
            let on_screen = |id: &DeviceId| {
                let device = home.devices().device(*id)?;
                let on_screen = self.watched.get(&device.id).copied();
                on_screen.or(is_whole.then_some(false))
            };
            // A home that is still becoming known is not kept waiting.
            let is_known = self.structure == home.devices().structure();
            let is_many = is_known && self.changed.len() > MANY;
            let mut seen = Vec::new();
            for id in std::mem::take(&mut self.changed) {
                match on_screen(&id) {
                    Some(true) => seen.push(id),
                    Some(false) if is_many && self.made.contains(&id) => {
                        if self.beside.is_empty() {
                            self.beside_at = now.mono + BESIDE_INTERVAL_MS;
                        }
                        self.beside.insert(id);
                    }
                    // What still waits is few: a few frames carry all that are shown.
                    Some(_) if !self.due.contains(&id) => self.due.push_back(id),
                    _ => {}
                }
            }
            let many = MANY_CARDS.iter().find(|(cards, _)| seen.len() > *cards);
            if let (true, Some((_, interval_ms))) = (is_known, many) {
                self.card_pace.rest(now.mono, *interval_ms);
            }
            // Who looks at them waits for no other.
            self.due.retain(|id| !seen.contains(id));
            for id in seen.into_iter().rev() {
                self.due.push_front(id);
            }
            if is_whole && !is_known {
                // A new card is of no use before its room knows it.
                self.pace = Pace::due_at_once();
            }
        }
        if now.mono >= self.beside_at {
            for id in std::mem::take(&mut self.beside) {
                if !self.due.contains(&id) {
                    self.due.push_back(id);
                }
            }
        }
        let mut weight = 0;
        while weight < CARDS_WEIGHT
            && let Some(id) = self.due.pop_front()
        {
            if let Some(card) = card::card(now, home, store, id) {
                let is_new = self.made.insert(id);
                weight += (2 + card.entities.len()) * if is_new { 1 } else { CHANGE_WEIGHT };
                patches.push(Patch::Card(Box::new(card)));
            }
        }
    }

    /// The rooms, or what is different about them.
    fn rooms(&mut self, now: Now, home: &Home, store: &Store, is_due: bool) -> Option<Patch> {
        let structure = home.devices().structure();
        if self.structure == structure && self.sent.is_some() {
            return self.facts(now, home, store, is_due).map(Patch::Facts);
        }
        self.structure = structure;
        // What did not fit so far is told with all the rest.
        (self.next_room, self.rooms_left) = (0, 0);
        let (view, inside) = home_view(&self.search, now, home, store);
        self.inside = inside;
        let is_new = self.sent.as_ref() != Some(&view);
        self.sent = Some(view.clone());
        is_new.then_some(Patch::Home(view))
    }

    /// What of the facts is different from what was sent: all but those of rooms only when they are due, and of rooms as much as
    /// fits into a frame.
    fn facts(&mut self, now: Now, home: &Home, store: &Store, is_due: bool) -> Option<HomeFacts> {
        if !is_due && self.rooms_left == 0 {
            return None;
        }
        let sent = self.sent.as_mut()?;
        let mut facts = if is_due {
            self.rooms_left = sent.rooms.len();
            home_facts(now, home, store)
        } else {
            HomeFacts {
                glance: sent.glance.clone(),
                attention: sent.attention.clone(),
                rooms: Vec::new(),
                beyond_limit: sent.beyond_limit,
                unreadable: sent.unreadable.clone(),
            }
        };
        if sent.beyond_limit > 0 && !(is_due && std::mem::take(&mut self.counts)) {
            facts.beyond_limit = sent.beyond_limit;
        }
        while self.rooms_left > 0 && facts.rooms.len() < ROOM_FACTS {
            self.rooms_left -= 1;
            // Round and round: all get their turn, however seldom the page paints.
            let place = self.next_room;
            self.next_room = (place + 1) % sent.rooms.len().max(1);
            let room = sent.rooms.get(place).zip(self.inside.get(place));
            let (Some((before, inside)), Ok(number)) = (room, u32::try_from(place)) else {
                continue;
            };
            let (said, lights) = facts_of(home.devices(), inside);
            if said != before.facts || lights != before.lights {
                facts.rooms.push((number, said, lights));
            }
        }
        let is_same = facts.rooms.is_empty()
            && facts.glance == sent.glance
            && facts.attention == sent.attention
            && facts.beyond_limit == sent.beyond_limit
            && facts.unreadable == sent.unreadable;
        if is_same {
            return None;
        }
        sent.take_facts(facts.clone());
        Some(facts)
    }
}

/// The page of one device.
#[derive(Debug, Default)]
pub(super) struct DeviceScreen {
    address: Option<String>,
    id: Option<DeviceId>,
    pace: Pace,
}

impl DeviceScreen {
    pub(super) fn open(&mut self, address: String) {
        *self = Self {
            address: Some(address),
            id: None,
            pace: Pace::due_at_once(),
        };
    }

    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    pub(super) fn forget(&mut self) {
        self.id = None;
        self.show_again();
    }

    pub(super) fn show_again(&mut self) {
        self.pace = Pace::due_at_once();
    }

    pub(super) fn note_changes(&mut self, changed: &BTreeSet<DeviceId>) {
        if self.id.map_or(!changed.is_empty(), |id| changed.contains(&id)) {
            self.pace.note_change();
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<MonoTime> {
        self.address.as_ref().and_then(|_| self.pace.poll_timeout())
    }

    pub(super) fn patch(&mut self, now: Now, home: &Home, store: &Store) -> Option<Patch> {
        let address = self.address.as_ref()?;
        if !self.pace.take_due(now.mono, CARD_INTERVAL_MS) {
            return None;
        }
        let devices = home.devices();
        self.id = devices.find(address).map(|id| devices.head(id));
        let device = self
            .id
            .and_then(|id| card::device(now, home, store, id))
            .map(Box::new);
        Some(Patch::Device {
            id: address.clone(),
            device,
        })
    }
}

/// All of Home, and the devices of each of its rooms.
fn home_view(search: &str, now: Now, home: &Home, store: &Store) -> (HomeView, Vec<Vec<DeviceId>>) {
    let devices = home.devices();
    let hidden = devices
        .all()
        .filter(|(id, device)| device.is_hidden && devices.head(*id) == *id);
    let (rooms, inside) = rooms(search, devices).into_iter().unzip();
    let mut view = HomeView {
        rooms,
        devices: u32::try_from(devices.iter().count()).unwrap_or(u32::MAX),
        hidden: hidden
            .map(|(_, device)| (device.id.clone(), device.name.clone()))
            .collect(),
        ..HomeView::default()
    };
    view.take_facts(home_facts(now, home, store));
    (view, inside)
}

/// What of Home changes all the time, without its rooms.
fn home_facts(now: Now, home: &Home, store: &Store) -> HomeFacts {
    let devices = home.devices();
    HomeFacts {
        glance: glance(&devices.facts()),
        attention: attention::items(now, home, store),
        rooms: Vec::new(),
        beyond_limit: devices.counters().devices_refused,
        unreadable: unreadable(devices),
    }
}

fn unreadable(devices: &Devices) -> Vec<Unreadable> {
    let newest = devices.problems().iter().rev().take(UNREADABLE);
    newest
        .map(|problem| Unreadable {
            topic: problem.topic.clone(),
            reason: problem.reason.clone(),
        })
        .collect()
}

/// The rooms, each with its devices.
fn rooms(search: &str, devices: &Devices) -> Vec<(RoomView, Vec<DeviceId>)> {
    let rooms = devices.rooms();
    let only_room = rooms.len() == 1;
    let mut shown: Vec<(RoomView, Vec<DeviceId>)> = Vec::new();
    let favourites: Vec<DeviceId> = rooms
        .iter()
        .flat_map(|room| &room.devices)
        .filter(|id| devices.device(**id).is_some_and(|device| device.is_favourite))
        .copied()
        .collect();
    if search.is_empty() && !favourites.is_empty() {
        let view = RoomView {
            id: FAVOURITES.to_owned(),
            name: "Favourites".to_owned(),
            devices: addresses(devices, &favourites),
            ..RoomView::default()
        };
        // Their facts are those of their rooms.
        shown.push((view, Vec::new()));
    }
    for mut room in rooms {
        let is_named = |room: &Room| lower(room.name.as_deref().unwrap_or_default()).contains(search);
        if !search.is_empty() && !is_named(&room) {
            room.devices.retain(|id| is_found(search, devices, *id));
            if room.devices.is_empty() {
                continue;
            }
        }
        let mut view = room_view(devices, &room, only_room);
        // Two names may have the same letters and digits.
        while shown.iter().any(|(known, _)| known.id == view.id) {
            view.id.push('-');
        }
        shown.push((view, room.devices));
    }
    shown
}

/// Whether a device has this in its name or in one of its topics.
fn is_found(search: &str, devices: &Devices, id: DeviceId) -> bool {
    let joined = devices.joined(id);
    let mut all = joined.iter().filter_map(|id| devices.device(*id));
    all.any(|device| {
        lower(&device.name).contains(search)
            || device.topics.iter().any(|topic| lower(topic).contains(search))
    })
}

fn addresses(devices: &Devices, of: &[DeviceId]) -> Rc<Vec<String>> {
    let address = |id: &DeviceId| devices.device(*id).map(|device| device.id.clone());
    Rc::new(of.iter().filter_map(address).collect())
}

/// [`RoomView::id`]
pub fn room_id(room: &Room) -> String {
    room.name.as_deref().map_or_else(|| NO_ROOM.to_owned(), slug)
}

fn room_view(devices: &Devices, room: &Room, only_room: bool) -> RoomView {
    let name = match &room.name {
        Some(name) => name.clone(),
        None if only_room => "Devices".to_owned(),
        None => "Other devices".to_owned(),
    };
    let (facts, lights) = facts_of(devices, &room.devices);
    RoomView {
        id: room_id(room),
        name,
        facts,
        lights,
        devices: addresses(devices, &room.devices),
    }
}

/// [`RoomView::facts`] and [`RoomView::lights`] of a room with these devices.
fn facts_of(devices: &Devices, room: &[DeviceId]) -> (Vec<String>, Option<u32>) {
    // With what was joined by hand.
    let whole: Vec<DeviceId> = room.iter().flat_map(|id| devices.joined(*id)).collect();
    let can_be_switched = whole
        .iter()
        .filter_map(|id| devices.device(*id))
        .flat_map(|device| &device.entities)
        .any(|entity| entity.kind == EntityKind::Light && entity.control.is_some());
    let on = || u32::try_from(lights_on(devices, room).count()).unwrap_or(u32::MAX);
    (room_facts(&devices.facts_of(&whole)), can_be_switched.then(on))
}

fn slug(name: &str) -> String {
    let dashed = name
        .chars()
        .map(|letter| if letter.is_alphanumeric() { letter } else { '-' });
    format!("room-{}", lower(&dashed.collect::<String>()))
}

fn room_facts(facts: &Facts) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(
        facts
            .inside
            .or(facts.outside)
            .map(|degrees| format!("{} °C", format_number(degrees, 1))),
    );
    words.extend(match facts.lights {
        Share { of: 0, .. } => None,
        Share { some: 0, of: 1 } => Some("Light off".to_owned()),
        Share { some: 0, .. } => Some("Lights off".to_owned()),
        Share { some: 1, of: 1 } => Some("Light on".to_owned()),
        Share { some, of } => Some(format!("{some} of {of} lights on")),
    });
    words.extend(match facts.openings {
        Share { of: 0, .. } => None,
        Share { some: 0, of: 1 } => Some("Closed".to_owned()),
        Share { some: 0, .. } => Some("All closed".to_owned()),
        Share { some, .. } => Some(format!("{some} open")),
    });
    words.extend(match facts.locks {
        Share { of: 0, .. } => None,
        Share { some: 0, .. } => Some("Locked".to_owned()),
        Share { .. } => Some("Unlocked".to_owned()),
    });
    words
}

fn glance(facts: &Facts) -> Vec<GlanceFact> {
    let degrees = |key: &str, number: Option<f64>| match number {
        Some(number) => fact(key, format_number(number, 1), "°C", Tone::Plain),
        None => unknown(key),
    };
    vec![
        degrees("inside", facts.inside),
        degrees("outside", facts.outside),
        share(
            "openings",
            facts.openings,
            "All closed",
            "open",
            (Tone::Ok, Tone::Crit),
        ),
        share(
            "locks",
            facts.locks,
            "All locked",
            "unlocked",
            (Tone::Ok, Tone::Warn),
        ),
        match facts.power {
            Some(watts) => fact("power", format_number(watts, 0), "W", Tone::Plain),
            None => unknown("power"),
        },
        share("lights", facts.lights, "All off", "on", (Tone::Off, Tone::On)),
    ]
}

fn share(
    key: &str,
    share: Share,
    none: &str,
    some: &str,
    (tone_none, tone_some): (Tone, Tone),
) -> GlanceFact {
    match share {
        Share { of: 0, .. } => unknown(key),
        Share { some: 0, .. } => fact(key, none.to_owned(), "", tone_none),
        Share { some: count, of } => fact(key, format!("{count} {some}"), &format!("of {of}"), tone_some),
    }
}

fn unknown(key: &str) -> GlanceFact {
    fact(key, "–".to_owned(), "", Tone::Plain)
}

fn fact(key: &str, value: String, unit: &str, tone: Tone) -> GlanceFact {
    GlanceFact {
        key: key.to_owned(),
        value,
        unit: unit.to_owned(),
        tone,
    }
}
