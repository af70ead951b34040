//! Foreign MQTT clients that the end-to-end tests put in front of the bridge: MQTT.js and paho-mqtt.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::{step, target_dir};
use crate::tools::on_path;

const MQTT_JS: &str = "5.16.0";
const PAHO: &str = "2.1.0";

/// Installs the clients under `target/peers`, tells `tests` where they are, and returns what cannot be tested and why.
pub(crate) fn prepare(tests: &mut Command) -> Vec<String> {
    let folder = target_dir().join("peers");
    let mut missing = Vec::new();
    match mqtt_js(&folder) {
        Ok(modules) => {
            tests.env("E2E_MQTT_JS", modules);
        }
        Err(reason) => {
            tests.args(["--skip", "peers::mqtt_js"]);
            missing.push(format!("MQTT.js ({reason:#})"));
        }
    }
    match paho(&folder) {
        Ok(packages) => {
            tests.env("E2E_PAHO", packages);
        }
        Err(reason) => {
            tests.args(["--skip", "peers::paho"]);
            missing.push(format!("paho-mqtt ({reason:#})"));
        }
    }
    missing
}

/// The folder from which Node can `require("mqtt")`.
fn mqtt_js(folder: &Path) -> Result<PathBuf> {
    let folder = folder.join(format!("mqtt-js-{MQTT_JS}"));
    let modules = folder.join("node_modules");
    if modules.join("mqtt/package.json").is_file() {
        return Ok(modules);
    }
    if !on_path("npm") {
        anyhow::bail!("npm is not on the PATH");
    }
    std::fs::create_dir_all(&folder)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"])
        .arg(&folder);
    npm.arg(format!("mqtt@{MQTT_JS}"));
    step(
        "Installing MQTT.js under target/peers (about 20 seconds, once)",
        "mqtt-js",
        &mut npm,
    )?;
    Ok(modules)
}

/// The folder to put on Python's path.
fn paho(folder: &Path) -> Result<PathBuf> {
    let folder = folder.join(format!("paho-{PAHO}"));
    if folder.join("paho").is_dir() {
        return Ok(folder);
    }
    if !on_path("python3") {
        anyhow::bail!("python3 is not on the PATH");
    }
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--target",
    ])
    .arg(&folder);
    pip.arg(format!("paho-mqtt=={PAHO}"));
    step(
        "Installing paho-mqtt under target/peers (about 5 seconds, once)",
        "paho",
        &mut pip,
    )?;
    Ok(folder)
}
