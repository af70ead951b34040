//! The session's receive path: chunks in, messages out.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use hearth_mqtt::{
    Connack, MonoTime, Packet, Properties, ProtocolVersion, PublishParts, ReasonCode, Role,
    session::{Event, Session, SessionOptions, VersionChoice},
};

use crate::{
    Entry, Workload,
    work::{self, Stream},
};

/// A session that has just been accepted.
pub(crate) fn connected(version: ProtocolVersion) -> Session {
    let now = MonoTime { ms: 1 };
    let mut session = Session::new(SessionOptions {
        version: match version {
            ProtocolVersion::V311 => VersionChoice::V311,
            ProtocolVersion::V5 => VersionChoice::V5,
        },
        client_id: String::from("bench"),
        ..SessionOptions::default()
    });
    session.handle_opened(now);
    let mut connack = BytesMut::new();
    Packet::Connack(Connack {
        session_present: false,
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::new(),
    })
    .encode(version, &mut connack)
    .expect("can be written");
    session.handle_bytes(now, connack.freeze());
    while session.poll_event().is_some() {}
    while session.poll_transmit().is_some() {}
    session
}

fn receiving(version: ProtocolVersion, publish: PublishParts) -> Vec<Entry> {
    let stream = Stream::to(Role::Client, version, &[Packet::Publish(publish.into())]);
    let mut session = connected(version);
    let mut now = 2;
    vec![Entry::new("hearth-mqtt, session", move || {
        stream.for_each_part(|_, chunks| {
            let mut messages = 0;
            for chunk in chunks {
                now += 1;
                session.handle_bytes(MonoTime { ms: now }, Bytes::copy_from_slice(chunk));
                while let Some(event) = session.poll_event() {
                    messages += usize::from(matches!(event, Event::Message(_)));
                    black_box(event);
                }
                while let Some(bytes) = session.poll_transmit() {
                    black_box(bytes);
                }
            }
            messages
        })
    })]
}

pub(crate) fn all() -> Vec<Workload> {
    let (v3, v5) = (ProtocolVersion::V311, ProtocolVersion::V5);
    vec![
        Workload::new("session D1", move || receiving(v3, work::one())),
        Workload::new("session D2", move || receiving(v5, work::two())),
        Workload::new("session D3", move || receiving(v3, work::three())),
    ]
}
