//! `cargo xtask autobahn`: the cases of the Autobahn test suite against the bridge's WebSocket listener.
//!
//! kosoku runs them: Autobahn's own files, without the Python 2 that their runner needs.

mod adapter;
mod frames;

use std::{
    io::BufRead as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    peers,
    process::{Running, cargo, show, target_dir},
    run::listening_address,
};

/// What is left out: UTF-8 in text messages, which MQTT does not have, and compression, which the bridge does not offer.
const LEFT_OUT: [&str; 3] = ["6.*", "12.*", "13.*"];

/// What the bridge does otherwise: of pings that come at once it answers the newest only, as RFC 6455 (5.5.3) lets it, so that who
/// pings and never reads costs one pong.
const OTHERWISE: [&str; 2] = ["2.10", "2.11"];

pub(crate) fn autobahn() -> Result<()> {
    let kosoku = peers::kosoku()?;
    show(cargo().args(["build", "--package", "hearth"]))?;
    let folder = target_dir().join("autobahn");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let broker = adapter::echo_broker()?;
    let (_bridge, address) = start_bridge(&folder, broker)?;
    let adapter = adapter::start(address)?;
    let mut suite = Command::new("python3");
    suite
        .env("PYTHONPATH", kosoku)
        .args(["-c", "from kosoku._cli import main; main()"]);
    suite.args(LEFT_OUT.iter().flat_map(|cases| ["--exclude", *cases]));
    suite
        .args(["--parallelism", "4", "--outdir"])
        .arg(folder.join("report"));
    let output = suite
        .arg(adapter.to_string())
        .output()
        .context("cannot start python3")?;
    // Which cases failed is on the one, that it came to its end on the other.
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    print!("{said}");
    judge(&said)
}

fn start_bridge(folder: &Path, broker: SocketAddr) -> Result<(Running, SocketAddr)> {
    let config = folder.join("hearth.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\n[broker.echo]\nurl = \"mqtt://{broker}\"\n[relay]\nmax_message_bytes = 67108864\n\
         max_message_frames = 1000000\n"
    );
    std::fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
    let binary: PathBuf = target_dir().join("debug").join("hearth");
    let mut bridge = Running::start(
        Command::new(binary)
            .arg("--config")
            .arg(config)
            .stderr(Stdio::piped()),
    )?;
    let mut lines = bridge.take_stderr()?.lines();
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| listening_address(&line));
    // What it logs later is read, or it would wait for that.
    std::thread::spawn(move || lines.for_each(drop));
    Ok((bridge, address.context("the bridge did not start")?))
}

/// Fails when a case failed that should not, or none was run.
fn judge(said: &str) -> Result<()> {
    let run = said
        .lines()
        .find_map(|line| {
            line.strip_prefix("wrote reports for ")?
                .split(' ')
                .next()?
                .parse::<usize>()
                .ok()
        })
        .context("the suite did not come to its end")?;
    ensure!(run > 100, "only {run} cases were run");
    let failed: Vec<&str> = said
        .lines()
        .filter_map(|line| line.trim_start().split_once(": behavior="))
        .map(|(case, _)| case)
        .collect();
    let wrong: Vec<&str> = failed
        .iter()
        .copied()
        .filter(|case| !OTHERWISE.contains(case))
        .collect();
    if !wrong.is_empty() {
        bail!("{} of {run} cases failed: {}", wrong.len(), wrong.join(", "));
    }
    println!(
        "{run} cases, {} as the suite wants it; otherwise by intent: {}",
        run - failed.len(),
        failed.join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn only_what_is_otherwise_by_intent_may_fail() {
        let end = "wrote reports for 156 cases to target/autobahn/report/";
        assert!(judge(end).is_ok());
        let known = format!("1 of 156 cases failed:\n  2.10: behavior=FAILED, behaviorClose=OK — x\n{end}");
        assert!(judge(&known).is_ok());
        let new = format!("1 of 156 cases failed:\n  5.1: behavior=NON-STRICT, behaviorClose=OK — x\n{end}");
        assert!(judge(&new).unwrap_err().to_string().contains("5.1"));
        assert!(judge("").is_err());
        assert!(judge("wrote reports for 3 cases to x").is_err());
    }
}
