//! What a case gets to work with: one broker, one version, names that no other case uses.

use anyhow::Result;
use e2e::mosquitto::{PASSWORD, USER};
use hearth_mqtt::session::{ClosedReason, SessionOptions, VersionChoice};
use hearth_mqtt::{ProtocolVersion, Qos, ReasonCode};

use crate::client::{Client, Connected, Ended};

/// What a case finds out about a broker. That our session is at fault is an error instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The broker does it.
    Has,
    /// It does not; how that shows.
    Lacks(String),
}

/// It does not; how that shows.
pub(crate) fn lacks(how: impl Into<String>) -> Result<Finding> {
    Ok(Finding::Lacks(how.into()))
}

/// The scene of one case.
pub(crate) struct Rig {
    pub(crate) url: String,
    pub(crate) version: ProtocolVersion,
    pub(crate) case: &'static str,
}

impl Rig {
    /// A topic, or filter, of this case alone.
    pub(crate) fn topic(&self, rest: &str) -> String {
        format!("{}/{rest}", self.prefix())
    }

    /// What all topics of this case begin with. No dot: RabbitMQ makes a slash of it.
    fn prefix(&self) -> String {
        format!("{}/v{}", self.case, self.version.level())
    }

    /// A client id of this case alone.
    pub(crate) fn client_id(&self, name: &str) -> String {
        format!("{}-v{}-{name}", self.case, self.version.level())
    }

    /// Options for a client that leaves nothing behind.
    pub(crate) fn options(&self, name: &str) -> SessionOptions {
        SessionOptions {
            version: match self.version {
                ProtocolVersion::V311 => VersionChoice::V311,
                ProtocolVersion::V5 => VersionChoice::V5,
            },
            client_id: self.client_id(name),
            username: Some(USER.into()),
            password: Some(PASSWORD.into()),
            ..SessionOptions::default()
        }
    }

    /// Options for a client whose session the broker keeps.
    pub(crate) fn lasting_options(&self, name: &str) -> SessionOptions {
        SessionOptions {
            clean_start: false,
            session_expiry_interval: 600,
            ..self.options(name)
        }
    }

    pub(crate) fn client(&self, options: SessionOptions) -> Client {
        Client::new(&self.url, self.prefix(), options)
    }

    /// A connected client that leaves nothing behind.
    pub(crate) fn connected(&self, name: &str) -> Result<Client> {
        Ok(self.connected_with(self.options(name))?.0)
    }

    /// A connected client with these options.
    pub(crate) fn connected_with(&self, options: SessionOptions) -> Result<(Client, Connected)> {
        let mut client = self.client(options);
        // RabbitMQ sometimes closes when the client id was in use a moment ago.
        for _ in 0..2 {
            match client.connect() {
                Ok(connected) => return Ok((client, connected)),
                Err(error) if is_network_closed(&error) => client.cut(),
                Err(error) => return Err(error),
            }
        }
        let connected = client.connect()?;
        Ok((client, connected))
    }

    /// A connected client whose subscription was granted, unless the broker grants less.
    pub(crate) fn subscribed(&self, name: &str, filter: &str, qos: Qos) -> Result<Result<Client, Finding>> {
        let mut client = self.connected(name)?;
        let code = client.subscribe(filter, qos)?;
        Ok(granted(code, qos).map(|()| client))
    }
}

pub(crate) fn is_network_closed(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Ended(ClosedReason::NetworkClosed)))
}

/// Fails with the finding if a subscription was granted with a lower QoS, or not at all.
pub(crate) fn granted(code: ReasonCode, qos: Qos) -> Result<(), Finding> {
    if code.0 == qos.bits() {
        return Ok(());
    }
    Err(Finding::Lacks(match Qos::from_bits(code.0) {
        Some(less) => format!("QoS {} is granted as QoS {}", qos.bits(), less.bits()),
        None => format!("a subscription with QoS {} is refused: {code}", qos.bits()),
    }))
}

/// Leaves a case with its finding.
macro_rules! or_lacks {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(finding) => return Ok(finding),
        }
    };
}
pub(crate) use or_lacks;
