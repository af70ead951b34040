//! `deploy/compose`, run without containers: its script, its Mosquitto, its Hearth, with their own files.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use e2e::process::{Process, free_port};
use tempfile::TempDir;

use crate::configuration::{self, Hearth, PASSWORD, Secrets};
use crate::websocket::{Answer, Browser};

#[test]
fn the_stack_of_compose_lets_its_account_in_and_nobody_else() -> Result<()> {
    let secrets = Secrets::make(&[])?;
    let superseded = secrets.account("ada")?;
    // As a pattern this name would be ada's too.
    secrets.account("a.a")?;
    let ada = secrets.account("ada")?;
    let accounts = std::fs::read_to_string(secrets.path("passwords"))?;
    ensure!(accounts.lines().count() == 4, "{accounts}");
    let folder = TempDir::new()?;
    let [plain, websocket, tls] = [free_port()?, free_port()?, free_port()?];
    let _broker = mosquitto(&secrets, folder.path(), [plain, websocket, tls])?;
    let configuration = crate::with(
        &crate::read("deploy/compose/hearth.toml")?,
        &[
            ("mqtts://mosquitto:8883", &format!("mqtts://localhost:{tls}")),
            ("/run/secrets/ca.crt", &secrets.path("ca.crt").to_string_lossy()),
        ],
    )?;
    let hearth = Hearth::start(&configuration)?;
    let ready = hearth.get("/readyz")?;
    ensure!(ready.0 == 200, "{ready:?}");

    let through_hearth = Browser {
        from: Ipv4Addr::LOCALHOST,
        port: hearth.port,
        host: "localhost",
        ca: None,
        cookies: None,
    };
    let direct = Browser {
        port: websocket,
        ..through_hearth
    };
    for browser in [through_hearth, direct] {
        let connect = |account| {
            let origin = browser.origin();
            let mut opened = browser
                .open("/mqtt", &[("Origin", &origin)])?
                .ok()
                .context("refused")?;
            opened.connect(account)
        };
        let answer = connect(Some(("home", secrets.password.as_str())))?;
        ensure!(answer == Answer::Connack(0), "the account: {answer:?}");
        let answer = connect(Some(("ada", ada.as_str())))?;
        ensure!(
            answer == Answer::Connack(0),
            "an account that was added: {answer:?}"
        );
        let answer = connect(Some(("home", "guessed")))?;
        ensure!(answer == Answer::Connack(5), "a wrong password: {answer:?}");
        let answer = connect(Some(("ada", superseded.as_str())))?;
        ensure!(answer == Answer::Connack(5), "an old password: {answer:?}");
        let answer = connect(None)?;
        ensure!(answer == Answer::Connack(5), "nobody: {answer:?}");
    }
    Ok(())
}

#[test]
fn with_accounts_of_its_own_hearth_signs_in_to_the_broker_by_itself() -> Result<()> {
    let secrets = Secrets::make(&[])?;
    let folder = TempDir::new()?;
    let accounts = folder.path().join("accounts.toml");
    configuration::add_account(&accounts)?;
    let ports = [free_port()?, free_port()?, free_port()?];
    let _broker = mosquitto(&secrets, folder.path(), ports)?;
    let [_, _, tls] = ports;
    let configuration = configuration::uncommented(&crate::read("deploy/compose/hearth.toml")?, "#[auth]")?;
    let configuration = crate::with(
        &configuration::uncommented(&configuration, "#[access]")?,
        &[
            ("mqtts://mosquitto:8883", &format!("mqtts://localhost:{tls}")),
            ("/run/secrets/", &format!("{}/", secrets.path("").display())),
            ("/data/accounts.toml", &accounts.to_string_lossy()),
        ],
    )?;
    let hearth = Hearth::start(&configuration)?;
    let browser = Browser {
        from: Ipv4Addr::LOCALHOST,
        port: hearth.port,
        host: "localhost",
        ca: None,
        cookies: None,
    };
    let origin = browser.origin();
    let refused = browser.open("/mqtt", &[("Origin", &origin)])?;
    let answer = refused.ok().map(|mut opened| opened.connect(None)).transpose()?;
    ensure!(
        !matches!(answer, Some(Answer::Connack(_))),
        "without a login: {answer:?}"
    );
    let cookies = browser.log_in("/", "ada", PASSWORD)?;
    let browser = Browser {
        cookies: Some(&cookies),
        ..browser
    };
    let opened = browser.open("/mqtt", &[("Origin", &origin)])?;
    let answer = opened.ok().context("refused")?.connect(None)?;
    ensure!(answer == Answer::Connack(0), "{answer:?}");
    Ok(())
}

#[test]
fn secrets_are_made_once_and_only_their_owner_may_look_for_them() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let secrets = Secrets::make(&["broker.example", "192.0.2.7", "2001:db8::7"])?;
    let mode = |name: &str| anyhow::Ok(std::fs::metadata(secrets.path(name))?.permissions().mode() & 0o777);
    ensure!(
        mode("")? == 0o700 && mode("ca.key")? == 0o600,
        "{:o} {:o}",
        mode("")?,
        mode("ca.key")?
    );

    let certificate = std::fs::read(secrets.path("mosquitto.crt"))?;
    let verify = |name: &str, value: &str| {
        let mut openssl = Command::new("openssl");
        openssl
            .args(["verify", "-CAfile"])
            .arg(secrets.path("ca.crt"))
            .args([name, value]);
        crate::run(openssl.arg(secrets.path("mosquitto.crt")))
    };
    verify("-verify_hostname", "mosquitto")?;
    verify("-verify_hostname", "broker.example")?;
    verify("-verify_ip", "192.0.2.7")?;
    verify("-verify_ip", "2001:db8::7")?;
    ensure!(verify("-verify_hostname", "evil.example").is_err());

    let script = secrets.folder().join("secrets.sh");
    for name in ["", "a:b", "a b", "a\nb"] {
        let refused = crate::run(Command::new("sh").arg(&script).args(["--account", name]));
        ensure!(refused.is_err(), "{name:?} became an account");
    }
    let again = crate::run(Command::new("sh").arg(&script))?;
    ensure!(again.is_empty(), "{again}");
    ensure!(std::fs::read(secrets.path("mosquitto.crt"))? == certificate);
    Ok(())
}

/// Mosquitto with the configuration of compose, at other ports, with files elsewhere.
fn mosquitto(secrets: &Secrets, folder: &Path, [plain, websocket, tls]: [u16; 3]) -> Result<Process> {
    let configuration = crate::with(
        &crate::read("deploy/compose/mosquitto.conf")?,
        &[
            ("/run/secrets/", &format!("{}/", secrets.path("").display())),
            ("/mosquitto/data/", &format!("{}/", folder.display())),
            ("listener 1883", &format!("listener {plain} 127.0.0.1")),
            ("listener 9001", &format!("listener {websocket} 127.0.0.1")),
            ("listener 8883", &format!("listener {tls} 127.0.0.1")),
        ],
    )?;
    let file = folder.join("mosquitto.conf");
    // As root it would become a user who may not enter our folders.
    std::fs::write(&file, format!("user root\n{configuration}"))?;
    let mut mosquitto = Command::new("mosquitto");
    mosquitto.arg("-c").arg(&file).env("PATH", e2e::mosquitto::path());
    let process = Process::start("mosquitto", &mut mosquitto)?;
    for port in [plain, websocket, tls] {
        crate::proxied::up(&process, port)?;
    }
    Ok(process)
}
