//! `cargo xtask dist`: what is handed out.

use anyhow::Result;

use crate::page::{self, Build};
use crate::process::{cargo, step, target_dir};

pub(crate) fn dist() -> Result<()> {
    let dist = page::build(Build::Release)?;
    page::precompress(&dist)?;
    let mut build = cargo();
    build.args(["build", "--release", "--package", "hearth", "--features", "embed"]);
    step(
        "Building the bridge for release, with the page inside (about 8 minutes)",
        "dist",
        &mut build,
    )?;
    println!(
        "\nThe page:   {}\nThe bridge: {}",
        dist.display(),
        target_dir().join("release/hearth").display()
    );
    Ok(())
}
