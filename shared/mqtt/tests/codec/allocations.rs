//! How often the codec asks for memory.

use allocation_counter::measure;
use hearth_mqtt::{
    Bytes, BytesMut, Framer, Packet, Properties, Property, ProtocolVersion, PublishParts, Qos, Role,
};

use crate::support::{V5, V311, id, name};

fn publish(qos: Qos, properties: Properties) -> Packet {
    Packet::Publish(
        PublishParts {
            dup: false,
            qos,
            retain: false,
            topic: Some(name("home/room12/sensor7/temperature")),
            packet_id: (qos != Qos::AtMostOnce).then(|| id(7)),
            properties,
            payload: Bytes::from_static(b"21.5"),
        }
        .into(),
    )
}

/// Allocations while a chunk of 100 such packets is decoded, beyond the one that shares the chunk.
fn decoding(version: ProtocolVersion, packet: &Packet) -> u64 {
    let mut chunk = BytesMut::new();
    for _ in 0..100 {
        packet.encode(version, &mut chunk).expect("can be written");
    }
    let chunk = chunk.freeze();
    let mut framer = Framer::new(1000);
    framer.push(chunk);
    let mut count = 0;
    let used = measure(|| {
        while let Some(frame) = framer.poll_frame().expect("sound") {
            drop(Packet::decode(version, Role::Client, frame).expect("sound"));
            count += 1;
        }
    });
    assert_eq!(count, 100);
    used.count_total
}

#[test]
fn decoding_a_publish_allocates_nothing() {
    let properties = Properties::of(&[
        Property::MessageExpiryInterval(60),
        Property::UserProperty("a", "b"),
        Property::UserProperty("c", "d"),
    ]);
    assert!(decoding(V311, &publish(Qos::AtMostOnce, Properties::new())) <= 1);
    assert!(decoding(V311, &publish(Qos::ExactlyOnce, Properties::new())) <= 1);
    assert!(decoding(V5, &publish(Qos::AtMostOnce, Properties::new())) <= 1);
    assert!(decoding(V5, &publish(Qos::AtLeastOnce, properties.expect("can be said"))) <= 1);
}

#[test]
fn encoding_into_a_buffer_with_room_allocates_nothing() {
    let packet = publish(Qos::AtLeastOnce, Properties::new());
    let mut out = BytesMut::with_capacity(100 * packet.encoded_len(V5));
    let used = measure(|| {
        for _ in 0..100 {
            packet.encode(V5, &mut out).expect("can be written");
        }
    });
    assert_eq!(used.count_total, 0);
}
