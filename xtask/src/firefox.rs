//! Firefox, for the end-to-end tests that ask nothing of a browser but what the WebDriver protocol has.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{apt, tools};

/// Tests that ask for what only Chromium's driver has: keys, tasks and times that are measured, files that are kept, pages that are
/// hidden, scripts in every page.
const CHROMIUM_ONLY: [&str; 6] = [
    "accessibility::axe",
    "announced::",
    "explorer::the_menu_of_a_row",
    "figures::the_first_value",
    "load::a_hidden_page",
    "recordings::a_hundred_thousand",
];

/// What `cargo xtask test` runs in Firefox too: each of the page's connections, its two threads, its storage, and what is drawn.
pub(crate) const IN_BOTH: [&str; 8] = [
    "behind_the_bridge::",
    "charts::",
    "direct::",
    "explorer::",
    "formats::",
    "publishing::",
    "reload::",
    "start_up::",
];

/// Installs Firefox and its driver if they are missing, and tells `tests` to run in it.
///
/// # Errors
/// Why they cannot.
pub(crate) fn prepare(tests: &mut Command) -> Result<()> {
    apt::offer_firefox()?;
    ensure!(
        tools::on_path("firefox-esr") || tools::on_path("firefox"),
        "firefox-esr is not installed"
    );
    let path = tools::with_geckodriver().context("its driver")?;
    tests.env("PATH", path).env("E2E_BROWSER", "firefox");
    for name in CHROMIUM_ONLY {
        tests.args(["--skip", name]);
    }
    Ok(())
}
