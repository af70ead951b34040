//! `CloudEvents` in JSON, as Dapr publishes them: the envelope is opened, so that `data` is what a device says, and what the
//! envelope says of it is kept beside it, for the tinkerer. In the binary mode, as Azure IoT Operations uses it, the payload is the
//! data already and the envelope is in the message's user properties.

use crate::flat::FlatField;

/// What is kept of an envelope; its names for tracing and routing are not.
const KEPT: [&str; 6] = ["id", "source", "type", "subject", "time", "dataschema"];

/// Whether the members of an object are those that every event has.
pub(crate) fn is_envelope(fields: &[FlatField]) -> bool {
    let has = |name: &str| {
        fields
            .iter()
            .any(|field| matches!(&*field.path, [member] if member == name))
    };
    has("specversion") && has("id") && has("source") && has("type")
}

/// Where a member of an envelope is shown; `None` if it is not.
pub(crate) fn shown(path: &[String]) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    if first == "data" {
        return Some(rest.to_vec());
    }
    (rest.is_empty() && KEPT.contains(&first.as_str())).then(|| vec!["event".to_owned(), first.clone()])
}
