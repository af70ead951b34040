//! JSON in and out.

use std::fmt;
use std::rc::Rc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::number;
use crate::value::{Dict, SeqKind, Value};

/// Reads JSON; `None` if it is none, or deeper than values may lie in each other.
pub(crate) fn parse(text: &str) -> Option<Value> {
    serde_json::from_str::<Parsed>(text)
        .ok()
        .map(|Parsed(value)| value)
}

struct Parsed(Value);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Parsed)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_bool<E>(self, yes: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(yes))
    }

    fn visit_i64<E>(self, number: i64) -> std::result::Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> std::result::Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Float(number as f64), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> std::result::Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Parsed(item)) = seq.next_element()? {
            items.push(item);
        }
        Value::list(items).map_err(serde::de::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Value, A::Error> {
        let mut pairs: Vec<(String, Value)> = Vec::new();
        while let Some((key, Parsed(value))) = map.next_entry::<String, Parsed>()? {
            pairs.push((key, value));
        }
        dict_of(&pairs).map_err(serde::de::Error::custom)
    }
}

/// The last of several equal keys counts, at the place of the first. Sorted once, because there may be very many.
fn dict_of(pairs: &[(String, Value)]) -> Result<Value> {
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    let key = |index: usize| pairs.get(index).map(|(key, _)| key.as_str());
    order.sort_by(|a, b| key(*a).cmp(&key(*b)).then(a.cmp(b)));
    let mut from: Vec<Option<usize>> = vec![None; pairs.len()];
    for same in order.chunk_by(|a, b| key(*a) == key(*b)) {
        if let (Some(first), Some(last)) = (same.first(), same.last())
            && let Some(place) = from.get_mut(*first)
        {
            *place = Some(*last);
        }
    }
    let mut dict = Dict::default();
    for (place, value_at) in from.iter().enumerate() {
        if let Some((key, _)) = pairs.get(place)
            && let Some((_, value)) = value_at.and_then(|at| pairs.get(at))
        {
            dict.push_new(key, value.clone())?;
        }
    }
    Ok(Value::Dict(Rc::new(dict)))
}

/// How JSON is written.
#[derive(Clone, Copy, Default)]
pub(crate) struct Style {
    /// Spaces behind commas and colons, as Python's own `json` does.
    pub(crate) spaced: bool,
    /// Spaces of one level, for text of several lines.
    pub(crate) indent: Option<usize>,
    pub(crate) sort_keys: bool,
    pub(crate) ensure_ascii: bool,
    /// `<`, `>`, `&` and `'` as escapes, as Jinja's `tojson` does.
    pub(crate) html: bool,
}

pub(crate) fn write(
    budget: &Budget,
    value: &Value,
    style: Style,
    level: usize,
    out: &mut String,
) -> Result<()> {
    budget.spend(1)?;
    match value {
        Value::None => budget.push(out, "null"),
        Value::Bool(yes) => budget.push(out, if *yes { "true" } else { "false" }),
        Value::Int(number) => budget.push(out, &number.to_string()),
        Value::Float(number) => write_float(budget, *number, style, out),
        Value::Str(text) => write_str(budget, text, style, out),
        Value::Seq(seq) if matches!(seq.kind, SeqKind::List | SeqKind::Tuple) => {
            let items = seq.items.iter().map(|item| (None, item)).collect();
            write_all(budget, ('[', ']'), items, style, level, out)
        }
        Value::Dict(dict) => {
            let mut entries = dict.entries().iter().collect::<Vec<_>>();
            if style.sort_keys {
                budget.spend(entries.len() * 8)?;
                entries.sort_by_key(|(key, _)| match key {
                    Value::Str(key) => Some(&**key),
                    _ => None,
                });
            }
            let items = entries
                .into_iter()
                .map(|(key, value)| (Some(key), value))
                .collect();
            write_all(budget, ('{', '}'), items, style, level, out)
        }
        other => Err(Error::value(format!(
            "Object of type {} is not JSON serializable",
            other.type_name()
        ))),
    }
}

fn write_float(budget: &Budget, number: f64, style: Style, out: &mut String) -> Result<()> {
    if number.is_finite() {
        // orjson writes `1e16`, Python `1e+16`.
        let text = number::float_repr(number);
        let text = if style.spaced {
            text
        } else {
            text.replace("e+", "e").replace("e-0", "e-")
        };
        return budget.push(out, &text);
    }
    budget.push(
        out,
        match style.spaced {
            false => "null",
            true if number.is_nan() => "NaN",
            true if number > 0.0 => "Infinity",
            true => "-Infinity",
        },
    )
}

fn write_all(
    budget: &Budget,
    (open, close): (char, char),
    items: Vec<(Option<&Value>, &Value)>,
    style: Style,
    level: usize,
    out: &mut String,
) -> Result<()> {
    out.push(open);
    let line = |budget: &Budget, level: usize, out: &mut String| match style.indent {
        Some(indent) => {
            let spaces = indent.saturating_mul(level);
            budget.spend_bytes(spaces)?;
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', spaces));
            Ok(())
        }
        None => Ok(()),
    };
    let empty = items.is_empty();
    for (index, (key, value)) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
            if style.spaced && style.indent.is_none() {
                out.push(' ');
            }
        }
        line(budget, level + 1, out)?;
        if let Some(key) = key {
            write_key(budget, key, style, out)?;
            out.push(':');
            if style.spaced || style.indent.is_some() {
                out.push(' ');
            }
        }
        write(budget, value, style, level + 1, out)?;
    }
    if !empty {
        line(budget, level, out)?;
    }
    out.push(close);
    Ok(())
}

fn write_key(budget: &Budget, key: &Value, style: Style, out: &mut String) -> Result<()> {
    match key {
        Value::Str(text) => write_str(budget, text, style, out),
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            out.push('"');
            write(budget, key, style, 0, out)?;
            out.push('"');
            Ok(())
        }
        other => Err(Error::value(format!(
            "a key of type {} is not JSON serializable",
            other.type_name()
        ))),
    }
}

fn write_str(budget: &Budget, text: &str, style: Style, out: &mut String) -> Result<()> {
    budget.spend_bytes(text.len())?;
    out.push('"');
    for char in text.chars() {
        let plain = match char {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '<' if style.html => "\\u003c",
            '>' if style.html => "\\u003e",
            '&' if style.html => "\\u0026",
            '\'' if style.html => "\\u0027",
            char if char < ' '
                || (style.ensure_ascii && !char.is_ascii())
                || (style.ensure_ascii && char == '\u{7f}') =>
            {
                budget.spend(1)?;
                for unit in char.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
                continue;
            }
            char => {
                out.push(char);
                continue;
            }
        };
        out.push_str(plain);
    }
    out.push('"');
    Ok(())
}
