//! `docs/BROKERS.md`, written from what is known: the same bytes on every machine.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use hearth_mqtt::ProtocolVersion;

use crate::brokers::{Kind, VERSIONS};
use crate::cases::{CHAPTERS, Case, Chapter};
use crate::known;

/// As the table has them, from left to right.
const COLUMNS: [(Kind, ProtocolVersion); 7] = [
    (Kind::Mosquitto, ProtocolVersion::V5),
    (Kind::Mosquitto, ProtocolVersion::V311),
    (Kind::Embedded, ProtocolVersion::V5),
    (Kind::Embedded, ProtocolVersion::V311),
    (Kind::RabbitMq, ProtocolVersion::V311),
    (Kind::Aedes, ProtocolVersion::V311),
    (Kind::Amqtt, ProtocolVersion::V311),
];

const INTRODUCTION: &str = "\
# Brokers

<!-- Written by `cargo xtask brokers --write` from `e2e/tests/brokers`. -->

What our session and real brokers do with each other over their WebSocket listeners. Every cell is a test; what a broker lacks is
asserted as well. A ✓ means that it works; a number leads to the note below that says how it shows that it does not. The cases of
\"Messages\" are asked through the bridge too, with the listener as its broker (`url = \"ws://…\"`): they come out the same.

";

/// Writes the report if `E2E_WRITE_REPORT` is set; otherwise fails if it is stale.
pub(crate) fn check() -> Result<()> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/BROKERS.md");
    let report = report()?;
    if std::env::var_os("E2E_WRITE_REPORT").is_some() {
        return Ok(std::fs::write(file, report)?);
    }
    ensure!(
        std::fs::read_to_string(file).unwrap_or_default() == report,
        "docs/BROKERS.md is stale: run `cargo xtask brokers --write`"
    );
    Ok(())
}

fn report() -> Result<String> {
    let mut text = INTRODUCTION.to_owned();
    let mut notes = Vec::new();
    writeln!(text, "| broker | seen with | 5.0 | 3.1.1 |\n|---|---|---|---|")?;
    for kind in [
        Kind::Mosquitto,
        Kind::Embedded,
        Kind::RabbitMq,
        Kind::Aedes,
        Kind::Amqtt,
    ] {
        let speaks = VERSIONS.map(|version| {
            let how = known::in_words(kind, version, "connects");
            how.map_or("✓".to_owned(), |how| format!("no: {how}"))
        });
        let [v5, v311] = speaks;
        writeln!(text, "| {kind} | {} | {v5} | {v311} |", known::seen_with(kind))?;
    }
    for chapter in &CHAPTERS {
        write_chapter(chapter, &mut text, &mut notes)?;
    }
    writeln!(text, "\n## Notes\n")?;
    for (number, note) in (1..).zip(&notes) {
        writeln!(text, "{number}. {note}.")?;
    }
    Ok(text)
}

fn write_chapter(chapter: &Chapter, text: &mut String, notes: &mut Vec<String>) -> Result<()> {
    let only_v5 = chapter.cases.iter().all(|case| case.only_v5);
    let columns: Vec<_> = COLUMNS
        .into_iter()
        .filter(|(_, version)| !only_v5 || *version == ProtocolVersion::V5)
        .collect();
    write!(text, "\n## {}\n\n| |", chapter.title)?;
    for (kind, version) in &columns {
        write!(text, " {kind} {version} |")?;
    }
    writeln!(text, "\n|---|{}", "---|".repeat(columns.len()))?;
    for case in chapter.cases {
        write!(text, "| {} |", case.title)?;
        for (kind, version) in &columns {
            write!(text, " {} |", cell(*kind, *version, case, notes))?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn cell(kind: Kind, version: ProtocolVersion, case: &Case, notes: &mut Vec<String>) -> String {
    if case.only_v5 && version != ProtocolVersion::V5 {
        return String::new();
    }
    let Some(how) = known::in_words(kind, version, case.name) else {
        return "✓".to_owned();
    };
    let number = match notes.iter().position(|note| *note == how) {
        Some(index) => index + 1,
        None => {
            notes.push(how);
            notes.len()
        }
    };
    format!("[{number}](#notes)")
}
