//! Every value of a byte that has rules, every cut and every byte too many, judged by the words of the specification.

use hearth_mqtt::{ProtocolVersion, Role};

use crate::{
    support::{V5, V311, decode, framed, hex},
    table::verdict,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What the text commands: no statement where the packet is right.
type Wanted = (&'static str, Option<&'static str>);

const ACCEPT: Wanted = ("accept", None);
const CUT_IN_5: Wanted = ("malformed", Some("MQTT5-1.2"));
const CUT_IN_311: Wanted = ("malformed", Some("MQTT311-2.2.3"));

fn malformed(statement: &'static str) -> Wanted {
    ("malformed", Some(statement))
}

fn protocol(statement: &'static str) -> Wanted {
    ("protocol", Some(statement))
}

#[track_caller]
fn judge(version: ProtocolVersion, receiver: Role, first_byte: u8, body: &[u8], wanted: Wanted) {
    let result = decode(version, receiver, &framed(first_byte, body));
    assert_eq!(
        verdict(&result),
        wanted,
        "{version} to {receiver:?}: {first_byte:02x} {body:02x?}"
    );
}

/// [MQTT5-3.1.2-3] [MQTT5-3.1.2-11] [MQTT5-3.1.2-12] [MQTT5-3.1.2-13] [MQTT5-3.1.2-9] [MQTT5-3.1.2-17]
/// [MQTT5-3.1.2-19] [MQTT311-3.1.2-3] [MQTT311-3.1.2-13] [MQTT311-3.1.2-14] [MQTT311-3.1.2-15] [MQTT311-3.1.2-22]
#[test]
fn every_value_of_connect_flags() {
    for version in [V311, V5] {
        let id = |v5, v311| if version.is_v5() { v5 } else { v311 };
        let none: &[u8] = if version.is_v5() { &[0] } else { &[] };
        for flags in 0..=255 {
            let has = |bit: u8| flags & bit != 0;
            let mut body = [
                b"\0\x04MQTT",
                &[version.level(), flags, 0, 0][..],
                none,
                b"\0\x01a",
            ]
            .concat();
            if has(0x04) {
                body.extend([none, b"\0\x01w\0\0"].concat());
            }
            for field in [0x80, 0x40] {
                if has(field) {
                    body.extend(b"\0\x01x");
                }
            }
            let wanted = if has(0x01) {
                malformed(id("MQTT5-3.1.2-3", "MQTT311-3.1.2-3"))
            } else if !has(0x04) && has(0x18) {
                malformed(id("MQTT5-3.1.2-11", "MQTT311-3.1.2-13"))
            } else if flags & 0x18 == 0x18 {
                malformed(id("MQTT5-3.1.2-12", "MQTT311-3.1.2-14"))
            } else if !has(0x04) && has(0x20) {
                malformed(id("MQTT5-3.1.2-13", "MQTT311-3.1.2-15"))
            } else if !version.is_v5() && has(0x40) && !has(0x80) {
                malformed("MQTT311-3.1.2-22")
            } else {
                ACCEPT
            };
            judge(version, Role::Server, 0x10, &body, wanted);
        }
    }
}

/// [MQTT5-3.1.2-1] [MQTT5-3.1.2-2] [MQTT311-3.1.2-1] [MQTT311-3.1.2-2]
#[test]
fn every_protocol_version() {
    for level in 0..=255 {
        for version in [V311, V5] {
            let none: &[u8] = if version.is_v5() { &[0] } else { &[] };
            let body = [b"\0\x04MQTT", &[level, 2, 0, 0][..], none, b"\0\x01a"].concat();
            let wanted = match version {
                _ if level == version.level() => ACCEPT,
                V5 => protocol("MQTT5-3.1.2-2"),
                V311 => protocol("MQTT311-3.1.2-2"),
            };
            judge(version, Role::Server, 0x10, &body, wanted);
        }
    }
}

/// [MQTT5-3.2.2-1] [MQTT5-3.2.2-6] [MQTT5-3.2.2-8] [MQTT311-3.2.2-4]
#[test]
fn every_connack() {
    const CODES: [u8; 22] = [
        0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99,
        0x9A, 0x9B, 0x9C, 0x9D, 0x9F,
    ];
    for flags in 0..=255 {
        for code in 0..=255 {
            let wanted = match flags {
                2.. => malformed("MQTT5-3.2.2-1"),
                _ if !CODES.contains(&code) => protocol("MQTT5-3.2.2-8"),
                1 if code != 0 => protocol("MQTT5-3.2.2-6"),
                _ => ACCEPT,
            };
            judge(V5, Role::Client, 0x20, &[flags, code, 0], wanted);
            let wanted = match flags {
                2.. => malformed("MQTT311-3.2.2.1"),
                _ if code > 5 => protocol("MQTT311-3.2.2.3"),
                1 if code != 0 => protocol("MQTT311-3.2.2-4"),
                _ => ACCEPT,
            };
            judge(V311, Role::Client, 0x20, &[flags, code], wanted);
        }
    }
}

/// The codes that the tables of 3.4.2.1, 3.5.2.1, 3.6.2.1, 3.7.2.1, 3.9.3, 3.11.3 and 3.14.2.1 let this receiver get.
fn codes(first_byte: u8, receiver: Role) -> &'static [u8] {
    match (first_byte, receiver) {
        // "No matching subscribers" is sent by servers only.
        (0x40 | 0x50, Role::Client) => &[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
        (0x40 | 0x50, Role::Server) => &[0x00, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
        (0x62 | 0x70, _) => &[0x00, 0x92],
        (0x90, _) => &[
            0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2,
        ],
        (0xB0, _) => &[0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91],
        // 0x8C is in the table of 2.4 only, which names DISCONNECT for it.
        (0xE0, Role::Client) => &[
            0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95,
            0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
        ],
        // 0x9B is a server's in the table of 3.14.2.1, yet 3.3.4 and 4.13.1 give it to clients as well.
        (0xE0, Role::Server) => &[
            0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9B,
        ],
        (0xF0, Role::Client) => &[0x00, 0x18],
        (0xF0, Role::Server) => &[0x18, 0x19],
        _ => &[],
    }
}

/// [MQTT5-3.4.2-1] [MQTT5-3.5.2-1] [MQTT5-3.6.2-1] [MQTT5-3.7.2-1] [MQTT5-3.9.3-2] [MQTT5-3.11.3-2] [MQTT5-3.14.2-1]
/// [MQTT5-3.15.2-1]
#[test]
fn every_reason_code_from_both_ends() {
    for (first_byte, before, after, statement) in [
        (0x40, &[0, 1][..], &[][..], "MQTT5-3.4.2-1"),
        (0x50, &[0, 1], &[], "MQTT5-3.5.2-1"),
        (0x62, &[0, 1], &[], "MQTT5-3.6.2-1"),
        (0x70, &[0, 1], &[], "MQTT5-3.7.2-1"),
        (0x90, &[0, 1, 0, 0], &[], "MQTT5-3.9.3-2"),
        (0xB0, &[0, 1, 0], &[0], "MQTT5-3.11.3-2"),
        (0xE0, &[], &[], "MQTT5-3.14.2-1"),
        (0xF0, &[], &[4, 0x15, 0, 1, b'm'], "MQTT5-3.15.2-1"),
    ] {
        for receiver in [Role::Client, Role::Server] {
            for code in 0..=255 {
                let wanted = match (first_byte, receiver) {
                    // Only servers send SUBACK and UNSUBACK.
                    (0x90 | 0xB0, Role::Server) => protocol("MQTT5-4.13.1"),
                    _ if codes(first_byte, receiver).contains(&code) => ACCEPT,
                    _ => protocol(statement),
                };
                judge(
                    V5,
                    receiver,
                    first_byte,
                    &[before, &[code], after].concat(),
                    wanted,
                );
            }
        }
    }
}

/// [MQTT311-3.9.3-2]
#[test]
fn every_return_code_of_suback_in_3_1_1() {
    for code in 0..=255 {
        let wanted = match code {
            0..=2 | 0x80 => ACCEPT,
            _ => protocol("MQTT311-3.9.3-2"),
        };
        judge(V311, Role::Client, 0x90, &[0, 1, 0, code], wanted);
    }
}

/// [MQTT5-3.8.3-5] [MQTT311-3.8.3-4]
#[test]
fn every_value_of_subscription_options() {
    for options in 0..=255 {
        let wanted = match options {
            0x40.. => malformed("MQTT5-3.8.3-5"),
            _ if options & 3 == 3 || options >> 4 == 3 => protocol("MQTT5-3.8.3.1"),
            _ => ACCEPT,
        };
        judge(V5, Role::Server, 0x82, &[0, 1, 0, 0, 1, b'a', options], wanted);
        let wanted = match options {
            0..=2 => ACCEPT,
            _ => malformed("MQTT311-3.8.3-4"),
        };
        judge(V311, Role::Server, 0x82, &[0, 1, 0, 1, b'a', options], wanted);
    }
}

/// A right body for each packet type, and who receives it.
fn bodies(version: ProtocolVersion) -> Vec<(u8, Vec<u8>, &'static [Role])> {
    const CLIENT: &[Role] = &[Role::Client];
    const SERVER: &[Role] = &[Role::Server];
    const BOTH: &[Role] = &[Role::Client, Role::Server];
    let none: &[u8] = if version.is_v5() { &[0] } else { &[] };
    let code: &[u8] = if version.is_v5() { &[0] } else { &[] };
    let connect = [b"\0\x04MQTT", &[version.level(), 2, 0, 0][..], none, b"\0\x01a"].concat();
    vec![
        (0x10, connect, SERVER),
        (0x20, [&[0, 0], none].concat(), CLIENT),
        (0x40, vec![0, 1], BOTH),
        (0x50, vec![0, 1], BOTH),
        (0x62, vec![0, 1], BOTH),
        (0x70, vec![0, 1], BOTH),
        (0x82, [&[0, 1], none, b"\0\x01a\0"].concat(), SERVER),
        (0x90, [&[0, 1], none, &[0]].concat(), CLIENT),
        (0xA2, [&[0, 1], none, b"\0\x01a"].concat(), SERVER),
        (0xB0, [&[0, 1], none, code].concat(), CLIENT),
        (0xC0, vec![], SERVER),
        (0xD0, vec![], CLIENT),
        (0xE0, vec![], if version.is_v5() { BOTH } else { SERVER }),
        (
            0xF0,
            hex("18 04 15 00 01 \"m\"").to_vec(),
            if version.is_v5() { BOTH } else { &[] },
        ),
    ]
}

/// [MQTT5-2.1.3-1] [MQTT5-3.3.1-2] [MQTT5-3.3.1-4] [MQTT311-2.2.2-2] [MQTT311-3.3.1-2] [MQTT311-3.3.1-4]
#[test]
fn every_first_byte_at_both_ends() {
    for version in [V311, V5] {
        let id = |v5, v311| if version.is_v5() { v5 } else { v311 };
        for receiver in [Role::Client, Role::Server] {
            for flags in 0..16 {
                judge(
                    version,
                    receiver,
                    flags,
                    &[],
                    malformed(id("MQTT5-2.1.2", "MQTT311-2.2.1")),
                );
                let none: &[u8] = if version.is_v5() { &[0] } else { &[] };
                let packet_id: &[u8] = if flags & 6 == 0 { &[] } else { &[0, 1] };
                let wanted = match flags {
                    _ if flags & 6 == 6 => malformed(id("MQTT5-3.3.1-4", "MQTT311-3.3.1-4")),
                    8 | 9 => malformed(id("MQTT5-3.3.1-2", "MQTT311-3.3.1-2")),
                    _ => ACCEPT,
                };
                let body = [b"\0\x01a", packet_id, none].concat();
                judge(version, receiver, 0x30 | flags, &body, wanted);
            }
            for (right, body, receivers) in bodies(version) {
                for flags in 0..16 {
                    let first_byte = right & 0xF0 | flags;
                    let result = decode(version, receiver, &framed(first_byte, &body));
                    let found = verdict(&result).0;
                    let wanted = match version {
                        V311 if right == 0xF0 => "malformed",
                        _ if first_byte != right => "malformed",
                        _ if receivers.contains(&receiver) => "accept",
                        _ => "protocol",
                    };
                    assert_eq!(
                        found, wanted,
                        "{version} to {receiver:?}: {first_byte:02x}: {result:?}"
                    );
                }
            }
        }
    }
}

/// A packet with its fields, and what it is when it ends after so many bytes: all other cuts are malformed.
type Cuts<'a> = (u8, &'static str, Role, &'a [(usize, Wanted)]);

fn check_cuts(version: ProtocolVersion, cut: Wanted, packets: &[Cuts<'_>]) {
    for (first_byte, body, receiver, others) in packets {
        let body = hex(body);
        for len in 0..body.len() {
            let other = others.iter().find(|(at, _)| *at == len);
            judge(
                version,
                *receiver,
                *first_byte,
                &body[..len],
                other.map_or(cut, |(_, wanted)| *wanted),
            );
        }
        judge(version, *receiver, *first_byte, &body, ACCEPT);
    }
}

/// [MQTT5-2.2.2-1] [MQTT5-3.8.3-2] [MQTT5-3.8.4-6] [MQTT5-3.10.3-2] [MQTT5-3.11.3-2]: what has no list is a Protocol Error, what ends
/// inside a field is malformed; a field of CONNECT that is not there at all breaks the statement of its flag.
#[test]
fn packets_of_5_cut_anywhere_with_their_remaining_length() {
    let no_filter = protocol("MQTT5-3.8.3-2");
    let nothing_to_leave = protocol("MQTT5-3.10.3-2");
    let no_properties = malformed("MQTT5-2.2.2-1");
    let ack: &[(usize, Wanted)] = &[(2, ACCEPT), (3, ACCEPT)];
    check_cuts(
        V5,
        CUT_IN_5,
        &[
            (
                0x10,
                "00 04 \"MQTT\" 05 f6 00 3c 0c 11 00 00 00 01 26 00 01 \"k\" 00 01 \"v\"
                 00 02 \"id\" 05 18 00 00 00 09 00 01 \"w\" 00 02 01 02 00 01 \"u\" 00 01 \"p\"",
                Role::Server,
                &[
                    (10, no_properties),
                    (23, malformed("MQTT5-3.1.3-3")),
                    (27, malformed("MQTT5-3.1.2-9")),
                    (33, malformed("MQTT5-3.1.2-9")),
                    (36, malformed("MQTT5-3.1.2-9")),
                    (40, malformed("MQTT5-3.1.2-17")),
                    (43, malformed("MQTT5-3.1.2-19")),
                ],
            ),
            (
                0x20,
                "00 00 06 21 00 01 1f 00 00",
                Role::Client,
                &[(2, no_properties)],
            ),
            (
                0x32,
                "00 01 \"a\" 00 01 02 01 01 \"xy\"",
                Role::Client,
                &[(5, no_properties), (8, ACCEPT), (9, ACCEPT)],
            ),
            (0x40, "00 01 00 04 1f 00 01 \"r\"", Role::Client, ack),
            (0x50, "00 01 97 04 1f 00 01 \"r\"", Role::Server, ack),
            (0x62, "00 01 92 04 1f 00 01 \"r\"", Role::Client, ack),
            (0x70, "00 01 92 04 1f 00 01 \"r\"", Role::Server, ack),
            (
                0x82,
                "00 01 00 00 01 \"a\" 00 00 01 \"b\" 01",
                Role::Server,
                &[(2, no_properties), (3, no_filter), (7, ACCEPT)],
            ),
            (
                0x90,
                "00 01 00 01 02",
                Role::Client,
                &[(2, no_properties), (3, protocol("MQTT5-3.8.4-6")), (4, ACCEPT)],
            ),
            (
                0xA2,
                "00 01 00 00 01 \"a\" 00 01 \"b\"",
                Role::Server,
                &[(2, no_properties), (3, nothing_to_leave), (6, ACCEPT)],
            ),
            (
                0xB0,
                "00 01 00 00 11",
                Role::Client,
                &[(2, no_properties), (3, protocol("MQTT5-3.11.3-2")), (4, ACCEPT)],
            ),
            (
                0xE0,
                "82 04 1f 00 01 \"r\"",
                Role::Server,
                &[(0, ACCEPT), (1, ACCEPT)],
            ),
            (
                0xF0,
                "18 04 15 00 01 \"m\"",
                Role::Client,
                &[(0, ACCEPT), (1, no_properties)],
            ),
            (
                0xF0,
                "19 04 15 00 01 \"m\"",
                Role::Server,
                &[(0, protocol("MQTT5-3.15.2-1")), (1, no_properties)],
            ),
        ],
    );
}

/// [MQTT311-3.8.3-3] [MQTT311-3.8.4-5] [MQTT311-3.10.3-2]
#[test]
fn packets_of_3_1_1_cut_anywhere_with_their_remaining_length() {
    let no_filter = protocol("MQTT311-3.8.3-3");
    let nothing_to_leave = protocol("MQTT311-3.10.3-2");
    check_cuts(
        V311,
        CUT_IN_311,
        &[
            (
                0x10,
                "00 04 \"MQTT\" 04 f6 00 3c 00 02 \"id\" 00 01 \"w\" 00 02 01 02 00 01 \"u\" 00 01 \"p\"",
                Role::Server,
                &[
                    (10, malformed("MQTT311-3.1.3-3")),
                    (14, malformed("MQTT311-3.1.2-9")),
                    (17, malformed("MQTT311-3.1.2-9")),
                    (21, malformed("MQTT311-3.1.2-19")),
                    (24, malformed("MQTT311-3.1.2-21")),
                ],
            ),
            (0x20, "01 00", Role::Client, &[]),
            (
                0x32,
                "00 01 \"a\" 00 01 \"xy\"",
                Role::Server,
                &[(5, ACCEPT), (6, ACCEPT)],
            ),
            (0x40, "00 01", Role::Client, &[]),
            (0x50, "00 01", Role::Server, &[]),
            (0x62, "00 01", Role::Client, &[]),
            (0x70, "00 01", Role::Server, &[]),
            (
                0x82,
                "00 01 00 01 \"a\" 00 00 01 \"b\" 01",
                Role::Server,
                &[(2, no_filter), (6, ACCEPT)],
            ),
            (
                0x90,
                "00 01 01 02",
                Role::Client,
                &[(2, protocol("MQTT311-3.8.4-5")), (3, ACCEPT)],
            ),
            (
                0xA2,
                "00 01 00 01 \"a\" 00 01 \"b\"",
                Role::Server,
                &[(2, nothing_to_leave), (5, ACCEPT)],
            ),
            (0xB0, "00 01", Role::Client, &[]),
        ],
    );
}

/// A byte more than a packet has fields for.
#[test]
fn every_packet_with_a_byte_too_many() {
    for version in [V311, V5] {
        let too_many = malformed(if version.is_v5() {
            "MQTT5-2.1.4"
        } else {
            "MQTT311-2.2.3"
        });
        let cut = if version.is_v5() { CUT_IN_5 } else { CUT_IN_311 };
        for (first_byte, body, receivers) in bodies(version) {
            let (short, wanted) = match first_byte {
                // One more reason code.
                0x90 => (&[0][..], ACCEPT),
                0xB0 if version.is_v5() => (&[0][..], ACCEPT),
                // Half the length of one more filter.
                0x82 | 0xA2 => (&[0][..], cut),
                // Reason Code and Property Length come first.
                0x40 | 0x50 | 0x62 | 0x70 | 0xE0 if version.is_v5() => (&[0, 0, 0][..], too_many),
                _ => (&[0][..], too_many),
            };
            for receiver in receivers {
                judge(version, *receiver, first_byte, &[&body, short].concat(), wanted);
            }
        }
    }
}
