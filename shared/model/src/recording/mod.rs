//! Messages in files: what is exported, and what is read to be replayed. docs/RECORDINGS.md describes the formats.
//!
//! Between the engine, which knows messages, and the second module, which knows formats, messages travel as
//! [`Record`]s, one after the other.

mod answer;
mod base64;
mod csv;
mod jsonl;
mod mqttx;
mod read;
mod record;
mod time;

pub use answer::{Fault, ReadPart};
pub use base64::{base64, from_base64};
pub use read::{LARGEST_DOCUMENT, Pending, read};
pub use record::Record;
pub use time::{iso_time, parse_time};

/// A form of file to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON object per message and line.
    JsonLines,
    /// RFC 4180, with a head line.
    Csv,
}

impl Form {
    /// As in the border of the second module, and as the ending of a file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// Back from a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::JsonLines, Self::Csv]
            .into_iter()
            .find(|form| form.word() == word)
    }
}

/// What a file of this form begins with.
#[must_use]
pub fn head(form: Form) -> &'static str {
    match form {
        Form::JsonLines => "",
        Form::Csv => csv::HEAD,
    }
}

/// [`Record`]s, one after the other, as a part of a file.
#[must_use]
pub fn write(form: Form, mut records: &[u8]) -> String {
    let mut out = String::with_capacity(records.len() * 2);
    while let Some((record, rest)) = Record::read(records) {
        match form {
            Form::JsonLines => jsonl::write(&record, &mut out),
            Form::Csv => csv::write(&record, &mut out),
        }
        records = rest;
    }
    out
}

#[cfg(test)]
mod tests;
