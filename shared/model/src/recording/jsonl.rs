//! JSON Lines: our own, which name everything, and those of `mosquitto_sub -F %J`.

use hearth_mqtt::{Properties, Property};

use super::{Record, base64, from_base64, iso_time, parse_time};
use crate::json::{Json, JsonLimits, members, quoted, unescape};

/// Appends one line.
pub(super) fn write(record: &Record<'_>, out: &mut String) {
    out.push('{');
    if let Some(ms) = record.at_ms {
        out.push_str("\"time\":\"");
        out.push_str(&iso_time(ms));
        out.push_str("\",\"received_ms\":");
        out.push_str(&ms.to_string());
        out.push(',');
    }
    member(out, "topic", &quoted(record.topic));
    member(out, ",number", &record.number.to_string());
    member(out, ",qos", &record.qos.to_string());
    member(out, ",retain", flag(record.retain));
    member(out, ",dup", flag(record.dup));
    if record.is_cut() {
        member(out, ",cut_from_bytes", &record.payload_len.to_string());
    }
    text_or_base64(out, ",payload", "_base64", record.payload);
    if !record.properties.is_empty() {
        out.push_str(",\"properties\":");
        write_properties(Properties::read(record.properties), out);
    }
    out.push_str("}\n");
}

fn flag(set: bool) -> &'static str {
    if set { "true" } else { "false" }
}

/// A member; the comma before it belongs to its name.
fn member(out: &mut String, name: &str, value: &str) {
    let name = match name.strip_prefix(',') {
        Some(name) => {
            out.push(',');
            name
        }
        None => name,
    };
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    out.push_str(value);
}

/// A text as it is; other bytes under a name that says so.
fn text_or_base64(out: &mut String, name: &str, suffix: &str, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => member(out, name, &quoted(text)),
        Err(_) => member(out, &format!("{name}{suffix}"), &quoted(&base64(bytes, None))),
    }
}

/// Appends the properties as an object, in the names of `mosquitto_sub`.
pub(super) fn write_properties<'a>(properties: impl Iterator<Item = Property<'a>>, out: &mut String) {
    let (mut users, mut identifiers) = (String::new(), String::new());
    let start = out.len();
    out.push('{');
    for property in properties {
        let name = name_of(&property);
        let comma = if out.len() > start + 1 { "," } else { "" };
        let named = format!("{comma}{name}");
        match property {
            Property::UserProperty(key, value) => {
                users.push_str(if users.is_empty() { "[" } else { ",[" });
                users.push_str(&quoted(key));
                users.push(',');
                users.push_str(&quoted(value));
                users.push(']');
            }
            Property::SubscriptionIdentifier(id) => {
                identifiers.push_str(if identifiers.is_empty() { "" } else { "," });
                identifiers.push_str(&id.to_string());
            }
            Property::ContentType(text) | Property::ResponseTopic(text) => member(out, &named, &quoted(text)),
            Property::CorrelationData(data) => text_or_base64(out, &named, "-base64", data),
            Property::PayloadFormatIndicator(number) => member(out, &named, &number.to_string()),
            Property::MessageExpiryInterval(seconds) => member(out, &named, &seconds.to_string()),
            Property::TopicAlias(alias) => member(out, &named, &alias.to_string()),
            // No other stands in a PUBLISH.
            _ => {}
        }
    }
    for (name, list) in [
        ("user-properties", users),
        ("subscription-identifiers", identifiers),
    ] {
        if !list.is_empty() {
            let comma = if out.len() > start + 1 { "," } else { "" };
            member(out, &format!("{comma}{name}"), &format!("[{list}]"));
        }
    }
    out.push('}');
}

fn name_of(property: &Property<'_>) -> &'static str {
    match property {
        Property::ContentType(_) => "content-type",
        Property::ResponseTopic(_) => "response-topic",
        Property::CorrelationData(_) => "correlation-data",
        Property::PayloadFormatIndicator(_) => "payload-format-indicator",
        Property::MessageExpiryInterval(_) => "message-expiry-interval",
        Property::TopicAlias(_) => "topic-alias",
        _ => "",
    }
}

/// Appends the message of a line.
pub(super) fn read(line: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let found = members(line).map_err(|error| error.to_string())?;
    let raw = |name: &str| {
        let mut named = found.iter().rev().filter(|(key, _)| unescape(key) == name);
        named.next().map(|(_, value)| *value)
    };
    let text = |name: &str| raw(name).filter(|value| value.starts_with(b"\"")).map(unescape);
    let number = |name: &str| std::str::from_utf8(raw(name)?).ok()?.parse::<u64>().ok();
    let is_set = |name: &str| matches!(raw(name), Some(b"true" | b"1"));
    let topic = text("topic").ok_or("it has no topic")?;
    check_topic(&topic)?;
    let said = text("time").or_else(|| text("tst"));
    let at_ms = number("received_ms").or_else(|| parse_time(said.as_deref()?));
    if at_ms.is_none() && said.is_some() {
        return Err("its time cannot be read".to_owned());
    }
    let qos = number("qos").unwrap_or(0);
    let payload = match (text("payload_base64"), raw("payload")) {
        (Some(coded), _) => from_base64(&coded).ok_or("its payload_base64 is not Base64")?,
        (None, Some(value)) => payload(value),
        (None, None) => return Err("it has no payload".to_owned()),
    };
    let properties = match raw("properties") {
        Some(value) => read_properties(value)?,
        None => Vec::new(),
    };
    let record = Record {
        at_ms,
        number: number("number").unwrap_or(0),
        payload_len: number("cut_from_bytes")
            .and_then(|len| usize::try_from(len).ok())
            .unwrap_or(0)
            .max(payload.len()),
        properties: &properties,
        qos: u8::try_from(qos)
            .ok()
            .filter(|qos| *qos <= 2)
            .ok_or("its qos is not 0, 1 or 2")?,
        retain: is_set("retain"),
        dup: is_set("dup"),
        ..Record::new(&topic, &payload)
    };
    record.write(out);
    Ok(())
}

/// A string is the text it says; `null` is an empty payload; all else is the payload as it stands there.
fn payload(value: &[u8]) -> Vec<u8> {
    match value.first() {
        // Bytes that mosquitto_sub could not spell stand there as they came.
        Some(b'"') if !value.contains(&b'\\') => value.get(1..value.len() - 1).unwrap_or_default().to_vec(),
        Some(b'"') => unescape(value).into_bytes(),
        _ if value == b"null" => Vec::new(),
        _ => value.to_vec(),
    }
}

/// Whether messages can be published to it.
pub(super) fn check_topic(topic: &str) -> Result<(), String> {
    match hearth_mqtt::TopicName::parse(topic) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("its topic cannot be used: {error}")),
    }
}

/// An object of properties as they are encoded in a PUBLISH; names that are not known are left out.
pub(super) fn read_properties(value: &[u8]) -> Result<Vec<u8>, String> {
    let json = Json::parse(value, JsonLimits::STATE).map_err(|fault| fault.reason().to_owned())?;
    let text = |name: &str| json.get(name).and_then(Json::text);
    let number = |name: &str| {
        let number = json.get(name).and_then(Json::number)?;
        (number >= 0.0 && number <= f64::from(u32::MAX)).then_some(number as u32)
    };
    let correlation = match text("correlation-data-base64") {
        Some(coded) => from_base64(coded),
        None => text("correlation-data").map(|text| text.as_bytes().to_vec()),
    };
    let mut wanted = Vec::new();
    let format = number("payload-format-indicator").and_then(|number| u8::try_from(number).ok());
    wanted.extend(format.map(Property::PayloadFormatIndicator));
    wanted.extend(number("message-expiry-interval").map(Property::MessageExpiryInterval));
    wanted.extend(text("content-type").map(Property::ContentType));
    wanted.extend(text("response-topic").map(Property::ResponseTopic));
    wanted.extend(correlation.as_deref().map(Property::CorrelationData));
    let users = json.get("user-properties");
    let users = users.iter().flat_map(|users| {
        let pairs = users.list().iter().filter_map(|pair| match pair.list() {
            [key, value] => Some((key.text()?, value.text()?)),
            _ => None,
        });
        let named = users
            .members()
            .iter()
            .filter_map(|(key, value)| Some((key.as_str(), value.text()?)));
        pairs.chain(named)
    });
    wanted.extend(users.map(|(key, value)| Property::UserProperty(key, value)));
    let identifiers = json.get("subscription-identifiers");
    for id in identifiers.iter().flat_map(|list| list.list()) {
        let id = id.number().filter(|id| *id >= 1.0 && *id <= 268_435_455.0);
        wanted.extend(id.map(|id| Property::SubscriptionIdentifier(id as u32)));
    }
    let properties =
        Properties::of(&wanted).map_err(|error| format!("its properties cannot be used: {error}"))?;
    Ok(properties.as_bytes().to_vec())
}
