//! MQTT 5.0 over a browser's WebSocket, packet by packet.

use hearth_mqtt::{
    Bytes, BytesMut, Connect, Framer, Packet, PacketId, Properties, ProtocolVersion, Publish, PublishParts,
    Qos, Role, Subscribe, SubscriptionOptions, TopicFilter, TopicName,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::websocket::Browser;

pub(crate) struct Client<S = TcpStream> {
    browser: Browser<S>,
    framer: Framer,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Nothing is sent yet.
    pub(crate) fn over(browser: Browser<S>) -> Self {
        Self {
            browser,
            framer: Framer::new(16 * 1024 * 1024),
        }
    }

    /// Connects, and takes CONNACK.
    pub(crate) async fn connect(browser: Browser<S>) -> Self {
        let mut client = Self::over(browser);
        client.send(&connect()).await;
        let packet = client.receive().await;
        assert!(
            matches!(&packet, Packet::Connack(connack) if !connack.reason_code.is_error()),
            "{packet:?}"
        );
        client
    }

    pub(crate) async fn send(&mut self, packet: &Packet) {
        let mut bytes = BytesMut::new();
        packet.encode(ProtocolVersion::V5, &mut bytes).unwrap();
        self.browser.send(&bytes).await;
    }

    pub(crate) async fn receive(&mut self) -> Packet {
        loop {
            if let Some(frame) = self.framer.poll_frame().unwrap() {
                return Packet::decode(ProtocolVersion::V5, Role::Client, frame).unwrap();
            }
            self.framer.push(self.browser.receive().await);
        }
    }

    /// Reads on until the bridge closes, and says with what.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        self.browser.closed().await
    }

    pub(crate) async fn subscribe(&mut self, filter: &str) {
        let options = SubscriptionOptions {
            maximum_qos: Qos::ExactlyOnce,
            ..SubscriptionOptions::default()
        };
        let subscribe = Subscribe {
            packet_id: PacketId::new(1).unwrap(),
            filters: vec![(TopicFilter::parse(filter).unwrap(), options)].into(),
            properties: Properties::default(),
        };
        self.send(&Packet::Subscribe(subscribe)).await;
        let packet = self.receive().await;
        assert!(
            matches!(&packet, Packet::Suback(suback) if suback.reason_codes.iter().all(|code| !code.is_error())),
            "{packet:?}"
        );
    }
}

pub(crate) fn connect() -> Packet {
    Packet::Connect(Box::new(Connect {
        version: ProtocolVersion::V5,
        clean_start: true,
        keep_alive: 60,
        client_id: "".into(),
        will: None,
        username: None,
        password: None,
        properties: Properties::default(),
    }))
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
