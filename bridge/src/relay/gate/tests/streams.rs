//! Bytes that are no packets, or not where they should be.

use super::*;

const V5: ProtocolVersion = ProtocolVersion::V5;

fn guarded() -> Rules {
    Rules {
        permissions: permissions(&["a/#"], &["a/#"]),
        ..rules()
    }
}

#[test]
fn a_first_packet_that_is_not_connect_is_refused_at_its_first_byte() {
    for bytes in [
        &b"G"[..],
        &[0x30],
        &[0x11],
        &[0x10, 0],
        &[0x10, 0xFF, 0xFF, 0xFF, 0xFF, 1],
    ] {
        let mut ends = Ends::new(V5, guarded());
        ends.browser_bytes(bytes);
        assert_eq!(ends.close_code(), Some(close::NOT_MQTT), "{bytes:02x?}");
        assert!(ends.at_broker.is_empty());
    }
}

#[test]
fn an_unknown_version_is_refused_in_the_form_of_3_1_1() {
    for level in [3, 6, 0x84] {
        let mut ends = Ends::new(ProtocolVersion::V311, guarded());
        ends.browser_bytes(&[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', level, 2, 0, 0, 0, 1, b't']);
        assert_eq!(
            ends.heard_by_browser(),
            [connack(ReasonCode::UNSUPPORTED_PROTOCOL_VERSION)]
        );
        assert_eq!(ends.close_code(), Some(close::NOT_MQTT));
    }
}

/// [MQTT5-3.14.0-1] DISCONNECT only behind CONNACK.
#[test]
fn a_malformed_packet_ends_the_connection_with_its_code() {
    // PUBLISH with both QoS bits set.
    let malformed = [0x36, 6, 0, 1, b'a', 0, 1, 0];
    let mut ends = Ends::connected(V5, guarded());
    ends.browser_bytes(&malformed);
    assert!(ends.at_broker.is_empty());
    let disconnect = |code| [Packet::Disconnect(Disconnect::with_reason(code))];
    assert_eq!(ends.heard_by_browser(), disconnect(ReasonCode::MALFORMED_PACKET));
    assert_eq!(ends.close_code(), Some(close::BAD_PACKET));
    assert_eq!(ends.refused(), [("bad_packet", 1)]);

    let mut ends = Ends::connected(ProtocolVersion::V311, guarded());
    ends.browser_bytes(&malformed);
    assert!(ends.at_browser.is_empty(), "3.1.1 has no DISCONNECT for clients");
    assert_eq!(ends.close_code(), Some(close::BAD_PACKET));

    let mut ends = Ends::new(V5, guarded());
    ends.browser(&connect(V5));
    ends.browser_bytes(&malformed);
    assert_eq!(
        ends.heard_by_browser(),
        [connack(ReasonCode::MALFORMED_PACKET)],
        "not before CONNACK"
    );

    let mut ends = Ends::connected(V5, guarded());
    ends.browser(&connect(V5));
    assert_eq!(ends.heard_by_browser(), disconnect(ReasonCode::PROTOCOL_ERROR));
}

#[test]
fn a_malformed_connect_gets_connack() {
    // The reserved flag is set.
    let bad = [0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 3, 0, 0, 0, 0, 1, b't'];
    let mut ends = Ends::new(V5, guarded());
    ends.browser_bytes(&bad);
    assert_eq!(ends.heard_by_browser(), [connack(ReasonCode::MALFORMED_PACKET)]);
    assert_eq!(ends.close_code(), Some(close::BAD_PACKET));
}

#[test]
fn a_packet_above_the_maximum_is_refused_before_it_is_held() {
    let mut ends = Ends::connected(V5, guarded());
    ends.browser_bytes(&[0x30, 0x80, 0x40]);
    assert_eq!(
        ends.heard_by_browser(),
        [Packet::Disconnect(Disconnect::with_reason(
            ReasonCode::PACKET_TOO_LARGE
        ))]
    );
    assert_eq!(ends.close_code(), Some(close::MESSAGE_TOO_BIG));
    assert!(ends.gate.held.capacity() < 64);
    let mut ends = Ends::new(V5, guarded());
    ends.browser_bytes(&[0x10, 0x80, 0x40]);
    assert_eq!(ends.heard_by_browser(), [connack(ReasonCode::PACKET_TOO_LARGE)]);
}

#[test]
fn what_a_header_claims_is_not_reserved() {
    let mut rules = guarded();
    rules.max_packet_bytes = 200_000_000;
    let mut ends = Ends::connected(V5, rules);
    ends.browser_bytes(&[0x30, 0x80, 0x80, 0x80, 0x40, 0]);
    ends.browser_bytes(&[1]);
    assert!(ends.gate.held.capacity() <= 2048, "{}", ends.gate.held.capacity());
}

#[test]
fn an_unknown_topic_alias_is_a_protocol_error() {
    let mut ends = Ends::connected(V5, guarded());
    ends.browser(&publish_with(None, Qos::AtMostOnce, Some(1)));
    assert_eq!(
        ends.heard_by_browser(),
        [Packet::Disconnect(Disconnect::with_reason(
            ReasonCode::PROTOCOL_ERROR
        ))]
    );
    let mut ends = Ends::connected(V5, guarded());
    ends.broker(&publish_with(None, Qos::AtMostOnce, Some(1)));
    assert_eq!(ends.close_code(), Some(close::BROKER_LOST));
}

#[test]
fn a_payload_passes_as_it_comes_and_answers_wait_for_its_end() {
    let mut ends = Ends::connected(V5, guarded());
    let message = ends.encode(&publish("a/b", Qos::AtMostOnce));
    let (head, tail) = message.split_at(message.len() - 2);
    ends.broker_bytes(head);
    assert_eq!(ends.at_browser, head, "not held until it is whole");
    ends.browser(&publish("secret", Qos::AtLeastOnce));
    assert_eq!(ends.at_browser, head, "no answer within a packet");
    assert_eq!(ends.gate.waiting_for_browser(), 5);
    ends.broker_bytes(tail);
    let heard = ends.heard_by_browser();
    assert!(
        matches!(heard.as_slice(), [Packet::Publish(_), Packet::Puback(_)]),
        "{heard:?}"
    );
}

#[test]
fn the_end_of_the_connection_does_not_cut_into_a_packet() {
    let mut ends = Ends::connected(V5, guarded());
    let message = ends.encode(&publish("a/b", Qos::AtMostOnce));
    let head = &message[..message.len() - 2];
    ends.broker_bytes(head);
    ends.browser_bytes(&[0xF3, 0]);
    assert_eq!(ends.at_browser, head, "no DISCONNECT within a PUBLISH");
    assert_eq!(ends.close_code(), Some(close::BAD_PACKET));
}

#[test]
fn a_broker_that_does_not_speak_mqtt_is_given_up() {
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\n"[..],
        &[0x30, 4, 0, 1, b'a', 0],
        &[0x00, 0],
        &[0x20, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        &[0x20, 2, 0xFF, 0],
    ] {
        let mut ends = Ends::new(V5, guarded());
        ends.browser(&connect(V5));
        ends.broker_bytes(bytes);
        assert_eq!(ends.close_code(), Some(close::BROKER_LOST), "{bytes:02x?}");
        assert!(ends.at_browser.is_empty());
        assert_eq!(ends.refused(), [("broker", 1)]);
    }
    for bytes in [
        // A topic longer than the packet, bad UTF-8 in it, QoS 3, identifier 0, a second CONNACK.
        &[0x30, 4, 0, 9, b'a', 0][..],
        &[0x30, 4, 0, 1, 0xFF, 0],
        &[0x36, 6, 0, 1, b'a', 0, 1, 0],
        &[0x32, 6, 0, 1, b'a', 0, 0, 0],
        &[0x20, 3, 0, 0, 0],
    ] {
        let mut ends = Ends::connected(V5, guarded());
        ends.broker_bytes(bytes);
        assert_eq!(ends.close_code(), Some(close::BROKER_LOST), "{bytes:02x?}");
    }
}

#[test]
fn an_answer_above_the_browsers_maximum_packet_size_ends_the_connection() {
    let mut ends = Ends::new(V5, guarded());
    ends.browser(&connect_with(V5, |connect| {
        connect.properties = Properties::of(&[Property::MaximumPacketSize(8)]).unwrap();
    }));
    ends.broker(&connack(ReasonCode::SUCCESS));
    ends.clear();
    ends.browser(&subscribe(&["b", "c", "d", "e", "f"]));
    assert_eq!(
        ends.heard_by_browser(),
        [Packet::Disconnect(Disconnect::with_reason(
            ReasonCode::PACKET_TOO_LARGE
        ))]
    );
    assert_eq!(ends.close_code(), Some(close::MESSAGE_TOO_BIG));
}
