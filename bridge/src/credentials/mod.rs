//! What the bridge shows to a broker in place of the page: read anew at each connection, watched for changes.
//!
//! What may not enter: MQTT packets, and anything that decides who may use the credentials.

mod file;
mod jwt;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use self::{file::Watched, jwt::Lifetime};
use crate::config::{CredentialsConfig, PasswordSource, Secret, SecretBytes};

/// The Authentication Method of Kubernetes service account tokens, and the user name where they are sent as password.
const SERVICE_ACCOUNT_TOKEN: &str = "K8S-SAT";

/// What goes into CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// User Name and Password.
    UserNamePassword {
        user_name: String,
        password: Option<Secret>,
    },
    /// Authentication Method and Authentication Data of MQTT 5.
    Enhanced { method: String, data: SecretBytes },
}

impl Credentials {
    /// When the token in them ends, in seconds since 1970; `None` for a password, and for a token that does not say so.
    pub(crate) fn expires_at(&self) -> Option<u64> {
        let token = match self {
            Self::UserNamePassword { password, .. } => password.as_ref()?.expose().as_bytes(),
            Self::Enhanced { data, .. } => data.expose(),
        };
        Some(Lifetime::of(token)?.exp)
    }
}

/// Why there are no credentials; the words hold nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CredentialError {
    #[error("{} cannot be read: {reason}", file.display())]
    Unreadable { file: PathBuf, reason: String },
    #[error("{} is empty", file.display())]
    Empty { file: PathBuf },
    #[error("{} holds more than the {limit} bytes that MQTT can send", file.display())]
    TooLong { file: PathBuf, limit: usize },
    #[error("{} holds bytes that are not UTF-8 text", file.display())]
    NotText { file: PathBuf },
}

/// Where the credentials of one broker come from. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct CredentialSource(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: CredentialsConfig,
    changes: watch::Sender<u64>,
    expires_at: Arc<AtomicU64>,
    _watching: Option<AbortOnDropHandle<()>>,
}

impl CredentialSource {
    /// Reads when asked, and watches nothing.
    pub(crate) fn new(config: CredentialsConfig) -> Self {
        Self(Arc::new(Inner {
            config,
            changes: watch::Sender::new(0),
            expires_at: Arc::default(),
            _watching: None,
        }))
    }

    /// Watches the file, if the credentials are in one, until the last clone is dropped.
    pub(crate) fn watched(config: CredentialsConfig) -> Self {
        let changes = watch::Sender::new(0);
        let expires_at = Arc::default();
        let watching = config.file().map(|file| {
            let watched = Watched::new(file.clone(), Arc::clone(&expires_at));
            tokio::spawn(watched.run(changes.clone()))
        });
        Self(Arc::new(Inner {
            config,
            changes,
            expires_at,
            _watching: watching.map(AbortOnDropHandle::new),
        }))
    }

    /// The credentials as they are now; a file is read anew.
    pub(crate) async fn current(&self) -> Result<Credentials, CredentialError> {
        match &self.0.config {
            CredentialsConfig::UserName { user_name, password } => Ok(Credentials::UserNamePassword {
                user_name: user_name.clone(),
                password: match password {
                    None => None,
                    Some(PasswordSource::Text(secret)) => Some(secret.clone()),
                    Some(PasswordSource::File(file)) => Some(text(file, file::read(file).await?)?),
                },
            }),
            CredentialsConfig::ServiceAccountToken { file, as_password } => {
                let token = file::read_token(file).await?;
                Ok(match as_password {
                    true => Credentials::UserNamePassword {
                        user_name: SERVICE_ACCOUNT_TOKEN.to_owned(),
                        password: Some(text(file, token)?),
                    },
                    false => Credentials::Enhanced {
                        method: SERVICE_ACCOUNT_TOKEN.to_owned(),
                        data: SecretBytes::new(token),
                    },
                })
            }
        }
    }

    /// Ticks when the file's content has changed, so that live connections can authenticate again.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// When the watched token ends, in seconds since 1970; `None` when it does not say so.
    pub(crate) fn expires_at(&self) -> Option<u64> {
        Some(self.0.expires_at.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }
}

fn text(file: &std::path::Path, bytes: Vec<u8>) -> Result<Secret, CredentialError> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Secret::new(text)),
        Err(_) => Err(CredentialError::NotText {
            file: file.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
