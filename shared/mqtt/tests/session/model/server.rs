//! A small reference server for one client: obeys the specification to the letter, and panics when the client does not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hearth_mqtt::{
    Ack, Bytes, BytesMut, Connack, Framer, Packet, PacketId, Properties, Property, ProtocolVersion, Publish,
    PublishParts, Qos, ReasonCode, Role, TopicName,
};

/// What the server waits for, for a message of its own.
#[derive(Debug, Clone)]
enum Waits {
    Puback(Publish),
    Pubrec(Publish),
    Pubcomp,
}

/// The server's side of the session: outlives network connections.
#[derive(Debug, Default)]
struct Kept {
    /// QoS 2 messages of the client that were passed on and not released.
    unreleased: BTreeSet<PacketId>,
    /// Our messages in flight, in the order in which they were sent.
    in_flight: VecDeque<(PacketId, Waits)>,
    next_id: u16,
}

#[derive(Debug)]
pub(crate) struct Server {
    version: ProtocolVersion,
    receive_maximum: u16,
    kept: Option<Kept>,
    /// Messages for the client that were not sent yet; a real server forgets them with the session.
    queue: VecDeque<Publish>,
    connection: Option<Connection>,
    /// What the client published, as it was passed on: QoS, topic, payload.
    pub(crate) log: Vec<(Qos, String, String)>,
}

#[derive(Debug)]
struct Connection {
    framer: Framer,
    accepted: bool,
    inbox: VecDeque<Packet>,
    out: BytesMut,
    /// Exchanges of the client that count against our Receive Maximum.
    open: BTreeSet<PacketId>,
    /// The client's Receive Maximum, and how many of our messages count against it.
    client_receive_maximum: usize,
    sent: BTreeSet<PacketId>,
}

impl Server {
    pub(crate) fn new(version: ProtocolVersion, receive_maximum: u16) -> Self {
        Self {
            version,
            receive_maximum,
            kept: None,
            queue: VecDeque::new(),
            connection: None,
            log: Vec::new(),
        }
    }

    /// A network connection is open.
    pub(crate) fn open(&mut self) {
        self.connection = Some(Connection {
            framer: Framer::new(u32::MAX),
            accepted: false,
            inbox: VecDeque::new(),
            out: BytesMut::new(),
            open: BTreeSet::new(),
            client_receive_maximum: usize::from(u16::MAX),
            sent: BTreeSet::new(),
        });
    }

    pub(crate) fn close(&mut self) {
        self.connection = None;
    }

    /// The server loses all it kept.
    pub(crate) fn forget(&mut self) {
        self.close();
        self.kept = None;
    }

    /// Bytes for the client.
    pub(crate) fn take_bytes(&mut self) -> Bytes {
        self.connection
            .as_mut()
            .map(|it| it.out.split().freeze())
            .unwrap_or_default()
    }

    /// Somebody else published something that the client subscribed to.
    pub(crate) fn publish(&mut self, qos: Qos, topic: &str, payload: &str) {
        let publish = PublishParts {
            dup: false,
            qos,
            retain: false,
            topic: Some(TopicName::parse(topic).unwrap()),
            packet_id: None,
            properties: Properties::new(),
            payload: Bytes::from(payload.to_owned()),
        };
        self.queue.push_back(publish.into());
        self.pump();
    }

    /// Whether everything is done.
    pub(crate) fn is_idle(&self) -> bool {
        let kept = self
            .kept
            .as_ref()
            .is_some_and(|it| it.in_flight.is_empty() && it.unreleased.is_empty());
        kept && self.queue.is_empty() && self.connection.as_ref().is_some_and(|it| it.inbox.is_empty())
    }

    pub(crate) fn handle_bytes(&mut self, bytes: Bytes) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        connection.framer.push(bytes);
        while let Some(frame) = connection.framer.poll_frame().unwrap() {
            let packet =
                Packet::decode(self.version, Role::Server, frame).expect("the client sends what is right");
            if let Packet::Publish(publish) = &packet
                && let Some(id) = publish.packet_id
            {
                // [MQTT5-3.3.4-7] and no second attempt on one network connection ([MQTT5-4.4.0-1]).
                assert!(
                    connection.open.insert(id),
                    "PUBLISH #{id} again on the same connection"
                );
                let open = connection.open.len();
                assert!(
                    open <= usize::from(self.receive_maximum),
                    "{open} exchanges are open"
                );
            }
            connection.inbox.push_back(packet);
        }
    }

    /// Works on the next packet of the client; false when there is none.
    pub(crate) fn step(&mut self) -> bool {
        let Some(connection) = &mut self.connection else {
            return false;
        };
        let Some(packet) = connection.inbox.pop_front() else {
            return false;
        };
        match packet {
            Packet::Connect(connect) => {
                assert!(!connection.accepted, "a second CONNECT");
                connection.accepted = true;
                let maximum = connect.properties.receive_maximum().unwrap_or(u16::MAX);
                connection.client_receive_maximum = usize::from(maximum);
                self.accept(connect.clean_start);
            }
            _ if !connection.accepted => panic!("{packet:?} before CONNECT"),
            Packet::Publish(publish) => self.handle_publish(&publish),
            Packet::Pubrel(ack) => {
                self.kept().unreleased.remove(&ack.packet_id);
                self.send(&Packet::Pubcomp(Ack::success(ack.packet_id)));
                self.connection().open.remove(&ack.packet_id);
            }
            Packet::Puback(ack) => self.finish(ack.packet_id, |waits| matches!(waits, Waits::Puback(_))),
            Packet::Pubcomp(ack) => self.finish(ack.packet_id, |waits| matches!(waits, Waits::Pubcomp)),
            Packet::Pubrec(ack) => self.handle_pubrec(ack.packet_id),
            Packet::Pingreq => self.send(&Packet::Pingresp),
            Packet::Disconnect(_) => self.close(),
            other => panic!("not in this model: {other:?}"),
        }
        true
    }

    fn accept(&mut self, clean_start: bool) {
        if clean_start {
            self.kept = None;
        }
        let session_present = self.kept.is_some();
        self.kept.get_or_insert_default();
        let mut properties = Properties::new();
        if self.version.is_v5() {
            properties
                .push(&Property::ReceiveMaximum(self.receive_maximum))
                .unwrap();
        }
        let reason_code = ReasonCode::SUCCESS;
        self.send(&Packet::Connack(Connack {
            session_present,
            reason_code,
            properties,
        }));
        for (id, waits) in self.kept().in_flight.clone() {
            let packet = match waits {
                Waits::Puback(mut publish) | Waits::Pubrec(mut publish) => {
                    publish.dup = true;
                    Packet::Publish(publish)
                }
                Waits::Pubcomp => Packet::Pubrel(Ack::success(id)),
            };
            self.send(&packet);
            self.connection().sent.insert(id);
        }
        self.pump();
    }

    fn handle_publish(&mut self, publish: &Publish) {
        let Some(id) = publish.packet_id else {
            return self.pass_on(publish);
        };
        if publish.qos == Qos::AtLeastOnce {
            self.pass_on(publish);
            self.send(&Packet::Puback(Ack::success(id)));
            self.connection().open.remove(&id);
            return;
        }
        let new = self.kept().unreleased.insert(id);
        // [MQTT5-4.3.3-1] an identifier in use is not used for something else.
        assert!(
            new || publish.dup,
            "PUBLISH #{id} without DUP while its first is not released"
        );
        if new {
            self.pass_on(publish);
        }
        self.send(&Packet::Pubrec(Ack::success(id)));
    }

    fn pass_on(&mut self, publish: &Publish) {
        let topic = publish.topic().expect("no alias was allowed").to_owned();
        self.log.push((
            publish.qos,
            topic,
            std::str::from_utf8(publish.payload())
                .unwrap()
                .trim_end()
                .to_owned(),
        ));
    }

    fn handle_pubrec(&mut self, id: PacketId) {
        for (entry, waits) in &mut self.kept().in_flight {
            if *entry == id {
                assert!(!matches!(waits, Waits::Puback(_)), "PUBREC for QoS 1");
                *waits = Waits::Pubcomp;
            }
        }
        self.send(&Packet::Pubrel(Ack::success(id)));
    }

    fn finish(&mut self, id: PacketId, right: impl Fn(&Waits) -> bool) {
        let kept = self.kept();
        if let Some(index) = kept.in_flight.iter().position(|(entry, _)| *entry == id) {
            assert!(
                right(&kept.in_flight[index].1),
                "the wrong acknowledgement for #{id}"
            );
            kept.in_flight.remove(index);
        }
        self.connection().sent.remove(&id);
        self.pump();
    }

    /// Sends what the client's Receive Maximum allows.
    fn pump(&mut self) {
        while let Some(connection) = &self.connection
            && connection.accepted
            && (connection.sent.len() < connection.client_receive_maximum)
            && let Some(mut publish) = self.queue.pop_front()
        {
            if publish.qos > Qos::AtMostOnce {
                let id = self.allocate();
                publish.packet_id = Some(id);
                let waits = match publish.qos {
                    Qos::AtLeastOnce => Waits::Puback(publish.clone()),
                    _ => Waits::Pubrec(publish.clone()),
                };
                self.kept().in_flight.push_back((id, waits));
                self.connection().sent.insert(id);
            }
            self.send(&Packet::Publish(publish));
        }
    }

    /// Few identifiers, so that they are used again soon.
    fn allocate(&mut self) -> PacketId {
        let kept = self.kept();
        let used: BTreeMap<_, ()> = kept.in_flight.iter().map(|(id, _)| (*id, ())).collect();
        loop {
            kept.next_id = kept.next_id % 40 + 1;
            let id = PacketId::new(kept.next_id).unwrap();
            if !used.contains_key(&id) {
                return id;
            }
        }
    }

    fn kept(&mut self) -> &mut Kept {
        self.kept.as_mut().expect("there is a session after CONNECT")
    }

    fn connection(&mut self) -> &mut Connection {
        self.connection
            .as_mut()
            .expect("there is a connection while a packet is handled")
    }

    fn send(&mut self, packet: &Packet) {
        let version = self.version;
        packet.encode(version, &mut self.connection().out).unwrap();
    }
}
