//! The real `hearth` with the configuration of `deploy/kubernetes`.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::configuration::{self, Hearth, PASSWORD, Secrets};
use crate::websocket::Browser;

#[test]
fn hearth_takes_the_configuration_of_the_manifests_and_answers_the_probes() -> Result<()> {
    let secrets = Secrets::make(&[])?;
    let folder = TempDir::new()?;
    let token = folder.path().join("broker-sat");
    std::fs::write(&token, "header.payload.signature")?;
    let accounts = folder.path().join("accounts.toml");
    configuration::add_account(&accounts)?;
    let configuration = crate::with(
        &crate::read("deploy/kubernetes/hearth.toml")?,
        &[
            ("/var/run/certs/ca.crt", &secrets.path("ca.crt").to_string_lossy()),
            ("/var/run/secrets/tokens/broker-sat", &token.to_string_lossy()),
            (
                "/var/run/secrets/hearth/accounts.toml",
                &accounts.to_string_lossy(),
            ),
            ("//aio-broker:", "//aio-broker.invalid:"),
            ("format = \"json\"", "format = \"text\""),
        ],
    )?;
    let hearth = Hearth::start(&configuration)?;
    let deployment = crate::read("deploy/kubernetes/deployment.yaml")?;
    ensure!(deployment.contains("path: /healthz\n") && deployment.contains("path: /readyz\n"));
    let (status, body) = hearth.get("/healthz")?;
    ensure!(status == 200, "{body}");
    let browser = Browser {
        from: Ipv4Addr::LOCALHOST,
        port: hearth.port,
        host: "hearth.example",
        ca: None,
        cookies: None,
    };
    browser.log_in("/", "ada", PASSWORD)?;
    // There is no such broker here, and whoever is not logged in hears no more about it.
    let (status, body) = hearth.get("/readyz")?;
    ensure!(status == 503 && !body.contains("aio"), "{status}: {body}");
    Ok(())
}
