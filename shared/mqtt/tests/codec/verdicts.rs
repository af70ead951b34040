//! Valid and broken packets with the verdict and the statement that decides it.

use hearth_mqtt::{DecodeError, ReasonCode, Role, Rule};

use crate::support::{V5, V311, check_bad, decode, framed, hex};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Which of the two faults, and the code that answers it.
fn verdict(version: hearth_mqtt::ProtocolVersion, receiver: Role, wire: &str) -> (&'static str, u8) {
    match decode(version, receiver, &hex(wire)) {
        Ok(_) => ("accept", 0),
        Err(DecodeError::Malformed(fault)) => ("malformed", fault.reason_code().0),
        Err(DecodeError::Protocol(fault)) => ("protocol error", fault.reason_code().0),
    }
}

/// CONNECT with these flags and this payload, in both versions.
fn connect(version: hearth_mqtt::ProtocolVersion, flags: u8, payload: &str) -> String {
    let level = version.level();
    let properties = if version.is_v5() { "00" } else { "" };
    let body = hex(&format!(
        "00 04 \"MQTT\" {level:02x} {flags:02x} 00 00 {properties} {payload}"
    ));
    framed(0x10, &body)
        .iter()
        .map(|byte| format!("{byte:02x} "))
        .collect()
}

#[test]
fn connect_flags() {
    for version in [V311, V5] {
        let bad = |flags, payload, rule, field| {
            check_bad(
                version,
                Role::Server,
                &connect(version, flags, payload),
                rule,
                field,
            );
        };
        // [MQTT5-3.1.2-3] reserved flag
        bad(0x03, "00 01 \"a\"", Rule::ConnectReservedFlag, "reserved flag");
        // [MQTT5-3.1.2-11] Will QoS without Will Flag
        bad(0x0A, "00 01 \"a\"", Rule::WillQosWithoutWill, "Will QoS");
        // [MQTT5-3.1.2-12] Will QoS 3
        bad(0x1E, "00 01 \"a\"", Rule::WillQos, "Will QoS");
        // [MQTT5-3.1.2-13] Will Retain without Will Flag
        bad(0x22, "00 01 \"a\"", Rule::WillRetainWithoutWill, "Will Retain");
        // [MQTT5-3.1.2-17] [MQTT5-3.1.2-19] flags promise what does not come
        bad(0x82, "00 01 \"a\"", Rule::UserNameMissing, "User Name");
        bad(0xC2, "00 01 \"a\" 00 00", Rule::PasswordMissing, "Password");
    }
    // [MQTT311-3.1.2-22] no Password without User Name
    let wire = connect(V311, 0x42, "00 01 \"a\" 00 00");
    check_bad(
        V311,
        Role::Server,
        &wire,
        Rule::PasswordWithoutUserName,
        "Password",
    );
    assert_eq!(
        verdict(V5, Role::Server, &connect(V5, 0x42, "00 01 \"a\" 00 00")),
        ("accept", 0)
    );
    // [MQTT311-3.1.3-7] an empty Client Identifier needs Clean Session
    assert_eq!(
        verdict(V311, Role::Server, &connect(V311, 0x00, "00 00")),
        ("protocol error", 0x85)
    );
    assert_eq!(
        verdict(V311, Role::Server, &connect(V311, 0x02, "00 00")),
        ("accept", 0)
    );
    assert_eq!(
        verdict(V5, Role::Server, &connect(V5, 0x00, "00 00")),
        ("accept", 0)
    );
}

#[test]
fn connect_protocol() {
    let wire = |name: &str, level: u8| format!("10 0e {name} {level:02x} 02 00 00 00 00 01 \"a\"");
    assert_eq!(
        verdict(V5, Role::Server, &wire("00 04 \"MQTT\"", 5)),
        ("accept", 0)
    );
    for (name, level) in [
        ("00 04 \"MQTT\"", 3),
        ("00 04 \"MQTT\"", 4),
        ("00 04 \"MQTT\"", 6),
        ("00 04 \"mqtt\"", 5),
    ] {
        let found = verdict(V5, Role::Server, &wire(name, level));
        assert_eq!(
            found,
            ("protocol error", ReasonCode::UNSUPPORTED_PROTOCOL_VERSION.0),
            "{name} {level}"
        );
    }
}

#[test]
fn connack() {
    // [MQTT5-3.2.2-1] [MQTT5-3.2.2-6] [MQTT5-3.2.2-8]
    assert_eq!(verdict(V5, Role::Client, "20 03 02 00 00"), ("malformed", 0x81));
    assert_eq!(
        verdict(V5, Role::Client, "20 03 01 87 00"),
        ("protocol error", 0x82)
    );
    assert_eq!(
        verdict(V5, Role::Client, "20 03 00 01 00"),
        ("protocol error", 0x82)
    );
    assert_eq!(verdict(V5, Role::Client, "20 03 00 87 00"), ("accept", 0));
    assert_eq!(verdict(V5, Role::Client, "20 02 00 00"), ("malformed", 0x81));
    assert_eq!(
        verdict(V311, Role::Client, "20 02 01 05"),
        ("protocol error", 0x82)
    );
    assert_eq!(
        verdict(V311, Role::Client, "20 02 00 06"),
        ("protocol error", 0x82)
    );
    assert_eq!(verdict(V311, Role::Client, "20 02 80 00"), ("malformed", 0x81));
}

#[test]
fn connack_property_values() {
    for (property, found) in [
        ("21 00 00", ("protocol error", 0x82)),
        ("24 02", ("protocol error", 0x82)),
        ("25 02", ("protocol error", 0x82)),
        ("27 00 00 00 00", ("protocol error", 0x82)),
        ("28 02", ("protocol error", 0x82)),
        ("29 ff", ("protocol error", 0x82)),
        ("2a 02", ("protocol error", 0x82)),
        ("22 00 00", ("accept", 0)),
        ("13 00 00", ("accept", 0)),
        ("17 01", ("malformed", 0x81)),
        ("19 01", ("malformed", 0x81)),
        ("16 00 00", ("accept", 0)),
    ] {
        let properties = hex(property);
        let wire = format!(
            "20 {:02x} 00 00 {:02x} {property}",
            properties.len() + 3,
            properties.len()
        );
        assert_eq!(verdict(V5, Role::Client, &wire), found, "{property}");
    }
}

#[test]
fn connect_property_values() {
    for (property, found) in [
        ("17 02", ("protocol error", 0x82)),
        ("19 02", ("protocol error", 0x82)),
        ("21 00 00", ("protocol error", 0x82)),
        ("27 00 00 00 00", ("protocol error", 0x82)),
        // Authentication Data without Authentication Method
        ("16 00 00", ("protocol error", 0x82)),
        ("15 00 01 \"m\" 16 00 00", ("accept", 0)),
        ("11 00 00 00 00 11 00 00 00 00", ("protocol error", 0x82)),
    ] {
        let properties = hex(property);
        let body = [
            &hex("00 04 \"MQTT\" 05 02 00 00")[..],
            &[properties.len() as u8],
            &properties,
            &hex("00 01 \"a\""),
        ]
        .concat();
        let wire: String = framed(0x10, &body)
            .iter()
            .map(|byte| format!("{byte:02x} "))
            .collect();
        assert_eq!(verdict(V5, Role::Server, &wire), found, "{property}");
    }
}

#[test]
fn publish() {
    for version in [V311, V5] {
        let none = if version.is_v5() { "00" } else { "" };
        let len = |bytes: usize| format!("{:02x}", bytes + usize::from(version.is_v5()));
        // [MQTT5-3.3.1-4] both QoS bits
        let wire = format!("36 {} 00 01 \"a\" 00 01 {none}", len(5));
        assert_eq!(verdict(version, Role::Client, &wire), ("malformed", 0x81));
        // [MQTT5-3.3.1-2] DUP with QoS 0
        let wire = format!("38 {} 00 01 \"a\" {none}", len(3));
        assert_eq!(verdict(version, Role::Client, &wire), ("malformed", 0x81));
        let wire = format!("3a {} 00 01 \"a\" 00 01 {none}", len(5));
        assert_eq!(verdict(version, Role::Server, &wire), ("accept", 0));
    }
    // No name and no alias
    assert_eq!(
        verdict(V5, Role::Client, "30 03 00 00 00"),
        ("protocol error", 0x82)
    );
    // [MQTT311-4.7.3-1]
    assert_eq!(verdict(V311, Role::Client, "30 02 00 00"), ("malformed", 0x81));
    // [MQTT5-3.3.2-8] alias 0
    assert_eq!(
        verdict(V5, Role::Client, "30 07 00 01 \"a\" 03 23 00 00"),
        ("protocol error", 0x94)
    );
    // Subscription Identifier 0; from a client [MQTT5-3.3.4-6]
    assert_eq!(
        verdict(V5, Role::Client, "30 06 00 01 \"a\" 02 0b 00"),
        ("protocol error", 0x82)
    );
    assert_eq!(
        verdict(V5, Role::Client, "30 06 00 01 \"a\" 02 0b 01"),
        ("accept", 0)
    );
    assert_eq!(
        verdict(V5, Role::Server, "30 06 00 01 \"a\" 02 0b 01"),
        ("protocol error", 0x82)
    );
    assert_eq!(
        verdict(V5, Role::Client, "30 06 00 01 \"a\" 02 01 02"),
        ("protocol error", 0x82)
    );
}

/// [MQTT5-3.4.2-1] and so on: every code in every packet, as the table of 2.4 says
#[test]
fn reason_codes_stand_where_they_may() {
    let allowed = |kind: u8, codes: &[u8]| {
        for code in 0..=255 {
            let body = if kind == 0x90 || kind == 0xB0 {
                vec![0, 1, 0, code]
            } else {
                vec![0, 1, code]
            };
            let found = decode(V5, Role::Client, &framed(kind, &body));
            assert_eq!(
                found.is_ok(),
                codes.contains(&code),
                "type {kind:02x}, code {code:02x}"
            );
            if let Err(error) = found {
                assert!(matches!(error, DecodeError::Protocol(_)), "{error}");
            }
        }
    };
    allowed(0x40, &[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);
    allowed(0x50, &[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);
    allowed(0x62, &[0x00, 0x92]);
    allowed(0x70, &[0x00, 0x92]);
    allowed(
        0x90,
        &[
            0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2,
        ],
    );
    allowed(0xB0, &[0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91]);
}

/// Some codes are for one direction only.
#[test]
fn reason_codes_of_the_other_end_are_protocol_errors() {
    assert_eq!(verdict(V5, Role::Client, "e0 01 04"), ("protocol error", 0x82));
    assert_eq!(verdict(V5, Role::Server, "e0 01 8b"), ("protocol error", 0x82));
    assert_eq!(verdict(V5, Role::Server, "e0 01 93"), ("accept", 0));
    assert_eq!(
        verdict(V5, Role::Server, "40 03 00 01 10"),
        ("protocol error", 0x82)
    );
    assert_eq!(
        verdict(V5, Role::Client, "f0 06 19 04 15 00 01 \"m\""),
        ("protocol error", 0x82)
    );
    assert_eq!(
        verdict(V5, Role::Server, "f0 06 19 04 15 00 01 \"m\""),
        ("accept", 0)
    );
    // [MQTT5-3.14.2-2] Session Expiry Interval from a server
    assert_eq!(
        verdict(V5, Role::Client, "e0 07 00 05 11 00 00 00 01"),
        ("protocol error", 0x82)
    );
}

#[test]
fn subscribe() {
    let v5 = |options: &str, topic: &str| {
        let body = hex(&format!("00 01 00 00 {:02x} \"{topic}\" {options}", topic.len()));
        let wire: String = framed(0x82, &body)
            .iter()
            .map(|byte| format!("{byte:02x} "))
            .collect();
        verdict(V5, Role::Server, &wire)
    };
    assert_eq!(v5("03", "a"), ("protocol error", 0x82));
    assert_eq!(v5("30", "a"), ("protocol error", 0x82));
    assert_eq!(v5("40", "a"), ("malformed", 0x81));
    assert_eq!(v5("80", "a"), ("malformed", 0x81));
    assert_eq!(v5("2e", "a"), ("accept", 0));
    // [MQTT5-3.8.3-4]
    assert_eq!(v5("04", "$share/g/a"), ("protocol error", 0x82));
    assert_eq!(v5("00", "$share/g/a"), ("accept", 0));
    // [MQTT5-4.7.1-1] [MQTT5-4.7.1-2] [MQTT5-4.7.3-1] [MQTT5-4.8.2-1] [MQTT5-4.8.2-2]
    for bad in [
        "a#",
        "a/#/b",
        "a+",
        "+a/b",
        "",
        "$share/",
        "$share//a",
        "$share/g",
        "$share/g/",
        "$share/+/a",
    ] {
        assert_eq!(v5("00", bad), ("malformed", 0x81), "{bad}");
    }
    // To 3.1.1 these are plain filters.
    assert_eq!(
        verdict(V311, Role::Server, "82 0c 00 01 00 07 \"$share/\" 00"),
        ("accept", 0)
    );
    // [MQTT311-3.8.3-4] QoS 3 and reserved bits
    assert_eq!(
        verdict(V311, Role::Server, "82 06 00 01 00 01 \"a\" 03"),
        ("malformed", 0x81)
    );
    assert_eq!(
        verdict(V311, Role::Server, "82 06 00 01 00 01 \"a\" 04"),
        ("malformed", 0x81)
    );
    // [MQTT5-3.8.3-2] [MQTT5-3.10.3-2] nothing asked for
    assert_eq!(
        verdict(V311, Role::Server, "82 02 00 01"),
        ("protocol error", 0x82)
    );
    assert_eq!(
        verdict(V5, Role::Server, "82 03 00 01 00"),
        ("protocol error", 0x82)
    );
    assert_eq!(
        verdict(V311, Role::Server, "a2 02 00 01"),
        ("protocol error", 0x82)
    );
    assert_eq!(
        verdict(V5, Role::Server, "a2 03 00 01 00"),
        ("protocol error", 0x82)
    );
    assert_eq!(
        verdict(V5, Role::Client, "90 03 00 01 00"),
        ("protocol error", 0x82)
    );
    // [MQTT311-3.9.3-2]
    assert_eq!(
        verdict(V311, Role::Client, "90 03 00 01 03"),
        ("protocol error", 0x82)
    );
    assert_eq!(verdict(V311, Role::Client, "90 03 00 01 80"), ("accept", 0));
}

#[test]
fn auth_and_disconnect() {
    assert_eq!(verdict(V5, Role::Client, "f0 00"), ("accept", 0));
    assert_eq!(verdict(V5, Role::Client, "f0 02 18 00"), ("protocol error", 0x82));
    assert_eq!(verdict(V5, Role::Client, "f0 01 18"), ("malformed", 0x81));
    assert_eq!(
        verdict(V5, Role::Client, "f0 06 01 04 15 00 01 \"m\""),
        ("protocol error", 0x82)
    );
    assert_eq!(verdict(V5, Role::Client, "e0 01 01"), ("protocol error", 0x82));
    assert_eq!(verdict(V5, Role::Client, "e0 02 00 01"), ("malformed", 0x81));
}

#[test]
fn every_rule_has_statements_and_words() {
    for rule in Rule::ALL {
        assert!(rule.v5_statement().starts_with("MQTT5-") && rule.v311_statement().starts_with("MQTT311-"));
        assert!(!rule.text().is_empty() && rule.reason_code().is_error());
    }
}
