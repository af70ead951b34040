//! Bytes on their way out: whole packets, held back until what they rely on is stored.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::persist::PersistToken;

/// Whole packets that wait for the owner to take them.
///
/// Exactly once across a reload needs an order: first the flow's state is durable, then its packet leaves. So bytes
/// are grouped by the batch of changes that was open when they were written, and a group leaves only when the owner
/// has confirmed that batch.
#[derive(Debug, Default)]
pub(crate) struct Transmit {
    /// The rest of the packet that was taken last: nothing holds it back, nothing comes before it.
    begun: Option<Bytes>,
    groups: VecDeque<Group>,
    bytes: usize,
    /// How many of them acknowledge something.
    acknowledging_bytes: usize,
}

#[derive(Debug)]
struct Group {
    /// What must be stored before these bytes may leave; none when nothing is stored.
    after: Option<PersistToken>,
    bytes: BytesMut,
    /// Follows the bytes and ends the group: the payload of the PUBLISH whose beginning they end with.
    payload: Option<Bytes>,
    ends_of_flows: usize,
    acknowledging_bytes: usize,
}

/// From this size a payload leaves as it is, behind the beginning of its packet: copying it would need its memory twice.
/// Smaller ones are copied, because brokers that expect a whole packet in each WebSocket frame exist, and few bytes in
/// one frame cost less than two frames.
pub(crate) const APART_FROM_BYTES: usize = 64 * 1024;

/// What [`Transmit::take`] hands out.
pub(crate) struct Taken {
    pub(crate) bytes: Bytes,
    /// PUBACK, PUBCOMP and refusing PUBREC packets among them: the server may send as many PUBLISH more.
    pub(crate) ends_of_flows: usize,
}

impl Transmit {
    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    /// How many of them belong to PUBACK, PUBREC, PUBREL and PUBCOMP packets, which cannot be refused a place.
    pub(crate) fn acknowledging_bytes(&self) -> usize {
        self.acknowledging_bytes
    }

    /// Gives `write` the buffer of the group that waits for `after`.
    pub(crate) fn write<T>(
        &mut self,
        after: Option<PersistToken>,
        write: impl FnOnce(&mut BytesMut) -> T,
    ) -> T {
        // A group that waits for more also satisfies less: order on the wire is never changed, not even by what is discarded.
        let last = self.groups.back();
        if !last.is_some_and(|last| last.payload.is_none() && last.after >= after) {
            self.groups.push_back(Group {
                after: after.max(last.and_then(|last| last.after)),
                bytes: BytesMut::new(),
                payload: None,
                ends_of_flows: 0,
                acknowledging_bytes: 0,
            });
        }
        let Some(group) = self.groups.back_mut() else {
            return write(&mut BytesMut::new());
        };
        let before = group.bytes.len();
        let result = write(&mut group.bytes);
        self.bytes += group.bytes.len().saturating_sub(before);
        result
    }

    /// What was just written is a packet without its payload: this is it.
    pub(crate) fn end_with(&mut self, payload: Bytes) {
        if let Some(group) = self.groups.back_mut() {
            self.bytes += payload.len();
            group.payload = Some(payload);
        }
    }

    /// Notes that the packet just written is an acknowledgement of this length.
    pub(crate) fn note_acknowledging(&mut self, bytes: usize) {
        if let Some(group) = self.groups.back_mut() {
            group.acknowledging_bytes += bytes;
            self.acknowledging_bytes += bytes;
        }
    }

    /// Notes that the packet just written lets the server send one more PUBLISH.
    pub(crate) fn note_end_of_flow(&mut self) {
        if let Some(group) = self.groups.back_mut() {
            group.ends_of_flows += 1;
        }
    }

    /// The next bytes that may leave when everything up to `stored` is durable.
    pub(crate) fn take(&mut self, stored: Option<PersistToken>) -> Option<Taken> {
        if let Some(bytes) = self.begun.take() {
            self.bytes = self.bytes.saturating_sub(bytes.len());
            return Some(Taken {
                bytes,
                ends_of_flows: 0,
            });
        }
        if self.groups.front()?.after > stored {
            return None;
        }
        let group = self.groups.pop_front()?;
        self.begun = group.payload;
        self.bytes = self.bytes.saturating_sub(group.bytes.len());
        self.acknowledging_bytes = self.acknowledging_bytes.saturating_sub(group.acknowledging_bytes);
        if group.bytes.is_empty() {
            return self.take(stored);
        }
        Some(Taken {
            bytes: group.bytes.freeze(),
            ends_of_flows: group.ends_of_flows,
        })
    }

    /// Forgets what may not leave yet, before the network connection is closed by us.
    pub(crate) fn discard_held(&mut self, stored: Option<PersistToken>) {
        self.groups.retain(|group| group.after <= stored);
        let payload_len = |payload: &Option<Bytes>| payload.as_ref().map_or(0, Bytes::len);
        self.acknowledging_bytes = self.groups.iter().map(|group| group.acknowledging_bytes).sum();
        let held = self.groups.iter();
        self.bytes = payload_len(&self.begun)
            + held
                .map(|group| group.bytes.len() + payload_len(&group.payload))
                .sum::<usize>();
    }

    /// Forgets everything: the network connection is gone.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
