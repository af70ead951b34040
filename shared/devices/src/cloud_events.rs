//! `CloudEvents` 1.0, by their MQTT protocol binding 1.0.2: what a device says is the data of an event, and what the event says of
//! itself is kept beside it, for the tinkerer.
//!
//! In the structured mode, as Dapr publishes, the payload is an envelope in JSON; a Content Type that begins with
//! `application/cloudevents` says so, and where nothing says otherwise the four members that each event has. In the binary mode,
//! as Azure IoT Operations publishes, the payload is the data itself, and the envelope is in the message's User Properties.

use hearth_model::recording::from_base64;
use hearth_mqtt::{Properties, Property};

use crate::entity::{Reading, read_text};
use crate::flat::{FlatField, Scalar, flatten};

/// What every event has.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];
/// Attributes that say how an event came here rather than what it is: those of Dapr, and of the extension for tracing.
const NOT_SHOWN: [&str; 6] = [
    "specversion",
    "pubsubname",
    "topic",
    "traceid",
    "traceparent",
    "tracestate",
];
/// Attributes that are shown; an extension may add as many as it likes.
const ATTRIBUTES: usize = 24;
/// Longest name and longest value that are shown, in bytes.
const NAME_BYTES: usize = 64;
const VALUE_BYTES: usize = 1024;
/// The level above all attributes.
const ABOVE: &str = "cloudevent";

/// One value that is read of a message: where it is, the series that its numbers are in, and what it is.
pub(crate) type Value = (Vec<String>, Option<String>, Reading);

/// Whether the properties of a message are those of an event whose payload is its data.
pub(crate) fn is_binary(properties: &[u8]) -> bool {
    if properties.is_empty() || is_structured(properties) {
        return false;
    }
    let has = |wanted: &&str| {
        Properties::read(properties).any(|property| {
            matches!(property, Property::UserProperty(name, value) if name == *wanted && !value.is_empty())
        })
    };
    REQUIRED.iter().all(has)
}

fn is_structured(properties: &[u8]) -> bool {
    let begins = |text: &str| {
        let beginning = text.get(.."application/cloudevents".len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case("application/cloudevents"))
    };
    Properties::read(properties)
        .any(|property| matches!(property, Property::ContentType(text) if begins(text)))
}

/// What the properties of such a message say of the event.
#[inline(never)]
pub(crate) fn attributes_of(properties: &[u8]) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    for property in Properties::read(properties) {
        let (name, value) = match property {
            Property::UserProperty(name, value) => (name, value),
            Property::ContentType(value) => ("datacontenttype", value),
            _ => continue,
        };
        let is_known = values
            .iter()
            .any(|(path, ..)| path.last().is_some_and(|known| known == name));
        if is_shown(name) && !is_known && values.len() < ATTRIBUTES && value.len() <= VALUE_BYTES {
            values.push((place_of(name), None, Scalar::Text(value.to_owned()).into()));
        }
    }
    values
}

/// Whether the members of an object are those that every event has.
pub(crate) fn is_envelope(fields: &[FlatField]) -> bool {
    let has = |name: &&str| matches!(text(fields, name), Some(text) if !text.is_empty());
    REQUIRED.iter().all(has)
}

/// What an event in JSON says; numbers are in the series of the payload's own members.
#[inline(never)]
pub(crate) fn opened(fields: Vec<FlatField>, limit: usize) -> Vec<Value> {
    let content_type = text(&fields, "datacontenttype").map(str::to_owned);
    // Without a type it is JSON.
    let is_json = content_type.as_deref().is_none_or(is_json);
    let coded = text(&fields, "data_base64").map(|coded| decoded(coded, content_type.as_deref(), limit));
    let mut values = coded.unwrap_or_default();
    let mut attributes = 0;
    for field in fields {
        let series = hearth_model::json::member_path(field.path.iter().map(String::as_str));
        let Some((first, rest)) = field.path.split_first() else {
            continue;
        };
        match (&**first, field.value) {
            // Words of another type may be a number.
            ("data", Scalar::Text(words)) if rest.is_empty() && !is_json => {
                values.push((Vec::new(), Some(series), read_text(&words)));
            }
            ("data", value) => values.push((rest.to_vec(), Some(series), value.into())),
            (name, value) if rest.is_empty() && name != "data_base64" && is_shown(name) => {
                let value = match value {
                    Scalar::Number(_, spelled) => Scalar::Text(spelled),
                    Scalar::Bool(value) => Scalar::Text(value.to_string()),
                    value => value,
                };
                if attributes < ATTRIBUTES {
                    values.push((place_of(name), None, value.into()));
                }
                attributes += 1;
            }
            _ => {}
        }
    }
    values
}

/// Data that is bytes: what they say if their type is JSON or text, else how many there are.
fn decoded(coded: &str, content_type: Option<&str>, limit: usize) -> Vec<Value> {
    // What is longer was cut.
    let Some(bytes) = from_base64(coded).filter(|_| coded.len() < VALUE_BYTES) else {
        return Vec::new();
    };
    let told = |reading| vec![(Vec::new(), None, reading)];
    // Without a type nothing is assumed.
    if content_type.is_some_and(is_json) {
        if let Some((fields, _)) = flatten(&bytes, limit) {
            let members = fields
                .into_iter()
                .map(|field| (field.path, None, field.value.into()));
            return members.collect();
        }
    } else if !content_type.is_some_and(|kind| kind.trim_start().starts_with("text/")) {
        let length = hearth_model::format::format_bytes(bytes.len() as u64);
        return told(Scalar::Text(length).into());
    }
    match std::str::from_utf8(&bytes) {
        Ok(words) => told(read_text(words)),
        Err(_) => Vec::new(),
    }
}

/// `*/json` or `*/*+json`, whatever its parameters.
fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let subtype = kind.split_once('/').map_or("", |(_, subtype)| subtype);
    let end = subtype.rsplit('+').next().unwrap_or_default();
    end.eq_ignore_ascii_case("json")
}

/// Attributes have names of small letters and digits.
fn is_shown(name: &str) -> bool {
    let is_one = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !name.is_empty() && name.len() <= NAME_BYTES && name.bytes().all(is_one) && !NOT_SHOWN.contains(&name)
}

fn place_of(name: &str) -> Vec<String> {
    vec![ABOVE.to_owned(), name.to_owned()]
}

fn text<'a>(fields: &'a [FlatField], name: &str) -> Option<&'a str> {
    let field = fields
        .iter()
        .find(|field| matches!(&*field.path, [member] if member == name))?;
    match &field.value {
        Scalar::Text(text) => Some(text),
        Scalar::Number(..) | Scalar::Bool(_) | Scalar::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(all: &[(&str, &str)]) -> Vec<u8> {
        let all: Vec<Property<'_>> = all
            .iter()
            .map(|(name, value)| match *name {
                "content-type" => Property::ContentType(value),
                name => Property::UserProperty(name, value),
            })
            .collect();
        Properties::of(&all).unwrap().as_bytes().to_vec()
    }

    const EVENT: [(&str, &str); 4] = [
        ("specversion", "1.0"),
        ("type", "com.example.someevent"),
        ("id", "1234-1234-1234"),
        ("source", "/mycontext/subcontext"),
    ];

    #[test]
    fn an_event_has_all_that_every_event_has_and_its_content_type_says_where() {
        assert!(is_binary(&properties(&EVENT)));
        let with = |content_type| properties(&[&[("content-type", content_type)], &EVENT[..]].concat());
        assert!(is_binary(&with("application/json; charset=utf-8")));
        assert!(!is_binary(&with("Application/CloudEvents+json; charset=utf-8")));
        assert!(!is_binary(&properties(&EVENT[1..])));
        assert!(!is_binary(b""));
        let empty = [&EVENT[1..], &[("specversion", "")]].concat();
        assert!(!is_binary(&properties(&empty)));
    }

    #[test]
    fn attributes_are_those_with_the_names_of_attributes_and_no_more_than_fit() {
        let mut all = EVENT.to_vec();
        all.extend([
            ("__ts", "0:1:a"),
            ("aioassetref", "pump"),
            ("aioassetref", "other"),
            ("traceparent", "00"),
        ]);
        let many: Vec<String> = (0..40).map(|number| format!("more{number}")).collect();
        all.extend(many.iter().map(|name| (&**name, "x")));
        let found = attributes_of(&properties(&all));
        let names: Vec<String> = found.iter().map(|(path, ..)| path.join(".")).collect();
        assert_eq!(
            names[..4],
            [
                "cloudevent.type",
                "cloudevent.id",
                "cloudevent.source",
                "cloudevent.aioassetref"
            ]
        );
        assert_eq!(names.len(), ATTRIBUTES);
    }

    #[test]
    fn json_is_told_by_the_end_of_its_type() {
        for (kind, expected) in [
            ("application/json", true),
            ("text/json; charset=utf-8", true),
            ("application/vnd.x+JSON", true),
            ("application/jsonp", false),
            ("text/plain", false),
            ("json", false),
        ] {
            assert_eq!(is_json(kind), expected, "{kind}");
        }
    }
}
