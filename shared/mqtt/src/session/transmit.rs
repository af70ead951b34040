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
    groups: VecDeque<Group>,
    bytes: usize,
}

#[derive(Debug)]
struct Group {
    /// What must be stored before these bytes may leave; none when nothing is stored.
    after: Option<PersistToken>,
    bytes: BytesMut,
    acknowledgements: usize,
}

/// What [`Transmit::take`] hands out.
pub(crate) struct Taken {
    pub(crate) bytes: Bytes,
    /// PUBACK packets among them: the server may send as many PUBLISH more.
    pub(crate) acknowledgements: usize,
}

impl Transmit {
    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    /// Gives `write` the buffer of the group that waits for `after`.
    pub(crate) fn write<T>(
        &mut self,
        after: Option<PersistToken>,
        write: impl FnOnce(&mut BytesMut) -> T,
    ) -> T {
        // A group that waits for more also satisfies less: order on the wire is never changed.
        let joins = self.groups.back().is_some_and(|last| last.after >= after);
        if !joins {
            self.groups.push_back(Group {
                after,
                bytes: BytesMut::new(),
                acknowledgements: 0,
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

    /// Notes that the packet just written lets the server send one more PUBLISH.
    pub(crate) fn note_acknowledgement(&mut self) {
        if let Some(group) = self.groups.back_mut() {
            group.acknowledgements += 1;
        }
    }

    /// The next bytes that may leave when everything up to `stored` is durable.
    pub(crate) fn take(&mut self, stored: Option<PersistToken>) -> Option<Taken> {
        if self.groups.front()?.after > stored {
            return None;
        }
        let group = self.groups.pop_front()?;
        self.bytes = self.bytes.saturating_sub(group.bytes.len());
        if group.bytes.is_empty() {
            return self.take(stored);
        }
        Some(Taken {
            bytes: group.bytes.freeze(),
            acknowledgements: group.acknowledgements,
        })
    }

    /// Forgets what may not leave yet, before the network connection is closed by us.
    pub(crate) fn discard_held(&mut self, stored: Option<PersistToken>) {
        self.groups.retain(|group| group.after <= stored);
        self.bytes = self.groups.iter().map(|group| group.bytes.len()).sum();
    }

    /// Forgets everything: the network connection is gone.
    pub(crate) fn clear(&mut self) {
        self.groups.clear();
        self.bytes = 0;
    }
}
