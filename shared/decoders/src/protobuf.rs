//! Protocol Buffers without a schema: what the wire tells.
//!
//! Fields come in the order of the wire, under their numbers; what came more than once is a list. A field with a
//! length is shown as text when it is one, as a message when all of it reads as one, else as bytes. The wire does not
//! tell signs, so numbers are shown as they stand there.

use super::{DecodeError, Fault, MAXIMUM_DEPTH, Reader, json::Json};

pub(crate) fn decode(payload: &[u8]) -> Result<String, DecodeError> {
    let mut reader = Reader::new(payload);
    if reader.is_empty() {
        return Err(reader.fail(Fault::Truncated));
    }
    let mut budget = MAXIMUM_FIELDS;
    let fields = message(&mut reader, None, 0, &mut budget)?;
    let mut json = Json::default();
    write(&fields, &mut json).map_err(|fault| reader.fail(fault))?;
    Ok(json.into_text())
}

/// Fields in one payload, tries at reading bytes as a message counted: a byte may be looked at once for each level.
const MAXIMUM_FIELDS: usize = 1_000_000;

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Varint(u64),
    Fixed32([u8; 4]),
    Fixed64([u8; 8]),
    Text(String),
    Bytes(Vec<u8>),
    Message(Vec<(u64, Value)>),
}

/// Fields until the end, or until the group `group` ends.
fn message(
    reader: &mut Reader<'_>,
    group: Option<u64>,
    depth: usize,
    budget: &mut usize,
) -> Result<Vec<(u64, Value)>, DecodeError> {
    if depth > MAXIMUM_DEPTH {
        return Err(reader.fail(Fault::TooDeep));
    }
    let mut fields = Vec::new();
    while !reader.is_empty() {
        *budget = budget
            .checked_sub(1)
            .ok_or_else(|| reader.fail(Fault::TooLarge))?;
        let key = varint(reader)?;
        let number = key >> 3;
        if number == 0 || number > 0x1FFF_FFFF {
            return Err(reader.fail(Fault::Invalid));
        }
        let value = match key & 7 {
            0 => Value::Varint(varint(reader)?),
            1 => Value::Fixed64(reader.array()?),
            2 => {
                let len = varint(reader)?;
                let len = usize::try_from(len).map_err(|_| reader.fail(Fault::Truncated))?;
                delimited(reader.take(len)?, depth, budget)
            }
            3 => Value::Message(message(reader, Some(number), depth + 1, budget)?),
            4 if group == Some(number) => return Ok(fields),
            5 => Value::Fixed32(reader.array()?),
            _ => return Err(reader.fail(Fault::Invalid)),
        };
        fields.push((number, value));
    }
    match group {
        Some(_) => Err(reader.fail(Fault::Truncated)),
        None => Ok(fields),
    }
}

fn delimited(bytes: &[u8], depth: usize, budget: &mut usize) -> Value {
    let is_plain = |text: &str| {
        !text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    };
    if let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| is_plain(text)) {
        return Value::Text(text.to_owned());
    }
    match message(&mut Reader::new(bytes), None, depth + 1, budget) {
        Ok(fields) => Value::Message(fields),
        Err(_) => Value::Bytes(bytes.to_vec()),
    }
}

fn varint(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = reader.byte()?;
        if shift == 63 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(reader.fail(Fault::Invalid))
}

fn write(fields: &[(u64, Value)], json: &mut Json) -> Result<(), Fault> {
    let mut by_number: Vec<(u64, Vec<&Value>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (number, value) in fields {
        let place = *places.entry(*number).or_insert(by_number.len());
        match by_number.get_mut(place) {
            Some((_, values)) => values.push(value),
            None => by_number.push((*number, vec![value])),
        }
    }
    json.raw("{")?;
    for (place, (number, values)) in by_number.iter().enumerate() {
        json.raw(if place > 0 { ",\"" } else { "\"" })?;
        json.whole(number)?;
        json.raw("\":")?;
        match &values[..] {
            [value] => write_value(value, json)?,
            values => {
                json.raw("[")?;
                for (place, value) in values.iter().enumerate() {
                    json.raw(if place > 0 { "," } else { "" })?;
                    write_value(value, json)?;
                }
                json.raw("]")?;
            }
        }
    }
    json.raw("}")
}

fn write_value(value: &Value, json: &mut Json) -> Result<(), Fault> {
    match value {
        Value::Varint(number) => json.whole(number),
        Value::Fixed32(bytes) => fixed(json, "$fixed32", u64::from(u32::from_le_bytes(*bytes)), |json| {
            json.single(f32::from_le_bytes(*bytes))
        }),
        Value::Fixed64(bytes) => fixed(json, "$fixed64", u64::from_le_bytes(*bytes), |json| {
            json.float(f64::from_le_bytes(*bytes))
        }),
        Value::Text(text) => json.text(text),
        Value::Bytes(bytes) => json.bytes(bytes),
        Value::Message(fields) => write(fields, json),
    }
}

/// Four or eight bytes, which may be a whole number or a floating one: both are told.
fn fixed(
    json: &mut Json,
    name: &str,
    whole: u64,
    float: impl FnOnce(&mut Json) -> Result<(), Fault>,
) -> Result<(), Fault> {
    json.raw("{\"")?;
    json.raw(name)?;
    json.raw("\":")?;
    json.whole(whole)?;
    json.raw(",\"float\":")?;
    float(json)?;
    json.raw("}")
}
