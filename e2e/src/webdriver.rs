//! The few commands of the WebDriver protocol that the tests use, for a driver of our own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::process::Process;

/// The key that holds an element's id in every answer; the standard fixes it.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One browser window under remote control.
pub struct Session {
    // Ends after the browser has been closed.
    _driver: Process,
    agent: ureq::Agent,
    /// Where the session's commands go.
    address: String,
}

/// An element of the page.
pub struct Element(String);

/// A driver and its port, which stands in what it prints first.
fn drive(name: &'static str, argument: &str, port: fn(&str) -> Option<u16>) -> Result<(Process, u16)> {
    let mut driver = Process::start(name, Command::new(name).arg(argument))?;
    let port = driver.wait_for_line("its port", port)?;
    Ok((driver, port))
}

impl Session {
    /// Starts chromedriver and a browser with the given Chromium arguments.
    pub fn chromium(arguments: &[String]) -> Result<Self> {
        let drive = || {
            drive("chromedriver", "--port=0", |line| {
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse().ok()
            })
        };
        // It takes a free port of IPv6 and wants the same of IPv4, which somebody else may have taken just then.
        let driver = drive().or_else(|_| drive()).or_else(|_| drive())?;
        Self::create(
            driver,
            &json!({
                "browserName": "chrome",
                "goog:chromeOptions": {"args": arguments},
                "goog:loggingPrefs": {"browser": "ALL"},
                "unhandledPromptBehavior": "accept",
            }),
        )
    }

    /// Starts geckodriver and a Firefox whose profile is in this folder.
    pub fn firefox(profile: &Path, dark: bool) -> Result<Self> {
        let driver = drive("geckodriver", "--port=0", |line| {
            line.split_once("Listening on 127.0.0.1:")?.1.trim().parse().ok()
        })?;
        Self::create(
            driver,
            &json!({
                "browserName": "firefox",
                "moz:firefoxOptions": {
                    "args": ["-headless", "-profile", profile],
                    "prefs": {"ui.systemUsesDarkTheme": i32::from(dark), "intl.accept_languages": "en-GB, en"},
                },
                "unhandledPromptBehavior": "accept",
            }),
        )
    }

    fn create((driver, port): (Process, u16), capabilities: &Value) -> Result<Self> {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60)));
        let agent: ureq::Agent = config.http_status_as_error(false).build().into();
        let mut session = Self {
            _driver: driver,
            agent,
            address: format!("http://127.0.0.1:{port}/session"),
        };
        let created = session.send("", &json!({"capabilities": {"alwaysMatch": capabilities}}))?;
        let id = created
            .get("sessionId")
            .and_then(Value::as_str)
            .context("the driver gave no session")?;
        session.address = format!("{}/{id}", session.address);
        Ok(session)
    }

    /// Sends a command of the WebDriver protocol and returns its value.
    pub fn send(&self, command: &str, body: &Value) -> Result<Value> {
        let separator = if command.is_empty() { "" } else { "/" };
        let address = format!("{}{separator}{command}", self.address);
        let answer = self
            .agent
            .post(&address)
            .send_json(body)
            .context("the driver does not answer")?;
        value(command, answer)
    }

    /// Asks for something that a command of the WebDriver protocol names.
    pub fn get(&self, command: &str) -> Result<Value> {
        let answer = self
            .agent
            .get(format!("{}/{command}", self.address))
            .call()
            .context("the driver does not answer")?;
        value(command, answer)
    }

    /// Runs a function body in the page; it sees its arguments as `arguments[0]` and so on.
    pub fn script<T: DeserializeOwned>(&self, body: &str, arguments: &[Value]) -> Result<T> {
        let value = self.send("execute/sync", &json!({"script": body, "args": arguments}))?;
        serde_json::from_value(value).with_context(|| format!("the script `{body}` gave another type"))
    }

    /// Sends a command of Chromium's own protocol.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Result<Value> {
        self.send("goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// The first element that the CSS selector finds.
    pub fn find(&self, selector: &str) -> Result<Element> {
        let value = self.send("element", &json!({"using": "css selector", "value": selector}))?;
        let id = value
            .get(ELEMENT)
            .and_then(Value::as_str)
            .context("no element in the answer")?;
        Ok(Element(id.to_owned()))
    }

    /// Clicks as a person does: scrolls it into view; fails if something covers it.
    pub fn click(&self, element: &Element) -> Result<()> {
        self.send(&format!("element/{}/click", element.0), &json!({}))
            .map(drop)
    }

    /// Types into an element.
    pub fn type_text(&self, element: &Element, text: &str) -> Result<()> {
        self.send(&format!("element/{}/value", element.0), &json!({"text": text}))
            .map(drop)
    }
}

/// The value of an answer, or why it was refused.
fn value(command: &str, mut answer: ureq::http::Response<ureq::Body>) -> Result<Value> {
    let status = answer.status();
    let mut answer: Value = answer
        .body_mut()
        .with_config()
        .limit(64 * 1024 * 1024)
        .read_json()?;
    let value = answer.get_mut("value").map(Value::take).unwrap_or_default();
    if !status.is_success() {
        let text = value
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or("no message");
        bail!(
            "the browser refused `{command}`: {}",
            text.lines().next().unwrap_or_default()
        );
    }
    Ok(value)
}

impl Drop for Session {
    fn drop(&mut self) {
        // Closes the browser, which would otherwise outlive its driver.
        let _ = self.agent.delete(&self.address).call();
    }
}
