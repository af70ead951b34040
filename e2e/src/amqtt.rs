//! A real amqtt, a broker in Python.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::mosquitto::{PASSWORD, USER};
use crate::process::{Process, free_port};
use crate::wait::until;

/// An amqtt with a WebSocket listener.
pub struct Amqtt {
    _process: Process,
    /// The port of the WebSocket listener.
    pub websocket_port: u16,
    /// Such as `0.12.1`.
    pub version: String,
}

impl Amqtt {
    /// A broker that lets only [`USER`] with [`PASSWORD`] in.
    ///
    /// # Errors
    /// Among others: `E2E_AMQTT` does not name its virtual environment.
    pub fn start() -> Result<Self> {
        let environment = std::env::var_os("E2E_AMQTT").context("E2E_AMQTT is not set: use `cargo xtask`")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/amqtt_broker.py");
        let websocket_port = free_port()?;
        let mut python = Command::new(PathBuf::from(environment).join("bin/python"));
        python
            .arg("-u")
            .arg(script)
            .args([&websocket_port.to_string(), USER, PASSWORD]);
        let mut process = Process::start("amqtt", &mut python)?;
        let version = process.wait_for_line("its start", |line| {
            Some(line.strip_prefix("amqtt ")?.strip_suffix(" starts")?.to_owned())
        })?;
        until("its listener", || {
            Ok(Some(TcpStream::connect((Ipv4Addr::LOCALHOST, websocket_port))?))
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
