//! The brokers that are killed.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    net::{SocketAddr, TcpListener as StdListener},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
};

use hearth_mqtt::{
    Ack, BytesMut, Connack, Framer, Packet, Properties, ProtocolVersion, Publish, ReasonCode, Role,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::{Duration, Instant, sleep},
};

/// Set for the process that is the storing broker: its port, a space, and its file.
const BE_THE_BROKER: &str = "HEARTH_TEST_STORING_BROKER";

pub(super) trait Broker {
    fn address(&self) -> SocketAddr;
    async fn start(&mut self);
    async fn kill(&mut self);
}

/// Client and number, out of a payload.
pub(super) fn parse(payload: &[u8]) -> (usize, u64) {
    let text = std::str::from_utf8(payload).unwrap();
    let (client, number) = text.split_once(' ').unwrap();
    (client.parse().unwrap(), number.parse().unwrap())
}

/// An address that is free now, and most likely for the rest of the test.
fn free_address() -> SocketAddr {
    StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits until `process` takes connections.
async fn is_up(process: &mut Child, address: SocketAddr) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(address).await.is_err() {
        assert!(process.try_wait().unwrap().is_none(), "the broker ended");
        assert!(Instant::now() < deadline, "the broker does not come up");
        sleep(Duration::from_millis(5)).await;
    }
}

/// A broker that writes each message to a file before it acknowledges it, in a process of its own.
pub(super) struct StoringBroker {
    address: SocketAddr,
    file: PathBuf,
    process: Option<Child>,
    _folder: TempDir,
}

impl StoringBroker {
    pub(super) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut broker = Self {
            address: free_address(),
            file: folder.path().join("messages"),
            process: None,
            _folder: folder,
        };
        broker.start().await;
        broker
    }

    /// Everything that was stored, in order; the last line may have been cut by a kill.
    pub(super) fn stored(&self) -> Vec<(usize, u64)> {
        let text = std::fs::read_to_string(&self.file).unwrap();
        let whole = text.rfind('\n').map_or("", |end| text.get(..end).unwrap());
        whole.lines().map(|line| parse(line.as_bytes())).collect()
    }
}

impl Broker for StoringBroker {
    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn start(&mut self) {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::broker::the_storing_broker", "--nocapture"])
            .env(BE_THE_BROKER, format!("{} {}", self.address, self.file.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        is_up(&mut process, self.address).await;
        self.process = Some(process);
    }

    async fn kill(&mut self) {
        self.process.take().unwrap().kill().await.unwrap();
    }
}

/// Is the broker in the process that was started to be one; elsewhere nothing is left to say.
#[tokio::test]
async fn the_storing_broker() {
    let Ok(settings) = std::env::var(BE_THE_BROKER) else {
        return;
    };
    let (address, file) = settings.split_once(' ').unwrap();
    let listener = TcpListener::bind(address).await.unwrap();
    let file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    let file = Arc::new(Mutex::new(file));
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(tcp, Arc::clone(&file)));
    }
}

async fn serve(mut tcp: TcpStream, file: Arc<Mutex<File>>) {
    tcp.set_nodelay(true).unwrap();
    let mut framer = Framer::new(1024 * 1024);
    let mut bytes = BytesMut::new();
    while tcp.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        framer.push(bytes.split().freeze());
        let mut answers = BytesMut::new();
        while let Some(frame) = framer.poll_frame().unwrap() {
            let packet = Packet::decode(ProtocolVersion::V5, Role::Server, frame).unwrap();
            if let Some(answer) = answer(packet, &file) {
                answer.encode(ProtocolVersion::V5, &mut answers).unwrap();
            }
        }
        if tcp.write_all(&answers).await.is_err() {
            return;
        }
    }
}

fn answer(packet: Packet, file: &Mutex<File>) -> Option<Packet> {
    match packet {
        Packet::Connect(connect) => Some(Packet::Connack(Connack {
            // What it has to remember of a client is nothing, so it never forgets.
            session_present: !connect.clean_start,
            reason_code: ReasonCode::SUCCESS,
            properties: Properties::default(),
        })),
        Packet::Publish(publish) => {
            store(&publish, file);
            Some(Packet::Puback(Ack {
                packet_id: publish.packet_id?,
                reason_code: ReasonCode::SUCCESS,
                properties: Properties::default(),
            }))
        }
        Packet::Pingreq => Some(Packet::Pingresp),
        _ => None,
    }
}

/// A whole line by one call: what the system has taken outlives the process.
fn store(publish: &Publish, file: &Mutex<File>) {
    let line = [publish.payload(), b"\n"].concat();
    file.lock().unwrap().write_all(&line).unwrap();
}

/// A Mosquitto that stores everything when it is asked to end.
pub(super) struct TerminatedMosquitto {
    address: SocketAddr,
    settings: PathBuf,
    process: Option<Child>,
    _folder: TempDir,
}

impl TerminatedMosquitto {
    pub(super) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let (address, settings) = (free_address(), folder.path().join("mosquitto.conf"));
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\nlog_dest none\n\
             persistence true\npersistence_location {}/\n",
            address.port(),
            folder.path().display()
        );
        std::fs::write(&settings, text).unwrap();
        // Without a user of its own Mosquitto gives up root and could not write here.
        let text = std::fs::read_to_string(&settings).unwrap();
        std::fs::write(&settings, format!("user {}\n{text}", user())).unwrap();
        let mut broker = Self {
            address,
            settings,
            process: None,
            _folder: folder,
        };
        broker.start().await;
        broker
    }
}

/// Who runs this test.
fn user() -> String {
    let output = std::process::Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Broker for TerminatedMosquitto {
    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn start(&mut self) {
        let program = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"];
        let program = program.into_iter().find(|path| Path::new(path).exists());
        let mut process = Command::new(program.unwrap_or("mosquitto"))
            .arg("-c")
            .arg(&self.settings)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("Mosquitto is installed");
        is_up(&mut process, self.address).await;
        self.process = Some(process);
    }

    async fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        let id = process.id().unwrap().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        assert!(asked.success() && process.wait().await.unwrap().success());
    }
}
