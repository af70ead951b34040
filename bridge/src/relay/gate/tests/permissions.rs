//! Attempts × outcome, for each role and both versions.

use super::*;

/// What a browser or a broker tries.
#[derive(Clone, Copy, Debug)]
enum Try {
    Publish(&'static str),
    /// The topic is set on an alias by one message, and named by the alias alone in the next.
    PublishByAlias(&'static str),
    /// An alias that stood for an allowed topic is set on this one.
    PublishByTurnedAlias(&'static str),
    Will(&'static str),
    Subscribe(&'static str),
    /// A message that a resumed session brings, whoever subscribed.
    Receive(&'static str),
    ReceiveByAlias(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Let,
    No,
}
use Is::{Let, No};

/// Roles as an operator may define them: viewer, operator, admin.
fn roles() -> [(&'static str, Option<Arc<Permissions>>); 3] {
    [
        ("viewer", permissions(&["presence/%u"], &["home/#", "reply/%c/+"])),
        (
            "operator",
            permissions(&["home/+/set", "presence/%u"], &["home/#", "reply/%c/+", "alarm"]),
        ),
        ("admin", permissions(&["#"], &["#", "$SYS/#"])),
    ]
}

/// Attempt; outcome for viewer, operator, admin.
const TABLE: &[(Try, [Is; 3])] = &[
    (Try::Publish("home/lamp/set"), [No, Let, Let]),
    (Try::Publish("home/lamp"), [No, No, Let]),
    (Try::Publish("home/lamp/set/x"), [No, No, Let]),
    (Try::Publish("presence/ada"), [Let, Let, Let]),
    (Try::Publish("presence/bob"), [No, No, Let]),
    (Try::Publish("presence/ada/x"), [No, No, Let]),
    (Try::Publish("/home/lamp/set"), [No, No, Let]),
    (Try::Publish("HOME/lamp/set"), [No, No, Let]),
    (Try::Publish("$SYS/broker"), [No, No, No]),
    (Try::Publish("$share/g/home/lamp/set"), [No, No, No]),
    (Try::PublishByAlias("home/lamp/set"), [No, Let, Let]),
    (Try::PublishByAlias("presence/bob"), [No, No, Let]),
    (Try::PublishByTurnedAlias("presence/bob"), [No, No, Let]),
    (Try::Will("presence/ada"), [Let, Let, Let]),
    (Try::Will("presence/bob"), [No, No, Let]),
    (Try::Will("home/lamp/set"), [No, Let, Let]),
    (Try::Subscribe("home/lamp"), [Let, Let, Let]),
    (Try::Subscribe("home"), [Let, Let, Let]),
    (Try::Subscribe("home/+/set"), [Let, Let, Let]),
    (Try::Subscribe("home/#"), [Let, Let, Let]),
    (Try::Subscribe("#"), [No, No, Let]),
    (Try::Subscribe("+/lamp"), [No, No, Let]),
    (Try::Subscribe("+"), [No, No, Let]),
    (Try::Subscribe("alarm"), [No, Let, Let]),
    (Try::Subscribe("alarm/#"), [No, No, Let]),
    (Try::Subscribe("reply/tab/1"), [Let, Let, Let]),
    (Try::Subscribe("reply/tab/#"), [No, No, Let]),
    (Try::Subscribe("reply/other/1"), [No, No, Let]),
    (Try::Subscribe("reply/+/1"), [No, No, Let]),
    (Try::Subscribe("$SYS/#"), [No, No, Let]),
    (Try::Subscribe("$SYS/broker/uptime"), [No, No, Let]),
    (Try::Subscribe("$share/g/home/#"), [Let, Let, Let]),
    (Try::Subscribe("$share/g/alarm"), [No, Let, Let]),
    (Try::Subscribe("$share/g/#"), [No, No, Let]),
    (Try::Subscribe("$share/home/#"), [No, No, Let]),
    (Try::Subscribe("$share/g/$SYS/#"), [No, No, Let]),
    (Try::Subscribe("$queue/home/#"), [No, No, No]),
    (Try::Receive("home/lamp"), [Let, Let, Let]),
    (Try::Receive("alarm"), [No, Let, Let]),
    (Try::Receive("secret"), [No, No, Let]),
    (Try::Receive("reply/other/1"), [No, No, Let]),
    (Try::Receive("$SYS/broker/uptime"), [No, No, Let]),
    (Try::ReceiveByAlias("home/lamp"), [Let, Let, Let]),
    (Try::ReceiveByAlias("secret"), [No, No, Let]),
];

fn role_rules(permissions: Option<Arc<Permissions>>) -> Rules {
    Rules {
        user: Some("ada".to_owned()),
        permissions,
        ..rules()
    }
}

#[test]
fn every_attempt_has_its_outcome_for_every_role_in_both_versions() {
    let mut tried = 0;
    for version in BOTH {
        for (role, (name, permissions)) in roles().into_iter().enumerate() {
            for (attempt, outcomes) in TABLE {
                let expected = outcomes[role];
                for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
                    for pieces in [1, 3, usize::MAX] {
                        let case = format!("{name} {version} {attempt:?} {qos:?} in pieces of {pieces}");
                        check(
                            version,
                            permissions.clone(),
                            *attempt,
                            qos,
                            pieces,
                            expected,
                            &case,
                        );
                        tried += 1;
                    }
                }
            }
        }
    }
    assert_eq!(tried, 2 * 3 * TABLE.len() * 9);
}

fn check(
    version: ProtocolVersion,
    permissions: Option<Arc<Permissions>>,
    attempt: Try,
    qos: Qos,
    pieces: usize,
    expected: Is,
    case: &str,
) {
    let rules = role_rules(permissions);
    let v5 = version.is_v5();
    match attempt {
        Try::Will(topic) => {
            let mut ends = Ends::new(version, rules);
            let connect = connect_with(version, |connect| connect.will = will_on(topic));
            let bytes = ends.encode(&connect);
            for piece in bytes.chunks(pieces) {
                ends.browser_bytes(piece);
            }
            check_connect(&mut ends, &bytes, expected, case);
        }
        Try::Publish(topic) => {
            let mut ends = Ends::connected(version, rules);
            let publish = publish(topic, qos);
            send(&mut ends, &publish, pieces);
            check_publish(&mut ends, &publish, qos, expected, case);
        }
        Try::PublishByAlias(topic) if v5 => {
            let mut ends = Ends::connected(version, rules);
            send(
                &mut ends,
                &publish_with(Some(topic), Qos::AtMostOnce, Some(3)),
                pieces,
            );
            ends.clear();
            let publish = publish_with(None, qos, Some(3));
            send(&mut ends, &publish, pieces);
            check_publish(&mut ends, &publish, qos, expected, case);
        }
        Try::PublishByTurnedAlias(topic) if v5 => {
            let mut ends = Ends::connected(version, rules);
            for topic in ["presence/ada", topic] {
                send(
                    &mut ends,
                    &publish_with(Some(topic), Qos::AtMostOnce, Some(3)),
                    pieces,
                );
            }
            ends.clear();
            let publish = publish_with(None, qos, Some(3));
            send(&mut ends, &publish, pieces);
            check_publish(&mut ends, &publish, qos, expected, case);
        }
        Try::Subscribe(filter) => {
            let mut ends = Ends::connected(version, rules);
            let subscribe = subscribe(&[filter]);
            send(&mut ends, &subscribe, pieces);
            check_subscribe(&mut ends, &subscribe, expected, case);
        }
        Try::Receive(topic) => {
            let mut ends = Ends::connected(version, rules);
            let publish = publish(topic, qos);
            deliver(&mut ends, &publish, pieces);
            check_delivery(&mut ends, &publish, qos, expected, case);
        }
        Try::ReceiveByAlias(topic) if v5 => {
            let mut ends = Ends::connected(version, rules);
            deliver(
                &mut ends,
                &publish_with(Some(topic), Qos::AtMostOnce, Some(3)),
                pieces,
            );
            ends.clear();
            let publish = publish_with(None, qos, Some(3));
            deliver(&mut ends, &publish, pieces);
            check_delivery(&mut ends, &publish, qos, expected, case);
        }
        // 3.1.1 has no aliases.
        Try::PublishByAlias(_) | Try::PublishByTurnedAlias(_) | Try::ReceiveByAlias(_) => {}
    }
}

fn send(ends: &mut Ends, packet: &Packet, pieces: usize) {
    for piece in ends.encode(packet).chunks(pieces) {
        ends.browser_bytes(piece);
    }
}

fn deliver(ends: &mut Ends, packet: &Packet, pieces: usize) {
    for piece in ends.encode(packet).chunks(pieces) {
        ends.broker_bytes(piece);
    }
}

fn check_connect(ends: &mut Ends, bytes: &[u8], expected: Is, case: &str) {
    if expected == Let {
        assert_eq!(ends.at_broker, bytes, "{case}");
        assert_eq!(ends.close, None, "{case}");
        return;
    }
    assert!(ends.at_broker.is_empty(), "{case}");
    assert_eq!(ends.close_code(), Some(close::NOT_AUTHORIZED), "{case}");
    assert_eq!(
        ends.heard_by_browser(),
        [connack(ReasonCode::NOT_AUTHORIZED)],
        "{case}"
    );
    assert_eq!(ends.refused(), [("will", 1)], "{case}");
}

/// [MQTT311-3.3.5-2]
fn check_publish(ends: &mut Ends, publish: &Packet, qos: Qos, expected: Is, case: &str) {
    assert_eq!(ends.close, None, "{case}");
    if expected == Let {
        assert_eq!(ends.heard_by_broker(), std::slice::from_ref(publish), "{case}");
        assert!(ends.at_browser.is_empty(), "{case}");
        return;
    }
    assert!(ends.at_broker.is_empty(), "{case}");
    let code = match ends.version {
        ProtocolVersion::V5 => ReasonCode::NOT_AUTHORIZED,
        ProtocolVersion::V311 => ReasonCode::SUCCESS,
    };
    let expected = match qos {
        Qos::AtMostOnce => vec![],
        Qos::AtLeastOnce => vec![Packet::Puback(ack(id(7), code))],
        Qos::ExactlyOnce => vec![Packet::Pubrec(ack(id(7), code))],
    };
    assert_eq!(ends.heard_by_browser(), expected, "{case}");
    assert!(
        ends.refused().iter().any(|(kind, _)| *kind == "publish"),
        "{case}"
    );
    if qos == Qos::ExactlyOnce {
        // In 3.1.1 the gate ends the exchange; in 5.0 it ended with the PUBREC, and a PUBREL is the broker's to judge.
        let pubrel = Packet::Pubrel(ack(id(7), ReasonCode::SUCCESS));
        ends.browser(&pubrel);
        match ends.version {
            ProtocolVersion::V5 => assert_eq!(ends.heard_by_broker(), [pubrel], "{case}"),
            ProtocolVersion::V311 => {
                assert!(ends.at_broker.is_empty(), "{case}");
                let pubcomp = Packet::Pubcomp(ack(id(7), ReasonCode::SUCCESS));
                assert_eq!(ends.heard_by_browser(), [pubcomp], "{case}");
            }
        }
    }
}

fn check_subscribe(ends: &mut Ends, subscribe: &Packet, expected: Is, case: &str) {
    assert_eq!(ends.close, None, "{case}");
    if expected == Let {
        assert_eq!(ends.heard_by_broker(), std::slice::from_ref(subscribe), "{case}");
        assert!(ends.at_browser.is_empty(), "{case}");
        return;
    }
    assert!(ends.at_broker.is_empty(), "{case}");
    let code = if ends.version.is_v5() { 0x87 } else { 0x80 };
    assert_eq!(ends.heard_by_browser(), [suback(&[code])], "{case}");
    assert_eq!(ends.refused(), [("subscribe", 1)], "{case}");
}

fn check_delivery(ends: &mut Ends, publish: &Packet, qos: Qos, expected: Is, case: &str) {
    assert_eq!(ends.close, None, "{case}");
    if expected == Let {
        assert_eq!(ends.heard_by_browser(), std::slice::from_ref(publish), "{case}");
        assert!(ends.at_broker.is_empty(), "{case}");
        return;
    }
    assert!(ends.at_browser.is_empty(), "{case}");
    let success = ack(id(7), ReasonCode::SUCCESS);
    match qos {
        Qos::AtMostOnce => assert!(ends.at_broker.is_empty(), "{case}"),
        Qos::AtLeastOnce => assert_eq!(ends.heard_by_broker(), [Packet::Puback(success)], "{case}"),
        Qos::ExactlyOnce => {
            assert_eq!(
                ends.heard_by_broker(),
                [Packet::Pubrec(success.clone())],
                "{case}"
            );
            ends.broker(&Packet::Pubrel(success.clone()));
            assert!(ends.at_browser.is_empty(), "{case}");
            assert_eq!(
                ends.heard_by_broker(),
                [Packet::Pubcomp(success.clone())],
                "{case}"
            );
            // The identifier is the browser's again.
            ends.broker(&Packet::Pubrel(success.clone()));
            assert_eq!(ends.heard_by_browser(), [Packet::Pubrel(success)], "{case}");
        }
    }
    assert!(
        ends.refused().iter().any(|(kind, _)| *kind == "receive"),
        "{case}"
    );
}

#[test]
fn refused_filters_are_taken_out_and_answered_at_their_places() {
    for version in BOTH {
        let (_, viewer) = roles()[0].clone();
        let mut ends = Ends::connected(version, role_rules(viewer));
        ends.browser(&subscribe(&["#", "home/a", "secret", "home/#", "$SYS/#"]));
        assert_eq!(ends.heard_by_broker(), [subscribe(&["home/a", "home/#"])]);
        // Another answer in between is not touched.
        let ping = Packet::Pingresp;
        ends.broker(&ping);
        assert_eq!(ends.heard_by_browser(), [ping]);
        ends.broker(&suback(&[1, 0]));
        let no = if version.is_v5() { 0x87 } else { 0x80 };
        assert_eq!(
            ends.heard_by_browser(),
            [suback(&[no, 1, no, 0, no])],
            "{version}"
        );
        ends.broker(&suback(&[1]));
        assert_eq!(ends.heard_by_browser(), [suback(&[1])], "completed once");
        assert_eq!(ends.refused(), [("subscribe", 3)]);
        assert_eq!(
            ends.gate.take_first_refusal(),
            Some((Refusal::Subscribe, "#".to_owned()))
        );
    }
}

#[test]
fn an_assigned_client_id_counts_in_permissions() {
    let rules = role_rules(permissions(&[], &["reply/%c"]));
    let mut ends = Ends::new(ProtocolVersion::V5, rules);
    ends.browser(&connect_with(ProtocolVersion::V5, |connect| {
        connect.client_id = "".into();
    }));
    ends.browser(&subscribe(&["reply/auto-1"]));
    assert_eq!(ends.refused(), [("subscribe", 1)], "nobody knows it yet");
    let assigned = Property::AssignedClientIdentifier("auto-1");
    ends.broker(&connack_with(ReasonCode::SUCCESS, &[assigned]));
    // What was refused before CONNACK is answered behind it.
    let heard = ends.heard_by_browser();
    assert!(
        matches!(heard.as_slice(), [Packet::Connack(_), Packet::Suback(_)]),
        "{heard:?}"
    );
    ends.clear();
    ends.browser(&subscribe(&["reply/auto-1"]));
    assert_eq!(ends.heard_by_broker(), [subscribe(&["reply/auto-1"])]);
}

#[test]
fn a_client_id_of_another_user_is_refused_while_it_is_connected() {
    for (version, code) in [
        (ProtocolVersion::V5, ReasonCode::CLIENT_IDENTIFIER_NOT_VALID),
        (ProtocolVersion::V311, ReasonCode::CLIENT_IDENTIFIER_NOT_VALID),
    ] {
        let [first, second] = desks();
        let of = |user: &str, desk: &ClientIdDesk| Rules {
            user: Some(user.to_owned()),
            client_ids: Some(desk.clone()),
            ..rules()
        };
        let ada = Ends::connected(version, of("ada", &first));
        assert!(ada.gate.is_done(), "nothing more to look at");
        let mut bob = Ends::new(version, of("bob", &second));
        bob.browser(&connect(version));
        assert_eq!(bob.close_code(), Some(close::CLIENT_ID_IN_USE));
        assert_eq!(bob.heard_by_browser(), [connack(code)]);
        let _ada_again = Ends::connected(version, of("ada", &second));
        let claim = ada.gate.into_claim();
        assert!(claim.is_some());
    }
}

#[test]
fn a_client_id_that_the_broker_gave_belongs_to_the_user_too() {
    let [first, second] = desks();
    let of = |user: &str, desk: &ClientIdDesk| Rules {
        user: Some(user.to_owned()),
        client_ids: Some(desk.clone()),
        ..rules()
    };
    // An admin, of whom nothing but the client id is of interest.
    let mut ada = Ends::new(ProtocolVersion::V5, of("ada", &first));
    ada.browser(&connect_with(ProtocolVersion::V5, |connect| {
        connect.client_id = "".into();
    }));
    assert!(!ada.gate.is_done(), "the id is still to come");
    let given = [Property::AssignedClientIdentifier("tab")];
    ada.broker(&Packet::Connack(Connack {
        session_present: false,
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::of(&given).unwrap(),
    }));
    assert!(ada.gate.is_done(), "nothing more to look at");
    let mut bob = Ends::new(ProtocolVersion::V5, of("bob", &second));
    bob.browser(&connect_with(ProtocolVersion::V5, |connect| {
        connect.client_id = "tab".into();
    }));
    assert_eq!(bob.close_code(), Some(close::CLIENT_ID_IN_USE));
}

#[test]
fn client_ids_of_users_begin_as_it_was_said() {
    for version in BOTH {
        for (client_id, expected) in [
            ("hearth-1", None),
            ("hearth-", None),
            // The broker gives one.
            ("", None),
            ("zigbee2mqtt", Some(close::NOT_AUTHORIZED)),
            ("Hearth-1", Some(close::NOT_AUTHORIZED)),
        ] {
            let desk = Arc::new(ClientIds::new("hearth-")).desk(BrokerId::embedded());
            let mut ends = Ends::new(
                version,
                Rules {
                    user: Some("vic".to_owned()),
                    client_ids: Some(desk),
                    ..rules()
                },
            );
            ends.browser(&connect_with(version, |connect| {
                connect.client_id = client_id.into();
            }));
            assert_eq!(ends.close_code(), expected, "{client_id}");
            assert_eq!(
                ends.heard_by_broker().len(),
                usize::from(expected.is_none()),
                "{client_id}"
            );
            let refused = expected.map(|_| connack(ReasonCode::CLIENT_IDENTIFIER_NOT_VALID));
            assert_eq!(ends.heard_by_browser(), Vec::from_iter(refused), "{client_id}");
        }
    }
}

#[test]
fn the_broker_hears_a_ping_in_place_of_what_was_refused() {
    for version in BOTH {
        let mut ends = Ends::new(version, role_rules(permissions(&[], &[])));
        ends.browser(&connect_with(version, |connect| connect.keep_alive = 30));
        ends.broker(&connack(ReasonCode::SUCCESS));
        ends.clear();
        for _ in 0..3 {
            ends.browser(&publish("a", Qos::AtMostOnce));
        }
        assert_eq!(ends.heard_by_broker(), [Packet::Pingreq], "one at a time");
        ends.browser(&Packet::Pingreq);
        assert_eq!(ends.heard_by_broker(), [Packet::Pingreq]);
        ends.broker(&Packet::Pingresp);
        assert!(ends.at_browser.is_empty(), "it did not ask");
        ends.broker(&Packet::Pingresp);
        assert_eq!(ends.heard_by_browser(), [Packet::Pingresp]);
    }
}

/// Half a million filters in one packet take a tenth of a second, in which nobody else is served.
#[test]
fn a_packet_with_too_many_filters_is_refused_by_its_head() {
    for version in BOTH {
        let filters = |count: usize| {
            let id: &[u8] = if version.is_v5() { &[0, 1, 0] } else { &[0, 1] };
            let body = [id, &b"\0\x01a\0".repeat(count)].concat();
            let len = body.len() as u16;
            [&[0x82, 0x80 | (len & 0x7F) as u8, (len >> 7) as u8][..], &body].concat()
        };
        let rules = |permissions| Rules {
            max_subscribe_bytes: 1024,
            ..role_rules(permissions)
        };
        let mut ends = Ends::connected(version, rules(permissions(&[], &["a"])));
        let fits = filters(250);
        ends.browser_bytes(&fits);
        assert_eq!((ends.close.clone(), &ends.at_broker), (None, &fits));
        // Its body need not come.
        ends.browser_bytes(&filters(260)[..3]);
        let close = ends.close.clone().unwrap();
        assert_eq!(close.code, close::MESSAGE_TOO_BIG);
        assert!(close.reason.contains("ask in several"), "{}", close.reason);
        assert_eq!(
            ends.at_browser,
            if version.is_v5() {
                &[0xE0, 1, 0x95][..]
            } else {
                &[]
            }
        );
        // Who may everything is not judged.
        let mut admin = Ends::connected(version, rules(None));
        admin.browser_bytes(&filters(260));
        assert_eq!(admin.close, None);
    }
}
