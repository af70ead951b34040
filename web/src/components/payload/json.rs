//! JSON for reading: indented, numbers and order as they were sent. Pure.

use hearth_model::json::{self, JsonError};

/// A container without others inside that fits into so many characters stays on one line.
const INLINE: usize = 60;

/// The payload indented, one entry a line; `None` if it is not JSON.
pub(crate) fn pretty(payload: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(payload).ok()?;
    json::check(payload).ok()?;
    let mut out = Printer {
        lines: Vec::new(),
        line: String::new(),
        depth: 0,
    };
    out.print(text);
    Some(out.lines)
}

/// Whether a text is JSON; the reason and place if not.
pub(crate) fn check(text: &str) -> Result<(), String> {
    json::check(text.as_bytes()).map_err(|error| {
        let before = text.get(..error.at()).unwrap_or(text);
        let (line, column) = (
            before.matches('\n').count() + 1,
            before.chars().rev().take_while(|c| *c != '\n').count() + 1,
        );
        match error {
            JsonError::Truncated { .. } => "it ends in the middle".to_owned(),
            JsonError::Unexpected { .. } => format!("character {column} of line {line} cannot stand there"),
            JsonError::TooDeep { .. } => format!("it is nested too deeply from line {line} on"),
        }
    })
}

struct Printer {
    lines: Vec<String>,
    line: String,
    depth: usize,
}

impl Printer {
    /// `text` is known to be valid JSON.
    fn print(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let len = self.token(rest, c).max(1);
            rest = rest.split_at_checked(len).map_or("", |(_, after)| after);
        }
        self.next_line();
    }

    /// Prints the token at the start of `rest`; how long it is.
    fn token(&mut self, rest: &str, c: char) -> usize {
        match c {
            '{' | '[' => match inline(rest).filter(|_| self.depth > 0) {
                Some((compact, len)) => {
                    self.line.push_str(&compact);
                    len
                }
                None => self.open(rest, c),
            },
            '}' | ']' => {
                self.depth = self.depth.saturating_sub(1);
                self.next_line();
                self.line.push(c);
                1
            }
            ',' => {
                self.line.push(c);
                self.next_line();
                1
            }
            ':' => {
                self.line.push_str(": ");
                1
            }
            c if c.is_ascii_whitespace() => 1,
            _ => {
                let len = if c == '"' {
                    string_len(rest)
                } else {
                    literal_len(rest)
                };
                self.line.push_str(rest.get(..len).unwrap_or_default());
                len
            }
        }
    }

    fn open(&mut self, rest: &str, c: char) -> usize {
        self.line.push(c);
        let inner = rest.get(1..).unwrap_or_default();
        let close = if c == '{' { '}' } else { ']' };
        if inner.trim_start().starts_with(close) {
            self.line.push(close);
            return 2 + inner.len() - inner.trim_start().len();
        }
        self.depth += 1;
        self.next_line();
        1
    }

    fn next_line(&mut self) {
        let line = std::mem::replace(&mut self.line, "  ".repeat(self.depth));
        if !line.trim().is_empty() {
            self.lines.push(line);
        }
    }
}

fn string_len(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    rest.len()
}

fn literal_len(rest: &str) -> usize {
    rest.find(|c: char| matches!(c, ',' | ']' | '}' | ':') || c.is_ascii_whitespace())
        .unwrap_or(rest.len())
}

/// `{ "a": 1, "b": 2 }` and its length in `rest`, if it is short and flat.
fn inline(rest: &str) -> Option<(String, usize)> {
    let mut compact = String::from(rest.chars().next()?);
    let mut at = 1;
    while compact.len() <= INLINE {
        let tail = rest.get(at..)?;
        let c = tail.chars().next()?;
        let len = match c {
            '{' | '[' => return None,
            '}' | ']' => {
                let blank = if compact.len() > 1 { " " } else { "" };
                return Some((format!("{compact}{blank}{c}"), at + 1));
            }
            ',' | ':' => {
                compact.push(c);
                1
            }
            c if c.is_ascii_whitespace() => 1,
            _ => {
                let len = if c == '"' {
                    string_len(tail)
                } else {
                    literal_len(tail)
                };
                compact.push(' ');
                compact.push_str(tail.get(..len)?);
                len
            }
        };
        at += len.max(1);
    }
    None
}

/// How a piece of a line is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Key,
    Text,
    Number,
    Punctuation,
}

/// The pieces of a line made by [`pretty`].
pub(crate) fn pieces(line: &str) -> Vec<(Ink, &str)> {
    const MARKS: [char; 7] = [' ', '{', '}', '[', ']', ',', ':'];
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let (ink, len) = match c {
            '"' => {
                let len = string_len(rest);
                let is_key = rest.get(len..).is_some_and(|after| after.starts_with(':'));
                (if is_key { Ink::Key } else { Ink::Text }, len)
            }
            c if MARKS.contains(&c) => (
                Ink::Punctuation,
                rest.find(|c: char| !MARKS.contains(&c)).unwrap_or(rest.len()),
            ),
            _ => (Ink::Number, literal_len(rest)),
        };
        let (piece, after) = rest.split_at_checked(len.max(c.len_utf8())).unwrap_or((rest, ""));
        pieces.push((ink, piece));
        rest = after;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, lines: &[&str]) {
        assert_eq!(pretty(json.as_bytes()).unwrap(), lines, "{json}");
    }

    #[test]
    fn objects_are_indented_and_numbers_stay_as_sent() {
        check(
            r#"{"a":1.50,"b":[1,2],"c":{"d":1e400}}"#,
            &[
                "{",
                r#"  "a": 1.50,"#,
                r#"  "b": [ 1, 2 ],"#,
                r#"  "c": { "d": 1e400 }"#,
                "}",
            ],
        );
    }

    #[test]
    fn long_or_nested_containers_are_opened() {
        check(
            r#"{"a":{"b":{"c":1}},"e":[],"f": { }}"#,
            &[
                "{",
                r#"  "a": {"#,
                r#"    "b": { "c": 1 }"#,
                "  },",
                r#"  "e": [],"#,
                r#"  "f": {}"#,
                "}",
            ],
        );
    }

    #[test]
    fn scalars_and_strings_with_marks_inside_are_left_alone() {
        check("42", &["42"]);
        check(r#""a, {b}: \" c""#, &[r#""a, {b}: \" c""#]);
        check("[]", &["[]"]);
        check("[[]]", &["[", "  []", "]"]);
    }

    #[test]
    fn what_is_not_json_is_not_printed() {
        for text in ["", "on", "{\"a\":}", "1 2"] {
            assert_eq!(pretty(text.as_bytes()), None, "{text}");
        }
        assert_eq!(pretty(&[0xff, 0xfe]), None);
        assert_eq!(pretty("[".repeat(100_000).as_bytes()), None, "depth is limited");
    }

    #[test]
    fn reading_the_lines_again_gives_the_same_value() {
        let json = r#"{"k":"v","list":[1,{"x":null,"y":[true,false,"ü😀\\"]},-0.5],"deep":{"a":{"b":{"c":[[],{}]}}}}"#;
        let lines = pretty(json.as_bytes()).unwrap();
        let again: serde_json::Value = serde_json::from_str(&lines.join("\n")).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(json).unwrap());
    }

    #[test]
    fn pieces_make_the_line_again() {
        let line = r#"  "update": { "state": "idle", "n": -4105, "ok": true },"#;
        let pieces = pieces(line);
        assert_eq!(pieces.iter().map(|(_, text)| *text).collect::<String>(), line);
        assert_eq!(pieces.iter().filter(|(ink, _)| *ink == Ink::Key).count(), 4);
        assert_eq!(pieces.iter().filter(|(ink, _)| *ink == Ink::Number).count(), 2);
    }
}
