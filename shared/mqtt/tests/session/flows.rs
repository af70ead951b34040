//! What both versions ask of a client, statement by statement.

use hearth_mqtt::{
    Ack, Auth, Bytes, Connack, Disconnect, Packet, PacketId, Properties, Property, ProtocolVersion, Qos,
    ReasonCode, TopicName, Will,
    session::{ApiMisuse, Authentication, ClosedReason, Event, PublishFailure, Secret, SessionOptions},
};

use crate::support::{
    Pair, expiring, inbound, lasting, message, puback, pubcomp, pubrec, pubrel, suback, subscription, v5,
    v311,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn delivered(pair: &mut Pair) -> usize {
    let messages = pair.events();
    messages
        .iter()
        .filter(|event| matches!(event, Event::Message(_)))
        .count()
}

/// All bytes that want to leave.
fn sent_bytes(pair: &mut Pair) -> Vec<u8> {
    std::iter::from_fn(|| pair.session.poll_transmit())
        .flat_map(|bytes| bytes.to_vec())
        .collect()
}

/// [MQTT5-3.1.0-1] [MQTT311-3.1.0-1]
#[test]
fn connect_comes_first_and_alone() {
    for options in [v5(), v311()] {
        let mut pair = Pair::new(options);
        pair.subscribe(&["a"]);
        pair.publish(Qos::AtLeastOnce, "b", "1");
        assert!(pair.received().is_empty(), "nothing without a connection");
        pair.open();
        pair.publish(Qos::ExactlyOnce, "c", "2");
        assert!(pair.received().is_empty(), "nothing before CONNACK");
        pair.accept(false, &[]);
        let mut rest = pair.brief();
        rest.sort();
        assert_eq!(
            rest,
            ["publish q1 #2 b", "publish q2 #3 c", "subscribe #1 a"],
            "and CONNECT is not sent twice"
        );
    }
}

/// [MQTT5-3.1.3-1] [MQTT311-3.1.3-1] [MQTT5-3.1.3-3] [MQTT311-3.1.3-3]
#[test]
fn the_fields_of_connect_come_in_their_order() {
    let everything = |options| SessionOptions {
        client_id: "i".into(),
        will: Some(Will {
            topic: TopicName::parse("w").unwrap(),
            payload: Bytes::from_static(b"p"),
            qos: Qos::AtMostOnce,
            retain: false,
            properties: Properties::new(),
        }),
        username: Some("u".into()),
        password: Some(Secret::from("s")),
        ..options
    };
    for (options, tail) in [
        (v311(), &b"\0\x01i\0\x01w\0\x01p\0\x01u\0\x01s"[..]),
        (v5(), &b"\0\x01i\0\0\x01w\0\x01p\0\x01u\0\x01s"[..]),
    ] {
        let mut pair = Pair::new(everything(options));
        pair.session.handle_opened(pair.at());
        let connect = sent_bytes(&mut pair);
        assert!(connect.ends_with(tail), "{connect:02x?}");
    }
}

/// [MQTT5-3.1.3-2] [MQTT311-3.1.3-2]
#[test]
fn a_session_goes_on_under_its_client_identifier() {
    for options in [lasting(v5()), lasting(v311())] {
        let mut pair = Pair::connected(options);
        assert_eq!(pair.reconnect(true).client_id, "test");
    }
}

/// [MQTT5-3.1.2-4] [MQTT311-3.1.2-6]
#[test]
fn a_clean_start_forgets_what_was_received() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        pair.send(inbound(Qos::ExactlyOnce, 1, "a", false));
        assert_eq!(delivered(&mut pair), 1);
        let connect = pair.reconnect(false);
        assert!(connect.clean_start);
        pair.events();
        pair.send(inbound(Qos::ExactlyOnce, 1, "a", true));
        assert_eq!(delivered(&mut pair), 1, "another message now");
    }
}

/// [MQTT5-3.1.2-23] [MQTT5-4.1.0-1] [MQTT311-3.1.2-4] [MQTT311-4.1.0-1] [MQTT311-4.1.0-2]
#[test]
fn session_state_outlives_the_connection() {
    for options in [lasting(v5()), lasting(v311())] {
        let mut pair = Pair::connected(options);
        pair.send(inbound(Qos::ExactlyOnce, 1, "a", false));
        pair.publish(Qos::AtLeastOnce, "b", "1");
        assert_eq!(delivered(&mut pair), 1);
        pair.now += 1_000_000;
        assert!(!pair.reconnect(true).clean_start);
        pair.send(inbound(Qos::ExactlyOnce, 1, "a", true));
        assert_eq!(delivered(&mut pair), 0, "known from before");
        assert_eq!(pair.brief(), ["publish q1 #1 dup b", "pubrec #1"]);
    }
}

/// [MQTT5-3.1.2-30]: nothing but AUTH and DISCONNECT before CONNACK
#[test]
fn authentication_goes_before_everything() {
    let mut pair = Pair::new(SessionOptions {
        authentication: Some(Authentication {
            method: "m".into(),
            data: None,
        }),
        ..v5()
    });
    pair.open();
    pair.publish(Qos::AtLeastOnce, "a", "1");
    pair.subscribe(&["a"]);
    let method = Property::AuthenticationMethod("m");
    pair.send(Packet::Auth(Auth {
        reason_code: ReasonCode::CONTINUE_AUTHENTICATION,
        properties: Properties::of(&[method]).unwrap(),
    }));
    pair.session.authenticate(pair.at(), None).unwrap();
    assert_eq!(pair.brief(), ["auth 0x18"]);
    pair.accept(false, &[method]);
    assert_eq!(pair.received().len(), 2);
}

/// [MQTT5-4.12.1-2]: whoever finds it failed closes
#[test]
fn failed_reauthentication_ends_the_connection() {
    let method = Property::AuthenticationMethod("m");
    let options = SessionOptions {
        authentication: Some(Authentication {
            method: "m".into(),
            data: None,
        }),
        ..v5()
    };
    let mut pair = Pair::connected_with(options, &[method]);
    pair.session.reauthenticate(pair.at(), None).unwrap();
    pair.received();
    pair.send(Packet::Disconnect(Disconnect::with_reason(
        ReasonCode::NOT_AUTHORIZED,
    )));
    let closed = pair.events().pop();
    assert!(
        matches!(closed, Some(Event::Closed(ClosedReason::Server { .. }))),
        "{closed:?}"
    );
    assert!(pair.received().is_empty());
}

/// [MQTT5-4.13.2-1]: an error code ends the connection
#[test]
fn errors_in_connack_and_disconnect_end_the_connection() {
    let mut pair = Pair::new(v5());
    pair.open();
    pair.send(Packet::Connack(Connack {
        session_present: false,
        reason_code: ReasonCode::SERVER_BUSY,
        properties: Properties::new(),
    }));
    assert!(matches!(pair.event(), Event::Closed(_)));
    let mut pair = Pair::connected(v5());
    pair.send(Packet::Disconnect(Disconnect::with_reason(
        ReasonCode::SERVER_SHUTTING_DOWN,
    )));
    assert!(matches!(pair.event(), Event::Closed(_)));
    assert!(pair.received().is_empty(), "nothing answers a DISCONNECT");
}

/// [MQTT5-3.2.2-18]: none is allowed where CONNACK names no maximum
#[test]
fn without_a_topic_alias_maximum_no_alias_is_sent() {
    let mut pair = Pair::connected(v5());
    for _ in 0..3 {
        pair.publish(Qos::AtMostOnce, "a/long/topic", "1");
    }
    for packet in pair.received() {
        let Packet::Publish(publish) = packet else {
            panic!("{packet:?}")
        };
        assert!(publish.topic().is_some() && publish.properties().topic_alias().is_none());
    }
}

/// [MQTT5-3.3.1-3] [MQTT311-3.3.1-3]
#[test]
fn dup_of_a_message_received_is_not_passed_on() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        pair.send(inbound(Qos::AtLeastOnce, 9, "a", true));
        let Some(Event::Message(received)) = pair.events().pop() else {
            panic!()
        };
        assert!(received.dup);
        pair.received();
        pair.session.publish(pair.at(), received).unwrap();
        assert_eq!(pair.brief(), ["publish q1 #1 a"]);
    }
}

/// [MQTT5-3.3.4-1] [MQTT5-4.5.0-2] [MQTT5-4.6.0-2] [MQTT5-4.6.0-3] [MQTT5-4.3.3-8] [MQTT5-2.2.1-5]
/// [MQTT311-3.3.4-1] [MQTT311-4.5.0-2] [MQTT311-4.6.0-2] [MQTT311-4.6.0-3] [MQTT311-2.3.1-6]
#[test]
fn what_nobody_asked_for_is_acknowledged_in_order() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        for (qos, number) in [
            (Qos::ExactlyOnce, 4),
            (Qos::AtLeastOnce, 2),
            (Qos::AtMostOnce, 0),
            (Qos::ExactlyOnce, 3),
            (Qos::AtLeastOnce, 1),
        ] {
            pair.send(inbound(qos, number, "not/subscribed", false));
        }
        assert_eq!(pair.brief(), ["pubrec #4", "puback #2", "pubrec #3", "puback #1"]);
    }
}

/// [MQTT5-4.3.2-5] [MQTT311-4.3.2-2]
#[test]
fn after_puback_the_identifier_is_a_new_message() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        pair.send(inbound(Qos::AtLeastOnce, 1, "a", false));
        pair.send(inbound(Qos::AtLeastOnce, 1, "a", true));
        assert_eq!(delivered(&mut pair), 2);
        assert_eq!(pair.brief(), ["puback #1", "puback #1"]);
    }
}

/// [MQTT311-4.3.3-2] [MQTT5-4.3.3-10] [MQTT5-4.3.3-11] [MQTT5-4.3.3-12]
#[test]
fn qos_2_is_delivered_once_until_it_is_released() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        pair.send(inbound(Qos::ExactlyOnce, 1, "a", false));
        pair.send(inbound(Qos::ExactlyOnce, 1, "a", true));
        assert_eq!(delivered(&mut pair), 1);
        pair.send(pubrel(1));
        assert_eq!(pair.brief(), ["pubrec #1", "pubrec #1", "pubcomp #1"]);
        pair.send(inbound(Qos::ExactlyOnce, 1, "a", false));
        assert_eq!(delivered(&mut pair), 1, "a new message");
    }
}

/// [MQTT5-4.3.3-13]
#[test]
fn an_expired_message_is_still_released() {
    let mut pair = Pair::connected(v5());
    let Packet::Publish(publish) = inbound(Qos::ExactlyOnce, 1, "a", false) else {
        panic!()
    };
    let mut publish = publish.into_parts();
    publish.properties = Properties::of(&[Property::MessageExpiryInterval(1)]).unwrap();
    pair.send(Packet::Publish(publish.into()));
    pair.now += 5_000;
    pair.send(pubrel(1));
    assert_eq!(pair.brief(), ["pubrec #1", "pubcomp #1"]);
}

/// A PUBLISH that claims to be UTF-8.
fn claimed(qos: Qos, number: u16, payload: &'static [u8]) -> Packet {
    let Packet::Publish(publish) = inbound(qos, number, "a", false) else {
        panic!()
    };
    let mut publish = publish.into_parts();
    publish.properties = Properties::of(&[Property::PayloadFormatIndicator(1)]).unwrap();
    publish.payload = Bytes::from_static(payload);
    Packet::Publish(publish.into())
}

/// [MQTT5-4.3.3-9]: an identifier that was refused is free at once
#[test]
fn a_payload_of_the_wrong_format_is_refused_where_that_is_asked_for() {
    let mut pair = Pair::connected(SessionOptions {
        refuse_wrong_payload_format: true,
        ..v5()
    });
    pair.send(claimed(Qos::AtMostOnce, 0, b"\xff"));
    pair.send(claimed(Qos::AtLeastOnce, 1, b"\xff"));
    pair.send(claimed(Qos::ExactlyOnce, 2, b"\xff"));
    assert_eq!((delivered(&mut pair), pair.session.unreleased()), (0, 0));
    assert_eq!(pair.session.counters().messages_refused, 3);
    let codes: Vec<_> = pair
        .received()
        .iter()
        .map(|packet| match packet {
            Packet::Puback(ack) | Packet::Pubrec(ack) => (ack.packet_id.get(), ack.reason_code),
            other => panic!("{other:?}"),
        })
        .collect();
    let code = ReasonCode::PAYLOAD_FORMAT_INVALID;
    assert_eq!(codes, [(1, code), (2, code)]);
    pair.send(claimed(Qos::ExactlyOnce, 2, "°".as_bytes()));
    pair.send(pubrel(2));
    assert_eq!(delivered(&mut pair), 1, "a new message");
    assert_eq!(pair.brief(), ["pubrec #2", "pubcomp #2"]);
    let mut lenient = Pair::connected(v5());
    lenient.send(claimed(Qos::AtLeastOnce, 1, b"\xff"));
    assert_eq!(delivered(&mut lenient), 1);
}

/// [MQTT5-4.3.1-1] [MQTT5-2.2.1-2] [MQTT311-4.3.1-1] [MQTT311-2.3.1-5]
#[test]
fn qos_0_has_neither_dup_nor_identifier() {
    for (options, bytes) in [
        (v5(), &[0x30, 5, 0, 1, b'a', 0, b'x'][..]),
        (v311(), &[0x30, 4, 0, 1, b'a', b'x'][..]),
    ] {
        let mut pair = Pair::connected(options);
        pair.publish(Qos::AtMostOnce, "a", "x");
        assert_eq!(sent_bytes(&mut pair), bytes);
    }
}

/// [MQTT5-4.3.2-1] [MQTT5-4.3.3-1] [MQTT5-4.3.3-2] [MQTT5-2.2.1-3] [MQTT311-2.3.1-1] [MQTT311-2.3.1-2]
/// [MQTT311-2.3.1-3]
#[test]
fn identifiers_in_use_are_not_given_again() {
    for options in [v5(), v311()] {
        let is_v5 = Pair::new(options.clone()).version == ProtocolVersion::V5;
        let mut pair = Pair::connected(options);
        pair.publish(Qos::AtLeastOnce, "a", "1");
        pair.publish(Qos::ExactlyOnce, "b", "2");
        pair.subscribe(&["c"]);
        assert_eq!(
            pair.brief(),
            ["publish q1 #1 a", "publish q2 #2 b", "subscribe #3 c"]
        );
        // Of these 2 and 3 stay in use, and 2 also after its PUBREC.
        pair.send(puback(1));
        pair.send(pubrec(2));
        assert_eq!(pair.brief(), ["pubrel #2"]);
        for _ in 0..3 {
            pair.publish(Qos::ExactlyOnce, "d", "3");
        }
        pair.session
            .unsubscribe(pair.at(), vec![subscription("c").filter])
            .unwrap();
        for packet in pair.received() {
            let number = match &packet {
                Packet::Publish(publish) => publish.packet_id,
                Packet::Unsubscribe(unsubscribe) => Some(unsubscribe.packet_id),
                other => panic!("{other:?}"),
            };
            assert!(
                number.is_some_and(|number| !matches!(number.get(), 2 | 3)),
                "{packet:?}, 5.0: {is_v5}"
            );
        }
        pair.send(pubcomp(2));
        pair.send(suback(3, &[2]));
        assert!(!pair.events().is_empty());
    }
}

/// [MQTT5-4.3.3-3] [MQTT5-4.3.3-6] [MQTT5-4.4.0-1] [MQTT5-4.6.0-1] [MQTT5-3.3.1-1] [MQTT311-3.3.1-1]
/// [MQTT311-4.3.2-1] [MQTT311-4.3.3-1] [MQTT311-4.4.0-1] [MQTT311-4.6.0-1] [MQTT311-2.3.1-3]
#[test]
fn what_is_unacknowledged_is_sent_again_in_order() {
    for options in [lasting(v5()), lasting(v311())] {
        let mut pair = Pair::connected(options);
        for (qos, topic) in [
            (Qos::ExactlyOnce, "a"),
            (Qos::AtLeastOnce, "b"),
            (Qos::ExactlyOnce, "c"),
            (Qos::AtLeastOnce, "d"),
        ] {
            pair.publish(qos, topic, "1");
        }
        assert_eq!(
            pair.brief(),
            [
                "publish q2 #1 a",
                "publish q1 #2 b",
                "publish q2 #3 c",
                "publish q1 #4 d"
            ],
            "DUP is 0 at first"
        );
        pair.send(puback(2));
        pair.send(pubrec(3));
        assert_eq!(pair.brief(), ["pubrel #3"]);
        pair.now += 3_600_000;
        pair.session.handle_timeout(pair.at());
        let again = pair.brief();
        assert!(
            again.iter().all(|packet| packet == "pingreq"),
            "nothing is sent again while connected: {again:?}"
        );
        pair.reconnect(true);
        assert_eq!(
            pair.brief(),
            ["pubrel #3", "publish q2 #1 dup a", "publish q1 #4 dup d"],
            "what was released is not published again"
        );
    }
}

/// [MQTT311-4.6.0-4] [MQTT5-4.6.0-4] [MQTT5-4.3.3-4]
#[test]
fn pubrel_follows_the_order_of_pubrec() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        for _ in 0..3 {
            pair.publish(Qos::ExactlyOnce, "a", "1");
        }
        pair.received();
        for number in [3, 1, 2] {
            pair.send(pubrec(number));
        }
        assert_eq!(pair.brief(), ["pubrel #3", "pubrel #1", "pubrel #2"]);
    }
}

/// [MQTT5-3.14.4-1] [MQTT5-3.14.4-2] [MQTT311-3.14.4-1] [MQTT311-3.14.4-2]
#[test]
fn nothing_follows_disconnect() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        pair.session.disconnect(pair.at());
        assert_eq!(pair.event(), Event::Closed(ClosedReason::Application));
        pair.publish(Qos::AtLeastOnce, "a", "1");
        pair.subscribe(&["a"]);
        pair.send(inbound(Qos::AtLeastOnce, 1, "a", false));
        pair.now += 100_000;
        pair.session.handle_timeout(pair.at());
        assert_eq!(pair.brief(), ["disconnect 0x00"], "no PUBLISH, PUBACK or PINGREQ");
    }
}

/// [MQTT311-3.1.2-23]
#[test]
fn a_silent_client_of_311_sends_pingreq() {
    let mut pair = Pair::connected(v311());
    assert_eq!(pair.run_timers().len(), 2);
    assert_eq!(pair.brief(), ["pingreq"]);
}

/// [MQTT5-3.4.2-2] [MQTT5-3.4.2-3] [MQTT5-3.5.2-2] [MQTT5-3.5.2-3] [MQTT5-3.6.2-2] [MQTT5-3.6.2-3]
/// [MQTT5-3.7.2-2] [MQTT5-3.7.2-3] [MQTT5-3.14.2-3] [MQTT5-3.14.2-4]: our answers carry neither Reason String nor
/// User Property, so none of them can grow too large
#[test]
fn answers_are_as_short_as_they_can_be() {
    let mut pair = Pair::connected_with(v5(), &[Property::MaximumPacketSize(4)]);
    for (qos, number) in [(Qos::AtLeastOnce, 1), (Qos::ExactlyOnce, 2)] {
        pair.send(inbound(qos, number, "a", false));
    }
    pair.send(pubrel(2));
    pair.session.disconnect(pair.at());
    assert_eq!(
        sent_bytes(&mut pair),
        [0x40, 2, 0, 1, 0x50, 2, 0, 2, 0x70, 2, 0, 2, 0xe0, 0]
    );
    let mut pair = Pair::connected(v5());
    let at = pair.at();
    pair.session
        .publish(at, message(Qos::ExactlyOnce, "a", "1"))
        .unwrap();
    sent_bytes(&mut pair);
    pair.send(pubrec(1));
    assert_eq!(sent_bytes(&mut pair), [0x62, 2, 0, 1]);
}

/// [MQTT5-3.2.2-15]: what does not fit is left out where the packet has a shorter form
#[test]
fn answers_keep_to_the_maximum_packet_size_of_the_server() {
    let unknown = [pubrel(9), pubrec(9)];
    for (maximum, expected) in [
        (5, vec![0x70, 3, 0, 9, 0x92, 0x62, 3, 0, 9, 0x92]),
        (4, vec![0x70, 2, 0, 9, 0x62, 2, 0, 9]),
    ] {
        let mut pair = Pair::connected_with(v5(), &[Property::MaximumPacketSize(maximum)]);
        unknown.clone().into_iter().for_each(|packet| pair.send(packet));
        assert_eq!(sent_bytes(&mut pair), expected);
    }
    for (maximum, expected) in [(9, vec![0xe0, 7, 0, 5, 0x11, 0, 0, 0, 60]), (8, vec![0xe0, 0])] {
        let mut pair = Pair::connected_with(lasting(v5()), &[Property::MaximumPacketSize(maximum)]);
        pair.session.disconnect_with(pair.at(), false, Some(60)).unwrap();
        assert_eq!(sent_bytes(&mut pair), expected);
    }
}

/// [MQTT5-3.1.2-8] [MQTT311-3.1.2-8]: the server, which may have taken CONNECT, would publish the Will Message
#[test]
fn who_leaves_before_connack_says_so() {
    for options in [v5(), v311()] {
        let mut pair = Pair::new(options);
        pair.open();
        pair.session.disconnect(pair.at());
        assert_eq!(sent_bytes(&mut pair), [0xe0, 0]);
        assert_eq!(pair.events(), [Event::Closed(ClosedReason::Application)]);
    }
}

/// [MQTT5-4.3.3-4]: PUBREL follows a PUBREC below 0x80, also where another one came before
#[test]
fn a_server_that_changes_its_mind_after_pubrec_ends_the_exchange() {
    let mut pair = Pair::connected(v5());
    pair.publish(Qos::ExactlyOnce, "a", "1");
    pair.send(pubrec(1));
    pair.received();
    pair.events();
    pair.send(Packet::Pubrec(Ack::with_reason(
        PacketId::FIRST,
        ReasonCode::QUOTA_EXCEEDED,
    )));
    assert!(pair.received().is_empty());
    let [Event::PublishFailed { reason, .. }] = &pair.events()[..] else {
        panic!("it failed")
    };
    assert!(matches!(reason, PublishFailure::Refused { .. }));
}

/// [MQTT5-3.3.2-5]: a message whose time is over at once is sent now or never
#[test]
fn a_message_without_time_to_wait_leaves_at_once_or_expires() {
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let mut pair = Pair::connected(v5());
        let at = pair.at();
        pair.session.publish(at, expiring(qos, "a", 0)).unwrap();
        assert_eq!(pair.received().len(), 1, "{qos:?}");
    }
    let mut pair = Pair::connected_with(v5(), &[Property::ReceiveMaximum(1)]);
    let at = pair.at();
    pair.publish(Qos::AtLeastOnce, "a", "1");
    pair.session
        .publish(at, expiring(Qos::AtLeastOnce, "b", 0))
        .unwrap();
    pair.session.handle_timeout(at);
    let reason = PublishFailure::Expired;
    let failed = |event: &Event| matches!(event, Event::PublishFailed { reason: it, .. } if *it == reason);
    assert!(pair.events().iter().any(failed));
    assert_eq!(pair.brief(), ["publish q1 #1 a"]);
}

/// Table 2-4 of 5.0: what a PUBLISH cannot have is the caller's error, and named
#[test]
fn a_property_of_other_packets_is_refused_in_a_message() {
    let mut pair = Pair::connected(v5());
    let mut message = message(Qos::AtLeastOnce, "a", "1");
    message.properties = Properties::of(&[Property::ReasonString("no")]).unwrap();
    assert_eq!(
        pair.session.publish(pair.at(), message),
        Err(ApiMisuse::PropertyNotAllowed("Reason String"))
    );
}

/// [MQTT5-3.15.2-2] [MQTT5-3.15.2-3]: AUTH of ours has method and data only
#[test]
fn our_auth_has_no_reason_string_and_no_user_property() {
    let method = Property::AuthenticationMethod("m");
    let options = SessionOptions {
        authentication: Some(Authentication {
            method: "m".into(),
            data: None,
        }),
        user_properties: vec![("k".into(), "v".into())],
        ..v5()
    };
    let mut pair = Pair::connected_with(options, &[method]);
    pair.session
        .reauthenticate(pair.at(), Some(&Secret::from("d")))
        .unwrap();
    assert_eq!(
        sent_bytes(&mut pair),
        [0xf0, 10, 0x19, 8, 0x15, 0, 1, b'm', 0x16, 0, 1, b'd']
    );
}
