//! [`TopicName`]: where an Application Message is published.

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

checked_text!(TopicName, TopicNameError);

impl TopicName {
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
