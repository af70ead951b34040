//! Payloads of 64 KiB and more leave as they are, behind the beginning of their packet.

use hearth_mqtt::{
    Bytes, Packet, Qos, TopicName,
    session::{ApplicationMessage, Session, SessionOptions},
};

use crate::support::{Pair, Store, lasting, puback, v5, v311};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const LARGE: usize = 64 * 1024;

fn publish(pair: &mut Pair, qos: Qos, payload: Bytes) {
    let topic = TopicName::parse("camera").unwrap();
    let message = ApplicationMessage::new(topic, payload).with_qos(qos);
    pair.session.publish(pair.at(), message).unwrap();
}

fn payload(packet: &Packet) -> &[u8] {
    match packet {
        Packet::Publish(publish) => publish.payload(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_large_payload_leaves_uncopied_and_in_its_place() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        let picture = Bytes::from(vec![7; LARGE]);
        pair.publish(Qos::AtMostOnce, "before", "1");
        publish(&mut pair, Qos::AtMostOnce, picture.clone());
        pair.publish(Qos::AtMostOnce, "after", "1");
        let pieces: Vec<Bytes> = std::iter::from_fn(|| pair.session.poll_transmit()).collect();
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces[1].as_ptr(), picture.as_ptr(), "the same memory");
        for piece in pieces {
            pair.framer.push(piece);
        }
        let sent = pair.received();
        assert_eq!((sent.len(), payload(&sent[1])), (3, picture.as_ref()));
    }
}

#[test]
fn one_byte_less_is_copied_into_one_piece() {
    let mut pair = Pair::connected(v5());
    publish(&mut pair, Qos::AtMostOnce, Bytes::from(vec![7; LARGE - 1]));
    assert!(pair.session.poll_transmit().is_some());
    assert_eq!(pair.session.poll_transmit(), None);
}

/// [MQTT5-3.14.4-1]: nothing follows DISCONNECT, and what has begun before it is brought to its end.
#[test]
fn a_payload_whose_packet_has_begun_is_sent_before_disconnect() {
    let mut pair = Pair::connected(v5());
    publish(&mut pair, Qos::AtLeastOnce, Bytes::from(vec![7; LARGE]));
    let head = pair.session.poll_transmit().unwrap();
    pair.framer.push(head);
    pair.session.disconnect(pair.at());
    let sent = pair.received();
    assert!(
        matches!(sent.as_slice(), [Packet::Publish(_), Packet::Disconnect(_)]),
        "{sent:?}"
    );
}

/// [MQTT5-4.4.0-1] [MQTT311-4.4.0-1]: the connection ends between the two pieces.
#[test]
fn a_message_cut_between_its_pieces_is_sent_again_whole() {
    for options in [lasting(v5()), lasting(v311())] {
        let mut pair = Pair::connected(options);
        publish(&mut pair, Qos::AtLeastOnce, Bytes::from(vec![7; LARGE]));
        assert!(pair.session.poll_transmit().is_some_and(|head| head.len() < 100));
        pair.reconnect(true);
        let sent = pair.received();
        assert_eq!(sent.len(), 1);
        assert_eq!(payload(&sent[0]), vec![7; LARGE]);
        pair.send(puback(1));
        assert_eq!(pair.session.in_flight(), 0);
    }
}

/// What is not stored may not leave; what comes after it may not overtake it, nor stay when it is discarded.
#[test]
fn nothing_overtakes_a_large_message_that_is_held_back() {
    let mut store = Store::default();
    let options = SessionOptions {
        persistent: true,
        ..lasting(v5())
    };
    let mut pair = Pair::with(Session::new(options));
    pair.open();
    store.keep(&mut pair.session);
    pair.accept(false, &[]);
    store.keep(&mut pair.session);
    assert!(pair.received().is_empty());
    publish(&mut pair, Qos::AtLeastOnce, Bytes::from(vec![7; LARGE]));
    pair.publish(Qos::AtMostOnce, "after", "1");
    assert!(pair.received().is_empty(), "nothing is stored yet");
    store.keep(&mut pair.session);
    let sent = pair.received();
    assert_eq!(sent.len(), 2);
    assert_eq!(payload(&sent[0]).len(), LARGE);
    assert_eq!(payload(&sent[1]), b"1");
}
