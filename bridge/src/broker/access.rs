//! Who may come in, and who may publish and subscribe to what.

use super::{BrokerError, EmbeddedOptions, UserOptions};
use crate::auth::{Password, Permissions, Who};
use async_trait::async_trait;
use std::{collections::BTreeMap, fmt};
use tokio::sync::Semaphore;

/// What a client offers in its CONNECT.
pub struct Login<'a> {
    /// The client identifier.
    pub client_id: &'a str,
    /// The user name, if any.
    pub user_name: Option<&'a str>,
    /// The password, if any.
    pub password: Option<&'a [u8]>,
    /// The topic of its will: permission to publish there is asked for at once, for nobody can be asked later.
    pub will_topic: Option<&'a str>,
}

impl fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("client_id", &self.client_id)
            .field("user_name", &self.user_name)
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
    /// Known, but not allowed: an anonymous client, or a will on a topic that is not the user's.
    NotAuthorized,
}

/// Decides who may come in and who may do what.
#[async_trait]
pub trait AccessControl: Send + Sync {
    /// Asked once per CONNECT.
    async fn authenticate(&self, login: &Login<'_>) -> Result<(), Denied>;
    /// Asked for every PUBLISH and every filter of a SUBSCRIBE.
    fn authorize(&self, client: Client<'_>, action: Action<'_>) -> bool;
}

/// The users of the configuration.
pub struct Users {
    users: BTreeMap<String, UserOptions>,
    anonymous: Option<Permissions>,
    /// A user with a hashed password, if there is one: an unknown name is checked against it, and costs the same time, so that the
    /// time does not tell which names exist.
    slowest: Option<UserOptions>,
    /// A password hash costs 19 MiB and a core while it is checked.
    checks_at_a_time: Semaphore,
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
            checks_at_a_time: Semaphore::new(2),
        })
    }

    async fn password_matches(&self, password: &Password, offered: &[u8]) -> bool {
        // Acquiring fails only when the semaphore was closed, which nobody does.
        let _permit = self.checks_at_a_time.acquire().await;
        let (password, offered) = (password.clone(), offered.to_vec());
        tokio::task::spawn_blocking(move || password.verify(&offered))
            .await
            .unwrap_or(false)
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
            Some(name) => {
                let user = self.users.get(name);
                let password = user.or(self.slowest.as_ref()).map(|user| &user.password);
                let matches = match password {
                    Some(password) => {
                        self.password_matches(password, login.password.unwrap_or_default())
                            .await
                    }
                    None => false,
                };
                if user.is_none() || !matches {
                    return Err(Denied::BadUserNameOrPassword);
                }
            }
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
