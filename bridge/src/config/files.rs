//! Files that settings name: looked at now, read when they are needed.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::reader::{FromText, Section};

/// What to do about a file that cannot be read.
pub(super) const FIX: &str = "name a file that the bridge may read";

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// A password or a token: a value that is no path may be the secret itself, and is not repeated.
    Secret,
    /// Anything else.
    NoSecret,
}

/// Opens a file, through symbolic links too. Whoever opens a pipe waits until somebody writes to it, and a folder cannot be read.
pub(crate) fn open_regular(file: &Path) -> io::Result<File> {
    if fs::metadata(file)?.is_file() {
        File::open(file)
    } else {
        Err(io::Error::other("this is not a regular file"))
    }
}

/// What is wrong with a file that cannot be opened now.
pub(super) fn unreadable(file: &Path, holds: Holds) -> Option<String> {
    let error = open_regular(file).err()?;
    Some(cannot_be_read(file, holds, &error))
}

pub(super) fn cannot_be_read(file: &Path, holds: Holds, error: &io::Error) -> String {
    let is_a_path = || file.is_absolute() || file.parent().is_some_and(Path::is_dir);
    if holds == Holds::Secret && !is_a_path() {
        return format!("the file cannot be read: {error}");
    }
    format!("{} cannot be read: {error}", file.display())
}

/// A file that can be opened now.
pub(super) fn readable_file(section: &Section<'_>, key: &'static str) -> Option<PathBuf> {
    let file: PathBuf = section.text(key)?;
    if let Some(message) = unreadable(&file, Holds::NoSecret) {
        section.mistake(key, message, FIX.into());
    }
    Some(file)
}

/// A file with a secret in it that can be opened now.
pub(super) fn secret_file(section: &Section<'_>, key: &'static str) -> Option<PathBuf> {
    let file = secret_path(section, key)?;
    if let Some(message) = unreadable(&file, Holds::Secret) {
        section.mistake(key, message, FIX.into());
    }
    Some(file)
}

/// The path of a file with a secret in it.
pub(super) fn secret_path(section: &Section<'_>, key: &'static str) -> Option<PathBuf> {
    let text = section.secret(key)?;
    let path = path_of(text.expose());
    path.map_err(|message| section.mistake(key, message, FIX.into()))
        .ok()
}

/// The path, or what is wrong with it, the text itself unsaid.
pub(super) fn path_of(text: &str) -> Result<PathBuf, String> {
    PathBuf::from_text(text).map_err(|reason| format!("{reason}; expected {}", PathBuf::EXPECTED))
}
