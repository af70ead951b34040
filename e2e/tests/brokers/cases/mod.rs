//! What every broker is asked.

mod connecting;
mod cuts;
mod limits;
mod messages;
mod properties;
mod retained;
mod sessions;
mod subscriptions;
mod wills;

use anyhow::Result;

use crate::rig::{Finding, Rig};

/// One question to a broker.
pub(crate) struct Case {
    /// As it stands in the names of the tests.
    pub(crate) name: &'static str,
    /// As it stands in the table.
    pub(crate) title: &'static str,
    /// Whether only 5.0 knows it.
    pub(crate) only_v5: bool,
    pub(crate) run: fn(&Rig) -> Result<Finding>,
}

/// A part of the table.
pub(crate) struct Chapter {
    pub(crate) title: &'static str,
    pub(crate) cases: &'static [Case],
}

/// Those that only need messages to come through.
pub(crate) const MESSAGES: Chapter = messages::CHAPTER;

/// All cases, in the order of the table.
pub(crate) const CHAPTERS: [Chapter; 10] = [
    connecting::CHAPTER,
    messages::CHAPTER,
    subscriptions::CHAPTER,
    retained::CHAPTER,
    wills::CHAPTER,
    sessions::CHAPTER,
    cuts::CUT,
    cuts::KILLED,
    properties::CHAPTER,
    limits::CHAPTER,
];

const fn both(name: &'static str, title: &'static str, run: fn(&Rig) -> Result<Finding>) -> Case {
    Case {
        name,
        title,
        only_v5: false,
        run,
    }
}

const fn v5(name: &'static str, title: &'static str, run: fn(&Rig) -> Result<Finding>) -> Case {
    Case {
        name,
        title,
        only_v5: true,
        run,
    }
}
