//! Passwords that cannot be printed, plain or hashed.

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{self, Output, ParamsString, PasswordHash, Salt, SaltString},
};
use std::fmt;

/// A configured password. It has no way to be printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// As the client sends it.
    Plain(String),
    /// An argon2 hash in PHC form, `$argon2id$v=19$…`.
    Hash(String),
}

/// Why a password cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Whoever knows the user name would come in.
    #[error("the password is empty")]
    Empty,
    /// Not a PHC string, or not argon2.
    #[error("the hash is not an argon2 hash in PHC form ($argon2id$v=19$…)")]
    NotArgon2,
    /// Whoever tries to log in would cost the machine that much.
    #[error("checking the hash takes more than 256 MiB or more than 16 passes")]
    TooDear,
    /// The system gave no random bytes for the salt, or argon2 failed.
    #[error("hashing failed")]
    Hashing,
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("Password::Plain(…)"),
            Self::Hash(_) => f.write_str("Password::Hash(…)"),
        }
    }
}

impl Password {
    /// What begins with `$argon2` is a hash, all else is the password itself.
    #[must_use]
    pub fn from_config(text: &str) -> Self {
        if text.starts_with("$argon2") {
            Self::Hash(text.to_owned())
        } else {
            Self::Plain(text.to_owned())
        }
    }

    /// Says at start, not at the first login, that a password is empty or a hash cannot be read.
    pub fn check(&self) -> Result<(), PasswordError> {
        match self {
            Self::Plain(plain) if plain.is_empty() => Err(PasswordError::Empty),
            Self::Plain(_) => Ok(()),
            Self::Hash(hash) => parse(hash).map(|_| ()),
        }
    }

    /// Does `offered` match? An argon2 hash takes tens of milliseconds and 19 MiB: not on an async thread.
    #[must_use]
    pub fn verify(&self, offered: &[u8]) -> bool {
        let matches = match self {
            Self::Plain(plain) => equal_in_constant_time(plain.as_bytes(), offered),
            Self::Hash(hash) => parse(hash).is_ok_and(|hash| is_of(&hash, offered).unwrap_or(false)),
        };
        // Who sends no password offers an empty one. Asked last, so that it takes the same time.
        matches && !offered.is_empty()
    }
}

/// Ours take 19 MiB and 2 passes.
const MOST_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;

fn parse(hash: &str) -> Result<PasswordHash<'_>, PasswordError> {
    let parsed = PasswordHash::new(hash).map_err(|_| PasswordError::NotArgon2)?;
    if !parsed.algorithm.as_str().starts_with("argon2") || parsed.hash.is_none() {
        return Err(PasswordError::NotArgon2);
    }
    let cost = Params::try_from(&parsed).map_err(|_| PasswordError::NotArgon2)?;
    if cost.m_cost() > MOST_KIB || cost.t_cost() > MOST_PASSES {
        return Err(PasswordError::TooDear);
    }
    Ok(parsed)
}

/// glibc gives pieces beyond 32 MiB back to the system when they are freed. Once one below was freed, it keeps others of that size, for
/// each thread anew: some hundred MB after some logins. What is not used of a piece takes no memory.
const GIVEN_BACK_BLOCKS: usize = 33 * 1024;

fn digest(argon2: &Argon2<'_>, password: &[u8], salt: Salt<'_>) -> password_hash::Result<Output> {
    let mut bytes = [0; Salt::MAX_LENGTH];
    let salt = salt.decode_b64(&mut bytes)?;
    let blocks = argon2.params().block_count();
    let mut memory = Vec::with_capacity(blocks.max(GIVEN_BACK_BLOCKS));
    memory.resize(blocks, Block::default());
    let length = argon2.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    Output::init_with(length, |output| {
        Ok(argon2.hash_password_into_with_memory(password, salt, output, &mut memory)?)
    })
}

/// Is it the hash of `offered`? The comparison takes the same time for each.
fn is_of(hash: &PasswordHash<'_>, offered: &[u8]) -> password_hash::Result<bool> {
    let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else {
        return Ok(false);
    };
    let version = hash.version.map(Version::try_from).transpose()?;
    let argon2 = Argon2::new(
        Algorithm::try_from(hash.algorithm)?,
        version.unwrap_or_default(),
        Params::try_from(hash)?,
    );
    Ok(digest(&argon2, offered, salt)? == expected)
}

/// Hashes a password for the configuration, with a salt of 16 random bytes.
pub fn hash_password(password: &str, salt: [u8; 16]) -> Result<String, PasswordError> {
    let salt = SaltString::encode_b64(&salt).map_err(|_| PasswordError::Hashing)?;
    let argon2 = Argon2::default();
    let output = digest(&argon2, password.as_bytes(), salt.as_salt()).map_err(|_| PasswordError::Hashing)?;
    let hash = PasswordHash {
        algorithm: Algorithm::default().ident(),
        version: Some(Version::default().into()),
        params: ParamsString::try_from(argon2.params()).map_err(|_| PasswordError::Hashing)?,
        salt: Some(salt.as_salt()),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

/// The time tells the length at most, not how many leading bytes were right.
fn equal_in_constant_time(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .fold(0, |differs, (a, b)| differs | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_own_password_only() {
        let hash = Password::Hash(hash_password("sesame", [7; 16]).unwrap());
        assert_eq!(hash.check(), Ok(()));
        assert!(hash.verify(b"sesame"));
        assert!(!hash.verify(b"sesam"));
        assert!(!hash.verify(b""));
    }

    #[test]
    fn a_hash_of_another_kind_is_refused_at_start() {
        for hash in [
            "",
            "sesame",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=19456,t=2,p=1",
        ] {
            assert_eq!(
                Password::Hash(hash.to_owned()).check(),
                Err(PasswordError::NotArgon2),
                "{hash}"
            );
        }
    }

    #[test]
    fn a_hash_that_costs_too_much_is_refused_and_not_tried() {
        let hash = hash_password("sesame", [7; 16]).unwrap();
        for dear in ["m=262145,t=2", "m=19456,t=17", "m=4294967295,t=4294967295"] {
            let dear = Password::Hash(hash.replace("m=19456,t=2", dear));
            assert!(dear.check().is_err());
            assert!(!dear.verify(b"sesame"));
        }
        let dearest = Password::Hash(hash.replace("m=19456,t=2", "m=262144,t=16"));
        assert_eq!(dearest.check(), Ok(()));
    }

    #[test]
    fn an_empty_password_is_refused_and_matches_nothing() {
        assert_eq!(Password::from_config("").check(), Err(PasswordError::Empty));
        assert!(!Password::from_config("").verify(b""));
        let hash = Password::Hash(hash_password("", [7; 16]).unwrap());
        assert!(!hash.verify(b""));
    }

    #[test]
    fn no_password_is_printed() {
        let shown = format!(
            "{:?} {:?}",
            Password::Plain("sesame".into()),
            Password::Hash("sesame".into())
        );
        assert!(!shown.contains("sesame"), "{shown}");
    }
}
