//! The numbers and the two-state words in a payload, each with its path.

use std::ops::Range;

use super::{Lexer, Token, parse_number, unescape};
use crate::payload::{BinaryState, BinaryWord, binary_state};

/// Bounds of one scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberLimits {
    /// Containers deeper than this are skipped. Default 6.
    pub depth: usize,
    /// Numbers beyond this many are counted, not given. Default 32.
    pub fields: usize,
    /// Longer paths are skipped, in bytes. Default 256.
    pub path_bytes: usize,
}

impl Default for NumberLimits {
    fn default() -> Self {
        Self {
            depth: 6,
            fields: 32,
            path_bytes: 256,
        }
    }
}

/// A number and where it stands: `temperature`, `ENERGY.Power`, `list[2].x`; empty when the payload is the number.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberField {
    /// Members joined by dots, places in lists in brackets.
    pub path: String,
    /// The number.
    pub number: f64,
}

/// A number or a state that a payload says.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'a> {
    /// As [`NumberField::path`].
    pub path: &'a [u8],
    /// The number; of a state 1 (on, open, …) or 0.
    pub number: f64,
    /// The pair of words of a state.
    pub word: Option<BinaryWord>,
    /// Where it is spelled, in bytes of the payload, quotes included. A payload that is no JSON is all of it, with its white space.
    pub text: Range<usize>,
}

/// Finds numbers again and again without allocating; one per store.
#[derive(Clone, Debug, Default)]
pub struct NumberScan {
    path: Vec<u8>,
    /// Per open container: length of the path when it was opened, and the next place in it if it is a list.
    frames: Vec<Frame>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    path_len: usize,
    place: Option<u32>,
}

impl NumberScan {
    /// Calls `found` with every finite number and every state, in order; `false` when the payload is none of these and
    /// no JSON (then what was found before the fault must be thrown away).
    pub fn scan(&mut self, payload: &[u8], limits: &NumberLimits, mut found: impl FnMut(Found<'_>)) -> bool {
        let start = payload.trim_ascii_start();
        match start.first() {
            Some(b'{' | b'[') => self.scan_json(payload, limits, &mut found),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => {
                let number = parse_number(payload);
                if let Some(number) = number {
                    found(Found {
                        path: b"",
                        number,
                        word: None,
                        text: 0..payload.len(),
                    });
                }
                number.is_some()
            }
            Some(b'a'..=b'z' | b'A'..=b'Z') => {
                let state = state(payload.trim_ascii());
                if let Some(BinaryState { word, on }) = state {
                    found(Found {
                        path: b"",
                        number: f64::from(u8::from(on)),
                        word: Some(word),
                        text: 0..payload.len(),
                    });
                }
                state.is_some()
            }
            _ => false,
        }
    }

    fn scan_json(
        &mut self,
        payload: &[u8],
        limits: &NumberLimits,
        found: &mut impl FnMut(Found<'_>),
    ) -> bool {
        self.path.clear();
        self.frames.clear();
        let mut lexer = Lexer::new(payload);
        loop {
            let token = match lexer.next_token() {
                Ok(Some(token)) => token,
                Ok(None) => return true,
                Err(_) => return false,
            };
            // Below the depth limit the grammar is still checked, but no path is kept.
            let followed = lexer.depth() <= limits.depth;
            match token {
                Token::Key(range) => {
                    if followed {
                        self.enter_member(lexer.slice(&range));
                    }
                    continue;
                }
                Token::Number(range) if followed => {
                    self.enter_place();
                    if self.path.len() <= limits.path_bytes
                        && let Some(number) = parse_number(lexer.slice(&range))
                    {
                        found(Found {
                            path: &self.path,
                            number,
                            word: None,
                            text: range,
                        });
                    }
                }
                Token::String(range) if followed => {
                    self.enter_place();
                    let quoted = lexer.slice(&range);
                    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
                    if self.path.len() <= limits.path_bytes
                        && let Some(BinaryState { word, on }) = state(inner)
                    {
                        found(Found {
                            path: &self.path,
                            number: f64::from(u8::from(on)),
                            word: Some(word),
                            text: range,
                        });
                    }
                }
                Token::Bool(on) if followed => {
                    self.enter_place();
                    if self.path.len() <= limits.path_bytes {
                        let spelled = if on { "true" } else { "false" };
                        found(Found {
                            path: &self.path,
                            number: f64::from(u8::from(on)),
                            word: Some(BinaryWord::TrueFalse),
                            text: lexer.at - spelled.len()..lexer.at,
                        });
                    }
                }
                Token::ObjectStart | Token::ArrayStart if followed => {
                    self.enter_place();
                    let place = (token == Token::ArrayStart).then_some(0);
                    self.frames.push(Frame {
                        path_len: self.path.len(),
                        place,
                    });
                    continue;
                }
                Token::ObjectEnd | Token::ArrayEnd if lexer.depth() < limits.depth => {
                    self.frames.pop();
                }
                _ if followed => self.skip_place(),
                _ => {}
            }
            self.leave();
        }
    }

    fn enter_member(&mut self, quoted: &[u8]) {
        let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        let plain = !inner.is_empty()
            && !inner
                .iter()
                .any(|byte| matches!(byte, b'\\' | b'.' | b'[' | b']'));
        if plain {
            if !self.path.is_empty() {
                self.path.push(b'.');
            }
            self.path.extend_from_slice(inner);
            return;
        }
        // A key that would read like a path is quoted, so that two fields never share a name.
        self.path.extend_from_slice(b"[\"");
        self.path.extend_from_slice(unescape(quoted).as_bytes());
        self.path.extend_from_slice(b"\"]");
    }

    fn enter_place(&mut self) {
        if let Some(Frame {
            place: Some(place), ..
        }) = self.frames.last_mut()
        {
            let mut digits = [0_u8; 12];
            let text = write_place(*place, &mut digits);
            *place = place.saturating_add(1);
            self.path.extend_from_slice(text);
        }
    }

    fn skip_place(&mut self) {
        if let Some(Frame {
            place: Some(place), ..
        }) = self.frames.last_mut()
        {
            *place = place.saturating_add(1);
        }
    }

    fn leave(&mut self) {
        let back_to = self.frames.last().map_or(0, |frame| frame.path_len);
        self.path.truncate(back_to);
    }
}

/// A state in words; a digit in quotes is no word.
fn state(text: &[u8]) -> Option<BinaryState> {
    let first = text.first().filter(|byte| byte.is_ascii_alphabetic());
    first?;
    binary_state(std::str::from_utf8(text).ok()?)
}

/// The path of a member below other members, as [`NumberField::path`] spells it.
#[must_use]
pub fn member_path<'a>(members: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for member in members {
        if member.is_empty() || member.contains(['\\', '.', '[', ']']) {
            out.push_str("[\"");
            out.push_str(member);
            out.push_str("\"]");
            continue;
        }
        if !out.is_empty() {
            out.push('.');
        }
        out.push_str(member);
    }
    out
}

fn write_place(place: u32, digits: &mut [u8; 12]) -> &[u8] {
    use std::io::Write as _;
    let capacity = digits.len();
    let mut rest = digits.as_mut_slice();
    // Twelve bytes hold the brackets and ten digits.
    let _ = write!(rest, "[{place}]");
    let written = capacity - rest.len();
    digits.get(..written).unwrap_or_default()
}

/// The numbers of a payload with their paths, at most `limits.fields`; empty when there are none.
#[must_use]
pub fn numbers(payload: &[u8], limits: &NumberLimits) -> Vec<NumberField> {
    let mut fields = Vec::new();
    let whole = NumberScan::default().scan(payload, limits, |found| {
        if found.word.is_none()
            && fields.len() < limits.fields
            && let Ok(path) = std::str::from_utf8(found.path)
        {
            fields.push(NumberField {
                path: path.to_owned(),
                number: found.number,
            });
        }
    });
    if whole { fields } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(payload: &str, expected: &[(&str, f64)]) {
        let found = numbers(payload.as_bytes(), &NumberLimits::default());
        let found: Vec<_> = found
            .iter()
            .map(|field| (field.path.as_str(), field.number))
            .collect();
        assert_eq!(found, expected, "{payload}");
    }

    #[test]
    fn numbers_are_found_with_their_paths() {
        check("21.5", &[("", 21.5)]);
        check(
            r#"{"temperature":21.3,"state":"ON","battery":87}"#,
            &[("temperature", 21.3), ("battery", 87.0)],
        );
        check(
            r#"{"Time":"x","ENERGY":{"Power":86,"Total":12.3},"v":1}"#,
            &[("ENERGY.Power", 86.0), ("ENERGY.Total", 12.3), ("v", 1.0)],
        );
        check(
            r#"{"a":[1,"x",{"b":2},[3],4]}"#,
            &[("a[0]", 1.0), ("a[2].b", 2.0), ("a[3][0]", 3.0), ("a[4]", 4.0)],
        );
        check(
            r#"{"a.b":1,"":2,"\u00e9.x":3}"#,
            &[("[\"a.b\"]", 1.0), ("[\"\"]", 2.0), ("[\"é.x\"]", 3.0)],
        );
        check("[]", &[]);
        check("ON", &[]);
        check("", &[]);
    }

    #[test]
    fn states_are_found_with_their_words() {
        let check = |payload: &str, expected: &[(&str, f64, BinaryWord)]| {
            let mut states = Vec::new();
            NumberScan::default().scan(payload.as_bytes(), &NumberLimits::default(), |found| {
                let path = String::from_utf8_lossy(found.path).into_owned();
                states.extend(found.word.map(|word| (path, found.number, word)));
            });
            let states: Vec<_> = states
                .iter()
                .map(|(path, number, word)| (path.as_str(), *number, *word))
                .collect();
            assert_eq!(states, expected, "{payload}");
        };
        check("ON", &[("", 1.0, BinaryWord::OnOff)]);
        check(" closed\n", &[("", 0.0, BinaryWord::OpenClosed)]);
        check(
            r#"{"state":"OFF","contact":false,"list":["x",true,1]}"#,
            &[
                ("state", 0.0, BinaryWord::OnOff),
                ("contact", 0.0, BinaryWord::TrueFalse),
                ("list[1]", 1.0, BinaryWord::TrueFalse),
            ],
        );
        check(r#"{"update":{"state":"idle"},"n":"1","null":null}"#, &[]);
        check("1", &[]);
    }

    #[test]
    fn what_is_found_stands_where_it_says() {
        let payload = br#" {"a":1.50,"list":[true,"ON",{"b":false}]} "#;
        let mut texts = Vec::new();
        NumberScan::default().scan(payload, &NumberLimits::default(), |found| {
            texts.push(String::from_utf8_lossy(&payload[found.text]).into_owned());
        });
        assert_eq!(texts, ["1.50", "true", "\"ON\"", "false"]);
    }

    #[test]
    fn broken_payloads_give_nothing() {
        for payload in [r#"{"a":1,"b":"#, r#"{"a":1}x"#, "[1,2", "1 2", r#"{"a":1e}"#] {
            check(payload, &[]);
        }
    }

    #[test]
    fn numbers_too_large_for_a_chart_are_skipped() {
        check(r#"{"a":1e999,"b":2}"#, &[("b", 2.0)]);
    }

    #[test]
    fn what_is_too_deep_is_skipped_and_what_follows_is_not() {
        let limits = NumberLimits {
            depth: 2,
            ..NumberLimits::default()
        };
        let found = numbers(
            br#"{"a":{"b":1,"c":{"d":2,"e":[3]},"f":4},"g":[5,[6,[7]],8]}"#,
            &limits,
        );
        let paths: Vec<_> = found.iter().map(|field| field.path.as_str()).collect();
        assert_eq!(paths, ["a.b", "a.f", "g[0]", "g[2]"]);
    }

    #[test]
    fn huge_keys_and_many_fields_are_bounded() {
        let huge = format!(r#"{{"{}":1,"b":2}}"#, "k".repeat(100_000));
        check(&huge, &[("b", 2.0)]);
        let many = format!("[{}]", vec!["1"; 1000].join(","));
        assert_eq!(numbers(many.as_bytes(), &NumberLimits::default()).len(), 32);
    }
}
