//! The messages in an export of MQTTX (Settings, "Export data", JSON): a list of connections, also in folders, each
//! with its messages.

use hearth_mqtt::{Properties, Property};

use super::{Record, jsonl::check_topic, parse_time};
use crate::json::Json;

/// MQTTX nests folders; no file of a person is deeper.
const DEEPEST: u8 = 8;

/// Appends the messages that were received, and says of the others what is wrong, by their place from 1.
pub(super) fn read(value: &Json, out: &mut Vec<u8>, found: &mut u64, faults: &mut Vec<(u64, String)>) {
    walk(value, 0, out, found, faults);
}

fn walk(value: &Json, depth: u8, out: &mut Vec<u8>, found: &mut u64, faults: &mut Vec<(u64, String)>) {
    if depth > DEEPEST {
        return;
    }
    for one in value.list() {
        // What the person published comes back from the broker when it was subscribed to.
        let received = one.get("messages").map(Json::list).unwrap_or_default();
        for message in received
            .iter()
            .filter(|message| message.get("out").and_then(Json::bool) != Some(true))
        {
            *found += 1;
            if let Err(reason) = read_message(message, out) {
                faults.push((*found, reason));
            }
        }
        if let Some(children) = one.get("children") {
            walk(children, depth + 1, out, found, faults);
        }
    }
}

fn read_message(message: &Json, out: &mut Vec<u8>) -> Result<(), String> {
    let topic = message
        .get("topic")
        .and_then(Json::text)
        .ok_or("it has no topic")?;
    check_topic(topic)?;
    let payload = message
        .get("payload")
        .and_then(Json::text)
        .ok_or("it has no payload")?;
    let qos = message.get("qos").and_then(Json::number).unwrap_or(0.0);
    let properties = message.get("properties").map(properties).unwrap_or_default();
    let record = Record {
        at_ms: message.get("createAt").and_then(Json::text).and_then(parse_time),
        qos: (qos as u8).min(2),
        retain: message.get("retain").and_then(Json::bool) == Some(true),
        properties: &properties,
        ..Record::new(topic, payload.as_bytes())
    };
    record.write(out);
    Ok(())
}

/// In the names of MQTT.js; what cannot be used is left out.
fn properties(json: &Json) -> Vec<u8> {
    let text = |name: &str| {
        json.get(name)
            .and_then(Json::text)
            .filter(|text| !text.is_empty())
    };
    let mut wanted = Vec::new();
    wanted.extend(text("contentType").map(Property::ContentType));
    wanted.extend(text("responseTopic").map(Property::ResponseTopic));
    wanted.extend(text("correlationData").map(|text| Property::CorrelationData(text.as_bytes())));
    for (key, value) in json.get("userProperties").map(Json::members).unwrap_or_default() {
        wanted.extend(value.text().map(|value| Property::UserProperty(key, value)));
        let several = value.list().iter().filter_map(Json::text);
        wanted.extend(several.map(|value| Property::UserProperty(key, value)));
    }
    Properties::of(&wanted).map_or_else(|_| Vec::new(), |properties| properties.as_bytes().to_vec())
}
