//! Files whose form others have set, against their schemas; and what the files say about each other.
//! The checkers come from PyPI; without Python these tests are left out.

mod compose;
mod kubernetes;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

#[test]
fn the_container_file_has_no_finding_of_hadolint() -> Result<()> {
    crate::run(checker("hadolint")?.arg(crate::file("deploy/container/Containerfile")))?;
    Ok(())
}

/// A program of the folder that `cargo xtask` has filled from PyPI.
fn checker(name: &str) -> Result<Command> {
    let folder = std::env::var_os("E2E_CHECKERS")
        .map(PathBuf::from)
        .context("E2E_CHECKERS is not set: run these tests with `cargo xtask deploy-tests`")?;
    let mut command = Command::new(folder.join("bin").join(name));
    command.env("PYTHONPATH", &folder);
    Ok(command)
}

/// The documents of a YAML file.
fn yaml(name: &str) -> Result<Vec<serde_json::Value>> {
    const TO_JSON: &str =
        "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let folder = std::env::var_os("E2E_CHECKERS").context("E2E_CHECKERS is not set")?;
    let json = crate::run(
        Command::new("python3")
            .env("PYTHONPATH", folder)
            .args(["-c", TO_JSON])
            .arg(crate::file(name)),
    )?;
    Ok(serde_json::from_str(&json)?)
}
