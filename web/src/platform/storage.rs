//! The browser's storage; every call may be refused (private windows, full disk) and then quietly gives nothing.

use web_sys::{Storage, window};

/// What lives as long as the tab.
#[must_use]
pub fn for_tab() -> Store {
    Store(window().and_then(|window| window.session_storage().ok().flatten()))
}

/// What outlives the tab.
#[must_use]
pub fn lasting() -> Store {
    Store(window().and_then(|window| window.local_storage().ok().flatten()))
}

/// A storage that may not be there.
pub struct Store(Option<Storage>);

impl Store {
    /// The text kept under `key`.
    #[must_use]
    pub fn read(&self, key: &str) -> Option<String> {
        self.0.as_ref()?.get_item(key).ok().flatten()
    }

    /// Keeps `text`; `false` when the browser refused.
    pub fn write(&self, key: &str, text: &str) -> bool {
        self.0
            .as_ref()
            .is_some_and(|storage| storage.set_item(key, text).is_ok())
    }

    /// Forgets `key`.
    pub fn remove(&self, key: &str) {
        if let Some(storage) = &self.0 {
            let _ = storage.remove_item(key);
        }
    }
}
