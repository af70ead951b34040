//! What a WebSocket may do, and what the bridge adds to it.

use std::sync::Arc;

use crate::{
    auth::{Identity, Permissions},
    credentials::CredentialSource,
};

/// Decided at the handshake, and fixed while the WebSocket lives. With nothing in it bytes pass through as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    /// Who is at the browser, when the bridge has users. Counts towards the limit per user, and client ids belong to it.
    pub(crate) identity: Option<Identity>,
    /// What may be published, subscribed to and received; `None` leaves that to the broker.
    pub(crate) permissions: Option<Arc<Permissions>>,
    /// What the broker is shown in place of the browser's own words.
    pub(crate) credentials: Option<CredentialSource>,
}

impl Policy {
    /// The user's name.
    pub(crate) fn user(&self) -> Option<&str> {
        self.identity.as_ref().map(|identity| identity.user.as_str())
    }

    /// Is there nothing to look after?
    pub(crate) fn is_empty(&self) -> bool {
        let Self {
            identity,
            permissions,
            credentials,
        } = self;
        identity.is_none() && permissions.is_none() && credentials.is_none()
    }
}
