//! What the program does beside serving: `hearth check` and `hearth doctor`.
//!
//! They dial and print. What may not enter: reasoning, which is `hearth_model::doctor`'s, and anything that a running bridge needs.

pub mod check;
pub mod doctor;
mod mqtt;

use std::{borrow::Cow, fmt};

use hearth_model::doctor::TlsFault;

use crate::transport::{DialError, NetworkStream};

/// Lines of a report: what was looked at, and what was seen.
#[derive(Debug, Default)]
struct Steps(Vec<(&'static str, String)>);

impl Steps {
    fn add(&mut self, name: &'static str, seen: impl Into<String>) {
        self.0.push((name, seen.into()));
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(name, seen)| writeln!(f, "  {name:<12}{}", plain(seen)))
    }
}

/// Does a dial with TLS show that the port speaks it, whatever became of the handshake?
fn speaks_tls(dialled: &Result<NetworkStream, DialError>) -> bool {
    match dialled {
        Ok(_) => true,
        Err(DialError::Tls(fault)) => !matches!(fault, TlsFault::NotTls | TlsFault::Other(_)),
        Err(_) => false,
    }
}

/// What the other side says lands in a terminal, which takes control characters for orders: they are shown as `\u{1b}`. So are those
/// that turn the direction of writing.
fn plain(text: &str) -> Cow<'_, str> {
    let is_order = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(is_order) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_order(c) {
            plain.extend(c.escape_unicode());
        } else {
            plain.push(c);
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_an_order_to_a_terminal_is_shown_and_all_else_stays() {
        assert_eq!(plain("grüße, 부엌 \"ok\""), "grüße, 부엌 \"ok\"");
        assert_eq!(
            plain("\u{1b}[31mred\r\n\u{9b}\u{202e}x"),
            "\\u{1b}[31mred\\u{d}\\u{a}\\u{9b}\\u{202e}x"
        );
    }
}
