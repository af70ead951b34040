//! Messages to the server: acknowledgements, quota, limits, the queue.

use hearth_mqtt::{
    Ack, Packet, Properties, Property, Qos, ReasonCode,
    session::{ApiMisuse, Event, PublishFailure, SessionOptions},
};

use crate::support::{Pair, brief, expiring, id, lasting, message, puback, pubcomp, pubrec, v5, v311};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn qos_0_is_done_when_it_left() {
    let mut pair = Pair::connected(v5());
    let id = pair.publish(Qos::AtMostOnce, "a", "1");
    assert_eq!(pair.brief(), ["publish q0 a"]);
    assert_eq!(
        pair.event(),
        Event::Published {
            id,
            reason_code: ReasonCode::SUCCESS
        }
    );
    assert_eq!(pair.session.queued_messages(), 0);
}

/// [MQTT5-4.3.2-2] [MQTT5-4.3.2-3]
#[test]
fn qos_1_is_done_with_its_puback() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        let id = pair.publish(Qos::AtLeastOnce, "a", "1");
        assert_eq!(pair.brief(), ["publish q1 #1 a"]);
        assert_eq!(pair.event(), Event::PublishSent { id });
        assert_eq!((pair.session.queued_messages(), pair.session.in_flight()), (1, 1));
        pair.send(puback(1));
        assert_eq!(
            pair.event(),
            Event::Published {
                id,
                reason_code: ReasonCode::SUCCESS
            }
        );
        assert_eq!((pair.session.queued_messages(), pair.session.in_flight()), (0, 0));
    }
}

/// [MQTT5-4.3.3-4] [MQTT5-4.3.3-5]
#[test]
fn qos_2_goes_its_four_steps() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        let id = pair.publish(Qos::ExactlyOnce, "a", "1");
        assert_eq!(pair.brief(), ["publish q2 #1 a"]);
        pair.send(pubrec(1));
        assert_eq!(pair.brief(), ["pubrel #1"]);
        assert_eq!(pair.event(), Event::PublishSent { id });
        pair.send(pubcomp(1));
        assert_eq!(
            pair.event(),
            Event::Published {
                id,
                reason_code: ReasonCode::SUCCESS
            }
        );
    }
}

/// [MQTT5-4.4.0-2]
#[test]
fn an_error_ends_the_exchange() {
    let mut pair = Pair::connected(v5());
    let first = pair.publish(Qos::AtLeastOnce, "a", "1");
    let second = pair.publish(Qos::ExactlyOnce, "b", "2");
    pair.received();
    pair.events();
    let code = ReasonCode::NOT_AUTHORIZED;
    let properties = Properties::of(&[Property::ReasonString("no")]).unwrap();
    pair.send(Packet::Puback(Ack {
        packet_id: id(1),
        reason_code: code,
        properties,
    }));
    pair.send(Packet::Pubrec(Ack::with_reason(id(2), code)));
    let failed = |id, reason_string| {
        let reason = PublishFailure::Refused {
            reason_code: code,
            reason_string,
        };
        Event::PublishFailed { id, reason }
    };
    assert_eq!(
        pair.events(),
        [failed(first, Some("no".into())), failed(second, None)]
    );
    assert!(pair.received().is_empty(), "no PUBREL after an error");
    assert_eq!(pair.session.in_flight(), 0);
    pair.cut();
    pair.open();
    pair.accept(false, &[]);
    assert!(pair.received().is_empty(), "and nothing is sent again");
}

#[test]
fn no_matching_subscribers_is_no_error() {
    let mut pair = Pair::connected(v5());
    let it = pair.publish(Qos::AtLeastOnce, "a", "1");
    pair.events();
    let reason_code = ReasonCode::NO_MATCHING_SUBSCRIBERS;
    pair.send(Packet::Puback(Ack::with_reason(id(1), reason_code)));
    assert_eq!(pair.event(), Event::Published { id: it, reason_code });
}

#[test]
fn acknowledgements_may_come_in_any_order() {
    let mut pair = Pair::connected(v5());
    let ids: Vec<_> = (0..3).map(|_| pair.publish(Qos::AtLeastOnce, "a", "1")).collect();
    pair.events();
    for number in [3, 1, 2] {
        pair.send(puback(number));
    }
    let success = |index: usize| Event::Published {
        id: ids[index],
        reason_code: ReasonCode::SUCCESS,
    };
    assert_eq!(pair.events(), [success(2), success(0), success(1)]);
}

/// [MQTT5-4.6.0-4] PUBREL in the order of PUBREC, also when they are sent again.
#[test]
fn releases_follow_the_order_of_pubrec() {
    let mut pair = Pair::connected(lasting(v5()));
    for _ in 0..3 {
        pair.publish(Qos::ExactlyOnce, "a", "1");
    }
    pair.received();
    for number in [2, 3, 1] {
        pair.send(pubrec(number));
    }
    let releases = ["pubrel #2", "pubrel #3", "pubrel #1"];
    assert_eq!(pair.brief(), releases);
    pair.reconnect(true);
    assert_eq!(pair.brief(), releases);
}

/// A server that repeats PUBREC missed our PUBREL.
#[test]
fn pubrec_again_gets_pubrel_again() {
    let mut pair = Pair::connected(v5());
    pair.publish(Qos::ExactlyOnce, "a", "1");
    pair.received();
    pair.send(pubrec(1));
    pair.send(pubrec(1));
    assert_eq!(pair.brief(), ["pubrel #1", "pubrel #1"]);
}

#[test]
fn unsolicited_acknowledgements_are_counted_and_change_nothing() {
    let mut pair = Pair::connected(v5());
    for packet in [
        puback(7),
        pubcomp(7),
        pubrec(7),
        crate::support::suback(7, &[0]),
        crate::support::unsuback(7, &[0]),
    ] {
        pair.send(packet);
    }
    assert!(pair.events().is_empty());
    let Packet::Pubrel(ack) = pair.one() else {
        panic!("PUBREC is answered, so that the server can forget it")
    };
    assert_eq!(ack.reason_code, ReasonCode::PACKET_IDENTIFIER_NOT_FOUND);
    assert_eq!(pair.session.counters().unsolicited_acknowledgements, 5);
}

/// [MQTT5-3.3.4-7] [MQTT5-4.9.0-1] [MQTT5-4.9.0-2]
#[test]
fn the_server_receive_maximum_is_kept() {
    let mut pair = Pair::connected_with(v5(), &[Property::ReceiveMaximum(2)]);
    for topic in ["a", "b", "c", "d"] {
        pair.publish(Qos::ExactlyOnce, topic, "1");
    }
    assert_eq!(pair.brief(), ["publish q2 #1 a", "publish q2 #2 b"]);
    assert_eq!(
        (pair.session.queue().len(), pair.session.queued_messages()),
        (2, 4)
    );
    pair.send(pubrec(1));
    assert_eq!(
        pair.brief(),
        ["pubrel #1"],
        "the exchange still counts after PUBREC"
    );
    pair.send(pubcomp(1));
    assert_eq!(pair.brief(), ["publish q2 #3 c"]);
    pair.send(Packet::Pubrec(Ack::with_reason(
        id(2),
        ReasonCode::QUOTA_EXCEEDED,
    )));
    assert_eq!(
        pair.brief(),
        ["publish q2 #4 d"],
        "PUBREC with an error frees the quota"
    );
}

/// [MQTT5-3.3.4-8] [MQTT5-4.9.0-3]
#[test]
fn other_packets_do_not_wait_for_the_quota() {
    let mut pair = Pair::connected_with(v5(), &[Property::ReceiveMaximum(1)]);
    pair.publish(Qos::AtLeastOnce, "a", "1");
    pair.publish(Qos::AtLeastOnce, "b", "1");
    pair.publish(Qos::AtMostOnce, "c", "1");
    pair.subscribe(&["d"]);
    assert_eq!(
        pair.brief(),
        ["publish q1 #1 a", "publish q0 c", "subscribe #2 d"]
    );
}

#[test]
fn our_own_in_flight_maximum_is_kept() {
    let mut pair = Pair::connected(SessionOptions {
        in_flight_maximum: 1,
        ..v311()
    });
    pair.publish(Qos::AtLeastOnce, "a", "1");
    pair.publish(Qos::AtLeastOnce, "b", "1");
    assert_eq!(pair.brief(), ["publish q1 #1 a"]);
    pair.send(puback(1));
    assert_eq!(pair.brief(), ["publish q1 #2 b"]);
}

/// [MQTT5-2.2.1-3] no identifier twice; when all are in use, what needs one waits.
#[test]
fn all_65_535_packet_identifiers_can_be_in_use() {
    let options = SessionOptions {
        in_flight_maximum: u16::MAX,
        in_flight_maximum_v311: u16::MAX,
        transmit_bytes_maximum: usize::MAX,
        ..v311()
    };
    let mut pair = Pair::connected(options);
    for _ in 0..u16::MAX {
        pair.publish(Qos::AtLeastOnce, "a", "");
    }
    let mut ids: Vec<_> = pair
        .received()
        .iter()
        .map(|packet| match packet {
            Packet::Publish(publish) => publish.packet_id.unwrap().get(),
            other => panic!("{other:?}"),
        })
        .collect();
    ids.sort_unstable();
    assert!(ids.iter().copied().eq(1..=u16::MAX));
    pair.publish(Qos::AtLeastOnce, "b", "");
    pair.subscribe(&["c"]);
    assert!(pair.received().is_empty());
    pair.send(puback(77));
    assert_eq!(pair.brief(), ["subscribe #77 c"]);
    pair.send(puback(33));
    assert_eq!(pair.brief(), ["publish q1 #33 b"]);
}

/// [MQTT5-3.2.2-11] [MQTT5-3.2.2-14] [MQTT5-3.2.2-15]
#[test]
fn what_the_connected_server_does_not_take_is_the_callers_error() {
    let said = [
        Property::MaximumQos(Qos::AtLeastOnce),
        Property::RetainAvailable(false),
        Property::MaximumPacketSize(20),
    ];
    let mut pair = Pair::connected_with(v5(), &said);
    let at = pair.at();
    let mut publish = |it| pair.session.publish(at, it).unwrap_err();
    let maximum = Qos::AtLeastOnce;
    assert_eq!(
        publish(message(Qos::ExactlyOnce, "a", "1")),
        ApiMisuse::QosNotSupported { maximum }
    );
    assert_eq!(
        publish(message(Qos::AtMostOnce, "a", "1").with_retain(true)),
        ApiMisuse::RetainNotSupported
    );
    let large = message(Qos::AtMostOnce, "a", "0123456789abcdef");
    assert_eq!(
        publish(large),
        ApiMisuse::PacketTooLarge {
            bytes: 22,
            maximum: 20
        }
    );
    assert!(pair.received().is_empty());
}

#[test]
fn what_a_later_server_does_not_take_fails_with_an_event() {
    let mut pair = Pair::new(v5());
    let at = pair.at();
    let qos = pair.publish(Qos::ExactlyOnce, "a", "1");
    let retain = pair
        .session
        .publish(at, message(Qos::AtLeastOnce, "a", "1").with_retain(true))
        .unwrap();
    let large = pair.publish(Qos::AtLeastOnce, "a", "0123456789abcdef");
    let good = pair.publish(Qos::AtLeastOnce, "a", "1");
    pair.open();
    let said = [
        Property::MaximumQos(Qos::AtLeastOnce),
        Property::RetainAvailable(false),
        Property::MaximumPacketSize(20),
    ];
    pair.accept(false, &said);
    let failed = |id, reason| Event::PublishFailed { id, reason };
    let events = pair.events();
    assert_eq!(
        events[1..],
        [
            failed(qos, PublishFailure::QosNotSupported),
            failed(retain, PublishFailure::RetainNotSupported),
            failed(large, PublishFailure::TooLarge),
            Event::PublishSent { id: good },
        ]
    );
    assert_eq!(pair.brief(), ["publish q1 #1 a"]);
}

/// [MQTT5-3.3.4-6]
#[test]
fn properties_of_the_session_are_not_the_callers() {
    let mut pair = Pair::connected(v5());
    for property in [Property::SubscriptionIdentifier(1), Property::TopicAlias(1)] {
        let properties = Properties::of(&[property]).unwrap();
        let refused = pair.session.publish(
            pair.at(),
            message(Qos::AtMostOnce, "a", "1").with_properties(properties),
        );
        assert!(matches!(refused, Err(ApiMisuse::PropertyNotAllowed(_))));
    }
}

#[test]
fn properties_are_left_out_in_311_and_counted() {
    let mut pair = Pair::connected(v311());
    let properties = Properties::of(&[Property::ContentType("text/plain")]).unwrap();
    pair.session
        .publish(
            pair.at(),
            message(Qos::AtMostOnce, "a", "1").with_properties(properties),
        )
        .unwrap();
    assert_eq!(pair.brief(), ["publish q0 a"]);
    assert_eq!(pair.session.counters().properties_left_out, 1);
}

#[test]
fn offline_qos_0_is_refused_unless_asked_for() {
    let mut pair = Pair::new(v5());
    let refused = pair
        .session
        .publish(pair.at(), message(Qos::AtMostOnce, "a", "1"));
    assert_eq!(refused, Err(ApiMisuse::NotConnected));

    let mut pair = Pair::new(SessionOptions {
        queue_qos0_offline: true,
        ..v5()
    });
    pair.publish(Qos::AtMostOnce, "a", "1");
    pair.publish(Qos::AtMostOnce, "b", "1");
    pair.open();
    pair.accept(false, &[]);
    assert_eq!(pair.brief(), ["publish q0 a", "publish q0 b"]);
}

#[test]
fn the_queue_is_bounded_by_messages_and_bytes() {
    let mut pair = Pair::new(SessionOptions {
        queued_messages_maximum: 2,
        ..v5()
    });
    pair.publish(Qos::AtLeastOnce, "a", "1");
    pair.publish(Qos::AtLeastOnce, "a", "1");
    let full = pair
        .session
        .publish(pair.at(), message(Qos::AtLeastOnce, "a", "1"));
    assert_eq!(
        full,
        Err(ApiMisuse::QueueFull {
            messages: 2,
            bytes: 4
        })
    );
    assert_eq!(pair.session.counters().queue_full, 1);

    let mut pair = Pair::new(SessionOptions {
        queued_bytes_maximum: 10,
        ..v5()
    });
    pair.publish(Qos::AtLeastOnce, "abcd", "56789");
    let full = pair
        .session
        .publish(pair.at(), message(Qos::AtLeastOnce, "a", "1"));
    assert_eq!(
        full,
        Err(ApiMisuse::QueueFull {
            messages: 1,
            bytes: 9
        })
    );
}

#[test]
fn queued_messages_can_be_discarded() {
    let mut pair = Pair::new(v5());
    let ids: Vec<_> = (0..3).map(|_| pair.publish(Qos::AtLeastOnce, "a", "1")).collect();
    assert!(pair.session.discard(ids[1]));
    assert!(!pair.session.discard(ids[1]));
    assert_eq!(pair.session.queued_messages(), 2);
    assert_eq!(pair.session.discard_queued(), 2);
    let discarded = |index: usize| Event::PublishFailed {
        id: ids[index],
        reason: PublishFailure::Discarded,
    };
    assert_eq!(pair.events(), [discarded(1), discarded(0), discarded(2)]);
}

#[test]
fn qos_0_is_refused_when_the_network_does_not_take_it() {
    let mut pair = Pair::connected(SessionOptions {
        transmit_bytes_maximum: 100,
        ..v5()
    });
    let at = pair.at();
    let sent = (0..100).take_while(|_| {
        pair.session
            .publish(at, message(Qos::AtMostOnce, "a", "0123456789"))
            .is_ok()
    });
    assert_eq!(sent.count(), 7);
    assert!(matches!(
        pair.session.publish(at, message(Qos::AtMostOnce, "a", "1")),
        Err(ApiMisuse::QueueFull { .. })
    ));
    pair.received();
    pair.publish(Qos::AtMostOnce, "a", "1");
}

#[test]
fn qos_1_waits_when_the_network_does_not_take_it_and_goes_on() {
    let mut pair = Pair::connected(SessionOptions {
        transmit_bytes_maximum: 30,
        ..v5()
    });
    for _ in 0..20 {
        pair.publish(Qos::AtLeastOnce, "a", "0123456789");
    }
    assert!(pair.session.transmit_bytes() < 60);
    assert_eq!(pair.received().len(), 20);
}

#[test]
fn a_subscription_that_waited_for_room_goes_out_once_there_is_some() {
    let mut pair = Pair::connected(SessionOptions {
        transmit_bytes_maximum: 10,
        ..v5()
    });
    pair.publish(Qos::AtMostOnce, "a", "0123456789");
    pair.subscribe(&["b"]);
    assert_eq!(pair.brief(), ["publish q0 a", "subscribe #1 b"]);
}

#[test]
fn what_is_in_flight_counts_against_the_bytes_that_may_wait() {
    let mut pair = Pair::connected(SessionOptions {
        queued_bytes_maximum: 10,
        ..lasting(v5())
    });
    pair.publish(Qos::AtLeastOnce, "abcd", "56789");
    assert_eq!(pair.brief(), ["publish q1 #1 abcd"]);
    let next = message(Qos::AtLeastOnce, "a", "1");
    assert!(matches!(
        pair.session.publish(pair.at(), next.clone()),
        Err(ApiMisuse::QueueFull { messages: 0, .. })
    ));
    pair.cut();
    assert!(pair.session.publish(pair.at(), next.clone()).is_err());
    pair.open();
    pair.accept(true, &[]);
    pair.send(puback(1));
    pair.session.publish(pair.at(), next).unwrap();
}

/// [MQTT5-3.3.2-6]: what waited too long is not sent; what waited a little has less time left.
#[test]
fn message_expiry_counts_in_the_queue() {
    let mut pair = Pair::new(v5());
    let short = pair
        .session
        .publish(pair.at(), expiring(Qos::AtLeastOnce, "a", 5))
        .unwrap();
    pair.session
        .publish(pair.at(), expiring(Qos::AtLeastOnce, "b", 60))
        .unwrap();
    pair.now = 4_999;
    pair.session.handle_timeout(pair.at());
    assert!(pair.events().is_empty());
    assert_eq!(pair.session.poll_timeout().map(|at| at.ms), Some(5_000));
    pair.now = 5_000;
    pair.session.handle_timeout(pair.at());
    assert_eq!(
        pair.event(),
        Event::PublishFailed {
            id: short,
            reason: PublishFailure::Expired
        }
    );
    pair.now = 20_500;
    pair.open();
    pair.accept(false, &[]);
    let Packet::Publish(publish) = pair.one() else {
        panic!()
    };
    assert_eq!(
        publish.properties().message_expiry_interval(),
        Some(40),
        "39.5 s are left"
    );
}

/// [MQTT5-4.3.3-7] a message that left once is finished, expired or not.
#[test]
fn message_expiry_does_not_stop_an_exchange() {
    let mut pair = Pair::connected(lasting(v5()));
    pair.session
        .publish(pair.at(), expiring(Qos::ExactlyOnce, "a", 1))
        .unwrap();
    pair.received();
    pair.now = 10_000;
    pair.reconnect(true);
    assert_eq!(pair.brief(), ["publish q2 #1 dup a"]);
}

/// [MQTT5-3.2.2-17] [MQTT5-3.3.2-9]
#[test]
fn topic_aliases_are_used_where_the_server_allows_them() {
    let mut pair = Pair::connected_with(v5(), &[Property::TopicAliasMaximum(1)]);
    for topic in ["first", "first", "second"] {
        pair.publish(Qos::AtMostOnce, topic, "1");
    }
    let seen: Vec<_> = pair
        .received()
        .iter()
        .map(|packet| match packet {
            Packet::Publish(publish) => (brief(packet), publish.properties().topic_alias()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        ("publish q0 first", Some(1)),
        ("publish q0 -", Some(1)),
        ("publish q0 second", None),
    ];
    assert_eq!(seen, expected.map(|(text, alias)| (text.to_owned(), alias)));
}

/// [MQTT5-3.3.2-7] an alias is not carried to another network connection.
#[test]
fn a_message_sent_again_has_its_whole_topic() {
    let mut pair = Pair::new(lasting(v5()));
    pair.open();
    pair.accept(false, &[Property::TopicAliasMaximum(9)]);
    pair.publish(Qos::AtMostOnce, "a", "1");
    pair.publish(Qos::AtLeastOnce, "a", "1");
    assert_eq!(pair.brief(), ["publish q0 a", "publish q1 #1 -"]);
    pair.reconnect(true);
    assert_eq!(pair.brief(), ["publish q1 #1 dup a"]);
}

#[test]
fn several_packets_leave_in_one_piece() {
    let mut pair = Pair::connected(v5());
    for _ in 0..10 {
        pair.publish(Qos::AtMostOnce, "a", "1");
    }
    let bytes = pair.session.poll_transmit().unwrap();
    assert_eq!(bytes.len() % 10, 0);
    assert_eq!(pair.session.poll_transmit(), None);
}

/// Seen with Mosquitto 2.0.11: in 3.1.1 it acknowledges more than 20 QoS 2 messages at once and loses them.
#[test]
fn in_311_at_most_20_messages_are_in_flight() {
    let mut pair = Pair::connected(v311());
    for _ in 0..30 {
        pair.publish(Qos::ExactlyOnce, "a", "1");
    }
    assert_eq!(pair.received().len(), 20);
}
