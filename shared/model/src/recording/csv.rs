//! CSV (RFC 4180), safe against spreadsheets that compute what begins like a formula.

use hearth_mqtt::Properties;

use super::{Record, base64, from_base64, iso_time, jsonl, parse_time};
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

/// Whether a line is the first one of such a file.
pub(super) fn is_head(line: &[u8]) -> bool {
    line == HEAD.trim_end().as_bytes()
}

/// Whether a line is, or begins, a row as [`write()`] makes it: by its two times.
pub(super) fn is_row(line: &[u8]) -> bool {
    let mut cells = line.splitn(3, |byte| *byte == b',');
    let (Some(time), Some(ms), Some(_)) = (cells.next(), cells.next(), cells.next()) else {
        return false;
    };
    let is_time = || std::str::from_utf8(time).is_ok_and(|time| parse_time(time).is_some());
    match (time.is_empty(), ms.is_empty()) {
        (true, true) => true,
        (false, false) => ms.iter().all(u8::is_ascii_digit) && is_time(),
        _ => false,
    }
}

/// How long the row is that `bytes` begin with: a line end between quotes is a part of it. `None` when its end is not there.
pub(super) fn row_len(bytes: &[u8]) -> Option<usize> {
    let mut is_quoted = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Appends the message of a row.
pub(super) fn read(row: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let row = std::str::from_utf8(row).map_err(|_| "it is no UTF-8")?;
    let cells = cells(row);
    let [
        time,
        ms,
        topic,
        number,
        qos,
        retain,
        dup,
        len,
        encoding,
        payload,
        properties,
    ] = cells.as_slice()
    else {
        let (has, columns) = (cells.len(), HEAD.split(',').count());
        return Err(format!("it has {has} cells, and a row has {columns}"));
    };
    jsonl::check_topic(topic)?;
    let payload = match encoding.as_str() {
        "text" => payload.as_bytes().to_vec(),
        "base64" => from_base64(payload).ok_or("its payload is not Base64")?,
        _ => return Err("its encoding is neither text nor base64".to_owned()),
    };
    let properties = match properties.as_str() {
        "" => Vec::new(),
        text => jsonl::read_properties(text.as_bytes())?,
    };
    let qos = qos.parse().ok().filter(|qos| *qos <= 2);
    let record = Record {
        at_ms: ms.parse().ok().or_else(|| parse_time(time)),
        number: number.parse().unwrap_or(0),
        payload_len: len.parse().unwrap_or(0).max(payload.len()),
        properties: &properties,
        qos: qos.ok_or("its qos is not 0, 1 or 2")?,
        retain: retain == "1",
        dup: dup == "1",
        ..Record::new(topic, &payload)
    };
    record.write(out);
    Ok(())
}

/// The cells of a row, without the quotes and the apostrophe that [`cell`] gave them.
fn cells(row: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = row.chars().peekable();
    while let Some(character) = characters.next() {
        if character == ',' && !is_quoted {
            cells.push(String::new());
        } else if character != '"' {
            cells.last_mut().into_iter().for_each(|cell| cell.push(character));
        } else if is_quoted && characters.next_if_eq(&'"').is_some() {
            cells.last_mut().into_iter().for_each(|cell| cell.push('"'));
        } else {
            is_quoted = !is_quoted;
        }
    }
    for cell in &mut cells {
        if cell.starts_with('\'') {
            cell.remove(0);
        }
    }
    cells
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
