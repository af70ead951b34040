//! Global names: `range(…)`, `namespace(…)`, `pi`.

use std::rc::Rc;

use crate::access;
use crate::arguments::Values;
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::filters;
use crate::machine;
use crate::value::{Dict, Seq, SeqKind, Value};

/// Functions that are filters too: their first argument is what is filtered.
const ALSO_FILTERS: [&str; 33] = [
    "float",
    "int",
    "bool",
    "iif",
    "is_number",
    "typeof",
    "combine",
    "flatten",
    "intersect",
    "difference",
    "union",
    "symmetric_difference",
    "average",
    "median",
    "statistical_mode",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "clamp",
    "wrap",
    "remap",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "atan2",
    "slugify",
    "md5",
    "urlencode",
];

const OWN: [&str; 10] = [
    "range",
    "dict",
    "namespace",
    "zip",
    "min",
    "max",
    "set",
    "tuple",
    "list",
    "str",
];

/// What only Home Assistant knows.
const HOME_ASSISTANT: [&str; 40] = [
    "states",
    "state_attr",
    "is_state",
    "is_state_attr",
    "has_value",
    "now",
    "utcnow",
    "today_at",
    "as_timestamp",
    "as_datetime",
    "as_local",
    "strptime",
    "relative_time",
    "time_since",
    "time_until",
    "timedelta",
    "as_timedelta",
    "device_attr",
    "device_id",
    "device_name",
    "device_entities",
    "is_device_attr",
    "area_id",
    "area_name",
    "areas",
    "area_entities",
    "area_devices",
    "floors",
    "floor_id",
    "labels",
    "label_id",
    "integration_entities",
    "expand",
    "closest",
    "distance",
    "state_translated",
    "config_entry_id",
    "trigger",
    "this",
    "hass",
];

/// The value of a global name.
pub(crate) fn global(name: &str) -> Result<Value> {
    match name {
        "pi" => return Ok(Value::Float(std::f64::consts::PI)),
        "e" => return Ok(Value::Float(std::f64::consts::E)),
        "tau" => return Ok(Value::Float(std::f64::consts::TAU)),
        _ => {}
    }
    if let Some(name) = OWN.iter().chain(&ALSO_FILTERS).find(|known| **known == name) {
        return Ok(Value::Function(name));
    }
    if HOME_ASSISTANT.contains(&name) {
        return Err(Error::NeedsHomeAssistant {
            name: name.to_owned(),
        });
    }
    Ok(Value::undefined(name))
}

pub(crate) fn call(budget: &Budget, name: &'static str, values: &Values) -> Result<Value> {
    budget.spend(1)?;
    match name {
        "range" => range(budget, values),
        "namespace" => Ok(machine::namespace(dict(budget, values)?)),
        "dict" => Ok(Value::Dict(Rc::new(dict(budget, values)?))),
        "zip" => zip(budget, &values.positional),
        "set" => {
            let of = values.positional.first().cloned();
            let of = of.map_or_else(|| Value::list(Vec::new()), Ok)?;
            Seq::value(SeqKind::Set, filters::distinct(budget, of.to_vec(budget)?)?)
        }
        "tuple" => Value::tuple(match values.positional.first() {
            Some(of) => of.to_vec(budget)?,
            None => Vec::new(),
        }),
        "min" | "max" => {
            let many = if values.positional.len() == 1 {
                values.need(0, "value")?.clone()
            } else {
                Value::list(values.positional.clone())?
            };
            let rest = Values {
                positional: Vec::new(),
                named: values.named.clone(),
            };
            filters::filter(budget, name, &many, &rest)
        }
        // The statistics take what they count as one argument or as several.
        "average" | "median" | "statistical_mode" | "atan2"
            if !matches!(values.positional.first(), Some(Value::Seq(_))) =>
        {
            let many = Value::list(values.positional.clone())?;
            let rest = Values {
                positional: Vec::new(),
                named: values.named.clone(),
            };
            filters::filter(budget, name, &many, &rest)
        }
        "list" | "str" => Err(Error::Undefined(format!("'{name}' is undefined"))),
        name => {
            let value = values.need(0, "value")?;
            filters::filter(budget, name, value, &values.rest())
        }
    }
}

fn range(budget: &Budget, values: &Values) -> Result<Value> {
    let (start, stop) = match values.positional.as_slice() {
        [stop] => (0, stop.as_int()?),
        [start, stop, ..] => (start.as_int()?, stop.as_int()?),
        [] => return Err(Error::value("range expected at least 1 argument, got 0")),
    };
    let step = values.int(2, "step", 1)?;
    if step == 0 {
        return Err(Error::value("range() arg 3 must not be zero"));
    }
    let span = if step > 0 {
        stop.saturating_sub(start)
    } else {
        start.saturating_sub(stop)
    };
    let count = usize::try_from(span)
        .unwrap_or(0)
        .div_ceil(usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX));
    budget.spend(count)?;
    let mut items = Vec::with_capacity(count);
    let mut next = start;
    for _ in 0..count {
        items.push(Value::Int(next));
        next = next.saturating_add(step);
    }
    Seq::value(SeqKind::Range, items)
}

/// `dict(mapping or pairs, key=value)`
fn dict(budget: &Budget, values: &Values) -> Result<Dict> {
    let mut dict = match values.positional.first() {
        None => Dict::default(),
        Some(Value::Dict(dict)) => {
            budget.spend(dict.entries().len())?;
            (**dict).clone()
        }
        Some(pairs) => {
            let mut dict = Dict::default();
            for (key, value) in pairs_of(budget, pairs)? {
                dict.insert(budget, key, value)?;
            }
            dict
        }
    };
    for (name, value) in &values.named {
        dict.insert(budget, Value::Str(name.clone()), value.clone())?;
    }
    Ok(dict)
}

pub(crate) fn dict_from_pairs(budget: &Budget, pairs: &Value) -> Result<Value> {
    access::dict_of(budget, pairs_of(budget, pairs)?)
}

fn pairs_of(budget: &Budget, pairs: &Value) -> Result<Vec<(Value, Value)>> {
    let mut found = Vec::new();
    for pair in pairs.to_vec(budget)? {
        match pair.to_vec(budget)?.as_slice() {
            [key, value] => found.push((key.clone(), value.clone())),
            other => {
                return Err(Error::value(format!(
                    "a pair has two elements, this has {}",
                    other.len()
                )));
            }
        }
    }
    Ok(found)
}

fn zip(budget: &Budget, sequences: &[Value]) -> Result<Value> {
    let sequences = sequences
        .iter()
        .map(|sequence| sequence.elements(budget))
        .collect::<Result<Vec<_>>>()?;
    let length = sequences
        .iter()
        .map(|sequence| sequence.items.len())
        .min()
        .unwrap_or(0);
    budget.spend(length.saturating_mul(sequences.len()))?;
    let mut rows = Vec::with_capacity(length);
    for place in 0..length {
        let row = sequences
            .iter()
            .filter_map(|sequence| sequence.items.get(place).cloned())
            .collect();
        rows.push(Value::tuple(row)?);
    }
    Value::generator(rows)
}
