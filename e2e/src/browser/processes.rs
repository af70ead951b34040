//! What the system counts of a browser's processes.

use std::fs;
use std::path::{Path, PathBuf};

/// A clock tick of Linux: 100 in a second.
pub const TICK_MS: u64 = 10;

/// The processes of the browser with this profile, as folders of `/proc`: the browser itself and all below it.
#[must_use]
pub fn of_browser(profile: &Path) -> Vec<PathBuf> {
    let profile = profile.display().to_string();
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
        .map(|entry| entry.path())
        .filter(|process| is_below(process, &profile))
        .collect()
}

/// Whether a process descends from the browser with this profile.
fn is_below(process: &Path, profile: &str) -> bool {
    let mut at = process.to_path_buf();
    loop {
        let command = fs::read(at.join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains(profile) {
            return true;
        }
        let status = fs::read_to_string(at.join("status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        match parent.map(str::trim) {
            Some(parent) if parent != "0" && parent != "1" => at = Path::new("/proc").join(parent),
            _ => return false,
        }
    }
}

/// The name and the processor time, in clock ticks, of a process or of a thread: of a folder with a `stat` in it.
#[must_use]
pub fn name_and_ticks(folder: &Path) -> Option<(String, u64)> {
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let (name, rest) = stat.rsplit_once(") ")?;
    let (_, name) = name.split_once('(')?;
    // utime and stime stand 11 and 12 fields behind the state.
    let mut fields = rest.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some((name.to_owned(), next()? + next()?))
}
