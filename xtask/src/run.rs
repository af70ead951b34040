//! `cargo xtask run`: a working home with one command.

use std::io::BufRead;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};

use crate::page::{self, Build};
use crate::process::{self, Running, cargo, step, target_dir};

/// Where `hearth` listens unless told otherwise.
const DEFAULT_LISTEN: &str = "127.0.0.1:9001";
/// Where its broker listens unless told otherwise.
const DEFAULT_BROKER_LISTEN: &str = "127.0.0.1:1883";

pub(crate) fn run(args: &[String]) -> Result<()> {
    // Told now, not after minutes of building.
    refuse_taken_port(args, "--listen", DEFAULT_LISTEN)?;
    refuse_taken_port(args, "--broker-listen", DEFAULT_BROKER_LISTEN)?;
    let (bridge, dist) = thread::scope(|scope| {
        // Side by side: each has stretches in which it can use one core only.
        let bridge = scope.spawn(build_bridge);
        let dist = page::build(Build::Development);
        let bridge = bridge
            .join()
            .unwrap_or_else(|_| Err(anyhow!("the build of the bridge ended unexpectedly")));
        (bridge, dist)
    });
    bridge?;
    start(&dist?, args)
}

/// Builds the bridge for development, as the tests do.
pub(crate) fn build_bridge() -> Result<()> {
    let mut build = cargo();
    build.args(["build", "--package", "hearth"]);
    step(
        "Building the bridge (about 3 minutes the first time)",
        "bridge",
        &mut build,
    )
}

/// Starts the bridge, passes on what it says, and prints the address to open once it listens.
fn start(dist: &Path, args: &[String]) -> Result<()> {
    let mut hearth = Command::new(target_dir().join("debug").join("hearth"));
    hearth.current_dir(process::root());
    // With a configuration of one's own, only the page is ours.
    if value_of(args, "--config").is_none() && !args.iter().any(|arg| arg == "--demo") {
        hearth.arg("--demo");
    }
    if value_of(args, "--dist").is_none() {
        hearth.arg("--dist").arg(dist);
    }
    hearth.args(args).stderr(Stdio::piped());
    let mut running = Running::start(&mut hearth)?;
    let log = running.take_stderr()?;
    for line in log.lines() {
        let line = line.context("the bridge's log is not text")?;
        eprintln!("{line}");
        if let Some(address) = listening_address(&line) {
            println!("\n  Hearth is ready: open http://{address}/ in a browser. Ctrl-C ends it.\n");
        }
    }
    let status = running.wait()?;
    if !status.success() && !process::interrupted() {
        bail!("the bridge ended ({status})");
    }
    Ok(())
}

/// The value of `--name VALUE` or `--name=VALUE`.
fn value_of<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == name {
            return args.next().map(String::as_str);
        }
        if let Some(value) = arg.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value);
        }
    }
    None
}

fn refuse_taken_port(args: &[String], flag: &str, default: &str) -> Result<()> {
    let listen = match (value_of(args, flag), value_of(args, "--config")) {
        (Some(listen), _) => listen,
        // The file may name another, and the bridge says what is wrong with that.
        (None, Some(_)) => return Ok(()),
        (None, None) => default,
    };
    let addresses: Vec<SocketAddr> = listen
        .to_socket_addrs()
        .with_context(|| format!("`{listen}` is not an address to listen on; write it like {default}"))?
        .collect();
    let Err(error) = TcpListener::bind(addresses.as_slice()) else {
        return Ok(());
    };
    let port = addresses.first().map_or(0, SocketAddr::port);
    Err(anyhow!(error)).with_context(|| {
        let other = port.saturating_add(1);
        format!("cannot listen on {listen}; choose another address: cargo xtask run {flag} 127.0.0.1:{other}")
    })
}

/// The address in the line that says that the bridge is ready.
pub(crate) fn listening_address(line: &str) -> Option<SocketAddr> {
    let plain = without_colours(line);
    let (_, address) = plain.split_once("listening on http://")?;
    address.trim_end_matches('/').parse().ok()
}

fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // An escape sequence ends with a letter.
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{listening_address, refuse_taken_port, value_of};

    #[test]
    fn the_address_is_read_from_a_coloured_log_line() {
        let line = "2026-01-01T00:00:00Z \u{1b}[32m INFO\u{1b}[0m hearth: listening on http://127.0.0.1:9001";
        assert_eq!(
            listening_address(line)
                .map(|address| address.to_string())
                .as_deref(),
            Some("127.0.0.1:9001")
        );
    }

    #[test]
    fn the_broker_s_address_is_not_the_one_to_open() {
        assert_eq!(
            listening_address("INFO embedded broker listening address=127.0.0.1:1883"),
            None
        );
    }

    #[test]
    fn a_taken_port_is_refused_with_the_flag_that_helps() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let args = ["--listen".to_owned(), taken.local_addr().unwrap().to_string()];
        let error = refuse_taken_port(&args, "--listen", "127.0.0.1:0").unwrap_err();
        assert!(
            format!("{error:#}").contains("cargo xtask run --listen 127.0.0.1:"),
            "{error:#}"
        );
    }

    #[test]
    fn a_configuration_may_name_another_port() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let args = ["--config".to_owned(), "hearth.toml".to_owned()];
        let default = taken.local_addr().unwrap().to_string();
        assert!(refuse_taken_port(&args, "--listen", &default).is_ok());
        assert!(refuse_taken_port(&[], "--listen", &default).is_err());
    }

    #[test]
    fn an_option_is_found_in_both_spellings() {
        let args = ["--demo", "--listen=1", "--config", "x"].map(str::to_owned);
        assert_eq!(value_of(&args, "--listen"), Some("1"));
        assert_eq!(value_of(&args, "--config"), Some("x"));
        assert_eq!(value_of(&args, "--dist"), None);
    }
}
