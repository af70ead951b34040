//! Which records changed, and which changes are stored.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::{PacketId, session::PublishId};

/// Names one record. As a number it is below 2^53, so that a JavaScript number holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersistKey(u64);

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    /// Format version, client id, counters.
    Header,
    /// Topic, payload and properties of a message that waits for the server.
    Message,
    /// What that message waits for.
    Flow,
    /// A QoS 2 message of the server that was delivered and not released.
    Received,
    /// A subscription.
    Subscription,
}

const KIND_SHIFT: u32 = 48;
const NUMBER_MASK: u64 = (1 << KIND_SHIFT) - 1;

impl PersistKey {
    pub(crate) const HEADER: Self = Self(0);

    pub(crate) fn message(id: PublishId) -> Self {
        Self::new(1, id.0)
    }

    pub(crate) fn flow(id: PublishId) -> Self {
        Self::new(2, id.0)
    }

    pub(crate) fn received(id: PacketId) -> Self {
        Self::new(3, u64::from(id.get()))
    }

    pub(crate) fn subscription(slot: u64) -> Self {
        Self::new(4, slot)
    }

    fn new(kind: u64, number: u64) -> Self {
        Self(kind << KIND_SHIFT | number & NUMBER_MASK)
    }

    /// The key as a number.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The key that a store kept as a number; whether a record fits it is checked when it is restored.
    #[must_use]
    pub fn from_u64(number: u64) -> Self {
        Self(number)
    }

    pub(crate) fn kind(self) -> Option<RecordKind> {
        Some(match self.0 >> KIND_SHIFT {
            0 => RecordKind::Header,
            1 => RecordKind::Message,
            2 => RecordKind::Flow,
            3 => RecordKind::Received,
            4 => RecordKind::Subscription,
            _ => return None,
        })
    }

    pub(crate) fn number(self) -> u64 {
        self.0 & NUMBER_MASK
    }
}

/// One change of the stored state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersistChange {
    /// Store these bytes under this key, in place of what is there.
    Put(PersistKey, Bytes),
    /// Remove what is stored under this key, if anything.
    Delete(PersistKey),
}

impl PersistChange {
    /// The record it changes.
    #[must_use]
    pub fn key(&self) -> PersistKey {
        match self {
            Self::Put(key, _) | Self::Delete(key) => *key,
        }
    }
}

/// Names a batch of changes; later batches are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersistToken(u64);

/// Changes to store in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersistBatch {
    /// To be given to [`Session::handle_persisted`](crate::session::Session::handle_persisted) when all is durable.
    pub token: PersistToken,
    /// In any order: no key comes twice.
    pub changes: Vec<PersistChange>,
}

/// Collects the keys of changed records.
#[derive(Debug, Default)]
pub(crate) struct ChangeLog {
    enabled: bool,
    changed: BTreeSet<PersistKey>,
    handed_out: Option<PersistToken>,
    stored: Option<PersistToken>,
}

impl ChangeLog {
    pub(crate) fn new(enabled: bool) -> Self {
        Self {
            enabled,
            ..Self::default()
        }
    }

    /// The record under this key was made, changed or removed.
    pub(crate) fn touch(&mut self, key: PersistKey) {
        if !self.enabled {
            return;
        }
        // Records without a header could be anybody's.
        if self.handed_out.is_none() {
            self.changed.insert(PersistKey::HEADER);
        }
        self.changed.insert(key);
    }

    /// Closes the batch of all changes so far.
    pub(crate) fn close_batch(&mut self) -> Option<(PersistToken, BTreeSet<PersistKey>)> {
        if self.changed.is_empty() {
            return None;
        }
        let token = self.open_token();
        self.handed_out = Some(token);
        Some((token, std::mem::take(&mut self.changed)))
    }

    fn open_token(&self) -> PersistToken {
        PersistToken(self.handed_out.map_or(0, |token| token.0) + 1)
    }

    /// What must be stored before bytes that are written now may leave.
    pub(crate) fn gate(&self) -> Option<PersistToken> {
        if self.changed.is_empty() {
            return self.handed_out;
        }
        Some(self.open_token())
    }

    /// Everything up to here is durable. A token that was never handed out changes nothing.
    pub(crate) fn handle_persisted(&mut self, token: PersistToken) {
        if Some(token) <= self.handed_out {
            self.stored = self.stored.max(Some(token));
        }
    }

    pub(crate) fn stored(&self) -> Option<PersistToken> {
        self.stored
    }
}
