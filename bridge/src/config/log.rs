//! `[log]`: what is logged, and how it looks.

use tracing::level_filters::LevelFilter;

use super::{
    problem::nearest,
    reader::{FromText, Section},
};

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
        tracing_subscriber::EnvFilter::try_new(text).map_err(|error| error.to_string())?;
        text.split(',').try_for_each(check_directive)?;
        Ok(Self(text.to_owned()))
    }
}

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// What this program logs by: such a target is meant without a level too.
const OWN_CRATES: [&str; 3] = ["hearth", "hearth_model", "hearth_mqtt"];

/// A word that is no level is taken for a target, and nothing of all others is logged: one slip of the pen silences the server.
fn check_directive(directive: &str) -> Result<(), String> {
    if directive.contains('[') {
        return Ok(());
    }
    if directive.contains(char::is_whitespace) {
        return Err("blanks have no place in a filter".into());
    }
    let crate_name = directive.split("::").next().unwrap_or_default();
    if directive.contains('=') || directive.parse::<LevelFilter>().is_ok() || OWN_CRATES.contains(&crate_name)
    {
        return Ok(());
    }
    let word = directive.to_ascii_lowercase();
    let begins = LEVELS.into_iter().find(|level| word.starts_with(level));
    match begins.or_else(|| nearest(&word, LEVELS)) {
        Some(meant) => Err(format!("\"{directive}\" is no level: did you mean \"{meant}\"?")),
        None => Err(format!(
            "\"{directive}\" is no level; a target has one behind it, such as {directive}=debug"
        )),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_refused_with_the_one_that_was_meant() {
        for (text, part) in [
            ("warnn", "did you mean \"warn\"?"),
            ("WARNING", "did you mean \"warn\"?"),
            ("info,debgu", "did you mean \"debug\"?"),
            ("6", "\"6\" is no level"),
            ("hyper", "such as hyper=debug"),
            ("hearthh", "such as hearthh=debug"),
            ("info, debug", "blanks"),
            ("hearth=loud", ""),
        ] {
            let reason = Filter::from_text(text).err().unwrap_or_else(|| panic!("{text}"));
            assert!(reason.contains(part), "{text}: {reason}");
        }
    }

    #[test]
    fn levels_and_targets_are_taken() {
        for text in [
            "info",
            "WARN",
            "off",
            "0",
            "5",
            "hearth",
            "hearth::relay",
            "hearth_mqtt",
            "hearth=debug",
            "info,hearth::relay=debug,",
            "[relay]=trace",
        ] {
            assert!(Filter::from_text(text).is_ok(), "{text}");
        }
    }
}
