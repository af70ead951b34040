//! Bytes that nobody can guess.

use rustls::crypto::ring;

/// The system gave none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct NoRandomBytes;

/// Random bytes for salts, passwords and tokens.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomBytes> {
    let mut bytes = [0; N];
    ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| NoRandomBytes)?;
    Ok(bytes)
}
