//! What goes into the engine's core and what comes out of it. The core has no clock, no socket, no randomness.

use std::ops::Range;

use bytes::Bytes;
use hearth_model::recording::{Form, ReadPart};
use hearth_mqtt::{MonoTime, session::PersistChange};

use crate::wire::{Command, RequestId, Unpacked};

/// The moment of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Never goes back; for waiting.
    pub mono: MonoTime,
    /// Milliseconds since the epoch; for showing.
    pub wall_ms: u64,
    /// Spread evenly over all of `u32`; new for every input.
    pub random: u32,
}

impl Now {
    /// The calendar time of a moment `ms` from now.
    #[must_use]
    pub fn wall_after(&self, ms: u64) -> u64 {
        self.wall_ms.saturating_add(ms)
    }
}

/// What the core must know of the place it runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Environment {
    /// The page came by https: the browser forbids `ws://`, but for this machine itself.
    pub secure_page: bool,
    /// What reads the announcements of devices is a part of the page that is not loaded yet.
    pub formats_later: bool,
}

/// Asks the second module, which is there, and takes its answer: see `hearth_extras::perform`.
#[derive(Debug, Clone, Copy)]
pub struct Ask(pub fn(&[u8]) -> Result<Vec<u8>, String>);

impl PartialEq for Ask {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.0, other.0)
    }
}

/// Something happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The page asks for something.
    Command(Box<Command>),
    /// The WebSocket is open, with the subprotocol `mqtt`.
    Opened,
    /// Bytes of the WebSocket, cut anywhere.
    Bytes(Bytes),
    /// The WebSocket is closed, or could not be opened.
    Closed {
        /// The close code; 1006 when the browser hides it.
        code: u16,
        /// The close reason of the server.
        reason: String,
    },
    /// The browser refuses to dial the URL of a [`Call::Dial`].
    RefusedByBrowser,
    /// A text frame came.
    TextFrame,
    /// What a [`Call::Probe`] found.
    Probed(Findings),
    /// What a [`Call::Load`] read, or why it could not.
    Loaded {
        /// The name asked for.
        name: String,
        /// What is stored.
        stored: Result<Stored, String>,
    },
    /// A [`Write`] is durable, or failed as a whole and why.
    Written {
        /// Its [`Write::number`].
        number: u64,
        /// How it went.
        result: Result<(), String>,
    },
    /// What a [`Call::Unpack`] found.
    Unpacked {
        request: RequestId,
        result: Result<Unpacked, String>,
    },
    /// The second module of a [`Call::Fetch`] is there; `None` when it could not be loaded.
    Fetched(Option<Ask>),
    /// The user gave a file: its name and its bytes.
    File { name: String, bytes: u64 },
    /// What a [`Call::ReadFile`] read: messages, and what was not consumed.
    FileRead {
        file: u32,
        result: Result<(ReadPart, Vec<u8>), String>,
    },
    /// A [`Call::WriteFile`] wrote so many bytes, or could not.
    FileWritten { file: u32, result: Result<u64, String> },
    /// The part of a [`Call::FetchFormats`] is here, or could not be loaded.
    FormatsFetched(bool),
    /// What the page asked for was dropped, because a part of the program could not be loaded; why.
    NotLoaded(String),
    /// The time of [`poll_timeout`](super::core::Engine::poll_timeout) has come.
    Tick,
}

/// What the core wants done with network and storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Open a WebSocket to this URL; an older one is closed.
    Dial(String),
    /// Close the WebSocket, after what is still to be sent.
    HangUp,
    /// Find out why this URL cannot be opened.
    Probe(String),
    /// Read what is stored under this name, and which other names there are.
    Load(String),
    /// Load the second module: somebody's template needs it.
    Fetch,
    /// Load the part of the page that reads the announcements of devices.
    FetchFormats,
    /// Let the second module read a payload, as in [`Command::Unpack`].
    Unpack {
        request: RequestId,
        packing: String,
        media_type: String,
        payload: Vec<u8>,
    },
    /// Let the second module read a part of the file that was given, behind what was not consumed of the part before.
    ReadFile {
        /// For [`Input::FileRead`].
        file: u32,
        part: Range<u64>,
        rest: Vec<u8>,
        lines_before: u64,
        is_last: bool,
    },
    /// Let the second module write [`Record`](hearth_model::recording::Record)s to the file that is being made.
    WriteFile {
        /// Another number is another file; never 0.
        file: u32,
        form: Form,
        records: Vec<u8>,
    },
    /// Give the file to the browser.
    EndFile,
    /// Forget the file that is being made.
    DropFile,
}

/// What is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// The heads of all sessions, by name.
    pub heads: Vec<(String, Vec<u8>)>,
    /// The records of the session that was asked for.
    pub records: Vec<(u64, Vec<u8>)>,
}

/// What is to be stored in one transaction, after all [`Write`]s before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// For [`Input::Written`].
    pub number: u64,
    /// The name of the session.
    pub name: String,
    /// First remove all records of the session.
    pub clear: bool,
    /// The new head; none removes it.
    pub head: Option<Vec<u8>>,
    /// Changes of records; no key comes twice.
    pub changes: Vec<PersistChange>,
}

/// What was found out about a URL that could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// The URL that was looked at.
    pub url: String,
    /// Something answers HTTP at host and port.
    pub answers_http: bool,
    /// A WebSocket opens at this URL when the subprotocol `mqtt` is not asked for.
    pub opens_without_mqtt: bool,
    /// A WebSocket with the subprotocol `mqtt` opens on this path of the same host.
    pub works_at_path: Option<String>,
}
