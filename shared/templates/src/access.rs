//! `a.b`, `a['b']`, `a[1:2]`.

use std::rc::Rc;

use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::value::{Dict, Loop, Seq, SeqKind, Value};

/// `of.name`. What Python's objects have beyond the values of a template is not there.
pub(crate) fn attribute(budget: &Budget, of: &Value, name: &str) -> Result<Value> {
    let found = match of {
        Value::Undefined(_) => {
            of.defined()?;
            None
        }
        Value::Dict(dict) => {
            budget.spend(dict.entries().len() / 4)?;
            dict.get_str(name).cloned()
        }
        Value::Namespace(dict) => dict.borrow().get_str(name).cloned(),
        Value::Loop(this) => return loop_attribute(budget, this, name),
        _ => None,
    };
    Ok(found.unwrap_or_else(|| missing(of, &format!("attribute '{}'", crate::value::shortened(name)))))
}

fn missing(of: &Value, what: &str) -> Value {
    Value::Undefined(Rc::from(format!("'{} object' has no {what}", of.type_name())))
}

fn loop_attribute(budget: &Budget, this: &Loop, name: &str) -> Result<Value> {
    let length = this.items.items.len();
    let int = |number: usize| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let item = |index: Option<usize>| {
        index
            .and_then(|index| this.items.items.get(index))
            .cloned()
            .unwrap_or_else(|| Value::undefined(name))
    };
    budget.spend(1)?;
    Ok(match name {
        "index" => int(this.index0 + 1),
        "index0" => int(this.index0),
        "revindex" => int(length - this.index0),
        "revindex0" => int(length - this.index0 - 1),
        "first" => Value::Bool(this.index0 == 0),
        "last" => Value::Bool(this.index0 + 1 == length),
        "length" => int(length),
        "depth" => int(this.depth0 + 1),
        "depth0" => int(this.depth0),
        "previtem" => item(this.index0.checked_sub(1)),
        "nextitem" => item(Some(this.index0 + 1)),
        _ => Value::undefined(name),
    })
}

/// `of[index]`; what is not there is undefined.
pub(crate) fn item(budget: &Budget, of: &Value, index: &Value) -> Result<Value> {
    of.defined()?;
    let found = match (of, index) {
        (Value::Dict(dict), key) => dict.get(budget, key)?.cloned(),
        (Value::Namespace(_) | Value::Loop(_), Value::Str(name)) => return attribute(budget, of, name),
        (Value::Seq(seq), index) if indexable(seq) => match index {
            Value::Int(_) | Value::Bool(_) => place(index.as_int()?, seq.items.len())
                .and_then(|place| seq.items.get(place))
                .cloned(),
            _ => None,
        },
        (Value::Str(text), Value::Int(_) | Value::Bool(_)) => {
            budget.spend_bytes(text.len())?;
            let length = if index.as_int()? < 0 {
                text.chars().count()
            } else {
                usize::MAX
            };
            place(index.as_int()?, length)
                .and_then(|place| text.chars().nth(place))
                .map(|char| Value::from(&*char.encode_utf8(&mut [0; 4])))
        }
        _ => None,
    };
    match found {
        Some(found) => Ok(found),
        None => {
            let mut key = String::new();
            if index.write_repr(budget, &mut key).is_err() {
                key.clear();
            }
            Ok(missing(of, &format!("element {}", crate::value::shortened(&key))))
        }
    }
}

fn indexable(seq: &Seq) -> bool {
    matches!(seq.kind, SeqKind::List | SeqKind::Tuple | SeqKind::Range)
}

/// Counted from the end if negative.
fn place(index: i64, length: usize) -> Option<usize> {
    if index >= 0 {
        return usize::try_from(index).ok();
    }
    length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
}

/// `of[start:stop:step]`
pub(crate) fn slice(budget: &Budget, of: &Value, bounds: [Option<i64>; 3]) -> Result<Value> {
    of.defined()?;
    match of {
        Value::Str(text) => {
            budget.spend(text.len())?;
            let chars: Vec<char> = text.chars().collect();
            let picked = places(chars.len(), bounds)?
                .filter_map(|place| chars.get(place))
                .collect::<String>();
            Ok(Value::from(picked))
        }
        Value::Seq(seq) if indexable(seq) => {
            budget.spend(seq.items.len())?;
            let picked = places(seq.items.len(), bounds)?
                .filter_map(|place| seq.items.get(place))
                .cloned()
                .collect();
            Seq::value(seq.kind, picked)
        }
        other => Ok(missing(other, "slices")),
    }
}

/// The places that a slice means, as Python counts them.
fn places(length: usize, [start, stop, step]: [Option<i64>; 3]) -> Result<Box<dyn Iterator<Item = usize>>> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Error::value("slice step cannot be zero"));
    }
    let bound = |bound: Option<i64>, default: i64, low: i64, high: i64| match bound {
        None => default,
        Some(bound) if bound < 0 => bound.saturating_add(length).max(low),
        Some(bound) => bound.min(high),
    };
    let stride = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
    if step > 0 {
        let start = bound(start, 0, 0, length);
        let stop = bound(stop, length, 0, length);
        let range = (start..stop).step_by(stride);
        return Ok(Box::new(range.filter_map(|place| usize::try_from(place).ok())));
    }
    let start = bound(start, length - 1, -1, length - 1);
    let stop = bound(stop, -1, -1, length - 1);
    let range = (stop + 1..start + 1).rev().step_by(stride);
    Ok(Box::new(range.filter_map(|place| usize::try_from(place).ok())))
}

/// Follows `a.b.0` through a value, as the `attribute` argument of filters means it.
pub(crate) fn path(budget: &Budget, of: &Value, path: &Value) -> Result<Value> {
    match path {
        Value::Str(names) => {
            let mut value = of.clone();
            for name in names.split('.') {
                value = match name.parse::<i64>() {
                    Ok(index) => item(budget, &value, &Value::Int(index))?,
                    Err(_) => item(budget, &value, &Value::from(name))?,
                };
            }
            Ok(value)
        }
        other => item(budget, of, other),
    }
}

/// A dict of pairs whose keys are new.
pub(crate) fn dict_of(budget: &Budget, pairs: impl IntoIterator<Item = (Value, Value)>) -> Result<Value> {
    let mut dict = Dict::default();
    for (key, value) in pairs {
        dict.insert(budget, key, value)?;
    }
    Ok(Value::Dict(Rc::new(dict)))
}
