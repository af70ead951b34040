//! `cargo xtask templates`: what Jinja2 makes of the templates that devices send, for the tests of `shared/templates`.

use std::process::Command;

use anyhow::Result;

use crate::peers;
use crate::process::{root, step};

pub(crate) fn templates() -> Result<()> {
    let packages = peers::jinja2()?;
    let tests = root().join("shared/templates/tests");
    let expected = tests.join("expected.json");
    let mut python = Command::new("python3");
    python
        .env("PYTHONPATH", packages)
        .arg(tests.join("jinja.py"))
        .arg(&expected);
    step("Rendering the corpus with Jinja2", "templates", &mut python)?;
    println!("wrote {}", expected.display());
    Ok(())
}
