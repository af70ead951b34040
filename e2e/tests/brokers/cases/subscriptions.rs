//! SUBSCRIBE, UNSUBSCRIBE, and what 5.0 adds to subscriptions.

use anyhow::{Result, ensure};
use hearth_mqtt::session::Subscription;
use hearth_mqtt::{Qos, ReasonCode, SubscriptionOptions, TopicFilter};

use super::{Case, Chapter, both, v5};
use crate::client::{message, texts};
use crate::rig::Finding::{self, Has};
use crate::rig::{Rig, granted, lacks, or_lacks};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Subscriptions",
    cases: CASES,
};

const CASES: &[Case] = &[
    both("suback", "grants QoS 0, 1 and 2 in one SUBSCRIBE", suback),
    both(
        "wildcards",
        "`+` and `#`, neither of which matches `$` topics",
        wildcards,
    ),
    both("no_strays", "sends nothing that was not subscribed", no_strays),
    both("unsubscribe", "stops after UNSUBSCRIBE", unsubscribe),
    v5(
        "unknown_unsubscribe",
        "tells that no subscription existed (0x11)",
        unknown_unsubscribe,
    ),
    v5("subscription_ids", "Subscription Identifiers", subscription_ids),
    v5("no_local", "No Local", no_local),
    v5(
        "shared",
        "shared subscriptions: each message to one member",
        shared,
    ),
];

fn suback(rig: &Rig) -> Result<Finding> {
    let mut client = rig.connected("a")?;
    let all = [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce];
    let subscriptions = all
        .iter()
        .map(|qos| {
            let filter = TopicFilter::parse(&rig.topic(&format!("{}", qos.bits())))?;
            Ok(Subscription::new(filter, SubscriptionOptions::at_most(*qos)))
        })
        .collect::<Result<_>>()?;
    let codes = client.subscribe_all(subscriptions)?;
    ensure!(codes.len() == all.len());
    for (code, qos) in codes.into_iter().zip(all) {
        or_lacks!(granted(code, qos));
    }
    Ok(Has)
}

fn wildcards(rig: &Rig) -> Result<Finding> {
    let mut plus = or_lacks!(rig.subscribed("plus", &rig.topic("+/b"), Qos::AtMostOnce)?);
    let mut hash = or_lacks!(rig.subscribed("hash", &rig.topic("#"), Qos::AtMostOnce)?);
    let mut any = or_lacks!(rig.subscribed("any", &format!("+/{}", rig.topic("a")), Qos::AtMostOnce)?);
    let mut publisher = rig.connected("pub")?;
    for rest in ["a/b", "a/c", "/b", "a/b/c"] {
        publisher.publish(message(&rig.topic(rest), rest, Qos::AtMostOnce)?)?;
    }
    publisher.publish(message(&rig.topic("x/b"), "last", Qos::AtMostOnce)?)?;
    let came = texts(&plus.messages_before("last")?);
    ensure!(came == ["a/b", "/b"], "`+` brought {came:?}");
    let came = texts(&hash.messages_before("last")?);
    ensure!(came == ["a/b", "a/c", "/b", "a/b/c"], "`#` brought {came:?}");
    // Some brokers end a connection that publishes such a topic.
    let mut daring = rig.connected("daring")?;
    daring.submit(message(
        &format!("$x/{}", rig.topic("a")),
        "hidden",
        Qos::AtLeastOnce,
    )?)?;
    let _ = daring.all_published()?;
    publisher.publish(message(
        &format!("x/{}", rig.topic("a")),
        "last",
        Qos::AtMostOnce,
    )?)?;
    match any.messages_before("last")?.len() {
        0 => Ok(Has),
        _ => lacks("`+` matches `$x`"),
    }
}

/// A message is kept under a filter that one client has; another one has none.
fn no_strays(rig: &Rig) -> Result<Finding> {
    let mut subscriber = or_lacks!(rig.subscribed("sub", &rig.topic("a"), Qos::AtLeastOnce)?);
    let kept = |payload| {
        Ok::<_, anyhow::Error>(message(&rig.topic("a"), payload, Qos::AtLeastOnce)?.with_retain(true))
    };
    subscriber.publish(kept("kept")?)?;
    let mut other = rig.connected("other")?;
    other.ping()?;
    let came = other.messages();
    subscriber.publish(kept("")?)?;
    match came.len() {
        0 => Ok(Has),
        _ => lacks("retained messages of other clients' filters come at CONNECT"),
    }
}

fn unsubscribe(rig: &Rig) -> Result<Finding> {
    let mut client = or_lacks!(rig.subscribed("a", &rig.topic("a"), Qos::AtLeastOnce)?);
    client.subscribe(&rig.topic("b"), Qos::AtLeastOnce)?;
    client.publish(message(&rig.topic("a"), "1", Qos::AtLeastOnce)?)?;
    ensure!(client.message()?.payload == "1");
    let code = client.unsubscribe(&rig.topic("a"))?;
    ensure!(code == ReasonCode::SUCCESS, "{code}");
    client.publish(message(&rig.topic("a"), "2", Qos::AtLeastOnce)?)?;
    client.publish(message(&rig.topic("b"), "last", Qos::AtLeastOnce)?)?;
    let came = texts(&client.messages_before("last")?);
    ensure!(came.is_empty(), "{came:?} came");
    Ok(Has)
}

fn unknown_unsubscribe(rig: &Rig) -> Result<Finding> {
    let mut client = rig.connected("a")?;
    match client.unsubscribe(&rig.topic("a"))? {
        ReasonCode::NO_SUBSCRIPTION_EXISTED => Ok(Has),
        ReasonCode::SUCCESS => lacks("says success"),
        other => lacks(other.to_string()),
    }
}

/// A message that matches two subscriptions names both identifiers, in one packet or in two.
fn subscription_ids(rig: &Rig) -> Result<Finding> {
    let mut client = rig.connected("a")?;
    let options = SubscriptionOptions::at_most(Qos::AtLeastOnce);
    for (filter, id) in [("+/b", 1), ("a/+", 268_435_455)] {
        let code = client.subscribe_as(&rig.topic(filter), options, Some(id))?;
        if code.is_error() {
            return lacks(format!("refused: {code}"));
        }
    }
    client.subscribe(&rig.topic("last"), Qos::AtLeastOnce)?;
    for topic in ["a/b", "x/b", "a/x"] {
        client.publish(message(&rig.topic(topic), topic, Qos::AtLeastOnce)?)?;
    }
    client.publish(message(&rig.topic("last"), "last", Qos::AtLeastOnce)?)?;
    let came = client.messages_before("last")?;
    let ids = |payload: &str| {
        let mut ids: Vec<u32> = came
            .iter()
            .filter(|message| message.payload == payload.as_bytes())
            .flat_map(|message| message.properties.subscription_identifiers())
            .collect();
        ids.sort_unstable();
        ids
    };
    let found = [ids("a/b"), ids("x/b"), ids("a/x")];
    if found.iter().all(Vec::is_empty) {
        return lacks("no message has one");
    }
    ensure!(
        found == [vec![1, 268_435_455], vec![1], vec![268_435_455]],
        "{found:?}"
    );
    Ok(Has)
}

fn no_local(rig: &Rig) -> Result<Finding> {
    let mut client = rig.connected("a")?;
    let mut other = rig.connected("b")?;
    let options = SubscriptionOptions {
        no_local: true,
        ..SubscriptionOptions::at_most(Qos::AtLeastOnce)
    };
    let code = client.subscribe_as(&rig.topic("a"), options, None)?;
    ensure!(!code.is_error(), "{code}");
    client.publish(message(&rig.topic("a"), "own", Qos::AtLeastOnce)?)?;
    other.publish(message(&rig.topic("a"), "last", Qos::AtLeastOnce)?)?;
    match client.messages_before("last")?.len() {
        0 => Ok(Has),
        _ => lacks("the own message comes back"),
    }
}

fn shared(rig: &Rig) -> Result<Finding> {
    const COUNT: usize = 20;
    let filter = format!("$share/{}/{}", rig.case, rig.topic("a"));
    let mut members = [rig.connected("m1")?, rig.connected("m2")?];
    for member in &mut members {
        let code = member.subscribe(&filter, Qos::AtLeastOnce)?;
        if code.is_error() {
            return lacks(format!("refused: {code}"));
        }
    }
    let mut publisher = rig.connected("pub")?;
    for n in 0..COUNT {
        publisher.publish(message(&rig.topic("a"), n.to_string(), Qos::AtLeastOnce)?)?;
    }
    let mut came = Vec::new();
    for member in &mut members {
        member.ping()?;
        let messages = texts(&member.messages());
        ensure!(messages.len() < COUNT, "one member got everything");
        came.extend(messages);
    }
    came.sort_by_key(|text| text.parse::<usize>().unwrap_or(usize::MAX));
    let sent: Vec<_> = (0..COUNT).map(|n| n.to_string()).collect();
    ensure!(came == sent, "{came:?} came");
    Ok(Has)
}
