//! CONNECT, CONNACK, the choice of the version, the end of a connection.

use hearth_mqtt::{
    Connack, Disconnect, MonoTime, Packet, Properties, Property, ProtocolVersion, Qos, ReasonCode, TopicName,
    Will,
    session::{
        Backoff, BackoffOptions, ClosedReason, Event, FallBackReason, ReconnectAdvice, Secret, Session,
        SessionOptions, SessionState, VersionChoice,
    },
};

use crate::support::{Pair, inbound, lasting, v5, v311};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn connect_says_what_the_options_say() {
    let will = Will {
        topic: TopicName::parse("gone").unwrap(),
        payload: "bye".into(),
        qos: Qos::AtLeastOnce,
        retain: true,
        properties: Properties::of(&[Property::WillDelayInterval(5)]).unwrap(),
    };
    let options = SessionOptions {
        username: Some("ada".into()),
        password: Some(Secret::from("love")),
        will: Some(will.clone()),
        session_expiry_interval: 7,
        keep_alive: 20,
        receive_maximum: 9,
        maximum_packet_size: 1_000,
        topic_alias_maximum: 3,
        user_properties: vec![("a".into(), "b".into())],
        ..v5()
    };
    let connect = Pair::new(options.clone()).open();
    assert_eq!(
        (connect.version, connect.clean_start, connect.keep_alive),
        (ProtocolVersion::V5, true, 20)
    );
    assert_eq!(
        (&*connect.client_id, connect.username.as_deref()),
        ("test", Some("ada"))
    );
    assert_eq!(connect.password.as_deref(), Some(&b"love"[..]));
    assert_eq!(connect.will, Some(will));
    assert_eq!(connect.properties.session_expiry_interval(), Some(7));
    assert_eq!(connect.properties.receive_maximum(), Some(9));
    assert_eq!(connect.properties.maximum_packet_size(), Some(1_000));
    assert_eq!(connect.properties.topic_alias_maximum(), Some(3));
    assert_eq!(
        connect.properties.user_properties().collect::<Vec<_>>(),
        [("a", "b")]
    );

    let connect = Pair::new(SessionOptions {
        version: VersionChoice::V311,
        ..options
    })
    .open();
    assert_eq!(connect.version, ProtocolVersion::V311);
    assert!(connect.properties.is_empty(), "3.1.1 has no properties");
    assert!(connect.will.is_some_and(|will| will.properties.is_empty()));
}

#[test]
fn a_secret_is_not_printed() {
    let options = SessionOptions {
        password: Some(Secret::from("love")),
        ..v5()
    };
    assert!(!format!("{:?}", Session::new(options)).contains("love"));
}

/// [MQTT5-3.2.2-11] and its kin: what CONNACK leaves out has the value of the specification.
#[test]
fn limits_are_those_of_connack() {
    let mut pair = Pair::connected(v5());
    let limits = pair.session.limits().unwrap().clone();
    assert_eq!(
        (limits.maximum_qos, limits.retain_available),
        (Qos::ExactlyOnce, true)
    );
    assert_eq!(
        (limits.receive_maximum, limits.maximum_packet_size),
        (1_024, u32::MAX)
    );
    assert_eq!((limits.topic_alias_maximum, limits.keep_alive), (0, 30));

    pair = Pair::connected_with(
        v5(),
        &[
            Property::ReceiveMaximum(2),
            Property::MaximumQos(Qos::AtLeastOnce),
            Property::RetainAvailable(false),
            Property::MaximumPacketSize(99),
            Property::TopicAliasMaximum(5),
            Property::WildcardSubscriptionAvailable(false),
            Property::SubscriptionIdentifierAvailable(false),
            Property::SharedSubscriptionAvailable(false),
            Property::SessionExpiryInterval(12),
            Property::ServerKeepAlive(8),
            Property::ResponseInformation("answers/"),
        ],
    );
    let limits = pair.session.limits().unwrap();
    assert_eq!(
        (
            limits.receive_maximum,
            limits.maximum_packet_size,
            limits.topic_alias_maximum
        ),
        (2, 99, 5)
    );
    assert_eq!(
        (limits.maximum_qos, limits.retain_available),
        (Qos::AtLeastOnce, false)
    );
    assert!(!limits.wildcard_subscription_available && !limits.shared_subscription_available);
    assert!(!limits.subscription_identifier_available);
    assert_eq!((limits.session_expiry_interval, limits.keep_alive), (12, 8));
    assert_eq!(limits.response_information.as_deref(), Some("answers/"));
}

/// [MQTT5-3.2.2-16]
#[test]
fn assigned_client_id_is_used_again() {
    let mut pair = Pair::new(lasting(SessionOptions {
        client_id: String::new(),
        ..v5()
    }));
    assert_eq!(&*pair.open().client_id, "");
    pair.accept(false, &[Property::AssignedClientIdentifier("made-up")]);
    assert!(
        matches!(pair.event(), Event::Connected { assigned_client_id: Some(id), .. } if &*id == "made-up")
    );
    assert_eq!(&*pair.reconnect(true).client_id, "made-up");
}

#[test]
fn refusal_names_code_reason_and_the_other_server() {
    let mut pair = Pair::new(v5());
    pair.open();
    let properties = Properties::of(&[
        Property::ReasonString("full"),
        Property::ServerReference("other:1883"),
    ])
    .unwrap();
    let reason_code = ReasonCode::USE_ANOTHER_SERVER;
    pair.send(Packet::Connack(Connack {
        session_present: false,
        reason_code,
        properties,
    }));
    let Event::Closed(reason) = pair.event() else {
        panic!()
    };
    assert_eq!(reason.advice(), ReconnectAdvice::AfterChange);
    assert_eq!(
        reason.to_string(),
        "the server refused the connection: Use another server (0x9c): full (it names other:1883)"
    );
    assert_eq!(pair.session.state(), SessionState::Closed);
}

#[test]
fn return_codes_of_311_are_mapped() {
    for (code, mapped) in [(2, 0x85), (3, 0x88), (4, 0x86), (5, 0x87)] {
        let mut pair = Pair::new(v311());
        pair.open();
        pair.send_bytes(vec![0x20, 2, 0, code]);
        assert!(
            matches!(pair.event(), Event::Closed(ClosedReason::ServerRefused { code, .. }) if code.0 == mapped)
        );
    }
}

#[test]
fn server_disconnect_names_its_reason() {
    let mut pair = Pair::connected(v5());
    let mut disconnect = Disconnect::with_reason(ReasonCode::SERVER_MOVED);
    disconnect
        .properties
        .push(&Property::ServerReference("new:1883"))
        .unwrap();
    pair.send(Packet::Disconnect(disconnect));
    let Event::Closed(ClosedReason::Server {
        code,
        server_reference,
        ..
    }) = pair.event()
    else {
        panic!()
    };
    assert_eq!(
        (code, server_reference.as_deref()),
        (ReasonCode::SERVER_MOVED, Some("new:1883"))
    );
    assert!(pair.received().is_empty(), "no answer to DISCONNECT");
}

/// The subscription that the server does not take would be asked for again.
#[test]
fn a_goodbye_over_a_subscription_is_not_retried() {
    for code in [0x8F, 0x9E, 0xA1, 0xA2] {
        let mut pair = Pair::connected(v5());
        pair.subscribe(&["a/#"]);
        pair.send(Packet::Disconnect(Disconnect::with_reason(ReasonCode(code))));
        let Event::Closed(reason) = pair.event() else {
            panic!()
        };
        assert_eq!(reason.advice(), ReconnectAdvice::AfterChange, "{reason}");
    }
}

#[test]
fn taken_over_is_told_apart_and_not_retried() {
    let mut pair = Pair::connected(v5());
    pair.send(Packet::Disconnect(Disconnect::with_reason(
        ReasonCode::SESSION_TAKEN_OVER,
    )));
    let Event::Closed(reason) = pair.event() else {
        panic!()
    };
    assert_eq!(reason, ClosedReason::TakenOver { reason_string: None });
    assert_eq!(reason.advice(), ReconnectAdvice::AfterChange);
}

/// 3.1.1 cannot say that another client took over: connections that end at once are counted.
#[test]
fn short_connections_are_counted() {
    let mut pair = Pair::new(v311());
    for round in 1..=3 {
        pair.open();
        pair.accept(false, &[]);
        pair.now += 1_000;
        pair.cut();
        assert_eq!(pair.session.short_connections(), round);
    }
    pair.open();
    pair.accept(false, &[]);
    pair.now += 5_000;
    pair.cut();
    assert_eq!(pair.session.short_connections(), 0);
}

#[test]
fn disconnect_is_the_last_packet() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        pair.publish(Qos::AtMostOnce, "a", "1");
        pair.events();
        pair.session.disconnect(pair.at());
        assert_eq!(pair.event(), Event::Closed(ClosedReason::Application));
        assert_eq!(pair.brief(), ["publish q0 a", "disconnect 0x00"]);
        pair.send_bytes(vec![0xD0, 0]);
        assert!(pair.events().is_empty(), "bytes after the end are not read");
        pair.cut();
        assert!(pair.events().is_empty(), "the end is told once");
        assert_eq!(pair.session.state(), SessionState::Offline);
    }
}

#[test]
fn session_expiry_can_be_changed_at_the_end() {
    let mut pair = Pair::connected(lasting(v5()));
    pair.session.disconnect_with(pair.at(), true, Some(60)).unwrap();
    let Packet::Disconnect(disconnect) = pair.one() else {
        panic!()
    };
    assert_eq!(disconnect.reason_code, ReasonCode::DISCONNECT_WITH_WILL);
    assert_eq!(disconnect.properties.session_expiry_interval(), Some(60));

    let mut pair = Pair::connected(v5());
    assert!(
        pair.session.disconnect_with(pair.at(), false, Some(60)).is_err(),
        "0 may not become more"
    );
}

/// [MQTT311-4.3.3-2] 3.1.1 cannot tell the server to forget: what came before is still not delivered again.
#[test]
fn an_end_without_expiry_keeps_a_session_of_3_1_1() {
    let mut pair = Pair::connected(lasting(v311()));
    pair.send(inbound(Qos::ExactlyOnce, 1, "a", false));
    assert_eq!(pair.events().len(), 1);
    pair.session.disconnect_with(pair.at(), false, Some(0)).unwrap();
    pair.reconnect(true);
    pair.events();
    pair.send(inbound(Qos::ExactlyOnce, 1, "a", true));
    assert_eq!(pair.events(), []);
}

#[test]
fn silent_server_is_given_up_on_after_the_connack_timeout() {
    let mut pair = Pair::new(v5());
    pair.now = 5;
    pair.open();
    assert_eq!(pair.run_timers(), [10_005]);
    assert_eq!(pair.event(), Event::Closed(ClosedReason::ConnackTimeout));
}

#[test]
fn a_will_that_cannot_be_said_is_an_error_and_no_packet() {
    let will = Will {
        topic: TopicName::parse("a").unwrap(),
        payload: vec![0; 65_536].into(),
        qos: Qos::AtMostOnce,
        retain: false,
        properties: Properties::new(),
    };
    let mut session = Session::new(SessionOptions {
        will: Some(will),
        ..v5()
    });
    session.handle_opened(MonoTime::ZERO);
    assert_eq!(session.poll_transmit(), None);
    assert!(matches!(
        session.poll_event(),
        Some(Event::Closed(ClosedReason::CannotConnect { .. }))
    ));
}

/// [MQTT311-3.1.2-6]: Clean Session ends the session with the connection, so it is asked for only at first.
#[test]
fn clean_session_of_311_follows_clean_start_and_expiry() {
    let asked = |options: SessionOptions| {
        let mut pair = Pair::new(options);
        let first = pair.open().clean_start;
        pair.accept(false, &[]);
        (first, pair.reconnect(false).clean_start)
    };
    assert_eq!(asked(v311()), (true, true));
    assert_eq!(
        asked(SessionOptions {
            session_expiry_interval: 9,
            ..v311()
        }),
        (true, false)
    );
    assert_eq!(asked(lasting(v311())), (false, false));
    // [MQTT311-3.1.3-7] no client id, no lasting session.
    assert_eq!(
        asked(lasting(SessionOptions {
            client_id: String::new(),
            ..v311()
        })),
        (true, true)
    );
}

fn auto() -> SessionOptions {
    SessionOptions {
        version: VersionChoice::Auto,
        ..v5()
    }
}

#[test]
fn falls_back_when_the_version_is_refused() {
    for (answer, reason) in [
        (&[0x20, 3, 0, 0x84, 0][..], FallBackReason::Refused),
        (&[0x20, 2, 0, 1], FallBackReason::Refused),
        (&[0x20, 2, 0, 0], FallBackReason::AnsweredInOlderVersion),
        (&[0x20, 2, 0, 5], FallBackReason::AnsweredInOlderVersion),
    ] {
        let mut pair = Pair::new(auto());
        assert_eq!(pair.open().version, ProtocolVersion::V5);
        pair.send_bytes(answer.to_vec());
        let to = ProtocolVersion::V311;
        let closed = ClosedReason::VersionFellBack;
        assert_eq!(closed.advice(), ReconnectAdvice::AtOnce);
        assert_eq!(
            pair.events(),
            [Event::VersionFellBack { to, reason }, Event::Closed(closed)]
        );
        assert!(
            pair.received().is_empty(),
            "an older server does not know our DISCONNECT"
        );
        pair.cut();
        assert_eq!(pair.open().version, to);
        pair.accept(false, &[]);
        assert!(matches!(
            pair.event(),
            Event::Connected {
                version: ProtocolVersion::V311,
                ..
            }
        ));
        assert_eq!(pair.reconnect(false).version, to, "what was accepted stays");
    }
}

#[test]
fn falls_back_after_two_closes_without_an_answer_and_comes_back() {
    let mut pair = Pair::new(auto());
    let mut versions = Vec::new();
    for _ in 0..6 {
        versions.push(pair.open().version);
        pair.cut();
    }
    let (new, old) = (ProtocolVersion::V5, ProtocolVersion::V311);
    assert_eq!(versions, [new, new, old, old, new, new]);
}

/// A server may also wait for more bytes of a packet that it does not understand.
#[test]
fn falls_back_after_two_connack_timeouts() {
    let mut pair = Pair::new(auto());
    let mut versions = Vec::new();
    for _ in 0..5 {
        versions.push(pair.open().version);
        pair.run_timers();
        let last = pair.events().pop();
        assert_eq!(last, Some(Event::Closed(ClosedReason::ConnackTimeout)));
        pair.cut();
    }
    let (new, old) = (ProtocolVersion::V5, ProtocolVersion::V311);
    assert_eq!(versions, [new, new, old, old, new], "one end counts once");
}

/// A relay whose server is down closes without an answer too: 3.1.1 by guess is not for ever.
#[test]
fn a_guessed_version_is_doubted_at_the_next_connection() {
    let (new, old) = (ProtocolVersion::V5, ProtocolVersion::V311);
    let mut pair = Pair::new(auto());
    for _ in 0..2 {
        pair.open();
        pair.cut();
    }
    assert_eq!(pair.open().version, old);
    pair.accept(false, &[]);
    pair.cut();
    assert_eq!(pair.open().version, new, "one more chance");
    pair.cut();
    assert_eq!(pair.open().version, old, "and no second one");
    pair.accept(false, &[]);
    pair.cut();
    pair.open();
    pair.accept(false, &[]);
    assert_eq!(pair.reconnect(false).version, new, "an answer settles it");
}

#[test]
fn one_close_without_an_answer_is_no_reason_to_fall_back() {
    let mut pair = Pair::new(auto());
    pair.open();
    pair.cut();
    pair.open();
    pair.send_bytes(vec![0x20]); // it speaks
    pair.cut();
    assert_eq!(pair.open().version, ProtocolVersion::V5);
}

/// What a server that knows 3.1.1 only answers is no fault of the server: the version is the caller's choice.
#[test]
fn a_fixed_version_is_refused_by_an_older_server() {
    for (return_code, code) in [
        (0, ReasonCode::UNSUPPORTED_PROTOCOL_VERSION),
        (1, ReasonCode::UNSUPPORTED_PROTOCOL_VERSION),
        (5, ReasonCode::NOT_AUTHORIZED),
    ] {
        let mut pair = Pair::new(v5());
        pair.open();
        pair.send_bytes(vec![0x20, 2, 0, return_code]);
        let refused = ClosedReason::ServerRefused {
            code,
            reason_string: None,
            server_reference: None,
        };
        assert_eq!(pair.events(), [Event::Closed(refused)]);
        assert!(
            pair.received().is_empty(),
            "an older server does not know our DISCONNECT"
        );
    }
}

#[test]
fn a_fixed_version_never_falls_back() {
    let mut pair = Pair::new(v5());
    pair.open();
    pair.send_bytes(vec![0x20, 3, 0, 0x84, 0]);
    let code = ReasonCode::UNSUPPORTED_PROTOCOL_VERSION;
    assert!(
        matches!(pair.event(), Event::Closed(ClosedReason::ServerRefused { code: it, .. }) if it == code)
    );
}

#[test]
fn backoff_doubles_up_to_its_maximum() {
    let mut backoff = Backoff::new(BackoffOptions::default());
    let waits: Vec<_> = (0..7).map(|_| backoff.next_delay_ms(u32::MAX)).collect();
    assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    assert_eq!(
        (0..200).map(|_| backoff.next_delay_ms(u32::MAX)).max(),
        Some(30_000)
    );
}

#[test]
fn backoff_is_reset_by_a_stable_minute_only() {
    let mut pair = Pair::new(v5());
    let mut wait_after = |held_ms: u64| {
        pair.open();
        pair.accept(false, &[]);
        pair.now += held_ms;
        pair.cut();
        pair.session.next_delay_ms(u32::MAX)
    };
    assert_eq!(
        [
            wait_after(1),
            wait_after(59_999),
            wait_after(60_000),
            wait_after(1)
        ],
        [1_000, 2_000, 1_000, 2_000]
    );
}
