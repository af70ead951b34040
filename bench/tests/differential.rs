//! The same bytes to other projects' codecs: what they take for a packet, and what they understand.
//!
//! Every packet of the verdict tables goes to each peer. Where both take it, the peer writes what it understood, and
//! that has to be the same packet to us. All differences stand in `differences.txt`, each with the statement that
//! decides; with `UPDATE=1` the test writes them anew.

use std::{collections::BTreeMap, fmt::Write, fs, panic, path::Path, sync::Arc};

use bytes::{Bytes, BytesMut};
use hearth_mqtt::{Packet, Properties, ProtocolVersion, ReasonCode, Role};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

#[path = "../../shared/mqtt/tests/codec/arbitrary.rs"]
#[expect(dead_code, reason = "more is needed where the file is at home")]
mod arbitrary;
#[path = "../../shared/mqtt/tests/codec/notation.rs"]
mod notation;

const V311: &str = include_str!("../../shared/mqtt/tests/codec/verdicts/v311.txt");
const V5: &str = include_str!("../../shared/mqtt/tests/codec/verdicts/v5.txt");

/// What a peer makes of a packet: `None` when it refuses it, else what it writes for it, if it can.
type Peer = fn(&[u8]) -> Option<Option<Vec<u8>>>;

const PEERS: [(&str, ProtocolVersion, Peer); 4] = [
    ("rumqttc 0.25", ProtocolVersion::V311, rumqttc_v4),
    ("rumqttc 0.25", ProtocolVersion::V5, rumqttc_v5),
    ("mqtt-protocol-core 0.7", ProtocolVersion::V311, core_v3),
    ("mqtt-protocol-core 0.7", ProtocolVersion::V5, core_v5),
];

fn rumqttc_v4(wire: &[u8]) -> Option<Option<Vec<u8>>> {
    let mut buffer = BytesMut::from(wire);
    let packet = rumqttc::mqttbytes::v4::Packet::read(&mut buffer, 1 << 20).ok()?;
    if !buffer.is_empty() {
        return None;
    }
    let mut out = BytesMut::new();
    Some(packet.write(&mut out, 1 << 20).ok().map(|_| out.to_vec()))
}

fn rumqttc_v5(wire: &[u8]) -> Option<Option<Vec<u8>>> {
    let mut buffer = BytesMut::from(wire);
    let packet = rumqttc::v5::mqttbytes::v5::Packet::read(&mut buffer, None).ok()?;
    if !buffer.is_empty() {
        return None;
    }
    let mut out = BytesMut::new();
    Some(packet.write(&mut out, None).ok().map(|_| out.to_vec()))
}

/// First byte and body of a packet that is all of `wire`; the parsers of mqtt-protocol-core leave this to others.
fn body(wire: &[u8]) -> Option<(u8, &[u8])> {
    let (first, rest) = wire.split_first()?;
    let (mut length, mut at) = (0_usize, 0);
    loop {
        let byte = *rest.get(at)?;
        length |= usize::from(byte & 0x7F) << (7 * at);
        at += 1;
        if byte & 0x80 == 0 {
            break;
        }
        if at == 4 {
            return None;
        }
    }
    let body = rest.get(at..)?;
    (body.len() == length).then_some((*first, body))
}

macro_rules! core {
    ($name:ident, $version:ident, [$($bits:literal $kind:ident),+]) => {
        fn $name(wire: &[u8]) -> Option<Option<Vec<u8>>> {
            use mqtt_protocol_core::mqtt::packet::$version;
            let (first, body) = body(wire)?;
            match first >> 4 {
                3 => {
                    let (packet, read) = $version::Publish::parse(first & 15, Arc::from(body)).ok()?;
                    (read == body.len()).then(|| Some(packet.to_continuous_buffer()))
                }
                $($bits => {
                    let (packet, read) = $version::$kind::parse(body).ok()?;
                    (read == body.len()).then(|| Some(packet.to_continuous_buffer()))
                })+
                _ => None,
            }
        }
    };
}
core!(
    core_v3,
    v3_1_1,
    [
        1 Connect, 2 Connack, 4 Puback, 5 Pubrec, 6 Pubrel, 7 Pubcomp, 8 Subscribe, 9 Suback, 10 Unsubscribe,
        11 Unsuback, 12 Pingreq, 13 Pingresp, 14 Disconnect
    ]
);
core!(
    core_v5,
    v5_0,
    [
        1 Connect, 2 Connack, 4 Puback, 5 Pubrec, 6 Pubrel, 7 Pubcomp, 8 Subscribe, 9 Suback, 10 Unsubscribe,
        11 Unsuback, 12 Pingreq, 13 Pingresp, 14 Disconnect, 15 Auth
    ]
);

/// Properties without the order of different ones, which has no significance (5.0, section 2.2.2.2).
fn sorted(properties: &mut Properties) -> String {
    let taken = std::mem::take(properties);
    let mut all: Vec<_> = taken.iter().collect();
    all.sort_by_key(hearth_mqtt::Property::id);
    format!("{all:?}")
}

/// What a packet says, as text.
fn meaning(packet: Packet) -> String {
    let mut more = String::new();
    let rest = match packet {
        Packet::Connect(mut it) => {
            more = sorted(&mut it.properties) + &format!("{:?}", it.password);
            if let Some(will) = &mut it.will {
                more += &sorted(&mut will.properties);
            }
            format!("{it:?}")
        }
        Packet::Publish(it) => {
            let mut it = it.into_parts();
            more = sorted(&mut it.properties);
            format!("{it:?}")
        }
        Packet::Connack(mut it) => sorted(&mut it.properties) + &format!("{it:?}"),
        Packet::Subscribe(mut it) => sorted(&mut it.properties) + &format!("{it:?}"),
        Packet::Suback(mut it) => sorted(&mut it.properties) + &format!("{it:?}"),
        Packet::Unsubscribe(mut it) => sorted(&mut it.properties) + &format!("{it:?}"),
        Packet::Unsuback(mut it) => sorted(&mut it.properties) + &format!("{it:?}"),
        Packet::Disconnect(mut it) => sorted(&mut it.properties) + &format!("{it:?}"),
        Packet::Auth(mut it) => sorted(&mut it.properties) + &format!("{it:?}"),
        Packet::Puback(mut it)
        | Packet::Pubrec(mut it)
        | Packet::Pubrel(mut it)
        | Packet::Pubcomp(mut it) => sorted(&mut it.properties) + &format!("{it:?}"),
        Packet::Pingreq | Packet::Pingresp => String::new(),
    };
    rest + &more
}

fn decode(version: ProtocolVersion, receiver: Role, wire: &[u8]) -> Option<(String, String)> {
    let packet = Packet::decode_exact(version, receiver, Bytes::copy_from_slice(wire)).ok()?;
    let kind = packet.packet_type().to_string();
    Some((kind, meaning(packet)))
}

/// How the peer differs from us on one packet, if it does.
fn difference(version: ProtocolVersion, receiver: Role, wire: &[u8], peer: Peer) -> Option<&'static str> {
    let ours = decode(version, receiver, wire);
    let Ok(theirs) = panic::catch_unwind(|| peer(wire)) else {
        return Some("panics");
    };
    match (ours, theirs) {
        (None, None) => None,
        (None, Some(_)) => Some("accepts"),
        (Some(_), None) => Some("refuses"),
        (Some(_), Some(None)) => Some("cannot write"),
        (Some(ours), Some(Some(written))) => match decode(version, receiver, &written) {
            Some(theirs) if theirs == ours => None,
            Some(_) => Some("understands otherwise"),
            None => Some("writes what is no packet for"),
        },
    }
}

/// Whether the Fixed Header is at fault, at which the parsers of mqtt-protocol-core do not look: its connection does.
fn has_a_broken_header(wire: &[u8]) -> bool {
    let (Some(first), Some((_, body))) = (wire.first(), body(wire)) else {
        return false;
    };
    let flags = match first >> 4 {
        3 => first & 15,
        6 | 8 | 10 => 2,
        _ => 0,
    };
    let shortest = [0x80, 0x4000, 0x20_0000]
        .iter()
        .filter(|limit| body.len() >= **limit)
        .count();
    first & 15 != flags || wire.len() - body.len() > 2 + shortest
}

/// Codecs of clients do not look at who sends a packet, which is no question of its bytes.
fn is_about_the_direction(statement: &str) -> bool {
    matches!(statement, "MQTT5-4.13.1" | "MQTT311-4.8.0-1")
}

#[test]
fn differences_from_other_codecs_are_those_listed() {
    let mut text = String::from(
        "Where other codecs differ from ours, over the packets of the verdict tables, with the statement that decides.\n\
         Written by `UPDATE=1 cargo test` in bench/.\n",
    );
    for (name, version, peer) in PEERS {
        let table = if version.is_v5() { V5 } else { V311 };
        let mut found: BTreeMap<_, Vec<String>> = BTreeMap::new();
        let mut same = 0;
        for row in notation::rows(table) {
            if is_about_the_direction(row.statement) && row.verdict != "accept" {
                continue;
            }
            if name.starts_with("mqtt-protocol-core") && has_a_broken_header(&row.wire) {
                continue;
            }
            match difference(version, row.receiver, &row.wire, peer) {
                None => same += 1,
                Some(difference) => {
                    let (packet, what) = row.line.split_once("  # ").unwrap_or((row.line, ""));
                    let packet = packet.split_once("] ").map_or(packet, |(_, packet)| packet);
                    found.entry(difference).or_default().push(format!(
                        "[{}] {} # {what}",
                        row.statement,
                        packet.trim_end()
                    ));
                }
            }
        }
        let count: usize = found.values().map(Vec::len).sum();
        writeln!(text, "\n## {name}, MQTT {version}: {same} the same, {count} not").expect("text");
        for (difference, rows) in found {
            writeln!(text, "\n{difference}:").expect("text");
            for row in rows {
                writeln!(text, "  {row}").expect("text");
            }
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("differences.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).expect("can be written");
    }
    let listed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        listed == text,
        "differences.txt is stale: UPDATE=1 cargo test, and look at what changed"
    );
}

/// How many random packets each peer gets.
const RANDOM: usize = 1_500;

/// A difference that is known: whose, about which packets, and which statement decides.
struct Known {
    peer: &'static str,
    statement: &'static str,
    applies: fn(&Packet) -> bool,
}

const KNOWN: [Known; 7] = [
    Known {
        peer: "rumqttc 0.25",
        // The Password is Binary Data, not text.
        statement: "MQTT5-3.1.3.6",
        applies: |packet| {
            matches!(packet, Packet::Connect(it)
                if it.password.as_ref().is_some_and(|password| std::str::from_utf8(password).is_err()))
        },
    },
    Known {
        peer: "rumqttc 0.25",
        // An empty User Name is a User Name.
        statement: "MQTT5-3.1.2-17",
        applies: |packet| matches!(packet, Packet::Connect(it) if it.username.as_ref().is_some_and(|name| name.is_empty())),
    },
    Known {
        peer: "rumqttc 0.25",
        // And an empty Password is a Password.
        statement: "MQTT5-3.1.2-19",
        applies: |packet| matches!(packet, Packet::Connect(it) if it.password.as_ref().is_some_and(Bytes::is_empty)),
    },
    Known {
        peer: "rumqttc 0.25",
        // Reason Code and Property Length can be left out.
        statement: "MQTT5-3.14.2.2.1",
        applies: |packet| matches!(packet, Packet::Disconnect(it) if it.properties.is_empty()),
    },
    Known {
        peer: "rumqttc 0.25",
        // There are fifteen packet types.
        statement: "MQTT5-2.1.2",
        applies: |packet| matches!(packet, Packet::Auth(_)),
    },
    Known {
        peer: "",
        // 5.0 allows a Password without User Name.
        statement: "MQTT5-3.1.2.9",
        applies: |packet| matches!(packet, Packet::Connect(it) if it.password.is_some() && it.username.is_none()),
    },
    Known {
        peer: "",
        // In the table of all Reason Codes, not in that of DISCONNECT.
        statement: "MQTT5-2.4",
        applies: |packet| matches!(packet, Packet::Disconnect(it) if it.reason_code == ReasonCode::BAD_AUTHENTICATION_METHOD),
    },
];

#[test]
fn random_packets_mean_the_same_to_all() {
    let mut runner = TestRunner::deterministic();
    for (name, version, peer) in PEERS {
        let packets = arbitrary::packets(version);
        for _ in 0..RANDOM {
            let packet = packets.new_tree(&mut runner).expect("a packet").current();
            let mut wire = BytesMut::new();
            packet.encode(version, &mut wire).expect("can be said");
            let takes = |receiver: &Role| decode(version, *receiver, &wire).is_some();
            // DISCONNECT of neither side: a code of servers with an expiry of clients.
            let Some(receiver) = [Role::Client, Role::Server].into_iter().find(takes) else {
                continue;
            };
            let Some(difference) = difference(version, receiver, &wire, peer) else {
                continue;
            };
            let known = KNOWN
                .iter()
                .find(|known| name.starts_with(known.peer) && (known.applies)(&packet));
            assert!(
                known.is_some_and(|known| known.statement.starts_with("MQTT5-")),
                "{name} {difference}: {packet:?} {wire:02x?}"
            );
        }
    }
}
