//! Filters that make numbers or count with them.

use crate::arguments::Values;
use crate::ast::Operator;
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::number;
use crate::operators;
use crate::value::{self, Number, Value};

pub(super) fn filter(budget: &Budget, name: &str, value: &Value, values: &Values) -> Result<Option<Value>> {
    Ok(Some(match name {
        "float" => match to_float(value)? {
            Some(number) => Value::Float(number),
            None => or_default(budget, "float", value, values.get(0, "default"))?,
        },
        "int" => match to_int(value, values.int(1, "base", 10)?)? {
            Some(number) => Value::Int(number),
            None => or_default(budget, "int", value, values.get(0, "default"))?,
        },
        "bool" => match to_bool(value) {
            Some(yes) => Value::Bool(yes),
            None => or_default(budget, "bool", value, values.get(0, "default"))?,
        },
        "is_number" => Value::Bool(is_number(value)),
        "abs" => match value.as_number() {
            Some(Number::Int(number)) => Value::Int(
                number
                    .checked_abs()
                    .ok_or_else(|| Error::value("a number with more than 64 bits"))?,
            ),
            Some(Number::Float(number)) => Value::Float(number.abs()),
            None => {
                value.defined()?;
                return Err(Error::value(format!(
                    "bad operand type for abs(): '{}'",
                    value.type_name()
                )));
            }
        },
        "round" => round(budget, value, values)?,
        "multiply" | "add" => {
            let operator = if name == "add" {
                Operator::Add
            } else {
                Operator::Mul
            };
            let result = match to_float(value)? {
                Some(number) => {
                    operators::binary(budget, operator, &Value::Float(number), values.need(0, "amount")?).ok()
                }
                None => None,
            };
            match result {
                Some(result) => result,
                None => or_default(budget, name, value, values.get(1, "default"))?,
            }
        }
        "bitwise_and" | "bitwise_or" | "bitwise_xor" => {
            let (left, right) = (value.as_int()?, values.need(0, "second_value")?.as_int()?);
            Value::Int(match name {
                "bitwise_and" => left & right,
                "bitwise_or" => left | right,
                _ => left ^ right,
            })
        }
        "clamp" | "wrap" | "remap" => bounded(name, value, values)?,
        "log" => {
            let base = values
                .get(0, "base")
                .map_or(Ok(Some(std::f64::consts::E)), to_float)?;
            let result = match (to_float(value)?, base) {
                (Some(number), Some(base)) if number > 0.0 && base > 0.0 && base != 1.0 => {
                    Some(number.ln() / base.ln())
                }
                _ => None,
            };
            match result {
                Some(result) => Value::Float(result),
                None => or_default(budget, name, value, values.get(1, "default"))?,
            }
        }
        "sqrt" | "sin" | "cos" | "tan" | "asin" | "acos" | "atan" => {
            let result = to_float(value)?
                .map(|number| function(name, number))
                .filter(|result| !result.is_nan());
            match result {
                Some(result) => Value::Float(result),
                None => or_default(budget, name, value, values.get(0, "default"))?,
            }
        }
        _ => return Ok(None),
    }))
}

fn function(name: &str, number: f64) -> f64 {
    match name {
        "sqrt" => number.sqrt(),
        "sin" => number.sin(),
        "cos" => number.cos(),
        "tan" => number.tan(),
        "asin" => number.asin(),
        "acos" => number.acos(),
        _ => number.atan(),
    }
}

pub(super) fn no_default(budget: &Budget, name: &str, value: &Value) -> Error {
    let text = value.text(budget).unwrap_or_default();
    Error::value(format!(
        "{name} got invalid input '{}' but no default was specified",
        value::shortened(&text)
    ))
}

fn or_default(budget: &Budget, name: &str, value: &Value, default: Option<&Value>) -> Result<Value> {
    default.cloned().ok_or_else(|| no_default(budget, name, value))
}

/// Python's `float(value)`; `None` if it is no number.
fn to_float(value: &Value) -> Result<Option<f64>> {
    value.defined()?;
    Ok(match value {
        Value::Str(text) => number::parse_float(text),
        other => other.as_number().map(Number::as_float),
    })
}

/// Whole numbers as Jinja's `int` reads them: also from the text of a float.
fn to_int(value: &Value, base: i64) -> Result<Option<i64>> {
    value.defined()?;
    Ok(match value {
        Value::Str(text) => {
            let base = u32::try_from(base).unwrap_or(10);
            number::parse_int(text, base).or_else(|| number::parse_float(text).and_then(number::float_to_int))
        }
        other => match other.as_number() {
            Some(Number::Int(number)) => Some(number),
            Some(Number::Float(number)) => number::float_to_int(number),
            None => None,
        },
    })
}

/// As Home Assistant reads yes and no.
fn to_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(yes) => Some(*yes),
        Value::Str(text) => match &*text.trim().to_lowercase() {
            "1" | "true" | "yes" | "on" | "enable" => Some(true),
            "0" | "false" | "no" | "off" | "disable" => Some(false),
            _ => None,
        },
        other => other.as_number().map(|_| other.is_true()),
    }
}

pub(crate) fn is_number(value: &Value) -> bool {
    matches!(to_float(value), Ok(Some(number)) if number.is_finite())
}

fn round(budget: &Budget, value: &Value, values: &Values) -> Result<Value> {
    let digits = values.int(0, "precision", 0)?;
    let method = values.text(1, "method", "common")?;
    let default = values.get(2, "default");
    let Some(number) = to_float(value)? else {
        return or_default(budget, "round", value, default);
    };
    let multiplier = 10_f64.powi(i32::try_from(digits.clamp(-300, 300)).unwrap_or(0));
    let rounded = match &*method {
        "ceil" => (number * multiplier).ceil() / multiplier,
        "floor" => (number * multiplier).floor() / multiplier,
        "half" => (number * 2.0).round_ties_even() / 2.0,
        _ => number::round(number, digits),
    };
    if digits != 0 && rounded.is_finite() {
        return Ok(Value::Float(rounded));
    }
    match number::float_to_int(rounded) {
        Some(int) => Ok(Value::Int(int)),
        None => or_default(budget, "round", value, default),
    }
}

fn bounded(name: &str, value: &Value, values: &Values) -> Result<Value> {
    let mut numbers = Vec::new();
    for argument in std::iter::once(value).chain(&values.positional) {
        match to_float(argument)? {
            Some(number) => numbers.push(number),
            None => return Err(Error::value("function requires numeric arguments")),
        }
    }
    let result = match (name, numbers.as_slice()) {
        ("clamp", [value, low, high]) => low.max(high.min(*value)),
        ("wrap", [value, low, high]) if high > low => {
            number::floor_div_rem_float(value - low, high - low).1 + low
        }
        ("wrap", [_, low, high]) if high == low => *low,
        ("remap", [value, in_low, in_high, out_low, out_high]) if in_high != in_low => {
            out_low + (value - in_low) / (in_high - in_low) * (out_high - out_low)
        }
        _ => return Err(Error::value(format!("`{name}` with arguments that do not fit"))),
    };
    Ok(Value::Float(result))
}
