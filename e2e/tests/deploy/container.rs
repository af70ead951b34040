//! `deploy/container`: the file, and the root that its image has.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use e2e::process::{Process, free_port};
use tempfile::TempDir;

use crate::configuration;

const FILE: &str = "deploy/container/Containerfile";

/// The instructions, each on one line, without comments.
fn instructions() -> Result<Vec<(String, String)>> {
    let text: Vec<String> = crate::read(FILE)?
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .map(str::to_owned)
        .collect();
    let text = text.join("\n").replace("\\\n", " ");
    let instructions = text.lines().filter_map(|line| line.split_once(' '));
    Ok(instructions
        .map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()))
        .collect())
}

#[test]
fn the_container_file_builds_with_the_compiler_of_the_project() -> Result<()> {
    let toolchain = crate::read("rust-toolchain.toml")?;
    let version = toolchain
        .split('"')
        .nth(1)
        .context("a version in rust-toolchain.toml")?;
    let from: Vec<String> = instructions()?
        .into_iter()
        .filter(|(name, _)| name == "FROM")
        .map(|(_, image)| image)
        .collect();
    ensure!(
        from == [
            format!("rust:{version}-slim-trixie AS builder"),
            "scratch".to_owned()
        ],
        "{from:?}"
    );
    let label = format!(
        "org.opencontainers.image.version=\"{}\"",
        env!("CARGO_PKG_VERSION")
    );
    ensure!(crate::read(FILE)?.contains(&label), "the label is not {label}");
    Ok(())
}

#[test]
fn the_container_file_copies_what_there_is_and_runs_without_root() -> Result<()> {
    let instructions = instructions()?;
    let copied = instructions
        .iter()
        .filter(|(name, rest)| name == "COPY" && !rest.contains("--from="));
    for (_, rest) in copied {
        let source = rest
            .split_whitespace()
            .find(|word| !word.starts_with("--"))
            .unwrap_or_default();
        ensure!(crate::file(source).exists(), "{source} does not exist");
    }
    let last = |wanted: &str| {
        let found = instructions.iter().rev().find(|(name, _)| name == wanted);
        found
            .map(|(_, rest)| rest.as_str())
            .with_context(|| format!("no {wanted}"))
    };
    let (user, _) = last("USER")?.split_once(':').context("a user and a group")?;
    ensure!(user.parse::<u32>()? > 0);
    ensure!(last("EXPOSE")? == "9001" && last("VOLUME")? == "[\"/data\"]");
    ensure!(last("ENTRYPOINT")? == "[\"/usr/bin/hearth\"]");
    Ok(())
}

#[test]
fn secrets_and_what_was_built_stay_out_of_images_and_commits() -> Result<()> {
    let for_images = crate::read(".dockerignore")?;
    for name in [
        ".git",
        "**/target",
        "dist",
        "data",
        "hearth-data",
        "deploy/compose/secrets",
    ] {
        ensure!(
            for_images.lines().any(|line| line == name),
            "{name} would be in the image's context"
        );
    }
    let for_commits = crate::read(".gitignore")?;
    ensure!(for_commits.lines().any(|line| line == "/deploy/compose/secrets"));
    Ok(())
}

/// As in the image: this root, that user, a read-only file system but for `/data`, no shell.
#[test]
fn hearth_runs_in_the_root_of_its_image_as_its_user() -> Result<()> {
    let folder = TempDir::new()?;
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let root = folder.path().join("root");
    crate::run(
        Command::new("sh")
            .arg(crate::file("deploy/container/rootfs.sh"))
            .args([&configuration::program()?, &root]),
    )?;
    for shell in ["bin/sh", "usr/bin/sh", "bin/bash"] {
        ensure!(!root.join(shell).exists(), "there is a shell");
    }
    // What every container engine puts in.
    std::fs::write(root.join("etc/hosts"), "127.0.0.1 localhost broker\n")?;
    std::fs::write(root.join("etc/resolv.conf"), "")?;
    let port = free_port()?;
    std::fs::create_dir(root.join("etc/hearth"))?;
    std::fs::write(
        root.join("etc/hearth/hearth.toml"),
        format!(
            "listen = \"127.0.0.1:{port}\"\ndefault_broker = \"other\"\n[broker.embedded]\nlisten = \"127.0.0.1:0\"\nstorage_dir = \"/data/broker\"\n\
             [broker.other]\nurl = \"mqtts://broker:1\"\n"
        ),
    )?;
    let mut hearth = in_root(&root, "65532:65532");
    hearth.args(["/usr/bin/hearth", "--config", "/etc/hearth/hearth.toml"]);
    let mut process = Process::start("hearth", &mut hearth)?;
    process.wait_for_line("the line that says `listening`", configuration::port)?;
    let (status, body) = configuration::get(port, "/readyz")?;
    // The name was found, the certificates were read, and nobody is at port 1.
    ensure!(status == 503 && body.contains("refused"), "{body}");
    let health = |port: u16| {
        let mut question = in_root(&root, "65532:65532");
        let listen = format!("127.0.0.1:{port}");
        crate::run(question.args(["/usr/bin/hearth", "--listen", &listen, "health"]))
    };
    health(port)?;
    process.terminate()?;
    ensure!(health(port).is_err(), "healthy after its end");
    ensure!(root.join("data/broker").is_dir(), "/data was not written");
    Ok(())
}

/// A program in a root of its own: as the user when root starts it, otherwise as root of a name space.
fn in_root(root: &Path, user: &str) -> Command {
    let mut command = Command::new("env");
    command
        .env("PATH", e2e::mosquitto::path())
        .args(["-i", "NO_COLOR=1"]);
    if rustix::process::geteuid().is_root() {
        // What the image's COPY does with --chown.
        let _ = crate::run(Command::new("chown").args(["-R", user]).arg(root.join("data")));
        command.args(["/usr/sbin/chroot", &format!("--userspec={user}")]);
    } else {
        command.args(["/usr/bin/unshare", "--map-root-user", "/usr/sbin/chroot"]);
    }
    command.arg(root);
    command
}
