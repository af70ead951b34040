//! `+`, `<`, `in` and the others.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::ast::{Comparison, Operator};
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::format;
use crate::number;
use crate::value::{self, Number, Seq, SeqKind, Value};

pub(crate) fn binary(budget: &Budget, operator: Operator, left: &Value, right: &Value) -> Result<Value> {
    left.defined()?;
    if let (Operator::Rem, Value::Str(text)) = (operator, left) {
        return format::printf(budget, text, right).map(Value::from);
    }
    right.defined()?;
    if let (Some(left), Some(right)) = (left.as_number(), right.as_number()) {
        return arithmetic(operator, left, right);
    }
    match (operator, left, right) {
        (Operator::Add, Value::Str(left), Value::Str(right)) => {
            budget.spend_bytes(left.len() + right.len())?;
            Ok(Value::from([&**left, &**right].concat()))
        }
        (Operator::Add, Value::Seq(left), Value::Seq(right))
            if left.kind == right.kind && matches!(left.kind, SeqKind::List | SeqKind::Tuple) =>
        {
            budget.spend(left.items.len() + right.items.len())?;
            let items = left.items.iter().chain(&right.items).cloned().collect();
            Seq::value(left.kind, items)
        }
        (Operator::Mul, Value::Str(text), times) | (Operator::Mul, times, Value::Str(text)) => {
            let times = repetitions(times)?;
            budget.spend_bytes(text.len().saturating_mul(times))?;
            Ok(Value::from(text.repeat(times)))
        }
        (Operator::Mul, Value::Seq(seq), times) | (Operator::Mul, times, Value::Seq(seq))
            if matches!(seq.kind, SeqKind::List | SeqKind::Tuple) =>
        {
            let times = repetitions(times)?;
            budget.spend(seq.items.len().saturating_mul(times))?;
            let times = if seq.items.is_empty() { 0 } else { times };
            let items = std::iter::repeat_n(&seq.items, times)
                .flatten()
                .cloned()
                .collect();
            Seq::value(seq.kind, items)
        }
        _ => Err(Error::value(format!(
            "unsupported operand type(s) for {}: '{}' and '{}'",
            operator.text(),
            left.type_name(),
            right.type_name()
        ))),
    }
}

fn repetitions(times: &Value) -> Result<usize> {
    Ok(usize::try_from(times.as_int()?.max(0)).unwrap_or(usize::MAX))
}

fn arithmetic(operator: Operator, left: Number, right: Number) -> Result<Value> {
    match (left, right, operator) {
        (Number::Int(left), Number::Int(right), operator) if operator != Operator::Div => {
            integers(operator, left, right)
        }
        (left, right, operator) => floats(operator, left.as_float(), right.as_float()),
    }
}

fn zero() -> Error {
    Error::value("division by zero")
}

fn integers(operator: Operator, left: i64, right: i64) -> Result<Value> {
    let result = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Sub => left.checked_sub(right),
        Operator::Mul => left.checked_mul(right),
        Operator::FloorDiv | Operator::Rem if right == 0 => return Err(zero()),
        Operator::FloorDiv => number::floor_div_rem(left, right).map(|(quotient, _)| quotient),
        Operator::Rem => number::floor_div_rem(left, right).map(|(_, remainder)| remainder),
        Operator::Pow => match u32::try_from(right) {
            Ok(right) => left.checked_pow(right),
            Err(_) => return floats(operator, left as f64, right as f64),
        },
        Operator::Div => return floats(operator, left as f64, right as f64),
    };
    result
        .map(Value::Int)
        .ok_or_else(|| Error::value("a whole number with more than 64 bits"))
}

fn floats(operator: Operator, left: f64, right: f64) -> Result<Value> {
    if right == 0.0 && matches!(operator, Operator::Div | Operator::FloorDiv | Operator::Rem) {
        return Err(zero());
    }
    Ok(Value::Float(match operator {
        Operator::Add => left + right,
        Operator::Sub => left - right,
        Operator::Mul => left * right,
        Operator::Div => left / right,
        Operator::FloorDiv => number::floor_div_rem_float(left, right).0,
        Operator::Rem => number::floor_div_rem_float(left, right).1,
        Operator::Pow => {
            if left == 0.0 && right < 0.0 {
                return Err(zero());
            }
            let power = left.powf(right);
            if power.is_nan() && !left.is_nan() && !right.is_nan() {
                return Err(Error::value("a power that is a complex number"));
            }
            if power.is_infinite() && left.is_finite() && right.is_finite() {
                return Err(Error::value("a power that is too large"));
            }
            power
        }
    }))
}

pub(crate) fn negative(of: &Value) -> Result<Value> {
    of.defined()?;
    match of.as_number() {
        Some(Number::Int(number)) => number
            .checked_neg()
            .map(Value::Int)
            .ok_or_else(|| Error::value("a whole number with more than 64 bits")),
        Some(Number::Float(number)) => Ok(Value::Float(-number)),
        None => Err(Error::value(format!(
            "bad operand type for unary -: '{}'",
            of.type_name()
        ))),
    }
}

pub(crate) fn positive(of: &Value) -> Result<Value> {
    of.defined()?;
    match of.as_number() {
        Some(Number::Int(number)) => Ok(Value::Int(number)),
        Some(Number::Float(number)) => Ok(Value::Float(number)),
        None => Err(Error::value(format!(
            "bad operand type for unary +: '{}'",
            of.type_name()
        ))),
    }
}

pub(crate) fn compare(budget: &Budget, comparison: Comparison, left: &Value, right: &Value) -> Result<bool> {
    let ordered = |wanted: fn(Ordering) -> bool| Ok(value::order(budget, left, right)?.is_some_and(wanted));
    match comparison {
        Comparison::Equal => value::equal(budget, left, right),
        Comparison::NotEqual => Ok(!value::equal(budget, left, right)?),
        Comparison::Less => ordered(Ordering::is_lt),
        Comparison::LessEqual => ordered(Ordering::is_le),
        Comparison::Greater => ordered(Ordering::is_gt),
        Comparison::GreaterEqual => ordered(Ordering::is_ge),
        Comparison::In => contains(budget, right, left),
        Comparison::NotIn => Ok(!contains(budget, right, left)?),
    }
}

/// Python's `element in container`.
pub(crate) fn contains(budget: &Budget, container: &Value, element: &Value) -> Result<bool> {
    match (container, element) {
        (Value::Str(text), Value::Str(part)) => {
            budget.spend_bytes(text.len() + part.len())?;
            Ok(text.contains(&**part))
        }
        (Value::Str(_), other) => {
            other.defined()?;
            Err(Error::value(format!(
                "'in <string>' requires string as left operand, not {}",
                other.type_name()
            )))
        }
        (Value::Dict(dict), key) => Ok(dict.get(budget, key)?.is_some()),
        (Value::Seq(seq), element) => among(budget, seq, element),
        (Value::Undefined(_), _) => Ok(false),
        (other, _) => Err(Error::value(format!(
            "argument of type '{}' is not iterable",
            other.type_name()
        ))),
    }
}

fn among(budget: &Budget, seq: &Rc<Seq>, element: &Value) -> Result<bool> {
    for item in &seq.items {
        if value::equal(budget, item, element)? {
            return Ok(true);
        }
    }
    Ok(false)
}
