//! Mode `users`: accounts, who is logged in, and the one way to become that.

use std::{
    net::IpAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

use super::{
    NoRandomBytes, Password,
    accounts::{AccountsError, AccountsFile, LONGEST_PASSWORD_BYTES, LiveAccounts, Refreshed},
    hash_password,
    sessions::{EndedBy, Sessions, Token},
    tries::{Tries, Try, verified},
};
use crate::config::{AuthConfig, Secret};

/// How often the file of accounts is looked at, and sessions are that may be over.
const LOOK: Duration = Duration::from_secs(1);

/// Logins that wait for a check of their password; beyond, people are asked to come again.
const WAITING: usize = 32;

/// An account that nobody has: checking a password against it costs what a real check costs.
static NOBODY: LazyLock<Password> =
    LazyLock::new(|| Password::Hash(hash_password("nobody", [0; 16]).unwrap_or_default()));

/// The users of the bridge.
pub(crate) struct Users {
    accounts: LiveAccounts,
    pub(crate) sessions: Sessions,
    tries: Tries,
    checks: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    pub(crate) counted: LoginCounters,
}

/// How logins went.
#[derive(Default)]
pub(crate) struct LoginCounters {
    pub(crate) succeeded: AtomicU64,
    pub(crate) wrong: AtomicU64,
    pub(crate) too_many: AtomicU64,
    pub(crate) busy: AtomicU64,
    pub(crate) checks: AtomicU64,
    pub(crate) reload_failures: AtomicU64,
}

/// What somebody typed into the login page.
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: Secret,
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LoginRefused {
    /// Which of the two is wrong is not said.
    #[error("User name or password is wrong.")]
    Wrong,
    #[error("Too many wrong passwords. Try again in {}.", seconds(*.wait))]
    TooMany { wait: Duration },
    #[error("Many people are logging in right now. Try again in a moment.")]
    Busy,
    #[error("The bridge has no random numbers, and cannot let anybody in.")]
    NoRandomBytes(#[from] NoRandomBytes),
}

/// Rounded up, so that who waits as long is let in.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn seconds(wait: Duration) -> String {
    match whole_seconds(wait) {
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

impl Users {
    /// Reads the accounts, and looks after them until the last owner lets go.
    pub(crate) fn start(config: &AuthConfig) -> Result<Arc<Self>, AccountsError> {
        let users = Arc::new(Self {
            accounts: LiveAccounts::open(AccountsFile::new(&config.accounts_file))?,
            sessions: Sessions::new(
                config.session_idle,
                config.session_lifetime,
                config.max_sessions_per_user,
            ),
            tries: Tries::new(config.tries),
            checks: Arc::new(Semaphore::new(config.tries.checks_at_a_time)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            counted: LoginCounters::default(),
        });
        if users.accounts.all().is_empty() {
            let file = config.accounts_file.display();
            tracing::warn!(%file, "there are no accounts, so nobody can log in; make one with `hearth user add NAME --role admin`");
        }
        // The first login of a stranger must not take longer than others.
        tokio::task::spawn_blocking(|| LazyLock::force(&NOBODY));
        let watched = Arc::downgrade(&users);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(users) = watched.upgrade() else { return };
                users.look_after().await;
            }
        });
        Ok(users)
    }

    /// Checks a password; the answer is the same, and takes as long, whether the account does not exist or the password is wrong. A
    /// try that has begun is made to the end, counted and logged, also when nobody waits for its answer any longer.
    pub(crate) async fn log_in(
        self: &Arc<Self>,
        credentials: Credentials,
        address: IpAddr,
    ) -> Result<Token, LoginRefused> {
        let Ok(place) = Arc::clone(&self.waiting).try_acquire_owned() else {
            return self.count(Err(LoginRefused::Busy));
        };
        let users = Arc::clone(self);
        let trying = tokio::spawn(async move {
            let result = users.count(users.try_login(credentials, address).await);
            drop(place);
            result
        });
        // It fails only when the bridge ends.
        trying.await.unwrap_or(Err(LoginRefused::Busy))
    }

    fn count(&self, result: Result<Token, LoginRefused>) -> Result<Token, LoginRefused> {
        let counted = &self.counted;
        let counter = match &result {
            Ok(_) => &counted.succeeded,
            Err(LoginRefused::Wrong) => &counted.wrong,
            Err(LoginRefused::TooMany { .. }) => &counted.too_many,
            Err(LoginRefused::Busy | LoginRefused::NoRandomBytes(_)) => &counted.busy,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        result
    }

    async fn try_login(
        self: &Arc<Self>,
        credentials: Credentials,
        address: IpAddr,
    ) -> Result<Token, LoginRefused> {
        // An account that was made a moment ago is known.
        self.look_after().await;
        let Credentials { user, password } = credentials;
        let account = self.accounts.find(&user);
        // Names of no account may be passwords in the wrong field: they are not logged.
        let known = account.as_ref().map(|_| user.as_str());
        let attempt = Try {
            name: &user,
            exists: account.is_some(),
            address,
        };
        if let Err(wait) = self.tries.begin(Instant::now(), attempt) {
            tracing::warn!(user = known, %address, wait_s = wait.as_secs(), "a login was refused: too many wrong passwords");
            return Err(LoginRefused::TooMany { wait });
        }
        let hash = account
            .as_ref()
            .map_or_else(|| NOBODY.clone(), |account| account.password.clone());
        let matches = self.check(hash, password).await;
        let Some(account) = account.filter(|_| matches) else {
            tracing::warn!(user = known, %address, "a login failed");
            return Err(LoginRefused::Wrong);
        };
        let token = self.sessions.begin(Instant::now(), &user, account.clone())?;
        // The account may have changed while its password was checked. Asked when the session is there: changes from now on end it.
        if self.accounts.find(&user).as_ref() != Some(&account) {
            self.sessions.end(&token, EndedBy::Account);
            tracing::warn!(user, %address, "a login failed: the account has changed meanwhile");
            return Err(LoginRefused::Wrong);
        }
        self.tries.succeeded(Instant::now(), attempt);
        tracing::info!(user, %address, "logged in");
        Ok(token)
    }

    async fn check(&self, hash: Password, offered: Secret) -> bool {
        if offered.expose().len() > LONGEST_PASSWORD_BYTES {
            return false;
        }
        self.counted.checks.fetch_add(1, Ordering::Relaxed);
        // Acquiring fails only when the semaphore was closed, which nobody does.
        let Ok(turn) = Arc::clone(&self.checks).acquire_owned().await else {
            return false;
        };
        verified(turn, move || hash.verify(offered.expose().as_bytes())).await
    }

    /// Takes over what changed in the file, and ends the sessions that are over.
    async fn look_after(self: &Arc<Self>) {
        let users = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || users.accounts.refresh()).await;
        match looked {
            Ok(Ok(Refreshed::Changed)) => {
                let accounts = self.accounts.all();
                tracing::info!(accounts = accounts.len(), "the accounts changed");
                self.sessions.keep_only(&accounts);
            }
            Ok(Ok(Refreshed::Gone)) => {
                self.counted.reload_failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!("the file of accounts is gone; the accounts that it held stay");
            }
            Ok(Err(error)) => {
                self.counted.reload_failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!("the accounts stay as they were: {error}");
            }
            Ok(Ok(Refreshed::Same)) | Err(_) => {}
        }
        self.sessions.end_what_is_over(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_nobody_has_costs_what_a_real_one_costs() {
        let parameters = |password: &Password| match password {
            Password::Hash(hash) => hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>(),
            Password::Plain(_) => Vec::new(),
        };
        let real = crate::auth::accounts::new_password("correct horse").unwrap();
        assert_eq!(parameters(&NOBODY), parameters(&real));
        assert_eq!(parameters(&real).get(1).map(String::as_str), Some("argon2id"));
    }
}
