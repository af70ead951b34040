//! The end-to-end tests and the screenshots: the crate `e2e`, told where to find what it tests.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::page::{self, Build};
use crate::process::{cargo, show, target_dir};
use crate::{apt, firefox, peers, run};

/// `[--firefox] [NAME…]`
pub(crate) fn e2e(args: &[String]) -> Result<()> {
    let (options, names): (Vec<_>, Vec<_>) = args.iter().cloned().partition(|arg| arg == "--firefox");
    apt::ensure()?;
    run::build_bridge()?;
    let dist = page::build(Build::Release)?;
    page::precompress(&dist)?;
    let mut tests = command(&dist, &names);
    if !options.is_empty() {
        firefox::prepare(&mut tests)?;
    }
    for missing in peers::prepare(&mut tests) {
        println!("not tested: {missing}");
    }
    show(&mut tests)
}

/// The command that runs the end-to-end tests whose names contain one of `names` (all, if there are none).
pub(crate) fn command(dist: &Path, names: &[impl AsRef<OsStr>]) -> Command {
    let mut tests = cargo();
    tests
        .args(["test", "--package", "e2e", "--test", "e2e", "--"])
        .args(names);
    // A browser for each of two cores; the figures that tests print belong to what people want to see.
    tests.args(["--test-threads", "2", "--nocapture"]);
    tell(&mut tests, dist);
    tests
}

/// The session against real brokers; with `--write` also docs/BROKERS.md.
pub(crate) fn brokers(args: &[String]) -> Result<()> {
    apt::ensure_programs(&apt::BROKERS, &[])?;
    run::build_bridge()?;
    let (write, names): (Vec<_>, Vec<_>) = args.iter().cloned().partition(|arg| arg == "--write");
    let mut tests = broker_command(&names);
    if !write.is_empty() {
        tests.env("E2E_WRITE_REPORT", "1");
    }
    for missing in peers::prepare_brokers(&mut tests) {
        println!("not tested: {missing}");
    }
    show(&mut tests)
}

/// The command that runs the tests against brokers whose names contain `names`.
pub(crate) fn broker_command(names: &[String]) -> Command {
    let mut tests = cargo();
    tests
        .args(["test", "--package", "e2e", "--test", "brokers", "--"])
        .args(names);
    // They wait for brokers most of the time.
    tests.args(["--test-threads", "8"]);
    tell_bridge(&mut tests);
    tests
}

pub(crate) fn shots(args: &[String]) -> Result<()> {
    apt::ensure()?;
    run::build_bridge()?;
    let dist = page::build(Build::Development)?;
    let mut shots = cargo();
    shots
        .args(["run", "--quiet", "--package", "e2e", "--bin", "shots", "--"])
        .args(args);
    tell(&mut shots, &dist);
    show(&mut shots)
}

fn tell(command: &mut Command, dist: &Path) {
    tell_bridge(command);
    command.env("E2E_PAGE", dist);
    command.env("E2E_OUT", target_dir().join("e2e"));
    // What went wrong says enough; the stacks of the test harness do not.
    command.env("RUST_LIB_BACKTRACE", "0");
}

fn tell_bridge(command: &mut Command) {
    command.env("E2E_BRIDGE", target_dir().join("debug").join("hearth"));
}
