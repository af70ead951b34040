//! What outlives the page: which session is stored under which name, when, and what may leave only after it.
//!
//! One write is under way at a time, and what changes meanwhile goes into the next: a thousand messages need few
//! transactions. The session holds back every packet that relies on a change until its write is durable. Storage that
//! fails is given up for this session, with a word to the user; nothing waits for it any more.

use std::collections::VecDeque;

use hearth_mqtt::{
    Bytes, MonoTime,
    session::{PersistBatch, PersistKey, PersistToken},
};
use serde::{Deserialize, Serialize};

use super::{
    address::Address,
    input::{Call, Now, Stored, Write},
    settings::outlives_the_page,
};
use crate::wire::ConnectionOptions;

/// How long storage may take to tell what it has, in ms; the connection waits that long at most. Giving up loses what was kept, and on a
/// busy machine a browser may well take seconds to open its storage.
const LOAD_TIMEOUT_MS: u64 = 30_000;
/// How long a write may take, in ms: packets wait for it.
const WRITE_TIMEOUT_MS: u64 = 30_000;
/// A stored session is looked after at least this often, in ms, …
const LONGEST_TOUCH_MS: u64 = 3_600_000;
/// … and given this much longer than its expiry before another page removes it, in ms.
const GRACE_MS: u64 = 120_000;
/// Names of sessions that this page has used; connecting to more starts the list anew.
const NAMES: usize = 1_000;

/// What stands beside the records of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// When a page last said that it lives, ms since the epoch.
    touched_ms: u64,
    /// Seconds.
    expiry_s: u32,
    /// QoS 2 messages received.
    received: u64,
}

impl Head {
    fn is_stale(self, now: Now) -> bool {
        let expiry_ms = u64::from(self.expiry_s) * 1_000;
        self.expiry_s < u32::MAX && now.wall_ms > self.touched_ms.saturating_add(expiry_ms + GRACE_MS)
    }
}

#[derive(Debug)]
enum Phase {
    /// The session lives as long as the page.
    Off,
    Loading {
        session: Kept,
        deadline: MonoTime,
    },
    On(Kept),
}

/// The session that is stored.
#[derive(Debug)]
struct Kept {
    name: String,
    expiry_s: u32,
    /// When the head is to be written again; none before it was written at all.
    touch_at: Option<MonoTime>,
}

#[derive(Debug, Clone, Copy)]
struct UnderWay {
    number: u64,
    token: Option<PersistToken>,
    deadline: MonoTime,
}

/// What was stored of the session that begins.
#[derive(Debug, Default)]
pub struct Found {
    /// The records.
    pub records: Vec<(PersistKey, Bytes)>,
    /// QoS 2 messages that it had received.
    pub received: u64,
    /// Storage does not work, and why.
    pub fault: Option<String>,
}

/// Keeps the session of this page.
#[derive(Debug)]
pub struct Keeper {
    phase: Phase,
    /// Names of sessions that this page has begun.
    begun: Vec<String>,
    calls: VecDeque<Call>,
    /// Writes that wait for nothing.
    ready: VecDeque<Write>,
    under_way: Option<UnderWay>,
    last_number: u64,
}

impl Default for Keeper {
    fn default() -> Self {
        Self {
            phase: Phase::Off,
            begun: Vec::new(),
            calls: VecDeque::new(),
            ready: VecDeque::new(),
            under_way: None,
            last_number: 0,
        }
    }
}

impl Keeper {
    /// A session begins. What is stored of it has to be waited for if the answer is `true`.
    ///
    /// The first time that this page uses the name it goes on with what an earlier life of the page left. Later, the
    /// user asked for a new connection, and Clean Start means what it says.
    pub fn begin(&mut self, now: Now, options: &ConnectionOptions) -> bool {
        let Ok(address) = Address::parse(&options.url) else {
            return false;
        };
        if options.client_id.is_empty() {
            return false;
        }
        let name = format!("{address} {}", options.client_id);
        if !outlives_the_page(options) {
            self.clear(name);
            return false;
        }
        if self.begun.len() >= NAMES {
            self.begun.clear();
        }
        let is_first = !self.begun.contains(&name);
        if is_first {
            self.begun.push(name.clone());
        }
        let session = Kept {
            name,
            expiry_s: options.session_expiry_interval,
            touch_at: None,
        };
        if !is_first && options.clean_start {
            self.clear(session.name.clone());
            self.phase = Phase::On(session);
            return false;
        }
        self.calls.push_back(Call::Load(session.name.clone()));
        self.phase = Phase::Loading {
            session,
            deadline: now.mono + LOAD_TIMEOUT_MS,
        };
        true
    }

    /// The session is left, with what it still has to store.
    pub fn leave(&mut self, now: Now, last: Option<PersistBatch>, received: u64) {
        if let (Phase::On(_), Some(batch)) = (&self.phase, last)
            && let Some(write) = self.write(now, Some(batch), received)
        {
            self.ready.push_back(write);
        }
        self.phase = Phase::Off;
        self.under_way = None;
    }

    /// Removes what is stored of the session, and goes on storing.
    pub fn start_anew(&mut self) {
        if let Phase::On(session) = &self.phase {
            let name = session.name.clone();
            self.clear(name);
        }
    }

    fn clear(&mut self, name: String) {
        self.last_number += 1;
        self.ready.push_back(Write {
            number: self.last_number,
            name,
            clear: true,
            head: None,
            changes: Vec::new(),
        });
    }

    /// The name of the session of which it is not known yet what is stored.
    #[must_use]
    pub fn loading(&self) -> Option<&str> {
        match &self.phase {
            Phase::Loading { session, .. } => Some(&session.name),
            Phase::Off | Phase::On(_) => None,
        }
    }

    /// Storage told what it has.
    pub fn handle_loaded(&mut self, now: Now, name: &str, stored: Result<Stored, String>) -> Option<Found> {
        let session = match std::mem::replace(&mut self.phase, Phase::Off) {
            Phase::Loading { session, .. } if session.name == name => session,
            other => {
                self.phase = other;
                return None;
            }
        };
        let stored = match stored {
            Ok(stored) => stored,
            Err(reason) => {
                return Some(Found {
                    fault: Some(reason),
                    ..Found::default()
                });
            }
        };
        let mut received = 0;
        for (of, head) in stored.heads {
            let head = postcard::from_bytes::<Head>(&head).ok();
            if of == session.name {
                received = head.map_or(0, |head| head.received);
            } else if head.is_none_or(|head| head.is_stale(now)) {
                self.clear(of);
            }
        }
        self.phase = Phase::On(session);
        let records = stored
            .records
            .into_iter()
            .map(|(key, bytes)| (PersistKey::from_u64(key), Bytes::from(bytes)));
        Some(Found {
            records: records.collect(),
            received,
            fault: None,
        })
    }

    /// What storage is to read.
    pub fn poll_call(&mut self) -> Option<Call> {
        self.calls.pop_front()
    }

    /// A write that waits for nothing.
    pub fn poll_ready(&mut self) -> Option<Write> {
        self.ready.pop_front()
    }

    /// Whether the session may hand out its next batch.
    #[must_use]
    pub fn may_write(&self) -> bool {
        matches!(self.phase, Phase::On(_)) && self.under_way.is_none()
    }

    /// Whether batches of the session go nowhere.
    #[must_use]
    pub fn is_off(&self) -> bool {
        matches!(self.phase, Phase::Off)
    }

    /// Whether the head has to be written although nothing changed: a page that lives is not stale.
    #[must_use]
    pub fn is_touch_due(&self, now: Now) -> bool {
        self.touch_at().is_some_and(|at| at <= now.mono)
    }

    fn touch_at(&self) -> Option<MonoTime> {
        match &self.phase {
            Phase::On(session) if self.under_way.is_none() => session.touch_at,
            Phase::On(_) | Phase::Off | Phase::Loading { .. } => None,
        }
    }

    /// The write of a batch, with `received` QoS 2 messages so far.
    pub fn write(&mut self, now: Now, batch: Option<PersistBatch>, received: u64) -> Option<Write> {
        let Phase::On(session) = &mut self.phase else {
            return None;
        };
        let expiry_ms = u64::from(session.expiry_s) * 1_000;
        session.touch_at = Some(now.mono + (expiry_ms / 3).clamp(1_000, LONGEST_TOUCH_MS));
        let head = Head {
            touched_ms: now.wall_ms,
            expiry_s: session.expiry_s,
            received,
        };
        self.last_number += 1;
        self.under_way = Some(UnderWay {
            number: self.last_number,
            token: batch.as_ref().map(|batch| batch.token),
            deadline: now.mono + WRITE_TIMEOUT_MS,
        });
        Some(Write {
            number: self.last_number,
            name: session.name.clone(),
            clear: false,
            // Three numbers: it cannot fail.
            head: postcard::to_allocvec(&head).ok(),
            changes: batch.map(|batch| batch.changes).unwrap_or_default(),
        })
    }

    /// A write ended; what is durable now.
    ///
    /// # Errors
    /// Why it failed: the session is not stored any more.
    pub fn handle_written(
        &mut self,
        number: u64,
        result: Result<(), String>,
    ) -> Result<Option<PersistToken>, Failure> {
        let Some(done) = self.under_way.take_if(|under_way| under_way.number == number) else {
            // Of a session that was left, or a removal: nobody waits for it.
            return Ok(None);
        };
        match result {
            Ok(()) => Ok(done.token),
            Err(reason) => Err(self.give_up(done.token, reason)),
        }
    }

    /// Something takes too long; why it is given up.
    pub fn handle_timeout(&mut self, now: Now) -> Option<Timeout> {
        if let Phase::Loading { session, deadline } = &self.phase {
            return (now.mono >= *deadline).then(|| Timeout::Load(session.name.clone()));
        }
        let late = self.under_way.take_if(|write| now.mono >= write.deadline)?;
        Some(Timeout::Write(self.give_up(late.token, too_slow())))
    }

    /// When [`Self::handle_timeout`] or [`Self::write`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<MonoTime> {
        let loading = match &self.phase {
            Phase::Loading { deadline, .. } => Some(*deadline),
            Phase::Off | Phase::On(_) => None,
        };
        let writing = self.under_way.map(|write| write.deadline);
        [loading, writing, self.touch_at()].into_iter().flatten().min()
    }

    /// What is stored falls behind from here on: better nothing than something old, which would send messages twice.
    fn give_up(&mut self, token: Option<PersistToken>, reason: String) -> Failure {
        self.start_anew();
        self.phase = Phase::Off;
        Failure { token, reason }
    }
}

/// What took too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timeout {
    /// Reading what is stored under this name.
    Load(String),
    /// A write.
    Write(Failure),
}

/// The session is not stored any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What waits for the write that failed.
    pub token: Option<PersistToken>,
    /// Why it failed.
    pub reason: String,
}

/// Why storage is given up when it says nothing.
#[must_use]
pub fn too_slow() -> String {
    "the browser's storage did not answer in time".to_owned()
}
