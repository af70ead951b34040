//! Credentials of the bridge in the place of the browser's.

use hearth_mqtt::{Auth, PropertyId};

use super::*;
use crate::config::Secret;

const V5: ProtocolVersion = ProtocolVersion::V5;

fn signing(credentials: Credentials) -> Rules {
    Rules {
        credentials: Some(credentials),
        ..rules()
    }
}

fn auth(reason_code: ReasonCode, data: &str) -> Packet {
    let properties = [
        Property::AuthenticationMethod("K8S-SAT"),
        Property::AuthenticationData(data.as_bytes()),
    ];
    Packet::Auth(Auth {
        reason_code,
        properties: Properties::of(&properties).unwrap(),
    })
}

/// AUTH that says the exchange is over.
fn content() -> Packet {
    auth(ReasonCode::SUCCESS, "")
}

#[test]
fn user_name_and_password_take_the_place_of_the_browsers() {
    for version in BOTH {
        for password in [None, Some("sesame")] {
            let credentials = Credentials::UserNamePassword {
                user_name: "bridge".to_owned(),
                password: password.map(Secret::new),
            };
            let mut ends = Ends::new(version, signing(credentials));
            ends.browser(&connect_with(version, |connect| {
                connect.username = Some("somebody".into());
                connect.password = Some(Bytes::from_static(b"else"));
                connect.will = will_on("a/b");
                connect.keep_alive = 77;
            }));
            let expected = connect_with(version, |connect| {
                connect.username = Some("bridge".into());
                connect.password = password.map(|password| Bytes::from_static(password.as_bytes()));
                connect.will = will_on("a/b");
                connect.keep_alive = 77;
            });
            assert_eq!(ends.heard_by_broker(), [expected]);
            assert!(!ends.gate.is_done(), "the answer is still to come");
            ends.broker(&connack(ReasonCode::SUCCESS));
            assert_eq!(ends.heard_by_browser(), [connack(ReasonCode::SUCCESS)]);
            assert!(ends.gate.is_done(), "from here bytes pass without the gate");
        }
    }
}

/// [MQTT5-4.12.0-6] who sent no Authentication Method gets none.
#[test]
fn a_token_goes_into_connect_and_the_browser_sees_nothing_of_it() {
    let mut ends = Ends::new(V5, signing(token("abc")));
    ends.browser(&connect_with(V5, |connect| {
        connect.username = Some("somebody".into());
        connect.password = Some(Bytes::from_static(b"else"));
    }));
    let expected = connect_with(V5, |connect| {
        connect.properties = Properties::of(&[
            Property::AuthenticationMethod("K8S-SAT"),
            Property::AuthenticationData(b"abc"),
        ])
        .unwrap();
    });
    assert_eq!(ends.heard_by_broker(), [expected]);
    ends.broker(&auth(ReasonCode::CONTINUE_AUTHENTICATION, "who?"));
    assert!(ends.at_browser.is_empty());
    assert_eq!(
        ends.heard_by_broker(),
        [auth(ReasonCode::CONTINUE_AUTHENTICATION, "abc")]
    );
    let said = [
        Property::AuthenticationMethod("K8S-SAT"),
        Property::ReceiveMaximum(20),
        Property::AuthenticationData(b"welcome"),
    ];
    ends.broker(&connack_with(ReasonCode::SUCCESS, &said));
    let heard = connack_with(ReasonCode::SUCCESS, &[Property::ReceiveMaximum(20)]);
    assert_eq!(ends.heard_by_browser(), [heard]);
    assert_eq!(ends.close, None);
}

#[test]
fn a_client_of_3_1_1_is_told_that_a_token_needs_5_0() {
    let version = ProtocolVersion::V311;
    let mut ends = Ends::new(version, signing(token("abc")));
    ends.browser(&connect(version));
    assert!(ends.at_broker.is_empty());
    assert_eq!(ends.heard_by_browser(), [connack(ReasonCode::NOT_AUTHORIZED)]);
    let close = ends.close.clone().unwrap();
    assert_eq!(close.code, close::MQTT_5_NEEDED);
    assert!(
        close.reason.contains("MQTT 5.0") && close.reason.contains("K8S-SAT"),
        "{close:?}"
    );
    assert_eq!(ends.refused(), [("version", 1)]);
    // The form with a user name works in both versions.
    let credentials = Credentials::UserNamePassword {
        user_name: "K8S-SAT".to_owned(),
        password: Some(Secret::new("abc")),
    };
    let mut ends = Ends::new(version, signing(credentials));
    ends.browser(&connect(version));
    assert_eq!(ends.close, None);
}

/// [MQTT311-3.1.2-2] a broker that does not know 5.0 refuses in 3.1.1; the browser falls back when it hears that.
#[test]
fn the_refusal_of_a_broker_that_knows_3_1_1_only_is_passed_on() {
    let by_password = || Credentials::UserNamePassword {
        user_name: "bridge".to_owned(),
        password: None,
    };
    for credentials in [by_password(), token("abc")] {
        for (code, refused) in [(1, vec![]), (5, vec![("credentials", 1)])] {
            let mut ends = Ends::new(V5, signing(credentials.clone()));
            ends.browser(&connect(V5));
            ends.broker_bytes(&[0x20, 2, 0, code]);
            assert_eq!(ends.at_browser, [0x20, 2, 0, code]);
            assert_eq!(ends.close, None);
            assert_eq!(ends.refused(), refused);
        }
    }
    // What follows would be read in one version here and in the other there.
    let mut ends = Ends::new(V5, signing(by_password()));
    ends.browser(&connect(V5));
    ends.broker_bytes(&[0x20, 2, 0, 0]);
    assert!(ends.at_browser.is_empty());
    assert_eq!(ends.close_code(), Some(close::BROKER_LOST));
}

/// 3.15.2.1 lets Success without properties be said in two bytes, and brokers say it in four as well: no method either way.
#[test]
fn a_renewal_may_end_without_the_name_of_the_method() {
    let content = [
        &[0xF0, 0][..],
        &[0xF0, 2, 0, 0],
        &[0xF0, 6, 0, 4, 0x1F, 0, 1, b'r'],
    ];
    for wire in content {
        let mut ends = Ends::new(V5, signing(token("abc")));
        ends.browser(&connect(V5));
        ends.broker(&connack(ReasonCode::SUCCESS));
        ends.clear();
        for next in ["def", "ghi"] {
            ends.credentials(token(next));
            assert_eq!(ends.heard_by_broker(), [auth(ReasonCode::REAUTHENTICATE, next)]);
            ends.broker_bytes(wire);
            assert_eq!((ends.at_browser.len(), &ends.close), (0, &None), "{wire:02x?}");
        }
    }
    // To go on, the method must be named.
    let mut ends = Ends::new(V5, signing(token("abc")));
    ends.browser(&connect(V5));
    ends.broker_bytes(&[0xF0, 2, 0x18, 0]);
    assert_eq!(ends.close_code(), Some(close::BROKER_LOST));
}

#[test]
fn a_browser_that_wants_to_authenticate_itself_is_refused() {
    let method = |connect: &mut Connect| {
        connect.properties = Properties::of(&[Property::AuthenticationMethod("SCRAM-SHA-1")]).unwrap();
    };
    for credentials in [
        token("abc"),
        Credentials::UserNamePassword {
            user_name: "bridge".to_owned(),
            password: None,
        },
    ] {
        let mut ends = Ends::new(V5, signing(credentials));
        ends.browser(&connect_with(V5, method));
        assert!(ends.at_broker.is_empty());
        assert_eq!(
            ends.heard_by_browser(),
            [connack(ReasonCode::BAD_AUTHENTICATION_METHOD)]
        );
        assert_eq!(ends.close_code(), Some(close::NOT_AUTHORIZED));
        assert_eq!(ends.refused(), [("authentication_method", 1)]);
    }
    // Where the bridge adds nothing, it is between browser and broker.
    let mut ends = Ends::new(
        V5,
        Rules {
            permissions: permissions(&["#"], &["#"]),
            ..rules()
        },
    );
    let connect = connect_with(V5, method);
    ends.browser(&connect);
    assert_eq!(ends.heard_by_broker(), [connect]);
    let round = auth(ReasonCode::CONTINUE_AUTHENTICATION, "x");
    ends.broker(&round);
    assert_eq!(ends.heard_by_browser(), std::slice::from_ref(&round));
    ends.browser(&round);
    assert_eq!(ends.heard_by_broker(), [round]);
}

/// [MQTT5-4.12.1-1]
#[test]
fn a_new_token_is_shown_between_two_packets_of_the_browser() {
    let mut ends = Ends::connected(V5, signing(token("abc")));
    let publish = ends.encode(&publish("a/b", Qos::AtLeastOnce));
    let (head, tail) = publish.split_at(5);
    ends.browser_bytes(head);
    ends.credentials(token("def"));
    assert_eq!(
        ends.heard_by_broker(),
        [auth(ReasonCode::REAUTHENTICATE, "def")],
        "half a packet does not delay it"
    );
    ends.browser_bytes(tail);
    assert_eq!(std::mem::take(&mut ends.at_broker), publish);
    // Another change waits until the broker has answered; the same token is not shown again.
    ends.credentials(token("ghi"));
    ends.credentials(token("jkl"));
    ends.credentials(token("jkl"));
    assert!(ends.at_broker.is_empty());
    ends.broker(&content());
    assert_eq!(ends.heard_by_broker(), [auth(ReasonCode::REAUTHENTICATE, "jkl")]);
    ends.broker(&auth(ReasonCode::CONTINUE_AUTHENTICATION, "more"));
    assert_eq!(
        ends.heard_by_broker(),
        [auth(ReasonCode::CONTINUE_AUTHENTICATION, "jkl")]
    );
    ends.broker(&content());
    assert!(ends.at_broker.is_empty() && ends.at_browser.is_empty());
    ends.credentials(token("jkl"));
    assert!(ends.at_broker.is_empty());
}

#[test]
fn a_token_that_changes_before_connect_or_connack_is_used() {
    let mut ends = Ends::new(V5, signing(token("old")));
    ends.credentials(token("new"));
    ends.browser(&connect(V5));
    let sent = ends.heard_by_broker();
    let [Packet::Connect(connect)] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(
        connect.properties.find(PropertyId::AuthenticationData),
        Some(Property::AuthenticationData(b"new"))
    );
    ends.credentials(token("newer"));
    assert!(ends.at_broker.is_empty(), "not before CONNACK");
    ends.broker(&connack(ReasonCode::SUCCESS));
    assert_eq!(
        ends.heard_by_broker(),
        [auth(ReasonCode::REAUTHENTICATE, "newer")]
    );
}

#[test]
fn a_failed_exchange_reaches_the_browser_as_disconnect() {
    let mut ends = Ends::connected(V5, signing(token("abc")));
    ends.credentials(token("def"));
    ends.clear();
    let no = Packet::Disconnect(Disconnect::with_reason(ReasonCode::NOT_AUTHORIZED));
    ends.broker(&no);
    assert_eq!(ends.heard_by_browser(), [no]);
    assert_eq!(ends.refused(), [("credentials", 1)]);
}

#[test]
fn a_broker_that_asks_without_end_or_without_reason_is_given_up() {
    let mut ends = Ends::new(V5, signing(token("abc")));
    ends.browser(&connect(V5));
    let more = auth(ReasonCode::CONTINUE_AUTHENTICATION, "more");
    for _ in 0..8 {
        ends.broker(&more);
        assert_eq!(ends.close, None);
    }
    ends.broker(&more);
    assert_eq!(ends.close_code(), Some(close::BROKER_LOST));
    let mut ends = Ends::connected(V5, signing(token("abc")));
    ends.broker(&more);
    assert_eq!(ends.close_code(), Some(close::BROKER_LOST));
}

/// [MQTT5-3.2.2-15]
#[test]
fn a_token_above_the_brokers_maximum_packet_size_is_not_sent() {
    let mut ends = Ends::new(V5, signing(token("abc")));
    ends.browser(&connect(V5));
    ends.broker(&connack_with(
        ReasonCode::SUCCESS,
        &[Property::MaximumPacketSize(40)],
    ));
    ends.clear();
    ends.credentials(token(&"x".repeat(100)));
    assert!(ends.at_broker.is_empty());
    assert_eq!(ends.refused(), [("credentials", 1)]);
}

#[test]
fn auth_from_a_browser_that_named_no_method_is_a_protocol_error() {
    let mut ends = Ends::connected(V5, signing(token("abc")));
    ends.browser(&auth(ReasonCode::REAUTHENTICATE, "mine"));
    assert!(ends.at_broker.is_empty());
    assert_eq!(
        ends.heard_by_browser(),
        [Packet::Disconnect(Disconnect::with_reason(
            ReasonCode::PROTOCOL_ERROR
        ))]
    );
    assert_eq!(ends.close_code(), Some(close::BAD_PACKET));
}

#[test]
fn a_refusal_of_the_bridges_credentials_is_counted_and_passed_on() {
    for version in BOTH {
        let credentials = Credentials::UserNamePassword {
            user_name: "bridge".to_owned(),
            password: None,
        };
        let mut ends = Ends::new(version, signing(credentials));
        ends.browser(&connect(version));
        ends.clear();
        ends.broker(&connack(ReasonCode::BAD_USER_NAME_OR_PASSWORD));
        assert_eq!(
            ends.heard_by_browser(),
            [connack(ReasonCode::BAD_USER_NAME_OR_PASSWORD)]
        );
        assert_eq!(ends.refused(), [("credentials", 1)]);
    }
}
