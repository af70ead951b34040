//! `cargo xtask check`: what must hold before a change lands. Warnings are errors.

use anyhow::Result;

use crate::conformance;
use crate::process::{cargo, show};
use crate::tools;

pub(crate) fn check() -> Result<()> {
    show(cargo().args(["fmt", "--all", "--check"]))?;
    conformance::check()?;
    show(
        cargo()
            .args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--features",
                "xtask/split",
            ])
            .args(["--", "-D", "warnings"]),
    )?;
    let path = tools::ensure()?;
    show(
        cargo()
            .env("PATH", path)
            .args([
                "clippy",
                "--package",
                "hearth-web",
                "--all-targets",
                "--target",
                "wasm32-unknown-unknown",
            ])
            .args(["--", "-D", "warnings"]),
    )?;
    show(cargo().env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ]))
}
