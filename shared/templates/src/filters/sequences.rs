//! Filters of lists and dicts.

use std::cmp::Ordering;
use std::rc::Rc;

use super::filter as any_filter;
use crate::access;
use crate::arguments::Values;
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::tests;
use crate::text;
use crate::value::{self, Dict, Number, Value};

pub(super) fn filter(budget: &Budget, name: &str, value: &Value, values: &Values) -> Result<Option<Value>> {
    Ok(Some(match name {
        "length" | "count" => Value::Int(i64::try_from(value.len()?).unwrap_or(i64::MAX)),
        "list" => Value::list(value.to_vec(budget)?)?,
        "first" => {
            let items = value.elements(budget)?;
            items
                .items
                .first()
                .cloned()
                .unwrap_or_else(|| Value::undefined("first"))
        }
        "last" => {
            let items = value.elements(budget)?;
            items
                .items
                .last()
                .cloned()
                .unwrap_or_else(|| Value::undefined("last"))
        }
        "join" => {
            let separator = values
                .get(0, "d")
                .map_or(Ok(Rc::from("")), |text| text.text(budget))?;
            let items = match values.get(1, "attribute") {
                Some(path) => Value::list(attributes(budget, value, path, None)?)?,
                None => value.clone(),
            };
            text::joined(budget, &separator, &items, false)?
        }
        "reverse" => reversed(budget, value)?,
        "sort" => sorted(budget, value, values)?,
        "unique" => {
            let items = distinct_by(budget, value.to_vec(budget)?, |item| folded(budget, item))?;
            Value::generator(items)?
        }
        "min" | "max" => extreme(budget, name, value, values)?,
        "sum" => sum(budget, value, values)?,
        "map" => map(budget, value, values)?,
        "select" | "reject" => select(budget, value, values, None, name == "select")?,
        "selectattr" | "rejectattr" => {
            let path = values.need(0, "attribute")?.clone();
            select(budget, value, &values.rest(), Some(&path), name == "selectattr")?
        }
        "batch" | "slice" => chunks(budget, name, value, values)?,
        "groupby" => groups(budget, value, values)?,
        "dictsort" => dictsort(budget, value, values)?,
        "items" => match value {
            Value::Dict(_) => crate::methods::call(budget, value, "items", &Values::default())?,
            Value::Undefined(_) => Value::generator(Vec::new())?,
            _ => return Err(Error::value("can only get item pairs from a mapping")),
        },
        "flatten" => {
            let mut flat = Vec::new();
            flatten(
                budget,
                value,
                values.get(0, "levels").map(Value::as_int).transpose()?,
                &mut flat,
            )?;
            Value::list(flat)?
        }
        "combine" => combine(budget, value, values)?,
        "contains" => Value::Bool(crate::operators::contains(
            budget,
            value,
            values.need(0, "value")?,
        )?),
        "intersect" | "difference" | "union" | "symmetric_difference" => sets(budget, name, value, values)?,
        "average" | "median" | "statistical_mode" => statistics(budget, name, value, values)?,
        "atan2" => {
            let items = value.to_vec(budget)?;
            match items.as_slice() {
                [y, x] => match (y.as_number(), x.as_number()) {
                    (Some(y), Some(x)) => Value::Float(y.as_float().atan2(x.as_float())),
                    _ => return Err(Error::value("atan2 needs two numbers")),
                },
                _ => return Err(Error::value("atan2 needs two numbers")),
            }
        }
        _ => return Ok(None),
    }))
}

/// Each element's attribute.
fn attributes(budget: &Budget, value: &Value, path: &Value, default: Option<&Value>) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    for item in &value.elements(budget)?.items {
        let attribute = access::path(budget, item, path)?;
        found.push(match default {
            Some(default) if attribute.is_undefined() => default.clone(),
            _ => attribute,
        });
    }
    Ok(found)
}

fn map(budget: &Budget, value: &Value, values: &Values) -> Result<Value> {
    if let Some(path) = values.named("attribute") {
        return Value::generator(attributes(budget, value, path, values.named("default"))?);
    }
    let Some(Value::Str(name)) = values.positional.first() else {
        return Err(Error::value("map requires a filter argument"));
    };
    let rest = values.rest();
    let mut mapped = Vec::new();
    for item in &value.elements(budget)?.items {
        mapped.push(any_filter(budget, name, item, &rest)?);
    }
    Value::generator(mapped)
}

fn select(
    budget: &Budget,
    value: &Value,
    values: &Values,
    path: Option<&Value>,
    wanted: bool,
) -> Result<Value> {
    let rest = values.rest();
    let mut kept = Vec::new();
    for item in &value.elements(budget)?.items {
        let judged = match path {
            Some(path) => access::path(budget, item, path)?,
            None => item.clone(),
        };
        let passes = match values.positional.first() {
            None => judged.is_true(),
            Some(Value::Str(name)) => tests::test(budget, name, &judged, &rest)?,
            Some(other) => return Err(Error::value(format!("no test named {}", other.type_name()))),
        };
        if passes == wanted {
            kept.push(item.clone());
        }
    }
    Value::generator(kept)
}

fn reversed(budget: &Budget, value: &Value) -> Result<Value> {
    if let Value::Str(text) = value {
        budget.spend_bytes(text.len())?;
        return Ok(Value::from(text.chars().rev().collect::<String>()));
    }
    let mut items = value.to_vec(budget)?;
    items.reverse();
    Value::generator(items)
}

/// Texts compare without case where Jinja ignores it.
fn folded(budget: &Budget, value: &Value) -> Result<Value> {
    Ok(match value {
        Value::Str(text) => {
            budget.spend_bytes(text.len())?;
            Value::from(text.to_lowercase())
        }
        other => other.clone(),
    })
}

/// Sorts by keys; what cannot be compared is an error. By merging, because the order of Python's values need not be a total one.
fn sort_by_keys(budget: &Budget, mut items: Vec<(Value, Value)>, reverse: bool) -> Result<Vec<Value>> {
    // Equal elements keep their order, also in reverse.
    if reverse {
        items.reverse();
    }
    let mut runs: Vec<Vec<(Value, Value)>> = items.into_iter().map(|item| vec![item]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut rest = runs.into_iter();
        while let Some(left) = rest.next() {
            merged.push(match rest.next() {
                Some(right) => merge(budget, left, right)?,
                None => left,
            });
        }
        runs = merged;
    }
    let mut sorted: Vec<Value> = runs.into_iter().flatten().map(|(_, item)| item).collect();
    if reverse {
        sorted.reverse();
    }
    Ok(sorted)
}

type Keyed = (Value, Value);

fn merge(budget: &Budget, left: Vec<Keyed>, right: Vec<Keyed>) -> Result<Vec<Keyed>> {
    budget.spend(left.len() + right.len())?;
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some((a, _)), Some((b, _))) = (left.peek(), right.peek()) {
        let from = if value::order(budget, b, a)? == Some(Ordering::Less) {
            &mut right
        } else {
            &mut left
        };
        merged.extend(from.next());
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

fn key_of(budget: &Budget, item: &Value, path: Option<&Value>, case_sensitive: bool) -> Result<Value> {
    let key = match path {
        Some(Value::Str(paths)) if paths.contains(',') => {
            let keys = paths.split(',').map(|path| {
                let key = access::path(budget, item, &Value::from(path.trim()))?;
                if case_sensitive {
                    Ok(key)
                } else {
                    folded(budget, &key)
                }
            });
            return Value::list(keys.collect::<Result<_>>()?);
        }
        Some(path) => access::path(budget, item, path)?,
        None => item.clone(),
    };
    if case_sensitive {
        Ok(key)
    } else {
        folded(budget, &key)
    }
}

fn sorted(budget: &Budget, value: &Value, values: &Values) -> Result<Value> {
    let reverse = values.flag(0, "reverse", false);
    let case_sensitive = values.flag(1, "case_sensitive", false);
    let path = values.get(2, "attribute");
    let mut items = Vec::new();
    for item in value.to_vec(budget)? {
        items.push((key_of(budget, &item, path, case_sensitive)?, item));
    }
    Value::list(sort_by_keys(budget, items, reverse)?)
}

fn dictsort(budget: &Budget, value: &Value, values: &Values) -> Result<Value> {
    let Value::Dict(dict) = value else {
        return Err(Error::value("dictsort needs a dict"));
    };
    let case_sensitive = values.flag(0, "case_sensitive", false);
    let by_value = &*values.text(1, "by", "key")? == "value";
    let mut items = Vec::new();
    for (key, value) in dict.entries() {
        budget.spend(1)?;
        let by = key_of(budget, if by_value { value } else { key }, None, case_sensitive)?;
        items.push((by, Value::tuple(vec![key.clone(), value.clone()])?));
    }
    Value::list(sort_by_keys(budget, items, values.flag(2, "reverse", false))?)
}

/// The first of each equal.
pub(crate) fn distinct(budget: &Budget, items: Vec<Value>) -> Result<Vec<Value>> {
    distinct_by(budget, items, |item| Ok(item.clone()))
}

fn distinct_by(
    budget: &Budget,
    items: Vec<Value>,
    key: impl Fn(&Value) -> Result<Value>,
) -> Result<Vec<Value>> {
    let mut keys: Vec<Value> = Vec::new();
    let mut kept = Vec::new();
    'items: for item in items {
        let key = key(&item)?;
        for known in &keys {
            if value::equal(budget, known, &key)? {
                continue 'items;
            }
        }
        keys.push(key);
        kept.push(item);
    }
    Ok(kept)
}

fn extreme(budget: &Budget, name: &str, value: &Value, values: &Values) -> Result<Value> {
    let case_sensitive = values.flag(0, "case_sensitive", false);
    let path = values.get(1, "attribute");
    let mut best: Option<(Value, Value)> = None;
    for item in value.to_vec(budget)? {
        let key = key_of(budget, &item, path, case_sensitive)?;
        let wanted = if name == "min" {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        let better = match &best {
            None => true,
            Some((known, _)) => value::order(budget, &key, known)? == Some(wanted),
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or_else(
        || Value::undefined("No aggregated item, sequence was empty."),
        |(_, item)| item,
    ))
}

fn sum(budget: &Budget, value: &Value, values: &Values) -> Result<Value> {
    let path = values
        .get(0, "attribute")
        .filter(|path| !matches!(path, Value::None));
    let mut total = values.get(1, "start").cloned().unwrap_or(Value::Int(0));
    for item in value.to_vec(budget)? {
        let item = match path {
            Some(path) => access::path(budget, &item, path)?,
            None => item,
        };
        total = crate::operators::binary(budget, crate::ast::Operator::Add, &total, &item)?;
    }
    Ok(total)
}

fn chunks(budget: &Budget, name: &str, value: &Value, values: &Values) -> Result<Value> {
    let items = value.to_vec(budget)?;
    let count = usize::try_from(values.need(0, "slices")?.as_int()?).unwrap_or(0);
    if count == 0 {
        return Err(Error::value("a count of nothing"));
    }
    let fill = values
        .get(1, "fill_with")
        .filter(|fill| !matches!(fill, Value::None));
    let mut rows = Vec::new();
    if name == "batch" {
        for row in items.chunks(count) {
            let mut row = row.to_vec();
            if let Some(fill) = fill {
                budget.spend(count)?;
                row.resize(count, fill.clone());
            }
            rows.push(Value::list(row)?);
        }
        return Value::generator(rows);
    }
    budget.spend(count)?;
    let (each, longer) = (items.len() / count, items.len() % count);
    let mut rest = items.as_slice();
    for row in 0..count {
        let (now, behind) = rest
            .split_at_checked(each + usize::from(row < longer))
            .unwrap_or((rest, &[]));
        rest = behind;
        let mut now = now.to_vec();
        if let (Some(fill), true) = (fill, row >= longer && longer > 0) {
            now.push(fill.clone());
        }
        rows.push(Value::list(now)?);
    }
    Value::generator(rows)
}

fn groups(budget: &Budget, value: &Value, values: &Values) -> Result<Value> {
    let path = values.need(0, "attribute")?;
    let default = values.get(1, "default");
    let case_sensitive = values.flag(2, "case_sensitive", false);
    let mut items = Vec::new();
    for item in value.to_vec(budget)? {
        let mut key = access::path(budget, &item, path)?;
        if let (true, Some(default)) = (key.is_undefined(), default) {
            key = default.clone();
        }
        let by = if case_sensitive {
            key.clone()
        } else {
            folded(budget, &key)?
        };
        items.push((by.clone(), Value::tuple(vec![by, key, item])?));
    }
    let mut rows: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for entry in sort_by_keys(budget, items, false)? {
        let [by, key, item] = entry
            .to_vec(budget)?
            .try_into()
            .map_err(|_| Error::value("groupby"))?;
        match rows.last_mut() {
            Some((known, _, members)) if value::equal(budget, known, &by)? => members.push(item),
            _ => rows.push((by, key, vec![item])),
        }
    }
    let rows = rows
        .into_iter()
        .map(|(_, key, members)| Value::tuple(vec![key, Value::list(members)?]));
    Value::list(rows.collect::<Result<_>>()?)
}

fn flatten(budget: &Budget, value: &Value, levels: Option<i64>, out: &mut Vec<Value>) -> Result<()> {
    if matches!(value, Value::Str(_)) {
        return Err(Error::value("flatten expected a list, got str"));
    }
    for item in &value.elements(budget)?.items {
        match item {
            Value::Seq(_) | Value::Dict(_) if levels.is_none_or(|levels| levels >= 1) => {
                flatten(budget, item, levels.map(|levels| levels - 1), out)?;
            }
            item => {
                budget.spend(1)?;
                out.push(item.clone());
            }
        }
    }
    Ok(())
}

fn combine(budget: &Budget, value: &Value, values: &Values) -> Result<Value> {
    let recursive = values.named("recursive").is_some_and(Value::is_true);
    let mut result = Dict::default();
    for part in std::iter::once(value).chain(&values.positional) {
        let Value::Dict(part) = part else {
            return Err(Error::value(format!(
                "combine expected a dict, got {}",
                part.type_name()
            )));
        };
        for (key, value) in part.entries() {
            let merged = match (recursive, result.get(budget, key)?, value) {
                (true, Some(old @ Value::Dict(_)), Value::Dict(_)) => {
                    let both = Values {
                        positional: vec![value.clone()],
                        named: values.named.clone(),
                    };
                    combine(budget, &old.clone(), &both)?
                }
                _ => value.clone(),
            };
            result.insert(budget, key.clone(), merged)?;
        }
    }
    Ok(Value::Dict(Rc::new(result)))
}

fn sets(budget: &Budget, name: &str, value: &Value, values: &Values) -> Result<Value> {
    let other = values.need(0, "other")?;
    if matches!(value, Value::Str(_)) || matches!(other, Value::Str(_)) {
        return Err(Error::value(format!("{name} expected a list, got str")));
    }
    let left = distinct(budget, value.to_vec(budget)?)?;
    let right = distinct(budget, other.to_vec(budget)?)?;
    let has = |items: &[Value], item: &Value| -> Result<bool> {
        for known in items {
            if value::equal(budget, known, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    let mut result = Vec::new();
    for item in &left {
        let both = has(&right, item)?;
        if name == "union" || both == (name == "intersect") {
            result.push(item.clone());
        }
    }
    if matches!(name, "union" | "symmetric_difference") {
        for item in &right {
            if !has(&left, item)? {
                result.push(item.clone());
            }
        }
    }
    Value::list(result)
}

fn statistics(budget: &Budget, name: &str, value: &Value, values: &Values) -> Result<Value> {
    let items = value.to_vec(budget)?;
    let default = values.get(0, "default");
    let failed = || {
        default
            .cloned()
            .ok_or_else(|| Error::value(format!("{name} got invalid input but no default was specified")))
    };
    if name == "statistical_mode" {
        let mut best: Option<(usize, &Value)> = None;
        for item in &items {
            let mut count = 0;
            for other in &items {
                count += usize::from(value::equal(budget, item, other)?);
            }
            if best.is_none_or(|(most, _)| count > most) {
                best = Some((count, item));
            }
        }
        return best.map_or_else(failed, |(_, item)| Ok(item.clone()));
    }
    let numbers: Option<Vec<Number>> = items.iter().map(Value::as_number).collect();
    let Some(numbers) = numbers.filter(|numbers| !numbers.is_empty()) else {
        return failed();
    };
    if name == "average" {
        let total: f64 = numbers.iter().map(|number| number.as_float()).sum();
        return Ok(Value::Float(total / numbers.len() as f64));
    }
    let keyed = items.into_iter().map(|item| (item.clone(), item)).collect();
    let ordered = sort_by_keys(budget, keyed, false)?;
    let middle = ordered.len() / 2;
    let at = |place: usize| ordered.get(place).and_then(Value::as_number);
    match (ordered.len() % 2, at(middle), middle.checked_sub(1).and_then(at)) {
        (0, Some(high), Some(low)) => Ok(Value::Float((low.as_float() + high.as_float()) / 2.0)),
        _ => ordered.get(middle).cloned().map_or_else(failed, Ok),
    }
}
