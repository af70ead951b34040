//! Encoding into a buffer that is kept.

use std::hint::black_box;

use bytes::BytesMut;
use hearth_mqtt::{Packet, ProtocolVersion, PublishParts};

use crate::{Entry, Workload, peers::rumqttc, work};

/// Encodes the same packet over and over.
pub(crate) fn repeated(name: &'static str, mut write: impl FnMut(&mut BytesMut) + 'static) -> Entry {
    let mut out = BytesMut::with_capacity(2 * work::CHUNK);
    Entry::new(name, move || {
        for _ in 0..work::packets() {
            if out.len() > work::CHUNK {
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

fn ours(version: ProtocolVersion, publish: &PublishParts) -> [Entry; 3] {
    let packet = Packet::Publish(publish.clone().into());
    let parts = publish.clone();
    let mut whole = BytesMut::new();
    packet.encode(version, &mut whole).expect("can be written");
    [
        // From its fields, as the peers do it and as the session publishes: this is what the ratio is of.
        repeated("hearth-mqtt", move |out| {
            black_box(&parts).encode(version, out).expect("can be written");
        }),
        // A `Publish` keeps its bytes: writing it again is one copy, which is no measure of encoding.
        repeated("hearth-mqtt, kept bytes", move |out| {
            black_box(&packet).encode(version, out).expect("can be written");
        }),
        // What no codec can be faster than.
        repeated("hearth-bench, memcpy", move |out| {
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
    let with = |ours: [Entry; 3], peer| ours.into_iter().chain([peer]).collect();
    vec![
        Workload::new("encode E1", move || {
            with(ours(v3, &work::one()), rumqttc::encode_v4(&work::one()))
        }),
        Workload::new("encode E2", move || {
            with(ours(v5, &work::two()), rumqttc::encode_v5(&work::two()))
        }),
        Workload::new("encode E3", move || {
            with(ours(v3, &work::three()), rumqttc::encode_v4(&work::three()))
        }),
        Workload::new("encode E4 3.1.1", move || mix(v3)),
        Workload::new("encode E4 5.0", move || mix(v5)),
    ]
}
