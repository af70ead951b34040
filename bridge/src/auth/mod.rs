//! Who may come in, and what they may do: passwords, accounts, sessions, roles, topic permissions.
//!
//! What may not enter: HTTP and MQTT packets. The relay asks [`Permissions`] about topics; `visitor.rs` asks who a request comes from.

pub mod accounts;
pub(crate) mod filter;
mod password;
mod permissions;
mod random;
pub(crate) mod sessions;
mod tries;
pub(crate) mod users;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub use hearth_model::api::Role;

pub(crate) use self::permissions::FOR_ADMINS;
pub(crate) use self::random::random_bytes;
use self::{accounts::AccountsError, users::Users};
pub use self::{
    password::{Password, PasswordError, hash_password},
    permissions::{Permissions, Who},
    random::NoRandomBytes,
};
use crate::config::{AuthConfig, HeaderName, Network, RolePermissions};
use hearth_model::api::AuthMode;

/// Somebody whom the bridge knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account's name: `%u` in permissions.
    pub user: String,
    /// What the account is for.
    pub role: Role,
}

/// Who decides about access, ready to be asked.
pub(crate) struct Auth {
    pub(crate) mode: Mode,
    pub(crate) roles: RolePermissions,
    /// Who may read metrics without being an admin; where there are no users nobody else may, unless it is empty.
    pub(crate) metrics_from: Vec<Network>,
}

/// Who decides about access.
pub(crate) enum Mode {
    /// The broker.
    PassThrough,
    /// The bridge's accounts.
    Users(Arc<Users>),
    /// A reverse proxy.
    Proxy(ProxyIdentity),
}

/// How a reverse proxy says who asks.
pub(crate) struct ProxyIdentity {
    pub(crate) user_header: HeaderName,
    pub(crate) role_header: Option<HeaderName>,
    pub(crate) default_role: Role,
    pub(crate) counted: ProxyCounters,
}

/// Requests that name a user, or should, and are not believed.
#[derive(Default)]
pub(crate) struct ProxyCounters {
    /// Somebody who is no trusted proxy sent the header.
    pub(crate) untrusted: AtomicU64,
    /// The proxy named nobody.
    pub(crate) missing: AtomicU64,
    /// The proxy named somebody who can be no user, more than one, or a role that there is not.
    pub(crate) unclear: AtomicU64,
}

impl ProxyCounters {
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Auth {
    pub(crate) fn start(config: &AuthConfig) -> Result<Self, AccountsError> {
        let mode = match config.mode {
            AuthMode::Users => Mode::Users(Users::start(config)?),
            AuthMode::Proxy => Mode::Proxy(ProxyIdentity {
                user_header: config.proxy_header.clone(),
                role_header: config.role_header.clone(),
                default_role: config.default_role,
                counted: ProxyCounters::default(),
            }),
            _ => Mode::PassThrough,
        };
        Ok(Self {
            mode,
            roles: config.roles.clone(),
            metrics_from: config.metrics_from.clone(),
        })
    }
}
