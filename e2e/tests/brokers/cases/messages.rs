//! Messages there and back, at every QoS.

use anyhow::{Context, Result, bail, ensure};
use hearth_mqtt::{Bytes, Qos, ReasonCode};

use super::{Case, Chapter, both, v5};
use crate::client::{message, texts};
use crate::rig::Finding::{self, Has};
use crate::rig::{Rig, lacks, or_lacks};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Messages",
    cases: CASES,
};

const CASES: &[Case] = &[
    both("qos_0", "QoS 0 there and back", |rig| {
        there_and_back(rig, Qos::AtMostOnce)
    }),
    both("qos_1", "QoS 1 there and back", |rig| {
        there_and_back(rig, Qos::AtLeastOnce)
    }),
    both("qos_2", "QoS 2 there and back", |rig| {
        there_and_back(rig, Qos::ExactlyOnce)
    }),
    both("qos_2_to_server", "takes QoS 2 as QoS 2", qos_2_to_server),
    both("large_qos_0", "256 KiB at QoS 0", |rig| {
        large(rig, Qos::AtMostOnce)
    }),
    both("large_qos_1", "256 KiB at QoS 1", |rig| {
        large(rig, Qos::AtLeastOnce)
    }),
    both("large_qos_2", "256 KiB at QoS 2", |rig| {
        large(rig, Qos::ExactlyOnce)
    }),
    both("burst_qos_0", "500 messages at QoS 0, all and in order", |rig| {
        burst(rig, Qos::AtMostOnce)
    }),
    both("burst_qos_1", "500 messages at QoS 1, all and in order", |rig| {
        burst(rig, Qos::AtLeastOnce)
    }),
    both("burst_qos_2", "500 messages at QoS 2, all and in order", |rig| {
        burst(rig, Qos::ExactlyOnce)
    }),
    both("dots", "a dot in a topic stays a dot", dots),
    both(
        "lower_qos",
        "delivers with the subscription's QoS if it is lower",
        lower_qos,
    ),
    v5(
        "nobody_listens",
        "tells a publisher that nobody listens (0x10)",
        nobody_listens,
    ),
];

/// Text, nothing, every byte: each comes once and unchanged.
fn there_and_back(rig: &Rig, qos: Qos) -> Result<Finding> {
    let topic = rig.topic("a");
    let mut subscriber = or_lacks!(rig.subscribed("sub", &topic, qos)?);
    let mut publisher = rig.connected("pub")?;
    let payloads = [
        Bytes::from("grüße"),
        Bytes::new(),
        (0..=u8::MAX).collect::<Vec<u8>>().into(),
    ];
    for payload in &payloads {
        let code = publisher.publish(message(&topic, payload.clone(), qos)?)?;
        ensure!(!code.is_error(), "refused: {code}");
    }
    publisher.publish(message(&topic, "last", qos)?)?;
    let came = subscriber.messages_before("last")?;
    ensure!(came.len() == payloads.len(), "{} messages came", came.len());
    for (came, payload) in came.iter().zip(&payloads) {
        ensure!(came.payload == payload, "another payload");
        ensure!(came.topic.as_str() == topic && !came.retain && !came.dup);
        if came.qos != qos {
            return lacks(format!("arrives with QoS {}", came.qos.bits()));
        }
    }
    publisher.disconnect()?;
    subscriber.ping()?;
    ensure!(
        subscriber.session.unreleased() == 0,
        "a QoS 2 exchange did not end"
    );
    subscriber.disconnect()?;
    Ok(Has)
}

/// What a publisher hears and a subscriber gets, whatever QoS that one was granted.
fn qos_2_to_server(rig: &Rig) -> Result<Finding> {
    let mut subscriber = rig.connected("sub")?;
    subscriber.subscribe(&rig.topic("a"), Qos::ExactlyOnce)?;
    let mut publisher = rig.connected("pub")?;
    let code = publisher.publish(message(&rig.topic("a"), "x", Qos::ExactlyOnce)?)?;
    ensure!(subscriber.message()?.payload == "x");
    match code {
        ReasonCode::SUCCESS => Ok(Has),
        ReasonCode::GRANTED_QOS_1 => lacks("taken as QoS 1"),
        other => bail!("{other}"),
    }
}

fn large(rig: &Rig, qos: Qos) -> Result<Finding> {
    let topic = rig.topic("a");
    let payload: Bytes = (0..=u8::MAX).cycle().take(256 * 1024).collect::<Vec<u8>>().into();
    let mut subscriber = or_lacks!(rig.subscribed("sub", &topic, qos)?);
    let mut publisher = rig.connected("pub")?;
    for _ in 0..3 {
        publisher.publish(message(&topic, payload.clone(), qos)?)?;
        ensure!(subscriber.message()?.payload == payload, "another payload");
    }
    publisher.disconnect()?;
    subscriber.disconnect()?;
    Ok(Has)
}

fn burst(rig: &Rig, qos: Qos) -> Result<Finding> {
    const COUNT: usize = 500;
    let topic = rig.topic("a");
    let mut subscriber = or_lacks!(rig.subscribed("sub", &topic, qos)?);
    let mut publisher = rig.connected("pub")?;
    let ids: Vec<_> = (0..COUNT)
        .map(|n| publisher.submit(message(&topic, n.to_string(), qos)?))
        .collect::<Result<_>>()?;
    publisher.published(*ids.last().context("no message")?)?;
    publisher.publish(message(&topic, "last", qos)?)?;
    let came = texts(&subscriber.messages_before("last")?);
    let sent: Vec<_> = (0..COUNT).map(|n| n.to_string()).collect();
    if came == sent {
        return Ok(Has);
    }
    let missing = sent.iter().filter(|it| !came.contains(it)).count();
    ensure!(missing > 0 || came.len() > COUNT, "out of order: {came:?}");
    lacks(if missing > 0 {
        "messages are lost"
    } else {
        "messages come twice"
    })
}

fn dots(rig: &Rig) -> Result<Finding> {
    let mut client = or_lacks!(rig.subscribed("a", &rig.topic("#"), Qos::AtLeastOnce)?);
    client.publish(message(&rig.topic("a.b"), "x", Qos::AtLeastOnce)?)?;
    let came = client.message()?;
    if came.topic.as_str() == rig.topic("a.b") {
        return Ok(Has);
    }
    lacks(format!(
        "`a.b` becomes `{}`",
        came.topic.as_str().trim_start_matches(&rig.topic(""))
    ))
}

fn lower_qos(rig: &Rig) -> Result<Finding> {
    let topic = rig.topic("a");
    let mut subscriber = or_lacks!(rig.subscribed("sub", &topic, Qos::AtMostOnce)?);
    let mut publisher = rig.connected("pub")?;
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
        publisher.publish(message(&topic, "x", qos)?)?;
        ensure!(subscriber.message()?.qos == Qos::AtMostOnce);
    }
    Ok(Has)
}

fn nobody_listens(rig: &Rig) -> Result<Finding> {
    let mut publisher = rig.connected("pub")?;
    // At QoS 2 it may be too early to say at PUBREC.
    match publisher.publish(message(&rig.topic("a"), "x", Qos::AtLeastOnce)?)? {
        ReasonCode::NO_MATCHING_SUBSCRIBERS => Ok(Has),
        ReasonCode::SUCCESS => lacks("says success"),
        other => bail!("{other}"),
    }
}
