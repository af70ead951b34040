//! Packages that tests need from the system.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::process::step;
use crate::tools::on_path;

/// A program, and the Debian package that brings it.
const NEEDED: [(&str, &str); 7] = [
    ("mosquitto", "mosquitto"),
    ("mosquitto_pub", "mosquitto-clients"),
    ("mosquitto_passwd", "mosquitto"),
    ("haproxy", "haproxy"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("nginx", "nginx-light"),
];

/// The same for the tests of `deploy/`.
pub(crate) const DEPLOY: [(&str, &str); 7] = [
    ("mosquitto", "mosquitto"),
    ("nginx", "nginx-light"),
    ("caddy", "caddy"),
    ("systemd-analyze", "systemd"),
    ("openssl", "openssl"),
    ("strip", "binutils"),
    ("pip3", "python3-pip"),
];

/// The same for the tests against brokers.
pub(crate) const BROKERS: [(&str, &str); 2] = [("mosquitto", "mosquitto"), ("mosquitto_passwd", "mosquitto")];

/// Fonts, so that screenshots show text as people see it.
const FONTS: [&str; 2] = ["fonts-dejavu-core", "fonts-noto-color-emoji"];

/// Installs what the tests need and is missing, or names it and stops.
pub(crate) fn ensure() -> Result<()> {
    ensure_programs(&NEEDED, &FONTS)
}

/// Installs what is missing of `programs`, each with its package; with anything of it `extras` too.
pub(crate) fn ensure_programs(programs: &[(&str, &'static str)], extras: &[&'static str]) -> Result<()> {
    let mut packages: Vec<&str> = programs
        .iter()
        .filter(|(program, _)| !available(program))
        .map(|(_, package)| *package)
        .collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    packages.extend(extras);
    let by_hand = format!(
        "these Debian packages are needed, or the same from elsewhere: {}",
        packages.join(" ")
    );
    let Some(privileged) = privileged_apt() else {
        bail!("{by_hand}")
    };
    install(privileged, &packages)?;
    if let Some((program, _)) = programs.iter().find(|(program, _)| !available(program)) {
        bail!("`{program}` is still missing; {by_hand}");
    }
    Ok(())
}

/// Installs what some brokers need, if we may; without it they are not tested.
pub(crate) fn offer_brokers() -> Result<()> {
    let mut packages = Vec::new();
    if !rabbitmq_is_there() {
        packages.push("rabbitmq-server");
    }
    if !python_can_make_environments() {
        packages.push("python3-venv");
    }
    match privileged_apt() {
        Some(privileged) if !packages.is_empty() => install(privileged, &packages),
        Some(_) | None => Ok(()),
    }
}

/// Installs Firefox, if we may; without it nothing is tested in it.
pub(crate) fn offer_firefox() -> Result<()> {
    if available("firefox-esr") || available("firefox") {
        return Ok(());
    }
    privileged_apt().map_or(Ok(()), |privileged| install(privileged, &["firefox-esr"]))
}

fn install(privileged: fn() -> Command, packages: &[&str]) -> Result<()> {
    let update = "Reading the lists of packages (about 10 seconds)";
    step(update, "apt-update", privileged().arg("update"))?;
    let install = format!("Installing {} (about 2 minutes, once)", packages.join(", "));
    let mut apt = privileged();
    apt.args(["install", "--yes", "--no-install-recommends"])
        .args(packages);
    step(&install, "apt-install", &mut apt)
}

/// The program, or the one that Debian hides behind a wrapper.
pub(crate) fn rabbitmq_is_there() -> bool {
    available("rabbitmq-server") && available("epmd")
}

fn python_can_make_environments() -> bool {
    let mut python = Command::new("python3");
    python.args(["-c", "import ensurepip, venv"]);
    python
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// System programs may lie where an ordinary user's `PATH` does not look.
fn available(program: &str) -> bool {
    on_path(program) || std::path::Path::new("/usr/sbin").join(program).is_file()
}

/// `apt-get` as root, if we may.
fn privileged_apt() -> Option<fn() -> Command> {
    if !on_path("apt-get") {
        return None;
    }
    if rustix::process::geteuid().is_root() {
        return Some(|| apt(Command::new("env")));
    }
    let without_password = Command::new("sudo")
        .args(["-n", "true"])
        .stderr(Stdio::null())
        .status();
    without_password
        .is_ok_and(|status| status.success())
        .then_some(|| {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "env"]);
            apt(sudo)
        })
}

/// The program `env`, perhaps under `sudo`, told to run `apt-get` without questions.
fn apt(mut env: Command) -> Command {
    env.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    env
}
