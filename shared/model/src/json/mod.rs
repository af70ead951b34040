//! JSON read token by token: nothing is built, nothing recurses, depth is bounded.
//!
//! Everything that looks into a payload (number extraction, pretty printing, previews, device fields) reads these
//! tokens, so number spelling and key order survive and hostile nesting costs nothing.

mod number;
mod numbers;
mod pretty;
mod tree;

use std::ops::Range;

pub(crate) use number::leading_number;
pub use number::parse_number;
pub use numbers::{Found, NumberField, NumberLimits, NumberScan, member_path, numbers};
pub use pretty::{PrettyLine, PrettyPage, Span, SpanKind, pretty};
pub use tree::{Json, JsonFault, JsonLimits, quoted};

/// Deepest nesting that is read as JSON; deeper payloads are shown as text.
pub const MAXIMUM_DEPTH: usize = 512;

/// One piece of JSON; ranges are byte positions in the input, strings and keys with their quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// `{`
    ObjectStart,
    /// `}`
    ObjectEnd,
    /// `[`
    ArrayStart,
    /// `]`
    ArrayEnd,
    /// The name of a member, quotes included.
    Key(Range<usize>),
    /// A string value, quotes included.
    String(Range<usize>),
    /// A number as it was spelled.
    Number(Range<usize>),
    /// `true` or `false`
    Bool(bool),
    /// `null`
    Null,
}

/// Why bytes are not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text ends inside a value.
    #[error("the text ends in the middle, at byte {at}")]
    Truncated {
        /// Position of the end.
        at: usize,
    },
    /// A byte that cannot stand here.
    #[error("unexpected character at byte {at}")]
    Unexpected {
        /// Position of the byte.
        at: usize,
    },
    /// More than [`MAXIMUM_DEPTH`] levels.
    #[error("nested deeper than {MAXIMUM_DEPTH} levels, at byte {at}")]
    TooDeep {
        /// Position of the bracket that was one too many.
        at: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    CommaOrEnd,
    Nothing,
}

/// Reads tokens one after the other; checks the whole grammar of RFC 8259 but not that strings are UTF-8.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    expect: Expect,
    depth: usize,
    /// One bit per open container: 1 is an object.
    objects: [u64; MAXIMUM_DEPTH / 64],
}

impl JsonError {
    /// Position of the fault, in bytes.
    #[must_use]
    pub fn at(self) -> usize {
        match self {
            Self::Truncated { at } | Self::Unexpected { at } | Self::TooDeep { at } => at,
        }
    }
}

impl<'a> Lexer<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            expect: Expect::Value,
            depth: 0,
            objects: [0; MAXIMUM_DEPTH / 64],
        }
    }

    /// How many containers are open.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The bytes of a token's range.
    #[must_use]
    pub fn slice(&self, range: &Range<usize>) -> &'a [u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }

    /// The next token; `None` after the one value that a JSON text holds.
    ///
    /// # Errors
    /// When the bytes are not JSON from here on.
    #[inline]
    pub fn next_token(&mut self) -> Result<Option<Token>, JsonError> {
        loop {
            let Some(byte) = self.skip_space() else {
                return match self.expect {
                    Expect::Nothing => Ok(None),
                    _ => Err(JsonError::Truncated { at: self.at }),
                };
            };
            match (self.expect, byte) {
                (Expect::CommaOrEnd, b',') => {
                    self.at += 1;
                    self.expect = if self.in_object() {
                        Expect::Key
                    } else {
                        Expect::Value
                    };
                }
                (Expect::CommaOrEnd | Expect::KeyOrEnd, b'}') if self.in_object() => {
                    return Ok(Some(self.close(Token::ObjectEnd)));
                }
                (Expect::CommaOrEnd | Expect::ValueOrEnd, b']') if !self.in_object() => {
                    return Ok(Some(self.close(Token::ArrayEnd)));
                }
                (Expect::Key | Expect::KeyOrEnd, b'"') => return self.key().map(Some),
                (Expect::Value | Expect::ValueOrEnd, _) => return self.value(byte).map(Some),
                _ => return Err(JsonError::Unexpected { at: self.at }),
            }
        }
    }

    #[inline]
    fn skip_space(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    #[inline]
    fn in_object(&self) -> bool {
        self.depth > 0 && {
            let top = self.depth - 1;
            self.objects
                .get(top / 64)
                .is_some_and(|word| word >> (top % 64) & 1 == 1)
        }
    }

    fn open(&mut self, token: Token) -> Result<Token, JsonError> {
        let is_object = token == Token::ObjectStart;
        let Some(word) = self.objects.get_mut(self.depth / 64) else {
            return Err(JsonError::TooDeep { at: self.at });
        };
        let bit = 1 << (self.depth % 64);
        *word = if is_object { *word | bit } else { *word & !bit };
        self.depth += 1;
        self.at += 1;
        self.expect = if is_object {
            Expect::KeyOrEnd
        } else {
            Expect::ValueOrEnd
        };
        Ok(token)
    }

    fn close(&mut self, token: Token) -> Token {
        self.at += 1;
        self.depth -= 1;
        self.after_value();
        token
    }

    #[inline]
    fn after_value(&mut self) {
        self.expect = if self.depth == 0 {
            Expect::Nothing
        } else {
            Expect::CommaOrEnd
        };
    }

    #[inline]
    fn key(&mut self) -> Result<Token, JsonError> {
        let range = self.string()?;
        match self.skip_space() {
            Some(b':') => {
                self.at += 1;
                self.expect = Expect::Value;
                Ok(Token::Key(range))
            }
            Some(_) => Err(JsonError::Unexpected { at: self.at }),
            None => Err(JsonError::Truncated { at: self.at }),
        }
    }

    #[inline]
    fn value(&mut self, first: u8) -> Result<Token, JsonError> {
        let token = match first {
            b'{' => return self.open(Token::ObjectStart),
            b'[' => return self.open(Token::ArrayStart),
            b'"' => Token::String(self.string()?),
            b'-' | b'0'..=b'9' => Token::Number(self.number()?),
            b't' => self.word(b"true", Token::Bool(true))?,
            b'f' => self.word(b"false", Token::Bool(false))?,
            b'n' => self.word(b"null", Token::Null)?,
            _ => return Err(JsonError::Unexpected { at: self.at }),
        };
        self.after_value();
        Ok(token)
    }

    fn word(&mut self, word: &'static [u8], token: Token) -> Result<Token, JsonError> {
        if self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word))
        {
            self.at += word.len();
            return Ok(token);
        }
        Err(JsonError::Unexpected { at: self.at })
    }

    #[inline]
    fn string(&mut self) -> Result<Range<usize>, JsonError> {
        let start = self.at;
        let mut at = start + 1;
        loop {
            match self.bytes.get(at) {
                None => return Err(JsonError::Truncated { at }),
                Some(b'"') => break,
                Some(b'\\') => at = self.escape(at)?,
                Some(0..0x20) => return Err(JsonError::Unexpected { at }),
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        Ok(start..self.at)
    }

    fn escape(&self, at: usize) -> Result<usize, JsonError> {
        match self.bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u') => match self.bytes.get(at + 2..at + 6) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 6),
                Some(_) => Err(JsonError::Unexpected { at }),
                None => Err(JsonError::Truncated { at }),
            },
            Some(_) => Err(JsonError::Unexpected { at }),
            None => Err(JsonError::Truncated { at }),
        }
    }

    #[inline]
    fn number(&mut self) -> Result<Range<usize>, JsonError> {
        let start = self.at;
        let mut at = start + usize::from(self.bytes.get(start) == Some(&b'-'));
        let whole = self.digits(at)?;
        if whole - at > 1 && self.bytes.get(at) == Some(&b'0') {
            return Err(JsonError::Unexpected { at });
        }
        at = whole;
        if self.bytes.get(at) == Some(&b'.') {
            at = self.digits(at + 1)?;
        }
        if matches!(self.bytes.get(at), Some(b'e' | b'E')) {
            let signed = matches!(self.bytes.get(at + 1), Some(b'+' | b'-'));
            at = self.digits(at + 1 + usize::from(signed))?;
        }
        self.at = at;
        Ok(start..at)
    }

    #[inline]
    fn digits(&self, from: usize) -> Result<usize, JsonError> {
        let mut at = from;
        while self.bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        match (at > from, at < self.bytes.len()) {
            (true, _) => Ok(at),
            (false, true) => Err(JsonError::Unexpected { at }),
            (false, false) => Err(JsonError::Truncated { at }),
        }
    }
}

/// Reads the bytes to the end.
///
/// # Errors
/// When they are not one JSON text; whether strings are UTF-8 is not looked at.
pub fn check(bytes: &[u8]) -> Result<(), JsonError> {
    let mut lexer = Lexer::new(bytes);
    while lexer.next_token()?.is_some() {}
    Ok(())
}

/// The name of a member in its quotes, and its value as it is spelled.
pub type Member<'a> = (&'a [u8], &'a [u8]);

/// The members of an object in their order.
///
/// # Errors
/// When the bytes are not one JSON object.
pub fn members(bytes: &[u8]) -> Result<Vec<Member<'_>>, JsonError> {
    let mut lexer = Lexer::new(bytes);
    if lexer.next_token()? != Some(Token::ObjectStart) {
        return Err(JsonError::Unexpected { at: 0 });
    }
    let mut found = Vec::new();
    // The name of a member, and where its value begins.
    let mut open = None;
    while let Some(token) = lexer.next_token()? {
        match token {
            Token::Key(range) if lexer.depth() == 1 => {
                lexer.skip_space();
                open = Some((lexer.slice(&range), lexer.at));
            }
            _ if lexer.depth() == 1 => {
                let end = lexer.at;
                found.extend(open.take().map(|(name, from)| (name, lexer.slice(&(from..end)))));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Whether the bytes are one JSON text in UTF-8.
#[must_use]
pub fn is_json(bytes: &[u8]) -> bool {
    check(bytes).is_ok() && std::str::from_utf8(bytes).is_ok()
}

/// The text inside a quoted string token, escapes resolved; lone surrogates and bad UTF-8 become U+FFFD.
#[must_use]
pub fn unescape(quoted: &[u8]) -> String {
    let inner = quoted.strip_prefix(b"\"").unwrap_or(quoted);
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    let text = String::from_utf8_lossy(inner);
    if !text.contains('\\') {
        return text.into_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut characters = after.chars();
        match characters.next() {
            Some('u') => {
                let (character, left) = unicode_escape(characters.as_str());
                out.push(character);
                rest = left;
                continue;
            }
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(other) => out.push(other),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out
}

/// Reads `XXXX` or `XXXX\uYYYY` after a `\u`; gives the character and what is left.
fn unicode_escape(text: &str) -> (char, &str) {
    let unit = |text: &str| {
        text.get(..4)
            .and_then(|digits| u16::from_str_radix(digits, 16).ok())
    };
    let Some(first) = unit(text) else {
        return (char::REPLACEMENT_CHARACTER, text);
    };
    let rest = text.get(4..).unwrap_or_default();
    let second = rest.strip_prefix("\\u").and_then(unit);
    if let Some(second) = second.filter(|_| (0xD800..0xDC00).contains(&first))
        && let Some(Ok(character)) = char::decode_utf16([first, second]).next()
    {
        return (character, rest.get(6..).unwrap_or_default());
    }
    (
        char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER),
        rest,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_same_verdict(text: &str) {
        let ours = is_json(text.as_bytes());
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        assert_eq!(ours, theirs, "{text:?}");
    }

    #[test]
    fn accepts_and_refuses_what_serde_json_does() {
        for text in [
            "",
            " ",
            "{}",
            "[]",
            "null",
            "true",
            "tru",
            "1",
            "-1",
            "-",
            "01",
            "1.",
            "1.5",
            ".5",
            "1e5",
            "1e",
            "1e+9",
            r#""a""#,
            r#""a"#,
            r#""\u00e9""#,
            r#""\u00g9""#,
            r#""\x""#,
            "\"\t\"",
            r#"{"a":1}"#,
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            r#"{a:1}"#,
            r#"{"a":{"b":[1,2,{}]}}"#,
            "[1,]",
            "[1 2]",
            "[1,2]]",
            "{]",
            "[}",
            "1 2",
            "{}{}",
            r#"{"a":1"#,
            " { \"a\" : [ ] } \n",
            "[[[[[]]]]]",
            "\u{feff}1",
            "nan",
            "[,]",
            "{,}",
            r#"{"a"}"#,
        ] {
            check_same_verdict(text);
        }
    }

    #[test]
    fn every_cut_of_a_text_is_refused() {
        let whole = br#"{"a":[1.5e3,true,null,"x\u00e9\n"],"b":{}}"#;
        assert!(is_json(whole));
        for len in 0..whole.len() {
            assert!(!is_json(&whole[..len]), "cut at {len}");
        }
    }

    #[test]
    fn hostile_nesting_is_an_error_and_not_a_crash() {
        assert!(!is_json("[".repeat(1_000_000).as_bytes()));
        let deep = format!("{}{}", "[".repeat(MAXIMUM_DEPTH), "]".repeat(MAXIMUM_DEPTH));
        assert!(is_json(deep.as_bytes()));
        assert!(!is_json(format!("[{deep}]").as_bytes()));
    }

    #[test]
    fn escapes_are_resolved() {
        for (quoted, plain) in [
            (r#""a\"b""#, "a\"b"),
            (r#""\u00e9\/\\""#, "é/\\"),
            (r#""\ud83d\ude00!""#, "😀!"),
            (r#""\ud83dx""#, "\u{fffd}x"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""아이 방""#, "아이 방"),
        ] {
            assert_eq!(unescape(quoted.as_bytes()), plain);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_gets_the_verdict_of_serde_json(text in r#"[\[\]{}",:0-9a.eE+\-\\utrfnls ]{0,24}"#) {
            check_same_verdict(&text);
        }
    }
}
