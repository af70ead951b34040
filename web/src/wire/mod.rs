//! What crosses the Worker border: [`Command`] in, [`Frame`] out, at most one frame per animation frame.
//!
//! The page asks for *views* and gets *patches*: a patch carries only what changed in a view that is open. Texts that
//! come from a broker (topics, names, payloads) are plain text here and stay plain text: the views never turn them
//! into markup. Both directions are postcard-encoded bytes, so that one `Uint8Array` crosses and is transferred.

mod apart;
mod arrange;
mod chart;
mod home;
mod patch;
mod recording;
mod retained;
mod topics;

use serde::{Deserialize, Serialize};

pub use arrange::*;
pub use chart::*;
pub use home::*;
pub use patch::*;
pub use recording::*;
pub use retained::*;
pub use topics::*;

/// Numbers a request of the page, so that its [`Outcome`] can be matched.
pub type RequestId = u32;

/// How long broker and browser keep the session of a page that is gone, in seconds: longer than a reload takes, and not
/// so long that closed tabs pile up at the broker.
pub const DEFAULT_SESSION_EXPIRY_S: u32 = 300;

/// A home with more devices is windowed: only cards that are on the screen or near it exist and are told of.
pub const WHOLE_HOME: usize = 150;

/// [`RoomView::id`] of devices without a room.
pub const NO_ROOM: &str = "other";

/// [`RoomView::id`] of devices that are shown first, besides in their rooms.
pub const FAVOURITES: &str = "favourites";

/// From the page to the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Connect with these options; an existing connection is ended first.
    Connect(Box<ConnectionOptions>),
    /// End the connection and stay disconnected.
    Disconnect,
    /// Do not wait for the backoff: try now (the "now" button).
    RetryNow,
    /// The network or the page is back: try now, unless the user or a refusal ended the connection.
    Wake,
    /// Open a view, or change what an open view shows (same [`View`] variant: one of each kind is open at a time,
    /// but for [`View::Topic`] and [`View::Device`], which replace each other).
    Open(View),
    /// Close the view of this kind.
    Close(ViewKind),
    /// Change how the topic tree is looked at; it remembers this also while its view is closed.
    Tree(TreeCommand),
    /// The cards of Home that exist, and whether each is on the screen. Of use when there are more than [`WHOLE_HOME`] devices, or when
    /// many cards change.
    Cards(Vec<(String, bool)>),
    /// What is to be subscribed to from now on, as in [`ConnectionOptions::subscriptions`].
    Subscribe(Vec<(String, u8)>),
    /// Look at, delete or bring back retained messages.
    Retained(RetainedCommand),
    /// Publish one Application Message.
    Publish {
        request: RequestId,
        message: Publication,
    },
    /// Send no more of a message that is sent several times, or wait no longer for a response.
    StopPublish(RequestId),
    /// Ask a device to do something.
    Control {
        request: RequestId,
        device: String,
        entity: String,
        action: Action,
    },
    /// Change how the home is arranged; the answer is a [`Patch::Done`].
    Arrange(Arrange),
    /// Turn off every light that is on in a room of this [`RoomView::id`], or everywhere; the answer is a
    /// [`Patch::Done`].
    LightsOff(Option<String>),
    /// Show only what has this in its name, room or topics; empty shows all.
    Search(String),
    /// Rooms and devices to choose from; the answer is a [`Patch::Places`].
    Places,
    /// Read a payload that is no text; the answer is a [`Patch::Unpacked`].
    Unpack {
        request: RequestId,
        /// `cbor`, `msgpack`, `protobuf`, `gzip`; empty: whichever it is beyond doubt.
        packing: String,
        /// As the sender names it; empty when it does not.
        media_type: String,
        payload: Vec<u8>,
    },
    /// Write messages to a file; an export that is going on is stopped.
    Export(Option<ExportOrder>),
    /// What to do with the file that was given to the Worker.
    Replay(ReplayCommand),
    /// Forget the messages that wait to be sent.
    DiscardQueued,
    /// What the engine may keep from now on.
    Limit(Limits),
    /// Whether the page can be seen. A hidden page gets no frames; on `true` a whole one comes at once.
    Visible(bool),
    /// The last frame is on the screen; the next may be sent. The answer to every [`Frame`].
    Painted,
}

impl Command {
    /// Whether the engine needs what a first visit does not load (`platform::parts::TOOLS`).
    #[must_use]
    pub fn is_for_later(&self) -> bool {
        match self {
            Self::Open(view) => view.is_for_later(),
            Self::Arrange(change) => !matches!(change, Arrange::Restore(_)),
            Self::Tree(_)
            | Self::Retained(_)
            | Self::Publish { .. }
            | Self::StopPublish(_)
            | Self::LightsOff(_)
            | Self::Places
            | Self::Unpack { .. }
            | Self::Export(_)
            | Self::Replay(_) => true,
            Self::Connect(_)
            | Self::Disconnect
            | Self::RetryNow
            | Self::Wake
            | Self::Close(_)
            | Self::Cards(_)
            | Self::Subscribe(_)
            | Self::Control { .. }
            | Self::Search(_)
            | Self::DiscardQueued
            | Self::Limit(_)
            | Self::Visible(_)
            | Self::Painted => false,
        }
    }
}

impl View {
    /// As [`Command::is_for_later`].
    #[must_use]
    pub fn is_for_later(&self) -> bool {
        match self {
            Self::Device { .. } => true,
            Self::Tree(_) | Self::Topic { .. } | Self::Chart(_) | Self::Retained(_) => true,
            Self::Home | Self::Subscriptions => false,
        }
    }
}

/// How to reach a broker. Secrets live here only in memory; no part of it is logged.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectionOptions {
    /// The full WebSocket URL that is dialled, shown to the user as it is.
    pub url: String,
    /// What the user calls this connection ("Lindenweg 12"), else the host.
    pub name: String,
    pub version: Version,
    /// Empty: the engine makes one. A random suffix per tab is the caller's work.
    pub client_id: String,
    pub username: Option<String>,
    pub password: Option<String>,
    /// Seconds; 0 turns it off.
    pub keep_alive: u16,
    pub clean_start: bool,
    /// Seconds; `u32::MAX` never expires. 5.0 only.
    pub session_expiry_interval: u32,
    pub receive_maximum: u16,
    pub will: Option<WillOptions>,
    /// Largest packet that the way to the broker lets through, bytes: the serving bridge says its own, and only its
    /// addresses have this. The handle of the engine fills it in. `None`: whatever the broker takes.
    pub largest_packet: Option<u32>,
    /// Filter and Subscription Options as MQTT 5.0 writes them (3.8.3.1): bits 0 and 1 QoS, 2 No Local, 3 Retain As
    /// Published, 4 and 5 Retain Handling; bit 6 is ours: a Subscription Identifier, which the engine chooses. 3.1.1 has only
    /// the QoS. Empty means `#` at QoS 0 and `$SYS/#`.
    pub subscriptions: Vec<(String, u8)>,
}

/// What the engine keeps at most, as chosen in Settings. What does not fit is counted in [`Counters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory for topics and their history, MiB.
    pub memory_mib: u32,
    pub topics: u32,
    /// Longer payloads are cut, KiB.
    pub payload_kib: u32,
    /// Older messages per topic.
    pub history: u32,
    pub devices: u32,
    /// Values and controls of a device; the others are left to Explorer.
    pub entities: u32,
    /// A device is silent after this many of its usual intervals …
    pub silent_intervals: u32,
    /// … but never sooner, s.
    pub silent_floor_s: u32,
    /// A door or window that is open for so long is worth attention, min.
    pub open_min: u32,
    /// A battery is low at this charge, %.
    pub battery_percent: u32,
    /// Messages that wait for the broker; holds from the next connection on.
    pub queued: u32,
    /// Largest packet that the broker may send, MiB; holds from the next connection on.
    pub packet_mib: u32,
}

/// Which protocol version to offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Version {
    /// 5.0 first, 3.1.1 when the server refuses the version.
    #[default]
    Auto,
    V5,
    V311,
}

impl Version {
    /// As it is written in addresses; what is not known is left to the broker.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "5" | "5.0" => Self::V5,
            "3.1.1" => Self::V311,
            _ => Self::Auto,
        }
    }
}

/// The Will Message of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WillOptions {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    /// Seconds, 5.0 only.
    pub delay_interval: u32,
}

/// An Application Message that the page wants sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Publication {
    pub topic: String,
    pub payload: Vec<u8>,
    /// The payload is bytes of somebody's own: what looks like a variable in it is none.
    pub is_verbatim: bool,
    pub qos: u8,
    pub retain: bool,
    pub content_type: Option<String>,
    pub response_topic: Option<String>,
    pub correlation_data: Option<Vec<u8>>,
    /// Say that the payload is UTF-8 text.
    pub is_text: bool,
    pub message_expiry_interval: Option<u32>,
    pub user_properties: Vec<(String, String)>,
    /// `{now}` (ms since epoch), `{time}` (ISO 8601, UTC), `{uuid}`, `{random}` (0 to 999,999) and `{random:1-6}` in topic
    /// and payload are filled in.
    pub variables: bool,
    /// How often it is sent; 0 is read as 1. Above 1, `{n}` in topic and payload becomes the number of the message.
    pub repeat: u32,
    /// From one to the next, ms; 0 sends all at once.
    pub every_ms: u32,
    /// Wait so long for a response, ms; 0 does not. What is missing of Response Topic and Correlation Data is made up.
    /// 5.0 only.
    pub response_within_ms: u32,
}

/// What a control asks an entity to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Switches and lights.
    Turn(bool),
    /// Sliders and steppers, in the entity's own unit.
    Set(f64),
    /// Selects and texts.
    Choose(String),
    /// Covers.
    Open,
    Close,
    Stop,
    /// Locks.
    Lock,
    Unlock,
    /// Buttons.
    Press,
    /// Any of these, with what was typed for [`CodeView`].
    Coded(Box<Action>, Code),
}

/// A code as it was typed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code(pub String);

impl std::fmt::Debug for Code {
    /// A code never prints.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(…)")
    }
}

/// What the page wants to see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum View {
    /// Glance facts, attention items, rooms and their cards.
    Home,
    /// One device with all its entities.
    Device { id: String },
    /// A window of the topic tree.
    Tree(TreeWindow),
    /// The last message and recent history of a topic.
    Topic { topic: String, seen: TopicSeen },
    /// Subscriptions and their granted results.
    Subscriptions,
    /// Numbers over time.
    Chart(ChartWindow),
    /// Retained messages.
    Retained(RetainedWindow),
}

/// Which of a topic's messages are looked at. They are numbered from 1 in the order they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TopicSeen {
    /// The message that is shown; `None`: always the newest.
    pub shown: Option<u64>,
    /// The message that it is compared with; `None`: the one before.
    pub against: Option<u64>,
    /// The list ends here, so that its rows stay where they are; `None`: it goes on.
    pub until: Option<u64>,
}

/// The kind of a [`View`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ViewKind {
    Home,
    Device,
    Tree,
    Topic,
    Subscriptions,
    Chart,
    Retained,
}

/// Which rows of the topic tree are on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TreeWindow {
    /// Text, or an MQTT Topic Filter when it holds `+` or `#`. Empty shows all.
    pub search: String,
    /// `search` is a regular expression.
    pub pattern: bool,
    /// Newest payloads are searched, too.
    pub payloads: bool,
    pub sort: TreeSort,
    /// Somebody points at rows: keep their order.
    pub hold_order: bool,
    /// First row wanted, from 0.
    pub first_row: u32,
    /// How many rows, at most 500.
    pub rows: u32,
    /// The row that must not move: when topics arrive above it, the engine shifts `first_row` so that it stays.
    pub anchor: Option<String>,
    /// Hold the rows and values as they are; arrivals are counted, not lost.
    pub paused: bool,
}

/// How rows below the same branch are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TreeSort {
    #[default]
    Name,
    Newest,
    Rate,
}

/// What can be done with the topic tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TreeCommand {
    /// Open (`true`) or close a branch.
    Toggle(String, bool),
    /// The same with everything below it.
    ToggleBelow(String, bool),
    /// Open a branch and all beside it.
    OpenSiblings(String),
    /// Open one level more everywhere.
    OpenLevel,
    OpenAll,
    CloseAll,
    /// Open all branches above a topic, also when it is heard later.
    Reveal(String),
    /// Order anew although somebody points at rows.
    Resort,
    /// While paused: show the present once.
    Step,
    /// Go to the next found topic after a row, or to the one before it.
    Find {
        from: Option<u32>,
        backward: bool,
    },
}

impl std::fmt::Debug for ConnectionOptions {
    /// User name and password never print.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionOptions")
            .field("url", &self.url)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            name: String::new(),
            version: Version::Auto,
            client_id: String::new(),
            username: None,
            password: None,
            // Half of the idle limit (60 s) that many proxies in front of WebSockets have.
            keep_alive: 30,
            clean_start: true,
            session_expiry_interval: DEFAULT_SESSION_EXPIRY_S,
            // The protocol's own default: no limit but the number of packet ids.
            receive_maximum: u16::MAX,
            will: None,
            largest_packet: None,
            subscriptions: Vec::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_mib: 128,
            topics: 200_000,
            payload_kib: 1_024,
            history: 1_000,
            devices: 2_000,
            entities: 64,
            silent_intervals: 3,
            silent_floor_s: 60,
            open_min: 0,
            battery_percent: 15,
            queued: 10_000,
            packet_mib: 16,
        }
    }
}

impl From<&View> for ViewKind {
    fn from(view: &View) -> Self {
        match view {
            View::Home => Self::Home,
            View::Device { .. } => Self::Device,
            View::Tree(_) => Self::Tree,
            View::Topic { .. } => Self::Topic,
            View::Subscriptions => Self::Subscriptions,
            View::Chart(_) => Self::Chart,
            View::Retained(_) => Self::Retained,
        }
    }
}
