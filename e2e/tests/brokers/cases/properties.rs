//! What 5.0 adds to messages.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hearth_mqtt::session::{ApplicationMessage, Event};
use hearth_mqtt::{Properties, Property, PropertyId, Qos, TopicName};

use super::{Case, Chapter, v5};
use crate::client::{message, texts};
use crate::rig::Finding::{self, Has};
use crate::rig::{Rig, granted, lacks, or_lacks};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Properties of messages",
    cases: CASES,
};

const CASES: &[Case] = &[
    v5(
        "properties",
        "pass unchanged, User Properties in their order",
        pass,
    ),
    v5("retained_properties", "are kept with a retained message", kept),
    v5(
        "expiry_counted_down",
        "Message Expiry Interval is counted down",
        counted_down,
    ),
    v5("expired", "expired messages are not delivered", expired),
    v5("request", "a request finds its response", request),
];

const GIVEN: [Property<'_>; 8] = [
    Property::PayloadFormatIndicator(1),
    Property::ContentType("application/json; charset=utf-8"),
    Property::ResponseTopic("answers/here"),
    Property::CorrelationData(b"\x00\x01\xfe\xff"),
    Property::UserProperty("b", "1"),
    Property::UserProperty("a", "grüße"),
    Property::UserProperty("b", "1"),
    Property::UserProperty("", ""),
];

/// Whether a message has these properties; the User Properties must be in this order.
pub(super) fn compare(message: &ApplicationMessage, given: &[Property<'_>]) -> Result<Finding> {
    let came: Vec<Property<'_>> = message.properties.iter().collect();
    let of = |properties: &[Property<'_>], user: bool| -> Vec<String> {
        properties
            .iter()
            .filter(|property| (property.id() == PropertyId::UserProperty) == user)
            .map(|property| format!("{property:?}"))
            .collect()
    };
    let mut others = (of(&came, false), of(given, false));
    others.0.sort();
    others.1.sort();
    if others.0 != others.1 {
        return lacks(format!("{:?} become {:?}", others.1, others.0));
    }
    if of(&came, true) != of(given, true) {
        return lacks("other User Properties, or in another order");
    }
    Ok(Has)
}

fn pass(rig: &Rig) -> Result<Finding> {
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let mut client = or_lacks!(rig.subscribed("a", &rig.topic("a"), qos)?);
        let properties = Properties::of(&GIVEN)?;
        client.publish(message(&rig.topic("a"), "{}", qos)?.with_properties(properties))?;
        let finding = compare(&client.message()?, &GIVEN)?;
        if finding != Has {
            return Ok(finding);
        }
        client.disconnect()?;
    }
    Ok(Has)
}

fn kept(rig: &Rig) -> Result<Finding> {
    let mut client = rig.connected("a")?;
    let properties = Properties::of(&GIVEN)?;
    let retained = message(&rig.topic("a"), "{}", Qos::AtLeastOnce)?.with_retain(true);
    client.publish(retained.with_properties(properties))?;
    client.subscribe(&rig.topic("a"), Qos::AtLeastOnce)?;
    compare(&client.message()?, &GIVEN)
}

/// A message with this expiry waits for a client that is away.
fn waited(rig: &Rig, expiry_s: u32, wait: Duration) -> Result<Result<Vec<ApplicationMessage>, Finding>> {
    let (mut subscriber, _) = rig.connected_with(rig.lasting_options("sub"))?;
    let code = subscriber.subscribe(&rig.topic("a"), Qos::AtLeastOnce)?;
    if let Err(finding) = granted(code, Qos::AtLeastOnce) {
        return Ok(Err(finding));
    }
    subscriber.cut();
    let mut publisher = rig.connected("pub")?;
    let properties = Properties::of(&[Property::MessageExpiryInterval(expiry_s)])?;
    publisher.publish(message(&rig.topic("a"), "x", Qos::AtLeastOnce)?.with_properties(properties))?;
    publisher.pass_time(wait)?;
    subscriber.connect()?;
    publisher.publish(message(&rig.topic("a"), "last", Qos::AtLeastOnce)?)?;
    // Some brokers send what waited after what is new.
    let mut came = subscriber.different_messages(2)?;
    came.retain(|message| message.payload != "last");
    Ok(Ok(came))
}

fn counted_down(rig: &Rig) -> Result<Finding> {
    let came = or_lacks!(waited(rig, 100, Duration::from_millis(2_100))?);
    ensure!(texts(&came) == ["x"], "{came:?} came");
    let left = came
        .first()
        .and_then(|message| message.properties.message_expiry_interval());
    match left {
        Some(50..=98) => Ok(Has),
        Some(100) => lacks("stays as it was"),
        Some(99) => lacks("counted too slowly"),
        None => lacks("no Message Expiry Interval"),
        Some(other) => lacks(format!("{other} of 100 s left after 2 s")),
    }
}

fn expired(rig: &Rig) -> Result<Finding> {
    match or_lacks!(waited(rig, 1, Duration::from_millis(2_600))?).len() {
        0 => Ok(Has),
        _ => lacks("delivered after its time"),
    }
}

fn request(rig: &Rig) -> Result<Finding> {
    let (questions, answers) = (rig.topic("questions"), rig.topic("answers"));
    let mut server = or_lacks!(rig.subscribed("server", &questions, Qos::AtLeastOnce)?);
    let mut client = or_lacks!(rig.subscribed("client", &answers, Qos::AtLeastOnce)?);
    let ask = |client: &mut crate::client::Client, text: &str| -> Result<_> {
        let question = message(&questions, text.to_owned(), Qos::AtLeastOnce)?;
        Ok(client
            .session
            .request(client.now(), question, &TopicName::parse(&answers)?, 20_000)?)
    };
    let asked = [ask(&mut client, "1")?, ask(&mut client, "2")?];
    for id in asked {
        client.published(id)?;
    }
    // The second is answered first.
    let mut questions = [server.message()?, server.message()?];
    questions.reverse();
    for question in &questions {
        let text = [b"re ".as_slice(), &question.payload].concat();
        let answer = question.response(text).context("no Response Topic came along")?;
        server.publish(answer)?;
    }
    for (wanted, text) in asked.iter().zip(["re 1", "re 2"]) {
        let payload = client.wait("a response", |event| match event {
            Event::Response { id, message } if id == wanted => Some(message.payload.clone()),
            _ => None,
        })?;
        ensure!(payload == text, "{payload:?} answers the wrong question");
    }
    ensure!(client.session.requests() == 0 && client.messages().is_empty());
    Ok(Has)
}
