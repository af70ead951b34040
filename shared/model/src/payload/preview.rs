//! A payload in a few words, for a row of the tree.

use super::{detect, image_format};
use crate::format::format_bytes;
use crate::json::{Lexer, Token, unescape};
use crate::payload::PayloadKind;
use crate::text::{push_short, safe_short};

/// A payload is looked at this far, in bytes; more never fits a row.
const LOOK_BYTES: usize = 64 * 1024;

/// One line for a payload: `22.2`, `temperature: 22.2, humidity: 47.1`, `list of 41`, `empty`, `JPEG image, 48.2 kB`.
///
/// `payload_len` is the length before the store cut it. The line has about `limit` characters at most, each safe to
/// show.
#[must_use]
pub fn preview(payload: &[u8], payload_len: usize, limit: usize) -> String {
    if payload.is_empty() {
        return "empty".to_owned();
    }
    if let Some(format) = image_format(payload) {
        return format!("{} image, {}", format.name(), format_bytes(payload_len as u64));
    }
    match payload.trim_ascii_start().first() {
        Some(b'{') => {
            if let Some(line) = object_line(payload, limit) {
                return line;
            }
        }
        Some(b'[') => {
            if let Some(line) = list_line(payload) {
                return line;
            }
        }
        _ => {}
    }
    // A long text needs no look at its end, but a character may be split there.
    let head = payload
        .get(..LOOK_BYTES.min(limit.saturating_mul(4) + 4))
        .unwrap_or(payload);
    let whole = head.len() == payload.len();
    if whole && detect(payload) == PayloadKind::Binary {
        return binary_line(payload_len);
    }
    match std::str::from_utf8(head) {
        Ok(text) => safe_short(text.trim(), limit),
        Err(error) if !whole && error.valid_up_to() + 4 > head.len() => {
            let valid = head.get(..error.valid_up_to()).unwrap_or_default();
            safe_short(std::str::from_utf8(valid).unwrap_or_default().trim(), limit)
        }
        Err(_) => binary_line(payload_len),
    }
}

fn binary_line(payload_len: usize) -> String {
    format!("binary, {}", format_bytes(payload_len as u64))
}

/// The members of an object as `key: value, …`; `None` when it does not begin like JSON.
fn object_line(payload: &[u8], limit: usize) -> Option<String> {
    let mut lexer = Lexer::new(payload);
    lexer.next_token().ok()?;
    let mut out = String::new();
    loop {
        if out.chars().count() >= limit {
            return Some(safe_end(out, limit));
        }
        match lexer.next_token().ok()?? {
            Token::Key(range) => {
                if !out.is_empty() {
                    out.push_str(", ");
                }
                push_short(&mut out, &unescape(lexer.slice(&range)), limit);
                out.push_str(": ");
            }
            Token::String(range) => {
                let quoted = lexer.slice(&range);
                let head = quoted.get(..limit.saturating_mul(6)).unwrap_or(quoted);
                push_short(&mut out, &unescape(head), limit);
            }
            Token::Number(range) => {
                push_short(&mut out, &String::from_utf8_lossy(lexer.slice(&range)), 40);
            }
            Token::Bool(value) => out.push_str(if value { "true" } else { "false" }),
            Token::Null => out.push_str("null"),
            Token::ObjectStart => {
                skip_container(&mut lexer)?;
                out.push_str("{…}");
            }
            Token::ArrayStart => {
                let count = skip_container(&mut lexer)?;
                out.push_str(&format!("list of {count}"));
            }
            Token::ObjectEnd | Token::ArrayEnd => {
                let empty = out.is_empty();
                return Some(if empty {
                    "{}".to_owned()
                } else {
                    safe_end(out, limit)
                });
            }
        }
    }
}

fn list_line(payload: &[u8]) -> Option<String> {
    let mut lexer = Lexer::new(payload);
    lexer.next_token().ok()?;
    let count = skip_container(&mut lexer)?;
    Some(format!("list of {count}"))
}

/// Reads to the end of the container that was just opened and counts its values; keys count for an object.
fn skip_container(lexer: &mut Lexer<'_>) -> Option<usize> {
    let depth = lexer.depth();
    let mut count = 0;
    loop {
        let token = lexer.next_token().ok()??;
        let now = lexer.depth();
        match token {
            Token::ObjectEnd | Token::ArrayEnd if now < depth => return Some(count),
            Token::ObjectEnd | Token::ArrayEnd | Token::Key(_) => {}
            Token::ObjectStart | Token::ArrayStart => count += usize::from(now == depth + 1),
            Token::String(_) | Token::Number(_) | Token::Bool(_) | Token::Null => {
                count += usize::from(now == depth);
            }
        }
    }
}

fn safe_end(out: String, limit: usize) -> String {
    if out.chars().nth(limit).is_none() {
        return out;
    }
    out.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_in_a_few_words() {
        for (payload, line) in [
            (&b""[..], "empty"),
            (b"2184.17", "2184.17"),
            (b"  on\n", "on"),
            (
                br#"{"temperature":22.2,"humidity":47.10}"#,
                "temperature: 22.2, humidity: 47.10",
            ),
            (br#"{"state":"online"}"#, "state: online"),
            (
                br#"{"a":{"b":[1]},"l":[1,[2,3],{}],"n":null}"#,
                "a: {…}, l: list of 3, n: null",
            ),
            (b"{}", "{}"),
            (b"[1,2,3]", "list of 3"),
            (b"[[1,2],[3]]", "list of 2"),
            (b"[1,2", "[1,2"),
            (b"\xff\xd8\xff\xe0", "JPEG image, 4 B"),
            (b"\x00\x01\x02", "binary, 3 B"),
            ("a\u{202e}b".as_bytes(), "a⟨U+202E⟩b"),
        ] {
            assert_eq!(preview(payload, payload.len(), 60), line, "{payload:?}");
        }
    }

    #[test]
    fn long_payloads_end_in_an_ellipsis() {
        let object = format!(r#"{{"first":"{}","second":2}}"#, "x".repeat(1000));
        let line = preview(object.as_bytes(), object.len(), 30);
        assert!(
            line.starts_with("first: xxx") && line.ends_with('…') && line.chars().count() == 30,
            "{line}"
        );
        let korean = "가".repeat(100_000);
        assert_eq!(preview(korean.as_bytes(), korean.len(), 5), "가가가가…");
    }
}
