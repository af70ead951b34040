//! Who may come in, and who may publish and subscribe to what.

use super::{BrokerError, EmbeddedOptions, UserOptions};
use crate::{
    auth::{
        Password, Permissions, Who,
        tries::{Tries, Try, verified},
    },
    config::TryLimits,
};
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// How often a password may be guessed. The longest wait is shorter than at the login page: devices share accounts, and all that come
/// through the bridge or out of one container network have one address; one with an old password must not keep the others out for long.
const TRIES: TryLimits = TryLimits {
    per_account: 10,
    per_address: 50,
    first_wait: Duration::from_secs(5),
    longest_wait: Duration::from_secs(30),
    checks_at_a_time: 2,
};

/// What a client offers in its CONNECT.
pub struct Login<'a> {
    /// The client identifier.
    pub client_id: &'a str,
    /// The user name, if any.
    pub user_name: Option<&'a str>,
    /// The password, if any.
    pub password: Option<&'a [u8]>,
    /// Where it comes from, if that is known. All of whom it is not known have the tries of one address.
    pub address: Option<IpAddr>,
    /// The topic of its will: permission to publish there is asked for at once, for nobody can be asked later.
    pub will_topic: Option<&'a str>,
}

impl fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("client_id", &self.client_id)
            .field("user_name", &self.user_name)
            .field("address", &self.address)
            .field("will_topic", &self.will_topic)
            .finish_non_exhaustive()
    }
}

/// A client that came in.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// The client identifier.
    pub client_id: &'a str,
    /// The user name; `None` is an anonymous client.
    pub user_name: Option<&'a str>,
}

/// What a client wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Publish to this topic name.
    Publish(&'a str),
    /// Subscribe to this topic filter, without the `$share/…/` of a shared subscription.
    Subscribe(&'a str),
}

/// Why a client may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Unknown user or wrong password; which of them is not said.
    BadUserNameOrPassword,
    /// Known, but not allowed: an anonymous client, or a will on a topic that is not the user's. Also who must wait after too many
    /// wrong passwords, known or not.
    NotAuthorized,
}

/// Decides who may come in and who may do what.
#[async_trait]
pub trait AccessControl: Send + Sync {
    /// Asked once per CONNECT.
    async fn authenticate(&self, login: &Login<'_>) -> Result<(), Denied>;
    /// Asked for every PUBLISH and every filter of a SUBSCRIBE.
    fn authorize(&self, client: Client<'_>, action: Action<'_>) -> bool;
    /// Whether there is such a user. Other names may be passwords in the wrong field, and are not logged.
    fn knows(&self, user_name: &str) -> bool;
}

/// The users of the configuration.
pub struct Users {
    users: BTreeMap<String, UserOptions>,
    anonymous: Option<Permissions>,
    /// A user with a hashed password, if there is one: an unknown name is checked against it, and costs the same time, so that the
    /// time does not tell which names exist.
    slowest: Option<UserOptions>,
    tries: Tries,
    /// A password hash costs 19 MiB and a core while it is checked.
    checks: Arc<Semaphore>,
}

impl Users {
    /// Takes the users from the options, and says what is wrong with them.
    pub fn new(options: &EmbeddedOptions) -> Result<Self, BrokerError> {
        check_permissions("clients without a user name", &options.anonymous_permissions)?;
        for (name, user) in &options.users {
            check_permissions(&format!("user {name:?}"), &user.permissions)?;
            user.password.check().map_err(|source| BrokerError::Password {
                user: name.clone(),
                source,
            })?;
        }
        Ok(Self {
            users: options.users.clone(),
            slowest: options
                .users
                .values()
                .find(|user| matches!(user.password, Password::Hash(_)))
                .cloned(),
            anonymous: options
                .anonymous_allowed()
                .then(|| options.anonymous_permissions.clone()),
            tries: Tries::new(TRIES),
            checks: Arc::new(Semaphore::new(TRIES.checks_at_a_time)),
        })
    }

    /// Does the password belong to the name?
    async fn check(&self, name: &str, login: &Login<'_>) -> Result<(), Denied> {
        let user = self.users.get(name);
        let address = login.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let attempt = Try {
            name,
            exists: user.is_some(),
            address,
        };
        // Acquiring fails only when the semaphore was closed, which nobody does.
        let Ok(turn) = Arc::clone(&self.checks).acquire_owned().await else {
            return Err(Denied::NotAuthorized);
        };
        // Asked when it has its turn: a try counts as failed until it was right, so that devices of one account that all come back at
        // once would use up its tries; and of many wrong ones that came at once only the first few cost a check.
        if let Err(wait) = self.tries.begin(Instant::now(), attempt) {
            // Names of no user may be passwords in the wrong field: they are not logged.
            let known = user.map(|_| name);
            tracing::warn!(user = known, %address, wait_s = wait.as_secs(), "a login was refused: too many wrong passwords");
            return Err(Denied::NotAuthorized);
        }
        let password = user.or(self.slowest.as_ref()).map(|user| user.password.clone());
        let offered = login.password.unwrap_or_default().to_vec();
        let matches = verified(turn, move || {
            password.is_some_and(|password| password.verify(&offered))
        })
        .await;
        if user.is_none() || !matches {
            return Err(Denied::BadUserNameOrPassword);
        }
        self.tries.succeeded(Instant::now(), attempt);
        Ok(())
    }

    fn permissions(&self, user_name: Option<&str>) -> Option<&Permissions> {
        match user_name {
            Some(name) => self.users.get(name).map(|user| &user.permissions),
            None => self.anonymous.as_ref(),
        }
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users")
            .field("names", &self.users.keys())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl AccessControl for Users {
    async fn authenticate(&self, login: &Login<'_>) -> Result<(), Denied> {
        match login.user_name {
            None if self.anonymous.is_none() => return Err(Denied::NotAuthorized),
            None => {}
            Some(name) => self.check(name, login).await?,
        }
        let client = Client {
            client_id: login.client_id,
            user_name: login.user_name,
        };
        match login.will_topic {
            Some(topic) if !self.authorize(client, Action::Publish(topic)) => Err(Denied::NotAuthorized),
            _ => Ok(()),
        }
    }

    fn knows(&self, user_name: &str) -> bool {
        self.users.contains_key(user_name)
    }

    fn authorize(&self, client: Client<'_>, action: Action<'_>) -> bool {
        let Some(permissions) = self.permissions(client.user_name) else {
            return false;
        };
        let who = Who {
            user_name: client.user_name,
            client_id: client.client_id,
        };
        match action {
            Action::Publish(topic) => permissions.may_publish(topic, who),
            Action::Subscribe(filter) => permissions.may_subscribe(filter, who),
        }
    }
}

fn check_permissions(who: &str, permissions: &Permissions) -> Result<(), BrokerError> {
    permissions
        .check()
        .map_err(|(filter, reason)| BrokerError::Permission {
            who: who.to_owned(),
            filter: filter.to_owned(),
            reason,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ada` and `kim`, both with the password `right`.
    fn users() -> Users {
        let user = UserOptions {
            password: Password::Plain("right".to_owned()),
            permissions: Permissions::default(),
        };
        let names = ["ada", "kim"];
        Users::new(&EmbeddedOptions {
            users: names.map(|name| (name.to_owned(), user.clone())).into(),
            ..EmbeddedOptions::default()
        })
        .unwrap()
    }

    /// Somebody at `192.0.2.{address}`.
    async fn log_in(users: &Users, name: &str, password: &str, address: u8) -> Result<(), Denied> {
        let login = Login {
            client_id: "x",
            user_name: Some(name),
            password: Some(password.as_bytes()),
            address: Some(Ipv4Addr::new(192, 0, 2, address).into()),
            will_topic: None,
        };
        users.authenticate(&login).await
    }

    #[tokio::test]
    async fn wrong_passwords_make_an_account_wait_but_not_where_it_was_logged_in() {
        let users = users();
        assert_eq!(log_in(&users, "ada", "right", 1).await, Ok(()));
        for _ in 0..TRIES.per_account {
            let denied = log_in(&users, "ada", "wrong", 2).await;
            assert_eq!(denied, Err(Denied::BadUserNameOrPassword));
        }
        for address in [2, 3] {
            let denied = log_in(&users, "ada", "right", address).await;
            assert_eq!(denied, Err(Denied::NotAuthorized), "{address}");
        }
        assert_eq!(log_in(&users, "ada", "right", 1).await, Ok(()));
        assert_eq!(log_in(&users, "kim", "right", 2).await, Ok(()));
    }

    #[tokio::test]
    async fn one_address_has_so_many_tries_whatever_names_it_uses() {
        let users = users();
        for number in 0..TRIES.per_address {
            let denied = log_in(&users, &format!("user{number}"), "right", 1).await;
            assert_eq!(denied, Err(Denied::BadUserNameOrPassword));
        }
        assert_eq!(
            log_in(&users, "kim", "right", 1).await,
            Err(Denied::NotAuthorized)
        );
        assert_eq!(log_in(&users, "kim", "right", 2).await, Ok(()));
    }

    /// After a cut of the power, for example.
    #[tokio::test]
    async fn devices_of_one_account_that_come_back_at_once_all_come_in() {
        let users = Arc::new(users());
        let logins = (0..50).map(|address| {
            let users = Arc::clone(&users);
            tokio::spawn(async move { log_in(&users, "ada", "right", address).await })
        });
        for login in logins.collect::<Vec<_>>() {
            assert_eq!(login.await.unwrap(), Ok(()));
        }
    }

    #[test]
    fn a_user_with_an_empty_password_keeps_the_broker_from_starting() {
        let user = UserOptions {
            password: Password::Plain(String::new()),
            permissions: Permissions::default(),
        };
        let options = EmbeddedOptions {
            users: BTreeMap::from([("ada".to_owned(), user)]),
            ..EmbeddedOptions::default()
        };
        let said = Users::new(&options).unwrap_err().to_string();
        assert!(said.contains("\"ada\"") && said.contains("is empty"), "{said}");
    }
}
