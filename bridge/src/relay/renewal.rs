//! Tells a live connection when the bridge's credentials have changed.

use std::{future::pending, pin::Pin, time::Duration};

use tokio::{sync::watch, time::sleep};

use crate::credentials::{CredentialSource, Credentials};

/// How long to wait with the next try when changed credentials cannot be read: too many files may be open at that moment.
const AGAIN: Duration = Duration::from_secs(2);

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
            if self.changes.changed().await.is_err() {
                return pending().await;
            }
            let mut was_told = false;
            loop {
                match self.source.current().await {
                    Ok(credentials) => return (self, credentials),
                    Err(error) if !was_told => {
                        tracing::warn!(%error, "changed credentials cannot be read");
                        was_told = true;
                    }
                    Err(_) => {}
                }
                sleep(AGAIN).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::time::timeout;

    use super::*;
    use crate::config::CredentialsConfig;

    #[tokio::test]
    async fn a_change_that_cannot_be_read_at_first_is_not_forgotten() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "first").unwrap();
        let source = CredentialSource::watched(CredentialsConfig::ServiceAccountToken {
            file: file.clone(),
            as_password: false,
        });
        let (renewal, mut changes) = (Renewal::new(&source), source.changes());
        fs::write(&file, "second").unwrap();
        changes.changed().await.unwrap();
        // The same content comes back: for who watches that is no further change.
        fs::remove_file(&file).unwrap();
        let mut next = renewal.next();
        assert!(timeout(Duration::from_millis(100), &mut next).await.is_err());
        fs::write(&file, "second").unwrap();
        let (_, found) = timeout(Duration::from_secs(20), next).await.expect("another try");
        assert_eq!(found, source.current().await.unwrap());
    }
}
