//! A real RabbitMQ with its plugins for MQTT and for MQTT over WebSocket.

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::mosquitto::{PASSWORD, USER};
use crate::process::{Process, free_port};
use crate::wait::until;

/// How long the start may take on a busy machine.
const START: Duration = Duration::from_secs(180);

/// A node of its own: other folders, other ports and another name than the one that the system may run.
pub struct RabbitMq {
    // The order counts: the node ends before the port mapper it is registered with, and both before their files go.
    _node: Process,
    _port_mapper: Process,
    _folder: TempDir,
    /// The port of the WebSocket listener, whose path is `/ws`.
    pub websocket_port: u16,
    /// Such as `3.10.8`.
    pub version: String,
}

impl RabbitMq {
    /// A broker that lets only [`USER`] with [`PASSWORD`] in; it takes about 15 s.
    pub fn start() -> Result<Self> {
        let folder = TempDir::new()?;
        let (port, websocket_port) = (free_port()?, free_port()?);
        write_files(folder.path(), port, websocket_port)?;
        let mapper_port = free_port()?.to_string();
        // Erlang would start one that outlives the node.
        let mut epmd = Command::new("epmd");
        epmd.args(["-port", &mapper_port, "-address", "127.0.0.1"]);
        let port_mapper = Process::start("epmd", &mut epmd)?;
        until("Erlang's port mapper", || {
            Ok(Some(TcpStream::connect((
                Ipv4Addr::LOCALHOST,
                mapper_port.parse::<u16>()?,
            ))?))
        })?;
        let mut node = Process::start(
            "rabbitmq-server",
            &mut command(folder.path(), port, &mapper_port)?,
        )?;
        node.wait_for_line_within(START, "the end of its start", |line| {
            line.contains("Server startup complete").then_some(())
        })?;
        let version = node.wait_for_line("the name of its version", |line| {
            let (_, version) = line.split_once("Starting RabbitMQ ")?;
            Some(version.split_whitespace().next()?.to_owned())
        })?;
        Ok(Self {
            _node: node,
            _port_mapper: port_mapper,
            _folder: folder,
            websocket_port,
            version,
        })
    }

    /// The address for a page that speaks to the broker directly.
    #[must_use]
    pub fn websocket_url(&self) -> String {
        format!("ws://127.0.0.1:{}/ws", self.websocket_port)
    }
}

fn write_files(folder: &Path, port: u16, websocket_port: u16) -> Result<()> {
    for name in ["home", "mnesia", "log"] {
        std::fs::create_dir(folder.join(name))?;
    }
    let plugins = "[rabbitmq_mqtt,rabbitmq_web_mqtt].";
    std::fs::write(folder.join("enabled_plugins"), plugins)?;
    // In place of the system's: it may name a node or folders.
    std::fs::write(folder.join("environment"), "")?;
    let settings = format!(
        "listeners.tcp = none\n\
         mqtt.listeners.tcp.1 = 127.0.0.1:{port}\n\
         web_mqtt.tcp.ip = 127.0.0.1\n\
         web_mqtt.tcp.port = {websocket_port}\n\
         mqtt.allow_anonymous = false\n\
         default_user = {USER}\n\
         default_pass = {PASSWORD}\n\
         disk_free_limit.absolute = 1MB\n\
         vm_memory_high_watermark.absolute = 300MB\n\
         log.console = true\n\
         log.console.level = info\n\
         log.file = false\n"
    );
    Ok(std::fs::write(folder.join("rabbitmq.conf"), settings)?)
}

fn command(folder: &Path, port: u16, mapper_port: &str) -> Result<Command> {
    // Debian's own wrapper changes the user and the folder.
    let packaged = Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server");
    let program = if packaged.is_file() {
        packaged
    } else {
        Path::new("rabbitmq-server")
    };
    let path = std::env::var_os("PATH").context("there is no PATH")?;
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path).env("LANG", "C.UTF-8");
    command
        .env("HOME", folder.join("home"))
        .env("RABBITMQ_CONF_ENV_FILE", folder.join("environment"))
        .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"))
        .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
        .env("RABBITMQ_LOG_BASE", folder.join("log"))
        .env("RABBITMQ_NODENAME", format!("hearth{port}@localhost"))
        .env("RABBITMQ_DIST_PORT", free_port()?.to_string())
        .env("ERL_EPMD_PORT", mapper_port)
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        // The script becomes the node instead of waiting for it.
        .env("detached", "1")
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
        );
    Ok(command)
}
