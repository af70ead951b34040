//! Retained messages.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hearth_mqtt::session::ApplicationMessage;
use hearth_mqtt::{Qos, RetainHandling, SubscriptionOptions};

use super::{Case, Chapter, both, v5};
use crate::client::{Client, message, texts};
use crate::rig::Finding::{self, Has};
use crate::rig::{Rig, lacks, or_lacks};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Retained messages",
    cases: CASES,
};

const CASES: &[Case] = &[
    both(
        "retained_qos_0",
        "kept, sent at SUBSCRIBE, cleared: QoS 0",
        |rig| kept(rig, Qos::AtMostOnce),
    ),
    both(
        "retained_qos_1",
        "kept, sent at SUBSCRIBE, cleared: QoS 1",
        |rig| kept(rig, Qos::AtLeastOnce),
    ),
    both(
        "retained_qos_2",
        "kept, sent at SUBSCRIBE, cleared: QoS 2",
        |rig| kept(rig, Qos::ExactlyOnce),
    ),
    both("retained_wildcard", "found by filters with wildcards", wildcard),
    both(
        "live_is_not_retained",
        "RETAIN is 0 for those who are subscribed already",
        live,
    ),
    both(
        "again_at_subscribe",
        "sent again when a filter is subscribed again",
        again,
    ),
    v5(
        "retain_handling_1",
        "Retain Handling 1: only to new subscriptions",
        only_if_new,
    ),
    v5(
        "retain_handling_2",
        "Retain Handling 2: never at SUBSCRIBE",
        never,
    ),
    v5("retain_as_published", "Retain As Published", as_published),
];

fn kept(rig: &Rig, qos: Qos) -> Result<Finding> {
    let topic = rig.topic("a");
    let mut publisher = rig.connected("pub")?;
    publisher.publish(message(&topic, "old", qos)?.with_retain(true))?;
    publisher.publish(message(&topic, "kept", qos)?.with_retain(true))?;
    let is_kept = |came: &[ApplicationMessage]| texts(came) == ["kept"];
    let came = or_lacks!(sent_at_subscribe(rig, &topic, &topic, qos, is_kept)?);
    if came.is_empty() {
        return lacks("nothing is kept");
    }
    ensure!(is_kept(&came), "{came:?} came");
    for message in came {
        ensure!(message.retain, "it is not marked");
        if message.qos != qos {
            return lacks(format!("arrives with QoS {}", message.qos.bits()));
        }
    }
    publisher.publish(message(&topic, "", qos)?.with_retain(true))?;
    let came = or_lacks!(sent_at_subscribe(rig, &topic, &topic, qos, <[_]>::is_empty)?);
    ensure!(came.is_empty(), "after it was cleared {came:?} came");
    Ok(Has)
}

/// What a new subscriber gets. Some brokers acknowledge before they keep: asks again until `enough`, or for a while.
pub(super) fn sent_at_subscribe(
    rig: &Rig,
    filter: &str,
    other_topic: &str,
    qos: Qos,
    enough: impl Fn(&[ApplicationMessage]) -> bool,
) -> Result<Result<Vec<ApplicationMessage>, Finding>> {
    let until = Instant::now() + Duration::from_secs(10);
    let mut connections = 0;
    loop {
        connections += 1;
        // RabbitMQ may close a connection, or lose its subscription, whose client id was in use a moment ago.
        let mut subscriber = match rig.subscribed(&format!("late-{connections}"), filter, qos)? {
            Ok(subscriber) => subscriber,
            Err(finding) => return Ok(Err(finding)),
        };
        subscriber.publish(message(other_topic, "last", qos)?)?;
        let mut came = subscriber.messages_before("last")?;
        came.extend(subscriber.messages());
        subscriber.disconnect()?;
        if enough(&came) || Instant::now() > until {
            return Ok(Ok(came));
        }
    }
}

fn wildcard(rig: &Rig) -> Result<Finding> {
    let mut publisher = rig.connected("pub")?;
    for rest in ["a/b", "c/d"] {
        publisher.publish(message(&rig.topic(rest), rest, Qos::AtLeastOnce)?.with_retain(true))?;
    }
    let both = |came: &[ApplicationMessage]| came.len() == 2;
    let came = sent_at_subscribe(rig, &rig.topic("+/+"), &rig.topic("e/f"), Qos::AtLeastOnce, both)?;
    let mut came = texts(&or_lacks!(came));
    came.sort_unstable();
    for rest in ["a/b", "c/d"] {
        clear(&mut publisher, &rig.topic(rest))?;
    }
    if came.is_empty() {
        return lacks("only by the exact topic");
    }
    ensure!(came == ["a/b", "c/d"], "{came:?} came");
    Ok(Has)
}

fn live(rig: &Rig) -> Result<Finding> {
    let mut subscriber = or_lacks!(rig.subscribed("sub", &rig.topic("a"), Qos::AtLeastOnce)?);
    let mut publisher = rig.connected("pub")?;
    publisher.publish(message(&rig.topic("a"), "x", Qos::AtLeastOnce)?.with_retain(true))?;
    let came = subscriber.message()?;
    clear(&mut publisher, &rig.topic("a"))?;
    match came.retain {
        false => Ok(Has),
        true => lacks("RETAIN is 1"),
    }
}

/// Asks for a kept message by SUBSCRIBE, by SUBSCRIBE with the same options again, and by UNSUBSCRIBE and SUBSCRIBE.
fn at_subscribe(rig: &Rig, retain_handling: RetainHandling, wanted: [usize; 3]) -> Result<Finding> {
    let topic = rig.topic("a");
    let mut publisher = rig.connected("pub")?;
    publisher.publish(message(&topic, "kept", Qos::AtLeastOnce)?.with_retain(true))?;
    let is_kept = |came: &[ApplicationMessage]| !came.is_empty();
    let _ = sent_at_subscribe(rig, &topic, &topic, Qos::AtLeastOnce, is_kept)?;
    let mut subscriber = rig.connected("sub")?;
    subscriber.subscribe(&rig.topic("b"), Qos::AtLeastOnce)?;
    // amqtt sends something already now.
    subscriber.ping()?;
    subscriber.messages();
    let options = SubscriptionOptions {
        retain_handling,
        ..SubscriptionOptions::at_most(Qos::AtLeastOnce)
    };
    let mut found = [0; 3];
    for (step, (found, wanted)) in found.iter_mut().zip(wanted).enumerate() {
        if step == 2 {
            subscriber.unsubscribe(&topic)?;
        }
        let code = subscriber.subscribe_as(&topic, options, None)?;
        ensure!(!code.is_error(), "{code}");
        publisher.publish(message(&rig.topic("b"), "last", Qos::AtLeastOnce)?)?;
        // The kept one may come after the new one.
        let came = texts(&subscriber.different_messages(wanted + 1)?);
        *found = came.iter().filter(|text| *text == "kept").count();
    }
    clear(&mut publisher, &topic)?;
    if found == wanted {
        return Ok(Has);
    }
    lacks(match found {
        [1, 0, 1] => "only after UNSUBSCRIBE".to_owned(),
        [1, 1, 1] => "always".to_owned(),
        [0, 0, 0] => "never".to_owned(),
        other => format!("{other:?}"),
    })
}

fn clear(publisher: &mut Client, topic: &str) -> Result<()> {
    publisher.publish(message(topic, "", Qos::AtLeastOnce)?.with_retain(true))?;
    Ok(())
}

fn again(rig: &Rig) -> Result<Finding> {
    at_subscribe(rig, RetainHandling::SendAtSubscribe, [1, 1, 1])
}

fn only_if_new(rig: &Rig) -> Result<Finding> {
    at_subscribe(rig, RetainHandling::SendAtSubscribeIfNew, [1, 0, 1])
}

fn never(rig: &Rig) -> Result<Finding> {
    at_subscribe(rig, RetainHandling::DoNotSend, [0, 0, 0])
}

fn as_published(rig: &Rig) -> Result<Finding> {
    let mut subscriber = rig.connected("sub")?;
    let options = SubscriptionOptions {
        retain_as_published: true,
        ..SubscriptionOptions::at_most(Qos::AtLeastOnce)
    };
    subscriber.subscribe_as(&rig.topic("a"), options, None)?;
    let mut publisher = rig.connected("pub")?;
    for retain in [true, false] {
        publisher.publish(message(&rig.topic("a"), "x", Qos::AtLeastOnce)?.with_retain(retain))?;
    }
    let flags = [subscriber.message()?.retain, subscriber.message()?.retain];
    match flags {
        [true, false] => Ok(Has),
        [false, false] => lacks("RETAIN is 0"),
        other => lacks(format!("{other:?}")),
    }
}
