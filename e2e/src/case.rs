//! One test in one fresh browser: what it leaves behind when it fails, and what no test may leave on the console.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::browser::{Browser, Screen};
use crate::page::Page;

/// Runs a test in a fresh browser with a screen of this size.
///
/// When it fails, a picture of the page and its console are kept in the folder that `E2E_OUT` names. A panic on the console
/// fails every test.
///
/// # Errors
/// What the test failed with.
pub fn case(name: &str, screen: Screen, test: impl FnOnce(&Page) -> Result<()>) -> Result<()> {
    let page = Page::new(Browser::start(screen, false)?);
    let outcome = test(&page);
    let console: Vec<String> = page
        .browser()
        .console()
        .unwrap_or_default()
        .into_iter()
        .map(|line| format!("{} {}", line.level, line.message))
        .collect();
    let outcome = outcome.and_then(|()| no_panic(&console));
    if outcome.is_err() {
        let kept = keep(name, &page, &console).unwrap_or_else(|error| format!("no picture: {error:#}"));
        return outcome.with_context(|| format!("{name} ({kept})"));
    }
    Ok(())
}

fn no_panic(console: &[String]) -> Result<()> {
    match console
        .iter()
        .find(|line| line.contains("panicked at") || line.contains("RuntimeError"))
    {
        Some(line) => bail!("the page panicked: {line}"),
        None => Ok(()),
    }
}

fn keep(name: &str, page: &Page, console: &[String]) -> Result<String> {
    let folder = std::env::var_os("E2E_OUT").map_or_else(std::env::temp_dir, PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    let picture = folder.join(format!("{name}.png"));
    std::fs::write(&picture, page.browser().screenshot()?)?;
    std::fs::write(folder.join(format!("{name}.console.txt")), console.join("\n"))?;
    Ok(format!("see {}", picture.display()))
}
