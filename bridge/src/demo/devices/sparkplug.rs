//! An edge node that speaks Sparkplug B, with two devices: a light, and a heat pump that says the names of its metrics
//! only when it is born.
//!
//! Who comes later sees the heat pump by its aliases until it asks the node to be born again. So that nobody has to, the
//! node is born again by itself every two minutes. Forms after the Sparkplug specification 3.0
//! (<https://sparkplug.eclipse.org/specification/>), chapters 4 to 6.

use crate::demo::{
    Availability, Device, Message, Moment,
    climate::{outside, round},
    noise::wander,
    time::Every,
};

const GROUP: &str = "Lindenweg";
const NODE: &str = "heating-room";
const LIGHT: &str = "Hauswirtschaftsraum light";
const PUMP: &str = "Hauswirtschaftsraum heat pump";
const REBIRTH: &str = "Node Control/Rebirth";
const BORN_AGAIN_MS: u64 = 120_000;

/// Aliases of the heat pump's metrics, unique within the node.
const FLOW: u64 = 1;
const RETURN: u64 = 2;
const POWER: u64 = 3;
const SETPOINT: u64 = 4;
const RUNNING: u64 = 5;

pub(super) struct EdgeNode {
    seed: u64,
    home_seed: u64,
    light: bool,
    setpoint: f64,
    /// Of the next connection.
    next_birth: u64,
    /// Of this one.
    birth: u64,
    seq: u8,
    born_ms: u64,
    due: Every,
}

#[derive(Clone, Copy)]
enum Value<'a> {
    UInt64(u64),
    Double(f64),
    Boolean(bool),
    Text(&'a str),
}

struct Metric<'a> {
    name: &'a str,
    alias: Option<u64>,
    unit: &'a str,
    value: Value<'a>,
}

impl<'a> Metric<'a> {
    fn named(name: &'a str, value: Value<'a>) -> Self {
        Self {
            name,
            alias: None,
            unit: "",
            value,
        }
    }
}

impl EdgeNode {
    pub(super) fn new(seed: u64, home_seed: u64) -> Self {
        Self {
            seed,
            home_seed,
            light: false,
            setpoint: 38.0,
            next_birth: 0,
            birth: 0,
            seq: 0,
            born_ms: 0,
            due: Every::default(),
        }
    }

    fn flow(&self, now: Moment) -> f64 {
        round(self.setpoint + 1.5 * wander(self.seed, now, 120_000), 1)
    }

    fn power(&self, now: Moment) -> f64 {
        let kilowatts =
            (self.setpoint - outside(self.home_seed, now)) * 0.06 + 0.1 * wander(self.seed ^ 1, now, 30_000);
        round(kilowatts.max(0.0), 2)
    }

    fn message(&mut self, now: Moment, kind: &str, device: &str, metrics: &[Metric<'_>]) -> Message {
        // The counter begins with each birth of the node.
        self.seq = if kind == "NBIRTH" {
            0
        } else {
            self.seq.wrapping_add(1)
        };
        let topic = match device {
            "" => format!("spBv1.0/{GROUP}/{kind}/{NODE}"),
            device => format!("spBv1.0/{GROUP}/{kind}/{NODE}/{device}"),
        };
        Message::bytes(topic, payload(now.home_ms, metrics, Some(self.seq)))
    }

    fn births(&mut self, now: Moment) -> Vec<Message> {
        self.born_ms = now.since_start_ms;
        let celsius = |name, alias, value| Metric {
            name,
            alias: Some(alias),
            unit: "°C",
            value: Value::Double(value),
        };
        let pump = [
            celsius("Flow temperature", FLOW, self.flow(now)),
            celsius("Return temperature", RETURN, self.flow(now) - 5.5),
            celsius("Setpoint", SETPOINT, self.setpoint),
            Metric {
                name: "Power",
                alias: Some(POWER),
                unit: "kW",
                value: Value::Double(self.power(now)),
            },
            Metric {
                name: "Compressor/Running",
                alias: Some(RUNNING),
                unit: "",
                value: Value::Boolean(true),
            },
        ];
        let node = [
            Metric::named("bdSeq", Value::UInt64(self.birth)),
            Metric::named(REBIRTH, Value::Boolean(false)),
            Metric::named("Properties/Hardware Make", Value::Text("Selbstbau")),
        ];
        let light = [Metric::named("Light", Value::Boolean(self.light))];
        vec![
            self.message(now, "NBIRTH", "", &node),
            self.message(now, "DBIRTH", LIGHT, &light),
            self.message(now, "DBIRTH", PUMP, &pump),
        ]
    }

    fn light(&mut self, now: Moment) -> Message {
        let metrics = [Metric::named("Light", Value::Boolean(self.light))];
        self.message(now, "DDATA", LIGHT, &metrics)
    }

    /// By alias only, as the specification wants it of a metric that has one.
    fn pump(&mut self, now: Moment) -> Message {
        let by_alias = |alias, value| Metric {
            name: "",
            alias: Some(alias),
            unit: "",
            value: Value::Double(value),
        };
        let metrics = [
            by_alias(FLOW, self.flow(now)),
            by_alias(RETURN, self.flow(now) - 5.5),
            by_alias(SETPOINT, self.setpoint),
            by_alias(POWER, self.power(now)),
        ];
        self.message(now, "DDATA", PUMP, &metrics)
    }
}

impl Device for EdgeNode {
    fn client_id(&self) -> String {
        "simulated-edge-node".to_owned()
    }

    /// Its death, which names the birth that it ends.
    fn availability(&self) -> Availability {
        let death = [Metric::named("bdSeq", Value::UInt64(self.next_birth))];
        Availability {
            topic: format!("spBv1.0/{GROUP}/NDEATH/{NODE}"),
            online: None,
            offline: payload(0, &death, None),
            retain: false,
        }
    }

    fn command_topics(&self) -> Vec<String> {
        vec![
            format!("spBv1.0/{GROUP}/NCMD/{NODE}"),
            format!("spBv1.0/{GROUP}/DCMD/{NODE}/+"),
        ]
    }

    fn describe(&mut self, now: Moment) -> Vec<Message> {
        self.birth = self.next_birth;
        self.next_birth = (self.next_birth + 1) % 256;
        self.births(now)
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        vec![self.light(now), self.pump(now)]
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        if now.since_start_ms.saturating_sub(self.born_ms) >= BORN_AGAIN_MS {
            return self.births(now);
        }
        if self.due.is_due(now, 9_000) {
            self.announce(now)
        } else {
            Vec::new()
        }
    }

    fn obey_bytes(&mut self, now: Moment, topic: &str, payload: &[u8]) -> Vec<Message> {
        let mut answers = Vec::new();
        for Command { name, alias, number } in commands(payload) {
            match (&*name, alias) {
                (REBIRTH, _) if number > 0.0 => answers.extend(self.births(now)),
                ("Light", _) if topic.ends_with(LIGHT) => {
                    self.light = number > 0.0;
                    answers.push(self.light(now));
                }
                ("Setpoint", _) | ("", Some(SETPOINT)) if topic.ends_with(PUMP) => {
                    self.setpoint = number.clamp(20.0, 55.0);
                    answers.push(self.pump(now));
                }
                _ => {}
            }
        }
        answers
    }
}

/// A message of protocol buffers: the fields of the specification's chapter 6.4.
fn payload(timestamp: u64, metrics: &[Metric<'_>], seq: Option<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    number(&mut out, 1, timestamp);
    for metric in metrics {
        let mut inner = Vec::new();
        if !metric.name.is_empty() {
            text(&mut inner, 1, metric.name.as_bytes());
        }
        if let Some(alias) = metric.alias {
            number(&mut inner, 2, alias);
        }
        number(&mut inner, 3, timestamp);
        // Data that names an alias needs no type: the birth said it.
        let says_type = !metric.name.is_empty();
        let datatype = match metric.value {
            Value::UInt64(_) => 8,
            Value::Double(_) => 10,
            Value::Boolean(_) => 11,
            Value::Text(_) => 12,
        };
        if says_type {
            number(&mut inner, 4, datatype);
        }
        if !metric.unit.is_empty() {
            // A property set: its keys, and its values with their types.
            let mut value = Vec::new();
            number(&mut value, 1, 12);
            text(&mut value, 8, metric.unit.as_bytes());
            let mut properties = Vec::new();
            text(&mut properties, 1, b"engUnit");
            text(&mut properties, 2, &value);
            text(&mut inner, 9, &properties);
        }
        match metric.value {
            Value::UInt64(value) => number(&mut inner, 11, value),
            Value::Double(value) => {
                tag(&mut inner, 13, 1);
                inner.extend(value.to_le_bytes());
            }
            Value::Boolean(value) => number(&mut inner, 14, value.into()),
            Value::Text(value) => text(&mut inner, 15, value.as_bytes()),
        }
        text(&mut out, 2, &inner);
    }
    if let Some(seq) = seq {
        number(&mut out, 3, seq.into());
    }
    out
}

fn tag(out: &mut Vec<u8>, field: u64, wire_type: u64) {
    varint(out, field << 3 | wire_type);
}

fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    tag(out, field, 0);
    varint(out, value);
}

fn text(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    tag(out, field, 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A metric that is to be set.
struct Command {
    name: String,
    alias: Option<u64>,
    number: f64,
}

fn commands(payload: &[u8]) -> Vec<Command> {
    let metrics = fields(payload).into_iter();
    let metrics = metrics.filter_map(|(field, value)| match (field, value) {
        (2, Field::Bytes(metric)) => Some(fields(metric)),
        _ => None,
    });
    let mut commands = Vec::new();
    for metric in metrics {
        let mut command = Command {
            name: String::new(),
            alias: None,
            number: f64::NAN,
        };
        for (field, value) in metric {
            match (field, value) {
                (1, Field::Bytes(name)) => command.name = String::from_utf8_lossy(name).into_owned(),
                (2, Field::Number(alias)) => command.alias = Some(alias),
                (10 | 11 | 14, Field::Number(value)) => command.number = crate::demo::time::to_f64(value),
                (12, Field::Fixed32(bits)) => command.number = f32::from_bits(bits).into(),
                (13, Field::Fixed64(bits)) => command.number = f64::from_bits(bits),
                _ => {}
            }
        }
        if command.number.is_finite() {
            commands.push(command);
        }
    }
    commands
}

enum Field<'a> {
    Number(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// The fields of a message up to where it ends or breaks.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut found = Vec::new();
    while let Some(tag) = take_varint(&mut bytes) {
        let field = match tag & 7 {
            0 => take_varint(&mut bytes).map(Field::Number),
            1 => take(&mut bytes, 8)
                .and_then(|bytes| Some(Field::Fixed64(u64::from_le_bytes(bytes.try_into().ok()?)))),
            2 => take_varint(&mut bytes)
                .and_then(|length| take(&mut bytes, usize::try_from(length).ok()?))
                .map(Field::Bytes),
            5 => take(&mut bytes, 4)
                .and_then(|bytes| Some(Field::Fixed32(u32::from_le_bytes(bytes.try_into().ok()?)))),
            _ => None,
        };
        let Some(field) = field else { break };
        found.push((tag >> 3, field));
    }
    found
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for place in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_in_any_type_of_number_is_read_and_broken_bytes_are_ignored() {
        let as_double = payload(5, &[Metric::named("Setpoint", Value::Double(41.5))], None);
        let as_alias = payload(
            5,
            &[Metric {
                name: "",
                alias: Some(SETPOINT),
                unit: "",
                value: Value::UInt64(42),
            }],
            None,
        );
        let read = |bytes: &[u8]| {
            commands(bytes)
                .into_iter()
                .map(|c| (c.name, c.alias, c.number))
                .collect::<Vec<_>>()
        };
        assert_eq!(read(&as_double), [("Setpoint".to_owned(), None, 41.5)]);
        assert_eq!(read(&as_alias), [(String::new(), Some(SETPOINT), 42.0)]);
        for length in 0..as_double.len() {
            assert_eq!(
                read(&as_double[..length]).len(),
                usize::from(length == as_double.len())
            );
        }
        assert!(read(b"\xff\xff\xff").is_empty() && read(b"Light").is_empty());
    }

    #[test]
    fn a_death_names_the_birth_that_it_ends() {
        let mut node = EdgeNode::new(1, 1);
        let now = Moment {
            since_start_ms: 0,
            home_ms: 0,
        };
        let will = node.availability().offline;
        let birth = node.describe(now).remove(0).payload;
        let number_of = |bytes: &[u8]| {
            commands(bytes)
                .into_iter()
                .find(|c| c.name == "bdSeq")
                .map(|c| c.number)
        };
        assert_eq!(number_of(&will), number_of(&birth));
        assert_ne!(number_of(&node.availability().offline), number_of(&birth));
    }
}
