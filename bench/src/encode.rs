//! Encoding into a buffer that is kept: emptied after each packet, as a socket does that takes it, or when 64 KiB lie in it,
//! as packets do that wait for one. In the second way 1 KiB of payload leaves the first cache, and copying it is most of
//! everybody's time.

use std::hint::black_box;

use bytes::BytesMut;
use hearth_mqtt::{Packet, ProtocolVersion, PublishParts};

use crate::{Entry, Workload, peers::rumqttc, work};

/// How many bytes lie in the buffer before it is emptied.
#[derive(Clone, Copy)]
pub(crate) enum Emptied {
    /// Each packet.
    AtOnce,
    /// 64 KiB of packets.
    Late,
}

/// Encodes the same packet over and over.
pub(crate) fn repeated(
    name: &'static str,
    emptied: Emptied,
    mut write: impl FnMut(&mut BytesMut) + 'static,
) -> Entry {
    let mut out = BytesMut::with_capacity(2 * work::CHUNK);
    let most = match emptied {
        Emptied::AtOnce => 0,
        Emptied::Late => work::CHUNK,
    };
    Entry::new(name, move || {
        for _ in 0..work::packets() {
            if out.len() > most {
                out.clear();
            }
            write(black_box(&mut out));
        }
        work::packets()
    })
}

/// Encodes several packets in turn.
pub(crate) fn in_turn<T: 'static>(name: &'static str, all: Vec<T>, write: fn(&T, &mut BytesMut)) -> Entry {
    let mut out = BytesMut::with_capacity(2 * work::CHUNK);
    let times = work::packets() / all.len();
    Entry::new(name, move || {
        for _ in 0..times {
            if out.len() > work::CHUNK {
                out.clear();
            }
            for packet in &all {
                write(black_box(packet), &mut out);
            }
        }
        times * all.len()
    })
}

fn ours(version: ProtocolVersion, publish: &PublishParts, emptied: Emptied) -> [Entry; 3] {
    let packet = Packet::Publish(publish.clone().into());
    let parts = publish.clone();
    let mut whole = BytesMut::new();
    packet.encode(version, &mut whole).expect("can be written");
    [
        // From its fields, as the peers do it and as the session publishes: this is what the ratio is of.
        repeated("hearth-mqtt", emptied, move |out| {
            black_box(&parts).encode(version, out).expect("can be written");
        }),
        // A `Publish` keeps its bytes: writing it again is one copy, which is no measure of encoding.
        repeated("hearth-mqtt, kept bytes", emptied, move |out| {
            black_box(&packet).encode(version, out).expect("can be written");
        }),
        // What no codec can be faster than.
        repeated("hearth-bench, memcpy", emptied, move |out| {
            out.extend_from_slice(black_box(&whole));
        }),
    ]
}

fn mix(version: ProtocolVersion) -> Vec<Entry> {
    let mut all = work::mix(version);
    all.extend(work::client_mix(version));
    let write: fn(&Packet, &mut BytesMut) = match version {
        ProtocolVersion::V311 => |packet, out| {
            packet.encode(ProtocolVersion::V311, out).expect("can be written");
        },
        ProtocolVersion::V5 => |packet, out| {
            packet.encode(ProtocolVersion::V5, out).expect("can be written");
        },
    };
    vec![in_turn("hearth-mqtt", all, write), rumqttc::encode_mix(version)]
}

pub(crate) fn all() -> Vec<Workload> {
    let (v3, v5) = (ProtocolVersion::V311, ProtocolVersion::V5);
    let mut all = Vec::new();
    for (suffix, emptied) in [("", Emptied::AtOnce), (", 64 KiB of them", Emptied::Late)] {
        let mut add = |name: &str, version: ProtocolVersion, publish: fn() -> PublishParts| {
            all.push(Workload::new(format!("{name}{suffix}"), move || {
                let peer = if version.is_v5() {
                    rumqttc::encode_v5(&publish(), emptied)
                } else {
                    rumqttc::encode_v4(&publish(), emptied)
                };
                ours(version, &publish(), emptied)
                    .into_iter()
                    .chain([peer])
                    .collect()
            }));
        };
        add("encode E1", v3, work::one);
        add("encode E2", v5, work::two);
        add("encode E3", v3, work::three);
    }
    all.push(Workload::new("encode E4 3.1.1", move || mix(v3)));
    all.push(Workload::new("encode E4 5.0", move || mix(v5)));
    all
}
