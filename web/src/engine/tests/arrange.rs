//! The home as people arrange it, and what they do with all lights at once.

use super::*;
use crate::wire::{Arrange, AttentionReason, DeviceView, Done, EntityChange, HomeView};

impl Bench {
    /// A home with a lamp and a fan, opened.
    fn at_home() -> Self {
        let mut bench = Self::connected();
        bench.command(Command::Open(View::Home));
        bench.publish("home/kitchen/lamp/state", "ON");
        bench.publish("home/bathroom/fan/temperature", "21.5");
        bench.wait(1_000);
        bench.sent();
        bench
    }

    fn arrange(&mut self, change: Arrange) -> Done {
        self.command(Command::Arrange(change));
        self.wait(1_000);
        let done = self.patches.iter().rev().find_map(|patch| match patch {
            Patch::Done(done) => Some(done.clone()),
            _ => None,
        });
        done.expect("it is said what was done")
    }

    /// Home as the page has it.
    pub(super) fn home(&self) -> HomeView {
        let mut home = HomeView::default();
        for patch in &self.patches {
            match patch {
                Patch::Home(view) => home = view.clone(),
                Patch::Facts(facts) => home.take_facts(facts.clone()),
                _ => {}
            }
        }
        home
    }

    /// `name: devices` for each room.
    fn rooms(&self) -> Vec<String> {
        let rooms = self.home().rooms;
        rooms
            .iter()
            .map(|room| format!("{}: {}", room.name, room.devices.join(" ")))
            .collect()
    }

    fn device(&mut self, id: &str) -> DeviceView {
        self.command(Command::Open(View::Device { id: id.to_owned() }));
        self.wait(1_000);
        let shown = self.patches.iter().rev().find_map(|patch| match patch {
            Patch::Device {
                device: Some(device), ..
            } => Some((**device).clone()),
            _ => None,
        });
        shown.expect("the device is there")
    }

    /// `topic payload` of everything published since the last call.
    fn published_lines(&mut self) -> Vec<String> {
        let published = self.sent().into_iter().filter_map(|packet| match packet {
            Packet::Publish(publish) => Some(publish),
            _ => None,
        });
        let line = |publish: hearth_mqtt::Publish| {
            let payload = String::from_utf8_lossy(publish.payload()).into_owned();
            format!("{} {payload}", publish.topic().unwrap_or_default())
        };
        published.map(line).collect()
    }
}

fn to(device: &str, room: &str) -> Arrange {
    Arrange::Move {
        device: device.into(),
        room: Some(room.into()),
    }
}

const LAMP: &str = "home-kitchen-lamp";
const FAN: &str = "home-bathroom-fan";

#[test]
fn rooms_are_made_and_devices_move_and_every_step_is_taken_back() {
    let mut bench = Bench::at_home();
    let at_first = bench.rooms();
    assert_eq!(
        at_first,
        ["Kitchen: home-kitchen-lamp", "Bathroom: home-bathroom-fan"]
    );
    bench.arrange(Arrange::MakeRoom(" Den ".into()));
    let done = bench.arrange(to(LAMP, "Den"));
    assert_eq!((&*done.said, done.undo), ("Lamp moved to Den.", true));
    assert_eq!(
        bench.rooms(),
        ["Bathroom: home-bathroom-fan", "Den: home-kitchen-lamp"]
    );
    bench.arrange(Arrange::RenameRoom {
        from: "Den".into(),
        to: "Studio".into(),
    });
    bench.arrange(Arrange::RemoveRoom("Bathroom".into()));
    assert_eq!(
        bench.rooms(),
        ["Studio: home-kitchen-lamp", "Other devices: home-bathroom-fan"]
    );
    for _ in 0..4 {
        bench.arrange(Arrange::Undo);
    }
    let done = bench.arrange(Arrange::MakeRoom("Kitchen".into()));
    assert!(
        done.kept.is_none() && !done.undo && done.said.contains("already"),
        "{done:?}"
    );
    assert_eq!(bench.rooms(), at_first);
}

#[test]
fn what_people_call_a_room_says_whether_its_air_is_that_of_the_home() {
    let mut bench = Bench::at_home();
    let inside = |bench: &Bench| {
        let home = bench.home();
        let mut rooms = home.rooms.iter();
        let room = rooms.find(|room| room.devices.iter().any(|device| device == FAN));
        (home.glance[0].value.clone(), room.unwrap().facts.clone())
    };
    let warm = ("21.5".to_owned(), vec!["21.5 °C".to_owned()]);
    assert_eq!(inside(&bench), warm);
    bench.arrange(Arrange::RenameRoom {
        from: "Bathroom".into(),
        to: "Garage".into(),
    });
    assert_eq!(inside(&bench), ("–".to_owned(), vec![]));
    bench.arrange(Arrange::Undo);
    assert_eq!(inside(&bench), warm);
    bench.publish("home/bathroom/fan/temperature", "22.5");
    bench.wait(1_000);
    assert_eq!(inside(&bench).0, "22.5");
}

#[test]
fn what_the_browser_kept_is_there_before_the_first_message_and_not_at_another_broker() {
    let mut bench = Bench::at_home();
    bench.arrange(Arrange::Rename {
        device: LAMP.into(),
        name: "Big <b>one</b>".into(),
    });
    let kept = bench.arrange(to(LAMP, "아이 방")).kept.expect("it is to be kept");
    let mut again = Bench::new();
    again.command(Command::Connect(Box::new(options())));
    again.command(Command::Arrange(Arrange::Restore(kept)));
    again.input(Input::Opened);
    again.answer_connect(ReasonCode::SUCCESS);
    again.command(Command::Open(View::Home));
    again.publish("home/kitchen/lamp/state", "ON");
    again.wait(1_000);
    assert_eq!(again.rooms(), ["아이 방: home-kitchen-lamp"]);
    assert_eq!(
        again.cards().last().map(|card| &*card.name),
        Some("Big <b>one</b>")
    );
    again.command(Command::Connect(Box::new(ConnectionOptions {
        url: "ws://other:9001/mqtt".into(),
        ..options()
    })));
    again.wait(1_000);
    assert_eq!(again.rooms(), Vec::<String>::new());
}

#[test]
fn hidden_devices_and_favourites_are_told_to_home() {
    let mut bench = Bench::at_home();
    bench.arrange(Arrange::Favourite {
        device: FAN.into(),
        favourite: true,
    });
    bench.arrange(Arrange::Hide {
        device: LAMP.into(),
        hidden: true,
    });
    let home = bench.home();
    assert_eq!(home.hidden, [(LAMP.to_owned(), "Lamp".to_owned())]);
    assert_eq!(
        bench.rooms(),
        ["Favourites: home-bathroom-fan", "Bathroom: home-bathroom-fan"]
    );
    assert!(bench.device(LAMP).hand.hidden, "its page is still there");
}

#[test]
fn two_devices_that_are_one_have_one_card_and_their_commands_find_their_way() {
    let mut bench = Bench::at_home();
    bench.arrange(Arrange::Join {
        device: FAN.into(),
        with: LAMP.into(),
    });
    assert_eq!(bench.rooms(), ["Kitchen: home-kitchen-lamp"]);
    let view = bench.device(FAN);
    let entities: Vec<&str> = view.card.entities.iter().map(|entity| &*entity.id).collect();
    assert_eq!(
        (&*view.card.id, entities),
        (LAMP, vec!["state", "home-bathroom-fan~temperature"])
    );
    bench.publish("home/bathroom/fan/temperature", "22.5");
    bench.wait(1_000);
    let card = bench.cards().last().copied().cloned().expect("a card");
    assert_eq!(card.id, LAMP, "a value of the part is shown on the card");
    let key = view
        .hand
        .parts
        .first()
        .map(|part| part.key.clone())
        .expect("it has parts");
    bench.arrange(Arrange::Separate {
        device: LAMP.into(),
        key,
    });
    assert_eq!(bench.rooms().len(), 2);
}

#[test]
fn cards_and_rooms_are_put_in_an_order_that_is_kept() {
    let mut bench = Bench::at_home();
    bench.publish("home/kitchen/spot-light/state", "OFF");
    bench.publish("home/kitchen/window/contact", "true");
    bench.wait(1_000);
    let before = |device: &str, next: Option<&str>| Arrange::Before {
        device: device.into(),
        next: next.map(str::to_owned),
    };
    let (spot, window) = ("home-kitchen-spot-light", "home-kitchen-window");
    let kitchen = |bench: &Bench| bench.home().rooms[0].devices.join(" ");
    assert_eq!(kitchen(&bench), format!("{LAMP} {spot} {window}"));
    bench.arrange(before(LAMP, None));
    assert_eq!(kitchen(&bench), format!("{spot} {window} {LAMP}"));
    let done = bench.arrange(before(window, Some(spot)));
    assert_eq!(kitchen(&bench), format!("{window} {spot} {LAMP}"));
    // Beside a device of another room it is in that room.
    bench.arrange(before(FAN, Some(spot)));
    assert_eq!(kitchen(&bench), format!("{window} {FAN} {spot} {LAMP}"));
    bench.arrange(Arrange::Undo);
    assert_eq!(kitchen(&bench), format!("{window} {spot} {LAMP}"));
    // What comes later stands behind what was put in order.
    bench.publish("home/kitchen/a-light/state", "OFF");
    bench.wait(1_000);
    assert_eq!(
        kitchen(&bench),
        format!("{window} {spot} {LAMP} home-kitchen-a-light")
    );
    bench.arrange(Arrange::RoomBefore {
        room: "Bathroom".into(),
        next: Some("Kitchen".into()),
    });
    let names =
        |bench: &Bench| -> Vec<String> { bench.home().rooms.iter().map(|room| room.name.clone()).collect() };
    assert_eq!(names(&bench), ["Bathroom", "Kitchen"]);
    let mut other = Bench::at_home();
    other.publish("home/kitchen/spot-light/state", "OFF");
    other.command(Command::Arrange(Arrange::Restore(
        done.kept.expect("it is to be kept"),
    )));
    other.wait(1_000);
    assert_eq!(kitchen(&other), format!("{spot} {LAMP}"));
}

#[test]
fn what_another_tab_arranged_is_taken_over_and_not_taken_back_here() {
    let mut bench = Bench::at_home();
    let den = bench.arrange(to(LAMP, "Den")).kept.expect("it is to be kept");
    bench.arrange(Arrange::Undo);
    bench.command(Command::Arrange(Arrange::Restore(den)));
    bench.wait(1_000);
    let arranged = ["Bathroom: home-bathroom-fan", "Den: home-kitchen-lamp"];
    assert_eq!(bench.rooms(), arranged);
    bench.command(Command::Arrange(Arrange::Undo));
    bench.wait(1_000);
    assert_eq!(bench.rooms(), arranged);
}

#[test]
fn an_open_window_needs_attention_at_once_and_a_low_battery_can_be_put_off() {
    let mut bench = Bench::at_home();
    bench.publish("zigbee2mqtt/Kitchen window", r#"{"contact":false,"battery":8}"#);
    bench.wait(1_000);
    let reasons = |bench: &Bench| -> Vec<AttentionReason> {
        bench.home().attention.iter().map(|item| item.reason).collect()
    };
    assert_eq!(reasons(&bench), [AttentionReason::Open, AttentionReason::Battery]);
    let device = bench.home().attention[1].device.clone();
    let put_off = |hours| Arrange::PutOff {
        device: device.clone(),
        reason: AttentionReason::Battery,
        hours,
    };
    bench.arrange(put_off(24));
    assert_eq!(reasons(&bench), [AttentionReason::Open]);
    let (reason, until) = bench.device(&device).hand.put_off[0];
    assert_eq!(reason, AttentionReason::Battery);
    assert!(until > 23 * 3_600_000);
    bench.wait(25 * 3_600_000);
    assert!(
        reasons(&bench).contains(&AttentionReason::Battery),
        "{:?}",
        reasons(&bench)
    );
    bench.arrange(put_off(24));
    bench.arrange(put_off(0));
    assert!(reasons(&bench).contains(&AttentionReason::Battery));
}

#[test]
fn a_value_is_corrected_on_its_page_and_every_step_is_taken_back() {
    let mut bench = Bench::at_home();
    let change = |change| Arrange::Entity {
        device: FAN.into(),
        entity: "temperature".into(),
        change,
    };
    let shown = |bench: &mut Bench| {
        let card = bench.device(FAN).card;
        let entity = card
            .entities
            .into_iter()
            .find(|entity| entity.id == "temperature");
        entity
            .map(|entity| (entity.name, entity.unit, entity.guessed, entity.by_hand))
            .expect("a value")
    };
    let at_first = shown(&mut bench);
    assert_eq!(at_first, ("Temperature".into(), "°C".into(), true, false));
    assert!(bench.device(FAN).own[0].number && bench.device(FAN).own[0].state);
    bench.arrange(change(EntityChange::Unit(" °F ".into())));
    let kept = bench
        .arrange(change(EntityChange::Name("Coil".into())))
        .kept
        .expect("it is to be kept");
    assert_eq!(shown(&mut bench), ("Coil".into(), "°F".into(), false, true));
    bench.arrange(change(EntityChange::Class("humidity".into())));
    assert_eq!(bench.device(FAN).own[0].class, "humidity");
    bench.arrange(change(EntityChange::Hidden(true)));
    let on_home = bench
        .cards()
        .into_iter()
        .rev()
        .find(|card| card.id == FAN)
        .map(|card| card.entities.len());
    assert_eq!(on_home, Some(0));
    for _ in 0..4 {
        bench.arrange(Arrange::Undo);
    }
    assert_eq!(shown(&mut bench), at_first);
    let mut other = Bench::at_home();
    other.command(Command::Arrange(Arrange::Restore(kept)));
    other.wait(1_000);
    assert_eq!(shown(&mut other), ("Coil".into(), "°F".into(), false, true));
    other.arrange(change(EntityChange::Back));
    assert_eq!(shown(&mut other), at_first);
}

#[test]
fn a_search_finds_by_name_room_and_topic() {
    let mut bench = Bench::at_home();
    for (text, found) in [
        ("LAMP", vec!["Kitchen: home-kitchen-lamp"]),
        ("kitch", vec!["Kitchen: home-kitchen-lamp"]),
        ("fan/temp", vec!["Bathroom: home-bathroom-fan"]),
        ("nothing", vec![]),
    ] {
        bench.command(Command::Search(text.into()));
        bench.wait(1_000);
        assert_eq!(bench.rooms(), found, "{text}");
        assert_eq!(bench.home().devices, 2, "{text}");
    }
}

#[test]
fn all_lights_of_a_room_are_turned_off_and_on_again() {
    let mut bench = Bench::at_home();
    bench.publish("home/kitchen/spot-light/state", "OFF");
    bench.publish("home/kitchen/ceiling-light/state", "on");
    bench.wait(1_000);
    let home = bench.home();
    let lights: Vec<_> = home.rooms.iter().map(|room| room.lights).collect();
    assert_eq!(lights, [Some(2), None]);
    bench.command(Command::LightsOff(Some(home.rooms[0].id.clone())));
    bench.wait(10);
    let off = ["home/kitchen/ceiling-light/set off", "home/kitchen/lamp/set OFF"];
    let mut published = bench.published_lines();
    published.sort();
    assert_eq!(published, off);
    bench.publish("home/kitchen/lamp/state", "OFF");
    bench.publish("home/kitchen/ceiling-light/state", "off");
    bench.wait(1_000);
    assert_eq!(bench.home().rooms[0].lights, Some(0));
    let done = bench.arrange(Arrange::Undo);
    assert_eq!(done.said, "2 lights on again.");
    let mut published = bench.published_lines();
    published.sort();
    assert_eq!(
        published,
        ["home/kitchen/ceiling-light/set on", "home/kitchen/lamp/set ON"]
    );
}

#[test]
fn all_lights_of_the_home_are_turned_off() {
    let mut bench = Bench::at_home();
    bench.publish("home/bathroom/spot-light/state", "ON");
    bench.wait(1_000);
    bench.command(Command::LightsOff(None));
    bench.wait(10);
    let mut published = bench.published_lines();
    published.sort();
    assert_eq!(
        published,
        ["home/bathroom/spot-light/set OFF", "home/kitchen/lamp/set OFF"]
    );
}

const PANEL: &str = r#"{"unique_id":"p","name":"Panel","state_topic":"alarm","command_topic":"alarm/set","code":"2468",
    "code_arm_required":false,"device":{"identifiers":["p"],"name":"Panel"}}"#;

#[test]
fn a_code_is_asked_for_where_the_announcement_demands_it_and_checked_before_anything_is_sent() {
    let mut bench = Bench::at_home();
    bench.publish("homeassistant/alarm_control_panel/p/config", PANEL);
    bench.publish("alarm", "armed_away");
    bench.wait(1_000);
    let panel = bench
        .cards()
        .into_iter()
        .rev()
        .find(|card| card.name == "Panel")
        .cloned();
    let panel = panel.expect("a panel");
    let entity = &panel.entities[0];
    let code = entity
        .control
        .as_ref()
        .and_then(|control| control.code.clone())
        .expect("it asks");
    assert!(
        code.is_number
            && code.free.contains(&"arm_home".to_owned())
            && !code.free.contains(&"disarm".to_owned())
    );
    let mut choose = |option: &str, code: Option<&str>| {
        let action = Action::Choose(option.into());
        let action = match code {
            Some(code) => Action::Coded(Box::new(action), crate::wire::Code(code.into())),
            None => action,
        };
        bench.command(Command::Control {
            request: 9,
            device: panel.id.clone(),
            entity: entity.id.clone(),
            action,
        });
        bench.wait(1_000);
        let card = bench
            .cards()
            .into_iter()
            .rev()
            .find(|card| card.name == "Panel")
            .cloned();
        let state = card
            .and_then(|card| card.entities[0].control.clone())
            .map(|control| control.state);
        (bench.published_lines(), state)
    };
    let wrong = (
        vec![],
        Some(ControlState::Failed(
            "This is not the code; nothing was sent.".into(),
            Action::Choose("disarm".into()),
        )),
    );
    assert_eq!(choose("disarm", None), wrong);
    assert_eq!(choose("disarm", Some("1111")), wrong);
    assert_eq!(choose("disarm", Some("2468")).0, ["alarm/set DISARM"]);
    assert_eq!(choose("arm_home", None).0, ["alarm/set ARM_HOME"]);
    assert!(
        !format!("{:?}", bench.patches).contains("2468"),
        "a code is told to nobody"
    );
}

#[test]
fn a_device_has_its_own_time_until_it_is_silent() {
    let mut bench = Bench::at_home();
    bench.arrange(Arrange::SilentAfter {
        device: FAN.into(),
        seconds: 30,
    });
    assert_eq!(bench.home().attention, []);
    bench.wait(40_000);
    let silent = bench.home().attention;
    assert_eq!(silent.len(), 1, "{silent:?}");
    assert_eq!(
        (&*silent[0].device, silent[0].reason),
        (FAN, AttentionReason::Silent)
    );
}

#[test]
fn a_command_without_a_connection_says_so_at_the_control() {
    let mut bench = Bench::at_home();
    bench.close(1006, "");
    bench.command(Command::Control {
        request: 9,
        device: LAMP.into(),
        entity: "state".into(),
        action: Action::Turn(false),
    });
    bench.wait(1_000);
    let card = bench
        .cards()
        .into_iter()
        .rev()
        .find(|card| card.id == LAMP)
        .cloned();
    let state = card
        .and_then(|card| card.entities[0].control.clone())
        .map(|control| control.state);
    assert!(matches!(state, Some(ControlState::Failed(why, _)) if why.contains("no connection")));
}

#[test]
fn a_device_that_tells_of_its_battery_twice_needs_attention_once() {
    let mut bench = Bench::at_home();
    let payload = r#"{"battery":5,"sub":{"battery":4},"temperature":20}"#;
    bench.publish("home/attic/sensor", payload);
    bench.wait(6_000);
    let items: Vec<_> = bench
        .home()
        .attention
        .into_iter()
        .map(|item| (item.device, item.reason))
        .collect();
    assert_eq!(items, [("home-attic".to_owned(), AttentionReason::Battery)]);
}
