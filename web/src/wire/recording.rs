//! Messages to files and from files.

use serde::{Deserialize, Serialize};

/// What is to be exported.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExportOrder {
    /// Topic or branch; empty with `below`: everything.
    pub topic: String,
    /// With all topics below.
    pub below: bool,
    /// CSV, else JSON Lines.
    pub csv: bool,
}

impl ExportOrder {
    /// What the file is called: only letters, digits and dashes, whatever the topic is.
    #[must_use]
    pub fn file_name(&self) -> String {
        let mut name = "hearth-".to_owned();
        for character in self.topic.chars().take(LONGEST_NAME) {
            if character.is_ascii_alphanumeric() {
                name.push(character);
            } else if !name.ends_with('-') {
                name.push('-');
            }
        }
        let name = name.trim_end_matches('-');
        let ending = if self.csv { "csv" } else { "jsonl" };
        format!("{name}.{ending}")
    }
}

/// Characters of a topic that its file is named by.
const LONGEST_NAME: usize = 80;

/// How far an export is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExportView {
    pub order: ExportOrder,
    pub state: ExportState,
    /// Messages written, of all that were kept when it began.
    pub written: u64,
    pub total: u64,
    /// Bytes of the file so far.
    pub bytes: u64,
    /// Messages that history had dropped before.
    pub dropped_before: u64,
    /// Messages that history dropped before they were written.
    pub dropped_meanwhile: u64,
    /// Messages whose payload was kept in part only.
    pub cut: u64,
}

/// Whether an export goes on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ExportState {
    #[default]
    Running,
    /// The file was given to the browser.
    Done,
    Stopped,
    /// Why there is no file.
    Failed(String),
}

/// What to do with the recording that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplayCommand {
    /// Show it as if it were heard; nothing is published, and what this engine had heard is forgotten.
    Show,
    /// Publish it to the broker.
    Publish,
    Pause,
    /// Go on.
    Resume,
    /// So many times as fast as it was recorded; 0: as fast as possible.
    Speed(u32),
    /// Go back to the beginning, and wait there.
    Stop,
    /// Forget the recording; what a demonstration showed is forgotten, too.
    Close,
}

/// A recording, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReplayView {
    /// Of the file.
    pub name: String,
    /// Bytes of the file, and those read.
    pub bytes: u64,
    pub read: u64,
    pub state: ReplayState,
    /// It is or was shown here, and nothing is published.
    pub demonstration: bool,
    /// As in [`ReplayCommand::Speed`].
    pub speed: u32,
    /// Messages that were read, and how many of them were played.
    pub messages: u64,
    pub played: u64,
    /// Of the first and the last message, ms since epoch; 0: the file says no times.
    pub from: u64,
    pub to: u64,
    /// Lines that could not be read, in all, and the first of them with the reason.
    pub faulty: u64,
    pub faults: Vec<(u64, String)>,
    /// Messages that there was no room for.
    pub beyond: u64,
    /// Messages that were not published, and why the last was not.
    pub failed: u64,
    pub why: String,
}

/// What a recording does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ReplayState {
    #[default]
    Reading,
    Ready,
    Playing,
    Paused,
    /// All was played.
    Ended,
    /// Why it cannot be read.
    Failed(String),
}
