//! The page under load, in a real Chromium, beside other clients: `cargo xtask bench engine` and `cargo xtask bench ui`.
//!
//! `BENCH_PAGE` names the folder of the built page, `BENCH_MODULES` the folder of npm's modules with the peers.

mod engine;
mod facts;
mod load;
mod peers;
mod probe;
mod soak;
mod statistics;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (what, rest) = match arguments.split_first() {
        Some((what, rest)) => (what.as_str(), rest),
        None => ("", arguments.as_slice()),
    };
    println!("{}", facts::machine());
    match what {
        "engine" => engine::run(rest),
        "ui" => load::run(rest),
        "soak" => soak::soak(rest),
        "hidden" => soak::hidden(rest),
        unknown => bail!("there is no bench `{unknown}`; there are: engine, ui, soak, hidden"),
    }
}

/// The folder that a variable names.
fn folder(name: &str) -> Result<PathBuf> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .with_context(|| format!("{name} is not set: run this with `cargo xtask bench`"))
}

/// The argument at a place as a number.
fn number(arguments: &[String], place: usize, default: u64) -> Result<u64> {
    match arguments.get(place) {
        Some(text) => text.parse().with_context(|| format!("`{text}` is not a number")),
        None => Ok(default),
    }
}

/// The address of our page, told to connect to a server.
fn page_url(page: &str, server: &str, route: &str) -> String {
    let server = e2e::page::percent_encoded(server);
    format!("{page}?url={server}&clean_start=1&keep_alive=10&connect=1#{route}")
}
