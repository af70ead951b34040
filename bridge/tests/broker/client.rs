//! One interface to rumqttc's two clients.

use rumqttc::{QoS, v5};
use std::{fmt::Debug, net::SocketAddr, time::Duration};

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Which MQTT the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V311,
    V5,
}

pub(crate) const BOTH: [Version; 2] = [Version::V311, Version::V5];

/// What the client is told by the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Connected {
        session_present: bool,
    },
    Refused(String),
    Message(Message),
    Granted(Vec<String>),
    /// PUBACK, or PUBREC and then PUBCOMP, with the reason.
    Acknowledged(String),
    /// DISCONNECT with its reason, 5.0 only.
    SentAway(String),
    Closed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
}

#[derive(Clone)]
pub(crate) struct Settings {
    pub id: String,
    pub login: Option<(String, String)>,
    pub clean_start: bool,
    pub will: Option<(String, String)>,
    pub keep_alive_s: u64,
    /// Bytes; 5.0 tells the broker.
    pub maximum_packet_size: u32,
}

pub(crate) fn settings(id: &str) -> Settings {
    Settings {
        id: id.to_owned(),
        login: None,
        clean_start: true,
        will: None,
        keep_alive_s: 60,
        maximum_packet_size: 4 << 20,
    }
}

impl Settings {
    pub(crate) fn login(mut self, user: &str, password: &str) -> Self {
        self.login = Some((user.to_owned(), password.to_owned()));
        self
    }
    pub(crate) fn persistent(mut self) -> Self {
        self.clean_start = false;
        self
    }
    pub(crate) fn will(mut self, topic: &str, payload: &str) -> Self {
        self.will = Some((topic.to_owned(), payload.to_owned()));
        self
    }
    pub(crate) fn maximum_packet_size(mut self, bytes: u32) -> Self {
        self.maximum_packet_size = bytes;
        self
    }
    pub(crate) fn keep_alive_s(mut self, seconds: u64) -> Self {
        self.keep_alive_s = seconds;
        self
    }
}

pub(crate) enum Client {
    V311(rumqttc::AsyncClient, Box<rumqttc::EventLoop>),
    V5(v5::AsyncClient, Box<v5::EventLoop>),
}

impl Client {
    /// Dials; what becomes of it is told by [`next`](Client::next).
    pub(crate) fn dial(version: Version, broker: SocketAddr, settings: Settings) -> Self {
        match version {
            Version::V311 => Self::dial_v311(broker, settings),
            Version::V5 => Self::dial_v5(broker, settings),
        }
    }

    /// Connects and expects to be let in; says whether the session was there.
    pub(crate) async fn connect(version: Version, broker: SocketAddr, settings: Settings) -> (Self, bool) {
        let mut client = Self::dial(version, broker, settings);
        match client.next().await {
            Told::Connected { session_present } => (client, session_present),
            other => panic!("expected to be connected, but: {other:?}"),
        }
    }

    pub(crate) async fn connected(version: Version, broker: SocketAddr, id: &str) -> Self {
        Self::connect(version, broker, settings(id)).await.0
    }

    fn dial_v311(broker: SocketAddr, settings: Settings) -> Self {
        let mut options = rumqttc::MqttOptions::new(settings.id, broker.ip().to_string(), broker.port());
        options
            .set_max_packet_size(4 << 20, 4 << 20)
            .set_clean_session(settings.clean_start);
        options.set_keep_alive(Duration::from_secs(settings.keep_alive_s));
        if let Some((user, password)) = settings.login {
            options.set_credentials(user, password);
        }
        if let Some((topic, payload)) = settings.will {
            options.set_last_will(rumqttc::LastWill::new(topic, payload, QoS::AtLeastOnce, false));
        }
        let (client, network) = rumqttc::AsyncClient::new(options, 1_000);
        Self::V311(client, Box::new(network))
    }

    fn dial_v5(broker: SocketAddr, settings: Settings) -> Self {
        let mut options = v5::MqttOptions::new(settings.id, broker.ip().to_string(), broker.port());
        options
            .set_clean_start(settings.clean_start)
            .set_max_packet_size(Some(settings.maximum_packet_size));
        options.set_keep_alive(Duration::from_secs(settings.keep_alive_s));
        if !settings.clean_start {
            options.set_session_expiry_interval(Some(3_600));
        }
        if let Some((user, password)) = settings.login {
            options.set_credentials(user, password);
        }
        if let Some((topic, payload)) = settings.will {
            let will = v5::mqttbytes::v5::LastWill::new(
                topic,
                payload,
                v5::mqttbytes::QoS::AtLeastOnce,
                false,
                None,
            );
            options.set_last_will(will);
        }
        let (client, network) = v5::AsyncClient::new(options, 1_000);
        Self::V5(client, Box::new(network))
    }

    pub(crate) async fn subscribe(&mut self, filter: &str, qos: u8) -> Vec<String> {
        match self {
            Self::V311(client, _) => client.try_subscribe(filter, rumqttc::qos(qos).unwrap()).unwrap(),
            Self::V5(client, _) => client
                .try_subscribe(filter, v5::mqttbytes::qos(qos).unwrap())
                .unwrap(),
        }
        match self.until(|told| matches!(told, Told::Granted(_))).await {
            Told::Granted(codes) => codes,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn send(&self, topic: &str, qos: u8, retain: bool, payload: impl Into<Vec<u8>>) {
        let payload = payload.into();
        match self {
            Self::V311(client, _) => {
                client
                    .try_publish(topic, rumqttc::qos(qos).unwrap(), retain, payload)
                    .unwrap();
            }
            Self::V5(client, _) => {
                client
                    .try_publish(topic, v5::mqttbytes::qos(qos).unwrap(), retain, payload)
                    .unwrap();
            }
        }
    }

    /// Publishes with QoS 1 or 2 and waits for the acknowledgement.
    pub(crate) async fn publish(
        &mut self,
        topic: &str,
        qos: u8,
        retain: bool,
        payload: impl Into<Vec<u8>>,
    ) -> String {
        self.send(topic, qos, retain, payload);
        match self.until(|told| matches!(told, Told::Acknowledged(_))).await {
            Told::Acknowledged(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn message(&mut self) -> Message {
        match self.until(|told| matches!(told, Told::Message(_))).await {
            Told::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }

    /// Says goodbye and waits until it has been said.
    pub(crate) async fn leave(mut self) {
        match &self {
            Self::V311(client, _) => client.try_disconnect().unwrap(),
            Self::V5(client, _) => client.try_disconnect().unwrap(),
        }
        self.until(|told| matches!(told, Told::Closed)).await;
    }

    pub(crate) async fn until(&mut self, wanted: impl Fn(&Told) -> bool) -> Told {
        loop {
            let told = self.next().await;
            if wanted(&told) {
                return told;
            }
        }
    }

    /// The next thing the broker says.
    pub(crate) async fn next(&mut self) -> Told {
        let told = async {
            loop {
                let told = match self {
                    Self::V311(_, network) => told_by_v311(network.poll().await),
                    Self::V5(_, network) => told_by_v5(network.poll().await),
                };
                if let Some(told) = told {
                    return told;
                }
            }
        };
        tokio::time::timeout(PATIENCE, told)
            .await
            .expect("the broker said nothing")
    }
}

fn told_by_v311(event: Result<rumqttc::Event, rumqttc::ConnectionError>) -> Option<Told> {
    use rumqttc::{ConnectionError, Event, Outgoing, Packet};
    Some(match event {
        Ok(Event::Incoming(Packet::ConnAck(ack))) => Told::Connected {
            session_present: ack.session_present,
        },
        Ok(Event::Incoming(Packet::Publish(publish))) => Told::Message(Message {
            topic: publish.topic,
            payload: publish.payload.to_vec(),
            qos: publish.qos as u8,
            retain: publish.retain,
        }),
        Ok(Event::Incoming(Packet::SubAck(ack))) => Told::Granted(words(&ack.return_codes)),
        Ok(Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_))) => {
            Told::Acknowledged("Success".to_owned())
        }
        // It has said goodbye: what comes after is of no interest.
        Ok(Event::Outgoing(Outgoing::Disconnect)) => Told::Closed,
        Ok(_) => return None,
        Err(ConnectionError::ConnectionRefused(code)) => Told::Refused(word(code)),
        Err(_) => Told::Closed,
    })
}

fn told_by_v5(event: Result<v5::Event, v5::ConnectionError>) -> Option<Told> {
    use v5::{ConnectionError, Event, StateError, mqttbytes::v5::Packet};
    Some(match event {
        Ok(Event::Incoming(Packet::ConnAck(ack))) => Told::Connected {
            session_present: ack.session_present,
        },
        Ok(Event::Incoming(Packet::Publish(publish))) => Told::Message(Message {
            topic: String::from_utf8(publish.topic.to_vec()).unwrap(),
            payload: publish.payload.to_vec(),
            qos: publish.qos as u8,
            retain: publish.retain,
        }),
        Ok(Event::Incoming(Packet::SubAck(ack))) => Told::Granted(words(&ack.return_codes)),
        Ok(Event::Incoming(Packet::PubAck(ack))) => Told::Acknowledged(word(ack.reason)),
        Ok(Event::Incoming(Packet::PubRec(ack))) if word(ack.reason) != "Success" => {
            Told::Acknowledged(word(ack.reason))
        }
        Ok(Event::Incoming(Packet::PubComp(ack))) => Told::Acknowledged(word(ack.reason)),
        Ok(Event::Incoming(Packet::Disconnect(disconnect))) => Told::SentAway(word(disconnect.reason_code)),
        Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => Told::Closed,
        Ok(_) => return None,
        Err(ConnectionError::ConnectionRefused(code)) => Told::Refused(word(code)),
        Err(ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. })) => {
            Told::SentAway(word(reason_code))
        }
        Err(_) => Told::Closed,
    })
}

fn word(code: impl Debug) -> String {
    format!("{code:?}")
}

fn words(codes: &[impl Debug]) -> Vec<String> {
    codes.iter().map(word).collect()
}
