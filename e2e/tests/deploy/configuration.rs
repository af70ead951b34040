//! The real `hearth` with the configurations of `deploy/`.

use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use e2e::process::Process;
use tempfile::TempDir;

/// A running `hearth` on a port of its own.
pub(crate) struct Hearth {
    _process: Process,
    _folder: TempDir,
    /// Where it listens on 127.0.0.1.
    pub(crate) port: u16,
}

impl Hearth {
    /// Starts it with this configuration, at a free port of the address that stands there.
    pub(crate) fn start(configuration: &str) -> Result<Self> {
        let configuration = crate::with(configuration, &[(":9001\"", ":0\"")])?;
        let folder = TempDir::new()?;
        let file = folder.path().join("hearth.toml");
        std::fs::write(&file, configuration)?;
        let page = folder.path().join("page");
        std::fs::create_dir(&page)?;
        std::fs::write(page.join("index.html"), "<!doctype html><title>Hearth</title>")?;
        let mut hearth = Command::new(program()?);
        hearth.arg("--config").arg(&file).arg("--dist").arg(&page);
        hearth.current_dir(folder.path()).env("NO_COLOR", "1");
        let mut process = Process::start("hearth", &mut hearth)?;
        let port = process.wait_for_line("the line that says `listening`", port)?;
        Ok(Self {
            _process: process,
            _folder: folder,
            port,
        })
    }

    /// The status and the body of what it answers to a GET.
    pub(crate) fn get(&self, path: &str) -> Result<(u16, String)> {
        get(self.port, path)
    }
}

/// The status and the body of the answer to a GET on 127.0.0.1.
pub(crate) fn get(port: u16, path: &str) -> Result<(u16, String)> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut answer = agent.get(format!("http://127.0.0.1:{port}{path}")).call()?;
    let body = answer.body_mut().read_to_string()?;
    Ok((answer.status().as_u16(), body))
}

/// The port in the line that says that Hearth is ready.
pub(crate) fn port(line: &str) -> Option<u16> {
    let (_, address) = line.split_once("listening on http://")?;
    address.trim_end_matches('/').rsplit_once(':')?.1.parse().ok()
}

/// The built bridge, named by `cargo xtask`.
pub(crate) fn program() -> Result<PathBuf> {
    std::env::var_os("E2E_BRIDGE")
        .map(PathBuf::from)
        .context("E2E_BRIDGE is not set: run these tests with `cargo xtask deploy-tests`")
}

/// The password of the account that [`add_account`] makes.
pub(crate) const PASSWORD: &str = "correct-horse-battery";

/// Makes an account `ada`, an admin, as people do.
pub(crate) fn add_account(file: &Path) -> Result<()> {
    let mut input = tempfile::tempfile()?;
    writeln!(input, "{PASSWORD}")?;
    input.rewind()?;
    let status = Command::new(program()?)
        .args(["user", "add", "ada", "--role", "admin", "--password-stdin"])
        .env("HEARTH_AUTH_ACCOUNTS_FILE", file)
        .stdin(input)
        .stdout(Stdio::null())
        .status()?;
    anyhow::ensure!(status.success(), "hearth user add: {status}");
    Ok(())
}

/// The configuration with the lines from `first` on taken out of their comment.
pub(crate) fn uncommented(configuration: &str, first: &str) -> Result<String> {
    let (before, block) = configuration
        .split_once(&format!("\n{first}\n"))
        .context("no such line")?;
    let lines = block.lines().take_while(|line| line.starts_with('#')).count();
    let mut text = format!("{before}\n{}\n", first.trim_start_matches('#'));
    for (number, line) in block.lines().enumerate() {
        text.push_str(if number < lines {
            line.trim_start_matches('#')
        } else {
            line
        });
        text.push('\n');
    }
    Ok(text)
}

/// Certificates and passwords as `deploy/compose/secrets.sh` makes them.
pub(crate) struct Secrets {
    folder: TempDir,
    /// The password of the account `home`.
    pub(crate) password: String,
}

impl Secrets {
    /// Runs the script; the certificate is also for `names`.
    pub(crate) fn make(names: &[&str]) -> Result<Self> {
        let folder = TempDir::new()?;
        let script = folder.path().join("secrets.sh");
        std::fs::copy(crate::file("deploy/compose/secrets.sh"), &script)?;
        let password = printed_password(Command::new("sh").arg(&script).args(names))?;
        Ok(Self { folder, password })
    }

    /// Adds an account for the broker, and returns its password.
    pub(crate) fn account(&self, name: &str) -> Result<String> {
        let script = self.folder.path().join("secrets.sh");
        printed_password(Command::new("sh").arg(script).args(["--account", name]))
    }

    /// Where one of them lies.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("secrets").join(name)
    }

    /// The folder that `secrets` lies in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn printed_password(script: &mut Command) -> Result<String> {
    let printed = crate::run(script)?;
    let password = printed.lines().find_map(|line| line.strip_prefix("password: "));
    Ok(password.context("the script prints no password")?.to_owned())
}
