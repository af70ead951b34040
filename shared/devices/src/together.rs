//! Values that are sent together, because what takes them wants all of them: the members of a composite of zigbee2mqtt.

use crate::announced::extract::Engine;
use crate::announced::json::{Json, JsonLimits};
use crate::command::Action;
use crate::device::{Device, Entity, Value};

/// A command's payload with what the others whose ids begin so said last.
pub(crate) fn together(
    device: &Device,
    set: &Entity,
    prefix: &str,
    payload: Vec<u8>,
    engine: &mut Engine,
) -> Vec<u8> {
    let mut whole = Json::Object(Vec::new());
    let others = device.entities.iter().filter(|other| other.id != set.id);
    let others = others.filter(|other| other.id.starts_with(prefix));
    let mut payloads: Vec<Vec<u8>> = others.filter_map(|other| said_again(other, engine)).collect();
    payloads.push(payload);
    for payload in &payloads {
        if let Ok(said) = Json::parse(payload, JsonLimits::STATE) {
            overlay(&mut whole, said);
        }
    }
    whole.to_json().into_bytes()
}

/// The command that would make it what it is.
fn said_again(entity: &Entity, engine: &mut Engine) -> Option<Vec<u8>> {
    let action = match &entity.value {
        Value::Unknown => return None,
        Value::Number(number) => Action::Set(*number),
        Value::Binary(true) => Action::TurnOn,
        Value::Binary(false) => Action::TurnOff,
        Value::Text(text) => Action::Choose(text.clone()),
    };
    let command = entity.control.as_ref()?.command(&action, "", engine);
    command.ok().map(|command| command.payload)
}

fn overlay(whole: &mut Json, said: Json) {
    match (whole, said) {
        (Json::Object(members), Json::Object(said)) => {
            for (key, value) in said {
                match members.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, known)) => overlay(known, value),
                    None => members.push((key, value)),
                }
            }
        }
        (whole, said) => *whole = said,
    }
}
