//! A JSON value as a tree, bounded in depth and number of values: what announcements, states and settings are read from.

use super::{Lexer, Token, parse_number, unescape};

/// How large a JSON text may be in what it holds; its bytes are the caller's to bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonLimits {
    /// Containers within containers.
    pub depth: usize,
    /// Values, containers counted.
    pub values: usize,
}

impl JsonLimits {
    /// Of an announcement: deep enough for options in features in entities.
    pub const ANNOUNCEMENT: Self = Self {
        depth: 24,
        values: 200_000,
    };
    /// Of what the bridge answers, and of settings that the browser keeps.
    pub const SETTINGS: Self = Self {
        depth: 16,
        values: 20_000,
    };
    /// Of a state.
    pub const STATE: Self = Self {
        depth: 16,
        values: 20_000,
    };
}

/// Why there is no tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonFault {
    /// The bytes are not JSON.
    NotJson,
    /// Containers within containers beyond the limit.
    TooDeep,
    /// More values than the limit.
    TooMany,
}

impl JsonFault {
    /// For people.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotJson => "it is not JSON",
            Self::TooDeep => "its JSON is nested too deeply",
            Self::TooMany => "its JSON has too many values",
        }
    }
}

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, and how it was spelled.
    Number(f64, String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object, its members in order; of two with one name the later counts.
    Object(Vec<(String, Json)>),
}

/// An open container, and the key that waits for its value.
enum Open {
    List(Vec<Json>),
    Object(Vec<(String, Json)>, String),
}

impl Json {
    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8], limits: JsonLimits) -> Result<Self, JsonFault> {
        let mut lexer = Lexer::new(bytes);
        let mut open: Vec<Open> = Vec::new();
        let mut values = 0;
        let mut root = None;
        while let Some(token) = lexer.next_token().map_err(|_| JsonFault::NotJson)? {
            let value = match token {
                Token::Key(range) => {
                    if let Some(Open::Object(_, key)) = open.last_mut() {
                        *key = unescape(lexer.slice(&range));
                    }
                    continue;
                }
                Token::ObjectStart | Token::ArrayStart if open.len() >= limits.depth => {
                    return Err(JsonFault::TooDeep);
                }
                Token::ObjectStart => {
                    open.push(Open::Object(Vec::new(), String::new()));
                    continue;
                }
                Token::ArrayStart => {
                    open.push(Open::List(Vec::new()));
                    continue;
                }
                Token::ObjectEnd | Token::ArrayEnd => match open.pop() {
                    Some(Open::List(list)) => Self::List(list),
                    Some(Open::Object(members, _)) => Self::Object(members),
                    None => return Err(JsonFault::NotJson),
                },
                Token::Number(range) => {
                    let spelled = lexer.slice(&range);
                    match parse_number(spelled) {
                        Some(number) => Self::Number(number, String::from_utf8_lossy(spelled).into_owned()),
                        None => Self::Null,
                    }
                }
                Token::String(range) => Self::Text(unescape(lexer.slice(&range))),
                Token::Bool(value) => Self::Bool(value),
                Token::Null => Self::Null,
            };
            values += 1;
            if values > limits.values {
                return Err(JsonFault::TooMany);
            }
            match open.last_mut() {
                Some(Open::List(list)) => list.push(value),
                Some(Open::Object(members, key)) => members.push((std::mem::take(key), value)),
                None => root = Some(value),
            }
        }
        root.ok_or(JsonFault::NotJson)
    }

    /// A whole number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "its spelling is what counts")]
    pub fn whole(number: u64) -> Self {
        Self::Number(number as f64, number.to_string())
    }

    /// The member with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.members()
            .iter()
            .rev()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The members of an object; none of anything else.
    #[must_use]
    pub fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// The values of a list; none of anything else.
    #[must_use]
    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }

    /// A string.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number; also one in a string.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number, _) => Some(*number),
            Self::Text(text) => parse_number(text.trim().as_bytes()),
            _ => None,
        }
    }

    /// `true` or `false`.
    #[must_use]
    pub fn bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Strings, numbers and states as they are written in Python, which is what payloads are compared with by the
    /// programs that announce them: `True`, `None`; containers as JSON.
    #[must_use]
    pub fn spelled(&self) -> String {
        match self {
            Self::Null => "None".to_owned(),
            Self::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
            Self::Number(_, spelled) => spelled.clone(),
            Self::Text(text) => text.clone(),
            Self::List(_) | Self::Object(_) => self.to_json(),
        }
    }

    /// As JSON, without spaces.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(_, spelled) => out.push_str(spelled),
            Self::Text(text) => write_quoted(text, out),
            Self::List(list) => {
                out.push('[');
                for (at, value) in list.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    value.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_quoted(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// A text as a JSON string.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_quoted(text, &mut out);
    out
}

fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            character if u32::from(character) < 0x20 => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let code = u32::from(character);
                out.push_str(if code < 0x10 { "\\u000" } else { "\\u001" });
                out.push(char::from(HEX.get((code & 15) as usize).copied().unwrap_or(b'0')));
            }
            character => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Json, JsonFault> {
        Json::parse(text.as_bytes(), JsonLimits { depth: 4, values: 10 })
    }

    #[test]
    fn a_tree_is_written_as_it_was_read() {
        let text = r#"{"a":[1,2.50,null,true],"b":{"c":"x\"\\\n\u0007"},"d":{}}"#;
        assert_eq!(parse(text).unwrap().to_json(), text);
    }

    #[test]
    fn of_two_members_with_one_name_the_later_counts() {
        assert_eq!(
            parse(r#"{"a":1,"a":2}"#).unwrap().get("a").and_then(Json::number),
            Some(2.0)
        );
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        assert_eq!(parse("[[[[[1]]]]]"), Err(JsonFault::TooDeep));
        assert_eq!(parse("[1,2,3,4,5,6,7,8,9,10,11]"), Err(JsonFault::TooMany));
        assert_eq!(parse("[1,2"), Err(JsonFault::NotJson));
        assert_eq!(parse(""), Err(JsonFault::NotJson));
    }
}
