//! `hearth check`: is the configuration in order, and does each broker answer?

use std::{fmt, time::Duration};

use hearth_model::doctor::MqttAnswer;
use hearth_mqtt::{ProtocolVersion, ReasonCode};

use super::{
    Steps, certificate,
    mqtt::{self, Pipe},
    plain,
};
use crate::{
    config::{BrokerConfig, Config},
    credentials::{CredentialSource, Credentials},
    transport::{BrokerStream, Dialer},
};

/// How long CONNACK may take.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// What was found about one broker.
#[derive(Debug)]
pub struct BrokerReport {
    title: String,
    steps: Steps,
    fault: Option<String>,
}

impl BrokerReport {
    /// Why browsers cannot use this broker.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}

impl fmt::Display for BrokerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        write!(f, "{}", self.steps)?;
        match &self.fault {
            None => write!(f, "  ok"),
            Some(fault) => write!(f, "  FAILED: {}", plain(fault)),
        }
    }
}

/// Dials each broker that the relay would dial; the embedded one starts with the bridge.
pub async fn check(config: &Config) -> Vec<BrokerReport> {
    let mut reports = Vec::new();
    for broker in &config.brokers {
        let mut report = BrokerReport {
            title: format!("broker '{}' at {}", broker.id, broker.url()),
            steps: Steps::default(),
            fault: None,
        };
        report.fault = look(broker, config.relay.dial_timeout, &mut report.steps)
            .await
            .err();
        reports.push(report);
    }
    reports
}

async fn look(broker: &BrokerConfig, dial_timeout: Duration, steps: &mut Steps) -> Result<(), String> {
    let dialer = Dialer::of_broker(broker).map_err(|error| error.to_string())?;
    let credentials = match &broker.credentials {
        None => None,
        Some(config) => {
            let read = CredentialSource::new(config.clone()).current().await;
            Some(read.map_err(|error| error.to_string())?)
        }
    };
    steps.add("credentials", shown(credentials.as_ref()));
    let mut answers = Vec::new();
    for version in [ProtocolVersion::V5, ProtocolVersion::V311] {
        let stream = dial(&dialer, dial_timeout).await?;
        if answers.is_empty() {
            describe(&stream, steps);
        }
        let answer = mqtt::connect(Pipe::Bare(stream), version, credentials.as_ref(), ANSWER_WAIT).await;
        steps.add(version_name(version), answer.to_string());
        answers.push(answer);
    }
    judge(&answers, credentials.is_some())
}

async fn dial(dialer: &Dialer, dial_timeout: Duration) -> Result<BrokerStream, String> {
    let dialled = dialer.dial(None, dial_timeout).await;
    dialled.map_err(|error| error.to_string())
}

fn describe(stream: &BrokerStream, steps: &mut Steps) {
    let network = stream.network();
    if let Some(address) = network.peer_address() {
        steps.add("TCP", format!("connected to {address}"));
    }
    if let Some(tls) = network.tls() {
        steps.add("TLS", certificate::describe(tls, network.certificate()));
    }
    if stream.is_websocket() {
        steps.add("WebSocket", "open, subprotocol mqtt");
    }
}

/// One version is enough; and without credentials of our own it is enough that the broker asks for some.
fn judge(answers: &[MqttAnswer], has_credentials: bool) -> Result<(), String> {
    if answers.iter().any(MqttAnswer::is_accepted) {
        return Ok(());
    }
    let asks = |answer: &MqttAnswer| {
        matches!(answer, MqttAnswer::Refused { code, .. } if matches!(
            ReasonCode(*code),
            ReasonCode::BAD_USER_NAME_OR_PASSWORD | ReasonCode::NOT_AUTHORIZED
        ))
    };
    if !answers.iter().any(asks) {
        return Err("no version of MQTT is accepted".into());
    }
    match has_credentials {
        true => Err("the broker does not accept the bridge's credentials".into()),
        // The page will be asked for them.
        false => Ok(()),
    }
}

fn shown(credentials: Option<&Credentials>) -> String {
    match credentials {
        None => "none of the bridge's own: what the page sends is passed on".into(),
        Some(Credentials::UserNamePassword {
            user_name,
            password: Some(_),
        }) => format!("user name {user_name} and a password"),
        Some(Credentials::UserNamePassword {
            user_name,
            password: None,
        }) => format!("user name {user_name} without a password"),
        Some(Credentials::Enhanced { method, .. }) => format!("enhanced authentication, method {method}"),
    }
}

pub(super) fn version_name(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::V5 => "MQTT 5.0",
        ProtocolVersion::V311 => "MQTT 3.1.1",
    }
}
