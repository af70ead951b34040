//! What the fuzz target for the session does with arbitrary bytes: they decide what happens to it, and some of them are
//! what the server says. Shared by the target and the ordinary tests.

use hearth_mqtt::{
    Bytes, BytesMut, Framer, MonoTime, Packet, Properties, Property, ProtocolVersion, Qos, Role,
    SubscriptionOptions, TopicFilter, TopicName,
    session::{
        ApplicationMessage, Authentication, Event, PersistChange, PersistKey, Secret, Session,
        SessionOptions, SessionState, Subscription, VersionChoice,
    },
};

/// The session under test, the server's reading of its bytes, and its store.
struct World<'a> {
    rest: &'a [u8],
    options: SessionOptions,
    session: Session,
    framer: Framer,
    now: u64,
    store: std::collections::BTreeMap<PersistKey, Bytes>,
}

/// Whatever happens, the session does not panic and sends what a server can read.
pub(crate) fn session(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let options = options(*first);
    let mut world = World {
        rest,
        session: Session::new(options.clone()),
        options,
        framer: Framer::new(u32::MAX),
        now: 0,
        store: std::collections::BTreeMap::new(),
    };
    while let Some(op) = world.byte() {
        world.step(op);
        world.check();
    }
}

fn options(bits: u8) -> SessionOptions {
    SessionOptions {
        version: [VersionChoice::V311, VersionChoice::V5, VersionChoice::Auto][usize::from(bits & 3) % 3],
        client_id: if bits & 4 == 0 {
            "fuzz".into()
        } else {
            String::new()
        },
        clean_start: bits & 8 == 0,
        session_expiry_interval: if bits & 16 == 0 { 0 } else { 100 },
        persistent: bits & 32 != 0,
        authentication: (bits & 64 != 0).then(|| Authentication {
            method: "M".into(),
            data: None,
        }),
        receive_maximum: 3,
        in_flight_maximum: if bits & 128 == 0 { 2 } else { u16::MAX },
        maximum_packet_size: 300,
        topic_alias_maximum: 2,
        queue_qos0_offline: bits & 128 != 0,
        queued_messages_maximum: 10,
        transmit_bytes_maximum: 200,
        ..SessionOptions::default()
    }
}

impl World<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn take(&mut self, len: usize) -> Bytes {
        let (head, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        Bytes::copy_from_slice(head)
    }

    fn at(&self) -> MonoTime {
        MonoTime::from_ms(self.now)
    }

    fn step(&mut self, op: u8) {
        let now = self.at();
        match op % 16 {
            0 => {
                self.framer = Framer::new(u32::MAX);
                self.session.handle_opened(now);
            }
            // The plainest CONNACK, so that what follows is reached often.
            1 => {
                let present = op >> 7;
                let plain: &[u8] = &[0x20, 3, present, 0, 0];
                let old: &[u8] = &[0x20, 2, present, 0];
                let bytes = if self.session.version().is_v5() {
                    plain
                } else {
                    old
                };
                self.session.handle_bytes(now, Bytes::copy_from_slice(bytes));
            }
            2 | 3 => {
                let bytes = self.take(usize::from(op >> 4) + 1);
                self.session.handle_bytes(now, bytes);
            }
            // A whole packet of the server: type and flags, then the body.
            4..=6 => {
                let (Some(first), Some(len)) = (self.byte(), self.byte()) else {
                    return;
                };
                let body = self.take(usize::from(len & 0x1F));
                let mut packet = BytesMut::from(&[first, u8::try_from(body.len()).unwrap_or(0)][..]);
                packet.extend_from_slice(&body);
                self.session.handle_bytes(now, packet.freeze());
            }
            7 => self.session.handle_closed(now),
            8 => {
                // Also backwards.
                let by = u64::from(self.byte().unwrap_or(0)) * 300;
                self.now = if op & 0x80 == 0 {
                    self.now + by
                } else {
                    self.now.saturating_sub(by)
                };
                self.session.handle_timeout(self.at());
            }
            9 | 10 => self.publish(op),
            11 => {
                let filter = ["a", "+/b", "#", "$share/g/a"][usize::from(op >> 4) % 4];
                let filter = TopicFilter::parse(filter).unwrap();
                if op & 0x80 == 0 {
                    let id = (op & 0x40 != 0).then_some(7);
                    let options = SubscriptionOptions::default();
                    let _ = self.session.subscribe(
                        now,
                        vec![Subscription {
                            filter,
                            options,
                            subscription_id: id,
                        }],
                    );
                } else {
                    let _ = self.session.unsubscribe(now, vec![filter]);
                }
            }
            12 => self.persist(),
            13 if op & 0x80 == 0 => self.rebirth(),
            13 => drop(self.session.discard_queued()),
            14 if op & 0x80 == 0 => self.session.disconnect(now),
            14 => drop(self.session.disconnect_with(now, true, Some(u32::from(op)))),
            _ => {
                let _ = self.session.probe(now);
                let _ = self.session.authenticate(now, Some(&Secret::from("x")));
                let _ = self.session.reauthenticate(now, None);
            }
        }
    }

    fn publish(&mut self, op: u8) {
        let topic = TopicName::parse(["a", "x/b", "c"][usize::from(op >> 4) % 3]).unwrap();
        let qos = Qos::from_bits((op >> 4) % 3).unwrap_or_default();
        let mut it = ApplicationMessage::new(topic, vec![b'x'; usize::from(op)]).with_qos(qos);
        it.retain = op & 0x40 != 0;
        if op & 0x80 != 0 {
            it.properties = Properties::of(&[Property::MessageExpiryInterval(u32::from(op >> 4))]).unwrap();
        }
        let _ = self.session.publish(self.at(), it);
    }

    fn persist(&mut self) {
        while let Some(batch) = self.session.poll_persist() {
            for change in batch.changes {
                match change {
                    PersistChange::Put(key, bytes) => self.store.insert(key, bytes),
                    PersistChange::Delete(key) => self.store.remove(&key),
                };
            }
            self.session.handle_persisted(batch.token);
        }
        if self.options.persistent && !self.store.is_empty() {
            let exported = self.session.export().into_iter().map(|(key, _)| key);
            assert!(
                exported.eq(self.store.keys().copied()),
                "the store is what an export would be"
            );
        }
    }

    /// What a session wrote, a session reads.
    fn rebirth(&mut self) {
        let records = if self.options.persistent {
            self.store.clone()
        } else {
            self.session.export().into_iter().collect()
        };
        self.session = Session::restore(self.options.clone(), records).unwrap();
    }

    fn check(&mut self) {
        let mut events = 0;
        while let Some(event) = self.session.poll_event() {
            events += 1;
            if let Event::Closed(reason) = event {
                assert!(!reason.to_string().is_empty());
            }
            assert!(events < 10_000, "events without end");
        }
        let version = self.session.version();
        while let Some(bytes) = self.session.poll_transmit() {
            assert!(!bytes.is_empty());
            self.read(version, bytes);
        }
        if let Some(limits) = self.session.limits() {
            assert!(self.session.in_flight() <= 65_535 && limits.receive_maximum > 0);
        }
        if self.session.state() == SessionState::Offline {
            assert_eq!(self.session.transmit_bytes(), 0);
        }
        let _ = self.session.poll_timeout();
    }

    /// Everything that leaves is a whole packet that a server accepts.
    fn read(&mut self, version: ProtocolVersion, bytes: Bytes) {
        self.framer.push(bytes);
        while let Some(frame) = self.framer.poll_frame().unwrap() {
            let first = frame.header.first_byte;
            // The session names the next version while the last bytes of the old one leave.
            let other = if version.is_v5() {
                ProtocolVersion::V311
            } else {
                ProtocolVersion::V5
            };
            let read = Packet::decode(version, Role::Server, frame.clone())
                .or_else(|_| Packet::decode(other, Role::Server, frame));
            assert!(read.is_ok(), "packet {first:#04x}: {read:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn arbitrary_operations_do_not_break_a_session(data in prop::collection::vec(any::<u8>(), 0..400)) {
            super::session(&data);
        }
    }

    #[test]
    fn the_seeds_do_not_break_a_session() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/session");
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
        assert!(!files.is_empty());
        for file in files {
            super::session(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }

    #[test]
    fn what_fuzzing_found_does_not_break_a_session() {
        let found = crate::replay::inputs("session");
        assert!(found.len() > 900, "{} inputs are left", found.len());
        for input in found {
            super::session(&input);
        }
    }
}
