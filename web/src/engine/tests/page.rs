//! What the page gets to see, and what it can do.

use hearth_mqtt::Property;

use super::*;

#[test]
fn every_qos_has_its_result() {
    let mut bench = Bench::connected();
    bench.sent();
    bench.command(publication(0));
    assert!(bench.patches.contains(&Patch::Outcome {
        request: 7,
        outcome: Outcome::Sent
    }));
    bench.command(publication(1));
    let sent = bench.sent();
    let Some(Packet::Publish(publish)) = sent.last() else {
        panic!("{sent:?}")
    };
    bench.send(&Packet::Puback(Ack {
        packet_id: publish.packet_id.unwrap(),
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::new(),
    }));
    assert!(bench.patches.contains(&Patch::Outcome {
        request: 7,
        outcome: Outcome::Acknowledged(String::new())
    }));
}

#[test]
fn variables_are_filled_in_and_every_property_is_sent() {
    let mut bench = Bench::connected();
    bench.sent();
    let message = Publication {
        topic: "a/{n}".into(),
        payload: b"{now} {random}".to_vec(),
        variables: true,
        repeat: 2,
        is_text: true,
        correlation_data: Some(b"c".to_vec()),
        response_topic: Some("r".into()),
        ..Publication::default()
    };
    bench.command(Command::Publish { request: 7, message });
    let mut payloads = vec![];
    for (packet, topic) in bench.sent().iter().zip(["a/1", "a/2"]) {
        let Packet::Publish(publish) = packet else {
            panic!("{packet:?}")
        };
        assert_eq!(publish.topic(), Some(topic));
        let parts = publish.clone().into_parts();
        let sent: Vec<_> = parts.properties.iter().collect();
        assert!(sent.contains(&Property::PayloadFormatIndicator(1)), "{sent:?}");
        assert!(sent.contains(&Property::CorrelationData(b"c")), "{sent:?}");
        assert!(sent.contains(&Property::ResponseTopic("r")), "{sent:?}");
        let text = std::str::from_utf8(publish.payload()).unwrap().to_owned();
        let (now, random) = text.split_once(' ').unwrap();
        assert_eq!(now, bench.now().wall_ms.to_string());
        assert!(random.parse::<u32>().unwrap() < 1_000_000);
        payloads.push(text);
    }
    assert_eq!(payloads.len(), 2);
    assert_ne!(payloads[0], payloads[1]);
}

#[test]
fn qos_0_is_refused_while_the_broker_is_away_and_qos_1_waits() {
    let mut bench = Bench::connected();
    bench.close(1006, "");
    bench.command(publication(0));
    assert!(
        matches!(
            bench.patches.last(),
            Some(Patch::Outcome {
                outcome: Outcome::Failed(_),
                ..
            })
        ),
        "{:?}",
        bench.patches.last()
    );
    bench.command(publication(1));
    bench.wait(250);
    assert!(bench.patches.contains(&Patch::Outcome {
        request: 7,
        outcome: Outcome::Queued
    }));
    assert!(
        bench
            .patches
            .iter()
            .any(|patch| matches!(patch, Patch::Counters(counters) if counters.queued == 1))
    );
}

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

#[test]
fn when_all_cards_of_a_screen_change_each_does_twice_a_second() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    let change_all = |bench: &mut Bench, value: u32| {
        for n in 0..30 {
            bench.publish(&format!("home/room/sensor{n}/temperature"), &value.to_string());
        }
        bench.wait(50);
    };
    change_all(&mut bench, 0);
    bench.wait(2_000);
    bench.patches.clear();
    for value in 1..=60 {
        change_all(&mut bench, value);
    }
    bench.wait(1_000);
    let last = bench.cards().iter().rev().map(|card| card.id.clone()).next();
    let of_one: Vec<_> = bench
        .cards()
        .into_iter()
        .filter(|card| Some(&card.id) == last.as_ref())
        .collect();
    assert!((6..=8).contains(&of_one.len()), "{} in 3 s", of_one.len());
    let value = &of_one.last().unwrap().entities[0].value;
    assert!(
        matches!(value, EntityValue::Number { value, .. } if *value == 60.0),
        "the newest is shown last: {value:?}"
    );
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
    bench.command(Command::Cards(shown.clone()));
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
    let trees: Vec<_> = bench
        .patches
        .iter()
        .filter_map(|patch| match patch {
            Patch::Tree(tree) => Some(tree),
            _ => None,
        })
        .collect();
    let new = |tree: &crate::wire::TreeView| tree.rows.iter().filter(|row| row.preview == "2").count();
    assert!(
        trees.windows(2).all(|pair| new(pair[1]) <= new(pair[0]) + 16),
        "{:?}",
        trees.iter().map(|tree| new(tree)).collect::<Vec<_>>()
    );
    assert_eq!(new(trees.last().unwrap()), 50);
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
fn a_switch_is_confirmed_by_the_device_and_not_by_the_click() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    bench.publish("zigbee2mqtt/Kitchen/Worktop", r#"{"state":"OFF"}"#);
    bench.wait(300);
    let device = bench.cards().last().unwrap().id.clone();
    let turn_on = Command::Control {
        request: 9,
        device,
        entity: "state".into(),
        action: Action::Turn(true),
    };
    bench.sent();
    bench.command(turn_on.clone());
    bench.wait(300);
    let sent = bench.sent();
    assert!(
        matches!(sent.as_slice(), [Packet::Publish(publish)] if publish.payload() == r#"{"state":"ON"}"#.as_bytes() && !publish.retain),
        "{sent:?}"
    );
    let state = |bench: &Bench| {
        bench.cards().last().unwrap().entities[0]
            .control
            .as_ref()
            .unwrap()
            .state
            .clone()
    };
    assert_eq!(state(&bench), ControlState::Sent(Action::Turn(true)));
    bench.publish("zigbee2mqtt/Kitchen/Worktop", r#"{"state":"ON"}"#);
    bench.wait(300);
    assert_eq!(state(&bench), ControlState::Confirmed);
    bench.command(turn_on);
    bench.wait(5_300);
    assert_eq!(
        state(&bench),
        ControlState::Failed("No answer after 5 s".into(), Action::Turn(true))
    );
}

#[test]
fn a_command_without_a_connection_is_not_kept_for_later() {
    let mut bench = Bench::connected();
    bench.publish("zigbee2mqtt/Lamp", r#"{"state":"OFF"}"#);
    bench.close(1006, "");
    bench.command(Command::Control {
        request: 9,
        device: "zigbee2mqtt-Lamp".into(),
        entity: "state".into(),
        action: Action::Turn(true),
    });
    assert!(matches!(
        bench.patches.last(),
        Some(Patch::Outcome {
            request: 9,
            outcome: Outcome::Failed(_)
        })
    ));
    assert_eq!(bench.engine.poll_transmit(), None);
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
fn a_message_too_large_for_the_bridge_is_refused_before_it_ends_the_connection() {
    let mut bench = Bench::new();
    let options = ConnectionOptions {
        largest_packet: Some(1_000),
        ..options()
    };
    bench.command(Command::Connect(Box::new(options)));
    let message = Publication {
        topic: "a".into(),
        payload: vec![0; 1_000],
        qos: 1,
        ..Publication::default()
    };
    bench.command(Command::Publish { request: 7, message });
    assert!(matches!(
        bench.patches.last(),
        Some(Patch::Outcome {
            outcome: Outcome::Failed(_),
            ..
        })
    ));
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

/// Home as the page has it.
fn home(bench: &Bench) -> crate::wire::HomeView {
    let mut home = None;
    for patch in &bench.patches {
        match (patch, &mut home) {
            (Patch::Home(view), _) => home = Some(view.clone()),
            (Patch::Facts(facts), Some(home)) => home.take_facts(facts.clone()),
            _ => {}
        }
    }
    home.unwrap()
}

#[test]
fn an_announced_device_takes_the_place_of_the_guess_and_goes_when_it_is_removed() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    bench.publish("lab/lamp", r#"{"state":"ON"}"#);
    bench.wait(600);
    let guessed = bench.cards().last().unwrap().id.clone();
    let config = "homeassistant/light/lamp/config";
    bench.publish(
        config,
        r#"{"schema":"json","stat_t":"lab/lamp","cmd_t":"lab/lamp/set","brightness":true,"uniq_id":"lamp1","dev":{"ids":"l1","name":"Bench lamp"}}"#,
    );
    bench.publish("homeassistant/light/broken/config", "{");
    bench.wait(1_200);
    let card = (*bench.cards().last().unwrap()).clone();
    let shown: Vec<_> = card
        .entities
        .iter()
        .map(|entity| (&*entity.id, &*entity.kind))
        .collect();
    assert_eq!(shown, [("lamp1", "light"), ("lamp1.brightness", "number")]);
    assert!(
        matches!(card.entities[0].value, EntityValue::Binary { on: true, .. }),
        "its state came before it"
    );
    assert!(
        card.entities[0]
            .control
            .as_ref()
            .is_some_and(|control| !control.guessed)
    );
    let id = card.id.clone();
    assert_ne!(id, guessed);
    let devices: Vec<_> = home(&bench)
        .rooms
        .iter()
        .flat_map(|room| room.devices.to_vec())
        .collect();
    assert_eq!(devices, std::slice::from_ref(&id));
    bench.wait(5_000);
    assert_eq!(
        home(&bench).unreadable[0].topic,
        "homeassistant/light/broken/config"
    );
    bench.sent();
    bench.command(Command::Control {
        request: 9,
        device: id,
        entity: "lamp1.brightness".into(),
        action: Action::Set(50.0),
    });
    bench.wait(300);
    let sent = bench.sent();
    assert!(
        matches!(sent.as_slice(), [Packet::Publish(publish)] if publish.topic() == Some("lab/lamp/set")
            && publish.payload() == r#"{"state":"ON","brightness":127}"#.as_bytes()),
        "{sent:?}"
    );
    bench.publish(config, "");
    bench.wait(1_200);
    assert_eq!(home(&bench).rooms, []);
}

#[test]
fn a_button_is_done_when_the_broker_has_it() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    bench.publish(
        "homeassistant/button/b/config",
        r#"{"cmd_t":"lab/restart","uniq_id":"b1","name":"Restart","dev":{"ids":"d1","name":"Bench"}}"#,
    );
    bench.wait(600);
    let device = bench.cards().last().unwrap().id.clone();
    bench.sent();
    bench.command(Command::Control {
        request: 9,
        device,
        entity: "b1".into(),
        action: Action::Press,
    });
    let sent = bench.sent();
    let Some(Packet::Publish(publish)) = sent.last() else {
        panic!("{sent:?}")
    };
    bench.send(&Packet::Puback(Ack {
        packet_id: publish.packet_id.unwrap(),
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::new(),
    }));
    bench.wait(10_000);
    let card = (*bench.cards().last().unwrap()).clone();
    assert_eq!(
        card.entities[0].control.as_ref().unwrap().state,
        ControlState::Delivered
    );
}
