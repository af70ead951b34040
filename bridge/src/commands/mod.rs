//! What the program does beside serving: `hearth check` and `hearth doctor`.
//!
//! They dial and print. What may not enter: reasoning, which is `hearth_model::doctor`'s, and anything that a running bridge needs.

mod certificate;
pub mod check;
pub mod doctor;
mod mqtt;

use std::fmt;

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
            .try_for_each(|(name, seen)| writeln!(f, "  {name:<12}{seen}"))
    }
}
