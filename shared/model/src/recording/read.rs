//! Files that others wrote, and our own.

use super::{Fault, ReadPart, Record, csv, jsonl, mqttx, parse_time};
use crate::json::{Json, JsonLimits};

/// The largest file that is one JSON document, in bytes: it is read as a whole, and takes several times its size.
pub const LARGEST_DOCUMENT: usize = 8 * 1024 * 1024;
/// Faults that are named; all are counted.
const NAMED_FAULTS: usize = 20;
const DOCUMENT: JsonLimits = JsonLimits {
    depth: 32,
    values: 500_000,
};

/// A part of a file that has to be read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending<'a> {
    /// What was not consumed of the part before, and what follows it.
    pub bytes: &'a [u8],
    /// Lines before it.
    pub lines_before: u64,
    /// Nothing follows.
    pub is_last: bool,
}

/// Reads whole lines, or the whole of a file that is one JSON document.
#[must_use]
pub fn read(pending: Pending<'_>) -> ReadPart {
    let Pending {
        bytes,
        lines_before,
        is_last,
    } = pending;
    let mut read = ReadPart::default();
    let from = if lines_before == 0 && bytes.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    let text = bytes.get(from..).unwrap_or_default();
    if lines_before == 0 && text.trim_ascii_start().starts_with(b"[") {
        read.wants_whole = true;
        if is_last {
            read.consumed = bytes.len();
            read_document(text, &mut read);
        }
        return read;
    }
    let end = if is_last {
        text.len()
    } else {
        text.iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1)
    };
    let mut rest = text.get(..end).unwrap_or_default();
    while let Some(line) = rest.split_inclusive(|byte| *byte == b'\n').next() {
        let is_row = csv::is_row(line);
        let len = match csv::row_len(rest).filter(|_| is_row) {
            Some(len) => len,
            // It goes on in what follows.
            None if is_row && !is_last => break,
            None if is_row => rest.len(),
            None => line.len(),
        };
        let Some((line, behind)) = rest.split_at_checked(len) else {
            break;
        };
        rest = behind;
        let number = lines_before + read.lines + 1;
        read.lines += line.split_inclusive(|byte| *byte == b'\n').count() as u64;
        if let Err(reason) = read_line(line, is_row, &mut read.records) {
            note(&mut read, number, reason);
        }
    }
    let done = end - rest.len();
    read.consumed = if done == 0 { 0 } else { from + done };
    read
}

/// One line, or a row of CSV with the line ends in it.
fn read_line(line: &[u8], is_row: bool, out: &mut Vec<u8>) -> Result<(), String> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.iter().all(u8::is_ascii_whitespace) || csv::is_head(line) {
        return Ok(());
    }
    if is_row {
        return csv::read(line, out);
    }
    match line.first() {
        Some(b'{') => jsonl::read(line, out),
        _ => read_text(line, out),
    }
}

fn note(read: &mut ReadPart, line: u64, reason: String) {
    read.faulty += 1;
    if read.faults.len() < NAMED_FAULTS {
        read.faults.push(Fault { line, reason });
    }
}

/// `topic payload` as `mosquitto_sub -v` prints it, also after a time (`-F '%U %t %p'`, `-F '%I %t %p'`).
fn read_text(line: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let word = |line: &[u8]| {
        let at = line.iter().position(|byte| *byte == b' ')?;
        Some((line.get(..at)?.to_vec(), line.get(at + 1..)?.to_vec()))
    };
    let neither = || "it is neither a JSON object nor “topic payload”".to_owned();
    let (first, rest) = word(line).ok_or_else(neither)?;
    let first = String::from_utf8(first).map_err(|_| neither())?;
    let (at_ms, topic, payload) = match parse_time(&first) {
        Some(at) => {
            let (topic, payload) = word(&rest).ok_or("there is no topic behind its time")?;
            let topic = String::from_utf8(topic).map_err(|_| neither())?;
            (Some(at), topic, payload)
        }
        None => (None, first, rest),
    };
    jsonl::check_topic(&topic).map_err(|error| format!("{}, and {error}", neither()))?;
    // Files of another kind have such bytes nearly everywhere.
    if topic.chars().any(char::is_control) {
        return Err(neither());
    }
    // An empty payload, in the words of mosquitto_sub -v.
    let payload = if at_ms.is_none() && payload == b"(null)" {
        &[]
    } else {
        payload.as_slice()
    };
    let record = Record {
        at_ms,
        ..Record::new(&topic, payload)
    };
    record.write(out);
    Ok(())
}

fn read_document(text: &[u8], read: &mut ReadPart) {
    if text.len() > LARGEST_DOCUMENT {
        let most = LARGEST_DOCUMENT >> 20;
        return note(
            read,
            1,
            format!("a file that is one JSON document may have {most} MiB"),
        );
    }
    let json = match Json::parse(text, DOCUMENT) {
        Ok(json) => json,
        Err(fault) => return note(read, 1, fault.reason().to_owned()),
    };
    let (mut found, mut faults) = (0, Vec::new());
    mqttx::read(&json, &mut read.records, &mut found, &mut faults);
    read.lines = found;
    if found == 0 {
        note(
            read,
            1,
            "there are no received messages of MQTTX in it".to_owned(),
        );
    }
    for (line, reason) in faults {
        note(read, line, reason);
    }
}
