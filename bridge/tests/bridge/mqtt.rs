//! MQTT over a browser's WebSocket, packet by packet.

use hearth_mqtt::{
    Ack, Bytes, BytesMut, Connect, Framer, Packet, PacketId, Properties, ProtocolVersion, Publish,
    PublishParts, Qos, ReasonCode, Role, Subscribe, SubscriptionOptions, TopicFilter, TopicName,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::websocket::Browser;

pub(crate) struct Client<S = TcpStream> {
    browser: Browser<S>,
    framer: Framer,
    version: ProtocolVersion,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Nothing is sent yet.
    pub(crate) fn new(browser: Browser<S>, version: ProtocolVersion) -> Self {
        Self {
            browser,
            framer: Framer::new(16 * 1024 * 1024),
            version,
        }
    }

    /// The same with 5.0.
    pub(crate) fn over(browser: Browser<S>) -> Self {
        Self::new(browser, ProtocolVersion::V5)
    }

    /// Connects, and takes CONNACK.
    pub(crate) async fn connect(browser: Browser<S>) -> Self {
        let mut client = Self::over(browser);
        client.send(&connect()).await;
        let code = client.connack().await;
        assert!(!code.is_error(), "{code:?}");
        client
    }

    /// The code of CONNACK.
    pub(crate) async fn connack(&mut self) -> ReasonCode {
        match self.receive().await {
            Packet::Connack(connack) => connack.reason_code,
            other => panic!("no CONNACK but {other:?}"),
        }
    }

    pub(crate) fn encode(&self, packet: &Packet) -> BytesMut {
        let mut bytes = BytesMut::new();
        packet.encode(self.version, &mut bytes).unwrap();
        bytes
    }

    pub(crate) async fn send(&mut self, packet: &Packet) {
        let bytes = self.encode(packet);
        self.browser.send(&bytes).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.browser.send(bytes).await;
    }

    /// The next message, acknowledged: topic and payload.
    pub(crate) async fn message(&mut self) -> (String, Vec<u8>) {
        loop {
            match self.receive().await {
                Packet::Publish(publish) => {
                    let topic = publish.topic().unwrap().to_owned();
                    match (publish.qos, publish.packet_id) {
                        (Qos::AtLeastOnce, Some(id)) => self.send(&Packet::Puback(ack(id))).await,
                        (Qos::ExactlyOnce, Some(id)) => self.send(&Packet::Pubrec(ack(id))).await,
                        _ => {}
                    }
                    return (topic, publish.payload().to_vec());
                }
                Packet::Pubrel(pubrel) => self.send(&Packet::Pubcomp(ack(pubrel.packet_id))).await,
                other => panic!("no message but {other:?}"),
            }
        }
    }

    pub(crate) async fn receive(&mut self) -> Packet {
        loop {
            if let Some(frame) = self.framer.poll_frame().unwrap() {
                return Packet::decode(self.version, Role::Client, frame).unwrap();
            }
            self.framer.push(self.browser.receive().await);
        }
    }

    /// Reads on until the bridge closes, and says with what.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        self.browser.closed().await
    }

    pub(crate) async fn subscribe(&mut self, filter: &str) {
        self.send(&subscribe(&[filter], Qos::ExactlyOnce)).await;
        let packet = self.receive().await;
        assert!(
            matches!(&packet, Packet::Suback(suback) if suback.reason_codes.iter().all(|code| !code.is_error())),
            "{packet:?}"
        );
    }
}

pub(crate) fn connect() -> Packet {
    connect_as(ProtocolVersion::V5, "", None)
}

/// CONNECT with a client id, and perhaps user name and password.
pub(crate) fn connect_as(version: ProtocolVersion, client_id: &str, login: Option<(&str, &str)>) -> Packet {
    Packet::Connect(Box::new(Connect {
        version,
        clean_start: true,
        keep_alive: 60,
        client_id: client_id.into(),
        will: None,
        username: login.map(|(user_name, _)| user_name.into()),
        password: login.map(|(_, password)| Bytes::copy_from_slice(password.as_bytes())),
        properties: Properties::default(),
    }))
}

pub(crate) fn subscribe(filters: &[&str], maximum_qos: Qos) -> Packet {
    let options = SubscriptionOptions::at_most(maximum_qos);
    let filters = filters
        .iter()
        .map(|filter| (TopicFilter::parse(filter).unwrap(), options));
    Packet::Subscribe(Subscribe {
        packet_id: PacketId::new(1).unwrap(),
        filters: filters.collect(),
        properties: Properties::default(),
    })
}

fn ack(packet_id: PacketId) -> Ack {
    Ack {
        packet_id,
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::default(),
    }
}

pub(crate) fn publish(topic: &str, payload: &[u8], qos: Qos) -> Publish {
    PublishParts {
        dup: false,
        qos,
        retain: false,
        topic: Some(TopicName::parse(topic).unwrap()),
        packet_id: (qos != Qos::AtMostOnce).then(|| PacketId::new(7).unwrap()),
        properties: Properties::default(),
        payload: Bytes::copy_from_slice(payload),
    }
    .into()
}
