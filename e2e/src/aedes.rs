//! A real aedes, the broker of the MQTT.js family, under Node.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::mosquitto::{PASSWORD, USER};
use crate::process::Process;

/// An aedes with a WebSocket listener.
pub struct Aedes {
    _process: Process,
    /// The port of the WebSocket listener.
    pub websocket_port: u16,
    /// Such as `1.2.0`.
    pub version: String,
}

impl Aedes {
    /// A broker that lets only [`USER`] with [`PASSWORD`] in.
    ///
    /// # Errors
    /// Among others: `E2E_AEDES` does not name the folder of its modules.
    pub fn start() -> Result<Self> {
        let modules = std::env::var_os("E2E_AEDES").context("E2E_AEDES is not set: use `cargo xtask`")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/aedes.cjs");
        let mut node = Command::new("node");
        node.arg(script).args([USER, PASSWORD]).env("NODE_PATH", modules);
        let mut process = Process::start("aedes", &mut node)?;
        let (version, websocket_port) = process.wait_for_line("its start", |line| {
            let (version, port) = line.strip_prefix("aedes ")?.split_once(" listens on ")?;
            Some((version.to_owned(), port.parse().ok()?))
        })?;
        Ok(Self {
            _process: process,
            websocket_port,
            version,
        })
    }

    /// The address for a page that speaks to the broker directly.
    #[must_use]
    pub fn websocket_url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.websocket_port)
    }
}
