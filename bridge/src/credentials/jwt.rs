//! How long a token lives, when it is a JSON Web Token that says so. Nothing is verified: that is the broker's part.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

/// Seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Lifetime {
    /// When it was issued.
    #[serde(default)]
    pub(super) iat: Option<u64>,
    /// When it expires.
    pub(super) exp: u64,
}

impl Lifetime {
    pub(super) fn of(token: &[u8]) -> Option<Self> {
        let claims = token.split(|byte| *byte == b'.').nth(1)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }

    /// When a new one should be there: Kubernetes replaces a token at 80 % of its life.
    pub(super) fn refresh_at(&self, read_at: u64) -> u64 {
        let from = self.iat.unwrap_or(read_at);
        let life = self.exp.saturating_sub(from);
        from.saturating_add(life / 5 * 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Vec<u8> {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims)).into_bytes()
    }

    #[test]
    fn a_token_is_due_at_four_fifths_of_its_life() {
        let lifetime = Lifetime::of(&token(r#"{"iss":"k8s","iat":1000,"exp":2000}"#)).unwrap();
        assert_eq!(lifetime.refresh_at(1500), 1800);
        let lifetime = Lifetime::of(&token(r#"{"exp":2000}"#)).unwrap();
        assert_eq!(lifetime.refresh_at(1500), 1900);
    }

    #[test]
    fn what_is_no_token_with_an_end_has_no_lifetime() {
        for text in ["", "secret", "a.b.c", "..", "e30.e30.sig"] {
            assert_eq!(Lifetime::of(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Lifetime::of(&token(r#"{"exp":"soon"}"#)), None);
        // An end before the beginning: due at once, no overflow.
        let turned = Lifetime::of(&token(r#"{"iat":18446744073709551615,"exp":0}"#)).unwrap();
        assert_eq!(turned.refresh_at(0), u64::MAX);
    }
}
