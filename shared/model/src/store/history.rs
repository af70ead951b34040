//! The older messages of one topic, packed into pages: a message costs one copy and no allocation of its own.

use std::collections::VecDeque;

/// Smallest and largest page, in bytes; a page doubles until it is large.
const SMALLEST_PAGE: usize = 256;
const LARGEST_PAGE: usize = 16 * 1024;

/// A message as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRef<'a> {
    /// When it was received, ms since epoch.
    pub received_at_ms: u64,
    /// The payload, cut to the store's payload cap.
    pub payload: &'a [u8],
    /// Length of the payload before it was cut.
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

impl MessageRef<'_> {
    /// Whether the payload was longer than the store keeps.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.payload.len() < self.payload_len
    }
}

const HEADER: usize = 8 + 4 + 4 + 4 + 1;

#[derive(Clone, Debug, Default)]
struct Page {
    bytes: Vec<u8>,
    count: u32,
    last_at_ms: u64,
}

/// Pages of messages, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pages: VecDeque<Page>,
    first_serial: u64,
    len: usize,
    bytes: usize,
    pub(crate) dropped: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HistoryLimits {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
    /// A page gets at most this many bytes, unless one message is larger.
    pub(crate) page_bytes: usize,
}

/// What a push changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pushed {
    pub(crate) bytes: isize,
    pub(crate) sealed: Option<u64>,
    pub(crate) dropped: u32,
    pub(crate) pages_dropped: u32,
}

impl History {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn first_serial(&self) -> u64 {
        self.first_serial
    }

    /// When the newest message of the page still being written came.
    pub(crate) fn open_page_at(&self) -> Option<u64> {
        self.pages.back().map(|page| page.last_at_ms)
    }

    pub(crate) fn push(&mut self, message: &MessageRef<'_>, limits: HistoryLimits) -> Pushed {
        let mut pushed = Pushed::default();
        let needed = HEADER + message.payload.len() + message.properties.len();
        let mut reused = None;
        while !self.pages.is_empty() && (self.len >= limits.messages || self.bytes + needed > limits.bytes) {
            let page = self.pop(&mut pushed);
            reused = page.or(reused);
        }
        if limits.messages == 0 || needed > limits.bytes {
            pushed.dropped += 1;
            self.dropped += 1;
            return pushed;
        }
        let page_bytes = limits.page_bytes.clamp(SMALLEST_PAGE, LARGEST_PAGE);
        let fits = self
            .pages
            .back()
            .is_some_and(|page| page.bytes.len() + needed <= page_bytes);
        if !fits {
            self.start_page(needed, reused, &mut pushed);
        }
        if let Some(page) = self.pages.back_mut() {
            let before = page.bytes.capacity();
            reserve(&mut page.bytes, needed, page_bytes);
            let grown = page.bytes.capacity() - before;
            self.bytes += grown;
            pushed.bytes += grown.cast_signed();
            encode(&mut page.bytes, message);
            page.count += 1;
            page.last_at_ms = message.received_at_ms;
            self.len += 1;
        }
        pushed
    }

    fn start_page(&mut self, needed: usize, reused: Option<Page>, pushed: &mut Pushed) {
        if !self.pages.is_empty() {
            pushed.sealed = Some(self.first_serial + self.pages.len() as u64 - 1);
        }
        let mut page = reused
            .filter(|page| page.bytes.capacity() >= needed)
            .unwrap_or_default();
        page.bytes.clear();
        page.count = 0;
        let held = size_of::<Page>() + page.bytes.capacity();
        self.bytes += held;
        pushed.bytes += held.cast_signed();
        self.pages.push_back(page);
    }

    fn pop(&mut self, pushed: &mut Pushed) -> Option<Page> {
        let (page, bytes) = self.take_oldest_page()?;
        pushed.bytes -= bytes.cast_signed();
        pushed.dropped += page.count;
        pushed.pages_dropped += 1;
        Some(page)
    }

    fn take_oldest_page(&mut self) -> Option<(Page, usize)> {
        let page = self.pages.pop_front()?;
        let bytes = size_of::<Page>() + page.bytes.capacity();
        self.first_serial += 1;
        self.bytes -= bytes;
        self.len -= page.count as usize;
        self.dropped += u64::from(page.count);
        Some((page, bytes))
    }

    /// Gives the bytes and the messages that went.
    pub(crate) fn drop_oldest_page(&mut self) -> (usize, u32) {
        self.take_oldest_page()
            .map_or((0, 0), |(page, bytes)| (bytes, page.count))
    }

    /// Messages `from..` in order, oldest first; whole pages are skipped without being read.
    pub(crate) fn iter_from(&self, from: usize) -> impl Iterator<Item = MessageRef<'_>> {
        let mut skip = from;
        let mut first_page = 0;
        for page in &self.pages {
            let count = page.count as usize;
            if skip < count {
                break;
            }
            skip -= count;
            first_page += 1;
        }
        self.pages
            .iter()
            .skip(first_page)
            .flat_map(|page| Entries { rest: &page.bytes })
            .skip(skip)
    }
}

/// Grows by doubling up to a whole page; a message that is larger gets a page of its own size.
fn reserve(bytes: &mut Vec<u8>, needed: usize, page_bytes: usize) {
    let total = bytes.len() + needed;
    if total <= bytes.capacity() {
        return;
    }
    let target = (bytes.capacity() * 2).clamp(SMALLEST_PAGE, page_bytes).max(total);
    bytes.reserve_exact(target - bytes.len());
}

fn encode(out: &mut Vec<u8>, message: &MessageRef<'_>) {
    let length = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    let flags = message.qos | u8::from(message.retain) << 2 | u8::from(message.dup) << 3;
    let mut header = [0_u8; HEADER];
    let parts: [&[u8]; 5] = [
        &message.received_at_ms.to_le_bytes(),
        &length(message.payload.len()),
        &length(message.payload_len),
        &length(message.properties.len()),
        &[flags],
    ];
    let mut rest = header.as_mut_slice();
    for part in parts {
        let (head, tail) = rest.split_at_mut(part.len().min(rest.len()));
        head.copy_from_slice(part);
        rest = tail;
    }
    out.extend_from_slice(&header);
    out.extend_from_slice(message.payload);
    if !message.properties.is_empty() {
        out.extend_from_slice(message.properties);
    }
}

struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Entries<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*head)
    }

    fn slice(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(head)
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = MessageRef<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let received_at_ms = u64::from_le_bytes(self.take()?);
        let kept_len = u32::from_le_bytes(self.take()?) as usize;
        let payload_len = u32::from_le_bytes(self.take()?) as usize;
        let properties_len = u32::from_le_bytes(self.take()?) as usize;
        let [flags] = self.take()?;
        Some(MessageRef {
            received_at_ms,
            payload: self.slice(kept_len)?,
            payload_len,
            properties: self.slice(properties_len)?,
            qos: flags & 3,
            retain: flags & 4 != 0,
            dup: flags & 8 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NO_LIMIT: HistoryLimits = HistoryLimits {
        messages: usize::MAX,
        bytes: usize::MAX / 2,
        page_bytes: 4096,
    };

    fn message(at: u64, payload: &[u8]) -> MessageRef<'_> {
        MessageRef {
            received_at_ms: at,
            payload,
            payload_len: payload.len() + usize::from(at.is_multiple_of(3)),
            properties: if at.is_multiple_of(2) { b"props" } else { b"" },
            qos: (at % 3) as u8,
            retain: at.is_multiple_of(2),
            dup: at.is_multiple_of(5),
        }
    }

    proptest! {
        #[test]
        fn messages_come_back_as_they_went_in(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..200), from in 0_usize..220,
        ) {
            let mut history = History::default();
            let mut bytes = 0_isize;
            for (at, payload) in payloads.iter().enumerate() {
                bytes += history.push(&message(at as u64, payload), NO_LIMIT).bytes;
            }
            prop_assert_eq!(bytes, history.bytes().cast_signed());
            let expected: Vec<_> =
                payloads.iter().enumerate().skip(from).map(|(at, payload)| message(at as u64, payload)).collect();
            prop_assert_eq!(history.iter_from(from).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn limits_hold_and_what_went_is_counted(
            sizes in prop::collection::vec(0_usize..3000, 1..300), messages in 0_usize..100, bytes in 0_usize..40_000,
        ) {
            let mut history = History::default();
            let payload = [7_u8; 3000];
            let mut held = 0_isize;
            for (at, size) in sizes.iter().enumerate() {
                held += history.push(&message(at as u64, &payload[..*size]), HistoryLimits { messages, bytes, page_bytes: 4096 }).bytes;
                prop_assert!(history.len() <= messages);
                prop_assert_eq!(held, history.bytes().cast_signed());
            }
            prop_assert_eq!(history.len() as u64 + history.dropped, sizes.len() as u64);
            prop_assert_eq!(history.iter_from(0).count(), history.len());
        }
    }
}
