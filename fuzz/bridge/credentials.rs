//! What the bridge's `credentials` hands to the relay.

use crate::config::{Secret, SecretBytes};

pub(crate) enum Credentials {
    UserNamePassword {
        user_name: String,
        password: Option<Secret>,
    },
    Enhanced {
        method: String,
        data: SecretBytes,
    },
}
