//! What people do with the home as a whole: arrange it, turn lights off together, and take that back.

use hearth_devices::{
    Arrangement, Class, Device, DeviceId, DeviceKind, Devices, EntityCorrection, EntityKind, Liveness, Room,
    named, unit_of,
};

use super::{
    super::{home::PART, input::Now},
    Engine,
};
use crate::wire::{Action, Arrange, Done, EntityChange, Outcome, Patch, Place};

/// Steps that can be taken back.
const STEPS: usize = 50;
/// Requests of the engine itself: far from those of the page, which begin at 1.
const OWN_REQUESTS: u32 = u32::MAX - 1_000_000;

/// How to take back what was done.
#[derive(Debug)]
pub(super) enum Undo {
    Arrangement(Box<Arrangement>),
    /// Ids of devices and of entities that were turned off.
    Lights(Vec<(String, String)>),
}

impl Engine {
    pub(super) fn arrange(&mut self, now: Now, change: Arrange) {
        let before = self.home.devices().arrangement().clone();
        let said = match change {
            Arrange::Undo => return self.take_back(now),
            Arrange::Restore(text) => return self.restore_arrangement(now, &text),
            change => {
                let mut arrangement = before.clone();
                match changed(now.wall_ms, self.home.devices(), &mut arrangement, change) {
                    Ok(said) => {
                        self.home.set_arrangement(now, &self.store, arrangement);
                        said
                    }
                    Err(why) => return self.tell(why, None),
                }
            }
        };
        if *self.home.devices().arrangement() == before {
            return;
        }
        self.remember(Undo::Arrangement(Box::new(before)));
        let kept = self.home.devices().arrangement().to_text();
        self.views.note_arranged();
        self.tell(said, Some(kept));
    }

    /// As it was kept, which is no step to take back.
    pub(super) fn restore_arrangement(&mut self, now: Now, text: &str) {
        // Another page arranged it: what was before here is not what was before there.
        self.undo.retain(|undo| matches!(undo, Undo::Lights(_)));
        self.home
            .set_arrangement(now, &self.store, Arrangement::read(text));
        self.views.note_arranged();
    }

    fn take_back(&mut self, now: Now) {
        match self.undo.pop() {
            Some(Undo::Arrangement(before)) => {
                self.home.set_arrangement(now, &self.store, *before);
                let kept = self.home.devices().arrangement().to_text();
                self.views.note_arranged();
                self.tell("Taken back.".to_owned(), Some(kept));
            }
            Some(Undo::Lights(lights)) => {
                let count = self.switch(now, &lights, true);
                self.tell(format!("{} on again.", lights_words(count)), None);
            }
            None => {}
        }
    }

    /// Turns off the lights of a room, or all.
    pub(super) fn lights_off(&mut self, now: Now, room: Option<&str>) {
        let devices = self.home.devices();
        let rooms = devices.rooms();
        let is_meant = |known: &&Room| room.is_none_or(|room| super::super::views::room_id(known) == room);
        let mut lights: Vec<(String, String)> = Vec::new();
        let mut place = String::new();
        for of in rooms.iter().filter(is_meant) {
            lights.extend(
                lights_on(devices, &of.devices)
                    .filter_map(|(id, entity)| Some((devices.device(id)?.id.clone(), entity.to_owned()))),
            );
            if let (Some(_), Some(name)) = (room, &of.name) {
                place = format!(" in {name}");
            }
        }
        let count = self.switch(now, &lights, false);
        if count > 0 {
            self.remember(Undo::Lights(lights));
        }
        self.tell(format!("{} turned off{place}.", lights_words(count)), None);
    }

    /// Asks lights to be on or off; how many could be asked.
    fn switch(&mut self, now: Now, lights: &[(String, String)], on: bool) -> usize {
        let mut asked = 0;
        for (device, entity) in lights {
            self.own_requests = self.own_requests.wrapping_add(1) % 1_000_000;
            let request = OWN_REQUESTS + self.own_requests;
            let outcome = self.control(now, request, (device, entity), Action::Turn(on));
            asked += usize::from(!matches!(outcome, Outcome::Failed(_)));
            self.home.note_outcome(request, &outcome);
        }
        asked
    }

    fn remember(&mut self, undo: Undo) {
        if self.undo.len() >= STEPS {
            self.undo.remove(0);
        }
        self.undo.push(undo);
    }

    fn tell(&mut self, said: String, kept: Option<String>) {
        let undo = !self.undo.is_empty();
        self.views.push_result(Patch::Done(Done { said, undo, kept }));
    }
}

fn lights_words(count: usize) -> String {
    format!("{count} {}", if count == 1 { "light" } else { "lights" })
}

/// The lights of these devices that are on and can be turned off.
pub(in crate::engine) fn lights_on<'a>(
    devices: &'a Devices,
    of: &'a [DeviceId],
) -> impl Iterator<Item = (DeviceId, &'a str)> {
    let joined = of.iter().flat_map(|id| devices.joined(*id));
    let there = joined.filter_map(|id| Some((id, devices.device(id)?)));
    let there = there.filter(|(_, device)| device.liveness != Liveness::Offline);
    there.flat_map(|(id, device)| {
        let on = device.entities.iter().filter(|entity| {
            entity.kind == EntityKind::Light
                && entity.is_on() == Some(true)
                && entity.control.as_ref().is_some_and(|control| !control.asks)
        });
        on.map(move |entity| (id, entity.id.as_str()))
    })
}

/// Rooms and devices to choose from.
pub(super) fn places(devices: &Devices) -> Patch {
    let named = |id: &DeviceId| {
        let device = devices.device(*id)?;
        Some((device.id.clone(), device.name.clone()))
    };
    let place = |room: Room| Place {
        devices: room.devices.iter().filter_map(named).collect(),
        room: room.name,
    };
    Patch::Places(devices.rooms().into_iter().map(place).collect())
}

/// Changes an arrangement; what was done, for people.
fn changed(now_ms: u64, devices: &Devices, all: &mut Arrangement, change: Arrange) -> Result<String, String> {
    let device = |address: &str| device(devices, address);
    let is_room = |name: &str| {
        devices
            .rooms()
            .iter()
            .any(|room| room.name.as_deref() == Some(name))
    };
    Ok(match change {
        Arrange::MakeRoom(typed) => {
            let name = room_name(&typed)?;
            if is_room(&name) {
                return Err(format!("There is a room {name} already."));
            }
            all.make_room(&name);
            format!("Room {name} made.")
        }
        Arrange::RenameRoom { from, to } => {
            let to = room_name(&to)?;
            all.rename_room(&from, &to);
            format!("{from} is called {to} now.")
        }
        Arrange::RemoveRoom(name) => {
            all.remove_room(&name);
            format!("Room {name} taken away.")
        }
        Arrange::Move {
            device: address,
            room,
        } => {
            let (marks, device) = device(&address)?;
            let room = room.map(|room| room_name(&room)).transpose()?;
            if let Some(new) = room.as_deref().filter(|room| !is_room(room)) {
                all.make_room(new);
            }
            move_to(all, &marks, device, room.as_ref());
            match room {
                Some(room) => format!("{} moved to {room}.", device.name),
                None => format!("{} is in no room now.", device.name),
            }
        }
        Arrange::Before {
            device: address,
            next,
        } => {
            let (marks, device) = device(&address)?;
            let next = next.map(|next| self::device(devices, &next)).transpose()?;
            let room = next.as_ref().map_or(&device.room, |(_, next)| &next.room).clone();
            if room != device.room {
                move_to(all, &marks, device, room.as_ref());
            }
            let of = devices.rooms().into_iter().find(|known| known.name == room);
            let others = of.map(|of| of.devices).unwrap_or_default().into_iter();
            let mut order: Vec<Vec<String>> = others.map(|id| devices.marks(id)).collect();
            order.retain(|known| *known != marks);
            let at = next.and_then(|(next, _)| order.iter().position(|known| *known == next));
            order.insert(at.unwrap_or(order.len()), marks);
            all.put_in_order(&order);
            format!("{} has another place now.", device.name)
        }
        Arrange::RoomBefore { room, next } => {
            let mut names: Vec<String> = devices.rooms().into_iter().filter_map(|room| room.name).collect();
            names.retain(|name| *name != room);
            let at = next.and_then(|next| names.iter().position(|name| *name == next));
            names.insert(at.unwrap_or(names.len()), room.clone());
            all.put_rooms_in_order(names);
            format!("{room} has another place now.")
        }
        Arrange::PutOff {
            device: address,
            reason,
            hours,
        } => {
            let (marks, device) = device(&address)?;
            let reason = reason.name().to_owned();
            all.correct(&marks, |said| {
                said.put_off
                    .retain(|(known, until)| *known != reason && *until > now_ms);
                if hours > 0 {
                    said.put_off.push((reason, now_ms + u64::from(hours) * 3_600_000));
                }
            });
            match hours {
                0 => format!("{} is shown again when it needs attention.", device.name),
                24 => format!("{}: reminded tomorrow.", device.name),
                hours => format!("{}: reminded in {hours} h.", device.name),
            }
        }
        Arrange::MoveBack(address) => {
            let (marks, device) = device(&address)?;
            all.correct(&marks, |said| said.room = None);
            format!("{} is where it says.", device.name)
        }
        Arrange::Rename {
            device: address,
            name,
        } => {
            let (marks, device) = device(&address)?;
            let name = named(&name);
            let name = if name == device.own.name {
                String::new()
            } else {
                name
            };
            let shown = if name.is_empty() { &device.own.name } else { &name };
            let said = format!("{} is called {shown} now.", device.name);
            all.correct(&marks, |said| said.name = name);
            said
        }
        Arrange::Kind {
            device: address,
            kind,
        } => {
            let (marks, device) = device(&address)?;
            all.correct(&marks, |said| said.kind = DeviceKind::parse(&kind));
            format!("{} is something else now.", device.name)
        }
        Arrange::Hide {
            device: address,
            hidden,
        } => {
            let (marks, device) = device(&address)?;
            all.correct(&marks, |said| said.hidden = hidden);
            format!(
                "{} is {} now.",
                device.name,
                if hidden { "hidden" } else { "shown" }
            )
        }
        Arrange::Favourite {
            device: address,
            favourite,
        } => {
            let (marks, device) = device(&address)?;
            all.correct(&marks, |said| said.favourite = favourite);
            let is = if favourite { "a favourite" } else { "no favourite" };
            format!("{} is {is} now.", device.name)
        }
        Arrange::SilentAfter {
            device: address,
            seconds,
        } => {
            let (marks, device) = device(&address)?;
            all.correct(&marks, |said| said.silent_after_s = seconds);
            format!("{} is silent after another time now.", device.name)
        }
        Arrange::Entity {
            device: address,
            entity,
            change,
        } => {
            // Of a device that was joined by hand, the part says whose entity it is.
            let (address, entity) = entity.split_once(PART).unwrap_or((&address, &entity));
            let id = devices.find(address).ok_or_else(gone)?;
            let known = devices
                .device(id)
                .and_then(|device| device.entity(entity))
                .ok_or_else(gone)?;
            let said = match &change {
                EntityChange::Hidden(true) => format!("{} is hidden on Home now.", known.name),
                EntityChange::Hidden(false) => format!("{} is shown again.", known.name),
                EntityChange::Back => format!("{} is as before.", known.name),
                _ => format!("{} is corrected.", known.name),
            };
            let own_unit = known.own.as_ref().map_or(&known.unit, |own| &own.unit).clone();
            all.correct(&devices.marks(id), |device| {
                device.correct_entity(entity, |said| match change {
                    EntityChange::Name(name) => said.name = named(&name),
                    EntityChange::Unit(unit) => {
                        said.unit = Some(unit_of(&unit)).filter(|unit| *unit != own_unit);
                    }
                    EntityChange::Class(class) => said.class = Class::parse(&class),
                    EntityChange::Hidden(hidden) => said.hidden = hidden,
                    EntityChange::Back => *said = EntityCorrection::default(),
                });
            });
            said
        }
        Arrange::Join {
            device: address,
            with,
        } => {
            let ((marks, one), (others, other)) = (device(&address)?, device(&with)?);
            if one.id == other.id {
                return Err("A device cannot be joined with itself.".to_owned());
            }
            all.join(&marks, &others);
            format!("{} and {} are one device now.", one.name, other.name)
        }
        Arrange::Separate { device: address, key } => {
            let (_, device) = device(&address)?;
            if !all.unjoin(std::slice::from_ref(&key)) {
                all.separate(&key);
            }
            format!("{} is two devices now.", device.name)
        }
        Arrange::Undo | Arrange::Restore(_) => String::new(),
    })
}

/// A device with its marks.
fn device<'a>(devices: &'a Devices, address: &str) -> Result<(Vec<String>, &'a Device), String> {
    let id = devices.find(address).map(|id| devices.head(id));
    id.and_then(|id| Some((devices.marks(id), devices.device(id)?)))
        .ok_or_else(gone)
}

fn gone() -> String {
    "This device is not here any more.".to_owned()
}

fn move_to(all: &mut Arrangement, marks: &[String], device: &Device, room: Option<&String>) {
    let own = device.own.room.as_deref().and_then(|own| all.room_of(own));
    let is_own = own.as_ref() == room;
    all.correct(marks, |said| said.room = (!is_own).then(|| room.cloned()));
}

fn room_name(typed: &str) -> Result<String, String> {
    let name = named(typed);
    if name.is_empty() {
        return Err("A room needs a name.".to_owned());
    }
    Ok(name)
}
