//! What happens to flows, subscriptions and the queue when the network connection ends and comes back.

use hearth_mqtt::{
    Property, Qos, ReasonCode,
    session::{ClosedReason, Event, Misbehaviour, PublishFailure, SessionOptions, SessionRule, SessionState},
};

use crate::support::{Pair, inbound, lasting, puback, pubcomp, pubrec, suback, v5, v311};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn broken(events: &[Event]) -> Option<(SessionRule, &'static str)> {
    events.iter().find_map(|event| match event {
        Event::Closed(ClosedReason::ServerMisbehaved(fault @ Misbehaviour::Session(rule, _))) => {
            Some((*rule, fault.statement()))
        }
        _ => None,
    })
}

#[test]
fn a_lost_connection_is_told_once() {
    let mut pair = Pair::connected(v5());
    pair.cut();
    pair.cut();
    assert_eq!(pair.event(), Event::Closed(ClosedReason::NetworkClosed));
    assert_eq!(pair.session.state(), SessionState::Offline);
    assert_eq!(pair.session.poll_timeout(), None);
}

#[test]
fn opening_again_closes_what_was_open() {
    let mut pair = Pair::connected(v5());
    pair.publish(Qos::AtMostOnce, "a", "1");
    pair.events();
    pair.open();
    assert_eq!(pair.event(), Event::Closed(ClosedReason::NetworkClosed));
    assert_eq!(pair.session.state(), SessionState::AwaitingConnack);
}

/// [MQTT5-4.4.0-1] [MQTT5-3.3.1-1] [MQTT5-4.6.0-1] original identifiers, DUP, original order.
#[test]
fn unacknowledged_messages_are_sent_again_in_order() {
    for options in [lasting(v5()), lasting(v311())] {
        let mut pair = Pair::connected(options);
        pair.publish(Qos::AtLeastOnce, "a", "1");
        pair.publish(Qos::ExactlyOnce, "b", "1");
        pair.publish(Qos::AtLeastOnce, "c", "1");
        pair.publish(Qos::ExactlyOnce, "d", "1");
        pair.received();
        pair.send(puback(1));
        pair.send(pubrec(2));
        pair.received();
        let connect = pair.reconnect(true);
        assert!(!connect.clean_start);
        assert_eq!(
            pair.brief(),
            ["pubrel #2", "publish q1 #3 dup c", "publish q2 #4 dup d"]
        );
        assert!(!pair.events().contains(&Event::MessagesMayBeMissed));
        for packet in [puback(3), pubcomp(2), pubrec(4), pubcomp(4)] {
            pair.send(packet);
        }
        assert_eq!(pair.session.queued_messages(), 0);
    }
}

#[test]
fn new_messages_come_after_those_sent_again() {
    let mut pair = Pair::connected(lasting(v5()));
    pair.publish(Qos::AtLeastOnce, "a", "1");
    pair.received();
    pair.cut();
    pair.publish(Qos::AtLeastOnce, "b", "1");
    pair.open();
    pair.accept(true, &[]);
    assert_eq!(pair.brief(), ["publish q1 #1 dup a", "publish q1 #2 b"]);
}

/// [MQTT5-3.3.4-7]: the quota of the new connection counts, not that of the old one.
#[test]
fn what_is_sent_again_keeps_the_new_receive_maximum() {
    let mut pair = Pair::connected(lasting(v5()));
    for topic in ["a", "b", "c"] {
        pair.publish(Qos::AtLeastOnce, topic, "1");
    }
    pair.received();
    pair.cut();
    pair.publish(Qos::AtLeastOnce, "d", "1");
    pair.open();
    pair.accept(true, &[Property::ReceiveMaximum(1)]);
    let mut seen = pair.brief();
    for number in 1..=4 {
        pair.send(puback(number));
        seen.extend(pair.brief());
    }
    assert_eq!(
        seen,
        [
            "publish q1 #1 dup a",
            "publish q1 #2 dup b",
            "publish q1 #3 dup c",
            "publish q1 #4 d"
        ]
    );
}

/// [MQTT5-4.3.3-10]: a server that has the first message takes another QoS 2 PUBLISH with its identifier for the same.
#[test]
fn the_identifier_of_a_message_that_may_not_be_sent_again_is_not_used_again() {
    let mut pair = Pair::connected(lasting(v5()));
    let large = pair.publish(Qos::ExactlyOnce, "a", "a message of many bytes");
    pair.received();
    pair.cut();
    pair.open();
    pair.accept(true, &[Property::MaximumPacketSize(20)]);
    assert!(pair.events().contains(&Event::PublishFailed {
        id: large,
        reason: PublishFailure::TooLarge
    }));
    for at in 0..=u16::MAX {
        pair.publish(Qos::AtLeastOnce, "b", "1");
        let number = at % (u16::MAX - 1) + 2;
        assert_eq!(pair.brief(), [format!("publish q1 #{number} b")]);
        pair.send(puback(number));
        pair.events();
    }
}

/// The exchange goes on although our PUBREL, or the PUBCOMP, was lost.
#[test]
fn lost_pubrel_and_lost_pubcomp_end_the_same() {
    let mut pair = Pair::connected(lasting(v5()));
    let id = pair.publish(Qos::ExactlyOnce, "a", "1");
    pair.received();
    pair.send(pubrec(1));
    for _ in 0..3 {
        pair.reconnect(true);
        assert_eq!(pair.brief(), ["pubrel #1"]);
    }
    pair.events();
    pair.send(pubcomp(1));
    assert_eq!(
        pair.event(),
        Event::Published {
            id,
            reason_code: ReasonCode::SUCCESS
        }
    );
}

/// The server lost the PUBREL's answer and forgot: 0x92 is the end, and no error.
#[test]
fn pubcomp_with_identifier_not_found_ends_the_exchange() {
    let mut pair = Pair::connected(lasting(v5()));
    let id = pair.publish(Qos::ExactlyOnce, "a", "1");
    pair.send(pubrec(1));
    pair.reconnect(true);
    pair.events();
    let reason_code = ReasonCode::PACKET_IDENTIFIER_NOT_FOUND;
    let ack = hearth_mqtt::Ack::with_reason(crate::support::id(1), reason_code);
    pair.send(hearth_mqtt::Packet::Pubcomp(ack));
    assert_eq!(pair.event(), Event::Published { id, reason_code });
}

/// [MQTT5-3.2.2-5] [MQTT5-4.3.3-6]
#[test]
fn a_lost_session_publishes_anew_what_was_not_taken() {
    for options in [v5(), lasting(v5()), v311(), lasting(v311())] {
        let mut pair = Pair::connected(options);
        pair.publish(Qos::AtLeastOnce, "a", "1");
        pair.publish(Qos::ExactlyOnce, "b", "1");
        let released = pair.publish(Qos::ExactlyOnce, "c", "1");
        pair.publish(Qos::AtLeastOnce, "d", "1");
        pair.received();
        pair.send(pubrec(3));
        pair.cut();
        pair.publish(Qos::AtLeastOnce, "e", "1");
        pair.events();
        pair.open();
        pair.accept(false, &[]);
        // New exchanges: new identifiers, no DUP, the old order.
        let expected = [
            "publish q1 #1 a",
            "publish q2 #2 b",
            "publish q1 #3 d",
            "publish q1 #4 e",
        ];
        assert_eq!(pair.brief(), expected);
        let events = pair.events();
        let reason = PublishFailure::SessionLost;
        assert!(events.contains(&Event::PublishFailed { id: released, reason }));
        assert!(events.contains(&Event::MessagesMayBeMissed));
    }
}

#[test]
fn the_first_connection_misses_nothing() {
    let mut pair = Pair::new(v5());
    pair.open();
    pair.accept(false, &[]);
    assert!(!pair.events().contains(&Event::MessagesMayBeMissed));
}

#[test]
fn a_lost_session_is_subscribed_again() {
    for options in [v5(), lasting(v311())] {
        let mut pair = Pair::connected(options);
        pair.subscribe(&["b/#", "a", "refused"]);
        pair.received();
        pair.send(suback(1, &[2, 1, 0x80]));
        pair.events();
        pair.reconnect(false);
        assert_eq!(
            pair.brief(),
            ["subscribe #1 a b/#"],
            "what was refused is not asked again"
        );
        pair.events();
        pair.send(suback(1, &[2, 2]));
        let Event::Resubscribed { results } = pair.event() else {
            panic!()
        };
        assert_eq!(results.len(), 2);
    }
}

#[test]
fn a_kept_session_is_not_subscribed_again() {
    let mut pair = Pair::connected(lasting(v5()));
    pair.subscribe(&["a"]);
    pair.received();
    pair.send(suback(1, &[2]));
    pair.reconnect(true);
    assert!(pair.received().is_empty());
}

/// [MQTT5-4.4.0-1] only PUBLISH and PUBREL are sent again; a request without an answer is a new request.
#[test]
fn a_request_without_an_answer_is_asked_again() {
    for session_present in [true, false] {
        let mut pair = Pair::connected(lasting(v5()));
        let subscribe = pair.subscribe(&["a", "b"]);
        let filters = vec![hearth_mqtt::TopicFilter::parse("c").unwrap()];
        let unsubscribe = pair.session.unsubscribe(pair.at(), filters).unwrap();
        pair.received();
        pair.reconnect(session_present);
        // A new session starts its identifiers anew.
        let (first, second) = if session_present { (3, 4) } else { (1, 2) };
        assert_eq!(
            pair.brief(),
            [
                format!("subscribe #{first} a b"),
                format!("unsubscribe #{second} c")
            ]
        );
        pair.events();
        pair.send(suback(first, &[2, 2]));
        pair.send(crate::support::unsuback(second, &[0x11]));
        let events = pair.events();
        assert!(
            matches!(&events[0], Event::Subscribed { id, results } if *id == subscribe && results.len() == 2)
        );
        assert!(matches!(&events[1], Event::Unsubscribed { id, .. } if *id == unsubscribe));
    }
}

/// [MQTT5-3.2.2-2] [MQTT311-3.2.2-1]
#[test]
fn session_present_after_a_clean_start_is_a_lie() {
    let mut pair = Pair::new(v5());
    pair.open();
    pair.accept(true, &[]);
    let expected = (SessionRule::SessionPresentAfterCleanStart, "MQTT5-3.2.2-2");
    assert_eq!(broken(&pair.events()), Some(expected));
    assert_eq!(pair.brief(), ["disconnect 0x82"]);

    let mut pair = Pair::new(v311());
    pair.open();
    pair.accept(true, &[]);
    let expected = (SessionRule::SessionPresentAfterCleanStart, "MQTT311-3.2.2-1");
    assert_eq!(broken(&pair.events()), Some(expected));
    assert!(pair.received().is_empty(), "3.1.1 only closes");
}

/// [MQTT5-3.2.2-4], and the next connection starts clean, so that it ends.
#[test]
fn session_present_without_a_session_is_a_fault_and_cured() {
    let mut pair = Pair::new(lasting(v5()));
    assert!(!pair.open().clean_start);
    pair.accept(true, &[]);
    let expected = (SessionRule::SessionPresentWithoutState, "MQTT5-3.2.2-4");
    assert_eq!(broken(&pair.events()), Some(expected));
    assert_eq!(pair.brief(), ["disconnect 0x82"]);
    pair.cut();
    assert!(pair.open().clean_start);
    pair.accept(false, &[]);
    assert!(!pair.reconnect(true).clean_start);
    assert_eq!(broken(&pair.events()), None);
}

/// 3.1.1 has no such rule: a program that kept nothing may go on with its subscriptions.
#[test]
fn a_session_of_an_earlier_program_goes_on_in_311() {
    let mut pair = Pair::new(lasting(v311()));
    pair.open();
    pair.accept(true, &[]);
    assert!(matches!(
        pair.event(),
        Event::Connected {
            session_present: true,
            ..
        }
    ));
    pair.send(inbound(Qos::ExactlyOnce, 9, "a", true));
    assert!(matches!(pair.event(), Event::Message(_)));
}

/// A session without expiry ends with its connection, on both ends.
#[test]
fn a_session_without_expiry_starts_clean_again() {
    let mut pair = Pair::connected(SessionOptions {
        clean_start: false,
        ..v5()
    });
    assert!(pair.reconnect(false).clean_start);
    assert!(pair.events().contains(&Event::MessagesMayBeMissed));
}

/// The server may keep the session for less time than asked for: not at all, here.
#[test]
fn the_session_expiry_of_the_server_counts() {
    let mut pair = Pair::connected_with(lasting(v5()), &[Property::SessionExpiryInterval(0)]);
    pair.cut();
    assert!(pair.open().clean_start);
}

#[test]
fn credentials_are_read_again_at_every_connect() {
    let mut pair = Pair::connected(v5());
    pair.session
        .set_credentials(Some("ada".into()), Some("new token".into()));
    pair.cut();
    let connect = pair.open();
    assert_eq!(connect.password.as_deref(), Some(&b"new token"[..]));
}

#[test]
fn bytes_of_the_old_connection_do_not_reach_the_new_one() {
    let mut pair = Pair::connected(lasting(v5()));
    pair.publish(Qos::AtMostOnce, "never", "sent");
    pair.send_bytes(vec![0x30, 0x05, 0x00]); // half a packet
    let connect = pair.reconnect(true);
    assert_eq!(&*connect.client_id, "test");
    assert!(pair.received().is_empty());
    pair.send(inbound(Qos::AtMostOnce, 0, "a", false));
    assert!(matches!(pair.events().last(), Some(Event::Message(_))));
}

/// A server that forgot says so once, in a CONNACK that may get lost: its next Session Present = 1 speaks of an empty
/// session. Being connected and silent would be worse than subscribing twice.
#[test]
fn after_a_lost_connack_subscriptions_are_made_again() {
    let mut pair = Pair::connected(lasting(v5()));
    pair.subscribe(&["a"]);
    pair.received();
    pair.send(suback(1, &[2]));
    pair.cut();
    pair.open();
    pair.reconnect(true);
    assert_eq!(pair.brief(), ["subscribe #2 a"]);
    pair.send(suback(2, &[2]));
    pair.reconnect(true);
    assert!(pair.received().is_empty(), "once is enough");
}

/// The same in 3.1.1, where the first session was clean and ended: the server made a new one for the CONNECT whose
/// CONNACK got lost.
#[test]
fn a_session_made_for_a_lost_connack_is_filled_anew() {
    let mut pair = Pair::connected(SessionOptions {
        session_expiry_interval: 60,
        ..v311()
    });
    pair.subscribe(&["a"]);
    pair.received();
    pair.send(suback(1, &[2]));
    pair.publish(Qos::ExactlyOnce, "b", "1");
    pair.cut();
    pair.open();
    pair.cut();
    assert!(!pair.open().clean_start);
    pair.accept(true, &[]);
    assert_eq!(pair.brief(), ["subscribe #1 a", "publish q2 #2 b"]);
    assert!(pair.events().contains(&Event::MessagesMayBeMissed));
}
