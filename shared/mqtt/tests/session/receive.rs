//! Messages of the server: QoS 0, 1, 2, topic aliases, our Receive Maximum.

use hearth_mqtt::{
    Bytes, BytesMut, Packet, Properties, Property, ProtocolVersion, PublishParts, Qos, TopicName,
    session::{ClosedReason, Event, Misbehaviour, SessionOptions, SessionRule},
};

use crate::support::{Pair, id, inbound, lasting, pubrec, pubrel, v5, v311};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn topics(events: &[Event]) -> Vec<&str> {
    let messages = events.iter().filter_map(|event| match event {
        Event::Message(message) => Some(message.topic.as_str()),
        _ => None,
    });
    messages.collect()
}

fn broken(events: &[Event]) -> Option<SessionRule> {
    events.iter().find_map(|event| match event {
        Event::Closed(ClosedReason::ServerMisbehaved(Misbehaviour::Session(rule, _))) => Some(*rule),
        _ => None,
    })
}

/// Acknowledgements nobody takes are not kept without end.
#[test]
fn a_server_that_asks_and_takes_nothing_is_given_up_on() {
    let mut pair = Pair::connected(SessionOptions {
        transmit_bytes_maximum: 40,
        ..v5()
    });
    for _ in 0..8 {
        pair.send(pubrec(5));
    }
    assert!(pair.events().is_empty());
    pair.send(pubrec(5));
    assert_eq!(pair.event(), Event::Closed(ClosedReason::TakesNothing));
}

/// What waits may be a message of the application, which is no fault of the server.
#[test]
fn a_large_message_that_waits_is_no_reason_to_give_up() {
    let mut pair = Pair::connected(SessionOptions {
        transmit_bytes_maximum: 40,
        queued_bytes_maximum: 40,
        ..v5()
    });
    pair.publish(Qos::AtMostOnce, "camera", &"x".repeat(1000));
    pair.send(inbound(Qos::AtLeastOnce, 1, "a", false));
    assert_eq!(topics(&pair.events()), ["a"]);
    assert_eq!(pair.received().len(), 2);
}

/// The end is told once, and nothing is written behind it.
#[test]
fn a_session_that_cannot_be_resumed_ends_once() {
    let mut pair = Pair::connected(SessionOptions {
        transmit_bytes_maximum: 10,
        ..lasting(v5())
    });
    for number in 1..=5 {
        pair.publish(Qos::ExactlyOnce, "a", "1");
        pair.received();
        pair.send(pubrec(number));
        pair.received();
    }
    pair.events();
    pair.cut();
    pair.events();
    pair.open();
    pair.accept(true, &[]);
    let ends = pair
        .events()
        .iter()
        .filter(|event| **event == Event::Closed(ClosedReason::TakesNothing))
        .count();
    assert_eq!(ends, 1);
    assert_eq!(pair.received().len(), 3, "as many as made it too much");
}

/// [MQTT5-4.3.2-4] [MQTT5-4.6.0-2]
#[test]
fn each_qos_is_acknowledged_its_way_and_in_order() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        pair.send(inbound(Qos::AtMostOnce, 0, "a", false));
        pair.send(inbound(Qos::AtLeastOnce, 7, "b", false));
        pair.send(inbound(Qos::ExactlyOnce, 8, "c", false));
        pair.send(inbound(Qos::AtLeastOnce, 9, "d", false));
        assert_eq!(topics(&pair.events()), ["a", "b", "c", "d"]);
        assert_eq!(pair.brief(), ["puback #7", "pubrec #8", "puback #9"]);
        pair.send(pubrel(8));
        assert_eq!(pair.brief(), ["pubcomp #8"]);
    }
}

#[test]
fn a_message_keeps_all_that_the_server_said() {
    let mut pair = Pair::connected(v5());
    let properties = Properties::of(&[
        Property::ContentType("text/plain"),
        Property::SubscriptionIdentifier(3),
    ])
    .unwrap();
    pair.send(Packet::Publish(
        PublishParts {
            dup: true,
            qos: Qos::AtLeastOnce,
            retain: true,
            topic: Some(TopicName::parse("a").unwrap()),
            packet_id: Some(id(1)),
            properties: properties.clone(),
            payload: Bytes::from_static(b"x"),
        }
        .into(),
    ));
    let Event::Message(message) = pair.event() else {
        panic!()
    };
    assert!(message.dup && message.retain && message.qos == Qos::AtLeastOnce);
    assert_eq!((message.properties, &*message.payload), (properties, &b"x"[..]));
}

/// [MQTT5-4.3.3-10]
#[test]
fn a_repeated_qos_2_publish_is_delivered_once() {
    let mut pair = Pair::connected(v5());
    pair.send(inbound(Qos::ExactlyOnce, 8, "a", false));
    pair.send(inbound(Qos::ExactlyOnce, 8, "a", true));
    assert_eq!(topics(&pair.events()), ["a"]);
    assert_eq!(pair.brief(), ["pubrec #8", "pubrec #8"]);
    assert_eq!(pair.session.counters().duplicates_dropped, 1);
}

/// [MQTT5-4.3.3-12]
#[test]
fn after_pubrel_the_identifier_is_a_new_message() {
    let mut pair = Pair::connected(v5());
    for _ in 0..2 {
        pair.send(inbound(Qos::ExactlyOnce, 8, "a", false));
        pair.send(pubrel(8));
    }
    assert_eq!(topics(&pair.events()), ["a", "a"]);
    assert_eq!(pair.session.unreleased(), 0);
}

/// [MQTT5-4.3.3-11]: 5.0 says that there was nothing to release.
#[test]
fn a_repeated_pubrel_is_answered() {
    let mut pair = Pair::connected(v5());
    pair.send(inbound(Qos::ExactlyOnce, 8, "a", false));
    pair.send(pubrel(8));
    pair.send(pubrel(8));
    assert_eq!(pair.brief(), ["pubrec #8", "pubcomp #8", "pubcomp #8 0x92"]);

    let mut pair = Pair::connected(v311());
    pair.send(pubrel(8));
    assert_eq!(pair.brief(), ["pubcomp #8"]);
}

#[test]
fn exactly_once_holds_across_network_connections() {
    for options in [lasting(v5()), lasting(v311())] {
        let mut pair = Pair::connected(options);
        pair.send(inbound(Qos::ExactlyOnce, 8, "a", false));
        pair.received();
        pair.reconnect(true);
        pair.received();
        pair.send(inbound(Qos::ExactlyOnce, 8, "a", true));
        assert_eq!(topics(&pair.events()), ["a"]);
        assert_eq!(pair.brief(), ["pubrec #8"]);
        pair.reconnect(true);
        pair.send(pubrel(8));
        assert_eq!(pair.brief(), ["pubcomp #8"]);
    }
}

/// [MQTT5-3.2.2-5]: a new session of the server has new identifiers.
#[test]
fn a_lost_session_forgets_what_was_not_released() {
    let mut pair = Pair::connected(lasting(v5()));
    pair.send(inbound(Qos::ExactlyOnce, 8, "a", false));
    pair.reconnect(false);
    pair.send(inbound(Qos::ExactlyOnce, 8, "b", false));
    assert_eq!(topics(&pair.events()), ["a", "b"]);
}

/// [MQTT5-3.3.1-1] [MQTT5-2.2.1-4] the CONNACK that says that the session is lost may get lost itself. A message without
/// DUP under an identifier of the old session tells the same: it is new, and nothing of the old session is left.
#[test]
fn a_session_lost_unheard_gives_itself_away_by_a_new_message() {
    for options in [lasting(v5()), lasting(v311())] {
        let mut pair = Pair::connected(options);
        for number in [7, 8, 9] {
            pair.send(inbound(Qos::ExactlyOnce, number, "old", false));
        }
        pair.cut();
        // The server forgot, answers Session Present = 0 to nobody, and goes on with the empty session.
        pair.open();
        pair.reconnect(true);
        pair.events();
        pair.received();
        pair.send(inbound(Qos::ExactlyOnce, 8, "new", false));
        let events = pair.events();
        assert_eq!(topics(&events), ["new"]);
        assert!(events.contains(&Event::MessagesMayBeMissed));
        assert_eq!(pair.brief(), ["pubrec #8"]);
        assert_eq!(pair.session.unreleased(), 1, "7 and 9 are void as well");
        // From here on it is a session as any other.
        pair.reconnect(true);
        pair.events();
        pair.received();
        pair.send(inbound(Qos::ExactlyOnce, 8, "new", true));
        pair.send(inbound(Qos::ExactlyOnce, 9, "newer", true));
        assert_eq!(topics(&pair.events()), ["newer"]);
    }
}

/// [MQTT5-4.3.3-10]: the server may as well have kept the session, and then DUP tells.
#[test]
fn a_session_kept_after_a_lost_connack_repeats_nothing() {
    let mut pair = Pair::connected(lasting(v5()));
    for number in [7, 8] {
        pair.send(inbound(Qos::ExactlyOnce, number, "a", false));
    }
    pair.cut();
    pair.open();
    pair.reconnect(true);
    pair.events();
    pair.received();
    pair.send(inbound(Qos::ExactlyOnce, 7, "a", true));
    pair.send(pubrel(8));
    assert_eq!(topics(&pair.events()), [""; 0]);
    assert_eq!(pair.brief(), ["pubrec #7", "pubcomp #8"]);
    // Released, the identifier is free: no proof of anything.
    pair.send(inbound(Qos::ExactlyOnce, 8, "b", false));
    assert_eq!(topics(&pair.events()), ["b"]);
    assert_eq!(pair.session.unreleased(), 2);
}

fn aliased(topic: Option<&str>, alias: u16) -> Packet {
    Packet::Publish(
        PublishParts {
            dup: false,
            qos: Qos::AtMostOnce,
            retain: false,
            topic: topic.map(|it| TopicName::parse(it).unwrap()),
            packet_id: None,
            properties: Properties::of(&[Property::TopicAlias(alias)]).unwrap(),
            payload: Bytes::new(),
        }
        .into(),
    )
}

/// [MQTT5-3.3.2-10]
#[test]
fn topic_aliases_of_the_server_are_resolved() {
    let mut pair = Pair::connected(SessionOptions {
        topic_alias_maximum: 2,
        ..v5()
    });
    for packet in [
        aliased(Some("a"), 2),
        aliased(None, 2),
        aliased(Some("b"), 2),
        aliased(None, 2),
    ] {
        pair.send(packet);
    }
    assert_eq!(topics(&pair.events()), ["a", "a", "b", "b"]);
}

/// [MQTT5-3.3.2-7] [MQTT5-3.1.2-26]
#[test]
fn wrong_topic_aliases_are_faults() {
    let mut pair = Pair::connected(SessionOptions {
        topic_alias_maximum: 2,
        ..v5()
    });
    pair.send(aliased(Some("a"), 3));
    assert_eq!(broken(&pair.events()), Some(SessionRule::TopicAliasInvalid));
    assert_eq!(pair.brief(), ["disconnect 0x94"]);

    let mut pair = Pair::connected(SessionOptions {
        topic_alias_maximum: 2,
        ..v5()
    });
    pair.send(aliased(Some("a"), 1));
    pair.reconnect(false);
    pair.received();
    pair.send(aliased(None, 1));
    assert_eq!(broken(&pair.events()), Some(SessionRule::TopicAliasUnknown));
    assert_eq!(pair.brief(), ["disconnect 0x82"]);
}

/// [MQTT5-3.3.4-9]
#[test]
fn more_than_our_receive_maximum_is_a_fault() {
    for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let mut pair = Pair::connected(SessionOptions {
            receive_maximum: 2,
            ..v5()
        });
        for number in 1..=3 {
            pair.send(inbound(qos, number, "a", false));
        }
        let events = pair.events();
        assert_eq!(topics(&events).len(), 2);
        assert_eq!(broken(&events), Some(SessionRule::ReceiveMaximumExceeded));
        assert_eq!(pair.brief().last().unwrap(), "disconnect 0x93");
    }
}

#[test]
fn acknowledged_messages_do_not_count_against_our_receive_maximum() {
    let mut pair = Pair::connected(SessionOptions {
        receive_maximum: 2,
        ..v5()
    });
    for round in 0..20 {
        pair.send(inbound(Qos::AtLeastOnce, 1 + round, "a", false));
        pair.received();
    }
    for round in 0..20 {
        pair.send(inbound(Qos::ExactlyOnce, 100 + round, "a", false));
        pair.send(inbound(Qos::ExactlyOnce, 100 + round, "a", true));
        pair.received();
        pair.send(pubrel(100 + round));
    }
    assert_eq!(broken(&pair.events()), None);
}

#[test]
fn the_receive_maximum_starts_anew_with_a_connection() {
    let mut pair = Pair::connected(SessionOptions {
        receive_maximum: 1,
        ..lasting(v5())
    });
    pair.send(inbound(Qos::ExactlyOnce, 1, "a", false));
    pair.reconnect(true);
    pair.send(inbound(Qos::ExactlyOnce, 1, "a", true));
    pair.received();
    pair.send(pubrel(1));
    pair.received();
    pair.send(inbound(Qos::ExactlyOnce, 2, "b", false));
    let events = pair.events();
    assert_eq!(broken(&events), None);
    assert_eq!(topics(&events), ["a", "b"]);
}

/// [MQTT5-3.3.4-9]: room for one more is made by PUBACK, PUBCOMP or a PUBREC with an error, when it was sent
#[test]
fn what_has_not_left_makes_no_room_under_the_receive_maximum() {
    let narrow = || SessionOptions {
        receive_maximum: 1,
        refuse_wrong_payload_format: true,
        ..v5()
    };
    let refused = |number| {
        let parts = PublishParts {
            dup: false,
            qos: Qos::ExactlyOnce,
            retain: false,
            topic: Some(TopicName::parse("wrong").unwrap()),
            packet_id: Some(id(number)),
            properties: Properties::of(&[Property::PayloadFormatIndicator(1)]).unwrap(),
            payload: Bytes::from_static(b"\xff"),
        };
        Packet::Publish(parts.into())
    };
    let flows = [
        vec![inbound(Qos::AtLeastOnce, 1, "a", false)],
        vec![inbound(Qos::ExactlyOnce, 1, "a", false), pubrel(1)],
        vec![refused(1)],
    ];
    for flow in flows {
        for has_left in [true, false] {
            let mut pair = Pair::connected(narrow());
            for packet in flow.clone() {
                pair.send(packet);
            }
            if has_left {
                pair.received();
            }
            pair.send(inbound(Qos::ExactlyOnce, 2, "b", false));
            let rule = (!has_left).then_some(SessionRule::ReceiveMaximumExceeded);
            assert_eq!(broken(&pair.events()), rule, "{flow:?}");
        }
    }
}

/// [MQTT5-6.0.0-2] [MQTT311-6.0.0-2]
#[test]
fn bytes_may_be_cut_anywhere() {
    let mut all = BytesMut::new();
    for (qos, number) in [(Qos::AtMostOnce, 0), (Qos::AtLeastOnce, 1), (Qos::ExactlyOnce, 2)] {
        inbound(qos, number, "some/topic", false)
            .encode(ProtocolVersion::V5, &mut all)
            .unwrap();
    }
    let all = all.freeze();
    for cut in 0..=all.len() {
        let mut pair = Pair::connected(v5());
        pair.send_bytes(all.slice(..cut));
        pair.send_bytes(all.slice(cut..));
        assert_eq!(topics(&pair.events()).len(), 3, "cut at {cut}");
    }
}

/// The topic and the payload of a message are slices of what came in.
#[test]
fn receiving_copies_nothing() {
    let mut out = BytesMut::new();
    inbound(Qos::AtMostOnce, 0, "some/topic", false)
        .encode(ProtocolVersion::V5, &mut out)
        .unwrap();
    let bytes = out.freeze();
    let range = bytes.as_ptr_range();
    let mut pair = Pair::connected(v5());
    pair.send_bytes(bytes.clone());
    let Event::Message(message) = pair.event() else {
        panic!()
    };
    assert!(range.contains(&message.payload.as_ptr()));
    assert!(range.contains(&message.topic.as_str().as_ptr()));
}
