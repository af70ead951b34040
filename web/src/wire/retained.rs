//! Retained messages: which are looked at, what is done with them, and how far that is.

use serde::{Deserialize, Serialize};

/// Rows of a list of retained messages.
pub const RETAINED_ROWS: u32 = 100;

/// Which retained messages are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RetainedWindow {
    /// As in [`TreeWindow::search`](super::TreeWindow::search).
    pub search: String,
    /// `search` is a regular expression.
    pub pattern: bool,
    /// First row wanted, from 0.
    pub first_row: u32,
}

/// What is done with retained messages. Deleting takes what was planned, not what came since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetainedCommand {
    /// Dry run: say what deleting all that is found would do.
    Plan,
    /// Not that.
    Cancel,
    /// Delete what was planned, so many a second.
    Delete(u32),
    /// Publish what was deleted again, so many a second.
    Undo(u32),
    /// Send no more of it.
    Stop,
    /// Ask the broker for its retained messages again.
    Refresh,
}

/// Retained messages as far as they were seen.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RetainedView {
    /// How many are found, and the bytes of their payloads.
    pub found: u32,
    pub bytes: u64,
    /// What is wrong with the regular expression.
    pub search_error: Option<String>,
    pub first_row: u32,
    /// At most [`RETAINED_ROWS`].
    pub rows: Vec<RetainedRow>,
    pub plan: Option<RetainedPlan>,
    pub job: Option<RetainedJob>,
    /// Deleted messages that can be published again.
    pub undoable: u32,
}

/// One retained message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RetainedRow {
    pub topic: String,
    /// One line.
    pub preview: String,
    pub bytes: u64,
    pub qos: u8,
    /// ms since epoch.
    pub received_at: u64,
    /// A message came later without the flag, as brokers send them to those who listen already: it may be the retained
    /// one, or not.
    pub newer: bool,
}

/// What deleting would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RetainedPlan {
    pub count: u32,
    pub bytes: u64,
    /// Those that could not be brought back, because not all of them is kept here.
    pub lost: u32,
    /// Those with [`RetainedRow::newer`].
    pub newer: u32,
}

/// How far deleting or bringing back is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RetainedJob {
    pub is_undo: bool,
    pub all: u32,
    /// The broker has them.
    pub done: u32,
    /// The broker refused them; why it refused the first.
    pub failed: u32,
    pub why: String,
    /// Left alone: somebody else had changed them meanwhile.
    pub skipped: u32,
    pub per_second: u32,
    pub state: JobState,
}

/// `data-state` of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum JobState {
    #[default]
    Running,
    /// There is no connection; it goes on by itself.
    Waiting,
    Stopped,
    Done,
}
