//! The end-to-end tests and the screenshots: the crate `e2e`, told where to find what it tests.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::page::{self, Build};
use crate::process::{cargo, show, target_dir};
use crate::{apt, peers, run};

pub(crate) fn e2e(names: &[String]) -> Result<()> {
    apt::ensure()?;
    run::build_bridge()?;
    let dist = page::build(Build::Release)?;
    page::precompress(&dist)?;
    let mut tests = command(&dist, names);
    for missing in peers::prepare(&mut tests) {
        println!("not tested: {missing}");
    }
    show(&mut tests)
}

/// The command that runs the end-to-end tests whose names contain one of `names` (all, if there are none).
pub(crate) fn command(dist: &Path, names: &[String]) -> Command {
    let mut tests = cargo();
    tests
        .args(["test", "--package", "e2e", "--test", "e2e", "--"])
        .args(names);
    // A browser for each of two cores; the figures that tests print belong to what people want to see.
    tests.args(["--test-threads", "2", "--nocapture"]);
    tell(&mut tests, dist);
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
    command
        .env("E2E_PAGE", dist)
        .env("E2E_BRIDGE", target_dir().join("debug").join("hearth"));
    command.env("E2E_OUT", target_dir().join("e2e"));
    // What went wrong says enough; the stacks of the test harness do not.
    command.env("RUST_LIB_BACKTRACE", "0");
}
