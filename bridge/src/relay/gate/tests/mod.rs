mod fuzzed;
mod meanwhile;
mod permissions;
mod sign_in;
mod splits;
mod streams;

use std::sync::Arc;

use hearth_mqtt::{
    Bytes, Connect, Property, PublishParts, Qos, Role, Suback, Subscribe, SubscriptionOptions, TopicFilter,
    TopicName, Will,
};

use super::*;
use crate::{
    config::{BrokerId, SecretBytes},
    relay::{client_ids::ClientIds, held::HeldBytes},
};

const BOTH: [ProtocolVersion; 2] = [ProtocolVersion::V311, ProtocolVersion::V5];

/// A gate with both ends in memory.
struct Ends {
    gate: Gate,
    version: ProtocolVersion,
    /// What the broker and the browser got so far.
    at_broker: Vec<u8>,
    at_browser: Vec<u8>,
    close: Option<Close>,
}

fn rules() -> Rules {
    Rules {
        max_packet_bytes: 4096,
        max_subscribe_bytes: 4096,
        user: None,
        permissions: None,
        credentials: None,
        client_ids: None,
        share: share_of(usize::MAX),
    }
}

fn share_of(maximum: usize) -> Share {
    Arc::new(HeldBytes::new(maximum)).share()
}

fn permissions(publish: &[&str], subscribe: &[&str]) -> Option<Arc<Permissions>> {
    let owned = |filters: &[&str]| filters.iter().map(|filter| (*filter).to_owned()).collect();
    Some(Arc::new(Permissions {
        publish: owned(publish),
        deny_publish: Vec::new(),
        subscribe: owned(subscribe),
    }))
}

fn token(token: &str) -> Credentials {
    Credentials::Enhanced {
        method: "K8S-SAT".to_owned(),
        data: SecretBytes::new(token.as_bytes()),
    }
}

impl Ends {
    fn new(version: ProtocolVersion, rules: Rules) -> Self {
        Self {
            gate: Gate::new(rules),
            version,
            at_broker: Vec::new(),
            at_browser: Vec::new(),
            close: None,
        }
    }

    /// Behind CONNECT and CONNACK, with nothing said yet.
    fn connected(version: ProtocolVersion, rules: Rules) -> Self {
        let mut ends = Self::new(version, rules);
        ends.browser(&connect(version));
        ends.broker(&connack(ReasonCode::SUCCESS));
        assert_eq!(ends.close, None);
        ends.clear();
        ends
    }

    fn clear(&mut self) {
        self.at_broker.clear();
        self.at_browser.clear();
    }

    fn browser(&mut self, packet: &Packet) {
        let bytes = self.encode(packet);
        self.browser_bytes(&bytes);
    }

    fn broker(&mut self, packet: &Packet) {
        let bytes = self.encode(packet);
        self.broker_bytes(&bytes);
    }

    fn encode(&self, packet: &Packet) -> Vec<u8> {
        let mut bytes = BytesMut::new();
        packet.encode(self.version, &mut bytes).unwrap();
        bytes.to_vec()
    }

    fn browser_bytes(&mut self, bytes: &[u8]) {
        if self.close.is_some() {
            return;
        }
        let (passed, result) = self.gate.handle_browser(bytes);
        self.at_broker.extend(passed.concat(bytes));
        self.note(result);
    }

    fn broker_bytes(&mut self, bytes: &[u8]) {
        if self.close.is_some() {
            return;
        }
        let (passed, result) = self.gate.handle_broker(bytes);
        self.at_browser.extend(passed.concat(bytes));
        self.note(result);
    }

    fn credentials(&mut self, credentials: Credentials) {
        self.gate.handle_credentials(credentials);
        self.note(Ok(()));
    }

    fn note(&mut self, result: Result<(), Close>) {
        self.at_browser.extend(self.gate.take_for_browser());
        self.at_broker.extend(self.gate.take_for_broker());
        self.close = self.close.take().or(result.err());
    }

    /// What the broker got since the last look, as packets.
    fn heard_by_broker(&mut self) -> Vec<Packet> {
        packets(self.version, Role::Server, &std::mem::take(&mut self.at_broker))
    }

    /// What the browser got since the last look, as packets.
    fn heard_by_browser(&mut self) -> Vec<Packet> {
        packets(self.version, Role::Client, &std::mem::take(&mut self.at_browser))
    }

    fn close_code(&self) -> Option<u16> {
        self.close.as_ref().map(|close| close.code)
    }

    fn refused(&mut self) -> Vec<(&'static str, u64)> {
        self.gate
            .take_refusals()
            .map(|(refusal, count)| (refusal.label(), count))
            .collect()
    }
}

/// Nothing but whole packets, all of them readable.
fn packets(version: ProtocolVersion, receiver: Role, bytes: &[u8]) -> Vec<Packet> {
    let mut framer = hearth_mqtt::Framer::new(u32::MAX);
    framer.push(Bytes::copy_from_slice(bytes));
    let mut packets = Vec::new();
    while let Some(packet) = framer.poll_packet(version, receiver).unwrap() {
        packets.push(packet);
    }
    assert!(framer.is_empty(), "half a packet");
    packets
}

fn plain_connect(version: ProtocolVersion) -> Connect {
    Connect {
        version,
        clean_start: true,
        keep_alive: 0,
        client_id: "tab".into(),
        will: None,
        username: None,
        password: None,
        properties: Properties::new(),
    }
}

fn connect(version: ProtocolVersion) -> Packet {
    Packet::Connect(Box::new(plain_connect(version)))
}

fn connect_with(version: ProtocolVersion, change: impl FnOnce(&mut Connect)) -> Packet {
    let mut connect = plain_connect(version);
    change(&mut connect);
    Packet::Connect(Box::new(connect))
}

fn will_on(topic: &str) -> Option<Will> {
    Some(Will {
        topic: TopicName::parse(topic).unwrap(),
        payload: Bytes::from_static(b"gone"),
        qos: Qos::AtMostOnce,
        retain: false,
        properties: Properties::new(),
    })
}

fn connack(reason_code: ReasonCode) -> Packet {
    connack_with(reason_code, &[])
}

fn connack_with(reason_code: ReasonCode, properties: &[Property<'_>]) -> Packet {
    Packet::Connack(Connack {
        session_present: false,
        reason_code,
        properties: Properties::of(properties).unwrap(),
    })
}

fn id(number: u16) -> PacketId {
    PacketId::new(number).unwrap()
}

fn publish(topic: &str, qos: Qos) -> Packet {
    publish_with(Some(topic), qos, None)
}

fn publish_with(topic: Option<&str>, qos: Qos, alias: Option<u16>) -> Packet {
    let parts = PublishParts {
        dup: false,
        qos,
        retain: false,
        topic: topic.map(|topic| TopicName::parse(topic).unwrap()),
        packet_id: (qos != Qos::AtMostOnce).then(|| id(7)),
        properties: Properties::of(&alias.map(Property::TopicAlias).into_iter().collect::<Vec<_>>()).unwrap(),
        payload: Bytes::from_static(b"21.5"),
    };
    Packet::Publish(parts.into())
}

fn subscribe(filters: &[&str]) -> Packet {
    let options = SubscriptionOptions::at_most(Qos::AtLeastOnce);
    Packet::Subscribe(Subscribe {
        packet_id: id(9),
        filters: filters
            .iter()
            .map(|filter| (TopicFilter::parse(filter).unwrap(), options))
            .collect(),
        properties: Properties::new(),
    })
}

fn suback(codes: &[u8]) -> Packet {
    Packet::Suback(Suback {
        packet_id: id(9),
        reason_codes: codes.iter().copied().map(ReasonCode).collect(),
        properties: Properties::new(),
    })
}

fn desks() -> [ClientIdDesk; 2] {
    let ids = Arc::new(ClientIds::default());
    [ids.desk(BrokerId::embedded()), ids.desk(BrokerId::embedded())]
}
