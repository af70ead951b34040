//! Logs: to standard error, as text or JSON; never payloads, never secrets.

mod budget;
mod lines;

use std::{
    io::{self, IsTerminal as _},
    sync::OnceLock,
    time::Duration,
};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

pub(crate) use self::budget::left_out;
use self::{budget::Budget, lines::Lines};
use crate::config::{LogConfig, LogFormat};

static LINES: OnceLock<Lines> = OnceLock::new();

/// How long whoever takes the log has for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Sets up logging for the whole process; only the first call counts.
///
/// # Errors
/// There can be no thread for it.
pub fn start(config: &LogConfig) -> io::Result<()> {
    if LINES.get().is_some() {
        return Ok(());
    }
    let output = Lines::to(io::stderr())?;
    // The filter was checked when the configuration was read.
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = fmt::layer().with_writer(output.clone()).with_ansi(colours);
    let registry = tracing_subscriber::registry()
        .with(filter)
        .with(Budget::new(config.max_lines_of_a_kind));
    let _first = match config.format {
        LogFormat::Text => registry.with(lines).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    let _first = LINES.set(output);
    Ok(())
}

/// Before the process ends: waits a moment until the log is written.
pub fn flush() {
    if let Some(lines) = LINES.get() {
        lines.flush(LAST_LINES);
    }
}
