//! What goes wrong, and whether the page says it so that a person can act.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, ensure};
use e2e::bridge::{Bridge, dist};
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::{Mosquitto, USER};
use e2e::page::{Page, by};
use e2e::process::free_port;
use e2e::static_server::StaticServer;
use e2e::wait::until;

/// Connects by the form and returns the error that it shows.
fn error_after(page: &Page, url: &str, credentials: Option<(&str, &str)>) -> Result<String> {
    page.go_to("#/connect")?;
    page.fill(&by("connect-url"), url)?;
    if let Some((user, password)) = credentials {
        page.fill(&by("connect-username"), user)?;
        page.fill(&by("connect-password"), password)?;
    }
    page.click(&by("connect-submit"))?;
    let error = by("connect-error");
    let text = until("an error under the form", || {
        Ok(page.text(&error)?.filter(|text| !text.is_empty()))
    })?;
    println!("for {url} the form says: {text:?}");
    Ok(text)
}

#[test]
fn a_wrong_password_a_wrong_path_and_a_missing_broker_are_three_messages() -> Result<()> {
    let broker = Mosquitto::with_password()?;
    let bridge = Bridge::in_front_of(broker.port)?;
    let server = StaticServer::start(dist()?, "/")?;
    let nobody = free_port()?;
    let mut texts = Vec::new();
    case("trouble-password", Screen::Desktop, |page| {
        page.open(&server.url())?;
        texts.push(error_after(page, &broker.websocket_url(), Some((USER, "wrong")))?);
        Ok(())
    })?;
    case("trouble-path", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        texts.push(error_after(
            page,
            &format!("ws://127.0.0.1:{}/wrong/path", bridge.port),
            None,
        )?);
        Ok(())
    })?;
    case("trouble-nobody", Screen::Desktop, |page| {
        page.open(&server.url())?;
        texts.push(error_after(page, &format!("ws://127.0.0.1:{nobody}/mqtt"), None)?);
        Ok(())
    })?;
    let [password, path, missing] = texts.as_slice() else {
        anyhow::bail!("three messages, not {texts:?}")
    };
    ensure!(
        password.to_lowercase().contains("password"),
        "what is wrong is the password: {password}"
    );
    ensure!(
        path.to_lowercase().contains("path"),
        "what is wrong is the path: {path}"
    );
    ensure!(
        missing.contains(&nobody.to_string()),
        "the message names who does not answer: {missing}"
    );
    ensure!(
        !missing.to_lowercase().contains("password"),
        "nobody answered, so no password is wrong: {missing}"
    );
    ensure!(
        password != path && path != missing && password != missing,
        "three different messages: {texts:?}"
    );
    Ok(())
}

#[test]
fn a_broker_that_the_bridge_cannot_reach_is_named_as_the_trouble() -> Result<()> {
    let bridge = Bridge::in_front_of(free_port()?)?;
    case("trouble-behind-bridge", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_for_state(&["waiting", "down"])?;
        let body: String = page.script("return document.body.innerText", &[])?;
        ensure!(
            body.to_lowercase().contains("broker"),
            "the page must name the broker: {body}"
        );
        Ok(())
    })
}

#[test]
fn a_malformed_packet_from_a_broker_ends_the_connection_with_a_reason() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut connect = [0; 1024];
            // A CONNACK in 5.0, then a PUBLISH whose QoS bits are both set [MQTT5-3.3.1-4].
            let answer = [0x20, 3, 0, 0, 0, 0x36, 6, 0, 1, b'a', 0, 1, 0];
            let _ = client.read(&mut connect).and_then(|_| client.write_all(&answer));
            // Whatever the page says last is read, so that the connection ends by its will.
            while client.read(&mut connect).is_ok_and(|read| read > 0) {}
        }
    });
    let bridge = Bridge::in_front_of(port)?;
    case("trouble-malformed", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_for_state(&["waiting", "down"])?;
        page.go_to("#/connect")?;
        let body = until("the broken rule on the page", || {
            let text: String = page.script("return document.body.innerText", &[])?;
            Ok(text.contains("MQTT5-").then_some(text))
        })?;
        ensure!(
            body.contains("QoS") || body.contains("3.3.1"),
            "the reason names the field or the rule: {body}"
        );
        Ok(())
    })
}
