//! The tools that build the page: the wasm target, Trunk and wasm-bindgen, each in exactly the version the project needs.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::process::{self, cargo, root, step, target_dir};

/// The Trunk that the page is known to build with.
const TRUNK: &str = "0.21.14";
/// The driver of Firefox that tests run with.
const GECKODRIVER: &str = "0.37.1";
/// The wasm-opt that is installed when there is none, or only one that is too old.
const BINARYEN: &str = "132.0.0";
/// The minifier of the page's JavaScript.
const ESBUILD: &str = "0.25.12";
/// Older ones cannot read the table instructions that wasm-bindgen writes.
const OLDEST_WASM_OPT: u32 = 116;
const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Makes sure that the page can be built, and returns the `PATH` to build it with.
pub(crate) fn ensure() -> Result<OsString> {
    ensure_wasm_target()?;
    let bin = target_dir().join("tools").join("bin");
    if installed_version(&bin, "trunk").as_deref() != Some(TRUNK) {
        let what = format!("Installing trunk {TRUNK} under target/tools (about 3 minutes, once)");
        let crate_version = format!("trunk@{TRUNK}");
        install(
            &what,
            "trunk",
            &[&crate_version, "--no-default-features", "--features", "rustls"],
        )?;
    }
    let wasm_bindgen = locked_version("wasm-bindgen")?;
    if installed_version(&bin, "wasm-bindgen").as_deref() != Some(&wasm_bindgen) {
        let what =
            format!("Installing wasm-bindgen-cli {wasm_bindgen} under target/tools (about 1 minute, once)");
        install(
            &what,
            "wasm-bindgen",
            &[&format!("wasm-bindgen-cli@{wasm_bindgen}")],
        )?;
    }
    path_with(&bin)
}

/// A `PATH` with a geckodriver on it: Debian has none, crates.io has Mozilla's own.
pub(crate) fn with_geckodriver() -> Result<OsString> {
    let bin = target_dir().join("tools").join("bin");
    if !on_path("geckodriver") && !bin.join("geckodriver").is_file() {
        let what = format!("Installing geckodriver {GECKODRIVER} under target/tools (about 1 minute, once)");
        install(&what, "geckodriver", &[&format!("geckodriver@{GECKODRIVER}")])?;
    }
    path_with(&bin)
}

/// A `path` with a wasm-opt that makes the page smaller, or why there is none.
pub(crate) fn with_wasm_opt(path: &OsStr) -> Result<OsString> {
    if wasm_opt_version(path).is_some_and(|version| version >= OLDEST_WASM_OPT) {
        return Ok(path.to_owned());
    }
    let folder = npm_package("binaryen", BINARYEN)
        .with_context(|| format!("there is no wasm-opt {OLDEST_WASM_OPT} or later on the PATH"))?;
    let bin = folder.join("node_modules/.bin");
    prepend(&bin, path)
}

/// The folder in which npm's esbuild is installed, or why it is not.
pub(crate) fn esbuild() -> Result<PathBuf> {
    npm_package("esbuild", ESBUILD)
}

/// One package of npm for the build; the folder holds its `node_modules`.
fn npm_package(name: &str, version: &str) -> Result<PathBuf> {
    let folder = target_dir().join("tools").join(format!("{name}-{version}"));
    node_modules(&folder, name, name, &[&format!("{name}@{version}")])?;
    Ok(folder)
}

/// Installs packages of npm, unless `proof` is there, and returns the folder of the modules.
pub(crate) fn node_modules(folder: &Path, name: &str, proof: &str, packages: &[&str]) -> Result<PathBuf> {
    let modules = folder.join("node_modules");
    if modules.join(proof).join("package.json").is_file() {
        return Ok(modules);
    }
    if !on_path("npm") {
        anyhow::bail!("npm, which would bring {name}, is not on the PATH");
    }
    std::fs::create_dir_all(folder)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"])
        .arg(folder);
    npm.args(packages);
    let what = format!("Installing {name} under target (about 20 seconds, once)");
    step(&what, &format!("npm-{proof}"), &mut npm)?;
    Ok(modules)
}

/// `wasm-opt version 108 (version_108)` → 108.
fn wasm_opt_version(path: &OsStr) -> Option<u32> {
    let output = Command::new("wasm-opt")
        .env("PATH", path)
        .arg("--version")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .nth(2)?
        .parse()
        .ok()
}

/// Whether `tool` can be found on the `PATH`.
pub(crate) fn on_path(tool: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()))
}

/// Debug builds: they install in half the time and are quick enough for a page of this size.
fn install(what: &str, log: &str, args: &[&str]) -> Result<()> {
    let tools = target_dir().join("tools");
    let mut install = cargo();
    install
        .args(["install", "--locked", "--debug", "--root"])
        .arg(&tools)
        .args(args);
    // Without this Cargo builds in a temporary folder, and need not wait for the bridge that is being built at the same time.
    install.env_remove("CARGO_TARGET_DIR");
    step(what, &format!("install-{log}"), &mut install)
}

fn ensure_wasm_target() -> Result<()> {
    let sysroot = process::capture(
        Command::new("rustc")
            .args(["--print", "sysroot"])
            .current_dir(root()),
    )?;
    if Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(WASM_TARGET)
        .is_dir()
    {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", WASM_TARGET]).current_dir(root());
    step(
        &format!("Adding the Rust target {WASM_TARGET} (about 20 seconds, once)"),
        "wasm-target",
        &mut rustup,
    )
    .with_context(|| {
        format!(
            "the page needs the Rust target {WASM_TARGET}; without rustup, install it the way your Rust came"
        )
    })
}

/// The version a tool under `bin` or on the `PATH` reports: `trunk 0.21.14` → `0.21.14`.
fn installed_version(bin: &Path, tool: &str) -> Option<String> {
    let output = Command::new(tool)
        .env("PATH", path_with(bin).ok()?)
        .arg("--version")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(1).map(str::to_owned)
}

/// `PATH` with our own tools first.
pub(crate) fn path_with(bin: &Path) -> Result<OsString> {
    prepend(bin, &std::env::var_os("PATH").unwrap_or_default())
}

fn prepend(bin: &Path, path: &OsStr) -> Result<OsString> {
    let folders = std::iter::once(PathBuf::from(bin)).chain(std::env::split_paths(path));
    std::env::join_paths(folders).context("a folder on the PATH has a name that cannot stand there")
}

/// The version of a package in `Cargo.lock`.
fn locked_version(package: &str) -> Result<String> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).context("could not read Cargo.lock")?;
    version_in_lock(&lock, package).with_context(|| format!("Cargo.lock does not name {package}"))
}

fn version_in_lock(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    let version = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::version_in_lock;

    const LOCK: &str = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.121\"\n";

    #[test]
    fn a_locked_version_is_found_by_the_whole_name() {
        assert_eq!(version_in_lock(LOCK, "wasm-bindgen").as_deref(), Some("0.2.121"));
    }

    #[test]
    fn a_package_that_is_not_locked_has_no_version() {
        assert_eq!(version_in_lock(LOCK, "trunk"), None);
    }
}
