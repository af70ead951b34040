//! The fields of a JSON object: path and value, bounded.

use hearth_model::json::{Lexer, Token, parse_number, unescape};

/// Deepest container that is looked into.
const DEPTH: usize = 4;
/// Longest text kept of a string field, in bytes.
const TEXT_BYTES: usize = 1024;
/// Longest path kept, in bytes.
const PATH_BYTES: usize = 256;

/// One value in a payload.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A number, and how it was spelled.
    Number(f64, String),
    /// `true` or `false`.
    Bool(bool),
    /// Words.
    Text(String),
    /// Nothing.
    Null,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FlatField {
    pub(crate) path: Vec<String>,
    pub(crate) value: Scalar,
}

/// The fields of an object in order, at most `limit`, and how many there were beyond; `None` when the payload is no
/// JSON object. Lists are passed over: they hold no state of a device.
pub(crate) fn flatten(payload: &[u8], limit: usize) -> Option<(Vec<FlatField>, usize)> {
    let mut lexer = Lexer::new(payload);
    if lexer.next_token().ok()?? != Token::ObjectStart {
        return None;
    }
    let mut fields = Vec::new();
    let mut beyond = 0;
    let mut path: Vec<String> = Vec::new();
    // The depth of the list being passed over.
    let mut passing: Option<usize> = None;
    while let Some(token) = lexer.next_token().ok()? {
        let depth = lexer.depth();
        if let Some(list) = passing {
            if depth < list {
                passing = None;
                path.truncate(depth.saturating_sub(1));
            }
            continue;
        }
        let value = match token {
            Token::Key(range) => {
                path.truncate(depth - 1);
                path.push(unescape(lexer.slice(&range)));
                continue;
            }
            Token::ObjectStart if depth <= DEPTH => continue,
            Token::ObjectStart | Token::ArrayStart => {
                passing = Some(depth);
                continue;
            }
            Token::ObjectEnd | Token::ArrayEnd => {
                path.truncate(depth.saturating_sub(1));
                continue;
            }
            Token::Number(range) => {
                let spelled = lexer.slice(&range);
                let Some(number) = parse_number(spelled) else {
                    continue;
                };
                Scalar::Number(number, String::from_utf8_lossy(spelled).into_owned())
            }
            Token::String(range) => {
                let quoted = lexer.slice(&range);
                Scalar::Text(unescape(quoted.get(..TEXT_BYTES).unwrap_or(quoted)))
            }
            Token::Bool(value) => Scalar::Bool(value),
            Token::Null => Scalar::Null,
        };
        if path.iter().map(String::len).sum::<usize>() > PATH_BYTES || fields.len() >= limit {
            beyond += 1;
        } else {
            // The last step is moved: behind its value comes another one, or none.
            let mut whole = Vec::with_capacity(path.len());
            let last = path.pop();
            whole.extend_from_slice(&path);
            whole.extend(last);
            fields.push(FlatField { path: whole, value });
        }
    }
    Some((fields, beyond))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_nested_objects_are_found_and_lists_passed_over() {
        let payload = br#"{"a":1,"b":{"c":true,"l":[1,{"x":2}],"d":"t"},"e":null,"l":[],"f":{}, "g":2}"#;
        let (fields, beyond) = flatten(payload, 100).unwrap();
        let paths: Vec<_> = fields.iter().map(|field| field.path.join(".")).collect();
        assert_eq!((paths.join(" "), beyond), ("a b.c b.d e g".to_owned(), 0));
        assert_eq!(flatten(payload, 2).unwrap().1, 3);
    }

    #[test]
    fn a_field_has_the_path_of_all_that_is_around_it() {
        for (payload, expected) in [
            (r#"{"a":{"b":{"c":1,"d":2},"e":3},"f":4}"#, "a.b.c a.b.d a.e f"),
            (r#"{"a":{"b":{"c":{"d":{"e":1}},"f":2}},"g":3}"#, "a.b.f g"),
            (r#"{"a":{"b":[{"c":1}],"d":2,"d":3},"a":4}"#, "a.d a.d a"),
            (r#"{"":{"":1,"a":{}},"b":{"c":null}}"#, ". b.c"),
        ] {
            let (fields, _) = flatten(payload.as_bytes(), 100).unwrap();
            let paths: Vec<_> = fields.iter().map(|field| field.path.join(".")).collect();
            assert_eq!(paths.join(" "), expected, "{payload}");
        }
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        for payload in [&b""[..], b"[]", b"1", b"{", b"{\"a\":1", b"x"] {
            assert_eq!(flatten(payload, 10), None);
        }
    }
}
