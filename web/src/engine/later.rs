//! What a first visit does not load: asked for when it is needed.

use hearth_mqtt::MonoTime;

/// What could not be loaded is asked for again after this time, ms: its server may be back.
const RETRY_MS: u64 = 30_000;

/// How far something is that is loaded later.
#[derive(Debug, Default)]
pub enum Later {
    /// Nobody needed it yet.
    #[default]
    Unasked,
    /// It is on its way.
    Loading,
    /// It could not be loaded.
    Failed {
        /// When it is asked for again.
        retry_at: MonoTime,
    },
    /// It is here.
    Here,
}

impl Later {
    /// Whether it is to be loaded now, because it is needed; true once.
    pub fn wants_loading(&mut self, now: MonoTime) -> bool {
        let wants = match self {
            Self::Unasked => true,
            Self::Failed { retry_at } => *retry_at <= now,
            Self::Loading | Self::Here => false,
        };
        if wants {
            *self = Self::Loading;
        }
        wants
    }

    /// It was loaded, or could not be.
    pub fn handle_loaded(&mut self, now: MonoTime, is_here: bool) {
        *self = if is_here {
            Self::Here
        } else {
            Self::Failed {
                retry_at: now + RETRY_MS,
            }
        };
    }

    /// Whether it is here.
    #[must_use]
    pub fn is_here(&self) -> bool {
        matches!(self, Self::Here)
    }
}
