//! What is subscribed to, while the connection goes on.

use super::*;
use crate::wire::SubscriptionView;

impl Bench {
    /// What was sent about subscriptions, each answered: refused when it holds "secret", else with QoS 1 at most.
    fn answer_subscriptions(&mut self) -> Vec<String> {
        let mut said = vec![];
        for packet in self.sent() {
            match packet {
                Packet::Subscribe(it) => {
                    let (filter, options) = it.filters.first().unwrap().clone();
                    let granted = match options.maximum_qos {
                        _ if filter.as_str().contains("secret") => ReasonCode::NOT_AUTHORIZED,
                        Qos::AtMostOnce => ReasonCode(0),
                        Qos::AtLeastOnce | Qos::ExactlyOnce => ReasonCode(1),
                    };
                    said.push(format!(
                        "+{filter} {}{}",
                        options.maximum_qos.bits(),
                        if options.no_local { "n" } else { "" }
                    ));
                    self.send(&Packet::Suback(Suback {
                        packet_id: it.packet_id,
                        reason_codes: vec![granted],
                        properties: Properties::new(),
                    }));
                }
                Packet::Unsubscribe(it) => said.push(format!("-{}", it.filters.first().unwrap())),
                _ => {}
            }
        }
        said
    }

    fn subscriptions(&self) -> Vec<(String, String, bool)> {
        let views = self.patches.iter().rev().find_map(|patch| match patch {
            Patch::Subscriptions(views) => Some(views),
            _ => None,
        });
        let row = |view: &SubscriptionView| (view.filter.clone(), view.result.clone(), view.refused);
        views.unwrap().iter().map(row).collect()
    }
}

fn filters(all: &[(&str, u8)]) -> Command {
    let owned = all
        .iter()
        .map(|(filter, options)| ((*filter).to_owned(), *options));
    Command::Subscribe(owned.collect())
}

#[test]
fn only_what_changed_is_asked_for_and_every_answer_is_shown() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Subscriptions));
    assert_eq!(bench.answer_subscriptions(), ["+# 0", "+$SYS/# 0"]);
    bench.command(filters(&[
        ("#", 0),
        ("home/+", 2),
        ("secret/#", 1),
        ("bad/#/x", 0),
    ]));
    assert_eq!(
        bench.answer_subscriptions(),
        ["-$SYS/#", "+home/+ 2", "+secret/# 1"]
    );
    bench.wait(1_000);
    let shown = bench.subscriptions();
    let row = |at: usize| (shown[at].0.as_str(), shown[at].1.as_str(), shown[at].2);
    assert_eq!(row(0), ("#", "granted QoS 0", false));
    assert_eq!(row(1), ("home/+", "granted QoS 1 instead of 2", false));
    assert_eq!(row(2), ("secret/#", "refused: not authorized", true));
    assert!(shown[3].2 && shown[3].1.starts_with("refused: "), "{shown:?}");
    bench.command(filters(&[("#", 4), ("home/+", 2)]));
    assert_eq!(bench.answer_subscriptions(), ["-secret/#", "+# 0n"]);
}

#[test]
fn what_is_changed_without_a_connection_is_asked_for_when_it_is_back() {
    let mut bench = Bench::connected();
    bench.answer_subscriptions();
    bench.close(1006, "");
    bench.command(filters(&[("a", 0)]));
    bench.framer = Framer::new(1024 * 1024);
    bench.command(Command::RetryNow);
    bench.input(Input::Opened);
    bench.answer_connect(ReasonCode::SUCCESS);
    bench.wait(10);
    let asked = bench.answer_subscriptions();
    assert!(asked.contains(&"+a 0".to_owned()), "{asked:?}");
    assert!(!asked.iter().any(|said| said.starts_with("+#")), "{asked:?}");
}

#[test]
fn a_numbered_filter_has_an_identifier_and_its_messages_name_it() {
    let mut bench = Bench::connected();
    bench.answer_subscriptions();
    bench.command(filters(&[("a/#", 0x40), ("b", 0), ("+/x", 0x41)]));
    let asked: Vec<_> = bench
        .sent()
        .into_iter()
        .filter_map(|packet| match packet {
            Packet::Subscribe(it) => {
                let id = it.properties.iter().find_map(|property| match property {
                    hearth_mqtt::Property::SubscriptionIdentifier(id) => Some(id),
                    _ => None,
                });
                Some((it.filters.first()?.0.to_string(), id))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        asked,
        [
            ("a/#".into(), Some(1)),
            ("b".into(), None),
            ("+/x".into(), Some(2))
        ]
    );
    let ids = [1, 2, 9].map(hearth_mqtt::Property::SubscriptionIdentifier);
    let publish = PublishParts {
        dup: false,
        qos: Qos::AtMostOnce,
        retain: false,
        topic: Some(TopicName::parse("a/x").unwrap()),
        packet_id: None,
        properties: Properties::of(&ids).unwrap(),
        payload: Bytes::new(),
    };
    bench.send(&Packet::Publish(publish.into()));
    bench.command(Command::Open(View::Topic {
        topic: "a/x".into(),
        seen: crate::wire::TopicSeen::default(),
    }));
    let shown = bench.patches.iter().rev().find_map(|patch| match patch {
        Patch::Topic { view, .. } => view.clone(),
        _ => None,
    });
    let said: Vec<_> = shown
        .unwrap()
        .properties
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    assert_eq!(said, ["1, a/#", "2, +/x", "9"]);
    // A filter that is gone gives its number back.
    bench.command(filters(&[("+/x", 0x41), ("new", 0x40)]));
    bench.command(Command::Open(View::Subscriptions));
    bench.wait(1_000);
    let views = bench.patches.iter().rev().find_map(|patch| match patch {
        Patch::Subscriptions(views) => Some(views.iter().map(|view| view.id).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(views, Some(vec![2, 1]));
}

#[test]
fn options_that_3_1_1_does_not_have_are_said_to_be_missing() {
    let mut bench = Bench::connected_by_3_1_1();
    bench.command(Command::Open(View::Subscriptions));
    bench.command(filters(&[("a", 0x05), ("b", 1)]));
    bench.answer_subscriptions();
    bench.wait(100);
    let results: Vec<_> = bench
        .subscriptions()
        .into_iter()
        .map(|(_, result, _)| result)
        .collect();
    assert_eq!(
        results,
        [
            "granted QoS 1, without its options: MQTT 3.1.1 has none",
            "granted QoS 1"
        ]
    );
}

#[test]
fn what_no_broker_may_be_asked_for_is_refused_with_its_reason() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Subscriptions));
    bench.answer_subscriptions();
    let asked = [
        ("$share//a", 0),
        ("$share/+/a", 0),
        ("$share/g/a", 4),
        ("$share/g/b", 1),
    ];
    bench.command(filters(&asked));
    assert_eq!(
        bench.answer_subscriptions(),
        ["-#", "-$SYS/#", "+$share/g/b 1"],
        "only what may be said"
    );
    let shown = bench.subscriptions();
    for ((filter, result, refused), said) in shown.iter().zip([
        "the share name needs at least one character",
        "the share name may not contain",
        "a shared subscription cannot have No Local",
    ]) {
        assert!(*refused && result.contains(said), "{filter}: {result}");
    }
    assert!(!shown[3].2, "{shown:?}");
}
