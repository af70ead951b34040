//! Which packet identifiers are in use by packets that we sent.

use std::fmt;

use crate::PacketId;

/// The identifiers in use: one bit each.
pub(crate) struct PacketIds {
    used: Box<[u64; 1024]>,
    count: u32,
    next: PacketId,
}

/// There is no identifier 0.
const ALL: u32 = 65_535;

impl Default for PacketIds {
    fn default() -> Self {
        Self {
            used: Box::new([0; 1024]),
            count: 0,
            next: PacketId::FIRST,
        }
    }
}

impl fmt::Debug for PacketIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketIds")
            .field("count", &self.count)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl PacketIds {
    /// An identifier that is not in use ([MQTT5-2.2.1-3]); none when all 65,535 are.
    ///
    /// They are given out in a circle, so that one is reused as late as possible.
    pub(crate) fn allocate(&mut self) -> Option<PacketId> {
        if self.count >= ALL {
            return None;
        }
        let mut candidate = self.next;
        while self.is_used(candidate) {
            candidate = candidate.next();
        }
        self.claim(candidate);
        Some(candidate)
    }

    /// Takes this very identifier, as a restored session asks; false when it is in use.
    pub(crate) fn claim(&mut self, id: PacketId) -> bool {
        let (word, mask) = Self::place(id);
        let Some(word) = self.used.get_mut(word) else {
            return false;
        };
        if *word & mask != 0 {
            return false;
        }
        *word |= mask;
        self.count += 1;
        self.next = id.next();
        true
    }

    /// Gives an identifier back.
    pub(crate) fn release(&mut self, id: PacketId) {
        let (word, mask) = Self::place(id);
        if let Some(word) = self.used.get_mut(word)
            && *word & mask != 0
        {
            *word &= !mask;
            self.count -= 1;
        }
    }

    fn is_used(&self, id: PacketId) -> bool {
        let (word, mask) = Self::place(id);
        self.used.get(word).is_some_and(|word| word & mask != 0)
    }

    fn place(id: PacketId) -> (usize, u64) {
        (usize::from(id.get() >> 6), 1 << (id.get() & 63))
    }
}
