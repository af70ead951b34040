//! From what a payload says to a value in the entity's own terms.

use hearth_model::json::parse_number;

use crate::announced::bind::pin_decimals;
use crate::announced::extract::scalar_of_json;
use crate::announced::json::{Json, JsonLimits};
use crate::announced::model::Shows;
use crate::device::{Entity, Value};
use crate::entity::since;
use crate::flat::Scalar;

pub(super) fn take_value(
    now_ms: u64,
    retained: bool,
    entity: &mut Entity,
    bound: &mut crate::announced::bind::BoundEntity,
    value: Value,
) {
    if matches!(bound.shows, Shows::Event | Shows::Trigger { .. }) {
        entity.since_ms = since(now_ms, retained);
    }
    bound.off_at_ms = match (&value, bound.off_delay_ms) {
        (Value::Binary(true), Some(delay)) => Some(now_ms.saturating_add(delay)),
        _ => None,
    };
    if let Some(after) = bound.expire_after_ms {
        bound.expires_at_ms = Some(now_ms.saturating_add(after));
        if std::mem::take(&mut bound.is_expired) {
            entity.unavailable = false;
        }
    }
    pin_decimals(&mut entity.decimals, bound.decimals);
    entity.take_value(now_ms, retained, value);
}

/// The beginning of a payload as it came.
pub(super) fn raw(payload: &[u8]) -> Value {
    Value::Text(String::from_utf8_lossy(payload).chars().take(400).collect())
}

/// The member of a JSON object that is meant, when it is one; `None` when the object says nothing of it, which changes nothing.
pub(super) fn unwrap(scalar: Scalar, member: Option<&str>) -> Option<Scalar> {
    match (&scalar, member) {
        (Scalar::Text(text), Some(member)) if text.starts_with('{') => {
            match Json::parse(text.as_bytes(), JsonLimits::STATE) {
                Ok(json) => json.get(member).map(scalar_of_json),
                Err(_) => Some(scalar),
            }
        }
        _ => Some(scalar),
    }
}

/// Events that did not happen now, and those that are others.
pub(super) fn is_ignored(shows: &Shows, scalar: &Scalar, retained: bool) -> bool {
    match shows {
        Shows::Event => retained || matches!(scalar, Scalar::Null) || spelled(scalar).is_empty(),
        Shows::Trigger { payload, .. } => retained || spelled(scalar) != *payload,
        _ => false,
    }
}

/// What a payload says, in the entity's own terms.
pub(super) fn value_of(shows: &Shows, scalar: &Scalar, entity: &mut Entity) -> Value {
    if *scalar == Scalar::Null {
        return Value::Unknown;
    }
    match shows {
        Shows::Number { scale, offset } => match scalar {
            Scalar::Number(number, spelled) => {
                if *scale == 1.0 && *offset == 0.0 {
                    entity.decimals.push_text(spelled);
                    return Value::Number(*number);
                }
                let shown = (number - offset) / scale;
                let shown = if entity.unit == "%" { shown.round() } else { shown };
                entity.decimals.push(shown);
                Value::Number(shown)
            }
            other => Value::Text(spelled(other)),
        },
        Shows::States(states) => {
            let word = spelled(scalar);
            let known = states.iter().find(|(known, _)| is_same_word(known, &word));
            known.map_or(Value::Text(word), |(_, value)| value.clone())
        }
        Shows::Color(form) => {
            let spelled = spelled(scalar);
            Value::Text(form.read(&spelled).unwrap_or(spelled))
        }
        Shows::Position { closed } => match scalar {
            Scalar::Number(number, _) => Value::Binary(number != closed),
            other => Value::Text(spelled(other)),
        },
        Shows::Trigger { happened, .. } => Value::Text(happened.clone()),
        Shows::Text | Shows::Event | Shows::Bytes => Value::Text(spelled(scalar)),
    }
}

/// As Python writes it, which is how announcing programs compare.
pub(super) fn spelled(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Number(_, spelled) | Scalar::Text(spelled) => spelled.clone(),
        Scalar::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
        Scalar::Null => "None".to_owned(),
    }
}

/// The same word; of true and false also in JSON's spelling, of numbers also with other decimals.
pub(super) fn is_same_word(known: &str, word: &str) -> bool {
    let is_bool = |text: &str| matches!(text, "True" | "False" | "true" | "false");
    known == word
        || (is_bool(known) && is_bool(word) && known.eq_ignore_ascii_case(word))
        || parse_number(known.as_bytes()).is_some_and(|known| parse_number(word.as_bytes()) == Some(known))
}
