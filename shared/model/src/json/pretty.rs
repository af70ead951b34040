//! JSON laid out in lines of coloured spans, number spelling and key order kept.

use super::{JsonError, Lexer, Token};
use crate::text::push_safe;

/// Indentation stops growing here, so that hostile nesting stays on the page.
const MAXIMUM_INDENT: usize = 64;

/// What a span of a pretty-printed line is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Brackets, commas, colons and spaces.
    Punctuation,
    /// The name of a member, quotes included.
    Key,
    /// A string value, quotes included.
    String,
    /// A number as it was spelled.
    Number,
    /// `true`, `false` or `null`.
    Word,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// For its colour.
    pub kind: SpanKind,
    /// Safe to show: control and direction characters are spelled out.
    pub text: String,
}

/// One line of pretty JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrettyLine {
    /// Levels to indent by.
    pub indent: usize,
    /// The pieces, left to right.
    pub spans: Vec<Span>,
}

/// Some lines of a pretty-printed JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrettyPage {
    /// Number of the first line given, from 0.
    pub first: usize,
    /// How many lines the whole text has.
    pub total: usize,
    /// The lines asked for.
    pub lines: Vec<PrettyLine>,
}

/// Lays out JSON and gives lines `first..first + count`; one pass over the bytes whatever is asked for.
///
/// # Errors
/// When the bytes are not JSON.
pub fn pretty(bytes: &[u8], first: usize, count: usize) -> Result<PrettyPage, JsonError> {
    let mut layout = Layout {
        first,
        end: first.saturating_add(count),
        number: 0,
        lines: Vec::new(),
    };
    let mut lexer = Lexer::new(bytes);
    let mut previous = None;
    layout.start_line(0);
    while let Some(token) = lexer.next_token()? {
        layout.token(&lexer, &token, previous.as_ref());
        previous = Some(token);
    }
    Ok(PrettyPage {
        first,
        total: layout.number + 1,
        lines: layout.lines,
    })
}

struct Layout {
    first: usize,
    end: usize,
    /// The line being written.
    number: usize,
    lines: Vec<PrettyLine>,
}

impl Layout {
    fn token(&mut self, lexer: &Lexer<'_>, token: &Token, previous: Option<&Token>) {
        let depth = lexer.depth();
        match token {
            Token::ObjectEnd | Token::ArrayEnd => {
                if !matches!(previous, Some(Token::ObjectStart | Token::ArrayStart)) {
                    self.next_line(depth);
                }
            }
            Token::ObjectStart | Token::ArrayStart => self.place(previous, depth - 1),
            Token::Key(_) | Token::String(_) | Token::Number(_) | Token::Bool(_) | Token::Null => {
                self.place(previous, depth);
            }
        }
        match token {
            Token::ObjectStart => self.span(SpanKind::Punctuation, b"{"),
            Token::ObjectEnd => self.span(SpanKind::Punctuation, b"}"),
            Token::ArrayStart => self.span(SpanKind::Punctuation, b"["),
            Token::ArrayEnd => self.span(SpanKind::Punctuation, b"]"),
            Token::Key(range) => {
                self.span(SpanKind::Key, lexer.slice(range));
                self.span(SpanKind::Punctuation, b": ");
            }
            Token::String(range) => self.span(SpanKind::String, lexer.slice(range)),
            Token::Number(range) => self.span(SpanKind::Number, lexer.slice(range)),
            Token::Bool(true) => self.span(SpanKind::Word, b"true"),
            Token::Bool(false) => self.span(SpanKind::Word, b"false"),
            Token::Null => self.span(SpanKind::Word, b"null"),
        }
    }

    /// Goes to where a member or value begins: the same line after a key, else a new one.
    fn place(&mut self, previous: Option<&Token>, depth: usize) {
        match previous {
            None | Some(Token::Key(_)) => {}
            Some(Token::ObjectStart | Token::ArrayStart) => self.next_line(depth),
            Some(_) => {
                self.span(SpanKind::Punctuation, b",");
                self.next_line(depth);
            }
        }
    }

    fn wanted(&self) -> bool {
        (self.first..self.end).contains(&self.number)
    }

    fn next_line(&mut self, depth: usize) {
        self.number += 1;
        self.start_line(depth);
    }

    fn start_line(&mut self, depth: usize) {
        if self.wanted() {
            self.lines.push(PrettyLine {
                indent: depth.min(MAXIMUM_INDENT),
                spans: Vec::new(),
            });
        }
    }

    fn span(&mut self, kind: SpanKind, bytes: &[u8]) {
        if !self.wanted() {
            return;
        }
        let Some(line) = self.lines.last_mut() else { return };
        let shown = String::from_utf8_lossy(bytes);
        match line.spans.last_mut() {
            Some(last) if last.kind == kind => push_safe(&mut last.text, &shown),
            _ => {
                let mut text = String::with_capacity(shown.len());
                push_safe(&mut text, &shown);
                line.spans.push(Span { kind, text });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(page: &PrettyPage) -> String {
        let mut out = String::new();
        for line in &page.lines {
            out.push_str(&"  ".repeat(line.indent));
            out.extend(line.spans.iter().map(|span| span.text.as_str()));
            out.push('\n');
        }
        out
    }

    #[test]
    fn layout_keeps_key_order_and_the_spelling_of_numbers() {
        let page = pretty(
            br#" {"b":1.50,"a":[1e3,{"x":null}],"e":{},"l":[],"s":"t\n"} "#,
            0,
            100,
        )
        .unwrap();
        let expected = "{\n  \"b\": 1.50,\n  \"a\": [\n    1e3,\n    {\n      \"x\": null\n    }\n  ],\n  \"e\": {},\n  \"l\": [],\n  \"s\": \"t\\n\"\n}\n";
        assert_eq!(text_of(&page), expected);
        assert_eq!(page.total, page.lines.len());
    }

    #[test]
    fn a_window_is_the_same_lines_as_the_whole() {
        let text = br#"{"a":[1,2,[3,{"b":"c"}]],"d":false}"#;
        let whole = pretty(text, 0, usize::MAX).unwrap();
        for first in 0..whole.total + 2 {
            let page = pretty(text, first, 3).unwrap();
            let end = (first + 3).min(whole.total);
            assert_eq!(page.lines, whole.lines.get(first..end).unwrap_or_default());
            assert_eq!(page.total, whole.total);
        }
    }

    #[test]
    fn direction_characters_in_strings_are_spelled_out() {
        let page = pretty("\"a\u{202e}b\"".as_bytes(), 0, 1).unwrap();
        assert_eq!(text_of(&page), "\"a⟨U+202E⟩b\"\n");
    }
}
