//! `cargo xtask bench relay`: the bridge's relay against others in front of one Mosquitto.

use std::{ffi::OsString, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{
    apt,
    bench::{bench_cargo, bench_target_folder},
    process::{cargo, show, step, target_dir},
    tools::{on_path, path_with},
};

/// The websocat that is compared with.
const WEBSOCAT: &str = "1.14.1";

pub(crate) fn relay(args: &[String]) -> Result<()> {
    apt::ensure_programs(
        &[
            ("mosquitto", "mosquitto"),
            ("haproxy", "haproxy"),
            ("websockify", "websockify"),
        ],
        &[],
    )?;
    let path = with_websocat()?;
    show(cargo().args(["build", "--release", "--package", "hearth"]))?;
    let hearth = target_dir().join("release").join("hearth");
    show(bench_cargo().args(["build", "--release", "--package", "hearth-bench-relay"]))?;
    let bench: PathBuf = bench_target_folder()?.join("release").join("hearth-bench-relay");
    show(
        Command::new(bench)
            .env("PATH", path)
            .env(
                "HEARTH",
                std::path::absolute(hearth).context("the bridge's binary")?,
            )
            .args(args),
    )
}

/// A `PATH` with websocat on it.
fn with_websocat() -> Result<OsString> {
    let tools = target_dir().join("tools");
    let bin = tools.join("bin");
    if !on_path("websocat") && !bin.join("websocat").is_file() {
        let mut install = cargo();
        install.args(["install", "--locked", "--no-default-features", "--root"]);
        install.arg(&tools).arg(format!("websocat@{WEBSOCAT}"));
        install.env_remove("CARGO_TARGET_DIR");
        let what = format!("Installing websocat {WEBSOCAT} under target/tools (about 2 minutes, once)");
        step(&what, "install-websocat", &mut install)?;
    }
    path_with(&bin)
}
