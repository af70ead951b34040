//! Writes JSON of limited size.

use std::fmt::{Display, Write};

use super::{Fault, MAXIMUM_OUTPUT};

/// JSON as it grows.
#[derive(Debug, Default)]
pub(crate) struct Json {
    text: String,
}

impl Json {
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    pub(crate) fn raw(&mut self, text: &str) -> Result<(), Fault> {
        if self.text.len() + text.len() > MAXIMUM_OUTPUT {
            return Err(Fault::TooLarge);
        }
        self.text.push_str(text);
        Ok(())
    }

    /// A whole number, digit by digit.
    pub(crate) fn whole(&mut self, number: impl Display) -> Result<(), Fault> {
        self.raw(&number.to_string())
    }

    /// A number that may be none in JSON; whole ones keep a point, so that they are seen to be floating.
    pub(crate) fn float(&mut self, number: f64) -> Result<(), Fault> {
        if number.is_finite() {
            return self.raw(&format!("{number:?}"));
        }
        self.raw("{\"$float\":\"")?;
        self.raw(match (number.is_nan(), number > 0.0) {
            (true, _) => "NaN",
            (false, true) => "Infinity",
            (false, false) => "-Infinity",
        })?;
        self.raw("\"}")
    }

    /// A number of 32 bits, in the digits that it has.
    pub(crate) fn single(&mut self, number: f32) -> Result<(), Fault> {
        if number.is_finite() {
            self.raw(&format!("{number:?}"))
        } else {
            self.float(f64::from(number))
        }
    }

    pub(crate) fn text(&mut self, text: &str) -> Result<(), Fault> {
        self.raw("\"")?;
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c < ' ' || matches!(c, '"' | '\\' | '\u{7f}')) {
            let (plain, special) = rest.split_at(at);
            self.raw(plain)?;
            let mut characters = special.chars();
            match characters.next() {
                Some('"') => self.raw("\\\"")?,
                Some('\\') => self.raw("\\\\")?,
                Some('\n') => self.raw("\\n")?,
                Some('\r') => self.raw("\\r")?,
                Some('\t') => self.raw("\\t")?,
                Some(control) => self.raw(&format!("\\u{:04x}", u32::from(control)))?,
                None => {}
            }
            rest = characters.as_str();
        }
        self.raw(rest)?;
        self.raw("\"")
    }

    /// `{"$hex":"0a0b"}`
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.raw("{\"$hex\":")?;
        self.hex(bytes)?;
        self.raw("}")
    }

    pub(crate) fn hex(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.text.len() + 2 * bytes.len() > MAXIMUM_OUTPUT {
            return Err(Fault::TooLarge);
        }
        self.raw("\"")?;
        for byte in bytes {
            let _never_fails = write!(self.text, "{byte:02x}");
        }
        self.raw("\"")
    }

    /// What was written since `mark` as the name of a member: names in JSON are texts, whatever they were.
    pub(crate) fn make_key(&mut self, mark: usize) -> Result<(), Fault> {
        if self.text.get(mark..).is_some_and(|key| key.starts_with('"')) {
            return Ok(());
        }
        let key = self.text.split_off(mark.min(self.text.len()));
        self.text(&key)
    }

    pub(crate) fn mark(&self) -> usize {
        self.text.len()
    }
}
