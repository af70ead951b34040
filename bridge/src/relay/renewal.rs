//! Tells a live connection when the bridge's credentials have changed.

use std::{future::pending, pin::Pin};

use tokio::sync::watch;

use crate::credentials::{CredentialSource, Credentials};

/// The next change, and what waits for the one after it.
pub(crate) type Next = Pin<Box<dyn Future<Output = (Renewal, Credentials)> + Send>>;

/// Waits for changes of one source.
pub(crate) struct Renewal {
    source: CredentialSource,
    changes: watch::Receiver<u64>,
}

impl Renewal {
    /// Only changes from now on count.
    pub(crate) fn new(source: &CredentialSource) -> Self {
        Self {
            source: source.clone(),
            changes: source.changes(),
        }
    }

    /// Never for a connection that shows nothing of the bridge's own.
    pub(crate) fn never() -> Next {
        Box::pin(pending())
    }

    pub(crate) fn next(mut self) -> Next {
        Box::pin(async move {
            loop {
                if self.changes.changed().await.is_err() {
                    return pending().await;
                }
                match self.source.current().await {
                    Ok(credentials) => return (self, credentials),
                    // The source is watched: when the file is mended, the next change comes.
                    Err(error) => tracing::warn!(%error, "changed credentials cannot be read"),
                }
            }
        })
    }
}
