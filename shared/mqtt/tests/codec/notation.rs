//! The notation of the verdict tables, which `v5.txt` explains.

use hearth_mqtt::Role;

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
                put_length(rest.len(), &mut out);
                out.extend(rest);
            }
            Token::Open => {
                let inside = bytes(tokens);
                put_length(inside.len(), &mut out);
                out.extend(inside);
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

/// A Variable Byte Integer.
fn put_length(mut length: usize, out: &mut Vec<u8>) {
    while length > 0x7F {
        out.push((length & 0x7F) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// One line of a table.
pub(crate) struct Row<'a> {
    pub(crate) verdict: &'a str,
    pub(crate) receiver: Role,
    /// The statement that decides.
    pub(crate) statement: &'a str,
    pub(crate) wire: Vec<u8>,
    pub(crate) line: &'a str,
}

pub(crate) fn rows(table: &str) -> impl Iterator<Item = Row<'_>> {
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
