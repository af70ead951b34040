//! A program that is killed at any moment: its successor goes on, and no QoS 2 message is lost or repeated.

use hearth_mqtt::{
    Packet, Qos,
    session::{Event, PersistChange, PersistKey, PublishFailure, RestoreError, Session, SessionOptions},
};

use crate::support::{
    Pair, Store, expiring, inbound, lasting, message, pubcomp, pubrec, pubrel, suback, v5, v311,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn persistent() -> SessionOptions {
    SessionOptions {
        persistent: true,
        ..lasting(v5())
    }
}

impl Pair {
    /// Stores what changed, so that packets may leave.
    fn keep(&mut self, store: &mut Store) {
        store.keep(&mut self.session);
    }

    /// Kills the program: all that is left is the store.
    fn reborn(self, store: &Store) -> Pair {
        Pair::with(store.restore(self.session.options().clone()))
    }

    fn start(store: &mut Store) -> Pair {
        let mut pair = Pair::new(persistent());
        pair.open();
        pair.accept(false, &[]);
        pair.keep(store);
        pair.events();
        pair
    }

    fn resume(&mut self, store: &mut Store) {
        self.open();
        self.accept(true, &[]);
        self.keep(store);
    }
}

#[test]
fn packets_wait_until_the_changes_they_rely_on_are_stored() {
    let mut store = Store::default();
    let mut pair = Pair::start(&mut store);
    pair.publish(Qos::ExactlyOnce, "a", "1");
    assert!(pair.received().is_empty(), "nothing is stored yet");
    let batch = pair.session.poll_persist().unwrap();
    assert!(pair.received().is_empty(), "nothing is confirmed yet");
    pair.publish(Qos::ExactlyOnce, "b", "1");
    pair.session.handle_persisted(batch.token);
    assert_eq!(
        pair.brief(),
        ["publish q2 #1 a"],
        "the second waits for the next batch"
    );
    pair.keep(&mut store);
    assert_eq!(pair.brief(), ["publish q2 #2 b"]);
    assert_eq!(pair.session.poll_persist(), None);
}

#[test]
fn without_persistence_nothing_waits_and_nothing_is_logged() {
    let mut pair = Pair::connected(lasting(v5()));
    pair.publish(Qos::ExactlyOnce, "a", "1");
    assert_eq!(pair.brief(), ["publish q2 #1 a"]);
    assert_eq!(pair.session.poll_persist(), None);
}

/// A record that changed several times between two batches is written once; one that came and went, not at all.
#[test]
fn changes_are_coalesced() {
    let mut store = Store::default();
    let mut pair = Pair::start(&mut store);
    pair.send(inbound(Qos::ExactlyOnce, 7, "a", false));
    pair.send(pubrel(7));
    let batch = pair.session.poll_persist().unwrap();
    assert!(matches!(batch.changes[..], [PersistChange::Delete(_)]));
}

#[test]
fn keys_fit_into_a_javascript_number() {
    let mut store = Store::default();
    let mut pair = Pair::start(&mut store);
    pair.publish(Qos::ExactlyOnce, "a", "1");
    pair.subscribe(&["a"]);
    pair.send(inbound(Qos::ExactlyOnce, u16::MAX, "a", false));
    pair.keep(&mut store);
    assert_eq!(store.0.len(), 5);
    for key in store.0.keys() {
        assert!(key.as_u64() < 1 << 53);
        assert_eq!(PersistKey::from_u64(key.as_u64()), *key);
    }
}

#[test]
fn queued_messages_survive_in_order() {
    let mut store = Store::default();
    let mut pair = Pair::new(persistent());
    for topic in ["a", "b", "c"] {
        pair.publish(Qos::ExactlyOnce, topic, "1");
    }
    pair.keep(&mut store);
    let mut pair = pair.reborn(&store);
    assert_eq!(pair.session.queued_messages(), 3);
    pair.open();
    pair.accept(false, &[]);
    pair.keep(&mut store);
    assert_eq!(
        pair.brief(),
        ["publish q2 #1 a", "publish q2 #2 b", "publish q2 #3 c"]
    );
}

/// Killed after PUBLISH left: sent again with its identifier, so that the server knows it.
#[test]
fn killed_while_waiting_for_pubrec() {
    let mut store = Store::default();
    let mut pair = Pair::start(&mut store);
    pair.publish(Qos::AtLeastOnce, "q1", "1");
    pair.publish(Qos::ExactlyOnce, "q2", "1");
    pair.keep(&mut store);
    assert_eq!(pair.brief(), ["publish q1 #1 q1", "publish q2 #2 q2"]);
    let mut pair = pair.reborn(&store);
    assert!(!pair.open().clean_start);
    pair.accept(true, &[]);
    pair.keep(&mut store);
    assert_eq!(pair.brief(), ["publish q1 #1 dup q1", "publish q2 #2 dup q2"]);
}

/// Killed after PUBREC: only PUBREL is sent again, in the order of the PUBREC packets.
#[test]
fn killed_while_waiting_for_pubcomp() {
    let mut store = Store::default();
    let mut pair = Pair::start(&mut store);
    pair.publish(Qos::ExactlyOnce, "a", "1");
    pair.publish(Qos::ExactlyOnce, "b", "1");
    pair.keep(&mut store);
    pair.received();
    pair.send(pubrec(2));
    pair.send(pubrec(1));
    assert!(pair.received().is_empty(), "PUBREL waits until it is stored");
    pair.keep(&mut store);
    assert_eq!(pair.brief(), ["pubrel #2", "pubrel #1"]);
    let mut pair = pair.reborn(&store);
    pair.resume(&mut store);
    assert_eq!(pair.brief(), ["pubrel #2", "pubrel #1"]);
    pair.send(pubcomp(1));
    pair.send(pubcomp(2));
    pair.keep(&mut store);
    assert_eq!(
        pair.events()
            .iter()
            .filter(|it| matches!(it, Event::Published { .. }))
            .count(),
        2
    );
    assert_eq!(store.0.len(), 1, "only the header is left: {:?}", store.0.keys());
}

/// Killed between PUBREC's arrival and its storing: PUBREL never left, so PUBLISH may be sent again.
#[test]
fn killed_before_pubrec_was_stored() {
    let mut store = Store::default();
    let mut pair = Pair::start(&mut store);
    pair.publish(Qos::ExactlyOnce, "a", "1");
    pair.keep(&mut store);
    pair.received();
    pair.send(pubrec(1));
    assert!(pair.received().is_empty());
    let mut pair = pair.reborn(&store);
    pair.resume(&mut store);
    assert_eq!(pair.brief(), ["publish q2 #1 dup a"]);
}

/// Killed after a QoS 2 message was delivered: its repetition is not delivered again.
#[test]
fn killed_while_waiting_for_pubrel() {
    let mut store = Store::default();
    let mut pair = Pair::start(&mut store);
    pair.send(inbound(Qos::ExactlyOnce, 9, "a", false));
    assert!(matches!(pair.event(), Event::Message(_)));
    assert!(pair.received().is_empty(), "PUBREC waits until it is stored");
    pair.keep(&mut store);
    assert_eq!(pair.brief(), ["pubrec #9"]);
    let mut pair = pair.reborn(&store);
    assert_eq!(pair.session.unreleased(), 1);
    pair.resume(&mut store);
    pair.events();
    pair.send(inbound(Qos::ExactlyOnce, 9, "a", true));
    assert!(pair.events().is_empty());
    pair.send(pubrel(9));
    pair.keep(&mut store);
    assert_eq!(pair.brief(), ["pubrec #9", "pubcomp #9"]);
    let mut pair = pair.reborn(&store);
    pair.resume(&mut store);
    pair.events();
    pair.send(inbound(Qos::ExactlyOnce, 9, "b", false));
    assert!(
        matches!(pair.event(), Event::Message(_)),
        "after PUBCOMP it is a new message"
    );
}

/// Killed before the delivery was stored: PUBREC never left, so the server sends it again and it is delivered.
#[test]
fn killed_before_a_delivery_was_stored() {
    let mut store = Store::default();
    let mut pair = Pair::start(&mut store);
    pair.send(inbound(Qos::ExactlyOnce, 9, "a", false));
    assert!(pair.received().is_empty());
    let mut pair = pair.reborn(&store);
    pair.resume(&mut store);
    pair.events();
    pair.send(inbound(Qos::ExactlyOnce, 9, "a", true));
    assert!(matches!(pair.event(), Event::Message(_)));
}

#[test]
fn subscriptions_survive() {
    let mut store = Store::default();
    let mut pair = Pair::start(&mut store);
    pair.subscribe(&["a", "b", "c"]);
    pair.keep(&mut store);
    pair.received();
    pair.send(suback(1, &[2, 1, 0x87]));
    pair.subscribe(&["later"]);
    pair.session
        .unsubscribe(pair.at(), vec![hearth_mqtt::TopicFilter::parse("b").unwrap()])
        .unwrap();
    pair.keep(&mut store);
    let before: Vec<_> = pair
        .session
        .subscriptions()
        .map(|it| (it.subscription.clone(), it.status))
        .collect();

    // The server still has the session: only what had no answer is asked.
    let mut pair = pair.reborn(&store);
    let after: Vec<_> = pair
        .session
        .subscriptions()
        .map(|it| (it.subscription.clone(), it.status))
        .collect();
    assert_eq!(after, before);
    pair.resume(&mut store);
    assert_eq!(pair.brief(), ["unsubscribe #1 b", "subscribe #2 later"]);

    // The server has forgotten: everything is asked, but for what was refused.
    let mut pair = pair.reborn(&store);
    pair.open();
    pair.accept(false, &[]);
    pair.keep(&mut store);
    assert_eq!(
        pair.brief(),
        ["unsubscribe #1 b", "subscribe #2 later", "subscribe #3 a"]
    );
    assert!(pair.events().contains(&Event::MessagesMayBeMissed));
}

#[test]
fn a_forgotten_session_fails_what_was_released_and_repeats_the_rest() {
    let mut store = Store::default();
    let mut pair = Pair::start(&mut store);
    pair.publish(Qos::ExactlyOnce, "a", "1");
    pair.publish(Qos::ExactlyOnce, "b", "1");
    pair.send(pubrec(1));
    pair.keep(&mut store);
    let mut pair = pair.reborn(&store);
    pair.open();
    pair.accept(false, &[]);
    pair.keep(&mut store);
    assert_eq!(pair.brief(), ["publish q2 #1 b"]);
    let lost = pair.events().iter().any(|it| {
        matches!(
            it,
            Event::PublishFailed {
                reason: PublishFailure::SessionLost,
                ..
            }
        )
    });
    assert!(lost);
}

/// The clock of a page starts anew with it; a message must expire on time all the same.
#[test]
fn message_expiry_counts_across_runs() {
    let mut store = Store::default();
    let first = SessionOptions {
        calendar_at_zero_ms: 1_000_000,
        ..persistent()
    };
    let mut session = Session::new(first.clone());
    let at = hearth_mqtt::MonoTime::from_ms(500);
    session.publish(at, expiring(Qos::AtLeastOnce, "a", 60)).unwrap(); // until 1,060,500
    session.publish(at, message(Qos::AtLeastOnce, "b", "1")).unwrap();
    store.keep(&mut session);
    let second = SessionOptions {
        calendar_at_zero_ms: 1_040_000,
        ..first.clone()
    };
    let session = store.restore(second);
    assert_eq!(session.poll_timeout().map(|at| at.ms), Some(20_500));
    let mut session = store.restore(SessionOptions {
        calendar_at_zero_ms: 2_000_000,
        ..first
    });
    session.handle_timeout(hearth_mqtt::MonoTime::ZERO);
    assert!(matches!(
        session.poll_event(),
        Some(Event::PublishFailed {
            reason: PublishFailure::Expired,
            ..
        })
    ));
    assert_eq!(session.queued_messages(), 1);
}

/// The program that is killed between CONNECT and CONNACK hears as little of a lost session as one whose CONNACK got lost.
#[test]
fn killed_before_connack_subscriptions_are_made_again() {
    let mut store = Store::default();
    let mut pair = Pair::start(&mut store);
    pair.subscribe(&["a"]);
    pair.received();
    pair.send(suback(1, &[2]));
    pair.send(inbound(Qos::ExactlyOnce, 5, "old", false));
    pair.cut();
    pair.keep(&mut store);
    pair.open();
    pair.keep(&mut store);
    // The server forgot and started a new session for that CONNECT.
    let mut pair = pair.reborn(&store);
    pair.open();
    pair.accept(true, &[]);
    pair.keep(&mut store);
    assert_eq!(pair.brief(), ["subscribe #1 a"]);
    // Killed again: what is left over of the old session is remembered as that.
    let mut pair = pair.reborn(&store);
    pair.open();
    pair.accept(true, &[]);
    pair.events();
    pair.send(inbound(Qos::ExactlyOnce, 5, "new", false));
    let messages = pair.events();
    assert!(
        messages
            .iter()
            .any(|event| matches!(event, Event::Message(it) if it.topic.as_str() == "new")),
        "{messages:?}"
    );
}

#[test]
fn an_assigned_client_id_survives() {
    let mut store = Store::default();
    let mut pair = Pair::new(SessionOptions {
        client_id: String::new(),
        ..persistent()
    });
    pair.open();
    pair.accept(false, &[hearth_mqtt::Property::AssignedClientIdentifier("given")]);
    pair.keep(&mut store);
    let connect = pair.reborn(&store).open();
    assert_eq!((&*connect.client_id, connect.clean_start), ("given", false));
}

#[test]
fn export_is_the_sum_of_all_changes() {
    let mut store = Store::default();
    let mut pair = Pair::start(&mut store);
    for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce, Qos::ExactlyOnce] {
        pair.publish(qos, "a", "1");
    }
    pair.send(pubrec(2));
    pair.send(inbound(Qos::ExactlyOnce, 7, "a", false));
    pair.subscribe(&["x", "y"]);
    pair.keep(&mut store);
    let exported: std::collections::BTreeMap<_, _> = pair.session.export().into_iter().collect();
    assert_eq!(
        exported.keys().collect::<Vec<_>>(),
        store.0.keys().collect::<Vec<_>>()
    );
    let mut one = Pair::with(store.restore(persistent()));
    let mut two = Pair::with(Session::restore(persistent(), exported).unwrap());
    one.resume(&mut store.clone());
    two.resume(&mut store.clone());
    assert_eq!(one.brief(), two.brief());
}

#[test]
fn a_311_session_survives_too() {
    let mut store = Store::default();
    let mut pair = Pair::new(SessionOptions {
        persistent: true,
        ..lasting(v311())
    });
    pair.open();
    pair.accept(false, &[]);
    pair.publish(Qos::ExactlyOnce, "a", "1");
    pair.keep(&mut store);
    pair.received();
    let mut pair = pair.reborn(&store);
    pair.resume(&mut store);
    let Packet::Publish(publish) = pair.one() else {
        panic!()
    };
    assert!(publish.dup);
}

#[test]
fn nothing_stored_is_a_new_session() {
    let session = Session::restore(persistent(), []).unwrap();
    assert_eq!(session.queued_messages(), 0);
}

/// Storage is outside too: damage is a named error, never a panic, whichever byte it is in.
#[test]
fn damaged_records_are_refused() {
    let mut store = Store::default();
    let mut pair = Pair::start(&mut store);
    pair.publish(Qos::ExactlyOnce, "topic", "payload");
    pair.publish(Qos::ExactlyOnce, "topic", "payload");
    pair.send(pubrec(1));
    pair.subscribe(&["filter"]);
    pair.keep(&mut store);

    for (key, bytes) in &store.0 {
        for cut in 0..bytes.len() {
            let mut damaged = store.0.clone();
            damaged.insert(*key, bytes.slice(..cut));
            let _ = Session::restore(persistent(), damaged);
        }
        for index in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[index] ^= 0xFF;
            let mut damaged = store.0.clone();
            damaged.insert(*key, changed.into());
            let _ = Session::restore(persistent(), damaged);
        }
        let mut newer = bytes.to_vec();
        newer[0] = 9;
        let mut damaged = store.0.clone();
        damaged.insert(*key, newer.into());
        assert_eq!(
            Session::restore(persistent(), damaged).err(),
            Some(RestoreError::Format(9))
        );
    }
    let header = PersistKey::from_u64(0);
    let mut headless = store.0.clone();
    headless.remove(&header);
    assert_eq!(
        Session::restore(persistent(), headless).err(),
        Some(RestoreError::NoHeader)
    );
    let mut foreign = store.0.clone();
    foreign.insert(PersistKey::from_u64(99 << 48), vec![1].into());
    assert_eq!(
        Session::restore(persistent(), foreign).err(),
        Some(RestoreError::Damaged(99 << 48))
    );
    let other = SessionOptions {
        client_id: "other".into(),
        ..persistent()
    };
    assert_eq!(
        Session::restore(other, store.0).err(),
        Some(RestoreError::OtherClient)
    );
}
