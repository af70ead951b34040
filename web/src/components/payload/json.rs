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

/// Where a piece of the lines is in the document, as JSONPath writes it (RFC 9535): `$.update['a b'][0]`.
pub(crate) fn path_at(lines: &[String], line: usize, piece: usize) -> String {
    let mut place = Place::default();
    for (number, text) in lines.iter().enumerate().take(line + 1) {
        let until = if number == line { piece + 1 } else { usize::MAX };
        for (ink, piece) in pieces(text).into_iter().take(until) {
            place.pass(ink, piece);
        }
    }
    place.levels.iter().fold("$".to_owned(), |mut path, level| {
        match level {
            Level::Object(name) if is_plain(name) => {
                path.push('.');
                path.push_str(name);
            }
            Level::Object(name) => {
                let name = name.replace('\\', "\\\\").replace('\'', "\\'");
                path.push_str(&format!("['{name}']"));
            }
            Level::List(index) => path.push_str(&format!("[{index}]")),
        }
        path
    })
}

/// What JSONPath takes without quotes.
fn is_plain(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[derive(Debug)]
enum Level {
    Object(String),
    List(usize),
}

/// The containers around a place, each with where in it.
#[derive(Debug, Default)]
struct Place {
    levels: Vec<Level>,
}

impl Place {
    fn pass(&mut self, ink: Ink, piece: &str) {
        if ink == Ink::Key {
            if let Some(Level::Object(name)) = self.levels.last_mut() {
                *name = json::unescape(piece.as_bytes());
            }
        } else if ink == Ink::Punctuation {
            for c in piece.chars() {
                match (c, self.levels.last_mut()) {
                    ('{', _) => self.levels.push(Level::Object(String::new())),
                    ('[', _) => self.levels.push(Level::List(0)),
                    ('}' | ']', _) => drop(self.levels.pop()),
                    (',', Some(Level::List(index))) => *index += 1,
                    _ => {}
                }
            }
        }
    }
}

/// Whether a path can be copied here: at a name, or at a value of a list.
pub(crate) fn has_path(line: &str, at: usize, ink: Ink) -> bool {
    let is_value = matches!(ink, Ink::Text | Ink::Number);
    ink == Ink::Key
        || is_value && {
            let before = pieces(line).into_iter().take(at).next_back();
            before.is_none_or(|(_, text)| !text.ends_with(": ") && text != ":")
        }
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
    fn every_name_and_every_value_of_a_list_has_its_path() {
        let json = r#"{"a":1,"up date":{"state":"idle","list":[1,{"x":null,"y":[true,"]{,"]}]},"it's":{"b":{"2c":[[],{}]}},"":7}"#;
        let lines = pretty(json.as_bytes()).unwrap();
        let mut paths = vec![];
        for (line, text) in lines.iter().enumerate() {
            for (piece, (ink, _)) in pieces(text).into_iter().enumerate() {
                if has_path(text, piece, ink) {
                    paths.push(path_at(&lines, line, piece));
                }
            }
        }
        let expected = [
            "$.a",
            "$['up date']",
            "$['up date'].state",
            "$['up date'].list",
            "$['up date'].list[0]",
            "$['up date'].list[1].x",
            "$['up date'].list[1].y",
            "$['up date'].list[1].y[0]",
            "$['up date'].list[1].y[1]",
            r"$['it\'s']",
            r"$['it\'s'].b",
            r"$['it\'s'].b['2c']",
            "$['']",
        ];
        assert_eq!(paths, expected, "{lines:#?}");
        assert_eq!(path_at(&["42".to_owned()], 0, 0), "$");
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
