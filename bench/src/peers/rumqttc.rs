//! rumqttc, which has a codec for each version.

use std::hint::black_box;

use bytes::BytesMut;
use hearth_mqtt::{ProtocolVersion, PublishParts};
use rumqttc::{
    mqttbytes::{self, v4},
    v5::mqttbytes::{self as mqttbytes5, v5},
};

use crate::{
    Entry,
    encode::{self, Emptied, Out},
    work::{self, Stream},
};

pub(crate) const V4: &str = "rumqttc 0.25 (v4)";
pub(crate) const V5: &str = "rumqttc 0.25 (v5)";
const MAXIMUM: usize = 1 << 20;

macro_rules! decode {
    ($function:ident, $name:ident, $version:ident, $errors:ident, $maximum:expr) => {
        pub(crate) fn $function(stream: &Stream) -> Entry {
            let stream = stream.clone();
            Entry::new($name, move || {
                stream.for_each_part(|_, chunks| {
                    let mut buffer = BytesMut::with_capacity(work::CHUNK);
                    let mut packets = 0;
                    for chunk in chunks {
                        buffer.extend_from_slice(chunk);
                        loop {
                            match $version::Packet::read(&mut buffer, $maximum) {
                                Ok(packet) => {
                                    black_box(packet);
                                    packets += 1;
                                }
                                Err($errors::Error::InsufficientBytes(_)) => break,
                                Err(error) => panic!("{error:?}"),
                            }
                        }
                    }
                    packets
                })
            })
        }
    };
}
decode!(decode_v4, V4, v4, mqttbytes, MAXIMUM);
decode!(decode_v5, V5, v5, mqttbytes5, Some(MAXIMUM as u32));

pub(crate) fn encode_v4(publish: &PublishParts, emptied: Emptied, out: &Out) -> Entry {
    let qos = if publish.packet_id.is_some() {
        mqttbytes::QoS::AtLeastOnce
    } else {
        mqttbytes::QoS::AtMostOnce
    };
    let mut other = v4::Publish::new(work::TOPIC, qos, []);
    other.payload = publish.payload.clone();
    other.pkid = publish.packet_id.map_or(0, |id| id.get());
    encode::repeated(V4, emptied, out, move |out| {
        black_box(&other).write(out).expect("can be written");
    })
}

pub(crate) fn encode_v5(publish: &PublishParts, emptied: Emptied, out: &Out) -> Entry {
    let properties = v5::PublishProperties {
        message_expiry_interval: publish.properties.message_expiry_interval(),
        user_properties: publish
            .properties
            .user_properties()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        ..Default::default()
    };
    let other = v5::Publish::new(
        work::TOPIC,
        mqttbytes5::QoS::AtMostOnce,
        publish.payload.clone(),
        Some(properties),
    );
    encode::repeated(V5, emptied, out, move |out| {
        black_box(&other).write(out).expect("can be written");
    })
}

/// The mix, read from our bytes and written again.
pub(crate) fn encode_mix(version: ProtocolVersion) -> Entry {
    let mut input = BytesMut::new();
    for packet in work::mix(version).iter().chain(&work::client_mix(version)) {
        packet.encode(version, &mut input).expect("can be written");
    }
    if version.is_v5() {
        let mut all = Vec::new();
        while let Ok(packet) = v5::Packet::read(&mut input, None) {
            all.push(packet);
        }
        return encode::in_turn(V5, all, |packet, out| {
            packet.write(out, None).expect("can be written");
        });
    }
    let mut all = Vec::new();
    while let Ok(packet) = v4::Packet::read(&mut input, MAXIMUM) {
        all.push(packet);
    }
    encode::in_turn(V4, all, |packet, out| {
        packet.write(out, MAXIMUM).expect("can be written");
    })
}
