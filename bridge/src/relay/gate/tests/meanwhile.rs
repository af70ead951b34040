//! What one side says while the other is in the middle of something.

use super::*;

fn viewer() -> Rules {
    Rules {
        permissions: permissions(&["presence"], &["home/#"]),
        ..rules()
    }
}

fn subscribe_as(number: u16, filters: &[&str]) -> Packet {
    let Packet::Subscribe(mut packet) = subscribe(filters) else {
        panic!("no SUBSCRIBE")
    };
    packet.packet_id = id(number);
    Packet::Subscribe(packet)
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// What the browser asks decides which answers of the broker are completed, but never where a packet of the broker ends.
#[test]
fn an_answer_ends_where_its_head_said_whatever_is_asked_meanwhile() {
    let allowed = ["home/a"; 20];
    let first = [&allowed[..], &["secret"]].concat();
    for version in BOTH {
        for meanwhile in [
            subscribe_as(9, &["home/b"]),
            subscribe_as(9, &["home/b", "secret"]),
            subscribe_as(9, &["secret"]),
            subscribe_as(10, &["home/b"]),
            subscribe_as(10, &["home/b", "secret"]),
            subscribe_as(10, &["secret"]),
        ] {
            for first in [&first[..], &allowed[..]] {
                let ends = Ends::connected(version, viewer());
                let answer = ends.encode(&suback(&[1; 20]));
                let message = ends.encode(&publish("secret", Qos::AtMostOnce));
                for cut in 1..answer.len() {
                    let case = format!("{version} {meanwhile:?} after {cut} of {} bytes", answer.len());
                    let mut ends = Ends::connected(version, viewer());
                    ends.browser(&subscribe_as(9, first));
                    ends.broker_bytes(&answer[..cut]);
                    ends.browser(&meanwhile);
                    ends.broker_bytes(&[&answer[cut..], &message].concat());
                    ends.broker_bytes(&message);
                    assert!(!holds(&ends.at_browser, b"21.5"), "{case}");
                    // Whole packets, whatever became of them.
                    ends.heard_by_browser();
                }
            }
        }
    }
}

/// Two answers with one identifier: nobody could say which of them is to be completed.
#[test]
fn an_identifier_that_waits_for_its_answer_is_not_taken_again() {
    let (whole, part, none) = (&["home/a"][..], &["home/a", "secret"][..], &["secret"][..]);
    for version in BOTH {
        for first in [whole, part] {
            for second in [whole, part, none] {
                let case = format!("{version} {first:?} {second:?}");
                let mut ends = Ends::connected(version, viewer());
                ends.browser(&subscribe(first));
                assert_eq!(ends.heard_by_broker(), [subscribe(whole)], "{case}");
                ends.browser(&subscribe(second));
                assert_eq!(ends.close_code(), Some(close::BAD_PACKET), "{case}");
                assert!(ends.at_broker.is_empty(), "{case}");
                let disconnect = Packet::Disconnect(Disconnect::with_reason(ReasonCode::PROTOCOL_ERROR));
                let expected = Vec::from_iter(version.is_v5().then_some(disconnect));
                assert_eq!(ends.heard_by_browser(), expected, "{case}");
            }
        }
        // It is free again behind the answer, and where the gate answered itself.
        let mut ends = Ends::connected(version, viewer());
        for filters in [none, none, whole, part, whole] {
            ends.browser(&subscribe(filters));
            if filters != none {
                ends.broker(&suback(&[1]));
            }
        }
        assert_eq!(ends.close, None);
        let no = if version.is_v5() { 0x87 } else { 0x80 };
        let answers = [&[no][..], &[no], &[1], &[1, no], &[1]].map(suback);
        assert_eq!(ends.heard_by_browser(), answers);
    }
}

#[test]
fn nothing_follows_the_browsers_disconnect() {
    let disconnect = Packet::Disconnect(Disconnect::with_reason(ReasonCode::SUCCESS));
    for version in BOTH {
        let mut ends = Ends::new(version, viewer());
        ends.browser(&connect_with(version, |connect| connect.keep_alive = 30));
        ends.broker(&connack(ReasonCode::SUCCESS));
        ends.clear();
        let late = [
            publish("secret", Qos::AtLeastOnce),
            publish("presence", Qos::AtMostOnce),
        ];
        let late: Vec<u8> = late.iter().flat_map(|packet| ends.encode(packet)).collect();
        let bytes = [ends.encode(&disconnect), late.clone()].concat();
        ends.browser_bytes(&bytes);
        ends.browser_bytes(&late);
        ends.browser_bytes(&late[..3]);
        // A message that the gate drops, and would acknowledge.
        ends.broker(&publish("secret", Qos::AtLeastOnce));
        assert_eq!(
            ends.heard_by_broker(),
            std::slice::from_ref(&disconnect),
            "{version}"
        );
        assert!(ends.at_browser.is_empty(), "{version}");
        assert_eq!(ends.close, None, "{version}");
    }
    // Nor does a token.
    let signs_in = Rules {
        credentials: Some(token("first")),
        ..rules()
    };
    let mut ends = Ends::connected(ProtocolVersion::V5, signs_in);
    ends.browser(&disconnect);
    ends.credentials(token("second"));
    assert_eq!(ends.heard_by_broker(), [disconnect]);
}
