//! From the engine to the page: what changed, in the words of the views.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{
    Action, ChartView, Done, ExportView, HandView, Place, ReplayView, RequestId, RetainedView, SeriesName,
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
        device: Option<Box<DeviceView>>,
    },
    Tree(TreeView),
    /// `None`: nothing has been heard on this topic.
    Topic {
        topic: String,
        view: Option<Box<TopicView>>,
    },
    Subscriptions(Vec<SubscriptionView>),
    Chart(Box<ChartView>),
    Retained(RetainedView),
    /// What became of a [`Command::Publish`](super::Command::Publish) or [`Command::Control`](super::Command::Control).
    Outcome {
        request: RequestId,
        outcome: Outcome,
    },
    /// What a payload of a [`Command::Unpack`](super::Command::Unpack) says, or why it says nothing.
    Unpacked {
        request: RequestId,
        result: Result<Unpacked, String>,
    },
    /// What a [`Command::Arrange`](super::Command::Arrange) or [`Command::LightsOff`](super::Command::LightsOff) did.
    Done(Done),
    /// The answer to [`Command::Places`](super::Command::Places).
    Places(Vec<Place>),
    /// How far the export is.
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

/// Home but for the content of its cards.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HomeView {
    pub glance: Vec<GlanceFact>,
    /// Most urgent first.
    pub attention: Vec<AttentionItem>,
    pub rooms: Vec<RoomView>,
    /// Messages of devices that are not shown because of the cap.
    pub beyond_limit: u64,
    /// What was announced or said and could not be read, the newest first.
    pub unreadable: Vec<Unreadable>,
    /// Devices of the home, also those that a search leaves out.
    pub devices: u32,
    /// Id and name of devices that are hidden by hand.
    pub hidden: Vec<(String, String)>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    pub topic: String,
    /// A sentence without a full stop.
    pub reason: String,
}

impl HomeView {
    /// Takes over what changed.
    pub fn take_facts(&mut self, facts: HomeFacts) {
        self.glance = facts.glance;
        self.attention = facts.attention;
        self.beyond_limit = facts.beyond_limit;
        self.unreadable = facts.unreadable;
        for (place, facts, lights) in facts.rooms {
            if let Some(room) = self.rooms.get_mut(place as usize) {
                room.facts = facts;
                room.lights = lights;
            }
        }
    }
}

/// One of the six facts about the whole home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlanceFact {
    /// `inside`, `outside`, `openings`, `locks`, `power`, `lights`.
    pub key: String,
    /// "20.9", "2 open", "All locked", "–".
    pub value: String,
    /// "°C", "of 11".
    pub unit: String,
    pub tone: Tone,
}

/// Colour role; always beside a glyph and a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Tone {
    #[default]
    Plain,
    On,
    Off,
    Ok,
    Warn,
    Crit,
    Stale,
}

/// Something that needs attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttentionItem {
    pub device: String,
    pub device_name: String,
    pub reason: AttentionReason,
    /// Since when, ms since epoch.
    pub since: u64,
    /// "8 %", "usually every 5 min", …
    pub detail: String,
}

/// `data-reason` of an attention item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttentionReason {
    Open,
    Silent,
    Battery,
    Unavailable,
    Alert,
}

/// A room and the order of its cards.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RoomView {
    /// [`NO_ROOM`](super::NO_ROOM) and [`FAVOURITES`](super::FAVOURITES) are none that can be renamed.
    pub id: String,
    pub name: String,
    /// "22.2 °C", "1 of 3 lights on", "All closed".
    pub facts: Vec<String>,
    /// Lights that are on and can be turned off; `None`: there is no light that can be switched.
    pub lights: Option<u32>,
    /// Device ids in the order of their cards.
    pub devices: Rc<Vec<String>>,
}

/// What of a [`HomeView`] changes all the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct HomeFacts {
    pub glance: Vec<GlanceFact>,
    pub attention: Vec<AttentionItem>,
    /// Rooms whose facts are others: place in [`HomeView::rooms`], [`RoomView::facts`] and [`RoomView::lights`].
    pub rooms: Vec<(u32, Vec<String>, Option<u32>)>,
    pub beyond_limit: u64,
    pub unreadable: Vec<Unreadable>,
}

/// One card of Home.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceCard {
    pub id: String,
    pub name: String,
    /// `data-kind` and the glyph: climate, light, plug, door, window, motion, lock, cover, battery, washer, sensor, text…
    pub kind: String,
    pub liveness: Liveness,
    /// Last heard, ms since epoch.
    pub last_heard: u64,
    pub tone: Tone,
    /// Most telling first; a card shows as many as it has room for.
    pub entities: Vec<EntityView>,
}

/// `data-liveness`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Liveness {
    #[default]
    Unknown,
    Online,
    Stale,
    Offline,
    Asleep,
}

/// One entity of a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntityView {
    pub id: String,
    pub name: String,
    /// `data-kind`: number, binary, light, switch, cover, lock, text, …
    pub kind: String,
    pub value: EntityValue,
    /// "" when there is none.
    pub unit: String,
    /// The unit (or the whole reading) is a guess of ours and is marked as one.
    pub guessed: bool,
    /// The device says that this is gone, or the value is older than the device allows.
    pub unavailable: bool,
    /// The value is as it came, because its template could not be used.
    pub unreadable: bool,
    /// Of the value, ms since epoch.
    pub at: u64,
    pub topic: String,
    pub control: Option<ControlView>,
    /// Numeric entities: the recent past as `(x 0..=1, value)`, with `None` for a gap.
    pub spark: Option<Spark>,
}

/// The value of an entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EntityValue {
    Unknown,
    /// `text` has the decimals fixed for this entity.
    Number {
        value: f64,
        text: String,
    },
    /// `word`: what the state is called ("Open", "On", "Motion"); `since` in ms since epoch.
    Binary {
        on: bool,
        word: String,
        since: u64,
    },
    Text(String),
}

/// A small chart.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Spark {
    pub points: Vec<(f32, Option<f32>)>,
    pub low: String,
    pub high: String,
    /// Over how long, s.
    pub span_s: u32,
}

/// What can be done with an entity, and how far the last try is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlView {
    pub kind: ControlKind,
    /// The command is a guess from the topic's form.
    pub guessed: bool,
    /// It acts only when it is held: a lock, a gate, a valve, an alarm.
    pub asks: bool,
    /// A code is asked for before it acts.
    pub code: Option<CodeView>,
    pub state: ControlState,
    /// Where a command would go, for the tinkerer.
    pub command_topic: String,
}

/// A code that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CodeView {
    /// It has digits only.
    pub is_number: bool,
    /// Options that need none.
    pub free: Vec<String>,
}

/// `data-control`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ControlKind {
    Switch,
    Slider {
        min: f64,
        max: f64,
        step: f64,
    },
    Stepper {
        min: f64,
        max: f64,
        step: f64,
    },
    Select {
        options: Vec<String>,
    },
    /// Several things that it can be told to do.
    Buttons {
        options: Vec<String>,
    },
    Text,
    /// `#rrggbb`
    Color,
    Button,
    Cover {
        position: bool,
    },
    Lock,
}

/// `data-state` of a control.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum ControlState {
    #[default]
    Idle,
    /// Sent, the device has not confirmed: what was asked for.
    Sent(Action),
    Confirmed,
    /// The broker has it, and the device does not say what it does.
    Delivered,
    /// No answer after 5 s, or the broker refused: why, and what was asked for.
    Failed(String, Action),
}

/// A device with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceView {
    pub card: DeviceCard,
    pub room: String,
    /// "plain topics", later "Home Assistant discovery", …
    pub source: String,
    pub topics: Vec<String>,
    /// Learned usual interval between messages, ms.
    pub usual_interval_ms: Option<u64>,
    /// What the device says of itself: "Maker", "Model", …, as name and text.
    pub details: Vec<(String, String)>,
    /// Where it is set up, http or https; "" when it says nothing.
    pub configuration_url: String,
    /// What can be charted, with its name for people.
    pub series: Vec<(String, SeriesName)>,
    /// How it is arranged.
    pub hand: HandView,
}

/// A window of the topic tree.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TreeView {
    /// Index of `rows[0]` (may differ from the asked one because of the anchor).
    pub first_row: u32,
    /// Rows in the whole (filtered, expanded) tree.
    pub total_rows: u32,
    pub rows: Vec<TreeRow>,
    /// Topics in the store, and how many match the search.
    pub topics: u32,
    pub matching: u32,
    /// Messages that came while paused.
    pub held_back: u64,
    /// Counts up when the rows were ordered anew.
    pub order: u32,
    /// The order is kept although it may be out of date.
    pub order_held: bool,
    /// Topics that the search has not looked at yet.
    pub unsearched: u32,
    /// What is wrong with the regular expression.
    pub search_error: Option<String>,
    /// Where [`TreeCommand::Find`](super::TreeCommand::Find) leads.
    pub found: Option<FoundRow>,
    /// Who floods.
    pub busiest: Option<BusiestBranch>,
}

/// A topic that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRow {
    /// Counts up with every search for the next one.
    pub serial: u32,
    pub row: u32,
    /// Which of the found ones, from 1.
    pub nth: u32,
}

/// The branch that brings most of the messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BusiestBranch {
    pub topic: String,
    pub rate: f32,
    /// 0 to 1, `$` topics left out.
    pub share: f32,
}

/// One row of the tree.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TreeRow {
    /// Full topic (or branch) from the root.
    pub topic: String,
    /// The last level, safe to show.
    pub name: String,
    /// From 0.
    pub level: u16,
    pub expanded: Option<bool>,
    /// Topics below, for a branch.
    pub topics_below: u32,
    /// Whether the row itself is a topic with a message.
    pub is_topic: bool,
    /// The last message came from the broker's retained store.
    pub retained: bool,
    /// One line.
    pub preview: String,
    /// Messages per second of the topic and all below.
    pub rate: f32,
    /// Its part of all messages per second, 0 to 1; `$` topics have none.
    pub share: f32,
    /// Found by the search: in its name, in its payload.
    pub hit: (bool, bool),
}

/// One topic in full.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TopicView {
    /// Number of the message that is shown: the first that came is 1, the newest is `count`.
    pub shown: u64,
    pub qos: u8,
    pub retained: bool,
    pub duplicate: bool,
    /// ms since epoch.
    pub received_at: u64,
    /// Messages on this topic since the page was opened.
    pub count: u64,
    /// Mean interval, ms.
    pub mean_interval_ms: Option<u64>,
    /// Size of the payload as received, bytes; larger than `payload.len()` if it was cut.
    pub payload_bytes: u64,
    pub payload: Vec<u8>,
    /// The payload that it is compared with, and the number of its message.
    pub previous: Option<Vec<u8>>,
    pub against: u64,
    /// MQTT 5.0 properties in words: name and value.
    pub properties: Vec<(String, String)>,
    /// Fields that can be charted, numbers first, and whether they are states.
    pub fields: Vec<(String, bool)>,
    /// Newest first, at most 200.
    pub history: Vec<HistoryRow>,
    pub arrivals: Arrivals,
}

/// How the messages of a topic arrived.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Arrivals {
    /// Messages per second over the last ten seconds.
    pub rate: f32,
    /// Of the newest 200 intervals: how far they are from their mean on average, and the longest, ms.
    pub jitter_ms: Option<u64>,
    pub longest_ms: Option<u64>,
    /// Messages with the DUP flag.
    pub duplicates: u64,
    /// Whether the broker keeps a retained message, as far as we have seen.
    pub retained: Option<bool>,
    /// Bytes of all payloads.
    pub payload_bytes: u64,
    /// When the first message came, ms since epoch.
    pub first_at: u64,
    /// Messages and samples no longer kept, and values of fields beyond the limit.
    pub messages_dropped: u64,
    pub samples_dropped: u64,
    pub fields_refused: u64,
}

/// One message of a topic's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// As in [`TopicView::shown`].
    pub number: u64,
    pub received_at: u64,
    pub preview: String,
    pub qos: u8,
    pub retained: bool,
    pub bytes: u64,
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
