//! A headless browser with a fresh profile and a screen of a given size: Chromium, or Firefox for those tests that ask nothing of it
//! but what the WebDriver protocol has.

mod firefox;
pub mod processes;

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::webdriver::Session;

/// The screens the page is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// 1440 × 900.
    Desktop,
    /// 390 × 844, with touch.
    Phone,
    /// 360 × 740, with touch: the narrowest phone.
    SmallPhone,
    /// 820 × 1180, with touch.
    Tablet,
    /// 3840 × 2160: a wall.
    Wall,
}

impl Screen {
    /// All of them, the narrowest first.
    pub const ALL: [Self; 5] = [
        Self::SmallPhone,
        Self::Phone,
        Self::Tablet,
        Self::Desktop,
        Self::Wall,
    ];

    /// Whether a finger points.
    fn has_touch(self) -> bool {
        matches!(self, Self::SmallPhone | Self::Phone | Self::Tablet)
    }

    /// Width and height in CSS pixels.
    #[must_use]
    pub fn size(self) -> (u32, u32) {
        match self {
            Self::Desktop => (1440, 900),
            Self::Phone => (390, 844),
            Self::SmallPhone => (360, 740),
            Self::Tablet => (820, 1180),
            Self::Wall => (3840, 2160),
        }
    }
}

/// A line of the browser's console.
#[derive(Clone, Debug, Deserialize)]
pub struct ConsoleLine {
    /// `SEVERE`, `WARNING`, `INFO` or `DEBUG`.
    pub level: String,
    /// Where it comes from and what it says.
    pub message: String,
}

/// Whose browser it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    Chromium,
    Firefox,
}

impl Maker {
    /// That of the variable `E2E_BROWSER`; Chromium without it.
    fn wanted() -> Result<Self> {
        match std::env::var("E2E_BROWSER").as_deref() {
            Err(_) | Ok("chromium") => Ok(Self::Chromium),
            Ok("firefox") => Ok(Self::Firefox),
            Ok(other) => bail!("E2E_BROWSER is `chromium` or `firefox`, and not `{other}`"),
        }
    }
}

/// A browser window.
pub struct Browser {
    maker: Maker,
    session: Session,
    // Removed after the browser has been closed.
    profile: TempDir,
}

impl Browser {
    /// Opens a browser with an empty profile.
    pub fn start(screen: Screen, dark: bool) -> Result<Self> {
        let (maker, profile) = (Maker::wanted()?, TempDir::new()?);
        let session = match maker {
            Maker::Chromium => Session::chromium(&flags(profile.path(), screen))?,
            Maker::Firefox => Session::firefox(profile.path(), dark)?,
        };
        let browser = Self {
            maker,
            session,
            profile,
        };
        browser.set_screen(screen)?;
        if maker == Maker::Chromium {
            browser.set_dark(dark)?;
        }
        Ok(browser)
    }

    /// The folder of its profile, which its processes name in their arguments.
    #[must_use]
    pub fn profile(&self) -> &Path {
        self.profile.path()
    }

    /// Waits until a browser that has just been started is done with itself, but for at most 10 s: for about a second pages of its own
    /// program, which no user waits for, keep the processors busy.
    pub fn wait_until_quiet(&self) {
        /// Between two looks, and how many clock ticks all may use in it.
        const LOOK: Duration = Duration::from_millis(300);
        const TICKS: u64 = 2;
        let ticks = || -> u64 {
            let all = processes::of_browser(self.profile()).into_iter();
            all.filter_map(|process| Some(processes::name_and_ticks(&process)?.1))
                .sum()
        };
        let (begun, mut before) = (Instant::now(), ticks());
        while begun.elapsed() < Duration::from_secs(10) {
            sleep(LOOK);
            let now = ticks();
            if now.saturating_sub(before) <= TICKS {
                return;
            }
            before = now;
        }
    }

    /// Changes the screen's size.
    pub fn set_screen(&self, screen: Screen) -> Result<()> {
        let (width, height) = screen.size();
        if self.maker == Maker::Firefox {
            return self.set_window(width, height);
        }
        let touch = screen.has_touch();
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch});
        self.session
            .devtools("Emulation.setDeviceMetricsOverride", &metrics)?;
        self.session
            .devtools("Emulation.setTouchEmulationEnabled", &json!({"enabled": touch}))
            .map(drop)
    }

    /// Makes the system prefer the dark or the light theme.
    pub fn set_dark(&self, dark: bool) -> Result<()> {
        let value = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.session
            .devtools("Emulation.setEmulatedMedia", &features)
            .map(drop)
    }

    /// Puts another tab in front, which makes the page a hidden one; the answer is for [`Self::show`].
    pub fn hide(&self) -> Result<String> {
        let page = self.session.get("window")?;
        let tab = self.session.send("window/new", &json!({"type": "tab"}))?;
        let tab = tab.get("handle").context("no tab was opened")?;
        self.session.send("window", &json!({"handle": tab}))?;
        self.session.devtools("Page.bringToFront", &json!({})).map(drop)?;
        Ok(page.as_str().context("the tab has no name")?.to_owned())
    }

    /// Puts the page in front again.
    pub fn show(&self, page: &str) -> Result<()> {
        self.session.send("window", &json!({"handle": page}))?;
        self.session.devtools("Page.bringToFront", &json!({})).map(drop)
    }

    /// Runs a script at the start of every page that is opened from now on.
    pub fn run_in_every_page(&self, source: &str) -> Result<()> {
        self.session
            .devtools(
                "Page.addScriptToEvaluateOnNewDocument",
                &json!({"source": source}),
            )
            .map(drop)
    }

    /// Opens an address.
    pub fn open(&self, url: &str) -> Result<()> {
        let open = || {
            self.session
                .send("url", &json!({"url": url}))
                .with_context(|| format!("could not open {url}"))
                .map(drop)
        };
        match self.maker {
            Maker::Chromium => open(),
            Maker::Firefox => self.leave_for(url, open),
        }
    }

    /// The window under remote control.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What is on the screen, as PNG.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        if self.maker == Maker::Firefox {
            return self.picture();
        }
        let shot = self
            .session
            .devtools("Page.captureScreenshot", &json!({"format": "png"}))?;
        let data = shot
            .get("data")
            .and_then(Value::as_str)
            .context("the screenshot has no data")?;
        Ok(STANDARD.decode(data)?)
    }

    /// What the console got since the last call; Firefox says nothing of it to a WebDriver.
    pub fn console(&self) -> Result<Vec<ConsoleLine>> {
        if self.maker == Maker::Firefox {
            return Ok(Vec::new());
        }
        let lines = self.session.send("se/log", &json!({"type": "browser"}))?;
        Ok(serde_json::from_value(lines)?)
    }
}

/// What Chromium is started with.
fn flags(profile: &Path, screen: Screen) -> Vec<String> {
    let (width, height) = screen.size();
    let mut flags: Vec<String> = FLAGS.iter().map(|&flag| flag.to_owned()).collect();
    flags.push(format!("--user-data-dir={}", profile.display()));
    flags.push(format!("--window-size={width},{height}"));
    flags
}

const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-GB",
];
