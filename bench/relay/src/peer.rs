//! Who stands between a browser and the broker, each started for this run alone.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::connection::Transport;

/// What browsers speak.
const MQTT: Transport = Transport::WebSocket {
    subprotocol: Some("mqtt"),
    headers: "",
};

/// The same, as a proxy that has let a user in would pass it on.
const MQTT_OF_USER: Transport = Transport::WebSocket {
    subprotocol: Some("mqtt"),
    headers: "X-Forwarded-User: bench\r\n",
};

/// For who does not know the subprotocol.
const NO_SUBPROTOCOL: Transport = Transport::WebSocket {
    subprotocol: None,
    headers: "",
};

/// What must answer within this time of its start.
const START: Duration = Duration::from_secs(20);

/// A started program; it ends with this value.
pub(crate) struct Program {
    child: Child,
}

impl Program {
    fn start(command: &mut Command, log: &Path, port: u16) -> Result<Self> {
        let log = std::fs::File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let mut program = Self { child };
        program.wait_until_it_listens(port)?;
        Ok(program)
    }

    fn wait_until_it_listens(&mut self, port: u16) -> Result<()> {
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended at once: {status}");
            }
            if Instant::now() > deadline {
                bail!("it does not listen on port {port}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The broker behind everybody.
pub(crate) struct Mosquitto {
    _program: Program,
    pub(crate) pid: u32,
    pub(crate) tcp_port: u16,
    pub(crate) websocket_port: u16,
}

impl Mosquitto {
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let (tcp_port, websocket_port) = (free_port()?, free_port()?);
        let config = folder.join("mosquitto.conf");
        let text = format!(
            "persistence false\nallow_anonymous true\nmax_queued_messages 0\nset_tcp_nodelay true\nlog_type error\n\
             listener {tcp_port} 127.0.0.1\nlistener {websocket_port} 127.0.0.1\nprotocol websockets\n"
        );
        std::fs::write(&config, text)?;
        let mut command = Command::new(program("mosquitto"));
        command.arg("-c").arg(&config);
        let program = Program::start(&mut command, &folder.join("mosquitto.log"), websocket_port)
            .context("mosquitto")?;
        Ok(Self {
            pid: program.pid(),
            _program: program,
            tcp_port,
            websocket_port,
        })
    }
}

/// One way to reach the broker by WebSocket.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    pub(crate) transport: Transport,
    program: Option<Program>,
}

impl Peer {
    /// Mosquitto's own listener: no relay at all.
    pub(crate) fn native(websocket_port: u16) -> Self {
        Self {
            name: "mosquitto (native)",
            port: websocket_port,
            transport: MQTT,
            program: None,
        }
    }

    /// Mosquitto's listener for MQTT over TCP, which relays that speak WebSocket themselves dial: what no relay in front of it can go beyond.
    pub(crate) fn native_tcp(tcp_port: u16) -> Self {
        Self {
            name: "mosquitto (TCP)",
            port: tcp_port,
            transport: Transport::Tcp,
            program: None,
        }
    }

    /// The relay's process; nothing when there is none.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.program.as_ref().map(Program::pid)
    }

    fn new(
        name: &'static str,
        transport: Transport,
        folder: &Path,
        command: impl FnOnce(u16) -> Result<Command>,
    ) -> Result<Self> {
        let port = free_port()?;
        let log = folder.join(format!("{name}.log"));
        let program = Program::start(&mut command(port)?, &log, port)
            .with_context(|| format!("{name} (see {})", log.display()))?;
        Ok(Self {
            name,
            port,
            transport,
            program: Some(program),
        })
    }

    /// Ours; the path of the binary is in `HEARTH`.
    pub(crate) fn hearth(folder: &Path, broker_port: u16) -> Result<Self> {
        Self::bridge(
            "hearth",
            MQTT,
            folder,
            &format!("mqtt://127.0.0.1:{broker_port}"),
            "",
        )
    }

    /// Ours where the broker is reached by its WebSocket listener.
    pub(crate) fn hearth_by_websocket(folder: &Path, websocket_port: u16) -> Result<Self> {
        let url = format!("ws://127.0.0.1:{websocket_port}/mqtt");
        Self::bridge("hearth (ws broker)", MQTT, folder, &url, "")
    }

    /// Ours where there are users: every packet of both directions is judged.
    pub(crate) fn hearth_with_users(folder: &Path, websocket_port: u16) -> Result<Self> {
        let url = format!("ws://127.0.0.1:{websocket_port}/mqtt");
        let auth = "[access]\ntrusted_proxies = [\"127.0.0.1\"]\n[auth]\nmode = \"proxy\"\ndefault_role = \"operator\"\n";
        Self::bridge("hearth (ws), users", MQTT_OF_USER, folder, &url, auth)
    }

    fn bridge(
        name: &'static str,
        transport: Transport,
        folder: &Path,
        url: &str,
        auth: &str,
    ) -> Result<Self> {
        let binary =
            std::env::var_os("HEARTH").context("HEARTH names no binary; use `cargo xtask bench relay`")?;
        Self::new(name, transport, folder, |port| {
            let config = folder.join(format!("{name}.toml"));
            let text = format!(
                "listen = \"127.0.0.1:{port}\"\n[broker.bench]\nurl = \"{url}\"\n\
                 [relay]\nmax_connections = 20000\nmax_connections_per_address = 20000\nmax_connections_per_user = 20000\n\
                 [http]\nmax_connections = 24000\n{auth}"
            );
            std::fs::write(&config, text)?;
            let mut command = Command::new(binary);
            command.arg("--config").arg(config);
            Ok(command)
        })
    }

    /// Passes TCP through to Mosquitto's WebSocket listener.
    pub(crate) fn haproxy(folder: &Path, websocket_port: u16) -> Result<Self> {
        Self::new("haproxy", MQTT, folder, |port| {
            let config = folder.join("haproxy.cfg");
            let text = format!(
                "global\n  maxconn 9500\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n\
                 frontend browsers\n  bind 127.0.0.1:{port}\n  default_backend broker\n\
                 backend broker\n  server mosquitto 127.0.0.1:{websocket_port}\n"
            );
            std::fs::write(&config, text)?;
            let mut command = Command::new(program("haproxy"));
            command.arg("-db").arg("-f").arg(config);
            Ok(command)
        })
    }

    /// WebSocket to TCP, in Rust.
    pub(crate) fn websocat(folder: &Path, broker_port: u16) -> Result<Self> {
        Self::new("websocat", MQTT, folder, |port| {
            let mut command = Command::new("websocat");
            command.args(["-q", "--binary", "--exit-on-eof", "--server-protocol", "mqtt"]);
            command
                .arg(format!("ws-l:127.0.0.1:{port}"))
                .arg(format!("tcp:127.0.0.1:{broker_port}"));
            Ok(command)
        })
    }

    /// WebSocket to TCP, in Python, a process for each connection; it refuses the subprotocol `mqtt`, so none is offered.
    pub(crate) fn websockify(folder: &Path, broker_port: u16) -> Result<Self> {
        Self::new("websockify", NO_SUBPROTOCOL, folder, |port| {
            let mut command = Command::new("websockify");
            command
                .arg(format!("127.0.0.1:{port}"))
                .arg(format!("127.0.0.1:{broker_port}"));
            Ok(command)
        })
    }
}

/// Debian keeps servers where an ordinary user's `PATH` does not look.
fn program(name: &str) -> PathBuf {
    let system = Path::new("/usr/sbin").join(name);
    if system.is_file() { system } else { name.into() }
}
