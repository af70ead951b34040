//! Other people's MQTT clients and brokers that tests run against ours: MQTT.js and paho-mqtt in front of the bridge, aedes and amqtt
//! beside Mosquitto and RabbitMQ.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::apt;
use crate::process::{step, target_dir};
use crate::tools::{node_modules, on_path};

const MQTT_JS: &str = "5.16.0";
const PAHO: &str = "2.1.0";
/// Finds what people with a screen reader or a keyboard would trip over.
const AXE: &str = "4.14.1";
const AEDES: &str = "1.2.0";
/// The WebSockets that aedes is served over.
const WS: &str = "8.23.0";
const AMQTT: &str = "0.12.1";
/// Runs the cases of the Autobahn test suite without Python 2.
const KOSOKU: &str = "0.1.0";
const JINJA2: &str = "3.1.6";

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
    // That they are missing was said when the session was tested with them.
    let _ = prepare_aedes(tests, "other_brokers::aedes");
    let _ = prepare_rabbitmq(tests, "other_brokers::rabbitmq");
    match axe(&folder) {
        Ok(modules) => {
            tests.env("E2E_AXE", modules);
        }
        Err(reason) => {
            tests.args(["--skip", "accessibility::axe"]);
            missing.push(format!("accessibility with axe-core ({reason:#})"));
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

/// The same for brokers.
pub(crate) fn prepare_brokers(tests: &mut Command) -> Vec<String> {
    let folder = target_dir().join("peers");
    let mut missing = Vec::new();
    // What could not be installed is named below.
    let _ = apt::offer_brokers();
    if let Err(reason) = prepare_aedes(tests, "aedes::") {
        missing.push(format!("aedes ({reason:#})"));
    }
    match amqtt(&folder) {
        Ok(environment) => {
            tests.env("E2E_AMQTT", environment);
        }
        Err(reason) => {
            tests.args(["--skip", "amqtt::"]);
            missing.push(format!("amqtt ({reason:#})"));
        }
    }
    if let Err(reason) = prepare_rabbitmq(tests, "rabbitmq::") {
        missing.push(format!("RabbitMQ ({reason:#})"));
    }
    missing
}

/// Installs aedes and tells `tests` where it is, or that those whose names contain `names` cannot run.
fn prepare_aedes(tests: &mut Command, names: &str) -> Result<()> {
    match aedes(&target_dir().join("peers")) {
        Ok(modules) => {
            tests.env("E2E_AEDES", modules);
            Ok(())
        }
        Err(reason) => {
            tests.args(["--skip", names]);
            Err(reason)
        }
    }
}

/// Tells `tests` that those whose names contain `names` cannot run if there is no RabbitMQ.
fn prepare_rabbitmq(tests: &mut Command, names: &str) -> Result<()> {
    if apt::rabbitmq_is_there() {
        return Ok(());
    }
    tests.args(["--skip", names]);
    anyhow::bail!("rabbitmq-server is not installed")
}

/// The folder from which Node can `require("mqtt")`.
fn mqtt_js(folder: &Path) -> Result<PathBuf> {
    let folder = folder.join(format!("mqtt-js-{MQTT_JS}"));
    node_modules(&folder, "MQTT.js", "mqtt", &[&format!("mqtt@{MQTT_JS}")])
}

/// The folder that has axe-core.
fn axe(folder: &Path) -> Result<PathBuf> {
    let folder = folder.join(format!("axe-core-{AXE}"));
    node_modules(&folder, "axe-core", "axe-core", &[&format!("axe-core@{AXE}")])
}

/// The folder from which Node can load aedes and ws.
fn aedes(folder: &Path) -> Result<PathBuf> {
    let folder = folder.join(format!("aedes-{AEDES}-{WS}"));
    let packages = [&*format!("aedes@{AEDES}"), &*format!("ws@{WS}")];
    node_modules(&folder, "aedes", "aedes", &packages)
}

/// The virtual environment of Python that has amqtt.
fn amqtt(folder: &Path) -> Result<PathBuf> {
    let folder = folder.join(format!("amqtt-{AMQTT}"));
    let done = folder.join("installed");
    if done.is_file() {
        return Ok(folder);
    }
    if !on_path("python3") {
        anyhow::bail!("python3 is not on the PATH");
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    step(
        "Making a virtual environment for amqtt under target/peers (about 5 seconds, once)",
        "amqtt-venv",
        &mut venv,
    )?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .arg(format!("amqtt=={AMQTT}"));
    step(
        "Installing amqtt under target/peers (about 15 seconds, once)",
        "amqtt",
        &mut pip,
    )?;
    std::fs::write(done, AMQTT)?;
    Ok(folder)
}

/// The folder to put on Python's path.
fn paho(folder: &Path) -> Result<PathBuf> {
    python_package(&folder.join(format!("paho-{PAHO}")), "paho-mqtt", PAHO, "paho")
}

/// The same for Jinja2, which `shared/templates` is compared with.
pub(crate) fn jinja2() -> Result<PathBuf> {
    let folder = target_dir().join("peers").join(format!("jinja2-{JINJA2}"));
    python_package(&folder, "Jinja2", JINJA2, "jinja2")
}

/// The same for kosoku.
pub(crate) fn kosoku() -> Result<PathBuf> {
    let folder = target_dir().join("peers").join(format!("kosoku-{KOSOKU}"));
    python_package(&folder, "kosoku", KOSOKU, "kosoku")
}

/// Installs a package of PyPI in a folder, once; `module` is in it when that was done.
fn python_package(folder: &Path, package: &str, version: &str, module: &str) -> Result<PathBuf> {
    if folder.join(module).is_dir() {
        return Ok(folder.to_owned());
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
    .arg(folder);
    pip.arg(format!("{package}=={version}"));
    step(
        &format!("Installing {package} under target/peers (about 5 seconds, once)"),
        module,
        &mut pip,
    )?;
    Ok(folder.to_owned())
}
