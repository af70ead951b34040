//! Builds the page with Trunk.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::{root, step, target_dir};
use crate::tools;

/// Set while a page is built that will be split: for `web/build.rs`, and for the hook that splits it.
pub(crate) const SPLIT: &str = "HEARTH_SPLIT";

/// How the page is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// Quick to build, quick enough to use (profile `wasm-dev`).
    Development,
    /// Small and fast (profile `wasm-release`), made smaller still by `wasm-opt` when it can be had.
    Release,
}

impl Build {
    /// Cargo's profile, as `Trunk.toml` and `index.html` name it too.
    fn profile(self) -> &'static str {
        match self {
            Self::Development => "wasm-dev",
            Self::Release => "wasm-release",
        }
    }
}

/// Where a build of the page lies.
pub(crate) fn folder(build: Build) -> PathBuf {
    match build {
        Build::Development => target_dir().join("page"),
        Build::Release => root().join("dist"),
    }
}

/// Builds the page and returns its folder.
pub(crate) fn build(build: Build) -> Result<PathBuf> {
    let mut path = tools::ensure()?;
    let dist = folder(build);
    let mut mode = vec!["--cargo-profile", build.profile()];
    let mut is_split = false;
    if build == Build::Release {
        match tools::with_wasm_opt(&path) {
            // Trunk calls wasm-opt in its release mode, and only there.
            Ok(with_wasm_opt) => (path, mode, is_split) = (with_wasm_opt, vec!["--release"], true),
            Err(reason) => println!("The page will be about a fifth larger than it could be: {reason:#}"),
        }
    }
    let what = match build {
        Build::Development => "Building the page (about 1 minute the first time)",
        Build::Release => "Building the page for release (about 3 minutes)",
    };
    let mut trunk = Command::new("trunk");
    // Trunk stops at the usual `NO_COLOR=1`.
    trunk
        .current_dir(root())
        .env("PATH", path)
        .env_remove("NO_COLOR")
        .env_remove("RUST_LOG");
    trunk
        .args([
            "build",
            "--offline",
            "--skip-version-check",
            "--color",
            "never",
            "--dist",
        ])
        .arg(&dist)
        .args(mode);
    if build == Build::Release {
        // Whole names, with the types that functions are made for: by them the page is split (`bin/split`).
        trunk.env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            "-Csymbol-mangling-version=v0",
        );
    }
    if is_split {
        trunk.env(SPLIT, "1");
    }
    step(what, "page", &mut trunk)?;
    if build == Build::Release {
        match tools::esbuild() {
            Ok(esbuild) => minify(&dist, &esbuild)?,
            Err(reason) => println!("The page's JavaScript stays twice as large as it could be: {reason:#}"),
        }
    }
    Ok(dist)
}

/// Trunk's own minifier cannot read what wasm-bindgen writes, and leaves it as it is.
fn minify(dist: &Path, esbuild: &Path) -> Result<()> {
    let script = root().join("xtask/src/minify.mjs");
    let mut node = Command::new("node");
    node.arg(script).arg(dist).arg(esbuild);
    step("Making the page's JavaScript smaller", "minify", &mut node)
}

/// Adds a `.br` and a `.gz` beside every file that is worth it, and prints the table of sizes.
pub(crate) fn precompress(dist: &Path) -> Result<()> {
    let mut cargo = crate::process::cargo();
    cargo.args([
        "build",
        "--quiet",
        "--package",
        "xtask",
        "--features",
        "precompress",
        "--bin",
        "precompress",
    ]);
    step(
        "Building the compressor (about 20 seconds, once)",
        "precompress",
        &mut cargo,
    )?;
    let program = target_dir().join("debug").join("precompress");
    crate::process::show(Command::new(program).arg(dist))
}
