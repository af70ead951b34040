//! What must hold for Hearth behind any proxy.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use e2e::mosquitto::Mosquitto;
use e2e::process::{Process, free_port};
use tempfile::TempDir;

use crate::configuration::{self, Hearth, Secrets};
use crate::websocket::{Answer, Browser};

/// This address has as many WebSockets as it may: a close code that programs rely on.
const TOO_MANY: u16 = 4430;

/// A broker, Hearth before it as the proxy's file says, and a certificate for the proxy.
pub(crate) struct Site {
    _broker: Mosquitto,
    pub(crate) hearth: Hearth,
    secrets: Secrets,
    _accounts: Option<TempDir>,
    /// The port of the proxy.
    pub(crate) port: u16,
}

impl Site {
    /// `snippet` is the file of the proxy that says what Hearth's side is. The broker decides who comes in.
    pub(crate) fn prepare(snippet: &str, name: &str, public_name: &str) -> Result<Self> {
        Self::with(snippet, name, public_name, "")
    }

    /// The same where Hearth itself has accounts, made by [`configuration::add_account`].
    pub(crate) fn with_accounts(snippet: &str, name: &str, public_name: &str) -> Result<Self> {
        let folder = TempDir::new()?;
        let file = folder.path().join("accounts.toml");
        configuration::add_account(&file)?;
        let auth = format!(
            "[auth]\nmode = \"users\"\naccounts_file = \"{}\"\n",
            file.display()
        );
        let mut site = Self::with(snippet, name, public_name, &auth)?;
        site._accounts = Some(folder);
        Ok(site)
    }

    fn with(snippet: &str, name: &str, public_name: &str, auth: &str) -> Result<Self> {
        let broker = Mosquitto::open()?;
        let side =
            hearths_side(&crate::read(snippet)?).context("the file does not say what Hearth's side is")?;
        let side = crate::with(&side, &[(name, public_name)])?;
        let hearth = Hearth::start(&format!(
            "listen = \"127.0.0.1:9001\"\n{side}{auth}[relay]\nmax_connections_per_address = 1\n[broker.main]\nurl = \"mqtt://127.0.0.1:{}\"\n",
            broker.port
        ))?;
        Ok(Self {
            _broker: broker,
            hearth,
            secrets: Secrets::make(&[public_name])?,
            _accounts: None,
            port: free_port()?,
        })
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.secrets.path("mosquitto.crt")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.secrets.path("mosquitto.key")
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.secrets.path("ca.crt")
    }

    /// A folder for the proxy's own files.
    pub(crate) fn folder(&self) -> &Path {
        self.secrets.folder()
    }
}

/// The lines after `Hearth's side`, without their `#`.
fn hearths_side(snippet: &str) -> Option<String> {
    let (_, rest) = snippet.split_once("# Hearth's side, in hearth.toml:\n")?;
    let lines: Vec<&str> = rest.lines().map_while(|line| line.strip_prefix("#   ")).collect();
    Some(lines.join("\n") + "\n")
}

/// Waits until the proxy takes connections.
pub(crate) fn up(proxy: &Process, port: u16) -> Result<()> {
    let outcome = e2e::wait::until("the proxy", || {
        Ok(Some(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))?))
    });
    outcome.with_context(|| format!("it printed:\n{}", proxy.output().lines().join("\n")))?;
    Ok(())
}

/// The page, MQTT through a WebSocket, and nobody else's page. `base` is where Hearth lies: `/`, or `/hearth/`.
pub(crate) fn check(browser: Browser, base: &str) -> Result<()> {
    let page = browser.get(base)?;
    ensure!(page.contains(" 200 ") && page.contains("<title>Hearth"), "{page}");
    let config = browser.get(&format!("{base}api/config"))?;
    ensure!(config.contains("\"main\""), "{config}");

    let mqtt = format!("{base}mqtt");
    let own = browser.origin();
    let opened = browser.open(&mqtt, &[("Origin", &own)])?;
    let answer = opened.ok().context("its own page is refused")?.connect(None)?;
    ensure!(answer == Answer::Connack(0), "{answer:?}");
    let other_scheme = match own.strip_prefix("https") {
        Some(rest) => format!("http{rest}"),
        None => own.replacen("http", "https", 1),
    };
    for origin in [
        "https://evil.example",
        "null",
        &other_scheme,
        &format!("{own}.evil.example"),
    ] {
        let refused = browser.open(&mqtt, &[("Origin", origin)])?.err();
        ensure!(refused == Some(403), "{origin}: {refused:?}");
    }
    let refused = browser.open(&mqtt, &[])?.err();
    ensure!(refused == Some(403), "no Origin: {refused:?}");
    Ok(())
}

/// Hearth counts browsers by their own addresses, and believes nothing that a browser writes about it.
pub(crate) fn check_addresses(browser: Browser, base: &str) -> Result<()> {
    let mqtt = format!("{base}mqtt");
    let own = browser.origin();
    let open = |last: u8, headers: &[(&'static str, &str)]| {
        let browser = Browser {
            from: Ipv4Addr::new(127, 0, 1, last),
            ..browser
        };
        let headers = [&[("Origin", own.as_str())], headers].concat();
        browser.open(&mqtt, &headers)?.ok().context("refused")
    };
    let mut first = open(1, &[])?;
    let answer = first.connect(None)?;
    ensure!(answer == Answer::Connack(0), "the first: {answer:?}");
    let forged = [
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("Forwarded", "for=203.0.113.9"),
        ("X-Real-IP", "203.0.113.9"),
    ];
    for claim in forged {
        let answer = open(1, &[claim])?.connect(None)?;
        ensure!(answer == Answer::Closed(TOO_MANY), "{claim:?}: {answer:?}");
    }
    let answer = open(2, &[])?.connect(None)?;
    ensure!(answer == Answer::Connack(0), "another machine: {answer:?}");
    Ok(())
}
