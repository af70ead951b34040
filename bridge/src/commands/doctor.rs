//! `hearth doctor URL`: dials a WebSocket listener as a browser would, and says what it sees.

use std::{fmt, path::PathBuf, time::Duration};

use hearth_model::doctor::{
    Also, Facts, Finding, Listener, MqttAnswer, Opened, Reached, TlsFault, USUAL_PATHS, diagnose,
};
use hearth_mqtt::ProtocolVersion;
use tokio::net::lookup_host;
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

use super::{
    Steps,
    check::version_name,
    mqtt::{self, Pipe},
    plain, speaks_tls,
};
use crate::{
    certificate,
    config::{BrokerAddress, HostName, PemSource, TlsConfig, WebOrigin},
    transport::{Answer, Ask, BrokerStream, DialError, Dialer, NetworkStream, check_authorities},
};

/// How each dial is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// The page that would dial; by default one from the listener itself.
    pub origin: Option<String>,
    /// Certificates to trust instead of the system's, as if they were installed.
    pub ca_file: Option<PathBuf>,
    /// How long each step may take.
    pub wait: Duration,
}

/// What was seen, and what it means.
#[derive(Debug)]
pub struct Report {
    facts: Facts,
    steps: Steps,
    findings: Vec<Finding>,
}

impl Report {
    /// Does something keep a page from the broker?
    pub fn has_faults(&self) -> bool {
        self.findings.iter().any(Finding::is_fault)
    }

    /// The conclusions, the most important first.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, as a page from {} dials it",
            self.facts.listener, self.facts.origin
        )?;
        write!(f, "{}", self.steps)?;
        for finding in &self.findings {
            let mark = if finding.is_fault() { "PROBLEM" } else { "OK" };
            write!(f, "\n{mark}: {}", plain(&finding.title))?;
            for (name, text) in [
                ("what happened", &finding.what_happened),
                ("how we know", &finding.how_we_know),
                ("what to do", &finding.what_to_do),
            ] {
                if !text.is_empty() {
                    write!(f, "\n  {name}: {}", plain(text))?;
                }
            }
        }
        Ok(())
    }
}

/// Reads `ws://`, `wss://`, and the `http://` or `https://` of a page.
pub fn parse(url: &str) -> Result<Listener, String> {
    let expected = "write a WebSocket address, such as ws://192.168.1.10:9001/mqtt";
    let (scheme, rest) = url
        .split_once("://")
        .ok_or_else(|| format!("{url} has no scheme; {expected}"))?;
    let secure = match scheme.to_ascii_lowercase().as_str() {
        "ws" | "http" => false,
        "wss" | "https" => true,
        "mqtt" | "tcp" | "mqtts" | "ssl" => {
            return Err(format!(
                "{scheme}:// is MQTT without WebSocket, which browsers cannot speak; {expected}. Brokers behind the bridge are dialled by `hearth check`"
            ));
        }
        _ => return Err(format!("the scheme {scheme}:// is not known; {expected}")),
    };
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    if authority.contains('@') {
        return Err(format!(
            "user name and password do not belong into an address: it is kept and shown; {expected}"
        ));
    }
    if path.contains('#') || path.contains(|c: char| c.is_control() || c == ' ') {
        return Err(format!("the path cannot have # or blanks in it; {expected}"));
    }
    let (host, port) = HostName::parse_authority(authority)
        .ok_or_else(|| format!("{authority} is no host with a port; {expected}"))?;
    Ok(Listener {
        secure,
        host: match host {
            HostName::Address(address) => address.to_string(),
            HostName::Name(name) => name,
        },
        port: port.unwrap_or(if secure { 443 } else { 80 }),
        path: match path.starts_with('/') {
            true => path.to_owned(),
            false => format!("/{path}"),
        },
    })
}

/// Dials, and tries what helps to understand.
pub async fn look(listener: Listener, options: &Options) -> Result<Report, String> {
    let own = format!(
        "{}://{}",
        if listener.secure { "https" } else { "http" },
        listener.authority()
    );
    let origin = match &options.origin {
        None => WebOrigin::parse(&own).map_or(own, |origin| origin.to_string()),
        Some(origin) => match WebOrigin::parse(origin) {
            Some(origin) => origin.to_string(),
            None => {
                return Err(format!(
                    "{origin} is not an origin; write scheme, host and port of a page, such as https://home.example"
                ));
            }
        },
    };
    if let Some(file) = &options.ca_file {
        check_authorities(file).map_err(|error| format!("--ca-file: {error}"))?;
    }
    let mut probe = Probe {
        listener: &listener,
        origin: &origin,
        options,
        steps: Steps::default(),
    };
    let reached = probe.reach().await;
    let also = probe.also(&reached).await;
    let steps = probe.steps;
    let facts = Facts {
        listener: listener.clone(),
        origin,
        reached,
        also,
    };
    Ok(Report {
        findings: diagnose(&facts),
        facts,
        steps,
    })
}

struct Probe<'a> {
    listener: &'a Listener,
    origin: &'a str,
    options: &'a Options,
    steps: Steps,
}

impl Probe<'_> {
    async fn reach(&mut self) -> Reached {
        let name = (self.listener.host.as_str(), self.listener.port);
        let addresses = match lookup_host(name).await {
            Ok(found) => found.map(|address| address.ip().to_string()).collect::<Vec<_>>(),
            Err(_) => Vec::new(),
        };
        if addresses.is_empty() {
            return Reached::UnknownName;
        }
        self.steps.add("name", addresses.join(", "));
        let stream = match self.dial(self.listener.secure).await {
            Ok(stream) => stream,
            Err(error) => return self.not_reached(error),
        };
        if let Some(address) = stream.peer_address() {
            self.steps.add("TCP", format!("connected to {address}"));
        }
        if let Some(tls) = stream.tls() {
            self.steps
                .add("TLS", certificate::describe(tls, stream.certificate()));
        }
        match self.ask(self.listener, stream).await {
            Answer::NoHttp => {
                self.steps.add("HTTP", "no answer in this language");
                Reached::NoHttp
            }
            Answer::Http(answer) => {
                self.steps.add("HTTP", format!("status {}", answer.status));
                Reached::Http(answer)
            }
            Answer::Opened {
                stream,
                early,
                accept_fits,
                subprotocol,
                ..
            } => {
                let agreed = subprotocol.as_deref().unwrap_or("none");
                self.steps
                    .add("HTTP", format!("status 101, subprotocol {agreed}"));
                let v5 = self.connect(ProtocolVersion::V5, Some((stream, early))).await;
                let v311 = self.connect(ProtocolVersion::V311, None).await;
                Reached::Opened(Opened {
                    accept_fits,
                    subprotocol,
                    v5,
                    v311,
                })
            }
        }
    }

    fn not_reached(&mut self, error: DialError) -> Reached {
        match error {
            DialError::Refused => Reached::Refused,
            DialError::Timeout => Reached::Silent {
                waited_s: self.options.wait.as_secs(),
            },
            DialError::NameTimeout => Reached::NoRoute {
                reason: error.to_string(),
            },
            DialError::Unreachable(reason) | DialError::Upgrade(reason) => Reached::NoRoute { reason },
            DialError::Tls(fault) => {
                self.steps.add("TCP", "connected");
                self.steps.add("TLS", format!("failed: {fault}"));
                Reached::Tls(fault)
            }
        }
    }

    /// CONNECT in the WebSocket that is open, or in one more.
    async fn connect(
        &mut self,
        version: ProtocolVersion,
        open: Option<(NetworkStream, Vec<u8>)>,
    ) -> MqttAnswer {
        let opened = match open {
            Some(opened) => Some(opened),
            None => match self.dial(self.listener.secure).await {
                Ok(stream) => match self.ask(self.listener, stream).await {
                    Answer::Opened { stream, early, .. } => Some((stream, early)),
                    Answer::Http(_) | Answer::NoHttp => None,
                },
                Err(_) => None,
            },
        };
        let answer = match opened {
            Some((stream, early)) => {
                let socket = WebSocketStream::from_partially_read(stream, early, Role::Client, None).await;
                mqtt::connect(
                    Pipe::WebSocket(Box::new(socket)),
                    version,
                    None,
                    self.options.wait,
                )
                .await
            }
            None => MqttAnswer::NotTried("a second WebSocket did not open".into()),
        };
        self.steps.add(version_name(version), answer.to_string());
        answer
    }

    /// What else to try, given how far it went.
    async fn also(&self, reached: &Reached) -> Also {
        let mut also = Also::default();
        match reached {
            Reached::Tls(TlsFault::NotTls) => {
                let plain = self.listener.with_tls(false);
                also.plain_mqtt = self.plain_mqtt(false).await;
                also.speaks_plain_http = also.plain_mqtt.is_none()
                    && matches!(
                        self.try_at(&plain, true, true).await,
                        Some(Answer::Opened { .. } | Answer::Http(_))
                    );
            }
            Reached::NoHttp => {
                also.plain_mqtt = self.plain_mqtt(self.listener.secure).await;
                also.speaks_tls = also.plain_mqtt.is_none() && self.speaks_tls().await;
            }
            Reached::Http(answer) => {
                // "The plain HTTP request was sent to HTTPS port"
                also.speaks_tls = answer.status == 400 && self.speaks_tls().await;
                also.opens_without_origin = self.opens(self.listener, false, true).await;
                also.opens_without_subprotocol = self.opens(self.listener, true, false).await;
                also.works_at_path = self.other_path().await;
            }
            Reached::UnknownName
            | Reached::Refused
            | Reached::Silent { .. }
            | Reached::NoRoute { .. }
            | Reached::Tls(_)
            | Reached::Opened(_) => {}
        }
        also
    }

    async fn other_path(&self) -> Option<String> {
        for path in USUAL_PATHS.into_iter().filter(|path| *path != self.listener.path) {
            let listener = Listener {
                path: path.to_owned(),
                ..self.listener.clone()
            };
            if self.opens(&listener, true, true).await {
                return Some(path.to_owned());
            }
        }
        None
    }

    /// Does a WebSocket open, and with the subprotocol if it was asked for?
    async fn opens(&self, listener: &Listener, with_origin: bool, with_subprotocol: bool) -> bool {
        match self.try_at(listener, with_origin, with_subprotocol).await {
            Some(Answer::Opened { subprotocol, .. }) => {
                !with_subprotocol || subprotocol.as_deref() == Some("mqtt")
            }
            Some(Answer::Http(_) | Answer::NoHttp) | None => false,
        }
    }

    async fn try_at(&self, listener: &Listener, with_origin: bool, with_subprotocol: bool) -> Option<Answer> {
        let stream = self.dial(listener.secure).await.ok()?;
        let ask = Ask {
            listener,
            origin: with_origin.then_some(self.origin),
            with_subprotocol,
        };
        Some(ask.on(stream, self.options.wait).await)
    }

    async fn ask(&self, listener: &Listener, stream: NetworkStream) -> Answer {
        let ask = Ask {
            listener,
            origin: Some(self.origin),
            with_subprotocol: true,
        };
        ask.on(stream, self.options.wait).await
    }

    /// A CONNECT without WebSocket around it.
    async fn plain_mqtt(&self, under_tls: bool) -> Option<bool> {
        let stream = self.dial(under_tls).await.ok()?;
        let answer = mqtt::connect(
            Pipe::Bare(BrokerStream::bare(stream)),
            ProtocolVersion::V311,
            None,
            self.options.wait,
        )
        .await;
        answer.is_connack().then_some(under_tls)
    }

    async fn speaks_tls(&self) -> bool {
        speaks_tls(&self.dial(true).await)
    }

    async fn dial(&self, with_tls: bool) -> Result<NetworkStream, DialError> {
        let address = BrokerAddress {
            host: self.listener.host.clone(),
            port: self.listener.port,
        };
        let tls = TlsConfig {
            ca: self.options.ca_file.clone().map(PemSource::File),
            ..TlsConfig::default()
        };
        let dialer = Dialer::new(address, with_tls.then_some(&tls))
            .map_err(|error| DialError::Tls(TlsFault::Other(error.to_string())))?;
        dialer.connect(None, self.options.wait).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_typed() {
        let read = |url: &str| parse(url).map(|listener| listener.to_string());
        assert_eq!(read("ws://home:9001").as_deref(), Ok("ws://home:9001/"));
        assert_eq!(
            read("WSS://home/mqtt?a=b").as_deref(),
            Ok("wss://home:443/mqtt?a=b")
        );
        assert_eq!(read("http://[::1]:9001/x").as_deref(), Ok("ws://[::1]:9001/x"));
        assert_eq!(read("ws://home?a").as_deref(), Ok("ws://home:80/?a"));
        for (url, part) in [
            ("home:9001", "no scheme"),
            ("mqtt://home:1883", "hearth check"),
            ("ftp://home", "not known"),
            ("ws://ada:hunter2@home", "do not belong"),
            ("ws://home/a b", "blanks"),
            ("ws://home/\r\nX: y", "blanks"),
            ("ws://:9001", "no host"),
            ("ws://home:99999", "no host"),
        ] {
            let said = read(url).unwrap_err();
            assert!(said.contains(part) && !said.contains("hunter2"), "{url}: {said}");
        }
    }
}
