//! Foreign clients through the bridge's `/mqtt`: MQTT.js under Node, paho-mqtt under Python.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use e2e::bridge::Bridge;

fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}

fn succeeds(command: &mut Command) -> Result<()> {
    let output = command.output().context("could not start the client")?;
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    print!("{out}");
    ensure!(output.status.success(), "the client failed: {out}{err}");
    Ok(())
}

#[test]
fn mqtt_js_exchanges_qos_2_messages_through_the_bridge() -> Result<()> {
    let modules = std::env::var_os("E2E_MQTT_JS").context("run these tests with `cargo xtask e2e`")?;
    let (bridge, _) = Bridge::demo()?;
    let address = format!("127.0.0.1:{}", bridge.port);
    let mut node = Command::new("node");
    node.env("NODE_PATH", modules).arg(script("exchange.cjs"));
    succeeds(node.args([format!("ws://{address}/mqtt"), format!("http://{address}")]))
}

#[test]
fn paho_exchanges_qos_2_messages_through_the_bridge() -> Result<()> {
    let packages = std::env::var_os("E2E_PAHO").context("run these tests with `cargo xtask e2e`")?;
    let (bridge, _) = Bridge::demo()?;
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", packages).arg(script("exchange.py"));
    let origin = format!("http://127.0.0.1:{}", bridge.port);
    succeeds(python.args(["127.0.0.1", &bridge.port.to_string(), "/mqtt", &origin]))
}
