//! Packets that are right by themselves and wrong when they come: each with the statement that decides and the code of our
//! DISCONNECT. Beside them what is odd and allowed.

use hearth_mqtt::{
    Auth, Disconnect, Packet, Properties, Property, PublishParts, Qos, ReasonCode, TopicFilter, TopicName,
    session::{Authentication, ClosedReason, Event, SessionOptions, SessionState},
};

use crate::support::{Pair, inbound, lasting, puback, pubcomp, pubrec, pubrel, suback, unsuback, v5, v311};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const METHOD: Property<'static> = Property::AuthenticationMethod("M");

fn limited(options: SessionOptions) -> SessionOptions {
    SessionOptions {
        receive_maximum: 2,
        topic_alias_maximum: 2,
        maximum_packet_size: 60,
        ..options
    }
}

fn authenticating() -> SessionOptions {
    SessionOptions {
        authentication: Some(Authentication {
            method: "M".into(),
            data: None,
        }),
        ..v5()
    }
}

fn auth(code: u8, properties: &[Property<'_>]) -> Packet {
    Packet::Auth(Auth {
        reason_code: ReasonCode(code),
        properties: Properties::of(properties).unwrap(),
    })
}

fn aliased(topic: Option<&str>, alias: u16) -> Packet {
    let parts = PublishParts {
        dup: false,
        qos: Qos::AtMostOnce,
        retain: false,
        topic: topic.map(|it| TopicName::parse(it).unwrap()),
        packet_id: None,
        properties: Properties::of(&[Property::TopicAlias(alias)]).unwrap(),
        payload: "x".into(),
    };
    Packet::Publish(parts.into())
}

/// The statement that closed the session, and what we sent about it.
#[track_caller]
fn check(mut pair: Pair, statement: &str, sent: &[&str]) {
    let events = pair.events();
    match events.last() {
        Some(Event::Closed(ClosedReason::ServerMisbehaved(fault))) => {
            assert_eq!(fault.statement(), statement, "{fault}");
        }
        other => panic!("{statement}: {other:?}"),
    }
    let last: Vec<_> = pair
        .brief()
        .into_iter()
        .filter(|it| it.starts_with("disconnect"))
        .collect();
    assert_eq!(last, sent, "{statement}");
    assert_eq!(pair.session.state(), SessionState::Closed);
}

/// A breach after CONNACK, of 5.0 and, where it has the rule too, of 3.1.1, which closes without a word.
#[track_caller]
fn after_connack(run: impl Fn(&mut Pair), v5_statement: &str, code: u8, v311_statement: Option<&str>) {
    let mut pair = Pair::connected(limited(lasting(v5())));
    run(&mut pair);
    check(pair, v5_statement, &[&format!("disconnect {code:#04x}")]);
    if let Some(statement) = v311_statement {
        let mut pair = Pair::connected(limited(lasting(v311())));
        run(&mut pair);
        check(pair, statement, &[]);
    }
}

/// [MQTT5-3.2.0-1] [MQTT5-3.14.0-1] [MQTT311-3.2.0-1]
#[test]
fn nothing_but_auth_comes_before_connack() {
    let before = [
        inbound(Qos::ExactlyOnce, 1, "a", false),
        puback(1),
        pubrec(1),
        pubrel(1),
        pubcomp(1),
        suback(1, &[0]),
        Packet::Pingresp,
    ];
    for packet in before {
        let mut pair = Pair::new(v5());
        pair.open();
        pair.send(packet.clone());
        check(pair, "MQTT5-3.2.0-1", &["disconnect 0x82"]);
        let mut pair = Pair::new(v311());
        pair.open();
        pair.send(packet);
        check(pair, "MQTT311-3.2.0-1", &[]);
    }
    let goodbye = Packet::Disconnect(Disconnect::with_reason(ReasonCode::SERVER_BUSY));
    for (packet, statement) in [(unsuback(1, &[0]), "MQTT5-3.2.0-1"), (goodbye, "MQTT5-3.14.0-1")] {
        let mut pair = Pair::new(v5());
        pair.open();
        pair.send(packet);
        check(pair, statement, &["disconnect 0x82"]);
    }
}

/// [MQTT5-3.2.0-2]
#[test]
fn connack_comes_once() {
    let again = |pair: &mut Pair| pair.accept(false, &[]);
    after_connack(again, "MQTT5-3.2.0-2", 0x82, Some("MQTT311-3.2.0-1"));
}

/// [MQTT5-3.2.2-2] [MQTT5-3.2.2-4]
#[test]
fn session_present_is_what_it_can_be() {
    let mut pair = Pair::new(v5());
    assert!(pair.open().clean_start);
    pair.accept(true, &[]);
    check(pair, "MQTT5-3.2.2-2", &["disconnect 0x82"]);
    let mut pair = Pair::new(lasting(v5()));
    assert!(!pair.open().clean_start);
    pair.accept(true, &[]);
    check(pair, "MQTT5-3.2.2-4", &["disconnect 0x82"]);
    let mut pair = Pair::new(v311());
    assert!(pair.open().clean_start);
    pair.accept(true, &[]);
    check(pair, "MQTT311-3.2.2-1", &[]);
}

/// [MQTT5-3.1.2-26] [MQTT5-3.1.2-27]; an alias that was never set: 3.3.4.
#[test]
fn topic_aliases_stay_within_what_was_agreed() {
    after_connack(
        |pair| pair.send(aliased(Some("a"), 3)),
        "MQTT5-3.1.2-26",
        0x94,
        None,
    );
    after_connack(|pair| pair.send(aliased(None, 3)), "MQTT5-3.1.2-26", 0x94, None);
    after_connack(|pair| pair.send(aliased(None, 2)), "MQTT5-3.3.4", 0x82, None);
    // Without a Topic Alias Maximum there are none.
    let mut pair = Pair::connected(SessionOptions {
        topic_alias_maximum: 0,
        ..v5()
    });
    pair.send(aliased(Some("a"), 1));
    check(pair, "MQTT5-3.1.2-27", &["disconnect 0x94"]);
}

/// [MQTT5-3.3.4-9] [MQTT5-3.1.2-24]
#[test]
fn what_the_server_sends_stays_within_our_limits() {
    let flood = |qos| {
        move |pair: &mut Pair| {
            for number in 1..=3 {
                pair.send(inbound(qos, number, "a", false));
            }
        }
    };
    after_connack(flood(Qos::AtLeastOnce), "MQTT5-3.3.4-9", 0x93, None);
    after_connack(flood(Qos::ExactlyOnce), "MQTT5-3.3.4-9", 0x93, None);
    // The header alone tells, before a byte of the rest is there.
    let large = |pair: &mut Pair| pair.send_bytes(vec![0x30, 59]);
    after_connack(large, "MQTT5-3.1.2-24", 0x95, Some("MQTT311-4.8.0-1"));
    let mut pair = Pair::new(limited(v5()));
    pair.open();
    pair.send_bytes(vec![0x20, 59]);
    check(pair, "MQTT5-3.1.2-24", &["disconnect 0x95"]);
}

/// [MQTT5-3.8.4-6] [MQTT5-3.11.3-1] [MQTT311-3.8.4-5]
#[test]
fn every_filter_gets_its_answer() {
    for codes in [&[0][..], &[0, 0, 0]] {
        let subscribed = |pair: &mut Pair| {
            pair.subscribe(&["a", "b"]);
            pair.send(suback(1, codes));
        };
        after_connack(subscribed, "MQTT5-3.8.4-6", 0x82, Some("MQTT311-3.8.4-5"));
        let unsubscribed = |pair: &mut Pair| {
            let filters = ["a", "b"].map(|it| TopicFilter::parse(it).unwrap()).to_vec();
            pair.session.unsubscribe(pair.at(), filters).unwrap();
            pair.send(unsuback(1, codes));
        };
        after_connack(unsubscribed, "MQTT5-3.11.3-1", 0x82, None);
    }
}

/// The exchange waits for something else under this identifier. [MQTT5-3.3.4-1] [MQTT5-4.3.3-11] [MQTT5-3.8.4-1] [MQTT5-3.10.4-4]
/// [MQTT311-3.3.4-1] [MQTT311-4.3.3-2] [MQTT311-3.8.4-1] [MQTT311-3.10.4-4]
#[test]
fn acknowledgements_are_of_the_kind_that_is_waited_for() {
    let published = |qos, answer: Packet| {
        move |pair: &mut Pair| {
            pair.publish(qos, "a", "1");
            pair.send(answer.clone());
        }
    };
    for answer in [pubrec(1), pubcomp(1), suback(1, &[0])] {
        let run = published(Qos::AtLeastOnce, answer);
        after_connack(run, "MQTT5-3.3.4-1", 0x82, Some("MQTT311-3.3.4-1"));
    }
    for answer in [pubcomp(1), suback(1, &[0])] {
        let run = published(Qos::ExactlyOnce, answer);
        after_connack(run, "MQTT5-3.3.4-1", 0x82, Some("MQTT311-3.3.4-1"));
    }
    // In 3.1.1 it is how a broker says that it has no QoS 2.
    after_connack(
        published(Qos::ExactlyOnce, puback(1)),
        "MQTT5-3.3.4-1",
        0x82,
        None,
    );
    for answer in [puback(1), suback(1, &[0])] {
        let released = |pair: &mut Pair| {
            pair.publish(Qos::ExactlyOnce, "a", "1");
            pair.send(pubrec(1));
            pair.send(answer.clone());
        };
        after_connack(released, "MQTT5-4.3.3-11", 0x82, Some("MQTT311-4.3.3-2"));
    }
    for answer in [puback(1), pubrec(1), pubcomp(1), unsuback(1, &[0])] {
        let old = (!matches!(answer, Packet::Unsuback(_))).then_some("MQTT311-3.8.4-1");
        let subscribed = |pair: &mut Pair| {
            pair.subscribe(&["a"]);
            pair.send(answer.clone());
        };
        after_connack(subscribed, "MQTT5-3.8.4-1", 0x82, old);
    }
    for answer in [puback(1), pubrec(1), pubcomp(1), suback(1, &[0])] {
        let unsubscribed = |pair: &mut Pair| {
            let filters = vec![TopicFilter::parse("a").unwrap()];
            pair.session.unsubscribe(pair.at(), filters).unwrap();
            pair.send(answer.clone());
        };
        after_connack(unsubscribed, "MQTT5-3.10.4-4", 0x82, Some("MQTT311-3.10.4-4"));
    }
}

/// [MQTT5-4.12.0-2] [MQTT5-4.12.0-5] [MQTT5-4.12.0-6]
#[test]
fn auth_comes_when_it_is_due() {
    let unasked = |pair: &mut Pair| pair.send(auth(0x18, &[METHOD]));
    after_connack(unasked, "MQTT5-4.12.0-6", 0x82, None);
    let opening = |options: SessionOptions, packet: Packet| {
        let mut pair = Pair::new(options);
        pair.open();
        pair.send(packet);
        pair
    };
    check(
        opening(v5(), auth(0x18, &[METHOD])),
        "MQTT5-4.12.0-6",
        &["disconnect 0x82"],
    );
    // Success before CONNACK is CONNACK itself.
    check(
        opening(authenticating(), auth(0x00, &[METHOD])),
        "MQTT5-4.12.0-2",
        &["disconnect 0x82"],
    );
    let other = Property::AuthenticationMethod("other");
    check(
        opening(authenticating(), auth(0x18, &[other])),
        "MQTT5-4.12.0-5",
        &["disconnect 0x82"],
    );
    // CONNACK names the method, and names none where CONNECT named none.
    for (options, properties, statement) in [
        (authenticating(), &[][..], "MQTT5-4.12.0-5"),
        (v5(), &[METHOD], "MQTT5-4.12.0-6"),
    ] {
        let mut pair = Pair::new(options);
        pair.open();
        pair.accept(false, properties);
        check(pair, statement, &["disconnect 0x82"]);
    }
    // After CONNACK an AUTH answers ours.
    let connected = || Pair::connected_with(authenticating(), &[METHOD]);
    let mut pair = connected();
    pair.send(auth(0x18, &[METHOD]));
    check(pair, "MQTT5-4.12", &["disconnect 0x82"]);
    // Nor does the server ask twice.
    let mut pair = opening(authenticating(), auth(0x18, &[METHOD]));
    pair.send(auth(0x18, &[METHOD]));
    check(pair, "MQTT5-4.12", &["disconnect 0x82"]);
    let mut pair = connected();
    pair.session.reauthenticate(pair.at(), None).unwrap();
    pair.send(auth(0x00, &[other]));
    check(pair, "MQTT5-4.12.0-5", &["disconnect 0x82"]);
}

/// What no statement forbids ends nothing: a server may repeat itself, or answer what an earlier program asked.
#[test]
fn what_is_odd_and_allowed_changes_nothing() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        let failed = Packet::Pubrec(hearth_mqtt::Ack::with_reason(
            crate::support::id(7),
            ReasonCode::QUOTA_EXCEEDED,
        ));
        for packet in [puback(7), pubcomp(7), suback(7, &[0]), Packet::Pingresp] {
            pair.send(packet);
        }
        if pair.version.is_v5() {
            pair.send(unsuback(7, &[0]));
            pair.send(failed);
        }
        assert!(pair.events().is_empty() && pair.received().is_empty());
        // These are answered, so that the server can end the exchange.
        pair.send(pubrec(7));
        pair.send(pubrel(9));
        let not_found = if pair.version.is_v5() { " 0x92" } else { "" };
        assert_eq!(
            pair.brief(),
            ["pubrel #7".to_owned(), format!("pubcomp #9{not_found}")]
        );
        // DUP on what was never seen, a topic that nobody subscribed to, an identifier used by two directions at once.
        pair.publish(Qos::AtLeastOnce, "a", "1");
        pair.send(inbound(Qos::AtLeastOnce, 1, "b", true));
        assert_eq!(pair.brief(), ["publish q1 #1 a", "puback #1"]);
        let events = pair.events();
        assert!(matches!(events.last(), Some(Event::Message(_))), "{events:?}");
        assert_eq!(pair.session.state(), SessionState::Connected);
    }
}
