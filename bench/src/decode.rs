//! Decoding: chunks in, packets out, each looked at and let go.

use std::{hint::black_box, rc::Rc, sync::Arc};

use bytes::BytesMut;
use hearth_mqtt::{Framer, Packet, ProtocolVersion, Role};

use crate::{Entry, compare, work};

type Chunks = Rc<Vec<Vec<u8>>>;

fn ours(version: ProtocolVersion, chunks: &Chunks) -> Entry {
    let chunks = Rc::clone(chunks);
    Entry::new("hearth-mqtt", move || {
        let mut framer = Framer::new(1 << 20);
        let mut buffer = BytesMut::with_capacity(work::CHUNK);
        let mut packets = 0;
        for chunk in chunks.iter() {
            buffer.extend_from_slice(chunk);
            framer.push(buffer.split().freeze());
            while let Some(packet) = framer.poll_packet(version, Role::Client).expect("sound") {
                black_box(packet);
                packets += 1;
            }
        }
        packets
    })
}

fn rumqttc_v4(chunks: &Chunks) -> Entry {
    use rumqttc::mqttbytes::{Error, v4::Packet};
    let chunks = Rc::clone(chunks);
    Entry::new("rumqttc 0.25 (v4)", move || {
        let mut buffer = BytesMut::with_capacity(work::CHUNK);
        let mut packets = 0;
        for chunk in chunks.iter() {
            buffer.extend_from_slice(chunk);
            loop {
                match Packet::read(&mut buffer, 1 << 20) {
                    Ok(packet) => {
                        black_box(packet);
                        packets += 1;
                    }
                    Err(Error::InsufficientBytes(_)) => break,
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
        packets
    })
}

fn rumqttc_v5(chunks: &Chunks) -> Entry {
    use rumqttc::v5::mqttbytes::{Error, v5::Packet};
    let chunks = Rc::clone(chunks);
    Entry::new("rumqttc 0.25 (v5)", move || {
        let mut buffer = BytesMut::with_capacity(work::CHUNK);
        let mut packets = 0;
        for chunk in chunks.iter() {
            buffer.extend_from_slice(chunk);
            loop {
                match Packet::read(&mut buffer, None) {
                    Ok(packet) => {
                        black_box(packet);
                        packets += 1;
                    }
                    Err(Error::InsufficientBytes(_)) => break,
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
        packets
    })
}

/// mqtt-protocol-core parses a packet's body in an `Arc`; cutting the stream is done for it, at no cost.
fn core(name: &'static str, parse: fn(u8, Arc<[u8]>), chunks: &Chunks) -> Entry {
    let stream: Vec<u8> = chunks.concat();
    Entry::new(name, move || {
        let mut rest: &[u8] = &stream;
        let mut packets = 0;
        while let [first, tail @ ..] = rest {
            let (mut len, mut at) = (0_usize, 0);
            loop {
                len |= usize::from(tail[at] & 0x7F) << (7 * at);
                at += 1;
                if tail[at - 1] & 0x80 == 0 {
                    break;
                }
            }
            parse(*first, tail[at..at + len].into());
            rest = &tail[at + len..];
            packets += 1;
        }
        packets
    })
}

fn core_v3(first: u8, body: Arc<[u8]>) {
    black_box(mqtt_protocol_core::mqtt::packet::v3_1_1::Publish::parse(first & 15, body).expect("sound"));
}

fn core_v5(first: u8, body: Arc<[u8]>) {
    black_box(mqtt_protocol_core::mqtt::packet::v5_0::Publish::parse(first & 15, body).expect("sound"));
}

pub(crate) fn all(rounds: usize) {
    let chunks = |version, packets: &[Packet]| {
        let (chunks, count) = work::stream(version, packets);
        assert!(count > 0);
        Rc::new(chunks)
    };
    let (v3, v5) = (ProtocolVersion::V311, ProtocolVersion::V5);

    let input = chunks(v3, &[Packet::Publish(work::one().into())]);
    let core = |chunks| core("mqtt-protocol-core", core_v3, chunks);
    compare(
        "decode D1",
        rounds,
        vec![ours(v3, &input), rumqttc_v4(&input), core(&input)],
    );
    let input = chunks(v5, &[Packet::Publish(work::two().into())]);
    let core_5 = self::core("mqtt-protocol-core", core_v5, &input);
    compare(
        "decode D2",
        rounds,
        vec![ours(v5, &input), rumqttc_v5(&input), core_5],
    );
    let input = chunks(v3, &[Packet::Publish(work::three().into())]);
    compare(
        "decode D3",
        rounds,
        vec![ours(v3, &input), rumqttc_v4(&input), core(&input)],
    );
    let input = chunks(v3, &work::mix(v3));
    compare("mix 3.1.1", rounds, vec![ours(v3, &input), rumqttc_v4(&input)]);
    let input = chunks(v5, &work::mix(v5));
    compare("mix 5.0", rounds, vec![ours(v5, &input), rumqttc_v5(&input)]);
}
