//! Request and response: 5.0, section 4.10.

use hearth_mqtt::{
    Ack, Packet, Properties, Property, PublishParts, Qos, ReasonCode, TopicName,
    session::{ApiMisuse, ApplicationMessage, Event, PublishId, SessionOptions},
};

use crate::support::{Pair, id, inbound, lasting, message, puback, v5, v311};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn to() -> TopicName {
    TopicName::parse("answers/1").unwrap()
}

/// A pair that has subscribed to the responses.
fn asking(options: SessionOptions) -> Pair {
    let mut pair = Pair::connected(options);
    pair.subscribe(&["answers/+"]);
    pair.received();
    pair
}

fn ask(pair: &mut Pair, qos: Qos) -> Result<PublishId, ApiMisuse> {
    let at = pair.at();
    pair.session.request(at, message(qos, "ask", "?"), &to(), 5_000)
}

/// The last PUBLISH that reached the server.
fn published(pair: &mut Pair) -> PublishParts {
    match pair.received().pop() {
        Some(Packet::Publish(publish)) => publish.into_parts(),
        other => panic!("{other:?}"),
    }
}

fn answer(pair: &mut Pair, topic: &str, correlation_data: &[u8]) {
    let Packet::Publish(publish) = inbound(Qos::AtMostOnce, 0, topic, false) else {
        panic!()
    };
    let mut publish = publish.into_parts();
    publish.properties = Properties::of(&[Property::CorrelationData(correlation_data)]).unwrap();
    pair.send(Packet::Publish(publish.into()));
}

#[test]
fn a_response_finds_its_request() {
    let mut pair = asking(v5());
    let first = ask(&mut pair, Qos::AtMostOnce).unwrap();
    let first_data = published(&mut pair).properties;
    let second = ask(&mut pair, Qos::AtMostOnce).unwrap();
    let second_data = published(&mut pair).properties;
    assert_eq!(first_data.response_topic(), Some("answers/1"));
    assert_ne!(first_data.correlation_data(), second_data.correlation_data());
    assert_eq!(pair.session.requests(), 2);
    pair.events();
    for (id, data) in [(second, &second_data), (first, &first_data)] {
        answer(&mut pair, "answers/1", data.correlation_data().unwrap());
        let Event::Response { id: found, message } = pair.event() else {
            panic!()
        };
        assert_eq!((found, &message.payload[..]), (id, &b"x"[..]));
    }
    assert_eq!(pair.session.requests(), 0);
    answer(&mut pair, "answers/1", first_data.correlation_data().unwrap());
    assert!(
        matches!(pair.event(), Event::Message(_)),
        "a second response is a message"
    );
}

#[test]
fn other_messages_are_no_response() {
    let mut pair = asking(v5());
    ask(&mut pair, Qos::AtMostOnce).unwrap();
    let data = published(&mut pair).properties;
    let data = data.correlation_data().unwrap();
    pair.events();
    answer(&mut pair, "answers/2", data);
    answer(&mut pair, "answers/1", b"another");
    pair.send(inbound(Qos::AtMostOnce, 0, "answers/1", false));
    let events = pair.events();
    assert!(
        events.len() == 3 && events.iter().all(|event| matches!(event, Event::Message(_))),
        "{events:?}"
    );
}

#[test]
fn a_request_without_response_times_out() {
    let mut pair = asking(v5());
    let id = ask(&mut pair, Qos::AtLeastOnce).unwrap();
    let data = published(&mut pair).properties;
    pair.send(puback(2));
    pair.events();
    assert_eq!(pair.session.poll_timeout().map(|at| at.ms), Some(5_000));
    pair.now = 4_999;
    pair.session.handle_timeout(pair.at());
    assert!(pair.events().is_empty());
    pair.now = 5_000;
    pair.session.handle_timeout(pair.at());
    assert_eq!(pair.event(), Event::RequestTimedOut { id });
    answer(&mut pair, "answers/1", data.correlation_data().unwrap());
    assert!(matches!(pair.event(), Event::Message(_)), "too late");
}

#[test]
fn a_request_outlives_a_connection() {
    let mut pair = asking(lasting(v5()));
    let id = ask(&mut pair, Qos::AtLeastOnce).unwrap();
    let data = published(&mut pair).properties;
    pair.reconnect(true);
    pair.events();
    answer(&mut pair, "answers/1", data.correlation_data().unwrap());
    assert!(matches!(pair.event(), Event::Response { id: found, .. } if found == id));
}

#[test]
fn a_request_that_is_refused_is_over() {
    let mut pair = asking(v5());
    let it = ask(&mut pair, Qos::AtLeastOnce).unwrap();
    pair.events();
    let refused = Ack::with_reason(id(2), ReasonCode::NOT_AUTHORIZED);
    pair.send(Packet::Puback(refused));
    assert!(matches!(pair.event(), Event::PublishFailed { id, .. } if id == it));
    assert_eq!(pair.session.requests(), 0);
}

#[test]
fn correlation_data_of_the_caller_are_kept() {
    let mut pair = asking(v5());
    let own = Properties::of(&[Property::CorrelationData(b"own")]).unwrap();
    let asked = message(Qos::AtMostOnce, "ask", "?").with_properties(own);
    let at = pair.at();
    let id = pair.session.request(at, asked, &to(), 5_000).unwrap();
    pair.events();
    assert_eq!(
        published(&mut pair).properties.correlation_data(),
        Some(&b"own"[..])
    );
    answer(&mut pair, "answers/1", b"own");
    assert!(matches!(pair.event(), Event::Response { id: found, .. } if found == id));
}

#[test]
fn a_request_can_be_forgotten() {
    let mut pair = asking(v5());
    let id = ask(&mut pair, Qos::AtMostOnce).unwrap();
    assert!(pair.session.forget_request(id));
    assert!(!pair.session.forget_request(id));
    pair.events();
    pair.now = 60_000;
    pair.session.handle_timeout(pair.at());
    assert!(!pair.events().contains(&Event::RequestTimedOut { id }));
}

#[test]
fn requests_that_cannot_be_answered_are_the_callers_error() {
    let mut pair = Pair::connected(v5());
    assert_eq!(
        ask(&mut pair, Qos::AtMostOnce),
        Err(ApiMisuse::ResponseTopicNotSubscribed)
    );
    let mut pair = asking(v311());
    assert!(matches!(
        ask(&mut pair, Qos::AtMostOnce),
        Err(ApiMisuse::CannotEncode(_))
    ));
    let mut pair = asking(SessionOptions {
        requests_maximum: 1,
        ..v5()
    });
    ask(&mut pair, Qos::AtMostOnce).unwrap();
    assert_eq!(
        ask(&mut pair, Qos::AtMostOnce),
        Err(ApiMisuse::TooManyRequests { maximum: 1 })
    );
    let properties = Properties::of(&[Property::ResponseTopic("mine")]).unwrap();
    let twice = message(Qos::AtMostOnce, "ask", "?").with_properties(properties);
    let mut pair = asking(v5());
    let at = pair.at();
    assert_eq!(
        pair.session.request(at, twice, &to(), 1),
        Err(ApiMisuse::PropertyNotAllowed("Response Topic"))
    );
    pair.cut();
    assert_eq!(ask(&mut pair, Qos::AtMostOnce), Err(ApiMisuse::NotConnected));
    assert_eq!(pair.session.requests(), 0);
}

#[test]
fn a_responder_copies_what_it_was_given() {
    let properties = Properties::of(&[
        Property::ResponseTopic("answers/1"),
        Property::CorrelationData(b"7"),
        Property::UserProperty("k", "v"),
    ])
    .unwrap();
    let request = message(Qos::AtLeastOnce, "ask", "?").with_properties(properties);
    let response = request.response("42").unwrap();
    let expected = Properties::of(&[Property::CorrelationData(b"7")]).unwrap();
    assert_eq!(
        response,
        ApplicationMessage::new(to(), "42")
            .with_qos(Qos::AtLeastOnce)
            .with_properties(expected)
    );
    assert_eq!(message(Qos::AtMostOnce, "a", "no request").response("x"), None);
}
