//! nginx with the files of `deploy/nginx`, before a real Hearth.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};
use e2e::nginx;
use e2e::process::free_port;

use crate::configuration::PASSWORD;
use crate::proxied::{self, Site};
use crate::websocket::Browser;

/// `hearth.conf` for the ports and files of a site.
fn own_name(site: &Site, plain_port: u16) -> Result<String> {
    let listen = |port: u16, tls: &str| format!("listen 127.0.0.1:{port}{tls};");
    crate::with(
        &crate::read("deploy/nginx/hearth.conf")?,
        &[
            ("listen 80;", &listen(plain_port, "")),
            ("listen [::]:80;", ""),
            ("listen 443 ssl;", &listen(site.port, " ssl")),
            ("listen [::]:443 ssl;", ""),
            (
                "/etc/ssl/hearth.example/fullchain.pem",
                &site.certificate().to_string_lossy(),
            ),
            (
                "/etc/ssl/hearth.example/privkey.pem",
                &site.key().to_string_lossy(),
            ),
            ("127.0.0.1:9001", &format!("127.0.0.1:{}", site.hearth.port)),
        ],
    )
}

#[test]
fn nginx_brings_browsers_to_hearth_under_a_name_of_its_own() -> Result<()> {
    let site = Site::prepare("deploy/nginx/hearth.conf", "hearth.example", "hearth.example")?;
    let plain_port = free_port()?;
    let nginx = nginx::start(site.folder(), &own_name(&site, plain_port)?)?;
    proxied::up(&nginx, site.port)?;
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
    ensure!(counters.contains(" 200 "), "for this machine: {counters}");
    let outside = Browser {
        from: Ipv4Addr::new(127, 0, 1, 3),
        ..browser
    };
    for path in ["/metrics", "//metrics", "/%6detrics", "/x/../metrics"] {
        let counters = outside.get(path)?;
        ensure!(counters.contains(" 403 "), "{path} for others: {counters}");
    }
    let plain = Browser {
        port: plain_port,
        ca: None,
        ..browser
    };
    let moved = plain.get("/#/explorer")?;
    ensure!(
        moved.contains(" 301 ") && moved.contains("Location: https://hearth.example/"),
        "{moved}"
    );
    Ok(())
}

#[test]
fn nginx_brings_browsers_to_hearth_under_a_path() -> Result<()> {
    let site = Site::with_accounts("deploy/nginx/hearth.conf", "hearth.example", "home.example")?;
    let locations = crate::with(
        &crate::read("deploy/nginx/hearth-subpath.conf")?,
        &[("127.0.0.1:9001", &format!("127.0.0.1:{}", site.hearth.port))],
    )?;
    let (certificate, key) = (site.certificate(), site.key());
    let server = format!(
        "server {{\nlisten 127.0.0.1:{} ssl;\nserver_name home.example;\nssl_certificate {};\nssl_certificate_key {};\n\
         location / {{ return 200 'another page'; }}\n{locations}\n}}\n",
        site.port,
        certificate.display(),
        key.display()
    );
    let nginx = nginx::start(site.folder(), &server)?;
    proxied::up(&nginx, site.port)?;
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
        moved.contains(" 301 ") && moved.contains("/hearth/\r\n"),
        "{moved}"
    );
    for path in ["/hearth/metrics", "/hearth//metrics", "/hearth/%6detrics"] {
        let counters = browser.get(path)?;
        ensure!(counters.contains(" 403 "), "{path}: {counters}");
    }
    let other = browser.get("/")?;
    ensure!(other.contains("another page"), "{other}");
    Ok(())
}
