//! [`Filters`]: what a SUBSCRIBE or UNSUBSCRIBE names, as validated bytes.

use std::{fmt, marker::PhantomData};

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use super::SubscriptionOptions;
use crate::{
    codec::{
        reader::Reader,
        writer::{self, Writer},
    },
    error::{DecodeError, EncodeError, Rule},
    topic::TopicFilter,
    version::ProtocolVersion,
};

/// An entry of [`Filters`]: a filter, in SUBSCRIBE with its options.
pub trait FilterEntry {
    /// Whether a byte of Subscription Options follows the filter.
    const HAS_OPTIONS: bool;
    /// From filter and options; the options are the default where none are on the wire.
    fn new(filter: TopicFilter, options: SubscriptionOptions) -> Self;
    /// Filter and options.
    fn parts(&self) -> (&TopicFilter, SubscriptionOptions);
}

impl FilterEntry for TopicFilter {
    const HAS_OPTIONS: bool = false;

    fn new(filter: TopicFilter, _options: SubscriptionOptions) -> Self {
        filter
    }

    fn parts(&self) -> (&TopicFilter, SubscriptionOptions) {
        (self, SubscriptionOptions::default())
    }
}

impl FilterEntry for (TopicFilter, SubscriptionOptions) {
    const HAS_OPTIONS: bool = true;

    fn new(filter: TopicFilter, options: SubscriptionOptions) -> Self {
        (filter, options)
    }

    fn parts(&self) -> (&TopicFilter, SubscriptionOptions) {
        (&self.0, self.1)
    }
}

/// The payload of a SUBSCRIBE or UNSUBSCRIBE: its validated bytes, read when asked for.
///
/// What is decoded stays a slice of the received buffer. A list is made by `collect` or from a `Vec`.
#[derive(Clone, PartialEq, Eq)]
pub struct Filters<T> {
    /// As on the wire.
    bytes: Bytes,
    len: usize,
    entries: PhantomData<fn() -> T>,
}

impl<T: FilterEntry> Filters<T> {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none, which no packet may say.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All entries, each sharing the packet's memory.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.raw().filter_map(|(filter, options)| {
            // Checked when the list was received or made.
            let filter = ByteString::try_from(self.bytes.slice_ref(filter)).ok()?;
            Some(T::new(
                TopicFilter::from_checked(filter),
                SubscriptionOptions::from_byte(options),
            ))
        })
    }

    /// The first entry.
    #[must_use]
    pub fn first(&self) -> Option<T> {
        self.iter().next()
    }

    /// Filters and bytes of options as they are on the wire.
    fn raw(&self) -> impl Iterator<Item = (&[u8], u8)> {
        let mut rest = &*self.bytes;
        std::iter::from_fn(move || {
            let (len, tail) = rest.split_first_chunk::<2>()?;
            let (filter, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
            if !T::HAS_OPTIONS {
                rest = tail;
                return Some((filter, 0));
            }
            let (options, tail) = tail.split_first()?;
            rest = tail;
            Some((filter, *options))
        })
    }

    /// The rest of a packet; `empty` is the rule that forbids that there is none.
    #[inline(always)]
    pub(super) fn decode(mut reader: Reader<'_>, empty: Rule) -> Result<Self, DecodeError> {
        let whole = reader.peek();
        let mut len = 0;
        while !reader.is_empty() {
            let filter = reader.check_topic_filter("Topic Filter")?;
            if T::HAS_OPTIONS {
                let options = SubscriptionOptions::decode(&mut reader)?;
                if options.no_local && TopicFilter::is_shared_text(filter) {
                    return Err(reader.breaks(Rule::NoLocalShared, "No Local"));
                }
            }
            len += 1;
        }
        if len == 0 {
            return Err(reader.breaks(empty, "Payload"));
        }
        Ok(Self {
            bytes: reader.slice(whole),
            len,
            entries: PhantomData,
        })
    }

    /// Fails when a packet of `version` may not say this.
    pub(super) fn check(&self, version: ProtocolVersion, empty: Rule) -> Result<(), EncodeError> {
        let breaks = |rule, field| Err(EncodeError::Breaks { rule, field });
        if self.is_empty() {
            return breaks(empty, "Payload");
        }
        for (filter, options) in self.raw() {
            if version.is_v5()
                && let Some(error) = TopicFilter::sharing_error_of(filter)
            {
                return breaks(error.rule(), "Topic Filter");
            }
            let more = options & !SubscriptionOptions::QOS != 0;
            writer::v5_only(version, more, "subscription options other than QoS")?;
            if options & SubscriptionOptions::NO_LOCAL != 0 && TopicFilter::is_shared_text(filter) {
                return breaks(Rule::NoLocalShared, "No Local");
            }
        }
        Ok(())
    }

    /// As on the wire.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<T: FilterEntry> FromIterator<T> for Filters<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        let mut bytes = BytesMut::new();
        let mut len = 0;
        for entry in entries {
            let (filter, options) = entry.parts();
            bytes.put_prefixed(filter.as_str().as_bytes());
            if T::HAS_OPTIONS {
                bytes.put_u8(options.to_byte());
            }
            len += 1;
        }
        Self {
            bytes: bytes.freeze(),
            len,
            entries: PhantomData,
        }
    }
}

impl<T: FilterEntry> From<Vec<T>> for Filters<T> {
    fn from(entries: Vec<T>) -> Self {
        entries.into_iter().collect()
    }
}

impl<T: FilterEntry + fmt::Debug> fmt::Debug for Filters<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
