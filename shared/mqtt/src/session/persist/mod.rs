//! Session state as records, so that a reloaded page goes on where the last one stopped.
//!
//! The state is a set of small records, each under a key that fits into a JavaScript number. Changes come out as
//! batches; a record that changed five times between two batches is written once. Packets that rely on a change are
//! held back until its batch is confirmed: that order is what makes exactly once survive a killed page.
//!
//! No storage, no serialisation framework and no clock may enter here.

mod log;
mod record;

pub use log::{PersistBatch, PersistChange, PersistKey, PersistToken};
pub use record::RestoreError;

pub(crate) use log::ChangeLog;
pub(crate) use record::{FlowRecord, HeaderRecord, MessageRecord, Record, SubscriptionRecord};
