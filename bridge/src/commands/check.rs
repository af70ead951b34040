//! `hearth check`: is the configuration in order, and does each broker answer?

use std::{fmt, time::Duration};

use hearth_model::{
    api::AuthMode,
    doctor::{Listener, MqttAnswer, USUAL_PATHS},
};
use hearth_mqtt::{ProtocolVersion, ReasonCode};
use rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName},
    server::ParsedCertificate,
};
use x509_parser::time::ASN1Time;

use super::{
    Steps,
    mqtt::{self, Pipe},
    plain, speaks_tls,
};
use crate::{
    auth::accounts::AccountsFile,
    certificate::{self, Age, Validity},
    config::{BrokerConfig, Config, ProxyProtocol, TlsConfig},
    credentials::{CredentialSource, Credentials},
    routes::assets::Assets,
    transport::{Answer, Ask, BrokerStream, DialError, Dialer, key_pair},
};

/// How long CONNACK may take.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// What was found about HTTPS, or about one broker.
#[derive(Debug)]
pub struct Report {
    title: String,
    steps: Steps,
    fault: Option<String>,
    /// What to do about it, where that is known.
    hint: Option<String>,
}

impl Report {
    /// Why browsers cannot use it.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        write!(f, "{}", self.steps)?;
        match &self.fault {
            None => write!(f, "  ok")?,
            Some(fault) => write!(f, "  FAILED: {}", plain(fault))?,
        }
        match &self.hint {
            None => Ok(()),
            Some(hint) => write!(f, "\n  what to do: {}", plain(hint)),
        }
    }
}

/// What keeps nobody from starting, but people from what they come for.
pub fn remarks(config: &Config) -> Vec<String> {
    let mut remarks = Vec::new();
    let accounts = AccountsFile::new(&config.auth.accounts_file);
    if config.auth.mode == AuthMode::Users && accounts.read().is_ok_and(|accounts| accounts.is_empty()) {
        remarks.push(format!(
            "there are no accounts in {}, so nobody can log in; `hearth user add NAME --role admin` makes one",
            accounts.path().display()
        ));
    }
    if let Some(folder) = Assets::new(config.dist.as_deref()).missing_page() {
        remarks.push(format!(
            "there is no page to serve in {}; name its folder with --dist",
            folder.display()
        ));
    }
    remarks
}

/// Looks at the certificate of HTTPS, where there is one that can be used at all.
pub fn https(config: &Config) -> Option<Report> {
    let tls = config.http.tls.as_ref()?;
    let own = key_pair(&tls.cert_file, &tls.key_file).ok()?;
    let certificate = own.end_entity_cert().ok()?;
    let mut steps = Steps::default();
    if let Some(line) = certificate::line(certificate, certificate::now_s()) {
        steps.add("TLS", line);
    }
    for host in &config.access.public_hosts {
        if !is_for(certificate, &host.to_string()) {
            steps.add(
                "warning",
                format!("it is not for {host}, which access.public_hosts names"),
            );
        }
    }
    let fault = match Validity::of(certificate)?.age(certificate::now_s()) {
        Age::Over => Some("the certificate has expired"),
        Age::Early => Some("the certificate is not valid yet"),
        Age::Good | Age::Near => None,
    };
    Some(Report {
        title: format!("HTTPS with {}", tls.cert_file.display()),
        steps,
        fault: fault.map(str::to_owned),
        hint: None,
    })
}

fn is_for(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    let (Ok(certificate), Ok(name)) = (
        ParsedCertificate::try_from(certificate),
        ServerName::try_from(host),
    ) else {
        return false;
    };
    verify_server_name(&certificate, &name).is_ok()
}

/// Dials each broker that the relay would dial; the embedded one starts with the bridge.
pub async fn check(config: &Config) -> Vec<Report> {
    let mut reports = Vec::new();
    for broker in &config.brokers {
        let mut report = Report {
            title: format!("broker '{}' at {}", broker.id, broker.url()),
            steps: Steps::default(),
            fault: None,
            hint: None,
        };
        if let Err(failure) = look(broker, config.relay.dial_timeout, &mut report.steps).await {
            report.fault = Some(failure.fault);
            report.hint = failure.hint;
        }
        reports.push(report);
    }
    reports
}

/// Why a broker cannot be used, and what to do about it, where that is known.
struct Failure {
    fault: String,
    hint: Option<String>,
}

impl From<String> for Failure {
    fn from(fault: String) -> Self {
        Self { fault, hint: None }
    }
}

async fn look(broker: &BrokerConfig, dial_timeout: Duration, steps: &mut Steps) -> Result<(), Failure> {
    let dialer = Dialer::of_broker(broker)
        .map_err(|_| "it is not dialled, for what keeps the bridge from starting".to_owned())?;
    let credentials = match &broker.credentials {
        None => None,
        Some(config) => {
            let read = CredentialSource::new(config.clone()).current().await;
            Some(read.map_err(|error| error.to_string())?)
        }
    };
    steps.add("credentials", shown(credentials.as_ref()));
    if let Some(ends_at_s) = credentials.as_ref().and_then(Credentials::expires_at) {
        steps.add("token", time_of_token(ends_at_s, certificate::now_s()));
    }
    let own = dialer.own_certificate();
    if let Some(line) = own.and_then(|own| certificate::line(&own, certificate::now_s())) {
        steps.add("shows", line);
    }
    if let Some(version) = broker.proxy_protocol {
        let version = match version {
            ProxyProtocol::V1 => "v1",
            ProxyProtocol::V2 => "v2",
        };
        steps.add(
            "PROXY",
            format!("header {version} first; a broker that does not expect it hangs up"),
        );
    }
    let mut answers = Vec::new();
    for version in [ProtocolVersion::V5, ProtocolVersion::V311] {
        let stream = match dialer.dial(None, dial_timeout).await {
            Ok(stream) => stream,
            Err(error) => {
                return Err(Failure {
                    hint: hint_of(&error, broker, dial_timeout).await,
                    fault: error.to_string(),
                });
            }
        };
        if answers.is_empty() {
            describe(&stream, steps);
        }
        let answer = mqtt::connect(Pipe::Bare(stream), version, credentials.as_ref(), ANSWER_WAIT).await;
        steps.add(version_name(version), answer.to_string());
        answers.push(answer);
    }
    let Err(fault) = judge(&answers, credentials.is_some()) else {
        return Ok(());
    };
    let hint = match answers.iter().any(MqttAnswer::is_connack) {
        true => None,
        false => other_language(broker, dial_timeout).await,
    };
    Err(Failure { fault, hint })
}

async fn hint_of(error: &DialError, broker: &BrokerConfig, dial_timeout: Duration) -> Option<String> {
    match error {
        DialError::Tls(fault) => {
            let named = broker.tls.as_ref().and_then(|tls| tls.server_name.as_deref());
            fault.remedy(named.unwrap_or(&broker.address.host))
        }
        DialError::Upgrade(_) => other_language(broker, dial_timeout).await,
        DialError::Refused | DialError::Unreachable(_) | DialError::Timeout | DialError::NameTimeout => None,
    }
}

/// What the port speaks instead, where nobody answered as the address says.
async fn other_language(broker: &BrokerConfig, wait: Duration) -> Option<String> {
    let asked = broker.websocket_path.as_deref();
    let [usual, ..] = USUAL_PATHS;
    let listener = Listener {
        secure: broker.tls.is_some(),
        host: broker.address.host.clone(),
        port: broker.address.port,
        path: asked.unwrap_or(usual).to_owned(),
    };
    if broker.tls.is_none()
        && let Ok(dialer) = Dialer::new(broker.address.clone(), Some(&TlsConfig::default()))
        && speaks_tls(&dialer.connect(None, wait).await)
    {
        let url = match asked {
            None => format!("mqtts://{}", listener.authority()),
            Some(_) => listener.with_tls(true).to_string(),
        };
        return Some(format!("This is a TLS port: write {url}."));
    }
    if asked.is_some() {
        return None;
    }
    let stream = Dialer::of_broker(broker).ok()?.connect(None, wait).await.ok()?;
    let ask = Ask {
        listener: &listener,
        origin: None,
        with_subprotocol: true,
    };
    match ask.on(stream, wait).await {
        Answer::Opened { .. } | Answer::Http(_) => Some(format!(
            "This looks like a WebSocket or HTTP listener: write {listener}, or name the broker's port for MQTT over TCP."
        )),
        Answer::NoHttp => None,
    }
}

fn time_of_token(ends_at_s: u64, now_s: i64) -> String {
    let ends_at_s = i64::try_from(ends_at_s).unwrap_or(i64::MAX);
    let ends = ASN1Time::from_timestamp(ends_at_s).ok();
    match ends.and_then(|time| time.to_rfc2822().ok()) {
        Some(date) if ends_at_s <= now_s => format!("it expired on {date}: the broker will refuse it"),
        Some(date) => format!("it holds until {date}"),
        // Later than any date that can be written.
        None => "it holds for ever".to_owned(),
    }
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
