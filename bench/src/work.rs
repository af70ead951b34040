//! The workloads of the table: D1 to D4 to decode, E1 to E3 to encode.

use bytes::{Bytes, BytesMut};
use hearth_mqtt::{
    Ack, Connack, Packet, PacketId, Properties, Property, ProtocolVersion, PublishParts, Qos, ReasonCode,
    Suback, TopicName, Unsuback,
};

pub(crate) const CHUNK: usize = 64 * 1024;
const PACKETS: usize = 40_000;

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

/// The packets over and over, as chunks, and how many they are.
pub(crate) fn stream(version: ProtocolVersion, packets: &[Packet]) -> (Vec<Vec<u8>>, usize) {
    let mut out = BytesMut::new();
    let times = PACKETS / packets.len();
    for _ in 0..times {
        for packet in packets {
            packet.encode(version, &mut out).expect("can be written");
        }
    }
    (
        out.chunks(CHUNK).map(<[u8]>::to_vec).collect(),
        times * packets.len(),
    )
}
