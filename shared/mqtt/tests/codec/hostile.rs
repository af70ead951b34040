//! Packets that other codecs were seen to take. This file only grows.

use hearth_mqtt::{Role, Rule};

use crate::support::{V5, V311, check_bad, decode, hex};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// [MQTT5-2.1.3-1] [MQTT311-2.2.2-2] every packet type, every wrong value of its flags
#[test]
fn reserved_flags_are_checked() {
    let bodies = [
        (0x1, "00 04 \"MQTT\" 05 02 00 00 00 00 00", Role::Server),
        (0x2, "00 00 00", Role::Client),
        (0x4, "00 01", Role::Client),
        (0x5, "00 01", Role::Client),
        (0x6, "00 01", Role::Client),
        (0x7, "00 01", Role::Client),
        (0x8, "00 01 00 00 01 \"a\" 00", Role::Server),
        (0x9, "00 01 00 00", Role::Client),
        (0xA, "00 01 00 00 01 \"a\"", Role::Server),
        (0xB, "00 01 00 00", Role::Client),
        (0xC, "", Role::Server),
        (0xD, "", Role::Client),
        (0xE, "", Role::Server),
        (0xF, "18 04 15 00 01 \"m\"", Role::Client),
    ];
    for (kind, body, role) in bodies {
        let right = if matches!(kind, 0x6 | 0x8 | 0xA) { 2 } else { 0 };
        for flags in 0..16 {
            let wire = crate::support::framed(kind << 4 | flags, &hex(body));
            let found = decode(V5, role, &wire);
            assert_eq!(
                found.is_ok(),
                flags == right,
                "type {kind}, flags {flags}: {found:?}"
            );
            if let Err(error) = found {
                assert!(error.field().contains("flags"), "{error}");
            }
        }
    }
}

#[test]
fn the_reserved_packet_types_are_refused() {
    check_bad(V5, Role::Client, "00 00", Rule::ReservedType, "Packet Type");
    check_bad(V311, Role::Server, "0f 00", Rule::ReservedType, "Packet Type");
    // AUTH exists in 5.0 only.
    check_bad(V311, Role::Client, "f0 00", Rule::ReservedType, "Packet Type");
}

/// [MQTT5-1.5.5-1]
#[test]
fn overlong_variable_byte_integers_are_malformed_in_5() {
    check_bad(V5, Role::Client, "d0 80 00", Rule::Overlong, "Remaining Length");
    check_bad(
        V5,
        Role::Client,
        "40 84 80 00 00 01 00 00",
        Rule::Overlong,
        "Remaining Length",
    );
    check_bad(
        V5,
        Role::Client,
        "30 06 00 01 \"a\" 80 00 \"x\"",
        Rule::Overlong,
        "Property Length",
    );
    check_bad(
        V5,
        Role::Client,
        "30 08 00 01 \"a\" 03 0b 81 00 \"x\"",
        Rule::Overlong,
        "Subscription Identifier",
    );
    // 3.1.1 has no such statement.
    assert!(decode(V311, Role::Client, &hex("d0 80 00")).is_ok());
}

/// [MQTT5-1.5.4-1] [MQTT311-1.5.3-1]
#[test]
fn ill_formed_utf_8_is_malformed_everywhere() {
    for text in [
        "ff",
        "c0 80",
        "ed a0 80",
        "ed bf bf",
        "f4 90 80 80",
        "e2 82",
        "80",
        "f0 80 80 af",
    ] {
        let len = text.split(' ').count();
        let check = |version, role, wire: String, field| check_bad(version, role, &wire, Rule::Utf8, field);
        let total = |rest| format!("{:02x}", rest + len);
        check(
            V311,
            Role::Client,
            format!("30 {} 00 0{len} {text}", total(2)),
            "Topic Name",
        );
        check(
            V5,
            Role::Client,
            format!("30 {} 00 0{len} {text} 00", total(3)),
            "Topic Name",
        );
        check(
            V5,
            Role::Server,
            format!("82 {} 00 01 00 00 0{len} {text} 00", total(6)),
            "Topic Filter",
        );
        check(
            V311,
            Role::Server,
            format!("a2 {} 00 01 00 0{len} {text}", total(4)),
            "Topic Filter",
        );
        let connect = format!("10 {} 00 04 \"MQTT\" 04 02 00 00 00 0{len} {text}", total(12));
        check(V311, Role::Server, connect, "Client Identifier");
        let reason = format!("40 {} 00 01 00 {} 1f 00 0{len} {text}", total(7), total(3));
        check(V5, Role::Client, reason, "Reason String");
        let user = format!("40 {} 00 01 00 {} 26 00 00 00 0{len} {text}", total(9), total(5));
        check(V5, Role::Client, user, "User Property");
        let name = format!("40 {} 00 01 00 {} 26 00 0{len} {text} 00 00", total(9), total(5));
        check(V5, Role::Client, name, "User Property");
    }
}

/// [MQTT5-1.5.4-2] [MQTT311-1.5.3-2], wherever the byte is
#[test]
fn the_null_character_is_malformed_everywhere() {
    for len in 1..20_u8 {
        for at in 0..len {
            let mut text = vec![b'x'; usize::from(len)];
            text[usize::from(at)] = 0;
            let body = [&[0, len][..], &text].concat();
            for version in [V311, V5] {
                let mut publish = body.clone();
                publish.push(0);
                let wire = crate::support::framed(0x30, &publish);
                let error = decode(version, Role::Client, &wire).expect_err("a null character");
                assert_eq!(error.rule(), Rule::Nul, "{len} {at}");
            }
            let properties = [&[0, 1, 0, len + 3, 0x1F][..], &body].concat();
            let wire = crate::support::framed(0x40, &properties);
            assert_eq!(
                decode(V5, Role::Client, &wire)
                    .expect_err("a null character")
                    .rule(),
                Rule::Nul
            );
        }
    }
}

/// What SHOULD NOT be sent may be; U+FEFF is kept [MQTT5-1.5.4-3] [MQTT311-1.5.3-3].
#[test]
fn control_characters_and_the_byte_order_mark_are_let_through() {
    for text in ["01", "1f", "7f", "c2 80", "ef bb bf", "ef bf bf", "f0 9f 8f a0"] {
        let len = text.split(' ').count();
        let wire = format!("30 {:02x} 00 0{len} {text}", len + 2);
        let found = decode(V311, Role::Client, &hex(&wire)).expect("allowed");
        assert_eq!(crate::support::encode(V311, &found), hex(&wire));
    }
}

/// [MQTT5-3.3.2-2] [MQTT5-3.3.2-14], wherever the wildcard is
#[test]
fn wildcards_in_topic_names_are_malformed() {
    check_bad(
        V311,
        Role::Server,
        "30 03 00 01 \"#\"",
        Rule::TopicWildcard,
        "Topic Name",
    );
    check_bad(
        V5,
        Role::Client,
        "30 0e 00 0b \"home/+/temp\" 00",
        Rule::TopicWildcard,
        "Topic Name",
    );
    check_bad(
        V5,
        Role::Client,
        "30 09 00 01 \"a\" 05 08 00 02 \"a+\"",
        Rule::ResponseTopic,
        "Response Topic",
    );
    check_bad(
        V5,
        Role::Client,
        "30 07 00 01 \"a\" 03 08 00 00",
        Rule::TopicEmpty,
        "Response Topic",
    );
    let will = "10 12 00 04 \"MQTT\" 04 06 00 00 00 01 \"a\" 00 01 \"#\" 00 00";
    check_bad(V311, Role::Server, will, Rule::WillTopicWildcard, "Will Topic");
}

#[test]
fn packets_in_the_wrong_direction_are_protocol_errors() {
    for version in [V311, V5] {
        for wire in ["10 00", "82 00", "a2 00", "c0 00"] {
            check_bad(version, Role::Client, wire, Rule::Direction, "");
        }
        for wire in ["20 00", "90 00", "b0 00", "d0 00"] {
            check_bad(version, Role::Server, wire, Rule::Direction, "");
        }
    }
    check_bad(V311, Role::Client, "e0 00", Rule::Direction, "DISCONNECT");
}

/// [MQTT5-2.2.1-3] [MQTT311-2.3.1-1]
#[test]
fn packet_identifier_0_is_a_protocol_error() {
    const FIELD: &str = "Packet Identifier";
    check_bad(
        V311,
        Role::Client,
        "32 05 00 01 \"a\" 00 00",
        Rule::PacketIdZeroFromServer,
        FIELD,
    );
    check_bad(
        V5,
        Role::Client,
        "34 06 00 01 \"a\" 00 00 00",
        Rule::PacketIdZeroFromServer,
        FIELD,
    );
    for first in ["40", "50", "62", "70"] {
        check_bad(
            V311,
            Role::Client,
            &format!("{first} 02 00 00"),
            Rule::PacketIdZeroInAck,
            FIELD,
        );
        check_bad(
            V5,
            Role::Server,
            &format!("{first} 02 00 00"),
            Rule::PacketIdZeroInAck,
            FIELD,
        );
    }
    check_bad(
        V311,
        Role::Server,
        "82 06 00 00 00 01 \"a\" 00",
        Rule::PacketIdZero,
        FIELD,
    );
    check_bad(
        V5,
        Role::Server,
        "a2 06 00 00 00 00 01 \"a\"",
        Rule::PacketIdZero,
        FIELD,
    );
    check_bad(
        V311,
        Role::Client,
        "90 03 00 00 00",
        Rule::PacketIdZeroInSuback,
        FIELD,
    );
    check_bad(
        V5,
        Role::Client,
        "b0 04 00 00 00 00",
        Rule::PacketIdZeroInSuback,
        FIELD,
    );
}

#[test]
fn bytes_after_the_last_field_are_malformed() {
    for (version, role, wire) in [
        (V311, Role::Client, "20 03 00 00 00"),
        (V5, Role::Client, "20 04 00 00 00 00"),
        (V311, Role::Client, "40 03 00 01 00"),
        (V5, Role::Client, "40 05 00 01 00 00 00"),
        (V311, Role::Client, "b0 03 00 01 00"),
        (V311, Role::Server, "c0 01 00"),
        (V5, Role::Client, "d0 01 00"),
        (V311, Role::Server, "e0 01 00"),
        (V5, Role::Server, "e0 03 00 00 00"),
        (V5, Role::Client, "f0 07 18 04 15 00 01 \"m\" 00"),
        (
            V311,
            Role::Server,
            "10 0e 00 04 \"MQTT\" 04 02 00 00 00 01 \"a\" 00",
        ),
    ] {
        check_bad(version, role, wire, Rule::TrailingBytes, "");
    }
}

#[test]
fn a_field_that_reaches_over_the_end_is_malformed() {
    check_bad(
        V311,
        Role::Client,
        "30 03 00 02 \"a\"",
        Rule::Truncated,
        "Topic Name",
    );
    check_bad(
        V311,
        Role::Client,
        "32 04 00 01 \"a\" 00",
        Rule::Truncated,
        "Packet Identifier",
    );
    check_bad(
        V5,
        Role::Client,
        "30 03 00 01 \"a\"",
        Rule::PropertyLengthMissing,
        "Property Length",
    );
    check_bad(
        V5,
        Role::Client,
        "30 05 00 01 \"a\" 02 01",
        Rule::Truncated,
        "Property Length",
    );
    check_bad(
        V5,
        Role::Client,
        "30 06 00 01 \"a\" 01 01 01",
        Rule::Truncated,
        "Payload Format Indicator",
    );
    check_bad(
        V5,
        Role::Client,
        "30 08 00 01 \"a\" 04 1f 00 05 \"x\"",
        Rule::ForeignProperty,
        "Reason String",
    );
    check_bad(
        V5,
        Role::Client,
        "40 08 00 01 00 04 1f 00 05 \"x\"",
        Rule::Truncated,
        "Reason String",
    );
    check_bad(V5, Role::Client, "40 01 00", Rule::Truncated, "Packet Identifier");
    check_bad(
        V311,
        Role::Server,
        "82 05 00 01 00 01 \"a\"",
        Rule::Truncated,
        "Requested QoS",
    );
}

/// 5.0, 2.2.2.2
#[test]
fn properties_of_other_packets_and_of_none_are_malformed() {
    check_bad(
        V5,
        Role::Client,
        "30 07 00 01 \"a\" 03 21 00 01",
        Rule::ForeignProperty,
        "Receive Maximum",
    );
    check_bad(
        V5,
        Role::Client,
        "30 06 00 01 \"a\" 02 00 00",
        Rule::UnknownProperty,
        "Property Identifier",
    );
    check_bad(
        V5,
        Role::Client,
        "30 06 00 01 \"a\" 02 2b 00",
        Rule::UnknownProperty,
        "Property Identifier",
    );
    check_bad(
        V5,
        Role::Client,
        "30 06 00 01 \"a\" 02 80 00",
        Rule::Overlong,
        "Property Identifier",
    );
    // Will Delay Interval belongs to the Will, not to CONNECT itself.
    let wire = "10 12 00 04 \"MQTT\" 05 02 00 00 05 18 00 00 00 00 00 00";
    check_bad(
        V5,
        Role::Server,
        wire,
        Rule::ForeignProperty,
        "Will Delay Interval",
    );
}

#[test]
fn properties_that_may_stand_once_are_a_protocol_error_twice() {
    check_bad(
        V5,
        Role::Client,
        "30 08 00 01 \"a\" 04 01 00 01 00",
        Rule::DuplicateProperty,
        "Payload Format",
    );
    check_bad(
        V5,
        Role::Client,
        "20 09 00 00 06 21 00 01 21 00 01",
        Rule::DuplicateProperty,
        "Receive Maximum",
    );
    let wire = "82 0b 00 01 04 0b 01 0b 01 00 01 \"a\" 00";
    check_bad(
        V5,
        Role::Server,
        wire,
        Rule::DuplicateProperty,
        "Subscription Identifier",
    );
}
