//! Payloads that say whether something is there.

use hearth_model::letters::lower;
use hearth_model::payload::{BinaryWord, binary_state};

use crate::flat::{Scalar, flatten};

/// Whether a payload says that something is there, by its word or by the name of its topic.
pub(crate) fn is_presence(topic: &str, payload: &[u8]) -> bool {
    let Some(state) = std::str::from_utf8(payload).ok().and_then(binary_state) else {
        return false;
    };
    let last = lower(topic.rsplit('/').next().unwrap_or_default());
    match state.word {
        BinaryWord::OnlineOffline | BinaryWord::ConnectedDisconnected | BinaryWord::AvailableUnavailable => {
            true
        }
        _ => matches!(
            &*last,
            "online" | "connected" | "alive" | "available" | "lwt" | "availability"
        ),
    }
}

/// `online`, `Offline`, `true`, `1`, `{"state":"online"}`.
pub(crate) fn presence_of(payload: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(payload).ok()?;
    if let Some(state) = binary_state(text) {
        return Some(state.on);
    }
    let (fields, _) = flatten(payload, 8)?;
    let named = |field: &&crate::flat::FlatField| {
        field
            .path
            .last()
            .is_some_and(|key| matches!(&**key, "state" | "status" | "availability" | "online"))
    };
    match &fields.iter().find(named)?.value {
        Scalar::Text(text) => binary_state(text).map(|state| state.on),
        Scalar::Bool(present) => Some(*present),
        Scalar::Number(..) | Scalar::Null => None,
    }
}
