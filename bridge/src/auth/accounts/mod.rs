//! The accounts of mode `users`: a file that only `hearth user` writes, and what a running bridge knows of it.

mod file;
mod live;

use std::{collections::BTreeMap, io, path::PathBuf};

pub use self::file::AccountsFile;
pub(crate) use self::live::{LiveAccounts, Refreshed};
use super::{NoRandomBytes, Password, PasswordError, Role, hash_password, random_bytes};
use crate::config::ConfigError;

/// Accounts by name.
pub type Accounts = BTreeMap<String, Account>;

/// Shorter passwords are guessed too soon.
const SHORTEST_PASSWORD: usize = 8;
/// Longer ones are no passwords; hashing them would be work for nothing.
pub(crate) const LONGEST_PASSWORD_BYTES: usize = 1_024;
const LONGEST_NAME: usize = 64;

/// Somebody who may log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What the account is for.
    pub role: Role,
    /// Always a hash.
    pub password: Password,
}

impl Account {
    /// An account with a new password.
    pub fn new(role: Role, password: &str) -> Result<Self, AccountsError> {
        Ok(Self {
            role,
            password: new_password(password)?,
        })
    }
}

/// Hashes a password that somebody chose.
pub fn new_password(password: &str) -> Result<Password, AccountsError> {
    if password.chars().count() < SHORTEST_PASSWORD || password.len() > LONGEST_PASSWORD_BYTES {
        return Err(AccountsError::PasswordLength);
    }
    let hash = hash_password(password, random_bytes()?)?;
    Ok(Password::Hash(hash))
}

/// A name goes into topics, logs and headers: letters and digits of any script, and a few marks.
pub fn check_name(name: &str) -> Result<(), AccountsError> {
    let fits = (1..=LONGEST_NAME).contains(&name.chars().count())
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'));
    fits.then_some(()).ok_or(AccountsError::Name)
}

/// Why accounts cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// The file cannot be read or written.
    #[error("the accounts in {path} cannot be {done} (`accounts_file` under [auth]): {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// "read" or "written".
        done: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file is larger than accounts can be.
    #[error("{path} is larger than 4 MiB: this is no file of accounts (`accounts_file` under [auth])")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file does not hold accounts.
    #[error("{0}")]
    Content(ConfigError),
    /// There is one of this name already.
    #[error("there is a user {0:?} already; use set-password or set-role to change it")]
    Taken(String),
    /// There is none of this name.
    #[error("there is no user {0:?}; `hearth user list` shows who there is")]
    Unknown(String),
    /// This cannot be a name.
    #[error("a user's name has 1 to 64 letters, digits, or . _ - @")]
    Name,
    /// This cannot be a password.
    #[error("a password has at least 8 characters and at most 1,024 bytes")]
    PasswordLength,
    /// The password cannot be hashed.
    #[error(transparent)]
    Hash(#[from] PasswordError),
    /// There is no salt.
    #[error(transparent)]
    Salt(#[from] NoRandomBytes),
}
