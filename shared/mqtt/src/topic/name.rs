//! [`TopicName`]: where an Application Message is published.

use std::{borrow::Borrow, fmt};

use bytestring::ByteString;
use thiserror::Error;

use crate::codec::utf8_string;

/// The name a message is published under: one or more levels, no wildcards.
///
/// A value of this type has passed the rules of section 4.7 of both specifications; every holder relies on
/// them. It is a slice of the buffer it was received in, so cloning costs a reference count.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(ByteString);

/// Why a text is not a [`TopicName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TopicNameError {
    /// A name has at least one character.
    #[error("a topic name needs at least one character")]
    Empty,
    /// A UTF-8 Encoded String holds at most 65,535 bytes.
    #[error("a topic name has at most 65,535 bytes, this one has {0}")]
    TooLong(usize),
    /// U+0000 is not allowed in any string of MQTT.
    #[error("a topic name may not contain the character U+0000")]
    Nul,
    /// `+` and `#` belong to filters.
    #[error("a topic name may not contain the wildcard {0:?}")]
    Wildcard(char),
}

impl TopicName {
    /// Checks the rules of section 4.7 once; every later holder relies on them.
    ///
    /// # Errors
    /// [`TopicNameError`] says which rule `text` breaks.
    pub fn parse(text: &str) -> Result<Self, TopicNameError> {
        Self::check(text.as_bytes())?;
        Ok(Self(text.into()))
    }

    /// The same check for a string that is already shared: nothing is copied.
    ///
    /// # Errors
    /// [`TopicNameError`] says which rule `text` breaks.
    pub fn from_shared(text: ByteString) -> Result<Self, TopicNameError> {
        Self::check(text.as_bytes())?;
        Ok(Self(text))
    }

    /// The rules about length and single characters; that the bytes are UTF-8 is the caller's to know.
    pub(crate) fn check(bytes: &[u8]) -> Result<(), TopicNameError> {
        if bytes.is_empty() {
            return Err(TopicNameError::Empty);
        }
        if bytes.len() > usize::from(u16::MAX) {
            return Err(TopicNameError::TooLong(bytes.len()));
        }
        if !utf8_string::scan_topic(bytes).special {
            return Ok(());
        }
        match bytes.iter().find(|byte| matches!(byte, b'+' | b'#' | 0)) {
            Some(0) | None => Err(TopicNameError::Nul),
            Some(found) => Err(TopicNameError::Wildcard(char::from(*found))),
        }
    }

    /// For text that [`TopicName::check`] has passed.
    pub(crate) fn from_checked(text: ByteString) -> Self {
        Self(text)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a shared string.
    #[must_use]
    pub fn as_shared(&self) -> &ByteString {
        &self.0
    }

    /// The levels between the separators; a leading or trailing `/` gives an empty level.
    pub fn levels(&self) -> std::str::Split<'_, char> {
        self.as_str().split('/')
    }

    /// Whether the name starts with `$`: filters that start with a wildcard do not match it.
    #[must_use]
    pub fn is_dollar(&self) -> bool {
        self.as_str().starts_with('$')
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicName({:?})", self.as_str())
    }
}

impl AsRef<str> for TopicName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl std::str::FromStr for TopicName {
    type Err = TopicNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}
