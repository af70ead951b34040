//! What the page fetches later: the second module of WebAssembly, and for a release the parts of the first. Trunk's hook after each
//! build.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{cargo, root, step, target_dir};
use crate::{page, tools};

/// How `index.html` names the module before it has a hash.
const PLAIN_NAME: &str = "hearth-extras.wasm";

/// Builds the module into the folder that Trunk is filling, and names it in the page there.
pub(crate) fn extras() -> Result<()> {
    let folder = std::env::var_os("TRUNK_STAGING_DIR")
        .map(PathBuf::from)
        .context("Trunk calls this, and says where to (TRUNK_STAGING_DIR)")?;
    let is_release = std::env::var("TRUNK_PROFILE").is_ok_and(|profile| profile == "release");
    let profile = if is_release { "wasm-release" } else { "wasm-dev" };
    let mut build = cargo();
    build.current_dir(root()).args([
        "build",
        "--offline",
        "--package",
        "hearth-extras",
        "--target",
        "wasm32-unknown-unknown",
        "--profile",
        profile,
    ]);
    step("Building what the page fetches later", "extras", &mut build)?;
    let built = target_dir()
        .join("wasm32-unknown-unknown")
        .join(profile)
        .join("hearth_extras.wasm");
    let small = if is_release {
        smaller(&built)?
    } else {
        built.clone()
    };
    let module = fs::read(&small).with_context(|| format!("could not read {}", small.display()))?;
    let mut hasher = DefaultHasher::new();
    module.hash(&mut hasher);
    let name = format!("hearth-extras-{:016x}.wasm", hasher.finish());
    fs::write(folder.join(&name), module)?;
    let index = folder.join("index.html");
    let html = fs::read_to_string(&index).with_context(|| format!("could not read {}", index.display()))?;
    anyhow::ensure!(html.contains(PLAIN_NAME), "index.html does not name {PLAIN_NAME}");
    fs::write(&index, html.replace(PLAIN_NAME, &name))?;
    if std::env::var_os(page::SPLIT).is_some() {
        split(&folder, &built.with_file_name("hearth-page.wasm"))?;
    } else if is_release {
        println!("The page stays in one piece: `cargo xtask dist` splits it.");
    }
    Ok(())
}

/// Makes modules of their own of what a first visit does not need. The linked module says what refers to what.
fn split(page: &Path, linked: &Path) -> Result<()> {
    let mut build = cargo();
    build.current_dir(root()).args([
        "build",
        "--quiet",
        "--package",
        "xtask",
        "--features",
        "split",
        "--bin",
        "split",
    ]);
    step(
        "Building what splits the page (about 20 seconds, once)",
        "split-build",
        &mut build,
    )?;
    let program = target_dir().join("debug").join("split");
    step(
        "Splitting the page",
        "split",
        Command::new(program).arg(page).arg(linked),
    )
}

/// As the page itself: by wasm-opt when it can be had.
fn smaller(built: &Path) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Ok(path) = tools::with_wasm_opt(&path) else {
        return Ok(built.to_owned());
    };
    let small = built.with_extension("small.wasm");
    let mut wasm_opt = Command::new("wasm-opt");
    wasm_opt
        .env("PATH", path)
        .args(["-Oz", "--strip-debug", "--output"]);
    wasm_opt.arg(&small).arg(built);
    step("Making it smaller", "extras-wasm-opt", &mut wasm_opt)?;
    Ok(small)
}
