//! A real Mosquitto on a free port.

use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

pub(crate) struct Mosquitto {
    process: Child,
    addresses: Vec<SocketAddr>,
    _folder: TempDir,
}

impl Mosquitto {
    /// Starts one that lets everybody in.
    pub(crate) fn start() -> Self {
        Self::with("allow_anonymous true")
    }

    /// Starts one with more lines in the settings of its listener.
    pub(crate) fn with(settings: &str) -> Self {
        Self::with_listeners("", &[settings])
    }

    /// Starts one with a listener for each of these settings, and lines in front of them.
    pub(crate) fn with_listeners(global: &str, listeners: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("mosquitto.conf");
        let program = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
            .into_iter()
            .find(|path| Path::new(path).exists());
        // A free port may be taken by another test before Mosquitto has it.
        for _try in 0..5 {
            let free: Vec<TcpListener> = listeners
                .iter()
                .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
                .collect();
            let addresses: Vec<SocketAddr> = free.iter().map(|port| port.local_addr().unwrap()).collect();
            drop(free);
            let mut text = format!("{global}\nset_tcp_nodelay true\nlog_dest stderr\n");
            for (address, settings) in addresses.iter().zip(listeners) {
                text.push_str(&format!("listener {} 127.0.0.1\n{settings}\n", address.port()));
            }
            std::fs::write(&file, text).unwrap();
            let mut process = Command::new(program.unwrap_or("mosquitto"))
                .arg("-c")
                .arg(&file)
                .stderr(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .expect("Mosquitto is installed");
            let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
            if log.any(|line| line.is_ok_and(|line| line.ends_with(" running"))) {
                // Its log must go on flowing.
                std::thread::spawn(move || log.for_each(drop));
                return Self {
                    process,
                    addresses,
                    _folder: folder,
                };
            }
            process.wait().unwrap();
        }
        panic!("Mosquitto does not start");
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address_of(0)
    }

    /// Of the listener with that place in the list.
    pub(crate) fn address_of(&self, listener: usize) -> SocketAddr {
        self.addresses[listener]
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}
