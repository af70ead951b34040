//! What one rendering may cost.

use std::cell::Cell;

use crate::error::{Error, Result};

/// What a template may cost. Everything is checked before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a template may be.
    pub source_bytes: usize,
    /// Steps of one rendering. A step is one node of the template, one element, or eight bytes of text; memory is bounded by it
    /// too, because whatever is made is paid for first.
    pub fuel: u64,
    /// How much one rendering may write.
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            source_bytes: 32 * 1024,
            fuel: 200_000,
            output_bytes: 256 * 1024,
        }
    }
}

/// How deep expressions, blocks and values may lie in each other.
pub(crate) const DEPTH: usize = 64;

/// The fuel that is left.
pub(crate) struct Budget {
    left: Cell<u64>,
    limits: Limits,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            left: Cell::new(limits.fuel),
            limits,
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The steps that were paid so far.
    pub(crate) fn spent(&self) -> u64 {
        self.limits.fuel.saturating_sub(self.left.get())
    }

    pub(crate) fn spend(&self, steps: usize) -> Result<()> {
        match self.left.get().checked_sub(steps as u64) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(Error::OutOfFuel {
                limit: self.limits.fuel,
            }),
        }
    }

    /// For text of so many bytes, made or looked at.
    pub(crate) fn spend_bytes(&self, bytes: usize) -> Result<()> {
        self.spend(bytes / 8 + 1)
    }

    /// Writes to a text and pays for it.
    pub(crate) fn push(&self, text: &mut String, more: &str) -> Result<()> {
        self.spend_bytes(more.len())?;
        text.push_str(more);
        Ok(())
    }
}
