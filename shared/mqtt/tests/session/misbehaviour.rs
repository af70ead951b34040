//! A server that breaks the protocol: 5.0 says why and closes, 3.1.1 closes; never a panic.

use hearth_mqtt::{
    BytesMut, Connack, Disconnect, MonoTime, Packet, Properties, Property, ProtocolVersion, Qos, ReasonCode,
    session::{ClosedReason, Event, Misbehaviour, Session, SessionOptions, SessionState},
};

use crate::support::{Pair, inbound, lasting, puback, pubcomp, pubrec, pubrel, suback, v5, v311};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The fault that closed the session, with the DISCONNECT that answered it.
fn fault(pair: &mut Pair) -> (&'static str, Vec<String>) {
    let sent = pair.brief();
    match pair.events().pop() {
        Some(Event::Closed(ClosedReason::ServerMisbehaved(fault))) => {
            assert!(fault.to_string().contains(fault.statement()), "{fault}");
            (fault.statement(), sent)
        }
        other => panic!("{other:?}"),
    }
}

/// [MQTT5-4.13.1-1] [MQTT311-4.8.0-1]
#[test]
fn malformed_bytes_end_the_connection() {
    // Reserved packet type; bad flags; U+0000 in a topic; QoS 3; remaining length of five bytes.
    let broken: [&[u8]; 5] = [
        &[0x00, 0x00],
        &[0xD1, 0x00],
        &[0x30, 0x05, 0x00, 0x01, 0x00, 0x00, 0x00],
        &[0x36, 0x06, 0x00, 0x01, b'a', 0x00, 0x01, 0x00],
        &[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
    ];
    for bytes in broken {
        let mut pair = Pair::connected(v5());
        pair.send_bytes(bytes.to_vec());
        let (statement, sent) = fault(&mut pair);
        assert!(statement.starts_with("MQTT5-"), "{statement}");
        assert!(
            sent == ["disconnect 0x81"] || sent == ["disconnect 0x82"],
            "{sent:?}"
        );
        assert_eq!(pair.session.state(), SessionState::Closed);

        let mut pair = Pair::connected(v311());
        pair.send_bytes(bytes.to_vec());
        let (statement, sent) = fault(&mut pair);
        assert!(statement.starts_with("MQTT311-"), "{statement}");
        assert!(sent.is_empty(), "3.1.1 only closes");
    }
}

#[test]
fn nothing_after_the_fault_is_read() {
    let mut pair = Pair::connected(v5());
    let mut bytes = BytesMut::from(&[0xD1, 0x00][..]);
    inbound(Qos::AtMostOnce, 0, "a", false)
        .encode(ProtocolVersion::V5, &mut bytes)
        .unwrap();
    pair.send_bytes(bytes.freeze());
    assert!(matches!(pair.event(), Event::Closed(_)));
}

/// [MQTT5-3.1.2-24]
#[test]
fn a_packet_above_our_maximum_is_a_fault_before_it_is_buffered() {
    let mut pair = Pair::connected(SessionOptions {
        maximum_packet_size: 100,
        ..v5()
    });
    pair.send_bytes(vec![0x30, 0x80, 0x01]);
    assert_eq!(
        fault(&mut pair),
        ("MQTT5-3.1.2-24", vec!["disconnect 0x95".into()])
    );
}

/// [MQTT5-3.2.0-1]
#[test]
fn only_connack_may_come_first() {
    for packet in [
        inbound(Qos::AtMostOnce, 0, "a", false),
        Packet::Pingresp,
        puback(1),
        suback(1, &[0]),
    ] {
        let mut pair = Pair::new(v5());
        pair.open();
        pair.send(packet);
        assert_eq!(
            fault(&mut pair),
            ("MQTT5-3.2.0-1", vec!["disconnect 0x82".into()])
        );
    }
}

/// [MQTT5-3.2.0-2]
#[test]
fn a_second_connack_is_a_fault() {
    let mut pair = Pair::connected(v5());
    pair.accept(false, &[]);
    assert_eq!(fault(&mut pair).0, "MQTT5-3.2.0-2");
}

/// [MQTT5-3.3.4-1]
#[test]
fn an_acknowledgement_of_the_wrong_kind_is_a_fault() {
    for (qos, packet) in [
        (Qos::AtLeastOnce, pubrec(1)),
        (Qos::AtLeastOnce, pubcomp(1)),
        (Qos::AtLeastOnce, suback(1, &[0])),
        (Qos::ExactlyOnce, puback(1)),
        (Qos::ExactlyOnce, pubcomp(1)),
    ] {
        let mut pair = Pair::connected(v5());
        pair.publish(qos, "a", "1");
        pair.received();
        pair.send(packet);
        assert_eq!(fault(&mut pair).1, ["disconnect 0x82"]);
    }
}

/// RabbitMQ takes QoS 2 as QoS 1 and answers PUBACK: that ends the exchange, and the owner hears of it. In 5.0 a server says
/// Maximum QoS instead.
#[test]
fn a_server_of_3_1_1_may_take_qos_2_as_qos_1() {
    let mut pair = Pair::connected(lasting(v311()));
    let first = pair.publish(Qos::ExactlyOnce, "a", "1");
    let second = pair.publish(Qos::ExactlyOnce, "a", "2");
    pair.events();
    pair.received();
    let reason_code = ReasonCode::GRANTED_QOS_1;
    pair.send(puback(1));
    assert_eq!(
        pair.events(),
        [Event::Published {
            id: first,
            reason_code
        }]
    );
    pair.reconnect(true);
    assert_eq!(pair.brief(), ["publish q2 #2 dup a"], "the first is done");
    pair.events();
    pair.send(puback(2));
    assert_eq!(
        pair.events(),
        [Event::Published {
            id: second,
            reason_code
        }]
    );
    assert_eq!(pair.session.counters().taken_at_qos_1, 2);
    assert_eq!(pair.session.in_flight(), 0);
}

/// What is released already cannot be taken as QoS 1.
#[test]
fn puback_in_place_of_pubcomp_is_a_fault() {
    let mut pair = Pair::connected(v311());
    pair.publish(Qos::ExactlyOnce, "a", "1");
    pair.send(pubrec(1));
    pair.events();
    pair.send(puback(1));
    assert!(matches!(
        pair.event(),
        Event::Closed(ClosedReason::ServerMisbehaved(_))
    ));
}

/// What went wrong on one connection does not stop the next: the message is sent again.
#[test]
fn the_session_goes_on_after_a_fault() {
    let mut pair = Pair::connected(lasting(v5()));
    pair.publish(Qos::ExactlyOnce, "a", "1");
    pair.received();
    pair.send(puback(1));
    pair.events();
    pair.received();
    pair.reconnect(true);
    assert_eq!(pair.brief(), ["publish q2 #1 dup a"]);
}

#[test]
fn packets_of_clients_are_faults() {
    for bytes in [
        &[0xC0, 0x00][..],
        &[0x82, 0x06, 0x00, 0x01, 0x00, 0x00, 0x01, b'a', 0x00],
    ] {
        let mut pair = Pair::connected(v5());
        pair.send_bytes(bytes.to_vec());
        assert_eq!(fault(&mut pair).1, ["disconnect 0x82"]);
    }
}

/// Every packet, in every state, cut and whole: an event at most, never a panic.
#[test]
fn no_packet_panics_in_any_state() {
    let connack = Connack {
        session_present: true,
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::new(),
    };
    let packets = [
        Packet::Connack(connack),
        inbound(Qos::ExactlyOnce, 1, "a", true),
        puback(1),
        pubrec(1),
        pubrel(1),
        pubcomp(1),
        suback(1, &[0x80]),
        crate::support::unsuback(1, &[]),
        Packet::Pingresp,
        Packet::Disconnect(Disconnect::with_reason(ReasonCode::SUCCESS)),
    ];
    for version in [ProtocolVersion::V311, ProtocolVersion::V5] {
        for packet in &packets {
            let mut bytes = BytesMut::new();
            if packet.encode(version, &mut bytes).is_err() {
                continue;
            }
            let options = || if version.is_v5() { v5() } else { v311() };
            let mut opening = Pair::new(options());
            opening.open();
            let mut busy = Pair::connected(options());
            for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
                busy.publish(qos, "a", "1");
            }
            busy.subscribe(&["a"]);
            let pairs = [Pair::new(options()), opening, Pair::connected(options()), busy];
            for mut pair in pairs {
                pair.send_bytes(bytes.clone().freeze());
                pair.send_bytes(bytes.clone().freeze());
                pair.session.handle_timeout(MonoTime::from_ms(u64::MAX));
                pair.session.handle_timeout(MonoTime::from_ms(u64::MAX));
                pair.events();
            }
        }
    }
}

#[test]
fn a_fault_knows_its_reason_code() {
    let mut session = Session::new(v5());
    session.handle_opened(MonoTime::ZERO);
    session.handle_bytes(MonoTime::ZERO, vec![0xFF, 0x00].into());
    let fault = std::iter::from_fn(|| session.poll_event()).find_map(|event| match event {
        Event::Closed(ClosedReason::ServerMisbehaved(fault)) => Some(fault),
        _ => None,
    });
    assert!(matches!(fault, Some(Misbehaviour::Packet(_))));
    assert_eq!(
        fault.map(|it| it.reason_code()),
        Some(ReasonCode::MALFORMED_PACKET)
    );
}

/// [MQTT5-4.12.0-6]
#[test]
fn an_authentication_method_that_we_did_not_name_is_a_fault() {
    let mut pair = Pair::new(v5());
    pair.open();
    pair.accept(false, &[Property::AuthenticationMethod("M")]);
    assert_eq!(fault(&mut pair).0, "MQTT5-4.12.0-6");
}
