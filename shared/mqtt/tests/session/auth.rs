//! Enhanced authentication: challenges before CONNACK, re-authentication after it.

use hearth_mqtt::{
    Auth, Packet, Properties, Property, ReasonCode,
    session::{
        ApiMisuse, Authentication, ClosedReason, Event, Misbehaviour, Secret, SessionOptions, SessionRule,
    },
};

use crate::support::{Pair, v5, v311};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const METHOD: Property<'static> = Property::AuthenticationMethod("K8S-SAT");

fn options() -> SessionOptions {
    let data = Some(Secret::from("token"));
    SessionOptions {
        authentication: Some(Authentication {
            method: "K8S-SAT".into(),
            data,
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

fn broken(pair: &mut Pair) -> SessionRule {
    match pair.events().pop() {
        Some(Event::Closed(ClosedReason::ServerMisbehaved(Misbehaviour::Session(rule, _)))) => rule,
        other => panic!("{other:?}"),
    }
}

#[test]
fn connect_names_method_and_data() {
    let connect = Pair::new(options()).open();
    assert_eq!(connect.properties.authentication_method(), Some("K8S-SAT"));
    assert_eq!(connect.properties.authentication_data(), Some(&b"token"[..]));
    let old = Pair::new(SessionOptions {
        authentication: options().authentication,
        ..v311()
    })
    .open();
    assert!(old.properties.is_empty());
}

/// [MQTT5-4.12.0-3] [MQTT5-4.12.0-5]
#[test]
fn a_challenge_is_answered_by_the_owner() {
    let mut pair = Pair::new(options());
    pair.open();
    pair.now = 9_000;
    pair.send(auth(0x18, &[METHOD, Property::AuthenticationData(b"who?")]));
    let data = Some(b"who?"[..].to_vec().into());
    assert_eq!(
        pair.event(),
        Event::AuthenticationChallenge {
            data,
            reason_string: None
        }
    );
    assert_eq!(
        pair.session.poll_timeout().map(|at| at.ms),
        Some(19_000),
        "every step has its time"
    );
    pair.session
        .authenticate(pair.at(), Some(&Secret::from("me")))
        .unwrap();
    let Packet::Auth(answer) = pair.one() else {
        panic!()
    };
    assert_eq!(answer.reason_code, ReasonCode::CONTINUE_AUTHENTICATION);
    assert_eq!(answer.properties.authentication_method(), Some("K8S-SAT"));
    assert_eq!(answer.properties.authentication_data(), Some(&b"me"[..]));
    assert_eq!(
        pair.session.authenticate(pair.at(), None),
        Err(ApiMisuse::NoAuthentication),
        "one answer each"
    );
    pair.accept(false, &[METHOD]);
    assert!(matches!(pair.event(), Event::Connected { .. }));
}

/// [MQTT5-4.12.1-1]
#[test]
fn a_live_connection_can_authenticate_anew() {
    let mut pair = Pair::connected_with(options(), &[METHOD]);
    pair.session
        .reauthenticate(pair.at(), Some(&Secret::from("new")))
        .unwrap();
    assert_eq!(pair.brief(), ["auth 0x19"]);
    assert_eq!(
        pair.session.reauthenticate(pair.at(), None),
        Err(ApiMisuse::AuthenticationUnderWay),
        "one at a time"
    );
    pair.send(auth(0x18, &[METHOD]));
    pair.session.authenticate(pair.at(), None).unwrap();
    assert_eq!(pair.brief(), ["auth 0x18"]);
    pair.events();
    pair.send(auth(0x00, &[METHOD]));
    assert_eq!(pair.event(), Event::Reauthenticated);
    pair.session.reauthenticate(pair.at(), None).unwrap();
}

/// [MQTT5-4.12.1-2]
#[test]
fn a_reauthentication_that_gets_stuck_ends_the_connection() {
    let mut pair = Pair::connected_with(options(), &[METHOD]);
    pair.now = 1_000;
    pair.session.reauthenticate(pair.at(), None).unwrap();
    pair.brief();
    // A step counts from itself.
    pair.now = 10_999;
    pair.session.handle_timeout(pair.at());
    pair.send(auth(0x18, &[METHOD]));
    pair.session.authenticate(pair.at(), None).unwrap();
    pair.events();
    assert_eq!(pair.session.poll_timeout().map(|at| at.ms), Some(20_999));
    pair.now = 20_999;
    pair.session.handle_timeout(pair.at());
    assert_eq!(pair.event(), Event::Closed(ClosedReason::AuthenticationTimeout));
    assert_eq!(pair.brief(), ["auth 0x18", "disconnect 0x80"]);
}

/// [MQTT5-3.2.2-15]
#[test]
fn data_that_are_too_long_for_the_server_are_not_sent() {
    let mut pair = Pair::connected_with(options(), &[METHOD, Property::MaximumPacketSize(26)]);
    let long = Secret::from("0123456789");
    assert_eq!(
        pair.session.reauthenticate(pair.at(), Some(&long)),
        Err(ApiMisuse::PacketTooLarge {
            bytes: 27,
            maximum: 26
        }),
    );
    assert_eq!(pair.brief(), [""; 0]);
    pair.session.reauthenticate(pair.at(), None).unwrap();
}

/// 3.15.2.1 lets Success be said without properties, so without the method: brokers end a re-authentication so.
#[test]
fn success_in_two_bytes_ends_a_reauthentication() {
    let mut pair = Pair::connected_with(options(), &[METHOD]);
    pair.session.reauthenticate(pair.at(), None).unwrap();
    pair.send_bytes(vec![0xF0, 0]);
    assert_eq!(pair.event(), Event::Reauthenticated);
    pair.session.reauthenticate(pair.at(), None).unwrap();
    // Where none is under way it is out of turn.
    let mut pair = Pair::connected_with(options(), &[METHOD]);
    pair.send_bytes(vec![0xF0, 0]);
    assert_eq!(broken(&mut pair), SessionRule::AuthOutOfTurn);
}

#[test]
fn new_data_are_used_at_the_next_connect() {
    let mut pair = Pair::connected_with(options(), &[METHOD]);
    pair.session.set_authentication_data(Some(Secret::from("fresh")));
    pair.cut();
    assert_eq!(pair.open().properties.authentication_data(), Some(&b"fresh"[..]));
}

/// [MQTT5-4.12.0-7] and the caller's errors.
#[test]
fn without_a_method_there_is_no_authentication() {
    let mut pair = Pair::connected(v5());
    assert_eq!(
        pair.session.reauthenticate(pair.at(), None),
        Err(ApiMisuse::NoAuthentication)
    );
    assert_eq!(
        pair.session.authenticate(pair.at(), None),
        Err(ApiMisuse::NoAuthentication)
    );
    pair.cut();
    assert_eq!(
        pair.session.reauthenticate(pair.at(), None),
        Err(ApiMisuse::NotConnected)
    );
}

/// [MQTT5-4.12.0-2] [MQTT5-4.12.0-5] [MQTT5-4.12.0-6]
#[test]
fn a_server_that_strays_from_the_exchange_is_at_fault() {
    let other = Property::AuthenticationMethod("other");

    let mut pair = Pair::new(options());
    pair.open();
    pair.send(auth(0x18, &[other]));
    assert_eq!(broken(&mut pair), SessionRule::AuthenticationMethod);

    let mut pair = Pair::new(options());
    pair.open();
    pair.accept(false, &[]);
    assert_eq!(broken(&mut pair), SessionRule::AuthenticationMethod);

    let mut pair = Pair::new(v5());
    pair.open();
    pair.send(auth(0x18, &[other]));
    assert_eq!(broken(&mut pair), SessionRule::AuthenticationUnasked);
    assert_eq!(pair.brief(), ["disconnect 0x82"]);

    let mut pair = Pair::connected_with(options(), &[METHOD]);
    pair.send(auth(0x18, &[METHOD]));
    assert_eq!(broken(&mut pair), SessionRule::AuthOutOfTurn);

    let mut pair = Pair::new(options());
    pair.open();
    pair.send(auth(0x00, &[METHOD]));
    assert_eq!(broken(&mut pair), SessionRule::AuthBeforeConnack);
}
