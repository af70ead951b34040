//! A broker that signs clients in by tokens, as Kubernetes-minded brokers do: MQTT 5 enhanced authentication, and each token is good for
//! so long only. Who has not authenticated again by then is disconnected.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hearth_mqtt::{
    Ack, Auth, BytesMut, Connack, Disconnect, Framer, Packet, PacketId, Properties, Property, PropertyId,
    ProtocolVersion, Publish, ReasonCode, Role, Suback,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout_at},
};

const METHOD: &str = "K8S-SAT";

/// What a test wants to know.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// CONNECTs with a good token.
    pub(crate) sign_ins: AtomicU64,
    /// AUTH 0x19 with a good token.
    pub(crate) renewals: AtomicU64,
    /// Clients that were disconnected because their token was over, or no good.
    pub(crate) expired: AtomicU64,
    /// Messages taken.
    pub(crate) messages: AtomicU64,
}

pub(crate) struct TokenBroker {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    begun: Instant,
}

impl TokenBroker {
    /// Each token is good for `lifetime` from when it was made.
    pub(crate) async fn start(lifetime: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let broker = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            begun: Instant::now(),
        };
        let (seen, begun) = (Arc::clone(&broker.seen), broker.begun);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let client = Client {
                    tcp,
                    framer: Framer::new(1 << 20),
                    lifetime,
                    begun,
                    seen: Arc::clone(&seen),
                };
                tokio::spawn(client.serve());
            }
        });
        broker
    }

    /// A token made now: the time since the broker began, and bulk, as real ones have.
    pub(crate) fn token(&self) -> String {
        format!("{}.{}", self.begun.elapsed().as_millis(), "x".repeat(900))
    }
}

struct Client {
    tcp: TcpStream,
    framer: Framer,
    lifetime: Duration,
    begun: Instant,
    seen: Arc<Seen>,
}

impl Client {
    async fn serve(mut self) -> Option<()> {
        self.tcp.set_nodelay(true).ok()?;
        let Packet::Connect(connect) = self.receive().await? else {
            return None;
        };
        let Some(mut until) = self.good_until(&connect.properties) else {
            self.seen.expired.fetch_add(1, Ordering::Relaxed);
            let no = connack(ReasonCode::NOT_AUTHORIZED, &[]);
            return self.send(&no).await;
        };
        self.seen.sign_ins.fetch_add(1, Ordering::Relaxed);
        let welcome = [Property::AuthenticationMethod(METHOD)];
        self.send(&connack(ReasonCode::SUCCESS, &welcome)).await?;
        loop {
            let Ok(packet) = timeout_at(until, self.receive()).await else {
                return self.disconnect().await;
            };
            match packet? {
                Packet::Auth(auth) if auth.reason_code == ReasonCode::REAUTHENTICATE => {
                    match self.good_until(&auth.properties) {
                        Some(renewed) => until = renewed,
                        None => return self.disconnect().await,
                    }
                    self.seen.renewals.fetch_add(1, Ordering::Relaxed);
                    let properties = Properties::of(&[Property::AuthenticationMethod(METHOD)]).ok()?;
                    let reason_code = ReasonCode::SUCCESS;
                    self.send(&Packet::Auth(Auth {
                        reason_code,
                        properties,
                    }))
                    .await?;
                }
                Packet::Publish(publish) => self.take(publish).await?,
                Packet::Subscribe(subscribe) => {
                    let suback = Suback {
                        packet_id: subscribe.packet_id,
                        reason_codes: vec![ReasonCode::GRANTED_QOS_1; subscribe.filters.len()],
                        properties: Properties::new(),
                    };
                    self.send(&Packet::Suback(suback)).await?;
                }
                Packet::Pingreq => self.send(&Packet::Pingresp).await?,
                Packet::Disconnect(_) => return None,
                _ => {}
            }
        }
    }

    /// Acknowledges a message, and sends it back.
    async fn take(&mut self, publish: Publish) -> Option<()> {
        self.seen.messages.fetch_add(1, Ordering::Relaxed);
        if let Some(packet_id) = publish.packet_id {
            let ack = Ack {
                packet_id,
                reason_code: ReasonCode::SUCCESS,
                properties: Properties::new(),
            };
            self.send(&Packet::Puback(ack)).await?;
        }
        let mut echo = publish.into_parts();
        echo.packet_id = echo.packet_id.and(PacketId::new(1));
        self.send(&Packet::Publish(echo.into())).await
    }

    async fn disconnect(&mut self) -> Option<()> {
        self.seen.expired.fetch_add(1, Ordering::Relaxed);
        let over = Disconnect::with_reason(ReasonCode::NOT_AUTHORIZED);
        self.send(&Packet::Disconnect(over)).await
    }

    fn good_until(&self, properties: &Properties) -> Option<Instant> {
        let (Some(Property::AuthenticationMethod(METHOD)), Some(Property::AuthenticationData(token))) = (
            properties.find(PropertyId::AuthenticationMethod),
            properties.find(PropertyId::AuthenticationData),
        ) else {
            return None;
        };
        let made: u64 = std::str::from_utf8(token).ok()?.split_once('.')?.0.parse().ok()?;
        let until = self.begun + Duration::from_millis(made) + self.lifetime;
        (until > Instant::now()).then_some(until)
    }

    async fn receive(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = self.framer.poll_packet(ProtocolVersion::V5, Role::Server).ok()? {
                return Some(packet);
            }
            let mut bytes = BytesMut::with_capacity(4096);
            if self.tcp.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
            self.framer.push(bytes.freeze());
        }
    }

    async fn send(&mut self, packet: &Packet) -> Option<()> {
        let mut bytes = BytesMut::new();
        packet.encode(ProtocolVersion::V5, &mut bytes).ok()?;
        self.tcp.write_all(&bytes).await.ok()
    }
}

fn connack(reason_code: ReasonCode, properties: &[Property<'_>]) -> Packet {
    Packet::Connack(Connack {
        session_present: false,
        reason_code,
        properties: Properties::of(properties).unwrap(),
    })
}
