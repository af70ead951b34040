//! The verdicts of `verdicts/*.txt`: one packet a line, what it is, and the statement that decides.

use hearth_mqtt::{DecodeError, Framer, Packet, ProtocolVersion, Role};

use crate::{
    notation::rows,
    support::{V5, V311, decode},
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The verdict in the words of the table, and the statement that an error names.
pub(crate) fn verdict(result: &Result<Packet, DecodeError>) -> (&'static str, Option<&'static str>) {
    match result {
        Ok(_) => ("accept", None),
        Err(error @ DecodeError::Malformed(_)) => ("malformed", Some(error.statement())),
        Err(error @ DecodeError::Protocol(_)) => ("protocol", Some(error.statement())),
    }
}

/// As a connection reads it, so many bytes at a time; `None` while bytes are missing.
fn decode_in_pieces(
    version: ProtocolVersion,
    receiver: Role,
    wire: &[u8],
    piece: usize,
) -> Option<Result<Packet, DecodeError>> {
    let mut framer = Framer::new(u32::MAX);
    for bytes in wire.chunks(piece) {
        framer.push(bytes.to_vec().into());
        if let Some(decoded) = framer.poll_packet(version, receiver).transpose() {
            return Some(decoded);
        }
    }
    None
}

fn check_table(version: ProtocolVersion, table: &str, at_least: usize) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in rows(table) {
        count += 1;
        let result = decode(version, row.receiver, &row.wire.clone().into());
        let (found, statement) = verdict(&result);
        if found != row.verdict || statement.is_some_and(|found| found != row.statement) {
            wrong.push(format!("{}\n    is {found} {statement:?}: {result:?}", row.line));
        }
        for piece in [1, 3, usize::MAX] {
            if let Some(in_pieces) = decode_in_pieces(version, row.receiver, &row.wire, piece)
                && verdict(&in_pieces) != verdict(&result)
                && !row.line.contains("a byte follows the packet")
            {
                wrong.push(format!("{}\n    in pieces of {piece} is {in_pieces:?}", row.line));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} rows are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= at_least, "{count} rows are left");
}

#[test]
fn verdicts_on_packets_of_5_are_those_of_the_table() {
    check_table(V5, include_str!("verdicts/v5.txt"), 400);
}

#[test]
fn verdicts_on_properties_are_those_of_the_table() {
    check_table(V5, include_str!("verdicts/v5_properties.txt"), 700);
}

#[test]
fn verdicts_on_strings_are_those_of_the_table() {
    check_table(V5, include_str!("verdicts/v5_strings.txt"), 250);
}

#[test]
fn verdicts_on_packets_of_3_1_1_are_those_of_the_table() {
    check_table(V311, include_str!("verdicts/v311.txt"), 120);
}

#[test]
fn verdicts_on_strings_of_3_1_1_are_those_of_the_table() {
    check_table(V311, include_str!("verdicts/v311_strings.txt"), 250);
}

#[test]
fn the_table_s_notation_gives_these_bytes() {
    let row = rows("accept client [MQTT5-2.1.4] 30 .. s\"a#\" {26 b[01] \"x\"} ff # why")
        .next()
        .expect("a row");
    assert_eq!(
        row.wire,
        [0x30, 11, 0, 2, b'a', b'#', 5, 0x26, 0, 1, 1, b'x', 0xff]
    );
}
