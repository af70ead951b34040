//! The built bridge.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process::{Process, free_port};

/// A running `hearth` on a port of its own.
pub struct Bridge {
    folder: TempDir,
    process: Process,
    /// The port of the page.
    pub port: u16,
}

impl Bridge {
    /// Starts the bridge with the given configuration (TOML), serving the built page.
    pub fn start(configuration: &str) -> Result<Self> {
        let folder = TempDir::new()?;
        let file = folder.path().join("hearth.toml");
        std::fs::write(&file, configuration)?;
        Self::run(folder, |hearth| {
            hearth.arg("--config").arg(file);
        })
    }

    /// The same with an empty page in place of the built one.
    pub fn without_page(configuration: &str) -> Result<Self> {
        let folder = TempDir::new()?;
        let file = folder.path().join("hearth.toml");
        let page = folder.path().join("page");
        std::fs::write(&file, configuration)?;
        std::fs::create_dir(&page)?;
        std::fs::write(page.join("index.html"), "<!doctype html>")?;
        Self::run_with(folder, &page, |hearth| {
            hearth.arg("--config").arg(file);
        })
    }

    /// Starts the bridge in front of the broker at `127.0.0.1:port`.
    pub fn in_front_of(port: u16) -> Result<Self> {
        Self::start(&format!("[broker.main]\nurl = \"mqtt://127.0.0.1:{port}\"\n"))
    }

    /// Starts the bridge with its own broker and the simulated home. The second port is the broker's.
    pub fn demo() -> Result<(Self, u16)> {
        let port = free_port()?;
        let folder = TempDir::new()?;
        let bridge = Self::run(folder, |hearth| {
            hearth.args(["--demo", "--broker-listen", &format!("127.0.0.1:{port}")]);
        })?;
        Ok((bridge, port))
    }

    fn run(folder: TempDir, configure: impl FnOnce(&mut Command)) -> Result<Self> {
        Self::run_with(folder, &dist()?, configure)
    }

    fn run_with(folder: TempDir, page: &Path, configure: impl FnOnce(&mut Command)) -> Result<Self> {
        let mut hearth = Command::new(program()?);
        configure(&mut hearth);
        hearth.args(["--listen", "127.0.0.1:0", "--dist"]).arg(page);
        hearth.current_dir(folder.path()).env("NO_COLOR", "1");
        let mut process = Process::start("hearth", &mut hearth)?;
        let port = process.wait_for_line("the line that says `listening`", listening_port)?;
        Ok(Self {
            folder,
            process,
            port,
        })
    }

    /// The address of the page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// The lines of its log.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.process.output().lines()
    }

    /// The folder it runs in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(&mut self) -> Result<()> {
        self.process.terminate()
    }
}

/// The port in the line that says that the bridge is ready.
fn listening_port(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("listening on http://127.0.0.1:")?;
    port.trim_end_matches('/').parse().ok()
}

/// The built bridge, named by `cargo xtask`.
pub fn program() -> Result<PathBuf> {
    from_environment("E2E_BRIDGE")
}

/// The built page, named by `cargo xtask`.
pub fn dist() -> Result<PathBuf> {
    from_environment("E2E_PAGE")
}

fn from_environment(name: &str) -> Result<PathBuf> {
    let value = std::env::var_os(name);
    value
        .map(PathBuf::from)
        .with_context(|| format!("{name} is not set: run these tests with `cargo xtask e2e`"))
}
