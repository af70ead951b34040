//! Who may come in, and what they may do: passwords, topic permissions, roles.
//!
//! What may not enter: HTTP and MQTT packets. The relay asks [`Permissions`] about topics; routes ask who a request comes from.

pub(crate) mod filter;
mod password;
mod permissions;

pub use hearth_model::api::Role;

pub use self::{
    password::{Password, PasswordError, hash_password},
    permissions::{Permissions, Who},
};

/// Somebody whom the bridge knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account's name: `%u` in permissions.
    pub user: String,
    /// What the account is for.
    pub role: Role,
}
