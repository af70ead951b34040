//! From the engine to the page: what changed, in the words of the views.

use serde::{Deserialize, Serialize};

use super::{
    ChartView, DeviceCard, DeviceView, Done, ExportView, HomeFacts, HomeView, Place, ReplayView, RequestId,
    RetainedView, TopicView, TreeView,
};

/// From the engine to the page: everything that changed since the last frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Frame {
    pub patches: Vec<Patch>,
}

/// One change of one thing that the page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Patch {
    Connection(ConnectionView),
    Counters(Counters),
    /// Rooms and the order of cards, glance and attention; the cards come one by one.
    Home(HomeView),
    /// Rooms and cards are the same, and in the same order; facts are others.
    Facts(HomeFacts),
    /// One card of an open Home view (or the device of an open Device view) changed.
    Card(Box<DeviceCard>),
    /// The device of an open [`View::Device`](super::View::Device); `None`: there is none with this id.
    Device {
        id: String,
        #[serde(with = "super::apart")]
        device: Option<Box<DeviceView>>,
    },
    #[serde(with = "super::apart")]
    Tree(TreeView),
    /// `None`: nothing has been heard on this topic.
    Topic {
        topic: String,
        #[serde(with = "super::apart")]
        view: Option<Box<TopicView>>,
    },
    Subscriptions(Vec<SubscriptionView>),
    #[serde(with = "super::apart")]
    Chart(Box<ChartView>),
    #[serde(with = "super::apart")]
    Retained(RetainedView),
    /// What became of a [`Command::Publish`](super::Command::Publish) or [`Command::Control`](super::Command::Control).
    Outcome {
        request: RequestId,
        outcome: Outcome,
    },
    /// What a payload of a [`Command::Unpack`](super::Command::Unpack) says, or why it says nothing.
    Unpacked {
        request: RequestId,
        #[serde(with = "super::apart")]
        result: Result<Unpacked, String>,
    },
    /// What a [`Command::Arrange`](super::Command::Arrange) or [`Command::LightsOff`](super::Command::LightsOff) did.
    Done(Done),
    /// The answer to [`Command::Places`](super::Command::Places).
    #[serde(with = "super::apart")]
    Places(Vec<Place>),
    /// How far the export is.
    #[serde(with = "super::apart")]
    Export(ExportView),
    /// The recording; `None`: it was closed.
    Replay(Option<Box<ReplayView>>),
    /// Something the user must know that belongs to no view.
    Notice(Notice),
}

/// A payload that was no text, readable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Unpacked {
    /// As in [`Command::Unpack`](super::Command::Unpack); empty: it is nothing beyond doubt.
    pub packing: String,
    /// JSON; for `gzip` the unpacked bytes.
    pub payload: Vec<u8>,
}

/// The connection, in the words of the header pill and the Connect page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct ConnectionView {
    pub state: ConnectionState,
    /// What the user calls the connection.
    pub name: String,
    /// The URL that is or was dialled.
    pub url: String,
    /// Protocol version in use once connected: "5.0" or "3.1.1".
    pub version: String,
    pub client_id: String,
    /// Why it is down, if it is.
    pub problem: Option<Problem>,
    /// When the next try starts, ms since epoch.
    pub next_try_at: Option<u64>,
    /// How many tries failed in a row.
    pub failed_tries: u32,
    /// Round trip of the last PINGREQ or acknowledged packet, ms.
    pub round_trip_ms: Option<u32>,
    pub session_present: bool,
    /// Since when this state holds, ms since epoch.
    pub since: u64,
}

/// `data-state` of the header pill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ConnectionState {
    /// No broker chosen yet.
    #[default]
    None,
    Connecting,
    Connected,
    /// Down, a further try is planned.
    Waiting,
    /// Down, and trying again would not help without the user.
    Down,
}

/// Why there is no connection: what happened, how we know, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub kind: ProblemKind,
    /// One line, without a full stop: "The broker refused user name or password".
    pub title: String,
    pub what_happened: String,
    pub how_we_know: String,
    pub what_to_do: String,
    /// The field of the form that most likely is wrong (`url`, `path`, `username`, `client_id`, …).
    pub field: Option<String>,
}

/// The kinds of trouble that the page tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProblemKind {
    /// The URL cannot be dialled at all (syntax, scheme).
    BadAddress,
    /// An https page may not open ws://.
    MixedContent,
    /// Nobody answers at host and port.
    Unreachable,
    /// Somebody answers, but not with a WebSocket on this path.
    WrongPath,
    /// A WebSocket, but the subprotocol `mqtt` was not accepted or no CONNACK came.
    NotMqtt,
    /// CONNACK refused user name or password, or the authorisation.
    Credentials,
    /// CONNACK refused for another reason.
    Refused,
    /// The bridge could not reach its broker.
    BrokerUnreachable,
    /// The server broke the protocol; the statement is in the text.
    ServerMisbehaved,
    /// The server stopped answering (Keep Alive).
    Silent,
    /// The server said goodbye with a reason.
    ServerClosed,
    /// The network connection ended without one.
    NetworkClosed,
    /// The same client id connected elsewhere.
    TakenOver,
    /// The user ended it.
    ByUser,
    /// The bridge has users, and nobody is logged in with this browser any more.
    LoggedOut,
}

/// What stands in `messages-received` and its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Application Messages received from this broker.
    pub received: u64,
    /// Dropped from history or refused by a cap, in all; never silent.
    pub dropped: u64,
    /// Payloads cut at the payload cap.
    pub cut: u64,
    /// Samples of numbers that charts have no more.
    pub samples_dropped: u64,
    /// Readings beyond the limits of devices, of entities per device and of numeric fields per topic.
    pub readings_refused: u64,
    /// Messages per second, over the last seconds.
    pub rate: f32,
    /// Messages that wait for the broker: to be sent, or for its last word.
    pub queued: u32,
    /// Those of them that were not sent yet, and can be discarded.
    pub discardable: u32,
    /// Topics known.
    pub topics: u32,
    /// Bytes the store holds, and its budget.
    pub store_bytes: u64,
    pub store_budget: u64,
}

/// One subscription.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SubscriptionView {
    pub filter: String,
    pub qos: u8,
    /// Subscription Options as in [`ConnectionOptions::subscriptions`](super::ConnectionOptions::subscriptions).
    pub options: u8,
    /// Its Subscription Identifier; 0: it has none.
    pub id: u32,
    /// "granted QoS 1", "refused: not authorized", "waiting".
    pub result: String,
    pub refused: bool,
}

impl SubscriptionView {
    /// What it says until the broker has answered.
    pub(crate) const WAITING: &str = "waiting";
}

/// What became of a request: `data-state` of `publish-result`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Waits for the broker.
    Queued,
    /// Handed to the network (all there is at QoS 0).
    Sent,
    /// The broker acknowledged it; the reason in words if it says more than "success".
    Acknowledged(String),
    /// So many of several are sent; `over` when it was stopped.
    Progress { sent: u32, all: u32, over: bool },
    /// The response came.
    Answered(Box<Response>),
    /// It was sent, and the response did not come: until when and where it was waited for.
    Unanswered(String),
    /// What is wrong and what to do.
    Failed(String),
}

/// The response to a message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Response {
    pub topic: String,
    pub payload: Vec<u8>,
    /// From the message to its response, ms.
    pub after_ms: u64,
}

/// Something to tell the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub title: String,
    pub text: String,
    pub urgent: bool,
}
