//! What Firefox does in another way than Chromium.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::Browser;
use crate::wait::until;

impl Browser {
    /// Gives the page this many CSS pixels; the window is as much larger as its frame is. Firefox has no window narrower than 450.
    pub(super) fn set_window(&self, width: u32, height: u32) -> Result<()> {
        let size = |width: u32, height: u32| {
            self.session
                .send("window/rect", &json!({"width": width, "height": height}))
        };
        size(width, height)?;
        let (inner_width, inner_height): (u32, u32) =
            self.session.script("return [innerWidth, innerHeight]", &[])?;
        size(
            2 * width - width.min(inner_width),
            2 * height - height.min(inner_height),
        )
        .map(drop)
    }

    /// Opens an address and waits until the page before it is gone, which Firefox does not where the address has a fragment.
    pub(super) fn leave_for(&self, url: &str, open: impl FnOnce() -> Result<()>) -> Result<()> {
        let mark = "window.left = true; return location.href";
        let before: String = self.session.script(mark, &[])?;
        open()?;
        let document = |url: &str| url.split('#').next().unwrap_or_default().to_owned();
        if document(&before) == document(url) {
            return Ok(());
        }
        until("another page", || {
            let there = "return !window.left && document.readyState === 'complete'";
            Ok(self.session.script::<bool>(there, &[])?.then_some(()))
        })
    }

    /// What is on the screen, as PNG.
    pub(super) fn picture(&self) -> Result<Vec<u8>> {
        let data = self.session.get("screenshot")?;
        Ok(STANDARD.decode(data.as_str().context("the screenshot has no data")?)?)
    }
}
