//! A real Mosquitto and its command line clients.

use std::fs;
use std::io::{Seek, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::process::{Process, free_port};
use crate::wait::until;

/// The user whom a broker with a password knows.
pub const USER: &str = "anna";
/// Her password.
pub const PASSWORD: &str = "correct horse";

/// A Mosquitto with a TCP and a WebSocket listener on ports of its own.
pub struct Mosquitto {
    folder: TempDir,
    process: Option<Process>,
    /// The port of the TCP listener.
    pub port: u16,
    /// The port of the WebSocket listener.
    pub websocket_port: u16,
    password: bool,
}

impl Mosquitto {
    /// A broker that lets everybody in.
    pub fn open() -> Result<Self> {
        Self::start(false, "")
    }

    /// A broker that lets only [`USER`] with [`PASSWORD`] in.
    pub fn with_password() -> Result<Self> {
        Self::start(true, "")
    }

    /// The same with more lines for its configuration.
    pub fn with_password_and(settings: &str) -> Result<Self> {
        Self::start(true, settings)
    }

    fn start(password: bool, settings: &str) -> Result<Self> {
        let folder = TempDir::new()?;
        let (port, websocket_port) = (free_port()?, free_port()?);
        let mut broker = Self {
            folder,
            process: None,
            port,
            websocket_port,
            password,
        };
        broker.write_configuration(settings)?;
        broker.restart()?;
        Ok(broker)
    }

    fn write_configuration(&self, settings: &str) -> Result<()> {
        let access = if self.password {
            let file = self.folder.path().join("passwords");
            let mut passwd = Command::new("mosquitto_passwd");
            passwd
                .args(["-b", "-c"])
                .arg(&file)
                .args([USER, PASSWORD])
                .env("PATH", path());
            run(passwd)?;
            // Mosquitto gives up root's rights before it reads the file.
            fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
            format!("allow_anonymous false\npassword_file {}\n", file.display())
        } else {
            "allow_anonymous true\n".to_owned()
        };
        fs::set_permissions(
            self.folder.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )?;
        let (port, websocket_port) = (self.port, self.websocket_port);
        let listeners =
            format!("listener {port} 127.0.0.1\nlistener {websocket_port} 127.0.0.1\nprotocol websockets\n");
        Ok(fs::write(
            self.configuration(),
            format!("per_listener_settings false\n{access}{settings}{listeners}"),
        )?)
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("mosquitto.conf")
    }

    /// Ends the broker as a crash would: every connection breaks.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// Starts it (again) on the same ports, and waits until it answers.
    pub fn restart(&mut self) -> Result<()> {
        let mut mosquitto = Command::new("mosquitto");
        mosquitto
            .arg("-v")
            .arg("-c")
            .arg(self.configuration())
            .env("PATH", path());
        let mut process = Process::start("mosquitto", &mut mosquitto)?;
        process.wait_for_line("its start", |line| line.contains("running").then_some(()))?;
        self.process = Some(process);
        for port in [self.port, self.websocket_port] {
            until("a listener", || {
                Ok(Some(TcpStream::connect((Ipv4Addr::LOCALHOST, port))?))
            })?;
        }
        Ok(())
    }

    /// The lines of its log.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.process
            .as_ref()
            .map(|process| process.output().lines())
            .unwrap_or_default()
    }

    /// A client of the command line for this broker.
    #[must_use]
    pub fn client(&self) -> Client {
        Client {
            port: self.port,
            credentials: self.password.then_some((USER, PASSWORD)),
        }
    }

    /// The address for a page that speaks to the broker directly.
    #[must_use]
    pub fn websocket_url(&self) -> String {
        format!("ws://127.0.0.1:{}/mqtt", self.websocket_port)
    }
}

/// `mosquitto_pub` and `mosquitto_sub` for a broker on this machine.
#[derive(Clone, Copy)]
pub struct Client {
    /// The broker's TCP port.
    pub port: u16,
    /// User name and password.
    pub credentials: Option<(&'static str, &'static str)>,
}

impl Client {
    /// Publishes with `mosquitto_pub`; `options` are its own, such as `-r` or `-q 2`.
    pub fn publish(&self, topic: &str, payload: &[u8], options: &[&str]) -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), payload)?;
        let mut publish = Command::new("mosquitto_pub");
        self.address(&mut publish);
        publish.args(["-t", topic]).args(options);
        // An empty file is refused; `-n` says it.
        match payload {
            [] => publish.arg("-n"),
            _ => publish.arg("-f").arg(file.path()),
        };
        run(publish)
    }

    /// Publishes the numbers from 1 to `count`, one message each, while the test goes on.
    pub fn publish_lines(&self, topic: &str, count: usize, qos: u8) -> Result<Publisher> {
        let mut lines = tempfile::tempfile()?;
        for n in 1..=count {
            writeln!(lines, "{n}")?;
        }
        lines.rewind()?;
        let mut publish = Command::new("mosquitto_pub");
        self.address(&mut publish);
        publish
            .args(["-l", "-t", topic, "-q", &qos.to_string()])
            .stdin(lines)
            .stdout(Stdio::null());
        Ok(Publisher(publish.spawn()?))
    }

    /// Subscribes with `mosquitto_sub`, and returns once the broker has granted it.
    pub fn subscribe(&self, filter: &str, qos: u8) -> Result<Subscriber> {
        self.subscribe_as(filter, qos, "%p")
    }

    /// The same, with payloads in hexadecimal: some are bytes.
    pub fn subscribe_in_hex(&self, filter: &str, qos: u8) -> Result<Subscriber> {
        self.subscribe_as(filter, qos, "%x")
    }

    fn subscribe_as(&self, filter: &str, qos: u8, payload: &str) -> Result<Subscriber> {
        // Line by line, or what it says would wait in a buffer.
        let mut subscribe = Command::new("stdbuf");
        subscribe.args(["-oL", "mosquitto_sub"]);
        self.address(&mut subscribe);
        subscribe.args(["-V", "5", "-d", "-t", filter, "-q", &qos.to_string()]);
        // Mosquitto 2.0.11 sends more at once than mosquitto_sub's own Receive Maximum (20) allows, which then hangs up.
        subscribe.args(["-D", "connect", "receive-maximum", "65535"]);
        subscribe.args(["-F", &format!("got %q %r %t {payload}")]);
        let mut process = Process::start("mosquitto_sub", &mut subscribe)?;
        process.wait_for_line("a granted subscription", |line| {
            line.contains("Subscribed (").then_some(())
        })?;
        Ok(Subscriber { process })
    }

    fn address(&self, command: &mut Command) {
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        if let Some((user, password)) = self.credentials {
            command.args(["-u", user, "-P", password]);
        }
    }
}

/// A running `mosquitto_pub`.
pub struct Publisher(Child);

impl Publisher {
    /// Waits until it has sent everything.
    pub fn wait(&mut self) -> Result<()> {
        let status = self.0.wait()?;
        ensure!(status.success(), "mosquitto_pub failed: {status}");
        Ok(())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // It is over already when all went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running `mosquitto_sub`.
pub struct Subscriber {
    process: Process,
}

impl Subscriber {
    /// Waits for a message, as `QoS retain topic payload`, such as `2 0 home/lamp ON`.
    pub fn wait_for(&mut self, message: &str) -> Result<()> {
        let wanted = format!("got {message}");
        self.process
            .wait_for_line(&format!("the message `{message}`"), |line| {
                (line == wanted).then_some(())
            })
    }

    /// The messages so far, in the same form.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        self.process
            .output()
            .lines()
            .iter()
            .filter_map(|line| Some(line.strip_prefix("got ")?.to_owned()))
            .collect()
    }
}

/// A `PATH` with the folders where Debian keeps servers and an ordinary user does not look.
#[must_use]
pub fn path() -> String {
    format!(
        "{}:/usr/sbin:/usr/local/sbin",
        std::env::var("PATH").unwrap_or_default()
    )
}

/// The version of the Mosquitto on this machine, such as `2.0.11`.
///
/// # Errors
/// It does not start, or does not say.
pub fn version() -> Result<String> {
    let help = Command::new("mosquitto").arg("-h").env("PATH", path()).output()?;
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    let (_, version) = text
        .split_once("mosquitto version ")
        .context("it names no version")?;
    Ok(version.split_whitespace().next().unwrap_or_default().to_owned())
}

fn run(mut command: Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
