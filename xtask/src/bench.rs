//! `cargo xtask bench codec`: measurements against other projects' code.

use anyhow::{Result, bail};

use crate::process::{root, show};

pub(crate) fn bench(args: &[String]) -> Result<()> {
    let (what, rest) = match args.split_first() {
        Some((what, rest)) => (what.as_str(), rest),
        None => ("", args),
    };
    match what {
        // A workspace of its own: the peers stay out of everybody's builds.
        "codec" => show(
            std::process::Command::new("cargo")
                .current_dir(root().join("bench"))
                .args(["run", "--release", "--"])
                .args(rest),
        ),
        unknown => bail!("there is no bench `{unknown}`; there is: codec"),
    }
}
