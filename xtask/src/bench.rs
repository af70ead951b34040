//! `cargo xtask bench …`: measurements against other projects' code.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    bench_relay, bench_ui,
    process::{root, show},
};

pub(crate) fn bench(args: &[String]) -> Result<()> {
    let (what, rest) = match args.split_first() {
        Some((what, rest)) => (what.as_str(), rest),
        None => ("", args),
    };
    match what {
        "codec" => codec(rest),
        "relay" => bench_relay::relay(rest),
        "engine" | "ui" | "soak" | "hidden" => bench_ui::ui(what, rest),
        unknown => bail!("there is no bench `{unknown}`; there are: codec, relay, engine, ui, soak, hidden"),
    }
}

/// Native first, then wasm in Node; `wasm` as the first argument leaves out the former.
fn codec(args: &[String]) -> Result<()> {
    if let Some(("wasm", rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return wasm(rest);
    }
    show(bench_cargo().args(["run", "--release", "--"]).args(args))?;
    // A workload or instructions were asked for: that is all.
    if args.len() > 1 || args.first().is_some_and(|first| first == "instructions") {
        return Ok(());
    }
    wasm(args)
}

/// A workspace of its own: the peers stay out of everybody's builds.
pub(crate) fn bench_cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(bench_folder());
    command
}

fn bench_folder() -> PathBuf {
    root().join("bench")
}

/// The codec as the page runs it, against the codecs of JavaScript, which npm brings.
fn wasm(args: &[String]) -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    // The page's.
    const PROFILE: &str = "wasm-release";
    let build = [
        "build",
        "--profile",
        PROFILE,
        "--package",
        "hearth-bench-wasm",
        "--target",
        TARGET,
    ];
    show(bench_cargo().args(build))?;
    let target = bench_target_folder()?;
    let node = target.join("node");
    std::fs::create_dir_all(&node).with_context(|| format!("cannot make {}", node.display()))?;
    let packages = ["mqtt@5", "mqtt-packet@9"];
    show(
        Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--prefix"])
            .arg(&node)
            .args(packages),
    )?;
    let module = target.join(TARGET).join(PROFILE).join("hearth_bench_wasm.wasm");
    show(
        Command::new("node")
            .arg(bench_folder().join("wasm").join("run.cjs"))
            .arg(module)
            .arg(node.join("node_modules"))
            .args(args),
    )
}

/// Where cargo builds the benches.
pub(crate) fn bench_target_folder() -> Result<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => Ok(std::path::absolute(Path::new(&folder))?),
        None => Ok(bench_folder().join("target")),
    }
}
