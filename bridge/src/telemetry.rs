//! Logs: to standard error, as text or JSON; never payloads, never secrets.

mod budget;

use std::io::IsTerminal as _;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use self::budget::Budget;
pub(crate) use self::budget::left_out;
use crate::config::{LogConfig, LogFormat};

/// Sets up logging for the whole process; only the first call counts.
pub fn start(config: &LogConfig) {
    // The filter was checked when the configuration was read.
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let registry = tracing_subscriber::registry()
        .with(filter)
        .with(Budget::new(config.max_lines_of_a_kind));
    let _first = match config.format {
        LogFormat::Text => registry.with(lines).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
}
