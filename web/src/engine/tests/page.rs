//! What the page gets to see, and how often.

use super::*;
use crate::wire::TreeView;

#[test]
fn a_thousand_messages_a_second_change_a_card_four_times_a_second() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    for n in 0..2_000 {
        bench.publish("home/kitchen/temperature", &format!("{}", f64::from(n) / 100.0));
        bench.wait(1);
    }
    bench.wait(1_000);
    let cards = bench.cards();
    assert!((8..=12).contains(&cards.len()), "{}", cards.len());
    let value = &cards.last().unwrap().entities[0].value;
    assert!(
        matches!(value, EntityValue::Number { value, .. } if *value == 19.99),
        "the newest is shown last: {value:?}"
    );
    let received = bench.patches.iter().rev().find_map(|patch| {
        if let Patch::Counters(counters) = patch {
            Some(counters.received)
        } else {
            None
        }
    });
    assert_eq!(received, Some(2_000));
}

/// All sensors of a home of forty rooms say this.
pub(super) fn change_forty_rooms(bench: &mut Bench, value: &str) {
    for n in 0..40 {
        bench.publish(&format!("home/room{n}/sensor{n}/temperature"), value);
    }
}

#[test]
fn facts_of_many_rooms_come_a_few_with_a_frame_and_each_room_once() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    change_forty_rooms(&mut bench, "20.5");
    bench.wait(2_000);
    bench.patches.clear();
    change_forty_rooms(&mut bench, "21.5");
    bench.wait(2_000);
    let facts = bench.patches.iter().filter_map(|patch| match patch {
        Patch::Facts(facts) => Some(facts),
        _ => None,
    });
    let facts: Vec<_> = facts.collect();
    assert!(facts.iter().all(|facts| facts.rooms.len() <= 16));
    let rooms: Vec<_> = facts.iter().flat_map(|facts| &facts.rooms).collect();
    let places: std::collections::BTreeSet<u32> = rooms.iter().map(|(place, ..)| *place).collect();
    assert_eq!((rooms.len(), places.len()), (40, 40));
    assert!(rooms.iter().all(|(_, said, _)| *said == ["21.5 °C"]));
    let glance = facts.last().map(|facts| facts.glance[0].value.clone());
    assert_eq!(glance.as_deref(), Some("21.5"));
}

#[test]
fn facts_that_did_not_fit_are_told_with_the_rooms_when_these_change() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    change_forty_rooms(&mut bench, "20.5");
    bench.wait(2_000);
    change_forty_rooms(&mut bench, "21.5");
    bench.ms += 600;
    // One frame only: the facts of most rooms are still to come when the search leaves most rooms out.
    bench.engine.handle(bench.now(), Input::Tick);
    bench.engine.poll_frame(bench.now()).unwrap();
    let search = |text: &str| Input::Command(Box::new(Command::Search(text.to_owned())));
    bench.engine.handle(bench.now(), search("room39"));
    let painted = Input::Command(Box::new(Command::Painted));
    bench.patches.clear();
    bench.input(painted);
    bench.wait(1_000);
    let rooms = bench.home().rooms;
    assert_eq!((rooms.len(), &*rooms[0].name), (1, "Room39"));
    assert_eq!(rooms[0].facts, ["21.5 °C"]);
    bench.input(search(""));
    bench.wait(1_000);
    let rooms = bench.home().rooms;
    assert_eq!(rooms.len(), 40);
    assert!(rooms.iter().all(|room| room.facts == ["21.5 °C"]));
}

#[test]
fn a_page_that_paints_seldom_hears_of_every_room() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    change_forty_rooms(&mut bench, "10.5");
    bench.wait(2_000);
    // The facts are due with every frame, and those of sixteen rooms fit into one.
    for degrees in 11..=30 {
        change_forty_rooms(&mut bench, &format!("{degrees}.5"));
        bench.ms += 600;
        let now = bench.now();
        let painted = Input::Command(Box::new(Command::Painted));
        bench.engine.handle(now, painted);
        if let Some(frame) = bench.engine.poll_frame(now) {
            let frame: Frame = postcard::from_bytes(&frame).unwrap();
            bench.patches.extend(frame.patches);
        }
    }
    let rooms = bench.home().rooms;
    assert_eq!(rooms.len(), 40);
    for room in rooms {
        let degrees: f64 = room.facts[0].trim_end_matches(" °C").parse().unwrap();
        assert!(degrees > 25.0, "{}: {degrees}", room.name);
    }
}

#[test]
fn a_hidden_page_gets_nothing_and_the_present_at_once_when_it_comes_back() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    bench.command(Command::Visible(false));
    bench.patches.clear();
    bench.publish("home/kitchen/temperature", "20.5");
    bench.wait(10_000);
    assert_eq!(bench.patches, []);
    bench.command(Command::Visible(true));
    assert_eq!(bench.cards().len(), 1);
    assert!(
        bench
            .patches
            .iter()
            .any(|patch| matches!(patch, Patch::Counters(counters) if counters.received == 1))
    );
}

#[test]
fn many_rows_of_the_tree_change_a_few_per_frame() {
    let mut bench = Bench::connected();
    for n in 0..60 {
        bench.publish(&format!("t{n}"), "1");
    }
    bench.command(Command::Open(View::Tree(TreeWindow {
        rows: 50,
        ..TreeWindow::default()
    })));
    bench.wait(2_000);
    bench.patches.clear();
    for n in 0..60 {
        bench.publish(&format!("t{n}"), "2");
    }
    bench.wait(1_500);
    let trees: Vec<_> = trees(&bench);
    let new = |tree: &TreeView| tree.rows.iter().filter(|row| row.preview == "2").count();
    assert!(
        trees.windows(2).all(|pair| new(pair[1]) <= new(pair[0]) + 16),
        "{:?}",
        trees.iter().map(|tree| new(tree)).collect::<Vec<_>>()
    );
    assert_eq!(new(trees.last().unwrap()), 50);
}

#[test]
fn a_page_that_paints_seldom_comes_to_every_row_of_the_tree() {
    let mut bench = Bench::connected();
    for n in 0..50 {
        bench.publish(&format!("t{n}"), "0");
    }
    bench.command(Command::Open(View::Tree(TreeWindow {
        rows: 50,
        ..TreeWindow::default()
    })));
    bench.wait(2_000);
    bench.patches.clear();
    // Two frames a second: what comes meanwhile waits until the last one is painted.
    for step in 1..=30 {
        bench.ms += 500;
        let now = bench.now();
        let painted = Input::Command(Box::new(Command::Painted));
        bench.engine.handle(now, painted);
        if let Some(frame) = bench.engine.poll_frame(now) {
            let frame: Frame = postcard::from_bytes(&frame).unwrap();
            bench.patches.extend(frame.patches);
        }
        for n in 0..50 {
            bench.publish(&format!("t{n}"), &step.to_string());
        }
    }
    let trees = trees(&bench);
    let rows = trees.last().unwrap().rows.iter();
    let oldest = rows.map(|row| row.preview.parse::<u32>().unwrap()).min();
    assert!(oldest >= Some(15), "the oldest is of step {oldest:?} of 30");
}

fn trees(bench: &Bench) -> Vec<&TreeView> {
    bench
        .patches
        .iter()
        .filter_map(|patch| match patch {
            Patch::Tree(tree) => Some(tree),
            _ => None,
        })
        .collect()
}

#[test]
fn rows_that_are_new_to_the_page_come_some_per_frame() {
    let mut bench = Bench::connected();
    for n in 0..120 {
        bench.publish(&format!("t{n:03}"), "1");
    }
    bench.patches.clear();
    bench.command(Command::Open(View::Tree(TreeWindow {
        rows: 100,
        ..TreeWindow::default()
    })));
    bench.wait(100);
    let rows: Vec<_> = trees(&bench).iter().map(|tree| tree.rows.len()).collect();
    assert_eq!(rows, [20, 40, 60, 80, 100]);
    assert!(trees(&bench).iter().all(|tree| tree.total_rows == 120));
    bench.patches.clear();
    bench.command(Command::Open(View::Tree(TreeWindow {
        first_row: 10,
        rows: 100,
        ..TreeWindow::default()
    })));
    bench.wait(100);
    let rows: Vec<_> = trees(&bench).iter().map(|tree| tree.rows.len()).collect();
    assert_eq!(rows, [100], "ten new rows are no work");
}

#[test]
fn a_page_that_does_not_paint_is_not_flooded() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Tree(TreeWindow {
        rows: 50,
        ..TreeWindow::default()
    })));
    bench.patches.clear();
    let mut frames = 0;
    for n in 0..100 {
        bench.ms += 1_000;
        let now = bench.now();
        bench.engine.handle(now, Input::Tick);
        let mut bytes = BytesMut::new();
        let topic = TopicName::parse(&format!("t/{n}")).unwrap();
        let publish = PublishParts {
            dup: false,
            qos: Qos::AtMostOnce,
            retain: false,
            topic: Some(topic),
            packet_id: None,
            properties: Properties::new(),
            payload: Bytes::new(),
        };
        publish.encode(ProtocolVersion::V5, &mut bytes).unwrap();
        bench.engine.handle(now, Input::Bytes(bytes.freeze()));
        frames += u32::from(bench.engine.poll_frame(now).is_some());
    }
    assert_eq!(frames, 1);
}

#[test]
fn ten_thousand_retained_messages_do_not_delay_the_keep_alive() {
    let mut bench = Bench::connected();
    bench.sent();
    let mut burst = BytesMut::new();
    for n in 0..10_000 {
        let topic = Some(TopicName::parse(&format!("home/{}/{n}/state", n % 100)).unwrap());
        let publish = PublishParts {
            dup: false,
            qos: Qos::AtMostOnce,
            retain: true,
            topic,
            packet_id: None,
            properties: Properties::new(),
            payload: Bytes::from_static(b"21.5"),
        };
        publish.encode(ProtocolVersion::V5, &mut burst).unwrap();
    }
    let mut rest = burst.freeze();
    // The burst takes longer than the keep-alive to come through, and no timer fires in between: it is always another slice's turn.
    while !rest.is_empty() {
        let slice = rest.split_to(rest.len().min(4_096));
        bench.ms += 700;
        let now = bench.now();
        bench.engine.handle(now, Input::Bytes(slice));
    }
    let pings = bench
        .sent()
        .iter()
        .filter(|packet| matches!(packet, Packet::Pingreq))
        .count();
    assert_eq!(pings, 1);
    bench.wait(300);
    assert_eq!(bench.connection().state, ConnectionState::Connected);
    assert!(
        bench
            .patches
            .iter()
            .any(|patch| matches!(patch, Patch::Counters(counters) if counters.topics == 10_000))
    );
}

#[test]
fn another_broker_is_another_home() {
    let mut bench = Bench::connected();
    bench.publish("zigbee2mqtt/Lamp", r#"{"state":"OFF"}"#);
    bench.command(Command::Open(View::Home));
    bench.command(Command::Open(View::Tree(TreeWindow {
        rows: 50,
        ..TreeWindow::default()
    })));
    bench.wait(300);
    let device = bench.cards().last().unwrap().id.clone();
    bench.close(1006, "");
    bench.command(publication(1));
    bench.patches.clear();
    bench.command(Command::Connect(Box::new(ConnectionOptions {
        url: "ws://other/".into(),
        ..options()
    })));
    bench.framer = Framer::new(1024 * 1024);
    bench.sent();
    assert!(
        bench.patches.iter().any(|patch| matches!(
            patch,
            Patch::Outcome {
                request: 7,
                outcome: Outcome::Failed(_)
            }
        )),
        "what waited for the other broker is not silently lost: {:?}",
        bench.patches
    );
    bench.input(Input::Opened);
    bench.answer_connect(ReasonCode::SUCCESS);
    bench.wait(1_000);
    let rooms = bench.patches.iter().rev().find_map(|patch| match patch {
        Patch::Home(home) => Some(home.rooms.len()),
        _ => None,
    });
    let rows = bench.patches.iter().rev().find_map(|patch| match patch {
        Patch::Tree(tree) => Some(tree.rows.len()),
        _ => None,
    });
    assert_eq!((rooms, rows), (Some(0), Some(0)));
    bench.command(Command::Control {
        request: 9,
        device,
        entity: "state".into(),
        action: Action::Turn(true),
    });
    bench.wait(1);
    assert!(
        matches!(
            bench.patches.last(),
            Some(Patch::Outcome {
                request: 9,
                outcome: Outcome::Failed(_)
            })
        ),
        "{:?}",
        bench.patches.last()
    );
}

#[test]
fn the_same_broker_keeps_what_was_heard() {
    let mut bench = Bench::connected();
    bench.publish("zigbee2mqtt/Lamp", r#"{"state":"OFF"}"#);
    bench.command(Command::Connect(Box::new(options())));
    bench.patches.clear();
    bench.command(Command::Open(View::Home));
    bench.wait(300);
    assert_eq!(bench.cards().len(), 1);
}

#[test]
fn silence_is_noticed_without_a_message_or_a_keep_alive() {
    let mut bench = Bench::new();
    bench.command(Command::Connect(Box::new(ConnectionOptions {
        keep_alive: 0,
        ..options()
    })));
    bench.input(Input::Opened);
    bench.answer_connect(ReasonCode::SUCCESS);
    bench.publish("zigbee2mqtt/Lamp", r#"{"state":"OFF"}"#);
    bench.wait(60_000);
    assert!(
        bench
            .engine
            .poll_timeout()
            .is_some_and(|at| at.ms <= bench.ms + 5_000),
        "the devices are looked at every five seconds"
    );
}

#[test]
fn chosen_limits_hold_and_what_they_refuse_is_counted() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    bench.command(Command::Limit(Limits {
        topics: 2,
        devices: 1,
        payload_kib: 1,
        ..Limits::default()
    }));
    bench.publish("home/kitchen/temperature", "20.5");
    bench.publish(
        "home/attic/humidity",
        &format!("{{\"t\":\"{}\"}}", "x".repeat(2_000)),
    );
    bench.publish("home/cellar/door", "open");
    bench.wait(2_000);
    let counters = bench.patches.iter().rev().find_map(|patch| match patch {
        Patch::Counters(counters) => Some(*counters),
        _ => None,
    });
    let counters = counters.unwrap();
    assert_eq!(
        (counters.topics, counters.cut, counters.dropped),
        (2, 1, 1),
        "{counters:?}"
    );
    assert_eq!(
        bench
            .cards()
            .iter()
            .map(|card| &card.id)
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        1
    );
}
