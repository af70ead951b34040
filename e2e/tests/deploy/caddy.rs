//! Caddy with the files of `deploy/caddy`, before a real Hearth.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use e2e::process::Process;

use crate::configuration::PASSWORD;
use crate::proxied::{self, Site};
use crate::websocket::Browser;

/// Caddy with everything that it writes in `folder`. Certificates come from files: there is no authority to ask.
fn caddy(folder: &Path, sites: &str) -> Result<Process> {
    let configuration = folder.join("Caddyfile");
    std::fs::write(
        &configuration,
        format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{sites}"),
    )?;
    let command = |verb: &str| {
        let mut caddy = Command::new("caddy");
        caddy
            .arg(verb)
            .args(["--adapter", "caddyfile", "--config"])
            .arg(&configuration);
        caddy
            .env("HOME", folder)
            .env("XDG_DATA_HOME", folder)
            .env("XDG_CONFIG_HOME", folder);
        caddy
    };
    crate::run(&mut command("validate"))?;
    Process::start("caddy", &mut command("run"))
}

/// A site of the file, at the port and with the certificate of the test.
fn at(site: &Site, file: &str, name: &str) -> Result<String> {
    let (certificate, key) = (site.certificate(), site.key());
    let here = format!(
        "\n{name}:{} {{\n\ttls {} {}\n",
        site.port,
        certificate.display(),
        key.display()
    );
    crate::with(
        &crate::read(file)?,
        &[
            (&format!("\n{name} {{\n"), &here),
            ("127.0.0.1:9001", &format!("127.0.0.1:{}", site.hearth.port)),
        ],
    )
}

#[test]
fn caddy_brings_browsers_to_hearth_under_a_name_of_its_own() -> Result<()> {
    let site = Site::prepare("deploy/caddy/Caddyfile", "hearth.example", "hearth.example")?;
    let caddy = caddy(
        site.folder(),
        &at(&site, "deploy/caddy/Caddyfile", "hearth.example")?,
    )?;
    proxied::up(&caddy, site.port)?;
    let ca = site.ca();
    let browser = Browser {
        from: Ipv4Addr::LOCALHOST,
        port: site.port,
        host: "hearth.example",
        ca: Some(&ca),
        cookies: None,
    };
    proxied::check(browser, "/")?;
    proxied::check_addresses(browser, "/")?;
    let page = browser.get("/")?;
    ensure!(
        page.contains("Strict-Transport-Security: max-age=31536000"),
        "{page}"
    );
    let counters = browser.get("/metrics")?;
    ensure!(counters.contains(" 403 "), "{counters}");
    Ok(())
}

#[test]
fn caddy_brings_browsers_to_hearth_under_a_path() -> Result<()> {
    let site = Site::with_accounts("deploy/caddy/Caddyfile", "hearth.example", "home.example")?;
    let caddy = caddy(
        site.folder(),
        &at(&site, "deploy/caddy/Caddyfile.subpath", "home.example")?,
    )?;
    proxied::up(&caddy, site.port)?;
    let ca = site.ca();
    let browser = Browser {
        from: Ipv4Addr::LOCALHOST,
        port: site.port,
        host: "home.example",
        ca: Some(&ca),
        cookies: None,
    };
    let cookies = browser.log_in("/hearth/", "ada", PASSWORD)?;
    let browser = Browser {
        cookies: Some(&cookies),
        ..browser
    };
    proxied::check(browser, "/hearth/")?;
    proxied::check_addresses(browser, "/hearth/")?;
    let moved = browser.get("/hearth")?;
    ensure!(
        moved.contains(" 308 ") && moved.contains("/hearth/\r\n"),
        "{moved}"
    );
    let counters = browser.get("/hearth/metrics")?;
    ensure!(counters.contains(" 403 "), "{counters}");
    Ok(())
}
