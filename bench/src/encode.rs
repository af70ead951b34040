//! Encoding into a buffer that is kept: emptied after each packet, as a socket does that takes it, or when 64 KiB lie in it,
//! as packets do that wait for one. With 1 KiB of payload copying it is most of everybody's time: the plain copy of the finished
//! packet (row "memcpy") takes 0.6 to 0.75 of the best peer's. Only who hands the payload on where it lies, as the row "payload
//! apart", can be much faster. The peers have no such way.

use std::{cell::RefCell, hint::black_box, rc::Rc};

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

/// The buffer of a workload. All write to the same one, and copy the same payload: how fast 1 KiB is copied hangs on how the
/// two places lie to each other (up to twice the time), and that is nobody's merit.
pub(crate) type Out = Rc<RefCell<BytesMut>>;

/// Encodes the same packet over and over.
pub(crate) fn repeated(
    name: &'static str,
    emptied: Emptied,
    out: &Out,
    mut write: impl FnMut(&mut BytesMut) + 'static,
) -> Entry {
    let out = out.clone();
    let mut buffer = BytesMut::new();
    let most = match emptied {
        Emptied::AtOnce => 0,
        Emptied::Late => work::CHUNK,
    };
    Entry::new(name, move || {
        std::mem::swap(&mut buffer, &mut *out.borrow_mut());
        for _ in 0..work::packets() {
            if buffer.len() > most {
                buffer.clear();
            }
            write(black_box(&mut buffer));
        }
        std::mem::swap(&mut buffer, &mut *out.borrow_mut());
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

fn ours(version: ProtocolVersion, publish: &PublishParts, emptied: Emptied, out: &Out) -> [Entry; 4] {
    let packet = Packet::Publish(publish.clone().into());
    let (parts, apart) = (publish.clone(), publish.clone());
    let mut whole = BytesMut::new();
    packet.encode(version, &mut whole).expect("can be written");
    [
        // From its fields, as the peers do it and as the session publishes: this is what the ratio is of.
        repeated("hearth-mqtt", emptied, out, move |out| {
            black_box(&parts).encode(version, out).expect("can be written");
        }),
        // As `writev` takes it, and as the session sends what is large: the payload is handed on where it lies.
        repeated("hearth-mqtt, payload apart", emptied, out, move |out| {
            let payload = black_box(&apart)
                .encode_head(version, out)
                .expect("can be written");
            black_box(payload.as_ref());
        }),
        // A `Publish` keeps its bytes: writing it again is one copy, which is no measure of encoding.
        repeated("hearth-mqtt, kept bytes", emptied, out, move |out| {
            black_box(&packet).encode(version, out).expect("can be written");
        }),
        // What no codec can be faster than.
        repeated("hearth-bench, memcpy", emptied, out, move |out| {
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
                let out = Out::new(BytesMut::with_capacity(2 * work::CHUNK).into());
                let publish = publish();
                let peer = if version.is_v5() {
                    rumqttc::encode_v5(&publish, emptied, &out)
                } else {
                    rumqttc::encode_v4(&publish, emptied, &out)
                };
                ours(version, &publish, emptied, &out)
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
