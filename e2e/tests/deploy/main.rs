//! What lies in `deploy/` works as it lies there: as far as a machine without containers and clusters can tell. Run by `cargo xtask test`,
//! or alone by `cargo xtask deploy-tests`.

mod booted;
mod caddy;
mod compose;
mod configuration;
mod container;
mod documents;
mod kubernetes;
mod manifests;
mod nginx;
mod proxied;
mod systemd;
mod websocket;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// A file of the repository.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn read(name: &str) -> Result<String> {
    std::fs::read_to_string(file(name)).with_context(|| format!("could not read {name}"))
}

/// The text with every `from` replaced. One that is not there is a mistake: the test would test something else.
fn with(text: &str, replacements: &[(&str, &str)]) -> Result<String> {
    let mut text = text.to_owned();
    for (from, to) in replacements {
        ensure!(text.contains(from), "`{from}` is not in:\n{text}");
        text = text.replace(from, to);
    }
    Ok(text)
}

/// Runs a program that must succeed, and returns what it printed on both streams.
fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start {command:?}"))?;
    let text = [output.stdout, output.stderr].map(|stream| String::from_utf8_lossy(&stream).into_owned());
    let text = text.concat();
    ensure!(output.status.success(), "{command:?} failed:\n{text}");
    Ok(text)
}
