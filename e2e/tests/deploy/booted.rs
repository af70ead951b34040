//! The unit under a real systemd, in name spaces of its own. Needs root.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use e2e::process::{Process, free_port};
use e2e::wait::until;
use tempfile::TempDir;

use crate::configuration;

/// A booted systemd with the journal and Hearth.
struct Booted {
    process: Option<Process>,
    cgroup: PathBuf,
}

impl Booted {
    fn start(configuration: &str) -> Result<Self> {
        let folder = TempDir::new()?;
        let file = folder.path().join("hearth.toml");
        std::fs::write(&file, configuration)?;
        let cgroups = crate::run(Command::new("findmnt").args(["-n", "-t", "cgroup2", "-o", "TARGET"]))?;
        let cgroups = cgroups.lines().next().context("no cgroup2")?;
        let cgroup = Path::new(cgroups).join(format!("hearth-test-{}", std::process::id()));
        let mut boot = Command::new("sh");
        boot.arg(crate::file("e2e/tests/deploy/boot.sh"))
            .arg(crate::file("deploy/systemd/install.sh").canonicalize()?)
            .args([&configuration::program()?, &file, &cgroup]);
        let process = Process::start("systemd", &mut boot)?;
        let booted = Self {
            process: Some(process),
            cgroup,
        };
        until("the service", || Ok(booted.hearth().ok())).with_context(|| booted.said())?;
        // The configuration has been copied.
        drop(folder);
        Ok(booted)
    }

    /// The process of the service.
    fn hearth(&self) -> Result<u32> {
        self.first_of("system.slice/hearth.service")
    }

    fn first_of(&self, group: &str) -> Result<u32> {
        let processes = std::fs::read_to_string(self.cgroup.join(group).join("cgroup.procs"))?;
        Ok(processes.lines().next().context("no process")?.parse()?)
    }

    /// Runs a program beside that systemd.
    fn run(&self, arguments: &[&str]) -> Result<String> {
        let systemd = self.first_of("init.scope")?.to_string();
        let mut enter = Command::new("nsenter");
        enter.args(["-t", &systemd, "-m", "-p", "-u", "-i"]);
        crate::run(enter.args(arguments))
    }

    fn said(&self) -> String {
        let journal = self.run(&["journalctl", "--boot", "--no-pager", "--lines", "30"]);
        let printed = self
            .process
            .as_ref()
            .map(|process| process.output().lines().join("\n"));
        format!("{}\n{}", printed.unwrap_or_default(), journal.unwrap_or_default())
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        // The end of its parent ends systemd, and systemd's end that of all others.
        self.process.take();
        let emptied = until("the end of all processes", || {
            crate::run(
                Command::new("find")
                    .arg(&self.cgroup)
                    .args(["-depth", "-type", "d", "-delete"]),
            )?;
            Ok(Some(()))
        });
        if let Err(error) = emptied {
            eprintln!("{} is left: {error:#}", self.cgroup.display());
        }
    }
}

/// `Uid`, `CapEff` and the like.
fn status(process: u32, name: &str) -> Result<String> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    Ok(value.with_context(|| format!("no {name}"))?.trim().to_owned())
}

#[test]
fn hearth_works_under_systemd_with_all_its_restrictions() -> Result<()> {
    let [port, broker] = [free_port()?, free_port()?];
    let booted = Booted::start(&format!(
        "listen = \"127.0.0.1:{port}\"\n[broker.embedded]\nlisten = \"127.0.0.1:{broker}\"\n\
         [broker.other]\nurl = \"mqtts://localhost:1\"\n\
         [broker.other.credentials]\nuser_name = \"hearth\"\n\
         password_file = \"/run/credentials/hearth.service/broker-password\"\n\
         [auth]\nmode = \"users\"\naccounts_file = \"/run/credentials/hearth.service/accounts.toml\"\n"
    ))?;
    let ready = || {
        until("Hearth", || {
            Ok((configuration::get(port, "/readyz")?.0 == 200).then_some(()))
        })
    };
    ready().with_context(|| booted.said())?;

    let process = booted.hearth()?;
    for (name, expected) in [
        ("CapEff", "0000000000000000"),
        ("Seccomp", "2"),
        ("NoNewPrivs", "1"),
    ] {
        let found = status(process, name)?;
        ensure!(found == expected, "{name} is {found}");
    }
    let user = status(process, "Uid")?;
    ensure!(
        !user.split_whitespace().any(|id| id == "0"),
        "it runs as root: {user}"
    );

    // What the embedded broker keeps lies in the folder that systemd made, and is there after a restart.
    let client = e2e::mosquitto::Client {
        port: broker,
        credentials: None,
    };
    client.publish("home/kept", b"21.5", &["-r", "-q", "1"])?;
    booted.run(&["systemctl", "restart", "hearth"])?;
    ready().with_context(|| booted.said())?;
    client.subscribe("home/#", 1)?.wait_for("1 1 home/kept 21.5")?;

    booted.run(&["systemctl", "stop", "hearth"])?;
    ensure!(
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(),
        "it still listens"
    );
    Ok(())
}
