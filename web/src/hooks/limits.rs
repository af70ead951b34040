//! The limits that the user chose, kept in this browser.

use crate::{platform::storage, wire::Limits};

const KEY: &str = "hearth.limits";

/// What was chosen, else the defaults.
pub(crate) fn chosen() -> Limits {
    storage::lasting()
        .read(KEY)
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

/// Keeps a choice; a browser that keeps nothing has it until the page is closed.
pub(crate) fn choose(limits: Limits) {
    if let Ok(text) = serde_json::to_string(&limits) {
        storage::lasting().write(KEY, &text);
    }
}
