//! What is shown of a wrong value: mistakes land in logs and terminals, and people put secrets where they do not belong.

use std::borrow::Cow;

use toml::de::DeValue;

use super::text::is_text_of_a_file;

/// All that stands before the last `@`, but for a scheme, may be a password, and the query of an address a token. The text of a file may
/// be a key.
pub(super) fn without_credentials(text: &str) -> Cow<'_, str> {
    if is_text_of_a_file(text) {
        return Cow::Borrowed("…");
    }
    let Some((before, host)) = text.rsplit_once('@') else {
        return without_query(text);
    };
    let scheme_len = before.find("://").map_or(0, |at| at + "://".len());
    let scheme = before.get(..scheme_len).unwrap_or_default();
    Cow::Owned(format!("{scheme}…@{}", without_query(host)))
}

fn without_query(text: &str) -> Cow<'_, str> {
    match text.split_once('?') {
        Some((before, _)) => Cow::Owned(format!("{before}?…")),
        None => Cow::Borrowed(text),
    }
}

/// What stands in the file where something else is expected.
pub(super) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text \"{}\"", without_credentials(text)),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a section".into(),
    }
}

/// The same where a section is expected: a text there may be a password, as in `credentials = "…"`.
pub(super) fn describe_no_section(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) => "a text".to_owned(),
        other => describe(other),
    }
}
