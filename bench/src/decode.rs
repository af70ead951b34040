//! Decoding: chunks in, packets out, each looked at and let go.

use std::hint::black_box;

use bytes::BytesMut;
use hearth_mqtt::{Framer, Packet, ProtocolVersion, Role};

use crate::{
    Entry, Workload,
    peers::{core, ntex, rumqttc},
    work::{self, Stream},
};

fn ours(
    name: &'static str,
    version: ProtocolVersion,
    stream: &Stream,
    look: impl Fn(Packet) + 'static,
) -> Entry {
    let stream = stream.clone();
    Entry::new(name, move || {
        stream.for_each_part(|receiver, chunks| {
            let mut framer = Framer::new(1 << 20);
            let mut buffer = BytesMut::with_capacity(work::CHUNK);
            let mut packets = 0;
            for chunk in chunks {
                buffer.extend_from_slice(chunk);
                framer.push(buffer.split().freeze());
                while let Some(packet) = framer.poll_packet(version, receiver).expect("sound") {
                    look(packet);
                    packets += 1;
                }
            }
            packets
        })
    })
}

fn look(packet: Packet) {
    black_box(packet);
}

/// Topic, properties and payload as values of their own, as one who keeps them for different times needs them.
fn take_apart(packet: Packet) {
    match packet {
        Packet::Publish(publish) => drop(black_box(publish.into_parts())),
        other => drop(black_box(other)),
    }
}

fn entries(version: ProtocolVersion, stream: &Stream) -> Vec<Entry> {
    let peers = match version {
        ProtocolVersion::V311 => [
            rumqttc::decode_v4(stream),
            core::decode_v3(stream),
            ntex::decode_v3(stream),
        ],
        ProtocolVersion::V5 => [
            rumqttc::decode_v5(stream),
            core::decode_v5(stream),
            ntex::decode_v5(stream),
        ],
    };
    let mut all = vec![
        ours("hearth-mqtt", version, stream, look),
        ours("hearth-mqtt, in parts", version, stream, take_apart),
    ];
    all.extend(peers);
    all
}

/// Each kind of packet by itself, for those who look for the slow one: `cargo xtask bench codec 41 kind`.
pub(crate) fn kinds() -> Vec<Workload> {
    let mut all: Vec<Workload> = Vec::new();
    for version in [ProtocolVersion::V311, ProtocolVersion::V5] {
        let received = work::mix(version)
            .into_iter()
            .map(|packet| (Role::Client, packet));
        let sent = work::client_mix(version)
            .into_iter()
            .map(|packet| (Role::Server, packet));
        for (receiver, packet) in received.chain(sent) {
            let name = format!("kind {version} {}", packet.packet_type());
            if all.iter().all(|known| known.name != name) {
                let entries = move || {
                    entries(
                        version,
                        &Stream::to(receiver, version, std::slice::from_ref(&packet)),
                    )
                };
                all.push(Workload::new(name, entries));
            }
        }
    }
    all
}

pub(crate) fn all() -> Vec<Workload> {
    let (v3, v5) = (ProtocolVersion::V311, ProtocolVersion::V5);
    let one = |version, publish| {
        entries(
            version,
            &Stream::to(Role::Client, version, &[Packet::Publish(publish)]),
        )
    };
    vec![
        Workload::new("decode D1", move || one(v3, work::one().into())),
        Workload::new("decode D2", move || one(v5, work::two().into())),
        Workload::new("decode D3", move || one(v3, work::three().into())),
        Workload::new("decode D4 3.1.1", move || entries(v3, &Stream::of_all_types(v3))),
        Workload::new("decode D4 5.0", move || entries(v5, &Stream::of_all_types(v5))),
        Workload::new("decode each 3.1.1", move || {
            entries(v3, &Stream::of_each_type(v3))
        }),
        Workload::new("decode each 5.0", move || entries(v5, &Stream::of_each_type(v5))),
        Workload::new("decode mix 3.1.1", move || {
            entries(v3, &Stream::to(Role::Client, v3, &work::mix(v3)))
        }),
        Workload::new("decode mix 5.0", move || {
            entries(v5, &Stream::to(Role::Client, v5, &work::mix(v5)))
        }),
    ]
}
