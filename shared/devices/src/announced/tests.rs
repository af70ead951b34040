//! Announced devices in the registry, whatever the format.

use std::collections::BTreeMap;

use hearth_model::store::Arrival;

use super::model::*;
use super::{Extract, Links, TemplateError, TemplateInput, Templates};
use crate::command::{ControlKind, Payload, Verb, Write};
use crate::{
    Action, Class, CommandError, DeviceId, DeviceOptions, Devices, EntityKind, Liveness, Source, Value,
};

/// A home with its broker's memory: what a page does.
#[derive(Default)]
struct Home {
    devices: Devices,
    store: BTreeMap<String, Vec<u8>>,
}

impl Home {
    fn say(&mut self, now_ms: u64, topic: &str, payload: &str) {
        self.store.insert(topic.to_owned(), payload.as_bytes().to_vec());
        self.devices
            .apply(now_ms, &Arrival::new(topic, payload.as_bytes()));
        self.settle(now_ms);
    }

    fn announce(&mut self, announcement: Announcement) {
        self.devices.announced.all_mut().set(announcement);
        self.settle(0);
    }

    fn settle(&mut self, now_ms: u64) {
        self.devices.settle(now_ms);
        for topic in self.devices.take_wanted() {
            if let Some(payload) = self.store.get(&topic) {
                self.devices.apply(now_ms, &Arrival::new(&topic, payload));
            }
        }
    }

    fn only(&self) -> DeviceId {
        let ids: Vec<_> = self.devices.iter().map(|(id, _)| id).collect();
        assert_eq!(
            ids.len(),
            1,
            "{:?}",
            self.devices
                .iter()
                .map(|(_, device)| &device.name)
                .collect::<Vec<_>>()
        );
        ids[0]
    }

    fn value(&self, entity: &str) -> Value {
        self.devices
            .device(self.only())
            .unwrap()
            .entity(entity)
            .unwrap()
            .value
            .clone()
    }

    fn command(&mut self, entity: &str, action: &Action) -> Result<(String, String), CommandError> {
        let id = self.only();
        let command = self.devices.command(id, entity, action)?;
        assert!(!command.is_guess);
        Ok((command.topic, String::from_utf8(command.payload).unwrap()))
    }
}

fn lamp() -> Announcement {
    let state = Part {
        kind: EntityKind::Light,
        class: Class::OnOff,
        shows: Shows::switch("ON", "OFF"),
        reads: vec![StateRead::new("lamp/Hall", Extract::path(["state"]))],
        control: Some(PartControl::new(
            ControlKind::Switch,
            vec![
                Write::new(
                    Verb::On,
                    "lamp/Hall/set",
                    Payload::Fixed(r#"{"state":"ON"}"#.into()),
                ),
                Write::new(
                    Verb::Off,
                    "lamp/Hall/set",
                    Payload::Fixed(r#"{"state":"OFF"}"#.into()),
                ),
            ],
        )),
        ..Part::default()
    };
    let slider = ControlKind::Slider {
        min: 0.0,
        max: 100.0,
        step: 1.0,
    };
    let brightness = Part {
        id: "brightness",
        label: "Brightness",
        kind: EntityKind::Number,
        class: Class::Brightness,
        unit: "%".into(),
        shows: Shows::Number {
            scale: 2.54,
            offset: 0.0,
        },
        reads: vec![StateRead::new("lamp/Hall", Extract::path(["brightness"]))],
        control: Some(
            PartControl::new(
                slider,
                vec![Write::new(
                    Verb::Set,
                    "lamp/Hall/set",
                    Payload::member("brightness"),
                )],
            )
            .scaled(2.54),
        ),
        ..Part::default()
    };
    Announcement {
        key: "x/lamp/config".into(),
        topic: "x/lamp/config".into(),
        source: Source::HomeAssistant,
        identifiers: vec!["ieee:00158d0001a2b3c4".into()],
        name: Some("Hall".into()),
        availability: Some(Availability {
            mode: AvailabilityMode::All,
            checks: vec![
                AvailabilityCheck::new("lamp/bridge/state", "online", "offline"),
                AvailabilityCheck::new("lamp/Hall/availability", "online", "offline"),
            ],
        }),
        entities: vec![AnnouncedEntity {
            id: "lamp".into(),
            parts: vec![state, brightness],
            ..AnnouncedEntity::default()
        }],
        ..Announcement::default()
    }
}

#[test]
fn an_empty_text_of_homie_5_is_one_byte_and_shown_as_nothing() {
    let mut devices = Devices::default();
    let description = br#"{"homie":"5.0","nodes":{"n":{"properties":{"note":{"datatype":"string"}}}}}"#;
    devices.apply(1_000, &Arrival::new("homie/5/d/$description", description));
    devices.settle(1_000);
    devices.apply(1_000, &Arrival::new("homie/5/d/n/note", b"\0"));
    let shown = devices
        .iter()
        .next()
        .and_then(|(_, device)| Some(device.entity("n.note")?.words()));
    assert_eq!(shown.as_deref(), Some(""));
}

#[test]
fn an_announced_lamp_is_read_and_told() {
    let mut home = Home::default();
    home.announce(lamp());
    assert_eq!(home.value("lamp"), Value::Unknown);
    home.say(1000, "lamp/Hall", r#"{"state":"ON","brightness":127}"#);
    assert_eq!(home.value("lamp"), Value::Binary(true));
    assert_eq!(home.value("lamp.brightness"), Value::Number(50.0));
    home.say(2000, "lamp/Hall", r#"{"state":"OFF"}"#);
    assert_eq!(
        home.value("lamp.brightness"),
        Value::Number(50.0),
        "a part that is not named stays"
    );
    assert_eq!(
        home.command("lamp", &Action::TurnOn),
        Ok(("lamp/Hall/set".into(), r#"{"state":"ON"}"#.into()))
    );
    assert_eq!(
        home.command("lamp.brightness", &Action::Set(50.0)),
        Ok(("lamp/Hall/set".into(), r#"{"brightness":127}"#.into()))
    );
    assert_eq!(
        home.command("lamp", &Action::Press),
        Err(CommandError::Impossible)
    );
}

#[test]
fn an_announcement_after_its_state_takes_the_place_of_the_guess() {
    let mut home = Home::default();
    home.say(1000, "lamp/Hall", r#"{"state":"ON","brightness":254}"#);
    let guessed = home.devices.device(home.only()).unwrap();
    assert!(!guessed.is_announced);
    home.announce(lamp());
    let device = home.devices.device(home.only()).unwrap();
    assert!(device.is_announced);
    assert_eq!(device.kind.name(), "light");
    assert_eq!(
        home.value("lamp.brightness"),
        Value::Number(100.0),
        "the state was read again"
    );
}

#[test]
fn a_removed_announcement_leaves_nothing() {
    let mut home = Home::default();
    home.announce(lamp());
    home.say(1000, "lamp/Hall", r#"{"state":"ON"}"#);
    home.devices.announced.all_mut().remove("x/lamp/config");
    home.settle(2000);
    assert_eq!(home.devices.iter().count(), 0);
    home.announce(lamp());
    assert_eq!(home.value("lamp"), Value::Binary(true));
}

#[test]
fn the_same_announcement_again_changes_nothing() {
    let mut home = Home::default();
    home.announce(lamp());
    home.say(1000, "lamp/Hall", r#"{"state":"ON"}"#);
    let structure = home.devices.structure();
    home.devices.take_changed();
    home.announce(lamp());
    assert_eq!(
        (home.devices.structure(), home.devices.take_changed()),
        (structure, vec![])
    );
}

#[test]
fn a_renamed_device_keeps_its_address_and_its_values() {
    let mut home = Home::default();
    home.announce(lamp());
    home.say(1000, "lamp/Hall", r#"{"state":"ON"}"#);
    let address = home.devices.device(home.only()).unwrap().id.clone();
    home.announce(Announcement {
        name: Some("Corridor".into()),
        ..lamp()
    });
    let device = home.devices.device(home.only()).unwrap();
    assert_eq!((&device.id, &*device.name), (&address, "Corridor"));
    assert_eq!(home.value("lamp"), Value::Binary(true));
}

#[test]
fn one_device_announced_twice_is_one_until_it_is_split_by_hand() {
    let mut home = Home::default();
    home.announce(lamp());
    let mut other = lamp();
    other.key = "y/lamp".into();
    other.source = Source::Zigbee2mqttBridge;
    other.name = Some("hall_lamp".into());
    let link = AnnouncedEntity {
        id: "link".into(),
        parts: vec![Part {
            kind: EntityKind::Number,
            class: Class::Signal,
            shows: Shows::number(),
            reads: vec![StateRead::new("lamp/Hall", Extract::path(["linkquality"]))],
            ..Part::default()
        }],
        ..AnnouncedEntity::default()
    };
    other.entities.push(link);
    home.announce(other);
    let device = home.devices.device(home.only()).unwrap();
    assert_eq!(device.entities.len(), 3, "what both say is shown once");
    assert_eq!(
        device.announced_by,
        [Source::Zigbee2mqttBridge, Source::HomeAssistant]
    );
    home.devices.set_links(Links {
        apart: ["y/lamp".to_owned()].into(),
        ..Links::default()
    });
    home.settle(1000);
    assert_eq!(home.devices.iter().count(), 2);
    home.devices.set_links(Links::default());
    home.settle(2000);
    home.only();
}

#[test]
fn availability_is_weighed_by_its_mode() {
    let mut home = Home::default();
    home.announce(lamp());
    let liveness = |home: &Home| home.devices.device(home.only()).unwrap().liveness;
    assert_eq!(liveness(&home), Liveness::Unknown);
    home.say(1000, "lamp/bridge/state", "online");
    assert_eq!(liveness(&home), Liveness::Unknown, "all must have said so");
    home.say(1000, "lamp/Hall/availability", "online");
    assert_eq!(liveness(&home), Liveness::Online);
    home.say(2000, "lamp/bridge/state", "offline");
    assert_eq!(liveness(&home), Liveness::Offline);
    let mut any = lamp();
    if let Some(availability) = &mut any.availability {
        availability.mode = AvailabilityMode::Any;
    }
    home.announce(any);
    assert_eq!(liveness(&home), Liveness::Online, "what was said is read again");
    let mut sleeper = lamp();
    sleeper.sleeps = true;
    home.announce(sleeper);
    assert_eq!(liveness(&home), Liveness::Asleep);
}

#[test]
fn values_expire_and_states_end_by_themselves() {
    let mut home = Home::default();
    let mut lamp = lamp();
    lamp.availability = None;
    if let Some(entity) = lamp.entities.first_mut() {
        entity.expire_after_ms = Some(60_000);
        entity.parts[0].off_delay_ms = Some(5_000);
    }
    home.announce(lamp);
    home.say(1000, "lamp/Hall", r#"{"state":"ON","brightness":254}"#);
    home.devices.tick(6_000);
    assert_eq!(home.value("lamp"), Value::Binary(false));
    let unavailable = |home: &Home| {
        home.devices
            .device(home.only())
            .unwrap()
            .entity("lamp.brightness")
            .unwrap()
            .unavailable
    };
    assert!(!unavailable(&home));
    home.devices.tick(61_000);
    assert!(unavailable(&home));
    home.say(70_000, "lamp/Hall", r#"{"brightness":254}"#);
    assert!(!unavailable(&home));
}

#[derive(Debug)]
struct Upper;

impl Templates for Upper {
    fn render(&mut self, source: &str, input: TemplateInput<'_>) -> Result<String, TemplateError> {
        match source {
            "{{ value|upper }}" => Ok(input.payload.unwrap_or_default().to_uppercase()),
            _ => Err(TemplateError::Unsupported("no such filter".into())),
        }
    }
}

#[test]
fn templates_wait_for_their_engine_and_a_bad_one_shows_the_payload() {
    let mut home = Home::default();
    let mut lamp = lamp();
    lamp.entities[0].parts[0].reads[0].extract = Extract::template("{{ value|upper }}");
    lamp.entities[0].parts[1].reads[0].extract = Extract::template("{{ value|frobnicate }}");
    home.announce(lamp);
    home.say(1000, "lamp/Hall", "on");
    assert!(home.devices.misses_templates());
    assert_eq!(
        home.value("lamp"),
        Value::Unknown,
        "what came is not what it means"
    );
    home.devices.miss_templates();
    home.settle(1500);
    assert_eq!(
        home.value("lamp"),
        Value::Text("on".into()),
        "as it came, rather than nothing for long"
    );
    home.devices.set_templates(Box::new(Upper));
    home.settle(2000);
    assert_eq!(home.value("lamp"), Value::Binary(true));
    assert_eq!(home.value("lamp.brightness"), Value::Text("on".into()));
    assert!(
        home.devices
            .device(home.only())
            .unwrap()
            .entity("lamp.brightness")
            .unwrap()
            .unreadable
    );
    let problem = home.devices.problems().iter().next().unwrap();
    assert_eq!(
        (&*problem.topic, &*problem.reason),
        ("lamp/Hall", "Brightness: no such filter; it is shown as it came")
    );
}

#[test]
fn entities_beyond_the_cap_are_counted_and_ids_used_twice_are_named() {
    let mut home = Home {
        devices: Devices::new(DeviceOptions {
            maximum_announced_entities: 100,
            ..DeviceOptions::default()
        }),
        ..Home::default()
    };
    let mut lamp = lamp();
    let thing = lamp.entities.remove(0);
    lamp.entities = (0..10_000)
        .map(|number| AnnouncedEntity {
            id: format!("e{}", number.max(1)),
            ..thing.clone()
        })
        .collect();
    home.announce(lamp);
    assert_eq!(home.devices.device(home.only()).unwrap().entities.len(), 100);
    assert_eq!(home.devices.counters().entities_refused, 2 * 9_999 - 100);
    let reasons: Vec<_> = home
        .devices
        .problems()
        .iter()
        .map(|problem| problem.reason.clone())
        .collect();
    assert_eq!(
        reasons,
        [
            "the id e1 is used twice for this device, the first one is shown",
            "the device has more than 100 entities, the others are left out"
        ]
    );
}

#[test]
fn a_device_that_is_reached_through_itself_is_named() {
    let mut home = Home::default();
    for (key, own, via) in [("a", "1", "2"), ("b", "2", "1")] {
        home.announce(Announcement {
            key: key.into(),
            topic: key.into(),
            identifiers: vec![own.into()],
            via: Some(via.into()),
            ..lamp()
        });
    }
    assert_eq!(home.devices.iter().count(), 2);
    let problem = home.devices.problems().iter().next().unwrap();
    assert_eq!(problem.reason, "it is reached through itself (via_device)");
}

#[test]
fn what_a_device_is_reached_through_is_called_as_it_is_now() {
    let mut home = Home::default();
    home.announce(Announcement {
        identifiers: vec!["lamp".into()],
        via: Some("hub".into()),
        ..lamp()
    });
    let id = home.only();
    let via = |home: &Home| home.devices.device(id).unwrap().via.clone();
    assert_eq!(via(&home), None);
    for name in ["Hub", "Cellar hub"] {
        home.devices.take_changed();
        home.announce(Announcement {
            key: "hub".into(),
            topic: "hub".into(),
            name: Some(name.into()),
            identifiers: vec!["hub".into()],
            availability: None,
            ..lamp()
        });
        assert_eq!(via(&home).as_deref(), Some(name));
        assert!(home.devices.take_changed().contains(&id));
    }
    home.devices.announced.all_mut().remove("hub");
    home.settle(1);
    assert_eq!(via(&home), None);
}

#[test]
fn a_bridge_that_is_gone_stands_for_what_is_behind_it() {
    let mut home = Home::default();
    for number in 0..5 {
        let mut lamp = lamp();
        lamp.key = format!("x/{number}");
        lamp.identifiers = vec![format!("x:{number}")];
        if let Some(availability) = &mut lamp.availability {
            availability.checks[1].topic = format!("lamp/{number}/availability");
        }
        home.announce(lamp);
    }
    for number in 0..5 {
        home.say(1000, &format!("lamp/{number}/availability"), "online");
    }
    home.say(1000, "lamp/bridge/state", "offline");
    let attention = home.devices.attention(2000);
    assert_eq!(attention.len(), 1, "{attention:?}");
    assert_eq!(attention[0].bridge, Some(("lamp/bridge/state".to_owned(), 5)));
    home.say(3000, "lamp/bridge/state", "online");
    home.say(3000, "lamp/3/availability", "offline");
    let attention = home.devices.attention(4000);
    assert_eq!((attention.len(), &attention[0].bridge), (1, &None));
}

#[test]
fn announcements_wait_for_what_reads_them_and_are_read_in_their_order() {
    let mut devices = Devices::new(DeviceOptions::default());
    devices.hold_announcements();
    let topics = ["homeassistant/switch/b/config", "homeassistant/switch/a/config"];
    let config = |topic: &str| {
        let id = &topic[21..22];
        format!(
            r#"{{"name":"{id}","command_topic":"x/{id}","unique_id":"{id}","device":{{"identifiers":["{id}"]}}}}"#
        )
    };
    for topic in topics.into_iter().chain(topics) {
        devices.apply(0, &Arrival::new(topic, config(topic).as_bytes()));
    }
    devices.apply(0, &Arrival::new("home/plain", b"21"));
    devices.settle(0);
    assert_eq!(devices.iter().count(), 1, "what announces nothing goes on");
    assert!(devices.holds_announcements());
    let held = devices.take_held_announcements();
    assert_eq!(held, topics);
    for topic in held {
        devices.apply(0, &Arrival::new(&topic, config(&topic).as_bytes()));
    }
    devices.settle(0);
    assert_eq!(devices.iter().count(), 3);
    assert!(!devices.holds_announcements());
}

fn thermometer(filter: &str) -> Announcement {
    let state = Part {
        kind: EntityKind::Number,
        shows: Shows::number(),
        reads: vec![StateRead::new(filter, Extract::path(["t"]))],
        ..Part::default()
    };
    Announcement {
        key: format!("disc/{filter}"),
        topic: format!("disc/{filter}"),
        identifiers: vec![filter.to_owned()],
        entities: vec![AnnouncedEntity {
            id: "t".into(),
            parts: vec![state],
            ..AnnouncedEntity::default()
        }],
        ..Announcement::default()
    }
}

#[test]
fn a_filter_reads_what_was_said_before_it_was_announced_and_nobody_guesses_at_it() {
    let mut home = Home::default();
    home.say(1_000, "home/attic/BT/A1", r#"{"t":20}"#);
    home.say(2_000, "home/attic/BT/B2", r#"{"t":5}"#);
    assert_eq!(home.devices.iter().count(), 2, "both are guessed");
    home.announce(thermometer("+/+/BT/A1"));
    assert_eq!(home.devices.iter().count(), 2, "one was taken over");
    let id = home.devices.announced_only();
    assert_eq!(home.devices.device(id).unwrap().topics, ["home/attic/BT/A1"]);
    assert_eq!(
        home.devices.device(id).unwrap().entity("t").unwrap().value,
        Value::Number(20.0)
    );
    // It goes, and comes back: what it read is known still.
    home.devices.announced.all_mut().remove("disc/+/+/BT/A1");
    home.settle(3_000);
    home.announce(thermometer("+/+/BT/A1"));
    let id = home.devices.announced_only();
    assert_eq!(
        home.devices.device(id).unwrap().entity("t").unwrap().value,
        Value::Number(20.0)
    );
}

#[test]
fn of_several_topics_the_first_is_charted_until_it_is_silent() {
    let mut home = Home::default();
    home.announce(thermometer("+/+/BT/A1"));
    let minute = 60_000;
    let said = |home: &mut Home, at: u64, gateway: &str, degrees: u64| {
        home.say(
            at * minute,
            &format!("home/{gateway}/BT/A1"),
            &format!(r#"{{"t":{degrees}}}"#),
        );
        let id = home.devices.announced_only();
        let device = home.devices.device(id).unwrap();
        let entity = device.entity("t").unwrap();
        (entity.topic.clone(), entity.value.clone(), device.topics.len())
    };
    let shown = |gateway: &str, degrees: f64, topics: usize| {
        (format!("home/{gateway}/BT/A1"), Value::Number(degrees), topics)
    };
    assert_eq!(said(&mut home, 1, "attic", 20), shown("attic", 20.0, 1));
    assert_eq!(said(&mut home, 2, "cellar", 21), shown("attic", 21.0, 2));
    assert_eq!(said(&mut home, 9, "attic", 22), shown("attic", 22.0, 2));
    assert_eq!(said(&mut home, 18, "cellar", 23), shown("attic", 23.0, 2));
    assert_eq!(said(&mut home, 20, "cellar", 24), shown("cellar", 24.0, 2));
    // Announced anew with another name, it goes on with this topic.
    let mut renamed = thermometer("+/+/BT/A1");
    renamed.name = Some("Loft".to_owned());
    home.announce(renamed);
    assert_eq!(said(&mut home, 21, "attic", 25), shown("cellar", 25.0, 2));
}

impl Devices {
    /// The one that announced itself.
    fn announced_only(&self) -> DeviceId {
        let mut announced = self.iter().filter(|(_, device)| device.is_announced);
        let (id, _) = announced.next().unwrap();
        assert!(announced.next().is_none());
        id
    }
}
