//! How each home is arranged, kept in this browser under the address of its broker.

use crate::platform::storage;

fn key(address: &str) -> String {
    format!("hearth.home {address}")
}

/// Whether this is what the arrangement is kept under that belongs to an address.
pub(super) fn is_of(kept_under: &str, address: &str) -> bool {
    !address.is_empty() && kept_under == key(address)
}

/// What was kept; empty when nothing was.
pub(super) fn kept(address: &str) -> String {
    storage::lasting().read(&key(address)).unwrap_or_default()
}

/// Keeps an arrangement; a browser that keeps nothing has it until the page is closed.
pub(super) fn keep(address: &str, text: &str) {
    if text.is_empty() {
        storage::lasting().remove(&key(address));
    } else {
        storage::lasting().write(&key(address), text);
    }
}
