//! Waiting for something to become true.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long anything may take on a busy machine with two cores.
pub const PATIENCE: Duration = Duration::from_secs(20);
const INTERVAL: Duration = Duration::from_millis(15);

/// Asks `probe` again and again until it answers `Some`, for at most [`PATIENCE`].
pub fn until<T>(what: &str, probe: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    until_within(PATIENCE, what, probe)
}

/// Asks `probe` again and again until it answers `Some`, for at most `patience`.
///
/// # Errors
/// What `probe` last failed with, or that the time is over.
pub fn until_within<T>(
    patience: Duration,
    what: &str,
    mut probe: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        let answer = probe();
        match answer {
            Ok(Some(found)) => return Ok(found),
            Err(error) if Instant::now() > deadline => {
                return Err(error.context(format!("waited {} s for {what}", patience.as_secs())));
            }
            Ok(None) if Instant::now() > deadline => {
                bail!("waited {} s in vain for {what}", patience.as_secs())
            }
            Ok(None) | Err(_) => std::thread::sleep(INTERVAL),
        }
    }
}
