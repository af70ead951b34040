//! A bounded reader over a packet's body. Its errors name the field; it cannot read past the end.

use bytes::Bytes;
use bytestring::ByteString;

use super::{
    utf8_string,
    variable_byte_integer::{self, Read},
};
use crate::{
    error::{DecodeError, Rule},
    packet::{PacketId, Properties, Qos, ReasonCode},
    topic::{TopicFilter, TopicName},
    version::ProtocolVersion,
};

/// Reads fields from the front of a packet's body.
pub(crate) struct Reader<'a> {
    version: ProtocolVersion,
    /// The buffer that slices are taken of; without one they are copied.
    source: Option<&'a Bytes>,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader over a part of `source`.
    #[inline]
    pub(crate) fn within(version: ProtocolVersion, source: &'a Bytes, rest: &'a [u8]) -> Self {
        Self {
            version,
            source: Some(source),
            rest,
        }
    }

    /// A reader for those who only check.
    #[inline]
    pub(crate) fn borrowing(version: ProtocolVersion, rest: &'a [u8]) -> Self {
        Self {
            version,
            source: None,
            rest,
        }
    }

    /// Bytes that were read, or are to be read, as a slice of the buffer.
    pub(crate) fn slice(&self, part: &'a [u8]) -> Bytes {
        self.source
            .map_or_else(|| Bytes::copy_from_slice(part), |source| source.slice_ref(part))
    }

    /// All that is left, as a slice of the buffer.
    pub(crate) fn into_bytes(self) -> Bytes {
        self.slice(self.rest)
    }

    pub(crate) fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// The error for a rule broken in `field`.
    #[cold]
    pub(crate) fn breaks(&self, rule: Rule, field: &'static str) -> DecodeError {
        DecodeError::new(self.version, rule, field)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes that are left, which stay.
    pub(crate) fn peek(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes are left.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    #[inline(always)]
    pub(crate) fn take(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], DecodeError> {
        let Some((head, rest)) = self.rest.split_at_checked(len) else {
            return Err(self.breaks(Rule::Truncated, field));
        };
        self.rest = rest;
        Ok(head)
    }

    #[inline(always)]
    fn chunk<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let Some((head, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.breaks(Rule::Truncated, field));
        };
        self.rest = rest;
        Ok(*head)
    }

    #[inline]
    pub(crate) fn byte(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.chunk::<1>(field).map(u8::from_be_bytes)
    }

    #[inline]
    pub(crate) fn two_byte_integer(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.chunk(field).map(u16::from_be_bytes)
    }

    pub(crate) fn four_byte_integer(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.chunk(field).map(u32::from_be_bytes)
    }

    #[inline]
    pub(crate) fn variable_byte_integer(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        match variable_byte_integer::read(self.rest) {
            Read::Whole {
                value,
                len,
                shortest_form: true,
            } => {
                self.take(field, len)?;
                Ok(value)
            }
            Read::Whole { .. } => Err(self.breaks(Rule::Overlong, field)),
            Read::Incomplete => Err(self.breaks(Rule::Truncated, field)),
            Read::TooLong => Err(self.breaks(Rule::VariableByteInteger, field)),
        }
    }

    /// Length and that many bytes, borrowed.
    #[inline]
    pub(crate) fn prefixed(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self.two_byte_integer(field)?;
        self.take(field, usize::from(len))
    }

    pub(crate) fn binary_data(&mut self, field: &'static str) -> Result<Bytes, DecodeError> {
        self.prefixed(field).map(|data| self.slice(data))
    }

    /// A UTF-8 Encoded String's bytes, checked.
    #[inline]
    pub(crate) fn checked_string(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let text = self.prefixed(field)?;
        if !utf8_string::is_plain(text) {
            self.check_unusual_string(text, field)?;
        }
        Ok(text)
    }

    /// A string that is not plain ASCII, or holds U+0000.
    #[inline(never)]
    fn check_unusual_string(&self, text: &[u8], field: &'static str) -> Result<(), DecodeError> {
        if std::str::from_utf8(text).is_err() {
            return Err(self.breaks(Rule::Utf8, field));
        }
        if utf8_string::scan(text).special {
            return Err(self.breaks(Rule::Nul, field));
        }
        Ok(())
    }

    pub(crate) fn utf8_string(&mut self, field: &'static str) -> Result<ByteString, DecodeError> {
        let text = self.prefixed(field)?;
        if utf8_string::scan(text).special {
            return Err(self.breaks(Rule::Nul, field));
        }
        self.share(field, text)
    }

    /// A slice of the buffer as text.
    #[inline]
    fn share(&self, field: &'static str, text: &[u8]) -> Result<ByteString, DecodeError> {
        match ByteString::try_from(self.slice(text)) {
            Ok(text) => Ok(text),
            Err(_) => Err(self.breaks(Rule::Utf8, field)),
        }
    }

    /// A Topic Name, checked and passed over: its length. Only PUBLISH of 5.0 may have an empty one.
    #[inline(always)]
    pub(crate) fn check_topic_name_or_empty(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        let len = self.two_byte_integer(field)?;
        let text = self.take(field, usize::from(len))?;
        if !utf8_string::is_plain_topic(text) {
            self.check_unusual_topic(text, field)?;
        }
        Ok(len)
    }

    /// A topic that is not plain ASCII, or holds what it may not.
    #[inline(never)]
    fn check_unusual_topic(&self, text: &[u8], field: &'static str) -> Result<(), DecodeError> {
        if utf8_string::scan_topic(text).special {
            return Err(self.breaks(special_in_topic(text), field));
        }
        match std::str::from_utf8(text) {
            Ok(_) => Ok(()),
            Err(_) => Err(self.breaks(Rule::Utf8, field)),
        }
    }

    /// A Topic Name; `None` when it is empty, which only PUBLISH of 5.0 may have.
    #[inline]
    pub(crate) fn topic_name_or_empty(
        &mut self,
        field: &'static str,
    ) -> Result<Option<TopicName>, DecodeError> {
        let text = self.prefixed(field)?;
        if text.is_empty() {
            return Ok(None);
        }
        if utf8_string::scan_topic(text).special {
            return Err(self.breaks(special_in_topic(text), field));
        }
        Ok(Some(TopicName::from_checked(self.share(field, text)?)))
    }

    pub(crate) fn topic_name(&mut self, field: &'static str) -> Result<TopicName, DecodeError> {
        match self.topic_name_or_empty(field)? {
            Some(topic) => Ok(topic),
            None => Err(self.breaks(Rule::TopicEmpty, field)),
        }
    }

    /// A Topic Filter, checked and passed over, with the rules of 5.0 for shared ones where 5.0 is spoken.
    #[inline]
    pub(crate) fn check_topic_filter(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let text = self.checked_string(field)?;
        // A wildcard in a ShareName is told as that.
        if self.version.is_v5()
            && let Some(error) = TopicFilter::sharing_error_of(text)
        {
            return Err(self.breaks(error.rule(), field));
        }
        TopicFilter::check(text).map_err(|error| self.breaks(error.rule(), field))?;
        Ok(text)
    }

    /// A Packet Identifier; `zero` is the rule that 0 breaks in this packet.
    #[inline(always)]
    pub(crate) fn packet_id(&mut self, zero: impl FnOnce() -> Rule) -> Result<PacketId, DecodeError> {
        const FIELD: &str = "Packet Identifier";
        let number = self.two_byte_integer(FIELD)?;
        PacketId::new(number).ok_or_else(|| self.breaks(zero(), FIELD))
    }

    /// A QoS in the lower two bits of `bits`.
    pub(crate) fn qos(&self, bits: u8, rule: Rule, field: &'static str) -> Result<Qos, DecodeError> {
        Qos::from_bits(bits & 0b11).ok_or_else(|| self.breaks(rule, field))
    }

    pub(crate) fn reason_code(&mut self) -> Result<ReasonCode, DecodeError> {
        self.byte("Reason Code").map(ReasonCode)
    }

    /// Property Length and the properties, all of which must be among `allowed`. 3.1.1 has none.
    #[inline(always)]
    pub(crate) fn properties(&mut self, allowed: u64) -> Result<Properties, DecodeError> {
        if !self.version.is_v5() {
            return Ok(Properties::new());
        }
        if let [0, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(Properties::new());
        }
        self.some_properties(allowed)
    }

    /// The same where there are some, or the packet is at its end.
    #[inline(never)]
    fn some_properties(&mut self, allowed: u64) -> Result<Properties, DecodeError> {
        let before = self.rest;
        let (len, present) = self.check_properties(allowed)?;
        let end = before.len() - self.rest.len();
        let raw = before.get(end - len..end).unwrap_or_default();
        Ok(Properties::from_validated(self.slice(raw), present))
    }

    /// The same, checked and passed over: how many bytes they are, and which are there.
    #[inline(always)]
    pub(crate) fn check_properties(&mut self, allowed: u64) -> Result<(usize, u64), DecodeError> {
        if !self.version.is_v5() {
            return Ok((0, 0));
        }
        const FIELD: &str = "Property Length";
        if self.rest.is_empty() {
            return Err(self.breaks(Rule::PropertyLengthMissing, FIELD));
        }
        let len = self.variable_byte_integer(FIELD)? as usize;
        if len == 0 {
            return Ok((0, 0));
        }
        let inner = Reader {
            version: self.version,
            source: self.source,
            rest: self.take(FIELD, len)?,
        };
        Ok((len, Properties::validate(inner, allowed)?))
    }

    /// The bytes that are left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Every decoder ends with this: bytes after the last field make the packet malformed.
    pub(crate) fn finish(self, field: &'static str) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.breaks(Rule::TrailingBytes, field))
        }
    }
}

/// Which rule a name breaks that holds `+`, `#` or U+0000.
#[cold]
fn special_in_topic(text: &[u8]) -> Rule {
    if text.contains(&0) {
        Rule::Nul
    } else {
        Rule::TopicWildcard
    }
}
