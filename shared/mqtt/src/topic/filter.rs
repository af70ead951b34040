//! [`TopicFilter`]: which topic names a subscription asks for.

use std::fmt;

use bytestring::ByteString;
use thiserror::Error;

use super::TopicName;
use crate::error::Rule;

/// What stands before the share name of a Shared Subscription.
const SHARE_PREFIX: &str = "$share/";

/// A filter that subscriptions name: levels with the wildcards `+` (one level) and `#` (this level and all
/// below, only at the end). Shared Subscriptions (`$share/{name}/{filter}`) are filters too;
/// the further rules that 5.0 has for them are checked by [`TopicFilter::shared`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicFilter(ByteString);

/// Why a text is not a [`TopicFilter`] or not a [`SharedFilter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TopicFilterError {
    /// A filter has at least one character.
    #[error("a topic filter needs at least one character")]
    Empty,
    /// A UTF-8 Encoded String holds at most 65,535 bytes.
    #[error("a topic filter has at most 65,535 bytes, this one has {0}")]
    TooLong(usize),
    /// U+0000 is not allowed in any string of MQTT.
    #[error("a topic filter may not contain the character U+0000")]
    Nul,
    /// `#` is the whole last level or nothing.
    #[error("`#` must be a whole level and the last one")]
    MultiLevelWildcard,
    /// `+` is a whole level or nothing.
    #[error("`+` must be a whole level")]
    SingleLevelWildcard,
    /// The share name is missing.
    #[error("the share name needs at least one character")]
    ShareName,
    /// The share name has a wildcard in it.
    #[error("the share name may not contain `+` or `#`")]
    ShareNameWildcard,
    /// Nothing follows the share name.
    #[error("a filter must follow the share name")]
    ShareWithoutFilter,
    /// The text does not start with `$share/`.
    #[error("this filter is not a shared one")]
    NotShared,
}

impl TopicFilterError {
    /// The rule of the specification that this breaks.
    pub(crate) const fn rule(self) -> Rule {
        match self {
            Self::Empty => Rule::TopicEmpty,
            // Cannot come from the wire, where the length has two bytes.
            Self::TooLong(_) => Rule::Truncated,
            Self::Nul => Rule::Nul,
            Self::MultiLevelWildcard => Rule::MultiLevelWildcard,
            Self::SingleLevelWildcard => Rule::SingleLevelWildcard,
            Self::ShareName => Rule::ShareName,
            Self::ShareNameWildcard => Rule::ShareNameWildcard,
            Self::ShareWithoutFilter | Self::NotShared => Rule::ShareFilter,
        }
    }
}

/// Splits what follows `$share/` into share name and filter.
fn split_shared(rest: &str) -> Result<(&str, &str), TopicFilterError> {
    let (share_name, filter) = rest.split_once('/').unwrap_or((rest, ""));
    if share_name.is_empty() {
        return Err(TopicFilterError::ShareName);
    }
    if share_name.contains(['+', '#']) {
        return Err(TopicFilterError::ShareNameWildcard);
    }
    if filter.is_empty() {
        return Err(TopicFilterError::ShareWithoutFilter);
    }
    Ok((share_name, filter))
}

checked_text!(TopicFilter, TopicFilterError);

impl TopicFilter {
    /// The rules about length and single characters; that the bytes are UTF-8 is the caller's to know.
    #[inline]
    pub(crate) fn check(bytes: &[u8]) -> Result<(), TopicFilterError> {
        if bytes.is_empty() {
            return Err(TopicFilterError::Empty);
        }
        if bytes.len() > usize::from(u16::MAX) {
            return Err(TopicFilterError::TooLong(bytes.len()));
        }
        // A wildcard stands alone in its level, and `#` in the last.
        for (at, byte) in bytes.iter().enumerate() {
            if !matches!(byte, b'+' | b'#' | 0) {
                continue;
            }
            let starts = matches!(at.checked_sub(1).and_then(|at| bytes.get(at)), None | Some(b'/'));
            let next = bytes.get(at + 1);
            match byte {
                b'+' if starts && matches!(next, None | Some(b'/')) => {}
                b'#' if starts && next.is_none() => {}
                b'+' => return Err(TopicFilterError::SingleLevelWildcard),
                b'#' => return Err(TopicFilterError::MultiLevelWildcard),
                _ => return Err(TopicFilterError::Nul),
            }
        }
        Ok(())
    }

    /// Whether the filter starts with `$share/`, so that 5.0 reads it as a Shared Subscription.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Self::is_shared_text(self.as_str().as_bytes())
    }

    /// The same for the text of a filter.
    #[inline]
    pub(crate) fn is_shared_text(text: &[u8]) -> bool {
        text.starts_with(SHARE_PREFIX.as_bytes())
    }

    /// The parts of a Shared Subscription.
    ///
    /// # Errors
    /// [`TopicFilterError::NotShared`] for other filters, and what is wrong with a shared one.
    pub fn shared(&self) -> Result<SharedFilter, TopicFilterError> {
        let rest = self
            .as_str()
            .strip_prefix(SHARE_PREFIX)
            .ok_or(TopicFilterError::NotShared)?;
        let (share_name, filter) = split_shared(rest)?;
        Ok(SharedFilter {
            share_name: self.0.slice_ref(share_name),
            filter: Self(self.0.slice_ref(filter)),
        })
    }

    /// What is matched against topic names: all of it, or for `$share/{name}/{filter}` the last part.
    #[must_use]
    pub fn matched_part(&self) -> &str {
        let text = self.as_str();
        match text.strip_prefix(SHARE_PREFIX).map(split_shared) {
            Some(Ok((_, filter))) => filter,
            Some(Err(_)) | None => text,
        }
    }

    /// What is wrong with a filter that starts with `$share/`, if anything is. Other filters have no such fault.
    #[must_use]
    pub fn sharing_error(&self) -> Option<TopicFilterError> {
        Self::sharing_error_of(self.as_str().as_bytes())
    }

    /// The same for the text of a filter.
    #[inline]
    pub(crate) fn sharing_error_of(text: &[u8]) -> Option<TopicFilterError> {
        let rest = text.strip_prefix(SHARE_PREFIX.as_bytes())?;
        split_shared(std::str::from_utf8(rest).ok()?).err()
    }

    /// Whether a message published under `name` is asked for. A shared filter matches by its last part.
    ///
    /// A filter that starts with a wildcard does not match a name that starts with `$` `[MQTT5-4.7.2-1]`.
    #[must_use]
    pub fn matches(&self, name: &TopicName) -> bool {
        matches(self.matched_part(), name.as_str())
    }
}

/// Matches without allocating, level by level. Empty levels are levels.
fn matches(filter: &str, name: &str) -> bool {
    if name.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut names = name.split('/');
    for level in filter.split('/') {
        if level == "#" {
            // It also matches its parent, where no level is left.
            return true;
        }
        match names.next() {
            Some(found) if level == "+" || level == found => {}
            _ => return false,
        }
    }
    names.next().is_none()
}

/// A Shared Subscription taken apart: `$share/{share_name}/{filter}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SharedFilter {
    /// Who shares the messages: at least one character, no `/`, `+` or `#`.
    pub share_name: ByteString,
    /// What is matched against topic names.
    pub filter: TopicFilter,
}

impl SharedFilter {
    /// Parses `$share/{share_name}/{filter}`.
    ///
    /// # Errors
    /// [`TopicFilterError`] says which rule `text` breaks.
    pub fn parse(text: &str) -> Result<Self, TopicFilterError> {
        TopicFilter::parse(text)?.shared()
    }
}

impl fmt::Display for SharedFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SHARE_PREFIX}{}/{}", self.share_name, self.filter)
    }
}
