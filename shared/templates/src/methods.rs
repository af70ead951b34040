//! `value.method(…)`: what Python's texts, dicts and lists can do.

use std::rc::Rc;

use crate::access;
use crate::arguments::Values;
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::format;
use crate::functions;
use crate::text;
use crate::value::{self, Dict, Seq, SeqKind, Value};

pub(crate) fn call(budget: &Budget, of: &Value, name: &str, values: &Values) -> Result<Value> {
    of.defined()?;
    budget.spend(1)?;
    let result = match of {
        Value::Str(text) => text_method(budget, text, name, values)?,
        Value::Dict(dict) => dict_method(budget, dict, name, values)?,
        Value::Seq(seq) => seq_method(budget, seq, name, values)?,
        Value::Int(number) if name == "bit_length" => Some(Value::Int(i64::from(
            u64::BITS - number.unsigned_abs().leading_zeros(),
        ))),
        Value::Float(number) if name == "is_integer" => Some(Value::Bool(number.trunc() == *number)),
        Value::Loop(this) if name == "cycle" => {
            let items = &values.positional;
            let place = this
                .index0
                .checked_rem(items.len())
                .and_then(|place| items.get(place));
            Some(
                place
                    .cloned()
                    .ok_or_else(|| Error::value("no items for cycling given"))?,
            )
        }
        Value::Function("dict") if name == "from_keys" || name == "fromkeys" => {
            Some(functions::dict_from_pairs(budget, values.need(0, "iterable")?)?)
        }
        _ => None,
    };
    if let Some(result) = result {
        return Ok(result);
    }
    // What is no method may be an element that can be called.
    match access::attribute(budget, of, name)? {
        Value::Function(function) => functions::call(budget, function, values),
        Value::Undefined(why) => Err(Error::Undefined(why.to_string())),
        other => Err(Error::value(format!(
            "'{}' object is not callable",
            other.type_name()
        ))),
    }
}

/// Whether a value has a method, so that its bare name is one in Python.
fn dict_method(budget: &Budget, dict: &Rc<Dict>, name: &str, values: &Values) -> Result<Option<Value>> {
    let entries = dict.entries();
    let seq = |kind: SeqKind, items: Vec<Value>| Seq::value(kind, items).map(Some);
    match name {
        "get" => {
            let key = values.need(0, "key")?;
            let found = dict.get(budget, key)?.cloned();
            Ok(Some(found.unwrap_or_else(|| {
                values.get(1, "default").cloned().unwrap_or(Value::None)
            })))
        }
        "keys" | "values" | "items" => {
            budget.spend(entries.len())?;
            match name {
                "keys" => seq(
                    SeqKind::Keys,
                    entries.iter().map(|(key, _)| key.clone()).collect(),
                ),
                "values" => seq(
                    SeqKind::Values,
                    entries.iter().map(|(_, value)| value.clone()).collect(),
                ),
                _ => {
                    let pairs = entries
                        .iter()
                        .map(|(key, value)| Value::tuple(vec![key.clone(), value.clone()]));
                    seq(SeqKind::Items, pairs.collect::<Result<_>>()?)
                }
            }
        }
        "copy" => Ok(Some(Value::Dict(dict.clone()))),
        "update" | "pop" | "popitem" | "clear" | "setdefault" => Err(changes("dict", name)),
        _ => Ok(None),
    }
}

fn changes(kind: &str, name: &str) -> Error {
    Error::value(format!(
        "access to attribute '{name}' of '{kind}' object is unsafe"
    ))
}

fn seq_method(budget: &Budget, seq: &Rc<Seq>, name: &str, values: &Values) -> Result<Option<Value>> {
    match name {
        "append" | "extend" | "insert" | "remove" | "pop" | "clear" | "sort" | "reverse" | "add" => {
            Err(changes("list", name))
        }
        "count" | "index" => {
            let wanted = values.need(0, "value")?;
            let mut count = 0;
            for (place, item) in seq.items.iter().enumerate() {
                if value::equal(budget, item, wanted)? {
                    if name == "index" {
                        return Ok(Some(Value::Int(i64::try_from(place).unwrap_or(i64::MAX))));
                    }
                    count += 1;
                }
            }
            if name == "index" {
                return Err(Error::value("the value is not in the list"));
            }
            Ok(Some(Value::Int(count)))
        }
        "copy" => Ok(Some(Value::Seq(seq.clone()))),
        _ => Ok(None),
    }
}

fn text_method(budget: &Budget, of: &Rc<str>, name: &str, values: &Values) -> Result<Option<Value>> {
    budget.spend_bytes(of.len())?;
    let chars = |values: &Values| -> Result<Option<Rc<str>>> {
        match values.get(0, "chars") {
            None | Some(Value::None) => Ok(None),
            Some(_) => values.text(0, "chars", "").map(Some),
        }
    };
    let all = |wanted: fn(char) -> bool| Value::Bool(!of.is_empty() && of.chars().all(wanted));
    let found = match name {
        "lower" | "casefold" => Value::from(of.to_lowercase()),
        "upper" => Value::from(of.to_uppercase()),
        "title" => Value::from(text::python_title(of)),
        "capitalize" => Value::from(text::capitalized(of)),
        "swapcase" => Value::from(text::swapped(of)),
        "strip" => Value::from(text::stripped(of, chars(values)?.as_deref(), true, true)),
        "lstrip" => Value::from(text::stripped(of, chars(values)?.as_deref(), true, false)),
        "rstrip" => Value::from(text::stripped(of, chars(values)?.as_deref(), false, true)),
        "replace" => {
            let (old, new) = (values.text(0, "old", "")?, values.text(1, "new", "")?);
            Value::from(text::replaced(
                budget,
                of,
                &old,
                &new,
                values.int(2, "count", -1)?,
            )?)
        }
        "split" | "rsplit" => split(budget, of, values, name == "rsplit")?,
        "splitlines" => text_list(budget, &text::lines(of))?,
        "partition" | "rpartition" => partition(of, &values.text(0, "sep", "")?, name == "rpartition")?,
        "join" => text::joined(budget, of, values.need(0, "iterable")?, true)?,
        "startswith" => affix(budget, values.need(0, "prefix")?, |part| of.starts_with(part))?,
        "endswith" => affix(budget, values.need(0, "suffix")?, |part| of.ends_with(part))?,
        "removeprefix" => Value::from(of.strip_prefix(&*values.text(0, "prefix", "")?).unwrap_or(of)),
        "removesuffix" => Value::from(of.strip_suffix(&*values.text(0, "suffix", "")?).unwrap_or(of)),
        "find" | "index" | "rfind" | "rindex" => position(of, name, &values.text(0, "sub", "")?)?,
        "count" => {
            let part = values.text(0, "sub", "")?;
            let count = if part.is_empty() {
                of.chars().count() + 1
            } else {
                of.matches(&*part).count()
            };
            Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
        }
        "isdigit" | "isdecimal" => all(|char| char.is_ascii_digit()),
        "isnumeric" => all(char::is_numeric),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(char::is_whitespace),
        "isupper" => Value::Bool(of.chars().any(char::is_uppercase) && !of.chars().any(char::is_lowercase)),
        "islower" => Value::Bool(of.chars().any(char::is_lowercase) && !of.chars().any(char::is_uppercase)),
        "zfill" => Value::from(text::zero_filled(budget, of, values.int(0, "width", 0)?)?),
        "ljust" | "rjust" | "center" => {
            let fill = values.text(1, "fillchar", " ")?;
            let fill = fill.chars().next().unwrap_or(' ');
            Value::from(text::justified(
                budget,
                of,
                values.int(0, "width", 0)?,
                fill,
                name,
            )?)
        }
        "format" => Value::from(format::str_format(budget, of, values)?),
        _ => return Ok(None),
    };
    Ok(Some(found))
}

fn text_list(budget: &Budget, parts: &[&str]) -> Result<Value> {
    budget.spend(parts.len())?;
    Value::list(parts.iter().map(|part| Value::from(*part)).collect())
}

fn split(budget: &Budget, of: &str, values: &Values, from_right: bool) -> Result<Value> {
    let limit = values.int(1, "maxsplit", -1)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let parts = match values.get(0, "sep") {
        None | Some(Value::None) => text::split_space(of, limit, from_right),
        Some(_) => {
            let separator = values.text(0, "sep", "")?;
            if separator.is_empty() {
                return Err(Error::value("empty separator"));
            }
            let most = limit.saturating_add(1);
            if from_right {
                let mut parts: Vec<&str> = of.rsplitn(most, &*separator).collect();
                parts.reverse();
                parts
            } else {
                of.splitn(most, &*separator).collect()
            }
        }
    };
    text_list(budget, &parts)
}

fn partition(of: &str, separator: &str, from_right: bool) -> Result<Value> {
    if separator.is_empty() {
        return Err(Error::value("empty separator"));
    }
    let found = if from_right {
        of.rsplit_once(separator)
    } else {
        of.split_once(separator)
    };
    let parts = match found {
        Some((before, behind)) => [before, separator, behind],
        None if from_right => ["", "", of],
        None => [of, "", ""],
    };
    Value::tuple(parts.into_iter().map(Value::from).collect())
}

/// One text or a tuple of several.
fn affix(budget: &Budget, parts: &Value, has: impl Fn(&str) -> bool) -> Result<Value> {
    let parts = match parts {
        Value::Seq(seq) if seq.kind == SeqKind::Tuple => seq.items.clone(),
        one => vec![one.clone()],
    };
    for part in &parts {
        let Value::Str(part) = part else {
            return Err(Error::value(format!(
                "startswith first arg must be str or a tuple of str, not {}",
                part.type_name()
            )));
        };
        budget.spend_bytes(part.len())?;
        if has(part) {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn position(of: &str, name: &str, part: &str) -> Result<Value> {
    let at = if name.starts_with('r') {
        of.rfind(part)
    } else {
        of.find(part)
    };
    match at.and_then(|at| of.get(..at)) {
        Some(before) => Ok(Value::Int(
            i64::try_from(before.chars().count()).unwrap_or(i64::MAX),
        )),
        None if name.ends_with("find") => Ok(Value::Int(-1)),
        None => Err(Error::value("substring not found")),
    }
}
