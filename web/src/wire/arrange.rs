//! How the home is arranged by hand.

use serde::{Deserialize, Serialize};

use super::AttentionReason;

/// What is to be arranged otherwise. Devices are named by their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arrange {
    MakeRoom(String),
    RenameRoom {
        from: String,
        to: String,
    },
    RemoveRoom(String),
    /// Into a room, which is made if need be; `None`: into none.
    Move {
        device: String,
        room: Option<String>,
    },
    /// Before another device, in its room; `None`: last where it is.
    Before {
        device: String,
        next: Option<String>,
    },
    /// Before another room; `None`: last.
    RoomBefore {
        room: String,
        next: Option<String>,
    },
    /// A reason for attention is not shown for so many hours; 0: it is shown again.
    PutOff {
        device: String,
        reason: AttentionReason,
        hours: u32,
    },
    /// Where it says itself that it is.
    MoveBack(String),
    /// Empty: its own name.
    Rename {
        device: String,
        name: String,
    },
    /// As [`DeviceCard::kind`](super::DeviceCard::kind); empty: what it says or what we guess.
    Kind {
        device: String,
        kind: String,
    },
    Hide {
        device: String,
        hidden: bool,
    },
    Favourite {
        device: String,
        favourite: bool,
    },
    /// Silent after so many seconds; 0: by its own rhythm.
    SilentAfter {
        device: String,
        seconds: u32,
    },
    /// What one of its values is; as [`EntityView::id`](super::EntityView::id).
    Entity {
        device: String,
        entity: String,
        change: EntityChange,
    },
    /// Both are one.
    Join {
        device: String,
        with: String,
    },
    /// The part with this [`PartView::key`] is a device of its own.
    Separate {
        device: String,
        key: String,
    },
    /// As before the last change.
    Undo,
    /// As it was kept by the browser.
    Restore(String),
}

/// What is said of an entity; empty where it is to be as it says or as we guess.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntityChange {
    Name(String),
    Unit(String),
    /// As `hearth_devices::Class` names it.
    Class(String),
    Hidden(bool),
    /// Nothing of all that was said.
    Back,
}

/// What was done by hand, and whether it can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Done {
    /// A sentence for people, not yet safe to show.
    pub said: String,
    pub undo: bool,
    /// The arrangement for the browser to keep, if it is another now; empty: nothing is arranged.
    pub kept: Option<String>,
}

/// A room with its devices, to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `None`: no room.
    pub room: Option<String>,
    /// Id and name.
    pub devices: Vec<(String, String)>,
}

/// What was said of a device by hand, and what it is without that.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HandView {
    pub own_name: String,
    pub own_room: Option<String>,
    pub own_kind: String,
    /// Said by hand.
    pub room: bool,
    pub kind: bool,
    pub favourite: bool,
    pub hidden: bool,
    pub silent_after_s: u32,
    /// Reasons for attention that are put off, and until when, ms since epoch.
    pub put_off: Vec<(AttentionReason, u64)>,
    pub parts: Vec<PartView>,
}

/// What can be a device of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartView {
    pub key: String,
    pub name: String,
}
