//! The MQTT client id of this tab.
//!
//! Two tabs with one client id would take each other over for ever. A browser copies `sessionStorage` when a tab is
//! duplicated, so the id is taken out of it while the page lives and put back when the page goes: a reload finds it, a
//! duplicate does not. (Web Locks would say the same but are missing on plain http pages.)

use super::{page, storage};

const KEY: &str = "hearth.client-id";
const USER: &str = "hearth.user";

/// The id this tab goes by until it is closed: `hearth-` and twelve random characters.
#[must_use]
pub fn for_this_tab() -> String {
    let store = storage::for_tab();
    let id = store.read(KEY).filter(|id| !id.is_empty()).unwrap_or_else(fresh);
    store.remove(KEY);
    keep(id)
}

/// A new id if another user of the bridge had this tab before: what waits under the old one is not this user's to send.
#[must_use]
pub fn for_user(user: &str, id: String) -> String {
    let store = storage::for_tab();
    let before = store.read(USER);
    store.write(USER, user);
    match before {
        Some(before) if before != user => keep(fresh()),
        _ => id,
    }
}

/// Puts it back when the page goes.
fn keep(id: String) -> String {
    let kept = id.clone();
    page::on_leave(move || {
        storage::for_tab().write(KEY, &kept);
    });
    id
}

fn fresh() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = page::random_bytes::<12>();
    let suffix = letters
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)))
        .map(|letter| char::from(*letter));
    format!("hearth-{}", suffix.collect::<String>())
}
