//! Every property in every packet, by table 2-4 of 5.0, written out a second time.

use hearth_mqtt::{Class, Rule};

use crate::{
    notation::rows,
    support::{V5, decode},
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Packets that have properties, as a row has them; `$` stands for the property.
const PACKETS: [(&str, &str); 15] = [
    ("CONNECT", "server [] 10 .. s\"MQTT\" 05 02 00 00 {$} s\"a\""),
    (
        "Will",
        "server [] 10 .. s\"MQTT\" 05 06 00 00 {} s\"a\" {$} s\"w\" b[]",
    ),
    ("CONNACK", "client [] 20 .. 00 00 {$}"),
    ("PUBLISH", "client [] 30 .. s\"a\" {$}"),
    ("PUBACK", "client [] 40 .. 00 01 00 {$}"),
    ("PUBREC", "client [] 50 .. 00 01 00 {$}"),
    ("PUBREL", "client [] 62 .. 00 01 00 {$}"),
    ("PUBCOMP", "client [] 70 .. 00 01 00 {$}"),
    ("SUBSCRIBE", "server [] 82 .. 00 01 {$} s\"a\" 00"),
    ("SUBACK", "client [] 90 .. 00 01 {$} 00"),
    ("UNSUBSCRIBE", "server [] a2 .. 00 01 {$} s\"a\""),
    ("UNSUBACK", "client [] b0 .. 00 01 {$} 00"),
    ("DISCONNECT", "server [] e0 .. 00 {$}"),
    // The method has to be there; where the property is the method itself, it is enough.
    ("AUTH", "client [] f0 .. 18 {$}"),
    ("DISCONNECT of a server", "client [] e0 .. 00 {$}"),
];

/// Identifier, a good value, and the packets it may stand in.
const PROPERTIES: [(&str, &str, &[&str]); 27] = [
    ("01", "01", &["PUBLISH", "Will"]),
    ("02", "00 00 00 01", &["PUBLISH", "Will"]),
    ("03", "s\"t\"", &["PUBLISH", "Will"]),
    ("08", "s\"t\"", &["PUBLISH", "Will"]),
    ("09", "b[01]", &["PUBLISH", "Will"]),
    ("0b", "01", &["PUBLISH", "SUBSCRIBE"]),
    ("11", "00 00 00 01", &["CONNECT", "CONNACK", "DISCONNECT"]),
    ("12", "s\"t\"", &["CONNACK"]),
    ("13", "00 01", &["CONNACK"]),
    ("15", "s\"t\"", &["CONNECT", "CONNACK", "AUTH"]),
    ("16", "b[01]", &["CONNECT", "CONNACK", "AUTH"]),
    ("17", "01", &["CONNECT"]),
    ("18", "00 00 00 01", &["Will"]),
    ("19", "01", &["CONNECT"]),
    ("1a", "s\"t\"", &["CONNACK"]),
    (
        "1c",
        "s\"t\"",
        &["CONNACK", "DISCONNECT", "DISCONNECT of a server"],
    ),
    (
        "1f",
        "s\"t\"",
        &[
            "CONNACK",
            "PUBACK",
            "PUBREC",
            "PUBREL",
            "PUBCOMP",
            "SUBACK",
            "UNSUBACK",
            "DISCONNECT",
            "DISCONNECT of a server",
            "AUTH",
        ],
    ),
    ("21", "00 01", &["CONNECT", "CONNACK"]),
    ("22", "00 01", &["CONNECT", "CONNACK"]),
    ("23", "00 01", &["PUBLISH"]),
    ("24", "01", &["CONNACK"]),
    ("25", "01", &["CONNACK"]),
    ("26", "s\"k\" s\"v\"", &["everywhere"]),
    ("27", "00 00 00 01", &["CONNECT", "CONNACK"]),
    ("28", "01", &["CONNACK"]),
    ("29", "01", &["CONNACK"]),
    ("2a", "01", &["CONNACK"]),
];

/// The packet with these properties, and with what they need beside them.
fn row(packet: &str, template: &str, id: &str, property: &str) -> String {
    let method = match (packet, id) {
        ("AUTH", "15") | ("CONNECT", "15") => "",
        ("AUTH", _) | ("CONNECT", "16") => "15 s\"m\" ",
        _ => "",
    };
    format!("row {}", template.replace('$', &format!("{method}{property}")))
}

fn check(packet: &str, template: &str, id: &str, property: &str) -> Result<(), (Rule, Class)> {
    let line = row(packet, template, id, property);
    let row = rows(&line).next().expect("a row");
    decode(V5, row.receiver, &row.wire.into())
        .map(|_| ())
        .map_err(|error| (error.rule(), error.class()))
}

/// A foreign property is malformed, a repeated one a Protocol Error.
#[test]
fn properties_stand_where_they_may_and_as_often() {
    for (id, value, places) in PROPERTIES {
        for (packet, template) in PACKETS {
            let once = format!("{id} {value}");
            let twice = format!("{once} {once}");
            let allowed = places.contains(&packet) || places.contains(&"everywhere");
            let from_server = packet == "DISCONNECT of a server" && id == "11";
            let expected = match allowed {
                true => (Ok(()), Err((Rule::DuplicateProperty, Class::Protocol))),
                false if from_server => (
                    Err((Rule::SessionExpiryFromServer, Class::Protocol)),
                    Err((Rule::DuplicateProperty, Class::Protocol)),
                ),
                false => {
                    let foreign = Err((Rule::ForeignProperty, Class::Malformed));
                    (foreign, foreign)
                }
            };
            let may_repeat = id == "26" || (id == "0b" && packet == "PUBLISH");
            let found = (
                check(packet, template, id, &once),
                check(packet, template, id, &twice),
            );
            let expected = if may_repeat { (Ok(()), Ok(())) } else { expected };
            assert_eq!(found, expected, "property {id} in {packet}");
        }
    }
}

/// What no property's identifier is, is malformed in every packet.
#[test]
fn unknown_properties_are_malformed() {
    for id in (0..=255_u8).map(|id| format!("{id:02x}")) {
        if PROPERTIES.iter().any(|(known, ..)| *known == id) {
            continue;
        }
        for (packet, template) in PACKETS {
            let found = check(packet, template, &id, &format!("{id} 00 00 00 00 00"));
            assert!(
                matches!(found, Err((_, Class::Malformed))),
                "property {id} in {packet}: {found:?}"
            );
        }
    }
}
