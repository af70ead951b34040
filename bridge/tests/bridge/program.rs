//! A `hearth` of one's own, as people start it: with a file, a log and signals.

use std::{fs, net::SocketAddr, process::Stdio, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Program {
    process: Child,
    log: BufReader<ChildStderr>,
    _folder: TempDir,
}

impl Program {
    /// Returns as soon as the process runs.
    pub(crate) fn spawn(settings: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("hearth.toml");
        fs::write(&file, settings).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_hearth"))
            .arg("--config")
            .arg(&file)
            .env_clear()
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        Self {
            process,
            log,
            _folder: folder,
        }
    }

    /// Starts it on a free port, and returns when it listens.
    pub(crate) async fn start(settings: &str) -> (Self, SocketAddr) {
        let mut program = Self::spawn(&format!("listen = \"127.0.0.1:0\"\n{settings}"));
        let listening = program.line_with("listening on http://").await;
        let (_, address) = listening.trim_end().rsplit_once('/').unwrap();
        let address = address.parse().unwrap();
        (program, address)
    }

    /// The next line of the log with this in it.
    pub(crate) async fn line_with(&mut self, part: &str) -> String {
        let found = async {
            loop {
                let mut line = String::new();
                assert_ne!(
                    self.log.read_line(&mut line).await.unwrap(),
                    0,
                    "the log has ended without {part}"
                );
                if line.contains(part) {
                    return line;
                }
            }
        };
        timeout(DEADLINE, found).await.expect(part)
    }

    /// Sends `TERM`, `INT` or `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let Some(pid) = self.process.id() else { return };
        // Gone already, it fails.
        let _sent = std::process::Command::new("sh")
            .args(["-c", &format!("kill -{name} {pid}")])
            .status()
            .unwrap();
    }

    /// Sends a signal again and again, as somebody without patience does, until the process has ended.
    pub(crate) async fn insist(&mut self, name: &str) {
        let insisting = async {
            while self.process.try_wait().unwrap().is_none() {
                self.signal(name);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(DEADLINE, insisting).await.expect("it ends");
    }

    /// The exit code, and the rest of the log.
    pub(crate) async fn ended(mut self) -> (Option<i32>, String) {
        let status = timeout(DEADLINE, self.process.wait()).await.expect("it ends");
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).await.unwrap();
        (status.unwrap().code(), rest)
    }

    /// Kills it; the rest of the log.
    pub(crate) async fn kill(mut self) -> String {
        self.process.start_kill().unwrap();
        self.ended().await.1
    }
}
