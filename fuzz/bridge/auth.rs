//! The part of the bridge's `auth` that the relay asks.

#[path = "../../bridge/src/auth/filter.rs"]
mod filter;
#[path = "../../bridge/src/auth/permissions.rs"]
mod permissions;

pub(crate) use self::permissions::{Permissions, Who};
