//! A page whose formats of devices are a part that is loaded later.

use std::collections::BTreeSet;

use super::*;

const LAMP: &str = r#"{"name":"Lamp","command_topic":"x/lamp/set","state_topic":"x/lamp","unique_id":"l","device":{"identifiers":["l"],"name":"Lamp"}}"#;

fn fetches(bench: &Bench) -> usize {
    bench
        .calls
        .iter()
        .filter(|call| **call == Call::FetchFormats)
        .count()
}

#[test]
fn announcements_wait_for_the_part_and_nothing_else_does() {
    let environment = Environment {
        formats_later: true,
        ..Environment::default()
    };
    let mut bench = Bench::of(environment, Disk::default());
    bench.begin();
    bench.command(Command::Open(View::Home));
    bench.publish("home/kitchen/temperature", "21");
    bench.wait(1_000);
    assert_eq!(bench.cards().len(), 1);
    assert_eq!(fetches(&bench), 0, "nothing announced itself");

    bench.publish("homeassistant/switch/l/config", LAMP);
    bench.publish("x/lamp", "ON");
    bench.wait(1_000);
    assert_eq!(fetches(&bench), 1);
    bench.input(Input::FormatsFetched(false));
    bench.publish("home/kitchen/temperature", "22");
    bench.wait(40_000);
    assert_eq!(fetches(&bench), 2, "it is asked for again");
    let shows_lamp = |bench: &Bench| {
        bench
            .cards()
            .iter()
            .any(|card| card.name == "Lamp" && card.kind == "plug")
    };
    assert!(!shows_lamp(&bench));

    bench.input(Input::FormatsFetched(true));
    bench.wait(1_000);
    let cards = bench.cards();
    let card = cards.iter().rev().find(|card| card.name == "Lamp").unwrap();
    let entity = card.entities.first().unwrap();
    assert!(
        matches!(entity.value, EntityValue::Binary { on: true, .. }),
        "what was said before is read: {:?}",
        entity.value
    );
    assert_eq!(fetches(&bench), 2);
}

#[test]
fn what_is_about_to_be_announced_is_never_a_card_of_a_guess() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    bench.publish("x/lamp", "ON");
    bench.publish("y/fan", "3");
    bench.wait(200);
    bench.publish("homeassistant/switch/l/config", LAMP);
    bench.wait(150);
    let cards =
        |bench: &Bench| -> BTreeSet<String> { bench.cards().iter().map(|card| card.id.clone()).collect() };
    assert_eq!(cards(&bench), BTreeSet::from(["ha-l".to_owned()]));
    let rooms = |bench: &Bench| {
        let home = bench.patches.iter().rev().find_map(|patch| match patch {
            Patch::Home(home) => Some(home),
            _ => None,
        });
        home.map_or(0, |home| {
            home.rooms.iter().map(|room| room.devices.len()).sum::<usize>()
        })
    };
    assert_eq!(rooms(&bench), 1);
    // Nothing more was announced: the other one is a guess.
    bench.wait(400);
    assert_eq!((cards(&bench).len(), rooms(&bench)), (2, 2));
}
