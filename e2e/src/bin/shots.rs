//! Pictures of the page in all sizes and both themes, for the README and for reviews. Run by `cargo xtask shots`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use e2e::bridge::{Bridge, dist};
use e2e::browser::{Browser, Screen};
use e2e::page::{By, Page, by};
use e2e::static_server::StaticServer;
use e2e::wait::until;

/// A device of the simulated home whose state is JSON.
const TOPIC: &str = "zigbee2mqtt/Living room lamp";
/// A thermostat of the simulated home.
const DEVICE: &str = "ha-radiator-living-room";
/// So many messages make every card show something.
const SETTLED: u64 = 70;

fn main() -> Result<()> {
    let out = folder()?;
    std::fs::create_dir_all(&out).with_context(|| format!("could not make {}", out.display()))?;
    let (bridge, _) = Bridge::demo()?;
    let server = StaticServer::start(dist()?, "/")?;
    for screen in Screen::ALL {
        for dark in [false, true] {
            let shots = Shots {
                out: &out,
                screen,
                dark,
            };
            shots.take_live(&bridge.url())?;
            shots.take_empty(&server.url())?;
        }
    }
    println!("The pictures are in {}", out.display());
    Ok(())
}

fn folder() -> Result<PathBuf> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => Ok(PathBuf::from("target/shots")),
        [option, folder] if option == "--out" => Ok(PathBuf::from(folder)),
        other => bail!("usage: cargo xtask shots [--out DIR], not {other:?}"),
    }
}

struct Shots<'a> {
    out: &'a Path,
    screen: Screen,
    dark: bool,
}

impl Shots<'_> {
    /// Home, a device, Explorer and Connect with a simulated home behind them.
    fn take_live(&self, url: &str) -> Result<()> {
        let page = Page::new(Browser::start(self.screen, self.dark)?);
        page.open(url)?;
        page.wait_until_connected()?;
        page.wait_for(&by("device-card").inside(&by("entity-value")))?;
        until("a lived-in home", || {
            Ok(page.number(&by("messages-received"))?.filter(|n| *n >= SETTLED))
        })?;
        // What announces itself is known a moment after its topics are.
        page.wait_for(&by("device-card").with("data-device", DEVICE))?;
        self.take(&page, "home")?;
        self.visit(&page, &format!("#/device/{DEVICE}"), &by("entity"), "device")?;
        page.explore(TOPIC)?;
        page.wait_for_text(&by("topic-payload"), "{")?;
        // A narrow screen shows the tree or the topic.
        let narrow = matches!(self.screen, Screen::Phone | Screen::SmallPhone);
        self.take(&page, if narrow { "topic" } else { "explorer" })?;
        if narrow {
            self.visit(
                &page,
                "#/explorer",
                &by("topic-row").with("data-topic", TOPIC),
                "explorer",
            )?;
        }
        self.visit(&page, "#/connect", &by("connect-submit"), "connect")
    }

    /// The first screen where nobody knows a broker.
    fn take_empty(&self, url: &str) -> Result<()> {
        let page = Page::new(Browser::start(self.screen, self.dark)?);
        page.open(url)?;
        page.wait_for(&by("connect-url"))?;
        self.take(&page, "empty")
    }

    fn visit(&self, page: &Page, route: &str, sign: &By, name: &str) -> Result<()> {
        page.go_to(route)?;
        page.wait_for(sign)?;
        self.take(page, name)
    }

    fn take(&self, page: &Page, name: &str) -> Result<()> {
        let size = match self.screen {
            Screen::Desktop => "desktop",
            Screen::Phone => "phone",
            Screen::SmallPhone => "small-phone",
            Screen::Tablet => "tablet",
            Screen::Wall => "wall",
        };
        let theme = if self.dark { "dark" } else { "light" };
        let file = self.out.join(format!("{name}-{theme}-{size}.png"));
        std::fs::write(&file, page.browser().screenshot()?)
            .with_context(|| format!("could not write {}", file.display()))
    }
}
