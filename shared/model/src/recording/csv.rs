//! CSV (RFC 4180), safe against spreadsheets that compute what begins like a formula.

use hearth_mqtt::Properties;

use super::{Record, base64, iso_time, jsonl};
use crate::json::parse_number;

/// The first line.
pub(super) const HEAD: &str =
    "time,received_ms,topic,number,qos,retain,dup,payload_bytes,encoding,payload,properties\r\n";

/// Appends one line. The columns are those of [`HEAD`].
pub(super) fn write(record: &Record<'_>, out: &mut String) {
    let text = std::str::from_utf8(record.payload)
        .ok()
        .filter(|text| is_plain(text));
    let at = record.at_ms;
    let flag = |set: bool| if set { "1" } else { "0" };
    let cells = [
        &*at.map(iso_time).unwrap_or_default(),
        &*at.map(|ms| ms.to_string()).unwrap_or_default(),
        record.topic,
        &*record.number.to_string(),
        &*record.qos.to_string(),
        flag(record.retain),
        flag(record.dup),
        &*record.payload_len.to_string(),
        if text.is_some() { "text" } else { "base64" },
        &*text.map_or_else(|| base64(record.payload, None), str::to_owned),
    ];
    for value in cells {
        cell(value, out);
        out.push(',');
    }
    if !record.properties.is_empty() {
        let mut properties = String::new();
        jsonl::write_properties(Properties::read(record.properties), &mut properties);
        cell(&properties, out);
    }
    out.push_str("\r\n");
}

/// Whether a text survives programs that read CSV: they end cells at U+0000, and drop other controls.
fn is_plain(text: &str) -> bool {
    !text
        .chars()
        .any(|character| character.is_control() && !matches!(character, '\t' | '\n' | '\r'))
}

/// One value. What a spreadsheet would compute gets an apostrophe before it, and so does what begins with one: a single
/// apostrophe at the beginning is always ours. A negative number is no formula; white space around one is no part of it,
/// so that `\t0` is guarded as every text is that begins with a tab.
fn cell(value: &str, out: &mut String) {
    let is_negative_number = value.starts_with('-')
        && !value.ends_with(char::is_whitespace)
        && parse_number(value.as_bytes()).is_some();
    let is_formula = !is_negative_number
        && value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'', '＝', '＋', '－', '＠']);
    let must_quote = value.contains(['"', ',', '\r', '\n', ';', '\t', '\'']) || is_formula;
    if !must_quote {
        return out.push_str(value);
    }
    out.push('"');
    if is_formula {
        out.push('\'');
    }
    out.push_str(&value.replace('"', "\"\""));
    out.push('"');
}
