//! The payload of Sparkplug B: a message of protocol buffers, read by hand, because a page needs few of its fields.

/// Metrics of one message that are read.
const METRICS: usize = 10_000;
/// Templates in templates.
const TEMPLATES: usize = 4;
/// Properties of one metric.
const PROPERTIES: usize = 64;

/// What is read of a message.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Payload {
    pub(super) seq: Option<u64>,
    pub(super) metrics: Vec<Metric>,
}

/// One value.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Metric {
    pub(super) name: String,
    pub(super) alias: Option<u64>,
    pub(super) datatype: u32,
    pub(super) is_historical: bool,
    pub(super) is_null: bool,
    pub(super) properties: Properties,
    pub(super) value: Value,
}

/// What is read of the properties of a metric.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Properties {
    pub(super) unit: String,
    /// Its value is not to be trusted: a quality of 0 or 500.
    pub(super) is_bad: bool,
    /// Whether it can be set, where the birth says so.
    pub(super) read_only: Option<bool>,
}

/// A value as it is on the wire; signed numbers need their datatype.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) enum Value {
    #[default]
    Nothing,
    Integer(u64),
    Float(f64, String),
    Boolean(bool),
    Text(String),
    /// Bytes: how long they are.
    Other(usize),
    /// The members of a template; none of its definition.
    Members(Vec<Metric>),
}

/// The bytes are no message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

struct Reader<'a> {
    rest: &'a [u8],
}

enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

impl<'a> Reader<'a> {
    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for place in 0..10 {
            let (byte, rest) = self.rest.split_first().ok_or(Malformed)?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// The next field and its number.
    fn field(&mut self) -> Result<Option<(u64, Field<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.take()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
                self.rest = rest;
                Field::Bytes(bytes)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.take()?)),
            _ => return Err(Malformed),
        };
        Ok(Some((tag >> 3, field)))
    }
}

fn text(bytes: &[u8]) -> Result<String, Malformed> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| Malformed)
}

pub(super) fn read(bytes: &[u8]) -> Result<Payload, Malformed> {
    let mut reader = Reader { rest: bytes };
    let mut payload = Payload::default();
    while let Some((number, field)) = reader.field()? {
        match (number, field) {
            (2, Field::Bytes(bytes)) if payload.metrics.len() < METRICS => {
                payload.metrics.push(metric(bytes, TEMPLATES)?);
            }
            (3, Field::Varint(seq)) => payload.seq = Some(seq),
            _ => {}
        }
    }
    Ok(payload)
}

fn metric(bytes: &[u8], templates: usize) -> Result<Metric, Malformed> {
    let mut reader = Reader { rest: bytes };
    let mut metric = Metric::default();
    while let Some((number, field)) = reader.field()? {
        match (number, field) {
            (1, Field::Bytes(name)) => metric.name = text(name)?,
            (2, Field::Varint(alias)) => metric.alias = Some(alias),
            (4, Field::Varint(datatype)) => metric.datatype = u32::try_from(datatype).unwrap_or(0),
            (5, Field::Varint(yes)) => metric.is_historical = yes != 0,
            (7, Field::Varint(yes)) => metric.is_null = yes != 0,
            (9, Field::Bytes(bytes)) => metric.properties = properties(bytes)?,
            (10 | 11, Field::Varint(value)) => metric.value = Value::Integer(value),
            (12, Field::Fixed32(bits)) => {
                let number = f32::from_bits(bits);
                metric.value = Value::Float(f64::from(number), number.to_string());
            }
            (13, Field::Fixed64(bits)) => {
                let number = f64::from_bits(bits);
                metric.value = Value::Float(number, number.to_string());
            }
            (14, Field::Varint(yes)) => metric.value = Value::Boolean(yes != 0),
            (15, Field::Bytes(words)) => metric.value = Value::Text(text(words)?),
            (17, Field::Bytes(bytes)) => metric.value = Value::Text(data_set(bytes)?),
            (18, Field::Bytes(bytes)) if templates > 0 => {
                metric.value = Value::Members(template(bytes, templates - 1)?);
            }
            (16..=19, Field::Bytes(bytes)) => metric.value = Value::Other(bytes.len()),
            _ => {}
        }
    }
    Ok(metric)
}

/// How many rows of which columns.
fn data_set(bytes: &[u8]) -> Result<String, Malformed> {
    let mut reader = Reader { rest: bytes };
    let (mut columns, mut rows) = (String::new(), 0_usize);
    while let Some((number, field)) = reader.field()? {
        match (number, field) {
            (2, Field::Bytes(name)) if columns.len() < 200 => {
                columns.push_str(if columns.is_empty() { "" } else { ", " });
                columns.push_str(&text(name)?);
            }
            (4, Field::Bytes(_)) => rows += 1,
            _ => {}
        }
    }
    let plural = if rows == 1 { "row" } else { "rows" };
    Ok(format!("{rows} {plural} of {columns}"))
}

/// Members of an instance; a definition has none that anybody is.
fn template(bytes: &[u8], templates: usize) -> Result<Vec<Metric>, Malformed> {
    let mut reader = Reader { rest: bytes };
    let (mut members, mut is_definition) = (Vec::new(), false);
    while let Some((number, field)) = reader.field()? {
        match (number, field) {
            (2, Field::Bytes(bytes)) if members.len() < METRICS => members.push(metric(bytes, templates)?),
            (5, Field::Varint(yes)) => is_definition = yes != 0,
            _ => {}
        }
    }
    Ok(if is_definition { Vec::new() } else { members })
}

/// Unit, quality, and whether it can be set, among the properties of a metric.
fn properties(bytes: &[u8]) -> Result<Properties, Malformed> {
    let mut reader = Reader { rest: bytes };
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    while let Some((number, field)) = reader.field()? {
        match (number, field) {
            (1, Field::Bytes(key)) if keys.len() < PROPERTIES => keys.push(key),
            (2, Field::Bytes(value)) if values.len() < PROPERTIES => values.push(value),
            _ => {}
        }
    }
    let mut found = Properties::default();
    for (key, value) in keys.iter().zip(values) {
        let is_one = |names: &[&[u8]]| names.iter().any(|known| known.eq_ignore_ascii_case(key));
        let mut reader = Reader { rest: value };
        while let Some((number, field)) = reader.field()? {
            match (number, field) {
                (8, Field::Bytes(words))
                    if is_one(&[b"engUnit", b"Engineering Units", b"unit", b"units"]) =>
                {
                    found.unit = text(words)?;
                }
                (3 | 4, Field::Varint(quality)) if is_one(&[b"Quality"]) => {
                    found.is_bad = matches!(quality, 0 | 500);
                }
                (7, Field::Varint(yes)) if is_one(&[b"readOnly"]) => found.read_only = Some(yes != 0),
                _ => {}
            }
        }
    }
    Ok(found)
}

/// `{name, datatype, boolean}` in a message with a timestamp, as bytes that are also text: lengths below 128, numbers below 128.
/// `None` if the name is too long for that.
pub(super) fn boolean_command(name: &str, value: bool) -> Option<String> {
    let length = u8::try_from(name.len()).ok().filter(|length| *length <= 100)?;
    let mut bytes = vec![0x08, 0x00, 0x12, length + 6, 0x0a, length];
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(&[0x20, 11, 0x70, u8::from(value)]);
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_command_is_read_as_it_was_written() {
        let bytes = boolean_command("Node Control/Rebirth", true).unwrap();
        let payload = read(bytes.as_bytes()).unwrap();
        let metric = &payload.metrics[0];
        assert_eq!(
            (&*metric.name, metric.datatype, &metric.value),
            ("Node Control/Rebirth", 11, &Value::Boolean(true))
        );
        assert_eq!(boolean_command(&"x".repeat(101), true), None);
    }

    #[test]
    fn a_message_cut_at_any_length_is_refused_or_shorter() {
        let bytes = boolean_command("Relay", false).unwrap();
        let whole = read(bytes.as_bytes()).unwrap();
        for length in 0..bytes.len() {
            assert_ne!(read(&bytes.as_bytes()[..length]).as_ref(), Ok(&whole));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
