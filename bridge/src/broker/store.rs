//! Where the broker keeps sessions and retained messages between two runs: one file, written whole.
//!
//! A snapshot is written to a second file, flushed to the disk and renamed over the first, so that a power cut leaves
//! either the old or the new one. Its size is that of the home's state, not of its traffic.

use super::BrokerError;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File, TryLockError},
    hash::{DefaultHasher, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// First bytes of the file. The number changes when the layout does.
const MAGIC: &[u8] = b"hearth-broker-snapshot-1\n";

/// What the broker counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Logins that were refused.
    pub logins_denied: u64,
    /// Messages that were not accepted for lack of permission.
    pub publishes_denied: u64,
    /// Filters that were not granted for lack of permission.
    pub subscriptions_denied: u64,
    /// Messages that were dropped: a queue was full, a client gone, a message expired.
    pub messages_dropped: u64,
    /// Retained messages that were delivered, but not kept, because a cap was reached.
    pub retained_not_kept: u64,
    /// Snapshots that could not be written.
    pub snapshots_failed: u64,
    /// What was refused because a cap was reached.
    pub refused: Refused,
}

/// What the broker refused because a cap was reached, by the cap of [`Limits`](super::Limits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// Clients, because so many were connected.
    pub connections: u64,
    /// Clients without a session, because there were so many sessions.
    pub sessions: u64,
    /// Packets that were too large; each ended its connection. A CONNECT that is too large is not among them.
    pub packets: u64,
    /// Topic filters of clients that had so many subscriptions.
    pub subscriptions: u64,
    /// Topic filters with too many levels.
    pub topic_levels: u64,
}

/// What is worth saying of an attempt to write a snapshot. A full disk fails every one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// From now on nothing is kept.
    Fails,
    /// Everything is kept again.
    Works,
}

/// The folder, locked for as long as this lives.
#[derive(Debug)]
pub(super) struct Store {
    file: PathBuf,
    /// Of the last snapshot written: an unchanged one is not written again.
    written: Mutex<Option<u64>>,
    /// Whether the last one could not be written.
    failing: AtomicBool,
    // Held for the lock only.
    _lock: File,
}

impl Store {
    /// Makes the folder if needed and locks it against a second broker.
    pub(super) fn open(data_dir: &Path) -> Result<Self, BrokerError> {
        let failed = |source| BrokerError::DataDir {
            path: data_dir.to_owned(),
            source,
        };
        create_private_dir(data_dir).map_err(failed)?;
        let lock = File::create(data_dir.join("broker.lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                file: data_dir.join("broker.snapshot"),
                written: Mutex::default(),
                failing: AtomicBool::new(false),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(BrokerError::DataDirInUse {
                path: data_dir.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// The last snapshot. A file that cannot be read is put aside, not overwritten: the home must start without it.
    pub(super) fn load<T: DeserializeOwned>(&self) -> Option<T> {
        let bytes = match fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::error!(file = %self.file.display(), %error, "cannot read the broker's snapshot");
                Vec::new()
            }
        };
        let decoded = bytes.strip_prefix(MAGIC).map(postcard::from_bytes);
        if let Some(Ok(snapshot)) = decoded {
            return Some(snapshot);
        }
        let aside = self.file.with_extension("damaged");
        let moved = fs::rename(&self.file, &aside).is_ok();
        tracing::error!(
            file = %self.file.display(),
            aside = moved.then(|| aside.display().to_string()),
            "the broker's snapshot is damaged or of another version: starting without sessions and retained messages"
        );
        None
    }

    /// Where the snapshot is.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Whether an attempt went otherwise than the one before it.
    pub(super) fn news(&self, is_saved: bool) -> Option<News> {
        let was_failing = self.failing.swap(!is_saved, Ordering::Relaxed);
        match (was_failing, is_saved) {
            (false, false) => Some(News::Fails),
            (true, true) => Some(News::Works),
            (false, true) | (true, false) => None,
        }
    }

    /// Writes the snapshot if it differs from the last one.
    pub(super) fn save<T: Serialize>(&self, snapshot: &T) -> io::Result<()> {
        let bytes = postcard::to_extend(snapshot, MAGIC.to_vec()).map_err(io::Error::other)?;
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        let hash = Some(hasher.finish());
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if *written == hash {
            return Ok(());
        }
        let unfinished = self.file.with_extension("unfinished");
        if let Err(error) = write_over(&self.file, &unfinished, &bytes) {
            // Half of it is of no use, and the disk may be full.
            let _kept = fs::remove_file(&unfinished);
            return Err(error);
        }
        *written = hash;
        Ok(())
    }
}

/// Writes a second file, and puts it in the place of the first one when it is whole.
fn write_over(file: &Path, unfinished: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut writing = create_private_file(unfinished)?;
    writing.write_all(bytes)?;
    writing.sync_all()?;
    fs::rename(unfinished, file)
}

/// Messages of a home are nobody else's business.
#[cfg(unix)]
fn create_private_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_private_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(unix)]
fn create_private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

#[cfg(not(unix))]
fn create_private_file(path: &Path) -> io::Result<File> {
    File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("new/folder")).unwrap();
        assert_eq!(store.load::<Vec<String>>(), None);
        store.save(&vec!["거실"]).unwrap();
        assert_eq!(store.load::<Vec<String>>(), Some(vec!["거실".to_owned()]));
    }

    #[test]
    fn a_snapshot_that_cannot_be_read_is_put_aside_and_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        fs::create_dir(&store.file).unwrap();
        assert_eq!(store.load::<Vec<String>>(), None);
        assert!(dir.path().join("broker.damaged").is_dir());
        store.save(&vec!["one"]).unwrap();
        assert_eq!(store.load::<Vec<String>>(), Some(vec!["one".to_owned()]));
    }

    #[test]
    fn a_snapshot_that_cannot_be_written_is_told_once_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let unfinished = dir.path().join("broker.unfinished");
        // A folder in its place: the file beside it is written, and cannot be renamed.
        fs::create_dir(store.file()).unwrap();
        let attempt = |value: &str| {
            let saved = store.save(&vec![value]);
            assert!(!unfinished.exists(), "{value}");
            store.news(saved.is_ok())
        };
        assert_eq!(attempt("one"), Some(News::Fails));
        assert_eq!(attempt("two"), None, "said already");
        fs::remove_dir(store.file()).unwrap();
        assert_eq!(attempt("two"), Some(News::Works));
        assert_eq!(attempt("three"), None);
        assert_eq!(store.load::<Vec<String>>(), Some(vec!["three".to_owned()]));
    }

    #[test]
    fn a_second_broker_cannot_use_the_same_folder() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert!(matches!(
            Store::open(dir.path()),
            Err(BrokerError::DataDirInUse { .. })
        ));
        drop(store);
        assert!(Store::open(dir.path()).is_ok());
    }

    #[test]
    fn a_snapshot_cut_at_any_length_is_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        store.save(&vec!["one", "two"]).unwrap();
        let whole = fs::read(&store.file).unwrap();
        for length in 0..whole.len() {
            fs::write(&store.file, &whole[..length]).unwrap();
            assert_eq!(store.load::<Vec<String>>(), None, "{length}");
            assert!(!store.file.exists());
            assert_eq!(
                fs::read(dir.path().join("broker.damaged")).unwrap(),
                &whole[..length]
            );
        }
    }
}
