//! A payload that is built like the one before it: the same bytes around other numbers. Most are, and need no scan.

use std::ops::Range;

use super::same::without_start;
use super::topic::{Field, Topic};
use crate::json::leading_number;

/// Where the newest payload of a topic spells a field.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spelling {
    /// Bytes between the field before it, or the beginning, and this.
    gap: usize,
    /// Bytes that it is spelled with.
    len: usize,
    number: f64,
}

/// Notes in a scan where the fields of a payload are spelled.
#[derive(Debug)]
pub(super) struct Layout {
    /// Fields so far, when they are the first of the topic and in order.
    fields: Option<usize>,
    at: usize,
}

impl Layout {
    /// Only of JSON: a number that is the whole payload is read as quickly.
    pub(super) fn of(payload: &[u8]) -> Self {
        Self {
            fields: matches!(payload.trim_ascii_start().first(), Some(b'{' | b'[')).then_some(0),
            at: 0,
        }
    }

    pub(super) fn note(&mut self, place: usize, field: &mut Field, number: f64, text: Range<usize>) {
        self.fields = self
            .fields
            .filter(|fields| *fields == place)
            .map(|fields| fields + 1);
        field.spelling = Spelling {
            gap: text.start.saturating_sub(self.at),
            len: text.len(),
            number,
        };
        self.at = text.end;
    }

    /// The payload says something that is no field.
    pub(super) fn miss(&mut self) {
        self.fields = None;
    }

    /// [`Topic::spelled`]
    pub(super) fn spelled(&self) -> usize {
        self.fields.unwrap_or_default()
    }
}

impl Topic {
    /// Reads a payload by that of the newest message, before it takes its place: into `numbers` goes the place and the
    /// number of each field, and `true` means that a scan would have found the same.
    pub(super) fn read_alike(&mut self, payload: &[u8], numbers: &mut Vec<(usize, f64)>) -> bool {
        let spelled = std::mem::take(&mut self.spelled);
        // Of a payload that was cut nobody knows how it went on.
        let is_known = spelled > 0 && !self.last.message().is_cut();
        if !is_known || read(&self.last.payload, payload, &mut self.fields, spelled, numbers).is_none() {
            return false;
        }
        self.spelled = spelled;
        true
    }
}

fn read(
    mut before: &[u8],
    mut payload: &[u8],
    fields: &mut [Field],
    spelled: usize,
    numbers: &mut Vec<(usize, f64)>,
) -> Option<()> {
    numbers.clear();
    for (place, field) in fields.iter_mut().enumerate().take(spelled) {
        let Spelling { gap, len, number } = &mut field.spelling;
        let is_number = field.word.is_none();
        let (same, rest) = before.split_at_checked(*gap + if is_number { 0 } else { *len })?;
        payload = without_start(payload, same)?;
        before = rest;
        if is_number {
            before = before.get(*len..)?;
            // What follows is the same as before, so that the number ends here as it did there.
            (*number, *len) = leading_number(payload)?;
            payload = payload.get(*len..)?;
        }
        numbers.push((place, *number));
    }
    without_start(payload, before)?.is_empty().then_some(())
}
