//! `cargo xtask bench engine`, `bench ui`, `bench soak` and `bench hidden`: the page in Chromium, under load.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{
    apt,
    bench::{bench_cargo, bench_target_folder},
    page::{self, Build},
    process::{show, target_dir},
    tools::node_modules,
};

const MQTT_JS: &str = "5.16.0";
const PAHO: &str = "1.1.0";

/// `BENCH_PAGE` in the environment takes the place of a build of the page.
pub(crate) fn ui(what: &str, args: &[String]) -> Result<()> {
    apt::ensure_programs(
        &[("chromium", "chromium"), ("chromedriver", "chromium-driver")],
        &[],
    )?;
    let dist = match std::env::var_os("BENCH_PAGE") {
        Some(folder) => PathBuf::from(folder),
        None => page::build(Build::Release)?,
    };
    let folder = target_dir()
        .join("peers")
        .join(format!("browser-{MQTT_JS}-{PAHO}"));
    let packages = [&*format!("mqtt@{MQTT_JS}"), &*format!("paho-mqtt@{PAHO}")];
    let modules = node_modules(&folder, "MQTT.js and paho", "paho-mqtt", &packages)?;
    show(bench_cargo().args(["build", "--release", "--package", "hearth-bench-ui"]))?;
    let bench = bench_target_folder()?.join("release").join("hearth-bench-ui");
    show(
        Command::new(bench)
            .env("BENCH_PAGE", dist)
            .env("BENCH_MODULES", modules)
            .arg(what)
            .args(args),
    )
}
