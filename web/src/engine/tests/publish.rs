//! Messages sent several times, and messages that wait for a response.

use hearth_mqtt::Property;

use super::*;
use crate::wire::Response;

fn message(topic: &str, payload: &str) -> Publication {
    Publication {
        topic: topic.into(),
        payload: payload.into(),
        ..Publication::default()
    }
}

impl Bench {
    fn publish_from_page(&mut self, message: Publication) {
        self.command(Command::Publish { request: 7, message });
    }

    fn sent_messages(&mut self) -> Vec<(String, PublishParts)> {
        let packets = self.sent().into_iter().filter_map(|packet| match packet {
            Packet::Publish(publish) => Some(publish.into_parts()),
            _ => None,
        });
        let text = |parts: &PublishParts| String::from_utf8_lossy(&parts.payload).into_owned();
        packets.map(|parts| (text(&parts), parts)).collect()
    }

    fn payloads(&mut self) -> Vec<String> {
        self.sent_messages().into_iter().map(|(text, _)| text).collect()
    }

    fn outcome(&self) -> Outcome {
        let outcomes = self.patches.iter().rev().find_map(|patch| match patch {
            Patch::Outcome { request: 7, outcome } => Some(outcome.clone()),
            _ => None,
        });
        outcomes.unwrap()
    }

    fn respond(&mut self, topic: &str, correlation: &[u8], payload: &str) {
        let publish = PublishParts {
            dup: false,
            qos: Qos::AtMostOnce,
            retain: false,
            topic: Some(TopicName::parse(topic).unwrap()),
            packet_id: None,
            properties: Properties::of(&[Property::CorrelationData(correlation)]).unwrap(),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
        };
        self.send(&Packet::Publish(publish.into()));
    }
}

#[test]
fn a_message_is_sent_at_its_interval_until_it_is_stopped() {
    let mut bench = Bench::connected();
    bench.publish_from_page(Publication {
        repeat: 100,
        every_ms: 500,
        ..message("t", "{n}")
    });
    assert_eq!(bench.payloads(), ["1"], "the first at once");
    bench.wait(1_600);
    assert_eq!(bench.payloads(), ["2", "3", "4"]);
    let progress = |sent, over| Outcome::Progress { sent, all: 100, over };
    assert_eq!(bench.outcome(), progress(4, false));
    bench.command(Command::StopPublish(7));
    bench.wait(5_000);
    assert_eq!(bench.payloads(), Vec::<String>::new());
    assert_eq!(bench.outcome(), progress(4, true));
}

#[test]
fn an_interval_waits_for_the_connection_and_ends_with_the_count() {
    let mut bench = Bench::connected();
    bench.publish_from_page(Publication {
        repeat: 3,
        every_ms: 1_000,
        ..message("t", "{n}")
    });
    assert_eq!(bench.payloads(), ["1"]);
    bench.close(1006, "");
    bench.wait(10_000);
    bench.sent();
    bench.framer = Framer::new(1024 * 1024);
    bench.command(Command::RetryNow);
    bench.input(Input::Opened);
    bench.answer_connect(ReasonCode::SUCCESS);
    bench.wait(500);
    assert_eq!(bench.payloads(), ["2"], "nothing was saved up, nothing was lost");
    bench.wait(2_000);
    assert_eq!(bench.payloads(), ["3"]);
    assert_eq!(bench.outcome(), Outcome::Sent);
}

#[test]
fn a_response_is_matched_by_its_correlation_and_kept_like_any_message() {
    let mut bench = Bench::connected();
    bench.sent();
    bench.publish_from_page(Publication {
        response_within_ms: 5_000,
        qos: 1,
        ..message("ask", "?")
    });
    let (_, asked) = bench.sent_messages().remove(0);
    let topic = asked.properties.response_topic().unwrap().to_owned();
    assert_eq!(topic, "hearth/response/hearth-test");
    let correlation = asked.properties.correlation_data().unwrap().to_vec();
    bench.send(&Packet::Puback(Ack {
        packet_id: asked.packet_id.unwrap(),
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::new(),
    }));
    assert_eq!(
        bench.outcome(),
        Outcome::Acknowledged("waiting for the response".into())
    );
    bench.wait(120);
    bench.respond(&topic, b"somebody else's", "no");
    assert_eq!(
        bench.outcome(),
        Outcome::Acknowledged("waiting for the response".into())
    );
    bench.respond(&topic, &correlation, "yes");
    let response = Response {
        topic: topic.clone(),
        payload: b"yes".to_vec(),
        after_ms: 120,
    };
    assert_eq!(bench.outcome(), Outcome::Answered(Box::new(response)));
    bench.command(Command::Open(View::Topic {
        topic,
        seen: crate::wire::TopicSeen::default(),
    }));
    let shown = bench.patches.iter().rev().find_map(|patch| match patch {
        Patch::Topic { view, .. } => view.as_deref(),
        _ => None,
    });
    assert_eq!(shown.unwrap().count, 2);
}

#[test]
fn a_response_topic_that_nothing_brings_is_subscribed_to_for_as_long_as_it_is_needed() {
    let mut bench = Bench::new();
    bench.command(Command::Connect(Box::new(ConnectionOptions {
        subscriptions: vec![("home/#".into(), 0)],
        ..options()
    })));
    bench.input(Input::Opened);
    bench.answer_connect(ReasonCode::SUCCESS);
    bench.sent();
    bench.publish_from_page(Publication {
        response_within_ms: 2_000,
        response_topic: Some("re/x".into()),
        correlation_data: Some(b"c".to_vec()),
        ..message("ask", "?")
    });
    let sent = bench.sent();
    let [Packet::Subscribe(subscribe), Packet::Publish(publish)] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(subscribe.filters.first().unwrap().0.as_str(), "re/x");
    assert_eq!(
        publish.clone().into_parts().properties.correlation_data(),
        Some(&b"c"[..])
    );
    bench.send(&Packet::Suback(Suback {
        packet_id: subscribe.packet_id,
        reason_codes: vec![ReasonCode(0)],
        properties: Properties::new(),
    }));
    bench.wait(2_500);
    let failed = bench.outcome();
    assert!(
        matches!(&failed, Outcome::Unanswered(why) if why.contains("within 2 s none came to re/x")),
        "{failed:?}"
    );
    let sent = bench.sent();
    let [Packet::Unsubscribe(unsubscribe)] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(unsubscribe.filters.first().unwrap().as_str(), "re/x");
}

#[test]
fn waiting_for_a_response_can_be_given_up() {
    let mut bench = Bench::connected();
    bench.publish_from_page(Publication {
        response_within_ms: 60_000,
        response_topic: Some("re".into()),
        ..message("ask", "?")
    });
    bench.command(Command::StopPublish(7));
    assert!(matches!(bench.outcome(), Outcome::Failed(_)));
    let (_, asked) = bench.sent_messages().remove(0);
    bench.respond("re", asked.properties.correlation_data().unwrap(), "late");
    assert!(matches!(bench.outcome(), Outcome::Failed(_)));
}

#[test]
fn every_qos_has_its_result() {
    let mut bench = Bench::connected();
    bench.sent();
    bench.command(publication(0));
    assert!(bench.patches.contains(&Patch::Outcome {
        request: 7,
        outcome: Outcome::Sent
    }));
    bench.command(publication(1));
    let sent = bench.sent();
    let Some(Packet::Publish(publish)) = sent.last() else {
        panic!("{sent:?}")
    };
    bench.send(&Packet::Puback(Ack {
        packet_id: publish.packet_id.unwrap(),
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::new(),
    }));
    assert!(bench.patches.contains(&Patch::Outcome {
        request: 7,
        outcome: Outcome::Acknowledged(String::new())
    }));
}

#[test]
fn variables_are_filled_in_and_every_property_is_sent() {
    let mut bench = Bench::connected();
    bench.sent();
    let message = Publication {
        topic: "a/{n}".into(),
        payload: b"{now} {random}".to_vec(),
        variables: true,
        repeat: 2,
        is_text: true,
        correlation_data: Some(b"c".to_vec()),
        response_topic: Some("r".into()),
        ..Publication::default()
    };
    bench.command(Command::Publish { request: 7, message });
    let mut payloads = vec![];
    for (packet, topic) in bench.sent().iter().zip(["a/1", "a/2"]) {
        let Packet::Publish(publish) = packet else {
            panic!("{packet:?}")
        };
        assert_eq!(publish.topic(), Some(topic));
        let parts = publish.clone().into_parts();
        let sent: Vec<_> = parts.properties.iter().collect();
        assert!(sent.contains(&Property::PayloadFormatIndicator(1)), "{sent:?}");
        assert!(sent.contains(&Property::CorrelationData(b"c")), "{sent:?}");
        assert!(sent.contains(&Property::ResponseTopic("r")), "{sent:?}");
        let text = std::str::from_utf8(publish.payload()).unwrap().to_owned();
        let (now, random) = text.split_once(' ').unwrap();
        assert_eq!(now, bench.now().wall_ms.to_string());
        assert!(random.parse::<u32>().unwrap() < 1_000_000);
        payloads.push(text);
    }
    assert_eq!(payloads.len(), 2);
    assert_ne!(payloads[0], payloads[1]);
}

#[test]
fn qos_0_is_refused_while_the_broker_is_away_and_qos_1_waits() {
    let mut bench = Bench::connected();
    bench.close(1006, "");
    bench.command(publication(0));
    assert!(
        matches!(
            bench.patches.last(),
            Some(Patch::Outcome {
                outcome: Outcome::Failed(_),
                ..
            })
        ),
        "{:?}",
        bench.patches.last()
    );
    bench.command(publication(1));
    bench.wait(250);
    assert!(bench.patches.contains(&Patch::Outcome {
        request: 7,
        outcome: Outcome::Queued
    }));
    assert!(
        bench
            .patches
            .iter()
            .any(|patch| matches!(patch, Patch::Counters(counters) if counters.queued == 1))
    );
}

#[test]
fn a_message_too_large_for_the_bridge_is_refused_before_it_ends_the_connection() {
    let mut bench = Bench::new();
    let options = ConnectionOptions {
        largest_packet: Some(1_000),
        ..options()
    };
    bench.command(Command::Connect(Box::new(options)));
    let message = Publication {
        topic: "a".into(),
        payload: vec![0; 1_000],
        qos: 1,
        ..Publication::default()
    };
    bench.command(Command::Publish { request: 7, message });
    assert!(matches!(
        bench.patches.last(),
        Some(Patch::Outcome {
            outcome: Outcome::Failed(_),
            ..
        })
    ));
}

#[test]
fn a_message_too_long_to_be_kept_is_refused_for_that_and_goes_with_qos_0() {
    let mut bench = Bench::connected();
    bench.sent();
    let message = |qos| Publication {
        payload: vec![0; 9 << 20],
        qos,
        ..message("t", "")
    };
    bench.publish_from_page(message(1));
    let outcome = bench.outcome();
    assert!(
        matches!(&outcome, Outcome::Failed(why) if why.contains("at most 8 MiB") && why.contains("QoS 0")),
        "{outcome:?}"
    );
    bench.publish_from_page(message(0));
    let outcome = bench.outcome();
    assert!(matches!(outcome, Outcome::Queued | Outcome::Sent), "{outcome:?}");
}

#[test]
fn what_3_1_1_cannot_say_is_not_left_out_in_silence() {
    let mut bench = Bench::connected_by_3_1_1();
    bench.sent();
    for message in [
        Publication {
            content_type: Some("text/plain".into()),
            ..message("t", "x")
        },
        Publication {
            user_properties: vec![("a".into(), "b".into())],
            ..message("t", "x")
        },
        Publication {
            response_within_ms: 1_000,
            ..message("t", "x")
        },
    ] {
        bench.publish_from_page(message);
        bench.wait(100);
        let outcome = bench.outcome();
        assert!(
            matches!(&outcome, Outcome::Failed(why) if why.contains("3.1.1")),
            "{outcome:?}"
        );
        assert_eq!(bench.payloads(), Vec::<String>::new());
    }
    bench.publish_from_page(message("t", "plain"));
    assert_eq!(bench.payloads(), ["plain"]);
}
