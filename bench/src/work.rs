//! The workloads of the table: D1 to D4 to decode, E1 to E4 to encode.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use hearth_mqtt::{
    Ack, Connack, Connect, Disconnect, Packet, PacketId, Properties, Property, ProtocolVersion, PublishParts,
    Qos, ReasonCode, Role, Suback, Subscribe, SubscriptionOptions, TopicFilter, TopicName, Unsuback,
    Unsubscribe,
};

pub(crate) const CHUNK: usize = 64 * 1024;

/// How many packets a round has at least, about: few enough that most rounds are over before something else gets the
/// processor. Fewer when instructions are counted, which is slow and exact.
pub(crate) fn packets() -> usize {
    if crate::counts_instructions() {
        4_000
    } else {
        10_000
    }
}

/// A topic of 30 bytes.
pub(crate) const TOPIC: &str = "home/room12/sensor7/temperatur";

pub(crate) fn id(number: u16) -> PacketId {
    PacketId::new(number).expect("not zero")
}

fn publish(qos: Qos, properties: Properties, payload: Bytes) -> PublishParts {
    PublishParts {
        dup: false,
        qos,
        retain: false,
        topic: Some(TopicName::parse(TOPIC).expect("a topic name")),
        packet_id: (qos != Qos::AtMostOnce).then(|| id(7)),
        properties,
        payload,
    }
}

/// 3.1.1, QoS 0, payload of 20 bytes.
pub(crate) fn one() -> PublishParts {
    publish(
        Qos::AtMostOnce,
        Properties::new(),
        Bytes::from_static(b"{\"temperature\":21.5}"),
    )
}

/// The same in 5.0 with two user properties and an expiry.
pub(crate) fn two() -> PublishParts {
    let properties = Properties::of(&[
        Property::MessageExpiryInterval(3600),
        Property::UserProperty("source", "kitchen-bridge"),
        Property::UserProperty("trace", "0af7651916cd43dd"),
    ]);
    publish(Qos::AtMostOnce, properties.expect("can be said"), one().payload)
}

/// QoS 1 with 1 KiB of JSON.
pub(crate) fn three() -> PublishParts {
    let mut json = String::from("{\"values\":[");
    while json.len() < 1020 {
        json.push_str("21.53,");
    }
    json.truncate(1022);
    json.push_str("]}");
    publish(Qos::AtLeastOnce, Properties::new(), Bytes::from(json))
}

/// What a client receives: publishes of all kinds, acknowledgements, the rest.
pub(crate) fn mix(version: ProtocolVersion) -> Vec<Packet> {
    let ack = || Ack::success(id(9));
    let codes = if version.is_v5() {
        vec![ReasonCode::SUCCESS; 2]
    } else {
        Vec::new()
    };
    let more = if version.is_v5() { two() } else { one() };
    let mut all = vec![
        Packet::Connack(Connack {
            session_present: false,
            reason_code: ReasonCode::SUCCESS,
            properties: Properties::new(),
        }),
        Packet::Suback(Suback {
            packet_id: id(1),
            reason_codes: vec![ReasonCode(1), ReasonCode(0)],
            properties: Properties::new(),
        }),
        Packet::Unsuback(Unsuback {
            packet_id: id(2),
            reason_codes: codes,
            properties: Properties::new(),
        }),
        Packet::Pingresp,
    ];
    for _ in 0..4 {
        all.extend([
            Packet::Publish(one().into()),
            Packet::Puback(ack()),
            Packet::Publish(more.clone().into()),
            Packet::Pubrec(ack()),
            Packet::Pubrel(ack()),
            Packet::Pubcomp(ack()),
        ]);
    }
    all
}

/// What a server receives beside that: everything only clients send.
pub(crate) fn client_mix(version: ProtocolVersion) -> Vec<Packet> {
    let filter = |text: &str| TopicFilter::parse(text).expect("a filter");
    let connect = Connect {
        version,
        clean_start: true,
        keep_alive: 60,
        client_id: "hearth-7f3a".into(),
        will: None,
        username: Some("home".into()),
        password: Some(Bytes::from_static(b"secret")),
        properties: Properties::new(),
    };
    let mut all = vec![
        Packet::Connect(Box::new(connect)),
        Packet::Subscribe(Subscribe {
            packet_id: id(1),
            filters: vec![
                (filter("home/#"), SubscriptionOptions::at_most(Qos::AtLeastOnce)),
                (
                    filter("zigbee2mqtt/+/availability"),
                    SubscriptionOptions::at_most(Qos::AtMostOnce),
                ),
            ]
            .into(),
            properties: Properties::new(),
        }),
        Packet::Unsubscribe(Unsubscribe {
            packet_id: id(2),
            filters: vec![filter("home/#")].into(),
            properties: Properties::new(),
        }),
        Packet::Pingreq,
    ];
    if !version.is_v5() {
        // rumqttc 0.25 cannot read the DISCONNECT of two bytes that 5.0 has for a normal end.
        all.push(Packet::Disconnect(Disconnect::with_reason(ReasonCode::SUCCESS)));
    }
    all
}

/// Bytes as they come from the network, and who receives them.
#[derive(Clone)]
pub(crate) struct Stream {
    parts: Rc<Vec<(Role, Vec<Vec<u8>>)>>,
    times: usize,
}

/// What is read again stays in the cache, as bytes do that a socket has just delivered.
const STREAM_BYTES: usize = 1 << 20;

impl Stream {
    /// These packets over and over.
    pub(crate) fn to(receiver: Role, version: ProtocolVersion, packets: &[Packet]) -> Self {
        Self::of(version, &[(receiver, packets)])
    }

    /// What clients receive, and then what servers receive: all packet types.
    pub(crate) fn of_all_types(version: ProtocolVersion) -> Self {
        let to_client = mix(version);
        let to_server = client_mix(version);
        Self::of(version, &[(Role::Client, &to_client), (Role::Server, &to_server)])
    }

    /// The same with each packet type once, as hard as no line ever is.
    pub(crate) fn of_each_type(version: ProtocolVersion) -> Self {
        let mut to_client = mix(version);
        let mut seen = Vec::new();
        to_client.retain(|packet| {
            let new = !seen.contains(&packet.packet_type());
            seen.push(packet.packet_type());
            new
        });
        let to_server = client_mix(version);
        Self::of(version, &[(Role::Client, &to_client), (Role::Server, &to_server)])
    }

    fn of(version: ProtocolVersion, parts: &[(Role, &[Packet])]) -> Self {
        let mut round = BytesMut::new();
        let mut in_round = 0;
        for packet in parts.iter().flat_map(|(_, packets)| *packets) {
            packet.encode(version, &mut round).expect("can be written");
            in_round += 1;
        }
        let repeats = (packets() / in_round).clamp(1, STREAM_BYTES / round.len());
        let parts = parts.iter().map(|(receiver, packets)| {
            let mut out = BytesMut::new();
            for packet in std::iter::repeat_n(*packets, repeats).flatten() {
                packet.encode(version, &mut out).expect("can be written");
            }
            (*receiver, out.chunks(CHUNK).map(<[u8]>::to_vec).collect())
        });
        Self {
            parts: Rc::new(parts.collect()),
            times: (packets() / (in_round * repeats)).max(1),
        }
    }

    /// Gives `decode` each part; it says how many packets that were.
    pub(crate) fn for_each_part(&self, mut decode: impl FnMut(Role, &[Vec<u8>]) -> usize) -> usize {
        let mut packets = 0;
        for _ in 0..self.times {
            for (receiver, chunks) in &*self.parts {
                packets += decode(*receiver, chunks);
            }
        }
        packets
    }
}
