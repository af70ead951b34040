//! What a running bridge knows of the accounts: read again when the file changes.

use std::{
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use super::{Account, Accounts, AccountsError, AccountsFile};

/// The accounts as they are now.
pub(crate) struct LiveAccounts {
    file: AccountsFile,
    state: Mutex<State>,
}

struct State {
    accounts: Arc<Accounts>,
    stamp: Option<Stamp>,
    /// The system could not read the file as it is now, which may have been for want of a file descriptor: somebody who was removed
    /// must not stay for that.
    unread: bool,
}

/// What tells one state of a file from another: a file that was replaced is another file.
#[derive(PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    inode: u64,
}

impl LiveAccounts {
    /// Reads the file; what is wrong with it is said at start.
    pub(crate) fn open(file: AccountsFile) -> Result<Self, AccountsError> {
        let stamp = stamp(&file);
        let accounts = Arc::new(file.read()?);
        Ok(Self {
            file,
            state: Mutex::new(State {
                accounts,
                stamp,
                unread: false,
            }),
        })
    }

    /// The accounts that were read last.
    pub(crate) fn all(&self) -> Arc<Accounts> {
        Arc::clone(&self.lock().accounts)
    }

    /// The account of this name.
    pub(crate) fn find(&self, name: &str) -> Option<Account> {
        self.all().get(name).cloned()
    }

    /// Reads the file again if it changed. A file that is broken or gone changes nothing: who was known stays known until it is
    /// right again. Waits for the disk.
    pub(crate) fn refresh(&self) -> Result<Refreshed, AccountsError> {
        let stamp = stamp(&self.file);
        let mut state = self.lock();
        let is_known = state.stamp == stamp;
        if is_known && !state.unread {
            return Ok(Refreshed::Same);
        }
        state.stamp = stamp;
        let was_unread = std::mem::take(&mut state.unread);
        if state.stamp.is_none() {
            return Ok(Refreshed::Gone);
        }
        match self.file.read() {
            Ok(accounts) => {
                state.accounts = Arc::new(accounts);
                Ok(Refreshed::Changed)
            }
            Err(error) => {
                state.unread = matches!(error, AccountsError::File { .. });
                match is_known && was_unread {
                    // Said already.
                    true => Ok(Refreshed::Same),
                    false => Err(error),
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a look at the file brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    Same,
    Changed,
    /// There is no file any more.
    Gone,
}

fn stamp(file: &AccountsFile) -> Option<Stamp> {
    let metadata = fs::metadata(file.path()).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Some(Stamp {
        modified: metadata.modified().ok(),
        len: metadata.len(),
        inode,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Password, Role};

    #[test]
    fn changes_are_seen_and_a_broken_or_missing_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = AccountsFile::new(folder.path().join("accounts.toml"));
        let live = LiveAccounts::open(file.clone()).unwrap();
        assert_eq!(live.refresh().unwrap(), Refreshed::Same);
        let account = Account {
            role: Role::Viewer,
            password: Password::Hash(
                "$argon2id$v=19$m=8,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$3sJb0hnpj4S6Gp8vqmnbSw".into(),
            ),
        };
        file.edit(|accounts| {
            accounts.insert("ada".to_owned(), account.clone());
            Ok(())
        })
        .unwrap();
        assert_eq!(live.refresh().unwrap(), Refreshed::Changed);
        assert_eq!(live.find("ada"), Some(account.clone()));
        fs::write(file.path(), "[[account]]\nname = 3\n").unwrap();
        assert!(live.refresh().is_err());
        assert_eq!(live.refresh().unwrap(), Refreshed::Same, "said once");
        fs::remove_file(file.path()).unwrap();
        assert_eq!(live.refresh().unwrap(), Refreshed::Gone);
        assert_eq!(live.find("ada"), Some(account.clone()));
        // What cannot be read is tried again until it can, and said once.
        fs::create_dir(file.path()).unwrap();
        assert!(live.refresh().is_err());
        assert!(live.lock().unread);
        assert_eq!(live.refresh().unwrap(), Refreshed::Same, "said once");
        assert!(live.lock().unread);
        fs::remove_dir(file.path()).unwrap();
        file.edit(|accounts| {
            accounts.insert("bob".to_owned(), account);
            Ok(())
        })
        .unwrap();
        assert_eq!(live.refresh().unwrap(), Refreshed::Changed);
        assert!(live.find("ada").is_none() && live.find("bob").is_some());
        assert_eq!(live.refresh().unwrap(), Refreshed::Same);
    }
}
