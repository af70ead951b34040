//! Why a template gave no text.

use thiserror::Error;

/// Why a template could not be read or rendered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// The text is not a template.
    #[error("line {line} of the template: {what}")]
    Syntax {
        /// The line, from 1.
        line: u32,
        /// What is wrong there.
        what: String,
    },
    /// The template is longer than [`Limits::source_bytes`](crate::Limits).
    #[error("the template has {bytes} bytes, more than the {limit} that are read")]
    SourceTooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Expressions, blocks or values lie too deep in each other.
    #[error("more than {limit} levels lie in each other")]
    TooDeep {
        /// How many may.
        limit: usize,
    },
    /// The template did more than [`Limits::fuel`](crate::Limits) allows.
    #[error("the template did more work than it may ({limit} steps)")]
    OutOfFuel {
        /// How many steps it has.
        limit: u64,
    },
    /// What the template wrote is longer than [`Limits::output_bytes`](crate::Limits).
    #[error("the template wrote more than the {limit} bytes it may")]
    OutputTooLong {
        /// How many bytes it may write.
        limit: usize,
    },
    /// A filter, test, function or statement that is not known here.
    #[error("{what} `{name}` is not supported")]
    Unsupported {
        /// What it is: "the filter", "the function", …
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Something that only a running Home Assistant knows: states, areas, the time.
    #[error("`{name}` needs a running Home Assistant")]
    NeedsHomeAssistant {
        /// What was asked for.
        name: String,
    },
    /// A value that is not there was used in a way that needs one.
    #[error("{0}")]
    Undefined(String),
    /// A value of the wrong type or form.
    #[error("{0}")]
    Value(String),
}

impl Error {
    /// Whether a limit of [`Limits`](crate::Limits) stopped the template.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::SourceTooLong { .. }
                | Self::TooDeep { .. }
                | Self::OutOfFuel { .. }
                | Self::OutputTooLong { .. }
        )
    }

    pub(crate) fn value(text: impl Into<String>) -> Self {
        Self::Value(text.into())
    }
}

pub(crate) type Result<T> = std::result::Result<T, Error>;
