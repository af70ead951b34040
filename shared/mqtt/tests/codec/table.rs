//! The verdicts of `verdicts/*.txt`: one packet a line, what it is, and the statement that decides.

use hearth_mqtt::{DecodeError, Framer, Packet, ProtocolVersion, Role};

use crate::support::{V5, V311, decode, framed};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What stands in the bytes of a row.
#[derive(Debug, PartialEq)]
enum Token<'a> {
    Byte(u8),
    RemainingLength,
    /// `"…"`
    Text(&'a str),
    /// `s"…"`
    Prefixed(&'a str),
    /// `{`: the length comes before, as a Variable Byte Integer.
    Open,
    /// `b[`: the length comes before, in two bytes.
    OpenShort,
    Close,
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let quoted = rest.strip_prefix("s\"").or_else(|| rest.strip_prefix('"'));
        let (token, tail) = if let Some(tail) = quoted {
            let (inside, tail) = tail.split_once('"').expect("a quote that ends");
            let token = if rest.starts_with('s') {
                Token::Prefixed(inside)
            } else {
                Token::Text(inside)
            };
            (token, tail)
        } else if let Some(tail) = rest.strip_prefix("..") {
            (Token::RemainingLength, tail)
        } else if let Some(tail) = rest.strip_prefix("b[") {
            (Token::OpenShort, tail)
        } else if let Some(tail) = rest.strip_prefix('{') {
            (Token::Open, tail)
        } else if let Some(tail) = rest.strip_prefix(['}', ']']) {
            (Token::Close, tail)
        } else {
            let (byte, tail) = rest.split_at(2);
            let byte = u8::from_str_radix(byte, 16).unwrap_or_else(|_| panic!("not a byte: {byte}"));
            (Token::Byte(byte), tail)
        };
        found.push(token);
        rest = tail.trim_start();
    }
    found
}

/// The bytes up to the closing bracket, or to the end.
fn bytes(tokens: &mut std::vec::IntoIter<Token<'_>>) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            Token::Byte(byte) => out.push(byte),
            Token::Text(text) => out.extend(text.as_bytes()),
            Token::Prefixed(text) => {
                out.extend((text.len() as u16).to_be_bytes());
                out.extend(text.as_bytes());
            }
            Token::RemainingLength => {
                let rest = bytes(tokens);
                out.extend(&framed(0, &rest)[1..]);
            }
            Token::Open => {
                let inside = bytes(tokens);
                out.extend(&framed(0, &inside)[1..]);
            }
            Token::OpenShort => {
                let inside = bytes(tokens);
                out.extend((inside.len() as u16).to_be_bytes());
                out.extend(inside);
            }
            Token::Close => return out,
        }
    }
    out
}

/// One line of a table.
struct Row<'a> {
    verdict: &'a str,
    receiver: Role,
    /// The statement that decides.
    statement: &'a str,
    wire: Vec<u8>,
    line: &'a str,
}

fn rows(table: &str) -> impl Iterator<Item = Row<'_>> {
    table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (head, tail) = line.split_once('[').expect("statements");
            let (statements, packet) = tail.split_once(']').expect("statements that end");
            let mut head = head.split_whitespace();
            Row {
                verdict: head.next().expect("a verdict"),
                receiver: match head.next() {
                    Some("client") => Role::Client,
                    Some("server") => Role::Server,
                    other => panic!("{other:?} receives nothing"),
                },
                statement: statements.split(' ').next().unwrap_or_default(),
                wire: bytes(&mut tokens(packet).into_iter()),
                line,
            }
        })
}

/// The verdict in the words of the table, and the statement that an error names.
fn verdict(result: &Result<Packet, DecodeError>) -> (&'static str, Option<&'static str>) {
    match result {
        Ok(_) => ("accept", None),
        Err(error @ DecodeError::Malformed(_)) => ("malformed", Some(error.statement())),
        Err(error @ DecodeError::Protocol(_)) => ("protocol", Some(error.statement())),
    }
}

/// As a connection reads it, byte by byte; `None` while bytes are missing.
fn decode_in_pieces(
    version: ProtocolVersion,
    receiver: Role,
    wire: &[u8],
) -> Option<Result<Packet, DecodeError>> {
    let mut framer = Framer::new(u32::MAX);
    for byte in wire {
        framer.push(vec![*byte].into());
        match framer.poll_frame() {
            Ok(None) => {}
            Ok(Some(frame)) => return Some(Packet::decode(version, receiver, frame)),
            Err(error) => return Some(Err(error.in_version(version))),
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
        if let Some(in_pieces) = decode_in_pieces(version, row.receiver, &row.wire)
            && verdict(&in_pieces) != verdict(&result)
            && !row.line.contains("a byte follows the packet")
        {
            wrong.push(format!("{}\n    in pieces is {in_pieces:?}", row.line));
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
fn verdicts_on_packets_of_3_1_1_are_those_of_the_table() {
    check_table(V311, include_str!("verdicts/v311.txt"), 120);
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
