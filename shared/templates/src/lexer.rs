//! The text of a template → tokens, as Jinja2 cuts it.

use crate::error::{Error, Result};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind<'s> {
    /// Text that is written as it is.
    Text(&'s str),
    /// `{{`
    Print,
    /// `{%`
    Block,
    /// `}}` or `%}`
    End,
    Name(&'s str),
    Str(String),
    Int(i64),
    Float(f64),
    Op(&'static str),
}

#[derive(Debug, Clone)]
pub(crate) struct Token<'s> {
    pub(crate) kind: Kind<'s>,
    pub(crate) line: u32,
}

/// Longest first.
const OPERATORS: [&str; 26] = [
    "//", "**", "==", "!=", "<=", ">=", "+", "-", "/", "*", "%", "~", "<", ">", "=", ".", ":", "|", ",", ";",
    "(", ")", "[", "]", "{", "}",
];

struct Lexer<'s> {
    rest: &'s str,
    line: u32,
    tokens: Vec<Token<'s>>,
    /// The next text loses the white space at its beginning, because a tag ended with `-`.
    trim_next: bool,
}

pub(crate) fn tokens(source: &str) -> Result<Vec<Token<'_>>> {
    let source = source
        .strip_suffix('\n')
        .map_or(source, |source| source.strip_suffix('\r').unwrap_or(source));
    let mut lexer = Lexer {
        rest: source,
        line: 1,
        tokens: Vec::new(),
        trim_next: false,
    };
    while !lexer.rest.is_empty() {
        lexer.template()?;
    }
    Ok(lexer.tokens)
}

impl<'s> Lexer<'s> {
    fn error<T>(&self, what: impl Into<String>) -> Result<T> {
        Err(Error::Syntax {
            line: self.line,
            what: what.into(),
        })
    }

    fn push(&mut self, kind: Kind<'s>) {
        self.tokens.push(Token {
            kind,
            line: self.line,
        });
    }

    /// Goes on behind so many bytes, which are returned.
    fn take(&mut self, bytes: usize) -> &'s str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.line += taken.bytes().filter(|byte| *byte == b'\n').count() as u32;
        taken
    }

    /// Text up to the next tag, and the tag.
    fn template(&mut self) -> Result<()> {
        let Some(at) = tag_at(self.rest) else {
            let text = self.take(self.rest.len());
            self.text(text, false);
            return Ok(());
        };
        let text = self.take(at);
        let tag = self.take(2);
        let trim = self.rest.starts_with('-');
        self.text(text, trim);
        if trim || self.rest.starts_with('+') {
            self.take(1);
        }
        match tag {
            "{#" => self.comment(),
            "{{" => {
                self.push(Kind::Print);
                self.expression("}}")
            }
            _ => {
                if let Some(raw) = raw_end(self.rest, "raw") {
                    return self.raw(raw);
                }
                self.push(Kind::Block);
                self.expression("%}")
            }
        }
    }

    fn text(&mut self, text: &'s str, trim_end: bool) {
        let text = if std::mem::take(&mut self.trim_next) {
            text.trim_start()
        } else {
            text
        };
        let text = if trim_end { text.trim_end() } else { text };
        if !text.is_empty() {
            self.push(Kind::Text(text));
        }
    }

    fn comment(&mut self) -> Result<()> {
        let Some(end) = self.rest.find("#}") else {
            return self.error("a comment has no end");
        };
        let comment = self.take(end);
        self.take(2);
        self.trim_next = comment.ends_with('-');
        Ok(())
    }

    /// `{% raw %}…{% endraw %}`; `tag` are the bytes of the rest of the first tag.
    fn raw(&mut self, tag: usize) -> Result<()> {
        let opened = self.take(tag);
        self.trim_next = opened.ends_with("-%}");
        let mut from = 0;
        while let Some(at) = self.rest.get(from..).and_then(|rest| rest.find("{%")) {
            let (body, tag) = self.rest.split_at_checked(from + at).unwrap_or((self.rest, ""));
            let tag = tag.get(2..).unwrap_or_default();
            let inner = tag.strip_prefix(['-', '+']).unwrap_or(tag);
            if let Some(bytes) = raw_end(inner, "endraw") {
                let (len, sign) = (body.len(), tag.len() - inner.len());
                let text = self.take(len);
                self.text(text, tag.starts_with('-'));
                let closed = self.take(2 + sign + bytes);
                self.trim_next = closed.ends_with("-%}");
                return Ok(());
            }
            from += at + 2;
        }
        self.error("`{% raw %}` has no end")
    }

    /// Tokens up to the end of the tag.
    fn expression(&mut self, end: &str) -> Result<()> {
        let mut open: Vec<&'static str> = Vec::new();
        loop {
            let trimmed = self.rest.trim_start();
            self.take(self.rest.len() - trimmed.len());
            if open.is_empty() {
                let trim = self.rest.starts_with('-');
                let sign = usize::from(trim || self.rest.starts_with('+'));
                if self.rest.get(sign..).is_some_and(|rest| rest.starts_with(end)) {
                    self.take(sign + end.len());
                    self.push(Kind::End);
                    self.trim_next = trim;
                    return Ok(());
                }
            }
            self.token(&mut open)?;
        }
    }

    fn token(&mut self, open: &mut Vec<&'static str>) -> Result<()> {
        let Some(first) = self.rest.chars().next() else {
            return self.error("a tag has no end");
        };
        if first == '\'' || first == '"' {
            return self.string(first);
        }
        if first.is_ascii_digit() {
            return self.number();
        }
        if first.is_alphabetic() || first == '_' {
            let len = self
                .rest
                .find(|char: char| !char.is_alphanumeric() && char != '_')
                .unwrap_or(self.rest.len());
            let name = self.take(len);
            self.push(Kind::Name(name));
            return Ok(());
        }
        let Some(operator) = OPERATORS.into_iter().find(|op| self.rest.starts_with(op)) else {
            return self.error(format!("unexpected character {first:?}"));
        };
        match operator {
            "(" => open.push(")"),
            "[" => open.push("]"),
            "{" => open.push("}"),
            ")" | "]" | "}" if open.pop() != Some(operator) => {
                return self.error(format!("unexpected `{operator}`"));
            }
            _ => {}
        }
        self.take(operator.len());
        self.push(Kind::Op(operator));
        Ok(())
    }

    fn string(&mut self, quote: char) -> Result<()> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, char)| {
            if escaped {
                escaped = false;
                return false;
            }
            escaped = *char == '\\';
            *char == quote
        });
        let Some((end, _)) = end else {
            return self.error("a string has no end");
        };
        let body = self.rest.get(1..end).unwrap_or_default();
        let Some(text) = unescape(body) else {
            return self.error("a string with an escape that is none");
        };
        self.push(Kind::Str(text));
        self.take(end + 1);
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        let after_dot = matches!(self.tokens.last(), Some(token) if token.kind == Kind::Op("."));
        let len = number_len(self.rest, after_dot);
        let text = self.rest.get(..len).unwrap_or_default().replace('_', "");
        let radix = matches!(text.get(1..2), Some("x" | "X" | "o" | "O" | "b" | "B"));
        let kind = if radix {
            crate::number::parse_int(&text, 0).map(Kind::Int)
        } else if text.contains(['.', 'e', 'E']) {
            text.parse().ok().map(Kind::Float)
        } else {
            text.parse().ok().map(Kind::Int)
        };
        let Some(kind) = kind else {
            return self.error(format!("{text} is not a number of 64 bits"));
        };
        self.push(kind);
        self.take(len);
        Ok(())
    }
}

/// Where the next `{{`, `{%` or `{#` is.
fn tag_at(text: &str) -> Option<usize> {
    text.as_bytes()
        .windows(2)
        .position(|pair| matches!(pair, b"{{" | b"{%" | b"{#"))
}

/// How many bytes `name %}` takes, if the text begins with it.
fn raw_end(text: &str, name: &str) -> Option<usize> {
    let rest = text.trim_start().strip_prefix(name)?.trim_start();
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest);
    Some(text.len() - rest.strip_prefix("%}")?.len())
}

/// The bytes of the number at the beginning of the text. Behind a dot it is whole: `a.0.1`.
fn number_len(text: &str, after_dot: bool) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize, ok: fn(u8) -> bool| {
        let count = bytes
            .iter()
            .skip(from)
            .take_while(|byte| ok(**byte) || **byte == b'_')
            .count();
        from + count
    };
    if matches!(bytes, [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..]) {
        return digits(2, |byte| byte.is_ascii_hexdigit());
    }
    let decimal = |byte: u8| byte.is_ascii_digit();
    let mut len = digits(0, decimal);
    if after_dot {
        return len;
    }
    if bytes.get(len) == Some(&b'.') && bytes.get(len + 1).is_some_and(u8::is_ascii_digit) {
        len = digits(len + 1, decimal);
    }
    if matches!(bytes.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
        if bytes.get(len + 1 + sign).is_some_and(u8::is_ascii_digit) {
            len = digits(len + 1 + sign, decimal);
        }
    }
    len
}

/// Python's escapes; what is none stays as it is.
fn unescape(body: &str) -> Option<String> {
    let mut text = String::with_capacity(body.len());
    let mut chars = body.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            text.push(char);
            continue;
        }
        let escape = chars.next()?;
        let digits = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let hex = chars.as_str().get(..digits)?;
            text.push(char::from_u32(u32::from_str_radix(hex, 16).ok()?)?);
            chars = chars.as_str().get(digits..)?.chars();
            continue;
        }
        match escape {
            '\n' => {}
            '\\' | '\'' | '"' => text.push(escape),
            'a' => text.push('\u{7}'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            'v' => text.push('\u{b}'),
            '0'..='7' => {
                let mut code = escape.to_digit(8)?;
                let mut ahead = chars.clone();
                for _ in 0..2 {
                    let Some(digit) = ahead.next().and_then(|char| char.to_digit(8)) else {
                        break;
                    };
                    code = code * 8 + digit;
                    chars = ahead.clone();
                }
                text.push(char::from_u32(code)?);
            }
            other => {
                text.push('\\');
                text.push(other);
            }
        }
    }
    Some(text)
}
