//! Which cards of Home are told of, and how often.

use super::{page::change_forty_rooms, *};

#[test]
fn the_more_cards_of_a_screen_change_the_less_often_each_does() {
    for (cards, expected) in [(5, 11..=14), (10, 6..=8), (30, 3..=5)] {
        let (shown, last) = cards_within_three_seconds(cards);
        assert!(expected.contains(&shown), "{cards}: {shown} in 3 s");
        assert_eq!(last, 60.0, "the newest is shown last");
    }
}

/// How often one of so many is told of that are all on the screen and change twenty times a second, and its value in the end.
fn cards_within_three_seconds(cards: usize) -> (usize, f64) {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    let change_all = |bench: &mut Bench, value: u32| {
        for n in 0..cards {
            bench.publish(&format!("home/room/sensor{n}/temperature"), &value.to_string());
        }
        bench.wait(50);
    };
    change_all(&mut bench, 0);
    bench.wait(2_000);
    let ids: std::collections::BTreeSet<_> = bench.cards().iter().map(|card| card.id.clone()).collect();
    bench.command(Command::Cards(ids.into_iter().map(|id| (id, true)).collect()));
    bench.patches.clear();
    for value in 1..=60 {
        change_all(&mut bench, value);
    }
    bench.wait(1_000);
    let last = (*bench.cards().last().unwrap()).clone();
    let shown = bench.cards().into_iter().filter(|card| card.id == last.id);
    let EntityValue::Number { value, .. } = last.entities[0].value else {
        panic!("no number: {:?}", last.entities[0].value);
    };
    (shown.count(), value)
}

#[test]
fn of_a_large_home_only_the_cards_on_the_screen_are_told_of() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    for n in 0..400 {
        bench.publish(&format!("home/room{}/sensor{n}/temperature", n % 20), "20.5");
    }
    bench.wait(2_000);
    let home = bench.patches.iter().rev().find_map(|patch| match patch {
        Patch::Home(home) => Some(home.clone()),
        _ => None,
    });
    let home = home.unwrap();
    assert_eq!(
        home.rooms.iter().map(|room| room.devices.len()).sum::<usize>(),
        400
    );
    let shown: Vec<String> = home.rooms[3].devices.iter().take(5).cloned().collect();
    bench.patches.clear();
    bench.command(Command::Cards(
        shown.iter().map(|id| (id.clone(), true)).collect(),
    ));
    for n in 0..400 {
        bench.publish(&format!("home/room{}/sensor{n}/temperature", n % 20), "21.5");
    }
    bench.wait(1_000);
    let told: std::collections::BTreeSet<_> = bench.cards().iter().map(|card| card.id.clone()).collect();
    assert_eq!(told, shown.into_iter().collect());
    assert!(
        bench
            .patches
            .iter()
            .any(|patch| matches!(patch, Patch::Facts(facts) if facts.rooms.len() <= 16)),
        "the facts of rooms come a few at a time"
    );
    assert!(
        !bench.patches.iter().any(|patch| matches!(patch, Patch::Home(_))),
        "no room changed"
    );
}

#[test]
fn many_cards_that_the_page_lacks_do_not_wait() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    change_forty_rooms(&mut bench, "20.5");
    bench.wait(2_000);
    let ids: std::collections::BTreeSet<_> = bench.cards().iter().map(|card| card.id.clone()).collect();
    bench.command(Command::Cards(ids.iter().map(|id| (id.clone(), true)).collect()));
    // So many change that the next are due in a second, when the rooms know of new devices for long.
    change_forty_rooms(&mut bench, "21.5");
    bench.wait(100);
    bench.patches.clear();
    for n in 0..20 {
        bench.publish(&format!("home/attic/thermometer{n}/temperature"), "20.5");
    }
    bench.wait(1_500);
    let new = bench.cards().into_iter().map(|card| card.id.clone());
    let new: std::collections::BTreeSet<_> = new.filter(|id| !ids.contains(id)).collect();
    assert_eq!(new.len(), 20);
}

#[test]
fn when_many_cards_change_those_beside_the_screen_wait() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    change_forty_rooms(&mut bench, "20.5");
    bench.wait(2_000);
    let mut ids: Vec<String> = bench.cards().iter().map(|card| card.id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 40);
    let looking_at = |first: usize| {
        let cards = ids.iter().enumerate();
        let cards = cards.map(|(n, id)| (id.clone(), (first..first + 4).contains(&n)));
        Command::Cards(cards.collect())
    };
    let told = |bench: &mut Bench| {
        let told: std::collections::BTreeSet<_> = bench.cards().iter().map(|card| card.id.clone()).collect();
        bench.patches.clear();
        told
    };
    bench.command(looking_at(0));
    bench.patches.clear();
    change_forty_rooms(&mut bench, "21.5");
    bench.wait(1_000);
    assert_eq!(told(&mut bench), ids[..4].iter().cloned().collect());
    bench.command(looking_at(8));
    bench.wait(100);
    assert_eq!(
        told(&mut bench),
        ids[8..12].iter().cloned().collect(),
        "at once, when it is scrolled to"
    );
    bench.wait(5_000);
    assert_eq!(told(&mut bench).len(), 32, "each of the others once");
    bench.publish("home/room30/sensor30/temperature", "22.5");
    bench.wait(1_000);
    assert_eq!(told(&mut bench).len(), 1, "one alone does not wait");
}

#[test]
fn cards_that_the_page_has_to_make_come_a_few_with_a_frame() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    for n in 0..400 {
        bench.publish(&format!("home/room/sensor{n}/temperature"), "20.5");
    }
    bench.wait(2_000);
    let devices = bench.patches.iter().rev().find_map(|patch| match patch {
        Patch::Home(home) => Some(home.rooms[0].devices.clone()),
        _ => None,
    });
    // The first were sent while the home was small.
    let devices = devices.unwrap();
    let last = devices.iter().rev().take(20).cloned();
    let cards = Command::Cards(last.map(|id| (id, true)).collect());
    bench.engine.handle(bench.now(), Input::Command(Box::new(cards)));
    assert_eq!(cards_with_each_frame(&mut bench), [8, 8, 4]);
    // What the page has changes in smaller steps.
    for n in 0..400 {
        bench.publish(&format!("home/room/sensor{n}/temperature"), "21.5");
    }
    bench.ms += 2_000;
    bench.engine.handle(bench.now(), Input::Tick);
    assert_eq!(cards_with_each_frame(&mut bench), [4, 4, 4, 4, 4]);
}

fn cards_with_each_frame(bench: &mut Bench) -> Vec<usize> {
    let mut with_each_frame = vec![];
    while let Some(frame) = bench.engine.poll_frame(bench.now()) {
        let frame: Frame = postcard::from_bytes(&frame).unwrap();
        let is_card = |patch: &&Patch| matches!(patch, Patch::Card(_));
        with_each_frame.push(frame.patches.iter().filter(is_card).count());
        let painted = Input::Command(Box::new(Command::Painted));
        bench.engine.handle(bench.now(), painted);
    }
    with_each_frame
}

#[test]
fn cards_that_a_search_had_left_out_do_not_wait() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    change_forty_rooms(&mut bench, "20.5");
    bench.wait(2_000);
    let ids: std::collections::BTreeSet<_> = bench.cards().iter().map(|card| card.id.clone()).collect();
    let named = |ids: &std::collections::BTreeSet<String>, on_screen: bool| {
        Command::Cards(ids.iter().map(|id| (id.clone(), on_screen)).collect())
    };
    bench.command(named(&ids, true));
    bench.command(Command::Search("sensor39".to_owned()));
    bench.command(named(&ids.iter().rev().take(1).cloned().collect(), true));
    bench.wait(1_000);
    bench.patches.clear();
    bench.command(Command::Search(String::new()));
    // Where a card is, is known when it is there.
    bench.command(named(&ids, false));
    bench.wait(1_000);
    let told: std::collections::BTreeSet<_> = bench.cards().iter().map(|card| card.id.clone()).collect();
    assert!(told.len() >= 39, "{}", told.len());
}

#[test]
fn who_taps_a_switch_sees_it_at_once_however_much_changes() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    bench.publish("zigbee2mqtt/Kitchen/Worktop", r#"{"state":"OFF"}"#);
    bench.wait(300);
    let lamp = bench.cards().last().unwrap().id.clone();
    change_forty_rooms(&mut bench, "20.5");
    bench.wait(2_000);
    let ids: std::collections::BTreeSet<_> = bench.cards().iter().map(|card| card.id.clone()).collect();
    bench.command(Command::Cards(ids.into_iter().map(|id| (id, true)).collect()));
    for value in ["21.5", "22.5", "23.5"] {
        change_forty_rooms(&mut bench, value);
        bench.wait(110);
    }
    bench.patches.clear();
    bench.command(Command::Control {
        request: 9,
        device: lamp.clone(),
        entity: "state".into(),
        action: Action::Turn(true),
    });
    bench.wait(300);
    assert!(bench.cards().iter().any(|card| card.id == lamp));
}
