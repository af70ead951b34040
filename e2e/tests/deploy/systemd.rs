//! `deploy/systemd`: what systemd itself says about the unit, and what the script installs.

use std::process::Command;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::configuration::{self, Hearth};

/// Runs the script for a folder in place of this machine.
fn install(root: &TempDir) -> Result<String> {
    crate::run(
        Command::new("sh")
            .arg(crate::file("deploy/systemd/install.sh"))
            .arg(configuration::program()?)
            .env("DESTDIR", root.path()),
    )
}

#[test]
fn systemd_takes_the_unit_without_a_complaint() -> Result<()> {
    let root = TempDir::new()?;
    install(&root)?;
    // With the program where the script has put it, because systemd looks whether it is there.
    let program = root.path().join("usr/local/bin/hearth");
    let unit = crate::with(
        &crate::read("deploy/systemd/hearth.service")?,
        &[(
            "ExecStart=/usr/local/bin/hearth",
            &format!("ExecStart={}", program.display()),
        )],
    )?;
    let file = root.path().join("hearth.service");
    std::fs::write(&file, unit)?;
    let said = crate::run(
        Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(&file),
    )?;
    ensure!(!said.contains("hearth.service"), "{said}");
    Ok(())
}

#[test]
fn systemd_finds_the_unit_little_exposed() -> Result<()> {
    // Of 100: the lower the better. Most services have 96.
    crate::run(
        Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--threshold=12", "--no-pager"])
            .arg(crate::file("deploy/systemd/hearth.service")),
    )?;
    Ok(())
}

#[test]
fn hearth_is_installed_with_a_configuration_that_it_takes_and_a_second_time_keeps_it() -> Result<()> {
    let root = TempDir::new()?;
    install(&root)?;
    let file = root.path().join("etc/hearth/hearth.toml");
    let text = std::fs::read_to_string(&file)?;
    let credentials = format!("{}/", root.path().join("etc/hearth").display());
    let with_accounts = crate::with(
        &configuration::uncommented(&text, "#[auth]")?,
        &[("/run/credentials/hearth.service/", &credentials)],
    )?;
    for configuration in [&text, &with_accounts] {
        let hearth = Hearth::start(configuration)?;
        let (status, body) = hearth.get("/healthz")?;
        ensure!(status == 200, "{body}");
    }

    std::fs::write(&file, format!("{text}# mine\n"))?;
    install(&root)?;
    ensure!(
        std::fs::read_to_string(&file)?.ends_with("# mine\n"),
        "the configuration was replaced"
    );
    Ok(())
}

#[test]
fn only_root_may_read_the_passwords_that_are_installed() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let root = TempDir::new()?;
    install(&root)?;
    let unit = crate::read("deploy/systemd/hearth.service")?;
    let credentials: Vec<&str> = unit
        .lines()
        .filter_map(|line| line.strip_prefix("LoadCredential="))
        .collect();
    ensure!(!credentials.is_empty());
    for credential in credentials {
        let path = credential.split(':').nth(1).unwrap_or_default();
        let file = root.path().join(path.trim_start_matches('/'));
        let mode = std::fs::metadata(&file)?.permissions().mode() & 0o777;
        ensure!(mode == 0o600, "{path}: {mode:o}");
    }
    Ok(())
}
