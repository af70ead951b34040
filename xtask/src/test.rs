//! `cargo xtask test`: every test there is, and one line at the end that says how it went.

use std::io::BufRead;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, bail};

use crate::page::{self, Build};
use crate::process::{Running, cargo, duration, interrupted, root};
use crate::{apt, deploy_tests, e2e, firefox, peers, tools};

pub(crate) fn test() -> Result<()> {
    let started = Instant::now();
    apt::ensure()?;
    apt::ensure_programs(&apt::DEPLOY, &[])?;
    let mut tally = Tally::default();
    native(&mut tally)?;
    differential(&mut tally)?;
    wasm(&mut tally)?;
    brokers(&mut tally)?;
    deploy(&mut tally)?;
    end_to_end(&mut tally)?;
    println!("\n{} in {}", tally.summary(), duration(started.elapsed()));
    if tally.failed > 0 || interrupted() {
        bail!("some tests failed; their output is above");
    }
    Ok(())
}

/// Cargo for tests whose random cases are the same in each run, so that what passed once fails only by a change. Plain
/// `cargo test` draws new cases each time, and so does a seed given in the environment.
fn cargo_with_a_seed() -> Command {
    const SEED: &str = "PROPTEST_RNG_SEED";
    let mut tests = cargo();
    if std::env::var_os(SEED).is_none() {
        tests.env(SEED, "20251122");
    }
    tests
}

/// Unit, property and documentation tests on this machine.
fn native(tally: &mut Tally) -> Result<()> {
    let mut tests = cargo_with_a_seed();
    tests.args([
        "test",
        "--workspace",
        "--exclude",
        "e2e",
        "--lib",
        "--bins",
        "--tests",
        "--features",
        "xtask/split",
        "--no-fail-fast",
    ]);
    tally.count(&mut tests, Kind::Native)?;
    let mut docs = cargo();
    docs.args([
        "test",
        "--workspace",
        "--exclude",
        "e2e",
        "--doc",
        "--no-fail-fast",
    ]);
    tally.count(&mut docs, Kind::Doc)
}

/// Our codec beside other projects' codecs, over the same bytes. A workspace of its own, as its benches are.
fn differential(tally: &mut Tally) -> Result<()> {
    let mut tests = cargo_with_a_seed();
    tests.current_dir(root().join("bench"));
    tests.args(["test", "--tests", "--no-fail-fast"]);
    tally.count(&mut tests, Kind::Native)
}

/// The protocol where the page runs it, under Node; what only a browser has, in Chromium.
fn wasm(tally: &mut Tally) -> Result<()> {
    let path = tools::ensure()?;
    let mut tests = cargo();
    tests.env("PATH", path);
    // The runner of wasm-bindgen starts this one, with the flags in `web/webdriver.json`.
    tests.env("CHROMEDRIVER", "chromedriver");
    tests.args([
        "test",
        "--package",
        "hearth-mqtt",
        "--package",
        "hearth-web",
        "--tests",
    ]);
    tests.args(["--target", "wasm32-unknown-unknown", "--no-fail-fast"]);
    tally.count(&mut tests, Kind::Wasm)
}

/// The session against real brokers, without a page.
fn brokers(tally: &mut Tally) -> Result<()> {
    // The bridge is there: the tests in `bridge/tests` run it, so Cargo has built it for them.
    let mut tests = e2e::broker_command(&[]);
    tally.missing.extend(peers::prepare_brokers(&mut tests));
    tally.count(&mut tests, Kind::EndToEnd)
}

/// What lies in `deploy/`. The bridge is there: the tests in `bridge/tests` run it, so Cargo has built it for them.
fn deploy(tally: &mut Tally) -> Result<()> {
    let mut tests = deploy_tests::command(&[]);
    tally.missing.extend(deploy_tests::prepare(&mut tests));
    tally.count(&mut tests, Kind::Deploy)
}

/// The whole system: the release page, the bridge, real brokers, a real browser; and what browsers differ in once more in another one.
fn end_to_end(tally: &mut Tally) -> Result<()> {
    let dist = page::build(Build::Release)?;
    page::precompress(&dist)?;
    let mut tests = e2e::command(&dist, &[] as &[&str]);
    tally.missing.extend(peers::prepare(&mut tests));
    tally.count(&mut tests, Kind::EndToEnd)?;
    let mut tests = e2e::command(&dist, &firefox::IN_BOTH);
    match firefox::prepare(&mut tests) {
        Ok(()) => tally.count(&mut tests, Kind::Firefox),
        Err(reason) => {
            tally.missing.push(format!("Firefox ({reason:#})"));
            Ok(())
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Unit and property tests look alike from outside.
    Native,
    Doc,
    Wasm,
    Deploy,
    EndToEnd,
    Firefox,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Native,
        Self::Doc,
        Self::Wasm,
        Self::Deploy,
        Self::EndToEnd,
        Self::Firefox,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Native => "unit and property",
            Self::Doc => "doc",
            Self::Wasm => "wasm",
            Self::Deploy => "deploy",
            Self::EndToEnd => "e2e",
            Self::Firefox => "in Firefox",
        }
    }
}

/// How many tests of each kind passed, and what went wrong.
#[derive(Default)]
struct Tally {
    passed: Vec<Kind>,
    failed: usize,
    /// What could not be tested for want of a program.
    missing: Vec<String>,
}

impl Tally {
    /// Runs a test command, shows its output, and counts its tests.
    fn count(&mut self, command: &mut Command, kind: Kind) -> Result<()> {
        if interrupted() {
            bail!("interrupted");
        }
        let failed_before = self.failed;
        let mut running = Running::start(command.stdout(Stdio::piped()))?;
        for line in running.take_stdout()?.lines() {
            let line = line?;
            println!("{line}");
            match verdict(&line) {
                Some((_, true)) => self.passed.push(kind),
                Some((_, false)) => self.failed += 1,
                None => {}
            }
        }
        let status = running.wait()?;
        if !status.success() && self.failed == failed_before {
            // It did not come as far as a test: it did not compile, or a test ended the process.
            self.failed += 1;
        }
        Ok(())
    }

    /// `test result: ok. unit and property 312, doc 14, wasm 40, deploy 20, e2e 17 passed`.
    fn summary(&self) -> String {
        let kinds: Vec<String> = Kind::ALL
            .iter()
            .map(|kind| {
                format!(
                    "{} {}",
                    kind.name(),
                    self.passed.iter().filter(|passed| *passed == kind).count()
                )
            })
            .collect();
        let verdict = if self.failed == 0 { "ok" } else { "FAILED" };
        let mut text = format!("test result: {verdict}. {} passed", kinds.join(", "));
        if self.failed > 0 {
            text.push_str(&format!("; {} failed", self.failed));
        }
        if !self.missing.is_empty() {
            text.push_str(&format!("; not tested: {}", self.missing.join(", ")));
        }
        text
    }
}

/// `test a::b ... ok` → the name, and whether it passed. `wasm-bindgen-test` writes the same form.
fn verdict(line: &str) -> Option<(&str, bool)> {
    let (name, verdict) = line.trim_start().strip_prefix("test ")?.rsplit_once(" ... ")?;
    match verdict.trim() {
        "ok" => Some((name, true)),
        failed if failed.starts_with("FAILED") || failed.starts_with("FAIL") => Some((name, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Tally, verdict};

    #[test]
    fn a_line_of_a_passed_test_is_recognised() {
        assert_eq!(
            verdict("test topic::filter::tests::a_hash_matches ... ok"),
            Some(("topic::filter::tests::a_hash_matches", true))
        );
    }

    #[test]
    fn a_line_of_a_failed_test_is_recognised() {
        assert_eq!(
            verdict("test bridge::relays ... FAILED"),
            Some(("bridge::relays", false))
        );
    }

    #[test]
    fn the_summary_of_a_run_is_not_a_test() {
        assert_eq!(verdict("test result: ok. 3 passed; 0 failed"), None);
    }

    #[test]
    fn the_summary_counts_by_kind_and_names_what_was_not_tested() {
        let tally = Tally {
            passed: vec![Kind::Native, Kind::Native, Kind::Doc],
            failed: 1,
            missing: vec!["MQTT.js (no npm)".into()],
        };
        assert_eq!(
            tally.summary(),
            "test result: FAILED. unit and property 2, doc 1, wasm 0, deploy 0, e2e 0, in Firefox 0 passed; 1 failed; not tested: MQTT.js (no npm)"
        );
    }
}
