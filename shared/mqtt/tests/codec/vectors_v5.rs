//! Every packet of MQTT 5.0, byte by byte.

use hearth_mqtt::{
    Ack, Auth, Bytes, Connack, Connect, Disconnect, Packet, Properties, Property, Publish, PublishParts, Qos,
    ReasonCode, RetainHandling, Role, Suback, Subscribe, SubscriptionOptions, Unsuback, Unsubscribe, Will,
};

use crate::{
    support::{V5, check, check_reads, filter, id, name},
    vectors_v311::plain_connect,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

pub(crate) fn properties(of: &[Property<'_>]) -> Properties {
    Properties::of(of).expect("can be said")
}

#[test]
fn connect() {
    let wire = "10 0e        # CONNECT, Remaining Length 14
        00 04 \"MQTT\"        # Protocol Name
        05                   # Protocol Version 5
        02                   # Connect Flags: Clean Start
        00 3c                # Keep Alive 60 s
        00                   # no properties
        00 01 \"a\"           # Client Identifier";
    check(V5, Role::Server, wire, &Packet::Connect(plain_connect(V5).into()));
}

#[test]
fn connect_with_everything() {
    let wire = "10 6f        # CONNECT, Remaining Length 111
        00 04 \"MQTT\"        # Protocol Name
        05                   # Protocol Version 5
        ee                   # Connect Flags: User Name, Password, Will Retain, Will QoS 1, Will, Clean Start
        00 3c                # Keep Alive 60 s
        2a                   # 42 bytes of properties
        11 00 00 0e 10       # Session Expiry Interval 3600 s
        21 00 14             # Receive Maximum 20
        27 00 01 00 00       # Maximum Packet Size 65,536
        22 00 0a             # Topic Alias Maximum 10
        19 01                # Request Response Information
        17 00                # Request Problem Information: no
        26 00 01 \"k\" 00 01 \"v\" # User Property
        26 00 01 \"k\" 00 00  # User Property, same name, empty value
        15 00 01 \"m\"        # Authentication Method
        16 00 02 00 ff       # Authentication Data
        00 01 \"a\"           # Client Identifier
        28                   # 40 bytes of Will Properties
        18 00 00 00 05       # Will Delay Interval 5 s
        01 01                # Payload Format Indicator: UTF-8
        02 00 00 00 3c       # Message Expiry Interval 60 s
        03 00 0a \"text/plain\" # Content Type
        08 00 03 \"r/t\"      # Response Topic
        09 00 01 2a          # Correlation Data
        26 00 00 00 00       # User Property, both empty
        00 01 \"w\"           # Will Topic
        00 03 \"bye\"         # Will Payload
        00 01 \"u\"           # User Name
        00 01 \"p\"           # Password";
    let connect = Connect {
        will: Some(Will {
            topic: name("w"),
            payload: Bytes::from_static(b"bye"),
            qos: Qos::AtLeastOnce,
            retain: true,
            properties: properties(&[
                Property::WillDelayInterval(5),
                Property::PayloadFormatIndicator(1),
                Property::MessageExpiryInterval(60),
                Property::ContentType("text/plain"),
                Property::ResponseTopic("r/t"),
                Property::CorrelationData(&[42]),
                Property::UserProperty("", ""),
            ]),
        }),
        username: Some("u".into()),
        password: Some(Bytes::from_static(b"p")),
        properties: properties(&[
            Property::SessionExpiryInterval(3600),
            Property::ReceiveMaximum(20),
            Property::MaximumPacketSize(65_536),
            Property::TopicAliasMaximum(10),
            Property::RequestResponseInformation(true),
            Property::RequestProblemInformation(false),
            Property::UserProperty("k", "v"),
            Property::UserProperty("k", ""),
            Property::AuthenticationMethod("m"),
            Property::AuthenticationData(&[0, 0xFF]),
        ]),
        ..plain_connect(V5)
    };
    check(V5, Role::Server, wire, &Packet::Connect(connect.into()));
}

#[test]
fn a_password_without_a_user_name_is_fine_in_5() {
    let wire = "10 11        # CONNECT, Remaining Length 17
        00 04 \"MQTT\" 05     # Protocol Name, Protocol Version
        42                   # Connect Flags: Password, Clean Start
        00 3c 00             # Keep Alive, no properties
        00 01 \"a\"           # Client Identifier
        00 01 \"p\"           # Password";
    let connect = Connect {
        password: Some(Bytes::from_static(b"p")),
        ..plain_connect(V5)
    };
    check(V5, Role::Server, wire, &Packet::Connect(connect.into()));
}

#[test]
fn connack_with_everything() {
    let wire = "20 41        # CONNACK, Remaining Length 65
        01                   # Session Present
        00                   # Success
        3e                   # 62 bytes of properties
        11 ff ff ff ff       # Session Expiry Interval: never
        21 00 01             # Receive Maximum 1
        24 01                # Maximum QoS 1
        25 00                # Retain Available: no
        27 00 00 00 01       # Maximum Packet Size 1
        12 00 02 \"id\"       # Assigned Client Identifier
        22 ff ff             # Topic Alias Maximum 65,535
        1f 00 00             # Reason String, empty
        28 01                # Wildcard Subscription Available
        29 00                # Subscription Identifier Available: no
        2a 01                # Shared Subscription Available
        13 00 1e             # Server Keep Alive 30 s
        1a 00 03 \"r/i\"      # Response Information
        1c 00 03 \"x:1\"      # Server Reference
        15 00 01 \"m\"        # Authentication Method
        16 00 00             # Authentication Data, empty
        26 00 00 00 01 \"v\"  # User Property";
    let connack = Connack {
        session_present: true,
        reason_code: ReasonCode::SUCCESS,
        properties: properties(&[
            Property::SessionExpiryInterval(u32::MAX),
            Property::ReceiveMaximum(1),
            Property::MaximumQos(Qos::AtLeastOnce),
            Property::RetainAvailable(false),
            Property::MaximumPacketSize(1),
            Property::AssignedClientIdentifier("id"),
            Property::TopicAliasMaximum(u16::MAX),
            Property::ReasonString(""),
            Property::WildcardSubscriptionAvailable(true),
            Property::SubscriptionIdentifierAvailable(false),
            Property::SharedSubscriptionAvailable(true),
            Property::ServerKeepAlive(30),
            Property::ResponseInformation("r/i"),
            Property::ServerReference("x:1"),
            Property::AuthenticationMethod("m"),
            Property::AuthenticationData(&[]),
            Property::UserProperty("", "v"),
        ]),
    };
    check(V5, Role::Client, wire, &Packet::Connack(connack.clone()));
    let found = &connack.properties;
    assert_eq!(found.server_keep_alive(), Some(30));
    assert_eq!(found.maximum_qos(), Some(Qos::AtLeastOnce));
    assert_eq!(found.assigned_client_identifier(), Some("id"));
    assert_eq!(found.content_type(), None);
    assert_eq!(found.user_properties().collect::<Vec<_>>(), [("", "v")]);
}

#[test]
fn publish_with_everything() {
    let wire = "3b 3f        # PUBLISH, DUP, QoS 1, RETAIN, Remaining Length 63
        00 03 \"a/b\"         # Topic Name
        00 01                # Packet Identifier
        35                   # 53 bytes of properties
        01 01                # Payload Format Indicator: UTF-8
        02 00 00 00 0a       # Message Expiry Interval 10 s
        23 00 05             # Topic Alias 5
        08 00 01 \"r\"        # Response Topic
        09 00 02 01 02       # Correlation Data
        0b 01                # Subscription Identifier 1
        0b ff ff ff 7f       # Subscription Identifier 268,435,455
        03 00 02 \"tp\"       # Content Type
        26 00 04 \"name\" 00 05 \"value\" # User Property
        26 00 01 \"n\" 00 02 \"v2\" # User Property
        \"ok\"                # Payload";
    let publish = PublishParts {
        dup: true,
        qos: Qos::AtLeastOnce,
        retain: true,
        topic: Some(name("a/b")),
        packet_id: Some(id(1)),
        properties: properties(&[
            Property::PayloadFormatIndicator(1),
            Property::MessageExpiryInterval(10),
            Property::TopicAlias(5),
            Property::ResponseTopic("r"),
            Property::CorrelationData(&[1, 2]),
            Property::SubscriptionIdentifier(1),
            Property::SubscriptionIdentifier(268_435_455),
            Property::ContentType("tp"),
            Property::UserProperty("name", "value"),
            Property::UserProperty("n", "v2"),
        ]),
        payload: Bytes::from_static(b"ok"),
    };
    check(V5, Role::Client, wire, &Packet::Publish(publish.clone().into()));
    assert_eq!(
        publish.properties.subscription_identifiers().collect::<Vec<_>>(),
        [1, 268_435_455]
    );
    assert!(Publish::from(publish.clone()).payload_matches_format_indicator());
    let not_text = PublishParts {
        payload: Bytes::from_static(&[0xFF]),
        ..publish
    };
    assert!(!Publish::from(not_text).payload_matches_format_indicator());
}

/// [MQTT5-3.3.2-10] a Topic Alias may stand for the name
#[test]
fn publish_with_an_alias_in_place_of_its_topic() {
    let wire = "30 07        # PUBLISH, QoS 0, Remaining Length 7
        00 00                # Topic Name, empty
        03 23 00 01          # 3 bytes of properties: Topic Alias 1
        \"!\"                 # Payload";
    let publish = PublishParts {
        dup: false,
        qos: Qos::AtMostOnce,
        retain: false,
        topic: None,
        packet_id: None,
        properties: properties(&[Property::TopicAlias(1)]),
        payload: Bytes::from_static(b"!"),
    };
    check(V5, Role::Client, wire, &Packet::Publish(publish.into()));
}

#[test]
fn acknowledgements_in_their_three_lengths() {
    // Success: Packet Identifier only.
    check(
        V5,
        Role::Client,
        "40 02 00 07",
        &Packet::Puback(Ack::success(id(7))),
    );
    // Remaining Length 3: Packet Identifier and Reason Code, Property Length left out.
    let quota = Ack::with_reason(id(7), ReasonCode::QUOTA_EXCEEDED);
    check(V5, Role::Server, "50 03 00 07 97", &Packet::Pubrec(quota));
    let gone = Ack::with_reason(id(7), ReasonCode::PACKET_IDENTIFIER_NOT_FOUND);
    check(V5, Role::Server, "62 03 00 07 92", &Packet::Pubrel(gone));
    // Packet Identifier, Success, 10 bytes of properties: Reason String, User Property.
    let wire = "70 0e 00 07 00 0a 1f 00 02 \"no\" 26 00 00 00 00";
    let explained = Ack {
        properties: properties(&[Property::ReasonString("no"), Property::UserProperty("", "")]),
        ..Ack::success(id(7))
    };
    check(V5, Role::Client, wire, &Packet::Pubcomp(explained));
    // Longer than needed, but allowed.
    check_reads(
        V5,
        Role::Client,
        "40 03 00 07 00",
        &Packet::Puback(Ack::success(id(7))),
    );
    check_reads(
        V5,
        Role::Client,
        "40 04 00 07 00 00",
        &Packet::Puback(Ack::success(id(7))),
    );
}

#[test]
fn subscribe_and_suback() {
    let wire = "82 1b        # SUBSCRIBE, Remaining Length 27
        00 0a                # Packet Identifier
        03 0b 80 01          # 3 bytes of properties: Subscription Identifier 128
        00 03 \"a/b\"         # Topic Filter
        2e                   # do not send retained, Retain As Published, No Local, QoS 2
        00 0c \"$share/g/+/c\" # Shared Subscription
        11                   # retained if new, QoS 1";
    let subscribe = Subscribe {
        packet_id: id(10),
        filters: vec![
            (
                filter("a/b"),
                SubscriptionOptions {
                    maximum_qos: Qos::ExactlyOnce,
                    no_local: true,
                    retain_as_published: true,
                    retain_handling: RetainHandling::DoNotSend,
                },
            ),
            (
                filter("$share/g/+/c"),
                SubscriptionOptions {
                    retain_handling: RetainHandling::SendAtSubscribeIfNew,
                    ..SubscriptionOptions::at_most(Qos::AtLeastOnce)
                },
            ),
        ]
        .into(),
        properties: properties(&[Property::SubscriptionIdentifier(128)]),
    };
    check(V5, Role::Server, wire, &Packet::Subscribe(subscribe));
    let wire = "90 08        # SUBACK, Remaining Length 8
        00 0a                # Packet Identifier
        03 1f 00 00          # 3 bytes of properties: Reason String, empty
        02 87                # QoS 2 granted, Not authorized";
    let suback = Suback {
        packet_id: id(10),
        reason_codes: vec![ReasonCode::GRANTED_QOS_2, ReasonCode::NOT_AUTHORIZED],
        properties: properties(&[Property::ReasonString("")]),
    };
    check(V5, Role::Client, wire, &Packet::Suback(suback));
}

#[test]
fn unsubscribe_and_unsuback() {
    let wire = "a2 0d        # UNSUBSCRIBE, Remaining Length 13
        00 0b                # Packet Identifier
        05 26 00 00 00 00    # 5 bytes of properties: User Property
        00 03 \"a/b\"         # Topic Filter";
    let unsubscribe = Unsubscribe {
        packet_id: id(11),
        filters: vec![filter("a/b")].into(),
        properties: properties(&[Property::UserProperty("", "")]),
    };
    check(V5, Role::Server, wire, &Packet::Unsubscribe(unsubscribe));
    let wire = "b0 05        # UNSUBACK, Remaining Length 5
        00 0b                # Packet Identifier
        00                   # no properties
        00 11                # Success, No subscription existed";
    let unsuback = Unsuback {
        packet_id: id(11),
        reason_codes: vec![ReasonCode::SUCCESS, ReasonCode::NO_SUBSCRIPTION_EXISTED],
        properties: Properties::new(),
    };
    check(V5, Role::Client, wire, &Packet::Unsuback(unsuback));
}

#[test]
fn pings() {
    check(V5, Role::Server, "c0 00", &Packet::Pingreq);
    check(V5, Role::Client, "d0 00", &Packet::Pingresp);
}

#[test]
fn disconnect_in_its_three_lengths() {
    let disconnect = |code| Packet::Disconnect(Disconnect::with_reason(code));
    // Nothing: Normal disconnection.
    check(V5, Role::Server, "e0 00", &disconnect(ReasonCode::SUCCESS));
    // Remaining Length 1: Reason Code, Property Length left out.
    check(
        V5,
        Role::Server,
        "e0 01 04",
        &disconnect(ReasonCode::DISCONNECT_WITH_WILL),
    );
    check(
        V5,
        Role::Client,
        "e0 01 8b",
        &disconnect(ReasonCode::SERVER_SHUTTING_DOWN),
    );
    check_reads(V5, Role::Client, "e0 01 00", &disconnect(ReasonCode::SUCCESS));
    check_reads(
        V5,
        Role::Client,
        "e0 02 8e 00",
        &disconnect(ReasonCode::SESSION_TAKEN_OVER),
    );
    // Server moved, 7 bytes of properties: Server Reference.
    let moved = Disconnect {
        reason_code: ReasonCode::SERVER_MOVED,
        properties: properties(&[Property::ServerReference("b:88")]),
    };
    check(
        V5,
        Role::Client,
        "e0 09 9d 07 1c 00 04 \"b:88\"",
        &Packet::Disconnect(moved),
    );
    // Success, 5 bytes of properties: Session Expiry Interval 1 s.
    let expiring = Disconnect {
        reason_code: ReasonCode::SUCCESS,
        properties: properties(&[Property::SessionExpiryInterval(1)]),
    };
    check(
        V5,
        Role::Server,
        "e0 07 00 05 11 00 00 00 01",
        &Packet::Disconnect(expiring),
    );
}

#[test]
fn auth() {
    let wire = "f0 0a        # AUTH, Remaining Length 10
        18                   # Continue authentication
        08                   # 8 bytes of properties
        15 00 01 \"m\"        # Authentication Method
        16 00 01 07          # Authentication Data";
    let auth = Auth {
        reason_code: ReasonCode::CONTINUE_AUTHENTICATION,
        properties: properties(&[
            Property::AuthenticationMethod("m"),
            Property::AuthenticationData(&[7]),
        ]),
    };
    check(V5, Role::Client, wire, &Packet::Auth(auth));
    let short = Auth {
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::new(),
    };
    check(V5, Role::Client, "f0 00", &Packet::Auth(short));
}

/// What could be a secret does not show.
#[test]
fn debug_output_hides_passwords_and_authentication_data() {
    let connect = Connect {
        username: Some("user".into()),
        password: Some(Bytes::from_static(b"hunter2")),
        properties: properties(&[
            Property::AuthenticationMethod("K8S-SAT"),
            Property::AuthenticationData(b"hunter2"),
        ]),
        ..plain_connect(V5)
    };
    let shown = format!("{connect:?}");
    assert!(shown.contains("K8S-SAT"), "{shown}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("104, 117"),
        "{shown}"
    );
}
