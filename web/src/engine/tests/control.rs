//! Devices that are told to do something, and that announce themselves.

use super::*;

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
fn a_device_that_says_where_it_is_going_is_waited_for_until_it_is_there() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    bench.publish(
        "homie/5/valve/$description",
        r#"{"homie":"5.0","version":1,"name":"Radiator","nodes":{"n":{"properties":{"level":{"name":"Level","datatype":"integer","format":"0:100","unit":"%","settable":true}}}}}"#,
    );
    bench.publish("homie/5/valve/n/level", "0");
    bench.wait(300);
    let device = bench.cards().last().unwrap().id.clone();
    let state = |bench: &Bench| {
        let entity = &bench.cards().last().unwrap().entities[0];
        entity.control.as_ref().unwrap().state.clone()
    };
    bench.command(Command::Control {
        request: 9,
        device,
        entity: "n.level".into(),
        action: Action::Set(80.0),
    });
    bench.wait(1_000);
    bench.publish("homie/5/valve/n/level/$target", "80");
    // Far longer than devices without a target are given.
    for level in ["20", "40", "60"] {
        bench.publish("homie/5/valve/n/level", level);
        bench.wait(10_000);
        assert_eq!(state(&bench), ControlState::Sent(Action::Set(80.0)), "{level}");
    }
    bench.publish("homie/5/valve/n/level", "80");
    bench.wait(300);
    assert_eq!(state(&bench), ControlState::Confirmed);
    // Somebody else turns it.
    bench.publish("homie/5/valve/n/level/$target", "10");
    bench.wait(300);
    assert_eq!(state(&bench), ControlState::Sent(Action::Set(10.0)));
    bench.publish("homie/5/valve/n/level", "10");
    bench.wait(300);
    assert_eq!(state(&bench), ControlState::Confirmed);
}

#[test]
fn a_command_that_small_devices_drop_is_sent_only_when_somebody_insists() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    let topic = format!("home/{}/relay", "long".repeat(30));
    bench.publish(&format!("{topic}/set"), "ON");
    bench.publish(&topic, "OFF");
    bench.wait(500);
    let device = bench.cards().last().unwrap().id.clone();
    let entity = bench.cards().last().unwrap().entities[0].id.clone();
    let ask = |bench: &mut Bench| {
        bench.sent();
        bench.command(Command::Control {
            request: 9,
            device: device.clone(),
            entity: entity.clone(),
            action: Action::Turn(true),
        });
        bench.wait(300);
        let published = bench
            .sent()
            .into_iter()
            .filter(|packet| matches!(packet, Packet::Publish(_)));
        let control = bench.cards().last().unwrap().entities[0].control.clone();
        (published.count(), control.unwrap().state)
    };
    let (sent, state) = ask(&mut bench);
    assert_eq!(sent, 0);
    assert!(
        matches!(&state, ControlState::Failed(why, _) if why.starts_with("Not sent: the message has 144 bytes, and small devices drop more than 128.")),
        "{state:?}"
    );
    assert_eq!(ask(&mut bench), (1, ControlState::Sent(Action::Turn(true))));
    bench.wait(5_300);
    let state = bench.cards().last().unwrap().entities[0]
        .control
        .clone()
        .unwrap()
        .state;
    assert!(
        matches!(&state, ControlState::Failed(why, _) if why.contains("144 bytes: small devices drop more than 128")),
        "{state:?}"
    );
    // It was insisted on once.
    assert_eq!(ask(&mut bench).0, 1);
}

#[test]
fn a_message_that_a_known_device_drops_is_published_only_when_somebody_insists() {
    let mut bench = Bench::connected();
    bench.publish(
        "tasmota/discovery/AABBCCDDEEFF/config",
        r#"{"dn":"Plug","fn":["Plug"],"mac":"AABBCCDDEEFF","md":"Plug","ofln":"Offline","onln":"Online","state":["OFF","ON","TOGGLE","HOLD"],"t":"plug","ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"],"rl":[1],"so":{"4":0},"ver":1}"#,
    );
    bench.wait(300);
    let publish = |bench: &mut Bench, topic: &str, bytes: usize| {
        bench.sent();
        bench.patches.clear();
        bench.command(Command::Publish {
            request: 7,
            message: Publication {
                topic: topic.into(),
                payload: vec![b'x'; bytes],
                ..Publication::default()
            },
        });
        bench.wait(300);
        let published = bench
            .sent()
            .into_iter()
            .filter(|packet| matches!(packet, Packet::Publish(_)));
        let outcomes = bench.patches.iter().rev().find_map(|patch| match patch {
            Patch::Outcome { outcome, .. } => Some(outcome.clone()),
            _ => None,
        });
        (published.count(), outcomes)
    };
    let (sent, outcome) = publish(&mut bench, "cmnd/plug/Backlog", 1_300);
    assert_eq!(sent, 0);
    assert!(
        matches!(&outcome, Some(Outcome::Failed(why)) if why.contains("1324 bytes, and this device drops more than 1200")),
        "{outcome:?}"
    );
    assert_eq!(
        publish(&mut bench, "cmnd/plug/Backlog", 1_300),
        (1, Some(Outcome::Sent))
    );
    // The next one is another one.
    assert_eq!(publish(&mut bench, "cmnd/plug/Backlog", 1_301).0, 0);
    assert_eq!(publish(&mut bench, "cmnd/plug/Backlog", 1_000).0, 1);
    assert_eq!(publish(&mut bench, "cmnd/other/Backlog", 1_300).0, 1);
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
