//! A file with a secret in it: read whole, and watched.

use std::{
    fmt::Display,
    io::Read,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use sha2::{Digest, Sha256};
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};

use super::{CredentialError, jwt::Lifetime};
use crate::config::open_regular;

/// What a Password or Authentication Data can hold.
const LONGEST_BYTES: usize = u16::MAX as usize;

/// How often the file is looked at in any case: some mounts report no changes.
const POLL: Duration = Duration::from_secs(2);

/// The content without the blanks at its end, which no token has.
pub(super) async fn read_token(file: &Path) -> Result<Vec<u8>, CredentialError> {
    let mut token = read(file).await?;
    token.truncate(token.trim_ascii_end().len());
    if token.is_empty() {
        return Err(CredentialError::Empty {
            file: file.to_owned(),
        });
    }
    Ok(token)
}

/// The content without the line breaks at its end: a blank there may belong to a password.
pub(super) async fn read(file: &Path) -> Result<Vec<u8>, CredentialError> {
    let owned = file.to_owned();
    let reading = tokio::task::spawn_blocking(move || read_now(&owned)).await;
    reading.unwrap_or_else(|error| Err(unreadable(file, &error)))
}

fn read_now(file: &Path) -> Result<Vec<u8>, CredentialError> {
    // Room for a line break and one byte more than fits.
    let longest = LONGEST_BYTES as u64 + 3;
    let mut content = Vec::new();
    open_regular(file)
        .and_then(|opened| opened.take(longest).read_to_end(&mut content))
        .map_err(|error| unreadable(file, &error))?;
    let last = content.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    content.truncate(last.map_or(0, |at| at + 1));
    match content.len() {
        0 => Err(CredentialError::Empty {
            file: file.to_owned(),
        }),
        len if len > LONGEST_BYTES => Err(CredentialError::TooLong {
            file: file.to_owned(),
            limit: LONGEST_BYTES,
        }),
        _ => Ok(content),
    }
}

fn unreadable(file: &Path, error: &dyn Display) -> CredentialError {
    CredentialError::Unreadable {
        file: file.to_owned(),
        reason: error.to_string(),
    }
}

/// Between two looks, whatever goes on beside the file.
const REST: Duration = Duration::from_millis(100);

/// A file whose changes are counted.
///
/// The folder is watched, not the file: a new version comes by renaming a file or, as in Kubernetes, a symbolic link beside it.
pub(super) struct Watched {
    file: PathBuf,
    /// Of the content; nothing when there was none.
    seen: Option<[u8; 32]>,
    due: Due,
    /// For who asks how long the content is good: seconds since 1970, 0 when it does not say so.
    expires_at: Arc<AtomicU64>,
    touched: Arc<Notify>,
    _watcher: Option<RecommendedWatcher>,
}

impl Watched {
    /// Takes a first look, so that everything after it is a change.
    pub(super) fn new(file: PathBuf, expires_at: Arc<AtomicU64>) -> Self {
        let touched = Arc::new(Notify::new());
        let watcher = watch_folder(&file, Arc::clone(&touched));
        let mut watched = Self {
            file,
            seen: None,
            due: Due::default(),
            expires_at,
            touched,
            _watcher: watcher,
        };
        if let Ok(content) = read_now(&watched.file) {
            watched.is_new(&content);
        }
        watched
    }

    /// Counts `changes` up at each new content; never returns.
    pub(super) async fn run(mut self, changes: watch::Sender<u64>) {
        loop {
            self.due.warn(&self.file);
            let _touched_or_time = timeout(self.due.wait(), self.touched.notified()).await;
            match read(&self.file).await {
                Ok(content) if self.is_new(&content) => {
                    tracing::info!(file = %self.file.display(), "credentials have changed");
                    changes.send_modify(|version| *version += 1);
                }
                Ok(_) => {}
                // It may be in the middle of being replaced; whoever connects now gets the error.
                Err(error) => tracing::debug!(%error, "credentials"),
            }
            sleep(REST).await;
        }
    }

    fn is_new(&mut self, content: &[u8]) -> bool {
        let found = Some(Sha256::digest(content).into());
        let is_new = self.seen != found;
        if is_new {
            self.due = Due::of(content);
            self.expires_at.store(self.due.expires_at, Ordering::Relaxed);
            self.seen = found;
        }
        is_new
    }
}

fn watch_folder(file: &Path, touched: Arc<Notify>) -> Option<RecommendedWatcher> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let tell = move |event| {
        if may_be_a_change(&event) {
            touched.notify_one();
        }
    };
    let watcher = notify::recommended_watcher(tell).and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    watcher
        .map_err(|error| tracing::warn!(folder = %folder.display(), %error, "changes are looked for every {} s, because the system reports none", POLL.as_secs()))
        .ok()
}

/// Who opens a file and reads it changes nothing, and each look of ours does that: it would lead to the next one, for ever.
fn may_be_a_change(event: &notify::Result<Event>) -> bool {
    match event.as_ref().map(|event| event.kind) {
        Ok(EventKind::Access(access)) => access == AccessKind::Close(AccessMode::Write),
        // After an error events may be missing.
        Ok(_) | Err(_) => true,
    }
}

/// When a token should have been replaced. Showing the same one again would win nothing: the broker goes by its end.
#[derive(Debug, Default, Clone, Copy)]
struct Due {
    at: Option<u64>,
    /// 0: it has no end.
    expires_at: u64,
    told: Told,
}

/// What was logged about a token that is not replaced.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Told {
    #[default]
    Nothing,
    Due,
    Over,
}

impl Due {
    fn of(content: &[u8]) -> Self {
        let lifetime = Lifetime::of(content.trim_ascii_end());
        Self {
            at: lifetime.map(|lifetime| lifetime.refresh_at(now_s())),
            expires_at: lifetime.map_or(0, |lifetime| lifetime.exp),
            told: Told::Nothing,
        }
    }

    /// Until the next look.
    fn wait(&self) -> Duration {
        match self.at.map(|at| at.saturating_sub(now_s())) {
            Some(left_s) if left_s > 0 => POLL.min(Duration::from_secs(left_s)),
            Some(_) | None => POLL,
        }
    }

    /// What is to be said now, and was not yet.
    fn news(&mut self, now: u64) -> Option<Told> {
        let told = match self.at {
            Some(_) if now >= self.expires_at => Told::Over,
            Some(at) if now >= at => Told::Due,
            Some(_) | None => Told::Nothing,
        };
        let is_new = told > self.told;
        self.told = told;
        is_new.then_some(told)
    }

    fn warn(&mut self, file: &Path) {
        let now = now_s();
        let left_s = self.expires_at.saturating_sub(now);
        match self.news(now) {
            Some(Told::Due) => {
                tracing::warn!(file = %file.display(), left_s, "the token nears its end, and no new one is there yet");
            }
            Some(Told::Over) => {
                tracing::error!(file = %file.display(), "the token has expired, and no new one is there: the broker will refuse it");
            }
            Some(Told::Nothing) | None => {}
        }
    }
}

fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reading_a_file_is_no_reason_to_read_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "first").unwrap();
        let watched = Watched::new(file.clone(), Arc::default());
        let touched = Arc::clone(&watched.touched);
        for _ in 0..3 {
            assert_eq!(read(&file).await.unwrap(), b"first");
        }
        let told = timeout(Duration::from_millis(300), touched.notified()).await;
        assert!(told.is_err(), "by our own reading");
        std::fs::write(&file, "second").unwrap();
        let told = timeout(Duration::from_secs(20), touched.notified()).await;
        assert!(told.is_ok(), "of the change");
    }

    #[test]
    fn a_token_that_is_not_replaced_is_warned_of_twice() {
        let mut due = Due {
            at: Some(1_800),
            expires_at: 2_000,
            told: Told::Nothing,
        };
        let said: Vec<_> = [1_799, 1_800, 1_999, 2_000, 3_000]
            .map(|now| due.news(now))
            .into();
        assert_eq!(said, [None, Some(Told::Due), None, Some(Told::Over), None]);
    }

    #[test]
    fn what_has_no_end_is_never_due() {
        let mut due = Due::of(b"hunter2");
        assert_eq!(due.news(u64::MAX), None);
    }
}
