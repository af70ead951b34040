//! `[log]`: what is logged, and how it looks.

use super::reader::{FromText, Section};

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Level, or levels per target. Default `info`.
    pub filter: String,
    /// Default `text`.
    pub format: LogFormat,
    /// Lines of `info` and `warn` from one place in the code within 10 s; more are left out and counted. Default 200; 0 is no bound.
    pub max_lines_of_a_kind: u64,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line, for collectors.
    Json,
}

impl FromText for LogFormat {
    const EXPECTED: &'static str = "\"text\" or \"json\"";

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("this format is not known".into()),
        }
    }
}

/// What `tracing_subscriber` understands as a filter.
struct Filter(String);

impl FromText for Filter {
    const EXPECTED: &'static str =
        "a level such as \"info\", or levels per target such as \"info,hearth::relay=debug\"";

    fn from_text(text: &str) -> Result<Self, String> {
        match tracing_subscriber::EnvFilter::try_new(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl LogConfig {
    pub(crate) fn read(section: Section<'_>) -> Self {
        let config = Self {
            filter: section
                .text("filter")
                .map_or_else(|| "info".to_owned(), |Filter(text)| text),
            format: section.text("format").unwrap_or(LogFormat::Text),
            max_lines_of_a_kind: section.integer("max_lines_of_a_kind", 0..=1_000_000, 200),
        };
        section.finish();
        config
    }
}
