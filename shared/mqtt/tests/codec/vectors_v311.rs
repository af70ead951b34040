//! Every packet of MQTT 3.1.1, byte by byte.

use hearth_mqtt::{
    Ack, Bytes, Connack, Connect, Disconnect, Framer, Packet, Properties, PublishParts, Qos, ReasonCode,
    Role, Suback, Subscribe, SubscriptionOptions, Unsuback, Unsubscribe, Will,
};

use crate::support::{V311, check, filter, hex, id, name};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The smallest CONNECT.
pub(crate) fn plain_connect(version: hearth_mqtt::ProtocolVersion) -> Connect {
    Connect {
        version,
        clean_start: true,
        keep_alive: 60,
        client_id: "a".into(),
        will: None,
        username: None,
        password: None,
        properties: Properties::new(),
    }
}

#[test]
fn connect() {
    let wire = "10 0d        # CONNECT, Remaining Length 13
        00 04 \"MQTT\"        # Protocol Name
        04                   # Protocol Level 4
        02                   # Connect Flags: Clean Session
        00 3c                # Keep Alive 60 s
        00 01 \"a\"           # Client Identifier";
    check(
        V311,
        Role::Server,
        wire,
        &Packet::Connect(plain_connect(V311).into()),
    );
}

#[test]
fn connect_with_everything() {
    let wire = "10 1e        # CONNECT, Remaining Length 30
        00 04 \"MQTT\"        # Protocol Name
        04                   # Protocol Level 4
        f4                   # Connect Flags: User Name, Password, Will Retain, Will QoS 2, Will
        00 00                # Keep Alive off
        00 01 \"a\"           # Client Identifier
        00 03 \"w/t\"         # Will Topic
        00 02 00 ff          # Will Message: any bytes
        00 01 \"u\"           # User Name
        00 03 \"p\" 00 01     # Password: any bytes";
    let connect = Connect {
        clean_start: false,
        keep_alive: 0,
        will: Some(Will {
            topic: name("w/t"),
            payload: Bytes::from_static(&[0, 0xFF]),
            qos: Qos::ExactlyOnce,
            retain: true,
            properties: Properties::new(),
        }),
        username: Some("u".into()),
        password: Some(Bytes::from_static(b"p\0\x01")),
        ..plain_connect(V311)
    };
    check(V311, Role::Server, wire, &Packet::Connect(connect.into()));
}

#[test]
fn connack() {
    let connack = |session_present, reason_code| {
        Packet::Connack(Connack {
            session_present,
            reason_code,
            properties: Properties::new(),
        })
    };
    // CONNACK, Remaining Length 2, Session Present, accepted
    check(
        V311,
        Role::Client,
        "20 02 01 00",
        &connack(true, ReasonCode::SUCCESS),
    );
    // CONNACK, Remaining Length 2, no session, return codes 1 to 5
    check(
        V311,
        Role::Client,
        "20 02 00 01",
        &connack(false, ReasonCode::UNSUPPORTED_PROTOCOL_VERSION),
    );
    check(
        V311,
        Role::Client,
        "20 02 00 02",
        &connack(false, ReasonCode::CLIENT_IDENTIFIER_NOT_VALID),
    );
    check(
        V311,
        Role::Client,
        "20 02 00 03",
        &connack(false, ReasonCode::SERVER_UNAVAILABLE),
    );
    check(
        V311,
        Role::Client,
        "20 02 00 04",
        &connack(false, ReasonCode::BAD_USER_NAME_OR_PASSWORD),
    );
    check(
        V311,
        Role::Client,
        "20 02 00 05",
        &connack(false, ReasonCode::NOT_AUTHORIZED),
    );
}

/// [MQTT311-3.1.2-2] a server that does not know 5.0 says so in its own words.
#[test]
fn an_older_connack_is_told_from_one_of_5() {
    let refusal = |wire: &str| {
        let mut framer = Framer::new(u32::MAX);
        framer.push(hex(wire));
        Connack::older_refusal(&framer.poll_frame().unwrap().unwrap())
    };
    assert_eq!(
        refusal("20 02 00 01"),
        Some(ReasonCode::UNSUPPORTED_PROTOCOL_VERSION)
    );
    assert_eq!(refusal("20 02 00 05"), Some(ReasonCode::NOT_AUTHORIZED));
    // Accepted, a code that nobody has, a refusal of 5.0, another packet.
    for wire in ["20 02 00 00", "20 02 00 84", "20 03 00 84 00", "40 02 00 01"] {
        assert_eq!(refusal(wire), None, "{wire}");
    }
}

#[test]
fn publish() {
    let wire = "30 06        # PUBLISH, QoS 0, Remaining Length 6
        00 03 \"a/b\"         # Topic Name
        \"!\"                 # Payload";
    let at_most_once = PublishParts {
        dup: false,
        qos: Qos::AtMostOnce,
        retain: false,
        topic: Some(name("a/b")),
        packet_id: None,
        properties: Properties::new(),
        payload: Bytes::from_static(b"!"),
    };
    check(
        V311,
        Role::Client,
        wire,
        &Packet::Publish(at_most_once.clone().into()),
    );
    let wire = "3d 07        # PUBLISH, DUP, QoS 2, RETAIN, Remaining Length 7
        00 03 \"a/b\"         # Topic Name
        12 34                # Packet Identifier
                             # no Payload";
    let exactly_once = PublishParts {
        dup: true,
        qos: Qos::ExactlyOnce,
        retain: true,
        packet_id: Some(id(0x1234)),
        payload: Bytes::new(),
        ..at_most_once
    };
    check(V311, Role::Server, wire, &Packet::Publish(exactly_once.into()));
}

#[test]
fn acknowledgements() {
    let ack = Ack::success(id(0x0102));
    // type and flags, Remaining Length 2, Packet Identifier
    check(V311, Role::Client, "40 02 01 02", &Packet::Puback(ack.clone()));
    check(V311, Role::Server, "50 02 01 02", &Packet::Pubrec(ack.clone()));
    check(V311, Role::Client, "62 02 01 02", &Packet::Pubrel(ack.clone()));
    check(V311, Role::Server, "70 02 01 02", &Packet::Pubcomp(ack));
}

#[test]
fn subscribe_and_suback() {
    let wire = "82 0c        # SUBSCRIBE, Remaining Length 12
        00 0a                # Packet Identifier
        00 03 \"a/b\"         # Topic Filter
        01                   # Requested QoS 1
        00 01 \"#\"           # Topic Filter
        02                   # Requested QoS 2";
    let subscribe = Subscribe {
        packet_id: id(10),
        filters: vec![
            (filter("a/b"), SubscriptionOptions::at_most(Qos::AtLeastOnce)),
            (filter("#"), SubscriptionOptions::at_most(Qos::ExactlyOnce)),
        ]
        .into(),
        properties: Properties::new(),
    };
    check(V311, Role::Server, wire, &Packet::Subscribe(subscribe));
    let wire = "90 06        # SUBACK, Remaining Length 6
        00 0a                # Packet Identifier
        00 01 02 80          # QoS 0, 1, 2 granted, failure";
    let suback = Suback {
        packet_id: id(10),
        reason_codes: [0, 1, 2, 0x80].map(ReasonCode).to_vec(),
        properties: Properties::new(),
    };
    check(V311, Role::Client, wire, &Packet::Suback(suback));
}

#[test]
fn unsubscribe_and_unsuback() {
    let wire = "a2 0c        # UNSUBSCRIBE, Remaining Length 12
        00 0b                # Packet Identifier
        00 03 \"a/b\"         # Topic Filter
        00 03 \"+/c\"         # Topic Filter";
    let unsubscribe = Unsubscribe {
        packet_id: id(11),
        filters: vec![filter("a/b"), filter("+/c")].into(),
        properties: Properties::new(),
    };
    check(V311, Role::Server, wire, &Packet::Unsubscribe(unsubscribe));
    let unsuback = Unsuback {
        packet_id: id(11),
        reason_codes: vec![],
        properties: Properties::new(),
    };
    // UNSUBACK, Remaining Length 2, Packet Identifier
    check(V311, Role::Client, "b0 02 00 0b", &Packet::Unsuback(unsuback));
}

#[test]
fn packets_without_a_body() {
    check(V311, Role::Server, "c0 00", &Packet::Pingreq);
    check(V311, Role::Client, "d0 00", &Packet::Pingresp);
    let disconnect = Disconnect::with_reason(ReasonCode::SUCCESS);
    check(V311, Role::Server, "e0 00", &Packet::Disconnect(disconnect));
}
