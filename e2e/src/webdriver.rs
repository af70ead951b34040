//! The few commands of the WebDriver protocol that the tests use, for a chromedriver of our own.

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

/// A chromedriver and its port.
fn drive() -> Result<(Process, u16)> {
    let mut command = std::process::Command::new("chromedriver");
    let mut driver = Process::start("chromedriver", command.arg("--port=0"))?;
    let port = driver.wait_for_line("its port", |line| {
        line.split_once("started successfully on port ")?
            .1
            .trim_end_matches('.')
            .parse()
            .ok()
    })?;
    Ok((driver, port))
}

impl Session {
    /// Starts chromedriver and a browser with the given Chromium arguments.
    pub fn start(arguments: &[String]) -> Result<Self> {
        // It takes a free port of IPv6 and wants the same of IPv4, which somebody else may have taken just then.
        let (driver, port) = drive().or_else(|_| drive()).or_else(|_| drive())?;
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60)));
        let agent: ureq::Agent = config.http_status_as_error(false).build().into();
        let mut session = Self {
            _driver: driver,
            agent,
            address: format!("http://127.0.0.1:{port}/session"),
        };
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
            "unhandledPromptBehavior": "accept",
        }}});
        let created = session.send("", &capabilities)?;
        let id = created
            .get("sessionId")
            .and_then(Value::as_str)
            .context("chromedriver gave no session")?;
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
            .context("chromedriver does not answer")?;
        value(command, answer)
    }

    /// Asks for something that a command of the WebDriver protocol names.
    pub fn get(&self, command: &str) -> Result<Value> {
        let answer = self
            .agent
            .get(format!("{}/{command}", self.address))
            .call()
            .context("chromedriver does not answer")?;
        value(command, answer)
    }

    /// Runs a function body in the page; it sees its arguments as `arguments[0]` and so on.
    pub fn script<T: DeserializeOwned>(&self, body: &str, arguments: &[Value]) -> Result<T> {
        let value = self.send("execute/sync", &json!({"script": body, "args": arguments}))?;
        serde_json::from_value(value).with_context(|| format!("the script `{body}` gave another type"))
    }

    /// Sends a command of Chromium's own protocol.
    pub fn chromium(&self, command: &str, parameters: &Value) -> Result<Value> {
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
