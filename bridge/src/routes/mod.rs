//! One file per family of addresses. What may not enter: state that outlives a request.

pub(crate) mod api_config;
pub(crate) mod assets;
pub(crate) mod health;
pub(crate) mod login;
pub(crate) mod mqtt;
