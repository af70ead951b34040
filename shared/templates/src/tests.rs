//! `value is test`.

use std::cmp::Ordering;

use crate::arguments::Values;
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::filters;
use crate::number;
use crate::operators;
use crate::regex;
use crate::value::{self, Number, SeqKind, Value};

pub(crate) fn test(budget: &Budget, name: &str, value: &Value, values: &Values) -> Result<bool> {
    let kind = |wanted: SeqKind| matches!(value, Value::Seq(seq) if seq.kind == wanted);
    let ordered = |wanted: fn(Ordering) -> bool| -> Result<bool> {
        Ok(value::order(budget, value, values.need(0, "other")?)?.is_some_and(wanted))
    };
    Ok(match name {
        "defined" => !value.is_undefined(),
        "undefined" => value.is_undefined(),
        "none" => matches!(value, Value::None),
        "boolean" => matches!(value, Value::Bool(_)),
        "true" => matches!(value, Value::Bool(true)),
        "false" => matches!(value, Value::Bool(false)),
        "integer" => matches!(value, Value::Int(_)),
        "float" => matches!(value, Value::Float(_)),
        "number" => value.as_number().is_some(),
        "string" | "string_like" => matches!(value, Value::Str(_)),
        "mapping" => matches!(value, Value::Dict(_)),
        "sequence" => {
            matches!(value, Value::Str(_) | Value::Dict(_) | Value::Undefined(_)) || sequence(value)
        }
        "iterable" => matches!(
            value,
            Value::Str(_) | Value::Dict(_) | Value::Seq(_) | Value::Undefined(_)
        ),
        "callable" => matches!(value, Value::Function(_) | Value::Undefined(_)),
        "list" => kind(SeqKind::List),
        "tuple" => kind(SeqKind::Tuple),
        "set" => kind(SeqKind::Set),
        "even" => remainder(value, 2)? == 0,
        "odd" => remainder(value, 2)? == 1,
        "divisibleby" => {
            let by = values.need(0, "num")?.as_int()?;
            if by == 0 {
                return Err(Error::value("division by zero"));
            }
            remainder(value, by)? == 0
        }
        "lower" => cased(budget, value, char::is_lowercase, char::is_uppercase)?,
        "upper" => cased(budget, value, char::is_uppercase, char::is_lowercase)?,
        "eq" | "equalto" | "==" => value::equal(budget, value, values.need(0, "other")?)?,
        "ne" | "!=" => !value::equal(budget, value, values.need(0, "other")?)?,
        "lt" | "lessthan" | "<" => ordered(Ordering::is_lt)?,
        "le" | "<=" => ordered(Ordering::is_le)?,
        "gt" | "greaterthan" | ">" => ordered(Ordering::is_gt)?,
        "ge" | ">=" => ordered(Ordering::is_ge)?,
        "in" => operators::contains(budget, values.need(0, "seq")?, value)?,
        "contains" => operators::contains(budget, value, values.need(0, "value")?)?,
        "sameas" => same(value, values.need(0, "other")?),
        "filter" => matches!(value, Value::Str(name) if filters::exists(name)),
        "test" => {
            matches!(value, Value::Str(name) if test(budget, name, &Value::None, &Values::default()).is_ok())
        }
        "is_number" => filters::is_number(value),
        "match" | "search" => {
            let text = value.text(budget)?;
            let find = values.text(0, "find", "")?;
            let regex = regex::Regex::new(&find, values.flag(1, "ignorecase", false))?;
            regex.find(budget, &text, 0, name == "match")?.is_some()
        }
        "is_state" | "is_state_attr" | "has_value" | "is_device_attr" | "datetime" => {
            return Err(Error::NeedsHomeAssistant {
                name: name.to_owned(),
            });
        }
        unknown => {
            return Err(Error::Unsupported {
                what: "the test",
                name: value::shortened(unknown),
            });
        }
    })
}

fn sequence(value: &Value) -> bool {
    matches!(value, Value::Seq(seq) if matches!(seq.kind, SeqKind::List | SeqKind::Tuple | SeqKind::Range))
}

fn remainder(value: &Value, by: i64) -> Result<i64> {
    value.defined()?;
    match value.as_number() {
        Some(Number::Int(int)) => Ok(number::floor_div_rem(int, by).map_or(0, |(_, remainder)| remainder)),
        Some(Number::Float(float)) => {
            let (_, remainder) = number::floor_div_rem_float(float, by as f64);
            // Neither even nor odd when it is no whole number.
            Ok(if remainder.fract() == 0.0 {
                remainder as i64
            } else {
                -1
            })
        }
        None => Err(Error::value(format!(
            "unsupported operand type(s) for %: '{}' and 'int'",
            value.type_name()
        ))),
    }
}

fn cased(budget: &Budget, value: &Value, has: fn(char) -> bool, lacks: fn(char) -> bool) -> Result<bool> {
    let text = value.text(budget)?;
    Ok(text.chars().any(has) && !text.chars().any(lacks))
}

/// Python's `is`, for what templates can tell apart.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::None, Value::None) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left), Value::Int(right)) => left == right,
        (Value::Str(left), Value::Str(right)) => left == right,
        _ => false,
    }
}
