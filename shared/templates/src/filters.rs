//! `value | filter`: Jinja2's own, and those that Home Assistant adds.

mod numbers;
mod sequences;
mod texts;

use crate::arguments::Values;
use crate::budget::{Budget, Limits};
use crate::error::{Error, Result};
use crate::json::{self, Style};
use crate::value::{self, Value};

pub(crate) use numbers::is_number;
pub(crate) use sequences::distinct;

pub(crate) fn filter(budget: &Budget, name: &str, value: &Value, values: &Values) -> Result<Value> {
    budget.spend(1)?;
    if let Some(result) = own(budget, name, value, values)? {
        return Ok(result);
    }
    if let Some(result) = numbers::filter(budget, name, value, values)? {
        return Ok(result);
    }
    if let Some(result) = texts::filter(budget, name, value, values)? {
        return Ok(result);
    }
    if let Some(result) = sequences::filter(budget, name, value, values)? {
        return Ok(result);
    }
    if HOME_ASSISTANT.contains(&name) {
        return Err(Error::NeedsHomeAssistant {
            name: name.to_owned(),
        });
    }
    Err(Error::Unsupported {
        what: "the filter",
        name: value::shortened(name),
    })
}

/// Filters that need its states, or its clock and time zone.
const HOME_ASSISTANT: [&str; 24] = [
    "as_timestamp",
    "as_datetime",
    "as_local",
    "timestamp_custom",
    "timestamp_local",
    "timestamp_utc",
    "as_timedelta",
    "relative_time",
    "time_since",
    "time_until",
    "expand",
    "device_attr",
    "device_id",
    "device_entities",
    "area_id",
    "area_name",
    "area_entities",
    "area_devices",
    "floor_id",
    "state_attr",
    "states",
    "has_value",
    "is_state",
    "closest",
];

/// Whether there is a filter of that name.
pub(crate) fn exists(name: &str) -> bool {
    let budget = Budget::new(Limits::default());
    !matches!(
        filter(&budget, name, &Value::None, &Values::default()),
        Err(Error::Unsupported { .. } | Error::NeedsHomeAssistant { .. })
    )
}

/// Those about values of any kind.
fn own(budget: &Budget, name: &str, value: &Value, values: &Values) -> Result<Option<Value>> {
    Ok(Some(match name {
        "default" | "d" => {
            if value.is_undefined() || (values.flag(1, "boolean", false) && !value.is_true()) {
                values
                    .get(0, "default_value")
                    .cloned()
                    .unwrap_or_else(|| Value::from(""))
            } else {
                value.clone()
            }
        }
        "is_defined" => {
            value.defined()?;
            value.clone()
        }
        "iif" => iif(value, values),
        "typeof" => Value::from(value.type_name()),
        "string" | "safe" | "forceescape" if name != "forceescape" => Value::Str(value.text(budget)?),
        "pprint" => {
            let mut text = String::new();
            value.write_repr(budget, &mut text)?;
            Value::from(text)
        }
        "tojson" => {
            let indent = values.get(0, "indent").map(Value::as_int).transpose()?;
            let style = Style {
                spaced: true,
                indent: indent.and_then(|indent| usize::try_from(indent).ok()),
                sort_keys: true,
                ensure_ascii: true,
                html: true,
            };
            written(budget, value, style)?
        }
        "to_json" => {
            let ascii = values.flag(0, "ensure_ascii", false);
            let style = Style {
                spaced: ascii,
                indent: values.flag(1, "pretty_print", false).then_some(2),
                sort_keys: values.flag(2, "sort_keys", false),
                ensure_ascii: ascii,
                html: false,
            };
            written(budget, value, style)?
        }
        "from_json" => {
            let parsed = match value {
                Value::Str(text) => {
                    budget.spend_bytes(text.len().saturating_mul(8))?;
                    json::parse(text)
                }
                _ => None,
            };
            match (parsed, values.get(0, "default")) {
                (Some(parsed), _) => parsed,
                (None, Some(default)) => default.clone(),
                (None, None) => return Err(numbers::no_default(budget, "from_json", value)),
            }
        }
        "attr" => match values.need(0, "name")? {
            Value::Str(name) => crate::access::attribute(budget, value, name)?,
            _ => Value::undefined("attr"),
        },
        _ => return Ok(None),
    }))
}

fn written(budget: &Budget, value: &Value, style: Style) -> Result<Value> {
    let mut text = String::new();
    json::write(budget, value, style, 0, &mut text)?;
    Ok(Value::from(text))
}

fn iif(value: &Value, values: &Values) -> Value {
    if let (Value::None, Some(if_none)) = (value, values.get(2, "if_none")) {
        return if_none.clone();
    }
    if value.is_true() {
        values.get(0, "if_true").cloned().unwrap_or(Value::Bool(true))
    } else {
        values.get(1, "if_false").cloned().unwrap_or(Value::Bool(false))
    }
}
