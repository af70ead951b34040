//! The part of the bridge's `config` that the relay names.

#[path = "../../bridge/src/config/secret.rs"]
mod secret;

pub(crate) use self::secret::{Secret, SecretBytes};

/// A broker's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BrokerId(());

impl BrokerId {
    pub(crate) fn embedded() -> Self {
        Self(())
    }
}
