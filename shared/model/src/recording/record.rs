//! One message between engine and second module.

use crate::store::MessageRef;

/// A message with its topic, as it is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When it was received, ms since epoch; `None` when the file does not say.
    pub at_ms: Option<u64>,
    /// Which of its topic's messages it is, from 1; 0 when the file does not say.
    pub number: u64,
    /// The topic name.
    pub topic: &'a str,
    /// The payload, as far as it was kept.
    pub payload: &'a [u8],
    /// Its length as received.
    pub payload_len: usize,
    /// Encoded MQTT 5 properties; empty when there were none.
    pub properties: &'a [u8],
    /// Quality of service, 0 to 2.
    pub qos: u8,
    /// The RETAIN flag as received.
    pub retain: bool,
    /// The DUP flag as received.
    pub dup: bool,
}

/// Stands for a time that is not known.
const NO_TIME: u64 = u64::MAX;

impl<'a> Record<'a> {
    /// A plain message without a time.
    #[must_use]
    pub fn new(topic: &'a str, payload: &'a [u8]) -> Self {
        Self {
            at_ms: None,
            number: 0,
            topic,
            payload,
            payload_len: payload.len(),
            properties: &[],
            qos: 0,
            retain: false,
            dup: false,
        }
    }

    /// A message of the store.
    #[must_use]
    pub fn of(topic: &'a str, number: u64, message: &MessageRef<'a>) -> Self {
        Self {
            at_ms: Some(message.received_at_ms),
            number,
            topic,
            payload: message.payload,
            payload_len: message.payload_len,
            properties: message.properties,
            qos: message.qos,
            retain: message.retain,
            dup: message.dup,
        }
    }

    /// Whether the payload was longer than what was kept.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.payload.len() < self.payload_len
    }

    /// Appends it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let length = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
        out.extend_from_slice(&self.at_ms.unwrap_or(NO_TIME).to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.push(self.qos & 3 | u8::from(self.retain) << 2 | u8::from(self.dup) << 3);
        out.extend_from_slice(&length(self.payload_len));
        for part in [self.topic.as_bytes(), self.payload, self.properties] {
            out.extend_from_slice(&length(part.len()));
            out.extend_from_slice(part);
        }
    }

    /// The first of `bytes`, and those after it; `None` at the end, and where something else begins.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (at_ms, rest) = bytes.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (flags, rest) = rest.split_first()?;
        let (payload_len, rest) = rest.split_first_chunk()?;
        let (topic, rest) = part(rest)?;
        let (payload, rest) = part(rest)?;
        let (properties, rest) = part(rest)?;
        let record = Self {
            at_ms: Some(u64::from_le_bytes(*at_ms)).filter(|at| *at != NO_TIME),
            number: u64::from_le_bytes(*number),
            topic: std::str::from_utf8(topic).ok()?,
            payload,
            payload_len: u32::from_le_bytes(*payload_len) as usize,
            properties,
            qos: flags & 3,
            retain: flags & 4 != 0,
            dup: flags & 8 != 0,
        };
        Some((record, rest))
    }
}

/// A length and as many bytes.
pub(super) fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*len) as usize)
}
