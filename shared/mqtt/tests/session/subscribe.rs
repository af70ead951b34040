//! SUBSCRIBE and UNSUBSCRIBE: results per filter, what the server cannot do, what does not fit into a packet.

use hearth_mqtt::{
    Packet, Property, Qos, ReasonCode, RetainHandling, SubscriptionOptions, TopicFilter,
    session::{
        ApiMisuse, ClosedReason, Event, Misbehaviour, SessionOptions, SessionRule, Subscription,
        SubscriptionStatus,
    },
};

use crate::support::{Pair, suback, subscription, unsuback, v5, v311};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn results(event: &Event) -> Vec<(&str, u8)> {
    match event {
        Event::Subscribed { results, .. }
        | Event::Unsubscribed { results, .. }
        | Event::Resubscribed { results } => results
            .iter()
            .map(|(filter, code)| (filter.as_str(), code.0))
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// [MQTT5-3.8.4-6]
#[test]
fn every_filter_has_its_result() {
    let mut pair = Pair::connected(v5());
    let id = pair.subscribe(&["a", "b/+", "secret"]);
    assert_eq!(pair.brief(), ["subscribe #1 a b/+ secret"]);
    pair.send(suback(1, &[2, 1, 0x87]));
    let event = pair.event();
    assert_eq!(results(&event), [("a", 2), ("b/+", 1), ("secret", 0x87)]);
    assert!(matches!(event, Event::Subscribed { id: it, .. } if it == id));
    let statuses: Vec<_> = pair.session.subscriptions().map(|known| known.status).collect();
    let expected = [
        SubscriptionStatus::Granted(ReasonCode(2)),
        SubscriptionStatus::Granted(ReasonCode(1)),
        SubscriptionStatus::Refused(ReasonCode::NOT_AUTHORIZED),
    ];
    assert_eq!(statuses, expected);
}

#[test]
fn options_reach_the_server() {
    let options = SubscriptionOptions {
        maximum_qos: Qos::AtLeastOnce,
        no_local: true,
        retain_as_published: true,
        retain_handling: RetainHandling::DoNotSend,
    };
    let asked = Subscription {
        options,
        subscription_id: Some(7),
        ..subscription("a")
    };
    let mut pair = Pair::connected(v5());
    pair.session.subscribe(pair.at(), vec![asked.clone()]).unwrap();
    let Packet::Subscribe(subscribe) = pair.one() else {
        panic!()
    };
    assert_eq!(subscribe.filters.first().unwrap().1, options);
    assert_eq!(subscribe.properties.subscription_identifier(), Some(7));

    let mut pair = Pair::connected(v311());
    pair.session.subscribe(pair.at(), vec![asked]).unwrap();
    let Packet::Subscribe(subscribe) = pair.one() else {
        panic!()
    };
    assert_eq!(
        subscribe.filters.first().unwrap().1,
        SubscriptionOptions::at_most(Qos::AtLeastOnce),
        "3.1.1 has the QoS only"
    );
}

/// One SUBSCRIBE has one Subscription Identifier.
#[test]
fn different_subscription_identifiers_go_in_different_packets() {
    let mut pair = Pair::connected(v5());
    let asked = [("a", Some(1)), ("b", Some(1)), ("c", None), ("d", Some(2))];
    let asked = asked.map(|(filter, subscription_id)| Subscription {
        subscription_id,
        ..subscription(filter)
    });
    pair.session.subscribe(pair.at(), asked.to_vec()).unwrap();
    assert_eq!(
        pair.brief(),
        ["subscribe #1 a b", "subscribe #2 c", "subscribe #3 d"]
    );
    pair.send(suback(3, &[0]));
    pair.send(suback(1, &[1, 2]));
    assert!(pair.events().is_empty(), "one call, one answer");
    pair.send(suback(2, &[0x80]));
    assert_eq!(
        results(&pair.event()),
        [("a", 1), ("b", 2), ("c", 0x80), ("d", 0)]
    );
}

#[test]
fn requests_before_the_first_connection_wait() {
    let mut pair = Pair::new(v5());
    pair.subscribe(&["a"]);
    pair.open();
    pair.accept(false, &[]);
    assert_eq!(pair.brief(), ["subscribe #1 a"]);
}

#[test]
fn unsubscribed_filters_are_not_subscribed_again() {
    for options in [v5(), v311()] {
        let mut pair = Pair::connected(options);
        pair.subscribe(&["a", "b"]);
        pair.send(suback(1, &[0, 0]));
        pair.session
            .unsubscribe(pair.at(), vec![TopicFilter::parse("a").unwrap()])
            .unwrap();
        assert_eq!(pair.brief(), ["subscribe #1 a b", "unsubscribe #2 a"]);
        pair.events();
        pair.send(unsuback(2, if pair.version.is_v5() { &[0] } else { &[] }));
        assert_eq!(results(&pair.event()), [("a", 0)]);
        pair.reconnect(false);
        assert_eq!(pair.brief(), ["subscribe #1 b"]);
    }
}

/// [MQTT5-3.2.2-15]
#[test]
fn a_request_is_cut_to_the_servers_maximum_packet_size() {
    let mut pair = Pair::connected_with(v5(), &[Property::MaximumPacketSize(40)]);
    let long = "x".repeat(50);
    let mut filters: Vec<String> = (0..8).map(|index| format!("filter/{index}")).collect();
    filters.insert(3, long.clone());
    let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
    pair.subscribe(&filters);
    let packets = pair.received();
    let mut asked = Vec::new();
    for packet in packets {
        assert!(packet.encoded_len(pair.version) <= 40);
        let Packet::Subscribe(subscribe) = packet else {
            panic!()
        };
        pair.send(suback(
            subscribe.packet_id.get(),
            &vec![0; subscribe.filters.len()],
        ));
        asked.extend(
            subscribe
                .filters
                .iter()
                .map(|(filter, _)| filter.as_str().to_owned()),
        );
    }
    assert_eq!(asked.len(), 8);
    let event = pair.event();
    assert_eq!(results(&event).len(), 9);
    assert!(
        results(&event).contains(&(&long, 0x95)),
        "one filter alone is too long"
    );
}

#[test]
fn what_the_server_cannot_do_is_answered_without_asking() {
    let said = [
        Property::WildcardSubscriptionAvailable(false),
        Property::SharedSubscriptionAvailable(false),
        Property::SubscriptionIdentifierAvailable(false),
    ];
    let mut pair = Pair::connected_with(v5(), &said);
    let mut asked: Vec<_> = ["a/+", "plain", "$share/g/a", "b"].map(subscription).into();
    asked.push(Subscription {
        subscription_id: Some(1),
        ..subscription("c")
    });
    pair.session.subscribe(pair.at(), asked).unwrap();
    assert_eq!(pair.brief(), ["subscribe #1 plain", "subscribe #2 b"]);
    pair.send(suback(1, &[0]));
    pair.send(suback(2, &[0]));
    let expected = [
        ("a/+", 0xA2),
        ("plain", 0),
        ("$share/g/a", 0x9E),
        ("b", 0),
        ("c", 0xA1),
    ];
    assert_eq!(results(&pair.event()), expected);
}

/// [MQTT5-4.8.2-1] [MQTT5-4.8.2-2]
#[test]
fn a_share_name_that_cannot_be_is_refused_without_asking_and_is_any_filter_in_3_1_1() {
    let wrong = ["$share//a", "$share/+/a", "$share/g", "$share/g/"];
    let mut pair = Pair::connected(v5());
    let asked = wrong
        .iter()
        .chain(&["$share/g/a"])
        .map(|filter| subscription(filter));
    pair.session.subscribe(pair.at(), asked.collect()).unwrap();
    assert_eq!(pair.brief(), ["subscribe #1 $share/g/a"]);
    pair.send(suback(1, &[0]));
    let mut expected = wrong.map(|filter| (filter, 0x8F)).to_vec();
    expected.push(("$share/g/a", 0));
    assert_eq!(results(&pair.event()), expected);

    let mut pair = Pair::connected(v311());
    pair.session
        .subscribe(pair.at(), vec![subscription("$share/g")])
        .unwrap();
    assert_eq!(pair.brief(), ["subscribe #1 $share/g"]);
}

/// [MQTT5-3.8.3-2] [MQTT5-3.8.3-4] [MQTT5-3.10.3-2]
#[test]
fn senseless_requests_are_the_callers_error() {
    let mut pair = Pair::connected(v5());
    let at = pair.at();
    assert_eq!(pair.session.subscribe(at, vec![]), Err(ApiMisuse::NoFilters));
    assert_eq!(pair.session.unsubscribe(at, vec![]), Err(ApiMisuse::NoFilters));
    let options = SubscriptionOptions {
        no_local: true,
        ..SubscriptionOptions::default()
    };
    let shared = Subscription {
        options,
        ..subscription("$share/g/a")
    };
    assert_eq!(
        pair.session.subscribe(at, vec![shared]),
        Err(ApiMisuse::NoLocalOnShared)
    );
    for id in [0, 268_435_456] {
        let it = Subscription {
            subscription_id: Some(id),
            ..subscription("a")
        };
        assert_eq!(
            pair.session.subscribe(at, vec![it]),
            Err(ApiMisuse::SubscriptionIdentifier(id))
        );
    }
}

#[test]
fn subscriptions_are_bounded() {
    let mut pair = Pair::connected(SessionOptions {
        subscriptions_maximum: 2,
        ..v5()
    });
    pair.subscribe(&["a", "b"]);
    pair.send(suback(1, &[0, 0]));
    let refused = pair.session.subscribe(pair.at(), vec![subscription("c")]);
    assert_eq!(refused, Err(ApiMisuse::TooManySubscriptions { maximum: 2 }));
    pair.subscribe(&["a"]); // a known one may be replaced
    assert_eq!(pair.session.subscriptions().len(), 2);
}

/// [MQTT5-3.8.4-6] [MQTT5-3.11.3-1]
#[test]
fn a_result_too_few_or_too_many_is_a_fault() {
    let rule = |pair: &mut Pair| match pair.event() {
        Event::Closed(ClosedReason::ServerMisbehaved(Misbehaviour::Session(rule, _))) => rule,
        other => panic!("{other:?}"),
    };
    for codes in [&[0][..], &[0, 0, 0]] {
        let mut pair = Pair::connected(v5());
        pair.subscribe(&["a", "b"]);
        pair.received();
        pair.send(suback(1, codes));
        assert_eq!(rule(&mut pair), SessionRule::ResultCount);
        assert_eq!(pair.brief(), ["disconnect 0x82"]);

        let mut pair = Pair::connected(v5());
        let filters = ["a", "b"].map(|it| TopicFilter::parse(it).unwrap()).to_vec();
        pair.session.unsubscribe(pair.at(), filters).unwrap();
        pair.send(unsuback(1, codes));
        assert_eq!(rule(&mut pair), SessionRule::UnsubscribeResultCount);
    }
}

/// [MQTT5-4.8.2-1]: such a filter was never subscribed, and does not keep the others
#[test]
fn a_share_name_that_cannot_be_does_not_keep_others_from_being_unsubscribed() {
    let filters = ["$share//a", "good", "$share/g"].map(|it| TopicFilter::parse(it).unwrap());
    let mut pair = Pair::connected(v5());
    pair.subscribe(&["good"]);
    pair.send(suback(1, &[0]));
    pair.events();
    pair.session.unsubscribe(pair.at(), filters.to_vec()).unwrap();
    assert_eq!(pair.brief(), ["subscribe #1 good", "unsubscribe #2 good"]);
    pair.send(unsuback(2, &[0]));
    let expected = [("$share//a", 0x8F), ("good", 0), ("$share/g", 0x8F)];
    assert_eq!(results(&pair.event()), expected);

    let mut pair = Pair::connected(v311());
    pair.session
        .unsubscribe(pair.at(), filters[2..].to_vec())
        .unwrap();
    assert_eq!(pair.brief(), ["unsubscribe #1 $share/g"]);
}

/// Otherwise a program that is killed now would believe that the server has what it only has asked for.
#[test]
fn an_answer_to_an_older_request_says_nothing_about_the_newer_one() {
    let mut pair = Pair::connected(v5());
    pair.subscribe(&["a", "b"]);
    let filters = vec![TopicFilter::parse("a").unwrap()];
    pair.session.unsubscribe(pair.at(), filters).unwrap();
    pair.subscribe(&["a"]);
    pair.received();
    let statuses = |pair: &Pair| -> Vec<_> { pair.session.subscriptions().map(|it| it.status).collect() };
    let granted = SubscriptionStatus::Granted(ReasonCode::SUCCESS);
    pair.send(suback(1, &[0, 0]));
    assert_eq!(statuses(&pair), [SubscriptionStatus::Requested, granted]);
    pair.send(unsuback(2, &[0]));
    pair.send(suback(3, &[0]));
    assert_eq!(statuses(&pair), [granted, granted]);
}
