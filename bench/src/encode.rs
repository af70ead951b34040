//! Encoding into a buffer that is kept.

use std::hint::black_box;

use bytes::BytesMut;
use hearth_mqtt::{Packet, ProtocolVersion, PublishParts};

use crate::{Entry, compare, work};

const PACKETS: usize = 40_000;

fn repeated(name: &'static str, mut write: impl FnMut(&mut BytesMut) + 'static) -> Entry {
    let mut out = BytesMut::with_capacity(2 * work::CHUNK);
    Entry::new(name, move || {
        for _ in 0..PACKETS {
            if out.len() > work::CHUNK {
                out.clear();
            }
            write(black_box(&mut out));
        }
        PACKETS
    })
}

fn ours(version: ProtocolVersion, publish: PublishParts) -> Entry {
    let packet = Packet::Publish(publish.into());
    repeated("hearth-mqtt", move |out| {
        black_box(&packet).encode(version, out).expect("can be written")
    })
}

fn rumqttc_v4(publish: &PublishParts) -> Entry {
    use rumqttc::mqttbytes::{QoS, v4};
    let qos = if publish.packet_id.is_some() {
        QoS::AtLeastOnce
    } else {
        QoS::AtMostOnce
    };
    let mut other = v4::Publish::new(work::TOPIC, qos, publish.payload.to_vec());
    other.pkid = publish.packet_id.map_or(0, |id| id.get());
    repeated("rumqttc 0.25 (v4)", move |out| {
        black_box(&other).write(out).expect("can be written");
    })
}

fn rumqttc_v5(publish: &PublishParts) -> Entry {
    use rumqttc::v5::mqttbytes::{QoS, v5};
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
        QoS::AtMostOnce,
        publish.payload.clone(),
        Some(properties),
    );
    repeated("rumqttc 0.25 (v5)", move |out| {
        black_box(&other).write(out).expect("can be written");
    })
}

pub(crate) fn all(rounds: usize) {
    let (v3, v5) = (ProtocolVersion::V311, ProtocolVersion::V5);
    compare(
        "encode E1",
        rounds,
        vec![ours(v3, work::one()), rumqttc_v4(&work::one())],
    );
    compare(
        "encode E2",
        rounds,
        vec![ours(v5, work::two()), rumqttc_v5(&work::two())],
    );
    compare(
        "encode E3",
        rounds,
        vec![ours(v3, work::three()), rumqttc_v4(&work::three())],
    );
}
