//! A session and a scripted server in virtual time.

use std::collections::BTreeMap;

use hearth_mqtt::{
    Ack, Bytes, BytesMut, Connack, Connect, Framer, MonoTime, Packet, PacketId, Properties, Property,
    ProtocolVersion, PublishParts, Qos, ReasonCode, Role, Suback, SubscriptionOptions, TopicFilter,
    TopicName, Unsuback,
    session::{
        ApplicationMessage, Event, PersistBatch, PersistChange, PersistKey, PublishId, Session,
        SessionOptions, Subscription, VersionChoice,
    },
};

/// A session, and what the server's end of the wire sees of it.
pub(crate) struct Pair {
    pub(crate) session: Session,
    pub(crate) version: ProtocolVersion,
    pub(crate) now: u64,
    pub(crate) framer: Framer,
}

pub(crate) fn v5() -> SessionOptions {
    SessionOptions {
        version: VersionChoice::V5,
        client_id: "test".into(),
        ..SessionOptions::default()
    }
}

pub(crate) fn v311() -> SessionOptions {
    SessionOptions {
        version: VersionChoice::V311,
        ..v5()
    }
}

/// Options of a session that the server keeps.
pub(crate) fn lasting(options: SessionOptions) -> SessionOptions {
    SessionOptions {
        clean_start: false,
        session_expiry_interval: 3_600,
        ..options
    }
}

impl Pair {
    pub(crate) fn new(options: SessionOptions) -> Self {
        Self::with(Session::new(options))
    }

    pub(crate) fn with(session: Session) -> Self {
        let version = session.version();
        Self {
            session,
            version,
            now: 0,
            framer: Framer::new(u32::MAX),
        }
    }

    /// A pair after a plain CONNACK, events and packets taken.
    pub(crate) fn connected(options: SessionOptions) -> Self {
        Self::connected_with(options, &[])
    }

    /// A pair after a CONNACK with these properties, events and packets taken.
    pub(crate) fn connected_with(options: SessionOptions, properties: &[Property<'_>]) -> Self {
        let mut pair = Self::new(options);
        pair.open();
        pair.accept(false, properties);
        pair.events();
        pair.received();
        pair
    }

    pub(crate) fn at(&self) -> MonoTime {
        MonoTime::from_ms(self.now)
    }

    /// Opens a network connection and takes the CONNECT.
    pub(crate) fn open(&mut self) -> Connect {
        self.session.handle_opened(self.at());
        self.version = self.session.version();
        self.framer = Framer::new(u32::MAX);
        let mut packets = self.received();
        assert_eq!(packets.len(), 1, "one CONNECT and nothing else: {packets:?}");
        match packets.remove(0) {
            Packet::Connect(connect) => *connect,
            other => panic!("not CONNECT: {other:?}"),
        }
    }

    pub(crate) fn accept(&mut self, session_present: bool, properties: &[Property<'_>]) {
        let properties = Properties::of(properties).unwrap();
        self.send(Packet::Connack(Connack {
            session_present,
            reason_code: ReasonCode::SUCCESS,
            properties,
        }));
    }

    /// Network connection lost and opened again, CONNECT taken and accepted.
    pub(crate) fn reconnect(&mut self, session_present: bool) -> Connect {
        self.cut();
        let connect = self.open();
        self.accept(session_present, &[]);
        connect
    }

    pub(crate) fn cut(&mut self) {
        self.session.handle_closed(self.at());
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "tests build the packet where they send it"
    )]
    pub(crate) fn send(&mut self, packet: Packet) {
        let mut out = BytesMut::new();
        packet.encode(self.version, &mut out).unwrap();
        self.send_bytes(out.freeze());
    }

    pub(crate) fn send_bytes(&mut self, bytes: impl Into<Bytes>) {
        self.session.handle_bytes(self.at(), bytes.into());
    }

    /// All packets that reached the server since the last call.
    pub(crate) fn received(&mut self) -> Vec<Packet> {
        let mut packets = Vec::new();
        while let Some(bytes) = self.session.poll_transmit() {
            assert!(
                !bytes.is_empty(),
                "an empty frame loses the session on Mosquitto 2.1"
            );
            self.framer.push(bytes);
        }
        while let Some(frame) = self.framer.poll_frame().unwrap() {
            packets.push(Packet::decode(self.version, Role::Server, frame).unwrap());
        }
        packets
    }

    pub(crate) fn one(&mut self) -> Packet {
        let mut packets = self.received();
        assert_eq!(packets.len(), 1, "{packets:?}");
        packets.remove(0)
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    pub(crate) fn event(&mut self) -> Event {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    pub(crate) fn publish(&mut self, qos: Qos, topic: &str, payload: &str) -> PublishId {
        let (at, message) = (self.at(), message(qos, topic, payload));
        self.session.publish(at, message).unwrap()
    }

    pub(crate) fn subscribe(&mut self, filters: &[&str]) -> hearth_mqtt::session::SubscribeId {
        let filters = filters.iter().map(|it| subscription(it)).collect();
        self.session.subscribe(self.at(), filters).unwrap()
    }

    /// Lets all timers fire until the session wants none, and says when.
    pub(crate) fn run_timers(&mut self) -> Vec<u64> {
        let mut times = Vec::new();
        while let Some(at) = self.session.poll_timeout() {
            times.push(at.ms);
            self.now = at.ms;
            self.session.handle_timeout(at);
            assert!(times.len() < 100, "timers without end: {times:?}");
        }
        times
    }
}

pub(crate) fn message(qos: Qos, topic: &str, payload: &str) -> ApplicationMessage {
    ApplicationMessage::new(TopicName::parse(topic).unwrap(), payload.to_owned()).with_qos(qos)
}

pub(crate) fn expiring(qos: Qos, topic: &str, seconds: u32) -> ApplicationMessage {
    let properties = Properties::of(&[Property::MessageExpiryInterval(seconds)]).unwrap();
    message(qos, topic, "x").with_properties(properties)
}

pub(crate) fn subscription(filter: &str) -> Subscription {
    Subscription::new(
        TopicFilter::parse(filter).unwrap(),
        SubscriptionOptions::at_most(Qos::ExactlyOnce),
    )
}

pub(crate) fn id(number: u16) -> PacketId {
    PacketId::new(number).unwrap()
}

pub(crate) fn inbound(qos: Qos, number: u16, topic: &str, dup: bool) -> Packet {
    Packet::Publish(
        PublishParts {
            dup,
            qos,
            retain: false,
            topic: Some(TopicName::parse(topic).unwrap()),
            packet_id: (qos > Qos::AtMostOnce).then(|| id(number)),
            properties: Properties::new(),
            payload: Bytes::from_static(b"x"),
        }
        .into(),
    )
}

pub(crate) fn puback(number: u16) -> Packet {
    Packet::Puback(Ack::success(id(number)))
}

pub(crate) fn pubrec(number: u16) -> Packet {
    Packet::Pubrec(Ack::success(id(number)))
}

pub(crate) fn pubrel(number: u16) -> Packet {
    Packet::Pubrel(Ack::success(id(number)))
}

pub(crate) fn pubcomp(number: u16) -> Packet {
    Packet::Pubcomp(Ack::success(id(number)))
}

pub(crate) fn suback(number: u16, codes: &[u8]) -> Packet {
    let reason_codes = codes.iter().map(|code| ReasonCode(*code)).collect();
    Packet::Suback(Suback {
        packet_id: id(number),
        reason_codes,
        properties: Properties::new(),
    })
}

pub(crate) fn unsuback(number: u16, codes: &[u8]) -> Packet {
    let reason_codes = codes.iter().map(|code| ReasonCode(*code)).collect();
    Packet::Unsuback(Unsuback {
        packet_id: id(number),
        reason_codes,
        properties: Properties::new(),
    })
}

/// What a PUBLISH says, in short: `q1 #5 dup topic payload`.
pub(crate) fn brief(packet: &Packet) -> String {
    match packet {
        Packet::Publish(publish) => {
            let id = publish.packet_id.map(|id| format!(" #{id}")).unwrap_or_default();
            let dup = if publish.dup { " dup" } else { "" };
            let topic = publish.topic().unwrap_or("-");
            format!("publish q{}{id}{dup} {topic}", publish.qos.bits())
        }
        Packet::Puback(ack) => format!("puback #{}", ack.packet_id),
        Packet::Pubrec(ack) => format!("pubrec #{}", ack.packet_id),
        Packet::Pubrel(ack) => format!("pubrel #{}", ack.packet_id),
        Packet::Pubcomp(ack) if ack.reason_code == ReasonCode::SUCCESS => {
            format!("pubcomp #{}", ack.packet_id)
        }
        Packet::Pubcomp(ack) => format!("pubcomp #{} {:#04x}", ack.packet_id, ack.reason_code.0),
        Packet::Subscribe(subscribe) => {
            let filters: Vec<_> = subscribe
                .filters
                .iter()
                .map(|(filter, _)| filter.to_string())
                .collect();
            format!("subscribe #{} {}", subscribe.packet_id, filters.join(" "))
        }
        Packet::Unsubscribe(unsubscribe) => {
            let filters: Vec<_> = unsubscribe
                .filters
                .iter()
                .map(|filter| filter.to_string())
                .collect();
            format!("unsubscribe #{} {}", unsubscribe.packet_id, filters.join(" "))
        }
        Packet::Disconnect(disconnect) => format!("disconnect {:#04x}", disconnect.reason_code.0),
        Packet::Auth(auth) => format!("auth {:#04x}", auth.reason_code.0),
        Packet::Pingreq => "pingreq".into(),
        other => format!("{other:?}"),
    }
}

impl Pair {
    /// What reached the server, in short.
    pub(crate) fn brief(&mut self) -> Vec<String> {
        self.received().iter().map(brief).collect()
    }
}

/// What an owner keeps of a persistent session.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Store(pub(crate) BTreeMap<PersistKey, Bytes>);

impl Store {
    /// Stores a batch, as one transaction.
    pub(crate) fn apply(&mut self, batch: &PersistBatch) {
        for change in &batch.changes {
            match change {
                PersistChange::Put(key, bytes) => self.0.insert(*key, bytes.clone()),
                PersistChange::Delete(key) => self.0.remove(key),
            };
        }
    }

    /// Stores all changes and confirms them.
    pub(crate) fn keep(&mut self, session: &mut Session) {
        while let Some(batch) = session.poll_persist() {
            self.apply(&batch);
            session.handle_persisted(batch.token);
        }
    }

    pub(crate) fn restore(&self, options: SessionOptions) -> Session {
        Session::restore(options, self.0.clone()).unwrap()
    }
}
