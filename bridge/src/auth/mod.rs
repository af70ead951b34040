//! Who may come in, and what they may do: passwords, accounts, sessions, roles, topic permissions.
//!
//! What may not enter: HTTP and MQTT packets. The relay asks [`Permissions`] about topics; `visitor.rs` asks who a request comes from.

pub mod accounts;
pub(crate) mod filter;
mod password;
mod permissions;
mod random;
pub(crate) mod sessions;
pub(crate) mod tries;
pub(crate) mod users;

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
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

/// Requests that name a user, or should, and are not believed: see [`Unbelieved`].
#[derive(Default)]
pub(crate) struct ProxyCounters {
    pub(crate) untrusted: AtomicU64,
    pub(crate) missing: AtomicU64,
    pub(crate) unclear: AtomicU64,
}

/// Why nobody is believed to be who a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unbelieved {
    /// Somebody who is no trusted proxy sent the header.
    #[error("a header that names the user came from an address that is not in access.trusted_proxies")]
    Untrusted,
    /// The proxy named nobody.
    #[error("the reverse proxy in front of this bridge names no user")]
    Missing,
    /// The proxy named somebody who can be no user, more than one, or a role that there is not.
    #[error(
        "the reverse proxy in front of this bridge names a user or a role that cannot be one: a user has 1 to 64 letters, digits, or . _ - @, and a role is viewer, operator or admin; each once"
    )]
    Unclear,
}

impl ProxyCounters {
    /// Counts, and says in the log what an operator may have to mend, the first time.
    pub(crate) fn count(&self, unbelieved: Unbelieved, address: IpAddr) {
        let counter = match unbelieved {
            Unbelieved::Untrusted => &self.untrusted,
            Unbelieved::Missing => &self.missing,
            Unbelieved::Unclear => &self.unclear,
        };
        if counter.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(%address, reason = %unbelieved, "a request was refused (said once for each reason)");
        }
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
